"""The main job, end to end in a browser: ask, open the source, practise, hand in, review, and the grade in the gradebook."""

from __future__ import annotations

import time
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.conftest import Demonstration, open_as

pytestmark = pytest.mark.xdist_group("browser")

LEARNER, INSTRUCTOR = "tp-1041", "tp-2007"
RESPONSE = (
    "Dear Ms Marchetti, I am sorry that the lamp arrived broken. Please send a photo of the label, a photo of the outside of "
    "the box, and your receipt. Please ask the buyer to keep the lamp and all the packing for 14 days. "
    "Standard covers the contents up to €100, so the most we can pay is €100 plus the delivery fee of €8.90. "
    "I can't promise it before the request is approved. A shift lead approves this, because it is above my limit of €50."
)


def results(demonstration: Demonstration, activity: str, person: str) -> list[Any]:
    """What the demo LMS's gradebook holds for one person in one activity's column."""
    return [
        result
        for course in demonstration.gradebook()["courses"]
        for result in course["results"]
        if result["line_item"] == activity and result["person"] == person
    ]


def arrivals(demonstration: Demonstration, activity: str, person: str) -> list[Any]:
    """Every score that the demo LMS received for that cell."""
    return [
        arrival
        for course in demonstration.gradebook()["courses"]
        for arrival in course["arrivals"]
        if arrival["line_item"] == activity and arrival["person"] == person
    ]


def wait_for_score(demonstration: Demonstration, activity: str, person: str, seconds: float = 60) -> Any:
    """The cell, once a score stands in it."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for result in results(demonstration, activity, person):
            if result["score"] is not None:
                return result
        time.sleep(0.3)
    raise AssertionError(f"no score in {seconds} s: {demonstration.gradebook()}")


def practise_and_hand_in(page: Page, demonstration: Demonstration, activity: str) -> None:
    frame = open_as(page, demonstration, LEARNER, activity)
    frame.get_by_label("Your answer").fill(RESPONSE)
    frame.get_by_role("button", name="Check my answer").click()
    expect(frame.locator("#feedback")).to_contain_text(
        "photo of the label, a photo of the outside of the box"
    )
    frame.get_by_role("button", name="Hand in").click()
    expect(frame.locator("#result")).to_contain_text("Handed in")


def decide(page: Page, demonstration: Demonstration, activity: str, *, clicks: int = 1) -> None:
    """The instructor opens the queue, decides yes on every criterion and confirms."""
    frame = open_as(page, demonstration, INSTRUCTOR, activity)
    frame.get_by_role("link", name="Review").first.click()
    frame.locator("main a[href^='/review/']").first.click()
    frame.get_by_role("button", name="Confirm decision").wait_for()
    for choice in frame.get_by_role("radio", name="Yes").all():
        # By key: where the page still settles, a click may land beside the choice.
        choice.press("Space")
        expect(choice).to_be_checked()
    frame.get_by_label("Comment").fill("Clear and complete.")
    frame.get_by_role("button", name="Confirm decision").click(click_count=clicks)
    expect(frame.locator("main")).to_contain_text("Clear and complete.")


def test_ask_and_open_the_source_at_the_place(page: Page, demonstration: Demonstration) -> None:
    frame = open_as(page, demonstration, LEARNER, "support-ask")
    expect(frame.locator("h1")).to_have_text("What are you trying to get done?")
    again = frame.get_by_role("link", name="New conversation")
    if again.count():  # another journey has asked as this person
        again.click()
    frame.get_by_role("button", name="A parcel arrived damaged").click()
    turn = frame.locator("article.turn").last
    expect(turn.locator(".steps li").first).to_be_visible(timeout=60_000)
    expect(turn).to_contain_text("Damage must be reported within 7 days")
    turn.locator("a[data-source]").first.click()
    marked = frame.locator("mark").first
    expect(marked).to_be_visible()
    expect(marked).to_be_in_viewport()
    assert "hurt" in (marked.text_content() or "")


def test_what_the_content_does_not_say_is_said_plainly(page: Page, demonstration: Demonstration) -> None:
    frame = open_as(page, demonstration, LEARNER, "support-ask")
    frame.get_by_label("Ask in your own words").fill("What is the capital of Mongolia?")
    frame.get_by_role("button", name="Ask", exact=True).click()
    turn = frame.locator("article.turn").last
    expect(turn).to_contain_text("Not covered here", timeout=60_000)
    expect(turn).to_contain_text("Closest sections")
    expect(turn).to_contain_text("Who to ask")


def test_a_practice_answer_becomes_a_grade_once(page: Page, demonstration: Demonstration) -> None:
    activity = "practice-damaged-lamp"
    practise_and_hand_in(page, demonstration, activity)
    decide(page, demonstration, activity)
    assert wait_for_score(demonstration, activity, LEARNER)["score"] == 10
    expect(page.frame_locator("iframe[name=workside]").locator("main")).to_contain_text("Clear and complete.")
    assert [arrival["outcome"] for arrival in arrivals(demonstration, activity, LEARNER)] == ["recorded"]
    frame = open_as(page, demonstration, LEARNER, activity)
    expect(frame.locator("#result")).to_contain_text("In the gradebook")


def test_a_gradebook_that_is_down_gets_the_grade_later_and_once(
    page: Page, demonstration: Demonstration
) -> None:
    activity = "practice-four-line-note"
    practise_and_hand_in_any(page, demonstration, activity)
    demonstration.switch(gradebook="down")
    decide(page, demonstration, activity, clicks=2)
    time.sleep(4)
    assert results(demonstration, activity, LEARNER) == []
    demonstration.switch(gradebook="up")
    assert wait_for_score(demonstration, activity, LEARNER, 90)["score"] == 10
    recorded = [
        arrival for arrival in arrivals(demonstration, activity, LEARNER) if arrival["outcome"] == "recorded"
    ]
    assert len(recorded) == 1


def practise_and_hand_in_any(page: Page, demonstration: Demonstration, activity: str) -> None:
    frame = open_as(page, demonstration, LEARNER, activity)
    frame.get_by_label("Your answer").fill(
        "The customer called. I checked the code. The parcel is in the depot. I will call back."
    )
    frame.get_by_role("button", name="Check my answer").click()
    frame.get_by_role("button", name="Hand in").click()
    expect(frame.locator("#result")).to_contain_text("Handed in")
