"""What the browser's cases need: Chromium, two little servers on two sites, and a course page as faulty as asked.

The course page is on 127.0.0.1, the tool on localhost: two sites. The platform's other port is another origin of its site.
"""

from __future__ import annotations

import json
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import uvicorn
from playwright.sync_api import BrowserContext, FrameLocator, Page, Playwright, expect
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from tests.chromium import ARGUMENTS, DRIVEN, chromium_path, shown
from tests.fakes.platform import FakePlatform

# Playwright waits five seconds for what a page should show; a machine that does other work needs more.
expect.set_options(timeout=30_000)

# The platform's side of the storage protocol, as faulty as `mode` says.
STORAGE = """
window.kept = {}; window.heard = [];
const mode = %(mode)s;
window.addEventListener("message", (event) => {
  const asked = event.data;
  if (typeof asked.subject !== "string" || asked.subject === "lti.frameResize") return;
  heard.push({ ...asked });
  const answer = { subject: asked.subject + ".response", message_id: asked.message_id };
  if (mode === "silent" || event.origin === "null") return; // there is nobody to answer in a frame without an origin
  if (asked.subject === "lti.capabilities") {
    if (mode === "knows no capabilities") return;
    const frame = mode === "forwards" ? { frame: "post_message_forwarding" } : {};
    answer.supported_messages = [{ subject: "lti.put_data", ...frame }, { subject: "lti.get_data", ...frame }];
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
    // Every word of the answer is right, and it comes from a window that was not asked.
    if (mode === "stranger") { frames["stranger"].postMessage({ forge: answer }, "*"); return; }
  }
  event.source.postMessage(answer, event.origin);
});
"""
FORGER = """
window.addEventListener("message", (event) => {
  if (event.data.forge) window.parent.frames["tool"].postMessage(event.data.forge, "*");
});
"""
# Nothing at all is kept for a frame of the tool; a window of its own keeps what it likes.
DENY_STORAGE = """
if (location.hostname === "localhost" && window.parent !== window) {
  Object.defineProperty(document, "cookie", { get() { return ""; }, set() {}, configurable: true });
  Object.defineProperty(window, "sessionStorage", { get() { throw new DOMException("denied", "SecurityError"); } });
}
"""


def listening() -> socket.socket:
    """A socket on a port that nobody can take meanwhile."""
    opened = socket.socket()
    opened.bind(("127.0.0.1", 0))
    return opened


@contextmanager
def served(app: Any, at: socket.socket) -> Iterator[None]:
    """The application, answering at a socket."""
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    threading.Thread(target=server.run, kwargs={"sockets": [at]}, daemon=True).start()
    deadline = time.monotonic() + 30
    while not server.started:
        assert time.monotonic() < deadline, "the server did not start"
        time.sleep(0.02)
    yield
    server.should_exit = True


class Door:
    """In front of the tool: notes what was answered, and takes the cookies of framed requests away while `takes_cookies`,
    as a browser does that blocks third-party cookies of every kind."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.answered: list[tuple[str, int]] = []
        self.takes_cookies = True

    async def __call__(self, scope: Any, receive: Callable[..., Any], send: Callable[..., Any]) -> None:
        headers = dict(scope.get("headers", []))
        if self.takes_cookies and headers.get(b"sec-fetch-dest") != b"document":
            scope = {**scope, "headers": [pair for pair in scope.get("headers", []) if pair[0] != b"cookie"]}

        async def noted(message: Any) -> None:
            if message["type"] == "http.response.start":
                self.answered.append((scope["path"], message["status"]))
            await send(message)

        await self.app(scope, receive, noted)

    def wait_for(self, page: Page | None, path: str, status: int, *, times: int = 1) -> None:
        """Waits until the tool has answered so, on a page or in a browser that nobody drives. The frame is not asked: it
        changes its process three times in a launch, and Playwright now and then loses it on the way."""
        deadline = time.monotonic() + 60
        while self.count(path, status) < times:
            assert time.monotonic() < deadline, self.answered
            if page is None:
                time.sleep(0.05)
            else:
                page.wait_for_timeout(50)

    def count(self, path: str, status: int | None = None) -> int:
        """How often a path that begins so was answered (with that status)."""
        return sum(one[0].startswith(path) and status in {None, one[1]} for one in self.answered)


def _script(text: str) -> str:
    return f"<script>{text}</script>"


def course_pages(platform: FakePlatform, tool: str, other: str) -> Starlette:
    """The platform's pages: a course whose frame starts a login, the sign-in that posts the launch, its keys.

    `other` is the same pages' second origin. The query of /course: mode (see STORAGE), target (lti_storage_target), sandbox,
    claims (JSON, changed claims of the launch), stranger (the origin of a forging frame).
    """
    launches: dict[str, Any] = {}

    def course(request: Request) -> HTMLResponse:
        query = request.query_params
        target = query.get("target", "_parent")
        hint = f"hint-{len(launches)}"
        launches[hint] = json.loads(query.get("claims", "{}"))
        fields = platform.login_fields(login_hint=hint, **({"lti_storage_target": target} if target else {}))
        sandbox = f' sandbox="{escape(query["sandbox"])}"' if query.get("sandbox") else ""
        address = escape(query.get("src") or f"{tool}/lti/login?{urlencode(fields)}")
        frames = f'<iframe name="tool"{sandbox} width="600" height="500" src="{address}"></iframe>'
        mode = query.get("mode", "silent")
        if mode == "forwards":
            # Canvas: the storage lives in a frame of another origin, where people sign in.
            frames = f'<iframe name="post_message_forwarding" src="{other}/storage"></iframe>' + frames
        if query.get("stranger"):
            frames = f'<iframe name="stranger" src="{escape(query["stranger"])}/forger"></iframe>' + frames
        return HTMLResponse(_script(STORAGE % {"mode": json.dumps(mode)}) + frames)

    def auth(request: Request) -> HTMLResponse:
        changes = launches.get(request.query_params["login_hint"], {})
        fields = platform.answer(str(request.url).replace(other, platform.base), **changes)
        inputs = "".join(
            f'<input type="hidden" name="{name}" value="{escape(value)}">' for name, value in fields.items()
        )
        return HTMLResponse(
            f'<form method="post" action="{tool}/lti/launch">{inputs}</form><script>document.forms[0].submit()</script>'
        )

    def jwks(request: Request) -> Response:
        answer = platform.handle("GET", platform.jwks_url, dict(request.headers), b"")
        return Response(answer.body, answer.status, dict(answer.headers))

    return Starlette(
        routes=[
            Route("/course", course),
            Route("/auth", auth),
            Route("/jwks", jwks),
            Route("/storage", lambda _: HTMLResponse(_script(STORAGE % {"mode": json.dumps("works")}))),
            Route("/forger", lambda _: HTMLResponse(_script(FORGER))),
        ]
    )


@dataclass
class Course:
    """The running platform, as a test opens its course page."""

    url: str

    def address(self, mode: str = "silent", **query: str) -> str:
        """The page, as faulty as asked."""
        return f"{self.url}?" + urlencode({"mode": mode, **query})

    def open(self, page: Page, mode: str = "silent", **query: str) -> FrameLocator:
        """Opens the page; its frame starts a login. Returns the frame."""
        page.goto(self.address(mode, **query))
        return page.frame_locator("iframe[name=tool]")


def profile(folder: Path, *, blocks: bool) -> Path:
    """A new profile in `folder` that blocks third-party cookies, or does not."""
    (folder / "Default").mkdir(parents=True)
    choice = {"cookie_controls_mode": int(blocks), "block_third_party_cookies": blocks}
    (folder / "Default" / "Preferences").write_text(json.dumps({"profile": choice}))
    return folder


@contextmanager
def window_that_blocks(playwright: Playwright, folder: Path, *, blocks: bool) -> Iterator[BrowserContext]:
    """An ordinary window (a profile in `folder`) that blocks third-party cookies, or does not."""
    context = playwright.chromium.launch_persistent_context(
        profile(folder, blocks=blocks), executable_path=chromium_path(), args=DRIVEN
    )
    yield context
    context.close()


def watched(context: BrowserContext) -> Iterator[Page]:
    """The context's page; the test fails on a script error or a breach of the policy."""
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
    assert not problems, problems


def offered_a_new_window(frame: FrameLocator) -> None:
    """Waits for the button of the last rung; says no to nothing on the way."""
    agree = frame.locator("#ask-access")
    window = frame.locator("#new-window")
    shown(agree.or_(window).locator("visible=true").first)
    if agree.is_visible():
        agree.click()
    shown(window)


@contextmanager
def chromium_as_it_ships(
    folder: Path, address: str, *, blocks: bool = False, incognito: bool = False
) -> Iterator[None]:
    """Chromium at an address, as if somebody had opened it: with its own features, and nobody who drives it. Playwright's own
    flags switch storage partitioning off, and in an incognito window it may wait for ever for a first page.

    `blocks` is the setting for third-party cookies; an incognito window blocks them by itself.
    """
    command = [
        chromium_path(),
        *ARGUMENTS,
        "--headless=new",
        f"--user-data-dir={profile(folder, blocks=blocks)}",
        *(["--incognito"] if incognito else []),
        address,
    ]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as process:
        try:
            yield
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
