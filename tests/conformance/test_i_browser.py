"""I. Platform storage and the ladder of a browser that blocks cookies: cases 110-115, in Chromium and a true cross-site frame.

The course page is on 127.0.0.1, the tool on localhost. Cookies of frames are taken away on their way in, whatever this
browser's settings are. A private window of Chromium 156 also refuses a cross-site frame its session storage; an ordinary
profile does not, so both kinds of window are used.
"""

from __future__ import annotations

import json
import shutil
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
import uvicorn
from playwright.sync_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Page,
    Playwright,
    expect,
    sync_playwright,
)
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route
from starlette.staticfiles import StaticFiles

from lti import LtiSettings
from tests.conformance.tool import Tool
from tests.fakes.platform import FakePlatform

pytestmark = pytest.mark.xdist_group("browser")
STATIC = Path(__file__).parents[2] / "app" / "static"
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-sync",
]

# The platform's side of the storage protocol, as faulty as `mode` says.
STORAGE = """
window.kept = {}; window.heard = [];
const mode = %(mode)r;
window.addEventListener("message", (event) => {
  const asked = event.data; heard.push({ ...asked });
  const answer = { subject: asked.subject + ".response", message_id: asked.message_id };
  if (mode === "silent") return;
  if (asked.subject === "lti.capabilities") {
    answer.supported_messages = [{ subject: "lti.put_data" }, { subject: "lti.get_data" }];
  } else {
    if (mode === "wrong id") answer.message_id = "another";
    if (mode === "wrong subject") answer.subject = "lti.something.response";
    if (mode === "error") answer.error = { code: "storage_exhaustion", message: "full" };
    if (asked.subject === "lti.put_data") {
      if (asked.value === null) delete kept[asked.key]; else kept[asked.key] = asked.value;
      answer.key = asked.key; answer.value = asked.value;
    }
    if (asked.subject === "lti.get_data") {
      answer.key = asked.key; answer.value = mode === "wrong value" ? "x".repeat(43) : kept[asked.key];
    }
  }
  event.source.postMessage(answer, event.origin);
});
"""
# Nothing at all is kept for a frame of the tool; a window of its own keeps what it likes.
DENY_STORAGE = """
if (location.hostname === "localhost" && window.parent !== window) {
  Object.defineProperty(document, "cookie", { get() { return ""; }, set() {} });
  Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
}
"""


def _listening() -> socket.socket:
    """A socket on a port that nobody can take meanwhile."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    return listening


def _serve(app: Any, listening: socket.socket) -> uvicorn.Server:
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True).start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    return server


class _WithoutFrameCookies:
    """Takes the cookies of framed requests away: a browser that blocks third-party cookies. Notes what was answered."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.answered: list[tuple[str, int]] = []

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        headers = dict(scope.get("headers", []))
        if headers.get(b"sec-fetch-dest") != b"document":
            scope = {**scope, "headers": [pair for pair in scope.get("headers", []) if pair[0] != b"cookie"]}

        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.answered.append((scope["path"], message["status"]))
            await send(message)

        await self.app(scope, receive, noted)


@dataclass
class Site:
    """The running pair; `course` opens a course page whose frame starts a login."""

    tool: Tool
    course_url: str
    door: _WithoutFrameCookies

    def wait_for(self, page: Page, path: str, status: int) -> None:
        """Waits until the tool has answered so. The frame is not asked: it changes its process three times in a launch,
        and Playwright now and then loses it on the way."""
        deadline = time.monotonic() + 30
        while not any(one[0].startswith(path) and one[1] == status for one in self.door.answered):
            assert time.monotonic() < deadline, self.door.answered
            page.wait_for_timeout(50)

    def arrives(self, page: Page) -> None:
        """Waits for the first page after the launch, and asserts that one launch led to it."""
        self.wait_for(page, "/start/", 200)
        assert len(self.tool.launches) == 1

    def course(
        self, page: Page, mode: str, *, target: str | None = "_parent", sandbox: str = ""
    ) -> FrameLocator:
        page.goto(
            f"{self.course_url}?" + urlencode({"mode": mode, "target": target or "", "sandbox": sandbox})
        )
        return page.frame_locator("iframe")


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    def now() -> datetime:
        return datetime.now(UTC)

    tool_socket, lms_socket = _listening(), _listening()
    tool_port, lms_port = tool_socket.getsockname()[1], lms_socket.getsockname()[1]
    base, lms = f"http://localhost:{tool_port}", f"http://127.0.0.1:{lms_port}"
    platform = FakePlatform(now, base=lms, tool_url=base, allow_private=True)
    tool = Tool(now, platform, LtiSettings(base))  # type: ignore[arg-type]
    tool.app.mount("/static", StaticFiles(directory=STATIC))
    tool.app.add_api_route("/start/{code}", lambda code: HTMLResponse(f"<h1>Arrived {int(code)}</h1>"))

    def course(request: Request) -> HTMLResponse:
        query = request.query_params
        fields = platform.login_fields(**({"lti_storage_target": query["target"]} if query["target"] else {}))
        sandbox = f' sandbox="{escape(query["sandbox"])}"' if query["sandbox"] else ""
        frame = f'<iframe{sandbox} width="600" height="500" src="{escape(f"{base}/lti/login?{urlencode(fields)}")}"></iframe>'
        return HTMLResponse(f"<script>{STORAGE % {'mode': query['mode']}}</script>{frame}")

    def auth(request: Request) -> HTMLResponse:
        fields = platform.answer(str(request.url))
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
        )
        return HTMLResponse(
            f'<form method="post" action="{base}/lti/launch">{inputs}</form><script>document.forms[0].submit()</script>'
        )

    door = _WithoutFrameCookies(tool.app)
    servers = [
        _serve(door, tool_socket),
        _serve(Starlette(routes=[Route("/course", course), Route("/auth", auth)]), lms_socket),
    ]
    yield Site(tool, f"{lms}/course", door)
    for server in servers:
        server.should_exit = True


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module")
def private(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def profile(playwright: Playwright, tmp_path_factory: pytest.TempPathFactory) -> Iterator[BrowserContext]:
    folder = tmp_path_factory.mktemp("profile")
    (folder / "Default").mkdir()
    allowed = {"profile": {"cookie_controls_mode": 0, "block_third_party_cookies": False}}
    (folder / "Default" / "Preferences").write_text(json.dumps(allowed))
    context = playwright.chromium.launch_persistent_context(
        folder, executable_path=shutil.which("chromium"), args=ARGUMENTS
    )
    yield context
    context.close()


def _page(context: BrowserContext, site: Site) -> Iterator[Page]:
    """A page that fails the test on a script error or a breach of the policy."""
    site.tool.launches.clear()
    site.door.answered.clear()
    context.set_default_timeout(20_000)
    # One tab and no second: Chromium puts a tab behind another to sleep, and two seconds are long there.
    opened = context.pages[0] if context.pages else context.new_page()
    opened.bring_to_front()
    problems: list[str] = []
    opened.on("pageerror", lambda error: problems.append(str(error)))
    opened.on(
        "console", lambda line: problems.append(line.text) if "Content Security Policy" in line.text else None
    )
    yield opened
    opened.goto("about:blank")
    assert problems == []


@pytest.fixture
def page(private: Browser, site: Site) -> Iterator[Page]:
    """A page in a private window."""
    context = private.new_context()
    yield from _page(context, site)
    context.close()


@pytest.fixture
def roomy_page(profile: BrowserContext, site: Site) -> Iterator[Page]:
    """A page in an ordinary window."""
    yield from _page(profile, site)


def _offered_a_new_window(frame: FrameLocator) -> None:
    agree = frame.locator("#ask-access")
    window = frame.locator("#new-window")
    expect(agree.or_(window).locator("visible=true").first).to_be_visible(timeout=20_000)
    if agree.is_visible():
        agree.click()
    expect(window).to_be_visible(timeout=20_000)


def test_case_110_platform_storage_binds_where_cookies_and_session_storage_are_blocked(
    page: Page, site: Site
) -> None:
    page.add_init_script(DENY_STORAGE)
    site.course(page, "works")
    site.arrives(page)
    page.wait_for_function("Object.keys(kept).length === 0")  # taken back after use
    put = next(message for message in page.evaluate("heard") if message["subject"] == "lti.put_data")
    assert put["key"].startswith("lti_state_")


def test_session_storage_binds_where_cookies_are_blocked_and_the_platform_stores_nothing(
    roomy_page: Page, site: Site
) -> None:
    """Moodle."""
    site.course(roomy_page, "silent", target=None)
    site.arrives(roomy_page)


@pytest.mark.parametrize(
    "mode",
    [
        pytest.param("wrong id", id="case_111_id"),
        pytest.param("wrong subject", id="case_111_subject"),
        pytest.param("silent", id="case_112"),
        pytest.param("error", id="case_113"),
    ],
)
def test_cases_111_to_113_what_is_no_answer_leads_to_the_next_rung(
    roomy_page: Page, site: Site, mode: str
) -> None:
    site.course(roomy_page, mode)
    site.arrives(roomy_page)


def test_case_111_a_value_is_sent_to_the_registered_origin_only(page: Page, site: Site) -> None:
    """The page around us is not where the platform signs people in: it hears no secret."""
    genuine = site.tool.registration
    site.tool.change(auth_url=genuine.auth_url.replace("127.0.0.1", "127.0.0.2"))
    try:
        page.add_init_script(DENY_STORAGE)
        _offered_a_new_window(site.course(page, "works"))
        assert [message["subject"] for message in page.evaluate("heard")] == ["lti.capabilities"]
    finally:
        site.tool.change(auth_url=genuine.auth_url)


def test_case_112_nothing_hangs_when_nothing_answers(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    began = time.monotonic()
    frame = site.course(page, "silent")
    _offered_a_new_window(frame)
    assert time.monotonic() - began < 15
    assert site.tool.platform.asked("jwks") == [] or site.tool.launches == []


def test_case_114_a_wrong_value_binds_nothing(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    site.course(page, "wrong value")
    site.wait_for(page, "/lti/launch/redeem", 400)
    assert site.tool.launches == []


def test_case_115_a_new_window_starts_the_login_again_and_works(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    frame = site.course(page, "silent")
    _offered_a_new_window(frame)
    with page.expect_popup() as opened:
        frame.locator("#new-window").click()
    site.arrives(opened.value)


def test_case_115_a_sandbox_without_popups_is_told_in_words(page: Page, site: Site) -> None:
    page.add_init_script(DENY_STORAGE)
    frame = site.course(page, "silent", sandbox="allow-scripts allow-same-origin allow-forms")
    _offered_a_new_window(frame)
    frame.locator("#new-window").click()
    expect(frame.locator("#blocked")).to_be_visible()
