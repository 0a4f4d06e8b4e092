"""A real small chat model, in a process and a virtual environment of its own (`make test-local-model` makes it)."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ENVIRONMENT = ROOT / ".venv-local-model"
SERVER = Path(__file__).with_name("server.py")
MINUTES = 9  # for one answer, on a machine that does other things as well

# It takes minutes and fetches 200 MB, so it is no part of `make test`.
collect_ignore_glob = [] if os.environ.get("WORKSIDE_LOCAL_MODEL") else ["test_*.py"]


@pytest.fixture(scope="session")
def local_model(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """Settings under which Workside asks the model."""
    log = tmp_path_factory.mktemp("local-model") / "server.log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            [ENVIRONMENT / "bin" / "python", SERVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        ) as server,
    ):
        assert server.stdin is not None
        assert server.stdout is not None
        address = next((line.strip() for line in server.stdout if line.startswith("http")), "")
        assert address, log.read_text()[-2000:]
        yield {
            "model": "openai:smollm2",
            "model_url": f"{address}/v1",
            "model_seconds": MINUTES * 60,
            "model_first_word_seconds": MINUTES * 60,
            "model_prices": "openai:smollm2=0/0",
        }
        server.stdin.close()
        server.wait(30)
