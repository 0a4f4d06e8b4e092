"""The shapes of a slide: their XML, where they stand, what they cover and in which order they are read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from retrieval.parsing.office import A, local
from retrieval.parsing.unseen import (
    Colour,
)

P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"


# What text may stand on: one colour where that is sure, more where a freeform may or may not reach under it; None is a
# picture or a gradient. Text is hidden only if it drowns in all of them.
Grounds = tuple[Colour | None, ...]


@dataclass(frozen=True)
class Paint:
    """Something painted under later shapes; ``whole``: it fills its box to the corners."""

    box: Box
    colour: Colour | None
    whole: bool = True


@dataclass(frozen=True)
class Box:
    """A rectangle on the slide, in EMU."""

    left: float
    top: float
    width: float
    height: float

    def holds(self, other: Box) -> bool:
        """Whether the middle of the other one lies in this one."""
        x, y = other.left + other.width / 2, other.top + other.height / 2
        return self.left <= x <= self.left + self.width and self.top <= y <= self.top + self.height


@dataclass
class Shape:
    """A shape with text, table or chart, its box made absolute."""

    element: Any
    box: Box | None
    grounds: Grounds
    is_title: bool = False


def reading_order(shapes: list[Shape]) -> list[Shape]:
    """From top to bottom; shapes side by side, that is sharing half the height of the lower one, from left to right."""
    known = [shape for shape in shapes if shape.box is not None]
    unknown = [shape for shape in shapes if shape.box is None]
    known.sort(key=lambda shape: (shape.box.top, shape.box.left) if shape.box else (0, 0))
    rows: list[list[Shape]] = []
    for shape in known:
        box = shape.box
        assert box is not None
        first = rows[-1][0].box if rows else None
        if first is not None:
            shared = min(first.top + first.height, box.top + box.height) - max(first.top, box.top)
            apart = box.left >= first.left + first.width * 0.5 or first.left >= box.left + box.width * 0.5
            if shared >= 0.5 * min(first.height, box.height) and shared > 0 and apart:
                rows[-1].append(shape)
                continue
            if rows[-1][1:] and shared >= 0.5 * min(first.height, box.height) and shared > 0:
                rows[-1].append(shape)
                continue
        rows.append([shape])
    ordered = unknown
    for row in rows:
        ordered += _columns(row)
    return ordered


def _columns(row: list[Shape]) -> list[Shape]:
    """Shapes of one row from left to right; those that stand over one another in a column stay together."""
    columns: list[list[Shape]] = []
    for shape in sorted(row, key=lambda shape: shape.box.left if shape.box else 0):
        box = shape.box
        assert box is not None
        for column in columns:
            first = column[0].box
            assert first is not None
            shared = min(first.left + first.width, box.left + box.width) - max(first.left, box.left)
            if shared > 0.5 * min(first.width, box.width):
                column.append(shape)
                break
        else:
            columns.append([shape])
    return [
        shape
        for column in columns
        for shape in sorted(column, key=lambda shape: shape.box.top if shape.box else 0)
    ]


def box_of(element: Any, frame: tuple[float, float, float, float]) -> Box | None:
    for holder in (f"{P}spPr", f"{P}grpSpPr", ""):
        place = element.find(f"{holder}/{A}xfrm") if holder else element.find(f"{P}xfrm")
        if place is None:
            continue
        offset, extent = place.find(f"{A}off"), place.find(f"{A}ext")
        if offset is None or extent is None:
            return None
        scale_x, scale_y, shift_x, shift_y = frame
        return Box(
            number_or(offset.get("x"), 0) * scale_x + shift_x,
            number_or(offset.get("y"), 0) * scale_y + shift_y,
            abs(number_or(extent.get("cx"), 0) * scale_x),
            abs(number_or(extent.get("cy"), 0) * scale_y),
        )
    return None


def inner_frame(group: Any, frame: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    place = group.find(f"{P}grpSpPr/{A}xfrm")
    if place is None:
        return frame
    parts = [place.find(f"{A}{name}") for name in ("off", "ext", "chOff", "chExt")]
    if any(part is None for part in parts):
        return frame
    offset, extent, inner_offset, inner_extent = parts
    scale_x, scale_y, shift_x, shift_y = frame
    width, height = number_or(inner_extent.get("cx"), 0), number_or(inner_extent.get("cy"), 0)
    own_x = number_or(extent.get("cx"), 0) / width if width else 1.0
    own_y = number_or(extent.get("cy"), 0) / height if height else 1.0
    left = number_or(offset.get("x"), 0) - number_or(inner_offset.get("x"), 0) * own_x
    top = number_or(offset.get("y"), 0) - number_or(inner_offset.get("y"), 0) * own_y
    return scale_x * own_x, scale_y * own_y, left * scale_x + shift_x, top * scale_y + shift_y


def placeholder_of(element: Any) -> str:
    """The kind of placeholder that a shape is ("title", "body", "sldNum" ...), or "" for a free shape."""
    for child in element:
        if local(child).startswith("nv"):
            found = child.find(f"{P}nvPr/{P}ph")
            if found is not None:
                return found.get("type") or "obj"
    return ""


def fills_its_box(element: Any) -> bool:
    """Whether the shape fills its box: a picture or a rectangle, no ellipse, arrow or freeform."""
    if local(element) == "pic":
        return True
    shape = element.find(f"{P}spPr/{A}prstGeom")
    return shape is not None and "ect" in (shape.get("prst") or "")


def is_hidden_shape(element: Any) -> bool:
    for child in element:
        if local(child).startswith("nv"):
            described = child.find(f"{P}cNvPr")
            if described is not None:
                return (described.get("hidden") or "0") in ("1", "true")
    return False


def has_text(element: Any) -> bool:
    return any((text.text or "").strip() for text in element.iter(f"{A}t"))


def opacity_of(fill: Any) -> float:
    alpha = next(iter(fill.iter(f"{A}alpha")), None)
    return number_or(alpha.get("val"), 100_000) / 100_000 if alpha is not None else 1.0


def related_part(part: Any, kind: str) -> Any:
    """The part that this one has of a kind ("slideLayout", "theme" ...), or None."""
    if part is None:
        return None
    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            return relation.target_part
    return None


def xml_of(part: Any) -> Any:
    """The root element of a part, whether python-pptx has parsed it or not."""
    if part is None:
        return None
    element = getattr(part, "_element", None)
    if element is not None:
        return element
    from pptx.oxml import parse_xml

    return parse_xml(part.blob)


def number_or(value: str | None, default: float) -> float:
    try:
        return float(value) if value else default
    except ValueError:
        return default
