"""What instructors and administrators do in the LMS: add an activity, open a learner's work from the gradebook, copy the course,
let Workside register itself."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import ROOT, Demonstration
from tests.journeys.test_whole_chain import INSTRUCTOR, LEARNER, practise_and_hand_in, wait_for_score

pytestmark = pytest.mark.xdist_group("browser")

COURSE = "org=tarnwell&course=support-onboarding"
TASK = "The lamp that arrived broken"


def add(page: Page, choice: str) -> str:
    """Chooses one thing in the picker that is open and adds it; the id of the activity that came of it."""
    frame = page.frame_locator("iframe[name=workside]")
    frame.locator(f"input[name=choice][value$='/{choice}']").check()
    frame.get_by_role("button", name="Add to course").click()
    page.wait_for_url(re.compile("activity=added-"))
    return parse_qs(urlsplit(page.url).query)["activity"][0]


def test_an_added_task_is_done_opened_from_the_gradebook_and_graded(
    page: Page, demonstration: Demonstration
) -> None:
    frame = page.frame_locator("iframe[name=workside]")
    page.goto(f"{demonstration.lms}/?{COURSE}&person={INSTRUCTOR}")
    page.get_by_role("link", name="Add an activity").click()
    activity = add(page, "damaged-lamp")
    expect(page.get_by_role("heading", name=TASK)).to_be_visible()
    expect(frame.locator("#main")).to_contain_text("lamp")

    review = page.locator(f"[data-cell='{activity}/{LEARNER}'] [data-review]")
    review.click()
    expect(frame.get_by_role("heading", name="No submission yet")).to_be_visible()

    practise_and_hand_in(page, demonstration, activity)

    page.goto(f"{demonstration.lms}/?{COURSE}&activity={activity}&person={INSTRUCTOR}")
    review.click()
    expect(page.get_by_text("The work of Maya Okafor, opened from the gradebook.")).to_be_visible()
    frame.get_by_role("button", name="Confirm decision").wait_for()
    for choice in frame.get_by_role("radio", name="Yes").all():
        choice.check()
    frame.get_by_role("button", name="Confirm decision").click()
    held = wait_for_score(demonstration, activity, LEARNER)
    assert (held["score"], held["maximum"]) == (100, 100)
    expect(page.locator(f"[data-cell='{activity}/{LEARNER}']")).to_contain_text("100 of 100")

    # The copy has the task, and nobody's work.
    page.get_by_role("button", name="Copy this course").click()
    expect(page.locator(".crumb")).to_have_text("Support onboarding (copy)")
    page.locator(".activities a").filter(has_text=TASK).last.click()
    expect(frame.locator("#main")).to_contain_text("lamp")
    page.locator("[data-review]").last.click()
    expect(frame.get_by_role("heading", name="No submission yet")).to_be_visible()
    page.get_by_role("button", name="Remove this copy").click()
    expect(page.locator(".crumb")).to_have_text("Support onboarding")


def test_workside_registers_itself_in_the_lms_and_is_picked_from(
    page: Page, demonstration: Demonstration
) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith("WORKSIDE_")},
        "WORKSIDE_DATA_DIR": str(demonstration.data),
        "WORKSIDE_BASE_URL": demonstration.tool,
        "WORKSIDE_DEMO": "1",
    }
    command = [
        "platform",
        "invite",
        "--name",
        "Demo LMS",
        "--organisation",
        "Tarnwell Parcel",
        "--allow-private",
    ]
    made = subprocess.run(
        [sys.executable, "-m", "app.cli", *command, "--json"],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    link = re.search(
        rf"{re.escape(demonstration.tool)}/lti/register/[\w-]+", json.dumps(json.loads(made.stdout))
    )
    assert link, made.stdout
    page.goto(f"{demonstration.lms}/tools?org=tarnwell")
    page.get_by_label("Invitation link of Workside").fill(link[0])
    page.get_by_role("button", name="Open the invitation").click()
    frame = page.frame_locator("iframe[name=workside]")
    frame.get_by_role("button", name="Connect").click()
    expect(frame.get_by_role("heading", name="Workside is connected")).to_be_visible()
    frame.get_by_role("button", name="Finish").click()
    page.get_by_role("link", name="Show the tools").click()
    expect(page.get_by_text("registered by itself")).to_be_visible()

    page.goto(f"{demonstration.lms}/add?{COURSE}&person={INSTRUCTOR}")
    page.get_by_role("link", name=re.compile("registered by itself")).click()
    add(page, "damaged-lamp")
    expect(frame.locator("#main")).to_contain_text("lamp")
    page.goto(f"{demonstration.lms}/tools?org=tarnwell")
    page.get_by_role("button", name="Remove it and its activities").click()
    expect(page.get_by_text("registered by itself")).to_have_count(0)
