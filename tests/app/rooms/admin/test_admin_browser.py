"""An operator's morning in Chromium, by keyboard alone: sign in, make a link, copy it, let a deployment in, sign out."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import select

from app.course.models import Deployment, Registration
from app.course.protocol import DatabaseRegistrations, registration_of
from app.course.services import Services, make_services
from app.kit.settings import Settings
from app.main import create_app
from app.rooms.admin.access import make_sign_in_link
from retrieval import HashingEmbedder
from tests.app.rooms.admin.signed_in import forget_tries
from tests.chromium import chromium, findings
from tests.conformance.browser import listening, served

MOST_TABS = 60


@pytest.fixture
def running(tmp_path: Path, migrated_database: Path) -> Iterator[Services]:
    shutil.copy(migrated_database, tmp_path / "workside.db")
    at = listening()
    settings = Settings(
        _env_file=None, data_dir=tmp_path, demo=True, base_url=f"http://localhost:{at.getsockname()[1]}",
        worker="separate", log_level="error",
    )  # fmt: skip
    services = make_services(settings, embedder=HashingEmbedder())
    forget_tries()
    with served(create_app(settings, services), at):
        yield services
    services.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, running: Services) -> Iterator[Page]:
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"], locale="en-GB")
    context.set_default_timeout(20_000)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console",
        lambda line: problems.append(f"{line.text} {line.location}") if line.type == "error" else None,
    )
    yield opened
    # The form that is refused on purpose; Chromium notes every status of 400 or more.
    unexpected = [line for line in problems if "status of 422" not in line]
    context.close()
    assert not unexpected, unexpected


def reach(page: Page, selector: str) -> None:
    """Tabs until the element has the focus, as somebody without a mouse does."""
    wanted = page.locator(selector).first
    for _ in range(MOST_TABS):
        if wanted.evaluate("element => element === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"{selector} is not reached by keyboard on {page.url}")


def press(page: Page, selector: str) -> None:
    reach(page, selector)
    page.keyboard.press("Enter")


def test_an_operators_morning_by_keyboard(page: Page, running: Services) -> None:
    page.goto(make_sign_in_link(running))
    expect(page.get_by_role("button", name="Sign in")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("No platform is connected yet")
    press(page, "main a.button")

    # An invitation.
    reach(page, "#f-name")
    page.keyboard.type("Canvas of the university")
    reach(page, "#f-organisation")
    page.keyboard.type("North")
    reach(page, "#f-platform")
    page.keyboard.press("C")
    press(page, "main form button.button")
    expect(page.locator("h1")).to_have_text("Canvas of the university")
    press(page, "[data-copy]")
    expect(page.locator("[data-copy]")).to_contain_text("Copied")
    link = page.evaluate("navigator.clipboard.readText()")
    assert link.startswith(f"{running.settings.url}/lti/register/")

    # By hand, with one value that needs another look.
    page.goto(f"{running.settings.url}/admin/new/by-hand")
    for field, value in (
        ("name", "Moodle of the school"), ("issuer", "https://moodle.example"), ("client_id", "a1"),
        ("auth_url", "https://moodle.example/auth"), ("token_url", "moodle.example"),
        ("jwks_url", "https://moodle.example/certs"),
    ):  # fmt: skip
        reach(page, f"#f-{field}")
        page.keyboard.type(value)
        if field == "name":
            reach(page, "#f-organisation")
            page.keyboard.press("N")
    page.keyboard.press("Enter")
    expect(page.locator("#f-token_url")).to_be_focused()
    expect(page.locator("#w-token_url")).to_contain_text("Write a full address")
    assert not findings(page)
    page.keyboard.press("Control+A")
    page.keyboard.type("https://moodle.example/token")
    page.keyboard.press("Enter")
    expect(page.locator("h1")).to_have_text("Moodle of the school")
    assert not findings(page)

    # Its deployment comes with the first launch, and is let in.
    with running.database.read() as session:
        registration = registration_of(session.scalars(select(Registration)).one())
    registrations = DatabaseRegistrations(running.database)
    assert registrations.deployment_status(registration, "4") == "pending"
    page.goto(f"{running.settings.url}/admin")
    press(page, ".note-link")
    expect(page.locator("h1")).to_have_text("1 deployment waits")
    press(page, "main form button.button")
    expect(page.locator("h1")).to_have_text("Moodle of the school")
    assert registrations.deployment_status(registration, "4") == "active"
    with running.database.read() as session:
        assert session.scalars(select(Deployment.status)).all() == ["active"]

    # Trying the connection takes the eye to what came of it.
    press(page, "form[action$='/test#test'] button")
    expect(page.locator("#test")).to_contain_text("Its public keys can't be read")
    assert page.url.endswith("#test")

    press(page, ".bar-out button")
    expect(page.locator("h1")).to_have_text("You are signed out")
    page.goto("about:blank")  # nothing of ours is left to complain about a 401
    assert not page.context.cookies()


def test_without_a_script_the_pages_work_too(browser: Browser, running: Services) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(make_sign_in_link(running))
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("link", name="Add a platform").last.click()
    page.get_by_label("What you call the platform").fill("Moodle")
    page.get_by_label("Organisation").fill("North")
    page.get_by_label("Platform", exact=True).select_option("moodle")
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator("code").first).to_contain_text("/lti/register/")
    context.close()
