"""A browser or a driver that hangs costs one test its bound: what waits fails then, and the next module has a browser that lives."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("browser")
ROOT = Path(__file__).parents[1]

CONFTEST = """
import pytest
from tests.browser_watch import BOUND_SECONDS, WATCH
from tests.chromium import chromium

@pytest.fixture(scope="module")
def browser():
    WATCH.seconds = BOUND_SECONDS
    with chromium() as running:
        yield running

@pytest.fixture
def page(browser):
    context = browser.new_context()
    yield context.new_page()
    context.close()
"""
# Stopped, a process answers nothing and ends at nothing but a kill: the worst way to hang.
DRIVER = """
import contextlib, os, signal
from playwright.sync_api import Error
from tests.browser_watch import WATCH, driver_processes

def stop(what):
    for driver, below in driver_processes().items():
        assert below
        for pid in [driver] if what == "driver" else below:
            os.kill(pid, signal.SIGSTOP)
    WATCH.seconds = 2
    WATCH.count_anew()

def test_a_stopped_driver_fails_the_test_that_waits(page):
    stop("driver")
    page.goto("about:blank", timeout=1_000)

def test_the_same_module_after_it_fails_at_once(page):
    raise AssertionError("no page can be opened")
"""
CHROMIUM = (
    DRIVER.partition("def test_")[0]
    + """
def test_a_stopped_browser_is_not_hidden_by_a_test_that_swallows_the_error(page):
    stop("browser")
    with contextlib.suppress(Error):
        page.evaluate("1 + 1")
"""
)
HEALTHY = """
def test_the_next_module_has_a_browser_that_lives(page):
    assert page.evaluate("1 + 1") == 2
"""


def test_a_hung_browser_costs_one_test_its_bound(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(CONFTEST)
    for name, text in {"a_driver": DRIVER, "b_chromium": CHROMIUM, "c_healthy": HEALTHY}.items():
        (tmp_path / f"test_{name}.py").write_text(text)
    command = [
        sys.executable,
        "-m",
        "pytest",
        "-c",
        os.devnull,
        "--rootdir",
        str(tmp_path),
        "-rA",
        "--durations=0",
    ]
    run = subprocess.run(
        [*command, "-p", "tests.browser_watch", "-p", "no:cacheprovider", "-p", "no:xdist", str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT), "COLUMNS": "400"},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert run.returncode == 1, run.stdout + run.stderr
    for name in (
        "test_a_stopped_driver_fails_the_test_that_waits",
        "test_a_stopped_browser_is_not_hidden_by_a_test_that_swallows_the_error",
    ):
        assert re.search(rf"FAILED \S*::{name} - .*BrowserHung", run.stdout), run.stdout
    assert re.search(r"ERROR \S*::test_the_same_module_after_it_fails_at_once", run.stdout), run.stdout
    assert re.search(r"PASSED \S*::test_the_next_module_has_a_browser_that_lives", run.stdout), run.stdout
    # Waiting for the bound ends at the bound.
    calls = [float(one) for one in re.findall(r"^([\d.]+)s call ", run.stdout, re.MULTILINE)]
    assert calls and max(calls) < 20, run.stdout


def test_every_test_with_a_browser_is_under_the_watch() -> None:
    starts = "sync_" + "playwright("
    assert [one.name for one in (ROOT / "tests").rglob("*.py") if starts in one.read_text()] == [
        "chromium.py"
    ]
