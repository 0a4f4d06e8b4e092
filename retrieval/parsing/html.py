"""HTML as people see it: scripts, comments, navigation, alternative texts and hidden elements are not content."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PageElement, PreformattedString, Tag

from retrieval.parsing.document import (
    Block,
    BlockKind,
    HeadingPath,
    ParsedDocument,
    UnreadableDocument,
    tidy,
)
from retrieval.parsing.html_tree import (
    BROKEN,
    DEEPEST,
    HEADINGS,
    TOO_DEEP,
    decode_page,
    definition_parts,
    integer_of,
    is_bold,
    is_head_row,
    is_layout,
    is_of_page,
    link_share,
    nested_lists,
    own_cells,
    own_rows,
    page_tree,
    text_sizes,
    tokens_of,
)
from retrieval.parsing.office import SPANNED, guess_head_rows, table_lines
from retrieval.parsing.stylesheets import Unseen
from retrieval.parsing.unseen import LeftOut

_DROPPED = {
    "script", "style", "template", "noscript", "svg", "math", "iframe", "object", "embed", "head", "nav", "button",
    "input", "select", "textarea", "audio", "video", "canvas", "map", "dialog", "datalist", "menu", "noembed",
    "noframes", "applet", "base", "link", "meta", "title", "param", "source", "track", "area", "rt", "rp",
}  # fmt: skip
_BLOCK_TAGS = {
    "address", "article", "aside", "blockquote", "body", "caption", "center", "dd", "details", "div", "dl", "dt",
    "fieldset", "figcaption", "figure", "footer", "form", "header", "hgroup", "hr", "html", "legend", "main", "ol", "p",
    "pre", "section", "summary", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul", "li", "h1", "h2", "h3",
    "h4", "h5", "h6",
}  # fmt: skip
_SUMMARY_LEVEL = 7  # what unfolds stands under its summary, below every heading
_FURNITURE_ROLES = {
    "navigation", "banner", "contentinfo", "search", "menu", "menubar", "toolbar", "dialog", "alertdialog", "tablist",
    "tooltip",
}  # fmt: skip
_FURNITURE_NAME = re.compile(
    r"(?:^|[\s_-])(?:cookie|consent|gdpr|breadcrumbs?|nav|navbar|navigation|navbox|menu|skip-?(?:link|nav|to-content)|site-?footer"
    r"|page-?footer|social|share-?(?:buttons|links|bar)|pagination|pager|jump-link|editsection|noprint)(?:$|[\s_-])",
    re.IGNORECASE,
)
_CONSENT = re.compile(r"cookie|consent|gdpr", re.IGNORECASE)
_CONSENT_SHARE = 0.2  # of the page's text: a page about cookies is no banner
_LINK_SHARE = 0.6
_LIST_SHARE = 0.25
_LONGEST_TERM = 300


def read_html(data: bytes) -> ParsedDocument:
    """Raises UnreadableDocument when the bytes are not text or nest absurdly deep."""
    return read_html_text(decode_page(data))


def read_html_text(source: str) -> ParsedDocument:
    try:
        return _read(source)
    except UnreadableDocument:
        raise
    except Exception as broken:  # the tree of a broken page can fail anywhere
        raise UnreadableDocument(BROKEN) from broken


def blocks_of_html(source: str) -> list[Block]:
    """The visible blocks of a fragment."""
    try:
        soup = page_tree(source)
        walk = _Walk(Unseen(soup), LeftOut())
        walk.children_of(soup, 0)
        walk.flush()
        return walk.blocks
    except UnreadableDocument:
        raise
    except Exception as broken:
        raise UnreadableDocument(BROKEN) from broken


def _read(source: str) -> ParsedDocument:
    soup = page_tree(source)
    title = ""
    if soup.title is not None:
        title = tidy(soup.title.get_text(" ")).replace("\n", " ")
    language = "und"
    if isinstance(soup.html, Tag):
        language = str(soup.html.get("lang") or "und").split("-")[0].lower()[:8]
    left_out = LeftOut()
    walk = _Walk(Unseen(soup), left_out)
    root = _content_of(soup, walk)
    walk.drop_furniture(root)
    walk.children_of(root, 0)
    walk.flush()
    if not title:
        first = next((block for block in walk.blocks if block.kind == "heading"), None)
        title = first.text if first else ""
    counts = {
        "headings": sum(block.kind == "heading" for block in walk.blocks),
        "blocks": sum(block.kind != "heading" for block in walk.blocks),
        "alternative_texts": walk.alternatives,
        "furniture": walk.furniture,
    }
    remarks = []
    if walk.alternatives:
        remarks.append(
            f"{walk.alternatives} alternative texts of pictures were left out: they are not searchable."
        )
    return ParsedDocument(title, language, walk.blocks, left_out.report(counts, remarks))


def _content_of(soup: BeautifulSoup, walk: _Walk) -> Tag:
    """The main part of the page, where it says which and that part holds most of the text; else its body."""
    body = soup.body or soup
    whole = len(body.get_text())
    for found in soup.select("main, [role=main]"):
        if len(found.get_text()) > 0.3 * whole and not walk.is_hidden(found):
            return found
    return body


class _Path(HeadingPath):
    def leave(self, level: int) -> None:
        """Closes headings of this level and below it."""
        while self._open and self._open[-1][0] >= level:
            self._open.pop()


class _Walk:
    """Walks the tree once; text between block elements gathers into a paragraph."""

    def __init__(self, unseen: Unseen, left_out: LeftOut) -> None:
        self.blocks: list[Block] = []
        self.alternatives = 0
        self.furniture = 0
        self._unseen = unseen
        self._left_out = left_out
        self._path = _Path()
        self._pending: list[str] = []
        self._furniture: set[int] = set()

    # What is left out

    def drop_furniture(self, root: Tag) -> None:
        """Marks navigation, banners and lists of links at the edges of the page: what is on every page of a site."""
        sizes = text_sizes(root)
        whole = max(1, sizes.get(id(root), 0))
        for tag in root.find_all(True):
            role = str(tag.get("role") or "").lower()
            name = f"{' '.join(tokens_of(tag.get('class')))} {tag.get('id') or ''}"
            size = sizes.get(id(tag), 0)
            if role in _FURNITURE_ROLES:
                drop = size < 0.5 * whole
            elif tag.name in ("header", "footer"):
                drop = (
                    is_of_page(tag, root)
                    and size < _LIST_SHARE * whole
                    and not tag.find(list(HEADINGS | {"main", "article"}))
                )
            elif tag.name == "form":
                drop = size < 0.5 * whole and not tag.find(list(HEADINGS))
            elif _CONSENT.search(name):
                drop = size < _CONSENT_SHARE * whole
            elif _FURNITURE_NAME.search(name):
                drop = size < 0.5 * whole and (link_share(tag) > _LINK_SHARE or size < 30)
            else:
                drop = False
            if drop:
                self._furniture.add(id(tag))

    def is_hidden(self, tag: Tag) -> bool:
        return tag.name in _DROPPED or bool(self._unseen.why_gone(tag))

    def _leaves_out(self, tag: Tag) -> bool:
        """Whether the element is no content; says so in the report where people would not have seen it."""
        if tag.name in _DROPPED:
            self.furniture += tag.name == "nav"
            return True
        if why := self._unseen.why_gone(tag):
            if tag.get_text(strip=True):
                self._left_out.hidden("hidden text", why)
            return True
        if id(tag) in self._furniture:
            self.furniture += 1
            return True
        return False

    def _string(self, text: NavigableString) -> str:
        """The words of a string, "" where it is a comment, a declaration, or not to be seen."""
        if isinstance(text, PreformattedString):
            return ""
        parent = text.parent
        if isinstance(parent, Tag) and text.strip() and (why := self._unseen.why_mute(parent)):
            self._left_out.hidden("hidden text", why)
            return ""
        return str(text)

    # Blocks

    def flush(self, kind: BlockKind = "paragraph") -> None:
        text = tidy("".join(self._pending))
        if kind == "paragraph":
            text = text.replace("\n", " ")
        self._pending = []
        if text:
            self.blocks.append(Block(kind, text, self._path.path))

    def _add(self, kind: BlockKind, text: str) -> None:
        if text := tidy(text):
            self.blocks.append(Block(kind, text, self._path.path))

    def children_of(self, tag: Tag, depth: int) -> None:
        if depth > DEEPEST:
            raise UnreadableDocument(TOO_DEEP)
        for child in tag.children:
            self._one(child, depth)

    def _one(self, child: PageElement, depth: int) -> None:
        if isinstance(child, NavigableString):
            self._pending.append(re.sub(r"\s+", " ", self._string(child)))
            return
        if not isinstance(child, Tag) or self._leaves_out(child):
            return
        name = child.name
        if name in ("br", "wbr"):
            self._pending.append("\n" if name == "br" else "")
        elif name == "img":
            self._picture(child)
        elif name in _BLOCK_TAGS:
            self.flush()
            self._block(child, depth)
            self.flush()
        else:
            self.children_of(child, depth + 1)

    def _picture(self, tag: Tag) -> None:
        """An alternative text shows only to those who do not see the picture, and is where instructions hide."""
        self.alternatives += bool(str(tag.get("alt") or "").strip())
        self._pending.append(" ")

    def _block(self, tag: Tag, depth: int) -> None:
        name = tag.name
        if name in HEADINGS:
            text = tidy(" ".join(self._seen_text(tag).split()))
            if text:
                self.blocks.append(Block("heading", text, self._path.enter(int(name[1]), text)))
        elif name in ("ul", "ol"):
            self._list(tag, depth)
        elif name == "dl":
            self._definitions(tag, depth)
        elif name == "details":
            self._details(tag, depth)
        elif name == "table":
            self._table(tag, depth)
        elif name == "pre":
            self._add("code", self._seen_text(tag))
        elif name == "blockquote":
            before = len(self.blocks)
            self.children_of(tag, depth + 1)
            self.flush()
            self.blocks[before:] = [
                replace(block, kind="quote") if block.kind == "paragraph" else block
                for block in self.blocks[before:]
            ]
        else:
            self.children_of(tag, depth + 1)

    def _seen_text(self, tag: Tag) -> str:
        return "".join(self._seen_parts(tag.children, 0))

    def _seen_parts(self, elements: Iterable[PageElement], depth: int) -> Iterator[str]:
        if depth > DEEPEST:
            raise UnreadableDocument(TOO_DEEP)
        for element in elements:
            if isinstance(element, NavigableString):
                yield self._string(element)
            elif isinstance(element, Tag):
                if self._leaves_out(element):
                    continue
                if element.name == "img":
                    self.alternatives += bool(str(element.get("alt") or "").strip())
                    yield " "
                elif element.name == "br":
                    yield "\n"
                else:
                    spaced = element.name in _BLOCK_TAGS
                    if spaced:
                        yield " "
                    yield from self._seen_parts(element.children, depth + 1)
                    if spaced:
                        yield " "

    # Lists

    def _list(self, tag: Tag, depth: int) -> None:
        if tag.find([*HEADINGS, "table", "pre", "dl", "details"]) is not None:
            # A list that only lays the page out: its items are parts of the page.
            self.children_of(tag, depth + 1)
            return
        self._add("steps" if tag.name == "ol" else "list", "\n".join(self._items(tag, depth)))

    def _items(self, tag: Tag, depth: int) -> list[str]:
        if depth > DEEPEST:
            raise UnreadableDocument(TOO_DEEP)
        items = [child for child in tag.children if isinstance(child, Tag)]
        number = integer_of(tag.get("start"), 1)
        step = 1
        if tag.has_attr("reversed"):
            step = -1
            if not tag.has_attr("start"):
                number = sum(child.name == "li" for child in items)
        lines: list[str] = []
        for child in items:
            if self._leaves_out(child):
                continue
            if child.name in ("ul", "ol"):
                lines += self._items(child, depth + 1)
                continue
            inner = [part for part in nested_lists(child) if not self.is_hidden(part)]
            own = " ".join("".join(self._own_parts(child, {id(part) for part in inner}, 0)).split())
            number = integer_of(child.get("value"), number)
            if own:
                lines.append(f"{number}. {own}" if tag.name == "ol" else f"- {own}")
                number += step
            for part in inner:
                lines += self._items(part, depth + 1)
        return lines

    def _own_parts(self, tag: Tag, inner: set[int], depth: int) -> Iterator[str]:
        """The text of an item without the lists in it."""
        if not inner:
            yield from self._seen_parts(tag.children, depth)
            return
        for child in tag.children:
            if isinstance(child, Tag) and id(child) in inner:
                continue
            if isinstance(child, Tag) and any(id(part) in inner for part in child.find_all(["ul", "ol"])):
                if not self._leaves_out(child):
                    yield " "
                    yield from self._own_parts(child, inner, depth + 1)
                    yield " "
            else:
                yield from self._seen_parts([child], depth)

    def _definitions(self, tag: Tag, depth: int) -> None:
        """A term and what is said of it on one line; long or rich definitions as parts of the page."""
        parts = [part for part in definition_parts(tag) if not self._leaves_out(part)]
        rich = any(
            part.find(["p", "ul", "ol", "table", "pre", "dl", *HEADINGS]) is not None
            or len(part.get_text()) > _LONGEST_TERM
            for part in parts
        )
        lines: list[str] = []
        terms: list[str] = []
        for part in parts:
            if rich:
                if part.name == "dt":
                    self.flush()
                    self._add("paragraph", f"{' '.join(self._seen_text(part).split()).rstrip(':')}:")
                else:
                    self.children_of(part, depth + 1)
                    self.flush()
                continue
            text = " ".join(self._seen_text(part).split())
            if part.name == "dt":
                terms.append(text.rstrip(":"))
            elif text:
                lines.append(f"- {', '.join(terms)}: {text}" if terms else f"- {text}")
                # A second definition of the same term says the term again.
                following = part.find_next_sibling(["dt", "dd"])
                terms = terms if isinstance(following, Tag) and following.name == "dd" else []
        if not rich:
            lines += [f"- {term}" for term in terms if term]
            self._add("list", "\n".join(lines))

    def _details(self, tag: Tag, depth: int) -> None:
        """What unfolds on a click is content; its summary is the heading over it."""
        summary = tag.find("summary", recursive=False)
        rest = [child for child in tag.children if child is not summary]
        text = ""
        if isinstance(summary, Tag) and not self._leaves_out(summary):
            text = tidy(" ".join(self._seen_text(summary).split()))
        if not text:
            for child in rest:
                self._one(child, depth + 1)
            return
        level = _SUMMARY_LEVEL + min(depth, DEEPEST)
        self.blocks.append(Block("heading", text, self._path.enter(level, text)))
        before = len(self.blocks)
        for child in rest:
            self._one(child, depth + 1)
        self.flush()
        if len(self.blocks) == before:
            # Nothing unfolds: then the summary is all there is to say.
            self.blocks[-1] = Block("paragraph", text, self._path.path[:-1])
        self._path.leave(level)

    # Tables

    def _table(self, table: Tag, depth: int) -> None:
        rows = [row for row in own_rows(table) if not self._row_is_hidden(row, table)]
        cells = [[cell for cell in own_cells(row) if not self._leaves_out(cell)] for row in rows]
        for caption in table.find_all("caption", recursive=False):
            if not self._leaves_out(caption):
                self._add("paragraph", self._seen_text(caption))
        if is_layout(table, cells):
            for row in cells:
                for cell in row:
                    self.children_of(cell, depth + 1)
                    self.flush()
            return
        grid = self._grid(cells)
        # A head that spans the table is its title, or that of the rows below it.
        start = 0
        while (
            start < len(grid)
            and len({cell for cell in grid[start] if cell not in ("", SPANNED)}) <= 1
            and len(grid[start]) > 1
        ):
            if not cells[start] or cells[start][0].name != "th" or SPANNED not in grid[start]:
                break
            self._add("row", grid[start][0])
            start += 1
        head = 0
        while start + head < len(rows) and is_head_row(rows[start + head], cells[start + head]):
            head += 1
        if head >= len(rows) - start:
            head = 0
        rest = grid[start:]
        if (
            not head
            and rest
            and all(len(row) == 2 for row in rest)
            and any(row and row[0].name == "th" for row in cells[start:])
        ):
            pass  # names at the side: "name: value", as tables without a head are read
        elif not head and not any(cell.name == "th" for row in cells[start:] for cell in row):
            head = guess_head_rows(rest, is_bold(cells[start : start + 1]))
        for text in table_lines(rest, head):
            self._add("row", text)

    def _grid(self, rows: Sequence[Sequence[Tag]]) -> list[list[str]]:
        """Texts by row and column; a cell that reaches over rows is said in each of them."""
        grid: list[dict[int, str]] = [{} for _ in rows]
        for at, row in enumerate(rows):
            column = 0
            for cell in row:
                while column in grid[at]:
                    column += 1
                text = tidy(" ".join(self._seen_text(cell).split()))
                across = max(1, min(100, integer_of(cell.get("colspan"), 1)))
                down = integer_of(cell.get("rowspan"), 1)
                down = len(rows) - at if down == 0 else max(1, min(len(rows) - at, down))
                for below in range(at, at + down):
                    for step in range(across):
                        grid[below].setdefault(column + step, text if step == 0 else SPANNED)
                column += across
        width = max((max(row) + 1 for row in grid if row), default=0)
        return [[row.get(column, "") for column in range(width)] for row in grid]

    def _row_is_hidden(self, row: Tag, table: Tag) -> bool:
        for parent in [row, *row.parents]:
            if parent is table:
                return False
            if isinstance(parent, Tag) and self._leaves_out(parent):
                return True
        return False
