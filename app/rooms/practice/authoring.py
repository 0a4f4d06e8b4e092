"""Writing practice tasks: drafts that several people may work on, their publishing as a further version, and archiving.

Tasks belong to the organisation and stand in one of its collections. Whoever teaches an activity may write and change those of
the collections that the activity may use; each change is in the audit log with who made it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.datastructures import FormData

from app.course.access import Visitor
from app.course.content import PracticeTask, TaskDraft
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.task_definitions import (
    TRANSLATIONS,
    Problem,
    TaskInvalid,
    carry_translations,
    check_definition,
    is_same_task,
    slug,
)
from app.course.task_files import LARGEST_FILE, read_task
from app.course.task_versions import FROM_FORM, TaskChanged, current_version, record_version
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound
from app.rooms.practice.answers import Upload
from app.rooms.practice.authoring_forms import read_content
from app.rooms.practice.drafting import Drafted

MOST_DRAFTS = 200
SHOWN_VERSIONS = 10


def open_drafts(services: Services, session: Session, visitor: Visitor) -> list[TaskDraft]:
    """The drafts of the activity's collections, the latest change first."""
    scope = coach_scope(services.retrieval, visitor)
    return list(
        session.scalars(
            select(TaskDraft)
            .where(
                TaskDraft.organisation_id == visitor.organisation_id,
                TaskDraft.collection_id.in_(scope.collection_ids),
                TaskDraft.state == "open",
            )
            .order_by(TaskDraft.changed_at.desc())
            .limit(MOST_DRAFTS)
        )
    )


def access_draft(
    services: Services, session: Session, visitor: Visitor, draft_id: str, *, to_change: bool = False
) -> TaskDraft:
    """A draft of the activity's collections; NotFound otherwise. `to_change` holds the row: one change of it at a time."""
    draft = session.get(TaskDraft, draft_id, with_for_update=to_change) if draft_id.isascii() else None
    scope = coach_scope(services.retrieval, visitor)
    if (
        draft is None
        or draft.organisation_id != visitor.organisation_id
        or draft.collection_id not in scope.collection_ids
    ):
        raise NotFound
    return draft


def access_own_task(services: Services, session: Session, visitor: Visitor, key: str) -> PracticeTask:
    """The current version of a task of the activity's collections, archived or not."""
    task = current_version(session, visitor.organisation_id, key)
    scope = coach_scope(services.retrieval, visitor)
    if task is None or task.collection_id not in scope.collection_ids:
        raise NotFound
    return task


def begin_draft(
    services: Services,
    session: Session,
    visitor: Visitor,
    form_key: str,
    *,
    content: Mapping[str, Any] | None = None,
    origin: str = "form",
    collection_id: str = "",
    task: PracticeTask | None = None,
) -> TaskDraft:
    """A draft to write in: of a new task, or of `task`. The same form sent twice makes one."""
    if not form_key or len(form_key) > 64:
        raise InputRefused(N_("The form is incomplete. Reload the page and try again."))
    known = session.scalars(select(TaskDraft).where(TaskDraft.form_key == form_key)).one_or_none()
    if known is not None:
        return access_draft(services, session, visitor, known.id)
    scope = coach_scope(services.retrieval, visitor)
    if task is not None:
        collection_id = task.collection_id
    elif collection_id not in scope.collection_ids:
        if not scope.collection_ids:
            raise InputRefused(N_("This activity has no content that a task could belong to yet."))
        collection_id = min(scope.collection_ids)
    draft = TaskDraft(
        form_key=form_key,
        organisation_id=visitor.organisation_id,
        collection_id=collection_id,
        task_key=task.key if task is not None else None,
        base_version=task.version if task is not None else 0,
        origin=origin,
        content=dict(content if content is not None else task.definition if task is not None else {}),
        created_by=visitor.user_id,
        changed_by=visitor.user_id,
    )
    session.add(draft)
    session.flush()
    _note(session, visitor, "task_draft.begun", draft, origin=origin)
    return draft


def begin_change(
    services: Services, session: Session, visitor: Visitor, key: str, form_key: str
) -> TaskDraft:
    """The draft in which a task is changed: the one that is open, so that two people meet in it, or a new one."""
    task = access_own_task(services, session, visitor, key)
    found = next((one for one in open_drafts(services, session, visitor) if one.task_key == key), None)
    return found or begin_draft(services, session, visitor, form_key, task=task)


def begin_from_upload(
    services: Services, session: Session, visitor: Visitor, form_key: str, upload: Upload | None
) -> TaskDraft:
    """A draft from a TOML or Markdown file. A file of a task that is there becomes a change of it."""
    if upload is None or not upload.data:
        raise InputRefused(N_("Choose a file first."))
    if upload.ending not in {"toml", "md"} or len(upload.data) > LARGEST_FILE:
        raise InputRefused(N_("Choose a task as a .toml or .md file of 200 KB at most."))
    try:
        definition = read_task(upload.filename, upload.data)
    except TaskInvalid as error:
        raise TaskFileRefused(error.problems) from None
    task = current_version(session, visitor.organisation_id, definition["id"])
    if task is not None and task.collection_id not in coach_scope(services.retrieval, visitor).collection_ids:
        task = None
    return begin_draft(services, session, visitor, form_key, content=definition, origin="import", task=task)


class TaskFileRefused(InputRefused):
    """A file that is no task yet: the page says for each field what to do."""

    def __init__(self, problems: tuple[Problem, ...]) -> None:
        super().__init__(N_("The file is no complete task yet. What is to be changed stands beside it."))
        self.problems = problems


def begin_from_section(
    services: Services,
    session: Session,
    visitor: Visitor,
    form_key: str,
    drafted: Drafted,
    collection_id: str,
) -> TaskDraft:
    """A draft from a section of a document."""
    return begin_draft(
        services,
        session,
        visitor,
        form_key,
        content=drafted.content,
        origin=drafted.origin,
        collection_id=collection_id,
    )


def save_draft(
    services: Services, session: Session, visitor: Visitor, draft_id: str, form: FormData
) -> tuple[TaskDraft, bool]:
    """Keeps what the form says; (draft, whether it had to be kept apart).

    Where somebody else has saved since the form was opened, theirs stays and this becomes a draft of its own, beside it.
    """
    draft = access_draft(services, session, visitor, draft_id, to_change=True)
    version = str(form.get("version", ""))
    if not (version.isascii() and version.isdecimal()):
        raise InputRefused(N_("The form is incomplete. Reload the page and try again."))
    if draft.state != "open":
        raise DraftClosed
    content = read_content(form, draft.content, document_titles(services, visitor))
    if content == draft.content:
        return draft, False
    if int(version) != draft.version:
        digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:20]
        apart = begin_draft(
            services,
            session,
            visitor,
            f"apart-{draft.id[-12:]}-{digest}",
            content=content,
            origin=draft.origin,
            collection_id=draft.collection_id,
        )
        apart.task_key, apart.base_version = draft.task_key, draft.base_version
        return apart, True
    draft.content = content
    draft.version += 1
    draft.changed_by, draft.changed_at = visitor.user_id, now()
    _note(session, visitor, "task_draft.saved", draft, version=draft.version)
    return draft, False


class DraftClosed(InputRefused):
    """The draft was published or thrown away in another tab."""

    title = N_("This draft is closed")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "It was published or thrown away meanwhile. Copy what you need, then open the task again and change it there."
            )
        )


class NothingChanged(InputRefused):
    """A further version would say what the current one says."""

    title = N_("Nothing has changed")

    def __init__(self) -> None:
        super().__init__(
            N_(
                "This draft says what learners see already. Change it first, or throw it away: nothing was published."
            )
        )


def publish(
    services: Services, session: Session, visitor: Visitor, draft_id: str, form: FormData
) -> PracticeTask | None:
    """Makes a draft the next version of its task, or a new task. None where the form came a second time.

    A draft that a machine wrote is published only with the tick of every part, and each tick is for the words that were shown.
    NothingChanged where it says what the current version says.
    """
    draft = access_draft(services, session, visitor, draft_id, to_change=True)
    if draft.state == "published":
        return None
    if draft.state != "open":
        raise DraftClosed
    if str(form.get("version", "")) != str(draft.version):
        raise InputRefused(
            N_("This draft has changed since you looked at it. Reload the page and read it again.")
        )
    if problems_of(draft):
        raise InputRefused(N_("The draft is not complete yet. What is missing stands on its page."))
    definition, _ = definition_to_publish(session, draft)
    if needs_reading(draft):
        ticked = {str(one) for one in form.getlist("read")}
        if any(part["digest"] not in ticked for part in parts_to_read(definition)):
            raise InputRefused(
                N_("Tick each part once you have read it: what a machine wrote is not published unread.")
            )
    current = current_version(session, visitor.organisation_id, definition["id"])
    if current is not None and str(form.get("over_version", "")) != str(current.version):
        raise TaskChanged
    if current is not None and is_same_task(current.definition, definition):
        raise NothingChanged
    if current is not None and current.version != draft.base_version and form.get("seen_newer") != "yes":
        raise InputRefused(
            N_("Somebody has published another version since. Look at it, and tick that you have.")
        )
    task = record_version(
        session, visitor.organisation_id, draft.collection_id, definition, FROM_FORM, current
    )
    draft.state, draft.task_key = "published", task.key
    draft.changed_by, draft.changed_at = visitor.user_id, now()
    record_event(
        session,
        "task.published",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="practice_task",
        subject_id=task.id,
        version=task.version,
        origin=draft.origin,
    )
    return task


def definition_to_publish(session: Session, draft: TaskDraft) -> tuple[dict[str, Any], int]:
    """The checked definition of a draft, and how many translated texts it leaves behind. Raises TaskInvalid.

    A new task gets an id from its title; one that takes an earlier one's place keeps its id, whatever the title is now.
    """
    content = dict(draft.content)
    if draft.task_key:
        content["id"] = draft.task_key
    else:
        wanted = content.get("id")
        taken = session.scalars(
            select(PracticeTask.key).where(
                PracticeTask.organisation_id == draft.organisation_id, PracticeTask.is_current
            )
        ).all()
        content["id"] = (
            wanted if wanted and wanted not in taken else slug(str(content.get("title", "")), taken)
        )
    definition = check_definition(content)
    if draft.origin in {"import", "file"} or not draft.task_key:
        return definition, 0
    base = session.scalars(
        select(PracticeTask).where(
            PracticeTask.organisation_id == draft.organisation_id,
            PracticeTask.key == draft.task_key,
            PracticeTask.version == draft.base_version,
        )
    ).one_or_none()
    if base is None:
        return definition, 0
    bare = {name: value for name, value in definition.items() if name not in TRANSLATIONS}
    return carry_translations(base.definition, bare)


def problems_of(draft: TaskDraft) -> tuple[Problem, ...]:
    """What keeps a draft from being published."""
    try:
        check_definition({"id": "draft", **draft.content})
    except TaskInvalid as error:
        return error.problems
    return ()


def needs_reading(draft: TaskDraft) -> bool:
    """Whether a machine wrote what the draft began with."""
    return draft.origin == "model"


def parts_to_read(definition: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The parts of a task that are confirmed one by one: a name, `lines` as (field, words), and a digest that stands for them."""
    case = [(name, definition[name]) for name in ("title", "situation", "ask")]
    parts: list[dict[str, Any]] = [{"name": "case", "lines": case}]
    if steps := definition.get("solution_steps"):
        parts.append({"name": "solution", "lines": [("solution_steps", step) for step in steps]})
    for name in ("worked_strong", "worked_weak"):
        if definition.get(name):
            parts.append({"name": name, "lines": [(name, definition[name])]})
    for item in definition["criteria"]:
        examples = [
            (name, item[name]) for name in ("strong_example", "weak_example", "next_try") if item.get(name)
        ]
        parts.append(
            {
                "name": "criterion",
                "title": item["text"],
                "lines": [*examples, *(("look_for", phrase) for phrase in item["look_for"])],
                "must": item["must"],
                "weight": item["weight"],
                "source": item.get("source"),
            }
        )
    if recheck := definition.get("recheck"):
        asked = [("situation", recheck["situation"]), ("ask", recheck["ask"])]
        lines = [("criterion", one["text"]) for one in recheck["criteria"]]
        parts.append({"name": "recheck", "lines": [*asked, *lines]})
    for part in parts:
        said = json.dumps(part, sort_keys=True, ensure_ascii=False)
        part["digest"] = hashlib.sha256(said.encode()).hexdigest()[:16]
    return parts


def discard_draft(services: Services, session: Session, visitor: Visitor, draft_id: str) -> None:
    """Throws a draft away. The task that it would have changed stays as it is."""
    draft = access_draft(services, session, visitor, draft_id, to_change=True)
    if draft.state == "open":
        draft.state = "discarded"
        draft.changed_by, draft.changed_at = visitor.user_id, now()
        _note(session, visitor, "task_draft.discarded", draft)


def set_archived(
    services: Services, session: Session, visitor: Visitor, key: str, *, is_archived: bool
) -> None:
    """Takes a task out of what is offered, or puts it back. Activities that are for it, and what was handed in, stay."""
    task = access_own_task(services, session, visitor, key)
    if (task.archived_at is not None) == is_archived:
        return
    task.archived_at = now() if is_archived else None
    record_event(
        session,
        "task.archived" if is_archived else "task.restored",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="practice_task",
        subject_id=task.id,
        version=task.version,
    )


def document_titles(services: Services, visitor: Visitor) -> dict[str, str]:
    """File name -> title of the documents that the activity may use."""
    documents = services.retrieval.documents(coach_scope(services.retrieval, visitor))
    return {one.filename: one.title for one in documents if one.searchable}


def _note(session: Session, visitor: Visitor, action: str, draft: TaskDraft, **detail: str | int) -> None:
    record_event(
        session,
        action,
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="task_draft",
        subject_id=draft.id,
        **detail,
    )
