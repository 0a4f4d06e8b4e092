"""Comparing gradebooks with what was delivered: a 200 is a platform's word, and what people see is its gradebook.

Moodle answers 200 for a grade that a teacher has overridden and keeps the teacher's. So a delivered score is looked at after
an hour, a day, a week and a month, one look at a time and at a walking pace; what differs is said, and never sent over.
"""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select

import lti
from app.course.models import Context, Deployment, LineItem, Registration, User
from app.course.protocol import EgressWithin, registration_of
from app.course.services import Services
from app.evidence.claiming import LEASE
from app.evidence.delivery import BEGIN_SECONDS
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, ScoreRow
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_
from app.kit.ids import new_id
from app.kit.jobs import OWNER, claim_row
from app.kit.log import get_logger
from app.kit.metrics import SAMPLES

log = get_logger("sampling")

# After the first look, the pauses until the next ones; then the score is left in peace.
NEXT_CHECKS = (timedelta(days=1), timedelta(days=7), timedelta(days=30))
AFTER_TROUBLE = timedelta(hours=6)
# Gradebooks round to their own scale: less than half a percent is nobody's edit.
TOLERANCE = 0.005

SHOWS_NONE = N_(
    "The gradebook took the grade and shows none now. Look there first; send it again if it should be there."
)


def check_next_result(services: Services) -> bool:
    """Looks at one delivered score. Never two in a row: a look is nothing that anybody waits for."""
    moment, lease = now(), f"{OWNER}:{new_id()[-8:]}"
    with services.database.write() as session:
        connected = (
            select(LineItem.id)
            .join(Context, Context.id == LineItem.context_id)
            .join(Deployment, Deployment.id == Context.deployment_id)
            .join(Registration, Registration.id == Deployment.registration_id)
            .where(Deployment.status == "active", Registration.status == "active", LineItem.url.is_not(None))
        )
        due = (
            select(ScoreRow)
            .where(
                ScoreRow.state == DELIVERED,
                ScoreRow.check_at <= moment,
                ScoreRow.line_item_id.in_(connected),
            )
            .order_by(ScoreRow.check_at)
        )
        row: ScoreRow | None = claim_row(session, due, ScoreRow, lease, LEASE)
        if row is None:
            return False
        item, registration, user = session.execute(
            select(LineItem, Registration, User)
            .join(Context, Context.id == LineItem.context_id)
            .join(Deployment, Deployment.id == Context.deployment_id)
            .join(Registration, Registration.id == Deployment.registration_id)
            .join(User, User.id == row.user_id)
            .where(LineItem.id == row.line_item_id)
        ).one()
        known = registration_of(registration, demo=services.settings.demo)
        endpoint = lti.AgsEndpoint(item.url, item.container_url, frozenset(item.scopes))
        sub = user.sub
    platform = lti.Services(
        EgressWithin(services.platform.egress, BEGIN_SECONDS), services.platform.tokens, services.platform.now
    )
    result: lti.Result | None = None
    trouble: lti.LtiError | None = None
    try:
        result = lti.read_result(platform, known, endpoint, sub)
    except lti.LtiError as error:
        trouble = error
    except Exception as error:
        # It says nothing about the grade, and the row must not be kept from a new decision.
        log.error("check_failed", score=row.id, kind=type(error).__name__, exc_info=error)
        trouble = lti.ServiceUnavailable(type(error).__name__)
    _record(services, row, lease, result, trouble)
    return False


def _record(
    services: Services, seen: ScoreRow, lease: str, result: lti.Result | None, trouble: lti.LtiError | None
) -> None:
    outcome = "same"
    with services.database.write() as session:
        row = session.scalars(
            select(ScoreRow).where(ScoreRow.id == seen.id).with_for_update(key_share=True)
        ).one()
        if row.lease_owner != lease:
            return
        row.lease_owner = row.lease_until = None
        if row.state != DELIVERED or row.version != seen.version:
            return  # a newer decision is on its way
        if trouble is not None:
            # Where the platform lets nobody read results, its word is all there is.
            is_passing = isinstance(trouble, lti.Transient)
            outcome, row.check_at = "unreadable", now() + AFTER_TROUBLE if is_passing else None
        elif result is None or result.score is None:
            outcome, row.state, row.reason, row.needs_new_stamp = "missing", DEAD, SHOWS_NONE, True
        elif not lti.holds(result, row.points / row.points_maximum, TOLERANCE):
            outcome, row.state = "differs", SUPERSEDED
            row.reason = (
                f"the gradebook holds {result.score:g} of {result.maximum:g}, which is not what was sent"
            )
        else:
            row.check_at = now() + NEXT_CHECKS[row.checks] if row.checks < len(NEXT_CHECKS) else None
            row.checks += 1
        if row.state != DELIVERED:
            row.check_at = None
            record_event(
                session,
                f"score.{outcome}",
                organisation_id=row.organisation_id,
                actor_id=None,
                subject_kind="score",
                subject_id=row.id,
                version=row.version,
            )
    SAMPLES.labels(outcome).inc()
    log.info("result_checked", score=seen.id, outcome=outcome)
