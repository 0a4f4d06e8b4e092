"""Captions (WebVTT, SubRip): what is said, in paragraphs, with the second at which each cue begins.

Tolerant on purpose: tools write times with and without hours, with comma or point, cue numbers where none belong,
and captions that roll up (each cue repeats the line before). What matters is what was said and when.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from retrieval.parsing.document import (
    Block,
    ParsedDocument,
    ParseReport,
    Skipped,
    UnreadableDocument,
    decode_text,
    tidy,
)
from retrieval.places import Place

LONGEST_PARAGRAPH = 700  # characters; a passage holds one or two of them
PAUSE = 3.0  # seconds of silence that end a paragraph, once it says something
_SHORTEST = 200  # characters that a paragraph should have before a sentence end or a pause ends it

_TIME = r"(?:(\d{1,4}):)?(\d{1,2}):(\d{1,2})[.,](\d{1,3})"
_TIMING = re.compile(rf"^\s*{_TIME}\s*-->\s*{_TIME}")
_VOICE = re.compile(r"<v(?:\.[^\s>]*)?\s+([^>]+)>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:[a-zA-Z][^<>]*|\d[\d:.]*)?>")
_SSA_POSITION = re.compile(r"\{\\[^}]*\}")
_SENTENCE_END = re.compile(r"[.!?…。！？][”\"')\]]*$")
_HEADER = re.compile(r"^(NOTE|STYLE|REGION)(?:\s|$)")
_NOT_SPEECH = {"NOTE": "comments", "STYLE": "style blocks", "REGION": "region blocks"}


@dataclass(frozen=True)
class _Said:
    """What one speaker says in one cue."""

    start: float
    end: float
    voice: str
    text: str


def read_captions(data: bytes) -> ParsedDocument:
    """Raises UnreadableDocument when the file holds no cue."""
    text = decode_text(data).replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    cues, left_out = _cues(text)
    if not cues:
        raise UnreadableDocument(
            "The file holds no captions with times. Export the captions again as WebVTT or SRT and upload that."
        )
    said = _without_repeats(cues)
    blocks = list(_paragraphs(said))
    skipped = [
        Skipped(f"{number} {_NOT_SPEECH[kind]}", "not spoken: a note or instruction to the player")
        for kind, number in left_out.items()
        if number
    ]
    repeats = len(cues) - len(said)
    remarks = [f"{repeats} cues that only repeat the line before were left out."] if repeats > 0 else []
    voices = {one.voice for one in said if one.voice}
    counts = {"cues": len(cues), "speakers": len(voices), "seconds": int(max(one.end for one in cues))}
    return ParsedDocument("", _language(text), blocks, ParseReport(counts, remarks, skipped))


def cue_paragraphs(cues: list[tuple[float, float, str]]) -> list[Block]:
    """Paragraphs of cues (start and end in seconds, text) that come from elsewhere than a caption file."""
    said = [
        _Said(start, max(start, end), "", plain)
        for start, end, text in cues
        if (plain := _plain(text)) and start >= 0
    ]
    return list(_paragraphs(_without_repeats(said)))


def _language(text: str) -> str:
    match = re.search(r"^Language:\s*([A-Za-z]{2,3})\b", text[:500], re.MULTILINE)
    return match[1].lower() if match else "und"


def _cues(text: str) -> tuple[list[_Said], dict[str, int]]:
    """The cues in the order of the file, and how many blocks of each other kind were passed over."""
    cues: list[_Said] = []
    left_out = dict.fromkeys(_NOT_SPEECH, 0)
    lines = text.split("\n")
    at = 0
    while at < len(lines):
        line = lines[at].lstrip("\ufeff")
        timing = _TIMING.match(line)
        if timing is None:
            header = _HEADER.match(line)
            # A comment stands at the start of a block, and goes on to the next empty line.
            if header and (at == 0 or not lines[at - 1].strip()):
                left_out[header[1]] += 1
                while at < len(lines) and lines[at].strip():
                    if _TIMING.match(lines[at]):  # the empty line was forgotten
                        at -= 1
                        break
                    at += 1
            at += 1
            continue
        start, end = _seconds(timing, 1), _seconds(timing, 5)
        at += 1
        payload: list[str] = []
        while at < len(lines) and lines[at].strip() and not _TIMING.match(lines[at]):
            following = lines[at + 1] if at + 1 < len(lines) else ""
            if lines[at].strip().isdigit() and _TIMING.match(following):
                break  # the next cue's number, without an empty line before it
            payload.append(lines[at])
            at += 1
        cues += _spoken(start, max(start, end), payload)
    return cues, left_out


def _seconds(match: re.Match[str], first: int) -> float:
    hours, minutes, seconds, fraction = match.group(first, first + 1, first + 2, first + 3)
    thousandths = int(fraction.ljust(3, "0"))
    return int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + thousandths / 1000


def _spoken(start: float, end: float, payload: list[str]) -> Iterator[_Said]:
    """The cue's text, parted where another voice begins."""
    parts = _VOICE.split("\n".join(payload))
    # parts: text before the first voice, then (voice, text) in turns.
    for voice, text in [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]:
        if plain := _plain(text):
            yield _Said(start, end, tidy(html.unescape(voice)).replace("\n", " "), plain)


def _plain(text: str) -> str:
    """Without markup; every line of the cue on its own line (roll-up captions are told apart by lines)."""
    return tidy(html.unescape(_TAG.sub("", _SSA_POSITION.sub("", text))))


def _without_repeats(cues: list[_Said]) -> list[_Said]:
    """Roll-up captions repeat the last line or lines of the cue before, or grow word by word: each is kept once."""
    kept: list[_Said] = []
    shown: list[str] = []  # the lines of the cue before, as it was on screen
    for cue in sorted(cues, key=lambda one: one.start):
        lines = cue.text.split("\n")
        before = kept[-1] if kept else None
        close = before is not None and cue.start - before.end < 1.0 and cue.voice == before.voice
        fresh = lines
        if close and before is not None and len(shown) + len(lines) > 2:
            overlap = next(
                (size for size in range(min(len(shown), len(lines)), 0, -1) if shown[-size:] == lines[:size]),
                0,
            )
            fresh = lines[overlap:]
        if close and before is not None and fresh:
            joined, whole = " ".join(fresh), before.text.replace("\n", " ")
            if joined == whole and len(whole) > 20:
                fresh = []
            elif joined.startswith(whole + " ") and len(whole) > 10 and cue.start - before.end < 0.3:
                # It grows while it is spoken: the longer cue says it all, from where the first began.
                kept[-1] = _Said(before.start, max(before.end, cue.end), cue.voice, joined)
                shown = lines
                continue
        shown = lines
        if fresh:
            kept.append(_Said(cue.start, cue.end, cue.voice, "\n".join(fresh)))
        elif before is not None:
            kept[-1] = _Said(before.start, max(before.end, cue.end), before.voice, before.text)
    return kept


def _paragraphs(said: list[_Said]) -> Iterator[Block]:
    """Neighbouring cues joined by one space: to the end of a sentence, a pause, or another speaker."""
    pending: list[tuple[float, str]] = []
    length = 0
    before: _Said | None = None
    speaker = ""
    for one in said:
        text = one.text.replace("\n", " ")
        turn = bool(one.voice) and one.voice != speaker
        if turn:
            text = f"{one.voice}: {text}"
            speaker = one.voice
        if pending and before is not None:
            pause = one.start - before.end
            sentence = bool(_SENTENCE_END.search(before.text))
            if (
                turn
                or length + len(text) + 1 > LONGEST_PARAGRAPH
                or (sentence and length >= LONGEST_PARAGRAPH // 2)
                or (pause >= PAUSE and (sentence or length >= _SHORTEST))
            ):
                yield _block(pending)
                pending, length = [], 0
        pending.append((one.start, text))
        length += len(text) + 1
        before = one
    if pending:
        yield _block(pending)


def _block(cues: list[tuple[float, str]]) -> Block:
    marks: list[tuple[int, float]] = []
    at = 0
    for start, text in cues:
        marks.append((at, start))
        at += len(text) + 1
    text = " ".join(text for _, text in cues)
    return Block("paragraph", text, place=Place("cue", cues[0][0]), marks=tuple(marks))
