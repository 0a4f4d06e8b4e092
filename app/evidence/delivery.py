"""Bringing scores to the gradebook: never lost, never doubled, never over a person's edit. The recipe is promises.md's.

One try has three parts. In a first transaction the worker takes the row under a lease and saves the stamp; then it sends,
holding no transaction; in a second transaction it writes what came of it. A process that is killed between the two leaves a
row whose lease ends (`app.kit.jobs`): the next worker sends the same version with the same stamp, and a platform that had it
already refuses it as stale, upon which the result is read back and found equal.
"""

from __future__ import annotations

import random
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import lti
from app.course.models import (
    Context,
    Deployment,
    LineItem,
)
from app.course.protocol import EgressWithin
from app.course.services import Services
from app.evidence.claiming import LONGEST_REASON, Claimed, claim_score
from app.evidence.models import (
    DEAD,
    DELIVERED,
    SUPERSEDED,
    WAITING,
    WITHHELD,
    Delivery,
    ScoreRow,
)
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_
from app.kit.jobs import LeaseTest, free_leases
from app.kit.log import get_logger
from app.kit.metrics import (
    DELIVERIES,
    OLDEST_SCORE_SECONDS,
    SCORES_DEAD,
    SCORES_LATE,
    SCORES_WAITING,
)
from app.kit.vault import VaultLocked

log = get_logger("delivery")

# See LEASE.
BEGIN_SECONDS = 35.0
FIRST_BACKOFF_SECONDS = 2.0
LONGEST_BACKOFF_SECONDS = 1800.0
# About nine hours of a platform that answers with errors; Moodle's 500 for a locked column never ends by itself.
MOST_TRIES = 32
# A platform that is away altogether comes back: a long weekend, a data centre lost. It gets a week before a person must look.
LONGEST_AWAY = timedelta(days=7)
# Tries for which a look at the gradebook is waited for, before a comment is left out instead.
TRIES_FOR_A_COMMENT = 4
# When the gradebook is first compared with what was delivered (app.evidence.sampling).
FIRST_CHECK = timedelta(hours=1)
# What has waited so long makes the gauge of late scores rise.
LATE = timedelta(minutes=15)

KEYS_LOCKED = N_(
    "Workside cannot read its own key. Whoever runs it finds what to do with the command: workside doctor"
)


def deliver_next(services: Services) -> bool:
    """Sends the score that is due longest, once. Returns whether there was one."""
    claimed = claim_score(services)
    if not isinstance(claimed, Claimed):
        return claimed
    outcome: lti.Outcome | lti.Superseded
    try:
        outcome = _send(services, claimed)
    except VaultLocked:
        log.error("keys_locked")
        outcome = lti.RetryLater(LONGEST_BACKOFF_SECONDS, KEYS_LOCKED)
    except Exception as error:
        # What nobody foresaw must neither hold up the other scores nor come round for ever unseen: it is a try like any other.
        log.error("delivery_failed", score=claimed.score_id, kind=type(error).__name__, exc_info=error)
        outcome = lti.RetryLater(None, f"an error of our own: {type(error).__name__}", 500)
    _record(services, claimed, outcome)
    return True


def free_deliveries(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on scores that `is_nobodys` says are nobody's; what was sent under them is sent again, with its stamp."""
    with services.database.write() as session:
        freed = free_leases(session, ScoreRow, is_nobodys)
        # The dead send nothing any more.
        session.execute(
            update(ScoreRow)
            .where(ScoreRow.open_version != 0, ScoreRow.lease_owner.is_(None))
            .values(open_version=0)
            .execution_options(synchronize_session=False)
        )
        return freed


def _send(services: Services, claimed: Claimed) -> lti.Outcome | lti.Superseded:
    within = EgressWithin(services.platform.egress, BEGIN_SECONDS)
    platform = lti.Services(within, services.platform.tokens, services.platform.now)
    endpoint = claimed.endpoint
    if endpoint.lineitem is None:
        found = _resolve_line_item(services, platform, claimed)
        if not isinstance(found, lti.AgsEndpoint):
            return found
        endpoint = found
    has_comment = claimed.is_first_try and claimed.may_comment
    appends = claimed.registration.quirks.appends_comments and claimed.score.comment is not None
    if not claimed.is_first_try and (appends or claimed.has_new_stamp):
        seen = _look_first(platform, claimed, endpoint)
        if not isinstance(seen, bool):
            return seen
        has_comment = seen and claimed.may_comment
    outcome = lti.send_score(
        platform, claimed.registration, endpoint, claimed.score, is_first_try=has_comment
    )
    if isinstance(outcome, lti.Conflict):
        return lti.after_conflict(
            platform, claimed.registration, endpoint, claimed.score, outcome, previous=claimed.previous
        )
    return outcome


def _look_first(
    platform: lti.Services, claimed: Claimed, endpoint: lti.AgsEndpoint
) -> bool | lti.Outcome | lti.Superseded:
    """What the gradebook holds of a score that was tried before; whether to send it with its comment, or what came of it.

    An earlier try may have been stored without our hearing of it. Then nothing is sent any more; where it shows that nothing
    was stored, the comment goes along again, since it did not arrive either. A new stamp would go over whatever stands
    there, so a grade that is neither this one nor the last one that came from us is a person's.
    """
    try:
        result = lti.read_result(platform, claimed.registration, endpoint, claimed.score.user_id)
    except (lti.ServiceUnavailable, lti.TokenUnavailable) as error:
        if claimed.number < TRIES_FOR_A_COMMENT:
            return lti.RetryLater(error.after_seconds, str(error))
        return False
    except lti.LtiError:
        return False
    is_ours_before = claimed.previous is not None and lti.holds(result, claimed.previous)
    if lti.is_same(claimed.score, result):
        # Two decisions that give the same points: nobody can tell which of the two is held, so it goes once more, bare.
        return False if is_ours_before else lti.Delivered()
    if claimed.has_new_stamp and result is not None and result.score is not None and not is_ours_before:
        return lti.Superseded(
            f"the gradebook holds {result.score:g} of {result.maximum:g}, which is not what was sent"
        )
    return True


def _resolve_line_item(
    services: Services, platform: lti.Services, claimed: Claimed
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


def _record(services: Services, claimed: Claimed, outcome: lti.Outcome | lti.Superseded) -> None:
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
            row.open_version = 0
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
    session: Session, row: ScoreRow, claimed: Claimed, outcome: lti.Outcome | lti.Superseded, reason: str
) -> None:
    if isinstance(outcome, lti.Delivered):
        row.delivered_version = claimed.version
        row.delivered_points, row.delivered_maximum = claimed.score.score_given, claimed.score.score_maximum
    if row.version != claimed.version:
        return  # a newer decision came while this one was under way; it is waiting already, with its own tries
    row.reason = reason
    if isinstance(outcome, lti.Delivered):
        row.state, row.reason, row.needs_new_stamp = DELIVERED, "", False
        row.check_at, row.checks = now() + FIRST_CHECK, 0
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
    elif isinstance(outcome, lti.Refused) and outcome.may_restamp and claimed.is_first_try:
        # Once, with the time of this try: what a person enters meanwhile is newer than that.
        row.asked_at, row.stamp_version, row.next_try_at = claimed.started_at, 0, now()
    else:
        row.state = DEAD
        row.needs_new_stamp = isinstance(outcome, lti.Refused) and outcome.is_stale


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
    row.waits_for_connection = False
    if row.needs_new_stamp:
        row.asked_at, row.stamp_version = now(), 0
        if row.last_stamp is not None and row.last_stamp > now():
            row.last_stamp = None  # a wrong clock's: whether the platform minds, it says itself
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


def measure_deliveries(services: Services) -> None:
    """Brings the gauges up to date: waiting, refused, and the age of the oldest that waits."""
    with services.database.read() as session:
        counts = dict(
            session.execute(select(ScoreRow.state, func.count()).group_by(ScoreRow.state)).tuples().all()
        )
        oldest = session.scalar(select(func.min(ScoreRow.decided_at)).where(ScoreRow.state == WAITING))
        late = session.scalar(
            select(func.count())
            .select_from(ScoreRow)
            .where(ScoreRow.state == WAITING, ScoreRow.decided_at < now() - LATE)
        )
    SCORES_LATE.set(late or 0)
    SCORES_WAITING.set(counts.get(WAITING, 0))
    SCORES_DEAD.set(counts.get(DEAD, 0))
    OLDEST_SCORE_SECONDS.set((now() - oldest).total_seconds() if oldest else 0)
