"""A page in reading order: its lines and tables, columns one after the other."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from retrieval.parsing.pdf_lines import Line, line_of, pieces_of, turned_lines
from retrieval.parsing.pdf_page import Glyph, PaintedPage
from retrieval.parsing.pdf_tables import ruled_tables


@dataclass
class PageLayout:
    lines: list[Line] = field(default_factory=list)
    tables: int = 0


def lay_out(page: PaintedPage) -> PageLayout:
    """The visible text of a page in reading order; a table is one line with its rows."""
    glyphs = _turned_upright(page)
    tables, inside = ruled_tables(page.rules, glyphs, page)
    free = [glyph for glyph in glyphs if id(glyph) not in inside and glyph.turn == 0]
    lines = [line_of(piece) for piece in pieces_of(free)]
    for table in tables:
        left, top, right, bottom = table.box
        lines.append(Line("", left, top, right, bottom, 0.0, table.order, False, table))
    lines = [line for line in lines if line.text or line.table]
    ordered = _in_reading_order(lines, page)
    turned = [glyph for glyph in glyphs if glyph.turn in (90, 270) and id(glyph) not in inside]
    return PageLayout(ordered + turned_lines(turned), len(tables))


def _turned_upright(page: PaintedPage) -> list[Glyph]:
    """The glyphs that people see, without doubles. Where most of the page is written along its edge, it is turned."""
    seen: dict[tuple[str, int, int], Glyph] = {}
    glyphs: list[Glyph] = []
    for glyph in page.glyphs:
        if glyph.hidden:
            continue
        if glyph.text.strip():
            # Some programs draw a letter twice to make it bold, or cast a shadow with it.
            x, y = int(glyph.left), int(glyph.top)
            if any(
                _is_double(glyph, seen.get((glyph.text, x + right, y + down)))
                for right in (0, -1, 1)
                for down in (0, -1, 1)
            ):
                continue
            seen[glyph.text, x, y] = glyph
        glyphs.append(glyph)
    turns = [glyph.turn for glyph in glyphs if glyph.text.strip()]
    for turn in (90, 270):
        if turns and turns.count(turn) > 0.8 * len(turns):
            return [_turned(glyph, turn, page) for glyph in glyphs]
    return glyphs


def _is_double(glyph: Glyph, other: Glyph | None) -> bool:
    return (
        other is not None
        and abs(glyph.left - other.left) < 0.12 * glyph.size
        and abs(glyph.top - other.top) < 0.12 * glyph.size
    )


def _turned(glyph: Glyph, turn: int, page: PaintedPage) -> Glyph:
    if turn == 90:  # written upwards: the page is turned to the right
        left, right = page.height - glyph.bottom, page.height - glyph.top
        top, bottom = glyph.left, glyph.right
    else:
        left, right = glyph.top, glyph.bottom
        top, bottom = page.width - glyph.right, page.width - glyph.left
    now = 0 if glyph.turn == turn else 90
    return Glyph(
        glyph.text, left, top, right, bottom, glyph.size, glyph.order, glyph.colour, glyph.bold, now, ""
    )


# Reading order


def _in_reading_order(lines: list[Line], page: PaintedPage) -> list[Line]:
    """Columns of running text one after the other; else as the file has it, if that goes down the page."""
    middle = page.width / 2
    # Two pages of a book on one sheet: nothing reaches over the fold.
    if page.width > 1.2 * page.height and not any(line.left < middle < line.right for line in lines):
        halves = (
            [line for line in lines if line.right <= middle],
            [line for line in lines if line.right > middle],
        )
        if all(halves):
            return [line for half in halves for line in _by_columns(half, 1) or _without_columns(half)]
    columns = _by_columns(lines, 0)
    if columns is not None:
        return columns
    return _without_columns(lines)


def _without_columns(lines: list[Line]) -> list[Line]:
    """Lines one under the other go from top to bottom. Where some stand side by side, the order of the file is better
    than any guess, if it goes down the page; else row by row."""
    down = sorted(lines, key=lambda line: line.top)
    if all(
        earlier.bottom - later.top <= 0.5 * min(earlier.bottom - earlier.top, later.bottom - later.top)
        for earlier, later in itertools.pairwise(down)
    ):
        return down
    written = sorted(lines, key=lambda line: line.order)
    jumps = sum(
        later.top < earlier.top - 1.5 * max(later.size, earlier.size, 6.0)
        for earlier, later in itertools.pairwise(written)
    )
    # Text boxes and side notes are written one by one: a few jumps up. More of them is no order at all.
    if jumps <= max(2, 0.1 * len(written)):
        return _rows_joined(written)
    return _rows_joined(sorted(lines, key=lambda line: (round(line.bottom / 4), line.left)))


def _rows_joined(lines: Sequence[Line]) -> list[Line]:
    """Neighbours in order that stand on one line are one line: a label and its value."""
    out: list[Line] = []
    for line in lines:
        last = out[-1] if out else None
        if (
            last is not None
            and last.table is None
            and line.table is None
            and abs((last.top + last.bottom) - (line.top + line.bottom)) < 0.8 * max(last.size, line.size)
            and line.left >= last.right - last.size
        ):
            out[-1] = Line(
                f"{last.text} {line.text}",
                last.left,
                min(last.top, line.top),
                line.right,
                max(last.bottom, line.bottom),
                max(last.size, line.size),
                last.order,
                last.bold and line.bold,
            )
        else:
            out.append(line)
    return out


def _by_columns(lines: list[Line], depth: int) -> list[Line] | None:
    """The lines by columns, or None where the text runs over the whole width."""
    if len(lines) < 6 or depth > 4:
        return None
    gutter = _gutter(lines)
    if gutter is None:
        return None
    across = [line for line in lines if line.left < gutter < line.right]
    beside = [line for line in lines if not line.left < gutter < line.right]
    bands: list[list[Line]] = [[]]
    heads = sorted(across, key=lambda line: line.top)
    rest = sorted(beside, key=lambda line: line.top)
    ordered: list[Line] = []
    for head in heads:
        band = [line for line in rest if (line.top + line.bottom) / 2 < head.top]
        rest = [line for line in rest if (line.top + line.bottom) / 2 >= head.top]
        bands[-1] = band
        ordered += _band(band, gutter, depth)
        ordered.append(head)
        bands.append([])
    return ordered + _band(rest, gutter, depth)


def _band(lines: list[Line], gutter: float, depth: int) -> list[Line]:
    left = [line for line in lines if line.right <= gutter]
    right = [line for line in lines if line.right > gutter]
    ordered: list[Line] = []
    for side in (left, right):
        ordered += _by_columns(side, depth + 1) or _without_columns(side)
    return ordered


def _gutter(lines: Sequence[Line]) -> float | None:
    """Where a blank strip parts two columns of running text. A list of labels and values is no pair of columns."""
    left_edge = min(line.left for line in lines)
    right_edge = max(line.right for line in lines)
    width = right_edge - left_edge
    size = statistics.median(line.size or 8.0 for line in lines)
    if width < 20 * size:
        return None
    step = max(1.0, size / 4)
    bins = int(width / step) + 1
    changes = [0] * (bins + 1)
    for line in lines:
        first = max(0, int((line.left - left_edge) / step))
        last = min(bins - 1, int((line.right - left_edge) / step))
        changes[first] += 1
        changes[last + 1] -= 1
    crossing, running = [], 0
    for change in changes[:bins]:
        running += change
        crossing.append(running)
    few = max(1, int(0.2 * len(lines)))
    best: tuple[int, int, float] | None = None
    at = int(bins * 0.15)
    end = int(bins * 0.85)
    while at < end:
        if crossing[at] > few:
            at += 1
            continue
        start, lowest = at, crossing[at]
        while at < end and crossing[at] <= lowest:
            if crossing[at] < lowest:
                start, lowest = at, crossing[at]
            at += 1
        strip = (at - start) * step
        # A thousandth of an inch is no gutter; that of a book has the width of two letters.
        if strip >= 0.7 * size:
            middle = left_edge + (start + at) / 2 * step
            rank = (lowest, -(at - start), middle)
            if _parts_columns(lines, middle) and (best is None or rank < best):
                best = rank
    return best[2] if best else None


def _parts_columns(lines: Sequence[Line], gutter: float) -> bool:
    left = [line for line in lines if line.right <= gutter]
    right = [line for line in lines if line.left >= gutter]
    if min(len(left), len(right)) < 3:
        return False
    for side in (left, right):
        reach = max(line.right for line in side) - min(line.left for line in side)
        text = [line for line in side if line.table is None]
        if not text:
            return False
        # Running text fills its column; labels and values are short.
        usual = statistics.median(line.right - line.left for line in text)
        letters = statistics.median(len(line.text) for line in text)
        if usual < 0.45 * reach or letters < 18:
            return False
    top = max(min(line.top for line in left), min(line.top for line in right))
    bottom = min(max(line.bottom for line in left), max(line.bottom for line in right))
    shorter = min(
        max(line.bottom for line in side) - min(line.top for line in side) for side in (left, right)
    )
    return bottom - top >= 0.4 * shorter
