"""Practising in a browser by keyboard alone: a try, what is said of it, a second try, a contested line, worked answers."""

from __future__ import annotations

import pytest
from playwright.sync_api import Frame, Locator, Page, expect

from tests.chromium import findings
from tests.journeys.conftest import Demonstration, open_as

pytestmark = pytest.mark.xdist_group("browser")

# A task that no other journey touches: they share one learner and one demo, and a task has three tries in all.
LEARNER = "tp-1041"
ACTIVITY = "support-ask"
TASK = "Please send it somewhere else"
FIRST = "No problem at all! Please be quick and I will send it to Quarry Rise for tomorrow."
SECOND = (
    "Before I can change the address I'll send you a six-digit code; please type it here. I can only send it to the contact on the "
    "booking, so I'll use the e-mail address that the shop has for you."
)


def press(what: Locator) -> None:
    """By keyboard: it can be focused, and Enter does it."""
    what.focus()
    expect(what).to_be_focused()
    what.press("Enter")


def check(frame: Frame, words: str, button: str) -> None:
    frame.get_by_label("Your answer").fill(words)
    press(frame.get_by_role("button", name=button))


def test_a_try_its_feedback_a_second_try_and_the_worked_answers(
    page: Page, demonstration: Demonstration
) -> None:
    frame = open_as(page, demonstration, LEARNER, ACTIVITY)
    press(frame.get_by_role("link", name="Practise"))
    expect(frame.get_by_role("heading", level=1, name="Practise on a real case")).to_be_visible()
    press(frame.get_by_role("link", name=TASK).first)
    expect(frame.get_by_role("heading", name=TASK)).to_be_visible()

    check(frame, FIRST, "Check my answer")
    expect(frame.locator("#feedback h2")).to_have_text("Feedback on attempt 1", timeout=60_000)
    expect(frame.locator("#feedback")).to_be_focused()
    expect(frame.get_by_role("heading", name="One thing to try next")).to_be_visible()
    expect(frame.get_by_role("heading", name="Worked answers")).to_have_count(0)

    check(frame, SECOND, "Check again")
    expect(frame.locator("#feedback h2")).to_have_text("Feedback on attempt 2", timeout=60_000)
    expect(frame.locator(".quoted").first).to_contain_text("six-digit code")

    tick = frame.get_by_role("checkbox").first
    tick.focus()
    tick.press("Space")
    press(frame.get_by_role("button", name="Save my own view"))
    expect(frame.get_by_text("Your own view is saved.")).to_be_visible()

    line = frame.locator(".line").last
    press(line.locator("summary"))
    line.get_by_label("What is wrong with it?").fill("I name the shop, and that is another way.")
    press(line.get_by_role("button", name="Send it to my instructor"))
    expect(frame.get_by_text("Your instructor has it and answers here.")).to_be_visible()
    assert findings(page) == []

    expect(frame.get_by_role("button", name="Hand in attempt 2")).to_be_visible()
    press(frame.get_by_text("Show me the worked answers"))
    press(frame.get_by_role("button", name="End practising and show them"))
    expect(frame.locator("#worked")).to_be_focused()
    expect(frame.locator("#worked")).to_contain_text("A strong answer")
    expect(frame.get_by_role("button", name="Check again")).to_have_count(0)
    expect(frame.get_by_role("button", name="Hand in attempt 2")).to_be_visible()
