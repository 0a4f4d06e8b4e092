"""Whom learners of a course can ask: an instructor names people of the course, or anybody by name and e-mail address."""

from __future__ import annotations

from fastapi import APIRouter, Request
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from app.coach.hand_offs import clean_words
from app.course.access import Reviewer, Visitor
from app.course.content import Expert
from app.course.models import Membership, User
from app.kit.audit import record_event
from app.kit.db import Db
from app.kit.errors import N_, InputRefused, NotFound
from app.kit.mail import check_address
from app.kit.pages import render_page, translator_of
from app.rooms.experts.answering import PostedForm
from app.rooms.experts.service import people_view

router = APIRouter()

LONGEST_NAME = 200
LONGEST_TOPICS = 1000
MOST_TOPICS = 30
MOST_EXPERTS = 50
MOST_DAYS = 60


@router.get("/experts/people")
def show_people(request: Request, visitor: Reviewer, session: Db) -> Response:
    """The experts of this course, and the form to name one."""
    view = people_view(request.app.state.services, session, visitor, translator_of(request))
    return render_page(request, "experts/people.html", **view)


@router.post("/experts/people")
def name_expert(request: Request, visitor: Reviewer, session: Db, form: PostedForm) -> Response:
    """Names an expert for this course."""
    member = access_course_member(session, visitor, form["person"]) if form.get("person") else None
    name = " ".join(clean_words(form.get("name", ""), LONGEST_NAME).split())
    email = check_address(form["email"]) if form.get("email", "").strip() else None
    if member is None and not name:
        raise InputRefused(N_("Choose a person of the course, or write a name."))
    named = session.scalars(
        select(Expert).where(Expert.context_id == visitor.context_id, Expert.is_active)
    ).all()
    if len(named) >= MOST_EXPERTS:
        raise InputRefused(N_("A course has 50 experts at most. Take one off the list first."))
    if member is not None and any(row.user_id == member.id for row in named):
        return RedirectResponse("/experts/people", 303)  # the second of two clicks
    row = Expert(
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        user_id=member.id if member else None,
        email=email,
        name=member.display_name if member else name,
        role={},
        topics=read_topics(form.get("topics", "")),
        answer_days=read_days(form.get("days", "")),
    )
    session.add(row)
    session.flush()
    _record(session, visitor, row, "expert.named")
    return RedirectResponse("/experts/people", 303)


@router.post("/experts/people/{expert_id}/remove")
def remove_expert(visitor: Reviewer, session: Db, expert_id: str) -> Response:
    """Takes somebody off this course's list: no further questions go to them, what they have stays theirs."""
    row = session.get(Expert, expert_id)
    if row is None or row.context_id != visitor.context_id or not row.is_active:
        raise NotFound
    row.is_active = False
    _record(session, visitor, row, "expert.removed")
    return RedirectResponse("/experts/people", 303)


def access_course_member(session: Session, visitor: Visitor, user_id: str) -> User:
    """Somebody who is in the visitor's course now."""
    user = session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            User.id == user_id,
            User.is_anonymous.is_(False),
            Membership.context_id == visitor.context_id,
            Membership.status == "active",
        )
    ).one_or_none()
    if user is None:
        raise NotFound
    return user


def read_topics(text: str) -> list[str]:
    """Topics of a comma list or of lines, each once."""
    words = clean_words(text, LONGEST_TOPICS).replace("\n", ",").split(",")
    topics = list(dict.fromkeys(" ".join(word.split()) for word in words if word.strip()))
    if len(topics) > MOST_TOPICS:
        raise InputRefused(N_("An expert has 30 topics at most."))
    return topics


def read_days(text: str) -> int | None:
    """A number of working days; None where the field is empty."""
    text = text.strip()
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()) or not 1 <= int(text[:4]) <= MOST_DAYS:
        raise InputRefused(N_("The number of working days is from 1 to 60."))
    return int(text[:4])


def _record(session: Session, visitor: Visitor, row: Expert, action: str) -> None:
    record_event(
        session,
        action,
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="expert",
        subject_id=row.id,
    )
