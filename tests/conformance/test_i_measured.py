"""I. What Chromium keeps for a cross-site frame, measured as it ships: the table of docs/browsers.md.

The tool is on localhost, the course page on 127.0.0.1. The frame's first page leaves one of each kind, goes through the other
site, and the page that it comes back to by a POST tells the tool what is still there. Nobody drives the browser: Playwright
brings switches of its own, and it waits for ever for the first page of an incognito window.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from typing import Any

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from tests.conformance.browser import chromium_as_it_ships, listening, served

PATIENCE_SECONDS = 90
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
LOOK = """<script>
(async () => {
  const kept = { post: %s, storage: {} };
  for (const kind of ["sessionStorage", "localStorage"]) {
    try { kept.storage[kind] = window[kind].getItem("x") === "1"; } catch { kept.storage[kind] = false; }
  }
  kept.fetched = await (await fetch("/cookies", { credentials: "same-origin" })).json();
  await fetch("/told", { method: "POST", body: JSON.stringify(kept) });
})();
</script>"""


@dataclass
class Measure:
    """The course page's address, and what the tool was told of what is kept."""

    course_page: str
    told: Queue[Any] = field(default_factory=Queue)


@pytest.fixture
def measure() -> Iterator[Measure]:
    sockets = [listening(), listening()]
    tool, lms = (
        f"http://{host}:{at.getsockname()[1]}"
        for host, at in zip(("localhost", "127.0.0.1"), sockets, strict=True)
    )

    measure = Measure(lms)

    async def hear(request: Request) -> Response:
        measure.told.put(await request.json())
        return Response()

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
        Route("/told", hear, methods=["POST"]),
    ]
    post = f'<form method="post" action="{tool}/launch"></form><script>document.forms[0].submit()</script>'
    lms_pages = [
        Route("/", lambda _: HTMLResponse(f'<iframe src="{tool}/login"></iframe>')),
        Route("/between", lambda _: HTMLResponse(post)),
    ]
    with ExitStack() as running:
        for routes, at in zip((tool_pages, lms_pages), sockets, strict=True):
            running.enter_context(served(Starlette(routes=routes), at))
        yield measure


@pytest.mark.parametrize(
    ("window", "cookies"),
    [
        ({"blocks": False}, ["__Host-partitioned", "none", "partitioned"]),
        ({"blocks": True}, ["__Host-partitioned", "partitioned"]),
        ({"incognito": True}, ["__Host-partitioned", "partitioned"]),
    ],
    ids=["third-party cookies allowed", "third-party cookies blocked", "incognito"],
)
def test_case_110_what_is_kept_for_the_ladders_rungs_in_chromium_as_it_ships(
    measure: Measure, tmp_path: Path, window: dict[str, bool], cookies: list[str]
) -> None:
    with chromium_as_it_ships(tmp_path / "profile", measure.course_page, **window):
        kept = measure.told.get(timeout=PATIENCE_SECONDS)
    assert kept == {
        "post": cookies,
        "fetched": cookies,
        "storage": {"sessionStorage": True, "localStorage": True},
    }
