"""The formats that are read: their names and endings, how content tells them apart, and which reader reads which.

Readers are imported late: a small text file should not wait for the PDF library.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from retrieval.parsing.document import ParsedDocument, UnreadableDocument, UnsupportedFormat

if TYPE_CHECKING:
    from retrieval.parsing.archive import Archive
    from retrieval.parsing.gathering import Reading


@dataclass(frozen=True)
class Format:
    """``name``: for people. ``endings``: with their dot, in lower case."""

    kind: str
    name: str
    media_type: str
    endings: tuple[str, ...]


FORMATS = (
    Format("pdf", "PDF", "application/pdf", (".pdf",)),
    Format(
        "docx",
        "Word",
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        (".docx", ".docm", ".dotx"),
    ),
    Format(
        "pptx",
        "PowerPoint",
        "application/vnd.openxmlformats-officedocument.presentationml.presentation",
        (".pptx", ".pptm", ".ppsx", ".potx"),
    ),
    Format("html", "HTML", "text/html", (".html", ".htm", ".xhtml")),
    Format("markdown", "Markdown", "text/markdown", (".md", ".markdown")),
    Format("plain", "plain text", "text/plain", (".txt", ".text")),
    Format("vtt", "WebVTT captions", "text/vtt", (".vtt",)),
    Format("srt", "SubRip captions", "application/x-subrip", (".srt",)),
    Format("epub", "EPUB", "application/epub+zip", (".epub",)),
    Format("imscc", "Common Cartridge", "application/vnd.ims.imscc", (".imscc",)),
    Format("mbz", "Moodle backup", "application/vnd.moodle.backup", (".mbz",)),
    Format("h5p", "H5P", "application/zip+h5p", (".h5p",)),
    # SCORM packages and Open edX courses have no ending of their own: their content tells.
    Format("zip", "zip", "application/zip", (".zip",)),
    Format("tar", "tar", "application/gzip", (".tar.gz", ".tgz", ".tar")),
)
ARCHIVES = frozenset({"epub", "imscc", "mbz", "h5p", "zip", "tar"})
_BY_KIND = {one.kind: one for one in FORMATS}
_BY_ENDING = {ending: one for one in FORMATS for ending in one.endings}
_TEXTS = frozenset({"html", "markdown", "plain", "vtt", "srt"})

_SAVE_AS = "Open it, save it as {}, and upload that."
_INSTEAD = {
    ".doc": "Old Word files are not read. " + _SAVE_AS.format("Word document (.docx) or PDF"),
    ".rtf": "Rich text files are not read. " + _SAVE_AS.format("Word document (.docx) or PDF"),
    ".odt": "OpenDocument texts are not read. " + _SAVE_AS.format("Word document (.docx) or PDF"),
    ".pages": "Pages files are not read. " + _SAVE_AS.format("Word document (.docx) or PDF"),
    ".gdoc": "That is a link to a Google document, not the document. Download it as .docx or PDF and upload that.",
    ".ppt": "Old PowerPoint files are not read. " + _SAVE_AS.format("PowerPoint presentation (.pptx) or PDF"),
    ".pps": "Old PowerPoint files are not read. " + _SAVE_AS.format("PowerPoint presentation (.pptx) or PDF"),
    ".odp": "OpenDocument slides are not read. " + _SAVE_AS.format("PowerPoint presentation (.pptx) or PDF"),
    ".key": "Keynote files are not read. " + _SAVE_AS.format("PowerPoint presentation (.pptx) or PDF"),
    ".xls": "Spreadsheets are not read. " + _SAVE_AS.format("PDF"),
    ".xlsx": "Spreadsheets are not read. " + _SAVE_AS.format("PDF"),
    ".ods": "Spreadsheets are not read. " + _SAVE_AS.format("PDF"),
    ".csv": "Spreadsheets are not read. " + _SAVE_AS.format("PDF"),
    ".mp4": "Videos are not read. Upload their captions (WebVTT or SRT).",
    ".mov": "Videos are not read. Upload their captions (WebVTT or SRT).",
    ".webm": "Videos are not read. Upload their captions (WebVTT or SRT).",
    ".mp3": "Recordings are not read. Upload their captions (WebVTT or SRT) or a transcript.",
    ".m4a": "Recordings are not read. Upload their captions (WebVTT or SRT) or a transcript.",
    ".wav": "Recordings are not read. Upload their captions (WebVTT or SRT) or a transcript.",
    ".rar": "RAR archives are not read. Pack the files as .zip and upload that.",
    ".7z": "7z archives are not read. Pack the files as .zip and upload that.",
    ".azw3": "Kindle books are not read. Upload the EPUB or PDF.",
    ".mobi": "Kindle books are not read. Upload the EPUB or PDF.",
    ".png": "Pictures are not read. Save it as a PDF with text recognition (OCR) and upload that.",
    ".jpg": "Pictures are not read. Save it as a PDF with text recognition (OCR) and upload that.",
    ".jpeg": "Pictures are not read. Save it as a PDF with text recognition (OCR) and upload that.",
}
_WHAT_IS_READ = (
    "Upload PDF, Word, PowerPoint, HTML, Markdown, plain text, captions (WebVTT, SRT), EPUB, "
    "or a course package (Common Cartridge, Moodle, SCORM, Open edX, H5P, zip)."
)
_SRT_START = re.compile(rb"^\s*\d+\s*\r?\n\s*\d{1,2}:\d{2}:\d{2}[,.]\d{1,3}\s*-->")


def ending_of(filename: str) -> str:
    """ ".tar.gz" for that, else the last suffix in lower case."""
    name = PurePosixPath(filename.replace("\\", "/").lower()).name
    return ".tar.gz" if name.endswith(".tar.gz") else PurePosixPath(name).suffix


def media_type_of(filename: str) -> str:
    """The media type by the name's ending. Raises UnsupportedFormat, which says what to do instead."""
    ending = ending_of(filename)
    if ending in _BY_ENDING:
        return _BY_ENDING[ending].media_type
    raise UnsupportedFormat(
        _INSTEAD.get(ending) or f"Files ending in “{ending or 'nothing'}” are not read. {_WHAT_IS_READ}"
    )


def endings() -> list[str]:
    """Every ending that is read, in the order of the formats."""
    return [ending for one in FORMATS for ending in one.endings]


def kind_of_content(filename: str, data: bytes) -> str:
    """Which format the bytes are, whatever the name says; the name decides among kinds of text.

    Raises UnsupportedFormat for a kind that is not read.
    """
    head = data[:1024]
    if head.startswith(b"PK"):
        # What a zip is, its members tell; that needs the archive open: see _read_archive.
        return _office_kind(data) or "zip"
    if head[:2] == b"\x1f\x8b":
        from retrieval.parsing.archive import gzip_head, is_tar

        if is_tar(gzip_head(data)):
            return "tar"
        raise UnsupportedFormat("The file is packed with gzip. Unpack it and upload what is in it.")
    if head[257:262] == b"ustar":
        return "tar"
    if b"%PDF-" in head:
        return "pdf"
    if head.startswith(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"):
        if ending_of(filename) in (".docx", ".docm", ".pptx", ".pptm", ".ppsx"):
            raise UnreadableDocument(
                "The file is protected by a password. Save a copy without it and upload that."
            )
        raise UnsupportedFormat(
            _INSTEAD.get(ending_of(filename))
            or "That is an old Office file. Open it, save it as .docx, .pptx or PDF, and upload that."
        )
    if head.startswith(b"{\\rtf"):
        raise UnsupportedFormat(_INSTEAD[".rtf"])
    named = _BY_ENDING.get(ending_of(filename))
    if head.lstrip(b"\xef\xbb\xbf").startswith(b"WEBVTT"):
        return "vtt"
    if named is None:
        media_type_of(filename)  # raises, with advice
        raise AssertionError("unreachable")
    if named.kind == "plain" and _SRT_START.match(head.lstrip(b"\xef\xbb\xbf")):
        return "srt"
    if named.kind in _TEXTS:
        return named.kind
    raise UnreadableDocument(
        f"The file is not {_article(named.name)} file, whatever its name says. Export it again from where it was made "
        "and upload that."
    )


def read_kind(kind: str, data: bytes, reading: Reading) -> ParsedDocument:
    """The reader's answer, before titles, languages and screening. Raises UnreadableDocument, UnsupportedFormat."""
    if kind in ARCHIVES:
        return _read_archive(data, reading)
    return _reader(kind)(data)


def _reader(kind: str) -> Callable[[bytes], ParsedDocument]:
    if kind == "pdf":
        from retrieval.parsing.pdf import read_pdf

        return read_pdf
    if kind == "docx":
        from retrieval.parsing.docx import read_docx

        return read_docx
    if kind == "pptx":
        from retrieval.parsing.pptx import read_pptx

        return read_pptx
    if kind == "html":
        from retrieval.parsing.html import read_html

        return read_html
    if kind == "markdown":
        from retrieval.parsing.markdown import read_markdown

        return read_markdown
    if kind in ("vtt", "srt"):
        from retrieval.parsing.captions import read_captions

        return read_captions
    from retrieval.parsing.plain import read_plain

    return read_plain


def _read_archive(data: bytes, reading: Reading) -> ParsedDocument:
    from retrieval.parsing.archive import open_archive
    from retrieval.parsing.bundle import read_bundle

    return read_bundle(open_archive(data, reading.allowance), reading)


def package_kind(archive: Archive, folder: str) -> str:
    """What kind of package stands in that folder of the archive ("" is its root); empty when none does.

    ``folder`` ends in a slash where it is not empty.
    """
    if f"{folder}META-INF/container.xml" in archive:
        return "epub"
    if f"{folder}moodle_backup.xml" in archive:
        return "mbz"
    if f"{folder}h5p.json" in archive and f"{folder}content/content.json" in archive:
        return "h5p"
    if f"{folder}imsmanifest.xml" in archive:
        return "manifest"
    if f"{folder}course.xml" in archive and any(
        name.startswith((f"{folder}chapter/", f"{folder}policies/", f"{folder}course/", f"{folder}html/"))
        for name in archive.names
    ):
        return "olx"
    return ""


def _office_kind(data: bytes) -> str:
    """ "docx" or "pptx"; empty for another zip. Raises UnsupportedFormat for office files that are not read."""
    import io
    import zipfile

    try:
        with zipfile.ZipFile(io.BytesIO(data)) as opened:
            names = set(opened.namelist())
            first = opened.infolist()[0] if names else None
            mimetype = b""
            if first is not None and first.filename == "mimetype" and first.file_size < 200:
                mimetype = opened.read(first)
    except Exception:  # a damaged zip: whoever opens it says so
        return ""
    if mimetype.startswith(b"application/vnd.oasis.opendocument"):
        raise UnsupportedFormat(
            "OpenDocument files are not read. Open it, save it as .docx, .pptx or PDF, and upload that."
        )
    if "[Content_Types].xml" not in names:
        if "Index/Document.iwa" in names or "Index.zip" in names:
            raise UnsupportedFormat("Pages and Keynote files are not read. Export it as PDF and upload that.")
        return ""
    if any(name.startswith("word/") for name in names):
        return "docx"
    if any(name.startswith("ppt/") for name in names):
        return "pptx"
    if any(name.startswith("xl/") for name in names):
        raise UnsupportedFormat(_INSTEAD[".xlsx"])
    return ""


def _article(name: str) -> str:
    return f"{'an' if name[0] in 'AEHIOU' else 'a'} {name}"
