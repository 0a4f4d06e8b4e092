"""Does a passage support a sentence that cites it? Decided by text alone, no model.

A quotation is found exactly, whatever spaces and typographic marks it was written with. Anything else is held
against the nearest sentence, clause, list item or table row of the passage: the words that carry meaning and their
order, and then everything that can turn a statement round although its words stay the same (numbers with their
units, names, negation, must and may, at least and at most, all and some, conditions). What differs there is never
"supported", nor is a sentence with a single word that carries meaning and that the passage does not have there: one
changed word makes a lie ("within 14 days of purchase"), and no measure of likeness sees it. The check is made to
refuse: a paraphrase in other words counts as partly, unless the caller's own measure of similarity speaks for it.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from retrieval.assertions import Assertion, compare, read_assertion
from retrieval.languages import detect_language, stems, words
from retrieval.quantities import WORD, is_month, is_number_word

SupportStatus = Literal["supported", "partly", "not"]
Similarity = Callable[[str, str], float]

# Shares of the claim's words: found by measurement on sentences and their mutations (docs/benchmarks.md).
_SUPPORTED, _NEARLY, _PARTLY, _ORDER = 1.0, 0.85, 0.5, 0.7
# With a similarity function, other words may stand for some of the claim's words, not for most of them.
_ALIKE, _SUPPORTED_IF_ALIKE = 0.9, 0.6
_SENTENCES = re.compile(r"(?<=[.!?…])[”\"')\]]*\s+|\n+")
_CLAUSES = re.compile(r"(?<=[;:,])\s+|\s+[–—]\s+")
_JOINTS = re.compile(r"[;,]\s+(?:(?:and|y|e|und|et)\s+)?|\s+(?:and|y|e|und|et)\s+")
_MOST_JOINTS = 8
_ROW = re.compile(r"^[^:;\n]{1,60}:\s[^;\n]*(?:;\s[^:;\n]{1,60}:\s[^;\n]*)*$")
_LINE_ITEM = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+")
_TYPOGRAPHY = {
    "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "‘": "'", "’": "'", "‚": "'", "`": "'",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "−": "-", "…": "...",
}  # fmt: skip
# What a writer puts before a statement without adding to it, and little words that join statements.
_OPENING = re.compile(
    r"^(?:(?:yes|sí|sim|ja|oui|in short|in summary|overall|note that|please note that|en resumen|tenga en cuenta que|"
    r"em resumo|note que|kurz gesagt|zusammengefasst|en bref)[,:]?|"
    r"(?:according to|según|segundo|de acordo com|de acuerdo con|laut|selon)"
    r" (?:the |this |el |la |este |o |a |esta |dem |der |le )?(?:text|passage|document|handbook|guide|manual|policy|"
    r"course|source|texto|pasaje|documento|manual|guía|guia|curso|fuente|fonte|trecho|handbuch|dokument|leitfaden|texte|document|guide)"
    r"(?:,|:| gilt:)?)\s+",
    re.IGNORECASE,
)
_LIGHT_WORDS = """
    also however therefore thus hence moreover furthermore additionally indeed namely please like among around roughly approximately
    example instance need needs needed required allowed permitted obliged least minimum maximum
    además asimismo embargo así pues aproximadamente deberá deberán podrá podrán tienen deben
    além disso portanto assim contudo porém entanto aproximadamente precisa precisam deverá deverão poderá poderão devem
    ausserdem jedoch daher deshalb zudem also etwa ungefähr
    aussi cependant donc ainsi environ
"""
_LIGHT = frozenset(_LIGHT_WORDS.split())
_CONTRACTIONS = (
    (re.compile(r"\bwon['’]t\b", re.IGNORECASE), "will not"),
    (re.compile(r"\b(ca)n['’]t\b", re.IGNORECASE), r"\1nnot"),
    (re.compile(r"n['’]t\b", re.IGNORECASE), " not"),
    (re.compile(r"(?<=\w)['’](?:s|re|ve|ll|d|m)\b", re.IGNORECASE), ""),
)
_SUBORDINATE = {
    "en": "because|since|although|though|while|if|unless|when|whenever|after|before|until|as long as|provided that",
    "es": "porque|ya que|aunque|mientras|si|cuando|a menos que|siempre que",
    "pt": "porque|já que|embora|enquanto|se|quando|a menos que|desde que",
    "fr": "parce que|puisque|bien que|si|quand|lorsque",
}
_OPENS_WITH_CLAUSE = {
    language: re.compile(rf"^\s*((?:{words})\b[^,;]*), (.+?)([.!]?)$", re.IGNORECASE | re.DOTALL)
    for language, words in _SUBORDINATE.items()
}
_DROPPED = "\u00ad\u200b\u2060\ufeff"
_RANK: dict[SupportStatus, int] = {"supported": 2, "partly": 1, "not": 0}


_NOT_SAID, _SPREAD_OUT, _OTHER_WORDS = (
    "the passage does not say it",
    "no single sentence of the passage says it",
    "the wording differs from the passage",
)


@dataclass(frozen=True)
class Support:
    """``quote`` is ``passage_text[start:end]``, the stretch that supports the sentence best; empty for "not".

    ``reason``: what keeps the sentence from being supported, as a plain phrase; empty where it is.
    """

    status: SupportStatus
    start: int
    end: int
    quote: str
    reason: str = ""


@dataclass(frozen=True)
class CheckedSentence:
    """``passage``: the index of the passage that supports the sentence best; None where none does."""

    sentence: str
    passage: int | None
    support: Support


def check_answer(
    sentences: Sequence[str], passages: Sequence[str], similarity: Similarity | None = None
) -> list[CheckedSentence]:
    """Every sentence of an answer against every passage; for each sentence the passage that supports it best.

    Of passages that support it alike, the first one is named.
    """
    checked = []
    for sentence in sentences:
        best, at = _refused(""), None
        for index, passage in enumerate(passages):
            support = check_citation(sentence, passage, similarity)
            if _RANK[support.status] > _RANK[best.status] or (at is None and not best.reason):
                best, at = support, index if support.status != "not" else None
            if support.status == "supported":
                break
        checked.append(CheckedSentence(sentence, at, best))
    return checked


def check_citation(sentence: str, passage_text: str, similarity: Similarity | None = None) -> Support:
    """Whether the passage supports the sentence, and where. Any two texts may be given.

    ``similarity``: how alike two texts are in meaning, 0 to 1; from 0.9 on it may stand in for missing words, never
    for a number, a name or a negation.
    """
    if exact := find_quote(sentence, passage_text):
        return _check_quotation(passage_text, *exact)
    language = detect_language(passage_text, default=detect_language(sentence))
    whole, is_blocked = _best(sentence, passage_text, language, similarity)
    if whole.status == "supported":
        return whole
    # Where one sentence has the words and something else stands against it, taking it apart would only hide that.
    if not is_blocked and (joined := _check_parts(sentence, passage_text, language)):
        return joined
    return whole


def _check_quotation(text: str, start: int, end: int) -> Support:
    """A stretch of the passage itself: it may still leave out what turns it round."""
    left, right = _sentence_around(text, start, end)
    # "promise a refund" is quoted word for word from "do not promise a refund", and says the opposite.
    before = text[_clause_start(text, left, start) : start]
    language = detect_language(text)
    after = text[end:right].split(maxsplit=1)[:1]
    if read_assertion(before, language).denies or read_assertion(" ".join(after), language).denies:
        return _refused("the passage denies it")
    if read_assertion(before, language).some:
        return Support("partly", start, end, text[start:end], "the passage says how often or how many")
    rest = read_assertion(f"{text[left:start]} {text[end:right]}", language)
    if (
        text[left:right].strip()
        and rest.condition
        and not read_assertion(text[start:end], language).condition
    ):
        return Support("partly", start, end, text[start:end], "a condition of the passage is left out")
    return Support("supported", start, end, text[start:end])


def _sentence_around(text: str, start: int, end: int) -> tuple[int, int]:
    around = [span for span in _whole_sentences(text) if span[0] < end and span[1] > start]
    return (around[0][0], around[-1][1]) if around else (start, end)


def _clause_start(text: str, left: int, at: int) -> int:
    return max((match.end() for match in _CLAUSES.finditer(text, left, at)), default=left)


def _best(
    sentence: str, passage_text: str, language: str, similarity: Similarity | None
) -> tuple[Support, bool]:
    """The best support, and whether a single sentence has all the words but is kept from supporting the claim."""
    sentence = _main_clause_first(_OPENING.sub("", sentence), language)
    claim = _meaningful(sentence, language)
    if not claim:
        return _refused("the sentence says nothing that could be checked"), False
    said = read_assertion(sentence, language)
    best: tuple[int, float, int, int, int] | None = None
    why, is_blocked = "", False
    for start, end, kind in _windows(passage_text):
        rank, share, reason = _agreement(
            said, claim, _Window(passage_text, start, end, kind), language, similarity
        )
        is_blocked = is_blocked or (kind != "pair" and share >= _NEARLY and rank < _RANK["supported"])
        # A tie goes to the shorter stretch.
        candidate = (rank, round(share, 3), start - end, start, end)
        if best is None or candidate > best:
            best, why = candidate, reason
    if best is None or best[0] == 0:
        return _refused(why or _NOT_SAID), is_blocked
    _, _, _, start, end = best
    status: SupportStatus = "supported" if best[0] == 2 else "partly"
    return Support(status, start, end, passage_text[start:end], why), is_blocked


@functools.lru_cache(maxsize=4_096)
def _meaningful(text: str, language: str) -> tuple[str, ...]:
    """The stems that carry meaning, without numbers and units: those are compared by value.

    A text of nothing else keeps them.
    """
    for pattern, plain in _CONTRACTIONS if language == "en" else ():
        text = pattern.sub(plain, text)
    kept = [word for word in words(text) if word not in _LIGHT and not is_number_word(word, language)]
    return tuple(stems(" ".join(kept), language) or stems(text, language))


@functools.lru_cache(maxsize=4_096)
def _main_clause_first(text: str, language: str) -> str:
    """ "If it rains, we stay" as "we stay if it rains": both are one statement, and each clause keeps its own "if"."""
    pattern = _OPENS_WITH_CLAUSE.get(language)
    if pattern is None or not (match := pattern.match(text)):
        return text
    return f"{match[2]} {match[1][:1].lower()}{match[1][1:]}{match[3]}"


def _check_parts(sentence: str, passage_text: str, language: str) -> Support | None:
    """A sentence that joins statements is supported where each of them is: both halves by one sentence of the passage, or by
    two of which each half says the subject and most of the rest, so that nothing is said of another's."""
    for joint in list(_JOINTS.finditer(sentence))[:_MOST_JOINTS]:
        first = _check_part(sentence[: joint.start()], passage_text, language)
        if first is None:
            continue
        rest = sentence[joint.end() :]
        second = _check_part(rest, passage_text, language) or _check_parts(rest, passage_text, language)
        if second is None or not _belong_together(
            (sentence[: joint.start()], first), (rest, second), passage_text, language
        ):
            continue
        start, end = min(first.start, second.start), max(first.end, second.end)
        return Support("supported", start, end, passage_text[start:end])
    return None


def _check_part(part: str, passage_text: str, language: str) -> Support | None:
    if len(stems(part, language)) < 2:
        return None
    exact = find_quote(part, passage_text)
    support = (
        _check_quotation(passage_text, *exact) if exact else _best(part, passage_text, language, None)[0]
    )
    return support if support.status == "supported" else None


def _belong_together(
    first: tuple[str, Support], second: tuple[str, Support], passage_text: str, language: str
) -> bool:
    spans = _whole_sentences(passage_text)
    places = [
        [at for at, (start, end) in enumerate(spans) if start < support.end and end > support.start]
        for _, support in (first, second)
    ]
    if places[0] == places[1]:
        return True
    for (part, _), place in zip((first, second), places, strict=True):
        whole = _meaningful(passage_text[slice(*spans[place[0]])], language)
        said = set(_meaningful(part, language))
        if not set(whole[:1]) <= said or sum(term in said for term in whole) < _PARTLY * len(whole):
            return False
    return True


def _refused(reason: str) -> Support:
    return Support("not", 0, 0, "", reason)


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


def _inside_word(text: str, at: int) -> bool:
    if not 0 < at < len(text):
        return False
    before, after = text[at - 1], text[at]
    if before in ".," and after.isdigit() and at > 1 and text[at - 2].isdigit():
        return True  # "5 days" is not quoted from "1.5 days"
    if after in ".," and before.isdigit() and at + 1 < len(text) and text[at + 1].isdigit():
        return True
    return before.isalnum() and after.isalnum()


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


_GOES_ON = re.compile(
    r"\b(?:e\.g|i\.e|vs|cf|ca|Mr|Mrs|Ms|Dr|Dra|Sr|Sra|St|No|Nr|Prof|art|pp?|bzw|z\.\s?B|u\.\s?a|p\.\s?ej|[A-Z])\.\s+$"
)
_ORDINAL = re.compile(r"\b\d{1,2}\.\s+$")


@functools.lru_cache(maxsize=256)
def _whole_sentences(text: str) -> tuple[tuple[int, int], ...]:
    """The sentences, not cut after "Dr.", "e.g." or the day of "3. Mai"."""
    found: list[tuple[int, int]] = []
    for start, end in sentence_spans(text):
        before = text[found[-1][0] : start] if found else ""
        following = WORD.match(text, start)
        if found and (
            _GOES_ON.search(before)
            or (_ORDINAL.search(before) and following and is_month(following[0]))
            or (before.rstrip(" ").endswith("etc.") and text[start].islower())
        ):
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return tuple(found)


WindowKind = Literal["sentence", "pair", "clause", "row"]


@dataclass(frozen=True)
class _Window:
    passage: str
    start: int
    end: int
    kind: WindowKind

    @property
    def text(self) -> str:
        return self.passage[self.start : self.end]


def _windows(text: str) -> Iterator[tuple[int, int, WindowKind]]:
    """Sentences, rows, pairs of neighbouring sentences, and clauses of a sentence."""
    sentences = _whole_sentences(text)
    for at, (start, end) in enumerate(sentences):
        is_row = _ROW.match(text[start:end]) is not None
        yield start, end, "row" if is_row else "sentence"
        if at + 1 < len(sentences) and not is_row:
            yield start, sentences[at + 1][1], "pair"
        clauses = list(_split(text, start, end, _CLAUSES))
        if len(clauses) > 1 and not is_row:
            for left, right in clauses:
                yield left, right, "clause"


def text_windows(text: str) -> Iterator[tuple[int, int]]:
    """(start, end) of each sentence, and of each pair of neighbouring ones: what a statement may be held against."""
    return ((start, end) for start, end, kind in _windows(text) if kind != "clause")


def _split(text: str, start: int, end: int, cut: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    left = start
    for match in cut.finditer(text, start, end):
        if text[left : match.start()].strip():
            yield left, match.start()
        left = match.end()
    if text[left:end].strip():
        yield left, end


def _agreement(
    said: Assertion, claim: tuple[str, ...], window: _Window, language: str, similarity: Similarity | None
) -> tuple[int, float, str]:
    """(2 supported, 1 partly, 0 not; share of the claim's words found; what is against it)."""
    text = _main_clause_first(window.text, language)
    held = _meaningful(text, language)
    # A word that the claim says twice and the passage once is a word too many.
    share = (Counter(claim) & Counter(held)).total() / len(claim)
    if share < _PARTLY:
        return 0, share, _NOT_SAID
    stands = read_assertion(text, language)
    verdict = compare(said, stands)
    if verdict.contradicts:
        return 0, share, verdict.contradicts
    if verdict.lacks_names:
        return (1 if share >= _NEARLY else 0), share, "the passage does not name it"
    if verdict.limits:
        return 1, share, verdict.limits
    if window.kind == "clause":
        # What stands around a clause may turn it round.
        left, right = _sentence_around(window.passage, window.start, window.end)
        rest = f"{window.passage[left : window.start]} {window.passage[window.end : right]}"
        around = read_assertion(rest, language)
        if around.denies or (around.condition and not said.condition):
            return 1, share, "the passage adds a condition"
    if window.kind == "pair":
        return 1, share, _SPREAD_OUT
    if window.text.rstrip().endswith("?"):
        return 1, share, "the passage only asks it"
    if window.kind == "row":
        return (2, share, "") if share >= _SUPPORTED else (1, share, "a part is not in the passage")
    if share >= _SUPPORTED and _in_order(claim, held):
        return 2, share, ""
    if similarity and share >= _SUPPORTED_IF_ALIKE and similarity(said.text, window.text) >= _ALIKE:
        return 2, share, ""
    return 1, share, _OTHER_WORDS


def _in_order(claim: Sequence[str], held: Sequence[str]) -> bool:
    """Whether the claim's words stand in the window's order, but for one stretch of them that was moved as a whole.

    Two that were moved have changed places: "the north sold it to the south" has all the words of its opposite.
    """
    longest = [[0] * (len(held) + 1) for _ in range(len(claim) + 1)]
    for i, term in enumerate(claim):
        for j, other in enumerate(held):
            longest[i + 1][j + 1] = (
                longest[i][j] + 1 if term == other else max(longest[i][j + 1], longest[i + 1][j])
            )
    if longest[-1][-1] < _ORDER * len(claim):
        return False
    i, j, moved = len(claim), len(held), []
    while i:
        if j and claim[i - 1] == held[j - 1] and longest[i][j] == longest[i - 1][j - 1] + 1:
            i, j = i - 1, j - 1
        elif j and longest[i][j - 1] == longest[i][j]:
            j -= 1
        else:
            i -= 1
            moved.append(i)
    return sum(after - 1 != at for at, after in itertools.pairwise(reversed(moved))) == 0
