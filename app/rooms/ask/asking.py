"""The life of a turn's row: asked under a lease, finished in one transaction, taken up by another when the lease is nobody's."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from app.coach.answers import Answer
from app.coach.content_gaps import record_gap
from app.coach.hints import RUNGS
from app.course.access import Visitor
from app.course.services import Services
from app.evidence.under_way import refuse_in_recheck
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, WorksideError
from app.kit.ids import new_id
from app.kit.jobs import OWNER, is_of_the_dead
from app.rooms.ask.conversations import (
    access_conversation,
    access_turn,
    entitle,
    exchange_before,
    title_from,
)
from app.rooms.ask.finding import folded
from app.rooms.ask.ladder import Manner, begin_ladder, is_held_back, manner_of
from app.rooms.ask.models import ANSWERED, ASKED, FAILED, Conversation, Turn
from retrieval import Exchange

# Whoever answers renews the lease well before its end; a process that was stopped for longer has lost the turn.
LEASE = timedelta(seconds=30)
# A question that ended the process each time it was answered is not answered a fourth time.
MOST_TRIES = 3


class QuestionChanged(WorksideError):
    """The question that was to be asked in other words is not shown any more: another tab has changed it, or one before it."""

    status = 409
    title = N_("Your change was not taken")
    advice = N_("This question was changed in another tab. Reload to see what is there now.")


@dataclass(frozen=True)
class Opened:
    """A turn whose answer is this process's to write, and how it is to be shown. `replaced` are turns under way that it made void."""

    turn: Turn
    earlier: Exchange | None
    manner: Manner
    replaced: tuple[str, ...] = ()


def open_turn(
    services: Services, visitor: Visitor, question: str, *, conversation_id: str = "", replaces: str = ""
) -> Opened:
    """Writes the question down under this process's lease. An empty `conversation_id` begins a conversation.

    `replaces` is the turn whose question is asked anew in other words: it and what came after it are not shown any more.
    QuestionChanged where it is not shown already: what took its place is work that this tab has never seen.
    Turns are numbered under the conversation's lock, so that two tabs neither lose a turn nor share a number.
    """
    with services.database.write() as session:
        refuse_in_recheck(session, visitor)
        old = access_turn(session, visitor, replaces) if replaces else None
        conversation = _conversation(session, visitor, old.conversation_id if old else conversation_id)
        if old is not None:
            session.refresh(old)  # as it is under the lock: it was read before
            if old.replaced_by is not None:
                raise QuestionChanged
        last = session.scalar(select(func.max(Turn.number)).where(Turn.conversation_id == conversation.id))
        moment = now()
        turn = Turn(
            conversation_id=conversation.id,
            number=(last or 0) + 1,
            question=question,
            folded=folded(question),
            asked_at=moment,
            lease_owner=OWNER,
            lease_until=moment + LEASE,
        )
        session.add(turn)
        session.flush()
        replaced = _replace(session, old, turn) if old is not None else ()
        if last is None or (old is not None and conversation.title == title_from(old.question)):
            entitle(conversation, title_from(question))
        conversation.updated_at = moment
        _record(session, visitor, "turn.asked", turn.id, replaces=replaces or None)
        return Opened(turn, exchange_before(session, turn), manner_of(session, visitor), replaced)


def _conversation(session: Session, visitor: Visitor, conversation_id: str) -> Conversation:
    if conversation_id:
        return access_conversation(session, visitor, conversation_id, for_update=True)
    conversation = Conversation(
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
    )
    session.add(conversation)
    session.flush()
    return conversation


def _replace(session: Session, old: Turn, new: Turn) -> tuple[str, ...]:
    """Hides the old turn and what followed it; what of that is still being answered is stopped."""
    theirs = (
        Turn.conversation_id == old.conversation_id,
        Turn.number >= old.number,
        Turn.id != new.id,
        Turn.replaced_by.is_(None),
    )
    under_way = tuple(session.scalars(select(Turn.id).where(*theirs, Turn.state == ASKED)))
    _change(session, update(Turn).where(Turn.id.in_(under_way)).values(stop_at=now()))
    _change(session, update(Turn).where(*theirs).values(replaced_by=new.id))
    return under_way


def open_unkept(services: Services, visitor: Visitor, question: str) -> Opened:
    """The turn of somebody whom the platform does not name: it is written nowhere (conformance case 62)."""
    turn = Turn(
        id=new_id(), conversation_id="", number=1, question=question, answer={}, state=ASKED, asked_at=now(),
        verdict="", voice="", model="", folded="", hint_level=RUNGS, mode="help", mode_reason="",
    )  # fmt: skip
    with services.database.read() as session:
        return Opened(turn, None, manner_of(session, visitor))


def claim_turn(services: Services, visitor: Visitor, turn_id: str) -> Opened | None:
    """Takes up a turn whose process is gone; None where it is answered, or somebody alive answers it.

    One compare-and-set, so that of several processes that are asked for the turn exactly one answers it anew.
    """
    with services.database.write() as session:
        turn = access_turn(session, visitor, turn_id)
        if turn.state != ASKED or not is_free(turn):
            return None
        is_given_up = turn.tries >= MOST_TRIES
        taken = _change(
            session,
            update(Turn)
            .where(
                Turn.id == turn_id,
                Turn.state == ASKED,
                Turn.lease_owner.is_not_distinct_from(turn.lease_owner),
                Turn.lease_until.is_not_distinct_from(turn.lease_until),
            )
            .values(
                lease_owner=None if is_given_up else OWNER,
                lease_until=None if is_given_up else now() + LEASE,
                tries=Turn.tries + 1,
                state=FAILED if is_given_up else ASKED,
            ),
        )
        if not taken or is_given_up:
            return None
        session.refresh(turn)
        return Opened(turn, exchange_before(session, turn), manner_of(session, visitor))


def is_free(turn: Turn) -> bool:
    """Whether nobody who is alive answers the turn: the lease ran out, was given back, or is one of a process that is gone."""
    if turn.lease_owner is None or turn.lease_until is None or turn.lease_until <= now():
        return True
    return is_of_the_dead(turn.lease_owner)


@dataclass(frozen=True)
class Outcome:
    """What came of a turn: its new state and, unless there is none, the answer and what is stored of it."""

    state: str
    answer: Answer | None = None
    stored: Mapping[str, Any] = field(default_factory=dict)


def finish_turn(services: Services, visitor: Visitor, opened: Opened, outcome: Outcome) -> Turn | None:
    """Writes what came of a turn, whole, in one transaction. None where the lease is another's by now, or the turn was deleted."""
    with services.database.write() as session:
        turn = session.get(Turn, opened.turn.id, with_for_update=True)
        if turn is None or turn.state != ASKED or turn.lease_owner != OWNER:
            return None
        fill(turn, opened.manner, outcome)
        if outcome.state == ANSWERED and outcome.answer is not None:
            record_gap(session, visitor, turn.id, turn.question, outcome.answer)
        _record(session, visitor, "turn.recorded", turn.id, state=turn.state, verdict=turn.verdict)
        return turn


def fill(turn: Turn, manner: Manner, outcome: Outcome) -> None:
    """Puts an answer and its end into a turn."""
    turn.state, turn.answered_at = outcome.state, now()
    turn.lease_owner = turn.lease_until = None
    if outcome.answer is None:
        return
    turn.verdict, turn.voice, turn.model = outcome.answer.verdict, outcome.answer.voice, outcome.answer.model
    turn.answer = dict(outcome.stored)
    begin_ladder(turn, manner)
    said = "" if is_held_back(turn) else " ".join(sentence.text for sentence in outcome.answer.sentences)
    turn.folded = folded(f"{turn.question} {said}")


def ask_to_stop(services: Services, visitor: Visitor, turn_id: str) -> Turn:
    """Notes that the person wants no more of an answer; whoever writes it looks for that."""
    with services.database.write() as session:
        turn = access_turn(session, visitor, turn_id)
        if turn.state == ASKED and turn.stop_at is None:
            turn.stop_at = now()
        return turn


def renew_leases(services: Services, turn_ids: Collection[str]) -> None:
    """Moves the end of the leases of turns that are still being answered."""
    with services.database.write() as session:
        held = (Turn.id.in_(turn_ids), Turn.state == ASKED, Turn.lease_owner == OWNER)
        _change(session, update(Turn).where(*held).values(lease_until=now() + LEASE))


def release_lease(services: Services, turn_id: str) -> None:
    """Gives a turn back: whoever is asked for it next answers it anew, and this does not count as a try."""
    with services.database.write() as session:
        held = (Turn.id == turn_id, Turn.state == ASKED, Turn.lease_owner == OWNER)
        given_back = {"lease_owner": None, "lease_until": None, "tries": Turn.tries - 1}
        _change(session, update(Turn).where(*held).values(**given_back))


def wanted_to_stop(services: Services, turn_ids: Collection[str]) -> list[str]:
    """Which of these turns are to be stopped, or are not there any more."""
    with services.database.read() as session:
        going_on = session.scalars(
            select(Turn.id).where(Turn.id.in_(turn_ids), Turn.state == ASKED, Turn.stop_at.is_(None))
        ).all()
    return sorted(set(turn_ids) - set(going_on))


def _change(session: Session, statement: Any) -> int:
    """How many rows an UPDATE changed; objects in the session are not looked through for it."""
    changed = session.execute(statement.execution_options(synchronize_session=False))
    return int(changed.rowcount)  # type: ignore[attr-defined]


def _record(session: Session, visitor: Visitor, action: str, turn_id: str, **detail: str | None) -> None:
    record_event(
        session,
        action,
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="turn",
        subject_id=turn_id,
        **detail,
    )
