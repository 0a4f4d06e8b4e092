"""Where an answer rests on one document and another says something else, both are shown: which one holds is for people to say."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from app.coach.answers import Answer, Citation, Conflict
from app.coach.units import Unit, units_of
from retrieval import Passage, disagree

MOST_CONFLICTS = 2


def with_conflicts(answer: Answer) -> Answer:
    """The answer with the places, among its hits, that contradict what it cites; each side gets a citation of its own."""
    citations = list(answer.citations)
    conflicts: list[Conflict] = []
    for cited in answer.citations:
        for unit, passage in _opposed(cited, answer):
            if len(conflicts) == MOST_CONFLICTS:
                break
            other = Citation(len(citations) + 1, passage, unit.text, unit.start, unit.end)
            citations.append(other)
            about = cited.passage.heading_path[-1] if cited.passage.heading_path else ""
            conflicts.append(Conflict(about, (cited.n, other.n)))
    return replace(answer, citations=tuple(citations), conflicts=tuple(conflicts)) if conflicts else answer


def _opposed(cited: Citation, answer: Answer) -> Iterator[tuple[Unit, Passage]]:
    """At most one unit of each other document that cannot hold beside the cited words."""
    seen = {cited.passage.document_id}
    own = [unit.text for unit in units_of(cited.quote) if unit.kind == "sentence"]
    for hit in answer.hits:
        passage = hit.passage
        if passage.document_id in seen or passage.language != cited.passage.language:
            continue
        for unit in units_of(passage.text):
            # An item of a list says nothing without its heading: "never: the photo, before a code check".
            if unit.kind == "sentence" and any(disagree(text, unit.text, passage.language) for text in own):
                seen.add(passage.document_id)
                yield unit, passage
                break
