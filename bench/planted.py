"""Sentences for `bench.lies`: a sentence of a passage, reworded so that it still says the same, or changed so that it does not.

Every rule is mechanical and works on the text alone, so a sentence that a rule makes is not what a model would have written: it
may limp. Rules know English, Spanish, Portuguese and German; one that does not fit a sentence gives None.

`HELD_OUT` names the kinds that nobody looked at while the checks were made; half of the documents is held out as well
(`is_held_out`).
"""

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


def _rule(where: dict[str, Rule], kind: str) -> Callable[[Rule], Rule]:
    def note(rule: Rule) -> Rule:
        where[kind] = rule
        return rule

    return note


def _alternatives(words: str) -> str:
    return "|".join(re.escape(word) for word in sorted(words.split("|"), key=len, reverse=True))


def _first_of(pairs: dict[str, str], text: str) -> str | None:
    """The text with the first match of any left side replaced by its right side; a capital stays one."""
    pattern = re.compile(rf"\b(?:{_alternatives('|'.join(pairs))})\b", re.IGNORECASE)
    match = pattern.search(text)
    if not match:
        return None
    said = pairs[match[0].lower()]
    said = said[:1].upper() + said[1:] if match[0][0].isupper() else said
    return f"{text[: match.start()]}{said}{text[match.end() :]}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str, language: str) -> str:
    """The first word in small letters where it is a little word: anything else may be a name, or a noun."""
    first = text.split(maxsplit=1)[0]
    return text[:1].lower() + text[1:] if is_stop_word(first.lower(), language) and first != "I" else text


def _both_ways(pairs: dict[str, str]) -> dict[str, str]:
    return pairs | {right: left for left, right in pairs.items()}


_CONDITIONS = {
    "en": "if|unless|when|whenever|provided that|as long as|except",
    "es": "si|cuando|salvo|excepto|a menos que|siempre que",
    "pt": "se|quando|salvo|exceto|a menos que|desde que",
    "de": "wenn|falls|sofern|außer",
}
_CAREFUL = re.compile(
    r"\b(?:not|never|no|only|if|unless|when|until|except|without|than|nunca|solo|sólo|si|cuando|sin|salvo|não|nunca|apenas|somente|se|quando|"
    r"sem|nicht|nur|kein\w*|nie|wenn|falls|ohne|außer|some|most|many|few|several|all|every|usually|often|algun\w*|much\w*|algum\w*|muit\w*|"
    r"einige|viele|alle|vezes|veces|manchmal|\d|according|según|segundo|laut|says?|said|argued?|believe\w*|claim\w*)\b|n't",
    re.IGNORECASE,
)

# --- what is still supported ---------------------------------------------------------------------------------------


@_rule(SUPPORTED, "verbatim")
def _verbatim(source: Source) -> str | None:
    return source.text


@_rule(SUPPORTED, "merged")
def _merged(source: Source) -> str | None:
    if source.at + 1 >= len(source.passage):
        return None
    other = source.passage[source.at + 1]
    if not other.endswith(".") or len((source.text + other).split()) > 45:
        return None
    joint = {"en": "and", "es": "y", "pt": "e", "de": "und"}[source.language]
    return f"{source.text[:-1]}, {joint} {_small(other, source.language)}"


@_rule(SUPPORTED, "shortened")
def _shortened(source: Source) -> str | None:
    """Without what stands in brackets, between two commas after "which", or before the first comma."""
    text = source.text
    for pattern in (
        r"\s*\([^()]*\)",
        r", (?:which|who|que|der|die|das) [^,;]*,(?= )",
        r"^[A-ZÀ-Ý][^,;]{4,40}, ",
    ):
        match = re.search(pattern, text)
        if match and not _CAREFUL.search(match[0]):
            rest = text[: match.start()] + text[match.end() :]
            if len(rest.split()) >= 6 and rest != text:
                return _capital(rest)
    return None


_REORDER = {
    "en": "because|although|while|since|if|when|after|before",
    "es": "porque|aunque|mientras|si|cuando",
    "pt": "porque|embora|enquanto|se|quando",
}


@_rule(SUPPORTED, "clauses reordered")
def _reordered(source: Source) -> str | None:
    words = _REORDER.get(source.language)
    if not words or source.text.count(",") > 1:
        return None
    if match := re.fullmatch(rf"((?:{words}) [^,;:()]+), ([^,;:()]+)\.", source.text, re.IGNORECASE):
        return f"{_capital(_small(match[2], source.language))} {match[1][:1].lower()}{match[1][1:]}."
    if match := re.fullmatch(rf"([^,;:()]+),? ((?:{words}) [^,;:()]+)\.", source.text):
        return f"{_capital(match[2])}, {_small(match[1], source.language)}."
    return None


_SINGULAR = {
    "en": {"the": "the", "these": "this", "those": "that"},
    "es": {"los": "el", "las": "la"},
    "pt": {"os": "o", "as": "a"},
}


@_rule(SUPPORTED, "singular")
def _singular(source: Source) -> str | None:
    articles = _SINGULAR.get(source.language, {})
    for match in re.finditer(r"\b(\w+) ([a-zà-ÿ]{5,}s)\b", source.text):
        article = articles.get(match[1].lower())
        if article is None or match[2].endswith(
            ("ss", "us", "is", "ies", "ões", "ais", "eis", "ces", "ches", "shes", "xes", "ses")
        ):
            continue
        word = (
            match[2][:-2]
            if source.language == "es" and match[2].endswith("es") and match[2][-3] in "rnld"
            else match[2][:-1]
        )
        article = _capital(article) if match[1][0].isupper() else article
        return f"{source.text[: match.start()]}{article} {word}{source.text[match.end() :]}"
    return None


_VERBS = {
    "en": "is|was|has|had|can|must|may|will|should|are|were|have",
    "es": "es|fue|era|tiene|puede|debe|son|fueron|tienen|pueden|deben",
    "pt": "é|foi|era|tem|pode|deve|são|foram|têm|podem|devem",
    "de": "ist|war|hat|hatte|kann|muss|wird|wurde|sind|waren|haben|können",
}


_NO_SUBJECT_WORDS = """
    it they he she there this that these what we you es who which how in no ello lo isso i dies man en em while because although
    porque embora vor nach bei mit über durch
"""
_NO_SUBJECT = frozenset(_NO_SUBJECT_WORDS.split())


@_rule(SUPPORTED, "pronoun")
def _pronoun(source: Source) -> str | None:
    """The subject that the sentence begins with, of at most four words, as "it" or "they"; left out in Spanish and Portuguese."""
    match = re.match(rf"((?:[\wÀ-ÿ’'-]+ ){{1,4}})({_VERBS[source.language]}) ", source.text)
    if not match:
        return None
    subject, verb = match[1].strip(), match[2]
    first = subject.split()[0]
    if _CAREFUL.search(subject) or first.lower() in _NO_SUBJECT:
        return None
    if not (
        first[0].isupper() and (is_stop_word(first.lower(), source.language) or len(subject.split()) <= 2)
    ):
        return None
    rest = source.text[match.end(1) :]
    if source.language in ("es", "pt"):
        return _capital(rest)
    plural = verb in ("are", "were", "have", "sind", "waren", "haben", "können")
    if source.language == "en":
        return f"{'They' if plural else 'It'} {rest}"
    return f"{'Sie' if plural else {'der': 'Er', 'die': 'Sie', 'das': 'Es'}.get(first.lower(), 'Sie')} {rest}"


_PEOPLE = {
    "en": r"\b(?:the |an |a )?(?:employees?|students?|workers?|users?|learners?)(?= (?:must|may|can|should|will|need|have)\b)",
    "pt": r"\b(?:o|os) (?:alunos?|estudantes?|candidatos?)(?= (?:deverão|deverá|devem|deve|podem|pode|terão|terá)\b)",
    "es": r"\b(?:el|los) (?:estudiantes?|alumnos?|empleados?)(?= (?:deben?|pueden?)\b)",
    "de": r"\b(?:der|die) (?:Studenten|Schüler|Mitarbeiter)(?= (?:müssen|können|dürfen|sollen)\b)",
}


@_rule(SUPPORTED, "you")
def _you(source: Source) -> str | None:
    match = re.search(_PEOPLE[source.language], source.text, re.IGNORECASE)
    if not match:
        return None
    said = {"en": "you", "es": "usted", "pt": "você", "de": "Sie"}[source.language]
    return f"{source.text[: match.start()]}{_capital(said) if not match.start() else said}{source.text[match.end() :]}"


_CONTRACTED = {
    "do not": "don't",
    "does not": "doesn't",
    "did not": "didn't",
    "is not": "isn't",
    "are not": "aren't",
    "was not": "wasn't",
    "were not": "weren't",
    "cannot": "can't",
    "should not": "shouldn't",
    "it is": "it's",
    "you are": "you're",
    "they are": "they're",
    "we are": "we're",
    "would not": "wouldn't",
    "could not": "couldn't",
    "has not": "hasn't",
    "have not": "haven't",
    "we have": "we've",
}


@_rule(SUPPORTED, "contracted")
def _contracted(source: Source) -> str | None:
    if source.language != "en":
        return None
    return _first_of(_both_ways(_CONTRACTED), source.text.replace("’", "'"))


_SPELLED = {
    "en": "two three four five six seven eight nine ten eleven twelve",
    "es": "dos tres cuatro cinco seis siete ocho nueve diez once doce",
    "pt": "dois três quatro cinco seis sete oito nove dez onze doze",
    "de": "zwei drei vier fünf sechs sieben acht neun zehn elf zwölf",
}


@_rule(SUPPORTED, "figures")
def _figures(source: Source) -> str | None:
    spelled = {word: str(at) for at, word in enumerate(_SPELLED[source.language].split(), start=2)}
    return _first_of(spelled, source.text)


_INTRODUCTIONS = {
    "en": ("Yes, ", "In short, ", "According to the text, ", "Note that "),
    "es": ("Sí, ", "En resumen, ", "Según el texto, "),
    "pt": ("Sim, ", "Em resumo, ", "De acordo com o texto, "),
    "de": ("Ja, ", "Kurz gesagt: ", "Laut dem Text gilt: "),
}


@_rule(SUPPORTED, "introduced")
def _introduced(source: Source) -> str | None:
    openings = _INTRODUCTIONS[source.language]
    return openings[int(chance("opening", source.text) * len(openings))] + _small(
        source.text, source.language
    )


_LITTLE = {
    "en": {
        "however, ": "but ",
        "such as": "like",
        "in order to": "to",
        "approximately": "about",
        "have to": "must",
        "need to": "must",
        "because": "since",
        "therefore": "so",
        "in addition, ": "also, ",
        "for example": "for instance",
        "including": "among them",
        "as well as": "and",
        "whether": "if",
    },
    "es": {
        "sin embargo, ": "pero ",
        "aproximadamente": "unos",
        "porque": "ya que",
        "debe": "tiene que",
        "por lo tanto": "por eso",
        "así como": "y",
    },
    "pt": {
        "no entanto, ": "mas ",
        "aproximadamente": "cerca de",
        "porque": "já que",
        "deve": "precisa",
        "portanto": "por isso",
        "bem como": "e",
    },
    "de": {
        "jedoch": "aber",
        "ungefähr": "etwa",
        "sowie": "und",
        "da": "weil",
        "daher": "deshalb",
        "zum Beispiel": "etwa",
    },
}


@_rule(SUPPORTED, "little words")
def _little_words(source: Source) -> str | None:
    for one, other in _LITTLE[source.language].items():
        pattern = re.compile(
            rf"\b{re.escape(one.strip())}(?!\w){',?' if one.endswith(', ') else ''}", re.IGNORECASE
        )
        if match := pattern.search(source.text):
            said = _capital(other.strip()) if match[0][0].isupper() else other.strip()
            return f"{source.text[: match.start()]}{said}{source.text[match.end() :]}"
    return None


@_rule(SUPPORTED, "as a command")
def _as_a_command(source: Source) -> str | None:
    """ "You should open a case" as "Open a case", in English."""
    match = re.match(
        r"(?:You|Employees|Students) (?:should|must|need to|have to) (?!not|be|have)(\w+) ", source.text
    )
    return _capital(source.text[match.start(1) :]) if match and source.language == "en" else None


# --- what is not ---------------------------------------------------------------------------------------------------


@_rule(UNSUPPORTED, "number")
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
    spelled = _SPELLED[source.language].split()
    return _first_of({word: spelled[(at + 3) % len(spelled)] for at, word in enumerate(spelled)}, source.text)


_UNITS = {
    "en": _both_ways(
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
    "es": _both_ways(
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
    "pt": _both_ways(
        {
            "dias": "semanas",
            "horas": "minutos",
            "anos": "meses",
            "milhões": "bilhões",
            "reais": "dólares",
            "metros": "quilômetros",
        }
    ),
    "de": _both_ways(
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


@_rule(UNSUPPORTED, "unit")
def _unit(source: Source) -> str | None:
    pairs = _UNITS[source.language]
    units = _alternatives("|".join(pairs))
    match = re.search(
        rf"(?:(?<=\d )|(?<=\bfive )|(?<=\bten )|(?<=\btwo ))(?:{units})\b", source.text, re.IGNORECASE
    )
    if not match:
        return None
    said = pairs[match[0].lower()]
    return f"{source.text[: match.start()]}{_capital(said) if match[0][0].isupper() else said}{source.text[match.end() :]}"


@_rule(UNSUPPORTED, "negation added")
def _negation_added(source: Source) -> str | None:
    if re.search(r"\b(?:not|never|no|n't|nicht|kein\w*|não|nunca|nie)\b", source.text, re.IGNORECASE):
        return None
    match = re.search(rf"\b(?:{_VERBS[source.language]})\b", source.text)
    if not match:
        return None
    at = match.start() if source.language in ("es", "pt") else match.end()
    word = {"en": " not", "de": " nicht", "es": "no ", "pt": "não "}[source.language]
    return f"{source.text[:at]}{word}{source.text[at:]}"


@_rule(UNSUPPORTED, "negation removed")
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
            return _capital(text)
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


@_rule(UNSUPPORTED, "must and may")
def _modal(source: Source) -> str | None:
    return _first_of(_MODALS[source.language], source.text)


_NAME = re.compile(r"(?<=[a-zà-ÿ,] )[A-ZÀ-Ý][\wÀ-ÿ-]+(?: [A-ZÀ-Ý][\wÀ-ÿ-]+)*")


@_rule(UNSUPPORTED, "name")
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


@_rule(UNSUPPORTED, "condition dropped")
def _condition_dropped(source: Source) -> str | None:
    words = _alternatives(_CONDITIONS[source.language])
    text = source.text
    if match := re.match(rf"(?:{words}) [^,;]{{8,}}, ", text, re.IGNORECASE):
        rest = text[match.end() :]
    elif match := re.search(rf",? (?:{words.replace('se|', '')}) [^,;]{{8,}}\.$", text):
        rest = text[: match.start()] + "."
    else:
        return None
    return _capital(rest) if len(rest.split()) >= 4 else None


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


@_rule(UNSUPPORTED, "bound")
def _bound(source: Source) -> str | None:
    match = re.search(r"\d", source.text)
    return _first_of(_BOUNDS[source.language], source.text) if match else None


def _content(text: str, language: str) -> list[str]:
    return [word for word in re.findall(r"\b[a-zà-ÿ]{5,}\b", text) if not is_stop_word(word, language)]


@_rule(UNSUPPORTED, "word")
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


@_rule(UNSUPPORTED, "invented")
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


@_rule(UNSUPPORTED, "reversed")
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


@_rule(UNSUPPORTED, "strengthened")
def _strengthened(source: Source) -> str | None:
    return _first_of(_STRONGER[source.language], source.text)


@_rule(UNSUPPORTED, "detail added")
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


@_rule(UNSUPPORTED, "spliced")
def _spliced(source: Source) -> str | None:
    """The first half of the sentence up to its verb, and what another sentence of the passage says after the same verb."""
    verb = re.compile(rf"\b({_VERBS[source.language]})\b")
    match = verb.search(source.text)
    if not match or match.start() < 6:
        return None
    for at, other in enumerate(source.passage):
        found = verb.search(other)
        if at != source.at and found and found[0] == match[0] and len(other[found.end() :].split()) >= 4:
            return source.text[: match.end()] + other[found.end() :]
    return None


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
