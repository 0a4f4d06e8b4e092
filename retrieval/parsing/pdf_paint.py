"""What a PDF page paints: glyphs with size, colour and whether a human sees them, filled areas, ruling lines, pictures.

pdfminer.six interprets the page; this device only gathers. All coordinates are points from the upper left corner of the
visible page, y growing downwards.
"""

from __future__ import annotations

import itertools
import logging
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from pdfminer.pdfdevice import PDFTextDevice
from pdfminer.pdffont import PDFUnicodeNotDefined
from pdfminer.pdfinterp import PDFPageInterpreter, PDFResourceManager
from pdfminer.pdftypes import PDFObjRef, resolve1
from pdfminer.psparser import PSLiteral
from pdfminer.utils import apply_matrix_pt, mult_matrix

from retrieval.parsing.document import UnreadableDocument
from retrieval.parsing.pdf_page import (
    INVISIBLE,
    Area,
    Box,
    Glyph,
    PaintedPage,
    as_colour,
    common_part,
    is_rectangle,
    mark_unseen,
    subpaths,
)
from retrieval.parsing.unseen import SMALLEST_SIZE, Colour

logging.getLogger("pdfminer").setLevel(logging.CRITICAL)

_LAYER = "layers that are switched off"
_TRANSPARENT = "transparent letters"
_SMALL = "letters too small to see"
_OFF_PAGE = "text outside the page"
_CLIPPED = "text cut away"
_MOST_GLYPHS = 300_000  # of one page
_MOST_AREAS = 5_000
_MOST_PATH = 4_000
_THIN = 2.5  # points; a filled rectangle thinner than this is a ruling line
_DEEPEST_FORM = 20


@dataclass(slots=True)
class _State:
    alpha: float = 1.0
    blends: bool = False
    clip: Box = (-math.inf, -math.inf, math.inf, math.inf)
    layers_off: int = 0


class PagePainter:
    """Reads the pages of one document, one after the other."""

    def __init__(self, layers_off: frozenset[int]) -> None:
        self._resources = PDFResourceManager()
        self._layers_off = layers_off

    def paint(self, page: Any) -> PaintedPage:
        """Raises whatever pdfminer raises on a broken page."""
        device = _Device(self._resources, page)
        interpreter = _Interpreter(self._resources, device)
        interpreter.layers = self._layers_off
        interpreter.process_page(page)
        painted = device.painted
        mark_unseen(painted)
        return painted


class _Interpreter(PDFPageInterpreter):
    layers: frozenset[int] = frozenset()
    depth = 0

    def dup(self) -> _Interpreter:
        copy = self.__class__(self.rsrcmgr, self.device)
        copy.layers = self.layers
        copy.depth = self.depth + 1
        if copy.depth > _DEEPEST_FORM:
            raise UnreadableDocument("The PDF nests too deeply. Print it to a new PDF and upload that.")
        return copy

    @property
    def _paper(self) -> _Device:
        assert isinstance(self.device, _Device)
        return self.device

    def do_q(self) -> None:
        super().do_q()
        self._paper.save()

    def do_Q(self) -> None:  # noqa: N802 - the operator's name
        if self.gstack:
            self._paper.restore()
        super().do_Q()

    def do_gs(self, name: Any) -> None:
        known = resolve1((self.resources or {}).get("ExtGState"))
        state = resolve1(known.get(_name(name))) if isinstance(known, dict) else None
        if isinstance(state, dict):
            if "ca" in state:
                alpha = resolve1(state["ca"])
                if isinstance(alpha, int | float):
                    self._paper.state.alpha = float(alpha)
            if "BM" in state:
                mode = resolve1(state["BM"])
                first = mode[0] if isinstance(mode, list) and mode else mode
                self._paper.state.blends = _name(first) not in ("Normal", "Compatible")

    def do_W(self) -> None:  # noqa: N802
        self._paper.clip_to(self.curpath)

    def do_W_a(self) -> None:  # noqa: N802
        self._paper.clip_to(self.curpath)

    def do_sh(self, name: object) -> None:
        self._paper.shade()

    def do_BMC(self, tag: Any) -> None:  # noqa: N802
        self._paper.begin_content(False)

    def do_BDC(self, tag: Any, props: Any) -> None:  # noqa: N802
        off = False
        if _name(tag) == "OC":
            known = resolve1((self.resources or {}).get("Properties"))
            layer = (
                known.get(_name(props)) if isinstance(known, dict) and isinstance(props, PSLiteral) else props
            )
            off = self._is_off(layer)
        self._paper.begin_content(off)

    def do_EMC(self) -> None:  # noqa: N802
        self._paper.end_content()

    def do_Do(self, xobjid_arg: Any) -> None:  # noqa: N802
        found = self.xobjmap.get(_name(xobjid_arg))
        stream = resolve1(found)
        layer = getattr(stream, "attrs", {}).get("OC")
        off = layer is not None and self._is_off(layer)
        paper = self._paper
        depth = paper.depth
        contents = paper.open_contents
        paper.save()
        paper.state.layers_off += off
        try:
            super().do_Do(xobjid_arg)
        finally:
            paper.restore_to(depth)
            paper.close_contents(contents)
            # A form leaves its own matrix behind in the device.
            paper.set_ctm(self.ctm)

    def _is_off(self, layer: Any, depth: int = 0) -> bool:
        """Whether a layer, or a membership of layers, is switched off."""
        if isinstance(layer, PDFObjRef) and layer.objid in self.layers:
            return True
        said = resolve1(layer)
        if not isinstance(said, dict) or "OCGs" not in said or depth > 3:
            return False
        groups = said["OCGs"]
        members = resolve1(groups)
        listed = members if isinstance(members, list) else [groups]
        states = [self._is_off(one, depth + 1) for one in listed]
        if not states:
            return False
        policy = _name(resolve1(said.get("P"))) or "AnyOn"
        return {
            "AllOn": any(states),
            "AnyOff": not any(states),
            "AllOff": not all(states),
        }.get(policy, all(states))


class _Device(PDFTextDevice):
    def __init__(self, resources: PDFResourceManager, page: Any) -> None:
        super().__init__(resources)
        box = [float(resolve1(side)) for side in (page.cropbox or page.mediabox)]
        media = [float(resolve1(side)) for side in page.mediabox]
        self._media = (
            min(media[0], media[2]),
            min(media[1], media[3]),
            max(media[0], media[2]),
            max(media[1], media[3]),
        )
        left, right = sorted((box[0], box[2]))
        bottom, top = sorted((box[1], box[3]))
        # The visible page never reaches beyond the medium.
        self._visible = (
            max(left, self._media[0]),
            max(bottom, self._media[1]),
            min(right, self._media[2]),
            min(top, self._media[3]),
        )
        if self._visible[0] >= self._visible[2] or self._visible[1] >= self._visible[3]:
            self._visible = self._media
        self.painted = PaintedPage(0.0, 0.0)
        self.state = _State()
        self._saved: list[_State] = []
        self._contents: list[bool] = []
        self._figures: list[int] = []
        self._shift = (0.0, 0.0)
        self._order = 0
        self._mode = 0
        self._colours: dict[Any, Colour | None] = {}
        self._fonts: dict[int, tuple[float, bool]] = {}

    def begin_page(self, page: Any, ctm: Any) -> None:
        corners = [apply_matrix_pt(ctm, (x, y)) for x in self._visible[::2] for y in self._visible[1::2]]
        xs, ys = [x for x, _ in corners], [y for _, y in corners]
        self._shift = (min(xs), max(ys))
        self.painted.width, self.painted.height = max(xs) - min(xs), max(ys) - min(ys)
        self.ctm = ctm

    # State

    def save(self) -> None:
        one = self.state
        self._saved.append(_State(one.alpha, one.blends, one.clip, one.layers_off))

    def restore(self) -> None:
        if self._saved and (not self._figures or len(self._saved) > self._figures[-1]):
            self.state = self._saved.pop()

    @property
    def depth(self) -> int:
        return len(self._saved)

    def restore_to(self, depth: int) -> None:
        if len(self._saved) > depth:
            self.state = self._saved[depth]
            del self._saved[depth:]

    @property
    def open_contents(self) -> int:
        return len(self._contents)

    def close_contents(self, count: int) -> None:
        del self._contents[count:]

    def begin_content(self, off: bool) -> None:
        self._contents.append(off)

    def end_content(self) -> None:
        if self._contents:
            self._contents.pop()

    @property
    def _is_layer_off(self) -> bool:
        return self.state.layers_off > 0 or any(self._contents)

    def clip_to(self, path: Sequence[Any]) -> None:
        points = [point for _, points in subpaths(path, self.ctm) for point in points]
        if points:
            self.state.clip = common_part(self.state.clip, self._box(points))

    def begin_figure(self, name: str, bbox: Any, matrix: Any) -> None:
        assert self.ctm is not None
        self.save()
        self._figures.append(len(self._saved))
        left, bottom, right, top = (float(resolve1(side)) for side in bbox)
        inner = mult_matrix(matrix, self.ctm)
        corners = [apply_matrix_pt(inner, (x, y)) for x in (left, right) for y in (bottom, top)]
        self.state.clip = common_part(self.state.clip, self._box(corners))

    def end_figure(self, _: str) -> None:
        if self._figures:
            self.restore_to(self._figures.pop() - 1)

    # Painting

    def _box(self, points: Sequence[tuple[float, float]]) -> Box:
        left, top = self._shift
        xs, ys = [x - left for x, _ in points], [top - y for _, y in points]
        return min(xs), min(ys), max(xs), max(ys)

    def render_image(self, name: str, stream: Any) -> None:
        if self._is_layer_off or self.state.alpha < 0.05:
            return
        box = common_part(self.state.clip, (0.0, 0.0, self.painted.width, self.painted.height))
        self._order += 1
        self.painted.pictures.append((box, self._order))
        attributes = getattr(stream, "attrs", {})
        if not ("ImageMask" in attributes or "IM" in attributes):
            self._area(Area(box, None, self._order, True, False))

    def shade(self) -> None:
        self._order += 1
        page = (0.0, 0.0, self.painted.width, self.painted.height)
        self._area(Area(common_part(self.state.clip, page), None, self._order, False, False))

    def _area(self, area: Area) -> None:
        if len(self.painted.areas) < _MOST_AREAS and area.box[0] < area.box[2] and area.box[1] < area.box[3]:
            self.painted.areas.append(area)

    def paint_path(
        self, graphicstate: Any, stroke: bool, fill: bool, evenodd: bool, path: Sequence[Any]
    ) -> None:
        if self._is_layer_off or not (stroke or fill):
            return
        self._order += 1
        colour = self._colour(graphicstate.ncs, graphicstate.ncolor) if fill else None
        several = sum(step[0] == "m" for step in path) > 1
        for shape, points in subpaths(path[:_MOST_PATH], self.ctm):
            if len(points) < 2:
                continue
            bounds = self._box(points)
            box = common_part(bounds, self.state.clip)
            width, height = bounds[2] - bounds[0], bounds[3] - bounds[1]
            rectangle = is_rectangle(shape, points)
            if self.state.alpha < 0.05:
                continue
            if fill:
                if rectangle and min(width, height) < _THIN:
                    self._rule(box)
                    continue
                opaque = self.state.alpha > 0.95 and not self.state.blends
                # Holes are possible where a path has several parts.
                whole = rectangle and not (several and evenodd)
                self._area(Area(box, colour, self._order, whole, opaque))
            if rectangle:
                self._edges(box)
            elif stroke:
                self._strokes(shape, points)

    def _strokes(self, shape: str, points: Sequence[tuple[float, float]]) -> None:
        """Straight lines along the page's edges are ruling lines."""
        if set(shape) <= {"m", "l", "h"} and len(points) <= 16:
            for one, other in itertools.pairwise(points):
                edge = self._box([one, other])
                if min(edge[2] - edge[0], edge[3] - edge[1]) < _THIN:
                    self._rule(common_part(edge, self.state.clip))

    def _edges(self, box: Box) -> None:
        left, top, right, bottom = box
        self._rule((left, top, right, top))
        self._rule((left, bottom, right, bottom))
        self._rule((left, top, left, bottom))
        self._rule((right, top, right, bottom))

    def _rule(self, box: Box) -> None:
        if len(self.painted.rules) < _MOST_AREAS * 4:
            self.painted.rules.append(box)

    def render_string(self, textstate: Any, seq: Any, ncs: Any, graphicstate: Any) -> None:
        self._mode = textstate.render
        self._order += 1
        super().render_string(textstate, seq, ncs, graphicstate)

    def render_char(
        self,
        matrix: Any,
        font: Any,
        fontsize: float,
        scaling: float,
        rise: float,
        cid: int,
        ncs: Any,
        graphicstate: Any,
    ) -> float:
        advance = float(font.char_width(cid) * fontsize * scaling)
        try:
            text = font.to_unichr(cid)
        except PDFUnicodeNotDefined:
            text = ""
        if not text or text.startswith("(cid:"):
            self.painted.unmapped += 1
            return advance
        if len(self.painted.glyphs) >= _MOST_GLYPHS:
            raise UnreadableDocument("A page holds more letters than a page can. Print the PDF to a new one.")
        known = self._fonts.get(id(font))
        if known is None:
            name = str(getattr(font, "fontname", "")).lower()
            known = (float(font.get_descent()), "bold" in name or "black" in name or "heavy" in name)
            self._fonts[id(font)] = known
        descent, bold = known
        a, b, c, d, e, f = matrix
        if font.is_vertical():
            low, high, left, right = rise, rise + advance, -fontsize / 2, fontsize / 2
        else:
            low, high, left, right = descent * fontsize + rise, (descent + 1) * fontsize + rise, 0.0, advance
        x1, y1 = a * left + c * low + e, b * left + d * low + f
        x2, y2 = a * right + c * high + e, b * right + d * high + f
        x3, y3 = a * left + c * high + e, b * left + d * high + f
        x4, y4 = a * right + c * low + e, b * right + d * low + f
        shift_x, shift_y = self._shift
        size = abs(fontsize) * math.hypot(c, d)
        if abs(b) <= 0.1 * abs(a) + 1e-9:
            turn = 0
        elif abs(a) <= 0.1 * abs(b):
            turn = 90 if b > 0 else 270
        else:
            turn = -1
        glyph = Glyph(
            text,
            min(x1, x2, x3, x4) - shift_x,
            shift_y - max(y1, y2, y3, y4),
            max(x1, x2, x3, x4) - shift_x,
            shift_y - min(y1, y2, y3, y4),
            size,
            self._order,
            self._text_colour(ncs, graphicstate),
            bold,
            turn,
        )
        glyph.hidden = self._why_hidden(glyph, abs(fontsize) * math.hypot(a, b) * abs(scaling))
        self.painted.glyphs.append(glyph)
        return advance

    def _text_colour(self, ncs: Any, graphicstate: Any) -> Colour | None:
        if self._mode in (1, 5):  # outlines only
            return self._colour(graphicstate.scs, graphicstate.scolor)
        if self._mode in (2, 6):  # filled and outlined: either may show
            return None
        return self._colour(ncs, graphicstate.ncolor)

    def _why_hidden(self, glyph: Glyph, breadth: float) -> str:
        if self._is_layer_off:
            return _LAYER
        if self._mode in (3, 7):
            return INVISIBLE
        if self.state.alpha < 0.05:
            return _TRANSPARENT
        if glyph.size < SMALLEST_SIZE or breadth < SMALLEST_SIZE / 4:
            return _SMALL
        x, y = (glyph.left + glyph.right) / 2, (glyph.top + glyph.bottom) / 2
        if not (0 <= x <= self.painted.width and 0 <= y <= self.painted.height):
            return _OFF_PAGE
        left, top, right, bottom = self.state.clip
        slack = glyph.size / 2
        if (
            not (left - slack <= x <= right + slack and top - slack <= y <= bottom + slack)
            or right - left < 0.5
            or bottom - top < 0.5
        ):
            return _CLIPPED
        return ""

    def _colour(self, space: Any, value: Any) -> Colour | None:
        name = getattr(space, "name", "")
        key = (name, value if isinstance(value, int | float | tuple) else str(value))
        try:
            if key not in self._colours:
                self._colours[key] = as_colour(name, value)
            return self._colours[key]
        except TypeError:
            return as_colour(name, value)


def _name(value: Any) -> str:
    name = getattr(value, "name", value)
    return name.decode("latin-1") if isinstance(name, bytes) else str(name)
