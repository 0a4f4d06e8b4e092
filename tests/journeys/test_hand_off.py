"""What the documents don't say: ask, open a source, follow up, hand it to an expert, and the next person gets the expert's answer."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Frame, Locator, Page, expect

from tests.journeys.conftest import Demonstration, open_as

pytestmark = pytest.mark.xdist_group("browser")

MAYA, RAFAEL, INGRID = "tp-1041", "tp-1042", "tp-2007"
QUESTION = "Where are the spare keys of the parcel lockers on Marigold Street kept?"
ANSWER = (
    "The spare keys of the parcel lockers on Marigold Street are kept in the blue key safe of the night office.\n\n"
    "1. Sign the key book.\n2. Bring the keys back within the shift."
)


def ask(frame: Frame, question: str) -> Locator:
    """Sends a question and returns its finished turn."""
    turns = frame.locator("article.turn")
    before = turns.count()
    frame.locator("#question").fill(question)
    frame.locator("#ask-form [data-send]").click()
    expect(turns).to_have_count(before + 1)
    turn = turns.last
    expect(turn).not_to_have_attribute("aria-busy", "true", timeout=60_000)
    return turn


def test_a_question_goes_to_an_expert_and_the_answer_comes_back_to_everybody(
    page: Page, browser: Browser, demonstration: Demonstration
) -> None:
    # Maya asks, looks where it says so, follows up, and meets the end of what the documents say.
    frame = open_as(page, demonstration, MAYA, "support-ask")
    turn = ask(frame, "What does a customer need when a parcel arrived damaged?")
    turn.locator("a[data-source]").first.click()
    expect(frame.locator("mark").first).to_be_visible()
    follow_up = ask(frame, "And by when do they have to report it?")
    expect(follow_up).to_contain_text("7 days")
    turn = ask(frame, QUESTION)
    turn.get_by_role("link", name="Ask a person").click()
    expect(frame.locator("h1")).to_have_text("Ask a person")
    expect(frame.get_by_label("Your question")).to_have_value(QUESTION)
    frame.get_by_role("radio", name="Noor Castellan, Depot liaison").check()
    frame.get_by_role("button", name="Send the question").click()
    expect(frame.locator("h1")).to_have_text("Noor Castellan has your question")

    # Noor has no account: the instructor brings her a link.
    frame = open_as(page, demonstration, INGRID, "support-ask")
    frame.get_by_role("link", name="Experts", exact=True).click()
    row = frame.get_by_role("link", name=QUESTION).first
    expect(row).to_contain_text("Needs your link")
    row.click()
    frame.get_by_role("button", name="Make a link").click()
    link = frame.get_by_label("Copy it now").input_value()

    # She answers on her phone.
    phone = browser.new_context(viewport={"width": 400, "height": 800}, locale="en-GB")
    answering = phone.new_page()
    answering.goto(link)
    expect(answering.locator("body")).not_to_contain_text(QUESTION)
    answering.get_by_role("button", name="Open the question").click()
    expect(answering.locator("#asked-title + p")).to_have_text(QUESTION)
    assert answering.evaluate("document.documentElement.scrollWidth") <= 400
    answering.get_by_label("Your answer").fill(ANSWER)
    answering.get_by_role("button", name="Send the answer").click()
    expect(answering.locator("h1")).to_have_text("Your answer is on its way")
    answering.goto(link)
    answering.get_by_role("button", name="Open the question").click()
    expect(answering.locator("h1")).to_have_text("This link doesn't work")
    phone.close()

    # Maya has it, on her first page and below her question.
    frame = open_as(page, demonstration, MAYA, "support-ask")
    expect(frame.locator(".due")).to_contain_text("Noor Castellan answered your question")
    expect(frame.locator(".expert-answer").last).to_contain_text("blue key safe")

    # A link proves only that somebody had it: Ingrid reads the answer before the coach cites it to others.
    frame = open_as(page, demonstration, INGRID, "support-ask")
    frame.get_by_role("link", name="Experts", exact=True).click()
    row = frame.locator("#answered").get_by_role("link", name=QUESTION).first
    expect(row).to_contain_text("Needs your confirmation")
    row.click()
    frame.get_by_role("button", name="Let the coach cite it").click()
    expect(frame.locator("#answer")).to_contain_text("The coach cites it")

    # The next person gets it from the coach, with its author, in their own language around it.
    frame = open_as(page, demonstration, RAFAEL, "support-ask")
    for _ in range(5):
        turn = ask(frame, QUESTION)
        if turn.locator(".expert-credit").count():
            break
        page.wait_for_timeout(2000)  # the worker takes the answer in, as any document
    expect(turn.locator(".answer")).to_contain_text("blue key safe")
    expect(turn.locator(".expert-credit").first).to_contain_text("Resposta de especialista de Noor Castellan")
    turn.locator("a[data-source]").first.click()
    expect(frame.locator("mark").first).to_be_visible()
