"""A launch as the browser sees it (click, authentication, answer), the platform's keys, and its token address."""

from __future__ import annotations

import asyncio
import secrets
from typing import Any
from urllib.parse import parse_qsl, urlencode

import jwt
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from demo.catalogue import Activity, Course, NotInCatalogue, Organisation, Person
from demo.lms import Lms, Problem
from demo.platform import LaunchRefused, Message, TokenRefused

BODY_LIMIT = 64 * 1024


def launch_address(
    organisation: Organisation,
    course: Course,
    activity: Activity,
    person: Person,
    review: Person | None = None,
) -> str:
    """The click on an activity, or, with `review`, on that learner's work in the gradebook."""
    query = {"course": course.id, "activity": activity.id, "person": person.id}
    if review is not None:
        query["review"] = review.id
    return f"/org/{organisation.slug}/launch?{urlencode(query)}"


def add_launches(app: FastAPI, lms: Lms) -> None:
    @app.get("/org/{slug}/launch")
    def launch(
        slug: str,
        course: str,
        person: str,
        activity: str | None = None,
        review: str | None = None,
        tool: str = "",
        target: str = "iframe",
    ) -> Response:
        """A click: send the browser to the tool's login. Without an activity it is for choosing one (deep linking), with
        `review` it is for that learner's work."""
        organisation = lms.catalogue.organisation(slug)
        shown_course = organisation.course(course)
        shown = shown_course.activity(activity) if activity else None
        clicker = organisation.person(person)
        message: Message = "LtiResourceLinkRequest"
        if shown is None or review:
            message = "LtiSubmissionReviewRequest" if shown else "LtiDeepLinkingRequest"
            if clicker.role != "instructor":
                raise Problem(403, "For instructors", "Only an instructor of the course may do this.")
        if shown is not None and review and not shown.is_graded:
            raise Problem(404, "Not found", "This activity has no column in the gradebook.")
        address = lms.platform(slug, shown.tool if shown else tool).start_launch(
            shown_course,
            shown,
            clicker,
            target if target in ("iframe", "window") else "iframe",
            offers_storage=lms.switches.platform_storage and lms.switches.cookies != "blocked",
            message=message,
            for_user=organisation.person(review) if review else None,
        )
        response = RedirectResponse(address, 302)
        response.headers["Content-Security-Policy"] = "default-src 'none'; frame-ancestors 'self'"
        return response

    @app.get("/org/{slug}/jwks.json")
    def keys(slug: str) -> Any:
        return lms.platform(slug).get_jwks()

    @app.get("/org/{slug}/auth")
    @app.post("/org/{slug}/auth")
    async def authenticate(slug: str, request: Request) -> Response:
        """OpenID Connect's authentication request of the tool, answered with a form that the browser posts back."""
        await asyncio.sleep(lms.switches.slow_seconds)
        if request.method == "POST":
            pairs = await form_of(request)
        else:
            pairs = parse_qsl(request.url.query, keep_blank_values=True)
        fields = dict(pairs)
        try:
            if len(fields) != len(pairs):
                raise LaunchRefused("A parameter occurs twice.")
            try:
                platform = lms.platform(slug, fields.get("client_id", "?"))
            except NotInCatalogue as missing:
                raise LaunchRefused("The client_id is not one of ours.") from missing
            answer = platform.answer_auth(fields, only_once=lms.switches.one_time_launches)
        except LaunchRefused as refused:
            if not refused.code or not fields.get("state"):
                raise Problem(400, "This activity did not open", refused.reason) from refused
            answer = {"error": refused.code, "error_description": refused.reason, "state": fields["state"]}
        nonce = secrets.token_urlsafe(16)
        page = lms.pages.get_template("post.html").render(
            action=platform.tool.launch_url, fields=answer, nonce=nonce
        )
        response = HTMLResponse(page)
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'nonce-{nonce}';"
            f" form-action {lms.tool.origin}; base-uri 'none'; frame-ancestors 'self'"
        )
        return response

    @app.post("/org/{slug}/token")
    async def token(slug: str, request: Request) -> Response:
        lms.catalogue.organisation(slug)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            return _token_error("invalid_request", "The request must be form-encoded.", 400)
        fields = dict(await form_of(request))
        try:
            platform = lms.platform(slug, client_of(fields.get("client_assertion", "")))
        except NotInCatalogue:
            return _token_error("invalid_client", "iss of the assertion is no client of ours.", 401)
        try:
            granted = await run_in_threadpool(platform.answer_token, fields)
        except TokenRefused as refused:
            return _token_error(
                refused.code, refused.reason, 401 if refused.code == "invalid_client" else 400
            )
        return JSONResponse(granted)


def client_of(assertion: str) -> str:
    """The client that a token says it is from, not checked yet; the organisation's first one where it says nothing readable."""
    try:
        claims = jwt.decode(assertion, options={"verify_signature": False})
    except jwt.PyJWTError:
        return ""
    return str(claims.get("iss", ""))


def _token_error(code: str, reason: str, status: int) -> Response:
    return JSONResponse({"error": code, "error_description": reason}, status)


async def form_of(request: Request) -> list[tuple[str, str]]:
    return parse_qsl((await body_of(request)).decode("utf-8", "replace"), keep_blank_values=True)


async def body_of(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            raise Problem(413, "Too large", "A request to the demo LMS is at most 64 KiB.")
    return body
