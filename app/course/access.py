"""The doors: who is visiting, and as what. Each `access_*` returns the row or raises NotFound; the two are never told apart."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.course.models import Context, PracticeTask, ResourceLink, User, Visit
from app.kit.clock import now
from app.kit.errors import NotAllowed, NotFound, SignedOut
from app.kit.ids import secret_hash
from lti import ROLES

EVERYONE = frozenset(ROLES)
# Who may see and judge learners' answers: those who teach the course or administer it, by their role in the *context* (Open edX
# calls a course's own instructor `membership#Administrator`). An administrator of the platform as a whole is not among them.
REVIEWERS = frozenset({"instructor", "teaching_assistant", "administrator"})


@dataclass(frozen=True)
class Visitor:
    """The person of this request in the place they were launched into. Every door takes one."""

    visit_id: str
    user_id: str
    organisation_id: str
    registration_id: str
    context_id: str
    resource_link_id: str
    role: str
    is_gradable: bool
    locale: str
    name: str
    context_title: str
    link_title: str
    custom: dict[str, str]

    @property
    def is_reviewer(self) -> bool:
        return self.role in REVIEWERS


def signed_in(request: Request) -> Visitor:
    """The visitor named by the request's bearer; SignedOut without a valid one. Each request prolongs the visit.

    It reads in a unit of its own: a request that will write takes the write lock with its first own statement and no earlier.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer:
        raise SignedOut
    with request.app.state.database.read() as session:
        row = session.execute(
            select(Visit, User, Context, ResourceLink)
            .join(User, User.id == Visit.user_id)
            .join(Context, Context.id == Visit.context_id)
            .join(ResourceLink, ResourceLink.id == Visit.resource_link_id)
            .where(Visit.bearer_hash == secret_hash(bearer), Visit.expires_at > now())
        ).one_or_none()
    if row is None:
        raise SignedOut
    visit, user, context, link = row
    _prolong(request, visit)
    request.state.frame_ancestors = tuple(visit.frame_origins)
    request.state.locale = visit.locale
    visitor = Visitor(
        visit_id=visit.id,
        user_id=user.id,
        organisation_id=visit.organisation_id,
        registration_id=visit.registration_id,
        context_id=context.id,
        resource_link_id=link.id,
        role=visit.role,
        is_gradable=visit.is_gradable,
        locale=visit.locale,
        name=user.display_name,
        context_title=context.title or "",
        link_title=link.title or "",
        custom=dict(link.custom),
    )
    request.state.visitor = visitor
    return visitor


def _prolong(request: Request, visit: Visit) -> None:
    """Moves the end of the visit, at most once a minute."""
    end = now() + timedelta(minutes=request.app.state.settings.session_minutes)
    if end - visit.expires_at > timedelta(minutes=1):
        with request.app.state.database.write() as session:
            session.execute(update(Visit).where(Visit.id == visit.id).values(expires_at=end))


def as_reviewer(visitor: Annotated[Visitor, Depends(signed_in)]) -> Visitor:
    """The visitor, if the course's own role lets them see learners' answers."""
    if not visitor.is_reviewer:
        raise NotAllowed
    return visitor


AnyVisitor = Annotated[Visitor, Depends(signed_in)]
Reviewer = Annotated[Visitor, Depends(as_reviewer)]


def access_task(session: Session, visitor: Visitor, key: str, collection_ids: frozenset[str]) -> PracticeTask:
    """The current version of a task of this organisation within the visit's collections."""
    task = session.scalars(
        select(PracticeTask).where(
            PracticeTask.organisation_id == visitor.organisation_id,
            PracticeTask.collection_id.in_(collection_ids),
            PracticeTask.key == key,
            PracticeTask.is_current,
        )
    ).one_or_none()
    if task is None:
        raise NotFound
    return task


def access_task_version(session: Session, visitor: Visitor, task_id: str) -> PracticeTask:
    """One version of a task, whichever is current: what an attempt was made on."""
    task = session.get(PracticeTask, task_id)
    if task is None or task.organisation_id != visitor.organisation_id:
        raise NotFound
    return task


def access_member(session: Session, visitor: Visitor, user_id: str) -> User:
    """A person of the same organisation and registration, for showing a name."""
    user = session.get(User, user_id)
    if user is None or user.organisation_id != visitor.organisation_id:
        raise NotFound
    return user
