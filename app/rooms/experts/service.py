"""What the pages of Experts show, and what waits for whom."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, func, select, true
from sqlalchemy.orm import Session

from app.coach.content_gaps import LEAST_PEOPLE, Gap, gaps_of
from app.coach.expert_answers import (
    REVIEW_AFTER,
    awaits_confirmation,
    current_answer,
    is_review_due,
    versions_of,
)
from app.coach.expert_links import mail_server, open_links
from app.coach.guard import without_addresses
from app.coach.hand_offs import ANSWERED, OPEN, own_expert_ids
from app.coach.models import ExpertAnswer, HandOff
from app.course.access import Visitor
from app.course.content import Expert
from app.course.experts import experts_of, role_of_expert
from app.course.models import Membership, User
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.clock import now
from app.kit.errors import N_, WorksideError
from app.kit.i18n import Translator, day_in
from app.kit.room import DueItem

SHOWN_ANSWERED = 50
SHOWN_DUE = 3


class ExpertsOnly(WorksideError):
    """The visitor is neither an expert nor an instructor of the course."""

    status = 403
    title = N_("This page is for experts and instructors")
    advice = N_("An instructor of the course can name you as an expert.")


def may_answer(session: Session, visitor: Visitor) -> bool:
    """Whether there can be anything for the visitor here."""
    return visitor.is_reviewer or bool(own_expert_ids(session, visitor))


def queue_view(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> dict[str, Any]:
    """What experts/queue.html shows: open, passed on and answered questions, the most urgent first."""
    rows = _rows(session, visitor)
    experts = _experts(session, rows)

    def entry(row: HandOff) -> dict[str, Any]:
        expert = experts.get(row.expert_id or "")
        answer = current_answer(session, row.id) if row.state == ANSWERED else None
        return {
            "href": f"/experts/questions/{row.id}",
            "question": answer.question if answer and answer.question else row.question,
            "who": expert.name if expert else "",
            "due": day_in(translate.locale, row.due_at.date()),
            "is_late": row.due_at <= now(),
            "is_reminded": row.reminded_at is not None,
            "needs_hand": row.state == OPEN and _needs_hand(services, expert),
            "author": answer.author if answer else "",
            "is_review_due": answer is not None and is_review_due(answer),
            "is_withdrawn": row.state == ANSWERED and answer is None,
            "needs_confirmation": answer is not None and awaits_confirmation(answer),
        }

    waiting = sorted((row for row in rows if row.state == OPEN), key=lambda row: row.due_at)
    answered = [row for row in reversed(rows) if row.state == ANSWERED][:SHOWN_ANSWERED]
    return {
        "open": [entry(row) for row in waiting if row.passed_on_at is None],
        "escalated": [entry(row) for row in waiting if row.passed_on_at is not None],
        "answered": [entry(row) for row in answered],
    }


def question_view(
    services: Services, session: Session, visitor: Visitor, row: HandOff, translate: Translator
) -> dict[str, Any]:
    """What experts/question.html shows: the question as the learner sent it, the answer's versions, and the form."""
    expert = session.get(Expert, row.expert_id) if row.expert_id else None
    current = current_answer(session, row.id)
    versions = versions_of(session, row.id)
    latest = versions[0] if versions else None

    def day(value: Any) -> str:
        return day_in(translate.locale, value)

    return {
        "id": row.id,
        "asked": asked_view(session, row, translate),
        "who": expert.name if expert else "",
        "state": row.state,
        "due": day(row.due_at.date()),
        "is_own": row.user_id == visitor.user_id,
        "is_reviewer": visitor.is_reviewer and row.context_id == visitor.context_id,
        "links": [
            {"end": day(link.expires_at.date()), "is_opened": link.opened_at is not None}
            for link in open_links(session, row.id)
        ]
        if row.state == OPEN
        else [],
        "can_link": row.state == OPEN and expert is not None,
        "needs_hand": row.state == OPEN and _needs_hand(services, expert),
        "can_be_cited": row.collection_id is not None,
        "current": _answer_view(current, translate) if current else None,
        "versions": [_answer_view(version, translate) for version in versions if version is not current],
        "form": {
            "text": latest.text if latest else "",
            "title": without_addresses(latest.question if latest else row.question),
            "citable": latest.is_citable if latest else True,
            "review": (now().date() + REVIEW_AFTER).isoformat(),
            "instead_of": current.id if current else "",
        },
        "today": now().date().isoformat(),
    }


def asked_view(session: Session, row: HandOff, translate: Translator) -> dict[str, Any]:
    """What the learner let an expert see, and nothing else."""
    asker = session.get(User, row.user_id) if row.shows_name else None
    return {
        "question": row.question,
        "situation": row.situation,
        "places": row.places,
        "asker": asker.display_name if asker else "",
        "sent": day_in(translate.locale, row.sent_at.date()),
        "due": day_in(translate.locale, row.due_at.date()),
    }


def gaps_view(session: Session, visitor: Visitor, translate: Translator) -> list[dict[str, Any]]:
    """What experts/gaps.html shows."""

    def entry(gap: Gap) -> dict[str, Any]:
        answered = ""
        if gap.answered_by is not None:
            author, at = gap.answered_by
            answered = translate(
                "%(name)s answered on %(day)s", name=author, day=day_in(translate.locale, at.date())
            )
        return {
            "topic": gap.topic,
            "document": gap.document,
            "not_covered": gap.not_covered,
            "partly": gap.partly,
            "newest": day_in(translate.locale, gap.newest.date()),
            "questions": gap.questions,
            "is_small": gap.people < LEAST_PEOPLE,
            "answered": answered,
        }

    return [entry(gap) for gap in gaps_of(session, visitor)]


def people_view(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> dict[str, Any]:
    """What experts/people.html shows: the course's own experts, those of the content, and whom one can name."""
    rows = experts_of(session, coach_scope(services.retrieval, visitor), visitor.context_id)
    named = {row.user_id for row in rows}
    members = session.scalars(
        select(User)
        .join(Membership, Membership.user_id == User.id)
        .where(
            Membership.context_id == visitor.context_id,
            Membership.status == "active",
            User.is_anonymous.is_(False),
        )
        .order_by(User.name, User.id)
    )

    def entry(row: Expert) -> dict[str, Any]:
        return {
            "id": row.id,
            "name": row.name,
            "role": role_of_expert(row, translate.locale),
            "topics": ", ".join(row.topics),
            "email": row.email or "",
            "is_member": row.user_id is not None,
            "is_ours": row.context_id is not None,
            "days": row.answer_days or services.settings.hand_off_days,
        }

    return {
        "experts": [entry(row) for row in rows],
        "members": [{"id": user.id, "name": user.display_name} for user in members if user.id not in named],
        "days": services.settings.hand_off_days,
    }


def due_for_experts(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[DueItem]:
    """An answer that came, a question that is with somebody, and questions that wait for the visitor."""
    if visitor.is_anonymous:
        return []
    return [*_asked(session, visitor, translate), *_to_answer(services, session, visitor, translate)]


def _asked(session: Session, visitor: Visitor, translate: Translator) -> list[DueItem]:
    rows = session.scalars(
        select(HandOff)
        .where(
            HandOff.user_id == visitor.user_id,
            HandOff.context_id == visitor.context_id,
            (HandOff.state == OPEN) | ((HandOff.state == ANSWERED) & HandOff.seen_at.is_(None)),
        )
        # An answer first, then what is expected soonest.
        .order_by(HandOff.state, HandOff.due_at)
        .limit(SHOWN_DUE)
    ).all()
    experts = _experts(session, rows)
    items = []
    for row in rows:
        answer = current_answer(session, row.id)
        name = experts[row.expert_id].name if row.expert_id in experts else ""
        day = day_in(translate.locale, row.due_at.date())
        if row.state == ANSWERED:
            text = (
                translate("%(name)s answered your question", name=answer.author)
                if answer
                else translate("An expert's answer was taken back")
            )
        elif name:
            text = translate("%(name)s has your question. Answer expected by %(day)s", name=name, day=day)
        else:
            text = translate("The instructors have your question. Answer expected by %(day)s", day=day)
        items.append(DueItem(text, f"/ask/hand-offs/{row.id}"))
    return items


def _to_answer(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[DueItem]:
    own = own_expert_ids(session, visitor)
    theirs: ColumnElement[bool] = HandOff.expert_id.in_(own)
    if visitor.is_reviewer:
        # What is with the instructors, and what only they can bring to its expert.
        unreachable = select(Expert.id).where(
            Expert.user_id.is_(None), Expert.email.is_(None) if mail_server(services) else true()
        )
        theirs |= (HandOff.context_id == visitor.context_id) & (
            HandOff.expert_id.is_(None) | HandOff.expert_id.in_(unreachable)
        )
    elif not own:
        return []
    mine = (
        HandOff.organisation_id == visitor.organisation_id,
        HandOff.user_id != visitor.user_id,
        theirs,
    )
    waiting = session.scalar(select(func.count()).where(HandOff.state == OPEN, *mine)) or 0
    reviews = (
        session.scalar(
            select(func.count())
            .select_from(ExpertAnswer)
            .join(HandOff, HandOff.id == ExpertAnswer.hand_off_id)
            .where(
                ExpertAnswer.state == "current",
                ExpertAnswer.is_citable,
                ExpertAnswer.review_due_on <= now().date(),
                HandOff.organisation_id == visitor.organisation_id,
                theirs | (HandOff.context_id == visitor.context_id) if visitor.is_reviewer else theirs,
            )
        )
        or 0
    )
    unconfirmed = (
        session.scalar(
            select(func.count())
            .select_from(ExpertAnswer)
            .join(HandOff, HandOff.id == ExpertAnswer.hand_off_id)
            .where(
                ExpertAnswer.state == "current",
                ExpertAnswer.via == "link",
                ExpertAnswer.is_citable,
                ExpertAnswer.document_id.is_(None),
                ExpertAnswer.collection_id.is_not(None),
                HandOff.organisation_id == visitor.organisation_id,
                HandOff.user_id != visitor.user_id,
                theirs | (HandOff.context_id == visitor.context_id) if visitor.is_reviewer else theirs,
            )
        )
        or 0
    )
    items = []
    if waiting:
        text = translate.plural(
            "%(n)s question waits for an expert's answer",
            "%(n)s questions wait for an expert's answer",
            waiting,
        )
        items.append(DueItem(text, "/experts"))
    if unconfirmed:
        text = translate.plural(
            "%(n)s expert answer came by a link and waits for your confirmation",
            "%(n)s expert answers came by a link and wait for your confirmation",
            unconfirmed,
        )
        items.append(DueItem(text, "/experts#answered"))
    if reviews:
        text = translate.plural(
            "%(n)s expert answer is due for review", "%(n)s expert answers are due for review", reviews
        )
        items.append(DueItem(text, "/experts#answered"))
    return items


def _needs_hand(services: Services, expert: Expert | None) -> bool:
    """Whether only an instructor can bring it to the expert, by a copied link."""
    if expert is None or expert.user_id is not None:
        return False
    return not expert.email or mail_server(services) is None


def _rows(session: Session, visitor: Visitor) -> list[HandOff]:
    """What the visitor may answer: a reviewer their course's, an expert what is with them."""
    theirs: ColumnElement[bool] = HandOff.expert_id.in_(own_expert_ids(session, visitor))
    if visitor.is_reviewer:
        theirs |= HandOff.context_id == visitor.context_id
    return list(
        session.scalars(
            select(HandOff)
            .where(
                HandOff.organisation_id == visitor.organisation_id,
                HandOff.state.in_((OPEN, ANSWERED)),
                theirs,
            )
            .order_by(HandOff.id)
        )
    )


def _experts(session: Session, rows: Any) -> dict[str, Expert]:
    ids = {row.expert_id for row in rows if row.expert_id}
    return {row.id: row for row in session.scalars(select(Expert).where(Expert.id.in_(ids)))} if ids else {}


def _answer_view(answer: ExpertAnswer, translate: Translator) -> dict[str, Any]:
    def day(value: Any) -> str:
        return day_in(translate.locale, value)

    return {
        "author": answer.author,
        "via": answer.via,
        "state": answer.state,
        "version": answer.version,
        "question": answer.question,
        "text": answer.text,
        "id": answer.id,
        "needs_confirmation": awaits_confirmation(answer),
        "at": day(answer.created_at.date()),
        "reviewed": day(answer.reviewed_on),
        "review_due": day(answer.review_due_on),
        "is_review_due": is_review_due(answer),
        "is_citable": answer.is_citable and answer.document_id is not None,
    }
