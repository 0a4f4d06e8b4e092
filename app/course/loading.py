"""Loading a course folder (docs/content.md) into an organisation: documents, tasks, scenarios, skills, roles, starters, experts.

Loading again changes only what has changed: a task with other words becomes a new version, an unchanged document is not read again.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, cast

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.course.content import Expert, PracticeTask, ReadyPrompt, RoleLadder, Skill, Starter, TaskDraft
from app.course.models import Organisation
from app.course.scenarios import ScenarioInvalid, check_scenario, record_scenario
from app.course.services import Services
from app.course.task_definitions import TaskInvalid, is_same_task, opaque_id
from app.course.task_files import plain, read_task
from app.course.task_versions import FROM_FILE, current_version, last_from_file, record_version
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

    Returns the scope of its collection, and a report for each document in a format that we don't read and for each task that
    was not taken in as it stands.
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
        for path in sorted(path for path in (folder / "tasks").glob("*") if path.suffix in {".toml", ".md"}):
            report = _load_task(session, organisation_id, collection.id, path, titles)
            if report is not None:
                unread.append(report)
        for path in sorted((folder / "scenarios").glob("*.toml")):
            scenario = _read(path)
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
        read: dict[str, Any] = plain(tomllib.loads(path.read_text(encoding="utf-8")))
        return read
    except FileNotFoundError:
        raise CourseFolderInvalid(
            f"{path} is missing. A course folder has a course.toml; see docs/content.md."
        ) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise CourseFolderInvalid(f"{path}: {error}") from None
    except RecursionError:
        raise CourseFolderInvalid(
            f"{path}: brackets or tables stand too deep within each other. See docs/content.md for what belongs here."
        ) from None


def _load_task(
    session: Session, organisation_id: str, collection_id: str, path: Path, titles: dict[str, str]
) -> dict[str, Any] | None:
    """Takes a task's file in. Other words make a new version; those of instructors stay, and the file's become a draft for them,
    of which the result is a report."""
    try:
        definition = read_task(path.name, path.read_bytes())
    except TaskInvalid as error:
        wrong = "; ".join(f"{one.where}: {one.message}" for one in error.problems[:5])
        raise CourseFolderInvalid(f"{path}: {wrong}") from None
    for source in definition.get("sources", ()):
        source["title"] = titles.get(source["document"], source["document"])
    current = current_version(session, organisation_id, definition["id"])
    if current is not None and current.origin != FROM_FILE:
        last = last_from_file(session, organisation_id, definition["id"])
        if last is not None and is_same_task(last.definition, definition):
            return None
        if not is_same_task(current.definition, definition):
            return _keep_as_draft(session, current, definition, path)
        return None
    is_same = current is not None and is_same_task(current.definition, definition)
    if current is not None and is_same and current.collection_id == collection_id:
        return None
    record_version(session, organisation_id, collection_id, definition, FROM_FILE, current)
    return None


def _keep_as_draft(
    session: Session, current: PracticeTask, definition: dict[str, Any], path: Path
) -> dict[str, Any]:
    """One draft for one state of the file: loading it again makes no further one."""
    form_key = f"file-{opaque_id((current.organisation_id, json.dumps(definition, sort_keys=True)))}"
    known = session.scalar(select(TaskDraft.id).where(TaskDraft.form_key == form_key))
    if known is None:
        session.add(
            TaskDraft(
                form_key=form_key,
                organisation_id=current.organisation_id,
                collection_id=current.collection_id,
                task_key=current.key,
                base_version=current.version,
                origin=FROM_FILE,
                content=definition,
            )
        )
        session.flush()
    return {
        "document": f"tasks/{path.name}",
        "status": "draft",
        "passages": 0,
        "problem": "instructors have changed this task here: the file's words are a draft for them to publish",
    }


def _load_definition(
    session: Session, model: type[Skill] | type[RoleLadder], organisation_id: str, raw: dict[str, Any]
) -> None:
    definition = plain(raw)
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
