"""The grade and member services over HTTP."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from lti1p3platform.response import Response as ServiceResponse
from starlette.concurrency import run_in_threadpool

from demo.launches import body_of
from demo.lms import Lms, Problem
from demo.platform import (
    LINE_ITEM,
    LINE_ITEM_READ,
    LINE_ITEM_TYPE,
    RESULT_READ,
    SCORE,
    SCORE_TYPE,
    IncomingRequest,
)
from demo.services import GradeService, MemberService


def add_services(app: FastAPI, lms: Lms) -> None:
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
        if answer.code >= 400 or answer.result is None:
            return _answer(answer)
        # The package puts the next page into the body; the specification's place is a Link header.
        following = answer.result.pop("next", None)
        response = _answer(answer)
        if following:
            response.headers["Link"] = f'<{following}>; rel="next"'
        return response


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
        return json.loads(await body_of(request))
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
