"""PDF: text page by page, with physical page numbers from 1, running heads and page numbers taken out."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from retrieval.parsing.document import (
    Block,
    HeadingPath,
    ParsedDocument,
    ParseReport,
    UnreadableDocument,
    tidy,
)
from retrieval.parsing.plain import BULLET, NUMBERED, paragraphs
from retrieval.places import Place

MAX_PAGES = 3_000
_DIGITS = re.compile(r"\d+")
_HYPHEN = re.compile(r"(\w{2,})[-\u00ad\u2010]\n(\w+)")
_SENTENCE_END = re.compile(r"[.!?:;”\"')\]]\s*$")
_SECTION = re.compile(r"(\d{1,2}(?:\.\d{1,2}){1,3}\.?|\d{1,2}\.)\s+\S")
_SECTION_BELOW = re.compile(r"\d{1,2}\.\d{1,2}")
_LONE_BULLET = re.compile(r"[•‣▪◦●■\-–*\uf0b7\uf0a7]")
_LONGEST_HEADING = 80
_EDGE = 2  # how many lines at the top and the bottom of a page may be running heads

logging.getLogger("pypdf").setLevel(logging.ERROR)


def read_pdf(data: bytes) -> ParsedDocument:
    """Raises UnreadableDocument for a damaged, protected or scanned file."""
    try:
        reader = PdfReader(io.BytesIO(data))
        if reader.is_encrypted and not reader.decrypt(""):
            raise UnreadableDocument(
                "The PDF is protected by a password. Save a copy without it and upload that."
            )
        count = len(reader.pages)
        if count > MAX_PAGES:
            raise UnreadableDocument(
                f"The PDF has more than {MAX_PAGES} pages. Split it and upload the parts."
            )
        pages = [_page_text(reader, number) for number in range(count)]
        title = tidy((reader.metadata.title if reader.metadata else None) or "")
        outline = _outline(reader)
    except UnreadableDocument:
        raise
    except (
        PyPdfError,
        ValueError,
        KeyError,
        TypeError,
        IndexError,
        AttributeError,
        RecursionError,
        OSError,
    ) as broken:
        raise UnreadableDocument(
            "The PDF is damaged. Export it again from where it was made and upload that."
        ) from broken
    lines = [[line for line in tidy(page).split("\n") if line] for page in pages]
    running = _running_lines(lines)
    blocks: list[Block] = []
    path = HeadingPath()
    for number, (page, own) in enumerate(zip(pages, lines, strict=True), start=1):
        if own:
            blocks += _blocks(_body(page, running), number, outline, path)
    empty = [number for number, own in enumerate(lines, start=1) if not own]
    remarks = []
    if empty:
        shown = ", ".join(map(str, empty[:10])) + ("…" if len(empty) > 10 else "")
        remarks.append(f"Pages without text: {shown}. Scanned pages need text recognition (OCR).")
    counts = {"pages": count, "pages_without_text": len(empty), "blocks": len(blocks)}
    return ParsedDocument(title, "und", blocks, ParseReport(counts, remarks))


def _outline(reader: PdfReader) -> dict[str, int]:
    """The author's own headings: text -> depth from 1. Empty where the file has no outline, or a broken one."""
    found: dict[str, int] = {}

    def walk(entries: Any, depth: int) -> None:
        for entry in entries:
            if isinstance(entry, list):
                walk(entry, depth + 1)
            elif name := tidy(str(entry.get("/Title") or "")):
                found.setdefault(name, depth)

    try:
        walk(reader.outline, 1)
    except (PyPdfError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return {}
    return found


def _heading_depth(line: str, following: str, outline: Mapping[str, int]) -> int:
    """The depth of the heading that a line is, or 0. An outline decides where there is one.

    Without one, a short line with a section number and no full stop is a heading, if what follows is not the next item of
    a list: "4.1 Deadline" always, "6. Late delivery" before running text.
    """
    if outline:
        return outline.get(line, 0)
    number = _SECTION.match(line)
    if number is None or len(line) > _LONGEST_HEADING or line[-1] in ".:;,?!":
        return 0
    if following[:1].islower():
        return 0  # the line goes on
    depth = number.group(1).rstrip(".").count(".") + 1
    next_item = f"{int(number.group(1).split('.')[0]) + 1}."
    if (
        depth == 1
        and (not following or following.startswith(next_item))
        and not _SECTION_BELOW.match(following)
    ):
        return 0
    return depth


def _blocks(body: str, page: int, outline: Mapping[str, int], path: HeadingPath) -> Iterator[Block]:
    """The page's headings, and between them its paragraphs and lists under the headings that are open."""
    pending: list[str] = []

    def flush() -> Iterator[Block]:
        for kind, text in paragraphs("\n".join(pending)):
            yield Block(kind, text, path.path, Place("page", page))
        pending.clear()

    lines = body.split("\n")
    for at, line in enumerate(lines):
        following = next((later for later in lines[at + 1 :] if later), "")
        depth = _heading_depth(line, following, outline) if line else 0
        if depth:
            yield from flush()
            path.enter(depth, line)
            yield Block("heading", line, path.path, Place("page", page))
        else:
            pending.append(line)
    yield from flush()


def _with_marks_joined(lines: list[str]) -> list[str]:
    """A bullet or an item's number that stands on a line of its own goes before the text that it marks."""
    out: list[str] = []
    expected = 1
    at = 0
    while at < len(lines):
        line, following = lines[at], lines[at + 1] if at + 1 < len(lines) else ""
        if following and _LONE_BULLET.fullmatch(line):
            out.append(f"• {following}")
            at += 2
        elif following and line.rstrip(".)") == str(expected) and not following.rstrip(".)").isdigit():
            out.append(f"{expected}. {following}")
            expected += 1
            at += 2
        else:
            # A number counts as an item's only in the run 1, 2, 3 ...; a line that is no item ends the run but for wraps.
            if _SECTION.match(line):
                expected = 1
            out.append(line)
            at += 1
    return out


def _page_text(reader: PdfReader, number: int) -> str:
    return reader.pages[number].extract_text()


def _shape(line: str) -> str:
    """Two lines that differ by their numbers only have one shape."""
    return _DIGITS.sub("0", line)


def _running_lines(pages: list[list[str]]) -> frozenset[str]:
    """Shapes of lines at the edges of most pages: running heads and page numbers. Needs three pages."""
    filled = [lines for lines in pages if lines]
    if len(filled) < 3:
        return frozenset()
    seen: Counter[str] = Counter()
    for lines in filled:
        seen.update({_shape(line) for line in lines[:_EDGE] + lines[-_EDGE:]})
    return frozenset(shape for shape, times in seen.items() if times >= max(3, 0.6 * len(filled)))


def _body(page: str, running: frozenset[str]) -> str:
    """The page without its running lines, hyphenated words joined, paragraphs parted by an empty line."""
    lines = [tidy(line) for line in page.split("\n")]
    while lines and (not lines[0] or _shape(lines[0]) in running):
        lines.pop(0)
    while lines and (not lines[-1] or _shape(lines[-1]) in running):
        lines.pop()
    text = _HYPHEN.sub(_joined_word, "\n".join(_with_marks_joined(lines)))
    lines = text.split("\n")
    widest = max((len(line) for line in lines), default=0)
    out: list[str] = []
    for at, line in enumerate(lines):
        out.append(line)
        following = lines[at + 1] if at + 1 < len(lines) else ""
        # A short line that ends a sentence ends a paragraph; so does one before a line in another form.
        ends = len(line) < 0.7 * widest and bool(_SENTENCE_END.search(line))
        if ends and not (NUMBERED.match(following) or BULLET.match(following)):
            out.append("")
    return "\n".join(out)


def _joined_word(match: re.Match[str]) -> str:
    left, right = match.groups()
    # "well-\nKnown" and "2019-\n2020" keep their hyphen; "pack-\nage" does not.
    if right[0].isupper() or right[0].isdigit() or left[-1].isdigit():
        return f"{left}-{right}"
    return left + right
