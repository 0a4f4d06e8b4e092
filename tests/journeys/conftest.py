"""A whole demonstration in processes of its own, and a browser in front of it: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Frame, Page, expect

from tests.chromium import chromium

ROOT = Path(__file__).parents[2]
START_SECONDS = 240
# Playwright waits five seconds for what a page should show. Beside a second worker on two cores a model's first answer takes longer.
expect.set_options(timeout=30_000)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def get_json(url: str) -> Any:
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)


@dataclass
class Demonstration:
    """The running demo: `lms` and `tool` are origins, `data` the tool's data folder."""

    lms: str
    tool: str
    data: Path
    process: subprocess.Popen[bytes]

    def switch(self, **switches: object) -> None:
        """Turns the demo LMS's switches (cookies, gradebook, slow_seconds ...)."""
        body = json.dumps(switches).encode()
        request = urllib.request.Request(
            f"{self.lms}/switches", body, {"Content-Type": "application/json"}, method="POST"
        )
        urllib.request.urlopen(request, timeout=10).close()

    def gradebook(self) -> Any:
        return get_json(f"{self.lms}/gradebook.json")


def start_demonstration(data: Path) -> Demonstration:
    """`workside demo` on free ports; waits until it is ready."""
    tool, lms = free_port(), free_port()
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("WORKSIDE_")},
        "WORKSIDE_DATA_DIR": str(data),
        "WORKSIDE_PORT": str(tool),
        "DEMO_LMS_PORT": str(lms),
    }
    log = (data.parent / f"{data.name}.log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "app.cli", "demo"],
        cwd=ROOT,
        env=environment,
        stdout=log,
        stderr=log,
        start_new_session=True,
    )
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the demo ended: {Path(log.name).read_text()[-2000:]}")
        with contextlib.suppress(OSError):
            get_json(f"http://localhost:{tool}/readyz")
            get_json(f"http://127.0.0.1:{lms}/gradebook.json")
            return Demonstration(f"http://127.0.0.1:{lms}", f"http://localhost:{tool}", data, process)
        time.sleep(0.3)
    raise AssertionError(f"the demo was not ready in {START_SECONDS} s: {Path(log.name).read_text()[-2000:]}")


@pytest.fixture(scope="session")
def demonstration(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demonstration]:
    """One demo for all journeys of this worker."""
    data = tmp_path_factory.mktemp("journeys") / "data"
    data.mkdir()
    running = start_demonstration(data)
    yield running
    os.killpg(running.process.pid, signal.SIGTERM)
    running.process.wait(30)


@pytest.fixture(autouse=True)
def calm_switches(demonstration: Demonstration) -> None:
    demonstration.switch(
        cookies="allowed", gradebook="up", slow_seconds=0, platform_storage=False, one_time_launches=False
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium with its default: third-party cookies are blocked in a private window, which a test's context is."""
    with chromium() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    # Without motion: while the platform's page still glides to its place, Playwright's click goes by the button in the frame.
    made = browser.new_context(
        viewport={"width": 1280, "height": 900}, locale="en-GB", reduced_motion="reduce"
    )
    made.set_default_timeout(30_000)
    yield made
    made.close()


@pytest.fixture
def page(context: BrowserContext, demonstration: Demonstration) -> Iterator[Page]:
    """A page that fails the test on a script error, a CSP violation or a request to any other host."""
    problems: list[str] = []
    opened = context.new_page()
    opened.on("pageerror", lambda error: problems.append(f"script error: {error}"))
    opened.on(
        "console",
        lambda message: problems.append(message.text) if "Content Security Policy" in message.text else None,
    )
    opened.on(
        "request",
        lambda request: (
            None
            if request.url.startswith((demonstration.lms, demonstration.tool, "data:", "blob:", "about:"))
            else problems.append(f"foreign request: {request.url}")
        ),
    )
    yield opened
    assert problems == []


def open_as(page: Page, demonstration: Demonstration, person: str, activity: str, **where: str) -> Frame:
    """Opens an activity of the demo LMS as a person and returns Workside's frame, once its first page stands."""
    place = {"org": "tarnwell", "course": "support-onboarding", **where}
    query = "&".join(
        f"{key}={value}" for key, value in {**place, "activity": activity, "person": person}.items()
    )
    page.goto(f"{demonstration.lms}/?{query}")
    page.frame_locator("iframe[name=workside]").locator("#main h1").first.wait_for()
    frame = page.frame(name="workside")
    assert frame is not None
    return frame
