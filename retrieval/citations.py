"""Does a passage support a sentence that cites it? Decided by text alone, no model.

A quotation is found exactly, whatever spaces and typographic marks it was written with. Anything else is held
against the nearest sentence of the passage: the words that carry meaning, their order, and agreement in
numbers, names and negation. The check is made to refuse: a paraphrase in other words counts as partly.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from retrieval.languages import detect_language, fold_accents, stems

SupportStatus = Literal["supported", "partly", "not"]

_SUPPORTED, _PARTLY, _ORDER = 0.8, 0.5, 0.7
_SENTENCES = re.compile(r"(?<=[.!?…])[”\"')\]]*\s+|\n+")
_CLAUSES = re.compile(r"(?<=[;:,])\s+|\s+[–—]\s+")
_NUMBER = re.compile(r"\d+(?:[.,:]\d+)*")
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+", re.MULTILINE)
_NEGATION_WORDS = """
not no never none nobody nothing neither nor without cannot unless except
nunca jamás jamas sin ni tampoco nadie nada ninguno ninguna ningún excepto salvo
não nao jamais sem nem ninguém nenhum nenhuma exceto
nicht kein keine keinen keiner keinem nie niemals ohne weder
ne pas aucun aucune sans
"""
_NEGATIONS = frozenset(_NEGATION_WORDS.split())
_TYPOGRAPHY = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "`": "'",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...",
}  # fmt: skip
_DROPPED = "\u00ad\u200b\u2060\ufeff"


@dataclass(frozen=True)
class Support:
    """``quote`` is ``passage_text[start:end]``, the stretch that supports the sentence best; empty for "not"."""

    status: SupportStatus
    start: int
    end: int
    quote: str


def check_citation(sentence: str, passage_text: str) -> Support:
    """Whether the passage supports the sentence, and where. Any two texts may be given."""
    if exact := find_quote(sentence, passage_text):
        # "promise a refund" is quoted word for word from "do not promise a refund", and says the opposite.
        if _denied_before(passage_text, exact[0]):
            return Support("not", 0, 0, "")
        return Support("supported", *exact, passage_text[exact[0] : exact[1]])
    language = detect_language(passage_text, default=detect_language(sentence))
    claim = stems(sentence, language)
    if not claim:
        return Support("not", 0, 0, "")
    best: tuple[int, float, int, int, int] | None = None
    for start, end in _windows(passage_text):
        window = passage_text[start:end]
        rank, share = _agreement(sentence, claim, window, language)
        # A tie goes to the shorter stretch.
        candidate = (rank, round(share, 3), start - end, start, end)
        if best is None or candidate > best:
            best = candidate
    if best is None or best[0] == 0:
        return Support("not", 0, 0, "")
    _, _, _, start, end = best
    return Support("supported" if best[0] == 2 else "partly", start, end, passage_text[start:end])


def find_quote(quote: str, text: str) -> tuple[int, int] | None:
    """(start, end) of a quotation in a text, exactly where it stands; None where it does not.

    Spaces, line breaks, typographic quotes and dashes, soft hyphens and letter case make no difference, nor do
    a final full stop and marks of quotation around it.
    """
    plain_text, places = _plain(text)
    sought = _plain(quote)[0].strip(" \"'.")
    if not sought or not any(letter.isalnum() for letter in sought):
        return None
    at = plain_text.find(sought)
    while at >= 0:
        end = at + len(sought)
        # A quotation begins and ends at the edge of a word: "art" is not quoted from "party".
        if not (_inside_word(plain_text, at) or _inside_word(plain_text, end)):
            return places[at], places[end - 1] + 1
        at = plain_text.find(sought, at + 1)
    return None


def _denied_before(text: str, at: int) -> bool:
    """Whether the clause in which ``at`` lies denies something ahead of it."""
    starts = [match.end() for cut in (_SENTENCES, _CLAUSES) for match in cut.finditer(text, 0, at)]
    return _negations(text[max(starts, default=0) : at]) % 2 == 1


def _inside_word(text: str, at: int) -> bool:
    return 0 < at < len(text) and text[at - 1].isalnum() and text[at].isalnum()


def _plain(text: str) -> tuple[str, list[int]]:
    """The text in one plain form, and for each of its letters the offset where it came from."""
    letters: list[str] = []
    places: list[int] = []
    for at, letter in enumerate(text):
        if letter in _DROPPED:
            continue
        if letter.isspace():
            if letters and letters[-1] != " ":
                letters.append(" ")
                places.append(at)
            continue
        for plain in _TYPOGRAPHY.get(letter, letter).casefold():
            letters.append(plain)
            places.append(at)
    return "".join(letters), places


def sentence_spans(text: str) -> list[tuple[int, int]]:
    """(start, end) of each sentence or line of a text."""
    return list(_split(text, 0, len(text), _SENTENCES))


def _windows(text: str) -> Iterator[tuple[int, int]]:
    """Sentences, pairs of neighbouring sentences, and clauses of a sentence."""
    sentences = sentence_spans(text)
    for at, (start, end) in enumerate(sentences):
        yield start, end
        if at + 1 < len(sentences):
            yield start, sentences[at + 1][1]
        clauses = list(_split(text, start, end, _CLAUSES))
        if len(clauses) > 1:
            yield from clauses


def _split(text: str, start: int, end: int, cut: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    left = start
    for match in cut.finditer(text, start, end):
        if text[left : match.start()].strip():
            yield left, match.start()
        left = match.end()
    if text[left:end].strip():
        yield left, end


def _agreement(sentence: str, claim: list[str], window: str, language: str) -> tuple[int, float]:
    """(2 supported, 1 partly, 0 not; share of the claim's words found)."""
    held = stems(window, language)
    known = set(held)
    share = sum(term in known for term in claim) / len(claim)
    if share < _PARTLY or not _numbers(sentence) <= _numbers(window):
        return 0, share
    if _negations(sentence) % 2 != _negations(window) % 2:
        return 0, share
    if not _names(sentence) <= {fold_accents(word.casefold()) for word in _WORD.findall(window)}:
        return (1, share) if share >= _SUPPORTED else (0, share)
    if share >= _SUPPORTED and _in_order(claim, held) >= _ORDER:
        return 2, share
    return 1, share


def _numbers(text: str) -> set[str]:
    return {number.replace(",", ".").rstrip(".") for number in _NUMBER.findall(_LIST_MARK.sub("", text))}


def _negations(text: str) -> int:
    found = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    language = detect_language(text)
    # "no" denies in English and Spanish, but is "in the" in Portuguese.
    return sum(
        (word in _NEGATIONS and not (word == "no" and language == "pt")) or word.endswith("n't")
        for word in found
    )


def _names(sentence: str) -> set[str]:
    """Capitalised words past the first, and words of capitals or with digits in them."""
    found = _WORD.findall(sentence)
    return {
        fold_accents(word.casefold())
        for at, word in enumerate(found)
        if len(word) > 1 and ((at > 0 and word[0].isupper()) or word[1:] != word[1:].lower())
    }


def _in_order(claim: list[str], held: list[str]) -> float:
    """The longest run of the claim's words that stand in the same order in the window, as a share of the claim."""
    row = [0] * (len(held) + 1)
    for term in claim:
        before = 0
        for at, other in enumerate(held, start=1):
            before, row[at] = (
                row[at],
                before + 1 if term == other else max(row[at], row[at - 1]),
            )
    return row[-1] / len(claim)
