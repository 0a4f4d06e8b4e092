"""The table of conformance cases: what must hold, which tests prove it, and what they say.

    python -m tests.conformance.table            runs those tests, prints case, verdict and tests, writes docs/conformance.md
    python -m tests.conformance.table --list     prints the cases and their tests without running them

Exits with 1 where a case has no test, a test names no case, or a test fails. The cases are in cases.toml; a test belongs to the
cases that its name begins with: test_case_27_28_... to both, test_matrix_409_... to that row of the response matrix.
"""

from __future__ import annotations

import argparse
import ast
import sys
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
TESTS = ROOT / "tests"
PREFIXES = ("test_case_", "test_matrix_")


@dataclass(frozen=True)
class Case:
    """One line of the table. `key` is a case's number or a row's status; `names` are the words in tests' names that mean it."""

    key: str
    part: str
    holds: str
    names: frozenset[str]
    is_row: bool = False


@dataclass(frozen=True)
class Proof:
    """A test: its file relative to tests/, its function, the words of its name that say what it proves."""

    file: str
    name: str
    words: tuple[str, ...]

    def proves(self, case: Case) -> bool:
        is_row = self.name.startswith("test_matrix_")
        return is_row == case.is_row and not case.names.isdisjoint(self.words)


@dataclass
class Verdicts:
    """A plugin that notes what became of each test function: passed where all of its variants passed, in every phase."""

    outcomes: dict[tuple[str, str], str] = field(default_factory=dict)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        file, _, rest = report.nodeid.removeprefix("tests/").partition("::")
        key = (file, rest.partition("[")[0])
        if report.outcome != "passed":
            self.outcomes[key] = report.outcome
        elif report.when == "call":
            self.outcomes.setdefault(key, "passed")


@cache
def parts() -> dict[str, str]:
    """The parts' letters and titles, in order."""
    document = tomllib.loads((TESTS / "conformance" / "cases.toml").read_text(encoding="utf-8"))
    return {letter: part["title"] for letter, part in document["parts"].items()}


@cache
def cases() -> tuple[Case, ...]:
    """All cases by number, then the rows of the matrix."""
    document = tomllib.loads((TESTS / "conformance" / "cases.toml").read_text(encoding="utf-8"))
    numbered = [
        Case(number, letter, holds, frozenset({number, number.zfill(2)}))
        for letter, part in document["parts"].items()
        for number, holds in part["cases"].items()
    ]
    rows = [
        Case(row["status"], "", row["holds"], frozenset(row["names"]), True) for row in document["matrix"]
    ]
    return (*sorted(numbered, key=lambda case: int(case.key)), *rows)


@cache
def proofs() -> tuple[Proof, ...]:
    """Every test under tests/ whose name says that it proves a case, in order of file and line."""
    found = []
    for path in sorted(TESTS.rglob("test_*.py")):
        for name in _tests_of(ast.parse(path.read_bytes())):
            if name.startswith(PREFIXES):
                words = name.split("_")[2:]
                known = {word for case in cases() for word in case.names}
                leading = tuple(_while(words, known))
                found.append(Proof(path.relative_to(TESTS).as_posix(), name, leading))
    return tuple(found)


def _tests_of(tree: ast.Module) -> Iterator[str]:
    """The names of what pytest collects: functions of the module and of its Test classes."""
    for node in tree.body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name
        elif isinstance(node, ast.ClassDef) and node.name.startswith("Test"):
            yield from _tests_of(ast.Module(node.body, []))


def _while(words: Sequence[str], known: Iterable[str]) -> Iterator[str]:
    for word in words:
        if word not in known:
            return
        yield word


def proofs_of(case: Case) -> list[Proof]:
    return [proof for proof in proofs() if proof.proves(case)]


def without_a_test() -> list[str]:
    """The cases and rows that nothing proves."""
    return [_named(case) for case in cases() if not proofs_of(case)]


def without_a_case() -> list[str]:
    """Tests whose names promise a case that is none, and names that only look like a case's."""
    strays = [proof for proof in proofs() if not any(proof.proves(case) for case in cases())]
    return [f"{proof.file}::{proof.name}" for proof in strays]


def _named(case: Case) -> str:
    return f"matrix {case.key}" if case.is_row else f"case {case.key}"


def page_part() -> str:
    """What docs/conformance.md says between its marks: no verdict, since a page that is right today has none of yesterday."""
    lines: list[str] = []
    for letter, title in [*parts().items(), ("", "The response matrix")]:
        lines += [f"## {letter}. {title}" if letter else f"## {title}", ""]
        lines += [f"| {'case' if letter else 'answer'} | what must hold | proved by |", "|---|---|---|"]
        for case in cases():
            if case.part == letter:
                lines.append(f"| {case.key} | {case.holds} | {_shown(proofs_of(case))} |")
        lines.append("")
    return "\n".join(lines).rstrip()


def _shown(found: Sequence[Proof]) -> str:
    by_file: dict[str, list[str]] = {}
    for proof in found:
        by_file.setdefault(proof.file, []).append(proof.name)
    return "<br>".join(
        f"`{file}`: " + ", ".join(f"`{name}`" for name in names) for file, names in by_file.items()
    )


def _run() -> Verdicts:
    """Runs every test that proves a case; the output is pytest's own."""
    verdicts = Verdicts()
    files = sorted({f"tests/{proof.file}" for proof in proofs()})
    pytest.main([*files, "-k", " or ".join(PREFIXES), "-q", "--no-header"], plugins=[verdicts])
    return verdicts


def _verdict(found: Sequence[Proof], verdicts: Verdicts) -> str:
    """Of a case: passed where each of its tests ran and passed."""
    outcomes = {verdicts.outcomes.get((proof.file, proof.name), "not run") for proof in found}
    if not outcomes:
        return "NO TEST"
    return "passed" if outcomes == {"passed"} else ", ".join(sorted(outcomes - {"passed"})).upper()


def _print_table(verdicts: Verdicts | None) -> bool:
    """Prints the table; returns whether all is well."""
    counted: Counter[str] = Counter()
    for case in cases():
        found = proofs_of(case)
        verdict = _verdict(found, verdicts) if verdicts is not None else "listed" if found else "NO TEST"
        counted[verdict] += 1
        print(f"{_named(case):16} {verdict:10} {case.holds}")
        for proof in found:
            outcome = verdicts.outcomes.get((proof.file, proof.name), "not run") if verdicts else ""
            print(f"{'':27} {outcome:8} {proof.file}::{proof.name}".rstrip())
    for stray in without_a_case():
        print(f"names no case:   {stray}")
    print(", ".join(f"{number} {verdict}" for verdict, number in counted.most_common()))
    return set(counted) <= {"passed", "listed"} and not without_a_case()


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--list", action="store_true", help="only say which tests prove what")
    is_list = parser.parse_args().list
    is_well = _print_table(None if is_list else _run())
    if not is_list:
        from tests.docs.generated import write_part

        write_part("conformance.md", "cases")
    return 0 if is_well else 1


if __name__ == "__main__":
    sys.exit(main())
