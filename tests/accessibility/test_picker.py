"""The picker in a browser, by keyboard: previews, points, parts of a whole, cancelling, and leaving for the platform."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, Route, expect

from tests.accessibility.browser import ORIGIN, Tool, findings, opened
from tests.accessibility.states import STATES

LAMP = "practice/damaged-lamp"


@pytest.fixture
def tool() -> Tool:
    made = Tool(
        pages={
            "/": STATES["picker-several"],
            "/picker/preview/practice/damaged-lamp": STATES["picker-preview-task"],
        }
    )

    def answer(route: Route, _path: str) -> None:
        made.html(route, STATES["picker-leaving"])

    made.on_post = answer
    return made


@pytest.fixture
def page(browser: Browser, tool: Tool) -> Iterator[Page]:
    with opened(browser, tool, "Add to your course") as page:
        yield page


def test_points_belong_to_what_is_chosen(page: Page, tool: Tool) -> None:
    points = page.get_by_label("Points for The lamp that arrived broken")
    expect(points).to_be_hidden()
    page.locator(f'input[value="{LAMP}"]').focus()
    page.keyboard.press("Space")
    expect(points).to_be_visible()
    page.keyboard.press("Tab")
    expect(points).to_be_focused()
    page.keyboard.press("Control+a")
    page.keyboard.type("1001")
    page.keyboard.press("Enter")
    wrong = page.locator(".wrong")
    expect(wrong).to_have_text("Points are a whole number from 1 to 1,000.")
    expect(points).to_be_focused()
    assert tool.posts == [] and not findings(page)
    page.keyboard.press("Control+a")
    page.keyboard.type("25")
    page.keyboard.press("Enter")
    page.wait_for_url(f"{ORIGIN}/picker/return/x")
    path, form = tool.posts[0]
    assert path == "/picker" and form["choice"] == LAMP and form[f"points/{LAMP}"] == "25"
    assert "points/practice/wrong-door" not in form, "what is not chosen has no points"


def test_a_part_chooses_its_whole(page: Page) -> None:
    whole = page.locator('input[value="coach/all"]')
    page.get_by_label("depot-safety").check()
    expect(whole).to_be_checked()
    whole.uncheck()
    expect(whole).not_to_be_checked()


def test_a_preview_is_fetched_once_when_it_is_opened(page: Page, tool: Tool) -> None:
    address = f"{ORIGIN}/picker/preview/{LAMP}"
    preview = page.locator(f'details[data-preview="/picker/preview/{LAMP}"]')
    assert address not in tool.addresses
    preview.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(preview.get_by_role("heading", name="The situation")).to_be_visible()
    page.keyboard.press("Enter")
    page.keyboard.press("Enter")
    expect(preview.get_by_role("heading", name="The situation")).to_be_visible()
    assert tool.addresses.count(address) == 1 and not findings(page)


def test_a_preview_that_does_not_come_says_so_and_can_be_tried_again(page: Page, tool: Tool) -> None:
    state = tool.pages.pop(f"/picker/preview/{LAMP}")
    preview = page.locator(f'details[data-preview="/picker/preview/{LAMP}"]')
    preview.locator("summary").click()
    expect(preview).to_contain_text("We can't show the preview now")
    tool.pages[f"/picker/preview/{LAMP}"] = state
    preview.locator("summary").click()
    preview.locator("summary").click()
    expect(preview.get_by_role("heading", name="The situation")).to_be_visible()


def test_cancelling_needs_nothing_to_be_right(page: Page, tool: Tool) -> None:
    page.locator(f'input[value="{LAMP}"]').check()
    page.get_by_label("Points for The lamp that arrived broken").fill("0")
    page.get_by_role("button", name="Cancel").click()
    page.wait_for_url(f"{ORIGIN}/picker/return/x")
    assert tool.posts[0][1]["cancel"] == "yes"


def test_an_expired_visit_keeps_the_page_and_posts_nothing_broken(page: Page, tool: Tool) -> None:
    tool.is_signed_out = True
    page.locator(f'input[value="{LAMP}"]').check()
    page.get_by_role("button", name="Add to course").click()
    expect(page.get_by_role("alert")).to_contain_text("Open Workside again from your course")
    expect(page.locator(f'input[value="{LAMP}"]')).to_be_checked()
    assert tool.posts == [] and "/picker/return" not in page.url


def test_the_return_page_sends_its_form_by_itself_and_has_a_button(browser: Browser) -> None:
    sent: list[str] = []
    context = browser.new_context(java_script_enabled=True)
    page = context.new_page()
    html = (
        '<form id="return" method="post" action="http://lms.test/return"><input type="hidden" name="JWT" value="a.b.c">'
        '<button type="submit">Continue</button></form>'
        f'<script type="module" src="{ORIGIN}/static/js/return.js"></script>'
    )
    tool = Tool()
    tool.attach(page)
    page.route(f"{ORIGIN}/here", lambda route: route.fulfill(body=html, content_type="text/html"))

    def take(route: Route) -> None:
        sent.append(route.request.post_data or "")
        route.fulfill(body="<h1>Added</h1>", content_type="text/html")

    page.route("http://lms.test/return", take)
    page.goto(f"{ORIGIN}/here")
    expect(page.locator("h1")).to_have_text("Added")
    assert sent == ["JWT=a.b.c"]
    context.close()
