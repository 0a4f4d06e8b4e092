"""A worker in a process of its own serves its figures where a port is set for it."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import closing, suppress
from pathlib import Path

import pytest

from app.kit.metrics import METRICS_TYPE, metrics_served
from app.kit.settings import Settings
from app.server import listen_on

ROOT = Path(__file__).parents[2]


def fetched(port: int, path: str = "/metrics") -> tuple[int, str, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as answer:
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, "", refused.read().decode()


def test_it_answers_for_metrics_only_and_stops_with_its_process() -> None:
    listener = listen_on("127.0.0.1", 0, "ANY")
    port = listener.getsockname()[1]
    with metrics_served(listener, lambda: b"one 1\n"):
        assert fetched(port) == (200, METRICS_TYPE, "one 1\n")
        assert fetched(port, "/metrics?again")[0] == 200
        assert fetched(port, "/")[0] == 404
    with pytest.raises(OSError):
        fetched(port)


def test_without_a_port_there_is_none() -> None:
    assert Settings(_env_file=None, demo=True).worker_metrics_port == 0


def worker(settings: Settings, port: int) -> subprocess.Popen[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKSIDE_")}
    return subprocess.Popen(
        [sys.executable, "-m", "app.cli", "worker"],
        cwd=ROOT,
        env={
            **environment,
            "WORKSIDE_DATA_DIR": str(settings.data_dir),
            "WORKSIDE_DEMO": "1",
            "WORKSIDE_WORKER_METRICS_PORT": str(port),
        },
        stderr=subprocess.PIPE,
        text=True,
    )


def test_a_worker_tells_when_its_jobs_last_went_round(settings: Settings) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = worker(settings, port)
    try:
        said, deadline = "", time.monotonic() + 60
        while "workside_worker_last_beat{" not in said:
            assert process.poll() is None and time.monotonic() < deadline, said
            time.sleep(0.1)
            with suppress(OSError):
                said = fetched(port)[2]
        assert "workside_scores_late" in said, "what the database says is there too"
        taken = worker(settings, port)
        assert taken.wait(60) == 2 and taken.stderr is not None
        with closing(taken.stderr):
            assert f"WORKSIDE_WORKER_METRICS_PORT={port + 1}" in taken.stderr.read()
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
        assert process.stderr is not None
        process.stderr.close()
