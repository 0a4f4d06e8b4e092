"""The text of a PowerPoint shape: colours of the theme, which runs people see, paragraphs and lists."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retrieval.parsing.document import (
    BlockKind,
    tidy,
)
from retrieval.parsing.office import A, local
from retrieval.parsing.plain import BULLET, NUMBERED
from retrieval.parsing.pptx_shapes import Grounds, P, number_or, opacity_of, related_part, xml_of
from retrieval.parsing.unseen import (
    BLACK,
    SMALLEST_SIZE,
    WHITE,
    Colour,
    hex_colour,
    looks_alike,
)

_SLOT_OF = {"bg1": "lt1", "tx1": "dk1", "bg2": "lt2", "tx2": "dk2"}


class Theme:
    """Names of colours to colours, through the slide's, the layout's or the master's map."""

    def __init__(self, master: Any, slide: Any, layout: Any) -> None:
        self._slots: dict[str, Colour] = {}
        self._map: dict[str, str] = dict(_SLOT_OF)
        theme = xml_of(related_part(master, "theme")) if master is not None else None
        if theme is not None:
            for scheme in theme.iter(f"{A}clrScheme"):
                for slot in scheme:
                    for literal in slot:
                        said = literal.get("lastClr") or literal.get("val") or ""
                        if colour := hex_colour(said):
                            self._slots[local(slot)] = colour
        if master is not None:
            said_map = master._element.find(f"{P}clrMap")
            if said_map is not None:
                self._map.update(dict(said_map.attrib))
        for part in (layout, slide):
            if part is None:
                continue
            override = part._element.find(f"{P}clrMapOvr/{A}overrideClrMapping")
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
                parts = [number_or(literal.get(key), 0) / 100_000 for key in ("r", "g", "b")]
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
        value = number_or(change.get("val"), 100_000) / 100_000
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


class Look:
    """Decides for each run of a text body whether people see it; gathers why not."""

    def __init__(self, part: Any, grounds: Grounds, theme: Theme | None = None) -> None:
        self._grounds = grounds
        self._theme = theme or Theme(None, part, None)
        self.hidden: list[str] = []

    def why_hidden(self, own: Any, fallbacks: list[Any]) -> str:
        size = next((one.get("sz") for one in [own, *fallbacks] if one is not None and one.get("sz")), None)
        if size is not None and number_or(size, 1_800) / 100 < SMALLEST_SIZE:
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
                if opacity_of(solid) < 0.05:
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


def paragraphs_of(body: Any, look: Look, is_body: bool) -> list[tuple[BlockKind, str]]:
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
        level = int(number_or(properties.get("lvl"), 0)) if properties is not None else 0
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


def _runs(paragraph: Any, look: Look, fallbacks: list[Any]) -> Iterator[str]:
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
            start = int(number_or(automatic.get("startAt"), 1))
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
