"""Markdown by its tokens: headings, paragraphs, lists with their numbers, table rows, code, quotes.

Raw HTML inside Markdown goes through the HTML reader, so that comments and hidden parts are dropped there too.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.token import Token

from retrieval.parsing.document import (
    Block,
    BlockKind,
    HeadingPath,
    ParsedDocument,
    ParseReport,
    decode_text,
    row_text,
    tidy,
)

_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_TITLE_LINE = re.compile(r"^title[ \t]*:[ \t]*(.+)$", re.MULTILINE)
_COMMENT = re.compile(r"<!--.*?-->", re.DOTALL)


def read_markdown(data: bytes) -> ParsedDocument:
    """CommonMark with tables. Front matter gives the title and is not content. Raises UnreadableDocument."""
    source = decode_text(data).replace("\r\n", "\n").replace("\r", "\n")
    title = ""
    if front := _FRONT_MATTER.match(source):
        source = source[front.end() :]
        if line := _TITLE_LINE.search(front.group(1)):
            title = line.group(1).strip().strip("\"'")
    tokens = MarkdownIt("commonmark").enable("table").parse(_COMMENT.sub("", source))
    walk = _Walk()
    walk.blocks_of(tokens)
    first = next((block for block in walk.blocks if block.kind == "heading"), None)
    title = title or (first.text if first else "")
    return ParsedDocument(title, "und", walk.blocks, ParseReport(walk.counts()))


class _Walk:
    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._path = HeadingPath()

    def counts(self) -> dict[str, int]:
        return {
            "headings": sum(block.kind == "heading" for block in self.blocks),
            "blocks": sum(block.kind != "heading" for block in self.blocks),
        }

    def blocks_of(self, tokens: Sequence[Token]) -> None:
        at = 0
        while at < len(tokens):
            token = tokens[at]
            end = _closing(tokens, at)
            inside = tokens[at + 1 : end]
            if token.type == "heading_open":
                text = " ".join(_inline(inside).split())
                if text:
                    self._add("heading", text, self._path.enter(int(token.tag[1]), text))
            elif token.type == "paragraph_open":
                self._add("paragraph", _inline(inside).replace("\n", " "))
            elif token.type in ("bullet_list_open", "ordered_list_open"):
                kind: BlockKind = "steps" if token.type == "ordered_list_open" else "list"
                self._add(kind, "\n".join(_items(tokens, at, 0)))
            elif token.type == "blockquote_open":
                before = len(self.blocks)
                self.blocks_of(inside)
                self.blocks[before:] = [
                    Block("quote", block.text, block.headings) if block.kind == "paragraph" else block
                    for block in self.blocks[before:]
                ]
            elif token.type == "table_open":
                for row in _rows(inside):
                    self._add("row", row)
            elif token.type in ("fence", "code_block"):
                self._add("code", token.content)
            elif token.type == "html_block":
                self._html(token.content)
            at = end + 1

    def _add(self, kind: BlockKind, text: str, headings: tuple[str, ...] | None = None) -> None:
        text = tidy(text)
        if text:
            self.blocks.append(Block(kind, text, self._path.path if headings is None else headings))

    def _html(self, source: str) -> None:
        from retrieval.parsing.html import blocks_of_html

        for block in blocks_of_html(source):
            self._add("paragraph" if block.kind == "heading" else block.kind, block.text)


def _closing(tokens: Sequence[Token], at: int) -> int:
    """Index of the token that closes the one at ``at``; itself where it opens nothing."""
    depth = 0
    for index in range(at, len(tokens)):
        depth += tokens[index].nesting
        if depth == 0:
            return index
    return len(tokens) - 1


def _inline(tokens: Sequence[Token]) -> str:
    """The text people see: link texts and image descriptions, no addresses, no raw tags."""
    parts: list[str] = []
    for token in tokens:
        for child in token.children or []:
            if child.type in ("text", "code_inline"):
                parts.append(child.content)
            elif child.type == "image":
                parts.append(_inline([child]))
            elif child.type in (
                "softbreak",
                "hardbreak",
            ) or child.content.lower().startswith("<br"):
                parts.append("\n")
    return "".join(parts)


def _items(tokens: Sequence[Token], at: int, depth: int) -> list[str]:
    """The lines of the list that opens at ``at``; inner lists follow their item, indented by a dash."""
    opening = tokens[at]
    end = _closing(tokens, at)
    number = int(opening.attrGet("start") or 1) if opening.type == "ordered_list_open" else None
    lines: list[str] = []
    index = at + 1
    while index < end:
        close = _closing(tokens, index)
        own: list[str] = []
        inner: list[str] = []
        cursor = index + 1
        while cursor < close:
            part_end = _closing(tokens, cursor)
            part = tokens[cursor]
            if part.type in ("bullet_list_open", "ordered_list_open"):
                inner += _items(tokens, cursor, depth + 1)
            elif part.type in ("fence", "code_block"):
                own.append(part.content)
            else:
                own.append(_inline(tokens[cursor : part_end + 1]))
            cursor = part_end + 1
        mark = f"{number}." if number is not None else "-"
        lines.append(f"{mark} " + " ".join(" ".join(own).split()))
        lines += inner
        if number is not None:
            number += 1
        index = close + 1
    return lines


def _rows(tokens: Sequence[Token]) -> list[str]:
    """Each row as "column: cell; column: cell", so that a row is understood alone."""
    head: list[str] = []
    rows: list[str] = []
    cells: list[str] = []
    for at, token in enumerate(tokens):
        if token.type in ("th_open", "td_open"):
            cells.append(" ".join(_inline(tokens[at : _closing(tokens, at)]).split()))
        elif token.type == "tr_close":
            if not head and not rows and tokens[at - 1].type == "th_close":
                head = cells
            else:
                rows.append(row_text(head, cells))
            cells = []
    return rows
