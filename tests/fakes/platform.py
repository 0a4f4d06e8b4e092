"""A hostile learning platform for tests: signs whatever it is told to, and refuses scores as real platforms do.

Two ways in. In-process, `FakeNetwork` implements lti's `Egress` and carries requests to one or several `FakePlatform`s
without sockets; over HTTP, `FakePlatform.asgi()` is the same platform as an ASGI application. Both end in
`FakePlatform.handle`. Time comes from the `now` that is passed in, so a test steers it.

Its personality (tests/fakes/personalities.py) carries the refusal rules of one family: "moodle", "canvas", "openedx", "sakai",
"blackboard", "brightspace", "schoology", or "generic" for the specification. `typical_login` and `typical_claims` are what
that family sends; `login_fields` and `claims` are the same plain launch whatever the family.

Faults are queued for one kind of request: `platform.fail("scores", status=500)`, `platform.lose_reply("scores")` (it
happened, the caller hears nothing), `platform.drop("scores")` (it never arrived), `platform.throttle("scores", 7)`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

from lti.claims import (
    AGS,
    CONTEXT,
    CUSTOM,
    DEPLOYMENT_ID,
    LAUNCH_PRESENTATION,
    LINEITEM_READ_SCOPE,
    LINEITEM_SCOPE,
    MESSAGE_TYPE,
    RESOURCE_LINK,
    RESULT_SCOPE,
    ROLES,
    SCORE_SCOPE,
    TARGET_LINK_URI,
    VERSION,
)
from lti.ports import EgressResponse
from lti.registration import Registration
from tests.fakes.gradebook import Cell, Column
from tests.fakes.network import FakeNetwork
from tests.fakes.personalities import PERSONALITIES
from tests.fakes.services import ServiceSide
from tests.fakes.signing import ec_key, jwk_of, public_pem, rsa_key, signed
from tests.fakes.wire import (
    ABSENT,
    Fault,
    Kind,
    Request,
    column_of,
    kind_of,
    without_absent,
)

Clock = Callable[[], datetime]
ALL_SCOPES = (LINEITEM_SCOPE, LINEITEM_READ_SCOPE, RESULT_SCOPE, SCORE_SCOPE)
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


class FakePlatform(ServiceSide):
    """One platform with one registration of the tool, one course, and a gradebook."""

    def __init__(
        self,
        now: Clock,
        personality: str = "generic",
        *,
        base: str = "https://lms.example",
        client_id: str = "client-1",
        deployment_id: str | None = None,
        tool_url: str = "https://tool.example",
        tool_jwks: Callable[[], dict[str, Any]] | None = None,
        learners: Iterable[str] = ("101", "102", "103"),
        allow_private: bool = False,
    ) -> None:
        self.now = now
        self.personality = personality
        self.rules = PERSONALITIES[personality](self)
        self.base = base
        self.issuer = base
        self.client_id = client_id
        self.deployment_id = deployment_id or self.rules.deployment_id
        self.tool_url = tool_url
        self.tool_jwks = tool_jwks
        # Who may be graded, and who may not: taken out of the course, without a gradable role, without attempts left.
        self.learners = set(learners)
        self.not_enrolled: set[str] = set()
        self.not_gradable: set[str] = set()
        self.out_of_attempts: set[str] = set()
        self.is_concluded = False
        self.allow_private = allow_private
        self.auth_url = f"{base}/auth"
        self.token_url = f"{base}/token"
        self.jwks_url = f"{base}/jwks"
        self.lineitems_url = f"{base}/mod/lti/services.php/7/lineitems?type_id=3"
        self.audience = self.rules.audience
        # Keys: kid -> what signs, kid -> the JWK as published.
        self.signing: dict[str, Any] = {}
        self.published: dict[str, dict[str, Any]] = {}
        self.kid = ""
        self.rotate_key("key-1")
        self.jwks_mode: Literal["ok", "500", "html", "oversized", "timeout", "redirect", "nothing"] = "ok"
        # Services.
        self.granted_scopes = set(ALL_SCOPES)
        self.refuses_unknown_scopes = self.rules.one_bad_scope_fails_all
        self.token_life: int | None = 3600
        self.tokens: dict[str, tuple[frozenset[str], datetime]] = {}
        self.seen_jtis: set[str] = set()
        self.columns: dict[str, Column] = {}
        self.page_size: int | None = None
        self.link_style: Literal["plain", "moodle", "unquoted", "foreign", "loop"] = "plain"
        self._next_column = 1
        self.add_column("Application", 100, resource_link_id="link-1")
        self.requests: list[Request] = []
        self.further: list[Callable[[Request], EgressResponse | None]] = []
        self._faults: dict[str, list[Fault]] = {}
        self._lock = threading.RLock()

    # --- registration and keys ---------------------------------------------------------------------------------------

    def registration(self, **changes: Any) -> Registration:
        """This platform as the tool registered it."""
        values: dict[str, Any] = {
            "id": f"registration-{self.client_id}",
            "issuer": self.issuer,
            "client_id": self.client_id,
            "auth_url": self.auth_url,
            "token_url": self.token_url,
            "jwks_url": self.jwks_url,
            "platform": self.personality,
            "allow_private": self.allow_private,
        }
        return Registration(**{**values, **changes})

    def rotate_key(self, kid: str, *, publish: bool = True, keep_old: bool = True) -> None:
        """Signs with a new key from now on."""
        if not keep_old:
            self.published.clear()
        self.add_key(kid, rsa_key(kid), publish=publish)
        self.kid = kid

    def add_key(self, kid: str, key: Any, *, publish: bool = True, **members: Any) -> None:
        """Adds a key; `members` change its JWK, and ABSENT leaves one out."""
        self.signing[kid] = key
        if publish:
            self.published[kid] = jwk_of(key, kid, **{**self.rules.jwk_members, **members})

    # --- launches ----------------------------------------------------------------------------------------------------

    def login_fields(self, **changes: Any) -> dict[str, str]:
        """What the platform sends to start a login."""
        fields = {
            "iss": self.issuer,
            "login_hint": "101",
            "target_link_uri": f"{self.tool_url}/",
            "lti_message_hint": json.dumps({"cmid": 1, "launchid": "x&y=1 é"}),
            "client_id": self.client_id,
            "lti_deployment_id": self.deployment_id,
        }
        return without_absent({**fields, **changes})

    def typical_login(self, **changes: Any) -> dict[str, str]:
        """A login as this family sends it."""
        return self.login_fields(**{**self.rules.login_changes(), **changes})

    def typical_claims(self, nonce: str = "", /, **changes: Any) -> dict[str, Any]:
        """A launch as this family signs it."""
        return self.claims(nonce, **{**self.rules.claim_changes(), **changes})

    def claims(self, nonce: str = "", /, **changes: Any) -> dict[str, Any]:
        """A valid resource link launch of a learner. Keys of `changes` may be claim names; ABSENT leaves a claim out."""
        moment = int(self.now().timestamp())
        body: dict[str, Any] = {
            "iss": self.issuer,
            "aud": self.client_id,
            "sub": "101",
            "iat": moment,
            "exp": moment + 60,
            "nonce": nonce,
            VERSION: "1.3.0",
            MESSAGE_TYPE: "LtiResourceLinkRequest",
            DEPLOYMENT_ID: self.deployment_id,
            TARGET_LINK_URI: f"{self.tool_url}/",
            RESOURCE_LINK: {"id": "link-1", "title": "Handle a damaged parcel"},
            ROLES: [LEARNER],
            CONTEXT: {"id": "course-7", "title": "Parcel service", "label": "PS", "type": ["CourseSection"]},
            AGS: {
                "lineitem": self.column_url("1"),
                "lineitems": self.lineitems_url,
                "scope": list(ALL_SCOPES),
            },
            CUSTOM: {"collection": "parcels"},
            LAUNCH_PRESENTATION: {"locale": "en", "return_url": f"{self.base}/return?id=7"},
            "name": "Ana Souza",
            "given_name": "Ana",
            "family_name": "Souza",
            "email": "ana@example.org",
        }
        return without_absent({**body, **changes})

    def sign(
        self,
        payload: Mapping[str, Any] | bytes,
        *,
        alg: str = "RS256",
        kid: Any = None,
        key: Any = None,
        **headers: Any,
    ) -> str:
        """Any payload, any algorithm, any key: hostile where the test wants it. kid ABSENT leaves the header out."""
        header = {"typ": "JWT", "alg": alg, "kid": self.kid if kid is None else kid, **headers}
        return signed(payload, header, key if key is not None else self.signing[self.kid])

    def answer(self, auth_location: str, **changes: Any) -> dict[str, str]:
        """The form that the platform posts back for an authentication request: id_token and state.

        Refuses (AssertionError) what Moodle would refuse: another redirect_uri, no nonce.
        """
        query = self.auth_query(auth_location)
        assert query["redirect_uri"] == f"{self.tool_url}/lti/launch"
        assert query["nonce"]
        return {"id_token": self.sign(self.claims(query["nonce"], **changes)), "state": query["state"]}

    def auth_query(self, auth_location: str) -> dict[str, str]:
        """The authentication request's parameters, each once."""
        assert auth_location.startswith(self.auth_url)
        pairs = parse_qsl(urlsplit(auth_location).query, keep_blank_values=True)
        assert len(dict(pairs)) == len(pairs), "a parameter comes twice"
        return dict(pairs)

    # --- gradebook ---------------------------------------------------------------------------------------------------

    def column_url(self, column: str) -> str:
        """The line item's URL, with a query as Moodle has it."""
        return f"{self.base}/mod/lti/services.php/7/lineitems/{column}/lineitem?type_id=3"

    def add_column(
        self,
        label: str,
        maximum: float,
        *,
        is_the_tools: bool = True,
        is_coupled: bool = True,
        **members: Any,
    ) -> str:
        """Makes a column as a teacher or an earlier launch would; returns its URL. Members in snake case or as sent."""
        column = str(self._next_column)
        self._next_column += 1
        names = {"resource_link_id": "resourceLinkId", "resource_id": "resourceId"}
        item = {names.get(name, name): value for name, value in members.items() if value is not None}
        url = self.column_url(column)
        self.columns[column] = Column(
            {"id": url, "label": label, "scoreMaximum": maximum, **item}, is_the_tools, is_coupled
        )
        return url

    def column_at(self, url: str) -> Column:
        """The column of that line item URL."""
        return self.columns[column_of(url)]

    def forget_column(self, column: Column) -> None:
        """The column is gone."""
        del self.columns[column_of(column.item["id"])]

    def cell(self, user: str, column: str = "1") -> Cell:
        """A learner's grade."""
        return self.columns[column].cell(user)

    def teacher_grades(self, user: str, score: float, column: str = "1") -> None:
        """A person edits the grade: it stands, and moves the time that stamps are compared with."""
        cell = self.cell(user, column)
        cell.set(score, self.columns[column].item["scoreMaximum"])
        cell.modified = self.now()
        cell.overridden = True

    def revoke_tokens(self) -> None:
        """Every token given out so far is refused from now on."""
        self.tokens.clear()

    # --- faults ------------------------------------------------------------------------------------------------------

    def fail(self, kind: Kind, status: int = 500, body: bytes = b"", times: int = 1, **headers: str) -> None:
        """The next requests of that kind are answered so and not carried out."""
        names = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        self._faults.setdefault(kind, []).extend(Fault(status, names, body) for _ in range(times))

    def lose_reply(self, kind: Kind) -> None:
        """The next request of that kind is carried out; the caller hears nothing."""
        self._faults.setdefault(kind, []).append(Fault(reply_lost=True))

    def drop(self, kind: Kind) -> None:
        """The next request of that kind never arrives."""
        self._faults.setdefault(kind, []).append(Fault(dropped=True))

    def throttle(self, kind: Kind, seconds: int | None = None) -> None:
        """The next request of that kind is too many: 403 in words on Canvas, 429 elsewhere, Retry-After where given."""
        headers = {} if seconds is None else {"retry-after": str(seconds)}
        fault = Fault(429, headers, b"slow down")
        if self.personality == "canvas":
            fault = Fault(
                403, {**headers, "x-rate-limit-remaining": "0.0"}, b"403 Forbidden (Rate Limit Exceeded)"
            )
        self._faults.setdefault(kind, []).append(fault)

    def asked(self, kind: Kind) -> list[Request]:
        """The requests of that kind so far."""
        return [request for request in self.requests if request.kind == kind]


__all__ = [
    "ABSENT",
    "ALL_SCOPES",
    "INSTRUCTOR",
    "LEARNER",
    "Cell",
    "Column",
    "FakeNetwork",
    "FakePlatform",
    "Fault",
    "Kind",
    "Request",
    "ec_key",
    "jwk_of",
    "kind_of",
    "public_pem",
    "rsa_key",
]
