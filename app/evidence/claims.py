"""Application claims: what somebody says that they did at work. One begins with a "yes" at a check-in of their plan.

A begun claim is the learner's alone: no one has seen it, it counts for nothing, and its words may still be completed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import Date, ForeignKey, Index, String, Text, UniqueConstraint, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.coach.plan_models import ActionPlan, CheckIn, CheckInAnswer, PlanVersion
from app.course.access import Visitor
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.errors import N_, NotFound, WorksideError
from app.kit.ids import new_id

ID = String(32)
BEGUN, WITHDRAWN = "begun", "withdrawn"


class ClaimSettled(WorksideError):
    """The words of a claim are to be changed that is not just begun any more."""

    status = 409
    title = N_("This claim can't be changed any more")
    advice = N_("Open your plan to see how it stands.")


class ApplicationClaim(Base):
    """What was done at work, where a plan was kept. `state` is "begun" or "withdrawn" (a trace stays).

    It stands on one answer at one check-in, and on the version of the plan that the check-in was about.
    """

    __tablename__ = "application_claim"
    __table_args__ = (
        UniqueConstraint("answer_id"),
        Index("ix_application_claim_person", "user_id", "context_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    plan_id: Mapped[str] = mapped_column(ID, ForeignKey(ActionPlan.id))
    version_id: Mapped[str] = mapped_column(ID, ForeignKey(PlanVersion.id))
    check_in_id: Mapped[str] = mapped_column(ID, ForeignKey(CheckIn.id))
    answer_id: Mapped[str] = mapped_column(ID, ForeignKey(CheckInAnswer.id))
    skill_key: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(20), default=BEGUN)
    happened_on: Mapped[date] = mapped_column(Date)
    what_was_done: Mapped[str] = mapped_column(Text, default="")
    what_came_of_it: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def begin_claim(
    session: Session,
    visitor: Visitor,
    plan: ActionPlan,
    check_in: CheckIn,
    answer: CheckInAnswer,
    happened_on: date,
) -> ApplicationClaim:
    """A claim from a "yes": its words begin as what the learner said at the check-in."""
    row = ApplicationClaim(
        organisation_id=plan.organisation_id,
        context_id=plan.context_id,
        resource_link_id=plan.resource_link_id,
        user_id=plan.user_id,
        plan_id=plan.id,
        version_id=check_in.version_id,
        check_in_id=check_in.id,
        answer_id=answer.id,
        skill_key=plan.skill_key,
        happened_on=happened_on,
        what_was_done=answer.happened,
    )
    session.add(row)
    session.flush()
    _record(session, visitor, row, "application_claim.begun")
    return row


def complete_claim(
    session: Session, visitor: Visitor, claim_id: str, *, happened_on: date, done: str, came_of_it: str
) -> ApplicationClaim:
    """Completes the words of the visitor's own begun claim."""
    row = access_claim(session, visitor, claim_id, for_update=True)
    if row.state != BEGUN:
        raise ClaimSettled
    if (row.happened_on, row.what_was_done, row.what_came_of_it) != (happened_on, done, came_of_it):
        row.happened_on, row.what_was_done, row.what_came_of_it = happened_on, done, came_of_it
        row.changed_at = now()
        _record(session, visitor, row, "application_claim.completed")
    return row


def withdraw_claims(session: Session, visitor: Visitor, check_in_id: str) -> None:
    """Withdraws what was begun at a check-in that is answered otherwise now."""
    rows = session.scalars(
        select(ApplicationClaim)
        .where(ApplicationClaim.check_in_id == check_in_id, ApplicationClaim.state == BEGUN)
        .with_for_update()
    )
    for row in rows:
        row.state, row.changed_at = WITHDRAWN, now()
        _record(session, visitor, row, "application_claim.withdrawn")


def access_claim(
    session: Session, visitor: Visitor, claim_id: str, *, for_update: bool = False
) -> ApplicationClaim:
    """A claim of the visitor's own, in this course."""
    row = session.get(ApplicationClaim, claim_id, with_for_update=for_update)
    if row is None or row.user_id != visitor.user_id or row.context_id != visitor.context_id:
        raise NotFound
    return row


def claims_of_plan(session: Session, plan: ActionPlan) -> Sequence[ApplicationClaim]:
    """What was begun on a plan and not withdrawn, the newest first. The caller has looked at whose plan it is."""
    return session.scalars(
        select(ApplicationClaim)
        .where(ApplicationClaim.plan_id == plan.id, ApplicationClaim.state == BEGUN)
        .order_by(ApplicationClaim.id.desc())
    ).all()


def _record(session: Session, visitor: Visitor, row: ApplicationClaim, action: str) -> None:
    record_event(
        session,
        action,
        organisation_id=row.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="application_claim",
        subject_id=row.id,
        plan_id=row.plan_id,
    )
