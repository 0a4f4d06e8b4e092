"""What every rule is made of: the sentence that it works on, where it is noted, and words that several rules know."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from retrieval.languages import is_stop_word


@dataclass(frozen=True)
class Source:
    """A sentence of a passage in `language`. `passage`: all sentences of it, `at` its own place among them."""

    passage: tuple[str, ...]
    at: int
    language: str

    @property
    def text(self) -> str:
        return self.passage[self.at]

    @property
    def others(self) -> str:
        return " ".join(one for at, one in enumerate(self.passage) if at != self.at)


Rule = Callable[[Source], str | None]
SUPPORTED: dict[str, Rule] = {}
UNSUPPORTED: dict[str, Rule] = {}
HELD_OUT = frozenset(
    {
        "introduced",
        "little words",
        "figures",
        "as a command",
        "unit",
        "reversed",
        "strengthened",
        "detail added",
        "spliced",
    }
)


def chance(*parts: object) -> float:
    """0 to 1, the same for the same parts."""
    return int.from_bytes(hashlib.sha256("\x1f".join(map(str, parts)).encode()).digest()[:6]) / 2**48


def is_held_out(document_id: str) -> bool:
    return chance("document", document_id.rpartition("/")[2]) < 0.5


def rule(where: dict[str, Rule], kind: str) -> Callable[[Rule], Rule]:
    def note(rule: Rule) -> Rule:
        where[kind] = rule
        return rule

    return note


def alternatives(words: str) -> str:
    return "|".join(re.escape(word) for word in sorted(words.split("|"), key=len, reverse=True))


def first_of(pairs: dict[str, str], text: str) -> str | None:
    """The text with the first match of any left side replaced by its right side; a capital stays one."""
    pattern = re.compile(rf"\b(?:{alternatives('|'.join(pairs))})\b", re.IGNORECASE)
    match = pattern.search(text)
    if not match:
        return None
    said = pairs[match[0].lower()]
    said = said[:1].upper() + said[1:] if match[0][0].isupper() else said
    return f"{text[: match.start()]}{said}{text[match.end() :]}"


def capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def small(text: str, language: str) -> str:
    """The first word in small letters where it is a little word: anything else may be a name, or a noun."""
    first = text.split(maxsplit=1)[0]
    return text[:1].lower() + text[1:] if is_stop_word(first.lower(), language) and first != "I" else text


def both_ways(pairs: dict[str, str]) -> dict[str, str]:
    return pairs | {right: left for left, right in pairs.items()}


CONDITIONS = {
    "en": "if|unless|when|whenever|provided that|as long as|except",
    "es": "si|cuando|salvo|excepto|a menos que|siempre que",
    "pt": "se|quando|salvo|exceto|a menos que|desde que",
    "de": "wenn|falls|sofern|außer",
}
CAREFUL = re.compile(
    r"\b(?:not|never|no|only|if|unless|when|until|except|without|than|nunca|solo|sólo|si|cuando|sin|salvo|não|nunca|apenas|somente|se|quando|"
    r"sem|nicht|nur|kein\w*|nie|wenn|falls|ohne|außer|some|most|many|few|several|all|every|usually|often|algun\w*|much\w*|algum\w*|muit\w*|"
    r"einige|viele|alle|vezes|veces|manchmal|\d|according|según|segundo|laut|says?|said|argued?|believe\w*|claim\w*)\b|n't",
    re.IGNORECASE,
)

VERBS = {
    "en": "is|was|has|had|can|must|may|will|should|are|were|have",
    "es": "es|fue|era|tiene|puede|debe|son|fueron|tienen|pueden|deben",
    "pt": "é|foi|era|tem|pode|deve|são|foram|têm|podem|devem",
    "de": "ist|war|hat|hatte|kann|muss|wird|wurde|sind|waren|haben|können",
}

SPELLED = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "pt": "dois três quatro cinco seis sete oito nove dez onze doze",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
}


def sentences_of(units: Sequence[str]) -> list[int]:
    """Places of the sentences that rules may work on: whole ones of 8 to 40 words, without links or formatting."""
    return [
        at
        for at, text in enumerate(units)
        if 8 <= len(text.split()) <= 40
        and text.endswith(".")
        and not re.search(r"[\[\]|*_<>{}#`?!;]|https?:|\n|[a-z]\. ", text)
        and text[0].isupper()
    ]
