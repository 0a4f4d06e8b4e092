"""Files to text with exact places. ``parse`` is the only door; it imports the format it needs, late.

``parse`` runs in this process: for files of strangers use ``retrieval.parsing.sandbox.read_safely``, which calls it in a
child process with limits.
"""

from __future__ import annotations

import dataclasses
import re
from datetime import datetime
from pathlib import PurePosixPath

from retrieval.languages import detect_language
from retrieval.parsing.document import (
    Block,
    BlockKind,
    ParsedDocument,
    ParseReport,
    Skipped,
    UnreadableDocument,
    UnsupportedFormat,
    tidy,
)
from retrieval.parsing.formats import ending_of, endings, kind_of_content, media_type_of, read_kind

__all__ = [
    "MAX_BYTES",
    "Block",
    "BlockKind",
    "ParseReport",
    "ParsedDocument",
    "Skipped",
    "UnreadableDocument",
    "UnsupportedFormat",
    "endings",
    "media_type_of",
    "parse",
]

MAX_BYTES = 50_000_000
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def parse(filename: str, data: bytes, *, now: datetime | None = None) -> ParsedDocument:
    """The text of a file in blocks, each with its place. ``now`` decides what a course has released (default: now).

    Raises UnsupportedFormat for a kind of file we do not read, UnreadableDocument for one that is damaged,
    protected, too large or without text; the message says what to do.
    """
    if len(data) > MAX_BYTES:
        raise UnreadableDocument(
            f"The file is larger than {MAX_BYTES // 1_000_000} MB. Split it and upload the parts."
        )
    from retrieval.parsing.gathering import Reading

    reading = Reading() if now is None else Reading(now=now)
    parsed = read_kind(kind_of_content(filename, data), data, reading)
    parsed = _screened(dataclasses.replace(parsed, blocks=list(map(_clean, parsed.blocks))))
    blocks = [block for block in parsed.blocks if block.text.strip()]
    if not any(block.kind != "heading" for block in blocks):
        raise UnreadableDocument(
            "The file holds no text. A scan needs text recognition (OCR) before the upload."
        )
    title = _on_one_line(parsed.title) or _title_from(filename)
    text = "\n".join(block.text for block in blocks)
    language = detect_language(text, default=parsed.language)
    content = [block for block in blocks if block.kind != "heading"]
    counts = parsed.report.counts | {
        "blocks": len(content),
        "words": sum(len(block.text.split()) for block in content),
    }
    report = dataclasses.replace(parsed.report, counts=counts)
    return dataclasses.replace(parsed, title=title, language=language, blocks=blocks, report=report)


def _screened(parsed: ParsedDocument) -> ParsedDocument:
    from retrieval.screening import screen

    return screen(parsed)


def _clean(block: Block) -> Block:
    text = _clean_text(block.text)
    headings = tuple(map(_clean_text, block.headings))
    if text == block.text and headings == block.headings:
        return block
    return dataclasses.replace(block, text=text, headings=headings)


def _clean_text(text: str) -> str:
    """Without NUL and surrogates, which databases refuse. Keeps the length: offsets stay true."""
    return _UNSTORABLE.sub("\ufffd", text)


def _on_one_line(text: str) -> str:
    """A title as a reader sees it: without marks that turn the words around it round."""
    return " ".join(tidy(_clean_text(text)).split())


def _title_from(filename: str) -> str:
    name = PurePosixPath(filename.replace("\\", "/")).name
    ending = ending_of(filename)
    stem = name[: -len(ending)] if ending and name.lower().endswith(ending) else name
    return _on_one_line(stem.replace("_", " ").replace("-", " ")) or filename
