"""The numbers that a sentence states, with their units: digits, numbers in letters, months and weekdays."""

from __future__ import annotations

import re
from dataclasses import dataclass

from retrieval.languages import fold_accents

WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)?")
_LIST_MARK = re.compile(r"^\s*(?:[-*•]|\d{1,3}[.)])\s+", re.MULTILINE)

_NUMBER = re.compile(
    r"(?<![\w.,])(?P<digits>\d{1,3}(?:[ \u00a0\u202f'’]\d{3})+(?:[.,]\d+)?(?!\d)|\d+(?:[.,:]\d+)*)(?P<glued>[^\W\d_]*)"
)
_NUMBER_WORDS: dict[str, str] = {
    "en": "two:2 three:3 four:4 five:5 six:6 seven:7 eight:8 nine:9 ten:10 eleven:11 twelve:12 thirteen:13 fourteen:14 "
    "fifteen:15 sixteen:16 seventeen:17 eighteen:18 nineteen:19 twenty:20 thirty:30 forty:40 fifty:50 sixty:60 "
    "seventy:70 eighty:80 ninety:90 hundred:100 thousand:1000 twice:2 half:0.5",
    "es": "dos:2 tres:3 cuatro:4 cinco:5 seis:6 siete:7 ocho:8 nueve:9 diez:10 once:11 doce:12 trece:13 catorce:14 quince:15 "
    "dieciseis:16 diecisiete:17 dieciocho:18 diecinueve:19 veinte:20 treinta:30 cuarenta:40 cincuenta:50 sesenta:60 "
    "setenta:70 ochenta:80 noventa:90 cien:100 mil:1000",
    "pt": "dois:2 duas:2 tres:3 quatro:4 cinco:5 seis:6 sete:7 oito:8 nove:9 dez:10 onze:11 doze:12 treze:13 catorze:14 "
    "quatorze:14 quinze:15 dezesseis:16 dezessete:17 dezoito:18 dezenove:19 vinte:20 trinta:30 quarenta:40 "
    "cinquenta:50 sessenta:60 setenta:70 oitenta:80 noventa:90 cem:100 mil:1000",
    "de": "zwei:2 drei:3 vier:4 funf:5 sechs:6 sieben:7 acht:8 neun:9 zehn:10 elf:11 zwolf:12 dreizehn:13 vierzehn:14 "
    "funfzehn:15 sechzehn:16 siebzehn:17 achtzehn:18 neunzehn:19 zwanzig:20 dreissig:30 vierzig:40 funfzig:50 "
    "sechzig:60 siebzig:70 achtzig:80 neunzig:90 hundert:100 tausend:1000",
    "fr": "deux:2 trois:3 quatre:4 cinq:5 six:6 sept:7 huit:8 dix:10 onze:11 douze:12 treize:13 quatorze:14 quinze:15 "
    "seize:16 vingt:20 trente:30 quarante:40 cinquante:50 soixante:60 cent:100 mille:1000",
}
_WORDS_TO_NUMBERS = {
    language: {word: value for word, _, value in (pair.partition(":") for pair in line.split())}
    for language, line in _NUMBER_WORDS.items()
}
_SCALES = {
    "thousand": 1_000, "mil": 1_000, "tausend": 1_000, "mille": 1_000,
    "million": 1_000_000, "millions": 1_000_000, "millon": 1_000_000, "millones": 1_000_000, "milhao": 1_000_000,
    "milhoes": 1_000_000, "millionen": 1_000_000, "billion": 10**9, "milliarden": 10**9, "milliards": 10**9,
    "bilhoes": 10**9,
}  # fmt: skip
_UNIT_WORDS = {
    "percent": "% percent percentage pct prozent",
    "euro": "€ eur euro euros",
    "dollar": "$ usd dollar dollars dolares",
    "pound": "£ gbp pounds",
    "second": "second seconds sec segundo segundos sekunde sekunden seconde secondes",
    "minute": "minute minutes min minuto minutos minuten",
    "hour": "hour hours h hora horas stunde stunden heure heures",
    "day": "day days dia dias tag tage tagen jour jours",
    "week": "week weeks semana semanas woche wochen semaine semaines",
    "month": "month months mes meses monat monate monaten mois",
    "year": "year years ano anos jahr jahre jahren an ans annee annees",
    "kilogram": "kg kilo kilos kilogram kilograms kilogramm",
    "gram": "g gram grams gramos gramas gramm grammes",
    "kilometre": "km kilometer kilometers kilometres kilometros quilometros kilometre",
    "metre": "m metre metres meter meters metros",
    "mile": "mile miles millas milhas meilen",
}
UNITS = {word: unit for unit, line in _UNIT_WORDS.items() for word in line.split()}
_MONTHS = {
    word: f"month {number}"
    for number, line in enumerate(
        (
            "january enero janeiro januar janvier", "february febrero fevereiro februar fevrier", "marzo marco marz mars",
            "april abril avril", "mayo maio mai", "june junio junho juni juin", "july julio julho juli juillet",
            "august agosto aout", "september septiembre setembro septembre", "october octubre outubro oktober octobre",
            "november noviembre novembro novembre", "december diciembre dezembro dezember decembre",
        ),
        start=1,
    )
    for word in line.split()
}  # fmt: skip
_WEEKDAY_NAMES = """
    monday tuesday wednesday thursday friday saturday sunday montag dienstag mittwoch donnerstag freitag samstag sonntag lunes
    martes miercoles jueves viernes sabado domingo lundi mardi mercredi jeudi vendredi samedi dimanche
"""
_WEEKDAYS = frozenset(_WEEKDAY_NAMES.split())


@dataclass(frozen=True)
class Number:
    """``values``: the readings of "1.000" are 1000 and 1. ``at``: offset in the text."""

    values: frozenset[str]
    unit: str
    at: int

    def agrees(self, other: Number) -> bool:
        return bool(self.values & other.values) and (
            not (self.unit and other.unit) or self.unit == other.unit
        )


def numbers_in(text: str, language: str) -> list[Number]:
    text = _LIST_MARK.sub(lambda match: " " * len(match[0]), text)
    found = []
    for match in _NUMBER.finditer(text):
        values = _readings(match["digits"])
        unit, scale = _unit_after(text, match.end("digits"), match["glued"])
        unit = unit or UNITS.get(text[: match.start()].rstrip()[-1:], "")
        if scale > 1:
            values = frozenset(_plain_number(float(value) * scale) for value in values if ":" not in value)
        if match["glued"] and match["glued"].casefold() not in UNITS and not unit:
            values = frozenset(value + match["glued"].casefold() for value in values)
        found.append(Number(values, unit, match.start()))
    spelled = _WORDS_TO_NUMBERS.get(language, {})
    for match in WORD.finditer(text):
        word = fold_accents(match[0].casefold())
        if word in spelled:
            unit, scale = _unit_after(text, match.end(), "")
            found.append(
                Number(frozenset({_plain_number(float(spelled[word]) * scale)}), unit, match.start())
            )
        elif (word in _MONTHS and not (word in ("mars", "mai") and language == "en")) or (
            match[0] in ("May", "March") and language == "en" and match.start() > 0
        ):
            name = {"may": "month 5", "march": "month 3"}.get(word) or _MONTHS[word]
            found.append(Number(frozenset({name}), "date", match.start()))
        elif word in _WEEKDAYS:
            found.append(Number(frozenset({word}), "date", match.start()))
    return sorted(found, key=lambda number: number.at)


def _readings(digits: str) -> frozenset[str]:
    plain = re.sub(r"[ \u00a0\u202f'’]", "", digits)
    if ":" in plain:
        return frozenset({plain})
    points, commas = plain.count("."), plain.count(",")
    if points and commas:
        decimal = "." if plain.rindex(".") > plain.rindex(",") else ","
        other = "," if decimal == "." else "."
        return frozenset({_as_number(plain.replace(other, "").replace(decimal, "."))})
    mark = "." if points else ","
    if points + commas == 0:
        return frozenset({_as_number(plain)})
    if points + commas > 1:
        parts = plain.split(mark)
        # 1.2.2024 is a date, 1.000.000 a number.
        return frozenset({"".join(parts)} if all(len(part) == 3 for part in parts[1:]) else {".".join(parts)})
    whole, _, rest = plain.partition(mark)
    if len(rest) == 3 and 1 <= len(whole) <= 3 and whole != "0":
        return frozenset({_as_number(whole + rest), _as_number(f"{whole}.{rest}")})
    return frozenset({_as_number(f"{whole}.{rest}")})


def _as_number(plain: str) -> str:
    whole, _, rest = plain.partition(".")
    rest = rest.rstrip("0")
    return (whole.lstrip("0") or "0") + (f".{rest}" if rest else "")


def _plain_number(value: float) -> str:
    return _as_number(f"{value:.6f}")


_NEXT_WORD = re.compile(r"[\s\u00a0-]{0,2}([^\W\d_]+|[%€$£])")


def _unit_after(text: str, at: int, glued: str) -> tuple[str, int]:
    """(unit or "", factor: "5 million euros")."""
    scale = 1
    for _ in range(2):
        match = _NEXT_WORD.match(text, at)
        if not match:
            break
        word = fold_accents(match[1].casefold())
        if word in _SCALES:
            scale, at = scale * _SCALES[word], match.end()
            continue
        if word in ("per", "por", "pour"):
            following = _NEXT_WORD.match(text, match.end())
            if following and fold_accents(following[1].casefold()) in ("cent", "ciento", "cento"):
                return "percent", scale
        return UNITS.get(word, ""), scale
    return UNITS.get(glued.casefold(), ""), scale


def is_number_word(word: str, language: str) -> bool:
    """Whether a word is a number, a number in letters, or a unit: what ``compare`` looks at by value."""
    folded = fold_accents(word.casefold())
    spelled = _WORDS_TO_NUMBERS.get(language, {})
    return folded[0].isdigit() or folded in spelled or folded in UNITS or folded in _SCALES


def is_month(word: str) -> bool:
    """Whether a word names a month in one of the languages."""
    return fold_accents(word.casefold()) in _MONTHS
