"""Handing a question of one's own conversation to an expert, and what came of it."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.coach.expert_answers import current_answer, is_review_due
from app.coach.expert_links import mail_server
from app.coach.hand_offs import (
    ANSWERED,
    LONGEST_QUESTION,
    LONGEST_SITUATION,
    Wanted,
    access_own_hand_off,
    answer_days,
    expert_of,
    experts_to_ask,
    hand_offs_of_turn,
    hand_offs_of_turns,
    next_in_line,
    record_hand_off,
    withdraw_hand_off,
    working_days_after,
)
from app.coach.hints import WHOLE
from app.coach.models import HandOff
from app.course.access import AnyVisitor, Visitor, refuse_anonymous
from app.course.content import Expert
from app.course.experts import role_of_expert
from app.course.services import Services
from app.kit.clock import now
from app.kit.db import Db
from app.kit.i18n import Translator, day_in
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.ask.after import record_unblocked
from app.rooms.ask.closing import COACH_IS_OPEN
from app.rooms.ask.conversations import access_turn
from app.rooms.ask.models import Turn

router = APIRouter()
SENDING = RateLimit(per_minute=10)

SHOWN_EXPERTS = 6
SHOWN_PLACES = 5


@router.get("/ask/turns/{turn_id}/hand-off", dependencies=[COACH_IS_OPEN])
def show_hand_off_form(request: Request, visitor: AnyVisitor, session: Db, turn_id: str) -> Response:
    """What an expert would see of this question, to be changed before it goes; or what was sent already."""
    turn = access_turn(session, visitor, turn_id)
    refuse_anonymous(visitor)
    if sent := hand_offs_of_turn(session, visitor, turn.id):
        return RedirectResponse(f"/ask/hand-offs/{sent[-1].id}", 303)
    view = form_view(request.app.state.services, session, visitor, turn, translator_of(request))
    return render_page(request, "experts/ask.html", **view)


@router.post("/ask/turns/{turn_id}/hand-off")
def hand_off(
    request: Request,
    visitor: AnyVisitor,
    session: Db,
    turn_id: str,
    question: Annotated[str, Form()] = "",
    situation: Annotated[str, Form()] = "",
    expert: Annotated[str, Form(max_length=32)] = "",
    places: Annotated[str, Form(max_length=10)] = "",
    name: Annotated[str, Form(max_length=10)] = "",
) -> Response:
    """Sends the question."""
    SENDING.hit(visitor.user_id)
    turn = access_turn(session, visitor, turn_id)
    wanted = Wanted(
        expert_id=expert or None,
        asked=turn.question,
        question=question,
        situation=situation,
        places=places_of(turn) if places else (),
        shows_name=bool(name),
    )
    row = record_hand_off(request.app.state.services, session, visitor, turn.id, wanted)
    record_unblocked(session, visitor, turn, "person")
    return RedirectResponse(f"/ask/hand-offs/{row.id}", 303)


@router.get("/ask/hand-offs/{hand_off_id}", dependencies=[COACH_IS_OPEN])
def show_hand_off(request: Request, visitor: AnyVisitor, session: Db, hand_off_id: str) -> Response:
    """The visitor's own question with an expert: what was sent, who has it, until when, and the answer."""
    row = access_own_hand_off(session, visitor, hand_off_id)
    if row.state == ANSWERED and row.seen_at is None:
        with request.app.state.database.write() as writing:
            writing.get_one(HandOff, row.id).seen_at = now()
    return render_page(
        request, "experts/sent.html", hand_off=hand_off_view(session, row, translator_of(request))
    )


@router.post("/ask/hand-offs/{hand_off_id}/withdraw")
def withdraw(request: Request, visitor: AnyVisitor, session: Db, hand_off_id: str) -> Response:
    """Takes an unanswered question back."""
    row = withdraw_hand_off(session, visitor, hand_off_id)
    return RedirectResponse(f"/ask/hand-offs/{row.id}", 303)


def with_hand_offs(
    session: Session, visitor: Visitor, views: list[dict[str, Any]], translate: Translator
) -> list[dict[str, Any]]:
    """The turns' views with what experts/on_turn.html shows below each."""
    found = hand_offs_of_turns(session, visitor, [view["id"] for view in views])
    return [
        {
            **view,
            "hand_off": hand_off_view(session, found[view["id"]][-1], translate)
            if view["id"] in found
            else None,
        }
        for view in views
    ]


def form_view(
    services: Services, session: Session, visitor: Visitor, turn: Turn, translate: Translator
) -> dict[str, Any]:
    """What experts/ask.html shows."""
    experts = experts_to_ask(services, session, visitor, turn.question)
    missing = turn.answer.get("missing", "")
    course = translate("Course: %(course)s", course=visitor.context_title) if visitor.context_title else ""
    partly = translate("The documents say nothing about %(words)s.", words=missing) if missing else ""
    choices = [_choice(services, expert, experts, translate) for expert in experts[:SHOWN_EXPERTS]]
    return {
        "turn_id": turn.id,
        "question": turn.question,
        "situation": " ".join(part for part in (course, partly) if part)[:LONGEST_SITUATION],
        "places": places_of(turn),
        "choices": [*choices, _choice(services, None, experts, translate)],
        "name": visitor.name,
        "longest_question": LONGEST_QUESTION,
        "longest_situation": LONGEST_SITUATION,
    }


def places_of(turn: Turn) -> list[dict[str, str]]:
    """Where the content came closest to the question: each document and place once. Of an answer that is held back, none."""
    cited = turn.answer.get("citations", ()) if turn.hint_level >= WHOLE else ()
    entries = [*cited, *turn.answer.get("closest", ())]
    pairs = dict.fromkeys((entry["document"], entry["place"]) for entry in entries)
    return [{"document": document, "place": place} for document, place in pairs][:SHOWN_PLACES]


def hand_off_view(session: Session, row: HandOff, translate: Translator) -> dict[str, Any]:
    """What the learner sees of a question that they handed on; days are already in their language."""

    def day(value: Any) -> str:
        return day_in(translate.locale, value)

    expert = expert_of(session, row)
    answer = current_answer(session, row.id)
    following = session.get(Expert, row.fallback_expert_id) if row.fallback_expert_id else None
    return {
        "id": row.id,
        "href": f"/ask/hand-offs/{row.id}",
        "state": row.state,
        "question": row.question,
        "situation": row.situation,
        "places": row.places,
        "shows_name": row.shows_name,
        "who": expert.name if expert else "",
        "role": role_of_expert(expert, translate.locale) if expert else "",
        "sent": day(row.sent_at.date()),
        "due": day(row.due_at.date()),
        "is_late": row.state == "open" and row.due_at <= now(),
        "is_reminded": row.reminded_at is not None,
        "is_passed_on": row.passed_on_at is not None,
        "following": following.name if following else "",
        "answer": {
            "author": answer.author,
            "text": answer.text,
            "day": day(answer.created_at.date()),
            "reviewed": day(answer.reviewed_on),
            "is_review_due": is_review_due(answer),
            "is_citable": answer.is_citable and answer.document_id is not None,
            "version": answer.version,
        }
        if answer
        else None,
    }


def _choice(
    services: Services, expert: Expert | None, experts: list[Expert], translate: Translator
) -> dict[str, Any]:
    """One radio button: who, what they know, until when they are expected to answer, and who is next in line."""
    following = next_in_line(experts, expert.id if expert else None)
    days = answer_days(services, expert)
    way = "tool"
    if expert is not None and expert.user_id is None:
        way = "mail" if expert.email and mail_server(services) else "instructor"
    return {
        "id": expert.id if expert else "",
        "name": expert.name if expert else "",
        "role": role_of_expert(expert, translate.locale) if expert else "",
        "topics": expert.topics[:4] if expert and translate.locale == "en" else [],
        "due": day_in(translate.locale, working_days_after(now(), days).date()),
        "way": way,
        "following": following.name if following else "",
    }
