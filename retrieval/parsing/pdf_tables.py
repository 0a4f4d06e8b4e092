"""Tables of a page, where ruling lines make a grid."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence

from retrieval.parsing.office import SPANNED, guess_head_rows
from retrieval.parsing.pdf_lines import Line, Table, line_of, pieces_of, turned_lines
from retrieval.parsing.pdf_page import Box, Glyph, PaintedPage

_SNAP = 3.0  # points within which ruling lines count as one
_MOST_RULES = 3_000
_LARGEST_GRID = 4_000  # cells


def ruled_tables(
    rules: Sequence[Box], glyphs: Sequence[Glyph], page: PaintedPage
) -> tuple[list[Table], set[int]]:
    """Tables whose cells are ruled, and the ids of the glyphs in them."""
    if len(rules) < 4 or len(rules) > _MOST_RULES or not glyphs:
        return [], set()
    level, upright = _merged(rules, page)
    if len(level) < 2 or len(upright) < 2:
        return [], set()
    tables: list[Table] = []
    inside: set[int] = set()
    letters = [glyph for glyph in glyphs if glyph.text.strip()]
    for cells in _grids(level, upright):
        found = _table(cells, glyphs, letters)
        if found is None:
            continue
        table, own = found
        tables.append(table)
        inside |= own
    return tables, inside


_Stroke = tuple[float, float, float]  # where it lies, from, to


def _merged(rules: Sequence[Box], page: PaintedPage) -> tuple[list[_Stroke], list[_Stroke]]:
    """Horizontal and vertical strokes, those that continue each other joined."""
    level: list[_Stroke] = []
    upright: list[_Stroke] = []
    for left, top, right, bottom in rules:
        if right - left >= bottom - top and right - left > 4:
            level.append(((top + bottom) / 2, left, right))
        elif bottom - top > 4:
            upright.append(((left + right) / 2, top, bottom))
    level, upright = _joined(level), _joined(upright)
    return level, _joined(upright + _missing_sides(level, upright))


def _missing_sides(level: Sequence[_Stroke], upright: Sequence[_Stroke]) -> list[_Stroke]:
    """Many tables have no stroke at their left and right side: their horizontal strokes end at one place, and between
    two of them a vertical stroke parts cells."""
    same: dict[tuple[int, int], list[_Stroke]] = {}
    for stroke in level:
        same.setdefault((round(stroke[1] / 6), round(stroke[2] / 6)), []).append(stroke)
    sides: list[_Stroke] = []
    for strokes in same.values():
        for above, below in itertools.pairwise(sorted(strokes)):
            left, right = max(above[1], below[1]), min(above[2], below[2])
            if any(
                left + _SNAP < x < right - _SNAP and top <= above[0] + _SNAP and bottom >= below[0] - _SNAP
                for x, top, bottom in upright
            ):
                sides += [(left, above[0], below[0]), (right, above[0], below[0])]
    return sides


def _joined(strokes: list[_Stroke]) -> list[_Stroke]:
    strokes.sort()
    lanes: list[list[_Stroke]] = []
    for stroke in strokes:
        if lanes and stroke[0] - lanes[-1][0][0] <= _SNAP:
            lanes[-1].append(stroke)
        else:
            lanes.append([stroke])
    out: list[_Stroke] = []
    for lane in lanes:
        at = statistics.median(stroke[0] for stroke in lane)
        start = end = None
        for _, first, last in sorted(lane, key=lambda stroke: stroke[1]):
            if start is None or end is None:
                start, end = first, last
            elif first <= end + _SNAP:
                end = max(end, last)
            else:
                out.append((at, start, end))
                start, end = first, last
        if start is not None and end is not None:
            out.append((at, start, end))
    return out


def _grids(level: Sequence[_Stroke], upright: Sequence[_Stroke]) -> list[list[Box]]:
    """Cells, gathered into grids: every cell is bounded by four strokes, and touches the next."""
    points: dict[float, list[float]] = {}
    for y, first, last in level:
        for x, top, bottom in upright:
            if first - _SNAP <= x <= last + _SNAP and top - _SNAP <= y <= bottom + _SNAP:
                points.setdefault(y, []).append(x)
    rows = sorted(points)
    cells: list[Box] = []
    for at, y in enumerate(rows):
        xs = sorted(set(points[y]))
        for number, x in enumerate(xs[:-1]):
            cell = _cell(x, y, xs[number + 1 :], rows[at + 1 :], points, level, upright)
            if cell is not None:
                cells.append(cell)
                if len(cells) > _LARGEST_GRID:
                    return []
    return _touching(cells)


def _cell(
    x: float,
    y: float,
    to_right: Sequence[float],
    below: Sequence[float],
    points: dict[float, list[float]],
    level: Sequence[_Stroke],
    upright: Sequence[_Stroke],
) -> Box | None:
    """The smallest ruled rectangle whose upper left corner is (x, y)."""

    def runs(strokes: Sequence[_Stroke], at: float, first: float, last: float) -> bool:
        return any(
            abs(lies - at) < 0.01 and start <= first + _SNAP and end >= last - _SNAP
            for lies, start, end in strokes
        )

    for right in to_right:
        if not runs(level, y, x, right):
            return None
        for bottom in below:
            corners = points[bottom]
            if x not in corners or not runs(upright, x, y, bottom):
                continue
            if right in corners and runs(upright, right, y, bottom) and runs(level, bottom, x, right):
                return x, y, right, bottom
    return None


def _touching(cells: Sequence[Box]) -> list[list[Box]]:
    parent = list(range(len(cells)))

    def find(at: int) -> int:
        while parent[at] != at:
            parent[at] = parent[parent[at]]
            at = parent[at]
        return at

    corners: dict[tuple[float, float], int] = {}
    for number, (left, top, right, bottom) in enumerate(cells):
        for corner in ((left, top), (right, top), (left, bottom), (right, bottom)):
            if corner in corners:
                parent[find(number)] = find(corners[corner])
            else:
                corners[corner] = number
    groups: dict[int, list[Box]] = {}
    for number, cell in enumerate(cells):
        groups.setdefault(find(number), []).append(cell)
    return list(groups.values())


def _table(
    cells: Sequence[Box], glyphs: Sequence[Glyph], letters: Sequence[Glyph]
) -> tuple[Table, set[int]] | None:
    """The grid as a table, if it is one: two rows and two columns at least, and text in most of it."""
    xs = sorted({side for cell in cells for side in (cell[0], cell[2])})
    ys = sorted({side for cell in cells for side in (cell[1], cell[3])})
    columns, rows = len(xs) - 1, len(ys) - 1
    if columns < 2 or rows < 2:
        return None
    box = (xs[0], ys[0], xs[-1], ys[-1])
    if _cuts_words(box, cells, letters):
        return None
    grid: list[list[str]] = [[""] * columns for _ in range(rows)]
    inside: set[int] = set()
    filled = whole = 0
    order = None
    looks: list[list[tuple[bool, object]]] = [[] for _ in range(rows)]
    for left, top, right, bottom in cells:
        own = [
            glyph
            for glyph in glyphs
            if left <= (glyph.left + glyph.right) / 2 < right
            and top <= (glyph.top + glyph.bottom) / 2 < bottom
        ]
        first_column, last_column = xs.index(left), xs.index(right)
        first_row, last_row = ys.index(top), ys.index(bottom)
        whole += 1
        if not any(glyph.text.strip() for glyph in own):
            continue
        filled += 1
        text = _cell_text(own)
        inside |= {id(glyph) for glyph in own}
        start = min(glyph.order for glyph in own)
        order = start if order is None else min(order, start)
        looks[first_row] += [(glyph.bold, glyph.colour) for glyph in own if glyph.text.strip()]
        for row in range(first_row, last_row):
            for column in range(first_column, last_column):
                grid[row][column] = text if column == first_column else SPANNED
    if order is None or filled < 0.4 * whole or filled < 4:
        return None
    # Rows and columns that only ruling lines make, without a word in them, are borders.
    keep = [column for column in range(columns) if any(row[column] not in ("", SPANNED) for row in grid)]
    grid_rows = [[row[column] for column in keep] for row in grid if any(row)]
    if len(keep) < 2 or len(grid_rows) < 2:
        return None
    # A page laid out in boxes is no table: cells of whole paragraphs stay running text.
    longest = statistics.median(max(len(cell) for cell in row) for row in grid_rows)
    if longest > 600:
        return None
    marked = _stands_out([look for look in looks if look])
    return (
        Table(box, grid_rows, guess_head_rows(grid_rows, marked), [xs[column] for column in keep], order),
        inside,
    )


def _stands_out(looks: Sequence[Sequence[tuple[bool, object]]]) -> bool:
    """Whether the first row is set apart from the second: wholly bold, or wholly in a colour that the second has not."""
    if len(looks) < 2:
        return False
    first, second = looks[0], looks[1]
    if all(bold for bold, _ in first) and not all(bold for bold, _ in second):
        return True
    colours = {str(colour) for _, colour in first}
    return len(colours) == 1 and not colours & {str(colour) for _, colour in second}


def _cuts_words(box: Box, cells: Sequence[Box], letters: Sequence[Glyph]) -> bool:
    """Whether the strokes run through lines of text: then they are a drawing, not a table."""
    inside = [
        glyph
        for glyph in letters
        if glyph.turn == 0
        and box[0] <= glyph.left <= box[2]
        and box[1] <= (glyph.top + glyph.bottom) / 2 <= box[3]
    ]
    cut = whole = 0
    for piece in pieces_of(inside):
        middle = piece.middle
        ends = [cell[2] for cell in cells if cell[1] <= middle < cell[3]]
        row = sorted(piece.glyphs, key=lambda glyph: glyph.left)
        whole += 1
        for left, right in itertools.pairwise(row):
            if right.left - left.right < 0.5 * left.size and any(
                (left.left + left.right) / 2 < end <= (right.left + right.right) / 2 for end in ends
            ):
                cut += 1
                break
    return cut > max(1, 0.1 * whole)


def _cell_text(glyphs: Sequence[Glyph]) -> str:
    """A cell's lines joined, words broken at the end of a line put together."""
    lines = sorted(
        (line_of(piece) for piece in pieces_of([one for one in glyphs if one.turn == 0])), key=_row_key
    )
    text = ""
    for line in lines:
        if text.endswith("-") and len(text) > 2 and text[-2].isalpha() and line.text[:1].islower():
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}".strip()
    turned = turned_lines([one for one in glyphs if one.turn in (90, 270)])
    return " ".join([text, *(line.text for line in turned)]).strip()


def _row_key(line: Line) -> tuple[int, float]:
    return round(line.bottom / max(2.0, line.size * 0.6)), line.left
