"""A conversation in a browser: the connection drops, the question is asked in other words, another tab asks too, all is deleted."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, Page, Route, expect

from tests.journeys.conftest import Demonstration, open_as

pytestmark = pytest.mark.xdist_group("browser")

# Somebody who asks in no other journey, and reads English.
PERSON = "tp-2007"


def test_a_conversation_from_a_dropped_connection_to_its_end(
    page: Page, context: BrowserContext, demonstration: Demonstration
) -> None:
    frame = open_as(page, demonstration, PERSON, "support-ask")

    def drop(route: Route) -> None:
        """The connection ends after the first event; the answer is made all the same."""
        answer = route.fetch()
        first, _, _ = answer.text().replace("\r\n", "\n").partition("\n\n")
        route.fulfill(body=f"{first}\n\n", content_type="text/event-stream")
        page.unroute("**/ask/turns", drop)

    page.route("**/ask/turns", drop)
    field = frame.get_by_label("Ask in your own words")
    field.fill("What is the capital of Mongolia?")
    field.press("Enter")
    turns = frame.locator("article.turn")
    expect(turns).to_contain_text(["Not covered here"])

    turns.first.get_by_role("button", name="Edit").click()
    frame.get_by_label("Your question, in other words").fill("A parcel arrived damaged. What do I need?")
    frame.get_by_role("button", name="Ask again").click()
    expect(turns).to_contain_text(["In the documents' own words"])
    expect(turns).to_have_count(1)

    other = context.new_page()
    second = open_as(other, demonstration, PERSON, "support-ask")
    expect(second.locator("article.turn")).to_have_count(1)
    second.get_by_label("Ask in your own words").fill("How do I greet a caller?")
    second.get_by_role("button", name="Ask", exact=True).click()
    expect(second.locator("article.turn").nth(1).locator(".voice, .note").first).to_be_visible()
    page.wait_for_timeout(3100)  # a tab looks again when it is come back to, at most every three seconds
    frame.evaluate("dispatchEvent(new Event('focus'))")
    expect(turns).to_have_count(2)
    other.close()

    frame.get_by_role("link", name="Your conversations").click()
    frame.get_by_label("Find words").fill("PARCÉL")
    frame.get_by_role("button", name="Find").click()
    frame.get_by_role("link", name="A parcel arrived damaged").click()
    frame.get_by_text("Rename, save or delete this conversation").click()
    frame.get_by_text("Delete this conversation", exact=True).click()
    frame.get_by_role("button", name="Delete it for good").click()
    expect(frame.locator("main")).to_contain_text("There is none yet")
