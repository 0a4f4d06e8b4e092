"""Every case of the conformance list has a test, every test of a case has a case, and the table can tell."""

from __future__ import annotations

import re

import pytest

from tests.conformance import table
from tests.conformance.table import Case, Proof, Verdicts


def test_every_case_has_a_test() -> None:
    assert table.without_a_test() == []


def test_every_test_of_a_case_names_one_that_there_is() -> None:
    assert table.without_a_case() == []


def test_no_test_says_cases_where_the_table_looks_for_case() -> None:
    names = re.findall(
        r"(?m)^def (test_cases_\w+)",
        "\n".join(path.read_text(encoding="utf-8") for path in table.TESTS.rglob("test_*.py")),
    )
    assert names == []


def test_the_list_is_whole() -> None:
    numbers = [int(case.key) for case in table.cases() if not case.is_row]
    assert numbers == list(range(1, 124))
    assert {case.part for case in table.cases() if not case.is_row} == set(table.parts())
    statuses = [name for case in table.cases() if case.is_row for name in case.names]
    assert len(statuses) == len(set(statuses)) and {"400", "401", "403", "404", "409", "422", "429"} <= set(
        statuses
    )


CASE = Case("7", "A", "x", frozenset({"7", "07"}))
ROW = Case("409", "", "x", frozenset({"409"}), True)


@pytest.mark.parametrize(
    ("name", "words", "proves_case", "proves_row"),
    [
        ("test_case_07_x", ("07",), True, False),
        ("test_case_6_7_x", ("6", "7"), True, False),
        ("test_case_70_x", ("70",), False, False),
        ("test_matrix_409_x", ("409",), False, True),
        ("test_case_409_x", ("409",), False, False),
        ("test_matrix_7_x", ("7",), False, False),
    ],
)
def test_a_name_proves_what_it_begins_with(
    name: str, words: tuple[str, ...], proves_case: bool, proves_row: bool
) -> None:
    proof = Proof("a.py", name, words)
    assert (proof.proves(CASE), proof.proves(ROW)) == (proves_case, proves_row)


def test_a_verdict_is_good_only_where_every_test_ran_and_passed() -> None:
    found = [Proof("a.py", "test_case_7_a", ("7",)), Proof("a.py", "test_case_7_b", ("7",))]
    good = {("a.py", "test_case_7_a"): "passed", ("a.py", "test_case_7_b"): "passed"}
    assert table._verdict(found, Verdicts(good)) == "passed"
    assert table._verdict(found, Verdicts({**good, ("a.py", "test_case_7_b"): "failed"})) == "FAILED"
    assert table._verdict(found, Verdicts({("a.py", "test_case_7_a"): "passed"})) == "NOT RUN"
    assert table._verdict([], Verdicts(good)) == "NO TEST"


def test_the_table_fails_where_something_is_missing(capsys: pytest.CaptureFixture[str]) -> None:
    everything = {(proof.file, proof.name): "passed" for proof in table.proofs()}
    assert table._print_table(Verdicts(everything))
    assert not table._print_table(Verdicts({}))
    assert "NOT RUN" in capsys.readouterr().out
