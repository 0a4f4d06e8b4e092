"""Reads what a model writes, piece by piece, into whole sentences with the numbers that they cite."""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.coach.answers import SentenceKind
from app.coach.units import ends_in_abbreviation

_MARKS = re.compile(r"\s*\[((?:\s*(?:P|p|passage)?\s*\d{1,3}\s*[,;]?)+)\]")
_STEP = re.compile(r"^\s*(?:\*\*)?\(?(\d{1,2})[.)]\s+")
_ITEM = re.compile(r"^\s*[-*•–]\s+")
_END = re.compile(r"[.!?…][\"”’»)*]*(?:\s*\[[^\]\n]{1,40}\][.!?]?)*(?=\s+[^\s\[])|\](?:[.!?])?(?=\s+[^\s\[])")
_FORMATTING = re.compile(r"\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|^\s*#{1,6}\s+|`", re.MULTILINE)
# Marks that turn the direction of what follows, and others that nobody sees.
_INVISIBLE = re.compile(
    r"[\r\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\u00ad\x00-\x08\x0b-\x1f\x7f]"
)
# No sentence of an answer is that long; what is has no end that could be waited for.
LONGEST_SENTENCE = 600


@dataclass(frozen=True)
class Written:
    """One sentence as the model wrote it, formatting and marks taken off. `cited` are the numbers it gave, () where it gave none."""

    text: str
    kind: SentenceKind
    cited: tuple[int, ...]


class SentenceReader:
    """Takes pieces of text as they come and gives whole sentences; `rest` is the text of the one that is being written."""

    def __init__(self) -> None:
        self.rest = ""

    def read(self, piece: str) -> list[Written]:
        """The sentences that this piece completes."""
        self.rest += _INVISIBLE.sub("", piece)
        found = []
        while (end := self._end()) is not None:
            sentence, self.rest = self.rest[:end], self.rest[end:].lstrip(" ")
            if written := _written(sentence):
                found.append(written)
        return found

    def finish(self) -> list[Written]:
        """What is left when nothing more comes, as a sentence."""
        sentence, self.rest = self.rest, ""
        written = _written(sentence)
        return [written] if written else []

    def _end(self) -> int | None:
        """Where the first whole sentence ends; None while it may still go on."""
        line = self.rest.find("\n")
        prefix = _STEP.match(self.rest) or _ITEM.match(self.rest)
        for match in _END.finditer(self.rest, prefix.end() if prefix else 0):
            if line != -1 and match.start() > line:
                break
            if not (match[0].startswith(".") and ends_in_abbreviation(self.rest[: match.start() + 1])):
                return match.end()
        if line != -1:
            return line + 1
        return LONGEST_SENTENCE if len(self.rest) > LONGEST_SENTENCE else None


def _written(sentence: str) -> Written | None:
    kind: SentenceKind = "sentence"
    if prefix := _STEP.match(sentence):
        kind, sentence = "step", sentence[prefix.end() :]
    elif prefix := _ITEM.match(sentence):
        kind, sentence = "row", sentence[prefix.end() :]
    cited: dict[int, None] = {}
    for marks in _MARKS.finditer(sentence):
        cited.update(dict.fromkeys(int(number) for number in re.findall(r"\d+", marks[1])))
    text = _FORMATTING.sub("", _MARKS.sub("", sentence)).strip()
    if not any(character.isalnum() for character in text):
        return None
    return Written(" ".join(text.split()), kind, tuple(cited))
