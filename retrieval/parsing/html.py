"""HTML as people see it: scripts, comments, navigation and hidden elements are not content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from retrieval.parsing.document import (
    Block,
    BlockKind,
    HeadingPath,
    ParsedDocument,
    ParseReport,
    UnreadableDocument,
    decode_text,
    row_text,
    tidy,
)

_DROPPED = {
    "script", "style", "template", "noscript", "svg", "math", "iframe", "object", "embed", "head", "nav", "form",
    "button", "input", "select", "textarea", "audio", "video", "canvas", "map", "dialog",
}  # fmt: skip
_BLOCK_TAGS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "header", "hr", "html", "main", "ol", "p", "pre", "section",
    "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "li", "h1", "h2", "h3", "h4", "h5", "h6",
}  # fmt: skip
_HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
_HIDDEN_STYLE = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(?:hidden|collapse)|(?:font-size|opacity|max-height|max-width)\s*:\s*0(?:[^.\d]|\.0*(?:\D|$)|$)"
    r"|text-indent\s*:\s*-\d{3,}|(?:left|top)\s*:\s*-\d{3,}|clip\s*:\s*rect\(\s*0|color\s*:\s*transparent",
    re.IGNORECASE,
)
_DEEPEST = 200


def read_html(data: bytes) -> ParsedDocument:
    """Raises UnreadableDocument when the bytes are not text or nest absurdly deep."""
    soup = _soup(decode_text(data))
    title = ""
    if soup.title is not None:
        title = tidy(soup.title.get_text(" "))
    language = "und"
    if isinstance(soup.html, Tag):
        language = str(soup.html.get("lang") or "und").split("-")[0].lower()[:8]
    root = soup.find("main") or soup.body or soup
    walk = _Walk()
    walk.children_of(root, 0)
    walk.flush()
    if not title:
        first = next((block for block in walk.blocks if block.kind == "heading"), None)
        title = first.text if first else ""
    counts = {
        "headings": sum(block.kind == "heading" for block in walk.blocks),
        "blocks": sum(block.kind != "heading" for block in walk.blocks),
        "hidden": walk.hidden,
    }
    remarks = [f"{walk.hidden} hidden elements were left out."] if walk.hidden else []
    return ParsedDocument(title, language, walk.blocks, ParseReport(counts, remarks))


def blocks_of_html(source: str) -> list[Block]:
    """The visible blocks of a fragment."""
    walk = _Walk()
    walk.children_of(_soup(source), 0)
    walk.flush()
    return walk.blocks


def _soup(source: str) -> BeautifulSoup:
    try:
        return BeautifulSoup(source, "html.parser")
    except (RecursionError, AssertionError) as broken:
        raise UnreadableDocument(
            "The HTML is broken. Open it in a browser, save the page again, upload that."
        ) from broken


def _is_hidden(tag: Tag) -> bool:
    if tag.name in _DROPPED or tag.has_attr("hidden"):
        return True
    if str(tag.get("aria-hidden", "")).lower() == "true":
        return True
    return bool(_HIDDEN_STYLE.search(str(tag.get("style") or "")))


class _Walk:
    """Walks the tree once; text between block elements gathers into a paragraph."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self.hidden = 0
        self._path = HeadingPath()
        self._pending: list[str] = []

    def flush(self, kind: BlockKind = "paragraph") -> None:
        text = tidy("".join(self._pending))
        if kind == "paragraph":
            text = text.replace("\n", " ")
        self._pending = []
        if text:
            self.blocks.append(Block(kind, text, self._path.path))

    def children_of(self, tag: Tag, depth: int) -> None:
        if depth > _DEEPEST:
            raise UnreadableDocument(
                "The HTML nests too deeply. Open it in a browser, save it as text or PDF."
            )
        for child in tag.children:
            self._one(child, depth)

    def _one(self, child: PageElement, depth: int) -> None:
        if isinstance(child, NavigableString):
            # Comments, doctypes and the like are special strings: never content.
            if not isinstance(child, PreformattedString):
                self._pending.append(re.sub(r"\s+", " ", str(child)))
            return
        if not isinstance(child, Tag):
            return
        if _is_hidden(child):
            self.hidden += child.name not in _DROPPED
            return
        name = child.name
        if name == "br":
            self._pending.append("\n")
        elif name == "img":
            self._pending.append(f" {child.get('alt') or ''} ")
        elif name in _BLOCK_TAGS:
            self.flush()
            self._block(child, depth)
            self.flush()
        else:
            self.children_of(child, depth + 1)

    def _block(self, tag: Tag, depth: int) -> None:
        name = tag.name
        if name in _HEADINGS:
            if text := tidy(" ".join(self._seen_text(tag).split())):
                self.blocks.append(Block("heading", text, self._path.enter(int(name[1]), text)))
        elif name in ("ul", "ol"):
            if text := tidy("\n".join(self._items(tag, depth))):
                self.blocks.append(Block("steps" if name == "ol" else "list", text, self._path.path))
        elif name == "table":
            self._table(tag)
        elif name == "pre":
            self._pending = [tag.get_text()]
            self.flush("code")
        elif name == "blockquote":
            before = len(self.blocks)
            self.children_of(tag, depth + 1)
            self.flush()
            self.blocks[before:] = [
                Block("quote", block.text, block.headings) if block.kind == "paragraph" else block
                for block in self.blocks[before:]
            ]
        else:
            self.children_of(tag, depth + 1)

    def _seen_text(self, tag: Tag) -> str:
        return "".join(self._seen_parts(tag.children))

    def _seen_parts(self, elements: Iterable[PageElement]) -> Iterator[str]:
        for element in elements:
            if isinstance(element, NavigableString):
                if not isinstance(element, PreformattedString):
                    yield str(element)
            elif isinstance(element, Tag):
                if _is_hidden(element):
                    self.hidden += element.name not in _DROPPED
                elif element.name == "img":
                    yield f" {element.get('alt') or ''} "
                else:
                    spaced = element.name in _BLOCK_TAGS or element.name == "br"
                    if spaced:
                        yield " "
                    yield from self._seen_parts(element.children)
                    if spaced:
                        yield " "

    def _items(self, tag: Tag, depth: int) -> list[str]:
        if depth > _DEEPEST:
            raise UnreadableDocument(
                "The HTML nests too deeply. Open it in a browser, save it as text or PDF."
            )
        start = str(tag.get("start") or "1")
        number = int(start) if start.isascii() and start.isdigit() else 1
        lines: list[str] = []
        for child in tag.children:
            if not isinstance(child, Tag) or _is_hidden(child):
                self.hidden += isinstance(child, Tag)
                continue
            if child.name in ("ul", "ol"):
                lines += self._items(child, depth + 1)
                continue
            inner = [part for part in child.children if isinstance(part, Tag) and part.name in ("ul", "ol")]
            own = " ".join(
                "".join(self._seen_parts(part for part in child.children if part not in inner)).split()
            )
            if own:
                lines.append(f"{number}. {own}" if tag.name == "ol" else f"- {own}")
                number += 1
            for part in inner:
                if not _is_hidden(part):
                    lines += self._items(part, depth + 1)
        return lines

    def _table(self, table: Tag) -> None:
        head: list[str] = []
        for row in table.find_all("tr"):
            if any(
                _is_hidden(parent)
                for parent in [row, *row.parents]
                if isinstance(parent, Tag) and parent is not table
            ):
                continue
            cells = [cell for cell in row.find_all(["td", "th"], recursive=False) if not _is_hidden(cell)]
            texts = [" ".join(self._seen_text(cell).split()) for cell in cells]
            if not head and cells and all(cell.name == "th" for cell in cells):
                head = texts
            elif text := tidy(row_text(head, texts)):
                self.blocks.append(Block("row", text, self._path.path))
