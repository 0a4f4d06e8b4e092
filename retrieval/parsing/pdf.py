"""PDF: text page by page, with physical page numbers from 1, running heads and page numbers taken out."""

from __future__ import annotations

import io
import logging
import re
from collections import Counter

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from retrieval.parsing.document import (
    Block,
    ParsedDocument,
    ParseReport,
    UnreadableDocument,
    tidy,
)
from retrieval.parsing.plain import BULLET, NUMBERED, paragraphs

MAX_PAGES = 3_000
_DIGITS = re.compile(r"\d+")
_HYPHEN = re.compile(r"(\w{2,})[-\u00ad\u2010]\n(\w+)")
_SENTENCE_END = re.compile(r"[.!?:;”\"')\]]\s*$")
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
    for number, (page, own) in enumerate(zip(pages, lines, strict=True), start=1):
        if not own:
            continue
        blocks += [Block(kind, text, page=number) for kind, text in paragraphs(_body(page, running))]
    empty = [number for number, own in enumerate(lines, start=1) if not own]
    remarks = []
    if empty:
        shown = ", ".join(map(str, empty[:10])) + ("…" if len(empty) > 10 else "")
        remarks.append(f"Pages without text: {shown}. Scanned pages need text recognition (OCR).")
    counts = {"pages": count, "pages_without_text": len(empty), "blocks": len(blocks)}
    return ParsedDocument(title, "und", blocks, ParseReport(counts, remarks))


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
    text = _HYPHEN.sub(_joined_word, "\n".join(lines))
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
