"""A running demo LMS, and the smallest tool that can talk to it: a key set on a real port, and PyJWT."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from html import unescape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from fastapi.testclient import TestClient

from demo.catalogue import read_catalogue
from demo.platform import private_key
from demo.web import DemoSettings, create_app

BASE = "http://127.0.0.1:8100"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"


class _KeyHandler(BaseHTTPRequestHandler):
    def __init__(self, tool: ToolStub, *arguments: Any) -> None:
        self._tool = tool
        super().__init__(*arguments)

    def do_GET(self) -> None:
        found = self.path == "/lti/jwks.json"
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(self._tool.key_set()).encode() if found else b"{}")

    def log_message(self, format: str, *arguments: Any) -> None:
        """Keep the test's output clean."""


class ToolStub:
    """A tool reduced to its keys: signs client assertions, and serves its public keys at `url`/lti/jwks.json."""

    def __init__(self) -> None:
        self.rotate()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_KeyHandler, self))
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def rotate(self) -> None:
        self._key, self.kid = (
            rsa.generate_private_key(public_exponent=65537, key_size=2048),
            secrets.token_hex(8),
        )

    def key_set(self) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        return {"keys": [public | {"kid": self.kid, "alg": "RS256", "use": "sig"}]}

    def assertion(self, client_id: str, audience: str, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": client_id, "sub": client_id, "aud": audience, "iat": now - 5, "exp": now + 60}
        claims |= {"jti": secrets.token_hex(16)} | changes
        present = {name: value for name, value in claims.items() if value is not None}
        return jwt.encode(present, self._key, "RS256", {"kid": self.kid})

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@dataclass
class Lms:
    """The demo LMS as a tool's server and a browser see it."""

    client: TestClient
    tool: ToolStub
    facts: dict[str, dict[str, str]] = field(init=False)

    def __post_init__(self) -> None:
        self.facts = {entry["slug"]: entry for entry in self.client.get("/registrations.json").json()}

    def login(self, slug: str, course: str, activity: str, person: str) -> dict[str, str]:
        """Click on an activity; the fields of the login request that the tool receives."""
        answer = self.client.get(
            f"/org/{slug}/launch", params={"course": course, "activity": activity, "person": person}
        )
        assert answer.status_code == 302, answer.text
        address = urlsplit(answer.headers["location"])
        assert f"{address.scheme}://{address.netloc}{address.path}" == f"{self.tool.url}/lti/login"
        return {name: values[0] for name, values in parse_qs(address.query).items()}

    def auth_request(self, login: dict[str, str], **changes: str | None) -> dict[str, str]:
        """The authentication request that the specification asks for, with some fields changed or, by None, left out."""
        request = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": login["client_id"],
            "redirect_uri": f"{self.tool.url}/lti/launch",
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "state": "state-1",
            "nonce": "nonce-1",
        } | changes
        return {name: value for name, value in request.items() if value is not None}

    def form(self, page: httpx.Response) -> dict[str, str]:
        """The hidden fields of the self-submitting page."""
        found = re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text)
        return {name: unescape(value) for name, value in found}

    def launch(self, slug: str, course: str, activity: str, person: str) -> dict[str, Any]:
        """All three legs; the claims of the id_token, verified with the LMS's published keys."""
        login = self.login(slug, course, activity, person)
        facts = self.facts[slug]
        fields = self.form(self.client.get(f"/org/{slug}/auth", params=self.auth_request(login)))
        keys = jwt.PyJWKSet.from_dict(self.client.get(f"/org/{slug}/jwks.json").json())
        kid = jwt.get_unverified_header(fields["id_token"])["kid"]
        claims: dict[str, Any] = jwt.decode(
            fields["id_token"],
            keys[kid],
            ["RS256"],
            audience=facts["client_id"],
            issuer=facts["issuer"],
            options={"require": ["iss", "aud", "sub", "exp", "iat", "nonce"]},
        )
        return claims

    def token_request(self, slug: str, *scopes: str, **claims: Any) -> httpx.Response:
        facts = self.facts[slug]
        return self.client.post(
            f"/org/{slug}/token",
            data={
                "grant_type": "client_credentials",
                "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                "client_assertion": self.tool.assertion(facts["client_id"], facts["token_url"], **claims),
                "scope": " ".join(AGS + "scope/" + scope for scope in scopes),
            },
        )

    def bearer(self, slug: str, *scopes: str) -> dict[str, str]:
        answer = self.token_request(slug, *scopes)
        assert answer.status_code == 200, answer.text
        return {"Authorization": "Bearer " + answer.json()["access_token"]}

    def send_score(
        self, item: str, body: Any, bearer: dict[str, str], content_type: str = SCORE_TYPE
    ) -> httpx.Response:
        path, _, query = item.partition("?")
        return self.client.post(
            f"{path}/scores?{query}",
            content=json.dumps(body),
            headers=bearer | {"Content-Type": content_type},
        )

    def switch(self, **changes: Any) -> None:
        self.client.post("/switches", json=changes).raise_for_status()

    def course(self, slug: str, course: str) -> dict[str, Any]:
        found: list[dict[str, Any]] = self.client.get(
            "/gradebook.json", params={"org": slug, "course": course}
        ).json()["courses"]
        return found[0]


@pytest.fixture(scope="session")
def tool() -> Iterator[ToolStub]:
    stub = ToolStub()
    yield stub
    stub.close()


@pytest.fixture(scope="session")
def lms_keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the LMS's private keys: making an RSA key is slow, and every test may have the same ones."""
    folder = tmp_path_factory.mktemp("keys")
    for organisation in read_catalogue().organisations:
        private_key(folder / f"key-{organisation.slug}.pem")
    return folder


@pytest.fixture
def start_lms(tool: ToolStub, lms_keys: Path, tmp_path: Path) -> Iterator[Callable[[], Lms]]:
    """Starts the LMS on this test's data folder; called twice, it is a restart."""
    shutil.copytree(lms_keys, tmp_path, dirs_exist_ok=True)
    running: list[TestClient] = []

    def start() -> Lms:
        while running:
            running.pop().__exit__(None, None, None)
        client = TestClient(
            create_app(DemoSettings(tmp_path, BASE, tool.url)), base_url=BASE, follow_redirects=False
        )
        running.append(client.__enter__())
        return Lms(client, tool)

    yield start
    while running:
        running.pop().__exit__(None, None, None)


@pytest.fixture
def lms(start_lms: Callable[[], Lms]) -> Lms:
    return start_lms()
