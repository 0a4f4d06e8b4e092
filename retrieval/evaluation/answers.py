"""Parts a, b and d once more with a voice: are the answers that it composes right, and do their citations hold?

The voice is the caller's: retrieval knows passages and verdicts, and whoever words answers lives above it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from retrieval.evaluation import metrics
from retrieval.evaluation.matching import plain
from retrieval.evaluation.pack import Pack, Query
from retrieval.evaluation.ranking import Step, shelve_all
from retrieval.evaluation.report import Number, Row
from retrieval.evaluation.workbench import HITS, ShelvedCorpus, Workbench
from retrieval.nouns import Hit, Passage, Sufficiency, Verdict

# Questions of a set that are answered; a voice takes far longer than a search.
MOST = 200


@dataclass(frozen=True)
class Quotation:
    """The stretch of a passage that a sentence cites."""

    passage: Passage
    start: int
    end: int


@dataclass(frozen=True)
class VoicedSentence:
    """A sentence of an answer with what it cites; headings are left out. `is_verified`: as the voice itself says."""

    text: str
    quotations: tuple[Quotation, ...]
    is_verified: bool


@dataclass(frozen=True)
class VoicedAnswer:
    verdict: Verdict
    sentences: tuple[VoicedSentence, ...]


class Voice(Protocol):
    """Whoever words answers. Both methods must be deterministic for the numbers to be."""

    def compose(self, question: str, hits: Sequence[Hit], sufficiency: Sufficiency) -> VoicedAnswer: ...

    def confirms(self, sentence: str, passages: Sequence[Passage]) -> bool:
        """Whether the passages say the sentence: checked anew, whatever the voice said of it."""
        ...


@dataclass
class _Voiced:
    query: Query
    is_answered: bool
    first: bool = False
    any: bool = False
    length: int = 0
    citations: int = 0
    right_citations: int = 0
    sentences: int = 0
    verified: int = 0
    confirmed: int = 0


def voice_set(pack: Pack, part: str, name: str, bench: Workbench, voice: Voice, step: Step) -> list[Row]:
    """The row of a set as a voice answers it, of its first 200 questions with known answers and 200 without; [] where no answer is
    marked."""
    queries = [query for query in pack.queries(part, name) if query.label in {"answerable", "unanswerable"}]
    marked = [query for query in queries if query.spans and query.label == "answerable"][:MOST]
    unanswerable = [query for query in queries if query.label == "unanswerable"][:MOST]
    if not marked:
        return []
    chosen = [*marked, *unanswerable]
    shelved = shelve_all(pack, chosen, bench)
    voiced = []
    for at, query in enumerate(chosen):
        voiced.append(_answer(query, shelved[query.id], bench, voice))
        step(f"answers {part}/{name}", at + 1, len(chosen))
    good, bad = voiced[: len(marked)], voiced[len(marked) :]
    return [Row(part, f"{name}/answers", _numbers(good, bad))]


def _answer(query: Query, shelf: ShelvedCorpus, bench: Workbench, voice: Voice) -> _Voiced:
    hits = bench.ask(query.asked, shelf.scope, HITS, query.earlier)
    answer = voice.compose(query.asked, hits, bench.judge(query.asked, hits, query.earlier))
    result = _Voiced(query, bool(answer.sentences) and answer.verdict != "not_covered")
    relevant = shelf.relevant(query)
    rights = [_is_right(sentence, query, shelf) for sentence in answer.sentences]
    result.first, result.any = bool(rights) and rights[0], any(rights)
    result.length = sum(len(sentence.text) for sentence in answer.sentences)
    for sentence in answer.sentences:
        result.sentences += 1
        result.citations += len(sentence.quotations)
        result.right_citations += sum(shelf.ids[q.passage.id] in relevant for q in sentence.quotations)
        result.verified += sentence.is_verified
        result.confirmed += sentence.is_verified and voice.confirms(
            sentence.text, [q.passage for q in sentence.quotations]
        )
    return result


def _is_right(sentence: VoicedSentence, query: Query, shelf: ShelvedCorpus) -> bool:
    """Whether the sentence cites a stretch that holds a marked answer, at its place or, cut anew, in its words."""
    for quotation in sentence.quotations:
        id_ = shelf.ids[quotation.passage.id]
        for span in query.spans:
            if shelf.corpus is shelf.original:
                if id_ == span.passage_id and quotation.start < span.end and span.start < quotation.end:
                    return True
            else:
                words = shelf.original.by_id[span.passage_id].text[span.start : span.end]
                quoted = quotation.passage.text[quotation.start : quotation.end]
                if id_ in shelf.relevant(query) and plain(words).casefold() in plain(quoted).casefold():
                    return True
    return False


def _numbers(good: Sequence[_Voiced], bad: Sequence[_Voiced]) -> dict[str, Number]:
    answered = [one for one in good if one.is_answered]
    citations = sum(one.citations for one in good)
    verified = sum(one.verified for one in [*good, *bad])

    def share(part: int, whole: int) -> float | None:
        return part / whole if whole else None

    return {
        "answerable": len(good),
        "unanswerable": len(bad),
        "answered": share(len(answered), len(good)),
        "false_answered": share(sum(one.is_answered for one in bad), len(bad)),
        "first_right": metrics.mean([float(one.first) for one in answered]) if answered else None,
        "any_right": metrics.mean([float(one.any) for one in answered]) if answered else None,
        "citations": citations,
        "right_citations": share(sum(one.right_citations for one in good), citations),
        "sentences": sum(one.sentences for one in [*good, *bad]),
        "verified": share(verified, sum(one.sentences for one in [*good, *bad])),
        "confirmed": share(sum(one.confirmed for one in [*good, *bad]), verified),
        "characters": metrics.mean([float(one.length) for one in answered]) if answered else None,
    }
