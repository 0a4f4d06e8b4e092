"""Where a passage stands in its document, and how that is said to a person."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Literal

PlaceKind = Literal["page", "heading", "slide", "notes", "cue", "document"]

_WORDS: dict[str, dict[str, str]] = {
    "page": {"en": "page", "es": "página", "pt": "página", "de": "Seite", "fr": "page"},
    "slide": {
        "en": "slide",
        "es": "diapositiva",
        "pt": "slide",
        "de": "Folie",
        "fr": "diapositive",
    },
    "notes": {
        "en": "speaker notes of slide",
        "es": "notas de la diapositiva",
        "pt": "notas do slide",
        "de": "Notizen zu Folie",
        "fr": "notes de la diapositive",
    },
    "document": {
        "en": "whole document",
        "es": "documento completo",
        "pt": "documento inteiro",
        "de": "ganzes Dokument",
        "fr": "document entier",
    },
}
HEADING_JOIN = " > "


@dataclass(frozen=True)
class Place:
    """``value``: the physical page or slide from 1 (for "notes" the slide that they belong to), the seconds of a
    cue, the heading path joined by " > ". ``member``: the path of the file inside a package or zip, where the
    document is one of many; empty otherwise.
    """

    kind: PlaceKind
    value: str | int | float
    member: str = ""

    def label(self, language: str = "en") -> str:
        """ "page 3", "Refunds > Damaged parcels", "12:05"; ``language`` is a tag such as "pt-BR"."""
        if self.kind == "heading":
            return str(self.value)
        within = self._within(language)
        # A heading path begins with the titles that the package gives its parts; other places need the file's name.
        return f"{PurePosixPath(self.member).name}, {within}" if self.member else within

    def _within(self, language: str) -> str:
        if self.kind == "cue":
            seconds = int(float(self.value))
            hours, rest = divmod(seconds, 3600)
            clock = f"{rest // 60:02d}:{rest % 60:02d}"
            return f"{hours}:{clock}" if hours else clock
        words = _WORDS[self.kind]
        word = words.get(language.partition("-")[0].lower(), words["en"])
        return word if self.kind == "document" else f"{word} {self.value}"

    def stored(self) -> str:
        return str(self.value)

    @classmethod
    def from_stored(cls, kind: PlaceKind, value: str, member: str = "") -> Place:
        """The inverse of ``kind``, ``stored()`` and ``member``."""
        if kind in ("page", "slide", "notes"):
            return cls(kind, int(value), member)
        if kind == "cue":
            return cls(kind, float(value), member)
        return cls(kind, value, member)
