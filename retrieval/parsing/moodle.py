"""Moodle backups (.mbz, Moodle 2 to 5): what a learner sees on the course page, section by section.

Pages, books, labels, glossaries, content pages of lessons, descriptions, and the files of resources and folders. Tests and
question banks, work and posts of people, and whatever is hidden or restricted is left out and listed.
"""

from __future__ import annotations

import json
import posixpath
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from xml.etree.ElementTree import Element

from retrieval.parsing.archive import Archive, MemberUnreadable
from retrieval.parsing.document import ParsedDocument, UnreadableDocument
from retrieval.parsing.gathering import Gathering, Reading
from retrieval.parsing.visibility import A_TEST, is_no, is_yes, moment, why_not_for_learners
from retrieval.parsing.xmltree import (
    BrokenXml,
    attribute,
    child,
    children,
    descendants,
    parse_xml,
    text_of,
)

HIDDEN = "hidden in the course"
IN_HIDDEN_SECTION = "it stands in a hidden section"
RESTRICTED = "access is restricted to some learners or to a later time"
_TESTS = frozenset(
    {
        "quiz", "qbank", "offlinequiz", "adaptivequiz", "realtimequiz", "game", "hotpot", "studentquiz",
        "kahoot",
    }
)  # fmt: skip
# (file area -> read) of the files that a learner can open from the activity.
_AREAS = frozenset(
    {
        "content", "intro", "introattachment", "activityattachment", "chapter", "attachment", "package",
        "entry", "page_contents",
    }
)  # fmt: skip
_PACKAGED = frozenset({"scorm", "h5pactivity", "imscp", "hvp"})
_LESSON_CONTENT = "20"
_MOST_TREE = 200


@dataclass
class _File:
    member: str
    path: str
    component: str
    area: str
    item: str


@dataclass
class _Section:
    identifier: str
    title: str
    number: int
    root: Element | None
    why_hidden: str = ""
    member: str = ""


@dataclass
class _Activity:
    module_id: str
    kind: str
    title: str
    folder: str
    section: str
    why_hidden: str = ""
    root: Element | None = None
    context: str = ""
    instance: str = ""
    files: list[_File] = field(default_factory=list)


def read_moodle(archive: Archive, folder: str, reading: Reading) -> ParsedDocument:
    """Raises UnreadableDocument when the backup is damaged or shows nothing to learners."""
    return _Backup(archive, folder, reading).read()


class _Backup:
    def __init__(self, archive: Archive, folder: str, reading: Reading) -> None:
        self.archive = archive
        self.folder = folder
        self.now = reading.now
        self.gathering = Gathering(archive, reading)
        root = self._xml("moodle_backup.xml")
        if root is None:
            raise UnreadableDocument(
                "The Moodle backup's table of contents (moodle_backup.xml) is damaged. Make the backup again and upload that."
            )
        self.information = child(root, "information")

    def read(self) -> ParsedDocument:
        course = self._xml("course/course.xml")
        title = text_of(self.information, "original_course_fullname") or text_of(course, "fullname")
        language = text_of(course, "lang").partition("_")[0].lower()
        if is_no(text_of(course, "visible")):
            self.gathering.remarks.append("The course itself was hidden when it was backed up.")
        sections = self._sections()
        activities = self._activities(sections)
        self._give_files(activities)
        summary = text_of(course, "summary")
        if summary:
            self.gathering.html(summary, (title,), f"{self.folder}course/course.xml")
        delegated = self._delegated(sections, activities)
        for section in sorted(sections.values(), key=lambda one: one.number):
            if section.identifier not in delegated:
                self._section(section, activities, sections, delegated, ())
        for activity in activities.values():
            if activity.section not in sections:
                self._activity(activity, (), activities, sections, delegated)
        for name in self.archive.names:
            if name.startswith(f"{self.folder}files/"):
                self.gathering.mark_seen(name)
            elif name.startswith(self.folder):
                self.gathering.pass_over(name)
        if any(name.startswith(f"{self.folder}questions") for name in self.archive.names):
            questions = self._xml("questions.xml")
            if questions is not None and next(descendants(questions, "question"), None) is not None:
                self.gathering.leave_out(f"{self.folder}questions.xml", "the question bank: " + A_TEST)
        return self.gathering.document(title, language[:3] or "und", kind="The Moodle backup")

    # The course page

    def _sections(self) -> dict[str, _Section]:
        found: dict[str, _Section] = {}
        for at, entry in enumerate(self._contents("sections", "section")):
            identifier = text_of(entry, "sectionid")
            folder = text_of(entry, "directory") or f"sections/section_{identifier}"
            member = f"{folder}/section.xml"
            root = self._xml(member)
            number = text_of(root, "number")
            section = _Section(
                identifier,
                text_of(root, "name") or _own_title(text_of(entry, "title")),
                int(number) if number.isdecimal() else at,
                root,
                member=f"{self.folder}{member}",
            )
            if root is None:
                # Whether it is hidden cannot be told.
                section.why_hidden = "its settings are damaged or missing"
            elif is_no(text_of(root, "visible")):
                section.why_hidden = HIDDEN
            elif why := self._restriction(root):
                section.why_hidden = why
            else:
                section.why_hidden = why_not_for_learners(section.title)
            found[identifier] = section
        return found

    def _contents(self, group: str, one: str) -> list[Element]:
        listed = child(child(self.information, "contents"), group)
        return list(children(listed, one)) if listed is not None else []

    def _activities(self, sections: dict[str, _Section]) -> dict[str, _Activity]:
        found: dict[str, _Activity] = {}
        for entry in self._contents("activities", "activity"):
            module_id = text_of(entry, "moduleid")
            kind = text_of(entry, "modulename").lower()
            folder = text_of(entry, "directory") or f"activities/{kind}_{module_id}"
            module = self._xml(f"{folder}/module.xml")
            root = self._xml(f"{folder}/{kind}.xml")
            activity = _Activity(
                module_id,
                kind,
                text_of(entry, "title"),
                folder,
                text_of(module, "sectionid") or text_of(entry, "sectionid"),
                root=root,
            )
            if root is not None:
                activity.context = attribute(root, "contextid")
                body = child(root, kind)
                if body is None:
                    body = next(iter(root), None)
                activity.instance = attribute(body, "id") if body is not None else ""
                activity.title = text_of(body, "name") or activity.title
            activity.why_hidden = self._why_hidden(activity, module, sections)
            found[module_id] = activity
        return found

    def _why_hidden(self, activity: _Activity, module: Element | None, sections: dict[str, _Section]) -> str:
        section = sections.get(activity.section)
        if section is not None and section.why_hidden:
            return IN_HIDDEN_SECTION
        if module is None:
            return "its settings are damaged or missing"
        if is_no(text_of(module, "visible")):
            return HIDDEN
        if is_no(text_of(module, "visibleoncoursepage")):
            return "not shown on the course page"
        if is_yes(text_of(module, "deletioninprogress")):
            return "deleted"
        if activity.kind in _TESTS:
            return A_TEST
        return self._restriction(module) or why_not_for_learners(activity.title)

    def _restriction(self, element: Element) -> str:
        """Why the availability settings keep the part from some learners; empty when all may see it now."""
        for name in ("availability", "availabilityjson"):
            if (written := text_of(element, name)) and not _open_to_all(written, self.now):
                return RESTRICTED
        # Before Moodle 2.7.
        starts, ends = moment(text_of(element, "availablefrom")), moment(text_of(element, "availableuntil"))
        if (starts is not None and starts > self.now) or (ends is not None and ends < self.now):
            return RESTRICTED
        if is_yes(text_of(element, "groupmembersonly")):
            return RESTRICTED
        information = child(element, "availability_info")
        if information is not None and next(descendants(information, "availability"), None) is not None:
            return RESTRICTED
        return ""

    def _delegated(self, sections: dict[str, _Section], activities: dict[str, _Activity]) -> dict[str, str]:
        """Sections that are shown inside another one (Moodle 4.5): section id -> id of the module that shows it."""
        shown: dict[str, str] = {}
        by_instance = {one.instance: one.module_id for one in activities.values() if one.kind == "subsection"}
        for section in sections.values():
            if text_of(section.root, "component") == "mod_subsection":
                shown[section.identifier] = by_instance.get(text_of(section.root, "itemid"), "")
        return shown

    def _section(
        self,
        section: _Section,
        activities: dict[str, _Activity],
        sections: dict[str, _Section],
        delegated: dict[str, str],
        headings: tuple[str, ...],
        above: str = "",
    ) -> None:
        below = (*headings, section.title) if section.title else headings
        inside = [one for one in activities.values() if one.section == section.identifier]
        why = above or section.why_hidden
        if why:
            self.gathering.leave_out(" > ".join(below) or f"section {section.number}", why)
            for activity in inside:
                self._leave_out(activity, below, IN_HIDDEN_SECTION)
                self._subsections(activity, activities, sections, delegated, below, IN_HIDDEN_SECTION)
            return
        if summary := text_of(section.root, "summary"):
            self.gathering.html(summary, below, section.member)
        order = {module: at for at, module in enumerate(text_of(section.root, "sequence").split(","))}
        for activity in sorted(inside, key=lambda one: order.get(one.module_id, len(order))):
            self._activity(activity, below, activities, sections, delegated)

    def _subsections(
        self,
        activity: _Activity,
        activities: dict[str, _Activity],
        sections: dict[str, _Section],
        delegated: dict[str, str],
        headings: tuple[str, ...],
        above: str,
    ) -> None:
        if activity.kind == "subsection":
            for identifier, module in delegated.items():
                if module == activity.module_id and identifier != activity.section:
                    self._section(sections[identifier], activities, sections, delegated, headings, above)

    def _leave_out(self, activity: _Activity, headings: tuple[str, ...], why: str) -> None:
        self.gathering.leave_out(" > ".join((*headings, activity.title)) + f" ({activity.folder})", why)

    # Activities

    def _activity(
        self,
        activity: _Activity,
        headings: tuple[str, ...],
        activities: dict[str, _Activity],
        sections: dict[str, _Section],
        delegated: dict[str, str],
    ) -> None:
        member = f"{self.folder}{activity.folder}/{activity.kind}.xml"
        if activity.why_hidden:
            self._leave_out(activity, headings, activity.why_hidden)
            self._subsections(activity, activities, sections, delegated, headings, activity.why_hidden)
            return
        if activity.kind == "subsection":
            self._subsections(activity, activities, sections, delegated, headings, "")
            return
        body = child(activity.root, activity.kind)
        if body is None:
            self._leave_out(
                activity, headings, "it is damaged inside the package, or of a kind that is not read"
            )
            return
        # A label's name is the beginning of its text.
        below = headings if activity.kind == "label" else (*headings, activity.title)
        hidden_items: set[str] = set()
        self.gathering.html(text_of(body, "intro"), below, member)
        if activity.kind == "page":
            self.gathering.html(text_of(body, "content"), below, member)
        elif activity.kind == "book":
            hidden_items = self._book(body, below, member)
        elif activity.kind == "glossary":
            hidden_items = self._glossary(body, below, member)
        elif activity.kind == "lesson":
            hidden_items = self._lesson(body, below, member)
        elif activity.kind == "url":
            address = text_of(body, "externalurl")
            if address.startswith(("http://", "https://")):
                self.gathering.text(f"{activity.title}: {address}", below, member)
        elif activity.kind == "assign":
            self.gathering.html(text_of(body, "activity"), below, member)
        self._files(activity, headings, below, hidden_items)

    def _book(self, body: Element, headings: tuple[str, ...], member: str) -> set[str]:
        """Chapters in their order; a hidden chapter takes its subchapters with it. Returns the hidden ones' ids."""
        chapters = list(descendants(body, "chapter"))
        chapters.sort(key=lambda one: _number(text_of(one, "pagenum")))
        hidden: set[str] = set()
        above, above_hidden = "", False
        for one in chapters:
            title = text_of(one, "title")
            is_sub = is_yes(text_of(one, "subchapter"))
            why = (
                HIDDEN
                if is_yes(text_of(one, "hidden")) or (is_sub and above_hidden)
                else why_not_for_learners(title)
            )
            if not is_sub:
                above, above_hidden = title, bool(why)
            if why:
                hidden.add(attribute(one, "id"))
                self.gathering.leave_out(" > ".join((*headings, title)), why)
                continue
            path = (*headings, above, title) if is_sub and above else (*headings, title)
            self.gathering.html(text_of(one, "content"), path, member)
        return hidden

    def _glossary(self, body: Element, headings: tuple[str, ...], member: str) -> set[str]:
        hidden: set[str] = set()
        for one in descendants(body, "entry"):
            concept = text_of(one, "concept")
            if is_no(text_of(one, "approved")):
                hidden.add(attribute(one, "id"))
                self.gathering.leave_out(" > ".join((*headings, concept)), "not approved yet")
                continue
            self.gathering.html(text_of(one, "definition"), (*headings, concept), member)
        return hidden

    def _lesson(self, body: Element, headings: tuple[str, ...], member: str) -> set[str]:
        """Content pages only: the other pages ask, and their answers follow them."""
        hidden: set[str] = set()
        asked = 0
        pages = {attribute(one, "id"): one for one in descendants(body, "page")}
        for one in _linked(pages):
            if text_of(one, "qtype") == _LESSON_CONTENT:
                self.gathering.html(text_of(one, "contents"), (*headings, text_of(one, "title")), member)
            else:
                asked += 1
                hidden.add(attribute(one, "id"))
        if asked:
            self.gathering.leave_out(f"{member}: {asked} question pages", A_TEST)
        return hidden

    # Files

    def _give_files(self, activities: dict[str, _Activity]) -> None:
        """Which stored file belongs to which activity: files.xml names a context, an area and an item for each."""
        root = self._xml("files.xml")
        by_context = {one.context: one for one in activities.values() if one.context}
        for one in children(root, "file") if root is not None else ():
            digest, name = text_of(one, "contenthash"), text_of(one, "filename")
            activity = by_context.get(text_of(one, "contextid"))
            if activity is None or name in ("", ".") or len(digest) < 3:
                continue
            component = text_of(one, "component")
            if component != f"mod_{activity.kind}":
                continue
            member = f"{self.folder}files/{digest[:2]}/{digest}"
            path = posixpath.join(text_of(one, "filepath").strip("/"), name)
            activity.files.append(
                _File(member, path, component, text_of(one, "filearea"), text_of(one, "itemid"))
            )

    def _files(
        self,
        activity: _Activity,
        headings: tuple[str, ...],
        below: tuple[str, ...],
        hidden_items: set[str],
    ) -> None:
        read: set[str] = set()
        for file in activity.files:
            where = f"{self.folder}{activity.folder}/{file.path}"
            if file.area not in _AREAS or file.member in read or file.item in hidden_items:
                continue
            if activity.kind in _PACKAGED and file.area == "content":
                continue  # the unpacked copy of the package
            read.add(file.member)
            if file.member not in self.archive:
                self.gathering.leave_out(where, "the file is not in the backup")
                continue
            is_the_activity = activity.kind == "resource" or file.area == "package"
            if is_the_activity:
                self.gathering.member(file.member, headings, title=activity.title, shown_as=where)
            else:
                folders = tuple(part for part in posixpath.dirname(file.path).split("/") if part)
                self.gathering.member(file.member, (*below, *folders), shown_as=where)

    def _xml(self, path: str) -> Element | None:
        name = f"{self.folder}{path}"
        if name not in self.archive:
            return None
        try:
            return parse_xml(self.archive.read(name))
        except BrokenXml:
            self.gathering.leave_out(name, "it is damaged inside the package")
        except MemberUnreadable as problem:
            self.gathering.leave_out(name, str(problem))
        return None


def _own_title(title: str) -> str:
    """moodle_backup.xml gives a section without a name its number as title."""
    return "" if title.isdecimal() else title


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 10 else 0


def _linked(pages: dict[str, Element]) -> Iterator[Element]:
    """A lesson's pages from the first on, as each names the next; then those that no page names."""
    left = dict(pages)
    first = next((key for key, one in pages.items() if text_of(one, "prevpageid") == "0"), "")
    at = first
    while at in left:
        page = left.pop(at)
        yield page
        at = text_of(page, "nextpageid")
    yield from left.values()


def _open_to_all(written: str, now: datetime) -> bool:
    """Whether the availability tree lets every learner in now. What cannot be judged counts as closed."""
    try:
        tree = json.loads(written)
    except (ValueError, RecursionError):
        return False
    return _tree_is_open(tree, now, 0)


def _tree_is_open(tree: Any, now: datetime, depth: int) -> bool:
    if not isinstance(tree, dict) or depth > _MOST_TREE:
        return False
    if "op" not in tree or "c" not in tree:
        return _condition_is_open(tree, now)
    conditions = tree["c"]
    if not isinstance(conditions, list):
        return False
    if not conditions:
        return True
    results = [_tree_is_open(one, now, depth + 1) for one in conditions]
    if tree["op"] == "&":
        # A part that vanishes while a condition is unmet is hidden from somebody.
        hides = any(show is False for show in tree.get("showc") or [])
        return all(results) and not (hides and not all(map(_is_date, conditions)))
    if tree["op"] == "|":
        return any(results) and (tree.get("show") is not False or all(map(_is_date, conditions)))
    return False  # "not": who is kept out cannot be told


def _is_date(condition: Any) -> bool:
    return isinstance(condition, dict) and condition.get("type") == "date"


def _condition_is_open(condition: dict[str, Any], now: datetime) -> bool:
    kind = condition.get("type")
    if kind == "date":
        when = moment(condition.get("t"))
        if when is None:
            return False
        return when <= now if condition.get("d") == ">=" else when > now
    # "After you have done that": everybody gets there. Every other condition (group, grade, profile …) parts learners.
    return kind == "completion" and condition.get("e") == 1
