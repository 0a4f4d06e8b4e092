"""Rules whose sentences still say what the passage says."""

from __future__ import annotations

import re

from bench.planted.rules import (
    CAREFUL,
    SPELLED,
    SUPPORTED,
    VERBS,
    Source,
    both_ways,
    capital,
    chance,
    first_of,
    rule,
    small,
)
from retrieval.languages import is_stop_word


@rule(SUPPORTED, "verbatim")
def _verbatim(source: Source) -> str | None:
    return source.text


@rule(SUPPORTED, "merged")
def _merged(source: Source) -> str | None:
    if source.at + 1 >= len(source.passage):
        return None
    other = source.passage[source.at + 1]
    if not other.endswith(".") or len((source.text + other).split()) > 45:
        return None
    joint = {"en": "and", "es": "y", "pt": "e", "de": "und"}[source.language]
    return f"{source.text[:-1]}, {joint} {small(other, source.language)}"


@rule(SUPPORTED, "shortened")
def _shortened(source: Source) -> str | None:
    """Without what stands in brackets, between two commas after "which", or before the first comma."""
    text = source.text
    for pattern in (
        r"\s*\([^()]*\)",
        r", (?:which|who|que|der|die|das) [^,;]*,(?= )",
        r"^[A-ZÀ-Ý][^,;]{4,40}, ",
    ):
        match = re.search(pattern, text)
        if match and not CAREFUL.search(match[0]):
            rest = text[: match.start()] + text[match.end() :]
            if len(rest.split()) >= 6 and rest != text:
                return capital(rest)
    return None


_REORDER = {
    "en": "because|although|while|since|if|when|after|before",
    "es": "porque|aunque|mientras|si|cuando",
    "pt": "porque|embora|enquanto|se|quando",
}


@rule(SUPPORTED, "clauses reordered")
def _reordered(source: Source) -> str | None:
    words = _REORDER.get(source.language)
    if not words or source.text.count(",") > 1:
        return None
    if match := re.fullmatch(rf"((?:{words}) [^,;:()]+), ([^,;:()]+)\.", source.text, re.IGNORECASE):
        return f"{capital(small(match[2], source.language))} {match[1][:1].lower()}{match[1][1:]}."
    if match := re.fullmatch(rf"([^,;:()]+),? ((?:{words}) [^,;:()]+)\.", source.text):
        return f"{capital(match[2])}, {small(match[1], source.language)}."
    return None


_SINGULAR = {
    "en": {"the": "the", "these": "this", "those": "that"},
    "es": {"los": "el", "las": "la"},
    "pt": {"os": "o", "as": "a"},
}


@rule(SUPPORTED, "singular")
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
        article = capital(article) if match[1][0].isupper() else article
        return f"{source.text[: match.start()]}{article} {word}{source.text[match.end() :]}"
    return None


_NO_SUBJECT_WORDS = """
    it they he she there this that these what we you es who which how in no ello lo isso i dies man en em while because although
    porque embora vor nach bei mit über durch
"""
_NO_SUBJECT = frozenset(_NO_SUBJECT_WORDS.split())


@rule(SUPPORTED, "pronoun")
def _pronoun(source: Source) -> str | None:
    """The subject that the sentence begins with, of at most four words, as "it" or "they"; left out in Spanish and Portuguese."""
    match = re.match(rf"((?:[\wÀ-ÿ’'-]+ ){{1,4}})({VERBS[source.language]}) ", source.text)
    if not match:
        return None
    subject, verb = match[1].strip(), match[2]
    first = subject.split()[0]
    if CAREFUL.search(subject) or first.lower() in _NO_SUBJECT:
        return None
    if not (
        first[0].isupper() and (is_stop_word(first.lower(), source.language) or len(subject.split()) <= 2)
    ):
        return None
    rest = source.text[match.end(1) :]
    if source.language in ("es", "pt"):
        return capital(rest)
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


@rule(SUPPORTED, "you")
def _you(source: Source) -> str | None:
    match = re.search(_PEOPLE[source.language], source.text, re.IGNORECASE)
    if not match:
        return None
    said = {"en": "you", "es": "usted", "pt": "você", "de": "Sie"}[source.language]
    return f"{source.text[: match.start()]}{capital(said) if not match.start() else said}{source.text[match.end() :]}"


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


@rule(SUPPORTED, "contracted")
def _contracted(source: Source) -> str | None:
    if source.language != "en":
        return None
    return first_of(both_ways(_CONTRACTED), source.text.replace("’", "'"))


@rule(SUPPORTED, "figures")
def _figures(source: Source) -> str | None:
    spelled = {word: str(at) for at, word in enumerate(SPELLED[source.language].split(), start=2)}
    return first_of(spelled, source.text)


_INTRODUCTIONS = {
    "en": ("Yes, ", "In short, ", "According to the text, ", "Note that "),
    "es": ("Sí, ", "En resumen, ", "Según el texto, "),
    "pt": ("Sim, ", "Em resumo, ", "De acordo com o texto, "),
    "de": ("Ja, ", "Kurz gesagt: ", "Laut dem Text gilt: "),
}


@rule(SUPPORTED, "introduced")
def _introduced(source: Source) -> str | None:
    openings = _INTRODUCTIONS[source.language]
    return openings[int(chance("opening", source.text) * len(openings))] + small(source.text, source.language)


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


@rule(SUPPORTED, "little words")
def _little_words(source: Source) -> str | None:
    for one, other in _LITTLE[source.language].items():
        pattern = re.compile(
            rf"\b{re.escape(one.strip())}(?!\w){',?' if one.endswith(', ') else ''}", re.IGNORECASE
        )
        if match := pattern.search(source.text):
            said = capital(other.strip()) if match[0][0].isupper() else other.strip()
            return f"{source.text[: match.start()]}{said}{source.text[match.end() :]}"
    return None


@rule(SUPPORTED, "as a command")
def _as_a_command(source: Source) -> str | None:
    """ "You should open a case" as "Open a case", in English."""
    match = re.match(
        r"(?:You|Employees|Students) (?:should|must|need to|have to) (?!not|be|have)(\w+) ", source.text
    )
    return capital(source.text[match.start(1) :]) if match and source.language == "en" else None
