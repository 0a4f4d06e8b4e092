"""Word's XML: properties and their values, the rows and cells of a table, the text of an element."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from retrieval.parsing.office import W, flag, local
from retrieval.parsing.unseen import Colour, hex_colour


def chosen_of(alternate: Any) -> Any:
    """One of the alternatives, not both: the same text box is written twice, for new and old programs."""
    choices = [child for child in alternate if local(child) in ("Choice", "Fallback")]
    return choices[0] if choices else None


def rows_of(table: Any) -> Iterator[Any]:
    for child in table:
        name = local(child)
        if name == "tr":
            yield child
        elif name in ("sdt", "sdtContent", "ins", "customXml"):
            yield from rows_of(child)


def cells_of(row: Any) -> list[Any]:
    found: list[Any] = []
    for child in row:
        name = local(child)
        if name == "tc":
            found.append(child)
        elif name in ("sdt", "sdtContent", "customXml", "ins"):
            found += cells_of(child)
    return found


def span_of(cell: Any) -> int:
    return max(1, min(64, whole_number(value_of(cell.find(f"{W}tcPr/{W}gridSpan")), 1)))


def columns_before(row: Any) -> int:
    return max(0, min(64, whole_number(value_of(row.find(f"{W}trPr/{W}gridBefore")), 0)))


def continues_above(cell: Any) -> bool:
    merged = cell.find(f"{W}tcPr/{W}vMerge")
    return merged is not None and (merged.get(f"{W}val") or "continue") == "continue"


def root_of(part: Any) -> Any:
    """The XML of a part, whether python-docx has parsed it or not."""
    element = getattr(part, "element", None)
    if element is not None:
        return element
    from docx.oxml.parser import parse_xml

    return parse_xml(part.blob)


def child_of(parent: Any, name: str) -> Any:
    return parent.find(f"{W}{name}") if parent is not None else None


def value_of(element: Any) -> str | None:
    return element.get(f"{W}val") if element is not None else None


def is_on(element: Any) -> bool:
    return element is not None and flag(value_of(element))


def shade_of(element: Any) -> Colour | None:
    if element is None:
        return None
    return hex_colour(element.get(f"{W}fill") or "")


def plain_text(element: Any) -> str:
    return "".join(text.text or "" for text in element.iter(f"{W}t"))


def whole_number(value: str | None, default: int = 0) -> int:
    try:
        return int(float(value)) if value else default
    except (ValueError, OverflowError):
        return default


def number_or(value: str | None, default: float) -> float:
    try:
        return float(value) if value else default
    except ValueError:
        return default
