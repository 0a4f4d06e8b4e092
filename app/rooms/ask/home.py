"""What stands on the page before anything is asked: one-tap questions, ready prompts, and how the coach helps."""

from __future__ import annotations

from typing import Any

from fastapi import Request
from sqlalchemy.orm import Session

from app.coach.helping import coach_settings_of
from app.coach.ready_prompts import prompts_for
from app.coach.starters import MOST, starters_offered
from app.course.access import Visitor
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.pages import translator_of
from app.kit.room import DueItem
from app.rooms.ask.ladder import manner_of


def starters_for(services: Services, session: Session, visitor: Visitor) -> list[dict[str, str]]:
    """Up to six one-tap questions that were found to be answerable: the instructor's, the author's, the content's own.

    Other rooms' (`Room.starters`) stand first: what a person has planned is nearer to them than any document.
    """
    scope = coach_scope(services.retrieval, visitor)
    ways = coach_settings_of(session, visitor)
    planned = [text for give in services.starters for text in give(services, session, visitor)]
    offered = starters_offered(session, scope, ways, visitor.locale)
    return [{"text": text} for text in dict.fromkeys([*planned, *offered])][:MOST]


def learning_on_home(services: Services, session: Session, visitor: Visitor) -> dict[str, Any]:
    """What ask/prompts.html and ask/mode.html show."""
    ways = coach_settings_of(session, visitor)
    scope = coach_scope(services.retrieval, visitor)
    return {
        "prompts": [prompt.as_view() for prompt in prompts_for(session, scope, visitor, ways)],
        "manner": manner_of(session, visitor),
    }


def due_for(request: Request, session: Session, visitor: Visitor) -> list[DueItem]:
    """What waits for this person in any room, one line each."""
    services: Services = request.app.state.services
    translate = translator_of(request)
    return [item for due in request.app.state.due for item in due(services, session, visitor, translate)]
