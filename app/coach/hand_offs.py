"""Handing a question to an expert: what goes, to whom, until when, and what happens when nobody answers.

The learner sees all of it before it goes and nothing else of the conversation goes with it. What they were told ("then it goes to
Marta, then to the instructors") is fixed in the row, so that it never goes to anybody else.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.coach.expert_links import end_links, write_to_expert
from app.coach.models import ExpertAnswer, HandOff
from app.course.access import Visitor, refuse_anonymous
from app.course.content import Expert
from app.course.experts import access_expert, experts_for
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.audit import record_event_of
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound, WorksideError
from app.kit.ids import new_id
from app.kit.jobs import OWNER, LeaseTest, claim_row, free_leases
from app.kit.log import get_logger

log = get_logger("hand_offs")

OPEN, ANSWERED, WITHDRAWN = "open", "answered", "withdrawn"
LONGEST_QUESTION = 2000
LONGEST_SITUATION = 500
# An expert's time is what this spends: who has so many unanswered questions waits for an answer first.
MOST_OPEN = 5
# After the reminder, before it is passed on.
GRACE_DAYS = 1
LEASE = timedelta(minutes=1)


class TooManyOpen(WorksideError):
    """The learner has as many unanswered questions with experts as one person may have."""

    status = 409
    title = N_("You have five questions with experts already")
    advice = N_("Wait for an answer, or take one of them back, then send this one.")


class AnsweredMeanwhile(WorksideError):
    """A question that is to be taken back has its answer."""

    status = 409
    title = N_("It has been answered meanwhile")
    advice = N_("The answer stands below your question. It can't be taken back any more.")


@dataclass(frozen=True)
class Wanted:
    """What a learner sends. `places` are {"document", "place"} of what came closest; `expert_id` None is the instructors.

    `asked` is the question as the coach had it: by it the form said who is next in line, whatever the learner made of it since.
    """

    expert_id: str | None
    asked: str
    question: str
    situation: str = ""
    places: Sequence[dict[str, str]] = ()
    shows_name: bool = False


def clean_words(text: str, longest: int) -> str:
    """A text without edge blanks, control characters and Windows' line ends; InputRefused where it is too long."""
    kept = "".join(
        character
        for character in text.replace("\r\n", "\n")
        if character.isprintable() or character in "\n\t"
    ).strip()
    if len(kept) > longest:
        raise InputRefused(N_("One of the texts is too long. Shorten it, then send it again."))
    return kept


def working_days_after(moment: datetime, days: int) -> datetime:
    """The same time of day so many working days (Monday to Friday, UTC) later; from a weekend the count begins on Monday."""
    reached = moment
    while days > 0:
        reached += timedelta(days=1)
        if reached.weekday() < 5:
            days -= 1
    return reached


def answer_days(services: Services, expert: Expert | None) -> int:
    """How many working days an expert has: their own number, else the installation's."""
    return (expert.answer_days if expert else None) or services.settings.hand_off_days


def experts_to_ask(services: Services, session: Session, visitor: Visitor, question: str) -> list[Expert]:
    """Whom the visitor may choose from, the most fitting first."""
    return experts_for(session, coach_scope(services.retrieval, visitor), visitor, question)


def next_in_line(experts: Sequence[Expert], chosen_id: str | None) -> Expert | None:
    """Who gets the question if the chosen one does not answer; None for the course's instructors, from whom it goes nowhere."""
    if chosen_id is None:
        return None
    return next((expert for expert in experts if expert.id != chosen_id), None)


def record_hand_off(
    services: Services, session: Session, visitor: Visitor, turn_id: str, wanted: Wanted
) -> HandOff:
    """Sends a question of the visitor's own turn, which the caller has looked at. A second click gives the first one's row.

    Raises InputRefused, NotFound (an expert of elsewhere), NameNeeded, TooManyOpen.
    """
    refuse_anonymous(visitor)
    question = clean_words(wanted.question, LONGEST_QUESTION)
    if not question:
        raise InputRefused(N_("Write the question that the expert should answer."))
    sent = _sent(session, turn_id)
    if sent and sent[-1].state != WITHDRAWN:
        return sent[-1]
    waiting = select(func.count()).where(HandOff.user_id == visitor.user_id, HandOff.state == OPEN)
    if (session.scalar(waiting) or 0) >= MOST_OPEN:
        raise TooManyOpen
    scope = coach_scope(services.retrieval, visitor)
    expert = access_expert(session, scope, visitor, wanted.expert_id) if wanted.expert_id else None
    following = next_in_line(experts_for(session, scope, visitor, wanted.asked), wanted.expert_id)
    moment = now()
    due_at = working_days_after(moment, answer_days(services, expert))
    own = {expert.collection_id} if expert and expert.collection_id else set()
    row = HandOff(
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
        turn_id=turn_id,
        number=len(sent) + 1,
        expert_id=expert.id if expert else None,
        fallback_expert_id=following.id if following else None,
        collection_id=next(iter(sorted(own & scope.collection_ids) or sorted(scope.collection_ids)), None),
        question=question,
        situation=clean_words(wanted.situation, LONGEST_SITUATION),
        places=[{"document": place["document"], "place": place["place"]} for place in wanted.places],
        shows_name=wanted.shows_name,
        locale=visitor.locale,
        sent_at=moment,
        due_at=due_at,
        step_at=due_at,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        # The other click of two at once, on a database with more than one writer.
        return _sent(session, turn_id)[-1]
    _record(session, row, "hand_off.sent", visitor.user_id)
    if expert is not None:
        write_to_expert(services, session, row, expert, "asked")
    return row


def withdraw_hand_off(session: Session, visitor: Visitor, hand_off_id: str) -> HandOff:
    """Takes the learner's own open question back: its words go, its links end. AnsweredMeanwhile where it is too late."""
    row = access_own_hand_off(session, visitor, hand_off_id, for_update=True)
    if row.state == ANSWERED:
        raise AnsweredMeanwhile
    if row.state == OPEN:
        row.state, row.withdrawn_at, row.step_at = WITHDRAWN, now(), None
        row.question, row.situation, row.places = "", "", []
        end_links(session, row.id)
        _record(session, row, "hand_off.withdrawn", visitor.user_id)
    return row


def access_own_hand_off(
    session: Session, visitor: Visitor, hand_off_id: str, *, for_update: bool = False
) -> HandOff:
    """A hand-off of the visitor's own, in this course. `for_update` holds it: of an answer and a withdrawal at once one wins."""
    row = session.get(HandOff, hand_off_id, with_for_update=for_update)
    if row is None or row.user_id != visitor.user_id or row.context_id != visitor.context_id:
        raise NotFound
    return row


def access_handed_off(
    session: Session, visitor: Visitor, hand_off_id: str, *, for_update: bool = False
) -> HandOff:
    """A question that the visitor may answer: as a reviewer of its course, or as the expert whom it is with. One that was taken
    back is nobody's any more."""
    row = session.get(HandOff, hand_off_id, with_for_update=for_update)
    if row is None or row.organisation_id != visitor.organisation_id or row.state == WITHDRAWN:
        raise NotFound
    if visitor.is_reviewer and row.context_id == visitor.context_id:
        return row
    if row.expert_id in own_expert_ids(session, visitor):
        return row
    raise NotFound


def own_expert_ids(session: Session, visitor: Visitor) -> frozenset[str]:
    """The expert rows that are the visitor; empty for anybody who is nobody's expert."""
    if visitor.is_anonymous:
        return frozenset()
    return frozenset(
        session.scalars(
            select(Expert.id).where(
                Expert.organisation_id == visitor.organisation_id,
                Expert.user_id == visitor.user_id,
                Expert.is_active,
            )
        )
    )


def hand_offs_of_turns(
    session: Session, visitor: Visitor, turn_ids: Iterable[str]
) -> dict[str, list[HandOff]]:
    """The visitor's own hand-offs by turn, those taken back left out."""
    found: dict[str, list[HandOff]] = {}
    rows = session.scalars(
        select(HandOff)
        .where(
            HandOff.turn_id.in_(list(turn_ids)),
            HandOff.user_id == visitor.user_id,
            HandOff.state != WITHDRAWN,
        )
        .order_by(HandOff.id)
    )
    for row in rows:
        found.setdefault(row.turn_id, []).append(row)
    return found


def hand_offs_of_turn(session: Session, visitor: Visitor, turn_id: str) -> list[HandOff]:
    """The visitor's own hand-offs of one turn."""
    return hand_offs_of_turns(session, visitor, [turn_id]).get(turn_id, [])


def expert_answers_of(session: Session, document_ids: Iterable[str]) -> dict[str, dict[str, str]]:
    """Document id -> {"name", "reviewed", "review_due"} (ISO days) for the documents that are experts' answers."""
    rows = session.scalars(
        select(ExpertAnswer).where(
            ExpertAnswer.document_id.in_(set(document_ids)), ExpertAnswer.state == "current"
        )
    )
    return {
        row.document_id: {
            "name": row.author,
            "reviewed": row.reviewed_on.isoformat(),
            "review_due": row.review_due_on.isoformat(),
        }
        for row in rows
        if row.document_id is not None
    }


def expert_of(session: Session, row: HandOff) -> Expert | None:
    """Whom it is with; None for the course's instructors."""
    return session.get(Expert, row.expert_id) if row.expert_id else None


def work_next_hand_off(services: Services) -> bool:
    """Reminds of, or passes on, the question that has waited longest beyond its day, if there is one.

    Claim, change and the mail's row are one transaction: killed at any point it has happened once or not at all.
    """
    moment = now()
    with services.database.write() as session:
        late = (
            select(HandOff).where(HandOff.state == OPEN, HandOff.step_at <= moment).order_by(HandOff.step_at)
        )
        row: HandOff | None = claim_row(session, late, HandOff, f"{OWNER}:{new_id()[-8:]}", LEASE)
        if row is None:
            return False
        if row.reminded_at is None:
            _remind(services, session, row, moment)
        else:
            _pass_on(services, session, row, moment)
        row.lease_owner = row.lease_until = None
        identifier = row.id
    log.info("hand_off_worked", hand_off=identifier)
    return True


def free_hand_offs(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on hand-offs that `is_nobodys` says are nobody's."""
    with services.database.write() as session:
        return free_leases(session, HandOff, is_nobodys)


def _remind(services: Services, session: Session, row: HandOff, moment: datetime) -> None:
    expert = expert_of(session, row)
    row.reminded_at = moment
    # From the instructors it goes nowhere else: their page and their Home go on naming it.
    row.step_at = working_days_after(moment, GRACE_DAYS) if expert else None
    if expert is not None:
        write_to_expert(services, session, row, expert, "reminded")
    _record(session, row, "hand_off.reminded", None)


def _pass_on(services: Services, session: Session, row: HandOff, moment: datetime) -> None:
    end_links(session, row.id)
    following = session.get(Expert, row.fallback_expert_id) if row.fallback_expert_id else None
    expert = following if following is not None and following.is_active else None
    row.expert_id, row.fallback_expert_id = expert.id if expert else None, None
    row.passed_on_at, row.reminded_at = moment, None
    row.due_at = row.step_at = working_days_after(moment, answer_days(services, expert))
    if expert is not None:
        write_to_expert(services, session, row, expert, "passed_on")
    _record(session, row, "hand_off.passed_on", None)


def _sent(session: Session, turn_id: str) -> list[HandOff]:
    return list(session.scalars(select(HandOff).where(HandOff.turn_id == turn_id).order_by(HandOff.number)))


def _record(session: Session, row: HandOff, action: str, actor_id: str | None) -> None:
    record_event_of(session, row, "hand_off", action, actor_id, expert_id=row.expert_id)
