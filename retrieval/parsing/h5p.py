"""H5P: the texts that a learner reads; of an exercise only its task, never a solution.

content/content.json holds the parameters of one content type, nested where types hold others. Types that teach are read
by the names of their text fields; types that ask, and types that we do not know, give their task and description only.
"""

from __future__ import annotations

import json
import posixpath
import re
from typing import Any

from retrieval.parsing.archive import Archive, MemberUnreadable
from retrieval.parsing.document import ParsedDocument, UnreadableDocument
from retrieval.parsing.gathering import Gathering, Reading
from retrieval.parsing.visibility import why_not_for_learners

# Content types whose texts explain something. All others are treated as exercises.
_TEACHING = frozenset(
    {
        "accordion", "advancedtext", "agamotto", "audio", "audiorecorder", "branchingscenario", "chart",
        "collage", "column", "cornell", "coursepresentation", "documentationtool", "embeddedvideo",
        "goalspage", "gamemap", "iframeembed", "image", "imagehotspots", "imagejuxtaposition",
        "imageslider", "informationwall", "interactivebook", "interactivevideo", "kewarcode", "link", "nil",
        "page", "pagecontent", "portfolio", "portfolioplaceholder", "shape", "standardpage",
        "structurestrip", "table", "text", "textinputfield", "threeimage", "threedmodel", "timeline",
        "tabs", "topicmap", "tour", "video", "virtualtour", "websitehotspot", "branchingquestion",
        "exportpage", "documentexportpage", "row", "rowcolumn", "combinationtext", "abcontent",
    }
)  # fmt: skip
_TEXTS = frozenset(
    {
        "text", "title", "header", "headline", "heading", "subtitle", "subheading", "description",
        "taskdescription", "introduction", "intro", "introductiontext", "body", "content", "paragraph",
        "caption", "summarytext", "scenename", "startscreentitle", "startscreensubtitle", "endscreentitle",
        "endscreensubtitle", "shortstartdescription", "contenttitle", "label", "alt", "coverdescription",
    }
)  # fmt: skip
_TASK_TEXTS = frozenset({"taskdescription", "description", "introduction", "intro", "greeting"})
# Of these the field "text" is the task; in others (true or false, mark the words) it gives the answer away.
_TASK_IN_TEXT = frozenset({"blanks"})
_TASK_IN_QUESTION = frozenset({"multichoice", "multimediachoice"})
_UNTITLED = re.compile(
    r"(?:untitled|unbenannt|ohne titel|sin t[ií]tulo|sem t[ií]tulo|sans titre)\b", re.IGNORECASE
)
_HEADINGS = ("title", "header", "headline", "contenttitle", "chaptertitle", "scenename")
# Keys below which solutions, feedback and words of the player stand, in every type.
_NEVER = re.compile(
    r"answer|solution|correct|alternativ|feedback|distractor|keyword|behaviou?r|l10n|a11y|overallfeedback|override|score|check|tips?$|hint"
    r"|uitexts|translations|metadata|copyright|license|accept|statements?$|choices|options?$|sequence|pairs?$|textfield$|questions$|words$",
    re.IGNORECASE,
)
_PLAYER_TEXT = re.compile(r"(?:label|text|button|message|placeholder)$", re.IGNORECASE)
_STARRED = re.compile(r"\*[^*\n]+\*")
_DEEPEST = 60


def read_h5p(archive: Archive, folder: str, reading: Reading) -> ParsedDocument:
    """Raises UnreadableDocument when the package is damaged or holds nothing but exercises without a task."""
    where = f"{folder}content/content.json"
    try:
        about = _json(archive, f"{folder}h5p.json")
        content = _json(archive, where)
    except (MemberUnreadable, ValueError, RecursionError) as broken:
        raise UnreadableDocument(
            "The H5P package is damaged. Export it again from where it was made and upload that."
        ) from broken
    title = _string(about.get("title")) or _string(about.get("extraTitle"))
    walk = _Walk(archive, folder, where, reading)
    walk.type(_string(about.get("mainLibrary")), content, (title,) if title else (), 0)
    walk.tell_what_was_left_out()
    language = _string(about.get("defaultLanguage") or about.get("language")).partition("-")[0].lower()
    for name in archive.names:
        if name.startswith(folder):
            walk.gathering.pass_over(name)
    return walk.gathering.document(title, language[:3] or "und", kind="The H5P package")


class _Walk:
    def __init__(self, archive: Archive, folder: str, where: str, reading: Reading) -> None:
        self.gathering = Gathering(archive, reading)
        self.archive = archive
        self.folder = folder
        self.where = where
        self.exercises = 0
        self.gathering.mark_seen(where)

    def tell_what_was_left_out(self) -> None:
        if self.exercises:
            number = "one exercise" if self.exercises == 1 else f"{self.exercises} exercises"
            self.gathering.leave_out(
                self.where, f"solutions, choices and feedback of {number}: answer keys are never searchable"
            )

    def type(self, library: str, params: Any, headings: tuple[str, ...], depth: int) -> None:
        """The parameters of a content type; ``library`` is "H5P.Column 1.16" or without its version."""
        if not isinstance(params, dict) or depth > _DEEPEST:
            return
        name = library.partition(" ")[0].rpartition(".")[2].lower()
        if name in _TEACHING:
            self._teaching(params, headings, depth)
        else:
            self.exercises += 1
            self._task(name, params, headings)

    def _task(self, name: str, params: dict[str, Any], headings: tuple[str, ...]) -> None:
        wanted = set(_TASK_TEXTS)
        if name in _TASK_IN_TEXT:
            wanted.add("text")
        if name in _TASK_IN_QUESTION:
            wanted.add("question")
        solutions = _solutions(params)
        for key, value in params.items():
            if key.lower() in wanted and isinstance(value, str) and not _STARRED.search(value):
                self.gathering.html(_without(solutions, value), headings, self.where)
            elif key == "introPage" and isinstance(value, dict):
                self._task("", value, headings)

    def _teaching(self, params: dict[str, Any], headings: tuple[str, ...], depth: int) -> None:
        if depth > _DEEPEST:
            return
        if "library" in params and isinstance(params.get("params"), dict):
            metadata = params.get("metadata")
            title = _string(metadata.get("title")) if isinstance(metadata, dict) else ""
            if why := why_not_for_learners(title):
                self.gathering.leave_out(f"{self.where}: {title}", why)
                return
            named = (*headings, title) if title and not _UNTITLED.match(title) else headings
            self.type(_string(params["library"]), params["params"], named, depth + 1)
            return
        title = next(
            (plain for key in params if key.lower() in _HEADINGS and (plain := _plain(params[key]))), ""
        )
        if why := why_not_for_learners(title):
            self.gathering.leave_out(f"{self.where}: {title}", why)
            return
        below = (*headings, title) if title else headings
        for key, value in params.items():
            folded = key.lower()
            if folded in _HEADINGS and isinstance(value, str):
                continue
            if isinstance(value, str):
                if folded in _TEXTS:
                    self.gathering.html(value, below, self.where)
                elif folded == "path" and value.lower().endswith((".vtt", ".srt")):
                    self._captions(value, below)
            elif not _NEVER.search(folded):
                self._inside(folded, value, below, depth)

    def _inside(self, key: str, value: Any, headings: tuple[str, ...], depth: int) -> None:
        if isinstance(value, dict):
            if not (_PLAYER_TEXT.search(key) and "library" not in value and "params" not in value):
                self._teaching(value, headings, depth + 1)
        elif isinstance(value, list):
            for number, one in enumerate(value, start=1):
                if isinstance(one, dict):
                    named = (*headings, f"Slide {number}") if key == "slides" else headings
                    self._teaching(one, named, depth + 1)
                elif isinstance(one, list):
                    self._inside(key, one, headings, depth + 1)

    def _captions(self, path: str, headings: tuple[str, ...]) -> None:
        name = self.archive.find(posixpath.join(f"{self.folder}content", path))
        if name is not None and not self.gathering.seen(name):
            self.gathering.member(name, headings)


def _solutions(params: Any) -> list[str]:
    """What an exercise asks for: words between asterisks, choices marked as correct. Longest first."""
    found: set[str] = set()
    pending: list[tuple[Any, int]] = [(params, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > _DEEPEST:
            continue
        if isinstance(value, str):
            for starred in _STARRED.findall(value):
                # "*Brasília/Brasilia:the capital*": two spellings and a tip.
                found.update(_plain(starred.strip("*").partition(":")[0]).split("/"))
        elif isinstance(value, list):
            pending += [(one, depth + 1) for one in value]
        elif isinstance(value, dict):
            if value.get("correct") is True:
                found.add(_plain(value.get("text")))
            pending += [(one, depth + 1) for one in value.values()]
    return sorted((one.strip() for one in found if len(one.strip()) > 2), key=len, reverse=True)


def _without(solutions: list[str], text: str) -> str:
    """The task with a gap where it names a solution (a list of the words to fill in)."""
    for solution in solutions:
        text = re.sub(rf"(?<!\w){re.escape(solution)}(?!\w)", "…", text, flags=re.IGNORECASE)
    return text


def _json(archive: Archive, name: str) -> dict[str, Any]:
    """Raises MemberUnreadable, ValueError, RecursionError."""
    value = json.loads(archive.read(name).decode("utf-8-sig", "replace"))
    if not isinstance(value, dict):
        raise ValueError("not an object")
    return value


def _string(value: object) -> str:
    return value.strip() if isinstance(value, str) else ""


def _plain(value: object) -> str:
    return " ".join(re.sub(r"<[^>]*>", " ", value).split())[:200] if isinstance(value, str) else ""
