"""Taking a score to be sent: which row is due, whether it may go now, and with which stamp. The first part of a try."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

import lti
from app.course.models import (
    Context,
    Deployment,
    LineItem,
    Placement,
    Registration,
    ResourceLink,
    User,
)
from app.course.protocol import registration_of
from app.course.services import Services
from app.evidence.models import DEAD, WAITING, WITHHELD, Evidence, ScoreRow
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_
from app.kit.ids import new_id
from app.kit.jobs import OWNER, claim_row
from app.kit.log import get_logger

log = get_logger("delivery")

LONGEST_REASON = 500
# Longer than the longest try. A request takes at most 5 s to connect and 30 s to answer; none begins 35 s after the start, and
# the last one may be followed by a wait for another process's token and a request of our own for one: 35 + 35 + 10 + 35.
LEASE = timedelta(seconds=120)
# Until the one who makes the column is done with it.
COLUMN_PAUSE = timedelta(seconds=2)
# How far a stamp may lie ahead of the clock: many decisions within a minute push it so far, a wrong clock much further.
MOST_AHEAD = timedelta(minutes=10)
# No pause is as long, the longest Retry-After with its jitter included: such a row was written by a clock that was ahead.
LONGEST_PAUSE = timedelta(days=2)
SWITCHED_OFF = N_(
    "The connection to the learning platform is switched off in Workside. The grade is kept, and sent when it is on again."
)
CLOCK_WAS_AHEAD = N_(
    "An earlier grade carries a time that still lies ahead, since a clock was wrong then, and gradebooks take no older time. "
    "Enter the grade by hand, or send it again to try with the present time."
)


@dataclass(frozen=True)
class Claimed:
    """One try, as taken: what to send, to whom, and the lease that it runs under.

    `may_comment` is False while another worker's POST of this version may still arrive. `has_new_stamp`: a person sends it
    again after the old stamp proved useless. `previous` is the share of the maximum that the platform last took from us.
    """

    score_id: str
    lease: str
    version: int
    number: int
    registration: lti.Registration
    line_item_id: str
    endpoint: lti.AgsEndpoint
    wanted: lti.Wanted
    score: lti.Score
    is_first_try: bool
    may_comment: bool
    has_new_stamp: bool
    previous: float | None
    started_at: datetime


def claim_score(services: Services) -> Claimed | bool:
    """Takes a due row and saves its stamp. False where none is due, True where one was put aside, not to be sent now."""
    moment = now()
    lease = f"{OWNER}:{new_id()[-8:]}"
    with services.database.write() as session:
        due = (
            select(ScoreRow)
            .where(
                ScoreRow.state == WAITING,
                (ScoreRow.next_try_at <= moment) | (ScoreRow.next_try_at > moment + LONGEST_PAUSE),
                *_not_of_busy_platforms(session, moment),
            )
            .order_by(ScoreRow.next_try_at)
        )
        row: ScoreRow | None = claim_row(session, due, ScoreRow, lease, LEASE)
        if row is None:
            return False
        if not _has_the_platform(session, row, moment):
            return _put_aside(row, moment + COLUMN_PAUSE)
        if not _is_connected(session, row):
            row.state, row.waits_for_connection, row.reason = WITHHELD, True, SWITCHED_OFF
            _record_kept(session, row, "score.kept")
            return _put_aside(row, moment)
        if row.stamp is None or row.stamp_version != row.version:
            row.stamp = lti.next_stamp(row.last_stamp, row.asked_at or row.decided_at, moment)
            row.stamp_version = row.version
        sendable = lti.may_send_at(row.stamp)
        if sendable > moment + MOST_AHEAD:
            row.state, row.needs_new_stamp, row.reason = DEAD, True, CLOCK_WAS_AHEAD
            _record_kept(session, row, "score.unsendable")
            log.error("score_stamp_ahead", score=row.id)
            return _put_aside(row, moment)
        if sendable > moment:
            return _put_aside(row, sendable)
        if _is_column_in_the_making(session, row, moment):
            return _put_aside(row, moment + COLUMN_PAUSE)
        try:
            claimed = _read_claimed(services, session, row, row.stamp, lease, moment)
        except (ValueError, NoResultFound) as error:
            # Such a row would be the one that is due longest for ever: a launch without a user has no one to grade.
            row.state, row.reason = DEAD, str(error)[:LONGEST_REASON]
            _record_kept(session, row, "score.unsendable")
            log.error("score_unsendable", score=row.id, kind=type(error).__name__)
            return _put_aside(row, moment)
        if row.open_version == row.version:
            row.bare_version = row.version
            claimed = replace(claimed, may_comment=False)
        row.open_version = row.version
        row.last_stamp = row.stamp
        row.tried_version = row.version
        row.tries += 1
        return claimed


def _put_aside(row: ScoreRow, until: datetime) -> bool:
    row.next_try_at = until
    row.lease_owner = row.lease_until = None
    return True


def _record_kept(session: Session, row: ScoreRow, action: str) -> None:
    record_event(
        session,
        action,
        organisation_id=row.organisation_id,
        actor_id=None,
        subject_kind="score",
        subject_id=row.id,
        version=row.version,
    )


def _not_of_busy_platforms(session: Session, moment: datetime) -> list[ColumnElement[bool]]:
    """Leaves out the scores of platforms that another worker talks to just now: one request at a time for each.

    So a slow platform holds up no other, and Canvas, which counts what runs beside each other, is asked in turn.
    """
    busy = session.scalars(
        select(Deployment.registration_id)
        .join(Context, Context.deployment_id == Deployment.id)
        .join(LineItem, LineItem.context_id == Context.id)
        .join(ScoreRow, ScoreRow.line_item_id == LineItem.id)
        .where(ScoreRow.lease_until > moment)
        .distinct()
    ).all()
    if not busy:
        return []
    theirs = (
        select(LineItem.id)
        .join(Context, Context.id == LineItem.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .where(Deployment.registration_id.in_(busy))
    )
    return [ScoreRow.line_item_id.not_in(theirs)]


def _has_the_platform(session: Session, row: ScoreRow, moment: datetime) -> bool:
    """Whether this worker alone talks to the platform now: of two that looked at once on PostgreSQL, one holds its row."""
    if session.get_bind().dialect.name != "postgresql":
        return True  # one writer at a time: what was looked at above still holds
    registration_id = session.scalar(
        select(Deployment.registration_id)
        .join(Context, Context.deployment_id == Deployment.id)
        .join(LineItem, LineItem.context_id == Context.id)
        .where(LineItem.id == row.line_item_id)
    )
    held = session.scalar(
        select(Registration.id)
        .where(Registration.id == registration_id)
        .with_for_update(skip_locked=True, key_share=True)
    )
    if held is None:
        return False
    others = (
        select(ScoreRow.id)
        .join(LineItem, LineItem.id == ScoreRow.line_item_id)
        .join(Context, Context.id == LineItem.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .where(
            Deployment.registration_id == registration_id,
            ScoreRow.id != row.id,
            ScoreRow.lease_until > moment,
        )
    )
    return session.scalars(others.limit(1)).first() is None


def _is_connected(session: Session, row: ScoreRow) -> bool:
    """Whether the score's platform and deployment are switched on."""
    states = session.execute(
        select(Deployment.status, Registration.status)
        .join(Registration, Registration.id == Deployment.registration_id)
        .join(Context, Context.deployment_id == Deployment.id)
        .join(LineItem, LineItem.context_id == Context.id)
        .where(LineItem.id == row.line_item_id)
    ).one_or_none()
    return states is None or set(states) == {"active"}


def release_scores(services: Services) -> bool:
    """Puts back in line what was kept while its connection was switched off, once that is on again."""
    switched_on = (
        select(LineItem.id)
        .join(Context, Context.id == LineItem.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .join(Registration, Registration.id == Deployment.registration_id)
        .where(Deployment.status == "active", Registration.status == "active")
    )
    kept = select(ScoreRow).where(
        ScoreRow.state == WITHHELD,
        ScoreRow.waits_for_connection,
        ScoreRow.line_item_id.in_(switched_on),
    )
    with services.database.read() as session:
        if session.scalars(kept.limit(1)).first() is None:
            return False
    with services.database.write() as session:
        for row in session.scalars(kept.with_for_update(skip_locked=True, key_share=True)):
            row.state, row.waits_for_connection, row.reason = WAITING, False, ""
            row.tries, row.next_try_at = 0, now()
    services.wake()
    return False


def _is_column_in_the_making(session: Session, row: ScoreRow, moment: datetime) -> bool:
    """Whether another worker looks for this score's column just now: two that look at once would both make one."""
    item = session.scalars(
        select(LineItem)
        .where(LineItem.id == row.line_item_id, LineItem.url.is_(None))
        .with_for_update(key_share=True)
    ).one_or_none()
    if item is None:
        return False
    others = select(ScoreRow.id).where(
        ScoreRow.line_item_id == item.id, ScoreRow.id != row.id, ScoreRow.lease_until > moment
    )
    return session.scalars(others.limit(1)).first() is not None


def _read_claimed(
    services: Services, session: Session, row: ScoreRow, stamp: datetime, lease: str, moment: datetime
) -> Claimed:
    """What a try needs. Raises ValueError or NoResultFound where the row is nothing that could be sent."""
    item, link, registration, user = session.execute(
        select(LineItem, ResourceLink, Registration, User)
        .join(Context, Context.id == LineItem.context_id)
        .join(ResourceLink, ResourceLink.id == LineItem.resource_link_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .join(Registration, Registration.id == Deployment.registration_id)
        .join(User, User.id == row.user_id)
        .where(LineItem.id == row.line_item_id)
    ).one()
    return Claimed(
        score_id=row.id,
        lease=lease,
        version=row.version,
        number=row.tries + 1,
        registration=registration_of(registration, demo=services.settings.demo),
        line_item_id=item.id,
        endpoint=lti.AgsEndpoint(item.url, item.container_url, frozenset(item.scopes)),
        wanted=_wanted(session, item, link),
        score=lti.Score(
            user_id=user.sub,
            timestamp=stamp,
            score_given=row.points,
            score_maximum=row.points_maximum,
            comment=row.comment or None,
            submission_url=f"{services.settings.url.rstrip('/')}/review/{row.evidence_id}",
            submitted_at=min(session.get_one(Evidence, row.evidence_id).created_at, stamp),
        ),
        # Not "the first of these tries": sending again begins to count anew, and the platform may have the comment.
        is_first_try=row.tried_version != row.version,
        may_comment=row.bare_version != row.version,
        has_new_stamp=row.needs_new_stamp,
        previous=row.delivered_points / row.delivered_maximum
        if row.delivered_points is not None and row.delivered_maximum
        else None,
        started_at=moment,
    )


def _wanted(session: Session, item: LineItem, link: ResourceLink) -> lti.Wanted:
    """The column to look for: a placed activity's is named by its placement, since the platform made it of our content item."""
    placement = session.get(Placement, link.placement_id) if link.placement_id else None
    placed = link.custom.get("placement") or link.placement_id
    return lti.Wanted(
        item.label,
        item.score_maximum,
        placed or f"workside-{link.id}",
        placement.kind if placement else item.tag,
        link.lti_id,
    )
