"""What a sentence asserts apart from its topic: numbers, names, negation, must or may, comparison, quantity, condition.

Two sentences can share all their words and say opposite things. Everything here is read from lists of little words
in English, Spanish, Portuguese, German and French; ``compare`` says what sets a claim apart from its source.
"""

from __future__ import annotations

import functools
import itertools
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal

from retrieval.languages import fold_accents, is_stop_word, stems_of_words
from retrieval.quantities import UNITS, WORD, Number, is_number_word, numbers_in

Modality = Literal["must", "should", "may"]

_NO = """
not cannot never none nobody nothing neither nor no false untrue myth incorrect
nunca jamas no ni tampoco nadie nada ninguno ninguna ningun falso
nao jamais nem ninguem nenhum nenhuma
nicht kein keine keinen keiner keinem nie niemals falsch weder
pas aucun aucune rien jamais faux
"""
_DENIALS = frozenset(_NO.split())
_WITHOUT = frozenset({"without", "sin", "sem", "ohne", "sans"})
# A second denial in the same clause strengthens it in these languages ("no hay nada").
_CONCORD = frozenset({"es", "pt", "fr"})
_NOT_A_DENIAL = re.compile(
    r"\bnot (?:only|just)\b(?=.*\bbut\b)|\bno (?:later|earlier|sooner|more|less|fewer) than\b|\bnot (?:more|"
    r"less|fewer) than\b|\bno solo\b(?=.*\bsino\b)|\bno (?:mas|menos) de\b|"
    r"\bno doubt\b|\bnao (?:so|apenas)\b(?=.*\bmas\b)|\bnao (?:mais|menos) de\b|\bnicht nur\b(?=.*\bsondern\b)|"
    r"\bnicht (?:mehr|weniger) als\b|\bpas seulement\b(?=.*\bmais\b)|\bpas (?:plus|moins) de\b"
)

_AXES: dict[str, tuple[str, str]] = {
    # name: the two sides, as patterns over folded text
    "bound": (
        r"at least|no less than|not less than|minimum|or more|more than|over|above|exceed\w*|al menos|como minimo|"
        r"por lo menos|mas de|pelo menos|"
        r"no minimo|mais de|mindestens|mehr als|uber|au moins|plus de|minimum",
        r"at most|no more than|not more than|maximum|up to|or less|less than|fewer than|under|below|no later than|"
        r"como maximo|hasta|menos de|"
        r"a lo sumo|no maximo|ate|menos de|hochstens|maximal|bis zu|weniger als|unter|au plus|jusqu'a|moins de",
    ),
    "time": (
        r"before|prior to|until|antes de|antes|hasta|ate|vor|bevor|bis|avant|jusqu'a",
        r"after|following|since|once|despues de|despues|tras|desde|depois de|depois|apos|nach|nachdem|seit|apres|depuis|des que",
    ),
    "change": (
        r"increas\w*|rise[sn]?|rose|rising|gr[eo]ws?|growth|expand\w*|gain\w*|aument\w*|sub(?:e|en|ir|io)|crec\w*|"
        r"cresc\w*|steig\w*|erhoh\w*|"
        r"zunahme|augment\w*|hausse",
        r"decreas\w*|fall(?:s|en|ing)?|fell|declin\w*|drop(?:s|ped)?|shrink\w*|reduc\w*|disminu\w*|baj(?:a|an|ar|"
        r"o)|diminu\w*|cai|sink\w*|"
        r"verringer\w*|abnahme|baisse\w*|dimin\w*",
    ),
    "degree": (
        r"higher|greater|larger|bigger|longer|better|older|faster|mayor|mejor|maior|melhor|hoher\w*|grosser\w*|"
        r"langer\w*|besser\w*|"
        r"superieure?s?|meilleure?s?",
        r"lower|smaller|shorter|worse|younger|slower|menor|peor|pior|niedriger\w*|kleiner\w*|kurzer\w*|"
        r"schlechter\w*|inferieure?s?|pires?",
    ),
    "leave": (
        r"allow\w*|permit\w*|accept\w*|approv\w*|permit\w*|acept\w*|aprueb\w*|aprov\w*|aceit\w*|erlaub\w*|"
        r"genehmig\w*|autoris\w*|accepte\w*",
        r"forbid\w*|forbidden|prohibit\w*|ban(?:s|ned)?|reject\w*|refus\w*|prohib\w*|rechaz\w*|proib\w*|recus\w*|"
        r"rejeit\w*|verbot\w*|verbiet\w*|"
        r"ablehn\w*|interdi\w*",
    ),
    "holding": (
        r"includ\w*|incluy\w*|incluid\w*|inclu\w*|einschliess\w*|inbegriffen|compris\w*|inclus\w*",
        r"exclud\w*|excluy\w*|exclu\w*|ausschliess\w*|ausgenommen",
    ),
    "ends": (
        r"first|begin\w*|began|start\w*|open(?:s|ed)?|primer\w*|empiez\w*|empez\w*|primeir\w*|comec\w*|erste[nrs]?|"
        r"begin\w*|premiere?s?|commenc\w*",
        r"last|end(?:s|ed)?|finish\w*|clos(?:e|es|ed)|ultim\w*|termin\w*|letzte[nrs]?|endet\w*|derniere?s?|finit",
    ),
    "outcome": (
        r"succe(?:ss\w*|eds?|eded)|win(?:s|ning)?|won|pass(?:es|ed)?|exit\w*|ganan?|erfolg\w*|gewinn\w*|reussi\w*",
        r"fail\w*|los(?:e|es|t|ing|s)|fracas\w*|pierd\w*|perd\w*|scheiter\w*|verlier\w*|echou\w*",
    ),
}  # fmt: skip
_SIDES = {name: tuple(re.compile(rf"\b(?:{side})\b") for side in sides) for name, sides in _AXES.items()}

_MODALS: dict[Modality, re.Pattern[str]] = {
    "must": re.compile(
        r"\b(?:must|ha(?:s|ve|d) to|shall|required?|requires|mandatory|obliged|needs? to|deben?|deberan?|tienen? que|"
        r"obligatori[oa]s?|devem?|devera|deverao|tem que|precisam?|"
        r"obrigatori[oa]s?|muss|mussen|musst|verpflichtet|doit|doivent|obligatoires?|faut)\b"
    ),
    "should": re.compile(
        r"\b(?:should|ought|recommended|deberian?|deveriam?|recomend\w+|soll|sollen|sollte[n]?|devraient|devrait|conseille)\b"
    ),
    "may": re.compile(
        r"\b(?:may|might|can|could|allowed|permitted|optional|possibly|perhaps|pueden?|podran?|podrian?|podria|opcional|"
        r"podem?|podera|poderao|poderiam?|poderia|kann|konnen|konnte[n]?|"
        r"darf|durfen|vielleicht|peut|peuvent|pourrait|pourraient|facultatif)\b"
    ),
}
_ALL = re.compile(
    r"\b(?:all|every|everyone|everything|each|always|any|tod[oa]s|siempre|cada|sempre|alle[nrms]?|jede[rmns]?|"
    r"immer|tous|toutes?|toujours|chaque)\b"
)
_SOME = re.compile(
    r"\b(?:some|sometimes|many|most|mostly|often|usually|generally|few|several|rarely|alg[ou]n[ao]s?|a veces|"
    r"much[oa]s|a menudo|generalmente|normalmente|"
    r"pocos|algu(?:m|ns|mas?)|as vezes|muit[oa]s|geralmente|frequentemente|poucos|einige[nr]?|manche[nrs]?|"
    r"manchmal|viele[nr]?|meist\w*|oft|haufig|wenige|"
    r"certain(?:e?s)|parfois|souvent|plupart|generalement|quelques|plusieurs)\b"
)
_ONLY = re.compile(
    r"\b(?:only|solely|exclusively|solo|solamente|unicamente|somente|apenas|nur|ausschliesslich|seulement|uniquement)\b"
)
# Of each language alone: "se" and "si" are also pronouns, "falls" are water, and an interpreter can be provided.
_CONDITIONS = {
    "en": r"if|unless|provided that|providing that|in case|as long as|except|when|whenever",
    "es": r"si|salvo|excepto|siempre que|a menos que|en caso de|cuando",
    "pt": r"se|salvo|exceto|caso|desde que|a menos que|quando",
    "de": r"wenn|falls|sofern|ausser|es sei denn",
    "fr": r"si|sauf|a condition|a moins|en cas de|quand|lorsque?",
}
_CONDITION = {language: re.compile(rf"\b(?:{words})\b") for language, words in _CONDITIONS.items()}
_PROVIDED = re.compile(r"(?:^|[,;(] ?)provid(?:ed|ing)\b")


@dataclass(frozen=True)
class Assertion:
    """``denies``: the statement is negated; ``names``: folded, in the order of the text; ``marks``: how often each kind of
    word that can turn a statement round occurs ("denial", "must", "some", "change 0", ...)."""

    text: str
    language: str
    numbers: tuple[Number, ...]
    names: tuple[str, ...]
    words: frozenset[str]
    stemmed: frozenset[str]
    denies: bool
    without: bool
    modality: Modality | None
    sides: frozenset[tuple[str, int]]
    every: bool
    some: bool
    only: bool
    condition: bool
    marks: Mapping[str, int]


@functools.lru_cache(maxsize=4_096)
def read_assertion(text: str, language: str) -> Assertion:
    """Reads a sentence in ``language`` ("en", "es", "pt", "de", "fr"; for others only numbers, names and English count)."""
    folded = "".join(fold_accents(letter) for letter in text.casefold().replace("’", "'"))
    folded_words = WORD.findall(folded)
    plain = _NOT_A_DENIAL.sub(" ", folded)
    denials = sum(_denies(word, language) for word in WORD.findall(plain))
    modality: Modality | None = next(
        (name for name in ("must", "should", "may") if _MODALS[name].search(folded)), None
    )
    if language == "en" and modality == "may" and re.search(r"\bMay \d|\d May\b", text):
        modality = None
    original = WORD.findall(text)
    marks = Counter(
        {"denial": denials, "some": len(_SOME.findall(folded)), "only": len(_ONLY.findall(folded))}
    )
    marks.update({name: len(pattern.findall(folded)) for name, pattern in _MODALS.items()})
    marks.update(
        {
            f"{name} {side}": len(pattern.findall(folded))
            for name, both in _SIDES.items()
            for side, pattern in enumerate(both)
        }
    )
    return Assertion(
        text=text,
        language=language,
        numbers=tuple(numbers_in(text, language)),
        names=tuple(_names(text)),
        words=frozenset(folded_words),
        stemmed=frozenset(stems_of_words([word.casefold() for word in original], language)),
        denies=denials > 0 if language in _CONCORD else denials % 2 == 1,
        without=any(word in _WITHOUT for word in folded_words),
        modality=modality,
        sides=frozenset(
            (name, side)
            for name, both in _SIDES.items()
            for side, pattern in enumerate(both)
            if pattern.search(folded)
        ),
        every=_ALL.search(folded) is not None,
        some=_SOME.search(folded) is not None,
        only=_ONLY.search(folded) is not None,
        condition=_CONDITION.get(language, _CONDITION["en"]).search(folded) is not None
        or (language == "en" and _PROVIDED.search(folded) is not None),
        marks=marks,
    )


def _denies(word: str, language: str) -> bool:
    # "no" denies in English and Spanish, but is "in the" in Portuguese; French "ne" goes with a second word.
    if word == "no" and language in ("pt", "de", "fr"):
        return False
    if word == "nada" and language == "pt":
        return True
    return word in _DENIALS or word.endswith("n't")


def _names(sentence: str) -> Iterator[str]:
    """Capitalised words past the first, and words of capitals or with digits in them."""
    starts = True
    last_end = 0
    for match in WORD.finditer(sentence):
        word = match[0]
        if last_end and re.search(r"[.!?:\n]", sentence[last_end : match.start()]):
            starts = True
        last_end = match.end()
        capital = word[0].isupper() and not starts
        inner = word[1:] != word[1:].lower() or (word[0].isalpha() and any(c.isdigit() for c in word))
        if (
            len(word) > 1
            and (capital or inner)
            and word.casefold() not in UNITS
            and not is_stop_word(word.casefold(), "en")
        ):
            yield fold_accents(word.casefold().replace("’", "'")).removesuffix("'s")
        starts = False


@dataclass(frozen=True)
class Comparison:
    """``contradicts``: why the source says otherwise; ``limits``: why it supports the claim only in part."""

    contradicts: str = ""
    limits: str = ""
    lacks_names: bool = False


def compare(claim: Assertion, source: Assertion) -> Comparison:
    """What sets the claim apart from its source, its words aside."""
    if contradiction := _contradiction(claim, source):
        return Comparison(contradicts=contradiction)
    lacks = not all(_is_named(name, source) for name in claim.names)
    return Comparison(limits=_limit(claim, source), lacks_names=lacks)


def _is_named(name: str, source: Assertion) -> bool:
    if name in source.words or f"{name}'s" in source.words:
        return True
    # Inflected in German, where every noun has a capital.
    stemmed = stems_of_words([name], source.language)[0]
    return source.language == "de" and stemmed in source.stemmed


def _contradiction(claim: Assertion, source: Assertion) -> str:
    if not all(any(number.agrees(other) for other in source.numbers) for number in claim.numbers):
        return "the passage has other numbers"
    if claim.denies != source.denies:
        return "one of them is denied"
    if claim.without and not source.without:
        return "one of them says “without”"
    for name, side in claim.sides:
        if (name, 1 - side) in source.sides and (name, side) not in source.sides:
            return "the passage says the opposite"
    if claim.modality == "must" and source.modality == "may":
        return "the passage only allows it"
    return ""


def _limit(claim: Assertion, source: Assertion) -> str:
    if claim.modality != source.modality and claim.modality and source.modality:
        return "the passage is more or less strict"
    if source.modality == "may" and not claim.modality:
        return "the passage only says that it may be so"
    if source.without and not claim.without:
        return "the passage says “without”"
    if claim.every and not source.every:
        return "the passage does not say it of all"
    if source.some != claim.some:
        return "the passage says how often or how many"
    if claim.only and not source.only:
        return "the passage does not say “only”"
    if source.condition and not claim.condition:
        return "a condition of the passage is left out"
    if claim.numbers and {pair for pair in claim.sides if pair[0] in ("bound", "time")} != {
        pair for pair in source.sides if pair[0] in ("bound", "time")
    }:
        return "the passage bounds the number in another way"
    if {pair for pair in claim.sides if pair[0] in ("change", "degree", "leave", "holding")} - source.sides:
        return "the passage does not say in which direction"
    if more := _says_more(claim, source):
        return more
    if not _same_order(claim, source):
        return "numbers or names stand in another order"
    return "" if _numbers_belong(claim, source) else "the number may belong to something else"


def _says_more(claim: Assertion, source: Assertion) -> str:
    """In long sentences a changed word hides behind another of its kind: so they are counted as well."""
    modals = {"must", "should", "may"}
    for mark, count in claim.marks.items():
        if mark in modals and not any(source.marks[name] for name in modals):
            continue  # "You must open a case" says what "Open a case" says
        if count > source.marks[mark]:
            return "the passage is less strict, or says less"
    if source.marks["denial"] > claim.marks["denial"] and _covers(claim, source):
        return "one of them is denied"
    if any(claim.names.count(name) > source.names.count(name) > 0 for name in claim.names):
        return "a name is repeated for another"
    return ""


def _covers(claim: Assertion, source: Assertion) -> bool:
    return len(source.stemmed & claim.stemmed) >= 0.8 * len(source.stemmed)


def _same_order(claim: Assertion, source: Assertion) -> bool:
    """Whether the claim's numbers, and its names, come in the order of the source (names that stand there once)."""
    reached: dict[str, int] = {}
    for number in claim.numbers:
        # "In 2023 by 5 percent" says what "by 5 percent in 2023" says: order counts among numbers of one unit.
        after = reached.get(number.unit, -1)
        following = [other.at for other in source.numbers if other.at > after and number.agrees(other)]
        if not following:
            return False
        reached[number.unit] = following[0]
    known = [name for name in claim.names if source.names.count(name) == 1 and claim.names.count(name) == 1]
    order = [source.names.index(name) for name in known]
    return order == sorted(order)


_BOUNDARY = re.compile(r"[,;]|\b(?:and|but|while|y|e|und|et|mientras|enquanto|aber|mais|mas|pero)\b")


def _numbers_belong(claim: Assertion, source: Assertion) -> bool:
    """Whether what the claim says stands in the source beside the claim's number, not beside another one.

    Between two numbers the first comma or "and" is the border, else the middle.
    """
    if not claim.numbers or len(source.numbers) < 2:
        return True
    numbers = source.numbers
    borders = [-1]
    for one, other in itertools.pairwise(numbers):
        cut = _BOUNDARY.search(source.text, one.at + 1, other.at)
        borders.append(cut.start() if cut else (one.at + other.at) // 2)
    beside = Counter(
        sum(border < match.start() for border in borders) - 1
        for match in WORD.finditer(source.text)
        if fold_accents(match[0].casefold()) in claim.words
        and not is_stop_word(match[0].casefold(), source.language)
        and not is_number_word(match[0], source.language)
    )
    for number in claim.numbers:
        own = max((beside[at] for at, other in enumerate(numbers) if number.agrees(other)), default=0)
        for at, other in enumerate(numbers):
            meant = any(one.agrees(other) for one in claim.numbers)
            if not meant and other.unit == number.unit and beside[at] > own:
                return False
    return True
