"""What Word and PowerPoint files have in common: they are zip packages of XML, and their tables are read alike."""

from __future__ import annotations

import io
import posixpath
import re
import zipfile
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import unquote
from xml.etree.ElementTree import ParseError

from defusedxml.ElementTree import fromstring  # type: ignore[import-untyped]

from retrieval.parsing.document import UnreadableDocument, row_text

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_MOST_UNPACKED = 600_000_000
_MOST_MEMBERS = 20_000
_LONGEST_HEAD = 60
SPANNED = "\0"  # a cell that the one to its left reaches over
_RELATION = re.compile(rb"<(?:\w+:)?Relationship\b[^>]*?/?>")


def opened_package(data: bytes, program: str) -> io.BytesIO:
    """The bytes as a package that the libraries can open: relations to members that are not there are taken out.

    Raises UnreadableDocument where it is no zip, protected, or unpacks to more than a document ever needs.
    """
    if data.startswith(_OLE):
        raise UnreadableDocument(
            f"The file is protected by a password or in the format before 2007. Save a copy in {program} without "
            "a password in today's format and upload that."
        )
    damaged = f"The file is damaged. Open it in {program}, save it again and upload that."
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as package:
            members = package.infolist()
            if len(members) > _MOST_MEMBERS or sum(one.file_size for one in members) > _MOST_UNPACKED:
                raise UnreadableDocument(
                    "The file unpacks to far more than a document needs. Take large media out and upload it again."
                )
            if any(one.flag_bits & 1 for one in members):
                raise UnreadableDocument("The file is protected by a password. Save a copy without it.")
            broken = _broken_relations(package)
            return _without(package, broken) if broken else io.BytesIO(data)
    except UnreadableDocument:
        raise
    except Exception as error:
        raise UnreadableDocument(damaged) from error


def _broken_relations(package: zipfile.ZipFile) -> dict[str, set[str]]:
    """Relation files -> ids of relations that point at nothing ("NULL" targets are common after conversions)."""
    names = {name.lower() for name in package.namelist()}
    broken: dict[str, set[str]] = {}
    for name in package.namelist():
        if not name.endswith(".rels"):
            continue
        folder = posixpath.dirname(posixpath.dirname(name))
        try:
            root = fromstring(package.read(name))
        except ParseError:
            continue
        for relation in root:
            if relation.get("TargetMode") == "External":
                continue
            target = unquote(relation.get("Target") or "")
            path = posixpath.normpath(posixpath.join("/" + folder, target.split("#")[0])).lstrip("/")
            if path.lower() not in names:
                broken.setdefault(name, set()).add(relation.get("Id") or "")
    return broken


def _without(package: zipfile.ZipFile, broken: dict[str, set[str]]) -> io.BytesIO:
    repaired = io.BytesIO()
    with zipfile.ZipFile(repaired, "w", zipfile.ZIP_DEFLATED) as out:
        for member in package.infolist():
            content = package.read(member)
            if member.filename in broken:
                content = _RELATION.sub(_unless(broken[member.filename]), content)
            out.writestr(member.filename, content)
    repaired.seek(0)
    return repaired


def _unless(ids: set[str]) -> Callable[[re.Match[bytes]], bytes]:
    """Keeps a relation unless its id is one of these."""
    return lambda match: b"" if _id_of(match.group()) in ids else match.group()


def _id_of(relation: bytes) -> str:
    found = re.search(rb"""\bId\s*=\s*["']([^"']*)["']""", relation)
    return found.group(1).decode("utf-8", "replace") if found else ""


def local(element: Any) -> str:
    """The name of an element without its namespace; empty for comments and instructions."""
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def flag(value: str | None) -> bool:
    """An on/off value of Office XML that is present: "1", "true", "on", or nothing said, mean on."""
    return value is None or value.lower() not in ("0", "false", "off", "none")


def table_lines(rows: Sequence[Sequence[str]], head_rows: int) -> list[str]:
    """Rows of a table in words. ``rows`` are of one length, with SPANNED where a cell reaches over its neighbour; the
    first ``head_rows`` name the columns.

    Without a head, a table of two columns whose first cell is short reads "first: second".
    """
    head = _head(rows[:head_rows])
    lines = []
    for row in rows[head_rows:]:
        cells = ["" if cell == SPANNED else cell for cell in row]
        if not any(head) and len(cells) == 2 and all(cells) and _names_something(cells[0]):
            lines.append(row_text([cells[0].rstrip(":")], [cells[1]]))
        else:
            lines.append(row_text(head, cells))
    if head_rows and not lines:
        lines = [row_text((), ["" if cell == SPANNED else cell for cell in row]) for row in rows]
    return [line for line in lines if line]


def _names_something(cell: str) -> bool:
    return len(cell) <= _LONGEST_HEAD and cell[-1] not in ".?!;"


def _filled_over(row: Sequence[str]) -> list[str]:
    """The row with every spanned cell saying what reaches over it."""
    out: list[str] = []
    for cell in row:
        out.append((out[-1] if out else "") if cell == SPANNED else cell)
    return out


def guess_head_rows(rows: Sequence[Sequence[str]], marked: bool) -> int:
    """How many rows name the columns: 0 or 1. ``marked``: the first row stands out (bold, shaded, said by the author).

    A first row that nothing marks is a head only in a table of three columns and more, of short, different words.
    """
    if len(rows) < 2 or len(rows[0]) < 2:
        return 0
    first = _filled_over(rows[0])
    filled = [cell for cell in first[1:] if cell]
    longest = _LONGEST_HEAD * (2 if marked else 1)
    if len(filled) < len(first) - 1 or any(len(cell) > longest for cell in first):
        return 0
    if len(set(first)) < len(first) and not marked:
        return 0
    if marked:
        return 1
    has_digit = any(any(letter.isdigit() for letter in cell) for cell in first)
    return int(len(first) >= 3 and not has_digit and not any(cell[-1:] in ".!?;" for cell in filled))


def _head(rows: Sequence[Sequence[str]]) -> list[str]:
    """Names of the columns; the words of two head rows are joined."""
    if not rows:
        return []
    names: list[str] = []
    for column in zip(*map(_filled_over, rows), strict=True):
        parts: list[str] = []
        for cell in column:
            if cell and cell not in parts:
                parts.append(cell)
        names.append(" ".join(parts).rstrip(":"))
    return names
