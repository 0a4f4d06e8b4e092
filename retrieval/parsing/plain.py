"""Plain text: paragraphs between empty lines, numbered and bulleted lines kept as lists."""

from __future__ import annotations

import re
from collections.abc import Iterator

from retrieval.parsing.document import (
    Block,
    BlockKind,
    ParsedDocument,
    ParseReport,
    decode_text,
    tidy,
)

_BREAK = re.compile(r"\n\s*\n")
NUMBERED = re.compile(r"\s*\d{1,3}[.)]\s+\S")
BULLET = re.compile(r"\s*[-*•‣▪◦–●○■□▸►➢➤❖✓✔∙·°]\s+\S")


def read_plain(data: bytes) -> ParsedDocument:
    """Raises UnreadableDocument when the bytes are not text."""
    text = decode_text(data).replace("\r\n", "\n").replace("\r", "\n")
    blocks = [Block(kind, part) for kind, part in paragraphs(text)]
    return ParsedDocument("", "und", blocks, ParseReport({"blocks": len(blocks)}))


def paragraphs(text: str) -> Iterator[tuple[BlockKind, str]]:
    """Splits running text into paragraphs and lists; lines of a paragraph are joined."""
    for part in _BREAK.split(text):
        lines: list[str] = []
        kind: BlockKind = "paragraph"
        for line in part.split("\n"):
            if not line.strip():
                continue
            item: BlockKind | None = (
                "steps" if NUMBERED.match(line) else "list" if BULLET.match(line) else None
            )
            if item is not None and kind != item:
                if lines:
                    yield kind, _joined(kind, lines)
                lines, kind = [line], item
            elif item is not None or kind == "paragraph":
                lines.append(line)
            else:
                # A line without a mark goes on with the item above it.
                lines[-1] = f"{lines[-1]} {line}"
        if lines:
            yield kind, _joined(kind, lines)


def _joined(kind: BlockKind, lines: list[str]) -> str:
    return tidy(" ".join(lines) if kind == "paragraph" else "\n".join(lines))
