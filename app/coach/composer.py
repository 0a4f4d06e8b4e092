"""The model-free composer: it answers in the documents' own words, picking the sentences, steps or rows that answer.

Every sentence is a verbatim quotation, so a citation can only be as wrong as the choice. How the choice is made: the units of
the found passages are compared with the question by meaning (the search has compared each sentence already, so no model runs
here) and by its rarity-weighted words; the best one leads, its list or steps come along whole, and what follows or supports
it joins while it is nearly as close.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.coach.answers import Answer, AnswerSentence, Citation, SentenceKind
from app.coach.units import Unit, units_of
from retrieval import Hit, Passage, Sufficiency, check_citation
from retrieval.languages import detect_language, stems, words

# How long the answer may get. An answer is read in the middle of work: four
# sentences is what a person takes in without scrolling at 400 px; a procedure is kept whole up to twelve steps.
MOST_SENTENCES = 4
MOST_STEPS = 12
MOST_CHARACTERS = 700
# Chosen on five sets of the open evaluation pack whose answers are marked in the passages: the first sentence is a right one
# for 38 to 83 % of their questions, the answer holds one for 61 to 96 %, with 2.5 sentences on average. Wider bounds add
# a sentence for one more right answer in a hundred.
WORDS_WEIGHT = 0.2  # of the share of the question's words; the rest is the centred cosine of the sentence
NEARLY = 0.1  # how much farther from the question than the best one a sentence of its passage may be
NEARLY_ELSEWHERE = 0.05  # the same for another passage's

_CLOSEST = 3

_NUMBERS = {
    word: number
    for number, said in enumerate(
        (
            "two dois duas dos", "three três tres", "four quatro cuatro", "five cinco", "six seis",
            "seven sete siete", "eight oito ocho", "nine nove nueve", "ten dez diez",
        ),
        start=2,
    )
    for word in said.split()
}  # fmt: skip


@dataclass(frozen=True)
class _Candidate:
    """One unit that could answer. `words`: the share of the question's words that it says, 0 to 1; `meaning`: centred cosine."""

    unit: Unit
    passage: Passage
    words: float
    meaning: float

    @property
    def score(self) -> float:
        return self.meaning + WORDS_WEIGHT * self.words


class Composer:
    """Composes answers; holds no state of a conversation."""

    def compose(self, question: str, hits: Sequence[Hit], sufficiency: Sufficiency) -> Answer:
        """The answer to `question` from `hits` (best first) under the gate's verdict, which alone decides whether there is one."""
        if sufficiency.verdict == "not_covered" or not hits:
            return Answer("not_covered", closest=self.closest(hits), hits=tuple(hits))
        chosen = self._choose(question, hits)
        if not chosen:
            return Answer("not_covered", closest=self.closest(hits), hits=tuple(hits))
        sentences, citations = _cite(chosen)
        missing = sufficiency.missing if sufficiency.verdict == "partly" else ()
        return Answer(sufficiency.verdict, sentences, citations, self.closest(hits), missing, tuple(hits))

    @staticmethod
    def closest(hits: Sequence[Hit]) -> tuple[Passage, ...]:
        """The best passages, one for each heading of a document."""
        seen: dict[tuple[str, str], Passage] = {}
        for hit in hits:
            seen.setdefault((hit.passage.document_id, str(hit.passage.place.value)), hit.passage)
        return tuple(seen.values())[:_CLOSEST]

    def _choose(self, question: str, hits: Sequence[Hit]) -> list[_Candidate]:
        """The units that make the answer, in the order in which they are read."""
        candidates = self._compare(question, hits)
        if not candidates:
            return []
        best = max(candidates, key=lambda candidate: candidate.score)
        if procedure := _list_around(best, hits):
            return procedure
        near = sorted(
            (candidate for candidate in candidates if _supports(candidate, best)),
            key=lambda candidate: -candidate.score,
        )
        picked: list[_Candidate] = []
        said: set[str] = set()
        length = 0
        for candidate in near:
            key = " ".join(words(candidate.unit.text))
            if key in said or length + len(candidate.unit.text) > MOST_CHARACTERS:
                continue
            picked.append(candidate)
            said.add(key)
            length += len(candidate.unit.text)
            if len(picked) == MOST_SENTENCES:
                break
        # The best passage leads; inside a passage the author's own order stands.
        first = {candidate.passage.id: i for i, candidate in reversed(list(enumerate(picked)))}
        return sorted(picked, key=lambda candidate: (first[candidate.passage.id], candidate.unit.start))

    def _compare(self, question: str, hits: Sequence[Hit]) -> list[_Candidate]:
        pool = [
            (unit, hit)
            for hit in hits
            for unit in units_of(hit.passage.text)
            if len(unit.text) > 12 and not unit.text.endswith("?")
        ]
        if not pool:
            return []
        language = detect_language(question, default=hits[0].passage.language)
        rarity = _rarity([unit.text for unit, _ in pool], language)
        wanted = set(stems(question, language))
        total = sum(rarity(stem) for stem in wanted) or 1.0
        candidates = []
        for unit, hit in pool:
            # The heading counts for the words of the question that it already says ("Damaged parcels"), at half weight.
            own = set(stems(unit.text, language))
            above = set(stems(" ".join(hit.passage.heading_path), language)) - own
            share = sum(rarity(s) for s in wanted & own) + 0.5 * sum(rarity(s) for s in wanted & above)
            candidates.append(_Candidate(unit, hit.passage, min(1.0, share / total), _meaning(unit, hit)))
        return candidates


def _meaning(unit: Unit, hit: Hit) -> float:
    """The nearness of the sentence that the unit stands in; of the whole passage where the search compared no sentences.

    Short sentences are compared together with a neighbour; the lesser part of such a pair has not shown that it is near.
    """
    shared = [(min(m.end, unit.end) - max(m.start, unit.start), m) for m in hit.sentences]
    most, match = max(shared, key=lambda pair: pair[0], default=(0, None))
    if match is None or most <= 0:
        return hit.similarity
    return match.similarity if 2 * most >= match.end - match.start else match.similarity - NEARLY


def _supports(candidate: _Candidate, best: _Candidate) -> bool:
    """Whether a unit belongs into the answer that the best one leads: nearly as close, the more so if it stands elsewhere."""
    if candidate.unit.kind == "step" or candidate.unit.text.endswith(":"):
        return candidate is best
    near = NEARLY if candidate.passage.id == best.passage.id else NEARLY_ELSEWHERE
    return candidate.score >= best.score - near


def _list_around(best: _Candidate, hits: Sequence[Hit]) -> list[_Candidate]:
    """The whole list or procedure that the best unit belongs to or announces, with its announcement; [] if there is none.

    A list that a sentence announces may stand in the next passage: steps are passages of their own.
    """
    units = units_of(best.passage.text)
    at = next(i for i, unit in enumerate(units) if unit.start == best.unit.start)
    if best.unit.kind in {"step", "item"}:
        members = _members(units, best.unit.block)
        before = [unit for unit in units if unit.end <= members[0].start]
        lead = (
            before[-1:] if before and before[-1].kind == "sentence" and before[-1].text.endswith(":") else []
        )
        found = [(best.passage, unit) for unit in [*lead, *members]]
    elif best.unit.kind == "sentence":
        rest = [unit for unit in units[at + 1 :] if unit.kind != "sentence"]
        passage = best.passage
        if not rest:
            following = next((hit.following for hit in hits if hit.passage.id == passage.id), None)
            passage = following or passage
            rest = [
                unit for unit in units_of(passage.text)[:1] if following and unit.kind in {"step", "item"}
            ]
        if not rest or rest[0].kind not in {"step", "item"}:
            return []
        members = _members(units_of(passage.text), rest[0].block)
        # Steps that come straight after a sentence are what it leads to, whatever it says.
        leads_on = members[0].kind == "step" and units[at + 1 :][:1] in ([members[0]], [])
        if not leads_on and not _announces(best.unit.text, len(members)):
            return []
        found = [(best.passage, best.unit), *((passage, unit) for unit in members)]
    else:
        return []
    length = sum(len(unit.text) for _, unit in found)
    if len(members) > MOST_STEPS or (members[0].kind == "item" and length > 2 * MOST_CHARACTERS):
        return []
    return [_Candidate(unit, passage, best.words, best.meaning) for passage, unit in found]


def _members(units: Sequence[Unit], block: int) -> list[Unit]:
    return [unit for unit in units if unit.block == block and unit.kind in {"step", "item"}]


def _announces(sentence: str, members: int) -> bool:
    """Whether a sentence introduces a list of so many members: it ends with a colon, or says how many there are."""
    said = {word for word in words(sentence) if word.isdigit() or word in _NUMBERS}
    return sentence.endswith(":") or any(
        word == str(members) or _NUMBERS.get(word) == members for word in said
    )


def _cite(chosen: Sequence[_Candidate]) -> tuple[tuple[AnswerSentence, ...], tuple[Citation, ...]]:
    """Numbers the quotations; neighbouring units of one passage share a number, so that marks don't litter the text."""
    citations: list[Citation] = []
    sentences: list[AnswerSentence] = []
    for candidate in chosen:
        passage, unit = candidate.passage, candidate.unit
        last = citations[-1] if citations else None
        if (
            last is not None
            and last.passage.id == passage.id
            and passage.text[last.end : unit.start].strip(" \n\t0123456789.)-*•") == ""
        ):
            citations[-1] = Citation(
                last.n, passage, passage.text[last.start : unit.end], last.start, unit.end
            )
        else:
            citations.append(Citation(len(citations) + 1, passage, unit.text, unit.start, unit.end))
        kind: SentenceKind = (
            "step" if unit.kind == "step" else "sentence" if unit.kind == "sentence" else "row"
        )
        if kind != "sentence" and _lacks_lead(sentences, citations, passage) and passage.heading_path:
            # A list without its heading can say the opposite: "The driver's name" stands under "What you never share".
            sentences.append(
                AnswerSentence(f"{passage.heading_path[-1]}:", "heading", (citations[-1].n,), True)
            )
        is_verified = check_citation(unit.text, passage.text).status == "supported"
        sentences.append(AnswerSentence(unit.text, kind, (citations[-1].n,), is_verified))
    return tuple(sentences), tuple(citations)


def _lacks_lead(sentences: Sequence[AnswerSentence], citations: Sequence[Citation], passage: Passage) -> bool:
    """Whether a list begins here that nothing of its own section introduces."""
    if not sentences:
        return True
    shown = next(citation.passage for citation in citations if citation.n == sentences[-1].citations[-1])
    return (shown.document_id, shown.heading_path) != (passage.document_id, passage.heading_path)


def _rarity(texts: Sequence[str], language: str) -> Callable[[str], float]:
    """How much a stem tells units apart: the inverse document frequency within the pool, at least a little for each."""
    counts = Counter(stem for text in texts for stem in set(stems(text, language)))
    n = len(texts)
    return lambda stem: math.log(1 + (n - counts[stem] + 0.5) / (counts[stem] + 0.5)) + 0.1
