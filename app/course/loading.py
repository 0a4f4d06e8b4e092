"""Loading a course folder (docs/content.md) into an organisation: documents, tasks, scenarios, skills, roles, starters, experts.

Loading again changes only what has changed: a task with other words becomes a new version, an unchanged document is not read again.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any, cast

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.course.content import Expert, PracticeTask, ReadyPrompt, RoleLadder, Skill, Starter
from app.course.models import Organisation
from app.course.scenarios import ScenarioInvalid, check_scenario, record_scenario
from app.course.services import Services
from app.kit.errors import NotFound
from app.kit.log import get_logger
from retrieval import Scope, UnsupportedFormat

log = get_logger("loading")


class CourseFolderInvalid(ValueError):
    """The folder is no course, or a file in it cannot be read; the message names the file and what to do."""


def organisation_named(session: Session, name: str, *, create: bool = False) -> Organisation:
    """The organisation of that name; with `create` it is made where it is missing. Raises NotFound otherwise."""
    found = session.scalars(select(Organisation).where(Organisation.name == name)).one_or_none()
    if found is None and create:
        found = Organisation(name=name)
        session.add(found)
        session.flush()
    if found is None:
        raise NotFound
    return found


def load_course(services: Services, folder: Path, organisation_id: str) -> tuple[Scope, list[dict[str, Any]]]:
    """Loads the course in `folder`. Documents are recorded as waiting; ingest takes them in.

    Returns the scope of its collection, and a report for each document in a format that we don't read.
    """
    course = _read(folder / "course.toml")
    collection = services.retrieval.collection(organisation_id, course["collection"], create=True)
    unread: list[dict[str, Any]] = []
    titles = {entry["file"]: entry["title"] for entry in course.get("documents", ())}
    with services.database.write() as session:
        for entry in course.get("documents", ()):
            path = folder / entry["file"]
            try:
                data = path.read_bytes()
            except OSError as error:
                raise CourseFolderInvalid(
                    f"{path}: {error.strerror}. course.toml lists it under [[documents]]."
                ) from None
            try:
                services.retrieval.add_document(session, collection.id, entry["file"], data)
            except UnsupportedFormat as error:
                unread.append(
                    {"document": entry["file"], "status": "refused", "passages": 0, "problem": str(error)}
                )
        _load_starters(session, organisation_id, collection.id, course)
        _load_prompts(session, organisation_id, collection.id, course)
        _load_experts(session, organisation_id, collection.id, course)
        for path in sorted((folder / "tasks").glob("*.toml")):
            _load_task(session, organisation_id, collection.id, _read(path), titles)
        for path in sorted((folder / "scenarios").glob("*.toml")):
            scenario = _plain(_read(path))
            try:
                check_scenario(scenario)
            except ScenarioInvalid as error:
                raise CourseFolderInvalid(f"{path}: {error}") from None
            record_scenario(session, organisation_id, collection.id, scenario, titles)
        if (folder / "skills.toml").exists():
            framework = _read(folder / "skills.toml")
            for skill in framework["skills"]:
                _load_definition(
                    session,
                    Skill,
                    organisation_id,
                    {**skill, "framework_levels": framework.get("levels", [])},
                )
        if (folder / "roles.toml").exists():
            for ladder in _read(folder / "roles.toml")["ladders"]:
                _load_definition(session, RoleLadder, organisation_id, ladder)
    return Scope(organisation_id, frozenset({collection.id})), unread


def skill_names(session: Session, organisation_id: str, locale: str) -> dict[str, str]:
    """Skill key -> its name in the locale."""
    rows = session.scalars(select(Skill).where(Skill.organisation_id == organisation_id))
    return {row.key: text_in(row.definition.get("name", row.name), locale) for row in rows}


def text_in(value: Any, locale: str) -> str:
    """A text that may be one string or a table of locale -> string."""
    if isinstance(value, dict):
        return str(value.get(locale) or value.get("en") or next(iter(value.values()), ""))
    return str(value)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CourseFolderInvalid(
            f"{path} is missing. A course folder has a course.toml; see docs/content.md."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseFolderInvalid(f"{path}: {error}") from None


def _plain(value: Any) -> Any:
    """TOML dates as text, so that a definition can be kept as JSON."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value.isoformat() if hasattr(value, "isoformat") else value


def _load_task(
    session: Session, organisation_id: str, collection_id: str, raw: dict[str, Any], titles: dict[str, str]
) -> None:
    definition = _plain(raw)
    for source in definition.get("sources", ()):
        source["title"] = titles.get(source["document"], source["document"])
    current = session.scalars(
        select(PracticeTask).where(
            PracticeTask.organisation_id == organisation_id,
            PracticeTask.key == definition["id"],
            PracticeTask.is_current,
        )
    ).one_or_none()
    if current is not None and current.definition == definition and current.collection_id == collection_id:
        return
    version = 1
    if current is not None:
        version = current.version + 1
        session.execute(update(PracticeTask).where(PracticeTask.id == current.id).values(is_current=False))
    session.add(
        PracticeTask(
            organisation_id=organisation_id,
            collection_id=collection_id,
            key=definition["id"],
            version=version,
            skill_key=definition["skill"],
            definition=definition,
        )
    )


def _load_definition(
    session: Session, model: type[Skill] | type[RoleLadder], organisation_id: str, raw: dict[str, Any]
) -> None:
    definition = _plain(raw)
    query = select(model).where(model.organisation_id == organisation_id, model.key == definition["id"])
    row = cast("Skill | RoleLadder | None", session.scalars(query).one_or_none())
    if row is None:
        row = model(organisation_id=organisation_id, key=definition["id"])
        session.add(row)
    row.name = text_in(definition["name"], "en")
    row.definition = definition


def _load_starters(
    session: Session, organisation_id: str, collection_id: str, course: dict[str, Any]
) -> None:
    session.execute(
        delete(Starter).where(
            Starter.organisation_id == organisation_id, Starter.collection_id == collection_id
        )
    )
    for starter in course.get("starters", ()):
        texts = {
            key: value
            for key, value in starter.items()
            if key not in {"document", "heading"} and isinstance(value, str)
        }
        session.add(Starter(organisation_id=organisation_id, collection_id=collection_id, texts=texts))
        session.flush()


def _load_prompts(session: Session, organisation_id: str, collection_id: str, course: dict[str, Any]) -> None:
    """The ready prompts of the file; one keeps its key, by which an instructor may have taken it out of a coach."""
    session.execute(
        delete(ReadyPrompt).where(
            ReadyPrompt.organisation_id == organisation_id, ReadyPrompt.collection_id == collection_id
        )
    )
    for prompt in course.get("prompts", ()):
        session.add(
            ReadyPrompt(
                organisation_id=organisation_id,
                collection_id=collection_id,
                key=prompt["id"],
                texts={key: value for key, value in prompt.items() if key != "id"},
            )
        )
        session.flush()


def _load_experts(session: Session, organisation_id: str, collection_id: str, course: dict[str, Any]) -> None:
    """An expert keeps their row by the author's id (or by name): questions that were handed to them point at it. Who is not in
    the file any more gets no further ones."""
    known = {
        row.key or row.name: row
        for row in session.scalars(
            select(Expert).where(
                Expert.organisation_id == organisation_id, Expert.collection_id == collection_id
            )
        )
    }
    listed = {expert.get("id") or expert["name"]: expert for expert in course.get("experts", ())}
    for key, expert in listed.items():
        row = known.get(key) or known.get(expert["name"])
        if row is None:
            row = Expert(organisation_id=organisation_id, collection_id=collection_id)
            session.add(row)
        row.key, row.name, row.is_active = expert.get("id"), expert["name"], True
        row.role = expert["role"] if isinstance(expert["role"], dict) else {"en": expert["role"]}
        row.topics = list(_topics(expert.get("topics", ())))
        row.skills = list(expert.get("skills", ()))
        row.reach, row.email = expert.get("reach"), expert.get("email")
        row.answer_days = expert.get("answer_days")
        session.flush()
    names = {expert["name"] for expert in listed.values()}
    for key, row in known.items():
        if key not in listed and row.name not in names:
            row.is_active = False


def _topics(value: Any) -> list[str]:
    """Topics as one list, whether the file has a list or one list a language."""
    if isinstance(value, dict):
        return [topic for topics in value.values() for topic in topics]
    return list(value)
