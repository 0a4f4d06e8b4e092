"""The demo LMS ends with the program that started it, also where that one is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).parents[2]
# Starts the LMS as `workside demo` does, says its process id, and waits to be killed.
PARENT = """
import subprocess, sys, time
lms = subprocess.Popen([sys.executable, "-m", "demo", *sys.argv[1:]], stdin=subprocess.PIPE)
print(lms.pid, flush=True)
time.sleep(60)
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def wait_until(port: int, *, opened: bool) -> bool:
    deadline = time.monotonic() + 30
    while is_open(port) is not opened:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_killed_parent_leaves_no_lms_behind(tmp_path: Path) -> None:
    port = free_port()
    options = ["--port", str(port), "--data", str(tmp_path), "--with-parent"]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        lms = int(parent.stdout.readline())
        try:
            assert wait_until(port, opened=True)
            parent.kill()
            parent.wait()
            assert wait_until(port, opened=False), "the port is free again"
        except BaseException:
            parent.kill()
            os.kill(lms, signal.SIGKILL)
            raise


def test_alone_it_runs_without_any_input(tmp_path: Path) -> None:
    port = free_port()
    with subprocess.Popen(
        [sys.executable, "-m", "demo", "--port", str(port), "--data", str(tmp_path)],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
    ) as lms:
        try:
            assert wait_until(port, opened=True)
            time.sleep(0.5)
            assert lms.poll() is None and is_open(port)
        finally:
            lms.kill()
