"""The demo LMS over HTTP: its page, the platform's addresses of the LTI standard, and the switches."""

from __future__ import annotations

import asyncio
import json
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from fastapi.staticfiles import StaticFiles
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lti1p3platform.response import Response as ServiceResponse
from pydantic import BaseModel, ConfigDict
from starlette.concurrency import run_in_threadpool

from demo.catalogue import Activity, Catalogue, Course, NotInCatalogue, Organisation, Person, read_catalogue
from demo.gradebook import Gradebook, LineItemNotFound, ScoreRefused
from demo.platform import (
    LINE_ITEM,
    LINE_ITEM_READ,
    LINE_ITEM_TYPE,
    RESULT_READ,
    SCORE,
    SCORE_TYPE,
    Addresses,
    GradeService,
    IncomingRequest,
    LaunchRefused,
    MemberService,
    Platform,
    TokenRefused,
    Tool,
    private_key,
)
from demo.switches import SwitchChange, Switches

HERE = Path(__file__).parent
BODY_LIMIT = 64 * 1024

# Moodle's frame gives the tool these, and no more.
FRAME_FEATURES = ("microphone", "camera", "geolocation", "midi", "encrypted-media", "autoplay", "fullscreen")


@dataclass(frozen=True)
class DemoSettings:
    """How the LMS is reached (`base_url` by browsers, `service_url` by the tool's server) and where the tool is."""

    data_dir: Path
    base_url: str = "http://127.0.0.1:8100"
    tool_url: str = "http://localhost:8000"
    service_url: str | None = None
    tool_service_url: str | None = None


class GradeEdit(BaseModel):
    """One grade set by hand; `score` None gives the cell back to the tool. `person` is the instructor who edits."""

    model_config = ConfigDict(extra="forbid")

    organisation: str
    course: str
    line_item: str
    learner: str
    person: str
    score: float | None


class Problem(Exception):
    """A request that ends in a plain page or JSON with this status."""

    def __init__(self, status: int, title: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.title = title
        self.reason = reason


class Lms:
    """The state of one running demo LMS."""

    def __init__(self, settings: DemoSettings, catalogue: Catalogue) -> None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.catalogue = catalogue
        self.switches = Switches()
        base = settings.base_url.rstrip("/")
        self.addresses = Addresses(base, (settings.service_url or base).rstrip("/"))
        tool = settings.tool_url.rstrip("/")
        split = urlsplit(tool)
        self.tool = Tool(
            f"{tool}/lti/login",
            f"{tool}/lti/launch",
            f"{(settings.tool_service_url or tool).rstrip('/')}/lti/jwks.json",
            f"{split.scheme}://{split.netloc}",
        )
        self.gradebook = Gradebook(settings.data_dir / "lms.sqlite3", catalogue)
        self.platforms = {
            organisation.slug: Platform(
                organisation,
                self.addresses,
                self.tool,
                self.gradebook,
                private_key(settings.data_dir / f"key-{organisation.slug}.pem"),
            )
            for organisation in catalogue.organisations
        }
        self.pages = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.pages.filters["points"] = lambda value: f"{value:g}"

    def platform(self, slug: str) -> Platform:
        self.catalogue.organisation(slug)
        return self.platforms[slug]


def registrations(
    base_url: str, service_url: str | None = None, catalogue: Catalogue | None = None
) -> list[dict[str, str]]:
    """What the tool must know of each organisation, known before the LMS runs."""
    base = base_url.rstrip("/")
    addresses = Addresses(base, (service_url or base).rstrip("/"))
    return [addresses.registration(entry) for entry in (catalogue or read_catalogue()).organisations]


def create_app(settings: DemoSettings, catalogue: Catalogue | None = None) -> FastAPI:
    """The demo LMS as an ASGI application; its state is in `settings.data_dir`."""
    lms = Lms(settings, catalogue or read_catalogue())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        lms.gradebook.close()

    app = FastAPI(title="Demo LMS", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.state.lms = lms
    app.mount("/static", StaticFiles(directory=HERE / "static"), name="static")

    @app.middleware("http")
    async def headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
        if request.method not in ("GET", "HEAD", "OPTIONS") and not request.url.path.startswith("/org/"):
            # The page's own writes: a frame of another site must not flip switches or edit grades.
            site, origin = request.headers.get("sec-fetch-site"), request.headers.get("origin")
            if site not in (None, "same-origin") or origin not in (None, lms.addresses.browser):
                return JSONResponse({"error": "Only the demo LMS's own page may do this."}, 403)
        response = await call_next(request)
        response.headers.setdefault(
            "Content-Security-Policy",
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self';"
            # 'self' too, since a launch passes through our own authentication address inside the frame.
            f" frame-src 'self' {lms.tool.origin}; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        )
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        response.headers.setdefault("Referrer-Policy", "no-referrer")
        # Static files too: this program changes between two runs of a demonstration.
        response.headers.setdefault(
            "Cache-Control", "no-cache" if "/static/" in request.url.path else "no-store"
        )
        return response

    @app.exception_handler(Problem)
    async def show_problem(request: Request, problem: Problem) -> Response:
        return _problem_page(lms, problem)

    @app.exception_handler(NotInCatalogue)
    async def show_missing(request: Request, missing: NotInCatalogue) -> Response:
        return _problem_page(lms, Problem(404, "Not found", str(missing)))

    _add_pages(app, lms)
    _add_platform(app, lms)
    _add_grades(app, lms)
    return app


def _problem_page(lms: Lms, problem: Problem) -> Response:
    text = lms.pages.get_template("problem.html").render(title=problem.title, reason=problem.reason)
    response = HTMLResponse(text, problem.status)
    # It may stand inside the frame, when the tool's authentication request was wrong.
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return response


# What people see


def _add_pages(app: FastAPI, lms: Lms) -> None:
    @app.get("/healthz")
    def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/", response_class=HTMLResponse)
    def page(
        org: str | None = None,
        course: str | None = None,
        activity: str | None = None,
        person: str | None = None,
    ) -> str:
        organisation = lms.catalogue.organisation(org) if org else lms.catalogue.organisations[0]
        shown_course = organisation.course(course) if course else organisation.courses[0]
        shown_activity = shown_course.activity(activity) if activity else shown_course.activities[0]
        signed_in = organisation.person(person) if person else None

        def address(**changes: str | None) -> str:
            chosen: dict[str, str | None] = {
                "org": organisation.slug,
                "course": shown_course.id,
                "activity": shown_activity.id,
                "person": person,
            }
            return "/?" + urlencode({key: value for key, value in (chosen | changes).items() if value})

        launch = (
            ""
            if signed_in is None
            else _launch_address(organisation, shown_course, shown_activity, signed_in)
        )
        return lms.pages.get_template("page.html").render(
            catalogue=lms.catalogue,
            activity=shown_activity,
            address=address,
            launch=launch,
            switches=lms.switches,
            tool_origin=lms.tool.origin,
            allow="; ".join(f"{feature} {lms.tool.origin}" for feature in FRAME_FEATURES),
            **_gradebook_view(lms, organisation, shown_course, signed_in),
        )

    @app.get("/gradebook", response_class=HTMLResponse)
    def gradebook(org: str, course: str, person: str | None = None, seen: int = -1) -> Response:
        """The gradebook's part of the page, or 204 when nothing changed since version `seen`."""
        if lms.gradebook.version() == seen:
            return Response(status_code=204)
        organisation = lms.catalogue.organisation(org)
        view = _gradebook_view(
            lms, organisation, organisation.course(course), organisation.person(person) if person else None
        )
        return HTMLResponse(lms.pages.get_template("gradebook.html").render(**view))

    @app.get("/gradebook.json")
    def gradebook_json(org: str | None = None, course: str | None = None) -> dict[str, Any]:
        """Columns, results and every arrived score, optionally of one organisation or course."""
        return {
            "version": lms.gradebook.version(),
            "courses": [
                _gradebook_data(lms, organisation, entry)
                for organisation in lms.catalogue.organisations
                if org in (None, organisation.slug)
                for entry in organisation.courses
                if course in (None, entry.id)
            ],
        }

    @app.post("/grades")
    def edit(change: GradeEdit) -> Response:
        """An instructor sets a grade by hand, or gives the cell back to the tool."""
        organisation = lms.catalogue.organisation(change.organisation)
        if organisation.person(change.person).role != "instructor":
            return JSONResponse({"error": "Only an instructor of the course edits grades."}, 403)
        try:
            lms.gradebook.edit_by_hand(
                organisation,
                organisation.course(change.course),
                change.line_item,
                change.learner,
                change.score,
            )
        except LineItemNotFound:
            return JSONResponse({"error": "That column is gone."}, 404)
        except ScoreRefused as refused:
            return JSONResponse({"error": refused.reason}, refused.status)
        return JSONResponse({"version": lms.gradebook.version()})

    @app.post("/gradebook/forget")
    def forget() -> dict[str, int]:
        """Empty all gradebooks, for a fresh demonstration."""
        lms.gradebook.forget()
        return {"version": lms.gradebook.version()}

    @app.get("/switches")
    def show_switches() -> Switches:
        return lms.switches

    @app.post("/switches")
    def set_switches(change: SwitchChange) -> Switches:
        lms.switches = change.applied_to(lms.switches)
        return lms.switches

    @app.get("/registrations.json")
    def show_registrations() -> list[dict[str, str]]:
        return [platform.facts for platform in lms.platforms.values()]


def _launch_address(organisation: Organisation, course: Course, activity: Activity, person: Person) -> str:
    query = urlencode({"course": course.id, "activity": activity.id, "person": person.id})
    return f"/org/{organisation.slug}/launch?{query}"


def _gradebook_view(
    lms: Lms, organisation: Organisation, course: Course, person: Person | None
) -> dict[str, Any]:
    version = lms.gradebook.version()
    items = lms.gradebook.line_items(organisation.slug, course.id)
    results = lms.gradebook.results(organisation.slug, [item.id for item in items])
    return {
        "version": version,
        "organisation": organisation,
        "course": course,
        "person": person,
        "learners": organisation.with_role("learner"),
        "line_items": items,
        "cells": {(result.line_item, result.person): result for result in results},
        "arrivals": lms.gradebook.arrivals(organisation.slug, course.id, limit=20),
        "names": {entry.id: entry.name for entry in organisation.people},
        "labels": {item.id: item.label for item in items},
        "may_edit": person is not None and person.role == "instructor",
    }


def _gradebook_data(lms: Lms, organisation: Organisation, course: Course) -> dict[str, Any]:
    items = lms.gradebook.line_items(organisation.slug, course.id)
    maxima = {item.id: item.maximum for item in items}
    return {
        "organisation": organisation.slug,
        "course": course.id,
        "title": course.title,
        "line_items": [
            {
                "id": item.id,
                "url": lms.addresses.line_item(organisation, course, item.id),
                "label": item.label,
                "maximum": item.maximum,
                "resource_link_id": item.resource_link_id,
                "resource_id": item.resource_id,
                "tag": item.tag,
            }
            for item in items
        ],
        "results": [
            {
                "line_item": result.line_item,
                "person": result.person,
                "score": result.score,
                "maximum": maxima[result.line_item],
                "comment": result.comment,
                "is_by_hand": result.is_by_hand,
            }
            for result in lms.gradebook.results(organisation.slug, list(maxima))
        ],
        "arrivals": [
            {
                "id": arrival.id,
                "line_item": arrival.line_item,
                "person": arrival.person,
                "received_at": _iso(arrival.received_at),
                "timestamp": arrival.timestamp,
                "score": arrival.score,
                "maximum": arrival.maximum,
                "comment": arrival.comment,
                "activity_progress": arrival.activity_progress,
                "grading_progress": arrival.grading_progress,
                "outcome": arrival.outcome,
                "reason": arrival.reason,
                "status": arrival.status,
            }
            for arrival in lms.gradebook.arrivals(organisation.slug, course.id)
        ],
    }


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


# What the tool and the browser of a launch see


def _add_platform(app: FastAPI, lms: Lms) -> None:
    @app.get("/org/{slug}/launch")
    def launch(slug: str, course: str, activity: str, person: str, target: str = "iframe") -> Response:
        """A click on an activity: send the browser to the tool's login."""
        organisation = lms.catalogue.organisation(slug)
        shown_course = organisation.course(course)
        address = lms.platform(slug).start_launch(
            shown_course,
            shown_course.activity(activity),
            organisation.person(person),
            target if target in ("iframe", "window") else "iframe",
            offers_storage=lms.switches.platform_storage and lms.switches.cookies != "blocked",
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
        platform = lms.platform(slug)
        await asyncio.sleep(lms.switches.slow_seconds)
        if request.method == "POST":
            pairs = await _form(request)
        else:
            pairs = parse_qsl(request.url.query, keep_blank_values=True)
        fields = dict(pairs)
        try:
            if len(fields) != len(pairs):
                raise LaunchRefused("A parameter occurs twice.")
            answer = platform.answer_auth(fields, only_once=lms.switches.one_time_launches)
        except LaunchRefused as refused:
            if not refused.code or not fields.get("state"):
                raise Problem(400, "This activity did not open", refused.reason) from refused
            answer = {"error": refused.code, "error_description": refused.reason, "state": fields["state"]}
        nonce = secrets.token_urlsafe(16)
        page = lms.pages.get_template("post.html").render(
            action=lms.tool.launch_url, fields=answer, nonce=nonce
        )
        response = HTMLResponse(page)
        response.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'self'; img-src 'self'; script-src 'nonce-{nonce}';"
            f" form-action {lms.tool.origin}; base-uri 'none'; frame-ancestors 'self'"
        )
        return response

    @app.post("/org/{slug}/token")
    async def token(slug: str, request: Request) -> Response:
        platform = lms.platform(slug)
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/x-www-form-urlencoded":
            return _token_error("invalid_request", "The request must be form-encoded.", 400)
        fields = dict(await _form(request))
        try:
            granted = await run_in_threadpool(platform.answer_token, fields)
        except TokenRefused as refused:
            return _token_error(
                refused.code, refused.reason, 401 if refused.code == "invalid_client" else 400
            )
        return JSONResponse(granted)


def _token_error(code: str, reason: str, status: int) -> Response:
    return JSONResponse({"error": code, "error_description": reason}, status)


async def _form(request: Request) -> list[tuple[str, str]]:
    return parse_qsl((await _body(request)).decode("utf-8", "replace"), keep_blank_values=True)


async def _body(request: Request) -> bytes:
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > BODY_LIMIT:
            raise Problem(413, "Too large", "A request to the demo LMS is at most 64 KiB.")
    return body


# Grades and members


def _add_grades(app: FastAPI, lms: Lms) -> None:
    prefix = "/org/{slug}/courses/{course_id}"

    async def gate() -> Response | None:
        await asyncio.sleep(lms.switches.slow_seconds)
        if lms.switches.gradebook == "down":
            return JSONResponse({"error": "The gradebook is down (a switch of the demo LMS)."}, 503)
        return None

    def service(
        slug: str, course_id: str, request: Request, scopes: list[str], body: Any = None
    ) -> GradeService:
        platform = lms.platform(slug)
        course = platform.organisation.course(course_id)
        incoming = IncomingRequest(request.method, request.headers, _paging(request), body)
        return GradeService(incoming, platform, course, scopes)

    @app.get(prefix + "/lineitems")
    async def list_line_items(slug: str, course_id: str, request: Request) -> Response:
        if refusal := await gate():
            return refusal
        grades = service(slug, course_id, request, [LINE_ITEM, LINE_ITEM_READ])
        return _page(await run_in_threadpool(grades.answer, grades.handle_get_lineitems), request)

    @app.post(prefix + "/lineitems")
    async def create_line_item(slug: str, course_id: str, request: Request) -> Response:
        if refusal := await gate():
            return refusal
        body = await _json(request, LINE_ITEM_TYPE)
        grades = service(slug, course_id, request, [LINE_ITEM], body)
        return _answer(await run_in_threadpool(grades.answer, grades.handle_create_lineitem))

    @app.api_route(prefix + "/lineitems/{line_item_id}/lineitem", methods=["GET", "PUT", "DELETE"])
    async def one_line_item(slug: str, course_id: str, line_item_id: str, request: Request) -> Response:
        if refusal := await gate():
            return refusal
        reading = request.method == "GET"
        body = await _json(request, LINE_ITEM_TYPE) if request.method == "PUT" else None
        grades = service(
            slug, course_id, request, [LINE_ITEM, LINE_ITEM_READ] if reading else [LINE_ITEM], body
        )
        handler = {
            "GET": grades.handle_get_lineitem,
            "PUT": grades.handle_update_lineitem,
            "DELETE": grades.handle_delete_lineitem,
        }[request.method]
        return _answer(await run_in_threadpool(grades.answer, handler, line_item_id=line_item_id))

    @app.post(prefix + "/lineitems/{line_item_id}/lineitem/scores")
    async def receive_score(slug: str, course_id: str, line_item_id: str, request: Request) -> Response:
        if refusal := await gate():
            return refusal
        body = await _json(request, SCORE_TYPE)
        grades = service(slug, course_id, request, [SCORE], body)
        answer = await run_in_threadpool(grades.answer, grades.handle_update_score, line_item_id=line_item_id)
        if lms.switches.gradebook == "reply-lost" and answer.code == 200:
            return JSONResponse({"error": "The reply was lost (a switch of the demo LMS)."}, 504)
        return _answer(answer)

    @app.get(prefix + "/lineitems/{line_item_id}/lineitem/results")
    async def list_results(slug: str, course_id: str, line_item_id: str, request: Request) -> Response:
        if refusal := await gate():
            return refusal
        grades = service(slug, course_id, request, [RESULT_READ])
        answer = await run_in_threadpool(grades.answer, grades.handle_get_results, line_item_id=line_item_id)
        return _page(answer, request)

    @app.get(prefix + "/members")
    async def list_members(slug: str, course_id: str, request: Request) -> Response:
        await asyncio.sleep(lms.switches.slow_seconds)
        platform = lms.platform(slug)
        course = platform.organisation.course(course_id)
        members = MemberService(IncomingRequest("GET", request.headers, _paging(request)), platform, course)
        answer = await run_in_threadpool(members.answer)
        return _answer(answer)


def _paging(request: Request) -> dict[str, Any]:
    """The query parameters that the package's handlers take as arguments; others (our own type_id) are not theirs."""
    known = {"limit", "page", "user_id", "resource_link_id", "resource_id", "tag", "role", "rlid"}
    found: dict[str, Any] = {name: value for name, value in request.query_params.items() if name in known}
    for name in ("limit", "page"):
        if name in found:
            if not found[name].isascii() or not found[name].isdecimal() or int(found[name]) < 1:
                raise Problem(400, "Bad request", f"{name} must be a positive whole number.")
            found[name] = int(found[name])
    return found


async def _json(request: Request, media_type: str) -> Any:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != media_type:
        # Moodle 5.1 answers 400 "No handler" to any other type.
        raise Problem(400, "Bad request", f"The content type must be {media_type}.")
    try:
        return json.loads(await _body(request))
    except ValueError as problem:
        raise Problem(400, "Bad request", "The body is not JSON.") from problem


def _answer(answer: ServiceResponse) -> Response:
    if answer.code >= 400:
        return JSONResponse({"error": answer.message}, answer.code)
    if answer.result is None:
        return Response(status_code=answer.code)
    return Response(json.dumps(answer.result), answer.code, media_type=answer.media_type)


def _page(answer: ServiceResponse, request: Request) -> Response:
    """A container: the specification's bare list, with the next page in a Link header."""
    if answer.code >= 400 or answer.result is None:
        return _answer(answer)
    response = Response(json.dumps(answer.result["content"]), answer.code, media_type=answer.media_type)
    if answer.result["has_next"]:
        page = int(request.query_params.get("page", "1")) + 1
        response.headers["Link"] = f'<{request.url.include_query_params(page=page)}>; rel="next"'
    return response
