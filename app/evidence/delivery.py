"""Bringing scores to the gradebook: never lost, never doubled, never over a person's edit. The recipe is promises.md's.

One try has three parts. In a first transaction the worker takes the row under a lease and saves the stamp; then it sends,
holding no transaction; in a second transaction it writes what came of it. A process that is killed between the two leaves a
row whose lease ends (`app.kit.jobs`): the next worker sends the same version with the same stamp, and a platform that had it
already refuses it as stale, upon which the result is read back and found equal.
"""

from __future__ import annotations

import random
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError, NoResultFound
from sqlalchemy.orm import Session

import lti
from app.course.models import Context, Deployment, LineItem, Registration, ResourceLink, User
from app.course.protocol import registration_of
from app.course.services import Services
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WAITING, WITHHELD, Delivery, ScoreRow
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.ids import new_id
from app.kit.jobs import OWNER, LeaseTest, claim_row, free_leases
from app.kit.log import get_logger
from app.kit.metrics import DELIVERIES, OLDEST_SCORE_SECONDS, SCORES_DEAD, SCORES_WAITING

log = get_logger("delivery")

# Longer than the longest try. A request takes at most 5 s to connect and 30 s to answer; none begins after BEGIN_SECONDS, and
# the last one may be followed by one for a token: 45 + 35 + 35.
LEASE = timedelta(seconds=120)
BEGIN_SECONDS = 45.0
FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 1800.0
# About nine hours of a platform that answers with errors; Moodle's 500 for a locked column never ends by itself.
MOST_TRIES = 32
# A platform that is away altogether comes back: a long weekend, a data centre lost. It gets a week before a person must look.
LONGEST_AWAY = timedelta(days=7)
LONGEST_REASON = 500
# Until the one who makes the column is done with it.
COLUMN_PAUSE = timedelta(seconds=2)


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
    is_first_try: bool
    started_at: datetime


def deliver_next(services: Services) -> bool:
    """Sends the score that is due longest, once. Returns whether there was one."""
    claimed = _claim(services)
    if not isinstance(claimed, _Claimed):
        return claimed
    try:
        outcome = _send(services, claimed)
    except Exception as error:
        # What nobody foresaw must neither hold up the other scores nor come round for ever unseen: it is a try like any other.
        log.error("delivery_failed", score=claimed.score_id, kind=type(error).__name__, exc_info=error)
        outcome = lti.RetryLater(None, f"an error of our own: {type(error).__name__}", 500)
    _record(services, claimed, outcome)
    return True


def free_deliveries(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on scores that `is_nobodys` says are nobody's; what was sent under them is sent again, with its stamp."""
    with services.database.write() as session:
        return free_leases(session, ScoreRow, is_nobodys)


def _claim(services: Services) -> _Claimed | bool:
    """Takes a due row and saves its stamp. False where none is due, True where one was put aside, not to be sent now."""
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
            return False
        if row.stamp is None or row.stamp_version != row.version:
            row.stamp = lti.next_stamp(row.last_stamp, row.decided_at, moment)
            row.stamp_version = row.version
        sendable = lti.may_send_at(row.stamp)
        if sendable > moment:
            return _put_aside(row, sendable)
        if _is_column_in_the_making(session, row, moment):
            return _put_aside(row, moment + COLUMN_PAUSE)
        try:
            claimed = _read_claimed(services, session, row, row.stamp, lease, moment)
        except (ValueError, NoResultFound) as error:
            # Such a row would be the one that is due longest for ever: a launch without a user has no one to grade.
            row.state, row.reason = DEAD, str(error)[:LONGEST_REASON]
            record_event(
                session,
                "score.unsendable",
                organisation_id=row.organisation_id,
                actor_id=None,
                subject_kind="score",
                subject_id=row.id,
                version=row.version,
            )
            log.error("score_unsendable", score=row.id, kind=type(error).__name__)
            return _put_aside(row, moment)
        row.last_stamp = row.stamp
        row.tries += 1
        return claimed


def _put_aside(row: ScoreRow, until: datetime) -> bool:
    row.next_try_at = until
    row.lease_owner = row.lease_until = None
    return True


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
) -> _Claimed:
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
    return _Claimed(
        score_id=row.id,
        lease=lease,
        version=row.version,
        number=row.tries + 1,
        registration=registration_of(registration, demo=services.settings.demo),
        line_item_id=item.id,
        endpoint=lti.AgsEndpoint(item.url, item.container_url, frozenset(item.scopes)),
        wanted=lti.Wanted(
            item.label,
            item.score_maximum,
            # A column that was placed with its activity has the placement's id (app/rooms/picker).
            link.placement_id or f"workside-{link.id}",
            item.tag,
            link.lti_id,
        ),
        score=lti.Score(
            user_id=user.sub,
            timestamp=stamp,
            score_given=row.points,
            score_maximum=row.points_maximum,
            comment=row.comment or None,
        ),
        # Not "the first of these tries": sending again begins to count anew, and the platform may have the comment.
        is_first_try=row.last_stamp != stamp,
        started_at=moment,
    )


class _WithinTheLease:
    """An egress that begins no request late: a platform with a hundred slow pages must not outlast the lease of a try."""

    def __init__(self, egress: lti.Egress) -> None:
        self.egress = egress
        self.last_begin = time.monotonic() + BEGIN_SECONDS

    def request(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        connect_seconds: float = 5,
        read_seconds: float = 30,
        max_bytes: int = 1 << 20,
        allow_private: bool = False,
    ) -> lti.EgressResponse:
        if time.monotonic() > self.last_begin:
            raise lti.EgressFailed("the platform is too slow for one try")
        return self.egress.request(
            method,
            url,
            headers=headers,
            content=content,
            connect_seconds=connect_seconds,
            read_seconds=read_seconds,
            max_bytes=max_bytes,
            allow_private=allow_private,
        )


def _send(services: Services, claimed: _Claimed) -> lti.Outcome | lti.Superseded:
    within = _WithinTheLease(services.platform.egress)
    platform = lti.Services(within, services.platform.tokens, services.platform.now)
    endpoint = claimed.endpoint
    if endpoint.lineitem is None:
        found = _resolve_line_item(services, platform, claimed)
        if not isinstance(found, lti.AgsEndpoint):
            return found
        endpoint = found
    outcome = lti.send_score(
        platform, claimed.registration, endpoint, claimed.score, is_first_try=claimed.is_first_try
    )
    if isinstance(outcome, lti.Conflict):
        return lti.after_conflict(platform, claimed.registration, endpoint, claimed.score, outcome)
    return outcome


def _resolve_line_item(
    services: Services, platform: lti.Services, claimed: _Claimed
) -> lti.AgsEndpoint | lti.RetryLater | lti.Refused:
    """Finds or makes the column that the launch did not name, and remembers its address."""
    try:
        found, is_ours = lti.ensure_line_item(
            platform, claimed.registration, claimed.endpoint, claimed.wanted
        )
    except (lti.ServiceUnavailable, lti.TokenUnavailable) as error:
        return lti.RetryLater(error.after_seconds, str(error))
    except lti.LtiError as error:
        return lti.Refused(str(error))
    try:
        with services.database.write() as session:
            session.execute(
                update(LineItem)
                .where(LineItem.id == claimed.line_item_id)
                .values(url=found.url, is_ours=is_ours)
            )
    except IntegrityError:
        return lti.Refused("another activity of this course has this gradebook column already")
    return lti.AgsEndpoint(found.url, claimed.endpoint.lineitems, claimed.endpoint.scopes)


def _record(services: Services, claimed: _Claimed, outcome: lti.Outcome | lti.Superseded) -> None:
    """Writes the try and the row's new state, if the lease is still ours: who lost it has no say any more."""
    name = type(outcome).__name__.lower()
    reason = str(getattr(outcome, "reason", ""))[:LONGEST_REASON]
    with services.database.write() as session:
        # Locked before the try is added: two who both refer to the row first and lock it then wait for each other.
        row = session.scalars(
            select(ScoreRow).where(ScoreRow.id == claimed.score_id).with_for_update(key_share=True)
        ).one()
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
        if row.lease_owner == claimed.lease:
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
        is_away = outcome.status is None or outcome.status in {403, 429, 502, 503, 504}
        if claimed.number >= MOST_TRIES and not (is_away and now() - row.decided_at < LONGEST_AWAY):
            row.state = DEAD
            return
        pause = _pause(claimed.number, outcome.after_seconds)
        row.next_try_at = now() + timedelta(seconds=pause)
        if is_away:
            _hold_back(session, row, claimed.registration.id, pause if outcome.after_seconds else pause / 2)
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


def _hold_back(session: Session, row: ScoreRow, registration_id: str, seconds: float) -> None:
    """The platform's other scores wait too, half an hour at most: without it one that hangs takes half a minute of everybody's
    time for each of its scores.

    They wait for less than this one does, unless the platform asked for it: so all of them are tried before it is again, and
    a score that fails by itself holds up no other for good.
    """
    until = now() + timedelta(seconds=min(seconds, LONGEST_BACKOFF_SECONDS))
    held = session.scalars(
        select(ScoreRow)
        .join(LineItem, LineItem.id == ScoreRow.line_item_id)
        .join(Context, Context.id == LineItem.context_id)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .where(
            Deployment.registration_id == registration_id,
            ScoreRow.state == WAITING,
            ScoreRow.next_try_at < until,
            ScoreRow.lease_owner.is_(None),
            ScoreRow.id != row.id,
        )
        .with_for_update(of=ScoreRow, skip_locked=True, key_share=True)
    )
    for other in held:
        other.next_try_at = until


def _pause(number: int, asked: float | None) -> float:
    """Seconds until the next try: what the platform asked for, else doubling, with jitter so that a herd spreads out."""
    if asked is not None:
        return max(asked, 1.0) * float(random.uniform(1.0, 1.1))  # noqa: S311 - not for secrets
    ceiling = min(FIRST_BACKOFF_SECONDS * 2.0 ** min(number - 1, 30), LONGEST_BACKOFF_SECONDS)
    return float(random.uniform(0.5, 1.0) * ceiling)  # noqa: S311 - not for secrets


def send_again(session: Session, score_id: str, *, actor_id: str | None) -> bool:
    """Puts a refused score back in line, now. False where there is none that was refused."""
    row = session.get(ScoreRow, score_id, with_for_update={"key_share": True})
    if row is None or row.state not in {DEAD, WITHHELD}:
        return False  # delivered, on its way, or overruled by a person in the gradebook, whose grade stays
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
