"""One slide of a PowerPoint file: its shapes on their grounds, their text, its tables, charts and drawings."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retrieval.parsing.document import (
    Block,
    BlockKind,
    UnreadableDocument,
    row_text,
    tidy,
)
from retrieval.parsing.office import SPANNED, A, guess_head_rows, local, table_lines
from retrieval.parsing.pptx_shapes import (
    Box,
    Grounds,
    P,
    Paint,
    R,
    Shape,
    box_of,
    fills_its_box,
    has_text,
    inner_frame,
    is_hidden_shape,
    number_or,
    opacity_of,
    placeholder_of,
    reading_order,
    related_part,
    xml_of,
)
from retrieval.parsing.pptx_text import Look, Theme, paragraphs_of
from retrieval.parsing.unseen import (
    WHITE,
    Colour,
    LeftOut,
)
from retrieval.places import Place

DAMAGED = "The PowerPoint file is damaged. Open it in PowerPoint, save it again and upload that."
_FURNITURE = {"sldNum", "ftr", "dt", "hdr"}
_TITLES = {"title", "ctrTitle"}
_DEEPEST = 30


class Slide:
    def __init__(self, part: Any, number: int, left_out: LeftOut, size: tuple[float, float]) -> None:
        self._part = part
        self._number = number
        self._left_out = left_out
        self._size = size
        self._layout = related_part(part, "slideLayout")
        self._master = related_part(self._layout, "slideMaster") if self._layout is not None else None
        self._painted: list[Paint] = []
        self._shapes: list[Shape] = []
        self._theme = Theme(self._master, part, self._layout)

    def read_into(self, blocks: list[Block]) -> str:
        """Appends the slide's blocks; returns its title, or ""."""
        ground = self._background()
        shows_master = (self._part._element.get("showMasterSp") or "1") not in ("0", "false")
        for part in (self._master, self._layout) if shows_master else ():
            if part is not None:
                self._paint_decoration(part)
        tree = self._part._element.find(f"{P}cSld/{P}spTree")
        if tree is not None:
            self._collect(tree, (1.0, 1.0, 0.0, 0.0), ground, 0)
        shapes = self._in_order()
        titles = [shape for shape in shapes if shape.is_title]
        title = ""
        place = Place("slide", self._number)
        if titles:
            texts = [text for shape in titles for _, text in self._texts(shape)]
            title = " ".join(" ".join(texts).split())
        if title:
            blocks.append(Block("heading", title, (title,), place))
        headings = (title,) if title else ()
        for shape in shapes:
            if not shape.is_title:
                for kind, text in self._texts(shape):
                    blocks.append(Block(kind, text, headings, place))
        return title

    def _hide(self, why: str) -> None:
        self._left_out.hidden(f"slide {self._number}", why)

    def _collect(
        self, parent: Any, frame: tuple[float, float, float, float], ground: Colour | None, depth: int
    ) -> None:
        """Gathers shapes with text. ``frame``: scale x, scale y, shift x, shift y of the group."""
        if depth > _DEEPEST:
            raise UnreadableDocument(DAMAGED)
        for element in parent:
            name = local(element)
            if name == "AlternateContent":
                choice = next((child for child in element if local(child) in ("Choice", "Fallback")), None)
                if choice is not None:
                    self._collect(choice, frame, ground, depth + 1)
            elif name == "grpSp":
                if is_hidden_shape(element):
                    if has_text(element):
                        self._hide("invisible shapes")
                else:
                    self._collect(element, inner_frame(element, frame), ground, depth + 1)
            elif name in ("sp", "pic", "graphicFrame", "cxnSp"):
                self._one(element, name, frame, ground)

    def _one(
        self, element: Any, name: str, frame: tuple[float, float, float, float], ground: Colour | None
    ) -> None:
        kind = placeholder_of(element)
        if kind in _FURNITURE:
            return
        box = box_of(element, frame) or self._inherited_box(element)
        if is_hidden_shape(element):
            if has_text(element):
                self._hide("invisible shapes")
            return
        own = self._fill(element)
        if name != "pic" and (has_text(element) or name == "graphicFrame"):
            if box is not None and self._is_off(box):
                self._hide("text outside the slide")
                return
            stands_on: Grounds = (ground,)
            for painted in self._painted:
                if box is None or painted.box.holds(box):
                    stands_on = (painted.colour,) if painted.whole else (*stands_on, painted.colour)
            grounds = (own[1],) if own[0] else stands_on
            shape = Shape(element, box, grounds, kind in _TITLES)
            self._shapes.append(shape)
        if box is not None and (name == "pic" or own[0]):
            self._painted.append(Paint(box, own[1] if name != "pic" else None, fills_its_box(element)))

    def _is_off(self, box: Box) -> bool:
        width, height = self._size
        return (
            box.left >= width
            or box.top >= height
            or (box.left + box.width <= 0 and box.left < 0)
            or (box.top + box.height <= 0 and box.top < 0)
        )

    def _inherited_box(self, element: Any) -> Box | None:
        """A placeholder without a position stands where its layout, or the master, puts it."""
        found = element.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
        if found is None:
            found = element.find(f"{P}nvGraphicFramePr/{P}nvPr/{P}ph")
        if found is None:
            return None
        kind, index = found.get("type") or "obj", found.get("idx")
        kinds = {kind} | ({"title", "ctrTitle"} if kind in _TITLES else set())
        if kind in ("obj", "body", "subTitle"):
            kinds |= {"body", "obj"}
        for part in (self._layout, self._master):
            if part is None:
                continue
            same: Any = None
            for other in part._element.iter(f"{P}ph"):
                if index is not None and part is self._layout:
                    matches = other.get("idx") == index
                else:
                    matches = (other.get("type") or "obj") in kinds
                if matches:
                    same = other
                    break
            if same is not None:
                holder = same.getparent().getparent().getparent()
                box = box_of(holder, (1.0, 1.0, 0.0, 0.0))
                if box is not None:
                    return box
        return None

    def _in_order(self) -> list[Shape]:
        """Titles first, then from top to bottom; shapes that stand side by side from left to right."""
        rest = [shape for shape in self._shapes if not shape.is_title]
        return [shape for shape in self._shapes if shape.is_title] + reading_order(rest)

    # Colours

    def _background(self) -> Colour | None:
        for part in (self._part, self._layout, self._master):
            if part is None:
                continue
            ground = part._element.find(f"{P}cSld/{P}bg")
            if ground is None:
                continue
            properties = ground.find(f"{P}bgPr")
            if properties is not None:
                solid = properties.find(f"{A}solidFill")
                return self._theme.colour(solid) if solid is not None else None
            reference = ground.find(f"{P}bgRef")
            if reference is not None:
                # Numbers from 1001 name a fill of the theme; only the first is sure to be plain.
                plain = reference.get("idx") in ("1001", "0")
                return self._theme.colour(reference) if plain else None
        return WHITE

    def _fill(self, element: Any) -> tuple[bool, Colour | None]:
        """Whether the shape paints its ground, and in which colour (None: cannot be told)."""
        shape = element.find(f"{P}spPr")
        if shape is not None:
            if shape.find(f"{A}noFill") is not None:
                return False, None
            solid = shape.find(f"{A}solidFill")
            if solid is not None:
                if opacity_of(solid) < 0.5:
                    return False, None
                return True, self._theme.colour(solid)
            if any(local(child) in ("gradFill", "blipFill", "pattFill", "grpFill") for child in shape):
                return True, None
        reference = element.find(f"{P}style/{A}fillRef")
        if reference is not None and reference.get("idx") not in (None, "0"):
            return True, self._theme.colour(reference)
        if local(element) == "sp" and placeholder_of(element):
            return self._fill_of_placeholder(element)
        return False, None

    def _fill_of_placeholder(self, element: Any) -> tuple[bool, Colour | None]:
        """The layout may paint the placeholder; then its colour is not followed further."""
        found = element.find(f"{P}nvSpPr/{P}nvPr/{P}ph")
        index = found.get("idx") if found is not None else None
        for part in (self._layout, self._master):
            if part is None or found is None:
                continue
            for other in part._element.iter(f"{P}ph"):
                same = (
                    other.get("idx") == index if index is not None else other.get("type") == found.get("type")
                )
                if not same:
                    continue
                shape = other.getparent().getparent().getparent().find(f"{P}spPr")
                if shape is not None and any(
                    local(child) in ("solidFill", "gradFill", "blipFill", "pattFill") for child in shape
                ):
                    return True, None
        return False, None

    def _paint_decoration(self, part: Any) -> None:
        """What layout and master paint under the slide; their own text is not content."""
        tree = part._element.find(f"{P}cSld/{P}spTree")
        if tree is None:
            return
        for element in tree.iter(f"{P}sp", f"{P}pic"):
            if placeholder_of(element):
                continue
            box = box_of(element, (1.0, 1.0, 0.0, 0.0))
            if box is None:
                continue
            if local(element) == "pic":
                self._painted.append(Paint(box, None))
            else:
                filled, colour = self._fill(element)
                if filled:
                    self._painted.append(Paint(box, colour, fills_its_box(element)))

    # Text

    def _texts(self, shape: Shape) -> Iterator[tuple[BlockKind, str]]:
        element = shape.element
        if local(element) == "graphicFrame":
            yield from self._graphic(element)
            return
        body = element.find(f"{P}txBody")
        if body is None:
            return
        look = Look(self._part, shape.grounds, self._theme)
        kind = placeholder_of(element)
        is_body = kind in ("body", "obj") and not shape.is_title
        yield from paragraphs_of(body, look, is_body)
        for why in look.hidden:
            self._hide(why)

    def _graphic(self, element: Any) -> Iterator[tuple[BlockKind, str]]:
        table = next(iter(element.iter(f"{A}tbl")), None)
        if table is not None:
            for text in self._table(table):
                yield "row", text
            return
        data = element.find(f"{A}graphic/{A}graphicData")
        if data is None:
            return
        for child in data:
            name = local(child)
            if name == "relIds":
                text = self._diagram(child)
                if text:
                    yield "list", text
            elif name == "chart":
                for text in self._chart(child):
                    yield "row", text

    def _table(self, table: Any) -> list[str]:
        grid: list[list[str]] = []
        for row in table.iter(f"{A}tr"):
            line: list[str] = []
            for cell in row:
                if local(cell) != "tc":
                    continue
                column = len(line)
                if (cell.get("hMerge") or "0") in ("1", "true") and line:
                    line.append(SPANNED)
                elif (cell.get("vMerge") or "0") in ("1", "true") and grid and column < len(grid[-1]):
                    line.append(grid[-1][column])
                else:
                    line.append(self._cell(cell))
            grid.append(line)
        width = max((len(line) for line in grid), default=0)
        if not width:
            return []
        grid = [line + [""] * (width - len(line)) for line in grid]
        properties = table.find(f"{A}tblPr")
        marked = properties is not None and (properties.get("firstRow") or "0") in ("1", "true")
        return table_lines(grid, guess_head_rows(grid, marked))

    def _cell(self, cell: Any) -> str:
        body = cell.find(f"{A}txBody")
        if body is None:
            return ""
        properties = cell.find(f"{A}tcPr")
        solid = properties.find(f"{A}solidFill") if properties is not None else None
        # Without a colour of its own the cell has that of the table's style, which is not followed.
        look = Look(self._part, (self._theme.colour(solid) if solid is not None else None,), self._theme)
        text = " ".join(" ".join(text.split()) for _, text in paragraphs_of(body, look, is_body=False))
        for why in look.hidden:
            self._hide(why)
        return text

    def _diagram(self, ids: Any) -> str:
        """The words of a SmartArt drawing, in the order of its outline."""
        part = self._related_by_id(ids.get(f"{R}dm"))
        root = xml_of(part)
        if root is None:
            return ""
        lines: list[str] = []
        for point in root.iter():
            if local(point) != "pt" or (point.get("type") or "node") not in ("node", "asst"):
                continue
            body = next((child for child in point if local(child) == "t"), None)
            if body is None:
                continue
            look = Look(self._part, (None,), self._theme)
            said = " ".join(" ".join(text.split()) for _, text in paragraphs_of(body, look, is_body=False))
            if said:
                lines.append(f"- {said}")
        return tidy("\n".join(lines))

    def _chart(self, reference: Any) -> list[str]:
        """A chart's numbers, one row for each category. Charts of an odd shape are reported, not guessed."""
        part = self._related_by_id(reference.get(f"{R}id"))
        root = xml_of(part)
        if root is None:
            return []
        names: list[str] = []
        table: dict[str, dict[str, str]] = {}
        for series in root.iter():
            if local(series) != "ser":
                continue
            name = _cached(series, "tx")
            label = next(iter(name.values()), "") or f"{len(names) + 1}"
            categories, values = _cached(series, "cat"), _cached(series, "val")
            names.append(label)
            for index, value in values.items():
                category = categories.get(index, str(index + 1))
                table.setdefault(category, {})[label] = value
        if not table or len(table) > 200:
            self._left_out.skipped(f"slide {self._number}", "a chart's numbers are not read")
            return []
        return [
            text
            for category, row in table.items()
            if (text := row_text(["", *names], [category, *(row.get(name, "") for name in names)]))
        ]

    def _related_by_id(self, key: str | None) -> Any:
        try:
            return self._part.related_part(key) if key else None
        except KeyError:
            return None


def _cached(series: Any, name: str) -> dict[int, str]:
    """The values that a chart keeps of its worksheet: index -> text."""
    holder = next((child for child in series if local(child) == name), None)
    found: dict[int, str] = {}
    if holder is None:
        return found
    for point in holder.iter():
        if local(point) == "pt":
            value = next((child.text or "" for child in point if local(child) == "v"), "")
            if value.strip():
                found[int(number_or(point.get("idx"), 0))] = " ".join(value.split())
    return found
