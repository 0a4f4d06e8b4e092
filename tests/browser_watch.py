"""Bounds what a browser that hangs can cost: a plugin of pytest, loaded by tests/conftest.py.

Some calls of Playwright have no time limit of their own: the first look of every `expect`, `is_visible`, `evaluate`, `close`. One
that asks a frame whose process has gone waits for ever. pytest-timeout interrupts it once, but not the teardown after it, which
asks the same browser. So a test that takes longer than the bound with a Playwright gets its driver and its browsers killed:
every call that waits, and every later one, fails at once. That test fails; the next module starts a browser of its own.
Processes are found in /proc, as Linux has it.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

# Many times what a journey takes (ten seconds and more), so that a busy machine is not taken for a browser that hangs.
BOUND_SECONDS = 180.0


class BrowserHung(Exception):
    """A test took too long with its browser, which was killed."""


def _status(pid: int) -> tuple[int, bytes]:
    """A process's parent and its command line."""
    folder = Path(f"/proc/{pid}")
    # The name is in parentheses and may hold any character; the state and the parent follow it.
    parent = int((folder / "stat").read_text(errors="replace").rpartition(")")[2].split()[1])
    return parent, (folder / "cmdline").read_bytes()


def driver_processes() -> dict[int, list[int]]:
    """The drivers of Playwright that this process has started: of each all that it has started in turn."""
    children: dict[int, list[int]] = {}
    drivers: list[int] = []
    for pid in (int(one) for one in os.listdir("/proc") if one.isdecimal()):
        with contextlib.suppress(OSError, ValueError, IndexError):  # it has ended meanwhile
            parent, command = _status(pid)
            children.setdefault(parent, []).append(pid)
            if parent == os.getpid() and b"run-driver" in command.split(b"\0"):
                drivers.append(pid)

    def below(pid: int) -> Iterator[int]:
        for child in children.get(pid, []):
            yield child
            yield from below(child)

    return {driver: list(below(driver)) for driver in drivers}


def kill_browsers() -> None:
    """Kills every driver of this process and the browsers below it, stopped ones too."""
    for driver, below in driver_processes().items():
        for pid in (driver, *below):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)


class Watch:
    """Counts the time of the test that runs while a Playwright runs. Its timer is a thread; all else is the main thread's."""

    def __init__(self, seconds: float = BOUND_SECONDS) -> None:
        self.seconds = seconds
        self._running = 0
        self._test = ""
        self._timer: threading.Timer | None = None
        self._word = ""

    def count_anew(self) -> None:
        """Begins to count anew, where there is something to count."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._running and self._test:
            self._timer = threading.Timer(self.seconds, self._end, (self._test,))
            self._timer.daemon = True
            self._timer.start()

    def _end(self, test: str) -> None:
        if test == self._test:
            self._word = (
                f"{test} took longer than {self.seconds:g} seconds with a browser. The browser was killed; what it hung at "
                "is above, and what comes after it in this module fails too. (tests/browser_watch.py)"
            )
            kill_browsers()

    @contextmanager
    def playwright(self) -> Iterator[None]:
        """While a Playwright runs. The time that a test took before it counts for nothing."""
        self._running += 1
        self.count_anew()
        try:
            yield
        finally:
            self._running -= 1
            if not self._running:
                self.count_anew()

    @contextmanager
    def test(self, name: str) -> Iterator[None]:
        """While a test runs, with what its fixtures do before and after it."""
        self._test = name
        self.count_anew()
        try:
            yield
        finally:
            self._test = ""
            self.count_anew()

    def word(self) -> str:
        """What is to be said of the test, once; empty where its browser answered in time."""
        word, self._word = self._word, ""
        return word


WATCH = Watch()


def _phase() -> Generator[None, object, object]:
    """One of a test's three phases: it fails where the browser was killed in it, even if nothing in it noticed."""
    try:
        result = yield
    except (Exception, pytest.fail.Exception, pytest.skip.Exception) as error:
        if word := WATCH.word():
            raise BrowserHung(word) from error
        raise
    if word := WATCH.word():
        raise BrowserHung(word)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    with WATCH.test(item.nodeid):
        return (yield)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_setup() -> Generator[None, object, object]:
    return (yield from _phase())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call() -> Generator[None, object, object]:
    return (yield from _phase())


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Generator[None, object, object]:
    return (yield from _phase())
