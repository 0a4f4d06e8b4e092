"""imsmanifest.xml: the table of contents of Common Cartridges, SCORM packages and plain IMS content packages.

Namespaces differ by version and vendor (CC 1.0 to 1.3, SCORM 1.2 and 2004, thin cartridges); local names do not.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.etree.ElementTree import Element

from retrieval.parsing.archive import Archive, MemberUnreadable
from retrieval.parsing.document import ParsedDocument, UnreadableDocument
from retrieval.parsing.gathering import Reading
from retrieval.parsing.visibility import STAFF_ONLY, is_no, is_yes
from retrieval.parsing.xmltree import (
    BrokenXml,
    attribute,
    child,
    children,
    descendants,
    name_of,
    parse_xml,
    text_of,
)

_FOR_LEARNERS = {"learner", "student"}
HIDDEN = "hidden in the course"


@dataclass(frozen=True)
class Item:
    """An entry of the table of contents. ``why_hidden`` is empty for what learners see."""

    identifier: str
    title: str
    reference: str
    why_hidden: str
    items: tuple[Item, ...] = ()
    parameters: str = ""


@dataclass(frozen=True)
class Resource:
    """``href`` and ``files``: member paths as the manifest writes them, with its bases in front."""

    identifier: str
    kind: str
    href: str
    files: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    variant_of: str = ""
    why_hidden: str = ""


@dataclass
class Manifest:
    title: str = ""
    language: str = "und"
    is_scorm: bool = False
    items: list[Item] = field(default_factory=list)
    resources: dict[str, Resource] = field(default_factory=dict)


def read_manifest_package(archive: Archive, folder: str, reading: Reading) -> ParsedDocument:
    """A SCORM package, a Common Cartridge or a plain content package. Raises UnreadableDocument."""
    try:
        manifest = read_manifest(archive.read(f"{folder}imsmanifest.xml"), folder)
    except (BrokenXml, MemberUnreadable) as broken:
        raise UnreadableDocument(
            "The package's table of contents (imsmanifest.xml) is damaged. Export the course again and upload that."
        ) from broken
    if any(one.kind.startswith("resource/x-bb-") for one in manifest.resources.values()):
        raise UnreadableDocument(
            "That is Blackboard's own archive. In Blackboard export the course as a Common Cartridge and upload that."
        )
    if manifest.is_scorm:
        from retrieval.parsing.scorm import read_scorm

        return read_scorm(archive, folder, manifest, reading)
    from retrieval.parsing.cartridge import read_cartridge

    return read_cartridge(archive, folder, manifest, reading)


def read_manifest(data: bytes, folder: str = "") -> Manifest:
    """``folder``: where the manifest stands in the archive. Raises BrokenXml."""
    root = parse_xml(data, doctype=True)
    manifest = Manifest()
    _take(root, folder, manifest)
    return manifest


def _take(root: Element, base: str, manifest: Manifest) -> None:
    base = _based(base, root)
    metadata = child(root, "metadata")
    schema = " ".join(text_of(one) for one in descendants(root, "schema")).lower()
    manifest.is_scorm = (
        manifest.is_scorm
        or "scorm" in schema
        or any(attribute(one, "scormtype") for one in descendants(root, "resource"))
    )
    organizations = child(root, "organizations")
    chosen = _chosen(organizations)
    for organization in chosen:
        entries = [_item(one, "") for one in children(organization, "item")]
        title = text_of(organization, "title")
        if not manifest.title:
            manifest.title = title
        manifest.items += entries
    manifest.title = _lom_title(metadata) or manifest.title
    if metadata is not None and (language := next(descendants(metadata, "language"), None)) is not None:
        manifest.language = text_of(language).partition("-")[0].lower()[:3] or "und"
    for resources in children(root, "resources"):
        where = _based(base, resources)
        for one in children(resources, "resource"):
            resource = _resource(one, where)
            manifest.resources.setdefault(resource.identifier, resource)
    # SCORM 2004 before its 4th edition: whole manifests inside.
    for inner in children(root, "manifest"):
        _take(inner, base, manifest)


def _chosen(organizations: Element | None) -> list[Element]:
    """The default organisation first; the others hold the same parts in another order, or parts of their own."""
    if organizations is None:
        return []
    every = list(children(organizations, "organization"))
    default = attribute(organizations, "default")
    return sorted(every, key=lambda one: attribute(one, "identifier") != default)


def _based(base: str, element: Element) -> str:
    own = next(
        (value for key, value in element.attrib.items() if key.endswith("}base") or key == "xml:base"), ""
    )
    return posixpath.join(base, own) if own and not own.startswith(("http:", "https:", "/")) else base


def _item(element: Element, why_hidden: str) -> Item:
    why = why_hidden or _why_hidden(element)
    return Item(
        attribute(element, "identifier"),
        text_of(element, "title"),
        attribute(element, "identifierref"),
        why,
        tuple(_item(one, why) for one in children(element, "item")),
        attribute(element, "parameters"),
    )


def _resource(element: Element, base: str) -> Resource:
    where = _based(base, element)

    def path(href: str) -> str:
        return posixpath.join(where, href) if href and "://" not in href else ""

    variant = next(descendants(element, "variant"), None)
    return Resource(
        attribute(element, "identifier"),
        attribute(element, "type").lower(),
        path(attribute(element, "href")),
        tuple(path(href) for one in children(element, "file") if (href := attribute(one, "href"))),
        tuple(attribute(one, "identifierref") for one in children(element, "dependency")),
        attribute(variant, "identifierref") if variant is not None else "",
        _why_hidden(element),
    )


def _why_hidden(element: Element) -> str:
    """What an item's or a resource's own attributes and metadata say."""
    if is_no(attribute(element, "isvisible")) or is_no(attribute(element, "visible")):
        return HIDDEN
    if is_yes(attribute(element, "hidden")) or is_yes(attribute(element, "ishidden")):
        return HIDDEN
    if attribute(element, "intendeduse").lower() in ("lessonplan", "instructor", "instructor-only"):
        return STAFF_ONLY
    if is_yes(attribute(element, "protected")):
        return "protected: only people with an authorisation may see it"
    roles = {one for metadata in children(element, "metadata") for one in _roles(metadata)}
    if roles and not roles & _FOR_LEARNERS:
        return STAFF_ONLY
    return ""


def _roles(metadata: Element) -> Iterator[str]:
    for role in descendants(metadata, "intendedenduserrole"):
        values = [text_of(one) for one in descendants(role, "value")] or [text_of(role)]
        yield from (value.strip().lower() for value in values if value.strip())


def _lom_title(metadata: Element | None) -> str:
    if metadata is None:
        return ""
    for general in descendants(metadata, "general"):
        title = child(general, "title")
        if title is None:
            continue
        for one in title:
            if name_of(one) in ("string", "langstring") and text_of(one):
                return text_of(one)
        return text_of(title)
    return ""
