"""The demo LMS's own page, its addresses for machines, its catalogue and its command."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

from app.main import ROOMS
from demo.catalogue import read_catalogue

ROOT = Path(__file__).resolve().parents[2]


def test_first_page_offers_to_open_as_learner_and_instructor(lms: Any) -> None:
    page = lms.client.get("/")
    assert page.status_code == 200
    assert "Demo LMS" in page.text
    assert "Open as Maya, learner" in page.text
    assert "Open as Ingrid, instructor" in page.text
    assert "<iframe" not in page.text


def test_page_of_a_person_frames_only_the_tool(lms: Any) -> None:
    page = lms.client.get("/", params={"org": "tarnwell", "person": "tp-1041"})
    policy = page.headers["content-security-policy"]
    assert f"frame-src 'self' {lms.tool.url};" in policy
    assert "frame-ancestors 'none'" in policy
    assert 'src="/org/tarnwell/launch?' in page.text
    assert "sandbox" not in page.text
    assert "data-edit " not in page.text
    teacher = lms.client.get("/", params={"org": "tarnwell", "person": "tp-2007"})
    assert "data-edit " in teacher.text


@pytest.mark.parametrize(
    ("cookies", "attribute"),
    [
        ("third-party-blocked", "credentialless"),
        ("blocked", 'sandbox="allow-scripts allow-forms allow-popups allow-popups-to-escape-sandbox"'),
    ],
)
def test_cookie_switch_changes_the_frame(lms: Any, cookies: str, attribute: str) -> None:
    lms.switch(cookies=cookies)
    page = lms.client.get("/", params={"person": "tp-1041"}).text
    frame = page[page.index("<iframe") : page.index("</iframe>")]
    assert attribute in frame


def test_every_activity_of_the_catalogue_has_its_page(lms: Any) -> None:
    for organisation in read_catalogue().organisations:
        for course in organisation.courses:
            for activity in course.activities:
                where = {"org": organisation.slug, "course": course.id, "activity": activity.id}
                for person in organisation.people:
                    page = lms.client.get("/", params=where | {"person": person.id})
                    assert page.status_code == 200, where
                    assert person.name in page.text


def test_gradebook_part_is_sent_only_when_it_changed(lms: Any) -> None:
    where = {"org": "tarnwell", "course": "support-onboarding", "person": "tp-2007"}
    part = lms.client.get("/gradebook", params=where)
    version = re.search(r'data-version="(\d+)"', part.text)
    assert part.status_code == 200 and version
    assert lms.client.get("/gradebook", params=where | {"seen": version[1]}).status_code == 204
    change = {
        "organisation": "tarnwell",
        "course": "support-onboarding",
        "line_item": "practice-damaged-lamp",
        "learner": "tp-1041",
        "person": "tp-2007",
        "score": 6,
    }
    lms.client.post("/grades", json=change).raise_for_status()
    again = lms.client.get("/gradebook", params=where | {"seen": version[1]})
    assert again.status_code == 200
    assert "by hand" in again.text


def test_another_site_cannot_flip_switches(lms: Any) -> None:
    foreign = {"Origin": "http://localhost:8000"}
    assert lms.client.post("/switches", json={"gradebook": "down"}, headers=foreign).status_code == 403
    assert lms.client.post("/gradebook/forget", headers=foreign).status_code == 403
    assert lms.client.get("/switches").json()["gradebook"] == "up"


def test_catalogue_has_what_a_demonstration_needs() -> None:
    organisations = read_catalogue().organisations
    assert len(organisations) == 2
    assert len({organisation.client_id for organisation in organisations}) == 2
    for organisation in organisations:
        assert len(organisation.courses) == 2
        assert len(organisation.with_role("learner")) == len(organisation.with_role("instructor")) == 2
        for course in organisation.courses:
            assert not course.activities[0].is_graded
    activities = [
        activity for entry in organisations for course in entry.courses for activity in course.activities
    ]
    for activity in activities:
        assert activity.is_graded == ("task" in activity.custom)


def test_collections_of_the_catalogue_are_in_the_content() -> None:
    known = {
        tomllib.loads(path.read_text("utf-8"))["collection"]
        for path in (ROOT / "content").glob("**/course.toml")
    }
    used = {
        activity.custom["collection"]
        for organisation in read_catalogue().organisations
        for course in organisation.courses
        for activity in course.activities
    }
    assert used == known


def test_tasks_of_the_catalogue_are_in_the_content() -> None:
    known = {
        tomllib.loads(path.read_text("utf-8"))["id"] for path in (ROOT / "content").glob("**/tasks/*.toml")
    }
    used = {
        activity.custom["task"]
        for organisation in read_catalogue().organisations
        for course in organisation.courses
        for activity in course.activities
        if "task" in activity.custom
    }
    assert used <= known


def test_activities_of_the_catalogue_open_what_the_tool_has() -> None:
    scenarios = {
        tomllib.loads(path.read_text("utf-8"))["id"]
        for path in (ROOT / "content").glob("**/scenarios/*.toml")
    }
    kinds = {kind.key for room in ROOMS for kind in room.placements}
    customs = [
        activity.custom
        for organisation in read_catalogue().organisations
        for course in organisation.courses
        for activity in course.activities
    ]
    assert (
        {custom["activity"] for custom in customs if "activity" in custom} == {"simulation", "plan"} <= kinds
    )
    assert {custom["scenario"] for custom in customs if "scenario" in custom} <= scenarios


def run_demo(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "demo", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_registrations_are_known_before_the_lms_runs(lms: Any) -> None:
    printed = run_demo("--print-registrations", DEMO_LMS_PORT="8100")
    assert printed.returncode == 0
    assert json.loads(printed.stdout) == lms.client.get("/registrations.json").json()


def test_a_busy_port_is_told_with_exit_code_2(tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        ended = run_demo("--port", str(port), "--data", str(tmp_path))
    assert ended.returncode == 2
    assert f"port {port} is taken" in ended.stderr
    assert "Traceback" not in ended.stderr
