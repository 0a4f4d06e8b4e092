"""The automatic numbers of Word's lists and headings."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrieval.parsing.docx_xml import value_of, whole_number
from retrieval.parsing.office import W


@dataclass
class _Level:
    """One level of a numbering: how its number looks and where it starts."""

    form: str
    pattern: str
    start: int


class Numbering:
    """Counts the automatic numbers of paragraphs, as Word does."""

    def __init__(self, root: Any) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._abstract_of: dict[str, str] = {}
        self._counters: dict[str, dict[int, int]] = {}
        self._restart: dict[tuple[str, int], int] = {}
        if root is None:
            return
        abstract: dict[str, dict[int, _Level]] = {}
        for one in root.iter(f"{W}abstractNum"):
            abstract[one.get(f"{W}abstractNumId") or ""] = dict(_levels(one))
        for number in root.iter(f"{W}num"):
            number_id = number.get(f"{W}numId") or ""
            base = value_of(number.find(f"{W}abstractNumId")) or ""
            levels = dict(abstract.get(base, {}))
            for override in number.iter(f"{W}lvlOverride"):
                at = whole_number(override.get(f"{W}ilvl"))
                levels.update(_levels(override))
                start = override.find(f"{W}startOverride")
                if start is not None:
                    self._restart[number_id, at] = whole_number(value_of(start), 1)
            self._levels[number_id] = levels
            self._abstract_of[number_id] = base

    def label(self, number_id: str, at: int) -> tuple[str, str] | None:
        """("list" or "steps", the mark in front) of the next paragraph at this level; None where it has no mark."""
        levels = self._levels.get(number_id)
        if levels is None:
            return None
        level = levels.get(at) or _Level("bullet", "", 1)
        if level.form == "none":
            return None
        if level.form == "bullet":
            return "list", "-"
        # Lists that share one abstract numbering go on counting together, unless one says where it starts.
        counters = self._counters.setdefault(self._abstract_of[number_id], {})
        restart = self._restart.pop((number_id, at), None)
        if restart is not None:
            counters[at] = restart
        else:
            counters[at] = counters[at] + 1 if at in counters else level.start
        for deeper in [other for other in counters if other > at]:
            del counters[deeper]
        for higher in range(at):
            counters.setdefault(higher, levels[higher].start if higher in levels else 1)

        def number(match: re.Match[str]) -> str:
            wanted = int(match.group(1)) - 1
            form = levels[wanted].form if wanted in levels else "decimal"
            return _numeral(counters.get(wanted, 1), form)

        mark = re.sub(r"%([1-9])", number, level.pattern).strip()
        return ("steps", mark) if mark else None


def _levels(parent: Any) -> Iterator[tuple[int, _Level]]:
    for level in parent.iter(f"{W}lvl"):
        yield (
            whole_number(level.get(f"{W}ilvl")),
            _Level(
                value_of(level.find(f"{W}numFmt")) or "decimal",
                value_of(level.find(f"{W}lvlText")) or "",
                whole_number(value_of(level.find(f"{W}start")), 1),
            ),
        )


_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


def _numeral(number: int, form: str) -> str:
    if form in ("lowerRoman", "upperRoman") and 0 < number < 4_000:
        out, rest = "", number
        for value, letters in _ROMAN:
            while rest >= value:
                out, rest = out + letters, rest - value
        return out.upper() if form == "upperRoman" else out
    if form in ("lowerLetter", "upperLetter") and 0 < number < 1_000:
        # Word goes on with aa, bb, cc.
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form == "decimalZero":
        return f"{number:02d}"
    return str(number)
