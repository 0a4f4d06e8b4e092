"""A question and its answer become a whole turn of a conversation, and a turn becomes what the page shows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.coach.answers import Answer, place_of
from app.course.access import Visitor
from app.course.loading import text_in
from app.course.models import Expert, PracticeTask
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.tasks import task_title
from app.kit.audit import record_event
from app.kit.ids import new_id
from app.rooms.ask.conversations import access_conversation
from app.rooms.ask.models import ANSWERED, Conversation, Turn
from retrieval import Passage, Scope
from retrieval.languages import detect_language, stems

EXPERTS = 2


def unkept_turn(services: Services, visitor: Visitor, question: str, answer: Answer) -> Turn:
    """The turn of somebody whom the platform does not name: shown once, written nowhere (conformance case 62)."""
    scope = coach_scope(services.retrieval, visitor)
    with services.database.read() as session:
        return Turn(
            id=new_id(),
            conversation_id="",
            number=1,
            question=question,
            verdict=answer.verdict,
            answer=_stored(session, services, visitor, scope, question, answer),
        )


def record_turn(
    services: Services, visitor: Visitor, conversation_id: str, question: str, answer: Answer
) -> Turn:
    """Writes the whole turn in one transaction and returns it; an empty `conversation_id` begins a conversation."""
    scope = coach_scope(services.retrieval, visitor)
    with services.database.write() as session:
        if conversation_id:
            conversation = access_conversation(session, visitor, conversation_id)
        else:
            conversation = Conversation(
                organisation_id=visitor.organisation_id,
                context_id=visitor.context_id,
                resource_link_id=visitor.resource_link_id,
                user_id=visitor.user_id,
            )
            session.add(conversation)
            session.flush()
        number = (
            session.scalar(select(func.max(Turn.number)).where(Turn.conversation_id == conversation.id)) or 0
        ) + 1
        turn = Turn(
            conversation_id=conversation.id,
            number=number,
            question=question,
            verdict=answer.verdict,
            state=ANSWERED,
            answer=_stored(session, services, visitor, scope, question, answer),
        )
        session.add(turn)
        session.flush()
        record_event(
            session,
            "turn.recorded",
            organisation_id=visitor.organisation_id,
            actor_id=visitor.user_id,
            subject_kind="turn",
            subject_id=turn.id,
            verdict=answer.verdict,
        )
        return turn


def _stored(
    session: Session, services: Services, visitor: Visitor, scope: Scope, question: str, answer: Answer
) -> dict[str, Any]:
    def source(passage: Passage, at: int = 0) -> dict[str, Any]:
        document = services.retrieval.document(scope, passage.document_id)
        return {
            "passage_id": passage.id,
            "document_id": passage.document_id,
            "document": document.title or document.filename,
            "filename": document.filename,
            "place": place_of(passage, visitor.locale, at),
            "heading": passage.heading_path[-1] if passage.heading_path else "",
            "updated": document.updated_at.date().isoformat(),
        }

    citations = [
        {**source(c.passage, c.start), "n": c.n, "quote": c.quote, "start": c.start, "end": c.end}
        for c in answer.citations
    ]
    experts = experts_for(session, scope, visitor, question) if answer.verdict != "covered" else []
    return {
        "sentences": [
            {
                "text": s.text,
                "kind": "sentence" if s.kind == "heading" else s.kind,
                "citations": list(s.citations),
                "verified": s.is_verified,
            }
            for s in answer.sentences
        ],
        "citations": citations,
        "missing": ", ".join(f"“{word}”" for word in answer.missing),
        "closest": [source(p) for p in answer.closest] if answer.verdict == "not_covered" else [],
        "experts": experts,
        "practice": practice_for(session, scope, visitor, citations),
    }


def experts_for(session: Session, scope: Scope, visitor: Visitor, question: str) -> list[dict[str, Any]]:
    """Who to ask: those whose topics share words with the question, else the first of the list."""
    rows = session.scalars(
        select(Expert)
        .where(
            Expert.organisation_id == scope.organisation_id, Expert.collection_id.in_(scope.collection_ids)
        )
        .order_by(Expert.id)
    ).all()
    language = detect_language(question, default="en")
    asked = set(stems(question, language))
    shared = {row.id: len(asked & set(stems(" ".join(row.topics), language))) for row in rows}
    knowing = sorted((row for row in rows if shared[row.id]), key=lambda row: -shared[row.id])[:EXPERTS]
    # Nobody's topics are named in the question: the first in the author's list is who takes what is nobody else's.
    return [
        {
            "name": r.name,
            "role": text_in(r.role, visitor.locale),
            "topics": r.topics[:4] if visitor.locale == "en" else [],
            "reach": r.reach,
        }
        for r in knowing or rows[:1]
    ]


def practice_for(
    session: Session, scope: Scope, visitor: Visitor, citations: list[dict[str, Any]]
) -> dict[str, str] | None:
    """A practice task on what was just answered: one whose sources name the same heading or page of the same document."""
    if not citations:
        return None
    cited = {(c["filename"], c["heading"]) for c in citations}
    files = {c["filename"] for c in citations}
    query = (
        select(PracticeTask)
        .where(
            PracticeTask.organisation_id == scope.organisation_id,
            PracticeTask.collection_id.in_(scope.collection_ids),
            PracticeTask.is_current,
        )
        .order_by(PracticeTask.key)
    )
    if only := visitor.task_key:
        query = query.where(PracticeTask.key == only)
    tasks = session.scalars(query).all()

    def nearness(task: PracticeTask) -> int:
        sources = task.definition.get("sources", [])
        exact = sum((s["document"], s.get("heading")) in cited for s in sources)
        return 10 * exact + sum(s["document"] in files for s in sources)

    best = max(tasks, key=nearness, default=None)
    if best is None or nearness(best) < 10:
        return None
    return {"title": task_title(best, visitor.locale), "href": f"/practice/{best.key}"}


def turn_view(turn: Turn) -> dict[str, Any]:
    """What ask/turn.html shows. The sources of a turn that is kept open by its id, those of another by their own place."""
    stored = turn.answer
    if turn.conversation_id:
        citations = [{**c, "href": f"/sources/{turn.id}/{c['n']}"} for c in stored["citations"]]
        closest = [
            {**c, "href": f"/sources/{turn.id}/closest-{i}"} for i, c in enumerate(stored["closest"], 1)
        ]
    else:
        citations = [
            {**c, "href": f"/sources/passages/{c['passage_id']}?start={c['start']}&end={c['end']}"}
            for c in stored["citations"]
        ]
        closest = [{**c, "href": f"/sources/passages/{c['passage_id']}"} for c in stored["closest"]]
    return {
        **stored,
        "id": turn.id,
        "question": turn.question,
        "verdict": turn.verdict,
        "citations": citations,
        "closest": closest,
    }
