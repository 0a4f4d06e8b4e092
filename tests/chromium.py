"""Debian's Chromium under Playwright, and axe on one of its pages: for every test that needs a browser."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Locator, Page, Playwright, TimeoutError, sync_playwright

from tests.browser_watch import WATCH

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# Under Playwright Workside's frame runs in its platform's process. In a process of its own it may be exchanged, or moved, between
# Playwright's look and its click, which is then lost without a word.
DRIVEN = [*ARGUMENTS, "--disable-site-isolation-trials"]


def chromium_path() -> str:
    path = shutil.which("chromium")
    assert path, "Chromium is missing. `make browser` (or tests/install-browser.sh) installs it."
    return path


@contextmanager
def watched_playwright() -> Iterator[Playwright]:
    """A running Playwright. A test that takes too long with it loses it (tests/browser_watch.py). For one file of tests at most:
    beside a running Playwright no test can start an event loop, and the next file starts one that lives."""
    with sync_playwright() as playwright, WATCH.playwright():
        yield playwright


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """A running Chromium."""
    browser = playwright.chromium.launch(executable_path=chromium_path(), args=DRIVEN)
    yield browser
    browser.close()


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium with a Playwright of its own. For one file of tests at most."""
    with watched_playwright() as playwright, launched(playwright) as browser:
        yield browser


def shown(locator: Locator, *, seconds: float = 20) -> None:
    """Waits until there is something to see at a locator in a frame that another process may take over meanwhile.

    `expect` won't do there: its first look has no time limit, and one that goes to a frame's old process is never answered
    (Playwright 1.65). A look that is given up after two seconds is followed by another, which finds the new process.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            return locator.wait_for(timeout=2_000)
        except TimeoutError:
            if time.monotonic() > deadline:
                raise


def findings(page: Page, **options: Any) -> list[str]:
    """What axe finds, one line each; `options` are those of `axe.run`. A document gets axe once, however often it is asked."""
    if page.evaluate("typeof window.axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    options["resultTypes"] = ["violations"]
    rules = page.evaluate("options => axe.run(options).then(report => report.violations)", options)
    found = [(rule["id"], node) for rule in rules for node in rule["nodes"]]
    return [f"{name}: {node['html'][:120]} {node['failureSummary'][:200]}" for name, node in found]
