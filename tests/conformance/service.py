"""The whole service as a platform meets it: the real application on https, its way out leading to fake platforms."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast
from urllib.parse import urlsplit

from httpx import Response
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.course.keys import DatabaseKeys
from app.course.services import Services
from app.kit import egress as kit_egress
from app.kit.clock import now
from app.kit.db import Base
from app.main import create_app
from app.rooms.admin.access import make_sign_in_link
from lti import jwks_document
from lti.ports import EgressFailed, EgressRefused, EgressResponse
from tests.app.rooms.admin.signed_in import forget_tries
from tests.fakes.network import FakeNetwork
from tests.fakes.platform import FakePlatform
from tests.fakes.registration import SITES, Fault, Registrar

TOOL = "https://tool.example"


class WireEgress:
    """The application's way out, on a fake network."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network
        self.sent: list[tuple[str, str, dict[str, str]]] = []

    def request(self, method: str, url: str, **options: Any) -> EgressResponse:
        self.sent.append((method, url, dict(options.get("headers") or {})))
        try:
            return self.network.request(method, url, **options)
        except EgressRefused as error:
            raise kit_egress.EgressRefused(str(error)) from error
        except EgressFailed as error:
            raise kit_egress.EgressFailed(str(error)) from error

    def close(self) -> None:
        return


class Service:
    """The application, an operator's browser and the browser of a platform's administrator."""

    def __init__(self, services: Services) -> None:
        forget_tries()
        self.services = services
        self.network = FakeNetwork(private={"inside.example"})
        self.egress = WireEgress(self.network)
        services.egress = cast(Any, self.egress)
        self.app = create_app(services.settings, services)
        self.operator = self.browser()
        self.visitor = self.browser()
        assert self.operator.post(urlsplit(make_sign_in_link(services)).path).status_code == 303

    def browser(self) -> TestClient:
        return TestClient(self.app, base_url=TOOL, follow_redirects=False)

    def registrar(self, family: str, fault: Fault = "") -> Registrar:
        """A platform of a family, with its page for registering tools."""
        platform = FakePlatform(now, family, base=SITES[family], client_id="none yet")
        platform.tool_jwks = lambda: jwks_document(DatabaseKeys(self.services.database, self.services.vault))
        made = Registrar(platform, fault)
        made.join(self.network)
        return made

    def invite(self, family: str = "generic", *, name: str = "The school", **fields: str) -> str:
        """Makes an invitation on the operator's page; returns the path of its link."""
        form = {"name": name, "organisation": "North", "platform": family, "hours": "1", **fields}
        made = self.operator.post("/admin/invitations", data=form)
        assert made.status_code == 303, made.text
        shown = self.operator.get(made.headers["location"]).text
        found = re.search(rf"{TOOL}(/lti/register/[\w-]+)", shown)
        assert found, shown
        return found[1]

    def connect(self, link: str, fields: Mapping[str, str]) -> Response:
        """What a platform's administrator does: the page in a frame, then its button. No cookie goes along."""
        page = self.visitor.get(link, params=dict(fields))
        assert page.status_code == 200, page.text
        assert not self.visitor.cookies
        return self.press(link, fields)

    def press(self, link: str, fields: Mapping[str, str]) -> Response:
        forget_tries()
        return self.visitor.post(link, data=dict(fields), headers={"Origin": TOOL})

    def count(self, model: type[Base]) -> int:
        with self.services.database.read() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0

    def launch(self, platform: FakePlatform, **changes: Any) -> Response:
        """A learner's launch in a browser of their own."""
        browser = self.browser()
        login = browser.get("/lti/login", params=platform.login_fields(target_link_uri=f"{TOOL}/lti/launch"))
        assert login.status_code == 302, login.text
        return browser.post("/lti/launch", data=platform.answer(login.headers["location"], **changes))
