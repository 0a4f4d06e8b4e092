"""The demo LMS's page in Chromium: axe, the live gradebook, editing by keyboard, and the frame's messages."""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.chromium import chromium, findings

pytestmark = pytest.mark.xdist_group("demo-browser")

ROOT = Path(__file__).resolve().parents[2]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
TEACHER = "/?org=tarnwell&course=support-onboarding&activity=practice-damaged-lamp&person=tp-2007"
ADDING = "/add?org=tarnwell&course=support-onboarding&person=tp-2007"
READY_SECONDS = 60


@pytest.fixture(scope="module")
def running_lms(tool: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a demo LMS in a process of its own; its tool has keys and no pages."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = str(probe.getsockname()[1])
    folder = str(tmp_path_factory.mktemp("demo-lms"))
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "--port", port, "--data", folder, "--tool", tool.url], cwd=ROOT
    )
    address, deadline = f"http://127.0.0.1:{port}", time.monotonic() + READY_SECONDS
    while True:
        try:
            httpx.get(f"{address}/healthz", timeout=2).raise_for_status()
            break
        except httpx.TransportError:
            assert process.poll() is None and time.monotonic() < deadline
            time.sleep(0.2)
    yield address
    process.terminate()
    process.wait(timeout=20)


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, running_lms: str) -> Iterator[Page]:
    httpx.post(f"{running_lms}/gradebook/forget").raise_for_status()
    context = browser.new_context(viewport={"width": 1280, "height": 900}, base_url=running_lms)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize(
    "address", ["/", TEACHER, f"{TEACHER}&review=tp-1041", ADDING, "/tools?org=tarnwell"]
)
def test_axe_finds_nothing_and_nothing_scrolls_sideways(page: Page, address: str) -> None:
    page.goto(address)
    for switches in page.locator("details.switches summary").all():
        switches.click()
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in (320, 768, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            assert findings(page, iframes=False) == [], (scheme, width)
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (scheme, width)


def test_a_changed_grade_shows_itself(page: Page, running_lms: str) -> None:
    page.goto(TEACHER)
    change = {
        "organisation": "tarnwell",
        "course": "support-onboarding",
        "line_item": "practice-damaged-lamp",
        "learner": "tp-1041",
        "person": "tp-2007",
        "score": 8,
    }
    httpx.post(f"{running_lms}/grades", json=change).raise_for_status()
    cell = page.locator('[data-cell="practice-damaged-lamp/tp-1041"]')
    expect(cell).to_contain_text("8 of 10")
    expect(cell).to_have_class("changed")
    expect(page.get_by_role("status")).to_have_text("Maya Okafor, The lamp that arrived broken: 8 of 10")


def test_an_instructor_edits_by_keyboard(page: Page) -> None:
    page.goto(TEACHER)
    edit = page.get_by_role("button", name="Edit the grade of Rafael Nunes, The lamp that arrived broken")
    edit.focus()
    page.keyboard.press("Enter")
    page.keyboard.type("11")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("ControlOrMeta+A")
    page.keyboard.type("6.5")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_hidden()
    expect(page.locator('[data-cell="practice-damaged-lamp/tp-1042"]')).to_contain_text("6.5 of 10")


def test_the_frame_can_ask_for_its_height_and_close(page: Page) -> None:
    page.goto(TEACHER)
    tool = page.locator("#tool")
    page.wait_for_function("document.querySelector('#tool').dataset.origin")
    frame = next(frame for frame in page.frames if "/lti/login" in frame.url)
    frame.evaluate("parent.postMessage({subject: 'lti.frameResize', height: 420}, '*')")
    expect(tool).to_have_css("height", "420px")
    frame.evaluate("parent.postMessage({subject: 'lti.close'}, '*')")
    expect(page.get_by_role("link", name="Open it again")).to_be_visible()


def test_an_instructor_copies_a_course_and_removes_the_copy(page: Page) -> None:
    page.goto(TEACHER)
    page.get_by_role("button", name="Copy this course").click()
    expect(page.locator(".crumb")).to_have_text("Support onboarding (copy)")
    page.get_by_role("button", name="Remove this copy").click()
    expect(page.locator(".crumb")).to_have_text("Support onboarding")
    expect(page.get_by_role("link", name="Support onboarding (copy)")).to_have_count(0)


def test_the_picker_and_the_registration_have_a_frame_that_can_close(page: Page, tool: Any) -> None:
    page.goto(TEACHER)
    page.get_by_role("link", name="Add an activity").click()
    expect(page.get_by_role("heading", name="Add an activity")).to_be_visible()
    page.goto("/tools?org=tarnwell")
    page.get_by_label("Invitation link of Workside").fill(f"{tool.url}/lti/register/once")
    with page.expect_event("framenavigated", lambda frame: "/lti/register/once" in frame.url) as arrived:
        page.get_by_role("button", name="Open the invitation").click()
    frame = arrived.value
    page.wait_for_load_state()  # with its frame and its scripts: they listen to what the frame says
    assert "registration_token=" in frame.url and "openid_configuration=" in frame.url
    frame.evaluate("parent.postMessage({subject: 'org.imsglobal.lti.close'}, '*')")
    expect(page.get_by_role("link", name="Show the tools")).to_be_visible()
