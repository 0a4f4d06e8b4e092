"""axe finds nothing on any page in any state; from 320 to 1,280 pixels nothing scrolls sideways and targets are 24 px."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from tests.accessibility.browser import ORIGIN, Tool, findings
from tests.accessibility.states import STATES

WIDTHS = (320, 400, 768, 1280)
# The shell with a session would at once fetch its first page; its states are in test_frame.py.
NAMES = [name for name in STATES if name != "shell"]
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
SCROLL_WIDTH = "document.documentElement.scrollWidth"
# WCAG 2.2, 2.5.8: links inside a sentence are exempt.
SMALL_TARGETS = """() => [...document.querySelectorAll("a[href], button, input:not([type=hidden]), textarea, summary")]
  .filter(e => e.checkVisibility() && !e.matches(".skip, .prose a, p a:not(.cite):not(.button)"))
  .map(e => [e.outerHTML.slice(0, 90), e.getBoundingClientRect()])
  .filter(([, box]) => box.width < 24 || box.height < 24)
  .map(([html, box]) => `${Math.round(box.width)}x${Math.round(box.height)} ${html}`)"""
BEYOND = """() => [...document.querySelectorAll("body *")].filter(e => e.getBoundingClientRect().right > innerWidth + 1
  && e.checkVisibility() && !e.closest(".visually-hidden, .skip, .prose table, .prose pre"))
  .map(e => e.outerHTML.slice(0, 90))"""


@pytest.fixture(scope="module")
def tab(browser: Browser) -> Iterator[Page]:
    """One tab for all states: a tab's process of its own costs more than loading a page and asking axe together do."""
    context = browser.new_context(reduced_motion="reduce", bypass_csp=True)
    yield context.new_page()
    context.close()


@pytest.fixture
def page(tab: Page) -> Iterator[Page]:
    """The tab with nothing in it, in daylight, answered by a tool of this test's own; no script may have complained."""
    tab.goto("about:blank")
    tab.emulate_media(color_scheme="light")
    tool = Tool()
    detach = tool.attach(tab)
    yield tab
    detach()
    assert not tool.console


@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(page: Page, name: str) -> None:
    page.goto(f"{ORIGIN}/state/en/{name}")
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            assert page.evaluate(SCROLL_WIDTH) <= width, (scheme, width, page.evaluate(BEYOND))
            assert not page.evaluate(SMALL_TARGETS), (scheme, width)
            if width == 1280 or (width == 320 and scheme == "light"):  # colours don't change with the width
                # As tall as the page, so that nothing lies half below what sticks to the frame's edge.
                tall = page.evaluate("Math.max(800, document.documentElement.scrollHeight)")
                page.set_viewport_size({"width": width, "height": tall})
                assert not findings(page), (scheme, width)


@pytest.mark.parametrize("locale", ["pt-BR", "es"])
def test_longer_languages_fit(page: Page, locale: str) -> None:
    page.set_viewport_size({"width": 320, "height": 800})
    for name in NAMES:
        page.goto(f"{ORIGIN}/state/{locale}/{name}")
        assert page.evaluate(SCROLL_WIDTH) <= 320, (name, page.evaluate(BEYOND))


def test_forced_colours_keep_every_word(browser: Browser) -> None:
    context = browser.new_context(
        forced_colors="active", viewport={"width": 768, "height": 800}, bypass_csp=True
    )
    page = context.new_page()
    Tool().attach(page)
    for name in ("ask-several", "practice-feedback", "review-open"):
        page.goto(f"{ORIGIN}/state/en/{name}")
        assert not findings(page), name
    context.close()
