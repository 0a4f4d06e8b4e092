"""What stands on the page before anything is asked: one-tap questions."""

from __future__ import annotations

from fastapi import Request
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.models import Starter
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.pages import translator_of
from app.kit.room import DueItem

STARTERS = 6


def starters_for(services: Services, session: Session, visitor: Visitor) -> list[dict[str, str]]:
    """Four to six one-tap questions: the author's, and where there are too few, ones made of the content's own headings."""
    scope = coach_scope(services.retrieval, visitor)
    rows = session.scalars(
        select(Starter)
        .where(
            Starter.organisation_id == scope.organisation_id, Starter.collection_id.in_(scope.collection_ids)
        )
        .order_by(Starter.id)
        .limit(STARTERS)
    )
    found = [text for row in rows if (text := row.texts.get(visitor.locale) or row.texts.get("en"))]
    if len(found) < 4:
        for heading in services.retrieval.headings(scope, STARTERS):
            if heading.heading not in found and len(found) < STARTERS:
                found.append(heading.heading)
    return [{"text": text} for text in found]


def due_for(request: Request, session: Session, visitor: Visitor) -> list[DueItem]:
    """What waits for this person in any room, one line each."""
    services: Services = request.app.state.services
    translate = translator_of(request)
    return [item for due in request.app.state.due for item in due(services, session, visitor, translate)]
