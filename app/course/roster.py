"""The course's people as the platform lists them: roles and names kept right, and access that ends with the membership.

Read after a teacher's launch, at most once an hour, and once a day while the course is in use. Whoever teaches gets a row
even before their first launch, so that they can be named as reviewers; a learner who never came here gets none. Only a list
that was read to its end says that somebody has left, and records always stay.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

import lti
from app.course.access import REVIEWERS
from app.course.models import Context, Deployment, Membership, Registration, Roster, User, Visit
from app.course.protocol import EgressWithin, registration_of
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.ids import new_id
from app.kit.jobs import OWNER, LeaseTest, claim_row, free_leases
from app.kit.log import get_logger

log = get_logger("roster")

AFTER_A_LAUNCH = timedelta(hours=1)
WHILE_IN_USE = timedelta(days=1)
# A differences link saves work; a list read from beginning to end is what counts.
WHOLE_EVERY = timedelta(hours=20)
LEFT_ALONE_AFTER = timedelta(days=30)
# A platform that refuses the list goes on refusing it until somebody there changes a setting.
AFTER_A_REFUSAL = timedelta(days=7)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(hours=6)
LEASE = timedelta(minutes=10)
BEGIN_SECONDS = 480.0
LONGEST_REASON = 500
# Databases take a limited number of values in one statement.
AT_ONCE = 500


def record_roster(session: Session, context: Context, launch: lti.Launch, role: str) -> None:
    """Notes where a launch says the course's people are listed. Nothing for a launch outside a course, or without the claim."""
    if launch.memberships_url is None or launch.context is None:
        return
    moment = now()
    roster = session.scalars(select(Roster).where(Roster.context_id == context.id)).one_or_none()
    if roster is None:
        roster = Roster(context_id=context.id, url=launch.memberships_url, due_at=moment, launched_at=moment)
        session.add(roster)
    elif roster.url != launch.memberships_url:
        roster.url, roster.differences_url, roster.whole_at = launch.memberships_url, None, None
        roster.state, roster.due_at, roster.tries, roster.reason = "due", moment, 0, ""
    elif (
        role in REVIEWERS and roster.state == "read" and (roster.read_at or moment) <= moment - AFTER_A_LAUNCH
    ):
        roster.due_at = min(roster.due_at, moment)
    roster.launched_at = moment
    session.flush()


def read_next_roster(services: Services) -> bool:
    """Reads the list that is due longest, if one is. Reading one twice is harmless."""
    moment, lease = now(), f"{OWNER}:{new_id()[-8:]}"
    with services.database.write() as session:
        in_use = (
            select(Context.id)
            .join(Deployment, Deployment.id == Context.deployment_id)
            .join(Registration, Registration.id == Deployment.registration_id)
            .where(Deployment.status == "active", Registration.status == "active")
        )
        due = (
            select(Roster)
            .where(
                Roster.due_at <= moment,
                Roster.launched_at > moment - LEFT_ALONE_AFTER,
                Roster.context_id.in_(in_use),
            )
            .order_by(Roster.due_at)
        )
        roster: Roster | None = claim_row(session, due, Roster, lease, LEASE)
        if roster is None:
            return False
        row = session.scalars(
            select(Registration)
            .join(Deployment, Deployment.registration_id == Registration.id)
            .join(Context, Context.deployment_id == Deployment.id)
            .where(Context.id == roster.context_id)
        ).one()
        registration = registration_of(row, demo=services.settings.demo)
    platform = lti.Services(
        EgressWithin(services.platform.egress, BEGIN_SECONDS), services.platform.tokens, services.platform.now
    )
    is_whole = (
        roster.differences_url is None or roster.whole_at is None or roster.whole_at <= moment - WHOLE_EVERY
    )
    address = roster.url if is_whole else roster.differences_url or roster.url
    try:
        listed = lti.read_memberships(platform, registration, address)
    except (lti.ServiceUnavailable, lti.TokenUnavailable) as error:
        _put_off(services, roster, lease, str(error), error.after_seconds)
    except lti.LtiError as error:
        if is_whole:
            _refuse(services, roster, lease, str(error) or error.reason)
        else:
            _forget_differences(services, roster, lease)
    else:
        _record(services, roster, lease, registration.id, listed, is_whole=is_whole, asked_at=moment)
    return True


def free_rosters(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on rosters that `is_nobodys` says are nobody's."""
    with services.database.write() as session:
        return free_leases(session, Roster, is_nobodys)


def _held(session: Session, roster: Roster, lease: str) -> Roster | None:
    """The row, if the lease is still ours, which ends here."""
    row = session.get_one(Roster, roster.id)
    if row.lease_owner != lease:
        return None
    row.lease_owner = row.lease_until = None
    return row


def _put_off(services: Services, roster: Roster, lease: str, reason: str, asked: float | None) -> None:
    with services.database.write() as session:
        if (row := _held(session, roster, lease)) is not None:
            row.tries += 1
            pause = min(FIRST_PAUSE * 2 ** min(row.tries - 1, 20), LONGEST_PAUSE)
            row.due_at = now() + max(pause, timedelta(seconds=asked or 0))
            row.reason = reason[:LONGEST_REASON]
    log.info("roster_put_off", roster=roster.id)


def _refuse(services: Services, roster: Roster, lease: str, reason: str) -> None:
    with services.database.write() as session:
        if (row := _held(session, roster, lease)) is not None:
            row.state, row.reason = "refused", reason[:LONGEST_REASON]
            row.due_at, row.tries, row.differences_url = now() + AFTER_A_REFUSAL, 0, None
    log.warning("roster_refused", roster=roster.id)


def _forget_differences(services: Services, roster: Roster, lease: str) -> None:
    """The link has grown old: the whole list says it all."""
    with services.database.write() as session:
        if (row := _held(session, roster, lease)) is not None:
            row.differences_url, row.due_at = None, now()


def _record(
    services: Services,
    roster: Roster,
    lease: str,
    registration_id: str,
    listed: lti.Members,
    *,
    is_whole: bool,
    asked_at: datetime,
) -> None:
    with services.database.write() as session:
        row = _held(session, roster, lease)
        if row is None:
            return
        context = session.get_one(Context, row.context_id)
        _record_members(session, context, registration_id, listed, asked_at)
        # A list of nobody at all is a fault of the platform: whoever launched from the course is in it.
        if is_whole and listed.members:
            _end_missing(session, context, {member.user_id for member in listed.members}, asked_at)
            row.whole_at = asked_at
        row.state, row.reason, row.tries = "read", "", 0
        row.read_at, row.due_at = asked_at, asked_at + WHILE_IN_USE
        row.differences_url = listed.differences_url
    log.info("roster_read", roster=roster.id, members=len(listed.members), whole=is_whole)


def _record_members(
    session: Session, context: Context, registration_id: str, listed: lti.Members, asked_at: datetime
) -> None:
    users = _users(
        session, context.organisation_id, registration_id, [member.user_id for member in listed.members]
    )
    memberships = {
        membership.user_id: membership
        for membership in session.scalars(select(Membership).where(Membership.context_id == context.id))
    }
    for member in listed.members:
        is_active = member.status == "active"
        user = users.get(member.user_id)
        if user is None:
            if not (is_active and member.role in REVIEWERS):
                continue
            user = User(
                registration_id=registration_id, organisation_id=context.organisation_id, sub=member.user_id
            )
            session.add(user)
            session.flush()
        user.name = member.display_name or user.name
        membership = memberships.get(user.id)
        if membership is None:
            if not (is_active and member.role in REVIEWERS):
                continue
            membership = Membership(context_id=context.id, user_id=user.id, role=member.role)
            session.add(membership)
        elif membership.seen_at >= asked_at:
            # Launched while the list was being read: the platform has just said who this is and let them in.
            membership.listed_at = asked_at
            continue
        membership.listed_at = asked_at
        if not is_active:
            _end(session, context, membership)
            continue
        if member.role not in REVIEWERS:
            # By what each visit may, not by the membership: a launch as a learner has lowered that already.
            _end_visits(session, context, user.id, Visit.role.in_(REVIEWERS))
        membership.role, membership.status = member.role, "active"


def _users(session: Session, organisation_id: str, registration_id: str, subs: list[str]) -> dict[str, User]:
    found: dict[str, User] = {}
    for start in range(0, len(subs), AT_ONCE):
        rows = session.scalars(
            select(User).where(
                User.registration_id == registration_id,
                User.organisation_id == organisation_id,
                User.sub.in_(subs[start : start + AT_ONCE]),
                User.is_anonymous.is_(False),
            )
        )
        found.update((user.sub, user) for user in rows)
    return found


def _end_missing(session: Session, context: Context, listed: set[str], asked_at: datetime) -> None:
    """Ends the membership of those whom an earlier list named and this one does not.

    Somebody whom no list ever named (an administrator who looks in, a platform that lists only some) is nobody's to miss.
    """
    rows = session.execute(
        select(Membership, User.sub)
        .join(User, User.id == Membership.user_id)
        .where(
            Membership.context_id == context.id,
            Membership.status == "active",
            Membership.listed_at.is_not(None),
            Membership.seen_at < asked_at,
        )
    )
    for membership, sub in rows.all():
        if sub not in listed:
            _end(session, context, membership)


def _end(session: Session, context: Context, membership: Membership) -> None:
    """Access ends, the record stays."""
    _end_visits(session, context, membership.user_id)
    if membership.status == "inactive":
        return
    membership.status = "inactive"
    session.flush()
    record_event(
        session,
        "membership.ended",
        organisation_id=context.organisation_id,
        actor_id=None,
        subject_kind="membership",
        subject_id=membership.id,
    )


def _end_visits(session: Session, context: Context, user_id: str, *which: ColumnElement[bool]) -> None:
    own = (Visit.context_id == context.id, Visit.user_id == user_id)
    session.execute(delete(Visit).where(*own, *which))
