"""From glyphs to lines: letters joined along their baseline, words parted by their gaps."""

from __future__ import annotations

import itertools
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.parsing.pdf_page import Box, Glyph

_LIGATURES = str.maketrans(
    {"ﬀ": "ff", "ﬁ": "fi", "ﬂ": "fl", "ﬃ": "ffi", "ﬄ": "ffl", "ﬅ": "st", "ﬆ": "st", "\u00a0": " "}
)
_WORD_GAP = 0.2  # of the letters' size
_LINE_GAP = 1.4  # of the size: a wider gap parts columns, cells, or a label from its value


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


def turned_lines(glyphs: Sequence[Glyph]) -> list[Line]:
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


def pieces_of(glyphs: Sequence[Glyph]) -> list[_Piece]:
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


def line_of(piece: _Piece) -> Line:
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
