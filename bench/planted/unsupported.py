"""Rules whose sentences say something that the passage does not."""

from __future__ import annotations

import re

from bench.planted.rules import (
    CONDITIONS,
    SPELLED,
    UNSUPPORTED,
    VERBS,
    Source,
    alternatives,
    both_ways,
    capital,
    chance,
    first_of,
    rule,
)
from retrieval.languages import is_stop_word


@rule(UNSUPPORTED, "number")
def _number(source: Source) -> str | None:
    found = list(re.finditer(r"(?<![\w.,/-])\d[\d.,]*\d|(?<![\w.,/-])\d(?![\w.,/-])", source.text))
    if found:
        match = found[int(chance("which", source.text) * len(found))]
        digit = match[0][-1]
        other = str((int(digit) + 1 + int(chance("digit", source.text) * 8)) % 10)
        changed = match[0][:-1] + other
        if len(match[0]) == 1 and other == "0":
            changed = "10"
        return f"{source.text[: match.start()]}{changed}{source.text[match.end() :]}"
    spelled = SPELLED[source.language].split()
    return first_of({word: spelled[(at + 3) % len(spelled)] for at, word in enumerate(spelled)}, source.text)


_UNITS = {
    "en": both_ways(
        {
            "days": "weeks",
            "hours": "minutes",
            "years": "months",
            "percent": "percentage points",
            "million": "billion",
            "dollars": "euros",
            "miles": "kilometers",
            "metres": "feet",
            "meters": "yards",
            "pounds": "tons",
            "centuries": "decades",
            "century": "decade",
        }
    ),
    "es": both_ways(
        {
            "días": "semanas",
            "horas": "minutos",
            "años": "meses",
            "millones": "billones",
            "dólares": "euros",
            "millas": "kilómetros",
            "metros": "pies",
            "siglo": "decenio",
        }
    ),
    "pt": both_ways(
        {
            "dias": "semanas",
            "horas": "minutos",
            "anos": "meses",
            "milhões": "bilhões",
            "reais": "dólares",
            "metros": "quilômetros",
        }
    ),
    "de": both_ways(
        {
            "tage": "wochen",
            "stunden": "minuten",
            "jahre": "monate",
            "jahren": "monaten",
            "millionen": "milliarden",
            "dollar": "euro",
            "meter": "kilometer",
            "meilen": "kilometern",
        }
    ),
}


@rule(UNSUPPORTED, "unit")
def _unit(source: Source) -> str | None:
    pairs = _UNITS[source.language]
    units = alternatives("|".join(pairs))
    match = re.search(
        rf"(?:(?<=\d )|(?<=\bfive )|(?<=\bten )|(?<=\btwo ))(?:{units})\b", source.text, re.IGNORECASE
    )
    if not match:
        return None
    said = pairs[match[0].lower()]
    return f"{source.text[: match.start()]}{capital(said) if match[0][0].isupper() else said}{source.text[match.end() :]}"


@rule(UNSUPPORTED, "negation added")
def _negation_added(source: Source) -> str | None:
    if re.search(r"\b(?:not|never|no|n't|nicht|kein\w*|não|nunca|nie)\b", source.text, re.IGNORECASE):
        return None
    match = re.search(rf"\b(?:{VERBS[source.language]})\b", source.text)
    if not match:
        return None
    at = match.start() if source.language in ("es", "pt") else match.end()
    word = {"en": " not", "de": " nicht", "es": "no ", "pt": "não "}[source.language]
    return f"{source.text[:at]}{word}{source.text[at:]}"


@rule(UNSUPPORTED, "negation removed")
def _negation_removed(source: Source) -> str | None:
    changed = {
        "en": [
            (r"\b(can)not\b", r"\1"),
            (r"(\w)n[’']t\b", r"\1"),
            (r" not(?! only| just)\b", ""),
            (r" never\b", " always"),
            (r"\bNo (\w+)", r"Every \1"),
        ],
        "es": [(r"\b[Nn]o (?=(?:es|son|fue|puede|pueden|debe|se|hay|tiene|tienen|era|está)\b)", ""), (r"\bnunca\b", "siempre")],
        "pt": [(r"\b[Nn]ão (?=\w)", ""), (r"\bnunca\b", "sempre")],
        "de": [(r" nicht(?! nur)\b", ""), (r"\bkeine(?P<e>\w?) ", r"eine\1 "), (r"\bkein ", "ein ")],
    }[source.language]  # fmt: skip
    for pattern, said in changed:
        text = re.sub(pattern, said, source.text, count=1)
        if text != source.text:
            return capital(text)
    return None


_MODALS = {
    "en": {
        "must": "may",
        "has to": "can",
        "have to": "can",
        "should": "need not",
        "may": "must",
        "can": "must",
        "required to": "allowed to",
    },
    "es": {"debe": "puede", "deben": "pueden", "puede": "debe", "pueden": "deben"},
    "pt": {
        "deve": "pode",
        "devem": "podem",
        "pode": "deve",
        "podem": "devem",
        "deverá": "poderá",
        "deverão": "poderão",
    },
    "de": {
        "muss": "darf",
        "müssen": "dürfen",
        "kann": "muss",
        "können": "müssen",
        "darf": "muss",
        "dürfen": "müssen",
    },
}


@rule(UNSUPPORTED, "must and may")
def _modal(source: Source) -> str | None:
    return first_of(_MODALS[source.language], source.text)


_NAME = re.compile(r"(?<=[a-zà-ÿ,] )[A-ZÀ-Ý][\wÀ-ÿ-]+(?: [A-ZÀ-Ý][\wÀ-ÿ-]+)*")


@rule(UNSUPPORTED, "name")
def _name(source: Source) -> str | None:
    """A name of the sentence replaced by another one of the passage; in German, where every noun is written so, by another noun."""
    here = [match for match in _NAME.finditer(source.text) if len(match[0]) > 2]
    there = sorted(
        {name for name in _NAME.findall(source.others) if len(name) > 2 and name not in source.text}
    )
    there = [name for name in there if not any(word in source.text for word in name.split())]
    if not here or not there:
        return None
    match = here[int(chance("name", source.text) * len(here))]
    if any(part in other for part in match[0].split() for other in there):
        there = [other for other in there if not any(part in other for part in match[0].split())]
    if not there:
        return None
    said = there[int(chance("other", source.text) * len(there))]
    return f"{source.text[: match.start()]}{said}{source.text[match.end() :]}"


@rule(UNSUPPORTED, "condition dropped")
def _condition_dropped(source: Source) -> str | None:
    words = alternatives(CONDITIONS[source.language])
    text = source.text
    if match := re.match(rf"(?:{words}) [^,;]{{8,}}, ", text, re.IGNORECASE):
        rest = text[match.end() :]
    elif match := re.search(rf",? (?:{words.replace('se|', '')}) [^,;]{{8,}}\.$", text):
        rest = text[: match.start()] + "."
    else:
        return None
    return capital(rest) if len(rest.split()) >= 4 else None


_BOUNDS = {
    "en": {
        "at least": "at most",
        "at most": "at least",
        "more than": "less than",
        "less than": "more than",
        "up to": "at least",
        "fewer than": "more than",
        "over": "under",
        "before": "after",
        "after": "before",
        "minimum": "maximum",
        "maximum": "minimum",
        "until": "after",
    },
    "es": {
        "al menos": "como máximo",
        "más de": "menos de",
        "menos de": "más de",
        "hasta": "desde",
        "antes de": "después de",
        "después de": "antes de",
    },
    "pt": {
        "pelo menos": "no máximo",
        "mais de": "menos de",
        "menos de": "mais de",
        "até": "desde",
        "antes de": "depois de",
        "no mínimo": "no máximo",
        "no máximo": "no mínimo",
        "após": "antes de",
    },
    "de": {
        "mindestens": "höchstens",
        "mehr als": "weniger als",
        "weniger als": "mehr als",
        "bis zu": "mindestens",
        "vor": "nach",
        "nach": "vor",
        "über": "unter",
    },
}


@rule(UNSUPPORTED, "bound")
def _bound(source: Source) -> str | None:
    match = re.search(r"\d", source.text)
    return first_of(_BOUNDS[source.language], source.text) if match else None


def _content(text: str, language: str) -> list[str]:
    return [word for word in re.findall(r"\b[a-zà-ÿ]{5,}\b", text) if not is_stop_word(word, language)]


@rule(UNSUPPORTED, "word")
def _word(source: Source) -> str | None:
    """A word that carries meaning replaced by another one of the passage with the same ending."""
    here = _content(source.text, source.language)
    there = sorted(set(_content(source.others, source.language)))
    pairs = [
        (one, other)
        for one in here
        for other in there
        if one[-2:] == other[-2:] and one[:4] != other[:4] and other not in source.text
    ]
    if not pairs:
        return None
    one, other = pairs[int(chance("word", source.text) * len(pairs))]
    return re.sub(rf"\b{one}\b", other, source.text, count=1)


@rule(UNSUPPORTED, "invented")
def _invented(source: Source) -> str | None:
    """A third of the words that carry meaning, three at least, replaced by others of the passage: plausible, and said by nobody."""
    here = list(dict.fromkeys(_content(source.text, source.language)))
    there = [
        word for word in sorted(set(_content(source.others, source.language))) if word not in source.text
    ]
    wanted = max(3, len(here) // 3)
    if len(here) < wanted or len(there) < wanted:
        return None
    chosen = sorted(here, key=lambda word: chance("out", word, source.text))[:wanted]
    others = sorted(there, key=lambda word: chance("in", word, source.text))[:wanted]
    text = source.text
    for one, other in zip(chosen, others, strict=True):
        text = re.sub(rf"\b{one}\b", other, text, count=1)
    return text


@rule(UNSUPPORTED, "reversed")
def _reversed(source: Source) -> str | None:
    """The two names of a sentence that has exactly two, each in the other's place."""
    found = list(re.finditer(r"\b[A-ZÀ-Ý][\wÀ-ÿ]+(?: [A-ZÀ-Ý][\wÀ-ÿ]+)*", source.text))
    found = [match for match in found if not is_stop_word(match[0].split()[0].lower(), source.language)]
    if len(found) != 2 or source.language == "de" or found[0][0] == found[1][0]:
        return None
    one, other = found
    between = source.text[one.end() : other.start()]
    if len(between.split()) < 2 or re.fullmatch(r"[ ,]*(?:and|y|e|or|o|ou)[ ,]*", between):
        return None
    return f"{source.text[: one.start()]}{other[0]}{between}{one[0]}{source.text[other.end() :]}"


_STRONGER = {
    "en": {
        "some": "all",
        "many": "all",
        "most": "all",
        "often": "always",
        "usually": "always",
        "sometimes": "always",
        "generally": "always",
        "several": "all",
        "may": "will",
        "might": "will",
        "could": "will",
        "typically": "always",
    },
    "es": {
        "algunos": "todos los",
        "algunas": "todas las",
        "muchos": "todos los",
        "muchas": "todas las",
        "a menudo": "siempre",
        "generalmente": "siempre",
    },
    "pt": {
        "alguns": "todos os",
        "algumas": "todas as",
        "muitos": "todos os",
        "muitas": "todas as",
        "geralmente": "sempre",
    },
    "de": {
        "einige": "alle",
        "viele": "alle",
        "oft": "immer",
        "manchmal": "immer",
        "häufig": "immer",
        "meist": "immer",
    },
}


@rule(UNSUPPORTED, "strengthened")
def _strengthened(source: Source) -> str | None:
    return first_of(_STRONGER[source.language], source.text)


@rule(UNSUPPORTED, "detail added")
def _detail_added(source: Source) -> str | None:
    """The sentence with a detail at its end that another sentence of the passage gives of something else."""
    preposition = {
        "en": "in|for|with|by|from|at",
        "es": "en|para|con|por|desde",
        "pt": "em|para|com|por|na|no",
        "de": "in|für|mit|durch|aus",
    }
    found = re.findall(rf"\b((?:{preposition[source.language]}) [^.,;:()]{{8,40}})\.", source.others)
    found = [one for one in found if one.split()[-1] not in source.text]
    if not found:
        return None
    return f"{source.text[:-1]} {found[int(chance('detail', source.text) * len(found))]}."


@rule(UNSUPPORTED, "spliced")
def _spliced(source: Source) -> str | None:
    """The first half of the sentence up to its verb, and what another sentence of the passage says after the same verb."""
    verb = re.compile(rf"\b({VERBS[source.language]})\b")
    match = verb.search(source.text)
    if not match or match.start() < 6:
        return None
    for at, other in enumerate(source.passage):
        found = verb.search(other)
        if at != source.at and found and found[0] == match[0] and len(other[found.end() :].split()) >= 4:
            return source.text[: match.end()] + other[found.end() :]
    return None
