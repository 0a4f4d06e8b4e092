"""The action plan as an instructor finds it when putting activities into a course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.course.access import Person
from app.course.services import Services
from app.kit.i18n import Translator
from app.kit.room import PlacementOption


def plan_options(services: Services, session: Session, person: Person) -> list[PlacementOption]:
    """The organisation's collections: from those that are chosen come the answers in this activity, and so what plans begin with."""
    translate = Translator(person.locale)
    options = []
    for found in services.retrieval.collections(person.organisation_id):
        options.append(
            PlacementOption(
                found.id, found.name, {"collections": [found.id]}, (translate("About two minutes"),)
            )
        )
    return options


def plan_preview(
    services: Services, session: Session, person: Person, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """Nothing of anybody's: the page shows the form's own questions."""
    return {}


def first_page(settings: Mapping[str, Any]) -> str:
    return "/plan"
