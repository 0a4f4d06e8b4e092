"""What a package's reader gathers: the pages and files of a package, under the titles that the package gives them."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import PurePosixPath

from retrieval.parsing.archive import MAX_NESTING, Allowance, Archive, MemberUnreadable
from retrieval.parsing.document import (
    Block,
    ParsedDocument,
    ParseReport,
    Skipped,
    UnreadableDocument,
    UnsupportedFormat,
    tidy,
)
from retrieval.parsing.visibility import (
    A_TEST,
    ANSWER_KEY,
    holds_an_answer_key,
    is_called_a_test,
    why_not_for_learners,
)

MOST_SKIPPED = 500  # of one reason-bearing list; beyond it only their number is told

_TITLE = re.compile(r"<title\b[^>]*>(.*?)</title\s*>", re.IGNORECASE | re.DOTALL)
_META = re.compile(r"<meta\b([^>]*)>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"""([\w:-]+)\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s"'>]+))""")

_PLAYED = {
    "pictures": {".png", ".jpg", ".jpeg", ".gif", ".svg", ".webp", ".bmp", ".ico", ".tif", ".tiff", ".heic", ".eps"},
    "sound and video files": {
        ".mp3", ".mp4", ".m4a", ".m4v", ".wav", ".ogg", ".ogv", ".oga", ".webm", ".mov", ".avi", ".wmv", ".flv", ".swf", ".mpg",
        ".mpeg", ".aac", ".opus",
    },
    "scripts, styles, fonts and settings": {
        ".js", ".mjs", ".css", ".woff", ".woff2", ".ttf", ".otf", ".eot", ".map", ".json", ".xsd", ".dtd", ".xml", ".less", ".scss",
        ".db", ".ini", ".cfg", ".lock", ".log", ".qti", ".dat", ".properties", ".ts", ".php", ".py", ".exe", ".dll", ".jar", ".class",
    },
}  # fmt: skip


@dataclass
class Reading:
    """What the readers of one upload share. ``now`` decides whether a date has come; ``depth`` counts nested archives."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    allowance: Allowance = field(default_factory=Allowance)
    depth: int = 0

    def deeper(self) -> Reading:
        return replace(self, depth=self.depth + 1)


class Gathering:
    """Collects the blocks of a package in order, what was left out and why, and what was merely counted."""

    def __init__(self, archive: Archive, reading: Reading) -> None:
        self.archive = archive
        self.reading = reading
        self.blocks: list[Block] = []
        self.skipped: list[Skipped] = []
        self.remarks: list[str] = []
        self.counts: Counter[str] = Counter()
        self._passed_over: Counter[str] = Counter()
        self._open: tuple[str, ...] = ()
        self._seen: set[str] = set()

    def leave_out(self, where: str, why: str) -> None:
        self.skipped.append(Skipped(where, why))

    def seen(self, name: str) -> bool:
        """Whether the member was read, or left out on purpose."""
        return name in self._seen

    def mark_seen(self, name: str) -> None:
        self._seen.add(name)

    # Content

    def add(self, blocks: Sequence[Block], headings: Sequence[str], member: str) -> None:
        """Blocks under the titles that lead to them. A page that begins with its own title does not say it twice."""
        leading = tuple(title for heading in headings if (title := " ".join(tidy(heading).split())))
        repeated = ""
        first = next(iter(blocks), None)
        if first is not None and first.kind == "heading" and leading and _same(first.text, leading[-1]):
            repeated = first.text
            blocks = blocks[1:]
        if not any(block.kind != "heading" and block.text.strip() for block in blocks):
            return
        shared = 0
        while shared < min(len(self._open), len(leading)) and self._open[shared] == leading[shared]:
            shared += 1
        for depth in range(shared, len(leading)):
            self.blocks.append(Block("heading", leading[depth], leading[: depth + 1], member=member))
        self._open = leading
        for block in blocks:
            path = block.headings
            if repeated and path and path[0] == repeated:
                path = path[1:]
            self.blocks.append(replace(block, headings=leading + path, member=_under(member, block.member)))

    def html(self, source: str, headings: Sequence[str], member: str) -> None:
        """A fragment of HTML that stands in the package's own XML or JSON."""
        from retrieval.parsing.html import blocks_of_html

        if not source.strip():
            return
        try:
            self.add(blocks_of_html(source), headings, member)
        except UnreadableDocument as problem:
            self.leave_out(member, str(problem))

    def text(self, text: str, headings: Sequence[str], member: str) -> None:
        from retrieval.parsing.plain import paragraphs

        self.add([Block(kind, part) for kind, part in paragraphs(text)], headings, member)

    def member(
        self,
        name: str,
        headings: Sequence[str] = (),
        *,
        title: str = "",
        shown_as: str = "",
        named_tests_out: bool = True,
    ) -> bool:
        """Reads one file of the package. True when it gave text.

        ``title``: what the package calls it; a page without it goes by its own title. ``shown_as``: the member's path
        for people, where the package stores it under a hash. ``named_tests_out``: leave out
        a page that calls itself a test (a page with an answer key is left out always).
        """
        where = shown_as or name
        self._seen.add(name)
        if why := why_not_for_learners(where, title):
            self.leave_out(where, why)
            return False
        if self._is_played(where):
            return False
        try:
            data = self.archive.read(name)
        except MemberUnreadable as problem:
            self.leave_out(where, str(problem))
            return False
        return self.data(data, headings, where, title=title, named_tests_out=named_tests_out)

    def data(
        self,
        data: bytes,
        headings: Sequence[str],
        where: str,
        *,
        title: str = "",
        named_tests_out: bool = True,
    ) -> bool:
        """Like ``member``, of bytes that are already there."""
        from retrieval.parsing.formats import ARCHIVES, kind_of_content, read_kind

        before = len(self.blocks)
        try:
            kind = kind_of_content(where, data)
            if kind in ARCHIVES and self.reading.depth >= MAX_NESTING:
                self.leave_out(where, f"archives are opened {MAX_NESTING} deep at most")
                return False
            own = title
            if kind == "html":
                source = _decoded(data)
                own = title or html_title(source)
                names = (where, title, html_title(source)) if named_tests_out else ()
                if why := why_page_is_a_test(source, *names):
                    self.leave_out(where, why)
                    return False
                if why := why_not_for_learners(html_title(source)):
                    self.leave_out(where, why)
                    return False
            inner = read_kind(kind, data, self.reading.deeper() if kind in ARCHIVES else self.reading)
        except UnsupportedFormat:
            self._passed_over["files of a kind that is not read"] += 1
            self.leave_out(where, "this kind of file is not read")
            return False
        except UnreadableDocument as problem:
            if self.reading.allowance.unpacked < 0 or self.reading.allowance.members < 0:
                raise
            self.leave_out(where, str(problem))
            return False
        leading = list(headings)
        name = own or inner.title or PurePosixPath(where).stem.replace("_", " ")
        if not leading or not _same(leading[-1], name):
            leading.append(name)
        self.add(inner.blocks, leading, where)
        self.skipped += [replace(one, where=f"{where}: {one.where}") for one in inner.report.skipped]
        self.remarks += [f"{PurePosixPath(where).name}: {remark}" for remark in inner.report.remarks]
        for subject in ("pages", "slides", "cues"):
            self.counts[subject] += inner.report.counts.get(subject, 0)
        return len(self.blocks) > before

    def _is_played(self, name: str) -> bool:
        ending = PurePosixPath(name.lower()).suffix
        for kind, endings in _PLAYED.items():
            if ending in endings:
                self._passed_over[kind] += 1
                return True
        return False

    def pass_over(self, name: str) -> None:
        """Counts a member that holds nothing to read, or lists it where that cannot be told from its name."""
        if name not in self._seen:
            self._seen.add(name)
            if not self._is_played(name):
                self._passed_over["other files"] += 1

    def document(self, title: str, language: str = "und", *, kind: str) -> ParsedDocument:
        """What was gathered. ``kind``: what the package is, in words, for the message when nothing is left."""
        skipped = [*self.archive.skipped, *self.skipped]
        remarks = list(dict.fromkeys(self.remarks))
        if self._passed_over:
            listed = "; ".join(f"{what}: {number}" for what, number in sorted(self._passed_over.items()))
            remarks.append(f"Not read: {listed}.")
        if len(skipped) > MOST_SKIPPED:
            remarks.append(f"{len(skipped) - MOST_SKIPPED} more parts were left out than are listed.")
        items = len({block.member for block in self.blocks if block.kind != "heading"})
        if not items:
            reasons = Counter(one.why for one in skipped).most_common(2)
            because = f" Left out: {'; '.join(why for why, _ in reasons)}." if reasons else ""
            raise UnreadableDocument(
                f"{kind} holds no text that learners can see.{because} Text that only scripts or videos hold cannot be read: "
                "export the course as PDF, Word or HTML and upload that."
            )
        counts = {"items": items, **{key: value for key, value in sorted(self.counts.items()) if value}}
        counts["left_out"] = len(skipped)
        return ParsedDocument(
            title, language, self.blocks, ParseReport(counts, remarks, skipped[:MOST_SKIPPED])
        )


def html_title(source: str) -> str:
    match = _TITLE.search(source[:20_000])
    return " ".join(html.unescape(match[1]).split())[:300] if match else ""


def html_meta(source: str) -> dict[str, str]:
    """The ``<meta name content>`` pairs of a page, names in lower case."""
    found: dict[str, str] = {}
    for tag in _META.findall(source[:50_000]):
        pairs = {
            name.lower(): html.unescape(double or single or bare)
            for name, double, single, bare in _ATTRIBUTE.findall(tag)
        }
        if "name" in pairs:
            found.setdefault(pairs["name"].lower(), pairs.get("content", ""))
    return found


def why_page_is_a_test(source: str, *names: str) -> str:
    """Why a page of HTML counts as a test; empty when it does not."""
    if holds_an_answer_key(source):
        return ANSWER_KEY
    return A_TEST if is_called_a_test(*names) else ""


def _decoded(data: bytes) -> str:
    from retrieval.parsing.document import decode_text

    return decode_text(data)


def _same(one: str, other: str) -> bool:
    return " ".join(one.split()).casefold() == " ".join(other.split()).casefold()


def _under(member: str, inner: str) -> str:
    return f"{member}/{inner}" if inner else member
