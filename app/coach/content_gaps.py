"""What the content does not cover, collected by topic for whoever owns it.

A gap stands under the heading that is nearest to the question by meaning: the search has measured that already, so no model is
asked. The question's own words are shown only where five or more different people asked under the same heading; they are
deleted after 90 days, and the row, which is then a count, after a year.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.coach.answers import Answer
from app.coach.guard import without_addresses
from app.coach.models import ContentGap, ExpertAnswer, HandOff
from app.course.access import Visitor
from app.course.services import Services
from app.kit.clock import now
from retrieval import Passage

WORDS_KEPT = timedelta(days=90)
ROWS_KEPT = timedelta(days=365)
# A group of people in which nobody can be told apart.
LEAST_PEOPLE = 5
SHOWN_QUESTIONS = 3
_LONGEST = 300
# What tells of a person though no name is shown: addresses and long numbers (telephone, customer, parcel).
_TELLTALE = re.compile(r"[\w.+-]+@[\w-]+\.[\w.-]+|\+?\d[\d ()/-]{4,}\d")


@dataclass(frozen=True)
class Gap:
    """One topic: `not_covered` and `partly` count questions, `people` different persons. `questions` are words that may be shown;
    `answered_by` the author of the newest expert answer to one of them and its day, None where nobody answered."""

    topic: str
    document: str
    not_covered: int
    partly: int
    people: int
    newest: datetime
    questions: tuple[str, ...]
    answered_by: tuple[str, datetime] | None


def record_gap(session: Session, visitor: Visitor, turn_id: str, question: str, answer: Answer) -> None:
    """Notes a question that was not, or only partly, covered, in the transaction that records its turn. Of somebody whom the
    platform does not name, nothing."""
    if answer.verdict == "covered" or visitor.is_anonymous or not turn_id:
        return
    if session.scalars(select(ContentGap.id).where(ContentGap.turn_id == turn_id)).first() is not None:
        return
    nearest = _nearest(answer)
    heading = (nearest.heading_path[-1] if nearest.heading_path else "") if nearest else ""
    document = nearest.document_title if nearest else ""
    topic = heading or document
    session.add(
        ContentGap(
            organisation_id=visitor.organisation_id,
            context_id=visitor.context_id,
            user_id=visitor.user_id,
            turn_id=turn_id,
            verdict=answer.verdict,
            topic_key=hashlib.sha256(
                f"{nearest.document_id if nearest else ''}\n{topic}".encode()
            ).hexdigest(),
            topic=topic[:_LONGEST],
            document=document[:_LONGEST] if heading else "",
            question=question,
        )
    )


def forget_turns(session: Session, turn_ids: Iterable[str]) -> None:
    """Deletes what was noted of turns that their person deletes."""
    session.execute(delete(ContentGap).where(ContentGap.turn_id.in_(list(turn_ids))))


def gaps_of(session: Session, visitor: Visitor) -> list[Gap]:
    """The course's gaps, those that most people met first."""
    rows = session.scalars(
        select(ContentGap)
        .where(
            ContentGap.organisation_id == visitor.organisation_id,
            ContentGap.context_id == visitor.context_id,
        )
        .order_by(ContentGap.id.desc())
    )
    groups: dict[str, list[ContentGap]] = {}
    for row in rows:
        groups.setdefault(row.topic_key, []).append(row)
    handed = _handed_off(session, visitor)
    found = [_gap(group, handed) for group in groups.values()]
    return sorted(found, key=lambda gap: (-gap.people, -(gap.not_covered + gap.partly), gap.topic))


def remove_old_words(services: Services) -> bool:
    """Deletes the words of gaps after 90 days and the rows after a year. Returns False: a sweep leaves nothing for a next one."""
    moment = now()
    with services.database.write() as session:
        session.execute(delete(ContentGap).where(ContentGap.created_at < moment - ROWS_KEPT))
        session.execute(
            update(ContentGap)
            .where(ContentGap.created_at < moment - WORDS_KEPT, ContentGap.question.is_not(None))
            .values(question=None)
        )
    return False


def _nearest(answer: Answer) -> Passage | None:
    if answer.hits:
        return max(answer.hits, key=lambda hit: (hit.similarity, hit.score)).passage
    return answer.closest[0] if answer.closest else None


def _handed_off(session: Session, visitor: Visitor) -> dict[str, tuple[str, str | None, datetime | None]]:
    """Turn id -> (the question as it was handed off, who answered it, when)."""
    rows = session.execute(
        select(HandOff.turn_id, HandOff.question, ExpertAnswer.author, ExpertAnswer.created_at)
        .outerjoin(ExpertAnswer, (ExpertAnswer.hand_off_id == HandOff.id) & (ExpertAnswer.state == "current"))
        .where(HandOff.context_id == visitor.context_id, HandOff.state != "withdrawn")
    )
    return {turn_id: (question, author, at) for turn_id, question, author, at in rows}


def _gap(group: list[ContentGap], handed: dict[str, tuple[str, str | None, datetime | None]]) -> Gap:
    people = len({row.user_id for row in group})
    words = [handed[row.turn_id][0] for row in group if row.turn_id in handed]
    if people >= LEAST_PEOPLE:
        words += [row.question for row in group if row.question]
    shown = [_TELLTALE.sub("…", without_addresses(text)) for text in words]
    answers = [
        (author, at)
        for row in group
        if row.turn_id in handed
        for _, author, at in (handed[row.turn_id],)
        if author is not None and at is not None
    ]
    return Gap(
        topic=group[0].topic,
        document=group[0].document,
        not_covered=sum(row.verdict == "not_covered" for row in group),
        partly=sum(row.verdict == "partly" for row in group),
        people=people,
        newest=group[0].created_at,
        questions=tuple(dict.fromkeys(shown))[:SHOWN_QUESTIONS],
        answered_by=max(answers, key=lambda pair: pair[1]) if answers else None,
    )
