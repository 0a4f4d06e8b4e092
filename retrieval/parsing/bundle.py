"""Any archive: the course packages in it by their kind, the rest as files in folders."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import PurePosixPath

from retrieval.parsing.archive import Archive
from retrieval.parsing.document import ParsedDocument, UnreadableDocument
from retrieval.parsing.formats import package_kind
from retrieval.parsing.gathering import Gathering, Reading

PackageReader = Callable[[Archive, str, Reading], ParsedDocument]
"""Called with the archive, the folder that the package stands in ("" or ending in a slash), and the reading."""

_MARKERS = frozenset({"container.xml", "moodle_backup.xml", "h5p.json", "imsmanifest.xml", "course.xml"})


def read_bundle(archive: Archive, reading: Reading) -> ParsedDocument:
    """Raises UnreadableDocument when nothing in it can be read."""
    packages = _packages(archive)
    if "moodle.xml" in archive and not packages:
        raise UnreadableDocument(
            "That is a backup of Moodle 1. Restore it in a newer Moodle, make a backup there, and upload that."
        )
    if len(packages) == 1:
        [(folder, kind)] = packages.items()
        # A package that someone packed with the folder around it; nothing else lies beside it.
        if all(name.startswith(folder) for name in archive.names):
            return _reader(kind)(archive, folder, reading)
    gathering = Gathering(archive, reading)
    for folder, kind in packages.items():
        _add_package(gathering, folder, kind, reading)
    for name in sorted(archive.names, key=_natural):
        if not any(name.startswith(folder) for folder in packages):
            folders = PurePosixPath(name).parts[:-1]
            gathering.member(name, _shared_left_out(folders, archive))
    return gathering.document("", kind="The archive")


def _packages(archive: Archive) -> dict[str, str]:
    """The folders that hold a package and its kind; none inside another."""
    folders: dict[str, str] = {}
    candidates = set()
    for name in archive.names:
        path = PurePosixPath(name)
        if path.name in _MARKERS:
            parent = path.parent.parent if path.name == "container.xml" else path.parent
            candidates.add("" if str(parent) == "." else f"{parent}/")
    for folder in sorted(candidates, key=lambda one: (one.count("/"), one)):
        if any(folder.startswith(outer) for outer in folders):
            continue
        if kind := package_kind(archive, folder):
            folders[folder] = kind
    return folders


def _add_package(gathering: Gathering, folder: str, kind: str, reading: Reading) -> None:
    for name in gathering.archive.names:
        if name.startswith(folder):
            gathering.mark_seen(name)
    try:
        inner = _reader(kind)(gathering.archive, folder, reading)
    except UnreadableDocument as problem:
        if reading.allowance.unpacked < 0 or reading.allowance.members < 0:
            raise
        gathering.leave_out(folder, str(problem))
        return
    headings = [inner.title] if inner.title else []
    # Package readers name their members from the root of the archive.
    gathering.blocks += [replace(block, headings=(*headings, *block.headings)) for block in inner.blocks]
    archived = set(map(id, gathering.archive.skipped))
    gathering.skipped += [one for one in inner.report.skipped if id(one) not in archived]
    gathering.remarks += inner.report.remarks
    for subject in ("pages", "slides", "cues"):
        gathering.counts[subject] += inner.report.counts.get(subject, 0)


def _reader(kind: str) -> PackageReader:
    if kind == "epub":
        from retrieval.parsing.epub import read_epub

        return read_epub
    if kind == "mbz":
        from retrieval.parsing.moodle import read_moodle

        return read_moodle
    if kind == "h5p":
        from retrieval.parsing.h5p import read_h5p

        return read_h5p
    if kind == "olx":
        from retrieval.parsing.olx import read_olx

        return read_olx
    from retrieval.parsing.manifest import read_manifest_package

    return read_manifest_package


def _natural(name: str) -> list[object]:
    """ "page 2" before "page 10"; a folder's own files before its subfolders."""
    *folders, file = name.casefold().split("/")
    return [
        [[int(part) if part.isdigit() else part for part in re.split(r"(\d+)", one)] for one in folders],
        [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", file)],
    ]


def _shared_left_out(folders: tuple[str, ...], archive: Archive) -> tuple[str, ...]:
    """The folders of a file as headings, without the one that everything lies in."""
    if folders and all(name.startswith(f"{folders[0]}/") for name in archive.names):
        folders = folders[1:]
    return folders
