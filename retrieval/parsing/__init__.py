"""Files to text with exact places. ``parse`` is the only door; it imports the format it needs, late."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import PurePosixPath

from retrieval.languages import detect_language
from retrieval.parsing.document import (
    Block,
    BlockKind,
    ParsedDocument,
    ParseReport,
    UnreadableDocument,
    UnsupportedFormat,
)

__all__ = [
    "Block",
    "BlockKind",
    "ParseReport",
    "ParsedDocument",
    "UnreadableDocument",
    "UnsupportedFormat",
    "media_type_of",
    "parse",
]

_MARKDOWN, _HTML, _PDF, _TEXT = (
    "text/markdown",
    "text/html",
    "application/pdf",
    "text/plain",
)
_MEDIA_TYPES = {
    ".md": _MARKDOWN,
    ".markdown": _MARKDOWN,
    ".html": _HTML,
    ".htm": _HTML,
    ".xhtml": _HTML,
    ".pdf": _PDF,
    ".txt": _TEXT,
    ".text": _TEXT,
}
_INSTEAD = {
    ".pptx": "Slides are not read yet: export them as PDF and upload that.",
    ".ppt": "Slides are not read yet: export them as PDF and upload that.",
    ".docx": "Word files are not read yet: save the file as PDF or HTML and upload that.",
    ".doc": "Word files are not read yet: save the file as PDF or HTML and upload that.",
    ".vtt": "Captions are not read yet: upload the transcript as plain text.",
    ".srt": "Captions are not read yet: upload the transcript as plain text.",
}
MAX_BYTES = 50_000_000


def media_type_of(filename: str) -> str:
    """The media type by the name's ending. Raises UnsupportedFormat, which says what to do instead."""
    ending = PurePosixPath(filename.replace("\\", "/").lower()).suffix
    if ending in _MEDIA_TYPES:
        return _MEDIA_TYPES[ending]
    raise UnsupportedFormat(
        _INSTEAD.get(ending)
        or f"Files ending in “{ending or 'nothing'}” are not read. Upload PDF, HTML, Markdown or plain text."
    )


def parse(filename: str, data: bytes) -> ParsedDocument:
    """The text of a file in blocks, each with its place.

    Raises UnsupportedFormat for a kind of file we do not read, UnreadableDocument for one that is damaged,
    protected, too large or without text; the message says what to do.
    """
    media_type = media_type_of(filename)
    if len(data) > MAX_BYTES:
        raise UnreadableDocument(
            f"The file is larger than {MAX_BYTES // 1_000_000} MB. Split it and upload the parts."
        )
    parsed = _reader(media_type)(data)
    blocks = [block for block in parsed.blocks if block.text.strip()]
    if not any(block.kind != "heading" for block in blocks):
        raise UnreadableDocument(
            "The file holds no text. A scan needs text recognition (OCR) before the upload."
        )
    title = parsed.title.strip() or _title_from(filename)
    text = "\n".join(block.text for block in blocks)
    language = detect_language(text, default=parsed.language)
    return dataclasses.replace(parsed, title=title, language=language, blocks=blocks)


def _reader(media_type: str) -> Callable[[bytes], ParsedDocument]:
    if media_type == _MARKDOWN:
        from retrieval.parsing.markdown import read_markdown

        return read_markdown
    if media_type == _HTML:
        from retrieval.parsing.html import read_html

        return read_html
    if media_type == _PDF:
        from retrieval.parsing.pdf import read_pdf

        return read_pdf
    from retrieval.parsing.plain import read_plain

    return read_plain


def _title_from(filename: str) -> str:
    stem = PurePosixPath(filename.replace("\\", "/")).stem
    return " ".join(stem.replace("_", " ").replace("-", " ").split()) or filename
