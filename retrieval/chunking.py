"""Documents to passages: cut where the author cut (heading, page, paragraph, list), never in a sentence if
it can be helped.

The document's text is its blocks joined by empty lines, headings included. A passage is a stretch of that
text; ``text[start:end]`` is the passage, always. Headings above it are kept beside the text, not in it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from retrieval.languages import detect_language
from retrieval.parsing.document import Block, BlockKind, ParsedDocument
from retrieval.places import HEADING_JOIN, Place

# Characters. Chosen by the measurement in docs/decisions/0003-embedded-retrieval.md.
TARGET = 1_000
LONGEST = 1_600
TOKEN_BUDGET = 480  # of the model's 512, leaving room for the title and headings that are embedded with it
_JOIN = "\n\n"
_SENTENCE = re.compile(r"(?<=[.!?…。！？])[”\"')\]]*\s+|\n+")


@dataclass(frozen=True)
class Chunk:
    """A passage before it is stored."""

    id: str
    ordinal: int
    kind: BlockKind
    heading_path: tuple[str, ...]
    text: str
    language: str
    place: Place
    start: int
    end: int
    marks: tuple[tuple[int, float], ...] = ()


def document_text(blocks: Sequence[Block]) -> str:
    """The text that offsets count in."""
    return _JOIN.join(block.text for block in blocks)


def chunk(
    collection_id: str,
    filename: str,
    document: ParsedDocument,
    count_tokens: Callable[[str], int] | None = None,
) -> list[Chunk]:
    """Cuts a parsed document into passages, in reading order.

    The same input gives the same passages with the same ids: an id is a hash of collection, file name, place,
    text, and how often the same text stood at that place before.
    """
    text = document_text(document.blocks)
    chunks: list[Chunk] = []
    repeats: dict[str, int] = {}
    for group, start in _groups(document.blocks):
        first = group[0]
        whole = start + sum(len(block.text) for block in group) + len(_JOIN) * (len(group) - 1)
        marks = _marks(group)
        for left, right in _pieces(text, start, whole, count_tokens):
            piece = text[left:right]
            place = _place(group, left - start)
            base = f"{collection_id}\x1f{filename}\x1f{place.kind}\x1f{place.stored()}\x1f{piece}"
            if place.member:
                base += f"\x1f{place.member}"
            repeats[base] = repeats.get(base, 0) + 1
            digest = hashlib.sha256(f"{base}\x1f{repeats[base]}".encode("utf-8", "replace")).hexdigest()
            language = (
                detect_language(piece, default=document.language) if len(piece) > 200 else document.language
            )
            chunks.append(
                Chunk(
                    digest[:32],
                    len(chunks),
                    _kind(group),
                    first.headings,
                    piece,
                    language,
                    place,
                    left,
                    right,
                    tuple(
                        (max(0, start + offset - left), seconds)
                        for offset, seconds in marks
                        if left <= start + offset < right
                    ),
                )
            )
    return chunks


def _groups(blocks: Sequence[Block]) -> Iterator[tuple[list[Block], int]]:
    """Neighbouring blocks under the same heading and on the same page, up to the target size."""
    group: list[Block] = []
    group_start = size = 0
    at = 0
    for block in blocks:
        start, at = at, at + len(block.text) + len(_JOIN)
        if block.kind == "heading":
            if group:
                yield group, group_start
                group = []
            continue
        fits = (
            group
            and _stand(group[0]) == _stand(block)
            and size + len(block.text) <= TARGET
            # Steps are followed as a whole: they stand alone, with the sentence that introduces them.
            and (block.kind != "steps" or len(group) == 1)
            and group[-1].kind != "steps"
        )
        if fits:
            group.append(block)
            size += len(block.text) + len(_JOIN)
        else:
            if group:
                yield group, group_start
            group, group_start, size = [block], start, len(block.text)
    if group:
        yield group, group_start


def _pieces(
    text: str, start: int, end: int, count_tokens: Callable[[str], int] | None
) -> Iterator[tuple[int, int]]:
    """The stretch whole if it is short enough, else cut between lines or sentences into even parts."""
    if end - start <= LONGEST and (count_tokens is None or _fits(text[start:end], count_tokens)):
        yield start, end
        return
    limit = TARGET
    if count_tokens is not None:
        tokens = max(1, count_tokens(text[start : start + 4_000]))
        limit = max(60, min(TARGET, int(min(end - start, 4_000) / tokens * TOKEN_BUDGET * 0.9)))
    cuts = [match.end() for match in _SENTENCE.finditer(text, start, end) if match.end() < end]
    left = start
    while end - left > limit:
        inside = [cut for cut in cuts if left < cut <= left + limit]
        right = inside[-1] if inside else _word_break(text, left, left + limit)
        yield from _stripped(text, left, right)
        left = right
    yield from _stripped(text, left, end)


def _fits(piece: str, count_tokens: Callable[[str], int]) -> bool:
    # No language here needs more than two tokens for a letter, so short pieces need no counting.
    return len(piece) < TOKEN_BUDGET // 2 or count_tokens(piece) <= TOKEN_BUDGET


def _word_break(text: str, left: int, right: int) -> int:
    space = text.rfind(" ", left + 1, right)
    return space + 1 if space > left + (right - left) // 2 else right


def _stripped(text: str, left: int, right: int) -> Iterator[tuple[int, int]]:
    while left < right and text[left].isspace():
        left += 1
    while right > left and text[right - 1].isspace():
        right -= 1
    if left < right:
        yield left, right


def _kind(group: Sequence[Block]) -> BlockKind:
    kinds = {block.kind for block in group}
    if "steps" in kinds:
        return "steps"
    return group[0].kind if len(kinds) == 1 else "paragraph"


def _stand(block: Block) -> tuple[object, ...]:
    """What blocks of one passage have in common. Cues of one transcript follow one another: marks tell them apart."""
    place = block.place if block.place is None or block.place.kind != "cue" else "cue"
    return (block.headings, place, block.member)


def _place(group: Sequence[Block], at: int) -> Place:
    """The place of the offset ``at``, which counts in the text of the group."""
    first = group[0]
    if first.place is not None and first.place.kind == "cue":
        reached = [seconds for offset, seconds in _marks(group) if offset <= at]
        return replace(first.place, value=reached[-1] if reached else first.place.value, member=first.member)
    if first.place is not None:
        return replace(first.place, member=first.member)
    if first.headings:
        return Place("heading", HEADING_JOIN.join(first.headings), first.member)
    return Place("document", "", first.member)


def _marks(group: Sequence[Block]) -> list[tuple[int, float]]:
    """(offset in the group's text, seconds) of each cue."""
    marks: list[tuple[int, float]] = []
    start = 0
    for block in group:
        marks += [(start + offset, seconds) for offset, seconds in block.marks]
        start += len(block.text) + len(_JOIN)
    return marks
