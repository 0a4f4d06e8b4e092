"""Common Cartridge (1.0 to 1.3, thin ones too) with the extensions that Canvas writes, and plain IMS content packages.

The table of contents leads; what is no part of it (pages of a wiki, files) follows. Tests and question banks are never
read, and whatever a teacher has hidden, locked, not published or marked for instructors is left out and listed.
"""

from __future__ import annotations

import posixpath
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePosixPath
from xml.etree.ElementTree import Element

from retrieval.parsing.archive import Archive, MemberUnreadable
from retrieval.parsing.document import ParsedDocument
from retrieval.parsing.gathering import Gathering, Reading, html_meta, html_title
from retrieval.parsing.manifest import HIDDEN, Item, Manifest, Resource
from retrieval.parsing.visibility import A_TEST, is_yes, moment, why_not_for_learners
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

NOT_PUBLISHED = "not published"
LOCKED = "locked"
SOME_ONLY = "assigned to some learners only"
_SETTINGS = "course_settings/"
_TESTS = ("qti", "assessment", "question-bank", "questionbank", "quiz", "x-bb-asmt", "x-bb-pool")
_PAGE_ENDINGS = (".html", ".htm", ".xhtml")


@dataclass
class _CanvasFlags:
    """What Canvas notes beside the manifest. Each maps an identifier to why learners do not see it."""

    modules: dict[str, str] = field(default_factory=dict)
    items: dict[str, str] = field(default_factory=dict)
    resources: dict[str, str] = field(default_factory=dict)
    folders: list[tuple[str, str]] = field(default_factory=list)


def read_cartridge(archive: Archive, folder: str, manifest: Manifest, reading: Reading) -> ParsedDocument:
    """Raises UnreadableDocument when nothing is left that learners can see."""
    return _Cartridge(archive, folder, manifest, reading).read()


class _Cartridge:
    def __init__(self, archive: Archive, folder: str, manifest: Manifest, reading: Reading) -> None:
        self.archive = archive
        self.folder = folder
        self.manifest = manifest
        self.now = reading.now
        self.gathering = Gathering(archive, reading)
        self.flags = self._canvas_flags()
        self.hidden = self._hidden_resources()
        self._done: set[str] = set()

    def read(self) -> ParsedDocument:
        items: Sequence[Item] = self.manifest.items
        # The root of the tree has no title of its own ("LearningModules").
        while len(items) == 1 and not items[0].title and items[0].items:
            items = items[0].items
        for item in items:
            self._item(item, ())
        for resource in list(self.manifest.resources.values()):
            self._resource(resource, (), "")
        for name in self.archive.names:
            if name.startswith(self.folder):
                self.gathering.pass_over(name)
        return self.gathering.document(self.manifest.title, self.manifest.language, kind="The cartridge")

    # What learners do not see

    def _canvas_flags(self) -> _CanvasFlags:
        flags = _CanvasFlags()
        if (modules := self._xml(f"{self.folder}{_SETTINGS}module_meta.xml")) is not None:
            for module in descendants(modules, "module"):
                if why := self._why_hidden(module):
                    flags.modules[attribute(module, "identifier")] = why
                for item in descendants(module, "item"):
                    if why := self._why_hidden(item):
                        flags.items[attribute(item, "identifier")] = why
                        flags.resources[text_of(item, "identifierref")] = why
        if (files := self._xml(f"{self.folder}{_SETTINGS}files_meta.xml")) is not None:
            for file in descendants(files, "file"):
                if why := self._why_hidden(file):
                    flags.resources[attribute(file, "identifier")] = why
            for one in descendants(files, "folder"):
                if why := self._why_hidden(one):
                    path = attribute(one, "path").strip("/")
                    flags.folders.append((f"{self.folder}web_resources/{path}/", why))
        return flags

    def _why_hidden(self, element: Element) -> str:
        """What Canvas's own elements below this one say."""
        state = text_of(element, "workflow_state").lower()
        if state in ("unpublished", "deleted", "post_delayed", "draft"):
            return NOT_PUBLISHED
        if is_yes(text_of(element, "hidden")) or text_of(element, "visibility_level") == "inherit_hidden":
            return HIDDEN
        # A discussion that is locked takes no more posts; what it says is still shown.
        if is_yes(text_of(element, "locked")) and name_of(element) != "topicmeta":
            return LOCKED
        if is_yes(text_of(element, "only_visible_to_overrides")):
            return SOME_ONLY
        for name in ("unlock_at", "delayed_post_at", "publish_at", "available_from"):
            if why := _not_before(text_of(element, name), self.now):
                return why
        return ""

    def _hidden_resources(self) -> dict[str, str]:
        """Resources that no learner sees: by their own flags, or because they stand under hidden items only."""
        shown: set[str] = set()
        hidden: dict[str, str] = {}

        def walk(items: Sequence[Item], above: str) -> None:
            for item in items:
                own = item.why_hidden or self.flags.items.get(item.identifier, "")
                why = above or own or self.flags.modules.get(item.identifier, "")
                if item.reference:
                    if why:
                        hidden.setdefault(item.reference, why)
                    else:
                        shown.add(item.reference)
                walk(item.items, why)

        walk(self.manifest.items, "")
        hidden = {reference: why for reference, why in hidden.items() if reference not in shown}
        hidden |= self.flags.resources
        for resource in self.manifest.resources.values():
            if resource.why_hidden:
                hidden[resource.identifier] = resource.why_hidden
            if any(word in resource.kind for word in _TESTS):
                hidden[resource.identifier] = A_TEST
            elif why := self._settings_beside(resource):
                hidden[resource.identifier] = why
        # What belongs to a hidden part goes with it: a fallback page, the files of a test.
        for resource in self.manifest.resources.values():
            if resource.variant_of in hidden:
                hidden.setdefault(resource.identifier, hidden[resource.variant_of])
            if resource.identifier in hidden:
                for needed in resource.depends_on:
                    if needed not in shown and self._used_by_hidden_only(needed, hidden):
                        hidden.setdefault(needed, hidden[resource.identifier])
                if resource.variant_of and resource.variant_of not in shown:
                    hidden.setdefault(resource.variant_of, hidden[resource.identifier])
        return hidden

    def _used_by_hidden_only(self, identifier: str, hidden: dict[str, str]) -> bool:
        return all(
            one.identifier in hidden
            for one in self.manifest.resources.values()
            if identifier in one.depends_on
        )

    def _settings_beside(self, resource: Resource) -> str:
        """A page's settings stand in an XML file of the same resource, or of one that it depends on."""
        related = [
            *resource.files,
            *(
                path
                for needed in resource.depends_on
                if (other := self.manifest.resources.get(needed)) is not None
                for path in (*other.files, other.href)
            ),
        ]
        for path in related:
            if not path.lower().endswith(".xml"):
                continue
            root = self._xml(path)
            if root is None or name_of(root) not in ("assignment", "topicmeta", "quiz", "page", "topic"):
                continue
            if name_of(root) == "quiz":
                return A_TEST
            settings = [root, *(one for one in descendants(root, "assignment") if one is not root)]
            for element in settings:
                if why := self._why_hidden(element):
                    return why
        return ""

    # Content

    def _item(self, item: Item, headings: tuple[str, ...]) -> None:
        why = (
            item.why_hidden
            or self.flags.modules.get(item.identifier)
            or self.flags.items.get(item.identifier)
        )
        why = why or why_not_for_learners(item.title)
        if why:
            self._leave_out_tree(item, headings, why)
            return
        resource = self.manifest.resources.get(item.reference)
        if resource is not None:
            self._resource(resource, headings, item.title)
        below = (*headings, item.title) if item.title else headings
        for one in item.items:
            self._item(one, below)

    def _leave_out_tree(self, item: Item, headings: tuple[str, ...], why: str) -> None:
        path = (*headings, item.title or item.identifier)
        self.gathering.leave_out(" > ".join(path), why)
        for reference in _references(item):
            # Unless another, visible item leads to the same part.
            if reference in self.hidden or why_not_for_learners(item.title):
                self._done.add(reference)
                self.hidden.setdefault(reference, why)
                self._mark_files(reference)

    def _mark_files(self, reference: str) -> None:
        resource = self.manifest.resources.get(reference)
        if resource is not None:
            for path in (resource.href, *resource.files):
                if path and (name := self.archive.find(path)) is not None:
                    self.gathering.mark_seen(name)

    def _resource(self, resource: Resource, headings: tuple[str, ...], title: str) -> None:
        if resource.identifier in self._done:
            return
        self._done.add(resource.identifier)
        names = [
            name
            for path in dict.fromkeys((resource.href, *resource.files))
            if path and (name := self.archive.find(path)) is not None
        ]
        if why := self.hidden.get(resource.identifier):
            shown = title or (names[0] if names else resource.identifier)
            self.gathering.leave_out(" > ".join((*headings, shown)), why)
            self._mark_files(resource.identifier)
            return
        if resource.variant_of:
            preferred = self.manifest.resources.get(resource.variant_of)
            if preferred is not None and preferred.kind.startswith(("assignment", "webcontent")):
                self._resource(preferred, headings, title)
                self._mark_files(resource.identifier)
                return
        for name in names:
            self._file(resource, name, headings, title)

    def _file(self, resource: Resource, name: str, headings: tuple[str, ...], title: str) -> None:
        if self.gathering.seen(name):
            return
        inside = name[len(self.folder) :]
        if inside.startswith(_SETTINGS) and not inside.endswith(_PAGE_ENDINGS):
            self.gathering.pass_over(name)
            return
        for start, why in self.flags.folders:
            if name.startswith(start):
                self.gathering.mark_seen(name)
                self.gathering.leave_out(name, why)
                return
        ending = PurePosixPath(name.lower()).suffix
        if ending in _PAGE_ENDINGS:
            self._page(name, headings, title)
        elif ending == ".xml":
            self._xml_part(name, headings, title)
        else:
            folders = () if headings or title else _folders(inside)
            self.gathering.member(name, (*folders, *headings), title=title, named_tests_out=False)

    def _page(self, name: str, headings: tuple[str, ...], title: str) -> None:
        try:
            source = self.archive.read(name).decode("utf-8", "replace")
        except MemberUnreadable as problem:
            self.gathering.mark_seen(name)
            self.gathering.leave_out(name, str(problem))
            return
        meta = html_meta(source)
        why = ""
        if meta.get("workflow_state", "").lower() in ("unpublished", "deleted", "draft"):
            why = NOT_PUBLISHED
        elif is_yes(meta.get("hidden")) or is_yes(meta.get("hide_from_students")):
            why = HIDDEN
        elif is_yes(meta.get("only_visible_to_overrides")):
            why = SOME_ONLY
        why = (
            why
            or _not_before(meta.get("publish_at", ""), self.now)
            or _not_before(meta.get("unlock_at", ""), self.now)
        )
        if why:
            self.gathering.mark_seen(name)
            self.gathering.leave_out(name, why)
            return
        self.gathering.member(name, headings, title=title or html_title(source), named_tests_out=False)

    def _xml_part(self, name: str, headings: tuple[str, ...], title: str) -> None:
        """A discussion, an assignment or a web link; other XML is settings."""
        root = self._xml(name)
        kind = name_of(root) if root is not None else ""
        if root is None or kind not in ("topic", "assignment", "weblink", "wl"):
            self.gathering.pass_over(name)
            if kind == "cartridge_basiclti_link":
                self.gathering.leave_out(title or name, "an external tool: its content is not in the package")
            return
        self.gathering.mark_seen(name)
        own = title or text_of(root, "title")
        why = self._why_hidden(root) or why_not_for_learners(own)
        if why:
            self.gathering.leave_out(name, why)
            return
        leading = (*headings, own) if own else headings
        if kind in ("weblink", "wl"):
            url = child(root, "url")
            address = (attribute(url, "href") or text_of(url)) if url is not None else ""
            if address.startswith(("http://", "https://")):
                self.gathering.text(f"{own}: {address}" if own else address, leading, name)
            return
        # "instructor_text" is for teachers; only the text itself is read.
        for text in children(root, "text"):
            if attribute(text, "texttype").lower() == "text/plain":
                self.gathering.text(text_of(text), leading, name)
            else:
                self.gathering.html(text_of(text), leading, name)
        for attachment in descendants(root, "attachment"):
            if is_yes(attribute(attachment, "hidden")) or attribute(attachment, "role").lower() in (
                "instructor",
                "teacher",
            ):
                continue
            path = posixpath.join(posixpath.dirname(name), attribute(attachment, "href"))
            if (found := self.archive.find(path)) is not None and not self.gathering.seen(found):
                self.gathering.member(found, leading, named_tests_out=False)

    def _xml(self, path: str) -> Element | None:
        name = self.archive.find(path)
        if name is None:
            return None
        try:
            return parse_xml(self.archive.read(name))
        except (BrokenXml, MemberUnreadable):
            return None


def _references(item: Item) -> list[str]:
    found = [item.reference] if item.reference else []
    for one in item.items:
        found += _references(one)
    return found


def _folders(inside: str) -> tuple[str, ...]:
    """The folders of a file that no module leads to, as headings; the cartridge's own top folder says nothing."""
    folders = PurePosixPath(inside).parts[:-1]
    return folders[1:] if folders and folders[0] in ("web_resources", "wiki_content", "resources") else ()


def _not_before(value: str, now: datetime) -> str:
    when = moment(value)
    return f"not open before {when:%Y-%m-%d}" if when is not None and when > now else ""
