"""The coach as an instructor finds it when putting activities into a course: one activity, with a choice of collections."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Person
from app.course.content import Starter
from app.course.services import Services
from app.kit.i18n import Translator
from app.kit.room import PlacementOption
from retrieval import Scope

SHOWN_DOCUMENTS = 12
SHOWN_STARTERS = 4


def coach_options(services: Services, session: Session, person: Person) -> list[PlacementOption]:
    """The organisation's collections, with how many documents each has."""
    translate = Translator(person.locale)
    options = []
    for found in services.retrieval.collections(person.organisation_id):
        count = len(_documents(services, person, {found.id}))
        facts = (translate.plural("%(n)s document", "%(n)s documents", count),)
        options.append(PlacementOption(found.id, found.name, {"collections": [found.id]}, facts))
    return options


def coach_preview(
    services: Services, session: Session, person: Person, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """The first questions that learners are offered, and the documents that answers come from."""
    own = {found.id for found in services.retrieval.collections(person.organisation_id)}
    ids = own & set(settings.get("collections") or own)
    rows = session.scalars(
        select(Starter)
        .where(Starter.organisation_id == person.organisation_id, Starter.collection_id.in_(ids))
        .order_by(Starter.id)
        .limit(SHOWN_STARTERS)
    )
    documents = _documents(services, person, ids)
    return {
        "starters": [text for row in rows if (text := row.texts.get(person.locale) or row.texts.get("en"))],
        "documents": documents[:SHOWN_DOCUMENTS],
        "more_documents": max(0, len(documents) - SHOWN_DOCUMENTS),
    }


def first_page(settings: Mapping[str, Any]) -> str:
    return "/"


def _documents(services: Services, person: Person, collection_ids: set[str]) -> list[str]:
    scope = Scope(person.organisation_id, frozenset(collection_ids))
    return [found.title or found.filename for found in services.retrieval.documents(scope)]
