"""Zip and tar files as a set of members in memory: nothing is unpacked to disk, and everything is limited.

What counts against the limits is shared by an archive and the archives in it, so that a small file cannot grow by
nesting. A member that is dangerous (a path that leads out, a link, a device) or damaged is passed over and listed; the
other members are read.
"""

from __future__ import annotations

import io
import posixpath
import re
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from retrieval.parsing.document import Skipped, UnreadableDocument

MAX_MEMBERS = 20_000
MAX_UNPACKED = 400_000_000  # bytes, of all members together, whether they are read or not
MAX_MEMBER = 150_000_000  # bytes
MAX_RATIO = 250  # unpacked by packed, for members that are large enough to hurt
RATIO_COUNTS_FROM = 5_000_000  # bytes
MAX_PATH = 400  # characters
MAX_PATH_PARTS = 40
MAX_NESTING = 2  # archives inside the uploaded one

_DRIVE = re.compile(r"^[A-Za-z]:")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_JUNK_FOLDERS = {"__MACOSX", ".git", ".svn"}
_JUNK_FILES = {".DS_Store", "Thumbs.db", "desktop.ini", ".ARCHIVE_INDEX"}
_CHUNK = 1 << 20


class MemberUnreadable(Exception):
    """One member cannot be read; the message is the reason in plain words."""


@dataclass
class Allowance:
    """What may still be unpacked for one upload. Shared by nested archives."""

    unpacked: int = MAX_UNPACKED
    members: int = MAX_MEMBERS

    def take(self, members: int, unpacked: int) -> None:
        """Raises UnreadableDocument when the upload asks for more than it may."""
        self.members -= members
        self.unpacked -= unpacked
        if self.members < 0:
            raise UnreadableDocument(
                f"The package holds more than {MAX_MEMBERS} files. Split it and upload the parts."
            )
        if self.unpacked < 0:
            raise UnreadableDocument(
                f"The package unpacks to more than {MAX_UNPACKED // 1_000_000} MB. "
                "Take the videos and pictures out, or split it, and upload the parts."
            )


@dataclass(frozen=True)
class _Member:
    size: int
    entry: zipfile.ZipInfo | tarfile.TarInfo


class Archive:
    """The safe members of an archive. ``names`` keeps the order of the archive; paths have forward slashes."""

    def __init__(
        self,
        members: Mapping[str, _Member],
        skipped: list[Skipped],
        zipped: zipfile.ZipFile | None = None,
        unpacked_tar: bytes = b"",
    ) -> None:
        self._members = members
        self._zip = zipped
        self._tar = unpacked_tar
        self._folded = {name.casefold(): name for name in reversed(list(members))}
        self.names = tuple(members)
        self.skipped = skipped

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def find(self, reference: str) -> str | None:
        """The member that a manifest or a link means: as written, percent-decoded, or in other capitals."""
        for written in (reference, unquote(reference), reference.partition("?")[0].partition("#")[0]):
            path = normal_path(unquote(written)) if written != reference else normal_path(written)
            if path is None:
                continue
            if path in self._members:
                return path
            if (folded := self._folded.get(path.casefold())) is not None:
                return folded
        return None

    def size(self, name: str) -> int:
        return self._members[name].size

    def read(self, name: str) -> bytes:
        """The member's bytes. Raises MemberUnreadable."""
        member = self._members.get(name)
        if member is None:
            raise MemberUnreadable("it is not in the package")
        entry = member.entry
        if isinstance(entry, tarfile.TarInfo):
            return self._tar[entry.offset_data : entry.offset_data + entry.size]
        assert self._zip is not None
        if entry.flag_bits & 0x1:
            raise MemberUnreadable("it is protected by a password")
        if (
            member.size > RATIO_COUNTS_FROM
            and entry.compress_size >= 0
            and member.size > MAX_RATIO * max(1, entry.compress_size)
        ):
            raise MemberUnreadable("it unpacks to far more than it is packed: it looks like a bomb")
        try:
            with self._zip.open(entry) as stream:
                return stream.read(member.size + 1)[: member.size]
        except (
            zipfile.BadZipFile,
            zlib.error,
            EOFError,
            OSError,
            ValueError,
            NotImplementedError,
            RuntimeError,
        ):
            raise MemberUnreadable("it is damaged inside the package") from None


def open_archive(data: bytes, allowance: Allowance) -> Archive:
    """A zip, a tar or a gzipped tar. Raises UnreadableDocument."""
    if data[:2] == b"PK":
        return _open_zip(data, allowance)
    if data[:2] == b"\x1f\x8b":
        data = _gunzip(data, min(allowance.unpacked, MAX_UNPACKED))
    return _open_tar(data, allowance)


def is_tar(head: bytes) -> bool:
    """By the magic of the first header; ``head`` needs 265 bytes."""
    return head[257:262] == b"ustar"


def gzip_head(data: bytes, size: int = 1024) -> bytes:
    """The first unpacked bytes; empty when the data is no gzip."""
    try:
        return zlib.decompressobj(wbits=31).decompress(data[: 64 * 1024], size)
    except zlib.error:
        return b""


def normal_path(name: str) -> str | None:
    """The path with "." and empty parts taken out; None when it is absolute or leads out of the archive."""
    name = name.replace("\\", "/")
    if name.startswith("/") or _DRIVE.match(name) or _CONTROL.search(name):
        return None
    path = posixpath.normpath(name) if name else ""
    if path in ("", ".") or path == ".." or path.startswith("../"):
        return None
    return path


def _safe_name(name: str, skipped: list[Skipped]) -> str | None:
    shown = _CONTROL.sub("?", name.encode("utf-8", "replace").decode("utf-8"))[:120]
    path = name.replace("\\", "/")
    parts = path.split("/")
    if parts[-1] in _JUNK_FILES or any(part in _JUNK_FOLDERS for part in parts):
        return None
    if len(path) > MAX_PATH or len(parts) > MAX_PATH_PARTS:
        skipped.append(Skipped(shown, "its path is too long"))
        return None
    safe = None if ".." in parts else normal_path(path)
    if safe is None:
        skipped.append(Skipped(shown, "its path leads out of the package"))
        return None
    return safe.encode("utf-8", "replace").decode("utf-8")


def _open_zip(data: bytes, allowance: Allowance) -> Archive:
    try:
        zipped = zipfile.ZipFile(io.BytesIO(data))
        entries = zipped.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, IndexError) as broken:
        raise UnreadableDocument(
            "The package is damaged. Export it again from where it was made and upload that."
        ) from broken
    allowance.take(len(entries), sum(max(0, entry.file_size) for entry in entries))
    skipped: list[Skipped] = []
    members: dict[str, _Member] = {}
    for entry in entries:
        if entry.is_dir() or entry.filename.endswith("\\"):
            continue
        # zipfile cuts a name at NUL; the name as stored tells.
        name = _safe_name(entry.orig_filename or entry.filename, skipped)
        if name is None:
            continue
        mode = entry.external_attr >> 16
        if stat.S_IFMT(mode) not in (0, stat.S_IFREG):
            skipped.append(Skipped(name, "it is a link or a device, not a file"))
        elif entry.file_size > MAX_MEMBER:
            skipped.append(Skipped(name, f"it is larger than {MAX_MEMBER // 1_000_000} MB"))
        elif name in members:
            skipped.append(Skipped(name, "the package holds two files of this name; the first counts"))
        else:
            members[name] = _Member(entry.file_size, entry)
    return Archive(members, skipped, zipped=zipped)


def _gunzip(data: bytes, most: int) -> bytes:
    """Raises UnreadableDocument when it unpacks to more than ``most`` bytes; takes what a cut-off file still gives."""
    out = bytearray()
    rest = data
    while rest[:2] == b"\x1f\x8b":
        stream = zlib.decompressobj(wbits=31)
        feed = memoryview(rest)
        try:
            for at in range(0, len(feed), _CHUNK):
                piece = bytes(feed[at : at + _CHUNK])
                while piece and not stream.eof:
                    out += stream.decompress(piece, _CHUNK)
                    piece = stream.unconsumed_tail
                    if len(out) > most:
                        raise UnreadableDocument(
                            f"The package unpacks to more than {MAX_UNPACKED // 1_000_000} MB. "
                            "Take the videos and pictures out, or split it, and upload the parts."
                        )
                if stream.eof:
                    rest = stream.unused_data + bytes(feed[at + _CHUNK :])
                    break
            else:
                rest = b""
        except zlib.error:
            rest = b""
    return bytes(out)


def _open_tar(data: bytes, allowance: Allowance) -> Archive:
    skipped: list[Skipped] = []
    members: dict[str, _Member] = {}
    damaged = False
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:", errorlevel=0) as tar:
            while (entry := tar.next()) is not None:
                allowance.take(1, entry.size if entry.isreg() else 0)
                _add_from_tar(entry, len(data), members, skipped)
    except UnreadableDocument:
        raise
    except (
        Exception
    ):  # tarfile raises many kinds on a damaged file (TarError, ValueError, IndexError, Unicode …)
        damaged = True
    if not members:
        raise UnreadableDocument(
            "The package is damaged or empty. Export it again from where it was made and upload that."
        )
    if damaged:
        skipped.append(Skipped("the end of the package", "it is cut off or damaged"))
    return Archive(members, skipped, unpacked_tar=data)


def _add_from_tar(
    entry: tarfile.TarInfo, length: int, members: dict[str, _Member], skipped: list[Skipped]
) -> None:
    if entry.isdir():
        return
    name = _safe_name(entry.name, skipped)
    if name is None:
        return
    if not entry.isreg() or entry.issparse():
        skipped.append(Skipped(name, "it is a link or a device, not a file"))
    elif entry.size > MAX_MEMBER:
        skipped.append(Skipped(name, f"it is larger than {MAX_MEMBER // 1_000_000} MB"))
    elif entry.offset_data + entry.size > length:
        skipped.append(Skipped(name, "it is damaged inside the package"))
    elif name in members:
        skipped.append(Skipped(name, "the package holds two files of this name; the first counts"))
    else:
        members[name] = _Member(entry.size, entry)
