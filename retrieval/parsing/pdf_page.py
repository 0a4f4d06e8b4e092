"""A painted PDF page: its glyphs, areas and rules, and which glyphs a person cannot see for what lies under or over them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from pdfminer.utils import apply_matrix_pt

from retrieval.parsing.unseen import WHITE, Colour, looks_alike

INVISIBLE = "letters drawn invisibly"
_ALIKE = "letters in the colour of their ground"
_COVERED = "text under a filled area"
Box = tuple[float, float, float, float]  # left, top, right, bottom


@dataclass(slots=True)
class Glyph:
    text: str
    left: float
    top: float
    right: float
    bottom: float
    size: float
    order: int
    colour: Colour | None
    bold: bool
    turn: int  # 0 upright, 90 or 270 along the edge, -1 slanted
    hidden: str = ""


@dataclass(slots=True)
class Area:
    """A filled area. ``whole``: a rectangle that fills its box; ``opaque``: nothing shines through."""

    box: Box
    colour: Colour | None
    order: int
    whole: bool
    opaque: bool


@dataclass
class PaintedPage:
    width: float
    height: float
    glyphs: list[Glyph] = field(default_factory=list)
    areas: list[Area] = field(default_factory=list)
    rules: list[Box] = field(default_factory=list)
    pictures: list[tuple[Box, int]] = field(default_factory=list)
    unmapped: int = 0  # glyphs whose font does not say which letters they are

    @property
    def picture_share(self) -> float:
        """How much of the page its largest picture, or all pictures if they tile, cover; 0 to 1."""
        page = self.width * self.height
        if not page or not self.pictures:
            return 0.0
        sizes = [
            (box[2] - box[0]) * (box[3] - box[1])
            for box, _ in self.pictures
            if box[2] > box[0] and box[3] > box[1]
        ]
        return min(1.0, sum(sizes) / page)


def as_colour(space: str, value: Any) -> Colour | None:
    """Red, green, blue of a colour value; None where only a picture of the page would tell (patterns, indexed)."""
    parts = list(value) if isinstance(value, tuple | list) else [value]
    if not all(isinstance(part, int | float) for part in parts) or space in ("Pattern", "Indexed"):
        return None
    numbers = [min(1.0, max(0.0, float(part))) for part in parts]
    if space in ("Separation", "DeviceN"):
        # No ink is paper; any ink may be of any colour, but is seen.
        return WHITE if max(numbers, default=1.0) < 0.05 else None
    if space == "Lab":
        return WHITE if parts and float(parts[0]) > 98 else None
    if len(numbers) == 1:
        return numbers[0], numbers[0], numbers[0]
    if len(numbers) == 3:
        return numbers[0], numbers[1], numbers[2]
    if len(numbers) == 4:
        cyan, magenta, yellow, black = numbers
        return (1 - cyan) * (1 - black), (1 - magenta) * (1 - black), (1 - yellow) * (1 - black)
    return None


def subpaths(path: Sequence[Any], matrix: Any) -> Iterator[tuple[str, list[tuple[float, float]]]]:
    """(letters of the operators, points on the page) of each part of a path; control points of curves are points too."""
    shape = ""
    points: list[tuple[float, float]] = []
    for step in path:
        if step[0] == "m" and shape:
            yield shape, points
            shape, points = "", []
        shape += step[0]
        for x, y in zip(step[1::2], step[2::2], strict=False):
            points.append(apply_matrix_pt(matrix, (float(x), float(y))))
    if shape:
        yield shape, points


def is_rectangle(shape: str, points: Sequence[tuple[float, float]]) -> bool:
    if shape not in ("mlllh", "mllll", "mllllh", "mlll"):
        return False
    (x0, y0), (x1, y1), (x2, y2), (x3, y3) = points[:4]

    def same(one: float, other: float) -> bool:
        return abs(one - other) < 0.5

    lies = same(y0, y1) and same(x1, x2) and same(y2, y3) and same(x3, x0)
    stands = same(x0, x1) and same(y1, y2) and same(x2, x3) and same(y3, y0)
    return lies or stands


def common_part(one: Box, other: Box) -> Box:
    return max(one[0], other[0]), max(one[1], other[1]), min(one[2], other[2]), min(one[3], other[3])


def mark_unseen(page: PaintedPage) -> None:
    """Marks glyphs that drown in what they stand on, or lie under what was painted later.

    Text that is invisible over a picture of the whole page is the text layer of a scan: people read it in the picture.
    """
    seen = [glyph for glyph in page.glyphs if not glyph.hidden]
    layer = [glyph for glyph in page.glyphs if glyph.hidden == INVISIBLE and glyph.text.strip()]
    if layer and page.picture_share >= 0.7 and not any(glyph.text.strip() for glyph in seen):
        for glyph in layer:
            x, y = (glyph.left + glyph.right) / 2, (glyph.top + glyph.bottom) / 2
            if any(box[0] <= x <= box[2] and box[1] <= y <= box[3] for box, _ in page.pictures):
                glyph.hidden = ""
        return
    runs: dict[int, list[Glyph]] = {}
    for glyph in seen:
        if glyph.text.strip():
            runs.setdefault(glyph.order, []).append(glyph)
    areas = page.areas
    for order, run in runs.items():
        left, top = min(one.left for one in run), min(one.top for one in run)
        right, bottom = max(one.right for one in run), max(one.bottom for one in run)
        near = [
            area
            for area in areas
            if area.box[0] < right and area.box[2] > left and area.box[1] < bottom and area.box[3] > top
        ]
        colour = run[0].colour
        if not near:
            if colour is not None and looks_alike(colour, WHITE):
                for glyph in run:
                    glyph.hidden = _ALIKE
            continue
        for glyph in run:
            glyph.hidden = _drowned(glyph, order, near)


def _drowned(glyph: Glyph, order: int, near: Sequence[Area]) -> str:
    x, y = (glyph.left + glyph.right) / 2, (glyph.top + glyph.bottom) / 2
    grounds: list[Colour | None] = [WHITE]
    for area in near:
        left, top, right, bottom = area.box
        if not (left <= x <= right and top <= y <= bottom):
            continue
        if area.order < order:
            if area.whole and area.opaque:
                grounds = [area.colour]
            else:
                grounds.append(area.colour)
        elif area.whole and area.opaque and area.colour is not None:
            return _COVERED
    if glyph.colour is not None and all(
        ground is not None and looks_alike(glyph.colour, ground) for ground in grounds
    ):
        return _ALIKE
    return ""


def hidden_counts(page: PaintedPage) -> Counter[str]:
    """Why glyphs are hidden -> how many stretches of text (not letters) are."""
    found: dict[str, set[int]] = {}
    # Outlines under filled letters are the same letters twice: nothing is hidden.
    shown = {(glyph.text, round(glyph.left), round(glyph.top)) for glyph in page.glyphs if not glyph.hidden}
    for glyph in page.glyphs:
        twice = (glyph.text, round(glyph.left), round(glyph.top)) in shown
        if glyph.hidden and not twice and glyph.text.strip():
            found.setdefault(glyph.hidden, set()).add(glyph.order)
    return Counter({why: len(orders) for why, orders in found.items()})
