"""A person's conversations with the coach and the doors to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from app.coach.content_gaps import forget_turns
from app.course.access import Visitor
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound
from app.rooms.ask.finding import folded, says_all
from app.rooms.ask.models import Conversation, Turn
from retrieval import Exchange

LONGEST_QUESTION = 1000
LONGEST_TITLE = 120
SHOWN_TURNS = 20
LISTED = 30
# After a break a person begins anew.
LEANED_ON = timedelta(minutes=30)
# What was asked in this working day stands on the first page; what is older is one tap away.
GOES_ON = timedelta(hours=12)


@dataclass(frozen=True)
class Listed:
    """One line of the list of conversations: `questions` counts those that it shows."""

    id: str
    title: str
    updated_at: datetime
    questions: int


def clean_question(question: str) -> str:
    """The question without edge blanks and control characters; InputRefused where nothing is left or it is too long."""
    text = _printable(question, keep="\n").strip()
    if not text:
        raise InputRefused(N_("Write what you are trying to get done, then ask."))
    if len(text) > LONGEST_QUESTION:
        raise InputRefused(N_("The question is too long: 1,000 characters at most. Ask one thing at a time."))
    return text


def title_from(question: str) -> str:
    """What a conversation is called until its person says otherwise: its first question, cut at a word."""
    text = " ".join(question.split())
    if len(text) <= LONGEST_TITLE:
        return text
    cut = text[: LONGEST_TITLE - 1]
    return f"{cut.rpartition(' ')[0] or cut}…"


def _printable(text: str, keep: str = "") -> str:
    return "".join(character for character in text if character.isprintable() or character in keep)


def access_conversation(
    session: Session, visitor: Visitor, conversation_id: str, *, for_update: bool = False
) -> Conversation:
    """The visitor's own conversation in this activity. `for_update` keeps others from numbering turns in it meanwhile."""
    conversation = session.get(Conversation, conversation_id, with_for_update=for_update or None)
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
        .where(*_own(visitor), Conversation.updated_at > now() - GOES_ON)
        .order_by(Conversation.updated_at.desc(), Conversation.id.desc())
        .limit(1)
    ).first()


def list_conversations(
    session: Session, visitor: Visitor, query: str = "", page: int = 1
) -> tuple[list[Listed], bool]:
    """The visitor's conversations that say all words of the query, newest first, and whether there are more after this page."""
    questions = (
        select(func.count())
        .where(Turn.conversation_id == Conversation.id, Turn.replaced_by.is_(None))
        .scalar_subquery()
    )
    rows = session.execute(
        select(Conversation.id, Conversation.title, Conversation.updated_at, questions)
        .where(*_own(visitor), says_all(query))
        .order_by(Conversation.updated_at.desc(), Conversation.id.desc())
        .offset((page - 1) * LISTED)
        .limit(LISTED + 1)
    ).all()
    return [Listed(*row) for row in rows[:LISTED]], len(rows) > LISTED


def has_conversations(session: Session, visitor: Visitor) -> bool:
    """Whether the visitor has any here."""
    return session.scalar(select(Conversation.id).where(*_own(visitor)).limit(1)) is not None


def _own(visitor: Visitor) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    mine = Conversation.user_id == visitor.user_id
    here = Conversation.resource_link_id == visitor.resource_link_id
    return mine, here


def turns_of(session: Session, conversation: Conversation, limit: int | None = SHOWN_TURNS) -> list[Turn]:
    """The last turns that the conversation shows, oldest first; None gives all."""
    newest = session.scalars(
        select(Turn)
        .where(Turn.conversation_id == conversation.id, Turn.replaced_by.is_(None))
        .order_by(Turn.number.desc())
        .limit(limit)
    )
    return list(newest)[::-1]


def count_turns(session: Session, conversation: Conversation) -> int:
    """How many turns the conversation shows."""
    shown = select(func.count()).where(Turn.conversation_id == conversation.id, Turn.replaced_by.is_(None))
    return session.scalar(shown) or 0


def exchange_before(session: Session, turn: Turn) -> Exchange | None:
    """What a turn's question may lean on: the turn before it that the conversation shows, if it is not long ago."""
    before = session.scalars(
        select(Turn)
        .where(
            Turn.conversation_id == turn.conversation_id,
            Turn.number < turn.number,
            Turn.replaced_by.is_(None),
        )
        .order_by(Turn.number.desc())
        .limit(1)
    ).first()
    if before is None or turn.asked_at - before.asked_at > LEANED_ON:
        return None
    return Exchange(before.question, " ".join(one["text"] for one in before.answer.get("sentences", ())))


def rename_conversation(session: Session, visitor: Visitor, conversation_id: str, title: str) -> Conversation:
    """Gives a conversation its person's own title; InputRefused for an empty one."""
    conversation = access_conversation(session, visitor, conversation_id, for_update=True)
    wanted = " ".join(_printable(title, keep="\n\t").split())
    if not wanted:
        raise InputRefused(N_("Write a title, then save it."))
    if len(wanted) > LONGEST_TITLE:
        raise InputRefused(N_("The title is too long: 120 characters at most."))
    if wanted != conversation.title:
        entitle(conversation, wanted)
        _record(session, visitor, "conversation.renamed", conversation_id)
    return conversation


def entitle(conversation: Conversation, title: str) -> None:
    """Sets the title and what it is found by."""
    conversation.title, conversation.folded = title, folded(title)


def delete_conversation(session: Session, visitor: Visitor, conversation_id: str) -> Sequence[str]:
    """Deletes a conversation with all its turns, also those that it did not show; returns the turns' ids.

    What a person handed to an expert is not part of it: it left the conversation when they sent it.
    """
    conversation = access_conversation(session, visitor, conversation_id, for_update=True)
    turn_ids = session.scalars(select(Turn.id).where(Turn.conversation_id == conversation.id)).all()
    session.execute(update(Turn).where(Turn.conversation_id == conversation.id).values(replaced_by=None))
    forget_turns(session, turn_ids)
    session.execute(delete(Turn).where(Turn.conversation_id == conversation.id))
    session.execute(delete(Conversation).where(Conversation.id == conversation.id))
    _record(session, visitor, "conversation.deleted", conversation_id, turns=len(turn_ids))
    return turn_ids


def _record(session: Session, visitor: Visitor, action: str, conversation_id: str, **detail: int) -> None:
    record_event(
        session,
        action,
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="conversation",
        subject_id=conversation_id,
        **detail,
    )
