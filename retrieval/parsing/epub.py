"""EPUB 2 and 3: the chapters in reading order, under the titles of the book's own table of contents."""

from __future__ import annotations

import posixpath
import re
from itertools import takewhile
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from retrieval.parsing.archive import Archive, MemberUnreadable
from retrieval.parsing.document import ParsedDocument, UnreadableDocument
from retrieval.parsing.gathering import Gathering, Reading
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

_DAMAGED = "The EPUB is damaged. Export it again from where it was made, or upload the PDF."
_PAGES = ("application/xhtml+xml", "text/html", "application/x-dtbook+xml")
# The number of a printed page, in the middle of a sentence.
_PAGE_BREAK = re.compile(
    r"<(span|div|a)\b[^>]*(?:type=[\"'][^\"']*\bpagebreak\b|role=[\"']doc-pagebreak\b)[^>]*(?:/>|>[^<]{0,20}</\1\s*>)",
    re.IGNORECASE,
)
_FORMULA = re.compile(r"<((?:\w{1,8}:)?math)\b(?:[^<]|<(?!/\1\b))*</\1\s*>", re.IGNORECASE)
_Entries = dict[str, list[tuple[str, tuple[str, ...]]]]
"""For each file of the book the entries of the table of contents that lead into it: fragment, path of titles."""
# Fonts may be scrambled in a book that is otherwise open.
_FONT_SCRAMBLING = ("http://www.idpf.org/2008/embedding", "http://ns.adobe.com/pdf/enc#RC")


def read_epub(archive: Archive, folder: str, reading: Reading) -> ParsedDocument:
    """Raises UnreadableDocument for a damaged or protected book."""
    try:
        container = parse_xml(archive.read(f"{folder}META-INF/container.xml"), doctype=True)
        rootfile = next(descendants(container, "rootfile"), None)
        opf = archive.find(folder + attribute(rootfile, "full-path")) if rootfile is not None else None
        if opf is None:
            raise UnreadableDocument(_DAMAGED)
        package = parse_xml(archive.read(opf), doctype=True)
    except (BrokenXml, MemberUnreadable) as broken:
        raise UnreadableDocument(_DAMAGED) from broken
    _refuse_protected(archive, folder)
    return _Book(archive, folder, opf, package, reading).read()


class _Book:
    def __init__(self, archive: Archive, folder: str, opf: str, package: Element, reading: Reading) -> None:
        self.archive = archive
        self.folder = folder
        self.base = posixpath.dirname(opf)
        self.package = package
        self.gathering = Gathering(archive, reading)
        manifest = child(package, "manifest")
        self.items = (
            {attribute(one, "id"): one for one in children(manifest, "item")} if manifest is not None else {}
        )

    def read(self) -> ParsedDocument:
        metadata = child(self.package, "metadata")
        titles = [text_of(one) for one in descendants(metadata, "title")] if metadata is not None else []
        language = (
            next((text_of(one) for one in descendants(metadata, "language")), "")
            if metadata is not None
            else ""
        )
        spine = child(self.package, "spine")
        if spine is None:
            raise UnreadableDocument(_DAMAGED)
        titles_of = self._titles(attribute(spine, "toc"))
        above: tuple[str, ...] = ()
        for reference in children(spine, "itemref"):
            item = self.items.get(attribute(reference, "idref"))
            if item is None:
                continue
            name = self.archive.find(posixpath.join(self.base, unquote(attribute(item, "href"))))
            if name is None:
                self.gathering.leave_out(attribute(item, "href"), "it is not in the package")
            elif attribute(reference, "linear").lower() == "no":
                self.gathering.mark_seen(name)
                self.gathering.leave_out(name, "it stands outside the reading order")
            elif "nav" in attribute(item, "properties").split():
                self.gathering.mark_seen(name)  # the table of contents
            elif not attribute(item, "media-type") or attribute(item, "media-type") in _PAGES:
                # A chapter that was split over several files goes on under its title.
                above = titles_of.get(name, above)
                self._chapter(name, above)
        for name in self.archive.names:
            if name.startswith(self.folder):
                self.gathering.pass_over(name)
        title = next((one for one in titles if one), "")
        return self.gathering.document(
            title, language.partition("-")[0].lower()[:3] or "und", kind="The EPUB"
        )

    def _chapter(self, name: str, headings: tuple[str, ...]) -> None:
        self.gathering.mark_seen(name)
        try:
            source = self.archive.read(name).decode("utf-8-sig", "replace")
        except MemberUnreadable as problem:
            self.gathering.leave_out(name, str(problem))
            return
        # Formulas are no text, and a textbook holds hundreds of thousands of their elements.
        source = _FORMULA.sub(" ", _PAGE_BREAK.sub("", source))
        self.gathering.html(source, headings, name)
        self.gathering.counts["chapters"] += 1

    def _titles(self, ncx_id: str) -> dict[str, tuple[str, ...]]:
        """The path of titles for each file: EPUB 3's nav document, else EPUB 2's NCX. Empty where both are broken."""
        for item in self.items.values():
            if "nav" in attribute(item, "properties").split():
                root = self._xml(attribute(item, "href"))
                if root is not None and (found := self._nav(root, attribute(item, "href"))):
                    return found
        ncx = self.items.get(ncx_id) or next(
            (
                one
                for one in self.items.values()
                if attribute(one, "media-type") == "application/x-dtbncx+xml"
            ),
            None,
        )
        root = self._xml(attribute(ncx, "href")) if ncx is not None else None
        return self._ncx(root, attribute(ncx, "href")) if root is not None and ncx is not None else {}

    def _nav(self, root: Element, href: str) -> dict[str, tuple[str, ...]]:
        navs = list(descendants(root, "nav"))
        toc = next(
            (one for one in navs if "toc" in attribute(one, "type").split()), navs[0] if navs else None
        )
        found: _Entries = {}

        def walk(element: Element, path: tuple[str, ...]) -> None:
            for one in element:
                below = path
                if name_of(one) == "li":
                    label = next((part for part in one if name_of(part) in ("a", "span")), None)
                    if label is not None and (title := " ".join(text_of(label).split())):
                        below = (*path, title)
                        if name_of(label) == "a":
                            self._note(found, href, attribute(label, "href"), below)
                walk(one, below)

        if toc is not None:
            walk(toc, ())
        return _file_titles(found)

    def _ncx(self, root: Element, href: str) -> dict[str, tuple[str, ...]]:
        found: _Entries = {}

        def walk(element: Element, path: tuple[str, ...]) -> None:
            for point in children(element, "navpoint"):
                label = child(point, "navlabel")
                title = " ".join(text_of(label).split()) if label is not None else ""
                below = (*path, title) if title else path
                content = child(point, "content")
                if content is not None:
                    self._note(found, href, attribute(content, "src"), below)
                walk(point, below)

        for tree in descendants(root, "navmap"):
            walk(tree, ())
        return _file_titles(found)

    def _note(self, found: _Entries, href: str, target: str, path: tuple[str, ...]) -> None:
        file, _, fragment = target.partition("#")
        name = self.archive.find(posixpath.join(self.base, posixpath.dirname(href), unquote(file)))
        if name is not None:
            found.setdefault(name, []).append((fragment, path))

    def _xml(self, href: str) -> Element | None:
        name = self.archive.find(posixpath.join(self.base, unquote(href)))
        if name is None:
            return None
        try:
            return parse_xml(self.archive.read(name), doctype=True)
        except (BrokenXml, MemberUnreadable):
            return None


def _file_titles(entries: _Entries) -> dict[str, tuple[str, ...]]:
    """The path that all of a file holds. Where several entries lead into one file, its own headings tell them apart."""
    found = {}
    for name, listed in entries.items():
        whole = [path for fragment, path in listed if not fragment]
        paths = whole[:1] or [path for _, path in listed]
        found[name] = tuple(
            one[0] for one in takewhile(lambda one: len(set(one)) == 1, zip(*paths, strict=False))
        )
    return found


def _refuse_protected(archive: Archive, folder: str) -> None:
    name = f"{folder}META-INF/encryption.xml"
    protected = f"{folder}META-INF/rights.xml" in archive or f"{folder}META-INF/license.lcpl" in archive
    if name in archive:
        try:
            root = parse_xml(archive.read(name), doctype=True)
        except (BrokenXml, MemberUnreadable):
            protected = True
        else:
            methods = {attribute(one, "algorithm") for one in descendants(root, "encryptionmethod")}
            protected = protected or not methods <= set(_FONT_SCRAMBLING)
    if protected:
        raise UnreadableDocument("The EPUB is protected (DRM). Upload a copy without protection, or the PDF.")
