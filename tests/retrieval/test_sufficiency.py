"""The gate, by words alone here; docs/decisions/0003-embedded-retrieval.md has its rates with the real model."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retrieval import Retrieval, Scope
from tests.retrieval.conftest import HANDBOOK

Upload = Callable[..., str]


@pytest.mark.parametrize(
    ("question", "verdict"),
    [
        ("How many photos do I ask the customer for?", "covered"),
        ("How do I greet a caller?", "covered"),
        ("What is the parental leave of part-time staff?", "not_covered"),
        ("Who won the football game yesterday?", "not_covered"),
    ],
)
def test_the_verdict(retrieval: Retrieval, scope: Scope, upload: Upload, question: str, verdict: str) -> None:
    upload("handbook.md", HANDBOOK)
    judged = retrieval.judge(question, retrieval.search(question, scope))
    assert judged.verdict == verdict, judged
    assert 0 <= judged.score <= 1


def test_nothing_found_is_not_covered(retrieval: Retrieval) -> None:
    assert retrieval.judge("Anything?", []).verdict == "not_covered"


def test_missing_words_are_told(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    upload("handbook.md", HANDBOOK)
    question = "How many photos of a zebra?"
    judged = retrieval.judge(question, retrieval.search(question, scope))
    assert "zebra" in judged.missing
    assert "photos" not in judged.missing


def test_an_unknown_name_counts_against(retrieval: Retrieval, scope: Scope, upload: Upload) -> None:
    upload("handbook.md", HANDBOOK)

    def score(question: str) -> float:
        return retrieval.judge(question, retrieval.search(question, scope)).score

    assert score("Do I open a case in Deskbook?") > score("Do I open a case in Salesforce?")
