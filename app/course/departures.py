"""Visits that are over: a job removes them, and with theirs the people whom no platform named."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import delete, select

from app.course.models import User, Visit
from app.course.services import Services
from app.kit.clock import now

# A course's people keep no row for a visit that ended long ago.
VISITS_KEPT = timedelta(days=1)


def remove_ended_visits(services: Services) -> bool:
    """Removes visits that ended a day ago; an anonymous person's at once, and the person with the last of them.

    Returns False: there is never more to do before the next time.
    """
    moment = now()
    nobody = select(User.id).where(User.is_anonymous)
    with services.database.write() as session:
        session.execute(delete(Visit).where(Visit.expires_at < moment - VISITS_KEPT))
        session.execute(delete(Visit).where(Visit.user_id.in_(nobody), Visit.expires_at < moment))
        session.execute(
            delete(User).where(User.is_anonymous, ~select(Visit.id).where(Visit.user_id == User.id).exists())
        )
    return False
