"""The process that reads one file. Started by retrieval/parsing/sandbox.py, alone and with limits; see there.

Started by its path, in Python's isolated mode: nothing of the environment, the working folder or the user's own
packages decides what is imported. The request stands on standard input (a line of JSON, then the file), the answer goes to
standard output as JSON.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import types
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]
EXIT_MEMORY = 77
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 38, 22
# Numbers of the system calls that reach a network, another process or another program, by machine.
_REFUSED_CALLS = {
    # socket connect accept sendto recvfrom sendmsg recvmsg bind listen socketpair fork vfork execve ptrace
    # process_vm_readv process_vm_writev accept4 recvmmsg sendmmsg bpf execveat io_uring_setup pidfd_getfd kill tkill
    # tgkill clone clone3
    "x86_64": (
        0xC000003E,
        (
            41, 42, 43, 44, 45, 46, 47, 49, 50, 53, 57, 58, 59, 101, 310, 311, 288, 299, 307, 321,
            322, 425, 438, 62, 200, 234, 56, 435,
        ),
    ),
    "aarch64": (
        0xC00000B7,
        (
            198, 203, 202, 206, 207, 211, 212, 200, 201, 199, 221, 117, 270, 271, 242, 243, 269,
            280, 281, 425, 438, 129, 130, 131, 220, 435,
        ),
    ),
}  # fmt: skip
_X32 = 0x40000000
_EPERM = 1


def main() -> int:
    """Reads the request, takes every right away that is not needed, reads the file, writes the answer."""
    header, data = _request()
    _die_with_parent(int(header["parent"]))
    _limit(header["limits"])
    # The parent's folder is not the child's business; retrieval/__init__.py would load the whole search.
    package = types.ModuleType("retrieval")
    package.__path__ = [str(_ROOT / "retrieval")]
    sys.modules["retrieval"] = package
    try:
        answer = _answer(str(header["filename"]), data)
        text = json.dumps(answer, ensure_ascii=False, separators=(",", ":"))
        with open(1, "wb", closefd=False) as out:
            out.write(text.encode("utf-8", "replace"))
    except MemoryError:
        return EXIT_MEMORY
    return 0


def _request() -> tuple[dict[str, Any], bytes]:
    with open(0, "rb", closefd=False) as source:
        header: dict[str, Any] = json.loads(source.readline())
        return header, source.read()


def _answer(filename: str, data: bytes) -> dict[str, object]:
    from retrieval.parsing import UnreadableDocument, UnsupportedFormat, parse

    _refuse_network()
    try:
        parsed = parse(filename, data)
    except UnsupportedFormat as problem:
        return {"error": "unsupported", "message": str(problem)}
    except UnreadableDocument as problem:
        return {"error": "unreadable", "message": str(problem)}
    return {
        "title": parsed.title,
        "language": parsed.language,
        "report": parsed.report.as_json(),
        "blocks": [
            [
                block.kind,
                block.text,
                list(block.headings),
                None if block.place is None else [block.place.kind, block.place.value, block.place.member],
                block.member,
                [list(mark) for mark in block.marks],
            ]
            for block in parsed.blocks
        ],
    }


def _die_with_parent(parent: int) -> None:
    """Linux kills this process when the thread that started it ends; elsewhere the processor limit ends it."""
    libc = _libc()
    if libc is not None:
        libc.prctl(_PR_SET_PDEATHSIG, 9, 0, 0, 0)
        if os.getppid() != parent:  # it ended before the line above
            os._exit(1)


def _limit(limits: dict[str, int]) -> None:
    try:
        import resource
    except ImportError:  # Windows: only the parent's clock limits
        return
    import signal

    # Writing a file fails with an error instead of killing the process.
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    wanted = {
        "RLIMIT_AS": limits["memory"],
        "RLIMIT_CPU": limits["processor_seconds"],
        "RLIMIT_FSIZE": 0,
        "RLIMIT_NOFILE": 64,
        "RLIMIT_CORE": 0,
        "RLIMIT_NPROC": 0,
    }
    for name, value in wanted.items():
        which = getattr(resource, name, None)
        if which is not None:
            hard = resource.getrlimit(which)[1]
            most = value if hard == resource.RLIM_INFINITY else min(value, hard)
            # macOS knows RLIMIT_AS and refuses to set it.
            with contextlib.suppress(ValueError, OSError):
                resource.setrlimit(which, (most, most))


def _refuse_network() -> None:
    """No sockets, no other programs, no signals to others: by the kernel where it can, by Python's audit hook everywhere."""
    _filter_calls()
    refused = (
        "socket.",
        "subprocess.",
        "os.exec",
        "os.fork",
        "os.posix_spawn",
        "os.spawn",
        "os.system",
        "os.kill",
        "pty.",
    )

    def hook(event: str, _arguments: tuple[object, ...]) -> None:
        if event.startswith(refused):
            raise PermissionError(f"{event} is not allowed while a file is read")

    sys.addaudithook(hook)


def _filter_calls() -> bool:
    """A seccomp filter; True when it is in force. Needs Linux on x86-64 or ARM64, and no privilege."""
    libc = _libc()
    machine = os.uname().machine if hasattr(os, "uname") else ""
    if libc is None or machine not in _REFUSED_CALLS:
        return False
    import ctypes
    import struct

    architecture, refused = _REFUSED_CALLS[machine]
    load, equal, at_least, give = 0x20, 0x15, 0x35, 0x06  # BPF: LD|W|ABS, JMP|JEQ|K, JMP|JGE|K, RET|K
    deny, allow, kill = 0x00050000 | _EPERM, 0x7FFF0000, 0x80000000
    program = [
        (load, 0, 0, 4),  # the architecture that the call is made for
        (equal, 1, 0, architecture),
        (give, 0, 0, kill),
        (load, 0, 0, 0),  # the number of the call
        (at_least, len(refused), 0, _X32),
    ]
    for at, number in enumerate(refused):
        program.append((equal, len(refused) - at, 0, number))
    program += [(give, 0, 0, allow), (give, 0, 0, deny)]
    # Fix the jump over the table: from the check for x32 numbers to the refusal.
    program[4] = (at_least, len(refused) + 1, 0, _X32)
    code = b"".join(struct.pack("HBBI", *step) for step in program)
    buffer = ctypes.create_string_buffer(code)
    head = ctypes.create_string_buffer(struct.pack("HP", len(program), ctypes.addressof(buffer)))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_PR_SET_SECCOMP, 2, ctypes.byref(head), 0, 0) == 0)


def _libc() -> Any:
    if not sys.platform.startswith("linux"):
        return None
    import ctypes

    try:
        return ctypes.CDLL(None, use_errno=True)
    except OSError:
        return None


if __name__ == "__main__":
    sys.exit(main())
