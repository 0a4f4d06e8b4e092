"""Questions about the tree of an HTML page: its text, its lists, the rows of its tables."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from retrieval.parsing.document import UnreadableDocument, decode_text

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
DEEPEST = 200
TOO_DEEP = "The HTML nests too deeply. Open it in a browser, save it as text or PDF."
BROKEN = "The HTML is broken. Open it in a browser, save the page again, upload that."


def decode_page(data: bytes) -> str:
    """By byte order mark and UTF-8 as every text; else by what the page says of itself."""
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        said = re.search(rb"""<meta[^>]+charset\s*=\s*["']?([\w-]+)""", data[:4096], re.IGNORECASE)
        if said and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
            try:
                return data.decode(said.group(1).decode("ascii"), "replace")
            except (LookupError, UnicodeError):
                pass
        return decode_text(data)


def page_tree(source: str) -> BeautifulSoup:
    if "\0" in source[:4096]:
        decode_text(source.encode("utf-8", "replace"))
    try:
        soup = BeautifulSoup(source, "html.parser")
    except (RecursionError, AssertionError, ValueError) as broken:
        raise UnreadableDocument(BROKEN) from broken
    # Before anything walks the tree: much of that work grows with the square of its depth.
    depths = {id(soup): 0}
    for tag in soup.find_all(True):
        depth = depths[id(tag.parent)] + 1
        depths[id(tag)] = depth
        if depth > DEEPEST:
            raise UnreadableDocument(TOO_DEEP)
    return soup


def text_sizes(root: Tag) -> dict[int, int]:
    """How many characters of text each element holds, by the element's id()."""
    sizes: dict[int, int] = {}
    for node in reversed(list(root.descendants)):
        size = sizes.get(id(node), 0) if isinstance(node, Tag) else 0
        if isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            size = len(node)
        sizes[id(node.parent)] = sizes.get(id(node.parent), 0) + size
    return sizes


def is_layout(table: Tag, rows: Sequence[Sequence[Tag]]) -> bool:
    """Whether the table only puts things in their place on the page."""
    if str(table.get("role") or "").lower() in ("presentation", "none"):
        return True
    if any(
        cell.find(["table", *HEADINGS]) is not None or len(cell.find_all("p")) > 3
        for row in rows
        for cell in row
    ):
        return True
    has_head = any(cell.name == "th" for row in rows for cell in row)
    return not has_head and (max((len(row) for row in rows), default=0) <= 1 or len(rows) == 1)


def is_head_row(row: Tag, cells: Sequence[Tag]) -> bool:
    if isinstance(row.parent, Tag) and row.parent.name == "thead":
        return bool(cells)
    if len(cells) < 2 or cells[-1].name != "th":
        return False
    # An empty corner is often written as an ordinary cell.
    return all(cell.name == "th" or not cell.get_text(strip=True) for cell in cells)


def is_bold(rows: Sequence[Sequence[Tag]]) -> bool:
    cells = [cell for row in rows for cell in row if cell.get_text(strip=True)]
    return bool(cells) and all(
        (bold := cell.find(["b", "strong"])) is not None
        and len(bold.get_text(strip=True)) >= 0.9 * len(cell.get_text(strip=True))
        for cell in cells
    )


def own_rows(table: Tag) -> Iterator[Tag]:
    """The table's own rows, without those of tables in it; a foot that is written first comes last."""
    feet: list[Tag] = []
    for child in table.children:
        if not isinstance(child, Tag):
            continue
        if child.name == "tr":
            yield child
        elif child.name == "tfoot":
            feet.append(child)
        elif child.name in ("thead", "tbody", "form", "font", "center"):
            yield from own_rows(child)
    for foot in feet:
        yield from own_rows(foot)


def own_cells(row: Tag) -> list[Tag]:
    return [cell for cell in row.children if isinstance(cell, Tag) and cell.name in ("td", "th")]


def nested_lists(item: Tag) -> list[Tag]:
    """Lists in an item, however they are wrapped, without the lists in those."""
    return [
        found
        for found in item.find_all(["ul", "ol"])
        if isinstance(found, Tag)
        and next((parent for parent in found.parents if parent is item or parent.name in ("ul", "ol")), None)
        is item
    ]


def definition_parts(tag: Tag) -> Iterator[Tag]:
    for child in tag.children:
        if isinstance(child, Tag):
            if child.name in ("dt", "dd"):
                yield child
            elif child.name in ("div", "section", "span"):
                yield from definition_parts(child)


def is_of_page(tag: Tag, root: Tag) -> bool:
    """Whether a header or footer belongs to the page, not to an article or section in it."""
    for parent in tag.parents:
        if parent is root:
            return True
        if parent.name in ("article", "section", "main", "blockquote", "figure"):
            return False
    return True


def link_share(tag: Tag) -> float:
    whole = len(tag.get_text(strip=True))
    linked = sum(len(link.get_text(strip=True)) for link in tag.find_all("a"))
    return linked / whole if whole else 1.0


def tokens_of(value: object) -> list[str]:
    if isinstance(value, str):
        return value.split()
    return [str(one) for one in value] if isinstance(value, list) else []


def integer_of(value: object, default: int) -> int:
    text = str(value or "").strip()
    sign = -1 if text.startswith("-") else 1
    digits = text.lstrip("+-")
    return sign * int(digits[:9]) if digits.isascii() and digits.isdigit() else default
