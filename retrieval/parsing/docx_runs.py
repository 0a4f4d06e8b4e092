"""The runs of a Word paragraph: which of them people see, and the text boxes and notes that hang on them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from retrieval.parsing.docx_styles import Styles
from retrieval.parsing.docx_xml import child_of, chosen_of, is_on, number_or, plain_text, shade_of, value_of
from retrieval.parsing.office import A, W, local
from retrieval.parsing.unseen import SMALLEST_SIZE, WHITE, Colour, LeftOut, hex_colour, looks_alike

_EMU_PER_INCH = 914_400
_HIGHLIGHTS: dict[str, Colour | None] = {"white": WHITE, "none": None}
_WP14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"


@dataclass(frozen=True)
class Ground:
    """What text stands on: a colour, or None where it cannot be told (a picture, a table style)."""

    colour: Colour | None = WHITE


class Runs:
    """Reads the runs of one paragraph; gathers the text boxes and notes that hang on it."""

    def __init__(self, styles: Styles, left_out: LeftOut, style_id: str, ground: Ground) -> None:
        self._styles = styles
        self._left_out = left_out
        self._style_id = style_id
        self._ground = ground
        self.boxes: list[tuple[Any, Ground]] = []
        self.notes: list[tuple[str, str]] = []
        self.all_bold = True

    def texts(self, parent: Any) -> Iterator[str]:
        for child in parent:
            name = local(child)
            if name == "r":
                yield from self._run(child)
            elif name in ("del", "moveFrom"):
                report_deleted(self._left_out, child)
            elif name in ("oMath", "oMathPara"):
                yield "".join(part.text or "" for part in child.iter() if local(part) == "t")
            elif name == "AlternateContent":
                chosen = chosen_of(child)
                if chosen is not None:
                    yield from self.texts(chosen)
            elif name in (
                "hyperlink", "ins", "moveTo", "smartTag", "sdt", "sdtContent", "fldSimple", "customXml", "dir", "bdo",
            ):  # fmt: skip
                yield from self.texts(child)

    def _run(self, run: Any) -> Iterator[str]:
        properties = run.find(f"{W}rPr")
        why = self._why_hidden(properties)
        parts = "".join(self._parts(run, hidden=bool(why)))
        if why:
            if parts.strip():
                self._left_out.hidden("hidden text", why)
            return
        if parts.strip() and not is_on(self._styles.run_property(properties, self._style_id, "b")):
            self.all_bold = False
        yield parts

    def _parts(self, run: Any, hidden: bool) -> Iterator[str]:
        for part in run:
            name = local(part)
            if name == "t":
                yield part.text or ""
            elif name in ("tab", "ptab"):
                yield " "
            elif name in ("br", "cr"):
                yield "\n"
            elif name == "noBreakHyphen":
                yield "-"
            elif name == "sym":
                yield _symbol(part)
            elif name == "ruby":
                base = part.find(f"{W}rubyBase")
                if base is not None:
                    yield "".join(self.texts(base))
            elif name in ("footnoteReference", "endnoteReference") and not hidden:
                self.notes.append((name.removesuffix("Reference"), part.get(f"{W}id") or ""))
            elif name == "AlternateContent":
                chosen = chosen_of(part)
                if chosen is not None and not hidden:
                    self._drawing(chosen)
            elif name in ("drawing", "pict", "object") and not hidden:
                self._drawing(part)

    def _why_hidden(self, own: Any) -> str:
        def found(name: str) -> Any:
            return self._styles.run_property(own, self._style_id, name)

        if is_on(found("vanish")):
            return "runs with hidden characters"
        size = found("sz")
        if size is not None and number_or(value_of(size), 24.0) / 2 < SMALLEST_SIZE:
            return "letters too small to see"
        scale = found("w")
        if scale is not None and number_or((value_of(scale) or "").rstrip("%"), 100.0) <= 5:
            return "letters too small to see"
        fill = _find_in(own, f"{_WP14}textFill")
        if fill is not None and (
            fill.find(f"{_WP14}noFill") is not None
            or any(
                number_or(alpha.get(f"{_WP14}val"), 0)
                >= 95_000  # here alpha counts transparency, not opacity
                for alpha in fill.iter(f"{_WP14}alpha")
            )
        ):
            return "transparent letters"
        colour = hex_colour(value_of(found("color")) or "")
        ground = self._ground.colour
        highlight = value_of(child_of(own, "highlight"))
        shade = found("shd")
        if shade is not None and (shaded := shade_of(shade)) is not None:
            ground = shaded
        if highlight and highlight != "none":
            ground = _HIGHLIGHTS.get(highlight)
        if colour is not None and ground is not None and looks_alike(colour, ground):
            return "letters in the colour of their ground"
        return ""

    def _drawing(self, element: Any) -> None:
        """Text boxes of a drawing, unless it is hidden or off the page. Its alternative text is no content."""
        for box in element.iter(f"{W}txbxContent"):
            if any(local(parent) == "txbxContent" for parent in _parents(box, element)):
                continue
            if not plain_text(box).strip():
                continue
            if any(_shape_is_hidden(parent) for parent in _parents(box, element)):
                self._left_out.hidden("hidden text", "hidden or off-page text boxes")
                continue
            self.boxes.append((box, self._ground_of_shape(box, element)))

    def _ground_of_shape(self, box: Any, drawing: Any) -> Ground:
        for parent in _parents(box, drawing):
            name = local(parent)
            if name == "wsp":
                shape = next((child for child in parent if local(child) == "spPr"), None)
                if shape is None:
                    return Ground(None)
                solid = shape.find(f"{A}solidFill")
                if solid is not None:
                    literal = solid.find(f"{A}srgbClr")
                    return Ground(hex_colour(literal.get("val") or "") if literal is not None else None)
                if shape.find(f"{A}noFill") is not None:
                    return self._ground
                return Ground(None)
            if name in ("shape", "rect", "roundrect", "oval"):
                if (parent.get("filled") or "").lower() in ("f", "false"):
                    return self._ground
                return Ground(hex_colour((parent.get("fillcolor") or "#ffffff").split()[0]))
        return self._ground


def report_deleted(left_out: LeftOut, element: Any) -> None:
    if any((text.text or "").strip() for text in element.iter(f"{W}delText", f"{W}t")):
        left_out.hidden("tracked changes", "deleted passages of tracked changes")


def _parents(element: Any, top: Any) -> Iterator[Any]:
    parent = element.getparent()
    while parent is not None:
        yield parent
        if parent is top:
            return
        parent = parent.getparent()


def _shape_is_hidden(element: Any) -> bool:
    name = local(element)
    if name in ("anchor", "inline"):
        described = next((child for child in element if local(child) == "docPr"), None)
        if described is not None and (described.get("hidden") or "") in ("1", "true"):
            return True
        if (element.get("hidden") or "") in ("1", "true"):
            return True
        extent = next((child for child in element if local(child) == "extent"), None)
        for axis, side in (("positionH", "cx"), ("positionV", "cy")):
            position = next((child for child in element if local(child) == axis), None)
            offset = (
                next((part for part in position if local(part) == "posOffset"), None)
                if position is not None
                else None
            )
            if offset is not None:
                moved = number_or(offset.text, 0)
                size = number_or(extent.get(side), 0) if extent is not None else 0
                # Offsets may count from a margin or column: two inches of leeway, and no page is longer than 23 inches.
                if moved + size < -2 * _EMU_PER_INCH or moved > 23 * _EMU_PER_INCH:
                    return True
    style = (element.get("style") or "").replace(" ", "").lower()
    return "visibility:hidden" in style or "display:none" in style or "mso-hide:all" in style


def _find_in(parent: Any, name: str) -> Any:
    return parent.find(name) if parent is not None else None


def _symbol(element: Any) -> str:
    """A character of a symbol font lives in the private use area, where it means nothing without the font."""
    try:
        letter = chr(int(element.get(f"{W}char") or "", 16))
    except (ValueError, OverflowError):
        return ""
    return "" if "\ue000" <= letter <= "\uf8ff" else letter
