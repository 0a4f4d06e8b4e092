"""An operator's browser: signed in by the command line's link, with its cookie."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from httpx import Response
from starlette.testclient import TestClient

from app.rooms.admin.access import make_sign_in_link
from app.rooms.admin.doors import SIGN_INS
from app.rooms.admin.registering import TRIES
from tests.app.rooms.campus import TOOL, Campus


def forget_tries() -> None:
    """The limits of a minute begin anew: all tests come from one address."""
    for limit in (SIGN_INS, TRIES):
        limit._hits.clear()


class Operator:
    """A browser of its own on the campus's application; what it posts says that it comes from our own page."""

    def __init__(self, campus: Campus) -> None:
        forget_tries()
        self.campus = campus
        self.client = TestClient(
            campus.app, base_url=TOOL, follow_redirects=False, raise_server_exceptions=False
        )

    def sign_in(self) -> Response:
        """Opens a fresh link and presses its button."""
        path = urlsplit(make_sign_in_link(self.campus.services)).path
        assert self.get(path).status_code == 200
        return self.post(path)

    def get(self, path: str, **options: Any) -> Response:
        return self.client.get(path, headers={"Accept": "text/html"} | options.pop("headers", {}), **options)

    def post(self, path: str, data: Mapping[str, str] | None = None, **options: Any) -> Response:
        headers = {"Accept": "text/html", "Origin": TOOL} | options.pop("headers", {})
        return self.client.post(path, data=dict(data or {}), headers=headers, **options)
