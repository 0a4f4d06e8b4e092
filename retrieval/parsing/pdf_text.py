"""Lines of a PDF as text: marks put before their items, paragraphs parted, hyphenated words joined."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence

from retrieval.parsing.pdf_lines import Line
from retrieval.parsing.plain import BULLET, NUMBERED

_HYPHEN = re.compile(r"([\w-]*\w{2})[-\u00ad\u2010]\n(\w+-?)")
_SENTENCE_END = re.compile(r"[.!?:;”\"')\]]\s*$")
SECTION = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,3}\.?|\d{1,2}\.)\s+\S")
_LONE_BULLET = re.compile(r"[•‣▪◦●■\-–*\uf0b7\uf0a7]")
_SYMBOL_BULLET = re.compile(r"^[\ue000-\uf8ff]\s*")
_SYMBOLS = re.compile(r"[\ue000-\uf8ff]")


def with_marks_joined(lines: Sequence[Line]) -> list[Line]:
    """A bullet or an item's number that stands on a line of its own goes before the text that it marks."""
    out: list[Line] = []
    expected = 1
    at = 0
    while at < len(lines):
        line = _readable(lines[at])
        following = _readable(lines[at + 1]) if at + 1 < len(lines) else None
        text = line.text
        if line.table is not None or following is None or following.table is not None or not following.text:
            out.append(line)
            at += 1
        elif _LONE_BULLET.fullmatch(text):
            out.append(_marked("•", line, following))
            at += 2
        elif text.rstrip(".)") == str(expected) and not following.text.rstrip(".)").isdigit():
            out.append(_marked(f"{expected}.", line, following))
            expected += 1
            at += 2
        else:
            # A number counts as an item's only in the run 1, 2, 3 ...; a line that is no item ends the run but for wraps.
            if SECTION.match(text):
                expected = 1
            out.append(line)
            at += 1
    return [line for line in out if line.text or line.table is not None]


def _marked(mark: str, line: Line, following: Line) -> Line:
    return Line(
        f"{mark} {following.text}",
        min(line.left, following.left),
        min(line.top, following.top),
        following.right,
        following.bottom,
        following.size,
        line.order,
        following.bold,
    )


def _readable(line: Line) -> Line:
    """Letters of symbol fonts mean nothing without the font: one in front of a line is a bullet, others go."""
    text = line.text
    if line.table is not None or not _SYMBOLS.search(text):
        return line
    text = " ".join(_SYMBOLS.sub("", _SYMBOL_BULLET.sub("• ", text)).split())
    return Line(
        text, line.left, line.top, line.right, line.bottom, line.size, line.order, line.bold, line.table
    )


def running_text(lines: Sequence[Line], widest: float) -> str:
    """Lines as text: hyphenated words joined, paragraphs parted by an empty line."""
    leading = _leading(lines)
    out: list[str] = []
    for at, line in enumerate(lines):
        out.append(line.text)
        if at + 1 == len(lines):
            break
        following = lines[at + 1]
        is_item = bool(NUMBERED.match(following.text) or BULLET.match(following.text))
        # A short line that ends a sentence ends a paragraph; so does a gap wider than between lines.
        ends = line.right - line.left < 0.7 * widest and bool(_SENTENCE_END.search(line.text))
        gap = following.top - line.top
        usual = 1.45 * leading if leading else 2.2 * max(line.size, following.size)
        apart = gap > usual and not _HYPHEN.search(f"{line.text}\n{following.text}")
        if (ends or apart) and not is_item:
            out.append("")
    return _HYPHEN.sub(_joined_word, "\n".join(out))


def _leading(lines: Sequence[Line]) -> float:
    """The usual distance from line to line, in points; 0 where there are too few to tell."""
    steps = sorted(
        later.top - earlier.top
        for earlier, later in itertools.pairwise(lines)
        if 0 < later.top - earlier.top < 4 * max(earlier.size, 1.0)
    )
    return steps[len(steps) // 3] if len(steps) >= 2 else 0.0


def _joined_word(match: re.Match[str]) -> str:
    left, right = match.groups()
    # "well-\nKnown", "2019-\n2020" and "off-\nthe-shelf" keep their hyphen; "pack-\nage" does not.
    if right[0].isupper() or right[0].isdigit() or left[-1].isdigit() or "-" in left or right[-1] == "-":
        return f"{left}-{right}"
    return left + right
