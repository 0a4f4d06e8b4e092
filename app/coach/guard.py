"""Containment: what goes to a model is fenced and without addresses of people; what comes back is text without authority.

The model holds no tools, sees nothing but the passages of the visit's scope, and decides nothing: what it writes is checked
sentence by sentence (`app.coach.grounding`) and leaves as plain text. What stands here keeps its worst from being shown at all.
"""

from __future__ import annotations

import functools
import re
import secrets
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import replace

from retrieval import Hit, Passage, looks_like_instruction, without_instructions
from retrieval.languages import is_stop_word, stems, words

_EMAIL = re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+")
_ADDRESS = re.compile(
    r"(?:https?://|www\.)[^\s\[\]()<>]+|[\w.+-]+@[\w-]+(?:\.[\w-]+)+|\b(?:[\w-]+\.)+[a-z]{2,}\b(?:/[^\s\[\]()<>]*)?"
)
# Nine digits or more, however they are grouped: telephone, account and identity numbers.
_LONG_NUMBER = re.compile(r"\+?\d(?:[\s().-]{0,2}\d){8,}")
# What can load, link or run something, or pose as a part of the prompt.
_ACTIVE = re.compile(
    r"https?:|www\.|\b[\w-]+\.(?:com|net|org|io|dev|info|biz|ru|xyz|app|co)\b|mailto:|javascript:|data:\w+/|!\[|\]\(|</?\w|<!|&#|```|"
    r"<<|>>|\{\{|\}\}|<\||\[/?INST",
    re.IGNORECASE,
)


def new_mark() -> str:
    """A word that nobody can guess, new for each call: for the fence around the passages and for the canary."""
    return f"k{secrets.token_hex(5)}"


def without_addresses(text: str) -> str:
    """The text with e-mail addresses and long numbers taken out: whom a question is about is nothing to a model."""
    return _LONG_NUMBER.sub("[number]", _EMAIL.sub("[e-mail]", text))


# The same passages are found again and again.
_without_instructions = functools.lru_cache(maxsize=2_048)(without_instructions)


def as_data(hits: Iterable[Hit]) -> list[Hit]:
    """The hits without what speaks to a machine in them, whenever it got in: nobody words, quotes or confirms an answer by it."""
    return [
        replace(
            hit,
            passage=_as_data(hit.passage),
            following=_as_data(hit.following) if hit.following is not None else None,
        )
        for hit in hits
    ]


def _as_data(passage: Passage) -> Passage:
    headings = tuple(one for one in passage.heading_path if looks_like_instruction(one) is None)
    text = _without_instructions(passage.text)
    if text == passage.text and headings == passage.heading_path:
        return passage
    return replace(passage, text=text, heading_path=headings)


def fenced(passages: Sequence[Passage], mark: str) -> str:
    """The passages as data, numbered from 1, each between two lines with the mark."""
    return "\n".join(
        f"--- {mark} passage {n}\n{_title(passage)}\n{passage.text.strip()}\n--- {mark} end"
        for n, passage in enumerate(passages, start=1)
    )


def _title(passage: Passage) -> str:
    return " > ".join((passage.document_title, *passage.heading_path))


def without_disguises(text: str) -> str:
    """Wide and other letters that read as common ones as these, and no letters that nobody sees."""
    return "".join(c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")


def refused_outright(text: str, marks: Iterable[str], sources: Sequence[str]) -> bool:
    """Whether a sentence is never shown, not even as unconfirmed: it could load or link something, it speaks to a machine or repeats
    what only the prompt holds. An address that a source has, letter by letter, may be said: it leaves as text and is no link."""
    plain = without_disguises(text)
    if plain != text and refused_outright(plain, marks, sources):
        return True
    bare = _ADDRESS.sub(lambda found: "" if _is_in(found[0], sources) else found[0], text)
    return (
        _ACTIVE.search(bare) is not None
        or _EMAIL.search(bare) is not None
        or any(mark in text for mark in marks)
        or looks_like_instruction(text) is not None
    )


def _is_in(address: str, sources: Sequence[str]) -> bool:
    return any(address.rstrip(".,;:)") in source for source in sources)


class Vocabulary:
    """The words that the passages and the question bring. Until a sentence is checked, no other word of it is shown."""

    def __init__(self, texts: Iterable[str], language: str) -> None:
        self.language = language
        self._stems = {stem for text in texts for stem in stems(text, language)}
        self._words = {word for text in texts for word in words(text)}

    def knows(self, word: str) -> bool:
        """Whether every part of a written word ("photos," "Deskbook.") is known, or joins others as "the" and "must" do."""
        parts = words(word)
        return all(
            part in self._words
            or is_stop_word(part, self.language)
            or (not any(c.isdigit() for c in part) and set(stems(part, self.language)) <= self._stems)
            for part in parts
        )

    def longest_unknown(self, text: str) -> int:
        """The most content words in a row that neither passages nor question bring."""
        longest = run = 0
        for part in words(text):
            if not is_stop_word(part, self.language):
                run = 0 if self.knows(part) else run + 1
                longest = max(longest, run)
        return longest

    def unknown_share(self, text: str) -> float:
        """The share of a sentence's content words that neither passages nor question bring, 0 to 1."""
        content = [part for part in words(text) if not is_stop_word(part, self.language)]
        return sum(not self.knows(part) for part in content) / len(content) if content else 0.0
