"""Open edX courses (OLX, the export of Studio): the units that learners see, with the transcripts of their videos.

Policy files and attributes can hide a block, and what is hidden hides everything below it. drafts/ is never opened, and only
what the course tree leads to is read. Problems are left out whole: their text lies between their answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import Element, tostring

from retrieval.parsing.archive import Archive, MemberUnreadable
from retrieval.parsing.document import ParsedDocument, UnreadableDocument
from retrieval.parsing.gathering import Gathering, Reading
from retrieval.parsing.visibility import (
    A_TEST,
    STAFF_ONLY,
    is_yes,
    moment,
    why_not_for_learners,
)
from retrieval.parsing.xmltree import BrokenXml, attribute, children, name_of, parse_xml

_CONTAINERS = frozenset(
    {
        "course", "chapter", "sequential", "vertical", "videosequence", "problemset", "section", "wrapper",
        "conditional", "randomize",
    }
)  # fmt: skip
_ASKING = frozenset(
    {
        "problem", "library_content", "itembank", "openassessment", "poll", "poll_question", "survey",
        "word_cloud", "drag-and-drop-v2", "split_test", "combinedopenended", "peergrading",
        "crowdsourcehinter", "problem-builder", "step-builder", "edx_sga", "staffgradedxblock",
        "submit-and-compare", "freetextresponse", "library", "legacy_library_content", "lti",
        "lti_consumer", "scorm", "annotatable", "image-explorer", "done", "ubcpi", "mentoring",
        "invideoquiz", "discussion", "notes", "feedback",
    }
)  # fmt: skip
_STATIC_LINK = re.compile(
    r"(?:/static/|asset-v1:[^\"'\s<>]*?@asset\+block@)([^\"'\s<>?#]+)\.(pdf|docx|pptx|html?|txt|vtt|srt)\b",
    re.IGNORECASE,
)
_DEEPEST = 30


@dataclass(frozen=True)
class _Block:
    """A block with the attributes of its pointer, its own file and the policy merged; ``member`` is that file."""

    kind: str
    name: str
    settings: Mapping[str, str]
    element: Element
    member: str

    @property
    def title(self) -> str:
        return self.settings.get("display_name", "").strip()


def read_olx(archive: Archive, folder: str, reading: Reading) -> ParsedDocument:
    """Raises UnreadableDocument when the course tree is damaged or shows nothing to learners."""
    return _Course(archive, folder, reading).read()


class _Course:
    def __init__(self, archive: Archive, folder: str, reading: Reading) -> None:
        self.archive = archive
        self.folder = folder
        self.now = reading.now
        self.gathering = Gathering(archive, reading)
        self.policy: dict[str, dict[str, Any]] = {}
        self.run = ""

    def read(self) -> ParsedDocument:
        try:
            root = parse_xml(self.archive.read(f"{self.folder}course.xml"))
        except (BrokenXml, MemberUnreadable) as broken:
            raise UnreadableDocument(
                "The course's course.xml is damaged. Export the course from Studio again and upload that."
            ) from broken
        self.run = attribute(root, "url_name")
        self.policy = self._policy()
        course = self._block(root, f"{self.folder}course.xml")
        if course is None:
            raise UnreadableDocument(
                "The course's tree is damaged. Export the course from Studio again and upload that."
            )
        starts = moment(course.settings.get("start"))
        if starts is not None and starts > self.now:
            self.gathering.remarks.append(f"The course itself starts on {starts:%Y-%m-%d}.")
        self._info()
        for below in self._below(course):
            self._visit(below, (), 0)
        self._tabs()
        for name in self.archive.names:
            if name.startswith(f"{self.folder}drafts/"):
                self.gathering.mark_seen(name)
                if name.startswith((f"{self.folder}drafts/vertical/", f"{self.folder}drafts/html/")):
                    self.gathering.leave_out(name, "a draft: not published")
            elif name.startswith(self.folder):
                self.gathering.pass_over(name)
        language = course.settings.get("language", "und").partition("-")[0].lower()
        return self.gathering.document(course.title, language[:3] or "und", kind="The Open edX course")

    # The tree

    def _policy(self) -> dict[str, dict[str, Any]]:
        """policies/<run>/policy.json, or the older policies/<run>.json; keys such as "chapter/abc"."""
        for path in (f"policies/{self.run}/policy.json", f"policies/{self.run}.json"):
            name = f"{self.folder}{path}"
            if name not in self.archive:
                continue
            try:
                value = json.loads(self.archive.read(name).decode("utf-8-sig", "replace"))
            except (MemberUnreadable, ValueError, RecursionError):
                raise UnreadableDocument(
                    "The course's policy.json is damaged, and without it nobody can tell what is hidden. "
                    "Export the course from Studio again and upload that."
                ) from None
            if isinstance(value, dict):
                return {key: one for key, one in value.items() if isinstance(one, dict)}
        return {}

    def _block(self, pointer: Element, member: str) -> _Block | None:
        """The block that an element is or points to. None when its file is missing or damaged (which is listed)."""
        kind, name = name_of(pointer), attribute(pointer, "url_name")
        element = pointer
        if name and len(pointer) == 0 and not (pointer.text or "").strip():
            path = f"{self.folder}{kind}/{name.replace(':', '/')}.xml"
            found = self.archive.find(path)
            if found is not None:
                try:
                    element = parse_xml(self.archive.read(found))
                except BrokenXml:
                    self.gathering.leave_out(found, "it is damaged inside the package")
                    return None
                except MemberUnreadable as problem:
                    self.gathering.leave_out(found, str(problem))
                    return None
                self.gathering.mark_seen(found)
                member = found
        settings = {key.rpartition("}")[2].lower(): value for key, value in element.attrib.items()}
        settings |= {key.rpartition("}")[2].lower(): value for key, value in pointer.attrib.items()}
        for key, value in self.policy.get(f"{kind}/{name}", {}).items():
            settings[key.lower()] = value if isinstance(value, str) else json.dumps(value)
        return _Block(kind, name, settings, element, member)

    def _below(self, block: _Block) -> Iterator[_Block]:
        for one in block.element:
            if name_of(one) and (found := self._block(one, block.member)) is not None:
                yield found

    def _why_hidden(self, block: _Block) -> str:
        settings = block.settings
        if is_yes(settings.get("visible_to_staff_only")):
            return "for staff only"
        if is_yes(settings.get("hide_from_toc")) or is_yes(settings.get("is_hidden")):
            return "hidden in the course"
        if is_yes(settings.get("course_staff_only")):
            return STAFF_ONLY
        starts = moment(settings.get("start"))
        if block.kind != "course" and starts is not None and starts > self.now:
            return f"it starts on {starts:%Y-%m-%d}"
        due = moment(settings.get("due"))
        if is_yes(settings.get("hide_after_due")) and due is not None and due < self.now:
            return "hidden since it was due"
        if _has_groups(settings.get("group_access", "")):
            return "for some groups of learners only"
        if is_yes(settings.get("in_entrance_exam")) or is_yes(settings.get("is_entrance_exam")):
            return A_TEST
        return why_not_for_learners(block.title)

    def _visit(self, block: _Block, headings: tuple[str, ...], depth: int) -> None:
        path = (*headings, block.title) if block.title else headings
        where = " > ".join(path) or block.name
        if why := self._why_hidden(block):
            self.gathering.leave_out(f"{where} ({block.kind} {block.name})", why)
        elif block.kind in _CONTAINERS:
            if depth > _DEEPEST:
                self.gathering.leave_out(where, "the course tree is too deep")
                return
            for below in self._below(block):
                self._visit(below, path, depth + 1)
        elif block.kind in ("html", "about", "static_tab"):
            self._html(block, _without_repeat(headings, block.title))
        elif block.kind == "video":
            self._video(block, _without_repeat(headings, block.title))
        elif block.kind == "problem" or block.kind in _ASKING:
            why = A_TEST if block.kind in ("problem", "library_content", "itembank") else "not a page of text"
            self.gathering.leave_out(f"{where} ({block.kind} {block.name})", why)
        elif block.kind not in ("wiki", "grading", "textbook", "pdf_textbook"):
            self.gathering.leave_out(f"{where} ({block.kind} {block.name})", "this kind of block is not read")

    # Content

    def _html(self, block: _Block, headings: tuple[str, ...]) -> None:
        member, source = block.member, ""
        filename = block.settings.get("filename", "")
        if filename:
            found = self.archive.find(f"{self.folder}{block.kind}/{filename.replace(':', '/')}.html")
            if found is None:
                self.gathering.leave_out(
                    f"{self.folder}{block.kind}/{filename}.html", "it is not in the package"
                )
                return
            member, source = found, self._text(found)
        else:
            source = _inner_html(block.element)
        self._page(source, headings, member)

    def _page(self, source: str, headings: tuple[str, ...], member: str) -> None:
        self.gathering.mark_seen(member)
        self.gathering.html(source, headings, member)
        for match in _STATIC_LINK.finditer(source):
            self._static(f"{unquote(match[1])}.{match[2]}", headings)

    def _static(self, name: str, headings: tuple[str, ...]) -> None:
        """A document that a visible page links to; other files in static/ may be for staff."""
        plain = name.rpartition("@")[2]
        found = self.archive.find(f"{self.folder}static/{plain}") or self.archive.find(
            f"{self.folder}static/{plain.replace('_', ' ')}"
        )
        if found is not None and not self.gathering.seen(found):
            self.gathering.member(found, headings)

    def _video(self, block: _Block, headings: tuple[str, ...]) -> None:
        for name in dict.fromkeys(_transcripts(block)):
            found = self.archive.find(f"{self.folder}static/{name}")
            if found is None or self.gathering.seen(found):
                continue
            if found.endswith(".sjson"):
                self._sjson(found, headings)
            else:
                self.gathering.member(found, headings, title=headings[-1] if headings else "")

    def _sjson(self, member: str, headings: tuple[str, ...]) -> None:
        """Transcripts as older versions of edX kept them: lists of start, end (milliseconds) and text."""
        from retrieval.parsing.captions import cue_paragraphs

        self.gathering.mark_seen(member)
        try:
            value = json.loads(self._text(member))
            cues = [
                (float(start) / 1000, float(end) / 1000, str(text or ""))
                for start, end, text in zip(value["start"], value["end"], value["text"], strict=False)
            ]
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            self.gathering.leave_out(member, "it is damaged inside the package")
            return
        self.gathering.add(cue_paragraphs(cues), headings, member)
        self.gathering.counts["cues"] += len(cues)

    def _tabs(self) -> None:
        """Pages of the course beside its units, as the policy lists them."""
        listed = self.policy.get(f"course/{self.run}", {}).get("tabs")
        for tab in listed if isinstance(listed, list) else ():
            if not isinstance(tab, dict) or tab.get("type") != "static_tab":
                continue
            title = str(tab.get("name") or "")
            found = self.archive.find(f"{self.folder}tabs/{tab.get('url_slug') or ''}.html")
            if found is None:
                continue
            if tab.get("course_staff_only") or tab.get("is_hidden"):
                self.gathering.mark_seen(found)
                self.gathering.leave_out(
                    found, "for staff only" if tab.get("course_staff_only") else "hidden in the course"
                )
            elif why := why_not_for_learners(title):
                self.gathering.mark_seen(found)
                self.gathering.leave_out(found, why)
            else:
                self._page(self._text(found), (title,) if title else (), found)

    def _info(self) -> None:
        """What every learner sees of the course itself: its description, its handouts."""
        for name in ("about/overview.html", "info/handouts.html"):
            found = self.archive.find(f"{self.folder}{name}")
            if found is not None:
                title = "About the course" if name.startswith("about") else "Handouts"
                self._page(self._text(found), (title,), found)

    def _text(self, member: str) -> str:
        try:
            return self.archive.read(member).decode("utf-8-sig", "replace")
        except MemberUnreadable as problem:
            self.gathering.leave_out(member, str(problem))
            return ""


def _without_repeat(headings: tuple[str, ...], title: str) -> tuple[str, ...]:
    """A unit often has the title of its only block."""
    if (
        not title
        or (headings and headings[-1].casefold() == title.casefold())
        or title.lower() in ("text", "raw html", "html")
    ):
        return headings
    return (*headings, title)


def _has_groups(written: str) -> bool:
    """group_access: {"partition id": [group ids]}; empty lists and null restrict nobody."""
    if not written.strip():
        return False
    try:
        value = json.loads(written)
    except (ValueError, RecursionError):
        return True
    return any(value.values()) if isinstance(value, dict) else bool(value)


def _transcripts(block: _Block) -> Iterator[str]:
    """File names in static/, the first language first."""
    try:
        listed = json.loads(block.settings.get("transcripts") or "{}")
    except (ValueError, RecursionError):
        listed = {}
    language = "en"
    if isinstance(listed, dict) and listed:
        yield from (str(one) for one in listed.values())
    for one in children(block.element, "transcript"):
        if source := attribute(one, "src"):
            yield source
    for asset in children(block.element, "video_asset"):
        for group in children(asset, "transcripts"):
            for one in children(group, "transcript"):
                code = attribute(one, "language_code") or language
                ending = attribute(one, "file_format") or "srt"
                yield f"{block.settings.get('edx_video_id', '')}-{code}.{ending}"
    for key in ("sub", "youtube_id_1_0"):
        if name := block.settings.get(key, "").strip():
            yield f"subs_{name}.srt.sjson"


def _inner_html(element: Element) -> str:
    return (element.text or "") + "".join(tostring(one, encoding="unicode") for one in element)
