"""Debian's Chromium under Playwright, and axe on one of its pages: for every test that needs a browser."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Browser, Page, sync_playwright

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def chromium_path() -> str:
    path = shutil.which("chromium")
    assert path, "Chromium is missing. `make browser` (or tests/install-browser.sh) installs it."
    return path


@contextmanager
def chromium() -> Iterator[Browser]:
    """A running Chromium. For one file of tests at most: beside a running Playwright no test can start an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        yield browser
        browser.close()


def findings(page: Page, **options: Any) -> list[str]:
    """What axe finds, one line each; `options` are those of `axe.run`. A document gets axe once, however often it is asked."""
    if page.evaluate("typeof window.axe") == "undefined":
        page.evaluate(AXE_SCRIPT)
    options["resultTypes"] = ["violations"]
    rules = page.evaluate("options => axe.run(options).then(report => report.violations)", options)
    found = [(rule["id"], node) for rule in rules for node in rule["nodes"]]
    return [f"{name}: {node['html'][:120]} {node['failureSummary'][:200]}" for name, node in found]
