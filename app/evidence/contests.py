"""Contests: a learner says that a line is wrong, an instructor answers. Neither changes a point: a decision does."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Literal

from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.evidence.models import Attempt, Contest
from app.evidence.people import hold_person
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound, WorksideError

About = Literal["suggestion", "decision"]
LONGEST_WORDS = 1000
LONGEST_ANSWER = 2000
# An answer that nobody looked at is no longer announced after this.
ANNOUNCED_FOR = timedelta(days=30)


class AlreadyContested(WorksideError):
    """The same line once more, while the first words still wait."""

    status = 409
    title = N_("You have already said that")
    advice = N_("Your words about this line are with your instructor. The answer will stand beside it.")


class AlreadyAnswered(WorksideError):
    """Two instructors at once."""

    status = 409
    title = N_("Somebody else has answered this meanwhile")
    advice = N_("Open it again to see their answer. Yours was not saved.")


class OwnContest(WorksideError):
    """A person who contests a line cannot answer themselves."""

    status = 403
    title = N_("You can't answer yourself")
    advice = N_("Another instructor of this course has to answer.")


def clean_words(text: str, longest: int, missing: str) -> str:
    """The words as they are kept; InputRefused where there are none (`missing` says what to write) or too many."""
    words = text.replace("\r\n", "\n").replace("\x00", "").strip()
    if not words:
        raise InputRefused(missing)
    if len(words) > longest:
        raise InputRefused(N_("That is too long. Say it shorter: a few sentences are enough."))
    return words


def record_contest(
    session: Session,
    visitor: Visitor,
    attempt: Attempt,
    *,
    key: str,
    criterion: str,
    about: About,
    words: str,
) -> Contest:
    """Puts a learner's words about one line of their own attempt before the instructors. The same form sent twice is one contest."""
    if attempt.user_id != visitor.user_id:
        raise NotFound
    hold_person(session, visitor.user_id)
    same = select(Contest).where(Contest.user_id == visitor.user_id, Contest.key == key)
    if (known := session.scalars(same).one_or_none()) is not None:
        return known
    open_one = select(Contest.id).where(
        Contest.attempt_id == attempt.id,
        Contest.criterion == criterion,
        Contest.about == about,
        Contest.state == "open",
    )
    if session.scalars(open_one.limit(1)).first() is not None:
        raise AlreadyContested
    row = Contest(
        key=key,
        organisation_id=attempt.organisation_id,
        context_id=attempt.context_id,
        resource_link_id=attempt.resource_link_id,
        user_id=visitor.user_id,
        attempt_id=attempt.id,
        criterion=criterion,
        about=about,
        words=words,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:  # the same form arrived twice at once
        return session.scalars(same).one()
    _record(session, visitor, "contest.raised", row)
    return row


def access_contest(session: Session, visitor: Visitor, contest_id: str) -> Contest:
    """A contest of this course, for a reviewer of it."""
    row = session.get(Contest, contest_id)
    if row is None or row.context_id != visitor.context_id or not visitor.is_reviewer:
        raise NotFound
    return row


def answer_contest(session: Session, visitor: Visitor, row: Contest, *, agrees: bool, answer: str) -> Contest:
    """An instructor's answer. It changes no point: who agrees on a decision decides anew, in sight of both."""
    if row.user_id == visitor.user_id:
        raise OwnContest
    session.refresh(row, with_for_update={"key_share": True})
    if row.state == "answered":
        if (row.answered_by, row.agrees, row.answer) == (visitor.user_id, agrees, answer):
            return row
        raise AlreadyAnswered
    row.state, row.agrees, row.answer = "answered", agrees, answer
    row.answered_by, row.answered_at = visitor.user_id, now()
    _record(session, visitor, "contest.answered", row)
    return row


def contests_on(session: Session, attempt_ids: Collection[str]) -> list[Contest]:
    """What was contested of these attempts, oldest first. The caller has looked at who asks."""
    query = select(Contest).where(Contest.attempt_id.in_(attempt_ids)).order_by(Contest.id)
    return list(session.scalars(query)) if attempt_ids else []


def open_contests(session: Session, context_id: str) -> list[Contest]:
    """What waits for an instructor's answer in a course, oldest first."""
    query = select(Contest).where(Contest.context_id == context_id, Contest.state == "open")
    return list(session.scalars(query.order_by(Contest.id).limit(200)))


def count_open_contests(session: Session, context_id: str) -> int:
    query = select(func.count()).select_from(Contest)
    return session.scalar(query.where(Contest.context_id == context_id, Contest.state == "open")) or 0


def unseen_answers(session: Session, visitor: Visitor) -> list[Contest]:
    """Answers to the visitor in this course that they have not opened yet."""
    return list(
        session.scalars(
            select(Contest)
            .where(
                Contest.user_id == visitor.user_id,
                Contest.context_id == visitor.context_id,
                Contest.state == "answered",
                Contest.seen_at.is_(None),
                Contest.answered_at > now() - ANNOUNCED_FOR,
            )
            .order_by(Contest.answered_at)
        )
    )


def _record(session: Session, visitor: Visitor, action: str, row: Contest) -> None:
    record_event(
        session,
        action,
        organisation_id=row.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="contest",
        subject_id=row.id,
        about=row.about,
        agrees=row.agrees,
    )
