"""Who can be asked: the experts whom the content's author lists, and those whom instructors named for a course."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import Expert
from app.course.loading import skill_names, text_in
from app.kit.errors import NotFound
from retrieval import Scope
from retrieval.languages import detect_language, stems


def experts_of(session: Session, scope: Scope, context_id: str) -> list[Expert]:
    """Everybody who may be asked in a course about the content of a scope; those named for the course come first."""
    rows = session.scalars(
        select(Expert)
        .where(
            Expert.organisation_id == scope.organisation_id,
            Expert.is_active,
            (Expert.context_id == context_id)
            | (Expert.context_id.is_(None) & Expert.collection_id.in_(scope.collection_ids)),
        )
        .order_by(Expert.id)
    ).all()
    return sorted(rows, key=lambda row: row.context_id is None)


def experts_for(session: Session, scope: Scope, visitor: Visitor, question: str) -> list[Expert]:
    """Everybody who may be asked, those first whose topics and skills share most words with the question; never the asker.

    Where nobody's do, the order of the list stands: the first takes what is nobody else's.
    """
    names = skill_names(session, visitor.organisation_id, "en")
    language = detect_language(question, default=visitor.locale[:2])
    asked = set(stems(question, language))

    def shared(row: Expert) -> int:
        words = " ".join([*row.topics, *(names.get(key, key.replace("-", " ")) for key in row.skills)])
        return len(asked & set(stems(words, language)))

    rows = [row for row in experts_of(session, scope, visitor.context_id) if row.user_id != visitor.user_id]
    return sorted(rows, key=lambda row: -shared(row))


def knows_about(session: Session, scope: Scope, visitor: Visitor, question: str, most: int) -> list[Expert]:
    """At most `most` of them: who shares a word with the question, else the first of the list."""
    rows = experts_for(session, scope, visitor, question)
    language = detect_language(question, default="en")
    asked = set(stems(question, language))
    knowing = [row for row in rows if asked & set(stems(" ".join(row.topics), language))]
    return knowing[:most] or rows[:1]


def access_expert(session: Session, scope: Scope, visitor: Visitor, expert_id: str) -> Expert:
    """Somebody who may be asked from here by this visitor; NotFound for anybody else's, for who was taken off the list, and for
    the visitor themselves."""
    for row in experts_of(session, scope, visitor.context_id):
        if row.id == expert_id and row.user_id != visitor.user_id:
            return row
    raise NotFound


def role_of_expert(expert: Expert, locale: str) -> str:
    """What they do, in the locale; empty where nobody wrote it."""
    return text_in(expert.role, locale) if expert.role else ""
