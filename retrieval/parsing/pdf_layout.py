"""From glyphs to reading order: lines, columns, and tables where ruling lines make a grid."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field

from retrieval.parsing.office import SPANNED, guess_head_rows
from retrieval.parsing.pdf_paint import Box, Glyph, PaintedPage

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " "}
)
_WORD_GAP = 0.2  # of the letters' size
_LINE_GAP = 1.4  # of the size: a wider gap parts columns, cells, or a label from its value
_SNAP = 3.0  # points within which ruling lines count as one
_MOST_RULES = 3_000
_LARGEST_GRID = 4_000  # cells


@dataclass(slots=True)
class Line:
    """One line of text; ``order`` is where it comes in the file."""

    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    order: int
    bold: bool = False
    table: Table | None = None


@dataclass(slots=True)
class Table:
    """Rows of cells, all of one length; ``head_rows`` of them name the columns; ``columns``: their left edges."""

    box: Box
    rows: list[list[str]]
    head_rows: int
    columns: list[float]
    order: int


@dataclass(slots=True)
class _Piece:
    """Glyphs that stand beside each other on one baseline."""

    glyphs: list[Glyph]
    left: float
    top: float
    right: float
    bottom: float
    size: float

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2


@dataclass
class PageLayout:
    lines: list[Line] = field(default_factory=list)
    tables: int = 0


def lay_out(page: PaintedPage) -> PageLayout:
    """The visible text of a page in reading order; a table is one line with its rows."""
    glyphs = _turned_upright(page)
    tables, inside = _tables(page.rules, glyphs, page)
    free = [glyph for glyph in glyphs if id(glyph) not in inside and glyph.turn == 0]
    lines = [_line(piece) for piece in _pieces(free)]
    for table in tables:
        left, top, right, bottom = table.box
        lines.append(Line("", left, top, right, bottom, 0.0, table.order, False, table))
    lines = [line for line in lines if line.text or line.table]
    ordered = _in_reading_order(lines, page)
    turned = [glyph for glyph in glyphs if glyph.turn in (90, 270) and id(glyph) not in inside]
    return PageLayout(ordered + _turned_lines(turned), len(tables))


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


def _turned_lines(glyphs: Sequence[Glyph]) -> list[Line]:
    """Words written along the edge, in the order of the file; slanted ones are watermarks and no text."""
    lines: list[Line] = []
    run: list[Glyph] = []
    for glyph in [*glyphs, None]:
        if run and (
            glyph is None
            or glyph.turn != run[-1].turn
            or abs((glyph.left + glyph.right) - (run[-1].left + run[-1].right)) > glyph.size
        ):
            text = " ".join("".join(one.text for one in run).translate(_LIGATURES).split())
            if len(text) > 3:
                first = run[0]
                lines.append(
                    Line(text, first.left, first.top, first.right, first.bottom, first.size, first.order)
                )
            run = []
        if glyph is not None:
            run.append(glyph)
    return lines


# Lines


def _pieces(glyphs: Sequence[Glyph]) -> list[_Piece]:
    """Glyphs joined while they go on along their baseline; then pieces joined that stand close on one line."""
    pieces: list[_Piece] = []
    current: _Piece | None = None
    for glyph in glyphs:
        if not glyph.text.strip():
            if current is not None and _goes_on(current, glyph):
                current.glyphs.append(glyph)
                current.right = max(current.right, glyph.right)
            continue
        if current is not None and _goes_on(current, glyph):
            current.glyphs.append(glyph)
            current.right = max(current.right, glyph.right)
            current.left = min(current.left, glyph.left)
            if glyph.size > current.size * 1.05:
                current.size, current.top, current.bottom = glyph.size, glyph.top, glyph.bottom
        else:
            current = _Piece([glyph], glyph.left, glyph.top, glyph.right, glyph.bottom, glyph.size)
            pieces.append(current)
    return _joined_pieces(pieces)


def _goes_on(piece: _Piece, glyph: Glyph) -> bool:
    size = max(piece.size, glyph.size)
    middle = (glyph.top + glyph.bottom) / 2
    if abs(middle - piece.middle) > 0.45 * size:
        return False
    gap = glyph.left - piece.right
    return -0.5 * size < gap < _LINE_GAP * size


def _joined_pieces(pieces: list[_Piece]) -> list[_Piece]:
    """Pieces on one line that stand close go together, wherever they come in the file."""
    pieces.sort(key=lambda piece: (piece.top, piece.left))
    open_pieces: list[_Piece] = []
    done: list[_Piece] = []
    for piece in pieces:
        still: list[_Piece] = []
        for other in open_pieces:
            (still if other.bottom + other.size > piece.top else done).append(other)
        open_pieces = still
        home = None
        for other in open_pieces:
            size = max(piece.size, other.size)
            if abs(piece.middle - other.middle) > 0.4 * size:
                continue
            gap = max(piece.left - other.right, other.left - piece.right)
            if -0.5 * size < gap < 0.8 * size:
                home = other
                break
        if home is None:
            open_pieces.append(piece)
            continue
        home.glyphs = home.glyphs + piece.glyphs
        home.left, home.right = min(home.left, piece.left), max(home.right, piece.right)
        if piece.size > home.size * 1.05:
            home.size, home.top, home.bottom = piece.size, piece.top, piece.bottom
    return done + open_pieces


def _line(piece: _Piece) -> Line:
    letters = [glyph for glyph in piece.glyphs if glyph.text.strip()]
    return Line(
        _text_of(piece.glyphs),
        piece.left,
        piece.top,
        piece.right,
        piece.bottom,
        statistics.median(glyph.size for glyph in letters) if letters else piece.size,
        min(glyph.order for glyph in piece.glyphs),
        bool(letters) and sum(glyph.bold for glyph in letters) > 0.8 * len(letters),
    )


def _text_of(glyphs: Sequence[Glyph]) -> str:
    """Letters of one line, with a space where one is written or where the gap is as wide as one."""
    # Letters written from right to left come in reading order in the file, not by position.
    if not any("\u0590" <= glyph.text[0] <= "\u08ff" for glyph in glyphs):
        glyphs = sorted(glyphs, key=lambda glyph: glyph.left)
    gaps = [
        right.left - left.right
        for left, right in itertools.pairwise(glyphs)
        if left.text.strip() and right.text.strip()
    ]
    # Spaced-out letters have a gap after each of them, which is no space.
    usual = max(0.0, statistics.median(gaps)) if len(gaps) > 3 else 0.0
    parts: list[str] = []
    before: Glyph | None = None
    for glyph in glyphs:
        if before is not None and glyph.text.strip():
            gap = glyph.left - before.right
            wanted = usual + _WORD_GAP * max(glyph.size, before.size)
            if gap > wanted or gap < -2 * max(glyph.size, before.size):
                parts.append(" ")
        parts.append(glyph.text)
        before = glyph
    text = " ".join("".join(parts).translate(_LIGATURES).split())
    # A soft hyphen is seen where the line breaks.
    return text[:-1] + "-" if text.endswith("\u00ad") else text


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


# Tables


def _tables(rules: Sequence[Box], glyphs: Sequence[Glyph], page: PaintedPage) -> tuple[list[Table], set[int]]:
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
    for piece in _pieces(inside):
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
        (_line(piece) for piece in _pieces([one for one in glyphs if one.turn == 0])), key=_row_key
    )
    text = ""
    for line in lines:
        if text.endswith("-") and len(text) > 2 and text[-2].isalpha() and line.text[:1].islower():
            text = text[:-1] + line.text
        else:
            text = f"{text} {line.text}".strip()
    turned = _turned_lines([one for one in glyphs if one.turn in (90, 270)])
    return " ".join([text, *(line.text for line in turned)]).strip()


def _row_key(line: Line) -> tuple[int, float]:
    return round(line.bottom / max(2.0, line.size * 0.6)), line.left
