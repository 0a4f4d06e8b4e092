"""Asking: a question in the visit's scope becomes a whole turn of a conversation."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.coach.answers import Answer, place_of
from app.course.access import Visitor
from app.course.loading import text_in
from app.course.models import Expert, PracticeTask, Starter
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.tasks import task_title
from app.evidence.ledger import count_waiting
from app.evidence.models import Evidence
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound
from app.kit.i18n import Translator
from app.kit.ids import new_id
from app.rooms.ask.models import Conversation, Turn
from retrieval import Exchange, Passage, PassageNotFound, Scope
from retrieval.languages import detect_language, stems

LONGEST_QUESTION = 1000
STARTERS = 6
EXPERTS = 2
SHOWN_TURNS = 20
# After a break a person begins anew.
LEANED_ON = timedelta(minutes=30)
# What an answer's author should see around the quotation: the passage and its neighbours under the same heading or page.
NEIGHBOURS = 2


def clean_question(question: str) -> str:
    """The question without edge blanks and control characters; InputRefused where nothing is left or it is too long."""
    text = "".join(
        character for character in question if character.isprintable() or character == "\n"
    ).strip()
    if not text:
        raise InputRefused(N_("Write what you are trying to get done, then ask."))
    if len(text) > LONGEST_QUESTION:
        raise InputRefused(N_("The question is too long: 1,000 characters at most. Ask one thing at a time."))
    return text


def access_conversation(session: Session, visitor: Visitor, conversation_id: str) -> Conversation:
    """The visitor's own conversation in this activity."""
    conversation = session.get(Conversation, conversation_id)
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
        .where(
            Conversation.user_id == visitor.user_id, Conversation.resource_link_id == visitor.resource_link_id
        )
        .order_by(Conversation.id.desc())
        .limit(1)
    ).first()


def turns_of(session: Session, conversation: Conversation) -> list[Turn]:
    """The last turns, oldest first."""
    newest = session.scalars(
        select(Turn)
        .where(Turn.conversation_id == conversation.id)
        .order_by(Turn.number.desc())
        .limit(SHOWN_TURNS)
    )
    return list(newest)[::-1]


def exchange_before(services: Services, visitor: Visitor, conversation_id: str) -> Exchange | None:
    """What the visitor's question may lean on: the last turn of the conversation, if it is not long ago."""
    if not conversation_id:
        return None
    with services.database.read() as session:
        conversation = access_conversation(session, visitor, conversation_id)
        turn = session.scalars(
            select(Turn).where(Turn.conversation_id == conversation.id).order_by(Turn.number.desc()).limit(1)
        ).first()
        if turn is None or now() - turn.created_at > LEANED_ON:
            return None
        return Exchange(turn.question, " ".join(one["text"] for one in turn.answer.get("sentences", ())))


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


def source_view(
    services: Services, session: Session, visitor: Visitor, turn_id: str, mark: str
) -> dict[str, Any]:
    """The cited place in its document: the passage with the cited words marked, and its neighbours."""
    stored = access_turn(session, visitor, turn_id).answer
    if mark.startswith("closest-"):
        entries = {f"closest-{i}": entry for i, entry in enumerate(stored["closest"], 1)}
    else:
        entries = {str(entry["n"]): entry for entry in stored["citations"]}
    if mark not in entries:
        raise NotFound
    entry = entries[mark]
    view = {
        "document": entry["document"],
        "place": entry["place"],
        "updated": entry["updated"],
        "has_changed": False,
    }
    scope = coach_scope(services.retrieval, visitor)
    try:
        cited = services.retrieval.passage(scope, entry["passage_id"])
    except PassageNotFound:
        # The document was changed or removed since: the words that were quoted stay readable, and the page says so.
        quote = entry.get("quote", "")
        return {
            **view,
            "has_changed": True,
            "blocks": [_block(None, entry["place"], [(quote, True)], True)] if quote else [],
        }
    blocks = _blocks_around(services, scope, visitor, cited, entry.get("start"), entry.get("end"))
    return {**view, "blocks": blocks}


def passage_view(
    services: Services, visitor: Visitor, passage_id: str, start: int | None, end: int | None
) -> dict[str, Any]:
    """A passage of the visit's own scope in its document, with the characters from `start` to `end` marked."""
    scope = coach_scope(services.retrieval, visitor)
    try:
        passage = services.retrieval.passage(scope, passage_id)
    except PassageNotFound:
        raise NotFound from None
    document = services.retrieval.document(scope, passage.document_id)
    return {
        "document": document.title or document.filename,
        "place": place_of(passage, visitor.locale, start or 0),
        "updated": document.updated_at.date().isoformat(),
        "has_changed": False,
        "blocks": _blocks_around(services, scope, visitor, passage, start, end),
    }


def _blocks_around(
    services: Services, scope: Scope, visitor: Visitor, cited: Passage, start: int | None, end: int | None
) -> list[dict[str, Any]]:
    """The passage and its neighbours in the document."""
    around = services.retrieval.passages_of(scope, cited.document_id)
    at = next(i for i, passage in enumerate(around) if passage.id == cited.id)
    blocks = []
    heading: tuple[str, ...] | None = None
    for passage in around[max(0, at - NEIGHBOURS) : at + NEIGHBOURS + 1]:
        path = tuple(passage.heading_path)
        runs = _marked(passage.text, start, end) if passage.id == cited.id else [(passage.text, False)]
        shown = path[-1] if path and path != heading else None
        blocks.append(_block(shown, place_of(passage, visitor.locale), runs, passage.id == cited.id))
        heading = path
    return blocks


def _marked(text: str, start: int | None, end: int | None) -> list[tuple[str, bool]]:
    if start is None or end is None:
        return [(text, False)]
    return [
        (part, marked)
        for part, marked in ((text[:start], False), (text[start:end], True), (text[end:], False))
        if part
    ]


def _block(heading: str | None, place: str, runs: list[tuple[str, bool]], is_cited: bool) -> dict[str, Any]:
    return {
        "heading": heading,
        "place": place,
        "runs": [{"text": text, "marked": marked} for text, marked in runs],
        "is_cited": is_cited,
    }


def starters_for(services: Services, session: Session, visitor: Visitor) -> list[dict[str, str]]:
    """Four to six one-tap questions: the author's, and where there are too few, ones made of the content's own headings."""
    scope = coach_scope(services.retrieval, visitor)
    rows = session.scalars(
        select(Starter)
        .where(
            Starter.organisation_id == scope.organisation_id, Starter.collection_id.in_(scope.collection_ids)
        )
        .order_by(Starter.id)
        .limit(STARTERS)
    )
    found = [text for row in rows if (text := row.texts.get(visitor.locale) or row.texts.get("en"))]
    if len(found) < 4:
        for heading in services.retrieval.headings(scope, STARTERS):
            if heading.heading not in found and len(found) < STARTERS:
                found.append(heading.heading)
    return [{"text": text} for text in found]


def due_for(session: Session, visitor: Visitor, translate: Translator) -> list[dict[str, str]]:
    """What waits for this person, one line each."""
    if visitor.is_reviewer:
        waiting = count_waiting(session, visitor.context_id)
        if not waiting:
            return []
        return [
            {
                "text": translate.plural(
                    "%(n)d answer waits for your review", "%(n)d answers wait for your review", waiting
                ),
                "href": "/review",
            }
        ]
    decided = session.execute(
        select(Evidence, PracticeTask)
        .join(PracticeTask, PracticeTask.id == Evidence.task_id)
        .where(
            Evidence.user_id == visitor.user_id,
            Evidence.context_id == visitor.context_id,
            Evidence.resource_link_id == visitor.resource_link_id,
            Evidence.state == "decided",
            Evidence.superseded_by.is_(None),
            Evidence.created_at > now() - timedelta(days=14),
        )
        .order_by(Evidence.id.desc())
        .limit(3)
    )
    return [
        {
            "text": translate(
                "Your instructor has looked at “%(title)s”", title=task_title(task, visitor.locale)
            ),
            "href": f"/practice/{task.key}",
        }
        for _, task in decided
    ]
