"""What was asked, as plans can begin with it: the question, and the steps of its answer as far as the learner may see them."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.services import Services
from app.kit.i18n import Translator
from app.kit.room import PlanSeed
from app.rooms.ask.after import said_in
from app.rooms.ask.ladder import is_held_back
from app.rooms.ask.models import ANSWERED, Conversation, Turn

KIND = "turn:"
MOST = 3
LONGEST_CUE = 150
LONGEST_ACTION = 300


def plan_seeds(
    services: Services, session: Session, visitor: Visitor, translate: Translator, only: str = ""
) -> list[PlanSeed]:
    """The visitor's last questions in this course that have an answer."""
    if visitor.is_anonymous or (only and not only.startswith(KIND)):
        return []
    query = (
        select(Turn)
        .join(Conversation, Conversation.id == Turn.conversation_id)
        .where(
            Conversation.user_id == visitor.user_id,
            Conversation.context_id == visitor.context_id,
            Turn.state == ANSWERED,
            Turn.verdict.in_(("covered", "partly")),
            Turn.replaced_by.is_(None),
        )
        .order_by(Turn.asked_at.desc(), Turn.id.desc())
        .limit(MOST)
    )
    if only:
        query = query.where(Turn.id == only.removeprefix(KIND))
    return [_seed(turn, translate) for turn in session.scalars(query)]


def _seed(turn: Turn, translate: Translator) -> PlanSeed:
    question = " ".join(turn.question.split())
    short = question if len(question) <= LONGEST_CUE else f"{question[: LONGEST_CUE - 1].rstrip()}…"
    steps = [] if is_held_back(turn) else [one.text for one in said_in(turn) if one.kind == "step"]
    return PlanSeed(
        f"{KIND}{turn.id}",
        short,
        translate("this comes up again: %(question)s", question=short),
        tuple(_as_deed(step) for step in steps[:MOST] if len(step) <= LONGEST_ACTION),
    )


def _as_deed(step: str) -> str:
    """A step as it stands after "I will": "Open a case." gives "open a case"."""
    text = step.strip().rstrip(".")
    return text[:1].lower() + text[1:] if text[1:2].islower() or text[1:2] == " " else text
