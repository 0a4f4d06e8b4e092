"""The pictures of the README and the docs, taken from the running demo, so that they never go stale.

    python -m bench.screenshots [FOLDER]

Without a folder it writes the few that the docs show into docs/images. With one it writes every page at 400, 768 and 1,280 px,
light and dark, into it: what a person looks at before calling a page done.
"""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from playwright.sync_api import Browser, Page, sync_playwright

from tests.chromium import ARGUMENTS, chromium_path
from tests.journeys.conftest import (
    Demonstration,
    open_as,
    start_demonstration,
)

IMAGES = Path(__file__).parents[1] / "docs" / "images"
LEARNER, INSTRUCTOR = "tp-1041", "tp-2007"
ANSWER = (
    "Dear Ms Marchetti, I am sorry that the lamp arrived broken. Please send a photo of the label, a photo of the outside "
    "of the box, and your receipt. Please ask the buyer to keep the lamp and all the packing for 14 days. I will approve it."
)
SAID = (
    "I can't read out an address. Please tell me the postcode, and I check it.",
    "What I can tell you is the last scan and the expected day: it is planned for tomorrow.",
)
# Wide enough for the frame to show a source beside its answer.
DOCS_WIDTH = 1600
Scheme = Literal["light", "dark"]


@contextmanager
def opened(browser: Browser, width: int, scheme: Scheme, height: int = 900) -> Iterator[Page]:
    """A page in a fresh profile."""
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=scheme, locale="en-GB"
    )
    yield context.new_page()
    context.close()


def walk(
    running: Demonstration, browser: Browser, folder: Path, width: int, scheme: Scheme, mark: str
) -> None:
    """What a learner and an instructor do, at one width: a picture of each state, named by the state and `mark`."""

    def shoot(page: Page, name: str) -> None:
        page.wait_for_timeout(1200)
        page.screenshot(path=folder / f"{name}{mark}.png")

    with opened(browser, width, scheme) as page:
        frame = open_as(page, running, LEARNER, "support-ask")
        shoot(page, "home")
        frame.get_by_role("button", name="A parcel arrived damaged").click()
        frame.locator("article.turn .steps li").first.wait_for(timeout=120_000)
        shoot(page, "answer")
        frame.locator("article.turn a[data-source]").last.click()
        frame.locator("mark").first.wait_for()
        shoot(page, "ask")
        frame.get_by_label("Ask in your own words").fill(
            "Which shoes do I have to wear when I visit the depot?"
        )
        frame.get_by_role("button", name="Ask", exact=True).click()
        frame.get_by_text("Not covered here").last.wait_for(timeout=120_000)
        shoot(page, "not-covered")
        frame = open_as(page, running, LEARNER, "practice-damaged-lamp")
        shoot(page, "task")
        frame.get_by_label("Your answer").fill(ANSWER)
        frame.get_by_role("button", name="Check").first.click()
        frame.locator("#feedback").wait_for()
        shoot(page, "practice")
        frame.get_by_role("button", name="Hand in").click()
        frame.locator("#result").wait_for()
        shoot(page, "handed-in")
        frame = open_as(page, running, LEARNER, "role-play-kind-caller")
        shoot(page, "role-play-begins")
        frame.get_by_role("button", name="Begin").click()
        for number, line in enumerate(SAID, 2):
            frame.get_by_label("What do you say?").fill(line)
            frame.get_by_role("button", name="Say it").click()
            frame.get_by_text(f"Turn {number} of 8").wait_for()
        shoot(page, "role-play")
        frame.get_by_role("button", name="Stop and look back").click()
        frame.locator("main h2").first.wait_for()
        shoot(page, "looking-back")
        frame = open_as(page, running, LEARNER, "support-plan")
        frame.get_by_role("link", name="Make a plan").click()
        frame.locator("#cue").fill("somebody asks me to read out an address")
        frame.get_by_role("button", name="Tomorrow").click()
        frame.locator("#action").fill("ask for the postcode and compare it with the booking")
        frame.get_by_role("button", name="somebody objects").click()
        shoot(page, "new-plan")
        frame.get_by_role("button", name="Save the plan").click()
        frame.get_by_role("link", name="Add to calendar").wait_for()
        shoot(page, "plan")
        frame = open_as(page, running, INSTRUCTOR, "practice-damaged-lamp")
        frame.get_by_role("link", name="Review").first.click()
        frame.locator("main a[href^='/review/']").first.wait_for()
        shoot(page, "queue")
        frame.locator("main a[href^='/review/']").first.click()
        frame.get_by_role("button", name="Confirm decision").wait_for()
        shoot(page, "review")
        for choice in frame.get_by_role("radio", name="Yes").all():
            choice.check()
        frame.get_by_role("button", name="Confirm decision").click()
        frame.get_by_text("In the gradebook").first.wait_for(timeout=60_000)
        shoot(page, "decided")


def main() -> None:
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        data = Path(folder) / "data"
        data.mkdir()
        running = start_demonstration(data)
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=ARGUMENTS)
        try:
            if target is None:
                pictures = Path(folder) / "pictures"
                pictures.mkdir()
                walk(running, browser, pictures, DOCS_WIDTH, "light", "")
                IMAGES.mkdir(parents=True, exist_ok=True)
                for name in ("ask", "practice", "role-play", "plan", "review"):
                    (IMAGES / f"{name}.png").write_bytes((pictures / f"{name}.png").read_bytes())
            else:
                target.mkdir(parents=True, exist_ok=True)
                schemes: tuple[Scheme, ...] = ("light", "dark")
                for width in (1280, 768, 400):
                    for scheme in schemes:
                        walk(running, browser, target, width, scheme, f"-{width}-{scheme}")
        finally:
            browser.close()
            os.killpg(running.process.pid, signal.SIGTERM)
            running.process.wait(30)


if __name__ == "__main__":
    main()
