"""Where a passage stands in its document, and how that is said to a person."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

PlaceKind = Literal["page", "heading", "slide", "cue", "document"]

_WORDS: dict[str, dict[str, str]] = {
    "page": {"en": "page", "es": "página", "pt": "página", "de": "Seite", "fr": "page"},
    "slide": {
        "en": "slide",
        "es": "diapositiva",
        "pt": "slide",
        "de": "Folie",
        "fr": "diapositive",
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
    """``value``: the physical page or slide from 1, the seconds of a cue, the heading path joined by " > "."""

    kind: PlaceKind
    value: str | int | float

    def label(self, language: str = "en") -> str:
        """ "page 3", "Refunds > Damaged parcels", "12:05"; ``language`` is a tag such as "pt-BR"."""
        if self.kind == "heading":
            return str(self.value)
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
    def from_stored(cls, kind: PlaceKind, value: str) -> Place:
        """The inverse of ``kind`` and ``stored()``."""
        if kind in ("page", "slide"):
            return cls(kind, int(value))
        if kind == "cue":
            return cls(kind, float(value))
        return cls(kind, value)
