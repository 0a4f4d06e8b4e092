"""The tool as the conformance list sees it: a small application made of lti's router and the ports that ship."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from fastapi import FastAPI
from httpx import Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.testclient import TestClient

from lti import (
    AgsEndpoint,
    Launch,
    LtiPorts,
    LtiSettings,
    Observer,
    PlatformKeys,
    Registration,
    Services,
    ServiceTokens,
    Unobserved,
    jwks_document,
    lti_router,
)
from lti.memory import (
    MemoryKeys,
    MemoryLaunchStates,
    MemoryLaunchTickets,
    MemoryRegistrations,
    MemoryTokenCache,
)
from lti.ports import SigningKey
from tests.fakes.platform import ALL_SCOPES, FakeNetwork, FakePlatform, rsa_key

TOOL = "https://tool.example"
_TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parents[2] / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
)


def render(
    request: Request, name: str, context: Mapping[str, Any], status: int, headers: Mapping[str, str]
) -> HTMLResponse:
    """A renderer without a catalogue: every text is its own translation."""
    page = _TEMPLATES.get_template(name).render(_=lambda text: text, locale="en", **context)
    return HTMLResponse(page, status, dict(headers))


class MovingClock:
    """Time that a test moves."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, 0, 0, 250_000, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


def our_key() -> SigningKey:
    """The tool's key, made once for the run."""
    from cryptography.hazmat.primitives import serialization

    pem = rsa_key("the tool").private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    return SigningKey("tool-key-1", pem.decode())


@dataclass
class Tool:
    """The tool, its one platform (more can be added) and what reached the application."""

    clock: MovingClock
    platform: FakePlatform
    settings: LtiSettings = field(default_factory=lambda: LtiSettings(TOOL))

    def __post_init__(self) -> None:
        self.launches: list[Launch] = []
        self.legacy_secrets: dict[str, str] = {}
        self.network = FakeNetwork(self.platform)
        self.keys = MemoryKeys(our_key())
        self.platform.tool_jwks = lambda: jwks_document(self.keys)
        self.registration = self.platform.registration()
        self.registrations = MemoryRegistrations(self.registration)
        self.registrations.deploy(self.registration, self.platform.deployment_id)
        self.states = MemoryLaunchStates(self.clock)
        self.tickets = MemoryLaunchTickets(self.clock)
        self.platform_keys = PlatformKeys(self.network, self.clock)
        self.tokens = ServiceTokens(self.network, self.keys, MemoryTokenCache(), self.clock)
        self.services = Services(self.network, self.tokens, self.clock)
        self.observer: Observer = Unobserved()
        self.rebuild()

    def rebuild(self) -> None:
        """Makes the application anew, after `settings` changed."""
        ports = LtiPorts(
            registrations=self.registrations,
            states=self.states,
            tickets=self.tickets,
            keys=self.keys,
            platform_keys=self.platform_keys,
            now=self.clock,
            launched=self.launched,
            legacy_secret=lambda registration, consumer_key: self.legacy_secrets.get(consumer_key),
            observer=self.observer,
        )
        self.app = FastAPI()
        self.app.include_router(lti_router(ports, render, self.settings))
        self.client = self.browser()

    def browser(self) -> TestClient:
        """A browser of its own, with no cookies yet."""
        return TestClient(self.app, base_url=self.settings.base_url, follow_redirects=False)

    def launched(self, launch: Launch) -> str:
        self.launches.append(launch)
        return f"/start/{len(self.launches)}"

    def register(self, platform: FakePlatform, **changes: Any) -> Registration:
        """Registers a further platform (or the same one again under other terms) with its deployment."""
        registration = platform.registration(**changes)
        self.registrations.add(registration)
        self.registrations.deploy(registration, platform.deployment_id)
        self.network.add(platform)
        platform.tool_jwks = lambda: jwks_document(self.keys)
        return registration

    def change(self, **changes: Any) -> Registration:
        """Changes the registration's terms."""
        self.registration = replace(self.registration, **changes)
        self.registrations.add(self.registration)
        return self.registration

    def login(self, browser: TestClient | None = None, **changes: Any) -> str:
        """Starts a login; returns the address of the authentication request."""
        answer = (browser or self.client).get("/lti/login", params=self.platform.login_fields(**changes))
        assert answer.status_code == 302, answer.text
        return answer.headers["location"]

    def post(self, fields: Mapping[str, str], browser: TestClient | None = None, **headers: str) -> Response:
        """Posts a platform's answer to the launch address."""
        return (browser or self.client).post("/lti/launch", data=dict(fields), headers=headers)

    def launch(self, **changes: Any) -> Response:
        """A whole launch with changed claims."""
        return self.post(self.platform.answer(self.login(), **changes))

    def launch_signed(self, **how: Any) -> Response:
        """A whole launch whose claims are fine and whose token is signed in another way."""
        query = self.platform.auth_query(self.login())
        token = self.platform.sign(self.platform.claims(query["nonce"]), **how)
        return self.post({"id_token": token, "state": query["state"]})

    def accepted(self, answer: Response) -> Launch:
        """The launch, after asserting that it was let in."""
        assert answer.status_code == 303, (answer.status_code, answer.text)
        assert answer.headers["location"] == f"/start/{len(self.launches)}"
        return self.launches[-1]

    def endpoint(self, *scopes: str, lineitem: str | None = "") -> AgsEndpoint:
        """The gradebook claim of the platform's course."""
        url = self.platform.column_url("1") if lineitem == "" else lineitem
        return AgsEndpoint(url, self.platform.lineitems_url, frozenset(scopes or ALL_SCOPES))


def refused(answer: Response, reason: str, status: int = 400) -> None:
    """Asserts a refusal: the status, the reason, a page with a reference id, no session, no token in it."""
    assert answer.status_code == status, (answer.status_code, answer.text)
    assert answer.headers["content-type"].startswith("text/html")
    assert f"({reason})" in answer.text, answer.text
    assert "Reference" in answer.text
    assert "eyJ" not in answer.text
    assert answer.headers["cache-control"] == "no-store"
    assert (
        "location" not in answer.headers
        and "data-ticket" not in answer.text
        and '"ticket"' not in answer.text
    )


def query_of(location: str) -> dict[str, str]:
    return dict(parse_qsl(urlsplit(location).query, keep_blank_values=True))
