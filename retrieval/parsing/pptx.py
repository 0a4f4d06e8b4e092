"""PowerPoint files: one place per slide, its title as heading, its text from top to bottom, the speaker notes marked.

Hidden slides, and text that nobody sees when the slide is shown, are left out and reported.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrieval.parsing.document import (
    Block,
    BlockKind,
    ParsedDocument,
    UnreadableDocument,
    row_text,
    tidy,
)
from retrieval.parsing.office import SPANNED, A, guess_head_rows, local, opened_package, table_lines
from retrieval.parsing.plain import BULLET, NUMBERED
from retrieval.parsing.unseen import (
    BLACK,
    SMALLEST_SIZE,
    WHITE,
    Colour,
    LeftOut,
    hex_colour,
    looks_alike,
)
from retrieval.places import Place

_DAMAGED = "The PowerPoint file is damaged. Open it in PowerPoint, save it again and upload that."
_P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_FURNITURE = {"sldNum", "ftr", "dt", "hdr"}
_TITLES = {"title", "ctrTitle"}
_DEEPEST = 30
_MAX_SLIDES = 5_000
_SLOT_OF = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}


def read_pptx(data: bytes) -> ParsedDocument:
    """Blocks with Place("slide", n), speaker notes with Place("notes", n); n counts all slides from 1, hidden ones too.

    Raises UnreadableDocument for a damaged or protected file.
    """
    package = opened_package(data, "PowerPoint")
    try:
        from pptx.package import Package

        opened = Package.open(package)
        return _Deck(opened.main_document_part).read()
    except UnreadableDocument:
        raise
    except (
        Exception
    ) as broken:  # the libraries raise anything from KeyError to XMLSyntaxError on a damaged package
        raise UnreadableDocument(_DAMAGED) from broken


# What text may stand on: one colour where that is sure, more where a freeform may or may not reach under it; None is a
# picture or a gradient. Text is hidden only if it drowns in all of them.
_Grounds = tuple[Colour | None, ...]


@dataclass(frozen=True)
class _Paint:
    """Something painted under later shapes; ``whole``: it fills its box to the corners."""

    box: _Box
    colour: Colour | None
    whole: bool = True


@dataclass(frozen=True)
class _Box:
    """A rectangle on the slide, in EMU."""

    left: float
    top: float
    width: float
    height: float

    def holds(self, other: _Box) -> bool:
        """Whether the middle of the other one lies in this one."""
        x, y = other.left + other.width / 2, other.top + other.height / 2
        return self.left <= x <= self.left + self.width and self.top <= y <= self.top + self.height


@dataclass
class _Shape:
    """A shape with text, table or chart, its box made absolute."""

    element: Any
    box: _Box | None
    grounds: _Grounds
    is_title: bool = False


class _Deck:
    def __init__(self, part: Any) -> None:
        self._part = part
        self._root = part._element
        self._left_out = LeftOut()
        self._blocks: list[Block] = []
        size = self._root.find(f"{_P}sldSz")
        self._width = _number(size.get("cx"), 9_144_000) if size is not None else 9_144_000.0
        self._height = _number(size.get("cy"), 6_858_000) if size is not None else 6_858_000.0

    def read(self) -> ParsedDocument:
        listed = self._root.find(f"{_P}sldIdLst")
        slides = list(listed) if listed is not None else []
        if len(slides) > _MAX_SLIDES:
            raise UnreadableDocument(
                f"The file has more than {_MAX_SLIDES} slides. Split it and upload the parts."
            )
        hidden = notes = 0
        empty: list[int] = []
        for number, entry in enumerate(slides, start=1):
            try:
                slide = self._part.related_part(entry.get(f"{_R}id"))
            except KeyError:
                self._left_out.skipped(f"slide {number}", "the slide is missing in the file")
                continue
            if (slide._element.get("show") or "1").lower() in ("0", "false"):
                self._left_out.hidden(f"slide {number}", "hidden slides")
                hidden += 1
                continue
            before = len(self._blocks)
            title = _Slide(slide, number, self._left_out, (self._width, self._height)).read_into(self._blocks)
            if len(self._blocks) == before:
                empty.append(number)
            notes += self._notes(slide, number, title)
        counts = {
            "slides": len(slides),
            "hidden_slides": hidden,
            "slides_with_notes": notes,
            "slides_without_text": len(empty),
            "blocks": sum(block.kind != "heading" for block in self._blocks),
        }
        remarks = []
        if empty:
            shown = ", ".join(map(str, empty[:10])) + ("…" if len(empty) > 10 else "")
            remarks.append(f"Slides without text: {shown}. Pictures of text need text recognition (OCR).")
            for number in empty:
                self._left_out.skipped(f"slide {number}", "no text on the slide")
        title = next((block.text for block in self._blocks if block.kind == "heading"), "")
        first = self._blocks[0] if self._blocks else None
        on_first = (
            first.text if first and first.kind == "heading" and first.place == Place("slide", 1) else ""
        )
        # The properties often keep the title of the deck that this one was made from; what people see comes first.
        title = on_first or self._core_title() or title
        return ParsedDocument(title, "und", self._blocks, self._left_out.report(counts, remarks))

    def _core_title(self) -> str:
        title = str(getattr(self._part.package.core_properties, "title", "") or "")
        # What PowerPoint writes by itself names nothing.
        return (
            "" if title.lower() in ("powerpoint presentation", "slide 1") else tidy(title).replace("\n", " ")
        )

    def _notes(self, slide: Any, number: int, title: str) -> int:
        page = _related(slide, "notesSlide")
        if page is None:
            return 0
        before = len(self._blocks)
        headings = (title,) if title else ()
        for shape in page._element.iter(f"{_P}sp"):
            if _placeholder(shape) != "body" or _is_hidden_shape(shape):
                continue
            body = shape.find(f"{_P}txBody")
            if body is None:
                continue
            look = _Look(page, (WHITE,))
            for kind, text in _paragraphs(body, look, is_body=False):
                self._blocks.append(Block(kind, text, headings, Place("notes", number)))
            for why in look.hidden:
                self._left_out.hidden(f"notes of slide {number}", why)
        return int(len(self._blocks) > before)


class _Slide:
    def __init__(self, part: Any, number: int, left_out: LeftOut, size: tuple[float, float]) -> None:
        self._part = part
        self._number = number
        self._left_out = left_out
        self._size = size
        self._layout = _related(part, "slideLayout")
        self._master = _related(self._layout, "slideMaster") if self._layout is not None else None
        self._painted: list[_Paint] = []
        self._shapes: list[_Shape] = []
        self._theme = _Theme(self._master, part, self._layout)

    def read_into(self, blocks: list[Block]) -> str:
        """Appends the slide's blocks; returns its title, or ""."""
        ground = self._background()
        shows_master = (self._part._element.get("showMasterSp") or "1") not in ("0", "false")
        for part in (self._master, self._layout) if shows_master else ():
            if part is not None:
                self._paint_decoration(part)
        tree = self._part._element.find(f"{_P}cSld/{_P}spTree")
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
            raise UnreadableDocument(_DAMAGED)
        for element in parent:
            name = local(element)
            if name == "AlternateContent":
                choice = next((child for child in element if local(child) in ("Choice", "Fallback")), None)
                if choice is not None:
                    self._collect(choice, frame, ground, depth + 1)
            elif name == "grpSp":
                if _is_hidden_shape(element):
                    if _has_text(element):
                        self._hide("invisible shapes")
                else:
                    self._collect(element, _inner_frame(element, frame), ground, depth + 1)
            elif name in ("sp", "pic", "graphicFrame", "cxnSp"):
                self._one(element, name, frame, ground)

    def _one(
        self, element: Any, name: str, frame: tuple[float, float, float, float], ground: Colour | None
    ) -> None:
        kind = _placeholder(element)
        if kind in _FURNITURE:
            return
        box = _box(element, frame) or self._inherited_box(element)
        if _is_hidden_shape(element):
            if _has_text(element):
                self._hide("invisible shapes")
            return
        own = self._fill(element)
        if name != "pic" and (_has_text(element) or name == "graphicFrame"):
            if box is not None and self._is_off(box):
                self._hide("text outside the slide")
                return
            stands_on: _Grounds = (ground,)
            for painted in self._painted:
                if box is None or painted.box.holds(box):
                    stands_on = (painted.colour,) if painted.whole else (*stands_on, painted.colour)
            grounds = (own[1],) if own[0] else stands_on
            shape = _Shape(element, box, grounds, kind in _TITLES)
            self._shapes.append(shape)
        if box is not None and (name == "pic" or own[0]):
            self._painted.append(_Paint(box, own[1] if name != "pic" else None, _is_whole(element)))

    def _is_off(self, box: _Box) -> bool:
        width, height = self._size
        return (
            box.left >= width
            or box.top >= height
            or (box.left + box.width <= 0 and box.left < 0)
            or (box.top + box.height <= 0 and box.top < 0)
        )

    def _inherited_box(self, element: Any) -> _Box | None:
        """A placeholder without a position stands where its layout, or the master, puts it."""
        found = element.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
        if found is None:
            found = element.find(f"{_P}nvGraphicFramePr/{_P}nvPr/{_P}ph")
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
            for other in part._element.iter(f"{_P}ph"):
                if index is not None and part is self._layout:
                    matches = other.get("idx") == index
                else:
                    matches = (other.get("type") or "obj") in kinds
                if matches:
                    same = other
                    break
            if same is not None:
                holder = same.getparent().getparent().getparent()
                box = _box(holder, (1.0, 1.0, 0.0, 0.0))
                if box is not None:
                    return box
        return None

    def _in_order(self) -> list[_Shape]:
        """Titles first, then from top to bottom; shapes that stand side by side from left to right."""
        rest = [shape for shape in self._shapes if not shape.is_title]
        return [shape for shape in self._shapes if shape.is_title] + _reading_order(rest)

    # Colours

    def _background(self) -> Colour | None:
        for part in (self._part, self._layout, self._master):
            if part is None:
                continue
            ground = part._element.find(f"{_P}cSld/{_P}bg")
            if ground is None:
                continue
            properties = ground.find(f"{_P}bgPr")
            if properties is not None:
                solid = properties.find(f"{A}solidFill")
                return self._theme.colour(solid) if solid is not None else None
            reference = ground.find(f"{_P}bgRef")
            if reference is not None:
                # Numbers from 1001 name a fill of the theme; only the first is sure to be plain.
                plain = reference.get("idx") in ("1001", "0")
                return self._theme.colour(reference) if plain else None
        return WHITE

    def _fill(self, element: Any) -> tuple[bool, Colour | None]:
        """Whether the shape paints its ground, and in which colour (None: cannot be told)."""
        shape = element.find(f"{_P}spPr")
        if shape is not None:
            if shape.find(f"{A}noFill") is not None:
                return False, None
            solid = shape.find(f"{A}solidFill")
            if solid is not None:
                if _opacity(solid) < 0.5:
                    return False, None
                return True, self._theme.colour(solid)
            if any(local(child) in ("gradFill", "blipFill", "pattFill", "grpFill") for child in shape):
                return True, None
        reference = element.find(f"{_P}style/{A}fillRef")
        if reference is not None and reference.get("idx") not in (None, "0"):
            return True, self._theme.colour(reference)
        if local(element) == "sp" and _placeholder(element):
            return self._fill_of_placeholder(element)
        return False, None

    def _fill_of_placeholder(self, element: Any) -> tuple[bool, Colour | None]:
        """The layout may paint the placeholder; then its colour is not followed further."""
        found = element.find(f"{_P}nvSpPr/{_P}nvPr/{_P}ph")
        index = found.get("idx") if found is not None else None
        for part in (self._layout, self._master):
            if part is None or found is None:
                continue
            for other in part._element.iter(f"{_P}ph"):
                same = (
                    other.get("idx") == index if index is not None else other.get("type") == found.get("type")
                )
                if not same:
                    continue
                shape = other.getparent().getparent().getparent().find(f"{_P}spPr")
                if shape is not None and any(
                    local(child) in ("solidFill", "gradFill", "blipFill", "pattFill") for child in shape
                ):
                    return True, None
        return False, None

    def _paint_decoration(self, part: Any) -> None:
        """What layout and master paint under the slide; their own text is not content."""
        tree = part._element.find(f"{_P}cSld/{_P}spTree")
        if tree is None:
            return
        for element in tree.iter(f"{_P}sp", f"{_P}pic"):
            if _placeholder(element):
                continue
            box = _box(element, (1.0, 1.0, 0.0, 0.0))
            if box is None:
                continue
            if local(element) == "pic":
                self._painted.append(_Paint(box, None))
            else:
                filled, colour = self._fill(element)
                if filled:
                    self._painted.append(_Paint(box, colour, _is_whole(element)))

    # Text

    def _texts(self, shape: _Shape) -> Iterator[tuple[BlockKind, str]]:
        element = shape.element
        if local(element) == "graphicFrame":
            yield from self._graphic(element)
            return
        body = element.find(f"{_P}txBody")
        if body is None:
            return
        look = _Look(self._part, shape.grounds, self._theme)
        kind = _placeholder(element)
        is_body = kind in ("body", "obj") and not shape.is_title
        yield from _paragraphs(body, look, is_body)
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
        look = _Look(self._part, (self._theme.colour(solid) if solid is not None else None,), self._theme)
        text = " ".join(" ".join(text.split()) for _, text in _paragraphs(body, look, is_body=False))
        for why in look.hidden:
            self._hide(why)
        return text

    def _diagram(self, ids: Any) -> str:
        """The words of a SmartArt drawing, in the order of its outline."""
        part = self._related_by_id(ids.get(f"{_R}dm"))
        root = _xml(part)
        if root is None:
            return ""
        lines: list[str] = []
        for point in root.iter():
            if local(point) != "pt" or (point.get("type") or "node") not in ("node", "asst"):
                continue
            body = next((child for child in point if local(child) == "t"), None)
            if body is None:
                continue
            look = _Look(self._part, (None,), self._theme)
            said = " ".join(" ".join(text.split()) for _, text in _paragraphs(body, look, is_body=False))
            if said:
                lines.append(f"- {said}")
        return tidy("\n".join(lines))

    def _chart(self, reference: Any) -> list[str]:
        """A chart's numbers, one row for each category. Charts of an odd shape are reported, not guessed."""
        part = self._related_by_id(reference.get(f"{_R}id"))
        root = _xml(part)
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


class _Theme:
    """Names of colours to colours, through the slide's, the layout's or the master's map."""

    def __init__(self, master: Any, slide: Any, layout: Any) -> None:
        self._slots: dict[str, Colour] = {}
        self._map: dict[str, str] = dict(_SLOT_OF)
        theme = _xml(_related(master, "theme")) if master is not None else None
        if theme is not None:
            for scheme in theme.iter(f"{A}clrScheme"):
                for slot in scheme:
                    for literal in slot:
                        said = literal.get("lastClr") or literal.get("val") or ""
                        if colour := hex_colour(said):
                            self._slots[local(slot)] = colour
        if master is not None:
            said_map = master._element.find(f"{_P}clrMap")
            if said_map is not None:
                self._map.update(dict(said_map.attrib))
        for part in (layout, slide):
            if part is None:
                continue
            override = part._element.find(f"{_P}clrMapOvr/{A}overrideClrMapping")
            if override is not None:
                self._map.update(dict(override.attrib))

    def colour(self, holder: Any) -> Colour | None:
        """The colour inside a fill or a reference; None where it cannot be told."""
        for literal in holder:
            name = local(literal)
            colour: Colour | None = None
            if name == "srgbClr":
                colour = hex_colour(literal.get("val") or "")
            elif name == "sysClr":
                colour = hex_colour(literal.get("lastClr") or "")
            elif name == "prstClr":
                colour = {"white": WHITE, "black": BLACK}.get(literal.get("val") or "")
            elif name == "scrgbClr":
                parts = [_number(literal.get(key), 0) / 100_000 for key in ("r", "g", "b")]
                colour = (parts[0], parts[1], parts[2])
            elif name == "schemeClr":
                said = literal.get("val") or ""
                colour = self._slots.get(self._map.get(said, said))
            return _modified(colour, literal) if colour is not None else None
        return None


def _modified(colour: Colour, literal: Any) -> Colour | None:
    """Brightness changes that matter to visibility; other changes leave the colour unknown."""
    for change in literal:
        name = local(change)
        value = _number(change.get("val"), 100_000) / 100_000
        if name in ("lumMod", "shade"):
            colour = (colour[0] * value, colour[1] * value, colour[2] * value)
        elif name == "lumOff":
            colour = (min(1.0, colour[0] + value), min(1.0, colour[1] + value), min(1.0, colour[2] + value))
        elif name == "tint":
            colour = (
                1 - (1 - colour[0]) * value,
                1 - (1 - colour[1]) * value,
                1 - (1 - colour[2]) * value,
            )
        elif name != "alpha":
            return None
    return colour


class _Look:
    """Decides for each run of a text body whether people see it; gathers why not."""

    def __init__(self, part: Any, grounds: _Grounds, theme: _Theme | None = None) -> None:
        self._grounds = grounds
        self._theme = theme or _Theme(None, part, None)
        self.hidden: list[str] = []

    def why_hidden(self, own: Any, fallbacks: list[Any]) -> str:
        size = next((one.get("sz") for one in [own, *fallbacks] if one is not None and one.get("sz")), None)
        if size is not None and _number(size, 1_800) / 100 < SMALLEST_SIZE:
            return "letters too small to see"
        for properties in [own, *fallbacks]:
            if properties is None:
                continue
            if properties.find(f"{A}noFill") is not None:
                outline = properties.find(f"{A}ln")
                drawn = outline is not None and outline.find(f"{A}noFill") is None
                return "" if drawn else "transparent letters"
            solid = properties.find(f"{A}solidFill")
            if solid is not None:
                if _opacity(solid) < 0.05:
                    return "transparent letters"
                colour = self._theme.colour(solid)
                grounds = self._grounds
                marked = own.find(f"{A}highlight") if own is not None else None
                if marked is not None:
                    grounds = (self._theme.colour(marked),)
                if colour is not None and all(
                    ground is not None and looks_alike(colour, ground) for ground in grounds
                ):
                    return "letters in the colour of their ground"
                return ""
            if any(local(child) in ("gradFill", "blipFill", "pattFill") for child in properties):
                return ""
        return ""


def _paragraphs(body: Any, look: _Look, is_body: bool) -> list[tuple[BlockKind, str]]:
    """Paragraphs and lists of a text body. ``is_body``: its paragraphs have bullets unless they say otherwise."""
    out: list[tuple[BlockKind, str]] = []
    lines: list[str] = []
    kind: BlockKind = "list"
    numbers: dict[int, int] = {}
    styles = body.find(f"{A}lstStyle")

    def flush() -> None:
        nonlocal lines
        if lines:
            # One bullet is no list: on slides it is a sentence.
            only = len(lines) == 1 and kind == "list"
            text = tidy("\n".join(lines))
            out.append(("paragraph", text.removeprefix("- ")) if only else (kind, text))
            lines = []

    for paragraph in body.iter(f"{A}p"):
        properties = paragraph.find(f"{A}pPr")
        level = int(_number(properties.get("lvl"), 0)) if properties is not None else 0
        fallbacks = []
        if styles is not None:
            own_style = styles.find(f"{A}lvl{level + 1}pPr/{A}defRPr")
            if own_style is not None:
                fallbacks.append(own_style)
        text = " ".join(tidy("".join(_runs(paragraph, look, fallbacks))).split())
        if not text:
            continue
        mark = _mark(properties, styles, level, is_body, numbers)
        typed: BlockKind | None = "steps" if NUMBERED.match(text) else "list" if BULLET.match(text) else None
        if (typed is not None and mark != "-") or typed == "list":
            if lines and typed != kind:
                flush()
            kind = typed
            lines.append(text)
            continue
        if mark is None:
            flush()
            out.append(("paragraph", text))
            numbers.clear()
            continue
        for deeper in [other for other in numbers if other > level]:
            del numbers[deeper]
        item_kind: BlockKind = "list" if mark == "-" else "steps"
        if lines and item_kind != kind and level == 0:
            flush()
        if not lines:
            kind = item_kind
        lines.append(f"{mark} {text}")
    flush()
    return out


def _runs(paragraph: Any, look: _Look, fallbacks: list[Any]) -> Iterator[str]:
    for part in paragraph:
        name = local(part)
        if name in ("r", "fld"):
            if name == "fld" and (part.get("type") or "").startswith(("slidenum", "datetime")):
                continue
            text = "".join(one.text or "" for one in part if local(one) == "t")
            why = look.why_hidden(part.find(f"{A}rPr"), fallbacks)
            if not why:
                yield text.replace("\v", "\n")
            elif text.strip():
                look.hidden.append(why)
        elif name == "br":
            yield "\n"
        elif name in ("m", "AlternateContent"):
            yield "".join(one.text or "" for one in part.iter() if local(one) == "t")


def _mark(properties: Any, styles: Any, level: int, is_body: bool, numbers: dict[int, int]) -> str | None:
    """ "-" for a bullet, "3." for an automatic number, None for a plain paragraph."""
    sources = [properties]
    if styles is not None:
        sources.append(styles.find(f"{A}lvl{level + 1}pPr"))
    for source in sources:
        if source is None:
            continue
        if source.find(f"{A}buNone") is not None:
            return None
        automatic = source.find(f"{A}buAutoNum")
        if automatic is not None:
            start = int(_number(automatic.get("startAt"), 1))
            numbers[level] = numbers[level] + 1 if level in numbers else start
            return f"{_ordinal(numbers[level], automatic.get('type') or '')}."
        if source.find(f"{A}buChar") is not None or source.find(f"{A}buBlip") is not None:
            return "-"
    return "-" if is_body or level else None


def _ordinal(number: int, form: str) -> str:
    if form.startswith("alpha") and 0 < number <= 26:
        letter = chr(ord("a") + number - 1)
        return letter.upper() if "Uc" in form else letter
    return str(number)


def _reading_order(shapes: list[_Shape]) -> list[_Shape]:
    """From top to bottom; shapes side by side, that is sharing half the height of the lower one, from left to right."""
    known = [shape for shape in shapes if shape.box is not None]
    unknown = [shape for shape in shapes if shape.box is None]
    known.sort(key=lambda shape: (shape.box.top, shape.box.left) if shape.box else (0, 0))
    rows: list[list[_Shape]] = []
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


def _columns(row: list[_Shape]) -> list[_Shape]:
    """Shapes of one row from left to right; those that stand over one another in a column stay together."""
    columns: list[list[_Shape]] = []
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


def _box(element: Any, frame: tuple[float, float, float, float]) -> _Box | None:
    for holder in (f"{_P}spPr", f"{_P}grpSpPr", ""):
        place = element.find(f"{holder}/{A}xfrm") if holder else element.find(f"{_P}xfrm")
        if place is None:
            continue
        offset, extent = place.find(f"{A}off"), place.find(f"{A}ext")
        if offset is None or extent is None:
            return None
        scale_x, scale_y, shift_x, shift_y = frame
        return _Box(
            _number(offset.get("x"), 0) * scale_x + shift_x,
            _number(offset.get("y"), 0) * scale_y + shift_y,
            abs(_number(extent.get("cx"), 0) * scale_x),
            abs(_number(extent.get("cy"), 0) * scale_y),
        )
    return None


def _inner_frame(group: Any, frame: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    place = group.find(f"{_P}grpSpPr/{A}xfrm")
    if place is None:
        return frame
    parts = [place.find(f"{A}{name}") for name in ("off", "ext", "chOff", "chExt")]
    if any(part is None for part in parts):
        return frame
    offset, extent, inner_offset, inner_extent = parts
    scale_x, scale_y, shift_x, shift_y = frame
    width, height = _number(inner_extent.get("cx"), 0), _number(inner_extent.get("cy"), 0)
    own_x = _number(extent.get("cx"), 0) / width if width else 1.0
    own_y = _number(extent.get("cy"), 0) / height if height else 1.0
    left = _number(offset.get("x"), 0) - _number(inner_offset.get("x"), 0) * own_x
    top = _number(offset.get("y"), 0) - _number(inner_offset.get("y"), 0) * own_y
    return scale_x * own_x, scale_y * own_y, left * scale_x + shift_x, top * scale_y + shift_y


def _placeholder(element: Any) -> str:
    """The kind of placeholder that a shape is ("title", "body", "sldNum" ...), or "" for a free shape."""
    for child in element:
        if local(child).startswith("nv"):
            found = child.find(f"{_P}nvPr/{_P}ph")
            if found is not None:
                return found.get("type") or "obj"
    return ""


def _is_whole(element: Any) -> bool:
    """Whether the shape fills its box: a picture or a rectangle, no ellipse, arrow or freeform."""
    if local(element) == "pic":
        return True
    shape = element.find(f"{_P}spPr/{A}prstGeom")
    return shape is not None and "ect" in (shape.get("prst") or "")


def _is_hidden_shape(element: Any) -> bool:
    for child in element:
        if local(child).startswith("nv"):
            described = child.find(f"{_P}cNvPr")
            if described is not None:
                return (described.get("hidden") or "0") in ("1", "true")
    return False


def _has_text(element: Any) -> bool:
    return any((text.text or "").strip() for text in element.iter(f"{A}t"))


def _opacity(fill: Any) -> float:
    alpha = next(iter(fill.iter(f"{A}alpha")), None)
    return _number(alpha.get("val"), 100_000) / 100_000 if alpha is not None else 1.0


def _related(part: Any, kind: str) -> Any:
    """The part that this one has of a kind ("slideLayout", "theme" ...), or None."""
    if part is None:
        return None
    for relation in part.rels.values():
        if not relation.is_external and relation.reltype.endswith(f"/{kind}"):
            return relation.target_part
    return None


def _xml(part: Any) -> Any:
    """The root element of a part, whether python-pptx has parsed it or not."""
    if part is None:
        return None
    element = getattr(part, "_element", None)
    if element is not None:
        return element
    from pptx.oxml import parse_xml

    return parse_xml(part.blob)


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
                found[int(_number(point.get("idx"), 0))] = " ".join(value.split())
    return found


def _number(value: str | None, default: float) -> float:
    try:
        return float(value) if value else default
    except ValueError:
        return default
