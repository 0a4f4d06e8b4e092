"""Action plans: recording one and its versions, when its check-ins are due, what is answered there, and whose they are.

A version is never changed: a further one takes its place, and its check-ins are counted from its own day. All that is due is a row
with its day, the zone and the UTC moment: nothing is held in memory, and a clock that is put forward or back moves no day.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, time, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.coach.plan_models import ActionPlan, CheckIn, CheckInAnswer, PlanVersion
from app.coach.plan_words import PlanWords, Wanting
from app.course.access import Visitor, refuse_anonymous
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound, WorksideError
from app.kit.mail import cancel_mail
from app.kit.time_zones import day_there, days_after, moment_of

ASKED, OPEN, PUT_AWAY = "asked", "open", "put_away"
WAITING, ANSWERED, REPLACED = "waiting", "answered", "replaced"
AFTER_DAYS = (7, 30, 90)
CHECKED_AT = time(9)
LONGEST_AHEAD = timedelta(days=400)
MOST_OPEN = 30
YES, PARTLY, NOT_YET = "yes", "partly", "not_yet"


class TooManyPlans(WorksideError):
    """A person has as many open plans in a course as they may have."""

    status = 409
    title = N_("You have thirty open plans here")
    advice = N_("Put one of them away first. Two or three at a time are more likely to happen.")


class PlanPutAway(WorksideError):
    """Something is to be done with a plan that was put away."""

    status = 409
    title = N_("This plan was put away")
    advice = N_("Change it to take it up again.")


class NotDueYet(WorksideError):
    """A check-in is answered before its day."""

    status = 409
    title = N_("This check-in is not due yet")
    advice = N_("Come back on its day. It will stand on your first page.")


class CheckInReplaced(WorksideError):
    """A check-in of an earlier version of the plan is answered."""

    status = 409
    title = N_("The plan has changed since")
    advice = N_("Open the plan: its new check-ins stand there.")


def check_in_days(base: date, own: Sequence[date | None], today: date) -> tuple[date, date, date]:
    """The days of the three check-ins: the learner's own, else 7, 30 and 90 days after `base`. InputRefused for days that can't be."""
    first, second, third = (
        chosen or days_after(base, after) for chosen, after in zip(own, AFTER_DAYS, strict=True)
    )
    if any(day is not None and not today <= day <= today + LONGEST_AHEAD for day in own):
        raise InputRefused(N_("A check-in is on a day from today to a year ahead."))
    if not base <= first < second < third:
        raise InputRefused(
            N_("Check-ins come after the day of the plan, one after the other. Change their days.")
        )
    return first, second, third


def own_days(
    version: PlanVersion, waiting: Sequence[CheckIn]
) -> tuple[date | None, date | None, date | None]:
    """The days of a version's check-ins that the learner chose and that are not past; None for those that were counted."""
    base = version.cue_on or day_there(version.created_at, version.zone)
    today = day_there(now(), version.zone)
    days: dict[int, date] = {row.slot: row.due_on for row in waiting if row.version_id == version.id}
    first, second, third = (
        day
        if (day := days.get(slot)) is not None and day != days_after(base, after) and day >= today
        else None
        for slot, after in enumerate(AFTER_DAYS, start=1)
    )
    return first, second, third


def record_plan(
    session: Session,
    visitor: Visitor,
    words: PlanWords,
    *,
    key: str,
    source: str = "",
    skill_key: str = "",
    is_shared: bool = False,
    wanting: Wanting = "",
    question: str = "",
    is_by_model: bool = False,
) -> ActionPlan:
    """A new plan with its first version; with a `question` it waits for the answer. The same form again gives the first one's row."""
    refuse_anonymous(visitor)
    if (earlier := plan_of_key(session, visitor, key)) is not None:
        return earlier
    standing = select(func.count()).where(
        ActionPlan.user_id == visitor.user_id,
        ActionPlan.context_id == visitor.context_id,
        ActionPlan.state != PUT_AWAY,
    )
    if (session.scalar(standing) or 0) >= MOST_OPEN:
        raise TooManyPlans
    plan = ActionPlan(
        key=key,
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
        source=source,
        skill_key=skill_key,
        state=ASKED if question else OPEN,
        is_shared=is_shared,
        locale=visitor.locale,
    )
    try:
        with session.begin_nested():
            session.add(plan)
    except IntegrityError:
        # The other click of two at once, on a database with more than one writer.
        found = plan_of_key(session, visitor, key)
        if found is None:
            raise
        return found
    _add_version(session, plan, words, 1, key, wanting, question, is_by_model)
    _record(session, visitor, plan, "plan.made", version=1)
    return plan


def record_version(
    session: Session, visitor: Visitor, plan: ActionPlan, words: PlanWords, key: str
) -> PlanVersion:
    """A further version of the visitor's own plan, which is open from then on. The same form again changes nothing."""
    earlier = session.scalars(
        select(PlanVersion).where(PlanVersion.plan_id == plan.id, PlanVersion.key == key)
    ).one_or_none()
    if earlier is not None:
        return earlier
    number = current_version(session, plan.id).number + 1
    plan.state = OPEN
    plan.sequence += 1
    version = _add_version(session, plan, words, number, key)
    _record(session, visitor, plan, "plan.changed", version=number)
    return version


def keep_as_it_is(session: Session, visitor: Visitor, plan: ActionPlan) -> None:
    """Keeps a plan whose question the learner does not want to answer."""
    if plan.state == ASKED:
        plan.state = OPEN
        _record(session, visitor, plan, "plan.kept")


def put_away(session: Session, visitor: Visitor, plan: ActionPlan) -> None:
    """Ends a plan without a word of blame: no check-in of it comes any more, what was said stays."""
    if plan.state != PUT_AWAY:
        plan.state = PUT_AWAY
        plan.sequence += 1
        _replace(session, waiting_check_ins(session, plan.id))
        _record(session, visitor, plan, "plan.put_away")


def share_plan(session: Session, visitor: Visitor, plan: ActionPlan, *, is_shared: bool) -> None:
    """Lets the course's reviewers read the plan, or no longer."""
    if plan.is_shared != is_shared:
        plan.is_shared = is_shared
        _record(session, visitor, plan, "plan.shared" if is_shared else "plan.unshared")


def record_answer(
    session: Session,
    visitor: Visitor,
    check_in: CheckIn,
    answer: str,
    *,
    happened: str,
    in_the_way: str,
    key: str,
) -> CheckInAnswer | None:
    """What the learner said at their own check-in; None where this form was taken before.

    Check-ins of the plan that were due earlier and not answered are past with it. Raises NotDueYet, CheckInReplaced.
    """
    taken = (
        select(CheckInAnswer).where(CheckInAnswer.check_in_id == check_in.id).order_by(CheckInAnswer.number)
    )
    earlier = session.scalars(taken).all()
    if any(one.key == key for one in earlier):
        return None
    if check_in.state == REPLACED:
        raise CheckInReplaced
    if check_in.due_on > day_there(now(), visitor.zone):
        raise NotDueYet
    row = CheckInAnswer(
        check_in_id=check_in.id,
        number=len(earlier) + 1,
        key=key,
        answer=answer,
        happened=happened,
        in_the_way=in_the_way,
    )
    session.add(row)
    check_in.state = ANSWERED
    cancel_mail(session, mail_key(check_in))
    _replace(
        session, [one for one in waiting_check_ins(session, check_in.plan_id) if one.slot < check_in.slot]
    )
    session.flush()
    record_event(
        session,
        "check_in.answered",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="check_in",
        subject_id=check_in.id,
        plan_id=check_in.plan_id,
        slot=check_in.slot,
        answer=answer,
    )
    return row


# ---- Looking


def access_plan(session: Session, visitor: Visitor, plan_id: str, *, for_update: bool = False) -> ActionPlan:
    """A plan of the visitor's own, in this course."""
    plan = session.get(ActionPlan, plan_id, with_for_update=for_update)
    if plan is None or plan.user_id != visitor.user_id or plan.context_id != visitor.context_id:
        raise NotFound
    return plan


def access_check_in(
    session: Session, visitor: Visitor, check_in_id: str, *, for_update: bool = False
) -> tuple[CheckIn, ActionPlan]:
    """A check-in of the visitor's own plan, and the plan."""
    row = session.get(CheckIn, check_in_id)
    if row is None:
        raise NotFound
    plan = access_plan(session, visitor, row.plan_id, for_update=for_update)
    if for_update:
        session.refresh(row)
    return row, plan


def plan_of_key(session: Session, visitor: Visitor, key: str) -> ActionPlan | None:
    """The plan that a form made before."""
    return session.scalars(
        select(ActionPlan).where(ActionPlan.user_id == visitor.user_id, ActionPlan.key == key)
    ).one_or_none()


def plans_of(session: Session, visitor: Visitor) -> Sequence[ActionPlan]:
    """The visitor's own plans in this course, the newest first."""
    return session.scalars(
        select(ActionPlan)
        .where(ActionPlan.user_id == visitor.user_id, ActionPlan.context_id == visitor.context_id)
        .order_by(ActionPlan.id.desc())
        .limit(100)
    ).all()


def shared_plans(session: Session, visitor: Visitor) -> Sequence[ActionPlan]:
    """The open plans of the visitor's course that learners share with its reviewers, for one of them; the newest first."""
    return session.scalars(
        select(ActionPlan)
        .where(
            ActionPlan.organisation_id == visitor.organisation_id,
            ActionPlan.context_id == visitor.context_id,
            ActionPlan.is_shared,
            ActionPlan.state == OPEN,
        )
        .order_by(ActionPlan.id.desc())
        .limit(200)
    ).all()


def versions_of(session: Session, plan_id: str) -> Sequence[PlanVersion]:
    """All versions, the first first."""
    return session.scalars(
        select(PlanVersion).where(PlanVersion.plan_id == plan_id).order_by(PlanVersion.number)
    ).all()


def current_version(session: Session, plan_id: str) -> PlanVersion:
    return session.scalars(
        select(PlanVersion).where(PlanVersion.plan_id == plan_id).order_by(PlanVersion.number.desc()).limit(1)
    ).one()


def check_ins_of(session: Session, plan_id: str) -> Sequence[CheckIn]:
    """Those that wait or were answered, by their days."""
    return session.scalars(
        select(CheckIn)
        .where(CheckIn.plan_id == plan_id, CheckIn.state != REPLACED)
        .order_by(CheckIn.due_on, CheckIn.id)
    ).all()


def waiting_check_ins(session: Session, plan_id: str) -> Sequence[CheckIn]:
    return session.scalars(
        select(CheckIn).where(CheckIn.plan_id == plan_id, CheckIn.state == WAITING).order_by(CheckIn.slot)
    ).all()


def answers_of(session: Session, check_in_ids: Sequence[str]) -> dict[str, CheckInAnswer]:
    """Check-in's id -> the answer that counts."""
    rows = session.scalars(
        select(CheckInAnswer)
        .where(CheckInAnswer.check_in_id.in_(check_in_ids))
        .order_by(CheckInAnswer.number)
    )
    return {row.check_in_id: row for row in rows}


def due_check_ins(session: Session, visitor: Visitor) -> list[CheckIn]:
    """What is due today where the visitor is, or was and is not answered: of each plan the latest, the longest due first."""
    rows = session.scalars(
        select(CheckIn)
        .join(ActionPlan, ActionPlan.id == CheckIn.plan_id)
        .where(
            ActionPlan.user_id == visitor.user_id,
            ActionPlan.context_id == visitor.context_id,
            ActionPlan.state == OPEN,
            CheckIn.state == WAITING,
            CheckIn.due_on <= day_there(now(), visitor.zone),
        )
        .order_by(CheckIn.due_on, CheckIn.slot)
    )
    latest = {row.plan_id: row for row in rows}
    return sorted(latest.values(), key=lambda row: (row.due_on, row.id))


def mail_key(check_in: CheckIn) -> str:
    return f"check_in:{check_in.id}"


def _add_version(
    session: Session,
    plan: ActionPlan,
    words: PlanWords,
    number: int,
    key: str,
    wanting: Wanting = "",
    question: str = "",
    is_by_model: bool = False,
) -> PlanVersion:
    """The version with its check-ins; those of the version before that wait still are replaced."""
    today = day_there(now(), words.zone)
    days = check_in_days(words.cue_on or today, words.days, today)
    version = PlanVersion(
        plan_id=plan.id,
        number=number,
        key=key,
        cue=words.cue,
        cue_on=words.cue_on,
        cue_at=moment_of(words.cue_on, words.cue_time, words.zone)
        if words.cue_on and words.cue_time
        else None,
        zone=words.zone,
        action=words.action,
        obstacle=words.obstacle,
        answer=words.answer,
        known_by=words.known_by,
        wanting=wanting,
        question=question,
        is_by_model=is_by_model,
    )
    session.add(version)
    session.flush()
    _replace(session, waiting_check_ins(session, plan.id))
    answered = {(row.slot, row.due_on) for row in check_ins_of(session, plan.id)}
    for slot, day in enumerate(days, start=1):
        if (slot, day) not in answered:
            session.add(
                CheckIn(
                    plan_id=plan.id,
                    version_id=version.id,
                    slot=slot,
                    due_on=day,
                    due_at=moment_of(day, CHECKED_AT, words.zone),
                    zone=words.zone,
                )
            )
    session.flush()
    return version


def _replace(session: Session, rows: Sequence[CheckIn]) -> None:
    for row in rows:
        row.state = REPLACED
        cancel_mail(session, mail_key(row))


def _record(session: Session, visitor: Visitor, plan: ActionPlan, action: str, **detail: int) -> None:
    record_event(
        session,
        action,
        organisation_id=plan.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="plan",
        subject_id=plan.id,
        **detail,
    )
