"""XML of strangers: no entities, no document type, no network; names without their namespaces."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException  # type: ignore[import-untyped]
from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

_DEEPEST = 400


class BrokenXml(Exception):
    """Not well-formed, or it declares entities or a document type, or it nests absurdly deep."""


def parse_xml(data: bytes | str, *, doctype: bool = False) -> Element:
    """The root element. ``doctype``: allow a plain ``<!DOCTYPE …>`` (old EPUB files have one); entities never.

    Raises BrokenXml.
    """
    try:
        root: Element = fromstring(data, forbid_dtd=not doctype, forbid_entities=True, forbid_external=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError, RecursionError) as broken:
        raise BrokenXml(type(broken).__name__) from broken
    pending = [(root, 0)]
    while pending:
        element, depth = pending.pop()
        if depth > _DEEPEST:
            raise BrokenXml("too deep")
        pending += [(child, depth + 1) for child in element]
    return root


def name_of(element: Element) -> str:
    """The tag without its namespace, in lower case."""
    tag = element.tag
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""


def attribute(element: Element, name: str) -> str:
    """The attribute's value whatever its namespace and capitals; empty when there is none."""
    for key, value in element.attrib.items():
        if key.rpartition("}")[2].lower() == name:
            return value.strip()
    return ""


def children(element: Element, name: str) -> Iterator[Element]:
    return (child for child in element if name_of(child) == name)


def child(element: Element | None, name: str) -> Element | None:
    return None if element is None else next(children(element, name), None)


def text_of(element: Element | None, name: str = "") -> str:
    """The text of the element, or of its first child of that name; "$@NULL@$" (Moodle) is empty."""
    if element is not None and name:
        element = child(element, name)
    if element is None:
        return ""
    text = "".join(element.itertext()).strip()
    return "" if text == "$@NULL@$" else text


def descendants(element: Element, name: str) -> Iterator[Element]:
    return (one for one in element.iter() if name_of(one) == name)
