"""I. What Chromium keeps for a cross-site frame, measured without Playwright's own switches: the table of docs/browsers.md.

The tool is on localhost, the course page on 127.0.0.1. The frame's first page leaves one of each kind, goes through the other
site, and the page that it comes back to by a POST says what is still there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Playwright, expect, sync_playwright
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.routing import Route

from tests.conformance.browser import chromium_as_it_ships, listening, served

pytestmark = pytest.mark.xdist_group("browser")
COOKIES = {
    "lax": "Path=/; HttpOnly; SameSite=Lax",
    "none": "Path=/; HttpOnly; Secure; SameSite=None",
    "partitioned": "Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
    "__Host-partitioned": "Path=/; HttpOnly; Secure; SameSite=None; Partitioned",
}
LEAVE = """<script>
for (const kind of ["sessionStorage", "localStorage"]) { try { window[kind].setItem("x", "1"); } catch {} }
location.replace("%s/between");
</script>"""
LOOK = """<p id="kept"></p><script>
(async () => {
  const kept = { post: %s, storage: {} };
  for (const kind of ["sessionStorage", "localStorage"]) {
    try { kept.storage[kind] = window[kind].getItem("x") === "1"; } catch { kept.storage[kind] = false; }
  }
  kept.fetched = await (await fetch("/cookies", { credentials: "same-origin" })).json();
  document.getElementById("kept").textContent = JSON.stringify(kept);
})();
</script>"""


@pytest.fixture(scope="module")
def course_page() -> Iterator[str]:
    sockets = [listening(), listening()]
    tool, lms = (
        f"http://{host}:{at.getsockname()[1]}"
        for host, at in zip(("localhost", "127.0.0.1"), sockets, strict=True)
    )

    def leave(_: Request) -> HTMLResponse:
        response = HTMLResponse(LEAVE % lms)
        for name, attributes in COOKIES.items():
            response.headers.append("Set-Cookie", f"{name}=1; {attributes}")
        return response

    tool_pages = [
        Route("/login", leave),
        Route(
            "/launch",
            lambda request: HTMLResponse(LOOK % json.dumps(sorted(request.cookies))),
            methods=["POST"],
        ),
        Route("/cookies", lambda request: JSONResponse(sorted(request.cookies))),
    ]
    post = f'<form method="post" action="{tool}/launch"></form><script>document.forms[0].submit()</script>'
    lms_pages = [
        Route("/", lambda _: HTMLResponse(f'<iframe src="{tool}/login"></iframe>')),
        Route("/between", lambda _: HTMLResponse(post)),
    ]
    with ExitStack() as running:
        for routes, at in zip((tool_pages, lms_pages), sockets, strict=True):
            running.enter_context(served(Starlette(routes=routes), at))
        yield lms


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as running:
        yield running


@pytest.mark.parametrize(
    ("window", "cookies"),
    [
        ({"blocks": False}, ["__Host-partitioned", "none", "partitioned"]),
        ({"blocks": True}, ["__Host-partitioned", "partitioned"]),
    ],
    ids=["third-party cookies allowed", "third-party cookies blocked"],
)
def test_case_110_what_is_kept_for_the_ladders_rungs_in_chromium_as_it_ships(
    playwright: Playwright, course_page: str, tmp_path: Path, window: dict[str, bool], cookies: list[str]
) -> None:
    with chromium_as_it_ships(playwright, tmp_path / "profile", **window) as context:
        page = context.pages[0] if context.pages else context.new_page()
        page.goto(course_page)
        place = page.frame_locator("iframe").locator("#kept")
        expect(place).to_contain_text("fetched", timeout=30_000)
        kept: dict[str, Any] = json.loads(place.text_content() or "")
    assert kept == {
        "post": cookies,
        "fetched": cookies,
        "storage": {"sessionStorage": True, "localStorage": True},
    }
