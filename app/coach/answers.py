"""What an answer is: sentences with the numbers of their citations, and citations with the exact place and words."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from retrieval import Hit, Passage, Verdict
from retrieval.places import HEADING_JOIN

SentenceKind = Literal["sentence", "step", "row", "heading"]
Voice = Literal["composer", "model"]
Stage = Literal["searching", "writing"]
Note = Literal["", "budget", "model", "unsupported"]


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
class Conflict:
    """Two places that say different things of the same: what each says, with its citation's number, and when it was last changed
    decides nothing; both are shown."""

    about: str
    citations: tuple[int, ...]


@dataclass(frozen=True)
class Answer:
    """A grounded answer, or the statement that there is none: not_covered has no sentences but the closest passages.

    `missing` are the question's own words that the quoted passages do not mention, where the verdict is partly. `voice` wrote the
    sentences: the composer quotes, a model (`model`: "provider:model") words them itself. `note` says why the composer wrote
    although a model is set: a cap was reached, the model failed, or what it wrote was mostly not in the passages. `withheld`
    counts the model's sentences that were not shown at all. `is_translated`: the model wrote in another language than what it
    cites, and sentences were compared by meaning, which is a weaker check.
    """

    verdict: Verdict
    sentences: tuple[AnswerSentence, ...] = ()
    citations: tuple[Citation, ...] = ()
    closest: tuple[Passage, ...] = ()
    missing: tuple[str, ...] = ()
    hits: tuple[Hit, ...] = field(default=(), repr=False)
    voice: Voice = "composer"
    model: str = ""
    note: Note = ""
    withheld: int = 0
    conflicts: tuple[Conflict, ...] = ()
    is_translated: bool = False

    @property
    def text(self) -> str:
        """The answer as plain text with bracketed numbers, for the command line and for exports."""
        lines = []
        for sentence in self.sentences:
            marks = "".join(f" [{n}]" for n in sentence.citations)
            lines.append(f"{'- ' if sentence.kind in {'step', 'row'} else ''}{sentence.text}{marks}")
        return "\n".join(lines) if any(s.kind in {"step", "row"} for s in self.sentences) else " ".join(lines)


@dataclass(frozen=True)
class Progress:
    """A stage of answering begins."""

    stage: Stage


@dataclass(frozen=True)
class Draft:
    """Further words of the sentence being written, unchecked: plain text, for `textContent` only; the next Checked replaces them."""

    text: str


@dataclass(frozen=True)
class Checked:
    """The next whole sentence of the answer, checked, with all citations so far. Where `sentence` is None, the draft was withheld."""

    sentence: AnswerSentence | None
    citations: tuple[Citation, ...]
    voice: Voice = "composer"


@dataclass(frozen=True)
class Void:
    """What was shown so far is taken away: another voice begins."""


Step = Progress | Draft | Checked | Void | Answer
