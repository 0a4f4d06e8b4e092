"""Short answers: order of scores, labels, what makes them unsure; no numbers of a data set."""

from __future__ import annotations

import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retrieval.languages import words
from retrieval.short_answers import assess_answer

QUESTION = "Why must a customer send photos of a damaged parcel?"
REFERENCES = [
    "The photos prove the damage, so that the claims desk can decide whether the carrier pays a refund within 14 days."
]
GOOD = "They prove the damage: the claims desk then decides if the carrier pays the refund within 14 days."
SOME = "The photos prove the damage."
OFF = "Because the weather was nice and everyone likes holidays."


class SharedWords:
    """An embedder of the packaged model's name: texts of the same words lie together, and all lie in one corner."""

    identity = "multilingual-e5-small/test"
    dimensions = 257

    def embed_queries(self, texts: list[str]) -> np.ndarray:
        rows = np.zeros((len(texts), 257), np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in words(text):
                row[zlib.crc32(word.encode()) % 256] += 1
            row /= max(1.0, float(np.linalg.norm(row)))
            row[256] = 1.8
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    embed_passages = embed_queries

    def count_tokens(self, text: str) -> int:
        return len(text.split())


@pytest.mark.parametrize("embedder", [None, SharedWords()])
def test_a_fuller_answer_scores_higher(embedder: SharedWords | None) -> None:
    full, some, off = (
        assess_answer(QUESTION, REFERENCES, answer, embedder).score for answer in (GOOD, SOME, OFF)
    )
    assert full > some > off


@pytest.mark.parametrize(
    ("question", "reference", "good", "off"),
    [
        ("¿Por qué se piden fotos?", "Las fotos prueban el daño y permiten decidir el reembolso.",
         "Porque prueban el daño y así se decide el reembolso.", "Porque hace buen tiempo."),
        ("Por que pedimos fotos?", "As fotos provam o dano e permitem decidir o reembolso.",
         "Elas provam o dano e permitem decidir o reembolso.", "Porque o dia está bonito."),
        ("Warum brauchen wir Fotos?", "Die Fotos belegen den Schaden, damit über die Erstattung entschieden wird.",
         "Sie belegen den Schaden, damit man über die Erstattung entscheiden kann.", "Weil das Wetter schön ist."),
        ("Pourquoi demander des photos ?", "Les photos prouvent le dommage et permettent de décider du remboursement.",
         "Elles prouvent le dommage et permettent de décider du remboursement.", "Parce qu'il fait beau."),
    ],
)  # fmt: skip
def test_other_languages(question: str, reference: str, good: str, off: str) -> None:
    assert assess_answer(question, [reference], good).score > assess_answer(question, [reference], off).score


def test_the_nearest_reference_counts() -> None:
    other = [*REFERENCES, "Nothing is paid without evidence."]
    alone = assess_answer(QUESTION, other[1:], "No evidence, nothing is paid.").score
    assert assess_answer(QUESTION, REFERENCES, "No evidence, nothing is paid.").score < alone


def test_an_empty_answer_is_surely_wrong() -> None:
    for answer in ("", "  …  "):
        found = assess_answer(QUESTION, REFERENCES, answer)
        assert (found.score, found.label, found.for_a_person) == (0.0, "incorrect", False)


def test_the_repeated_question_is_no_answer() -> None:
    assert (
        assess_answer(QUESTION, REFERENCES, QUESTION).score < assess_answer(QUESTION, REFERENCES, GOOD).score
    )


def test_unsure_answers_are_for_a_person() -> None:
    found = assess_answer(
        QUESTION, REFERENCES, "It is about the desk and 99 photos, I think, not the carrier."
    )
    assert found.for_a_person
    assert found.confidence < 0.7


def test_a_reference_is_needed() -> None:
    with pytest.raises(ValueError, match="reference"):
        assess_answer(QUESTION, ["", " - "], GOOD)


@given(st.text(), st.text(min_size=1), st.text())
def test_any_texts_give_a_score(question: str, reference: str, answer: str) -> None:
    try:
        found = assess_answer(question, [reference], answer)
    except ValueError:
        return
    assert 0 <= found.score <= 1 and 0 <= found.confidence <= 1
    assert found.label in ("correct", "partly", "incorrect")
