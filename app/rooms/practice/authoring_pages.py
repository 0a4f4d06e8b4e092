"""What the pages for writing practice tasks show."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import PracticeTask, Skill, TaskDraft
from app.course.loading import skill_names
from app.course.models import User
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.task_definitions import TRANSLATIONS, Problem, is_same_task
from app.course.task_versions import current_version
from app.course.tasks import definition_view, task_title
from app.kit.audit import AuditEvent
from app.kit.errors import N_
from app.kit.i18n import Translator
from app.rooms.practice.answers import answer_view
from app.rooms.practice.authoring import (
    access_own_task,
    definition_to_publish,
    document_titles,
    needs_reading,
    open_drafts,
    parts_to_read,
    problems_of,
)
from app.rooms.practice.authoring_forms import form_values

SHOWN_VERSIONS = 10


def tasks_view(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> dict[str, Any]:
    """What practice/edit_list.html shows: the tasks and the drafts of the activity's collections."""
    scope = coach_scope(services.retrieval, visitor)
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    rows = list(
        session.scalars(
            select(PracticeTask).where(
                PracticeTask.organisation_id == visitor.organisation_id,
                PracticeTask.collection_id.in_(scope.collection_ids),
                PracticeTask.is_current,
            )
        )
    )
    views = [
        {
            "key": row.key,
            "title": task_title(row, visitor.locale),
            "version": row.version,
            "skill": names.get(row.skill_key, ""),
            "minutes": row.definition.get("minutes", 10),
            "is_archived": row.archived_at is not None,
        }
        for row in rows
    ]
    views.sort(key=lambda view: str(view["title"]).casefold())
    people = {
        user.id: user.display_name
        for user in session.scalars(select(User).join(TaskDraft, TaskDraft.changed_by == User.id).distinct())
    }
    drafts = [
        {
            "id": draft.id,
            "title": draft.content.get("title") or translate("A task without a title"),
            "changes": draft.task_key,
            "origin": draft.origin,
            "at": draft.changed_at,
            "who": people.get(draft.changed_by or "", ""),
        }
        for draft in open_drafts(services, session, visitor)
    ]
    return {
        "tasks": [view for view in views if not view["is_archived"]],
        "archived": [view for view in views if view["is_archived"]],
        "drafts": drafts,
    }


def edit_view(
    services: Services, session: Session, visitor: Visitor, draft: TaskDraft, *, more_rows: int = 0
) -> dict[str, Any]:
    """What practice/edit.html shows."""
    skills = list(
        session.scalars(
            select(Skill).where(Skill.organisation_id == visitor.organisation_id).order_by(Skill.name)
        )
    )
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    return {
        "draft": _draft_view(session, draft),
        "values": form_values(draft.content, more_rows=more_rows),
        "skills": [{"key": one.key, "name": names.get(one.key, one.name)} for one in skills],
        "documents": [
            {"file": file, "title": title}
            for file, title in sorted(document_titles(services, visitor).items())
        ],
        "translated": [locale for locale in TRANSLATIONS if draft.content.get(locale)],
    }


def preview_view(
    services: Services, session: Session, visitor: Visitor, draft: TaskDraft, translate: Translator
) -> dict[str, Any]:
    """What practice/edit_preview.html shows: the task as a learner meets it, the author's side, and what publishing needs."""
    problems = problems_of(draft)
    view: dict[str, Any] = {
        "draft": _draft_view(session, draft),
        "problems": [_problem_view(one, translate) for one in problems],
    }
    if problems:
        return view
    definition, lost = definition_to_publish(session, draft)
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    task = current_version(session, visitor.organisation_id, draft.task_key) if draft.task_key else None
    is_overtaken = task is not None and task.version != draft.base_version
    return view | {
        "task": definition_view(
            definition, definition["id"], names.get(definition["skill"], definition["skill"])
        ),
        "answer": answer_view(definition, draft.id),
        "definition": definition,
        "best": [one["text"] for one in definition.get("choices", ()) if one.get("is_best")],
        "to_read": parts_to_read(definition),
        "needs_reading": needs_reading(draft),
        "lost_translations": lost,
        "current_version": task.version if task is not None else 0,
        "newer": _newer(session, task) if task is not None and is_overtaken else None,
        "is_archived": task is not None and task.archived_at is not None,
        "is_same": task is not None and is_same_task(task.definition, definition),
    }


def history_view(services: Services, session: Session, visitor: Visitor, key: str) -> dict[str, Any]:
    """What practice/edit_task.html shows: a task's versions and who published them."""
    task = access_own_task(services, session, visitor, key)
    versions = list(
        session.scalars(
            select(PracticeTask)
            .where(PracticeTask.organisation_id == visitor.organisation_id, PracticeTask.key == key)
            .order_by(PracticeTask.version.desc())
            .limit(SHOWN_VERSIONS)
        )
    )
    published: dict[str, str] = {}
    for event, user in session.execute(
        select(AuditEvent, User)
        .join(User, User.id == AuditEvent.actor_id)
        .where(
            AuditEvent.organisation_id == visitor.organisation_id,
            AuditEvent.subject_kind == "practice_task",
            AuditEvent.subject_id.in_([row.id for row in versions]),
            AuditEvent.action == "task.published",
        )
    ):
        published[event.subject_id] = user.display_name or ""
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    return {
        "task": definition_view(task.definition, task.key, names.get(task.skill_key, "")),
        "version": task.version,
        "is_archived": task.archived_at is not None,
        "versions": [
            {
                "number": row.version,
                "at": row.created_at,
                "who": published.get(row.id, ""),
                "origin": row.origin,
            }
            for row in versions
        ],
    }


def _draft_view(session: Session, draft: TaskDraft) -> dict[str, Any]:
    changed_by = session.get(User, draft.changed_by) if draft.changed_by else None
    return {
        "id": draft.id,
        "version": draft.version,
        "title": draft.content.get("title", ""),
        "task_key": draft.task_key,
        "origin": draft.origin,
        "state": draft.state,
        "at": draft.changed_at,
        "who": changed_by.display_name if changed_by else "",
        "needs_reading": needs_reading(draft),
    }


def _newer(session: Session, task: PracticeTask) -> dict[str, Any]:
    return {"version": task.version, "at": task.created_at, "definition": task.definition}


_FIELDS = {
    "title": (N_("Title"), "title"),
    "situation": (N_("What has happened?"), "situation"),
    "ask": (N_("What shall they produce?"), "ask"),
    "minutes": (N_("About how many minutes?"), "minutes"),
    "tries": (N_("How many tries, 1 to 10?"), "tries"),
    "criteria": (N_("The checklist: what good looks like"), "criteria"),
    "steps": (N_("The steps in the right order, one on each line"), "steps"),
    "choices": (N_("The options, one on each line"), "choices"),
    "file": (N_("Which files?"), "file"),
    "solution_steps": (N_("How an expert does it, one step on each line"), "solution_steps"),
    "worked_strong": (N_("A strong answer"), "worked_strong"),
    "worked_weak": (N_("A weak answer"), "worked_weak"),
    "sources": (N_("Where to look"), "sources"),
    "starter_questions": (N_("Questions to ask the coach first, one on each line"), "starter_questions"),
    "recheck": (N_("A short check later, without help"), "recheck"),
}
_RECHECK_FIELDS = {
    "situation": (N_("What has happened this time?"), "r_situation"),
    "ask": (N_("What shall they produce this time?"), "r_ask"),
    "after_days": (N_("Days later"), "r_after_days"),
}


def _problem_view(problem: Problem, translate: Translator) -> dict[str, str]:
    """A problem in the form's words: where it is, what to do, and the part of the form to go to."""
    name, *rest = problem.field.split(".")
    if name == "recheck" and rest and rest[0] in _RECHECK_FIELDS:
        label, anchor = _RECHECK_FIELDS[rest[0]]
        return {"where": translate(label), "message": problem.message, "anchor": anchor}
    mark = "c"
    if name == "recheck" and rest[:1] == ["criteria"]:
        mark, rest = "r", rest[1:]
    if (name == "criteria" or mark == "r") and rest and rest[0].isdecimal():
        number = int(rest[0])
        where = translate("Line %(number)s", number=number + 1)
        return {"where": where, "message": problem.message, "anchor": f"{mark}{number}"}
    label, anchor = _FIELDS.get(name, (name, "title"))
    return {"where": translate(label), "message": problem.message, "anchor": anchor}
