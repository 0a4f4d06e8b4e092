"""axe finds nothing on any page in any state; from 320 to 1,280 pixels nothing scrolls sideways and targets are 24 px."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from tests.accessibility.browser import ORIGIN, Tool, chromium
from tests.accessibility.states import STATES

WIDTHS = (320, 400, 768, 1280)
# The shell with a session would at once fetch its first page; its states are in test_frame.py.
NAMES = [name for name in STATES if name != "shell"]
AXE_OPTIONS = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
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
def browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


def findings(page: Page) -> list[str]:
    """What axe finds, one line each."""
    report: dict[str, Any] = Axe().run(page, options=AXE_OPTIONS).response
    found = [(rule["id"], node) for rule in report["violations"] for node in rule["nodes"]]
    return [f"{name}: {node['html'][:120]} {node['failureSummary'][:200]}" for name, node in found]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("name", NAMES)
def test_axe_finds_nothing(browser: Browser, name: str, scheme: str) -> None:
    context = browser.new_context(color_scheme=scheme, reduced_motion="reduce", bypass_csp=True)
    page = context.new_page()
    tool = Tool()
    tool.attach(page)
    page.goto(f"{ORIGIN}/state/en/{name}")
    page.evaluate("document.querySelectorAll('details').forEach(e => { e.open = true; })")
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") <= width, (width, page.evaluate(BEYOND))
        assert not page.evaluate(SMALL_TARGETS), width
        if width == 1280 or (width == 320 and scheme == "light"):  # colours don't change with the width
            assert not findings(page), width
    assert not tool.console
    context.close()


@pytest.mark.parametrize("locale", ["pt-BR", "es"])
def test_longer_languages_fit(browser: Browser, locale: str) -> None:
    page = browser.new_page(viewport={"width": 320, "height": 800})
    Tool().attach(page)
    for name in NAMES:
        page.goto(f"{ORIGIN}/state/{locale}/{name}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 320, (name, page.evaluate(BEYOND))
    page.close()


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
