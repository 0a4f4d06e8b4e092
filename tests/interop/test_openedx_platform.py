"""Workside under Open edX's platform: a real launch, a practice task, a decision, and the grade in the LMS."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from html import unescape
from pathlib import Path
from typing import Any
from urllib.parse import urljoin

import httpx
import pytest

# One worker starts the platform and uses it for all; the first run makes .venv-interop, which takes a while.
pytestmark = [pytest.mark.xdist_group("interop"), pytest.mark.timeout(900)]

ROOT = Path(__file__).resolve().parents[2]
TASK = "damaged-lamp"
ANSWER = (
    "Hello Ms Marchetti, I am sorry about the lamp. Please keep the lamp, the box and all the packing until the claim is "
    "closed, and send us photos of the box, the packing and the label. The Claims Desk decides and you hear from us by Friday."
)
READY_SECONDS = 120
DELIVERY_SECONDS = 90


class Tool:
    """Workside as a process, with its own data folder, reached by its command and over HTTP."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        self.url = f"http://localhost:{port}"
        self._folder = folder
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("WORKSIDE_")
        } | {
            "WORKSIDE_DEMO": "1",
            "WORKSIDE_DATA_DIR": str(folder / "data"),
            "WORKSIDE_PORT": str(port),
            "WORKSIDE_BASE_URL": self.url,
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def data(self) -> Path:
        return self._folder / "data"

    def command(self, *arguments: str) -> Any:
        """Run `workside ... --json`; its result."""
        ended = subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments, "--json"],
            cwd=ROOT,
            env=self._environment,
            capture_output=True,
            text=True,
            timeout=180,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
        return json.loads(ended.stdout)

    def serve(self) -> None:
        log = self._folder / "workside.log"
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.cli", "serve"],
                cwd=ROOT,
                env=self._environment,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                if httpx.get(f"{self.url}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.3)
        raise AssertionError(f"Workside did not start:\n{log.read_text()}")

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)


class Visit:
    """A person's browser inside Workside, after a launch through all its legs."""

    def __init__(self, tool: Tool, platform: Any, address: str) -> None:
        self._tool = tool
        self._browser = httpx.Client(follow_redirects=True, timeout=60)
        form = self._browser.get(address)
        assert form.url.host == "127.0.0.1", form.text
        fields = dict(re.findall(r'<input name="(\w+)" value="([^"]*)"', form.text))
        self.first = self._browser.post(
            f"{tool.url}/lti/launch",
            data={name: unescape(value) for name, value in fields.items()},
            headers={"Origin": platform.base_url},
        )
        assert self.first.status_code == 200, self.first.text
        session = re.search(
            r'<script type="application/json" id="session">(.*?)</script>', self.first.text, re.DOTALL
        )
        assert session, self.first.text
        bearer = json.loads(session[1])["bearer"]
        self._browser.headers.update(
            {
                "Authorization": f"Bearer {bearer}",
                "Origin": tool.url,
                "Sec-Fetch-Site": "same-origin",
            }
        )

    def get(self, path: str) -> str:
        answer = self._browser.get(urljoin(self._tool.url, path))
        assert answer.status_code == 200, answer.text
        return answer.text

    def post(self, path: str, fields: dict[str, str]) -> httpx.Response:
        return self._browser.post(urljoin(self._tool.url, path), data=fields)

    def close(self) -> None:
        self._browser.close()


def form_of(page: str, ending: str) -> tuple[str, dict[str, str]]:
    """The action and hidden fields of the first form whose action ends so."""
    found = re.search(rf'<form[^>]* action="([^"]*{ending})".*?</form>', page, re.DOTALL)
    assert found, page
    hidden = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)"', found[0])
    return unescape(found[1]), {name: unescape(value) for name, value in hidden}


@pytest.fixture(scope="module")
def tool(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Tool]:
    tool = Tool(tmp_path_factory.mktemp("workside"))
    yield tool
    tool.stop()


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A course folder with one task of the sample course and no document, so that nothing has to be indexed."""
    folder = tmp_path_factory.mktemp("course")
    (folder / "course.toml").write_text('id = "support"\ncollection = "support"\n[title]\nen = "Support"\n')
    (folder / "tasks").mkdir()
    shutil.copy(ROOT / "content" / "tasks" / f"{TASK}.toml", folder / "tasks")
    return folder


@pytest.fixture(scope="module")
def platform(tool: Tool, course: Path, xblock_platform: Callable[[str], Any]) -> Any:
    """Open edX and Workside, each registered with the other."""
    openedx = xblock_platform(tool.url)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in openedx.registration().items()]
    tool.command("platform", "add", *options, "--allow-private", "--organisation", "Tarnwell Parcel")
    tool.command("course", "load", str(course), "--organisation", "Tarnwell Parcel")
    tool.serve()
    return openedx


def test_confirmed_practice_becomes_one_grade_in_open_edx(tool: Tool, platform: Any) -> None:
    learner = Visit(tool, platform, platform.open("learner-1", "student", task=TASK, collection="support"))
    page = learner.get(f"/practice/{TASK}")
    action, hidden = form_of(page, "/attempts")
    checked = learner.post(action, hidden | {"response": ANSWER})
    assert checked.status_code == 200, checked.text
    action, hidden = form_of(checked.text, "/submit")
    assert learner.post(action, hidden).status_code == 200
    # Nothing is decided yet, so nothing is in the gradebook.
    assert platform.grades() == []

    # Open edX calls its instructors "staff"; its own role "instructor" is the course administrator.
    instructor = Visit(
        tool, platform, platform.open("instructor-1", "staff", task=TASK, collection="support")
    )
    waiting = re.search(r'href="(/review/[0-9a-f-]+)"', instructor.get("/review"))
    assert waiting
    action, hidden = form_of(instructor.get(waiting[1]), "/decision")
    criteria = set(re.findall(r'name="(met_[^"]+)"', instructor.get(waiting[1])))
    assert criteria
    decision = hidden | dict.fromkeys(criteria, "yes") | {"comment": "Good: you asked for the packing."}
    assert instructor.post(action, decision).status_code == 200
    # A double click.
    instructor.post(action, decision)

    deadline = time.monotonic() + DELIVERY_SECONDS
    while not platform.grades() and time.monotonic() < deadline:
        time.sleep(0.3)
    # Long enough for a second delivery to show itself, if there were one.
    time.sleep(4)
    (grade,) = platform.grades()
    assert grade["user"] == "learner-1"
    assert grade["score"] == 1
    assert "Good: you asked for the packing." in (grade["comment"] or "")
    learner.close()
    instructor.close()


def test_the_same_launch_does_not_open_twice(tool: Tool, platform: Any) -> None:
    with httpx.Client(follow_redirects=True, timeout=60) as browser:
        form = browser.get(platform.open("learner-2", "student", task=TASK))
        fields = {
            name: unescape(value)
            for name, value in re.findall(r'<input name="(\w+)" value="([^"]*)"', form.text)
        }
        assert browser.post(f"{tool.url}/lti/launch", data=fields).status_code == 200
        assert browser.post(f"{tool.url}/lti/launch", data=fields).status_code == 400


def test_what_is_picked_in_workside_stands_in_open_edx_and_opens(tool: Tool, platform: Any) -> None:
    author = Visit(tool, platform, platform.open_picker("instructor-1"))
    page = author.get("/picker")
    chosen = re.search(rf'name="choice" value="([^"]*/{TASK})"', page)
    assert chosen, page
    points = re.search(rf'name="(points/[^"]*/{TASK})"', page)
    fields = {"choice": unescape(chosen[1])} | ({unescape(points[1]): "10"} if points else {})
    leaving = author.post("/picker", fields)
    assert leaving.status_code == 200, leaving.text
    way = re.search(r'href="(/picker/return/[^"]+)"', leaving.text)
    assert way, leaving.text
    back = author.get(way[1])
    form = re.search(r'action="([^"]+)"', back)
    answer = re.search(r'name="JWT" value="([^"]+)"', back)
    assert form and answer and unescape(form[1]).startswith(platform.base_url)
    saved = httpx.post(unescape(form[1]), data={"JWT": answer[1]}, timeout=60)
    assert saved.status_code == 200, saved.text
    (placed,) = platform.content()
    assert placed["url"].startswith(tool.url) and placed["custom"]["placement"]
    # The learner who opens it is at the task at once.
    learner = Visit(tool, platform, platform.open_item(placed["id"], "learner-3"))
    assert f"/practice/{TASK}" in str(learner.first.url) or TASK in learner.first.text
    author.close()
    learner.close()


def test_the_courses_people_are_read_from_open_edx(tool: Tool, platform: Any) -> None:
    instructor = Visit(
        tool, platform, platform.open("instructor-1", "staff", task=TASK, collection="support")
    )
    deadline = time.monotonic() + DELIVERY_SECONDS
    while True:
        with sqlite3.connect(tool.data / "workside.db") as database:
            states = [row[0] for row in database.execute("SELECT state FROM roster")]
        if "read" in states:
            break
        assert time.monotonic() < deadline, states
        time.sleep(0.5)
    instructor.close()
