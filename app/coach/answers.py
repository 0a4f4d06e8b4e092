"""What an answer is: sentences with the numbers of their citations, and citations with the exact place and words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from retrieval import Hit, Passage, Verdict
from retrieval.places import HEADING_JOIN

SentenceKind = Literal["sentence", "step", "row", "heading"]


def place_of(passage: Passage, locale: str = "en", at: int = 0) -> str:
    """Where the character `at` of a passage stands, for people: "page 3, 4.2 Proof", "Refunds > Damaged parcels", "12:05". The
    title is not said twice."""
    label = passage.place_at(at).label(locale)
    if passage.place.kind in ("page", "slide", "notes") and passage.heading_path:
        return f"{label}, {passage.heading_path[-1]}"
    if passage.place.kind == "heading":
        first, _, rest = label.partition(HEADING_JOIN)
        return rest if rest and first == passage.document_title else label
    return label


@dataclass(frozen=True)
class Citation:
    """Number `n` of an answer: the passage and the words in it. `passage.text[start:end] == quote`."""

    n: int
    passage: Passage
    quote: str
    start: int
    end: int


@dataclass(frozen=True)
class AnswerSentence:
    """One sentence, step or row of an answer, or the heading that a list stands under, with a colon.

    `is_verified`: the passage of every citation was checked to say it (a heading is part of the passage's path).
    """

    text: str
    kind: SentenceKind
    citations: tuple[int, ...]
    is_verified: bool


@dataclass(frozen=True)
class Answer:
    """A grounded answer, or the statement that there is none: not_covered has no sentences but the closest passages.

    `missing` are the question's own words that the quoted passages do not mention, where the verdict is partly.
    """

    verdict: Verdict
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    closest: tuple[Passage, ...] = ()
    missing: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = field(default=(), repr=False)

    @property
    def text(self) -> str:
        """The answer as plain text with bracketed numbers, for the command line and for exports."""
        lines = []
        for sentence in self.sentences:
            marks = "".join(f" [{n}]" for n in sentence.citations)
            lines.append(f"{'- ' if sentence.kind in {'step', 'row'} else ''}{sentence.text}{marks}")
        return "\n".join(lines) if any(s.kind in {"step", "row"} for s in self.sentences) else " ".join(lines)
