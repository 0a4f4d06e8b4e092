"""PDF: text page by page, with physical page numbers from 1, tables as rows, running heads and page numbers taken out.

pdf_paint gathers what the page paints and what of it people see; pdf_layout puts it in order; here it becomes blocks.
"""

from __future__ import annotations

import io
import itertools
import logging
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pdfminer.pdfdocument import PDFDocument
from pdfminer.pdfpage import PDFPage
from pdfminer.pdfparser import PDFParser
from pdfminer.pdftypes import PDFObjRef, resolve1
from pypdf import PdfReader
from pypdf.generic import Destination

from retrieval.parsing.document import (
    Block,
    HeadingPath,
    ParsedDocument,
    UnreadableDocument,
    tidy,
)
from retrieval.parsing.office import table_lines
from retrieval.parsing.pdf_layout import lay_out
from retrieval.parsing.pdf_lines import Line, Table
from retrieval.parsing.pdf_page import PaintedPage, hidden_counts
from retrieval.parsing.pdf_paint import PagePainter
from retrieval.parsing.pdf_text import SECTION, running_text, with_marks_joined
from retrieval.parsing.plain import paragraphs
from retrieval.parsing.unseen import LeftOut
from retrieval.places import Place

MAX_PAGES = 3_000
_DIGITS = re.compile(r"\d+")
_SECTION_BELOW = re.compile(r"\d{1,2}\.\d{1,2}")
_PAGE_NUMBER = re.compile(
    r"(?:page|página|pág\.?|seite|s\.|p\.|-|–)?\s*\d{1,4}\s*(?:(?:/|of|de|von|sur|-|–)\s*\d{0,4})?",
    re.IGNORECASE,
)
_NUMBERED_EDGE = re.compile(r"^\d{1,4}\b(?![.)%])|(?<![,.$€£])\b\d{1,4}$")
_LONGEST_HEADING = 80
_LONGEST_LARGE_HEADING = 120
_LARGER = 1.15  # times the size of the running text: a heading
_MOST_HEADING_LINES = 5
_EDGE = 2  # how many lines at the top and the bottom of a page may be running heads
_MARGIN = 0.12  # of the page's height
_DAMAGED = "The PDF is damaged. Export it again from where it was made and upload that."
_SCANNED = "The PDF holds only pictures of its pages. Run text recognition (OCR) on it and upload the result."

logging.getLogger("pypdf").setLevel(logging.CRITICAL)


@dataclass
class _Page:
    number: int
    height: float
    lines: list[Line]


def read_pdf(data: bytes) -> ParsedDocument:
    """Blocks with Place("page", n). Pages without text are reported, hidden text is left out and reported.

    Raises UnreadableDocument for a damaged, protected or wholly scanned file.
    """
    try:
        return _read(data)
    except UnreadableDocument:
        raise
    except (
        Exception
    ) as broken:  # both libraries raise anything from KeyError to struct.error on a damaged file
        raise UnreadableDocument(_DAMAGED) from broken


def _read(data: bytes) -> ParsedDocument:
    reader = PdfReader(io.BytesIO(data))
    if reader.is_encrypted and not reader.decrypt(""):
        raise UnreadableDocument(
            "The PDF is protected by a password. Save a copy without it and upload that."
        )
    count = len(reader.pages)
    if count > MAX_PAGES:
        raise UnreadableDocument(f"The PDF has more than {MAX_PAGES} pages. Split it and upload the parts.")
    title = tidy(str((reader.metadata.title if reader.metadata else None) or "")).replace("\n", " ")
    outline = _outline(reader)
    left_out = LeftOut()
    document = PDFDocument(PDFParser(io.BytesIO(data)))
    pages, remarks, counts = _pages(document, count, left_out)
    running = _running_lines(pages)
    for page in pages:
        page.lines = [line for at, line in enumerate(page.lines) if (page.number, at) not in running]
    blocks: list[Block] = []
    path = HeadingPath()
    sizes = _heading_sizes(pages)
    tables = _Tables()
    for page in pages:
        blocks += _blocks(page, outline, sizes, path, tables)
    if not any(block.kind != "heading" for block in blocks):
        if counts["scanned_pages"] or counts["unreadable_pages"] < count:
            raise UnreadableDocument(_SCANNED)
        raise UnreadableDocument(_DAMAGED)
    counts = {"pages": count, **counts, "blocks": len(blocks)}
    return ParsedDocument(title, "und", blocks, left_out.report(counts, remarks))


def _pages(
    document: PDFDocument, count: int, left_out: LeftOut
) -> tuple[list[_Page], list[str], dict[str, int]]:
    """The lines of each page, remarks on pages that give none, counts."""
    painter = PagePainter(_layers_off(document))
    pages: list[_Page] = []
    empty: list[int] = []
    scanned: list[int] = []
    unmapped: list[int] = []
    broken: list[int] = []
    tables = 0
    for number, source in enumerate(PDFPage.create_pages(document), start=1):
        if number > count:
            break
        try:
            painted = painter.paint(source)
            layout = lay_out(painted)
        except UnreadableDocument:
            raise
        except Exception:  # a broken page costs that page, not the file
            broken.append(number)
            left_out.skipped(f"page {number}", "the page is damaged")
            continue
        for why, times in hidden_counts(painted).items():
            left_out.hidden(f"page {number}", why, times)
        if notes := _annotations(source):
            left_out.skipped(f"page {number}", f"comments and form fields are not read ({notes})")
        pages.append(_Page(number, painted.height, layout.lines))
        tables += layout.tables
        _judge(painted, layout.lines, number, (empty, scanned, unmapped), left_out)
    remarks = []
    if empty:
        remarks.append(f"Pages without text: {_listed(empty)}. Scanned pages need text recognition (OCR).")
    if unmapped:
        remarks.append(
            f"Pages whose letters cannot be told: {_listed(unmapped)}. Run text recognition (OCR) on them."
        )
    if broken:
        remarks.append(f"Damaged pages: {_listed(broken)}. Export the file again from where it was made.")
    return (
        pages,
        remarks,
        {
            "pages_without_text": len(empty),
            "scanned_pages": len(scanned),
            "unreadable_pages": len(broken),
            "tables": tables,
        },
    )


def _judge(
    painted: PaintedPage,
    lines: Sequence[Line],
    number: int,
    lists: tuple[list[int], list[int], list[int]],
    left_out: LeftOut,
) -> None:
    """Whether a page has no text, and why."""
    empty, scanned, unmapped = lists
    where = f"page {number}"
    letters = sum(len(glyph.text.strip()) for glyph in painted.glyphs if not glyph.hidden)
    if painted.unmapped > 20 and painted.unmapped > letters:
        unmapped.append(number)
        left_out.skipped(where, "its fonts do not say which letters they draw")
    if not lines:
        empty.append(number)
        if painted.picture_share > 0.1:
            scanned.append(number)
            left_out.skipped(where, "a picture without text; it needs text recognition (OCR)")
        elif not painted.unmapped:
            left_out.skipped(where, "no text on the page")
    elif painted.picture_share >= 0.6 and letters < 120:
        left_out.skipped(where, "mostly a picture; text in pictures needs text recognition (OCR)")


def _listed(numbers: Sequence[int]) -> str:
    return ", ".join(map(str, numbers[:10])) + ("…" if len(numbers) > 10 else "")


def _annotations(page: PDFPage) -> int:
    """How many annotations with words a page has; links have none."""
    count = 0
    listed = resolve1(page.annots) if page.annots else None
    for entry in listed if isinstance(listed, list) else []:
        note = resolve1(entry)
        if isinstance(note, dict) and (note.get("Contents") or note.get("V")):
            count += 1
    return count


def _layers_off(document: PDFDocument) -> frozenset[int]:
    """Object numbers of the optional content that is off when the file is opened."""
    properties = resolve1(document.catalog.get("OCProperties"))
    if not isinstance(properties, dict):
        return frozenset()
    default = resolve1(properties.get("D"))
    default = default if isinstance(default, dict) else {}

    def ids(value: Any) -> set[int]:
        listed = resolve1(value)
        entries = listed if isinstance(listed, list) else []
        return {entry.objid for entry in entries if isinstance(entry, PDFObjRef)}

    off = ids(default.get("OFF"))
    base = resolve1(default.get("BaseState"))
    if getattr(base, "name", "") == "OFF":
        off |= ids(properties.get("OCGs")) - ids(default.get("ON"))
    return frozenset(off)


class _Outline:
    """The author's own headings: where they stand and how deep they are. Empty where the file has no outline."""

    def __init__(self) -> None:
        self._depths: dict[str, dict[int, int]] = {}

    def __bool__(self) -> bool:
        return bool(self._depths)

    def add(self, name: str, page: int, depth: int) -> None:
        """``page``: from 1, 0 where the file does not say."""
        self._depths.setdefault(name, {}).setdefault(page, depth)

    def depth(self, name: str, page: int) -> int:
        """The depth from 1 of the heading with these words on this page, or 0."""
        said = self._depths.get(name)
        if not said:
            return 0
        return said.get(page) or said.get(0, 0)


def _outline(reader: PdfReader) -> _Outline:
    found = _Outline()

    def walk(entries: Any, depth: int) -> None:
        for entry in entries:
            if isinstance(entry, list):
                walk(entry, depth + 1)
            elif isinstance(entry, Destination) and (name := _plain(str(entry.title or ""))):
                found.add(name, _page_of(reader, entry), depth)

    try:
        walk(reader.outline, 1)
    except Exception:  # an outline is a help, not a need
        return _Outline()
    return found


def _page_of(reader: PdfReader, entry: Destination) -> int:
    number = reader.get_destination_page_number(entry)
    return number + 1 if number is not None and number >= 0 else 0


def _plain(text: str) -> str:
    """A heading as it is compared: small letters, single spaces."""
    return " ".join(tidy(text).casefold().split())


def _heading_sizes(pages: Sequence[_Page]) -> list[float]:
    """Sizes of letters that headings have, largest first. Empty where too much of the text is large: then it is no sign."""
    letters: Counter[float] = Counter()
    lines: Counter[float] = Counter()
    for page in pages:
        for line in page.lines:
            size = round(line.size * 2) / 2
            letters[size] += len(line.text)
            lines[size] += 1
    if not letters:
        return []
    body = letters.most_common(1)[0][0]
    larger = sorted((size for size in letters if size >= body * _LARGER), reverse=True)
    if sum(lines[size] for size in larger) > 0.25 * sum(lines.values()):
        return []
    return larger


class _Tables:
    """Remembers the head of the last table, for the page on which it goes on."""

    def __init__(self) -> None:
        self._last: Table | None = None
        self._head: list[list[str]] = []
        self._page = 0

    def rows(self, table: Table, page: int, is_first: bool) -> list[str]:
        rows, head_rows = table.rows, table.head_rows
        last = self._last
        continues = (
            last is not None
            and is_first
            and page == self._page + 1
            and len(last.columns) == len(table.columns)
            and all(abs(mine - theirs) < 6 for mine, theirs in zip(last.columns, table.columns, strict=True))
        )
        if continues and self._head and rows[: len(self._head)] != self._head:
            rows, head_rows = [*self._head, *rows], len(self._head)
        self._head = rows[:head_rows]
        self._last, self._page = table, page
        return table_lines(rows, head_rows)


def _numbered_depth(line: str, following: str) -> int:
    """The depth of the heading that a line is by its section number, or 0.

    A short line with a section number and no full stop is a heading, if what follows is not the next item of
    a list: "4.1 Deadline" always, "6. Late delivery" before running text.
    """
    number = SECTION.match(line)
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


def _headings(
    lines: Sequence[Line], page: int, outline: _Outline, sizes: Sequence[float]
) -> dict[int, tuple[int, int]]:
    """Where headings begin: index of the first line -> (how many lines, depth). An outline decides where there is one;
    else the section number, else larger letters."""
    found: dict[int, tuple[int, int]] = {}
    at = 0
    while at < len(lines):
        line = lines[at]
        taken = 1
        if line.table is None and line.text:
            if outline:
                upcoming = lines[at : at + _MOST_HEADING_LINES]
                words = [one.text for one in itertools.takewhile(lambda one: one.table is None, upcoming)]
                for several in range(len(words), 0, -1):
                    joined = " ".join(words[:several])
                    if depth := outline.depth(_plain(joined), page):
                        found[at] = (several, depth)
                        taken = several
                        break
            else:
                following = lines[at + 1].text if at + 1 < len(lines) else ""
                if depth := _numbered_depth(line.text, following):
                    found[at] = (1, depth)
                elif by_size := _large(lines, at, sizes):
                    found[at] = by_size
                    taken = by_size[0]
        at += taken
    return found


def _large(lines: Sequence[Line], at: int, sizes: Sequence[float]) -> tuple[int, int] | None:
    """(how many lines, depth) of a heading in larger letters. Its depth is the rank of its size, four at most."""
    size = round(lines[at].size * 2) / 2
    if size not in sizes:
        return None
    end = at + 1
    while end < len(lines) and lines[end].table is None and round(lines[end].size * 2) / 2 == size:
        end += 1
    text = " ".join(line.text for line in lines[at:end])
    # What ends like a sentence or runs on is a quotation in large print; what has no letter is an ornament.
    if len(text) > _LONGEST_LARGE_HEADING or text[-1] in ".,;" or not any(one.isalpha() for one in text):
        return None
    if len(text) < 3 or end >= len(lines):
        return None
    return end - at, min(4, sizes.index(size) + 1)


def _blocks(
    page: _Page,
    outline: _Outline,
    sizes: Sequence[float],
    path: HeadingPath,
    tables: _Tables,
) -> Iterator[Block]:
    """The page's headings, and between them its paragraphs, lists and tables under the headings that are open."""
    pending: list[Line] = []
    place = Place("page", page.number)
    lines = with_marks_joined(page.lines)
    widest = max((line.right - line.left for line in lines if line.table is None), default=0.0)
    headings = _headings(lines, page.number, outline, sizes)

    def flush() -> Iterator[Block]:
        for kind, text in paragraphs(running_text(pending, widest)):
            yield Block(kind, text, path.path, place)
        pending.clear()

    at = 0
    while at < len(lines):
        line = lines[at]
        if at in headings:
            several, depth = headings[at]
            text = tidy(" ".join(one.text for one in lines[at : at + several])).replace("\n", " ")
            yield from flush()
            if text:
                yield Block("heading", text, path.enter(depth, text), place)
            at += several
            continue
        if line.table is not None:
            yield from flush()
            for row in tables.rows(line.table, page.number, at == 0):
                if text := tidy(row):
                    yield Block("row", text, path.path, place)
        else:
            pending.append(line)
        at += 1
    yield from flush()


def _shape(line: str) -> str:
    """Two lines that differ by their numbers only have one shape."""
    return _DIGITS.sub("0", line)


def _running_lines(pages: Sequence[_Page]) -> set[tuple[int, int]]:
    """(page number, index of the line) of running heads and page numbers.

    They are at the edges of most pages, or in the margin of three pages and a fifth of all, always at the same height.
    """
    filled = [page for page in pages if page.lines]
    if len(filled) < 3:
        return set()
    edges: list[tuple[_Page, int, Line]] = []
    for page in filled:
        by_height = sorted(
            (entry for entry in enumerate(page.lines) if entry[1].table is None),
            key=lambda entry: entry[1].top,
        )
        chosen = dict(by_height[:_EDGE] + by_height[-_EDGE:])
        margin = page.height * _MARGIN
        chosen.update(
            entry for entry in by_height if entry[1].bottom < margin or entry[1].top > page.height - margin
        )
        edges += [(page, at, line) for at, line in chosen.items()]
    often = Counter(
        shape for page in filled for shape in {_shape(line.text) for one, _, line in edges if one is page}
    )
    heights: dict[tuple[str, int], set[int]] = {}
    for page, _, line in edges:
        heights.setdefault((_shape(line.text), round(line.top / 4)), set()).add(page.number)
    numbered: dict[int, set[int]] = {}
    for page, _, line in edges:
        if _NUMBERED_EDGE.search(line.text):
            numbered.setdefault(round(line.top / 4), set()).add(page.number)
    most = max(3, 0.6 * len(filled))
    some = max(3, 0.2 * len(filled))
    running: set[tuple[int, int]] = set()
    for page, at, line in edges:
        shape = _shape(line.text)
        margin = page.height * _MARGIN
        in_margin = line.bottom < margin or line.top > page.height - margin
        same_height = len(heights[shape, round(line.top / 4)])
        is_number = in_margin and bool(_PAGE_NUMBER.fullmatch(line.text)) and same_height >= 2
        # "BUYING SOFTWARE 51": heads that change from chapter to chapter, with a page number, at one height.
        has_number = bool(_NUMBERED_EDGE.search(line.text)) and len(line.text) <= _LONGEST_HEADING
        is_chapter = in_margin and has_number and len(numbered[round(line.top / 4)]) >= some
        if often[shape] >= most or (in_margin and same_height >= some) or is_number or is_chapter:
            running.add((page.number, at))
    return running
