"""SCORM 1.2 and 2004: the pages that the table of contents launches, and those that they lead to.

A page's text is read; scripts and their data never are, which is where authoring tools keep questions and answer keys.
What an authoring tool keeps in scripts only (Storyline, Rise) cannot be read at all, and the report says so.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from pathlib import PurePosixPath
from urllib.parse import unquote, urlsplit

from retrieval.parsing.archive import Archive, MemberUnreadable
from retrieval.parsing.document import ParsedDocument
from retrieval.parsing.gathering import Gathering, Reading, html_title, why_page_is_a_test
from retrieval.parsing.manifest import Item, Manifest
from retrieval.parsing.visibility import A_TEST, is_called_a_test, why_not_for_learners

_LINK = re.compile(
    r"<(?:a|area|frame|iframe)\b[^>]*?\s(?:href|src)\s*=\s*(?:\"([^\"]*)\"|'([^']*)'|([^\s\"'>]+))",
    re.IGNORECASE,
)
_MOST_LINKED = 500
_PAGE_ENDINGS = (".html", ".htm", ".xhtml")
_DOCUMENT_ENDINGS = (".pdf", ".docx", ".pptx", ".txt", ".md", ".vtt", ".srt")
_QUESTIONS = re.compile(r"\b(?:quiz|test|exam|questions?|assessment)", re.IGNORECASE)


def read_scorm(archive: Archive, folder: str, manifest: Manifest, reading: Reading) -> ParsedDocument:
    """Raises UnreadableDocument when no page holds text."""
    return _Scorm(archive, folder, manifest, reading).read()


class _Scorm:
    def __init__(self, archive: Archive, folder: str, manifest: Manifest, reading: Reading) -> None:
        self.archive = archive
        self.folder = folder
        self.manifest = manifest
        self.gathering = Gathering(archive, reading)
        # Pages that the table of contents launches itself: a link to one of them must not read it under another title.
        self.launched: set[str] = set()
        self.left_out: set[str] = set()

    def read(self) -> ParsedDocument:
        items = self.manifest.items
        for item in items:
            self._plan(item)
        # The title of the whole stands on every page anyway; as a heading it would say nothing.
        while (
            len(items) == 1
            and items[0].items
            and not (items[0].reference or items[0].why_hidden)
            and items[0].title in ("", self.manifest.title)
        ):
            items = list(items[0].items)
        for item in items:
            self._item(item, ())
        for name in self.archive.names:
            if name.startswith(self.folder):
                self.gathering.pass_over(name)
        return self.gathering.document(self.manifest.title, self.manifest.language, kind="The SCORM package")

    def _plan(self, item: Item) -> None:
        resource = self.manifest.resources.get(item.reference)
        if resource is not None and (name := self.archive.find(_path(resource.href))) is not None:
            if self._why_out(item):
                self.left_out.add(name)
            else:
                self.launched.add(name)
        for one in item.items:
            self._plan(one)

    def _why_out(self, item: Item) -> str:
        if why := item.why_hidden or why_not_for_learners(item.title):
            return why
        asks = is_called_a_test(item.title) or (
            bool(item.parameters) and bool(_QUESTIONS.search(item.parameters))
        )
        return A_TEST if asks else ""

    def _item(self, item: Item, headings: tuple[str, ...]) -> None:
        if why := self._why_out(item):
            self._leave_out_tree(item, headings, why)
            return
        resource = self.manifest.resources.get(item.reference)
        below = (*headings, item.title) if item.title else headings
        if resource is not None:
            if resource.why_hidden:
                self.gathering.leave_out(" > ".join(below), resource.why_hidden)
            else:
                self._pages([_path(resource.href), *resource.files], headings, item.title)
        for one in item.items:
            self._item(one, below)

    def _leave_out_tree(self, item: Item, headings: tuple[str, ...], why: str) -> None:
        self.gathering.leave_out(" > ".join((*headings, item.title or item.identifier)), why)
        pending = [item]
        while pending:
            one = pending.pop()
            pending += one.items
            resource = self.manifest.resources.get(one.reference)
            for path in () if resource is None else (_path(resource.href), *resource.files):
                name = self.archive.find(path) if path else None
                if name is not None and name not in self.launched:
                    self.gathering.mark_seen(name)

    def _pages(self, paths: Sequence[str], headings: tuple[str, ...], title: str) -> None:
        """The launched page under the item's title; its other files and linked pages below that, by their own titles."""
        names = [
            name for path in dict.fromkeys(paths) if path and (name := self.archive.find(path)) is not None
        ]
        below = (*headings, title) if title else headings
        pending = list(names)
        taken: set[str] = set()
        while pending and len(taken) < _MOST_LINKED:
            name = pending.pop(0)
            if name in taken or name in self.left_out:
                continue
            taken.add(name)
            is_first = bool(names) and name == names[0]
            if not is_first and name in self.launched:
                continue  # an item of its own leads to it
            ending = PurePosixPath(name.lower()).suffix
            if ending in _PAGE_ENDINGS:
                links = self._page(name, headings if is_first else below, title if is_first else "")
                pending = [*links, *pending]
            elif ending in _DOCUMENT_ENDINGS and not self.gathering.seen(name):
                self.gathering.member(name, headings if is_first else below, title=title if is_first else "")

    def _page(self, name: str, headings: tuple[str, ...], title: str) -> list[str]:
        """Reads a page, if nobody has, and returns the pages of the package that it links to."""
        if self.gathering.seen(name):
            return []
        try:
            source = self.archive.read(name).decode("utf-8", "replace")
        except MemberUnreadable as problem:
            self.gathering.mark_seen(name)
            self.gathering.leave_out(name, str(problem))
            return []
        if why := why_page_is_a_test(source, name, html_title(source)):
            self.gathering.mark_seen(name)
            self.gathering.leave_out(name, why)
            return []
        self.gathering.member(name, headings, title=title)
        linked: list[str] = []
        here = posixpath.dirname(name)
        for match in _LINK.finditer(source):
            target = _path(next(part for part in (*match.groups(), "") if part is not None))
            if target.lower().endswith((*_PAGE_ENDINGS, *_DOCUMENT_ENDINGS)):
                found = self.archive.find(posixpath.join(here, target))
                if found is not None and found.startswith(self.folder):
                    linked.append(found)
        return linked


def _path(reference: str) -> str:
    """A link's path without query and fragment; empty for one that leads out of the package."""
    try:
        parts = urlsplit(reference)
    except ValueError:
        return ""
    if parts.scheme or parts.netloc or parts.path.startswith("/"):
        return ""
    return unquote(parts.path)
