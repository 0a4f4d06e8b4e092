"""Word files: headings, paragraphs, lists with their numbers and table rows, in the order of the document.

python-docx opens the package; its paragraphs skip content controls, hyperlinks, insertions and text boxes, so the XML is
walked here. Hidden runs, deleted text, comments, headers and footers are no content.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from retrieval.parsing.document import (
    Block,
    BlockKind,
    HeadingPath,
    ParsedDocument,
    UnreadableDocument,
    tidy,
)
from retrieval.parsing.office import SPANNED, A, W, flag, guess_head_rows, local, opened_package, table_lines
from retrieval.parsing.unseen import SMALLEST_SIZE, WHITE, Colour, LeftOut, hex_colour, looks_alike

_DAMAGED = "The Word file is damaged. Open it in Word, save it again and upload that."
# Built-in heading styles are called so in English whatever the language of the program; converters translate the names.
_HEADING_STYLE = re.compile(
    r"(?:heading|überschrift|t[ií]tulo|titre|titolo|kop|rubrik|overskrift|nagłówek|заголовок|otsikko|nadpis)\s*([1-9])",
    re.IGNORECASE,
)
_TITLE_STYLES = {"title", "titel", "título", "titulo", "titre", "titolo"}
_CONTENTS_STYLE = re.compile(r"(?:toc|verzeichnis|tm|tdc|sumário)\s*\d|table of figures", re.IGNORECASE)
_CAPTION_STYLES = {"caption", "beschriftung", "légende", "epígrafe", "legenda", "didascalia"}
_QUOTE_STYLES = {"quote", "intense quote", "block text", "zitat", "cita", "citação", "citation"}
_CODE_STYLE = re.compile(r"code|html preformatted|source|verbatim", re.IGNORECASE)
_TABLE_WORD = {"es": "Tabla", "pt": "Tabela", "de": "Tabelle", "fr": "Tableau"}
_LONGEST_HEADING = 200
_LONGEST_FAKE_HEADING = 80
_LONGEST_STEP = 400  # longer numbered paragraphs are clauses of a contract, not steps
_EMU_PER_INCH = 914_400
_HIGHLIGHTS: dict[str, Colour | None] = {"white": WHITE, "none": None}
_WP14 = "{http://schemas.microsoft.com/office/word/2010/wordml}"


def read_docx(data: bytes) -> ParsedDocument:
    """Blocks under their heading path; the rows of a table stand under its caption or "Table 3" as well.

    Raises UnreadableDocument for a damaged or protected file.
    """
    package = opened_package(data, "Word")
    try:
        from docx.package import Package

        opened = Package.open(package)
        return _Document(opened).read()
    except UnreadableDocument:
        raise
    except (
        Exception
    ) as broken:  # the libraries raise anything from KeyError to XMLSyntaxError on a damaged package
        raise UnreadableDocument(_DAMAGED) from broken


@dataclass
class _Style:
    name: str
    kind: str
    based_on: str
    paragraph: Any
    run: Any
    element: Any


@dataclass
class _Level:
    """One level of a numbering: how its number looks and where it starts."""

    form: str
    pattern: str
    start: int


@dataclass(frozen=True)
class _Ground:
    """What text stands on: a colour, or None where it cannot be told (a picture, a table style)."""

    colour: Colour | None = WHITE


@dataclass
class _Pending:
    """List items that wait for the end of their list."""

    kind: BlockKind = "list"
    lines: list[str] = field(default_factory=list)
    number_id: str = ""


class _Numbering:
    """Counts the automatic numbers of paragraphs, as Word does."""

    def __init__(self, root: Any) -> None:
        self._levels: dict[str, dict[int, _Level]] = {}
        self._abstract_of: dict[str, str] = {}
        self._counters: dict[str, dict[int, int]] = {}
        self._restart: dict[tuple[str, int], int] = {}
        if root is None:
            return
        abstract: dict[str, dict[int, _Level]] = {}
        for one in root.iter(f"{W}abstractNum"):
            abstract[one.get(f"{W}abstractNumId") or ""] = dict(_levels(one))
        for number in root.iter(f"{W}num"):
            number_id = number.get(f"{W}numId") or ""
            base = _value(number.find(f"{W}abstractNumId")) or ""
            levels = dict(abstract.get(base, {}))
            for override in number.iter(f"{W}lvlOverride"):
                at = _whole(override.get(f"{W}ilvl"))
                levels.update(_levels(override))
                start = override.find(f"{W}startOverride")
                if start is not None:
                    self._restart[number_id, at] = _whole(_value(start), 1)
            self._levels[number_id] = levels
            self._abstract_of[number_id] = base

    def label(self, number_id: str, at: int) -> tuple[str, str] | None:
        """("list" or "steps", the mark in front) of the next paragraph at this level; None where it has no mark."""
        levels = self._levels.get(number_id)
        if levels is None:
            return None
        level = levels.get(at) or _Level("bullet", "", 1)
        if level.form == "none":
            return None
        if level.form == "bullet":
            return "list", "-"
        # Lists that share one abstract numbering go on counting together, unless one says where it starts.
        counters = self._counters.setdefault(self._abstract_of[number_id], {})
        restart = self._restart.pop((number_id, at), None)
        if restart is not None:
            counters[at] = restart
        else:
            counters[at] = counters[at] + 1 if at in counters else level.start
        for deeper in [other for other in counters if other > at]:
            del counters[deeper]
        for higher in range(at):
            counters.setdefault(higher, levels[higher].start if higher in levels else 1)

        def number(match: re.Match[str]) -> str:
            wanted = int(match.group(1)) - 1
            form = levels[wanted].form if wanted in levels else "decimal"
            return _numeral(counters.get(wanted, 1), form)

        mark = re.sub(r"%([1-9])", number, level.pattern).strip()
        return ("steps", mark) if mark else None


def _levels(parent: Any) -> Iterator[tuple[int, _Level]]:
    for level in parent.iter(f"{W}lvl"):
        yield (
            _whole(level.get(f"{W}ilvl")),
            _Level(
                _value(level.find(f"{W}numFmt")) or "decimal",
                _value(level.find(f"{W}lvlText")) or "",
                _whole(_value(level.find(f"{W}start")), 1),
            ),
        )


class _Document:
    def __init__(self, package: Any) -> None:
        main = package.main_document_part
        self._body = _root(main).find(f"{W}body")
        if self._body is None:
            raise UnreadableDocument(_DAMAGED)
        parts: dict[str, list[Any]] = {}
        for relation in main.rels.values():
            if not relation.is_external:
                parts.setdefault(relation.reltype.rpartition("/")[2], []).append(relation.target_part)
        self._parts = parts
        self._styles: dict[str, _Style] = {}
        self._default_paragraph = ""
        self._read_styles()
        self._numbering = _Numbering(self._first("numbering"))
        self._notes = {kind: self._notes_of(f"{kind}s") for kind in ("footnote", "endnote")}
        self._core_title = str(getattr(getattr(package, "core_properties", None), "title", "") or "")
        background = _root(main).find(f"{W}background")
        colour = hex_colour((background.get(f"{W}color") or "") if background is not None else "")
        self._page = _Ground(colour or WHITE)
        self._left_out = LeftOut()
        self._blocks: list[Block] = []
        self._path = HeadingPath()
        self._pending = _Pending()
        self._tables = 0
        self._in_table: tuple[str, ...] = ()
        self._caption = ""
        self._title = ""
        self._language = self._language_of_styles()

    def read(self) -> ParsedDocument:
        self._fake_headings = not self._has_real_headings()
        self._children(self._body, self._page)
        self._flush()
        self._furniture()
        first = next((block.text for block in self._blocks if block.kind == "heading"), "")
        title = self._title or tidy(self._core_title).replace("\n", " ") or first
        counts = {
            "headings": sum(block.kind == "heading" for block in self._blocks),
            "tables": self._tables,
            "blocks": sum(block.kind != "heading" for block in self._blocks),
        }
        return ParsedDocument(title, self._language, self._blocks, self._left_out.report(counts))

    # Parts of the package

    def _first(self, kind: str) -> Any:
        return _root(self._parts[kind][0]) if self._parts.get(kind) else None

    def _read_styles(self) -> None:
        root = self._first("styles")
        self._defaults_run = None
        if root is None:
            return
        self._defaults_run = root.find(f"{W}docDefaults/{W}rPrDefault/{W}rPr")
        for style in root.iter(f"{W}style"):
            key = style.get(f"{W}styleId") or ""
            kind = style.get(f"{W}type") or ""
            self._styles[key] = _Style(
                (_value(style.find(f"{W}name")) or key).lower(),
                kind,
                _value(style.find(f"{W}basedOn")) or "",
                style.find(f"{W}pPr"),
                style.find(f"{W}rPr"),
                style,
            )
            if kind == "paragraph" and style.get(f"{W}default") in ("1", "true"):
                self._default_paragraph = key

    def _language_of_styles(self) -> str:
        said = self._defaults_run.find(f"{W}lang") if self._defaults_run is not None else None
        return ((_value(said) or "und").split("-")[0] or "und").lower()[:8]

    def _notes_of(self, kind: str) -> dict[str, Any]:
        root = self._first(kind)
        if root is None:
            return {}
        return {note.get(f"{W}id") or "": note for note in root if note.get(f"{W}type") in (None, "normal")}

    def _chain(self, style_id: str) -> Iterator[_Style]:
        seen: set[str] = set()
        while style_id and style_id not in seen and style_id in self._styles:
            seen.add(style_id)
            yield self._styles[style_id]
            style_id = self._styles[style_id].based_on

    def _furniture(self) -> None:
        """Reports text that stands outside the body: headers, footers, comments, embedded documents."""
        body = " ".join(" ".join(block.text for block in self._blocks).split())
        for kind, name in (("header", "headers"), ("footer", "footers")):
            for part in self._parts.get(kind, []):
                said = " ".join("".join(text.text or "" for text in _root(part).iter(f"{W}t")).split())
                # Titles and page numbers are furniture; a whole sentence that the body does not have is worth a word.
                if len(said.split()) > 6 and said not in body:
                    self._left_out.skipped(name, f"text in {name} is no content")
        comments = self._first("comments")
        if comments is not None:
            told = sum(bool(_plain(comment).strip()) for comment in comments)
            if told:
                self._left_out.hidden("comments", "comments", told)
        if self._parts.get("aFChunk"):
            self._left_out.skipped("embedded documents", "documents embedded in the file are not read")

    # Blocks

    def _children(self, parent: Any, ground: _Ground) -> None:
        for child in parent:
            name = local(child)
            if name == "p":
                self._paragraph(child, ground)
            elif name == "tbl":
                self._flush()
                self._table(child, ground)
            elif name in ("sdt", "customXml", "ins", "moveTo", "sdtContent", "smartTag"):
                if name == "sdt" and _is_contents_list(child):
                    self._left_out.skipped("table of contents", "the table of contents repeats the headings")
                    continue
                self._children(child, ground)
            elif name in ("del", "moveFrom"):
                self._deleted(child)
            elif name == "AlternateContent":
                chosen = _chosen(child)
                if chosen is not None:
                    self._children(chosen, ground)

    def _paragraph(self, paragraph: Any, ground: _Ground) -> None:
        properties = paragraph.find(f"{W}pPr")
        style_id = _value(_find(properties, "pStyle")) or self._default_paragraph
        names = [style.name for style in self._chain(style_id)]
        name = names[0] if names else ""
        if _CONTENTS_STYLE.match(name):
            return
        run = _Runs(self, style_id, self._ground_of(properties, style_id, ground))
        text = tidy("".join(run.texts(paragraph)))
        if text:
            self._text_block(text, paragraph, properties, style_id, names, run)
        for box, box_ground in run.boxes:
            self._flush()
            self._children(box, box_ground)
        for kind, note_id in run.notes:
            self._note(kind, note_id, ground)

    def _text_block(
        self, text: str, paragraph: Any, properties: Any, style_id: str, names: list[str], run: _Runs
    ) -> None:
        name = names[0] if names else ""
        flat = text.replace("\n", " ")
        level = self._heading_level(properties, style_id)
        label = self._number_of(properties, style_id)
        if level is not None and len(flat) <= _LONGEST_HEADING:
            if label and label[0] == "steps" and not flat.startswith(label[1]):
                flat = f"{label[1]} {flat}"
            self._flush()
            if level == 0 and not self._title:
                self._title = flat
            self._blocks.append(Block("heading", flat, self._path.enter(level, flat)))
            return
        if name in _CAPTION_STYLES:
            self._flush()
            self._caption = flat
            self._add("paragraph", flat)
            return
        if label is not None:
            kind: BlockKind = "steps" if label[0] == "steps" else "list"
            self._item(kind, f"{label[1]} {flat}", self._number_id(properties, style_id))
            return
        if any(other.startswith("list bullet") for other in names[:1]):
            self._item("list", f"- {flat}", name)
            return
        self._flush()
        if self._fake_headings and self._looks_like_heading(paragraph, flat, run):
            self._blocks.append(Block("heading", flat, self._path.enter(1, flat)))
        elif _CODE_STYLE.search(name):
            self._add("code", text)
        else:
            self._add("quote" if name in _QUOTE_STYLES else "paragraph", flat)

    def _add(self, kind: BlockKind, text: str) -> None:
        text = tidy(text)
        if text:
            if kind not in ("row",) and text != self._caption:
                self._caption = ""
            self._blocks.append(Block(kind, text, self._path.path + self._in_table))

    def _item(self, kind: BlockKind, line: str, number_id: str) -> None:
        pending = self._pending
        if pending.lines and number_id != pending.number_id and kind != pending.kind:
            # A bullet list under a step belongs to that step when it comes back; a list of another kind starts anew.
            nested = pending.kind == "steps" and kind == "list"
            if not nested:
                self._flush()
        if kind == "steps" and len(line) > _LONGEST_STEP:
            self._flush()
            self._add("paragraph", line)
            return
        if not self._pending.lines:
            self._pending = _Pending(kind, [], number_id)
        self._pending.lines.append(line)

    def _flush(self) -> None:
        if self._pending.lines:
            kind, lines = self._pending.kind, self._pending.lines
            self._pending = _Pending()
            self._add(kind, "\n".join(lines))

    def _note(self, kind: str, note_id: str, ground: _Ground) -> None:
        note = self._notes[kind].pop(note_id, None)
        if note is not None:
            self._flush()
            self._children(note, ground)
            self._flush()

    def _deleted(self, element: Any) -> None:
        if any((text.text or "").strip() for text in element.iter(f"{W}delText", f"{W}t")):
            self._left_out.hidden("tracked changes", "deleted passages of tracked changes")

    # Styles

    def _heading_level(self, properties: Any, style_id: str) -> int | None:
        """0 for the title, 1 to 9 for a heading, None for text."""
        direct = _find(properties, "outlineLvl")
        if direct is not None:
            at = _whole(_value(direct), 9)
            return at + 1 if at < 9 else None
        for style in self._chain(style_id):
            if style.name in _TITLE_STYLES:
                return 0
            if found := _HEADING_STYLE.match(style.name):
                return int(found.group(1))
            outline = _find(style.paragraph, "outlineLvl")
            if outline is not None:
                at = _whole(_value(outline), 9)
                return at + 1 if at < 9 else None
        return None

    def _has_real_headings(self) -> bool:
        for paragraph in self._body.iter(f"{W}p"):
            properties = paragraph.find(f"{W}pPr")
            style_id = _value(_find(properties, "pStyle")) or self._default_paragraph
            if self._heading_level(properties, style_id) and _plain(paragraph).strip():
                return True
        return False

    def _looks_like_heading(self, paragraph: Any, text: str, run: _Runs) -> bool:
        """In a file without heading styles: a short line, wholly bold, that ends no sentence and stands before text."""
        if len(text) > _LONGEST_FAKE_HEADING or text[-1] in ".:;,!" or self._in_table or not run.all_bold:
            return False
        following = paragraph.getnext()
        while following is not None and local(following) == "p" and not _plain(following).strip():
            following = following.getnext()
        return following is not None and local(following) in ("p", "tbl", "sdt")

    def _number_property(self, properties: Any, style_id: str) -> tuple[str, int] | None:
        direct = _find(properties, "numPr")
        level: int | None = None
        if direct is not None:
            at = _find(direct, "ilvl")
            level = _whole(_value(at)) if at is not None else None
            number = _value(_find(direct, "numId"))
            if number == "0":
                return None
            if number:
                return number, level or 0
        for style in self._chain(style_id):
            said = _find(style.paragraph, "numPr")
            if said is not None:
                number = _value(_find(said, "numId"))
                if number == "0":
                    return None
                own = _find(said, "ilvl")
                if level is None and own is not None:
                    level = _whole(_value(own))
                if number:
                    return number, level or 0
        return None

    def _number_of(self, properties: Any, style_id: str) -> tuple[str, str] | None:
        found = self._number_property(properties, style_id)
        return self._numbering.label(*found) if found else None

    def _number_id(self, properties: Any, style_id: str) -> str:
        found = self._number_property(properties, style_id)
        return found[0] if found else ""

    def _ground_of(self, properties: Any, style_id: str, ground: _Ground) -> _Ground:
        for shade in [
            _find(properties, "shd"),
            *(_find(style.paragraph, "shd") for style in self._chain(style_id)),
        ]:
            if shade is not None and (found := _shade(shade)) is not None:
                return _Ground(found)
        return ground

    def run_property(self, own: Any, style_id: str, name: str) -> Any:
        """The element of a run's property: its own, its character style's, its paragraph style's, the default."""
        found = _find(own, name)
        if found is not None:
            return found
        for start in (_value(_find(own, "rStyle")) or "", style_id):
            for style in self._chain(start):
                found = _find(style.run, name)
                if found is not None:
                    return found
        return _find(self._defaults_run, name)

    # Tables

    def _table(self, table: Any, ground: _Ground) -> None:
        rows = list(_rows(table))
        kept: list[Any] = []
        for row in rows:
            properties = row.find(f"{W}trPr")
            if _find(properties, "del") is not None:
                self._deleted(row)
            elif _is_on(_find(properties, "hidden")):
                self._left_out.hidden("tables", "hidden table rows")
            else:
                kept.append(row)
        ground = self._ground_of_table(table, ground)
        outermost = not self._in_table
        if outermost:
            self._tables += 1
            word = _TABLE_WORD.get(self._language, "Table")
            self._in_table = (self._caption or f"{word} {self._tables}",)
        try:
            self._table_rows(table, kept, ground)
        finally:
            self._flush()
            if outermost:
                self._in_table = ()
                self._caption = ""

    def _table_rows(self, table: Any, rows: list[Any], ground: _Ground) -> None:
        width = max((sum(_span(cell) for cell in _cells(row)) for row in rows), default=0)
        is_layout = width <= 1 or len(rows) == 1 or any(self._holds_headings(row) for row in rows)
        if is_layout:
            for row in rows:
                for cell in _cells(row):
                    if not _continues(cell):
                        self._children(cell, self._ground_of_cell(cell, ground))
            return
        grid: list[list[str]] = []
        for row in rows:
            line: list[str] = [""] * _before(row)
            for cell in _cells(row):
                column = len(line)
                if _continues(cell) and grid and column < len(grid[-1]):
                    text = grid[-1][column]
                else:
                    text = self._cell_text(cell, self._ground_of_cell(cell, ground))
                line += [text, *[SPANNED] * (_span(cell) - 1)]
            grid.append(line)
        width = max(len(line) for line in grid)
        grid = [line + [""] * (width - len(line)) for line in grid]
        said = 0
        while said < len(rows) and _is_on(_find(rows[said].find(f"{W}trPr"), "tblHeader")):
            said += 1
        if not 0 < said < len(rows):
            while len(grid) > 1 and not any(grid[0]):
                grid, rows = grid[1:], rows[1:]
            said = guess_head_rows(grid, self._first_row_stands_out(table, rows))
        for text in table_lines(grid, said):
            self._add("row", text)

    def _cell_text(self, cell: Any, ground: _Ground) -> str:
        """A cell in one line, read by the same rules as the body."""
        outer, self._blocks = self._blocks, []
        pending, self._pending = self._pending, _Pending()
        caption = self._caption
        try:
            self._children(cell, ground)
            self._flush()
            return " ".join(" ".join(block.text.split()) for block in self._blocks)
        finally:
            self._blocks, self._pending, self._caption = outer, pending, caption

    def _holds_headings(self, row: Any) -> bool:
        for paragraph in row.iter(f"{W}p"):
            properties = paragraph.find(f"{W}pPr")
            style_id = _value(_find(properties, "pStyle")) or self._default_paragraph
            if self._heading_level(properties, style_id) is not None and _plain(paragraph).strip():
                return True
        return False

    def _first_row_stands_out(self, table: Any, rows: list[Any]) -> bool:
        if len(rows) < 2:
            return False

        def looks(row: Any) -> tuple[bool, bool]:
            runs = [run for run in row.iter(f"{W}r") if _plain(run).strip()]
            bold = bool(runs) and all(_is_on(self.run_property(run.find(f"{W}rPr"), "", "b")) for run in runs)
            shaded = all(
                _shade(cell.find(f"{W}tcPr/{W}shd")) not in (None, WHITE)
                if cell.find(f"{W}tcPr/{W}shd") is not None
                else False
                for cell in _cells(row)
            )
            return bold, shaded

        first, second = looks(rows[0]), looks(rows[1])
        if any(mine and not other for mine, other in zip(first, second, strict=True)):
            return True
        style_id = _value(table.find(f"{W}tblPr/{W}tblStyle")) or ""
        look = table.find(f"{W}tblPr/{W}tblLook")
        wanted = look is not None and (
            look.get(f"{W}firstRow") in ("1", "true") or bool(int(look.get(f"{W}val") or "0", 16) & 0x20)
        )
        return wanted and any(
            part.get(f"{W}type") == "firstRow"
            for style in self._chain(style_id)
            for part in style.element.iter(f"{W}tblStylePr")
        )

    def _ground_of_table(self, table: Any, ground: _Ground) -> _Ground:
        """A table style that shades cells leaves it open which: white letters in such a table are believed."""
        shade = table.find(f"{W}tblPr/{W}shd")
        if shade is not None and (colour := _shade(shade)) is not None:
            return _Ground(colour)
        for style in self._chain(_value(table.find(f"{W}tblPr/{W}tblStyle")) or ""):
            if any(_shade(one) not in (None, WHITE) for one in style.element.iter(f"{W}shd")):
                return _Ground(None)
        return ground

    def _ground_of_cell(self, cell: Any, ground: _Ground) -> _Ground:
        shade = cell.find(f"{W}tcPr/{W}shd")
        if shade is not None and (colour := _shade(shade)) is not None:
            return _Ground(colour)
        return ground

    def note_hidden(self, what: str) -> None:
        self._left_out.hidden("hidden text", what)

    def note_deleted(self, element: Any) -> None:
        self._deleted(element)


class _Runs:
    """Reads the runs of one paragraph; gathers the text boxes and notes that hang on it."""

    def __init__(self, document: _Document, style_id: str, ground: _Ground) -> None:
        self._document = document
        self._style_id = style_id
        self._ground = ground
        self.boxes: list[tuple[Any, _Ground]] = []
        self.notes: list[tuple[str, str]] = []
        self.all_bold = True

    def texts(self, parent: Any) -> Iterator[str]:
        for child in parent:
            name = local(child)
            if name == "r":
                yield from self._run(child)
            elif name in ("del", "moveFrom"):
                self._document.note_deleted(child)
            elif name in ("oMath", "oMathPara"):
                yield "".join(part.text or "" for part in child.iter() if local(part) == "t")
            elif name == "AlternateContent":
                chosen = _chosen(child)
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
                self._document.note_hidden(why)
            return
        if parts.strip() and not _is_on(self._document.run_property(properties, self._style_id, "b")):
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
                chosen = _chosen(part)
                if chosen is not None and not hidden:
                    self._drawing(chosen)
            elif name in ("drawing", "pict", "object") and not hidden:
                self._drawing(part)

    def _why_hidden(self, own: Any) -> str:
        def found(name: str) -> Any:
            return self._document.run_property(own, self._style_id, name)

        if _is_on(found("vanish")):
            return "runs with hidden characters"
        size = found("sz")
        if size is not None and _number(_value(size), 24.0) / 2 < SMALLEST_SIZE:
            return "letters too small to see"
        scale = found("w")
        if scale is not None and _number((_value(scale) or "").rstrip("%"), 100.0) <= 5:
            return "letters too small to see"
        fill = _find_in(own, f"{_WP14}textFill")
        if fill is not None and (
            fill.find(f"{_WP14}noFill") is not None
            or any(
                _number(alpha.get(f"{_WP14}val"), 0) >= 95_000  # here alpha counts transparency, not opacity
                for alpha in fill.iter(f"{_WP14}alpha")
            )
        ):
            return "transparent letters"
        colour = hex_colour(_value(found("color")) or "")
        ground = self._ground.colour
        highlight = _value(_find(own, "highlight"))
        shade = found("shd")
        if shade is not None and (shaded := _shade(shade)) is not None:
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
            if not _plain(box).strip():
                continue
            if any(_shape_is_hidden(parent) for parent in _parents(box, element)):
                self._document.note_hidden("hidden or off-page text boxes")
                continue
            self.boxes.append((box, self._ground_of_shape(box, element)))

    def _ground_of_shape(self, box: Any, drawing: Any) -> _Ground:
        for parent in _parents(box, drawing):
            name = local(parent)
            if name == "wsp":
                shape = next((child for child in parent if local(child) == "spPr"), None)
                if shape is None:
                    return _Ground(None)
                solid = shape.find(f"{A}solidFill")
                if solid is not None:
                    literal = solid.find(f"{A}srgbClr")
                    return _Ground(hex_colour(literal.get("val") or "") if literal is not None else None)
                if shape.find(f"{A}noFill") is not None:
                    return self._ground
                return _Ground(None)
            if name in ("shape", "rect", "roundrect", "oval"):
                if (parent.get("filled") or "").lower() in ("f", "false"):
                    return self._ground
                return _Ground(hex_colour((parent.get("fillcolor") or "#ffffff").split()[0]))
        return self._ground


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
                moved = _number(offset.text, 0)
                size = _number(extent.get(side), 0) if extent is not None else 0
                # Offsets may count from a margin or column: two inches of leeway, and no page is longer than 23 inches.
                if moved + size < -2 * _EMU_PER_INCH or moved > 23 * _EMU_PER_INCH:
                    return True
    style = (element.get("style") or "").replace(" ", "").lower()
    return "visibility:hidden" in style or "display:none" in style or "mso-hide:all" in style


def _chosen(alternate: Any) -> Any:
    """One of the alternatives, not both: the same text box is written twice, for new and old programs."""
    choices = [child for child in alternate if local(child) in ("Choice", "Fallback")]
    return choices[0] if choices else None


def _is_contents_list(control: Any) -> bool:
    gallery = control.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return _value(gallery) == "Table of Contents"


def _rows(table: Any) -> Iterator[Any]:
    for child in table:
        name = local(child)
        if name == "tr":
            yield child
        elif name in ("sdt", "sdtContent", "ins", "customXml"):
            yield from _rows(child)


def _cells(row: Any) -> list[Any]:
    found: list[Any] = []
    for child in row:
        name = local(child)
        if name == "tc":
            found.append(child)
        elif name in ("sdt", "sdtContent", "customXml", "ins"):
            found += _cells(child)
    return found


def _span(cell: Any) -> int:
    return max(1, min(64, _whole(_value(cell.find(f"{W}tcPr/{W}gridSpan")), 1)))


def _before(row: Any) -> int:
    return max(0, min(64, _whole(_value(row.find(f"{W}trPr/{W}gridBefore")), 0)))


def _continues(cell: Any) -> bool:
    merged = cell.find(f"{W}tcPr/{W}vMerge")
    return merged is not None and (merged.get(f"{W}val") or "continue") == "continue"


def _root(part: Any) -> Any:
    """The XML of a part, whether python-docx has parsed it or not."""
    element = getattr(part, "element", None)
    if element is not None:
        return element
    from docx.oxml.parser import parse_xml

    return parse_xml(part.blob)


def _find(parent: Any, name: str) -> Any:
    return parent.find(f"{W}{name}") if parent is not None else None


def _find_in(parent: Any, name: str) -> Any:
    return parent.find(name) if parent is not None else None


def _value(element: Any) -> str | None:
    return element.get(f"{W}val") if element is not None else None


def _is_on(element: Any) -> bool:
    return element is not None and flag(_value(element))


def _shade(element: Any) -> Colour | None:
    if element is None:
        return None
    return hex_colour(element.get(f"{W}fill") or "")


def _plain(element: Any) -> str:
    return "".join(text.text or "" for text in element.iter(f"{W}t"))


def _whole(value: str | None, default: int = 0) -> int:
    try:
        return int(float(value)) if value else default
    except (ValueError, OverflowError):
        return default


def _number(value: str | None, default: float) -> float:
    try:
        return float(value) if value else default
    except ValueError:
        return default


def _symbol(element: Any) -> str:
    """A character of a symbol font lives in the private use area, where it means nothing without the font."""
    try:
        letter = chr(int(element.get(f"{W}char") or "", 16))
    except (ValueError, OverflowError):
        return ""
    return "" if "\ue000" <= letter <= "\uf8ff" else letter


_ROMAN = ((1000, "m"), (900, "cm"), (500, "d"), (400, "cd"), (100, "c"), (90, "xc"), (50, "l"), (40, "xl"), (10, "x"),
          (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))  # fmt: skip


def _numeral(number: int, form: str) -> str:
    if form in ("lowerRoman", "upperRoman") and 0 < number < 4_000:
        out, rest = "", number
        for value, letters in _ROMAN:
            while rest >= value:
                out, rest = out + letters, rest - value
        return out.upper() if form == "upperRoman" else out
    if form in ("lowerLetter", "upperLetter") and 0 < number < 1_000:
        # Word goes on with aa, bb, cc.
        letter = chr(ord("a") + (number - 1) % 26) * ((number - 1) // 26 + 1)
        return letter.upper() if form == "upperLetter" else letter
    if form == "decimalZero":
        return f"{number:02d}"
    return str(number)
