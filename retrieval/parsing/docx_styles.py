"""The styles of a Word file: what they are based on, which are headings, what they say of numbers and runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrieval.parsing.docx_xml import child_of, value_of, whole_number
from retrieval.parsing.office import W

# Built-in heading styles are called so in English whatever the language of the program; converters translate the names.
_HEADING_STYLE = re.compile(
    r"(?:heading|überschrift|t[ií]tulo|titre|titolo|kop|rubrik|overskrift|nagłówek|заголовок|otsikko|nadpis)\s*([1-9])",
    re.IGNORECASE,
)
_TITLE_STYLES = {"title", "titel", "título", "titulo", "titre", "titolo"}


@dataclass
class _Style:
    name: str
    kind: str
    based_on: str
    paragraph: Any
    run: Any
    element: Any


class Styles:
    """The styles of a document, each with those that it is based on."""

    def __init__(self, root: Any) -> None:
        self._styles: dict[str, _Style] = {}
        self.default_paragraph = ""
        self._defaults_run = None
        if root is None:
            return
        self._defaults_run = root.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr")
        for style in root.iter(f"{W}style"):
            key = style.get(f"{W}styleId") or ""
            kind = style.get(f"{W}type") or ""
            self._styles[key] = _Style(
                (value_of(style.find(f"{W}name")) or key).lower(),
                kind,
                value_of(style.find(f"{W}basedOn")) or "",
                style.find(f"{W}pPr"),
                style.find(f"{W}rPr"),
                style,
            )
            if kind == "paragraph" and style.get(f"{W}default") in ("1", "true"):
                self.default_paragraph = key

    def language(self) -> str:
        said = self._defaults_run.find(f"{W}lang") if self._defaults_run is not None else None
        return ((value_of(said) or "und").split("-")[0] or "und").lower()[:8]

    def chain(self, style_id: str) -> Iterator[_Style]:
        seen: set[str] = set()
        while style_id and style_id not in seen and style_id in self._styles:
            seen.add(style_id)
            yield self._styles[style_id]
            style_id = self._styles[style_id].based_on

    def heading_level(self, properties: Any, style_id: str) -> int | None:
        """0 for the title, 1 to 9 for a heading, None for text."""
        direct = child_of(properties, "outlineLvl")
        if direct is not None:
            at = whole_number(value_of(direct), 9)
            return at + 1 if at < 9 else None
        for style in self.chain(style_id):
            if style.name in _TITLE_STYLES:
                return 0
            if found := _HEADING_STYLE.match(style.name):
                return int(found.group(1))
            outline = child_of(style.paragraph, "outlineLvl")
            if outline is not None:
                at = whole_number(value_of(outline), 9)
                return at + 1 if at < 9 else None
        return None

    def number_property(self, properties: Any, style_id: str) -> tuple[str, int] | None:
        direct = child_of(properties, "numPr")
        level: int | None = None
        if direct is not None:
            at = child_of(direct, "ilvl")
            level = whole_number(value_of(at)) if at is not None else None
            number = value_of(child_of(direct, "numId"))
            if number == "0":
                return None
            if number:
                return number, level or 0
        for style in self.chain(style_id):
            said = child_of(style.paragraph, "numPr")
            if said is not None:
                number = value_of(child_of(said, "numId"))
                if number == "0":
                    return None
                own = child_of(said, "ilvl")
                if level is None and own is not None:
                    level = whole_number(value_of(own))
                if number:
                    return number, level or 0
        return None

    def run_property(self, own: Any, style_id: str, name: str) -> Any:
        """The element of a run's property: its own, its character style's, its paragraph style's, the default."""
        found = child_of(own, name)
        if found is not None:
            return found
        for start in (value_of(child_of(own, "rStyle")) or "", style_id):
            for style in self.chain(start):
                found = child_of(style.run, name)
                if found is not None:
                    return found
        return child_of(self._defaults_run, name)
