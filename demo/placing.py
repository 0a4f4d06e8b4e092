"""What an instructor adds to a course: activities by deep linking, a copy of the whole course, and the notices that go with it."""

from __future__ import annotations

import json
import secrets
import threading
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import jwt
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from lti1p3platform.exceptions import LtiException
from lti1p3platform.registration import Registration
from starlette.concurrency import run_in_threadpool

from demo.catalogue import Activity, Course, Organisation, Person
from demo.gradebook import LineItem
from demo.launches import body_of, client_of, form_of
from demo.lms import Lms, Problem
from demo.pages import FRAME_FEATURES
from demo.platform import NOTICE_HANDLERS, NOTICE_TYPES, AnswerRefused, Platform

# A course page has room for so many; an answer with more is a mistake or an attack.
MOST_ITEMS = 50


def add_placing(app: FastAPI, lms: Lms) -> None:
    @app.get("/add", response_class=HTMLResponse)
    def choose(org: str, course: str, person: str, tool: str = "") -> str:
        """The page with the tool's picker in its frame."""
        organisation, shown_course, clicker = _place(lms, org, course, person)
        platform = lms.platform(organisation.slug, tool)
        query = {"course": shown_course.id, "person": clicker.id} | ({"tool": tool} if tool else {})
        return lms.pages.get_template("add.html").render(
            catalogue=lms.catalogue,
            organisation=organisation,
            course=shown_course,
            person=clicker,
            back=course_address(organisation, shown_course, clicker),
            tools=[entry.tool for entry in lms.platforms(organisation.slug)],
            tool=platform.tool,
            launch=f"/org/{organisation.slug}/launch?{urlencode(query)}",
            tool_origin=lms.tool.origin,
            allow="; ".join(f"{feature} {lms.tool.origin}" for feature in FRAME_FEATURES),
            switches=lms.switches,
            address=lambda tool="": (
                "/add?"
                + urlencode(
                    {"org": org, "course": course, "person": person} | ({"tool": tool} if tool else {})
                )
            ),
        )

    @app.post("/org/{slug}/courses/{course_id}/deep-link")
    async def take_answer(slug: str, course_id: str, request: Request) -> Response:
        """The tool's deep linking response, posted by the browser inside the frame."""
        organisation = lms.catalogue.organisation(slug)
        course = organisation.course(course_id)
        posted = dict(await form_of(request)).get("JWT", "")
        platform = lms.platform(slug, client_of(posted))
        try:
            launch, items, words = await run_in_threadpool(platform.answer_deep_link, course, posted)
            placed = [_activity(platform, item) for item in items[:MOST_ITEMS]]
        except AnswerRefused as refused:
            raise Problem(400, "Nothing was added", str(refused)) from refused
        for activity, item in placed:
            lms.add_activity(organisation, course, activity, item)
        first = placed[0][0].id if placed else None
        return _way_back(
            lms,
            title=f"{len(placed)} added" if placed else "Nothing was added",
            words=words,
            address=course_address(organisation, course, launch.person, first),
        )

    @app.post("/activities/remove")
    async def remove(request: Request) -> Response:
        fields = dict(await form_of(request))
        organisation, course, person = _place(
            lms, fields.get("org", ""), fields.get("course", ""), fields.get("person", "")
        )
        activity = course.activity(fields.get("activity", ""))
        if not activity.is_added or len(course.activities) == 1:
            raise Problem(
                400, "It stays", "Only what was added can be removed, and a course keeps one activity."
            )
        lms.remove_activity(organisation, course, activity)
        return RedirectResponse(course_address(organisation, course, person), 303)

    @app.post("/courses/copy")
    async def copy(request: Request) -> Response:
        """A copy of the course, of which every tool hears that asked for it."""
        fields = dict(await form_of(request))
        organisation, course, person = _place(
            lms, fields.get("org", ""), fields.get("course", ""), fields.get("person", "")
        )
        made = lms.copy_course(organisation, course)
        for platform in lms.platforms(organisation.slug):
            tell(lms, platform, "LtiContextCopyNotice", made)
        return RedirectResponse(course_address(organisation, made, person), 303)

    @app.post("/courses/remove")
    async def remove_copy(request: Request) -> Response:
        fields = dict(await form_of(request))
        organisation, course, person = _place(
            lms, fields.get("org", ""), fields.get("course", ""), fields.get("person", "")
        )
        if not course.history:
            raise Problem(400, "It stays", "Only a copy can be removed.")
        lms.remove_course(organisation, course)
        return RedirectResponse(course_address(organisation, organisation.courses[0], person), 303)

    _add_notices(app, lms)


def _add_notices(app: FastAPI, lms: Lms) -> None:
    """Where tools say which notices they want (Platform Notification Service 1.0, 3)."""

    def client(slug: str, request: Request) -> Platform:
        platform = lms.platform(slug)
        token = request.headers.get("authorization", "").partition(" ")[2]
        try:
            may = platform.validate_token(token, [NOTICE_HANDLERS])
            claims = Registration.decode_and_verify(
                token, platform.get_registration().get_platform_public_key()
            )
        except (LtiException, jwt.PyJWTError) as problem:
            raise Problem(401, "No valid token", str(problem)) from problem
        if not may:
            raise Problem(403, "Scope missing", f"The token lacks {NOTICE_HANDLERS}.")
        return lms.platform(slug, str(claims.get("sub", "")))

    def shown(slug: str, platform: Platform) -> dict[str, Any]:
        facts = platform.facts
        handlers = lms.additions.handlers(slug, facts["client_id"])
        return {
            "client_id": facts["client_id"],
            "deployment_id": facts["deployment_id"],
            "notice_handlers": [
                {"notice_type": notice_type, "handler": handlers.get(notice_type, "")}
                for notice_type in NOTICE_TYPES
            ],
        }

    @app.get("/org/{slug}/notice-handlers")
    def list_handlers(slug: str, request: Request) -> Response:
        return JSONResponse(shown(slug, client(slug, request)))

    @app.put("/org/{slug}/notice-handlers")
    async def set_handler(slug: str, request: Request) -> Response:
        platform = client(slug, request)
        try:
            body = json.loads(await body_of(request))
            notice_type, handler = body["notice_type"], body["handler"]
        except (ValueError, KeyError, TypeError) as problem:
            raise Problem(400, "Bad request", "notice_type and handler are needed.") from problem
        if notice_type not in NOTICE_TYPES or not isinstance(handler, str):
            raise Problem(400, "Bad request", f"notice_type is one of {', '.join(NOTICE_TYPES)}.")
        split = urlsplit(handler)
        if handler and f"{split.scheme}://{split.netloc}" != platform.tool.origin:
            # As on Canvas: the handler's host is the tool's own.
            raise Problem(400, "Bad request", "The handler is not on the tool's own site.")
        lms.additions.set_handler(slug, platform.facts["client_id"], notice_type, handler)
        return JSONResponse({"notice_type": notice_type, "handler": handler})


def tell(lms: Lms, platform: Platform, notice_type: str, course: Course) -> None:
    """Sends a notice to the handler that the tool asked for, if it did; once, in the background, as Canvas does."""
    handler = lms.additions.handlers(platform.organisation.slug, platform.facts["client_id"]).get(notice_type)
    if not handler:
        return
    if handler.startswith(lms.tool.origin + "/"):
        handler = lms.tool_service + handler.removeprefix(lms.tool.origin)
    body = {"notices": [{"jwt": platform.notice(notice_type, course)}]}

    def send() -> None:
        try:
            httpx.post(handler, json=body, timeout=10, follow_redirects=False)
        except httpx.HTTPError as problem:
            print(f"Demo LMS: a notice did not arrive: {type(problem).__name__}", flush=True)

    threading.Thread(target=send, daemon=True).start()


def course_address(
    organisation: Organisation, course: Course, person: Person, activity: str | None = None
) -> str:
    """The page of a course as somebody."""
    query = {"org": organisation.slug, "course": course.id, "activity": activity, "person": person.id}
    return "/?" + urlencode({name: value for name, value in query.items() if value})


def _place(lms: Lms, org: str, course: str, person: str) -> tuple[Organisation, Course, Person]:
    """Where an instructor does something. Raises NotInCatalogue, and Problem for anybody else."""
    organisation = lms.catalogue.organisation(org)
    clicker = organisation.person(person)
    if clicker.role != "instructor":
        raise Problem(403, "For instructors", "Only an instructor of the course may do this.")
    return organisation, organisation.course(course), clicker


def _activity(platform: Platform, item: dict[str, Any]) -> tuple[Activity, LineItem | None]:
    """A content item as an activity of the course, and its column. Raises AnswerRefused."""

    def text(value: object, limit: int) -> str:
        return value[:limit] if isinstance(value, str) else ""

    url = text(item.get("url"), 2000) or platform.tool.target_url or platform.tool.launch_url
    split = urlsplit(url)
    if f"{split.scheme}://{split.netloc}" != platform.tool.origin:
        raise AnswerRefused("An item leads to another site than the tool's own.")
    custom = item.get("custom", {})
    if not isinstance(custom, dict) or not all(isinstance(value, str) for value in custom.values()):
        raise AnswerRefused("The custom parameters of an item are texts.")
    title = text(item.get("title"), 200) or platform.tool.name
    column = item.get("lineItem")
    maximum = column.get("scoreMaximum") if isinstance(column, dict) else None
    if column is not None and (
        isinstance(maximum, bool) or not isinstance(maximum, int | float) or not maximum > 0
    ):
        raise AnswerRefused("The line item of an item needs a scoreMaximum above 0.")
    column = column if isinstance(column, dict) else {}
    review = column.get("submissionReview")
    activity = Activity(
        id=f"added-{secrets.token_hex(4)}",
        title=title,
        summary=text(item.get("text"), 300) or "Added from Workside",
        custom=custom,
        maximum=None if maximum is None else float(maximum),
        url=url,
        review_url=text(review.get("url"), 2000) if isinstance(review, dict) else "",
        tool=platform.tool.client_id,
        is_added=True,
    )
    if activity.maximum is None:
        return activity, None
    return activity, LineItem(
        activity.id,
        text(column.get("label"), 200) or title,
        activity.maximum,
        activity.id,
        text(column.get("resourceId"), 255) or None,
        text(column.get("tag"), 255) or None,
    )


def _way_back(lms: Lms, *, title: str, words: str, address: str) -> Response:
    """The page inside the frame that tells the page around it to go on."""
    nonce = secrets.token_urlsafe(16)
    page = lms.pages.get_template("added.html").render(title=title, words=words, address=address, nonce=nonce)
    response = HTMLResponse(page)
    response.headers["Content-Security-Policy"] = (
        f"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'nonce-{nonce}';"
        " form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
    )
    return response
