"""Which elements of an HTML page people cannot see, by attributes, inline styles and the page's own style sheets.

Style sheets in other files are not fetched. What scripts would show later counts as hidden: nobody knows whether they do.
"""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, replace

from bs4 import BeautifulSoup
from bs4.element import Tag

from retrieval.parsing.css_rules import Rules, is_for_screens
from retrieval.parsing.unseen import BLACK, WHITE, Colour, hex_colour, looks_alike

_SMALLEST = 2.0  # CSS pixels
_FAR = 500.0  # CSS pixels: further than any margin that is meant to be seen
_LENGTH = re.compile(
    r"(-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?)\s*(px|pt|em|rem|ex|ch|%|vw|vh|cm|mm|in|pc)?", re.IGNORECASE
)
_FUNCTION = re.compile(r"([a-z-]+)\(([^()]*)\)", re.IGNORECASE)
_PIXELS = {
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "in": 96.0,
    "cm": 37.8,
    "mm": 3.78,
    "vw": 12.8,
    "vh": 8.0,
    "rem": 16.0,
}
_SIZES = {
    "xx-small": 9.0, "x-small": 10.0, "small": 13.0, "medium": 16.0, "large": 18.0, "x-large": 24.0, "xx-large": 32.0,
}  # fmt: skip
_NAMED = {
    "white": "fff", "black": "000", "red": "f00", "lime": "0f0", "green": "008000", "blue": "00f", "yellow": "ff0",
    "cyan": "0ff", "aqua": "0ff", "magenta": "f0f", "fuchsia": "f0f", "gray": "808080", "grey": "808080",
    "silver": "c0c0c0", "maroon": "800000", "olive": "808000", "purple": "800080", "teal": "008080", "navy": "000080",
    "orange": "ffa500", "pink": "ffc0cb", "brown": "a52a2a", "gold": "ffd700", "snow": "fffafa", "ivory": "fffff0",
    "whitesmoke": "f5f5f5", "ghostwhite": "f8f8ff", "floralwhite": "fffaf0", "seashell": "fff5ee", "linen": "faf0e6",
    "mintcream": "f5fffa", "azure": "f0ffff", "aliceblue": "f0f8ff", "honeydew": "f0fff0", "lightyellow": "ffffe0",
    "lightgray": "d3d3d3", "lightgrey": "d3d3d3", "gainsboro": "dcdcdc", "darkgray": "a9a9a9", "darkgrey": "a9a9a9",
    "beige": "f5f5dc", "canvas": "fff", "canvastext": "000", "lightcyan": "e0ffff", "cornsilk": "fff8dc",
    "oldlace": "fdf5e6", "lavenderblush": "fff0f5", "lavender": "e6e6fa", "midnightblue": "191970",
    "darkslategray": "2f4f4f", "dimgray": "696969", "darkblue": "00008b", "steelblue": "4682b4",
}  # fmt: skip


@dataclass(frozen=True)
class _Look:
    """What an element hands down. A colour of None cannot be told."""

    colour: Colour | None = BLACK
    ground: Colour | None = WHITE
    size: float = 16.0
    visible: bool = True
    opacity: float = 1.0


class Unseen:
    """Elements that people do not see: ``is_gone`` with all that is in it, ``is_mute`` for its own text only."""

    def __init__(self, soup: BeautifulSoup, more_css: str = "") -> None:
        self._gone: dict[int, str] = {}
        self._mute: dict[int, str] = {}
        css = [more_css] + [style.get_text() for style in soup.find_all("style") if is_for_screens(style)]
        self._rules = Rules(css)
        self._walk(soup)

    def why_gone(self, tag: Tag) -> str:
        return self._gone.get(id(tag), "")

    def why_mute(self, tag: Tag) -> str:
        return self._mute.get(id(tag), "")

    def _walk(self, soup: BeautifulSoup) -> None:
        waiting: list[tuple[Tag, _Look]] = [(soup, _Look())]
        while waiting:
            tag, above = waiting.pop()
            look = above
            if tag is not soup:
                said = self._rules.style_of(tag)
                why = _why_gone(tag, said)
                look = _look(tag, said, above)
                if not why and look.opacity < 0.05:
                    why = "transparent elements"
                if why:
                    self._gone[id(tag)] = why
                    continue
                if mute := _why_mute(look):
                    self._mute[id(tag)] = mute
            waiting += [(child, look) for child in tag.children if isinstance(child, Tag)]


def _why_gone(tag: Tag, said: dict[str, str]) -> str:
    """Why the element and everything in it is out of sight, or ""."""
    if tag.has_attr("hidden") and said.get("display", "none") == "none":
        return "hidden elements"
    if str(tag.get("aria-hidden", "")).strip().lower() == "true":
        return "elements hidden from assistive technology"
    if said.get("display") == "none" or said.get("content-visibility") == "hidden":
        return "hidden elements"
    if (opacity := _share(said.get("opacity"))) is not None and opacity < 0.05:
        return "transparent elements"
    for name, inside in _FUNCTION.findall(said.get("filter", "")):
        if name == "opacity" and (_share(inside) or 0.0) < 0.05:
            return "transparent elements"
    if _is_cut_away(said):
        return "elements cut away"
    if _is_far_off(said):
        return "elements outside the page"
    return ""


def _is_cut_away(said: dict[str, str]) -> bool:
    clip = said.get("clip", "")
    if clip.startswith("rect"):
        sides = [float(number) for number, _ in _LENGTH.findall(clip)]
        if len(sides) == 4 and (sides[1] - sides[3] <= 2 or sides[2] - sides[0] <= 2):
            return True
    path = said.get("clip-path", "")
    inset = re.search(r"inset\(\s*(\d+(?:\.\d+)?)%", path)
    if inset and float(inset.group(1)) >= 50:
        return True
    if re.search(r"(?:circle|ellipse)\(\s*0(?:px|%)?(?:\s|\)|,)", path) or re.search(
        r"polygon\(\s*0[^,]*\)", path
    ):
        return True
    cut = any(
        said.get(name, "").split()[:1] in (["hidden"], ["clip"])
        for name in ("overflow", "overflow-x", "overflow-y")
    )
    for name in ("width", "height", "max-width", "max-height"):
        size = _pixels(said.get(name), 16.0)
        if size is not None and (size <= 1.5 if cut else name.startswith("max") and size == 0):
            return True
    for name in ("scale", "zoom"):
        if (value := _share(said.get(name))) is not None and value < 0.05:
            return True
    return any(
        name.startswith("scale")
        and any((_share(part) or 0.0) == 0.0 and part.strip() for part in inside.split(","))
        for name, inside in _FUNCTION.findall(said.get("transform", ""))
    )


def _is_far_off(said: dict[str, str]) -> bool:
    for name in ("text-indent", "margin-left", "margin-top"):
        moved = _pixels(said.get(name), 16.0)
        if moved is not None and moved <= -_FAR:
            return True
    indent = said.get("text-indent", "")
    if indent.endswith("%") and (_share(indent) or 0.0) >= 1.0:
        # The usual trick of image replacement: pushed out at the right, cut away.
        return True
    if said.get("position") in ("absolute", "fixed", "relative", "sticky"):
        for name in ("left", "top", "right", "bottom", "inset"):
            for part in said.get(name, "").split():
                moved = _pixels(part, 16.0)
                if moved is not None and (moved <= -_FAR or moved >= 5_000):
                    return True
                if part.startswith("-") and part.endswith("%") and (_share(part.lstrip("-")) or 0.0) >= 1.0:
                    return True
    for name, inside in _FUNCTION.findall(said.get("transform", "")):
        if name.startswith("translate"):
            for part in inside.split(","):
                moved = _pixels(part, 16.0)
                if moved is not None and abs(moved) >= _FAR:
                    return True
    return False


def _look(tag: Tag, said: dict[str, str], above: _Look) -> _Look:
    """What the element's own text looks like."""
    look = above
    visibility = said.get("visibility")
    if visibility in ("hidden", "collapse"):
        look = replace(look, visible=False)
    elif visibility in ("visible", "initial"):
        look = replace(look, visible=True)
    size = said.get("font-size") or _size_of_font(said.get("font"))
    if size:
        look = replace(look, size=_font_size(size, above.size))
    opacity = _share(said.get("opacity"))
    if opacity is not None:
        look = replace(look, opacity=above.opacity * opacity)
    ground = said.get("background-color") or said.get("background") or str(tag.get("bgcolor") or "").lower()
    image = said.get("background-image") or said.get("background", "")
    if "url(" in image or "gradient(" in image:
        look = replace(look, ground=None)
    elif ground:
        colour, alpha = css_colour(ground)
        if alpha >= 0.5:
            look = replace(look, ground=colour)
        elif alpha >= 0.05:
            look = replace(look, ground=None)
    letters = said.get("-webkit-text-fill-color") or said.get("color")
    if not letters and tag.name in ("font", "body", "a"):
        letters = str(tag.get("color") or tag.get("text") or "").lower()
    if letters == "transparent":
        look = replace(
            look, colour=look.ground if look.ground is not None else WHITE, ground=look.ground or WHITE
        )
    elif letters and letters not in ("inherit", "currentcolor", "unset"):
        colour, alpha = css_colour(letters)
        look = replace(look, colour=WHITE, ground=WHITE) if alpha < 0.05 else replace(look, colour=colour)
    elif tag.name in ("a", "button") and tag.has_attr("href"):
        look = replace(look, colour=(0.0, 0.0, 0.93))
    return look


def _why_mute(look: _Look) -> str:
    if not look.visible:
        return "hidden elements"
    if look.size < _SMALLEST:
        return "letters too small to see"
    if look.colour is not None and look.ground is not None and looks_alike(look.colour, look.ground):
        return "letters in the colour of their ground"
    return ""


def css_colour(value: str) -> tuple[Colour | None, float]:
    """(colour, opacity) of a CSS colour, or of a background that begins with one; (None, 1) where it cannot be told."""
    value = value.strip().lower()
    called = re.match(r"(rgba?|hsla?)\(([^()]*)\)", value)
    if called:
        parts = [part for part in re.split(r"[\s,/]+", called.group(2).strip()) if part]
        alpha = (_share(parts[3]) if len(parts) > 3 else None) or (0.0 if len(parts) > 3 else 1.0)
        numbers = [_number(part) for part in parts[:3]]
        if len(numbers) < 3 or any(math.isnan(number) for number in numbers):
            return None, alpha
        if called.group(1).startswith("rgb"):
            scaled = [
                number / 100 if part.endswith("%") else number / 255
                for number, part in zip(numbers, parts, strict=False)
            ]
            return (scaled[0], scaled[1], scaled[2]), alpha
        import colorsys

        red, green, blue = colorsys.hls_to_rgb((numbers[0] / 360) % 1, numbers[2] / 100, numbers[1] / 100)
        return (red, green, blue), alpha
    for word in value.split():
        if word.startswith("#"):
            colour = hex_colour(word)
            digits = word[1:]
            alpha = 1.0
            if len(digits) == 8 and colour:
                alpha = int(digits[6:], 16) / 255
            elif len(digits) == 4 and colour:
                alpha = int(digits[3] * 2, 16) / 255
            return colour, alpha
        if word in ("transparent", "none", "inherit", "initial", "unset"):
            return None, 0.0
        if word in _NAMED:
            return hex_colour(_NAMED[word]), 1.0
    return None, 1.0


def _font_size(value: str, above: float) -> float:
    if value in _SIZES:
        return _SIZES[value]
    if value in ("smaller", "larger"):
        return above * (1.2 if value == "larger" else 1 / 1.2)
    size = _pixels(value, above)
    if size is not None:
        return size
    if value.endswith("%"):
        return above * (_share(value) if _share(value) is not None else 1.0)  # type: ignore[operator]
    return above


def _size_of_font(value: str | None) -> str:
    """The size in a "font" shorthand: "italic 0/0 a", "bold 12px/1.5 serif"."""
    if not value:
        return ""
    found = re.search(r"(?<![\w.])(\d*\.?\d+(?:px|pt|em|rem|%)?)(?:\s*/|\s+[\"'a-z])", value)
    number = found.group(1) if found else ""
    # A bare number is a weight (400), unless it is nothing at all.
    return number if number and (not number.isdigit() or int(number) == 0) else ""


def _pixels(value: str | None, size: float) -> float | None:
    """A length in CSS pixels; None for percentages, keywords and anything else. ``size``: of the letters."""
    if not value:
        return None
    found = _LENGTH.fullmatch(value.strip())
    if found is None:
        return None
    number, unit = float(found.group(1)), (found.group(2) or "").lower()
    if unit == "%" or math.isinf(number):
        return None
    if unit in ("em", "ex", "ch"):
        return number * size
    if not unit and number != 0:
        return number  # browsers in quirks mode take bare numbers for pixels
    return number * _PIXELS.get(unit, 1.0)


def _share(value: str | None) -> float | None:
    """ "0.5" or "50%" as 0.5; None for anything else."""
    if value is None:
        return None
    text = value.strip()
    number = _number(text)
    if math.isnan(number):
        return None
    return number / 100 if text.endswith("%") else number


def _number(text: str) -> float:
    found = re.match(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d{1,3})?", text.strip())
    return float(found.group()) if found else math.nan
