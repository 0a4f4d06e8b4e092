"""Asking the platform for a gradebook column's own maximum, so that an instructor decides in the points that the gradebook shows."""

from __future__ import annotations

from sqlalchemy import select, update

import lti
from app.course.models import Context, Deployment, LineItem, Registration
from app.course.protocol import registration_of
from app.course.services import Services
from app.kit.clock import now
from app.kit.log import get_logger

log = get_logger("columns")

# A platform that doesn't answer is asked again a few times; scores are relative to their maximum, so not knowing does no harm.
MOST_TRIES = 3


def read_next_column(services: Services) -> bool:
    """Reads one column that was not read yet. Reading twice is harmless, so no lease is needed."""
    with services.database.write() as session:
        found = session.execute(
            select(LineItem, Registration)
            .join(Context, Context.id == LineItem.context_id)
            .join(Deployment, Deployment.id == Context.deployment_id)
            .join(Registration, Registration.id == Deployment.registration_id)
            .where(LineItem.read_at.is_(None), LineItem.url.is_not(None), LineItem.read_tries < MOST_TRIES)
            .order_by(LineItem.read_tries, LineItem.id)
            .limit(1)
        ).one_or_none()
        if found is None:
            return False
        item, registration = found
        item.read_tries += 1
        endpoint = lti.AgsEndpoint(item.url, item.container_url, frozenset(item.scopes))
        known = registration_of(registration, demo=services.settings.demo)
    if not endpoint.can_read_line_items:
        _record(services, item.id, None)
        return True
    try:
        read = lti.read_line_item(services.platform, known, endpoint, endpoint.lineitem or "")
    except (lti.ServiceUnavailable, lti.TokenUnavailable):
        return item.read_tries < MOST_TRIES
    except lti.LtiError as error:
        log.warning("column_unreadable", line_item=item.id, reason=error.reason)
        _record(services, item.id, None)
        return True
    _record(services, item.id, read.score_maximum if read else None)
    return True


def _record(services: Services, line_item_id: str, maximum: float | None) -> None:
    with services.database.write() as session:
        values: dict[str, object] = {"read_at": now()}
        if maximum is not None and maximum > 0:
            values["score_maximum"] = maximum
        session.execute(update(LineItem).where(LineItem.id == line_item_id).values(**values))
