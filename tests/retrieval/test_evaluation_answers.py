"""What `workside eval` says of a voice, with numbers that can be told by hand."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.coach.measured import MeasuredComposer
from retrieval import HashingEmbedder, Hit, Passage, Sufficiency
from retrieval.evaluation import Quotation, VoicedAnswer, VoicedSentence, evaluate

REFUNDS = "Parcels are counted at noon. A refund is paid within fourteen days of the return."
BADGE = "Visitors wear a yellow badge. They are met at the front desk."


def write(path: Path, *records: dict[str, object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


@pytest.fixture
def pack(tmp_path: Path) -> Path:
    root = tmp_path / "pack"
    write(
        root / "a_retrieval/office/corpus.jsonl",
        {"passage_id": "refunds", "lang": "en", "text": REFUNDS},
        {"passage_id": "badge", "lang": "en", "text": BADGE},
    )
    start = REFUNDS.index("fourteen")
    refund = {"passage_id": "refunds", "start": start, "end": start + len("fourteen days")}
    questions: list[dict[str, object]] = [
        {
            "question": "When is a refund paid?",
            "label": "answerable",
            "relevant_passage_ids": ["refunds"],
            "answers": [refund],
        },
        {
            "question": "What do visitors wear?",
            "label": "answerable",
            "relevant_passage_ids": ["badge"],
            "answers": [{"passage_id": "badge", "start": 0, "end": 28}],
        },
        {"question": "Who repairs the bicycles?", "label": "unanswerable"},
    ]
    for part in ("a_retrieval", "b_answerability", "d_multilingual"):
        named = [{"qid": f"q{n}", "corpus": "a_retrieval/office", **one} for n, one in enumerate(questions)]
        write(root / part / "office/queries.jsonl", *named)
    return root


class Reciter:
    """Answers every question with the first sentence of the passage on refunds, then all of it; lies about the second."""

    def compose(self, question: str, hits: Sequence[Hit], sufficiency: Sufficiency) -> VoicedAnswer:
        if "bicycles" in question:
            return VoicedAnswer("not_covered", ())
        passage = next(hit.passage for hit in hits if hit.passage.text == REFUNDS)
        first = VoicedSentence("Parcels are counted at noon.", (Quotation(passage, 0, 28),), True)
        second = VoicedSentence("Refunds are quick.", (Quotation(passage, 29, len(REFUNDS)),), True)
        return VoicedAnswer("covered", (first, second))

    def confirms(self, sentence: str, passages: Sequence[Passage]) -> bool:
        return all(sentence in passage.text for passage in passages)


def test_a_voice_is_measured_by_what_its_sentences_cite(pack: Path, tmp_path: Path) -> None:
    report = evaluate(pack, HashingEmbedder(), tmp_path / "cache", only=["a", "b", "d"], voice=Reciter())
    rows = {row.name: row.numbers for row in report.rows if row.set.endswith("/answers")}
    assert set(rows) == {
        f"{part}/office/answers" for part in ("a_retrieval", "b_answerability", "d_multilingual")
    }
    for numbers in rows.values():
        assert numbers == {
            "answerable": 2,
            "unanswerable": 1,
            "answered": 1.0,
            "false_answered": 0.0,
            "first_right": 0.0,  # "Parcels are counted" holds neither answer
            "any_right": 0.5,  # the second sentence cites the refund's, and the badge's is never cited
            "citations": 4,
            "right_citations": 0.5,
            "sentences": 4,
            "verified": 1.0,
            "confirmed": 0.5,  # a voice's own word for it does not count
            "characters": 46.0,
        }


def test_the_composer_quotes_and_every_quotation_is_confirmed(pack: Path, tmp_path: Path) -> None:
    report = evaluate(
        pack, HashingEmbedder(), tmp_path / "cache", only=["b"], chunking="own", voice=MeasuredComposer()
    )
    (row,) = [row for row in report.rows if row.set.endswith("/answers")]
    assert row.numbers["answerable"] == 2
    assert row.numbers["verified"] == row.numbers["confirmed"] == 1.0
    assert row.numbers["any_right"] == 1.0


def test_without_a_voice_nothing_is_answered(pack: Path, tmp_path: Path) -> None:
    report = evaluate(pack, HashingEmbedder(), tmp_path / "cache", only=["b"])
    assert not [row for row in report.rows if row.set.endswith("/answers")]
