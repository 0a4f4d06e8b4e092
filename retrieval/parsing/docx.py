"""Word files: headings, paragraphs, lists with their numbers and table rows, in the order of the document.

python-docx opens the package; its paragraphs skip content controls, hyperlinks, insertions and text boxes, so the XML is
walked here. Hidden runs, deleted text, comments, headers and footers are no content.
"""

from __future__ import annotations

import re
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
from retrieval.parsing.docx_lists import Numbering
from retrieval.parsing.docx_runs import Ground, Runs, report_deleted
from retrieval.parsing.docx_styles import Styles
from retrieval.parsing.docx_xml import (
    cells_of,
    child_of,
    chosen_of,
    columns_before,
    continues_above,
    is_on,
    plain_text,
    root_of,
    rows_of,
    shade_of,
    span_of,
    value_of,
)
from retrieval.parsing.office import SPANNED, W, guess_head_rows, local, opened_package, table_lines
from retrieval.parsing.unseen import WHITE, LeftOut, hex_colour

_DAMAGED = "The Word file is damaged. Open it in Word, save it again and upload that."
_CONTENTS_STYLE = re.compile(r"(?:toc|verzeichnis|tm|tdc|sumário)\s*\d|table of figures", re.IGNORECASE)
_CAPTION_STYLES = {"caption", "beschriftung", "légende", "epígrafe", "legenda", "didascalia"}
_QUOTE_STYLES = {"quote", "intense quote", "block text", "zitat", "cita", "citação", "citation"}
_CODE_STYLE = re.compile(r"code|html preformatted|source|verbatim", re.IGNORECASE)
_TABLE_WORD = {"es": "Tabla", "pt": "Tabela", "de": "Tabelle", "fr": "Tableau"}
_LONGEST_HEADING = 200
_LONGEST_FAKE_HEADING = 80
_LONGEST_STEP = 400  # longer numbered paragraphs are clauses of a contract, not steps


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
class _Pending:
    """List items that wait for the end of their list."""

    kind: BlockKind = "list"
    lines: list[str] = field(default_factory=list)
    number_id: str = ""


class _Document:
    def __init__(self, package: Any) -> None:
        main = package.main_document_part
        self._body = root_of(main).find(f"{W}body")
        if self._body is None:
            raise UnreadableDocument(_DAMAGED)
        parts: dict[str, list[Any]] = {}
        for relation in main.rels.values():
            if not relation.is_external:
                parts.setdefault(relation.reltype.rpartition("/")[2], []).append(relation.target_part)
        self._parts = parts
        self._styles = Styles(self._first("styles"))
        self._numbering = Numbering(self._first("numbering"))
        self._notes = {kind: self._notes_of(f"{kind}s") for kind in ("footnote", "endnote")}
        self._core_title = str(getattr(getattr(package, "core_properties", None), "title", "") or "")
        background = root_of(main).find(f"{W}background")
        colour = hex_colour((background.get(f"{W}color") or "") if background is not None else "")
        self._page = Ground(colour or WHITE)
        self._left_out = LeftOut()
        self._blocks: list[Block] = []
        self._path = HeadingPath()
        self._pending = _Pending()
        self._tables = 0
        self._in_table: tuple[str, ...] = ()
        self._caption = ""
        self._title = ""
        self._language = self._styles.language()

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
        return root_of(self._parts[kind][0]) if self._parts.get(kind) else None

    def _notes_of(self, kind: str) -> dict[str, Any]:
        root = self._first(kind)
        if root is None:
            return {}
        return {note.get(f"{W}id") or "": note for note in root if note.get(f"{W}type") in (None, "normal")}

    def _furniture(self) -> None:
        """Reports text that stands outside the body: headers, footers, comments, embedded documents."""
        body = " ".join(" ".join(block.text for block in self._blocks).split())
        for kind, name in (("header", "headers"), ("footer", "footers")):
            for part in self._parts.get(kind, []):
                said = " ".join("".join(text.text or "" for text in root_of(part).iter(f"{W}t")).split())
                # Titles and page numbers are furniture; a whole sentence that the body does not have is worth a word.
                if len(said.split()) > 6 and said not in body:
                    self._left_out.skipped(name, f"text in {name} is no content")
        comments = self._first("comments")
        if comments is not None:
            told = sum(bool(plain_text(comment).strip()) for comment in comments)
            if told:
                self._left_out.hidden("comments", "comments", told)
        if self._parts.get("aFChunk"):
            self._left_out.skipped("embedded documents", "documents embedded in the file are not read")

    # Blocks

    def _children(self, parent: Any, ground: Ground) -> None:
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
                report_deleted(self._left_out, child)
            elif name == "AlternateContent":
                chosen = chosen_of(child)
                if chosen is not None:
                    self._children(chosen, ground)

    def _paragraph(self, paragraph: Any, ground: Ground) -> None:
        properties = paragraph.find(f"{W}pPr")
        style_id = value_of(child_of(properties, "pStyle")) or self._styles.default_paragraph
        names = [style.name for style in self._styles.chain(style_id)]
        name = names[0] if names else ""
        if _CONTENTS_STYLE.match(name):
            return
        run = Runs(self._styles, self._left_out, style_id, self._ground_of(properties, style_id, ground))
        text = tidy("".join(run.texts(paragraph)))
        if text:
            self._text_block(text, paragraph, properties, style_id, names, run)
        for box, box_ground in run.boxes:
            self._flush()
            self._children(box, box_ground)
        for kind, note_id in run.notes:
            self._note(kind, note_id, ground)

    def _text_block(
        self, text: str, paragraph: Any, properties: Any, style_id: str, names: list[str], run: Runs
    ) -> None:
        name = names[0] if names else ""
        flat = text.replace("\n", " ")
        level = self._styles.heading_level(properties, style_id)
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

    def _note(self, kind: str, note_id: str, ground: Ground) -> None:
        note = self._notes[kind].pop(note_id, None)
        if note is not None:
            self._flush()
            self._children(note, ground)
            self._flush()

    def _has_real_headings(self) -> bool:
        for paragraph in self._body.iter(f"{W}p"):
            properties = paragraph.find(f"{W}pPr")
            style_id = value_of(child_of(properties, "pStyle")) or self._styles.default_paragraph
            if self._styles.heading_level(properties, style_id) and plain_text(paragraph).strip():
                return True
        return False

    def _looks_like_heading(self, paragraph: Any, text: str, run: Runs) -> bool:
        """In a file without heading styles: a short line, wholly bold, that ends no sentence and stands before text."""
        if len(text) > _LONGEST_FAKE_HEADING or text[-1] in ".:;,!" or self._in_table or not run.all_bold:
            return False
        following = paragraph.getnext()
        while following is not None and local(following) == "p" and not plain_text(following).strip():
            following = following.getnext()
        return following is not None and local(following) in ("p", "tbl", "sdt")

    def _number_of(self, properties: Any, style_id: str) -> tuple[str, str] | None:
        found = self._styles.number_property(properties, style_id)
        return self._numbering.label(*found) if found else None

    def _number_id(self, properties: Any, style_id: str) -> str:
        found = self._styles.number_property(properties, style_id)
        return found[0] if found else ""

    def _ground_of(self, properties: Any, style_id: str, ground: Ground) -> Ground:
        for shade in [
            child_of(properties, "shd"),
            *(child_of(style.paragraph, "shd") for style in self._styles.chain(style_id)),
        ]:
            if shade is not None and (found := shade_of(shade)) is not None:
                return Ground(found)
        return ground

    # Tables

    def _table(self, table: Any, ground: Ground) -> None:
        rows = list(rows_of(table))
        kept: list[Any] = []
        for row in rows:
            properties = row.find(f"{W}trPr")
            if child_of(properties, "del") is not None:
                report_deleted(self._left_out, row)
            elif is_on(child_of(properties, "hidden")):
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

    def _table_rows(self, table: Any, rows: list[Any], ground: Ground) -> None:
        width = max((sum(span_of(cell) for cell in cells_of(row)) for row in rows), default=0)
        is_layout = width <= 1 or len(rows) == 1 or any(self._holds_headings(row) for row in rows)
        if is_layout:
            for row in rows:
                for cell in cells_of(row):
                    if not continues_above(cell):
                        self._children(cell, self._ground_of_cell(cell, ground))
            return
        grid: list[list[str]] = []
        for row in rows:
            line: list[str] = [""] * columns_before(row)
            for cell in cells_of(row):
                column = len(line)
                if continues_above(cell) and grid and column < len(grid[-1]):
                    text = grid[-1][column]
                else:
                    text = self._cell_text(cell, self._ground_of_cell(cell, ground))
                line += [text, *[SPANNED] * (span_of(cell) - 1)]
            grid.append(line)
        width = max(len(line) for line in grid)
        grid = [line + [""] * (width - len(line)) for line in grid]
        said = 0
        while said < len(rows) and is_on(child_of(rows[said].find(f"{W}trPr"), "tblHeader")):
            said += 1
        if not 0 < said < len(rows):
            while len(grid) > 1 and not any(grid[0]):
                grid, rows = grid[1:], rows[1:]
            said = guess_head_rows(grid, self._first_row_stands_out(table, rows))
        for text in table_lines(grid, said):
            self._add("row", text)

    def _cell_text(self, cell: Any, ground: Ground) -> str:
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
            style_id = value_of(child_of(properties, "pStyle")) or self._styles.default_paragraph
            if self._styles.heading_level(properties, style_id) is not None and plain_text(paragraph).strip():
                return True
        return False

    def _first_row_stands_out(self, table: Any, rows: list[Any]) -> bool:
        if len(rows) < 2:
            return False

        def looks(row: Any) -> tuple[bool, bool]:
            runs = [run for run in row.iter(f"{W}r") if plain_text(run).strip()]
            bold = bool(runs) and all(
                is_on(self._styles.run_property(run.find(f"{W}rPr"), "", "b")) for run in runs
            )
            shaded = all(
                shade_of(cell.find(f"{W}tcPr/{W}shd")) not in (None, WHITE)
                if cell.find(f"{W}tcPr/{W}shd") is not None
                else False
                for cell in cells_of(row)
            )
            return bold, shaded

        first, second = looks(rows[0]), looks(rows[1])
        if any(mine and not other for mine, other in zip(first, second, strict=True)):
            return True
        style_id = value_of(table.find(f"{W}tblPr/{W}tblStyle")) or ""
        look = table.find(f"{W}tblPr/{W}tblLook")
        wanted = look is not None and (
            look.get(f"{W}firstRow") in ("1", "true") or bool(int(look.get(f"{W}val") or "0", 16) & 0x20)
        )
        return wanted and any(
            part.get(f"{W}type") == "firstRow"
            for style in self._styles.chain(style_id)
            for part in style.element.iter(f"{W}tblStylePr")
        )

    def _ground_of_table(self, table: Any, ground: Ground) -> Ground:
        """A table style that shades cells leaves it open which: white letters in such a table are believed."""
        shade = table.find(f"{W}tblPr/{W}shd")
        if shade is not None and (colour := shade_of(shade)) is not None:
            return Ground(colour)
        for style in self._styles.chain(value_of(table.find(f"{W}tblPr/{W}tblStyle")) or ""):
            if any(shade_of(one) not in (None, WHITE) for one in style.element.iter(f"{W}shd")):
                return Ground(None)
        return ground

    def _ground_of_cell(self, cell: Any, ground: Ground) -> Ground:
        shade = cell.find(f"{W}tcPr/{W}shd")
        if shade is not None and (colour := shade_of(shade)) is not None:
            return Ground(colour)
        return ground


def _is_contents_list(control: Any) -> bool:
    gallery = control.find(f"{W}sdtPr/{W}docPartObj/{W}docPartGallery")
    return value_of(gallery) == "Table of Contents"
