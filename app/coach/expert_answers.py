"""An expert's answer: it reaches who asked, and where its author lets it, it becomes a document that the coach cites.

One that came by a link, which proves only that somebody had it, is cited once a person of the course has confirmed it.
A version is never edited: a further one supersedes it, also where its author only says that it still holds.
"""

from __future__ import annotations

import html
import re
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.coach.expert_links import end_links
from app.coach.guard import without_addresses
from app.coach.hand_offs import ANSWERED, OPEN, clean_words
from app.coach.models import ExpertAnswer, ExpertLink, HandOff
from app.course.services import Services
from app.kit.audit import record_event_of
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, WorksideError
from app.kit.ids import new_opaque_id
from app.kit.markdown import render_markdown
from retrieval import CollectionNotFound, DocumentNotFound, Scope

CURRENT, SUPERSEDED, WITHDRAWN = "current", "superseded", "withdrawn"
IN_TOOL, BY_LINK = "tool", "link"
LONGEST_ANSWER = 10_000
LONGEST_TITLE = 300
REVIEW_AFTER = timedelta(days=365)
LATEST_REVIEW = timedelta(days=5 * 366)
_BLANK_LINES = re.compile(r"\n\s*\n")


class AnswerConflict(WorksideError):
    """The answer that the form was opened on is not the current one any more."""

    status = 409
    title = N_("Somebody else has answered meanwhile")
    advice = N_("Open the question again to see their answer. Copy what you wrote first, if you need it.")


class OwnQuestion(WorksideError):
    """Whoever asked may not answer as the expert."""

    status = 403
    title = N_("This is your own question")
    advice = N_("Someone else answers it.")


class NothingToConfirm(WorksideError):
    """The answer that somebody confirms waits for nobody: it is cited already, or its author did not let it be."""

    status = 409
    title = N_("This answer waits for no confirmation")
    advice = N_("Open the question again to see how it stands.")


@dataclass(frozen=True)
class Author:
    """Who answers: a name, the expert whose turn it is, the person of the roster where there is one, and by which way."""

    name: str
    expert_id: str | None
    user_id: str | None
    via: str


@dataclass(frozen=True)
class Written:
    """What an expert sends. `question` is the general form; `instead_of` the id of the version that the form was opened on."""

    text: str
    question: str
    is_citable: bool
    review_due_on: date
    instead_of: str = ""


def read_answer(form: dict[str, str]) -> Written:
    """The form's fields; InputRefused where one is missing, too long or no sensible day."""
    text = clean_words(form.get("text", ""), LONGEST_ANSWER)
    if not text:
        raise InputRefused(N_("Write the answer, then send it."))
    question = " ".join(clean_words(form.get("title", ""), LONGEST_TITLE).split())
    is_citable = bool(form.get("citable"))
    if is_citable and not question:
        raise InputRefused(N_("Write the question in a general form, so that others can find the answer."))
    if is_citable and without_addresses(question) != question:
        raise InputRefused(
            N_(
                "Take e-mail addresses and long numbers out of the question in its general form: everybody who may use the "
                "documents can read it."
            )
        )
    today = now().date()
    try:
        due = date.fromisoformat(form.get("review", "") or (today + REVIEW_AFTER).isoformat())
    except ValueError:
        raise InputRefused(N_("Write the day of the next review, such as 2027-11-23.")) from None
    if not today < due <= today + LATEST_REVIEW:
        raise InputRefused(N_("The next review has to be after today and within five years."))
    return Written(text, question, is_citable, due, form.get("instead_of", ""))


def current_answer(session: Session, hand_off_id: str) -> ExpertAnswer | None:
    """The version that counts; None before there is one and after it was withdrawn."""
    return session.scalars(
        select(ExpertAnswer).where(ExpertAnswer.hand_off_id == hand_off_id, ExpertAnswer.state == CURRENT)
    ).one_or_none()


def versions_of(session: Session, hand_off_id: str) -> list[ExpertAnswer]:
    """Every version, the newest first."""
    return list(
        session.scalars(
            select(ExpertAnswer)
            .where(ExpertAnswer.hand_off_id == hand_off_id)
            .order_by(ExpertAnswer.version.desc())
        )
    )


def record_answer(
    services: Services, session: Session, row: HandOff, author: Author, written: Written
) -> ExpertAnswer:
    """Writes a version, brings it to who asked, and has it taken in where it may be cited and did not come by a link, which waits
    for `confirm_answer`. The caller wakes the worker.

    Raises OwnQuestion, AnswerConflict.
    """
    if author.user_id is not None and author.user_id == row.user_id:
        raise OwnQuestion
    earlier = current_answer(session, row.id)
    said = (written.text, written.question)
    if earlier is not None and (earlier.text, earlier.question) == said and written.instead_of != earlier.id:
        return earlier  # the second of two clicks
    if written.instead_of != (earlier.id if earlier else ""):
        raise AnswerConflict
    number = session.scalar(select(func.max(ExpertAnswer.version)).where(ExpertAnswer.hand_off_id == row.id))
    moment = now()
    filename = session.scalar(
        select(ExpertAnswer.filename).where(ExpertAnswer.hand_off_id == row.id).limit(1)
    )
    answer = ExpertAnswer(
        organisation_id=row.organisation_id,
        hand_off_id=row.id,
        version=(number or 0) + 1,
        expert_id=author.expert_id,
        user_id=author.user_id,
        author=author.name,
        via=author.via,
        question=written.question,
        text=written.text,
        is_citable=written.is_citable,
        reviewed_on=moment.date(),
        review_due_on=written.review_due_on,
        collection_id=row.collection_id,
        filename=filename or f"expert-answers/{new_opaque_id()}.md",
        created_at=moment,
    )
    if earlier is not None:
        earlier.state = SUPERSEDED
    try:
        with session.begin_nested():
            session.add(answer)
    except IntegrityError:
        raise AnswerConflict from None
    if written.is_citable and author.via != BY_LINK:
        answer.document_id = _take_in(services, session, answer)
    if earlier is not None and earlier.document_id and earlier.document_id != answer.document_id:
        _take_out(services, session, earlier)
    session.execute(
        update(ExpertLink)
        .where(ExpertLink.hand_off_id == row.id, ExpertLink.used_at.is_(None))
        .values(used_at=moment)
    )
    end_links(session, row.id)
    row.state, row.answered_at, row.seen_at, row.step_at = ANSWERED, moment, None, None
    _record(session, answer, "expert_answer.recorded", author.user_id)
    return answer


def confirm_answer(
    services: Services, session: Session, row: HandOff, answer_id: str, *, actor_id: str
) -> ExpertAnswer:
    """Lets the coach cite the answer of a link, the version that was looked at. The caller wakes the worker.

    Raises OwnQuestion, AnswerConflict (another version counts by now), NothingToConfirm.
    """
    if actor_id == row.user_id:
        raise OwnQuestion
    answer = current_answer(session, row.id)
    if answer is None or answer.id != answer_id:
        raise AnswerConflict
    if answer.document_id is not None:
        return answer  # the second of two clicks
    if awaits_confirmation(answer):
        answer.document_id = _take_in(services, session, answer)
    if answer.document_id is None:
        raise NothingToConfirm
    _record(session, answer, "expert_answer.confirmed", actor_id)
    return answer


def withdraw_answer(services: Services, session: Session, row: HandOff, *, actor_id: str) -> None:
    """Takes the current version back: it is cited no more, and who asked is told that it was withdrawn."""
    answer = current_answer(session, row.id)
    if answer is None:
        return
    answer.state = WITHDRAWN
    row.seen_at = None
    if answer.document_id:
        _take_out(services, session, answer)
    _record(session, answer, "expert_answer.withdrawn", actor_id)


def is_review_due(answer: ExpertAnswer) -> bool:
    """Whether the day has come on which somebody should look whether it still holds."""
    return answer.review_due_on <= now().date()


def awaits_confirmation(answer: ExpertAnswer) -> bool:
    """Whether it came by a link, may be cited, and nobody of the course has confirmed it yet."""
    return (
        answer.via == BY_LINK
        and answer.state == CURRENT
        and answer.is_citable
        and answer.document_id is None
        and answer.collection_id is not None
    )


def can_be_answered(row: HandOff) -> bool:
    return row.state in {OPEN, ANSWERED}


def document_of(answer: ExpertAnswer) -> bytes:
    """The document that the coach cites, as Markdown whose blocks are HTML: the general question is its one heading.

    A heading of the expert's is a bold line of it, however it was written, so that an answer never stands under a heading, and is
    never cited at a place, that is not the question which it answers.
    """
    # A blank line ends a block of HTML in Markdown, and what follows would be read as Markdown again.
    body = _BLANK_LINES.sub("\n&#10;", render_markdown(answer.text, with_headings=False))
    return f"<h1>{html.escape(answer.question)}</h1>\n\n{body}\n".encode()


def _take_in(services: Services, session: Session, answer: ExpertAnswer) -> str | None:
    """The document's id; None where the collection is gone, and then only who asked gets the answer."""
    if answer.collection_id is None:
        return None
    own = {found.id for found in services.retrieval.collections(answer.organisation_id)}
    if answer.collection_id not in own:
        return None
    try:
        return services.retrieval.add_document(
            session, answer.collection_id, answer.filename, document_of(answer)
        ).id
    except CollectionNotFound:
        return None


def _take_out(services: Services, session: Session, answer: ExpertAnswer) -> None:
    scope = Scope(answer.organisation_id, frozenset({answer.collection_id or ""}))
    # An operator or an author may have removed it before.
    with suppress(DocumentNotFound):
        services.retrieval.remove_document(session, scope, answer.document_id or "")


def _record(session: Session, answer: ExpertAnswer, action: str, actor_id: str | None) -> None:
    record_event_of(
        session, answer, "expert_answer", action, actor_id,
        hand_off_id=answer.hand_off_id, version=answer.version, via=answer.via, is_citable=answer.is_citable,
    )  # fmt: skip
