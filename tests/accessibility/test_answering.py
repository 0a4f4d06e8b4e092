"""Steps that are put in order, and a form with a file: by keyboard alone, through the page's own scripts."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.accessibility.browser import Tool, opened
from tests.accessibility.states import STATES

SENT = "<title>Sent</title><div id=page><main id=main><h1>Sent</h1></main></div>"


def say_sent(route: Route, path: str) -> None:
    route.fulfill(status=200, content_type="text/html", body=SENT)


@pytest.fixture
def tool() -> Tool:
    return Tool(pages={"/": STATES["practice-answer-order"]}, on_post=say_sent)


@pytest.fixture
def page(browser: Browser, tool: Tool) -> Iterator[Page]:
    with opened(browser, tool, "The vase in two pieces") as page:
        yield page


def order(page: Page) -> list[str]:
    return page.locator("[data-step] [data-text]").all_inner_texts()


def test_steps_are_put_in_order_by_keyboard_and_sent_in_that_order(page: Page, tool: Tool) -> None:
    before = order(page)
    down = page.get_by_role("button", name=f"Move down: {before[0]}")
    down.focus()
    page.keyboard.press("Enter")
    assert order(page) == [before[1], before[0], *before[2:]]
    expect(down).to_be_focused()
    expect(page.locator("#announcer")).to_have_text(f"{before[0]}: now 2 of {len(before)}")
    for _ in range(len(before)):
        page.keyboard.press("Space")
    assert order(page) == [*before[1:], before[0]], "at the end there is no further"
    expect(down).to_have_attribute("aria-disabled", "true")
    numbers = page.locator("[data-number]").all_inner_texts()
    assert numbers == [str(n) for n in range(1, len(before) + 1)]
    ids = [one.get_attribute("data-step") for one in page.locator("[data-step]").all()]
    page.get_by_role("button", name="Check my answer").press("Enter")
    expect(page.locator("h1")).to_have_text("Sent")
    assert tool.posts and tool.posts[-1][1]["order"].split() == ids
    assert tool.console == []


def test_an_order_outlives_a_reload(page: Page) -> None:
    before = order(page)
    page.get_by_role("button", name=f"Move down: {before[0]}").press("Enter")
    page.wait_for_timeout(500)  # what was typed is noted after a pause
    page.reload()
    expect(page.locator("[data-step] [data-text]").first).to_have_text(before[1])
    assert order(page) == [before[1], before[0], *before[2:]]


def test_a_file_is_sent_as_one(browser: Browser) -> None:
    bodies: list[bytes] = []

    def note(route: Route, path: str) -> None:
        bodies.append(route.request.post_data_buffer or b"")
        say_sent(route, path)

    tool = Tool(pages={"/": STATES["practice-answer-file"]}, on_post=note)
    with opened(browser, tool, "The vase in two pieces") as page:
        page.get_by_role("button", name="Check my answer").click()
        expect(page.locator(".wrong")).to_have_text("Choose a file first.")
        page.get_by_label("Your file").set_input_files(
            {"name": "reply.docx", "mimeType": "application/x", "buffer": b"words of a file"}
        )
        page.get_by_role("button", name="Check my answer").click()
        expect(page.locator("h1")).to_have_text("Sent")
    assert b'filename="reply.docx"' in bodies[0] and b"words of a file" in bodies[0]


def test_enter_in_the_form_of_a_task_saves_and_takes_no_line_out(browser: Browser) -> None:
    tool = Tool(pages={"/": STATES["task-form"]}, on_post=say_sent)
    with opened(browser, tool, "Change a task") as page:
        page.get_by_label("What a good answer does").first.press("Enter")
        expect(page.locator("h1")).to_have_text("Sent")
    assert tool.posts[0][0].startswith("/tasks/drafts/") and tool.posts[0][1]["then"] == "stay"
    assert "remove" not in tool.posts[0][1]
