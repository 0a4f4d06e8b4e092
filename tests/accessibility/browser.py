"""A browser and a little server in front of the pages' states: real templates, scripts and policy, no application behind them."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Error, Page, Route, expect

from app.kit.headers import content_security_policy
from app.kit.pages import STATIC
from tests import chromium
from tests.accessibility.states import STATES, State, render_state

ORIGIN = "http://workside.test"
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
TYPES = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@contextmanager
def opened(browser: Browser, tool: Tool, heading: str) -> Iterator[Page]:
    """A page of a phone's width that has been launched into what `tool` has at "/"; its first heading says `heading`."""
    context = browser.new_context(
        viewport={"width": 400, "height": 800}, reduced_motion="reduce", bypass_csp=True
    )
    page = context.new_page()
    tool.attach(page)
    page.goto(f"{ORIGIN}/start/code")
    expect(page.locator("h1")).to_have_text(heading)
    yield page
    context.close()


def findings(page: Page) -> list[str]:
    """What axe finds against our rules (WCAG 2.2 AA and axe's own best practice), one line each."""
    return chromium.findings(page, runOnly=RULES)


def event(name: str, **data: Any) -> str:
    """One event of a text/event-stream, as the application's server writes it."""
    return f"event: {name}\r\ndata: {json.dumps(data)}\r\n\r\n"


@dataclass
class Tool:
    """What answers the browser. `pages` maps a path to a state; `posts` collects what was sent; `on_post` answers it.

    A page needs the bearer "b", as in the application; without one there is only the empty shell.
    """

    pages: dict[str, State] = field(default_factory=dict)
    posts: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    on_post: Callable[[Route, str], None] | None = None
    is_signed_out: bool = False
    frame_ancestors: tuple[str, ...] = ()
    console: list[str] = field(default_factory=list)
    addresses: list[str] = field(default_factory=list)

    def attach(self, page: Page) -> Callable[[], None]:
        """Answers all that the page asks for, and notes its errors. Returns what ends that."""

        def note_line(message: ConsoleMessage) -> None:
            if message.type == "error":
                self.console.append(message.text)

        def note_error(error: Error) -> None:
            self.console.append(str(error))

        def detach() -> None:
            page.unroute("**/*", self.answer)
            page.remove_listener("console", note_line)
            page.remove_listener("pageerror", note_error)

        page.on("console", note_line)
        page.on("pageerror", note_error)
        page.route("**/*", self.answer)
        return detach

    def answer(self, route: Route) -> None:
        request = route.request
        self.addresses.append(request.url)
        path = urlsplit(request.url).path
        if path.startswith("/static/"):
            file = STATIC / path.removeprefix("/static/")
            route.fulfill(body=file.read_bytes(), content_type=TYPES[file.suffix])
        elif path.startswith("/state/"):
            locale, name = path.removeprefix("/state/").split("/")
            self.html(route, STATES[name], 200, locale)
        elif path == "/start/code":
            self.html(route, State("shell.html", {"session": {"bearer": "b", "first": "/"}}, role=None))
        elif self.is_signed_out and request.headers.get("authorization"):
            self.html(route, STATES["error-signed-out"], 401)
        elif request.headers.get("authorization") != "Bearer b":
            self.html(route, STATES["shell-signed-out"], 401)
        elif request.method == "POST":
            fields = parse_qs(request.post_data or "", keep_blank_values=True)
            self.posts.append((path, {key: values[0] for key, values in fields.items()}))
            assert self.on_post is not None
            self.on_post(route, path)
        else:
            state = self.pages.get(path, STATES["error-not-found"])
            self.html(route, state, state.status)

    def html(self, route: Route, state: State, status: int = 200, locale: str = "en") -> None:
        headers = {
            "Content-Security-Policy": content_security_policy(self.frame_ancestors),
            "Content-Type": "text/html; charset=utf-8",
        }
        route.fulfill(body=render_state(state, locale), status=status, headers=headers)
