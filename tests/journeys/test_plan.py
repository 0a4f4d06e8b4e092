"""From an answer to a plan, a rehearsal, the calendar, and check-ins a week, 30 and 90 days later: by keyboard alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import vobject
from playwright.sync_api import Frame, Page, expect

from tests.chromium import findings
from tests.journeys.conftest import Demonstration, open_as

pytestmark = pytest.mark.xdist_group("browser")

LEARNER = "tp-1041"
ACTIVITY = "support-plan"
CUE = "a customer calls about a parcel that arrived broken"
VAGUE, ACTION = "be better", "ask for the photo of the label and the photo of the box in one message"
OBSTACLE, ANSWER = "they want the money at once", "say by when it is decided"
# The dates that the tool's own clock passes in a journey: moving the clock of one process of three would break every launch.
DATES = {"check_in": ("due_on", "due_at"), "plan_version": ("cue_on", "cue_at")}


def days_pass(demonstration: Demonstration, days: int) -> None:
    """So many days pass for every plan: its dates lie so much further back."""
    with closing(sqlite3.connect(demonstration.data / "workside.db", timeout=30)) as database:
        for table, (day, moment) in DATES.items():
            database.execute(f"UPDATE {table} SET {day} = date({day}, ?)", (f"-{days} days",))
            shift = f"strftime('%Y-%m-%d %H:%M:%f000', {moment}, ?)"
            database.execute(
                f"UPDATE {table} SET {moment} = {shift} WHERE {moment} IS NOT NULL", (f"-{days} days",)
            )
        database.commit()


def tab_to(page: Page, frame: Frame, selector: str) -> None:
    """Presses Tab until the element has focus; what cannot be reached so is out of reach."""
    target = frame.locator(selector).first
    target.wait_for()
    for _ in range(80):
        if target.evaluate("e => e === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {selector}")


def type_into(page: Page, frame: Frame, selector: str, text: str) -> None:
    tab_to(page, frame, selector)
    page.keyboard.press("ControlOrMeta+a")
    page.keyboard.type(text)


def press(page: Page, frame: Frame, selector: str, key: str = "Enter") -> None:
    tab_to(page, frame, selector)
    page.keyboard.press(key)


def heading(frame: Frame, text: str) -> None:
    expect(frame.locator("h1")).to_have_text(text)


def look(frame: Frame) -> None:
    """Nothing for axe to find, and nothing that scrolls sideways."""
    assert findings(frame) == []  # type: ignore[arg-type]
    assert frame.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def events_of(path: Path) -> list[Any]:
    calendar = vobject.readOne(path.read_text(encoding="utf-8"))
    calendar.validate()
    return list(calendar.vevent_list)


def download(page: Page, frame: Frame, tmp_path: Path) -> list[Any]:
    with page.expect_download() as file:
        press(page, frame, "a[download]")
    kept = tmp_path / "plan.ics"
    file.value.save_as(kept)
    return events_of(kept)


def test_a_plan_is_made_rehearsed_put_into_the_calendar_and_asked_about(
    page: Page, demonstration: Demonstration, tmp_path: Path
) -> None:
    page.set_viewport_size({"width": 640, "height": 900})
    frame = open_as(page, demonstration, LEARNER, ACTIVITY)
    heading(frame, "Your plans")
    press(page, frame, "a[href='/plan/new']")
    heading(frame, "Make a plan")
    look(frame)
    type_into(page, frame, "#cue", CUE)
    press(page, frame, "[data-day]")  # today, by one key
    today = date.fromisoformat(frame.locator("#day").input_value())
    type_into(page, frame, "#action", VAGUE)
    type_into(page, frame, "#obstacle", OBSTACLE)
    type_into(page, frame, "#answer", ANSWER)
    press(page, frame, "main .button[type=submit]")

    # One question, once.
    heading(frame, "One question, then it is done")
    look(frame)
    type_into(page, frame, "#action", ACTION)
    press(page, frame, "main .button[type=submit]")
    heading(frame, "Your plan")
    expect(frame.locator(".plan-deed")).to_have_text(ACTION)
    look(frame)
    first = download(page, frame, tmp_path)
    assert [
        event.dtstart.value if n == 0 else event.dtstart.value.date() for n, event in enumerate(first)
    ] == [
        today,
        *(today + timedelta(days=days) for days in (7, 30, 90)),
    ]

    # Three turns of exactly this moment; the obstacle comes in the second.
    press(page, frame, "form[action$='/rehearsals'] .button")
    for n, said in enumerate(("I ask for both photos in one message.", "Good day.", "They came."), start=1):
        expect(frame.locator(".scene")).to_have_count(n)
        scene = frame.locator(".scene").last
        expect(scene).to_contain_text((CUE, OBSTACLE, "It settles")[n - 1])
        type_into(page, frame, "#said", said)
        press(page, frame, ".scene .button[type=submit]")
    heading(frame, "What you said, beside your plan")
    expect(frame.locator(".try")).to_contain_text("say your own answer")
    look(frame)

    # A week, 30 and 90 days later it is the first thing on the first page.
    for days, passed, answer in ((7, 7, "not_yet"), (30, 30, "partly"), (90, 60, "yes")):
        days_pass(demonstration, passed)
        frame = open_as(page, demonstration, LEARNER, "support-ask")
        due = frame.locator(".due a[href^='/plan/check-ins/']")
        expect(due).to_have_count(1)
        press(page, frame, ".due a[href^='/plan/check-ins/']")
        heading(frame, "Did it happen?")
        look(frame)
        tab_to(page, frame, "[name=answer]")
        for _ in range(("yes", "partly", "not_yet").index(answer)):
            page.keyboard.press("ArrowRight")
        page.keyboard.press("Space")
        sentence = "#in_the_way" if answer == "not_yet" else "#happened"
        type_into(page, frame, sentence, f"What I say after {days} days.")
        press(page, frame, "main .button[type=submit]")
        if answer == "not_yet":
            heading(frame, "What would make it easier?")
            expect(frame.locator("#obstacle")).to_have_value(f"What I say after {days} days.")
            press(page, frame, "[data-day]")
            type_into(page, frame, "#answer", "call one back")
            press(page, frame, "main .button[type=submit]")
            heading(frame, "Your plan")
            second = download(page, frame, tmp_path)
            assert [event.uid.value for event in second] == [event.uid.value for event in first]
            assert int(second[0].sequence.value) > int(first[0].sequence.value)
        elif answer == "partly":
            heading(frame, "Your plan")
            expect(frame.locator("#check-ins")).to_contain_text("What I say after 30 days.")
        else:
            heading(frame, "What you did at work")
            expect(frame.locator("#done")).to_have_value(f"What I say after {days} days.")
            look(frame)
            type_into(page, frame, "#came_of_it", "No second call.")
            press(page, frame, "main .button[type=submit]")
            heading(frame, "Your plan")
            expect(frame.locator("section").filter(has_text="What you did at work")).to_contain_text("Begun")
    frame = open_as(page, demonstration, LEARNER, "support-ask")
    expect(frame.locator("h1")).to_be_visible()
    expect(frame.locator(".due a[href^='/plan/']")).to_have_count(0)
