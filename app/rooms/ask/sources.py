"""The place of a citation in its document, with the cited words marked."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.coach.answers import place_of
from app.coach.hand_offs import expert_answers_of
from app.course.access import Visitor
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.errors import NotFound
from app.rooms.ask.conversations import access_turn
from app.rooms.ask.ladder import UNMARKED, is_held_back, shows_places
from app.rooms.ask.turns import NOTHING
from retrieval import Passage, PassageNotFound, Scope

# What an answer's author should see around the quotation: the passage and its neighbours under the same heading or page.
NEIGHBOURS = 2


def source_view(
    services: Services, session: Session, visitor: Visitor, turn_id: str, mark: str
) -> dict[str, Any]:
    """The cited place in its document: the passage with the cited words marked, and its neighbours.

    Of a turn in learn mode a place opens from the second hint on, and nothing is marked there before the answer is shown.
    """
    turn = access_turn(session, visitor, turn_id)
    if not shows_places(turn):
        raise NotFound
    stored = NOTHING | turn.answer
    if mark.startswith("closest-"):
        entries = {f"closest-{i}": entry for i, entry in enumerate(stored["closest"], 1)}
    else:
        entries = {str(entry["n"]): entry for entry in stored["citations"]}
    if mark not in entries:
        raise NotFound
    entry = {**entries[mark], **(UNMARKED if is_held_back(turn) else {})}
    view = {
        "document": entry["document"],
        "place": entry["place"],
        "updated": entry["updated"],
        "expert": entry.get("expert"),
        "has_changed": False,
    }
    scope = coach_scope(services.retrieval, visitor)
    try:
        cited = services.retrieval.passage(scope, entry["passage_id"])
    except PassageNotFound:
        # The document was changed or removed since: the words that were quoted stay readable, and the page says so.
        quote = entry.get("quote") or ""
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
    with services.database.read() as session:
        expert = expert_answers_of(session, {document.id}).get(document.id)
    return {
        "document": document.title or document.filename,
        "place": place_of(passage, visitor.locale, start or 0),
        "updated": document.updated_at.date().isoformat(),
        "expert": expert,
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
