"""Memory of the service at rest and with its models, time to start, and the weight of the first page after a launch.

    python -m bench.footprint

Starts `workside demo` on an empty data folder, twice; the second start is the one that people see every day. Memory is the
process's resident set as the kernel counts it (VmRSS). Bytes are those that went over the wire, headers included, of every
response of Workside's own origin from the login to the first page, as Chromium's network layer counts them.
"""

from __future__ import annotations

import os
import signal
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.chromium import ARGUMENTS, chromium_path
from tests.journeys.conftest import (
    Demonstration,
    open_as,
    start_demonstration,
)


def resident_megabytes(pid: int) -> float:
    """The resident set of one process in MB (10^6 bytes)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise LookupError("this kernel does not say VmRSS")


def stop(running: Demonstration) -> None:
    os.killpg(running.process.pid, signal.SIGTERM)
    running.process.wait(30)


def first_page(running: Demonstration) -> dict[str, int]:
    """Bytes over the wire by kind, from the login to the first page, in a fresh browser profile."""
    sizes: dict[str, int] = {}
    kinds: dict[str, str] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        page = browser.new_context(viewport={"width": 1280, "height": 900}).new_page()
        session = page.context.new_cdp_session(page)
        session.send(
            "Target.setAutoAttach", {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
        )

        def answered(response: Any) -> None:
            if response.url.startswith(running.tool):
                kinds[response.url] = response.request.resource_type

        def finished(request: Any) -> None:
            if request.url in kinds:
                measured = request.sizes()
                kind = kinds[request.url]
                sizes[kind] = (
                    sizes.get(kind, 0) + measured["responseBodySize"] + measured["responseHeadersSize"]
                )

        page.on("response", answered)
        page.on("requestfinished", finished)
        open_as(page, running, "tp-1041", "support-ask")
        page.wait_for_timeout(1000)
        browser.close()
    return sizes


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        data.mkdir()
        began = time.perf_counter()
        running = start_demonstration(data)
        first = time.perf_counter() - began
        stop(running)
        began = time.perf_counter()
        running = start_demonstration(data)
        second = time.perf_counter() - began
        at_rest = resident_megabytes(running.process.pid)
        sizes = first_page(running)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
            page = browser.new_page()
            frame = open_as(page, running, "tp-1041", "support-ask")
            frame.get_by_role("button", name="How much may I refund").click()
            frame.locator("article.turn").first.wait_for(timeout=120_000)
            page.wait_for_timeout(2000)
            browser.close()
        with_models = resident_megabytes(running.process.pid)
        stop(running)
    print("| what | figure |")
    print("|---|---|")
    print(f"| first start, sample course taken in | {first:.0f} s |")
    print(f"| second start | {second:.1f} s |")
    print(f"| service at rest, models not loaded | {at_rest:.0f} MB |")
    print(f"| service idle after an answer, models loaded | {with_models:.0f} MB |")
    for kind, size in sorted(sizes.items()):
        print(f"| first page, {kind} | {size / 1000:.1f} kB |")
    print(f"| first page, all | {sum(sizes.values()) / 1000:.1f} kB |")


if __name__ == "__main__":
    main()
