"""What a fake platform answers to the tool's server: keys, tokens, line items, scores, results. `FakePlatform` is made of it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any, Literal
from urllib.parse import parse_qs, unquote, urlencode, urlsplit

import jwt

from lti.claims import LINEITEM_READ_SCOPE, LINEITEM_SCOPE, RESULT_SCOPE, SCORE_SCOPE
from lti.ports import EgressFailed, EgressResponse
from tests.fakes.gradebook import Column
from tests.fakes.personalities import Personality
from tests.fakes.wire import Fault, Kind, Request, column_of, json_answer, kind_of, plain_answer


class ServiceSide:
    """The services, over the state that `FakePlatform` holds."""

    now: Callable[[], datetime]
    personality: str
    rules: Personality
    tool_jwks: Callable[[], dict[str, Any]] | None
    published: dict[str, dict[str, Any]]
    jwks_mode: Literal["ok", "500", "html", "oversized", "timeout", "redirect", "nothing"]
    granted_scopes: set[str]
    refuses_unknown_scopes: bool
    token_life: int | None
    tokens: dict[str, tuple[frozenset[str], datetime]]
    seen_jtis: set[str]
    columns: dict[str, Column]
    link_style: Literal["plain", "moodle", "unquoted", "foreign", "loop"]
    requests: list[Request]
    further: list[Callable[[Request], EgressResponse | None]]
    _faults: dict[str, list[Fault]]
    _lock: Any

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
            return plain_answer(404, "not found")
        refusal = self._refused_access(request)
        if refusal is not None:
            return refusal
        if request.kind == "lineitems":
            return self._create(request) if request.method == "POST" else self._list_columns(request)
        column = self.columns.get(column_of(request.url))
        if column is None or (self.rules.sees_own_columns_only and not column.is_the_tools):
            return plain_answer(404, "no such line item")
        if request.kind == "scores":
            return self._score(request, column)
        if request.kind == "results":
            return self._results(request, column)
        return self._one_column(request, column)

    def _jwks(self) -> EgressResponse:
        if self.jwks_mode == "500":
            return plain_answer(500, "broken")
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
        return json_answer(200, {"keys": keys})

    def _token(self, request: Request) -> EgressResponse:
        """Gives a token for a proof that holds: type, signature, iss = sub = client, aud, a jti never seen, at most 600 s."""
        if request.headers.get("content-type") != "application/x-www-form-urlencoded":
            return json_answer(400, {"error": "invalid_request"})
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        if form.get("grant_type") != "client_credentials" or form.get("client_assertion_type") != (
            "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
        ):
            return json_answer(400, {"error": "unsupported_grant_type"})
        if not self._has_proof(form.get("client_assertion", "")):
            status, error = self.rules.bad_proof
            return json_answer(status, {"error": error})
        asked = form.get("scope", "").split()
        granted = [scope for scope in asked if scope in self.granted_scopes]
        if not granted or (self.refuses_unknown_scopes and granted != asked):
            return json_answer(400, {"error": "invalid_scope"})
        value = secrets.token_urlsafe(24)
        life = self.token_life if self.token_life is not None else 300
        self.tokens[value] = (frozenset(granted), self.now() + timedelta(seconds=life))
        answer: dict[str, Any] = {"access_token": value, "token_type": "Bearer", "scope": " ".join(granted)}
        if self.token_life is not None:
            answer["expires_in"] = self.token_life
        return json_answer(200, answer)

    def _has_proof(self, assertion: str) -> bool:
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
            return False
        holds = self.rules.believes(proof)
        self.seen_jtis.add(str(proof.get("jti")))
        return holds

    def _refused_access(self, request: Request) -> EgressResponse | None:
        value = request.headers.get("authorization", "").removeprefix("Bearer ")
        scopes, end = self.tokens.get(value, (frozenset(), self.now()))
        if end <= self.now():
            return plain_answer(self.rules.bad_token, "invalid token")
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
            return plain_answer(self.rules.missing_scope, "scope missing")
        return self.rules.refused(request)

    def _list_columns(self, request: Request) -> EgressResponse:
        shown = [
            column.item
            for column in self.columns.values()
            if column.is_the_tools or not self.rules.sees_own_columns_only
        ]
        return self._page(request, shown)

    def _page(self, request: Request, items: list[dict[str, Any]]) -> EgressResponse:
        size = self.rules.page_size(request)
        if size is None:
            return json_answer(200, items)
        query = request.query
        page = int(query.get("page", "0"))
        shown = items[page * size : (page + 1) * size]
        headers = {}
        if (page + 1) * size < len(items) or self.link_style == "loop":
            following = request.url.partition("?")[0] + "?" + urlencode({**query, "page": page + 1})
            headers["link"] = {
                "plain": f'<{following}>; rel="next"',
                "moodle": f"<{following.replace('&', '&amp;')}>; rel=“next”",
                "unquoted": f"<{request.url}>; rel=self, <{following}>; Rel=NEXT",
                "foreign": '<https://elsewhere.example/more>; rel="next"',
                "loop": f'<{request.url}>; rel="next"',
            }[self.link_style]
        return json_answer(200, shown, headers)

    def _create(self, request: Request) -> EgressResponse:
        if request.headers.get("content-type") != "application/vnd.ims.lis.v2.lineitem+json":
            return plain_answer(400, "No handler found")
        wanted = request.json
        if not wanted.get("label") or not wanted.get("scoreMaximum", 0) > 0:
            return plain_answer(400, "label and scoreMaximum are required")
        return self.rules.created(wanted)

    def _one_column(self, request: Request, column: Column) -> EgressResponse:
        if request.method == "GET":
            return json_answer(200, column.item)
        if request.method == "PUT":
            # What is left out is lost.
            column.item = {**request.json, "id": column.item["id"]}
            return json_answer(200, column.item)
        if request.method == "DELETE":
            return (
                self.rules.deleted(column) if self.rules.deletes_columns else plain_answer(403, "forbidden")
            )
        return plain_answer(405, "no such method")

    def _score(self, request: Request, column: Column) -> EgressResponse:
        if (
            request.headers.get("content-type", "").partition(";")[0]
            != "application/vnd.ims.lis.v1.score+json"
        ):
            return plain_answer(400, "No handler found")
        try:
            score = json.loads(request.body, parse_constant=_no_constant)
        except ValueError:
            return plain_answer(400, "Incorrect score received")
        if not isinstance(score, dict):
            return plain_answer(400, "Incorrect score received")
        cell = column.cell(str(score.get("userId")))
        cell.posts += 1
        return self.rules.scored(score, column, cell)

    def _results(self, request: Request, column: Column) -> EgressResponse:
        wanted = request.query.get("user_id")
        if self.personality == "openedx":
            # One person's result has an address of its own; the filter means nothing.
            wanted = unquote(urlsplit(request.url).path.partition("/results/")[2]) or None
        results = [
            {
                "id": f"{column.item['id'].partition('?')[0]}/results/{user}",
                "scoreOf": column.item["id"],
                "userId": user,
                "resultScore": cell.score,
                "resultMaximum": cell.maximum or column.item["scoreMaximum"],
                **self.rules.result_members(cell, is_filtered=wanted is not None),
            }
            for user, cell in column.cells.items()
            if cell.modified is not None and wanted in {None, user}
        ]
        return self._page(request, results)

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


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
