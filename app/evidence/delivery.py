"""Bringing scores to the gradebook: never lost, never doubled, never over a person's edit. The recipe is promises.md's.

One try has three parts. In a first transaction the worker takes the row under a lease and saves the stamp; then it sends,
holding no transaction; in a second transaction it writes what came of it. A process that is killed between the two leaves a
row whose lease runs out: the next worker sends the same version with the same stamp, and a platform that had it already
refuses it as stale, upon which the result is read back and found equal.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

import lti
from app.course.models import Context, Deployment, LineItem, Registration, ResourceLink, User
from app.course.protocol import registration_of
from app.course.services import Services
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WAITING, WITHHELD, Delivery, ScoreRow
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.ids import new_id
from app.kit.jobs import OWNER, claim_row
from app.kit.log import get_logger
from app.kit.metrics import DELIVERIES, OLDEST_SCORE_SECONDS, SCORES_DEAD, SCORES_WAITING

log = get_logger("delivery")

# Longer than the longest try: a token, a score and a result, each at most 5 s to connect and 30 s to answer.
LEASE = timedelta(seconds=120)
FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 1800.0
# About twelve hours of a platform that answers with errors; Moodle's 500 for a locked column never ends by itself.
MOST_TRIES = 32
LONGEST_REASON = 500


@dataclass(frozen=True)
class _Claimed:
    """One try, as taken: what to send, to whom, and the lease that it runs under."""

    score_id: str
    lease: str
    version: int
    number: int
    registration: lti.Registration
    line_item_id: str
    endpoint: lti.AgsEndpoint
    wanted: lti.Wanted
    score: lti.Score
    started_at: datetime


def deliver_next(services: Services) -> bool:
    """Sends the score that is due longest, once. Returns whether there was one."""
    claimed = _claim(services)
    if claimed is None:
        return False
    outcome = _send(services, claimed)
    _record(services, claimed, outcome)
    return True


def _claim(services: Services) -> _Claimed | None:
    """Takes a due row and saves its stamp; a stamp that the clock has not passed yet sends the row back to wait for it."""
    moment = now()
    lease = f"{OWNER}:{new_id()[-8:]}"
    with services.database.write() as session:
        due = (
            select(ScoreRow)
            .where(ScoreRow.state == WAITING, ScoreRow.next_try_at <= moment)
            .order_by(ScoreRow.next_try_at)
        )
        row: ScoreRow | None = claim_row(session, due, ScoreRow, lease, LEASE)
        if row is None:
            return None
        if row.stamp is None or row.stamp_version != row.version:
            row.stamp = lti.next_stamp(row.last_stamp, row.decided_at, moment)
            row.stamp_version = row.version
        sendable = lti.may_send_at(row.stamp)
        if sendable > moment:
            row.next_try_at = sendable
            row.lease_owner = row.lease_until = None
            return None
        row.last_stamp = row.stamp
        row.tries += 1
        item, context, link, registration, user = session.execute(
            select(LineItem, Context, ResourceLink, Registration, User)
            .join(Context, Context.id == LineItem.context_id)
            .join(ResourceLink, ResourceLink.id == LineItem.resource_link_id)
            .join(Deployment, Deployment.id == Context.deployment_id)
            .join(Registration, Registration.id == Deployment.registration_id)
            .where(LineItem.id == row.line_item_id, User.id == row.user_id)
        ).one()
        return _Claimed(
            score_id=row.id,
            lease=lease,
            version=row.version,
            number=row.tries,
            registration=registration_of(registration),
            line_item_id=item.id,
            endpoint=lti.AgsEndpoint(item.url, item.container_url, frozenset(item.scopes)),
            wanted=lti.Wanted(item.label, item.score_maximum, f"workside-{link.id}", item.tag, link.lti_id),
            score=lti.Score(
                user_id=user.sub,
                timestamp=row.stamp,
                score_given=row.points,
                score_maximum=row.points_maximum,
                comment=row.comment or None,
            ),
            started_at=moment,
        )


def _send(services: Services, claimed: _Claimed) -> lti.Outcome | lti.Superseded:
    platform, endpoint = services.platform, claimed.endpoint
    if endpoint.lineitem is None:
        found = _resolve_line_item(services, claimed)
        if not isinstance(found, lti.AgsEndpoint):
            return found
        endpoint = found
    outcome = lti.send_score(
        platform, claimed.registration, endpoint, claimed.score, is_first_try=claimed.number == 1
    )
    if isinstance(outcome, lti.Conflict):
        return lti.after_conflict(platform, claimed.registration, endpoint, claimed.score, outcome)
    return outcome


def _resolve_line_item(
    services: Services, claimed: _Claimed
) -> lti.AgsEndpoint | lti.RetryLater | lti.Refused:
    """Finds or makes the column that the launch did not name, and remembers its address."""
    try:
        found, is_ours = lti.ensure_line_item(
            services.platform, claimed.registration, claimed.endpoint, claimed.wanted
        )
    except (lti.ServiceUnavailable, lti.TokenUnavailable) as error:
        return lti.RetryLater(error.after_seconds, str(error))
    except lti.LtiError as error:
        return lti.Refused(str(error))
    with services.database.write() as session:
        session.execute(
            update(LineItem).where(LineItem.id == claimed.line_item_id).values(url=found.url, is_ours=is_ours)
        )
    return lti.AgsEndpoint(found.url, claimed.endpoint.lineitems, claimed.endpoint.scopes)


def _record(services: Services, claimed: _Claimed, outcome: lti.Outcome | lti.Superseded) -> None:
    """Writes the try and the row's new state, if the lease is still ours: who lost it has no say any more."""
    name = type(outcome).__name__.lower()
    reason = str(getattr(outcome, "reason", ""))[:LONGEST_REASON]
    with services.database.write() as session:
        session.add(
            Delivery(
                score_id=claimed.score_id,
                version=claimed.version,
                number=claimed.number,
                started_at=claimed.started_at,
                ended_at=now(),
                outcome=name,
                status=getattr(outcome, "status", None),
                detail=reason,
            )
        )
        row = session.scalars(
            select(ScoreRow)
            .where(ScoreRow.id == claimed.score_id, ScoreRow.lease_owner == claimed.lease)
            .with_for_update()
        ).one_or_none()
        if row is not None:
            row.lease_owner = row.lease_until = None
            _apply(session, row, claimed, outcome, reason)
            record_event(
                session,
                f"score.{name}",
                organisation_id=row.organisation_id,
                actor_id=None,
                subject_kind="score",
                subject_id=row.id,
                version=claimed.version,
                number=claimed.number,
            )
    DELIVERIES.labels(name).inc()
    log.info("delivery", score=claimed.score_id, version=claimed.version, number=claimed.number, outcome=name)


def _apply(
    session: Session, row: ScoreRow, claimed: _Claimed, outcome: lti.Outcome | lti.Superseded, reason: str
) -> None:
    if isinstance(outcome, lti.Delivered):
        row.delivered_version = claimed.version
    if row.version != claimed.version:
        return  # a newer decision came while this one was under way; it is waiting already, with its own tries
    row.reason = reason
    if isinstance(outcome, lti.Delivered):
        row.state, row.reason = DELIVERED, ""
    elif isinstance(outcome, lti.RetryLater):
        if claimed.number >= MOST_TRIES:
            row.state = DEAD
        else:
            row.next_try_at = now() + timedelta(seconds=_pause(claimed.number, outcome.after_seconds))
    elif isinstance(outcome, lti.Superseded):
        row.state = SUPERSEDED
    elif isinstance(outcome, lti.Withheld):
        row.state = WITHHELD
    elif (
        isinstance(outcome, lti.Refused)
        and outcome.is_gone
        and claimed.number == 1
        and claimed.endpoint.lineitems
    ):
        # The column that we knew is gone. Look once for the one that took its place.
        session.execute(update(LineItem).where(LineItem.id == claimed.line_item_id).values(url=None))
        row.next_try_at = now()
    else:
        row.state = DEAD


def _pause(number: int, asked: float | None) -> float:
    """Seconds until the next try: what the platform asked for, else doubling with jitter, so that a herd spreads out."""
    if asked is not None:
        return min(max(asked, 1.0), LONGEST_BACKOFF_SECONDS)
    ceiling = min(FIRST_BACKOFF_SECONDS * 2 ** (number - 1), LONGEST_BACKOFF_SECONDS)
    return float(random.uniform(0.5, 1.0) * ceiling)  # noqa: S311 - not for secrets


def send_again(session: Session, score_id: str, *, actor_id: str | None) -> bool:
    """Puts a refused (or waiting, or overruled) score back in line, now. False where there is none to send."""
    row = session.get(ScoreRow, score_id, with_for_update=True)
    if row is None or row.state == DELIVERED:
        return False
    row.state, row.tries, row.next_try_at, row.reason = WAITING, 0, now(), ""
    record_event(
        session,
        "score.sent_again",
        organisation_id=row.organisation_id,
        actor_id=actor_id,
        subject_kind="score",
        subject_id=row.id,
        version=row.version,
    )
    return True


def measure_deliveries(services: Services) -> bool:
    """Brings the gauges up to date: waiting, refused, and the age of the oldest that waits."""
    with services.database.read() as session:
        counts = dict(
            session.execute(select(ScoreRow.state, func.count()).group_by(ScoreRow.state)).tuples().all()
        )
        oldest = session.scalar(select(func.min(ScoreRow.decided_at)).where(ScoreRow.state == WAITING))
    SCORES_WAITING.set(counts.get(WAITING, 0))
    SCORES_DEAD.set(counts.get(DEAD, 0))
    OLDEST_SCORE_SECONDS.set((now() - oldest).total_seconds() if oldest else 0)
    return False
