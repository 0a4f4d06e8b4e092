"""Learning at work in a browser: hints by keyboard, a ready prompt with blanks, and explaining back after an unblock."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.journeys.conftest import Demonstration, open_as

pytestmark = pytest.mark.xdist_group("browser")

LEARNER, INSTRUCTOR = "tp-1041", "tp-2007"
ACTIVITY = "support-ask"


def set_mode(page: Page, demonstration: Demonstration, mode: str) -> None:
    frame = open_as(page, demonstration, INSTRUCTOR, ACTIVITY)
    frame.get_by_role("link", name="Coach settings").click()
    frame.get_by_role("radio", name=mode).check()
    frame.get_by_role("button", name="Save").click()
    expect(frame.locator(".changes")).to_contain_text(f"now in {mode.lower()}")


def press(frame: Frame, name: str) -> None:
    """By keyboard: the button has to be reachable and to keep its focus."""
    button = frame.locator("article.turn").last.get_by_role("button", name=name)
    button.focus()
    button.press("Enter")


@pytest.fixture
def learn_mode(page: Page, demonstration: Demonstration) -> Iterator[None]:
    """The coach helps by hints; the journeys after this one find it as they expect it."""
    set_mode(page, demonstration, "Learn mode")
    yield
    set_mode(page, demonstration, "Help mode")


@pytest.mark.usefixtures("learn_mode")
def test_hints_blanks_and_explaining_back(page: Page, demonstration: Demonstration) -> None:
    frame = open_as(page, demonstration, LEARNER, ACTIVITY)

    frame.get_by_text("Ready questions with blanks").press("Enter")
    frame.locator("details.prompt > summary").filter(has_text="A parcel is").press("Enter")
    blank = frame.get_by_label("what happened")
    expect(blank).to_be_focused()
    blank.press("Enter")
    expect(frame.locator(".prompt-form .wrong").first).to_have_text("Fill this in first.")
    blank.fill("damaged")
    blank.press("Enter")

    turn = frame.locator("article.turn").last
    expect(turn.locator(".question")).to_have_text("A parcel is damaged. What do I do first?")
    expect(turn).to_contain_text("1 of 4 shown, 3 left", timeout=60_000)
    expect(turn.locator(".cite")).to_have_count(0)

    press(frame, "Show where it stands")
    expect(turn.locator("[data-newest]")).to_be_focused()
    turn.locator(".rung a[data-source]").first.press("Enter")
    expect(turn.locator(".source")).to_be_visible()
    expect(turn.locator("mark")).to_have_count(0)
    press(frame, "Show a part of it")
    expect(turn).to_contain_text("3 of 4 shown, 1 left")
    press(frame, "Show the whole answer")
    expect(turn.locator(".answer a.cite").first).to_be_visible()

    press(frame, "Yes")
    expect(turn).to_contain_text("In your own words")
    turn.get_by_role("textbox", name="Your own words").fill(
        "I ask for a photo of the label and of the outside of the box."
    )
    press(frame, "Compare with the source")
    expect(turn).to_contain_text("Try next:")
    expect(turn).to_contain_text("I ask for a photo of the label")
