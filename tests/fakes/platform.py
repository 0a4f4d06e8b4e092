"""A hostile learning platform for tests: signs whatever it is told to, and refuses scores as real platforms do.

Two ways in. In-process, `FakeNetwork` implements lti's `Egress` and carries requests to one or several `FakePlatform`s
without sockets; over HTTP, `FakePlatform.asgi()` is the same platform as an ASGI application. Both end in
`FakePlatform.handle`. Time comes from the `now` that is passed in, so a test steers it.

Personalities carry the refusal rules read in the platforms' own code: "moodle" (whole-second 409, a score that is not
FullyGraded erases the grade, a teacher's override stands), "canvas" (an earlier stamp 400, an equal one accepted, comments
appended, throttles with 403), "openedx" (equal or earlier 400, 201, only FullyGraded is published, a bad token is 403),
"generic" (the specification).

Faults are queued for one kind of request: `platform.fail("scores", status=500)`, `platform.lose_reply("scores")` (it
happened, the caller hears nothing), `platform.drop("scores")` (it never arrived), `platform.throttle("scores", 7)`.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs, parse_qsl, unquote, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

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
from lti.ports import EgressFailed, EgressRefused, EgressResponse
from lti.registration import Registration, origin_of

Kind = Literal["jwks", "token", "lineitems", "lineitem", "scores", "results", "other"]
Clock = Callable[[], datetime]
ALL_SCOPES = (LINEITEM_SCOPE, LINEITEM_READ_SCOPE, RESULT_SCOPE, SCORE_SCOPE)
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT: Any = _Absent()
"""As the value of a claim: the claim is left out."""


@functools.cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key by name, made once for the whole test run: making one takes longer than a test."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


@functools.cache
def ec_key(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


@dataclass(frozen=True)
class Request:
    """One request as the platform saw it."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes
    kind: Kind

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


@dataclass
class Fault:
    """What happens to the next request of a kind. `reply_lost`: it is carried out first, and nothing is answered."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    reply_lost: bool = False
    dropped: bool = False


@dataclass
class Cell:
    """One learner's grade in one column. `modified` is what stamps are compared with; a person's edit moves it too."""

    score: float | None = None
    maximum: float | None = None
    modified: datetime | None = None
    comments: list[str] = field(default_factory=list)
    overridden: bool = False
    submissions: int = 0
    posts: int = 0
    history: list[float | None] = field(default_factory=list)

    def set(self, score: float | None, maximum: float | None) -> None:
        self.score, self.maximum = score, maximum
        self.history.append(score)


@dataclass
class Column:
    """A line item as stored."""

    item: dict[str, Any]
    locked: bool = False
    cells: dict[str, Cell] = field(default_factory=dict)

    def cell(self, user: str) -> Cell:
        return self.cells.setdefault(user, Cell())


class FakePlatform:
    """One platform with one registration of the tool, one course, and a gradebook."""

    def __init__(
        self,
        now: Clock,
        personality: str = "generic",
        *,
        base: str = "https://lms.example",
        client_id: str = "client-1",
        deployment_id: str = "deployment-1",
        tool_url: str = "https://tool.example",
        tool_jwks: Callable[[], dict[str, Any]] | None = None,
        learners: Iterable[str] = ("101", "102", "103"),
        allow_private: bool = False,
    ) -> None:
        self.now = now
        self.personality = personality
        self.base = base
        self.issuer = base
        self.client_id = client_id
        self.deployment_id = deployment_id
        self.tool_url = tool_url
        self.tool_jwks = tool_jwks
        self.learners = set(learners)
        self.allow_private = allow_private
        self.auth_url = f"{base}/auth"
        self.token_url = f"{base}/token"
        self.jwks_url = f"{base}/jwks"
        self.lineitems_url = f"{base}/mod/lti/services.php/7/lineitems?type_id=3"
        self.audience = self.token_url
        # Keys: kid -> what signs, kid -> the JWK as published.
        self.signing: dict[str, Any] = {}
        self.published: dict[str, dict[str, Any]] = {}
        self.kid = ""
        self.rotate_key("key-1")
        self.jwks_mode: Literal["ok", "500", "html", "oversized", "timeout", "redirect", "nothing"] = "ok"
        # Services.
        self.granted_scopes = set(ALL_SCOPES)
        self.refuses_unknown_scopes = False
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
            self.published[kid] = jwk_of(key, kid, **members)

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
        return {name: value for name, value in {**fields, **changes}.items() if value is not ABSENT}

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
        return {name: value for name, value in {**body, **changes}.items() if value is not ABSENT}

    def sign(
        self,
        payload: Mapping[str, Any] | bytes,
        *,
        alg: str = "RS256",
        kid: Any = None,
        key: Any = None,
        **headers: Any,
    ) -> str:
        """Any payload, any algorithm, any key: hostile where the test wants it. kid ABSENT leaves the header out.

        "none" and HMAC over a public key are assembled by hand, since an honest library refuses to.
        """
        header = {"typ": "JWT", "alg": alg, "kid": self.kid if kid is None else kid, **headers}
        header = {name: value for name, value in header.items() if value is not ABSENT}
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        signing_input = _segment(json.dumps(header).encode()) + "." + _segment(body)
        key = key if key is not None else self.signing[self.kid]
        if alg.lower() == "none":
            return signing_input + "."
        if alg.startswith("HS"):
            secret = key if isinstance(key, bytes) else public_pem(key)
            return (
                signing_input
                + "."
                + _segment(hmac.new(secret, signing_input.encode(), hashlib.sha256).digest())
            )
        algorithm = jwt.get_algorithm_by_name(alg)
        return signing_input + "." + _segment(algorithm.sign(signing_input.encode(), key))

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

    def add_column(self, label: str, maximum: float, **members: Any) -> str:
        """Makes a column as a teacher or an earlier launch would; returns its URL. Members in snake case or as sent."""
        column = str(self._next_column)
        self._next_column += 1
        names = {"resource_link_id": "resourceLinkId", "resource_id": "resourceId"}
        item = {names.get(name, name): value for name, value in members.items() if value is not None}
        url = self.column_url(column)
        self.columns[column] = Column({"id": url, "label": label, "scoreMaximum": maximum, **item})
        return url

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

    # --- the service side --------------------------------------------------------------------------------------------

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> EgressResponse:
        """Answers one request. Raises EgressFailed where a fault loses it."""
        with self._lock:
            request = Request(
                method, url, {name.lower(): value for name, value in headers.items()}, body, kind_of(url)
            )
            self.requests.append(request)
            faults = self._faults.get(request.kind)
            fault = faults.pop(0) if faults else None
            if fault is not None and fault.dropped:
                raise EgressFailed("the request was cut off")
            if fault is not None and fault.status is not None:
                return EgressResponse(fault.status, fault.headers, fault.body)
            answer = self._answer_elsewhere(request) or self._answer(request)
            if fault is not None and fault.reply_lost:
                raise EgressFailed("the reply was lost")
            return answer

    def _answer_elsewhere(self, request: Request) -> EgressResponse | None:
        """What one of `further` says: services that are a file of their own (rosters, registration, notices)."""
        answers = (service(request) for service in self.further)
        return next((answer for answer in answers if answer is not None), None)

    def _answer(self, request: Request) -> EgressResponse:
        if request.kind == "jwks":
            return self._jwks()
        if request.kind == "token":
            return self._token(request)
        if request.kind == "other":
            return _plain(404, "not found")
        refusal = self._refused_access(request)
        if refusal is not None:
            return refusal
        if request.kind == "lineitems":
            return self._create(request) if request.method == "POST" else self._list_columns(request)
        column = self.columns.get(_column_of(request.url))
        if column is None:
            return _plain(404, "no such line item")
        if request.kind == "scores":
            return self._score(request, column)
        if request.kind == "results":
            return self._results(request, column)
        return self._one_column(request, column)

    def _jwks(self) -> EgressResponse:
        if self.jwks_mode == "500":
            return _plain(500, "broken")
        if self.jwks_mode == "html":
            return EgressResponse(
                200, {"content-type": "text/html"}, b"<!doctype html><title>Sign in</title>"
            )
        if self.jwks_mode == "oversized":
            return EgressResponse(200, {}, b" " * (1 << 20) + b"{}")
        if self.jwks_mode == "timeout":
            raise EgressFailed("no answer in time")
        if self.jwks_mode == "redirect":
            return EgressResponse(302, {"location": "https://elsewhere.example/jwks"}, b"")
        keys = [] if self.jwks_mode == "nothing" else list(self.published.values())
        return _json(200, {"keys": keys})

    def _token(self, request: Request) -> EgressResponse:
        """Gives a token for a proof that holds: type, signature, iss = sub = client, aud, a jti never seen, at most 600 s."""
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return _json(400, {"error": "invalid_request"})
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != (
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ):
            return _json(400, {"error": "unsupported_grant_type"})
        proof = self._proof(form.get("client_assertion", ""))
        if proof is None:
            return _json(400 if self.personality == "brightspace" else 401, {"error": "invalid_client"})
        asked = form.get("scope", "").split()
        granted = [scope for scope in asked if scope in self.granted_scopes]
        if not granted or (self.refuses_unknown_scopes and granted != asked):
            return _json(400, {"error": "invalid_scope"})
        value = secrets.token_urlsafe(24)
        life = self.token_life if self.token_life is not None else 300
        self.tokens[value] = (frozenset(granted), self.now() + timedelta(seconds=life))
        answer: dict[str, Any] = {"access_token": value, "token_type": "Bearer", "scope": " ".join(granted)}
        if self.token_life is not None:
            answer["expires_in"] = self.token_life
        return _json(200, answer)

    def _proof(self, assertion: str) -> Mapping[str, Any] | None:
        try:
            header = jwt.get_unverified_header(assertion)
            if self.tool_jwks is None:
                proof = jwt.decode(assertion, options={"verify_signature": False})
            else:
                keys = {key["kid"]: key for key in self.tool_jwks()["keys"]}
                proof = jwt.decode(
                    assertion,
                    jwt.PyJWK(keys[header["kid"]]),
                    algorithms=["RS256"],
                    options={"verify_aud": False, "verify_exp": False, "verify_iat": False},
                )
        except (jwt.PyJWTError, KeyError):
            return None
        moment = self.now().timestamp()
        holds = (
            proof.get("iss") == proof.get("sub") == self.client_id
            and proof.get("aud") == self.audience
            and proof.get("jti") not in {None, *self.seen_jtis}
            # Moodle: not a second of leeway for iat. Sakai: at most 600 s.
            and proof["iat"] <= moment < proof["exp"]
            and proof["exp"] - proof["iat"] <= 600
        )
        self.seen_jtis.add(str(proof.get("jti")))
        return proof if holds else None

    def _refused_access(self, request: Request) -> EgressResponse | None:
        if self.personality == "canvas" and not request.headers.get("user-agent"):
            return _plain(403, "User-Agent required")
        value = request.headers.get("authorization", "").removeprefix("Bearer ")
        scopes, end = self.tokens.get(value, (frozenset(), self.now()))
        if end <= self.now():
            return _plain(403 if self.personality in {"openedx", "sakai"} else 401, "invalid token")
        needed: dict[Kind, set[str]] = {
            "scores": {SCORE_SCOPE},
            "results": {RESULT_SCOPE},
            "lineitems": {LINEITEM_SCOPE}
            if request.method == "POST"
            else {LINEITEM_SCOPE, LINEITEM_READ_SCOPE},
            "lineitem": {LINEITEM_SCOPE}
            if request.method != "GET"
            else {LINEITEM_SCOPE, LINEITEM_READ_SCOPE},
        }
        if not scopes & needed[request.kind]:
            return _plain(401 if self.personality == "moodle" else 403, "scope missing")
        return None

    def _list_columns(self, request: Request) -> EgressResponse:
        return self._page(request, [column.item for column in self.columns.values()])

    def _page(self, request: Request, items: list[dict[str, Any]]) -> EgressResponse:
        query = dict(parse_qsl(urlsplit(request.url).query))
        if self.personality == "moodle" and request.headers.get("accept") == "application/json":
            return _plain(400, "No handler found")
        if self.page_size is None:
            return _json(200, items)
        page = int(query.get("page", "0"))
        shown = items[page * self.page_size : (page + 1) * self.page_size]
        headers = {}
        if (page + 1) * self.page_size < len(items) or self.link_style == "loop":
            following = request.url.partition("?")[0] + "?" + urlencode({**query, "page": page + 1})
            headers["link"] = {
                "plain": f'<{following}>; rel="next"',
                "moodle": f"<{following.replace('&', '&amp;')}>; rel=“next”",
                "unquoted": f"<{request.url}>; rel=self, <{following}>; Rel=NEXT",
                "foreign": '<https://elsewhere.example/more>; rel="next"',
                "loop": f'<{request.url}>; rel="next"',
            }[self.link_style]
        return _json(200, shown, headers)

    def _create(self, request: Request) -> EgressResponse:
        if request.headers.get("content-type") != "application/vnd.ims.lis.v2.lineitem+json":
            return _plain(400, "No handler found")
        wanted = request.json
        if not wanted.get("label") or not wanted.get("scoreMaximum", 0) > 0:
            return _plain(400, "label and scoreMaximum are required")
        if self.personality == "sakai":
            for name in ("resourceId", "tag"):
                wanted[name] = wanted.get(name, "").replace("|", "")
            for column in self.columns.values():
                if column.item["label"] == wanted["label"]:
                    column.item.update({k: v for k, v in wanted.items() if k != "id"})
                    return _json(201, column.item)
        members = {
            name: value for name, value in wanted.items() if name not in {"id", "label", "scoreMaximum"}
        }
        url = self.add_column(wanted["label"], wanted["scoreMaximum"], **members)
        return _json(201, self.columns[_column_of(url)].item)

    def _one_column(self, request: Request, column: Column) -> EgressResponse:
        if request.method == "GET":
            return _json(200, column.item)
        if request.method == "PUT":
            # What is left out is lost.
            column.item = {**request.json, "id": column.item["id"]}
            return _json(200, column.item)
        if request.method == "DELETE":
            if self.personality == "openedx":
                return _plain(403, "forbidden")
            del self.columns[_column_of(request.url)]
            return EgressResponse(204, {}, b"")
        return _plain(405, "no such method")

    def _score(self, request: Request, column: Column) -> EgressResponse:
        if (
            request.headers.get("content-type", "").partition(";")[0]
            != "application/vnd.ims.lis.v1.score+json"
        ):
            return _plain(400, "No handler found")
        if self.personality == "moodle" and request.headers.get("accept") == "application/json":
            return _plain(400, "No handler found")
        try:
            score = json.loads(request.body, parse_constant=_no_constant)
        except ValueError:
            return _plain(400, "Incorrect score received")
        if not isinstance(score, dict):
            return _plain(400, "Incorrect score received")
        cell = column.cell(str(score.get("userId")))
        cell.posts += 1
        rule = {"moodle": self._moodle, "canvas": self._canvas, "openedx": self._openedx}.get(
            self.personality, self._generic
        )
        return rule(score, column, cell)

    def _stamp(self, score: Mapping[str, Any]) -> datetime | None:
        text = score.get("timestamp")
        if not isinstance(text, str):
            return None
        try:
            stamp = datetime.fromisoformat(text)
        except ValueError:
            return None
        return stamp if stamp.tzinfo is not None else None

    def _is_plausible(self, score: Mapping[str, Any], stamp: datetime | None) -> bool:
        given, maximum = score.get("scoreGiven"), score.get("scoreMaximum")
        numbers = (given is None) == (maximum is None) and (given is None or (given >= 0 and maximum > 0))
        return bool(
            stamp
            and score.get("userId")
            and score.get("activityProgress")
            and score.get("gradingProgress")
            and numbers
        )

    def _generic(self, score: Mapping[str, Any], column: Column, cell: Cell) -> EgressResponse:
        stamp = self._stamp(score)
        if stamp is None or not self._is_plausible(score, stamp) or score["userId"] not in self.learners:
            return _plain(400, "Incorrect score received")
        if cell.modified is not None and stamp <= cell.modified:
            return _plain(409, "not newer")
        self._take(score, column, cell, stamp)
        return EgressResponse(200, {}, b"")

    def _moodle(self, score: Mapping[str, Any], column: Column, cell: Cell) -> EgressResponse:
        if column.locked:
            return _plain(500, "grade item is locked")
        if not str(score.get("userId", "")).isdecimal():
            raise EgressFailed("malformed status line")
        stamp = self._stamp(score)
        if stamp is None or not self._is_plausible(score, stamp) or score["userId"] not in self.learners:
            return _plain(400, "Incorrect score received")
        if cell.modified is not None and int(stamp.timestamp()) <= int(cell.modified.timestamp()):
            return _plain(409, "Refusing score with an earlier timestamp for item 1 and user")
        if cell.overridden:
            cell.modified = stamp
            return EgressResponse(200, {}, b"")
        self._take(score, column, cell, stamp)
        return EgressResponse(200, {}, b"")

    def _canvas(self, score: Mapping[str, Any], column: Column, cell: Cell) -> EgressResponse:
        stamp = self._stamp(score)
        if score.get("userId") not in self.learners:
            return _json(
                422,
                {
                    "errors": {
                        "type": "unprocessable_entity",
                        "message": "User not found in course or is not a student",
                    }
                },
            )
        if "scoreGiven" in score and "scoreMaximum" not in score:
            return _json(422, {"errors": {"message": "ScoreMaximum must be greater than 0"}})
        if stamp is None or not self._is_plausible(score, stamp):
            return _json(400, {"errors": {"message": "invalid"}})
        if cell.modified is not None and stamp < cell.modified:
            return _json(400, {"errors": {"message": "Provided timestamp before last updated timestamp"}})
        extension = score.get("https://canvas.instructure.com/lti/submission", {})
        if extension.get("new_submission", True):
            cell.submissions += 1
        self._take(score, column, cell, stamp)
        return _json(200, {"resultUrl": f"{column.item['id'].partition('?')[0]}/results/1"})

    def _openedx(self, score: Mapping[str, Any], column: Column, cell: Cell) -> EgressResponse:
        stamp = self._stamp(score)
        if score.get("scoreGiven", 0) < 0 or score.get("gradingProgress") not in {
            "NotReady",
            "Failed",
            "Pending",
            "PendingManual",
            "FullyGraded",
        }:
            return _plain(500, "server error")
        if stamp is None or not self._is_plausible(score, stamp) or score["userId"] not in self.learners:
            return _json(400, {"error": "invalid"})
        if cell.modified is not None and stamp <= cell.modified:
            return _json(400, {"error": "Score timestamp is not newer"})
        cell.modified = stamp
        if score["gradingProgress"] == "FullyGraded":
            # The consumer publishes whatever it has: no score becomes 0.
            cell.set(score.get("scoreGiven") or 0.0, score.get("scoreMaximum") or column.item["scoreMaximum"])
        if score.get("comment"):
            cell.comments = [score["comment"]]
        return _json(201, dict(score))

    def _take(self, score: Mapping[str, Any], column: Column, cell: Cell, stamp: datetime) -> None:
        """Stores the score scaled to the column and clipped. One that is not FullyGraded erases the grade."""
        cell.modified = stamp
        if score.get("comment"):
            cell.comments = (
                [*cell.comments, score["comment"]] if self.personality == "canvas" else [score["comment"]]
            )
        maximum = column.item["scoreMaximum"]
        if score["gradingProgress"] != "FullyGraded" or "scoreGiven" not in score:
            cell.set(None, None)
            return
        fraction = score["scoreGiven"] / score["scoreMaximum"]
        cell.set(round(min(fraction, 1.0) * maximum, 5), maximum)

    def _results(self, request: Request, column: Column) -> EgressResponse:
        parts = urlsplit(request.url)
        results = [
            {
                "id": f"{column.item['id'].partition('?')[0]}/results/{user}",
                "scoreOf": column.item["id"],
                "userId": user,
                "resultScore": cell.score,
                "resultMaximum": cell.maximum or column.item["scoreMaximum"],
                **({"comment": cell.comments[-1]} if cell.comments else {}),
            }
            for user, cell in column.cells.items()
            if cell.modified is not None
        ]
        if self.personality == "openedx":
            _, _, user = parts.path.partition("/results/")
            return self._page(request, [one for one in results if not user or one["userId"] == unquote(user)])
        wanted = dict(parse_qsl(parts.query)).get("user_id")
        return self._page(request, [one for one in results if wanted in {None, one["userId"]}])

    # --- served ------------------------------------------------------------------------------------------------------

    def asgi(self) -> Any:
        """The platform as an ASGI application, for tests over real HTTP. A lost reply is a 504."""
        from starlette.applications import Starlette
        from starlette.requests import Request as HttpRequest
        from starlette.responses import Response
        from starlette.routing import Route

        async def serve(request: HttpRequest) -> Response:
            parts = urlsplit(self.base)
            query = f"?{request.url.query}" if request.url.query else ""
            url = f"{parts.scheme}://{parts.netloc}{request.url.path}{query}"
            try:
                answer = self.handle(request.method, url, dict(request.headers), await request.body())
            except EgressFailed as error:
                return Response(str(error), 504)
            return Response(answer.body, answer.status, dict(answer.headers))

        methods = ["GET", "POST", "PUT", "DELETE"]
        return Starlette(routes=[Route("/{path:path}", serve, methods=methods)])


class FakeNetwork:
    """lti's `Egress` without sockets: carries a request to the platform whose origin it names.

    `private` are hosts whose names lead to private addresses; they are refused unless the registration allows them, as
    the real egress refuses them. Redirects are answers. Anything else does not resolve.
    """

    def __init__(self, *platforms: FakePlatform, private: Iterable[str] = ()) -> None:
        self.platforms = {origin_of(platform.base): platform for platform in platforms}
        self.private = set(private)
        self.requested: list[str] = []

    def add(self, platform: FakePlatform) -> None:
        self.platforms[origin_of(platform.base)] = platform

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        connect_seconds: float = 5,
        read_seconds: float = 30,
        max_bytes: int = 1 << 20,
        allow_private: bool = False,
    ) -> EgressResponse:
        self.requested.append(url)
        origin = origin_of(url)
        host = urlsplit(url).hostname or ""
        if not origin or (host in self.private and not allow_private):
            raise EgressRefused("a private address")
        if origin.startswith("http://") and not allow_private:
            raise EgressRefused("plain http")
        platform = self.platforms.get(origin)
        if platform is None:
            raise EgressFailed("the name does not resolve")
        answer = platform.handle(method, url, headers or {}, content or b"")
        if len(answer.body) > max_bytes:
            raise EgressFailed("too large")
        return answer


def kind_of(url: str) -> Kind:
    """What a request is about, by its path."""
    path = urlsplit(url).path.rstrip("/")
    if path.endswith("/jwks"):
        return "jwks"
    if path.endswith("/token"):
        return "token"
    if path.endswith("/scores"):
        return "scores"
    if "/results" in path:
        return "results"
    if path.endswith("/lineitem"):
        return "lineitem"
    return "lineitems" if path.endswith("/lineitems") else "other"


def _column_of(url: str) -> str:
    return urlsplit(url).path.partition("/lineitems/")[2].partition("/")[0]


def jwk_of(key: Any, kid: str, **members: Any) -> dict[str, Any]:
    """The public JWK of a private key; `members` change it, ABSENT leaves one out."""
    if isinstance(key, rsa.RSAPrivateKey):
        public = RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
        public = {"kty": "RSA", "n": public["n"], "e": public["e"], "alg": "RS256"}
    else:
        public = {**ECAlgorithm.to_jwk(key.public_key(), as_dict=True), "alg": "ES256"}
    public = {**public, "kid": kid, "use": "sig", **members}
    return {name: value for name, value in public.items() if value is not ABSENT}


def public_pem(key: Any) -> bytes:
    """The public half as PEM: what a careless verifier would take for an HMAC secret."""
    pem: bytes = key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return pem


def _segment(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _json(status: int, document: Any, headers: Mapping[str, str] | None = None) -> EgressResponse:
    return EgressResponse(
        status, {"content-type": "application/json", **(headers or {})}, json.dumps(document).encode()
    )


def _plain(status: int, words: str) -> EgressResponse:
    return EgressResponse(status, {"content-type": "text/plain"}, words.encode())


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
