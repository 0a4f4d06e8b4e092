"""A person's conversations with the coach and the doors to them."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.services import Services
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound
from app.rooms.ask.models import Conversation, Turn
from retrieval import Exchange

LONGEST_QUESTION = 1000
SHOWN_TURNS = 20
# After a break a person begins anew.
LEANED_ON = timedelta(minutes=30)


def clean_question(question: str) -> str:
    """The question without edge blanks and control characters; InputRefused where nothing is left or it is too long."""
    text = "".join(
        character for character in question if character.isprintable() or character == "\n"
    ).strip()
    if not text:
        raise InputRefused(N_("Write what you are trying to get done, then ask."))
    if len(text) > LONGEST_QUESTION:
        raise InputRefused(N_("The question is too long: 1,000 characters at most. Ask one thing at a time."))
    return text


def access_conversation(session: Session, visitor: Visitor, conversation_id: str) -> Conversation:
    """The visitor's own conversation in this activity."""
    conversation = session.get(Conversation, conversation_id)
    if (
        conversation is None
        or conversation.user_id != visitor.user_id
        or conversation.resource_link_id != visitor.resource_link_id
    ):
        raise NotFound
    return conversation


def access_turn(session: Session, visitor: Visitor, turn_id: str) -> Turn:
    """A turn of the visitor's own conversation."""
    turn = session.get(Turn, turn_id)
    if turn is None:
        raise NotFound
    access_conversation(session, visitor, turn.conversation_id)
    return turn


def latest_conversation(session: Session, visitor: Visitor) -> Conversation | None:
    """The conversation that goes on in this activity."""
    return session.scalars(
        select(Conversation)
        .where(
            Conversation.user_id == visitor.user_id, Conversation.resource_link_id == visitor.resource_link_id
        )
        .order_by(Conversation.id.desc())
        .limit(1)
    ).first()


def turns_of(session: Session, conversation: Conversation) -> list[Turn]:
    """The last turns, oldest first."""
    newest = session.scalars(
        select(Turn)
        .where(Turn.conversation_id == conversation.id)
        .order_by(Turn.number.desc())
        .limit(SHOWN_TURNS)
    )
    return list(newest)[::-1]


def exchange_before(services: Services, visitor: Visitor, conversation_id: str) -> Exchange | None:
    """What the visitor's question may lean on: the last turn of the conversation, if it is not long ago."""
    if not conversation_id:
        return None
    with services.database.read() as session:
        conversation = access_conversation(session, visitor, conversation_id)
        turn = session.scalars(
            select(Turn).where(Turn.conversation_id == conversation.id).order_by(Turn.number.desc()).limit(1)
        ).first()
        if turn is None or now() - turn.asked_at > LEANED_ON:
            return None
        return Exchange(turn.question, " ".join(one["text"] for one in turn.answer.get("sentences", ())))
