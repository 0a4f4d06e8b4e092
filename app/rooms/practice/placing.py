"""Practice tasks as an instructor finds them when putting activities into a course."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Person
from app.course.content import PracticeTask
from app.course.loading import skill_names
from app.course.services import Services
from app.course.tasks import task_view
from app.kit.errors import NotFound
from app.kit.i18n import Translator
from app.kit.room import PlacementOption


def task_options(services: Services, session: Session, person: Person) -> list[PlacementOption]:
    """The current tasks of the organisation, by title."""
    translate = Translator(person.locale)
    names = skill_names(session, person.organisation_id, person.locale)
    rows = session.scalars(
        select(PracticeTask).where(
            PracticeTask.organisation_id == person.organisation_id,
            PracticeTask.is_current,
            PracticeTask.archived_at.is_(None),
        )
    )
    options = []
    for row in rows:
        view = task_view(row, person.locale, names.get(row.skill_key, ""))
        minutes = translate.plural("%(n)s minute", "%(n)s minutes", view["minutes"])
        facts = (minutes, *filter(None, (view["skill"],)))
        settings = {"task": row.key, "collections": [row.collection_id]}
        options.append(PlacementOption(row.key, view["title"], settings, facts))
    return sorted(options, key=lambda option: (option.title.casefold(), option.key))


def task_preview(
    services: Services, session: Session, person: Person, settings: Mapping[str, Any]
) -> dict[str, Any]:
    """What a learner sees before the first attempt; nothing of the author's solution."""
    task = session.scalars(
        select(PracticeTask).where(
            PracticeTask.organisation_id == person.organisation_id,
            PracticeTask.key == settings["task"],
            PracticeTask.is_current,
        )
    ).one_or_none()
    if task is None:
        raise NotFound
    names = skill_names(session, person.organisation_id, person.locale)
    return {"task": task_view(task, person.locale, names.get(task.skill_key, ""))}


def first_page(settings: Mapping[str, Any]) -> str:
    key = str(settings.get("task", ""))
    return f"/practice/{quote(key, safe='')}" if key else "/practice"
