"""The doors of a launch: LTI's own routes, and the first page of a visit."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.course.access import AnyPerson
from app.course.launches import frame_origins_of_all, take_start
from app.kit.errors import SignedOut
from app.kit.pages import render_error, render_page

router = APIRouter()


@router.get("/start/{code}")
def start_visit(request: Request, code: str) -> Response:
    """The shell of a visit, with its bearer. The code works once; a second use (a reload) is told to launch again."""
    try:
        start = take_start(request.app.state.services, code)
    except SignedOut as error:
        # The code alone told whose frame this is.
        request.state.frame_ancestors = frame_origins_of_all(request.app.state.services)
        return render_error(request, error)
    request.state.frame_ancestors = start.frame_origins
    request.state.locale = start.locale
    return render_page(request, "shell.html", session={"bearer": start.bearer, "first": start.first})


@router.get("/kept")
def show_kept(request: Request, person: AnyPerson) -> Response:
    """What is kept about a person and who sees it, from what each room declares; what a data privacy launch opens."""
    return render_page(request, "kept.html", kept=request.app.state.personal_data, person=person)
