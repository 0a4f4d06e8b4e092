"""I. Platform storage and the ladder of a browser that blocks cookies: cases 110-115, in Chromium and a true cross-site frame.

Cookies of frames are taken away on their way in unless a test says otherwise, whatever this browser's settings are. A private
window under Playwright also refuses a cross-site frame its session storage; an ordinary one does not, so both are used.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Page,
    Playwright,
    expect,
)
from starlette.responses import HTMLResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from lti import LtiSettings
from tests.chromium import launched, shown, watched_playwright
from tests.conformance.browser import (
    DENY_STORAGE,
    Course,
    Door,
    chromium_as_it_ships,
    course_pages,
    listening,
    offered_a_new_window,
    served,
    watched,
    window_that_blocks,
)
from tests.conformance.tool import Tool
from tests.fakes.platform import FakePlatform

pytestmark = pytest.mark.xdist_group("browser")
STATIC = Path(__file__).parents[2] / "app" / "static"


class _Static(StaticFiles):
    """The application's static files with the header that it gives them: a sandboxed frame has no origin."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Access-Control-Allow-Origin"] = "*"
        return response


@dataclass
class Site:
    """The running pair. `other` is the platform's second origin."""

    tool: Tool
    course: Course
    door: Door
    lms: str
    other: str

    def arrives(self, page: Page | None) -> None:
        """Waits for the first page after the launch, and asserts that one launch led to it."""
        self.door.wait_for(page, "/start/", 200)
        assert len(self.tool.launches) == 1


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    def now() -> datetime:
        return datetime.now(UTC)

    sockets = [listening() for _ in range(3)]
    tool_port, lms_port, other_port = (one.getsockname()[1] for one in sockets)
    base = f"http://localhost:{tool_port}"
    lms, other = f"http://127.0.0.1:{lms_port}", f"http://127.0.0.1:{other_port}"
    platform = FakePlatform(now, base=lms, tool_url=base, allow_private=True)
    tool = Tool(now, platform, LtiSettings(base))  # type: ignore[arg-type]
    tool.app.mount("/static", _Static(directory=STATIC))
    tool.app.add_api_route("/start/{code}", lambda code: HTMLResponse(f"<h1>Arrived {int(code)}</h1>"))
    door = Door(tool.app)
    pages = course_pages(platform, base, other)
    with ExitStack() as running:
        for app, at in zip((door, pages, pages), sockets, strict=True):
            running.enter_context(served(app, at))
        yield Site(tool, Course(f"{lms}/course"), door, lms, other)


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with watched_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def private(playwright: Playwright) -> Iterator[Browser]:
    with launched(playwright) as browser:
        yield browser


@pytest.fixture(scope="module")
def profile(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    with window_that_blocks(playwright, tmp_path_factory.mktemp("profile"), blocks=False) as context:
        yield context


@pytest.fixture(autouse=True)
def as_at_first(site: Site) -> None:
    site.tool.launches.clear()
    site.door.answered.clear()
    site.door.takes_cookies = True


@pytest.fixture
def page(private: Browser, site: Site) -> Iterator[Page]:
    """A page in a private window."""
    context = private.new_context()
    yield from watched(context)
    context.close()


@pytest.fixture
def roomy_page(profile: BrowserContext, site: Site) -> Iterator[Page]:
    """A page in an ordinary window."""
    yield from watched(profile)


def _heard(page: Page) -> list[str]:
    """What the page around the tool was asked, in order."""
    return [message["subject"] for message in page.evaluate("heard")]


def test_the_partitioned_cookie_binds_where_third_party_cookies_are_blocked(page: Page, site: Site) -> None:
    """The first rung: nothing else is asked for."""
    site.door.takes_cookies = False
    site.course.open(page, "works")
    site.arrives(page)
    assert site.door.count("/lti/launch/redeem") == 0
    assert "lti.get_data" not in _heard(page)


def test_case_110_platform_storage_binds_where_cookies_and_session_storage_are_blocked(
    page: Page, site: Site
) -> None:
    page.add_init_script(DENY_STORAGE)
    site.course.open(page, "works")
    site.arrives(page)
    page.wait_for_function("Object.keys(kept).length === 0")  # taken back after use
    put = next(message for message in page.evaluate("heard") if message["subject"] == "lti.put_data")
    assert put["key"].startswith("lti_state_")


def test_case_110_canvass_forwarding_frame_keeps_the_value_at_the_origin_where_people_sign_in(
    page: Page, site: Site
) -> None:
    """The page around us is of another origin and only says which frame it is: it hears no secret."""
    genuine = site.tool.registration
    site.tool.change(auth_url=genuine.auth_url.replace(site.lms, site.other))
    try:
        page.add_init_script(DENY_STORAGE)
        site.course.open(page, "forwards", target="post_message_forwarding")
        site.arrives(page)
        assert set(_heard(page)) == {"lti.capabilities"}
        storage = page.frame("post_message_forwarding")
        assert storage is not None
        subjects = storage.evaluate("heard.map((message) => message.subject)")
        assert subjects == ["lti.put_data", "lti.get_data", "lti.put_data"]
        assert storage.evaluate("Object.keys(kept).length") == 0
    finally:
        site.tool.change(auth_url=genuine.auth_url)


@pytest.mark.parametrize("target", ["_parent", "post_message_forwarding"])
def test_case_110_the_platform_may_name_the_frame_only_when_asked(
    page: Page, site: Site, target: str
) -> None:
    genuine = site.tool.registration
    site.tool.change(auth_url=genuine.auth_url.replace(site.lms, site.other))
    try:
        page.add_init_script(DENY_STORAGE)
        site.course.open(page, "forwards", target=target)
        site.arrives(page)
    finally:
        site.tool.change(auth_url=genuine.auth_url)


def test_case_110_a_platform_that_knows_no_capabilities_is_asked_all_the_same(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    site.course.open(page, "knows no capabilities")
    site.arrives(page)


def test_case_110_the_platforms_storage_comes_before_our_own(roomy_page: Page, site: Site) -> None:
    site.course.open(roomy_page, "works")
    site.arrives(roomy_page)
    assert _heard(roomy_page).count("lti.get_data") == 1
    assert site.door.count("/lti/launch/redeem") == 1


def test_session_storage_binds_where_cookies_are_blocked_and_the_platform_stores_nothing(
    roomy_page: Page, site: Site
) -> None:
    """Moodle."""
    site.course.open(roomy_page, "silent", target="")
    site.arrives(roomy_page)
    assert _heard(roomy_page) == []


@pytest.mark.parametrize("mode", ["wrong id", "wrong subject", "error"])
def test_case_111_113_what_is_no_answer_leads_to_the_next_rung(
    roomy_page: Page, site: Site, mode: str
) -> None:
    site.course.open(roomy_page, mode)
    site.arrives(roomy_page)


@pytest.mark.parametrize("mode", ["wrong id", "wrong subject", "error"])
def test_case_111_113_what_is_no_answer_binds_nothing(page: Page, site: Site, mode: str) -> None:
    page.add_init_script(DENY_STORAGE)
    offered_a_new_window(site.course.open(page, mode))
    assert site.tool.launches == []


def test_case_111_a_value_is_sent_to_the_registered_origin_only(page: Page, site: Site) -> None:
    """The page around us is not where the platform signs people in: it hears no secret."""
    genuine = site.tool.registration
    site.tool.change(auth_url=genuine.auth_url.replace("127.0.0.1", "127.0.0.2"))
    try:
        page.add_init_script(DENY_STORAGE)
        offered_a_new_window(site.course.open(page, "works"))
        assert set(_heard(page)) == {"lti.capabilities"}
    finally:
        site.tool.change(auth_url=genuine.auth_url)


@pytest.mark.parametrize("origin", ["the platform's", "another"])
def test_case_111_a_right_answer_of_a_window_that_was_not_asked_is_not_listened_to(
    page: Page, site: Site, origin: str
) -> None:
    page.add_init_script(DENY_STORAGE)
    stranger = site.lms if origin == "the platform's" else site.other
    offered_a_new_window(site.course.open(page, "stranger", stranger=stranger))
    assert "lti.put_data" in _heard(page) and site.tool.launches == []


def test_case_112_what_does_not_answer_costs_two_seconds_once(roomy_page: Page, site: Site) -> None:
    began = time.monotonic()
    site.course.open(roomy_page, "silent")
    site.arrives(roomy_page)
    assert time.monotonic() - began > 2
    # The login has waited; the launch goes straight to the next rung.
    assert _heard(roomy_page)[:2] == ["lti.put_data", "lti.capabilities"]
    assert "lti.get_data" not in _heard(roomy_page)


def test_case_112_nothing_hangs_when_nothing_answers(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    began = time.monotonic()
    offered_a_new_window(site.course.open(page, "silent"))
    assert time.monotonic() - began < 15
    # The platform was not asked: a launch there works once, and it is still to come.
    assert site.door.count("/lti/launch") == 0


def test_case_114_a_wrong_value_binds_nothing_and_is_taken_away(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    frame = site.course.open(page, "wrong value")
    site.door.wait_for(page, "/lti/launch/redeem", 400)
    offered_a_new_window(frame)
    assert site.tool.launches == []
    page.wait_for_function("Object.keys(kept).length === 0")


# The browser's part of the storage access API, played: what was agreed to outlives the page in the frame's name.
ACCESS = (
    """
if (location.hostname === "localhost" && window.parent !== window && window.name !== "agreed") {"""
    + DENY_STORAGE.partition("{")[2].rpartition("}")[0]
    + """}
document.hasStorageAccess = async () => window.name === "agreed";
document.requestStorageAccess = async () => { await window.agreed(); window.name = "agreed"; };
"""
)


def test_storage_access_is_asked_for_by_a_click_before_the_platform_is_asked(page: Page, site: Site) -> None:
    asked: list[str] = []

    def agreed() -> None:
        asked.append("agreed")
        site.door.takes_cookies = False

    page.expose_function("agreed", agreed)
    page.add_init_script(ACCESS)
    frame = site.course.open(page, "silent", target="")
    button = frame.locator("#ask-access")
    shown(button)
    expect(button).to_be_focused()
    assert asked == [] and site.door.count("/lti/launch") == 0
    button.click()
    site.arrives(page)
    assert asked == ["agreed"]
    assert site.door.count("/lti/login", 200) == 2 and site.door.count("/lti/launch") == 1


def test_without_agreement_there_is_the_new_window(page: Page, site: Site) -> None:
    def refused() -> None:
        raise ValueError("no")

    page.expose_function("agreed", refused)
    page.add_init_script(ACCESS)
    frame = site.course.open(page, "silent", target="")
    frame.locator("#ask-access").click()
    shown(frame.locator("#new-window"))
    expect(frame.locator("#access")).to_be_hidden()


def test_case_115_a_new_window_starts_the_login_again_and_works(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    frame = site.course.open(page, "silent")
    offered_a_new_window(frame)
    with page.expect_popup() as opened:
        frame.locator("#new-window").click()
    site.arrives(opened.value)


def _is_told_in_words(frame: FrameLocator) -> None:
    expect(frame.locator("#blocked")).to_be_hidden()
    frame.locator("#new-window").click()
    shown(frame.locator("#blocked"))
    expect(frame.locator("#blocked")).to_contain_text("set the activity to open in a new window")


def test_case_115_a_sandbox_without_popups_is_told_in_words(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    frame = site.course.open(page, "silent", sandbox="allow-scripts allow-same-origin allow-forms")
    offered_a_new_window(frame)
    _is_told_in_words(frame)


def test_case_115_a_sandbox_without_an_origin_is_told_in_words_too(page: Page, site: Site) -> None:
    """Nothing of ours can succeed there: what is offered is only what works."""
    frame = site.course.open(page, "works", sandbox="allow-scripts allow-forms")
    offered_a_new_window(frame)
    expect(frame.locator("#continue")).to_be_hidden()
    _is_told_in_words(frame)
    assert site.tool.launches == []


@pytest.mark.parametrize("incognito", [False, True], ids=["ordinary window", "incognito"])
@pytest.mark.parametrize("takes_cookies", [False, True], ids=["cookie", "session storage"])
def test_chromium_as_it_ships_opens_a_launch_of_a_platform_that_stores_nothing(
    site: Site, tmp_path: Path, incognito: bool, takes_cookies: bool
) -> None:
    """Moodle's case, third-party cookies blocked: the partitioned cookie, and without it the frame's session storage."""
    site.door.takes_cookies = takes_cookies
    address = site.course.address("silent", target="")
    with chromium_as_it_ships(tmp_path / "profile", address, blocks=not incognito, incognito=incognito):
        site.arrives(None)
    assert site.door.count("/lti/launch/redeem") == int(takes_cookies)


def test_nothing_is_left_in_the_frames_storage_after_a_launch(roomy_page: Page, site: Site) -> None:
    frame: Any = site.course.open(roomy_page, "works")
    site.arrives(roomy_page)
    shown(frame.locator("h1").filter(has_text="Arrived"))
    left = frame.locator("h1").evaluate("() => [Object.keys(sessionStorage).length, document.cookie]")
    assert left == [0, ""]
