"""The HTTP routes of the protocol edge: login, launch, redeem, JWKS. Everything they need comes in by ports.

Handlers are synchronous and run in the thread pool, since the ports are; only the body is read in the event loop, and no
more of it than allowed.
"""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from lti.browser import (
    LoginLimit,
    auth_origin,
    clear_binding_cookie,
    cookie_binds,
    page_headers,
    set_binding_cookie,
    value_binds,
)
from lti.errors import (
    BrowserNotBound,
    LoginMalformed,
    LoginsTooMany,
    LtiError,
    MethodRefused,
    NoticeMalformed,
    NoticesTooMany,
    TicketUnknown,
    TokenMalformed,
    Transient,
)
from lti.keys import PlatformKeys, jwks_document
from lti.launch import LaunchVerifier
from lti.login import begin_login, form_fields
from lti.message import Launch
from lti.notices import NoticeVerifier
from lti.ports import (
    Clock,
    Keys,
    Launched,
    LaunchState,
    LaunchStates,
    LaunchTicket,
    LaunchTickets,
    LegacySecret,
    Noticed,
    Observer,
    Registrations,
    Unobserved,
)
from lti.registration import Registration
from lti.secret import new_secret, secret_hash
from lti.settings import LtiSettings

_log = logging.getLogger("workside.lti")
_FORM = "application/x-www-form-urlencoded"


class Render(Protocol):
    """Gives a template of `templates/launch/` as an HTML response; `request` tells the reader's language."""

    def __call__(
        self, request: Request, name: str, context: Mapping[str, Any], status: int, headers: Mapping[str, str]
    ) -> Response: ...


@dataclass(frozen=True)
class LtiPorts:
    """Everything that the routes reach outside of lti/."""

    registrations: Registrations
    states: LaunchStates
    tickets: LaunchTickets
    keys: Keys
    platform_keys: PlatformKeys
    now: Clock
    launched: Launched
    legacy_secret: LegacySecret = lambda registration, consumer_key: None
    observer: Observer = field(default_factory=Unobserved)
    noticed: Noticed = lambda notices: None


def lti_router(ports: LtiPorts, render: Render, settings: LtiSettings) -> APIRouter:
    """The routes GET+POST /lti/login, POST /lti/launch, POST /lti/launch/redeem, POST /lti/notices, GET+HEAD /lti/jwks.json."""
    router = APIRouter(include_in_schema=False)
    doors = _Doors(ports, render, settings)
    posted: Any = Depends(doors.body_of)
    delivered: Any = Depends(doors.delivery_of)

    @router.get("/lti/login")
    def login_by_get(request: Request) -> Response:
        return doors.answered(request, lambda: doors.login(request, request.scope["query_string"]))

    @router.post("/lti/login")
    def login_by_post(request: Request, body: bytes | None = posted) -> Response:
        return doors.answered(request, lambda: doors.login(request, _posted_form(request, body)))

    @router.get("/lti/launch")
    def launch_by_get(request: Request) -> Response:
        return doors.refused(request, MethodRefused("a launch is posted"))

    @router.post("/lti/launch")
    def launch(request: Request, body: bytes | None = posted) -> Response:
        return doors.answered(request, lambda: doors.launch(request, _launch_form(request, body)))

    @router.post("/lti/launch/redeem")
    def redeem(request: Request, body: bytes | None = posted) -> Response:
        return doors.answered(request, lambda: doors.redeem(request, *_redeem_fields(request, body)))

    @router.post("/lti/notices")
    def notices(request: Request, body: bytes | None = delivered) -> Response:
        return doors.notices(request, body)

    @router.api_route("/lti/jwks.json", methods=["GET", "HEAD"])
    def jwks() -> Response:
        headers = {"Cache-Control": "public, max-age=3600", "X-Content-Type-Options": "nosniff"}
        return JSONResponse(jwks_document(ports.keys), headers=headers)

    return router


class _Doors:
    """What the routes do, once for each request. Refusals are raised and become answers in `answered`."""

    def __init__(self, ports: LtiPorts, render: Render, settings: LtiSettings) -> None:
        self.ports = ports
        self.render = render
        self.settings = settings
        self.limit = LoginLimit(settings.logins_per_minute, ports.now)
        self.notice_limit = LoginLimit(settings.notices_per_minute, ports.now)
        self.notice_verifier = NoticeVerifier(ports.registrations, ports.platform_keys, settings, ports.now)
        self.verifier = LaunchVerifier(
            ports.registrations, ports.states, ports.platform_keys, settings, ports.now, ports.legacy_secret
        )

    async def body_of(self, request: Request) -> bytes | None:
        """The body, or None where it is longer than a form may be."""
        # A launch carries a token, with a limit of its own, beside the other fields.
        return await _body_up_to(request, self.settings.form_bytes + self.settings.token_bytes)

    async def delivery_of(self, request: Request) -> bytes | None:
        """The body, or None where it is longer than a delivery of notices may be."""
        return await _body_up_to(request, self.settings.notice_bytes)

    def answered(self, request: Request, answer: Callable[[], Response]) -> Response:
        """The answer, or the refusal as the client wants it: a page for a person, JSON for a program."""
        try:
            return answer()
        except LtiError as refusal:
            return self.refused(request, refusal)

    def refused(self, request: Request, refusal: LtiError) -> Response:
        reference = f"{secrets.token_hex(2)}-{secrets.token_hex(2)}"
        registration: Registration | None = getattr(request.state, "lti_registration", None)
        _log.warning(
            "lti refused: %s",
            refusal.reason,
            extra={
                "reason": refusal.reason,
                "reference": reference,
                "note": str(refusal)[:300],
                "path": request.url.path,
                "registration_id": registration.id if registration else None,
            },
        )
        if registration is not None:
            self.ports.observer.launch_refused(registration, refusal)
        headers = page_headers(registration, self.settings)
        if refusal.status == 405:
            headers["Allow"] = "POST"
        if isinstance(refusal, Transient):
            headers["Retry-After"] = "5"
        texts = {"title": refusal.title, "advice": refusal.advice, "reference": reference}
        accept = request.headers.get("accept", "")
        if "application/json" in accept and "text/html" not in accept:
            return JSONResponse({"error": refusal.reason, **texts}, refusal.status, headers)
        context = {**texts, "details": refusal.details, "reason": refusal.reason}
        return self.render(request, refusal.template, context, refusal.status, headers)

    def notices(self, request: Request, body: bytes | None) -> Response:
        """Takes a delivery of notices: fast, since some platforms send once and never again.

        200 where at least one holds, so that a platform does not repeat the good ones for the sake of a bad one; 503 where
        some could not be judged now; 400 where none holds. Notices come from programs, so refusals are JSON.
        """
        try:
            try:
                self.notice_limit.count(request.client.host if request.client else None)
            except LoginsTooMany as flood:
                raise NoticesTooMany from flood
            if body is None:
                raise NoticeMalformed("too long")
            verdict = self.notice_verifier.verify_all(body)
        except LtiError as refusal:
            return _notices_answer(refusal.status, 0, (refusal,))
        if verdict.notices:
            self.ports.noticed(verdict.notices)
        if verdict.is_for_later:
            return _notices_answer(503, len(verdict.notices), verdict.refusals)
        is_refused = bool(verdict.refusals) and not verdict.notices
        return _notices_answer(400 if is_refused else 200, len(verdict.notices), verdict.refusals)

    def login(self, request: Request, encoded: bytes) -> Response:
        self.limit.count(request.client.host if request.client else None)
        if len(encoded) > self.settings.form_bytes:
            raise LoginMalformed("too long")
        ports = self.ports
        login = begin_login(form_fields(encoded), ports.registrations, ports.states, self.settings, ports.now)
        headers = page_headers(login.registration, self.settings)
        if login.storage_target is None and request.headers.get("sec-fetch-dest") != "iframe":
            response: Response = RedirectResponse(login.auth_url, 302, headers)
        else:
            # In a frame the cookie may be lost; a page can leave the other two secrets before it goes on.
            data = {
                "id": login.id,
                "auth_url": login.auth_url,
                "storage_target": login.storage_target,
                "storage_origin": auth_origin(login.registration),
                "storage_value": login.secrets.storage,
                "session_value": login.secrets.session,
                "restart_url": "/lti/login?" + login.restart,
            }
            response = self.render(request, "launch/login.html", {"data": data}, 200, headers)
        set_binding_cookie(response, login, self.settings)
        return response

    def launch(self, request: Request, fields: dict[str, str]) -> Response:
        found = self.verifier.find(fields)
        # For the refusal's page, should there be one: this platform may frame it.
        request.state.lti_registration = registration = found.registration
        message, login = self.verifier.verify(fields, found)
        if message.target_link_uri != login.target_link_uri:
            # The signed claim decides (case 56). Canvas and editors of links make such differences; they help to find a wrong link.
            _log.info(
                "lti target differs from the login's",
                extra={"registration_id": message.registration_id, "launch_id": message.id},
            )
        if not cookie_binds(request, login, self.settings):
            return self._unbound(request, message, login, registration)
        response = RedirectResponse(self._launched(message), 303, page_headers(registration, self.settings))
        clear_binding_cookie(response, login.id, self.settings)
        return response

    def _launched(self, launch: Launch) -> str:
        location = self.ports.launched(launch)
        self.ports.observer.launch_accepted(launch)
        return location

    def _unbound(
        self, request: Request, message: Launch, login: LaunchState, registration: Registration | None
    ) -> Response:
        """The page that climbs the ladder: session storage, platform storage, storage access, a new window."""
        ticket = new_secret()
        expires_at = self.ports.now() + timedelta(seconds=self.settings.ticket_seconds)
        self.ports.tickets.put(secret_hash(ticket), LaunchTicket(message, login, expires_at))
        data = {
            "id": login.id,
            "ticket": ticket,
            "storage_target": login.storage_target,
            "storage_origin": auth_origin(registration) if registration else None,
            "redeem_url": "/lti/launch/redeem",
            "restart_url": "/lti/login?" + login.restart,
        }
        return self.render(
            request, "launch/bind.html", {"data": data}, 200, page_headers(registration, self.settings)
        )

    def redeem(self, request: Request, ticket: str, value: str | None) -> Response:
        """Takes a launch whose browser shows one of its secrets: in `value`, or by the cookie after all.

        A wrong value uses nothing up: the next rung of the ladder may have the right one, and 256 bits are not guessed.
        """
        if request.headers.get("sec-fetch-site", "same-origin") != "same-origin":
            raise BrowserNotBound("redeem from another site")
        ticket_hash = secret_hash(ticket)
        waiting = self.ports.tickets.peek(ticket_hash)
        if waiting is None:
            raise TicketUnknown
        if not (value_binds(value, waiting.state) or cookie_binds(request, waiting.state, self.settings)):
            raise BrowserNotBound("no secret of this login")
        taken = self.ports.tickets.consume(ticket_hash)
        if taken is None:
            raise TicketUnknown("taken meanwhile")
        location = {"location": self._launched(taken.launch)}
        response = JSONResponse(location, headers=page_headers(None, self.settings))
        clear_binding_cookie(response, taken.state.id, self.settings)
        return response


def _posted_form(request: Request, body: bytes | None) -> bytes:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _FORM:
        raise LoginMalformed("not a form")
    if body is None:
        raise LoginMalformed("too long")
    return body


def _launch_form(request: Request, body: bytes | None) -> dict[str, str]:
    try:
        return form_fields(_posted_form(request, body))
    except LoginMalformed as error:
        raise TokenMalformed(str(error)) from error


def _redeem_fields(request: Request, body: bytes | None) -> tuple[str, str | None]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise LoginMalformed("not JSON")
    try:
        document = json.loads(body or b"")
    except (ValueError, RecursionError) as error:
        raise LoginMalformed("not JSON") from error
    if not isinstance(document, dict) or not isinstance(document.get("ticket"), str):
        raise TicketUnknown
    value = document.get("value")
    return document["ticket"], value if isinstance(value, str) else None


__all__ = ["LtiPorts", "Render", "lti_router"]


async def _body_up_to(request: Request, limit: int) -> bytes | None:
    """The body, or None where it is longer; no more of it is read than that."""
    collected = bytearray()
    async for chunk in request.stream():
        collected += chunk
        if len(collected) > limit:
            return None
    return bytes(collected)


def _notices_answer(status: int, accepted: int, refusals: Sequence[LtiError]) -> Response:
    """What a platform is told of its delivery; of the refused only the kinds of reasons."""
    reasons = sorted({refusal.reason for refusal in refusals})
    if reasons:
        _log.warning("lti notices refused", extra={"reasons": reasons, "refused": len(refusals)})
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    if status in {429, 503}:
        headers["Retry-After"] = "60" if status == 429 else "5"
    return JSONResponse({"accepted": accepted, "refused": reasons}, status, headers)
