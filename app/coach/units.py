"""A passage's text as the units that an answer may quote: sentences, steps, list items and table rows, each with its offsets."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

UnitKind = Literal["sentence", "step", "item", "row"]

_STEP = re.compile(r"^\s*\d{1,3}[.)]\s+")
_ITEM = re.compile(r"^\s*[-*•‣▪◦–]\s+")
_CELL = re.compile(r"^[^:;.!?]{1,60}: \S")
# A sentence ends at its mark (and closing quotes) before a space and a capital, digit or opening quote; not after a common
# abbreviation or an initial, which a quotation must not be cut at.
_END = re.compile(r"(?<=[.!?…])[\"”’')\]]*\s+(?=[\"“‘'(¿¡\[]*[A-ZÀ-ÝÁÉÍÓÚÑ0-9])")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|Mr|Mrs|Ms|Dr|Dra|Sr|Sra|St|No|nº|art|p|pp|ex|aprox|approx|incl|max|min)|\b[A-Z])\.$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Unit:
    """`passage_text[start:end] == text`. `block` numbers the paragraph, list or table it stands in, `label` a step's own number."""

    text: str
    start: int
    end: int
    kind: UnitKind
    block: int
    label: str = ""


def units_of(text: str) -> list[Unit]:
    """The units of a passage in reading order. Joined with what lies between them they are the passage again."""
    units: list[Unit] = []
    for block, (start, end) in enumerate(_stretches(text, re.compile(r"\n[ \t]*\n"))):
        for left, right in _lines(text, start, end):
            line = text[left:right]
            if mark := _STEP.match(line):
                units.append(_unit(text, left + mark.end(), right, "step", block, mark.group().strip()))
            elif mark := _ITEM.match(line):
                units.append(_unit(text, left + mark.end(), right, "item", block))
            elif _is_row(line):
                units.append(_unit(text, left, right, "row", block))
            else:
                units.extend(_unit(text, a, b, "sentence", block) for a, b in _sentences(text, left, right))
    return [unit for unit in units if unit.text]


def ends_in_abbreviation(text: str) -> bool:
    """Whether the full stop that a text ends with belongs to an abbreviation or an initial."""
    return _ABBREVIATION.search(text) is not None


def _unit(text: str, start: int, end: int, kind: UnitKind, block: int, label: str = "") -> Unit:
    while start < end and text[start].isspace():
        start += 1
    while end > start and text[end - 1].isspace():
        end -= 1
    return Unit(text[start:end], start, end, kind, block, label)


def _stretches(text: str, separator: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    start = 0
    for gap in separator.finditer(text):
        yield start, gap.start()
        start = gap.end()
    yield start, len(text)


def _lines(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Lines that begin a list item are units of their own; other lines of a block run together."""
    left = start
    while left < end:
        right = left
        while True:
            stop = text.find("\n", right, end)
            if stop == -1:
                right = end
                break
            following = text[stop + 1 : end]
            right = stop + 1
            if _STEP.match(following) or _ITEM.match(following):
                right = stop
                break
        yield left, right
        left = right + 1 if right < end else end


def _is_row(line: str) -> bool:
    """Whether a line is a table row in words, as the readers write it: `Service: Standard; Cover: €100`."""
    cells = line.strip().split("; ")
    return len(cells) > 1 and all(_CELL.match(cell) for cell in cells)


def _sentences(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    left = start
    for gap in _END.finditer(text, start, end):
        if ends_in_abbreviation(text[left : gap.start()]):
            continue
        yield left, gap.start() + len(gap.group()) - len(gap.group().lstrip("\"”’')]"))
        left = gap.end()
    yield left, end
