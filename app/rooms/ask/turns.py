"""An answer becomes what a turn keeps of it, and a turn becomes what the page shows."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.coach.answers import Answer, AnswerSentence, place_of
from app.coach.hand_offs import expert_answers_of
from app.course.access import Visitor
from app.course.content import PracticeTask
from app.course.experts import knows_about, role_of_expert
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.tasks import task_title
from app.kit.i18n import Translator
from app.rooms.ask.after import learning_view
from app.rooms.ask.hand_off import with_hand_offs
from app.rooms.ask.models import Turn
from retrieval import Passage, Scope

EXPERTS = 2


# What the page shows of a turn that has no answer, or one from before a part was there.
NOTHING: dict[str, Any] = {
    "sentences": [],
    "citations": [],
    "missing": "",
    "closest": [],
    "experts": [],
    "practice": None,
    "note": "",
    "conflicts": [],
    "is_translated": False,
}


def stored_answer(services: Services, visitor: Visitor, question: str, answer: Answer) -> dict[str, Any]:
    """The answer as the turn keeps it, JSON-ready: with the words and places of its citations as they are now."""
    scope = coach_scope(services.retrieval, visitor)
    with services.database.read() as session:
        return _stored(session, services, visitor, scope, question, answer)


def _stored(
    session: Session, services: Services, visitor: Visitor, scope: Scope, question: str, answer: Answer
) -> dict[str, Any]:
    cited = [citation.passage for citation in answer.citations]
    by_experts = expert_answers_of(session, {passage.document_id for passage in (*cited, *answer.closest)})

    # An answer cites few documents several times each.
    document_of = functools.cache(functools.partial(services.retrieval.document, scope))

    def source(passage: Passage, at: int = 0) -> dict[str, Any]:
        document = document_of(passage.document_id)
        return {
            "passage_id": passage.id,
            "document_id": passage.document_id,
            "document": document.title or document.filename,
            "filename": document.filename,
            "place": place_of(passage, visitor.locale, at),
            "heading": passage.heading_path[-1] if passage.heading_path else "",
            "updated": document.updated_at.date().isoformat(),
            "expert": by_experts.get(passage.document_id),
        }

    citations = [
        {**source(c.passage, c.start), "n": c.n, "quote": c.quote, "start": c.start, "end": c.end}
        for c in answer.citations
    ]
    experts = experts_for(session, scope, visitor, question) if answer.verdict != "covered" else []
    return {
        "sentences": [sentence_view(sentence) for sentence in answer.sentences],
        "citations": citations,
        "missing": ", ".join(f"“{word}”" for word in answer.missing),
        "closest": [source(p) for p in answer.closest] if answer.verdict == "not_covered" else [],
        "experts": experts,
        "practice": practice_for(session, scope, visitor, citations),
        "note": answer.note,
        "is_translated": answer.is_translated,
        "conflicts": [
            {"about": conflict.about, "citations": list(conflict.citations)} for conflict in answer.conflicts
        ],
    }


def sentence_view(sentence: AnswerSentence) -> dict[str, Any]:
    """A sentence as it is kept and shown."""
    return {
        "text": sentence.text,
        "kind": "sentence" if sentence.kind == "heading" else sentence.kind,
        "citations": list(sentence.citations),
        "verified": sentence.is_verified,
    }


def experts_for(session: Session, scope: Scope, visitor: Visitor, question: str) -> list[dict[str, Any]]:
    """Who to ask: those whose topics share words with the question, else the first of the list."""
    return [
        {
            "name": expert.name,
            "role": role_of_expert(expert, visitor.locale),
            "topics": expert.topics[:4] if visitor.locale == "en" else [],
            "reach": expert.reach,
        }
        for expert in knows_about(session, scope, visitor, question, EXPERTS)
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


def turn_views(
    session: Session, visitor: Visitor, turns: Sequence[Turn], translate: Translator
) -> list[dict[str, Any]]:
    """What ask/turn.html shows of turns: of one in learn mode as far as its rung goes, and what became of its hand-off."""
    views = [learning_view(turn_view(turn), turn, translate) for turn in turns]
    views = [{**view, "sources": by_place(view["citations"])} for view in views]
    return with_hand_offs(session, visitor, views, translate)


def by_place(citations: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The places that are cited, each once, as its first citation; `others` are the further ones there, with numbers of their own."""
    places: dict[tuple[str, str], dict[str, Any]] = {}
    for cited in citations:
        key = (cited.get("document_id", cited["document"]), cited["place"])
        places.setdefault(key, {**cited, "others": []})
        if places[key]["n"] != cited["n"]:
            places[key]["others"].append(cited)
    return list(places.values())


def turn_view(turn: Turn) -> dict[str, Any]:
    """A turn with all of its answer. The sources of a turn that is kept open by its id, those of another by their own place."""
    stored = NOTHING | turn.answer
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
        "conversation_id": turn.conversation_id,
        "state": turn.state,
        "asked_at": turn.asked_at,
        "voice": turn.voice,
        "verdict": turn.verdict,
        "citations": citations,
        "closest": closest,
    }
