"""A role-play in a browser by keyboard alone: said, asked for again, corrected, looked back at, and played once more."""

from __future__ import annotations

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.journeys.conftest import Demonstration, open_as

pytestmark = pytest.mark.xdist_group("browser")

LEARNER, ACTIVITY = "tp-1041", "support-ask"


def press(frame: Frame, role: str, name: str) -> None:
    """By keyboard: it has to be reachable and to keep its focus."""
    target = frame.get_by_role(role, name=name).first  # type: ignore[arg-type]
    target.focus()
    target.press("Enter")


def say(frame: Frame, words: str) -> None:
    """Enter says it; afterwards the field has the focus again."""
    field = frame.get_by_label("What do you say?")
    field.fill(words)
    field.press("Enter")


def hears(frame: Frame, words: str) -> None:
    expect(frame.locator(".talk-line.is-them").last).to_contain_text(words)


def test_a_conversation_a_look_back_and_a_retry(page: Page, demonstration: Demonstration) -> None:
    frame = open_as(page, demonstration, LEARNER, ACTIVITY)
    press(frame, "link", "Role-play")
    press(frame, "link", "The wardrobe and the third call")
    press(frame, "button", "Begin")
    hears(frame, "two days off")

    say(frame, "Let me see what I have here.")
    expect(frame.locator(".note.is-care")).to_contain_text("It is not clear what you want to say")
    expect(frame.get_by_label("What do you say?")).to_be_focused()
    say(frame, "You took two days off, nobody rang, and the wardrobe is still not there.")
    hears(frame, "Exactly. Two days.")
    expect(frame.get_by_label("What do you say?")).to_be_focused()
    say(frame, "I could give you ten euros for the trouble.")
    hears(frame, "I don't want your credit")

    frame.get_by_text("Not what you meant?").press("Enter")
    press(frame, "button", "Ask how the driver can reach her at the door")
    hears(frame, "it doesn't make a sound")
    press(frame, "button", "Stop and look back")
    expect(frame.locator("h1")).to_have_text("You stopped here")
    expect(frame.locator("#main")).to_contain_text("“You took two days off, nobody rang")

    press(frame, "button", "Play it once more")
    expect(frame.locator(".talk-line")).to_have_count(1)
    say(frame, "The driver says that nobody was at the door.")
    hears(frame, "So I'm lying.")
    press(frame, "button", "Stop and look back")
    expect(frame.locator("#main")).to_contain_text("Where it turned")
    expect(frame.locator("#main")).to_contain_text("A line to try:")
    press(frame, "button", "Try again from here")
    expect(frame.locator(".talk-line")).to_have_count(1)
    assert "electrician" not in frame.content()

    press(frame, "link", "Role-play")
    press(frame, "link", "Describe your situation")
    for label, words in (
        ("1. Who do you talk to?", "my shift lead"),
        ("2. What happens? Write the first thing that they say", "I have no time for this."),
        ("What they say that makes it hard", "We tried that last year."),
        ("What you want from the talk", "to swap my Friday shift"),
    ):
        frame.get_by_label(label).fill(words)
    press(frame, "button", "Try it out")
    hears(frame, "I have no time for this.")
