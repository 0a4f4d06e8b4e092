"""The doors of a launch: LTI's own routes, and the first page of a visit."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.course.launches import take_start
from app.kit.errors import SignedOut
from app.kit.pages import render_error, render_page

router = APIRouter()


@router.get("/start/{code}")
def start_visit(request: Request, code: str) -> Response:
    """The shell of a visit, with its bearer. The code works once; a second use (a reload) is told to launch again."""
    try:
        start = take_start(request.app.state.services, code)
    except SignedOut as error:
        return render_error(request, error)
    request.state.frame_ancestors = start.frame_origins
    request.state.locale = start.locale
    return render_page(request, "shell.html", session={"bearer": start.bearer, "first": start.first})
