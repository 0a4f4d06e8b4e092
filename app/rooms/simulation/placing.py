"""Simulations as an instructor finds them when putting activities into a course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Person
from app.course.content import Scenario
from app.course.loading import skill_names
from app.course.services import Services
from app.kit.errors import NotFound
from app.kit.i18n import Translator
from app.kit.room import PlacementOption
from app.rooms.simulation.views import shown_scenario


def scenario_options(services: Services, session: Session, person: Person) -> list[PlacementOption]:
    """The current scenarios of the organisation, by title."""
    translate = Translator(person.locale)
    names = skill_names(session, person.organisation_id, person.locale)
    rows = session.scalars(
        select(Scenario).where(Scenario.organisation_id == person.organisation_id, Scenario.is_current)
    )
    options = []
    for row in rows:
        view = shown_scenario(row, person.locale, names.get(row.skill_key, ""), translate)
        minutes = translate.plural("%(n)s minute", "%(n)s minutes", view["minutes"])
        facts = (minutes, view["difficulty"], *filter(None, (view["skill"],)))
        settings = {"scenario": row.key, "collections": [row.collection_id]}
        options.append(PlacementOption(row.key, view["title"], settings, facts))
    return sorted(options, key=lambda option: (option.title.casefold(), option.key))


def scenario_preview(
    services: Services, session: Session, person: Person, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What a learner sees before it begins; nothing that is hidden."""
    row = session.scalars(
        select(Scenario).where(
            Scenario.organisation_id == person.organisation_id,
            Scenario.key == settings["scenario"],
            Scenario.is_current,
        )
    ).one_or_none()
    if row is None:
        raise NotFound
    names = skill_names(session, person.organisation_id, person.locale)
    return {
        "scenario": shown_scenario(
            row, person.locale, names.get(row.skill_key, ""), Translator(person.locale)
        )
    }


def first_page(settings: Mapping[str, Any]) -> str:
    key = str(settings.get("scenario", ""))
    return f"/simulation/scenarios/{quote(key, safe='')}" if key else "/simulation"
