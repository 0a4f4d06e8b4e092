"""The queue of handed-off questions, answering one, links to it, and the gaps of the content."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from app.coach.expert_answers import (
    IN_TOOL,
    Author,
    confirm_answer,
    read_answer,
    record_answer,
    withdraw_answer,
)
from app.coach.expert_links import address_of, end_links, make_link
from app.coach.hand_offs import OPEN, access_handed_off, own_expert_ids
from app.coach.models import ExpertAnswer
from app.course.access import AnyVisitor, Reviewer, refuse_anonymous
from app.course.content import Expert
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.db import Db
from app.kit.errors import NotFound
from app.kit.pages import render_page, translator_of
from app.rooms.experts.service import ExpertsOnly, gaps_view, may_answer, question_view, queue_view

router = APIRouter()


async def posted_form(request: Request) -> dict[str, str]:
    """The form's fields as text."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


PostedForm = Annotated[dict[str, str], Depends(posted_form)]


@router.get("/experts")
def show_queue(request: Request, visitor: AnyVisitor, session: Db) -> Response:
    """What waits for an answer and what was answered: a reviewer sees the course's, an expert what is with them."""
    if not may_answer(session, visitor):
        raise ExpertsOnly
    view = queue_view(request.app.state.services, session, visitor, translator_of(request))
    return render_page(request, "experts/queue.html", **view)


@router.get("/experts/gaps")
def show_gaps(request: Request, visitor: Reviewer, session: Db) -> Response:
    """What learners asked and the content does not cover, by topic."""
    return render_page(request, "experts/gaps.html", gaps=gaps_view(session, visitor, translator_of(request)))


@router.get("/experts/questions/{question_id}")
def show_question(request: Request, visitor: AnyVisitor, session: Db, question_id: str) -> Response:
    """One question with its answer, or the form for it."""
    row = access_handed_off(session, visitor, question_id)
    return _page(request, visitor, session, row)


@router.post("/experts/questions/{question_id}/links")
def new_link(request: Request, visitor: Reviewer, session: Db, question_id: str) -> Response:
    """A link for the expert, shown once, for the instructor to pass on."""
    row = access_handed_off(session, visitor, question_id, for_update=True)
    expert = session.get(Expert, row.expert_id) if row.expert_id else None
    if row.context_id != visitor.context_id or row.state != OPEN or expert is None:
        raise NotFound
    link, token = make_link(session, row, expert, created_by=visitor.user_id)
    record_event(
        session,
        "expert_link.made",
        organisation_id=row.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="expert_link",
        subject_id=link.id,
        hand_off_id=row.id,
    )
    return _page(request, visitor, session, row, address=address_of(request.app.state.services, token))


@router.post("/experts/questions/{question_id}/links/end")
def end_all_links(request: Request, visitor: Reviewer, session: Db, question_id: str) -> Response:
    """Ends every link to the question at once."""
    row = access_handed_off(session, visitor, question_id, for_update=True)
    if row.context_id != visitor.context_id:
        raise NotFound
    end_links(session, row.id)
    record_event(
        session,
        "expert_links.ended",
        organisation_id=row.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="hand_off",
        subject_id=row.id,
    )
    return RedirectResponse(f"/experts/questions/{row.id}", 303)


@router.post("/experts/questions/{question_id}/answer")
def answer(
    request: Request, visitor: AnyVisitor, session: Db, question_id: str, form: PostedForm
) -> Response:
    """Sends an answer, or a further version of one."""
    refuse_anonymous(visitor)
    services: Services = request.app.state.services
    row = access_handed_off(session, visitor, question_id, for_update=True)
    own = own_expert_ids(session, visitor)
    expert = session.get(Expert, row.expert_id) if row.expert_id in own else None
    author = Author(
        name=expert.name if expert else visitor.name,
        expert_id=expert.id if expert else None,
        user_id=visitor.user_id,
        via=IN_TOOL,
    )
    record_answer(services, session, row, author, read_answer(form))
    services.wake()
    return RedirectResponse(f"/experts/questions/{row.id}", 303)


@router.post("/experts/answers/{answer_id}/confirm")
def confirm(request: Request, visitor: AnyVisitor, session: Db, answer_id: str) -> Response:
    """Lets the coach cite an answer that came by a link."""
    refuse_anonymous(visitor)
    services: Services = request.app.state.services
    read = session.get(ExpertAnswer, answer_id)
    if read is None:
        raise NotFound
    row = access_handed_off(session, visitor, read.hand_off_id, for_update=True)
    confirm_answer(services, session, row, read.id, actor_id=visitor.user_id)
    services.wake()
    return RedirectResponse(f"/experts/questions/{row.id}", 303)


@router.post("/experts/questions/{question_id}/withdraw")
def take_back(request: Request, visitor: AnyVisitor, session: Db, question_id: str) -> Response:
    """Takes the answer out of use: it is cited no more."""
    services: Services = request.app.state.services
    row = access_handed_off(session, visitor, question_id, for_update=True)
    withdraw_answer(services, session, row, actor_id=visitor.user_id)
    services.wake()
    return RedirectResponse(f"/experts/questions/{row.id}", 303)


def _page(request: Request, visitor: Any, session: Any, row: Any, address: str = "") -> Response:
    services: Services = request.app.state.services
    view = question_view(services, session, visitor, row, translator_of(request))
    return render_page(request, "experts/question.html", **view, address=address)
