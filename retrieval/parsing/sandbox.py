"""Reads a stranger's file in a child process that can do nothing else, and that ends when it should.

What the child is denied, and by whom:

* memory, processor time, written files, open files, core dumps, further processes: limits of the operating system
  (Linux and macOS; macOS does not limit memory);
* longer than the wall-clock limit: this process ends it with its whole process group;
* outliving this process: Linux ends it with the thread that started it; elsewhere its processor limit does;
* the network, other programs, signals to others: a seccomp filter on Linux (x86-64 and ARM64), and Python's audit hook
  everywhere. The hook stops Python code; on other systems a flaw in a C library could get around it;
* secrets: the environment is empty, no file of this process stays open in the child, its folder is an empty one. It can
  read the files that its user can read: run the worker under a user of its own where that matters.

The child's answer is not trusted: it is bounded and every field is checked.
"""

from __future__ import annotations

import contextlib
import json
import os
import selectors
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from retrieval.parsing import MAX_BYTES
from retrieval.parsing.child import EXIT_MEMORY
from retrieval.parsing.document import (
    Block,
    BlockKind,
    ParsedDocument,
    ParseReport,
    Skipped,
    UnreadableDocument,
    UnsupportedFormat,
)
from retrieval.places import Place, PlaceKind

_CHILD = Path(__file__).with_name("child.py")
_KINDS = frozenset(get_args(BlockKind))
_PLACES = frozenset(get_args(PlaceKind))
_MOST_BLOCKS = 500_000
_BEAT = 1.0  # seconds between two looks at the clock


@dataclass(frozen=True)
class Limits:
    """Of one file. ``memory`` is address space in bytes, ``answer`` the child's answer in bytes."""

    seconds: float = 300  # the longest handbook that is worth reading whole: some 1,000 pages of PDF
    processor_seconds: int = 280
    memory: int = 1_500_000_000
    answer: int = 100_000_000


def read_safely(
    filename: str,
    data: bytes,
    *,
    limits: Limits | None = None,
    heartbeat: Callable[[], None] | None = None,
    beat_every: float = 20,
) -> ParsedDocument:
    """``parse(filename, data)`` in a child process.

    ``heartbeat`` is called every ``beat_every`` seconds while the child works; what it raises ends the child and is
    raised here. Raises UnsupportedFormat and UnreadableDocument like ``parse``, and UnreadableDocument when the child
    takes too long, needs too much memory or crashes; the message says what to do.
    """
    limits = limits or Limits()
    if len(data) > MAX_BYTES:
        raise UnreadableDocument(
            f"The file is larger than {MAX_BYTES // 1_000_000} MB. Split it and upload the parts."
        )
    header = {"filename": filename[:1_000], "parent": os.getpid(), "limits": asdict(limits)}
    with tempfile.TemporaryDirectory(prefix="reading-") as folder, tempfile.TemporaryFile() as request:
        request.write(json.dumps(header).encode() + b"\n")
        request.write(data)
        request.seek(0)
        child = subprocess.Popen(  # noqa: S603 - our own file, no argument comes from outside
            [sys.executable, "-I", "-X", "utf8", str(_CHILD)],
            stdin=request,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env={},
            close_fds=True,
            start_new_session=True,
        )
        try:
            answer = _collect(child, limits, heartbeat, beat_every)
        finally:
            _end(child)
    return _checked(answer, child.returncode, limits)


def _collect(
    child: subprocess.Popen[bytes],
    limits: Limits,
    heartbeat: Callable[[], None] | None,
    beat_every: float,
) -> bytes:
    """What the child writes until it closes its output. Raises UnreadableDocument on too much, or too late."""
    assert child.stdout is not None
    started = beaten = time.monotonic()
    answer = bytearray()
    with selectors.DefaultSelector() as waiting:
        waiting.register(child.stdout, selectors.EVENT_READ)
        while True:
            now = time.monotonic()
            if now - started > limits.seconds:
                raise UnreadableDocument(
                    f"Reading the file took longer than {limits.seconds:g} s. Split it, or save it in another format "
                    "(PDF or Word), and upload that."
                )
            if heartbeat is not None and now - beaten >= beat_every:
                heartbeat()
                beaten = now
            if not waiting.select(max(0.0, min(_BEAT, started + limits.seconds - now))):
                continue
            part = os.read(child.stdout.fileno(), 1 << 16)
            if not part:
                break
            answer += part
            if len(answer) > limits.answer:
                raise UnreadableDocument(
                    "The file holds more text than is read at once. Split it and upload the parts."
                )
    with contextlib.suppress(subprocess.TimeoutExpired):
        child.wait(timeout=5)
    return bytes(answer)


def _end(child: subprocess.Popen[bytes]) -> None:
    """Nothing of the child is left behind, however this ends."""
    if child.poll() is None:
        if hasattr(os, "killpg"):
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child.pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):
            child.kill()
        child.wait()
    if child.stdout is not None:
        child.stdout.close()


def _checked(answer: bytes, returncode: int | None, limits: Limits) -> ParsedDocument:
    """The answer as a document. Raises what the child reports, or says in words how it ended."""
    if returncode == EXIT_MEMORY:
        raise UnreadableDocument(
            f"Reading the file needed more than {limits.memory / 1_000_000_000:g} GB of memory. "
            "Split it, or take large pictures out, and upload the parts."
        )
    if returncode is not None and -returncode in (
        getattr(signal, "SIGXCPU", 0),
        getattr(signal, "SIGKILL", 0),
    ):
        raise UnreadableDocument(
            "Reading the file took too much computing. Split it, or save it in another format (PDF or Word), and "
            "upload that."
        )
    if returncode != 0:
        raise UnreadableDocument(
            "The reader crashed on this file. Open the file, save it again or in another format (PDF or Word), and upload "
            "that."
        )
    try:
        value = json.loads(answer)
        return _document(value)
    except (UnsupportedFormat, UnreadableDocument):
        raise
    except (ValueError, KeyError, TypeError, IndexError, RecursionError, OverflowError) as wrong:
        raise UnreadableDocument(
            "The reader gave no usable answer on this file. Save the file again or in another format, and upload that."
        ) from wrong


def _document(value: Any) -> ParsedDocument:
    """Raises what the child reports; ValueError, KeyError, TypeError on anything that is no answer."""
    if "error" in value:
        kind = UnsupportedFormat if value["error"] == "unsupported" else UnreadableDocument
        raise kind(_text(value["message"])[:2_000])
    blocks = value["blocks"]
    if not isinstance(blocks, list) or len(blocks) > _MOST_BLOCKS:
        raise ValueError("blocks")
    report = value["report"]
    return ParsedDocument(
        _text(value["title"])[:2_000],
        _text(value["language"])[:8],
        [_block(one) for one in blocks],
        ParseReport(
            {_text(key): _whole(number) for key, number in report["counts"].items()},
            [_text(one) for one in report["remarks"]],
            [Skipped(_text(one["where"]), _text(one["why"])) for one in report["skipped"]],
        ),
    )


def _block(value: Any) -> Block:
    kind, text, headings, place, member, marks = value
    if kind not in _KINDS:
        raise ValueError("kind")
    checked = tuple((_whole(offset), float(seconds)) for offset, seconds in marks)
    if any(not 0 <= offset <= len(text) for offset, _ in checked):
        raise ValueError("marks")
    return Block(kind, _text(text), tuple(map(_text, headings)), _place(place), _text(member), checked)


def _place(value: Any) -> Place | None:
    if value is None:
        return None
    kind, where, member = value
    if kind not in _PLACES:
        raise ValueError("place")
    if kind == "cue":
        where = float(where)
    elif kind in ("page", "slide", "notes"):
        where = _whole(where)
    else:
        where = _text(where)
    return Place(kind, where, _text(member))


def _text(value: Any) -> str:
    if not isinstance(value, str) or "\0" in value:
        raise ValueError("text")
    value.encode("utf-8")  # no unpaired surrogates: UnicodeEncodeError is a ValueError
    return value


def _whole(value: Any) -> int:
    if not isinstance(value, int):
        raise ValueError("number")
    return value
