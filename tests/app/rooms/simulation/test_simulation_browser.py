"""An open role-play in Chromium by keyboard alone: talked freely with a scripted chat model, which also leaves its role, looked
back at with the words said, and played again from where it turned."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from app.course.launches import admit_launch
from app.main import create_app
from tests.app.rooms.campus import Campus
from tests.app.rooms.simulation.conftest import WARDROBE
from tests.app.rooms.simulation.test_simulation_secrets import search, with_model
from tests.chromium import chromium, findings
from tests.conformance.browser import listening, served
from tests.fakes.chat_api import ChatApi, Request, broken

pytestmark = pytest.mark.xdist_group("browser")

MOST_TABS = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def api(stage: Campus) -> Iterator[ChatApi]:
    with ChatApi() as running:
        with_model(stage, running)
        yield running


@pytest.fixture
def page(browser: Browser, stage: Campus) -> Iterator[Page]:
    """Ana's first page; a script error fails the test."""
    at = listening()
    site = f"http://localhost:{at.getsockname()[1]}"
    with served(
        create_app(stage.services.settings.model_copy(update={"base_url": site}), stage.services), at
    ):
        context = browser.new_context(locale="en-GB")
        context.set_default_timeout(20_000)
        opened = context.new_page()
        problems: list[str] = []
        opened.on("pageerror", lambda error: problems.append(str(error)))
        opened.goto(site + admit_launch(stage.services, stage.launch()))
        yield opened
        context.close()
    assert problems == []


def reach(page: Page, wanted: Locator) -> None:
    """Tabs to it, as somebody without a mouse does."""
    expect(wanted).to_be_visible()
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{wanted} is not reached by keyboard on {page.url}")


def press(page: Page, role: str, name: str) -> None:
    reach(page, page.get_by_role(role, name=name).first)  # type: ignore[arg-type]
    page.keyboard.press("Enter")


def say(page: Page, words: str) -> None:
    """Enter says it; afterwards the field has the focus again."""
    field = page.get_by_label("What do you say?")
    reach(page, field)
    page.keyboard.type(words)
    page.keyboard.press("Enter")
    expect(field).to_be_focused()
    expect(field).to_have_value("")


def hears(page: Page, words: str) -> None:
    expect(page.locator(".talk-line.is-them").last).to_contain_text(words)


def test_an_open_conversation_a_look_back_and_a_retry(page: Page, api: ChatApi) -> None:
    def plays(request: Request) -> str:
        if request.schema is not None:
            return '{"found": []}'
        if "doorbell" in request.text:
            return "The bell? No, nothing. It doesn't make a sound."
        if "look into it" in request.text:
            return "As your coach I would say: ask about the bell. Great job so far!"
        return "And where is my wardrobe now?"

    api.script = plays
    press(page, "link", "Role-play")
    press(page, "link", "The wardrobe and the third call")
    expect(page.get_by_role("radio", name=re.compile("Freely"))).to_be_checked()
    assert findings(page) == []
    press(page, "button", "Begin")
    hears(page, "two days off")
    expect(page.locator("#main")).to_contain_text("A chat model plays Edda Renshaw and can be wrong")

    say(page, "You took two days off, nobody rang, and the wardrobe is still not there.")
    hears(page, "And where is my wardrobe now?")
    say(page, "I am sorry. I could look into it.")
    expect(page.locator("#main")).to_contain_text("left its role")
    assert "Great job" not in page.content(), "a model that coaches is not shown"
    assert "make a sound" not in page.content(), "what was not asked for is not told"
    say(page, "Does your doorbell work?")
    hears(page, "It doesn't make a sound.")
    assert findings(page) == []

    press(page, "button", "Stop and look back")
    expect(page.locator("h1")).to_have_text("You stopped here")
    expect(page.locator("h1")).to_be_focused()
    expect(page.locator("#main")).to_contain_text("“You took two days off, nobody rang")
    assert findings(page) == []
    press(page, "button", "Play it once more")
    expect(page.locator(".talk-line")).to_have_count(1)

    # The model fails, and the conversation goes on without it.
    api.script = broken()
    say(page, "You took two days off and nobody rang.")
    expect(page.locator("#main")).to_contain_text("The chat model could not answer just now")
    press(page, "button", "Stop and look back")
    expect(page.locator("h1")).to_have_text("You stopped here")


def test_the_browser_holds_no_hidden_fact_before_it_is_told(page: Page, api: ChatApi) -> None:
    api.script = "Hm."
    served_texts: list[str] = []
    page.on(
        "response",
        lambda answer: (
            served_texts.append(answer.text()) if "/simulation" in answer.url and answer.ok else None
        ),
    )
    press(page, "link", "Role-play")
    press(page, "link", "The wardrobe and the third call")
    press(page, "button", "Begin")
    say(page, "Good morning, what can I do for you?")
    hears(page, "Hm.")
    assert len(served_texts) >= 3
    search([*served_texts, page.content()], WARDROBE)
    assert any(WARDROBE in text for text in served_texts)
