"""What every reader returns: blocks of text in reading order, each with the place where it stands."""

from __future__ import annotations

import codecs
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from retrieval.places import Place

BlockKind = Literal["heading", "paragraph", "list", "steps", "row", "code", "quote"]


class UnsupportedFormat(ValueError):
    """We do not read this kind of file; the message names a way that works."""

    key = "document-format-unsupported"


class UnreadableDocument(ValueError):
    """The file is of a kind we read, but this one cannot be read; the message says what to do."""

    key = "document-unreadable"


@dataclass(frozen=True)
class Block:
    """One paragraph, list, table row or heading.

    ``headings`` is the path of headings above it (for a heading: including itself). ``place`` is set where the
    format has pages, slides or cues; without it the block stands under its headings. ``member`` is the path of
    the file inside a package. A list is one block with one line for each item; "steps" is a numbered list whose
    lines keep their numbers. ``marks`` are (offset in the text, seconds) where a cue begins in a transcript.
    """

    kind: BlockKind
    text: str
    headings: tuple[str, ...] = ()
    place: Place | None = None
    member: str = ""
    marks: tuple[tuple[int, float], ...] = ()


@dataclass(frozen=True)
class Skipped:
    """A part that was left out. ``where``: a member's path, "page 3", "slide 5"; ``why``: a plain phrase."""

    where: str
    why: str


@dataclass(frozen=True)
class ParseReport:
    """What the reader did and did not take: counts by subject, remarks for the person who uploaded, the parts
    left out and why."""

    counts: dict[str, int] = field(default_factory=dict)
    remarks: list[str] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)

    def as_json(self) -> dict[str, object]:
        return {
            "counts": dict(self.counts),
            "remarks": list(self.remarks),
            "skipped": [{"where": one.where, "why": one.why} for one in self.skipped],
        }


@dataclass(frozen=True)
class ParsedDocument:
    title: str
    language: str
    blocks: list[Block]
    report: ParseReport


class HeadingPath:
    """Keeps the path of open headings while a reader walks down a document."""

    def __init__(self) -> None:
        self._open: list[tuple[int, str]] = []

    def enter(self, level: int, title: str) -> tuple[str, ...]:
        while self._open and self._open[-1][0] >= level:
            self._open.pop()
        self._open.append((level, title))
        return self.path

    @property
    def path(self) -> tuple[str, ...]:
        return tuple(title for _, title in self._open)


_SPACES = re.compile(r"[^\S\n]+")
# What no reader sees: controls, zero-width and filler letters, directions, tags, and variation selectors that carry
# data. Joiners stay beside the scripts and emoji that need them.
_INVISIBLE = re.compile(
    "[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b"
    "\u200e\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0e\ufeff\uffa0\ufff0-\ufffb\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    "|(?<![\u0600-\u109f\u1780-\u18af\u2600-\u27bf\ufe0f\U0001f000-\U0001faff])[\u200c\u200d]"
)


def tidy(text: str) -> str:
    """One space between words, no control or invisible characters; line ends kept, letters composed (NFC)."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _INVISIBLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n").replace("\u0085", "\n"))
    lines = (_SPACES.sub(" ", line).strip() for line in text.split("\n"))
    return unicodedata.normalize("NFC", "\n".join(line for line in lines if line))


def decode_text(data: bytes) -> str:
    """Bytes to text: by byte order mark, else UTF-8, else Windows-1252. Raises UnreadableDocument on binary."""
    for mark, name in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(name, "replace")
    if b"\0" in data[:4096]:
        raise UnreadableDocument(
            "The file is not text, whatever its name says. Upload the original document."
        )
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def row_text(head: Sequence[str], cells: Sequence[str]) -> str:
    """A table row in words."""
    named = []
    for at, cell in enumerate(cells):
        if cell:
            name = head[at] if at < len(head) else ""
            named.append(f"{name}: {cell}" if name else cell)
    return "; ".join(named)
