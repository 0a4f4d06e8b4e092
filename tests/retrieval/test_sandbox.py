"""One file in a process of its own: limits hold, failures say what to do, nothing is left behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from retrieval.parsing import UnreadableDocument, UnsupportedFormat, parse, sandbox
from retrieval.parsing.document import ParsedDocument
from retrieval.parsing.sandbox import Limits, read_safely
from tests.retrieval.conftest import make_pdf
from tests.retrieval.packages import cartridge, item, make_zip, page, resource

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", "Aviso: dos fotos.\n\nMás texto.".encode()),
        ("a.vtt", b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello.\n\n00:02.500 --> 00:03.000\nThere.\n"),
        ("a.pdf", make_pdf([["One."], ["Two."]], title="Pages")),
        pytest.param(
            "a.imscc",
            make_zip(
                cartridge(
                    item("i", "One", "r"),
                    resource("r", "a.html")
                    + resource("q", "q.xml", "imsqti_xmlv1p2/imscc_xmlv1p1/assessment"),
                    {"a.html": page("One", "<h2>Head</h2><p>Hello.</p>"), "q.xml": "<q/>"},
                )
            ),
            id="cartridge",  # a zip has the time in it, and a test's name has to be the same in every worker
        ),
    ],
)
def test_the_child_reads_what_this_process_would(name: str, data: bytes) -> None:
    assert read_safely(name, data) == parse(name, data)


def test_refusals_come_through() -> None:
    with pytest.raises(UnsupportedFormat, match="Spreadsheets"):
        read_safely("a.xlsx", b"anything")
    with pytest.raises(UnreadableDocument, match="password"):
        read_safely("a.pdf", make_pdf([["Words."]], encrypted=True))
    with pytest.raises(UnreadableDocument, match="larger than 50 MB"):
        read_safely("a.txt", b"x" * 50_000_001)


def test_a_small_file_is_read_in_a_moment() -> None:
    """Start-up imports what the format needs and no more: no database, no search, no PDF library for a text."""
    best = min(_seconds("a.txt", b"Some words of text.") for _ in range(3))
    assert best < 2  # 0.15 s on an idle core; other tests run beside this one


def _seconds(name: str, data: bytes) -> float:
    started = time.monotonic()
    read_safely(name, data)
    return time.monotonic() - started


def test_the_child_loads_no_more_than_it_needs() -> None:
    code = f"""
        import sys
        sys.path.insert(0, {str(ROOT)!r})
        import types
        package = types.ModuleType("retrieval"); package.__path__ = [{str(ROOT / "retrieval")!r}]
        sys.modules["retrieval"] = package
        from retrieval.parsing import parse
        parse("a.txt", b"Some words.")
        heavy = {{"sqlalchemy", "numpy", "chromadb", "pypdf", "bs4", "docx", "pptx", "lxml", "PIL", "pdfplumber", "langchain"}}
        print(sorted(heavy & set(sys.modules)))
    """
    out = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=True
    )
    assert out.stdout.strip() == "[]"


# Children that misbehave: another program in place of ours.


def _child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str) -> None:
    path = tmp_path / "other_child.py"
    path.write_text(textwrap.dedent(code))
    monkeypatch.setattr(sandbox, "_CHILD", path)


def test_a_child_that_takes_too_long_is_ended_with_its_whole_group(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    told = tmp_path / "pids"
    _child(
        monkeypatch,
        tmp_path,
        f"""
        import os, subprocess, sys, time
        other = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
        open({str(told)!r}, "w").write(f"{{os.getpid()}} {{other.pid}}")
        time.sleep(60)
        """,
    )
    started = time.monotonic()
    with pytest.raises(UnreadableDocument, match=r"took longer than 3 s\. Split it"):
        read_safely("a.txt", b"Words.", limits=Limits(seconds=3))
    assert time.monotonic() - started < 20
    for pid in map(int, told.read_text().split()):
        assert _ends(pid)


def _ends(pid: int) -> bool:
    for _ in range(100):
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return True
        if state == "Z":
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import sys; sys.exit(77)", "needed more than 1.5 GB of memory"),
        ("import sys; sys.exit(3)", "The reader crashed on this file"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "The reader crashed on this file"),
        ("import os, signal; os.kill(os.getpid(), signal.SIGXCPU)", "too much computing"),
        ("print('not json')", "no usable answer"),
        ("print('[' * 100000)", "no usable answer"),
        ("print('{}')", "no usable answer"),
        ("pass", "no usable answer"),
    ],
)
def test_however_the_child_ends_people_hear_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, code: str, words: str
) -> None:
    _child(monkeypatch, tmp_path, code)
    with pytest.raises(UnreadableDocument, match=words) as told:
        read_safely("a.txt", b"Words.")
    assert "upload" in str(told.value)


def test_a_child_cannot_flood_its_parent(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _child(monkeypatch, tmp_path, "import sys\nwhile True: sys.stdout.write('x' * 65536)")
    with pytest.raises(UnreadableDocument, match="more text than is read at once"):
        read_safely("a.txt", b"Words.", limits=Limits(answer=1_000_000))


GOOD = {
    "title": "T",
    "language": "en",
    "report": {"counts": {"words": 1}, "remarks": [], "skipped": [{"where": "a", "why": "b"}]},
    "blocks": [["paragraph", "Hello", ["H"], ["page", 1, ""], "m", [[0, 1.5]]]],
}


def test_a_good_answer_is_taken() -> None:
    document = sandbox._checked(json.dumps(GOOD).encode(), 0, Limits())
    assert document.blocks[0].marks == ((0, 1.5),)


@pytest.mark.parametrize(
    "block",
    [
        ["script", "Hello", [], None, "", []],
        ["paragraph", 5, [], None, "", []],
        ["paragraph", "Hel\0lo", [], None, "", []],
        ["paragraph", "Hel\ud800lo", [], None, "", []],
        ["paragraph", "Hello", [1], None, "", []],
        ["paragraph", "Hello", [], ["nowhere", 1, ""], "", []],
        ["paragraph", "Hello", [], ["page", "1", ""], "", []],
        ["paragraph", "Hello", [], None, 7, []],
        ["paragraph", "Hello", [], None, "", [[99, 1]]],
        ["paragraph", "Hello", [], None, "", [[-1, 1]]],
        ["paragraph", "Hello", [], None, "", [["x", 1]]],
        ["paragraph", "Hello"],
        None,
    ],
)
def test_a_wrong_answer_is_not_taken(block: object) -> None:
    answer = json.dumps(GOOD | {"blocks": [block]}).encode()
    with pytest.raises(UnreadableDocument, match="no usable answer"):
        sandbox._checked(answer, 0, Limits())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(list(GOOD)), inner),
    )
)
def test_any_answer_is_a_document_or_unreadable(value: object) -> None:
    try:
        document = sandbox._checked(json.dumps(value).encode(), 0, Limits())
    except UnreadableDocument:
        return
    assert isinstance(document, ParsedDocument)


# What the child is denied


def _inside(code: str, *, memory: int = 1_500_000_000) -> str:
    """What code prints that runs where a file would be read, with the child's limits in force."""
    program = f"""
        import sys, types, os
        sys.path.insert(0, {str(ROOT)!r})
        package = types.ModuleType("retrieval"); package.__path__ = [{str(ROOT / "retrieval")!r}]
        sys.modules["retrieval"] = package
        import ctypes, ctypes.util, socket, subprocess
        from retrieval.parsing import child
        libc = ctypes.CDLL(None, use_errno=True)
        child._limit({{"memory": {memory}, "processor_seconds": 60}})
        child._refuse_network()
    """
    source = textwrap.dedent(program) + textwrap.dedent(code)
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, text=True, timeout=60, check=False
    )
    return (done.stdout + done.stderr.strip().rpartition("\n")[2]).strip()


@pytest.mark.parametrize(
    "attempt",
    [
        "socket.create_connection(('127.0.0.1', 9))",
        "socket.socketpair()",
        "socket.getaddrinfo('example.org', 80)",
        "subprocess.run(['true'])",
        "os.system('true')",
        "os.fork()",
        "os.kill(os.getppid(), 0)",
        "os.execv('/bin/true', ['true'])",
    ],
)
def test_no_network_and_no_other_program(attempt: str) -> None:
    assert "PermissionError" in _inside(attempt)


def test_the_kernel_refuses_what_python_cannot_see() -> None:
    """C code knows no audit hook: the seccomp filter is what stops it."""
    told = _inside("""
        for name, arguments in [("socket", (2, 1, 0)), ("socketpair", (1, 1, 0, 0)), ("fork", ()), ("kill", (os.getppid(), 0))]:
            ctypes.set_errno(0)
            print(name, getattr(libc, name)(*arguments), ctypes.get_errno())
    """)
    assert told.split("\n") == ["socket -1 1", "socketpair -1 1", "fork -1 1", "kill -1 1"]


def test_no_file_can_be_written_and_memory_ends(tmp_path: Path) -> None:
    target = str(tmp_path / "written")
    assert "File too large" in _inside(f"open({target!r}, 'wb', buffering=0).write(b'x')")
    assert "MemoryError" in _inside("x = bytearray(400_000_000)", memory=300_000_000)
    assert "Too many open files" in _inside("files = [open('/dev/null') for _ in range(100)]")


def test_too_little_memory_says_so() -> None:
    with pytest.raises(UnreadableDocument, match=r"memory|crashed"):
        read_safely("a.txt", b"Words of text. " * 2_000_000, limits=Limits(memory=120_000_000))


def test_the_child_sees_no_secrets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("WORKSIDE_SECRET", "hidden")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    held = open(tmp_path / "held", "w")  # noqa: SIM115
    os.set_inheritable(held.fileno(), True)
    told = tmp_path / "told.json"
    _child(
        monkeypatch,
        tmp_path,
        f"""
        import json, os, sys
        files = sorted(int(one) for one in os.listdir("/proc/self/fd"))
        with open({str(told)!r}, "w") as out:
            json.dump([dict(os.environ), files, os.getcwd(), os.listdir(), os.getsid(0) == os.getpid(), sys.flags.isolated], out)
        """,
    )
    with pytest.raises(UnreadableDocument):
        read_safely("a.txt", b"Words.")
    held.close()
    environment, files, folder, inside, own_session, isolated = json.loads(told.read_text())
    assert set(environment) <= {"LC_CTYPE"}
    assert [one for one in files if one > 3] == []  # 3 is the listing itself
    assert folder != str(Path.cwd()) and inside == [] and own_session and isolated == 1


def test_the_child_dies_with_its_parent(tmp_path: Path) -> None:
    """A worker that is killed leaves no reader behind."""
    told = tmp_path / "pid"
    slow = tmp_path / "slow.py"
    slow.write_text(
        textwrap.dedent(f"""
        import sys, types, os, time
        sys.path.insert(0, {str(ROOT)!r})
        package = types.ModuleType("retrieval"); package.__path__ = [{str(ROOT / "retrieval")!r}]
        sys.modules["retrieval"] = package
        from retrieval.parsing import child
        child._die_with_parent(int(child._request()[0]["parent"]))
        open({str(told)!r}, "w").write(str(os.getpid()))
        time.sleep(60)
        """)
    )
    worker = subprocess.Popen(
        [
            sys.executable,
            "-c",
            f"from pathlib import Path; from retrieval.parsing import sandbox; sandbox._CHILD = Path({str(slow)!r}); "
            "sandbox.read_safely('a.txt', b'x')",
        ],
        cwd=ROOT,
    )
    for _ in range(300):
        if told.exists() and told.read_text():
            break
        time.sleep(0.1)
    pid = int(told.read_text())
    worker.send_signal(signal.SIGKILL)
    worker.wait()
    assert _ends(pid)


def test_a_heartbeat_while_the_child_works(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    _child(monkeypatch, tmp_path, "import time; time.sleep(3)")
    beats: list[float] = []
    with pytest.raises(UnreadableDocument):
        read_safely("a.txt", b"Words.", heartbeat=lambda: beats.append(time.monotonic()), beat_every=0.5)
    assert len(beats) >= 2


def test_what_the_heartbeat_raises_ends_the_child(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    told = tmp_path / "pid"
    _child(
        monkeypatch,
        tmp_path,
        f"import os, time; open({str(told)!r}, 'w').write(str(os.getpid())); time.sleep(60)",
    )

    class LostLease(Exception):
        pass

    def lost() -> None:
        if told.exists() and told.read_text():
            raise LostLease

    with pytest.raises(LostLease):
        read_safely("a.txt", b"Words.", heartbeat=lost, beat_every=0.1)
    assert _ends(int(told.read_text()))


@settings(max_examples=15)
@given(st.text(max_size=20), st.binary(max_size=200))
def test_any_name_and_bytes(name: str, data: bytes) -> None:
    try:
        read_safely(name + ".txt", data)
    except (UnreadableDocument, UnsupportedFormat) as problem:
        assert "crashed" not in str(problem) and "usable" not in str(problem)
