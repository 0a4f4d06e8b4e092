"""H in Chromium: a platform's page frames our registration (or opens it in a window), with every cookie of the frame blocked."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from playwright.sync_api import Browser, Page, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.course.services import Services, make_services
from app.kit.clock import now
from app.kit.settings import Settings
from app.main import create_app
from app.rooms.admin.invitations import make_invitation
from retrieval import HashingEmbedder
from tests.app.rooms.admin.signed_in import forget_tries
from tests.chromium import chromium, shown
from tests.conformance.browser import Door, listening, served
from tests.conformance.service import WireEgress
from tests.fakes.network import FakeNetwork
from tests.fakes.platform import FakePlatform
from tests.fakes.registration import Registrar

# The administrator's page in the platform: the tool in a frame or a window, and what it is told.
PAGE = """<!doctype html><title>Manage tools</title><link rel="icon" href="data:,"><script>
window.heard = [];
addEventListener("message", (event) => { if (event.data.subject) heard.push([event.origin, event.data]); });
</script>"""


@dataclass
class Site:
    """The running tool, the page of a platform, and the platform behind both."""

    services: Services
    registrar: Registrar
    base: str
    lms: str
    door: Door

    def address(self) -> str:
        """What the platform opens: a fresh invitation's link with what it adds."""
        forget_tries()
        with self.services.database.write() as session:
            _, secret = make_invitation(
                session, self.services.vault, name="The school", organisation="North",
                platform="moodle", hours=1, allow_private=False, actor_id=None,
            )  # fmt: skip
        return f"{self.base}/lti/register/{secret}?{urlencode(self.registrar.invite())}"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("registering")
    shutil.copy(migrated_database, folder / "workside.db")
    sockets = [listening() for _ in range(2)]
    tool_port, lms_port = (one.getsockname()[1] for one in sockets)
    base, lms = f"http://localhost:{tool_port}", f"http://127.0.0.1:{lms_port}"
    settings = Settings(
        _env_file=None, data_dir=folder, demo=True, base_url=base, worker="separate", log_level="error"
    )
    services = make_services(settings, embedder=HashingEmbedder())
    network = FakeNetwork()
    registrar = Registrar(FakePlatform(now, "moodle", base="https://moodle.example"))
    registrar.join(network)
    services.egress = WireEgress(network)  # type: ignore[assignment]

    def framed(request: Request) -> HTMLResponse:
        address = escape(request.query_params["src"])
        return HTMLResponse(
            PAGE + (f'<iframe name="tool" width="500" height="700" src="{address}"></iframe>')
        )

    def windowed(request: Request) -> HTMLResponse:
        address = escape(request.query_params["src"])
        return HTMLResponse(PAGE + (f'<a id="open" target="_blank" rel="opener" href="{address}">Add</a>'))

    pages = Starlette(routes=[Route("/framed", framed), Route("/windowed", windowed)])
    door = Door(create_app(settings, services))
    with ExitStack() as running:
        for app, at in zip((door, pages), sockets, strict=True):
            running.enter_context(served(app, at))
        yield Site(services, registrar, base, lms, door)
    services.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def page(browser: Browser, site: Site) -> Iterator[Page]:
    site.door.answered.clear()
    context = browser.new_context()
    context.set_default_timeout(20_000)
    opened = context.new_page()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on("console", lambda line: problems.append(line.text) if line.type == "error" else None)
    yield opened
    found, cookies = list(problems), context.cookies()
    context.close()
    assert not found, found
    assert not cookies


def heard(page: Page) -> Any:
    return page.evaluate("heard")


def test_case_105_109_a_framed_registration_ends_with_a_word_to_the_platform(page: Page, site: Site) -> None:
    page.goto(f"{site.lms}/framed?" + urlencode({"src": site.address()}))
    frame = page.frame_locator("iframe[name=tool]")
    shown(frame.locator("h1", has_text="Connect Workside to The school"))
    frame.get_by_role("button", name="Connect").press("Enter")
    shown(frame.locator("h1", has_text="Workside is connected"))
    assert heard(page) == []
    # The button has the focus: the keyboard alone goes through.
    finish = frame.get_by_role("button", name="Finish")
    expect(finish).to_be_focused()
    finish.press("Enter")
    page.wait_for_function("heard.length === 1")
    assert heard(page) == [[site.base, {"subject": "org.imsglobal.lti.close"}]]
    expect(frame.get_by_text("You can close this window now.")).to_be_visible()


def test_case_109_a_window_tells_its_opener(page: Page, site: Site) -> None:
    page.goto(f"{site.lms}/windowed?" + urlencode({"src": site.address()}))
    with page.expect_popup() as opened:
        page.locator("#open").click()
    window = opened.value
    window.get_by_role("button", name="Connect").click()
    window.get_by_role("button", name="Finish").click()
    page.wait_for_function("heard.length === 1")
    assert heard(page) == [[site.base, {"subject": "org.imsglobal.lti.close"}]]


def test_case_105_the_button_pressed_twice_registers_once(page: Page, site: Site) -> None:
    before = len(site.registrar.registered)
    page.goto(f"{site.lms}/framed?" + urlencode({"src": site.address()}))
    frame = page.frame_locator("iframe[name=tool]")
    frame.get_by_role("button", name="Connect").dblclick()
    shown(frame.locator("h1", has_text="Workside is connected"))
    assert len(site.registrar.registered) == before + 1
    assert site.door.count("/lti/register/", 200) == 2
