"""Languages: English in the code, Brazilian Portuguese and Spanish in app/locale/*.po, read as they are (no compiling step)."""

from __future__ import annotations

from datetime import date
from functools import cache
from pathlib import Path

from babel.dates import format_date
from babel.messages.pofile import read_po

LOCALES = ("en", "pt-BR", "es")
_FOLDER = Path(__file__).parents[1] / "locale"


@cache
def catalogue(locale: str) -> dict[str, str | tuple[str, ...]]:
    """Message key -> translation (a tuple of plural forms where it has them) of one locale; empty for English."""
    path = _FOLDER / f"{locale.replace('-', '_')}.po"
    if locale == "en" or not path.exists():
        return {}
    with path.open("rb") as file:
        messages = read_po(file, locale=locale.replace("-", "_"))
    found: dict[str, str | tuple[str, ...]] = {}
    for message in messages:
        if message.id and message.string:
            key = message.id if isinstance(message.id, str) else message.id[0]
            found[key] = message.string if isinstance(message.string, str) else tuple(message.string)
    return found


class Translator:
    """Translates for one locale: `translator("Send")`, `translator.plural("%(n)s day", "%(n)s days", n)`.

    Texts with `%(name)s` take their values as keywords. The result is plain text; the template escapes it.
    """

    def __init__(self, locale: str) -> None:
        self.locale = locale if locale in LOCALES else "en"
        self._messages = catalogue(self.locale)

    def __call__(self, message: str, **values: object) -> str:
        found = self._messages.get(message, message)
        text = found if isinstance(found, str) else found[0]
        return text % values if values else text

    def plural(self, one: str, many: str, n: int, **values: object) -> str:
        # English, Portuguese and Spanish all have the two forms one/other for the numbers that we show.
        found = self._messages.get(one, (one, many))
        forms = (found, found) if isinstance(found, str) else found
        return forms[0 if n == 1 else 1] % {"n": n, **values}


def choose_locale(*wishes: str | None) -> str:
    """The first of our locales that a wish asks for: "pt_BR" or "pt" give pt-BR, "es-MX" gives es; else English.

    A wish is a language tag or an Accept-Language header (its quality values are ignored: browsers list best first).
    """
    for wish in wishes:
        for part in (wish or "").split(","):
            language = part.split(";")[0].strip().replace("_", "-").split("-")[0].lower()
            for locale in LOCALES:
                if locale.split("-")[0] == language:
                    return locale
    return "en"


def day_in(locale: str, day: date) -> str:
    """A day as people of the locale write it, short: "26 Nov 2026", "26 de nov. de 2026"."""
    pattern = "d MMM y" if locale == "en" else "medium"
    return format_date(day, pattern, locale=locale.replace("-", "_"))
