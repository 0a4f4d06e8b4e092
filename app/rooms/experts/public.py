"""The door of an expert without an account: one link, one question, one browser.

GET looks nothing up unless this browser has opened the link before: mail programs and chats open links to show what is behind
them, and whoever guesses sees the same button under every address.
"""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import RedirectResponse, Response

from app.coach.expert_answers import (
    BY_LINK,
    REVIEW_AFTER,
    Author,
    awaits_confirmation,
    read_answer,
    record_answer,
)
from app.coach.expert_links import LIFE, LinkClosed, access_linked, claim_link
from app.coach.guard import without_addresses
from app.coach.models import HandOff
from app.course.content import Expert
from app.course.services import Services
from app.kit.clock import now
from app.kit.db import Db
from app.kit.errors import InputRefused
from app.kit.ids import secret_hash
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.experts.answering import PostedForm
from app.rooms.experts.service import asked_view

router = APIRouter()
# Guessing 256 bits is hopeless anyway; this keeps the attempt from being a load.
OPENING = RateLimit(per_minute=20)

NOT_INDEXED = {"X-Robots-Tag": "noindex, nofollow"}


@router.get("/answer/{token}")
def show_answer_form(request: Request, session: Db, token: str) -> Response:
    """The question and the form for whom the link is bound to; a button for everybody else."""
    _count(request)
    try:
        row, expert = access_linked(session, token, _browser(request, token))
    except LinkClosed:
        return render_page(
            request, "experts/open_link.html", headers=NOT_INDEXED, action=f"/answer/{token}/open"
        )
    return _form_page(request, session, row, expert, token)


@router.post("/answer/{token}/open")
def open_link(request: Request, session: Db, token: str) -> Response:
    """Binds the link to this browser, if it is the first."""
    _count(request)
    services: Services = request.app.state.services
    _, secret = claim_link(session, token, _browser(request, token))
    response = RedirectResponse(f"/answer/{token}", 303, headers=NOT_INDEXED)
    response.set_cookie(
        _cookie(token),
        secret,
        max_age=int(LIFE.total_seconds()),
        path="/answer",
        secure=services.settings.url.startswith("https://"),
        httponly=True,
        samesite="lax",
    )
    return response


@router.post("/answer/{token}")
def answer_by_link(request: Request, session: Db, token: str, form: PostedForm) -> Response:
    """Sends the answer; the link ends with it."""
    _count(request)
    services: Services = request.app.state.services
    row, expert = access_linked(session, token, _browser(request, token), for_update=True)
    try:
        written = read_answer(form)
    except InputRefused as refused:
        # Nothing that was typed is lost: there is no script on this page to keep it.
        return _form_page(request, session, row, expert, token, typed=form, problem=refused.advice)
    author = Author(name=expert.name, expert_id=expert.id, user_id=None, via=BY_LINK)
    answer = record_answer(services, session, row, author, written)
    services.wake()
    return render_page(
        request,
        "experts/thanks.html",
        headers=NOT_INDEXED,
        is_to_confirm=awaits_confirmation(answer),
    )


def _form_page(
    request: Request,
    session: Db,
    row: HandOff,
    expert: Expert,
    token: str,
    typed: dict[str, str] | None = None,
    problem: str = "",
) -> Response:
    form = {
        "text": "",
        "title": without_addresses(row.question),
        "citable": "yes",
        "review": (now().date() + REVIEW_AFTER).isoformat(),
    }
    if typed is not None:
        form = {name: typed.get(name, "") for name in form}
    return render_page(
        request,
        "experts/answer.html",
        status=422 if problem else 200,
        headers=NOT_INDEXED,
        action=f"/answer/{token}",
        expert=expert.name,
        asked=asked_view(session, row, translator_of(request)),
        can_be_cited=row.collection_id is not None,
        form=form,
        problem=problem,
        today=now().date().isoformat(),
    )


def _count(request: Request) -> None:
    OPENING.hit(request.client.host if request.client else "")


def _cookie(token: str) -> str:
    """One cookie for each link, named by what nobody can turn back into the link."""
    return f"workside_answer_{secret_hash(token)[:16]}"


def _browser(request: Request, token: str) -> str | None:
    return request.cookies.get(_cookie(token))
