"""Pages on which those who teach write practice tasks, and the files of answers."""

from __future__ import annotations

import re
from typing import Annotated, Any
from urllib.parse import quote

from anyio import from_thread
from fastapi import APIRouter, Depends, Form, Request
from starlette.datastructures import FormData
from starlette.responses import RedirectResponse, Response

from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.course.access import AnyVisitor, Visitor, as_visitor
from app.course.scope import coach_scope
from app.course.services import Services
from app.course.task_files import write_markdown, write_toml
from app.kit.db import Db
from app.kit.errors import N_, InputRefused, NotAllowed, NotFound
from app.kit.ids import new_id
from app.kit.limits import RateLimit
from app.kit.pages import render_page, translator_of
from app.rooms.practice.answer_files import access_answer_file
from app.rooms.practice.answers import PostedAnswer
from app.rooms.practice.authoring import (
    TaskFileRefused,
    access_draft,
    access_own_task,
    begin_change,
    begin_draft,
    begin_from_section,
    begin_from_upload,
    discard_draft,
    publish,
    save_draft,
    set_archived,
)
from app.rooms.practice.authoring_pages import edit_view, history_view, preview_view, tasks_view
from app.rooms.practice.drafting import Drafted, draft_task, from_document, section_of
from retrieval import DocumentNotFound, Passage, PassageNotFound

authoring_router = APIRouter()
drafting = RateLimit(per_minute=6)
LONGEST_GOAL = 300
MOST_SECTIONS = 300


def as_author(visitor: Annotated[Visitor, Depends(as_visitor)]) -> Visitor:
    """The visitor, if the course's own role lets them write what its learners practise."""
    if visitor.is_anonymous or not (visitor.is_placer or visitor.is_reviewer):
        raise NotAllowed
    return visitor


async def posted_fields(request: Request) -> FormData:
    """The fields of a form; how many lines a checklist has depends on the task."""
    return await request.form(max_fields=400)


Author = Annotated[Visitor, Depends(as_author)]
Fields = Annotated[FormData, Depends(posted_fields)]
FormKey = Annotated[str, Form(max_length=64)]


@authoring_router.get("/tasks")
def list_authored(request: Request, visitor: Author, session: Db, published: str = "") -> Response:
    """The tasks of this activity's content, and the drafts."""
    view = tasks_view(request.app.state.services, session, visitor, translator_of(request))
    done = next((one for one in view["tasks"] if one["key"] == published), None)
    return render_page(request, "practice/edit_list.html", published=done, **view)


@authoring_router.get("/tasks/new")
def choose_beginning(request: Request, visitor: Author) -> Response:
    """The ways to begin a task."""
    return _beginnings(request, visitor)


@authoring_router.post("/tasks/new")
def begin(request: Request, visitor: Author, session: Db, form_key: FormKey = "") -> Response:
    """An empty draft."""
    return _to_form(begin_draft(request.app.state.services, session, visitor, form_key).id)


@authoring_router.post("/tasks/new/from-section")
def begin_with_section(
    request: Request,
    visitor: Author,
    form_key: FormKey = "",
    section: Annotated[str, Form(max_length=64)] = "",
    goal: Annotated[str, Form()] = "",
    how: Annotated[str, Form(max_length=20)] = "",
) -> Response:
    """A draft from a section of a document. A model takes its time between two units of work, so that nobody waits for a lock."""
    drafting.hit(visitor.user_id)
    services: Services = request.app.state.services
    found, filename, collection_id = _section(services, visitor, section)
    if how == "words":
        drafted = from_document(found, filename)
    else:
        drafted = from_thread.run(_draft, services, visitor, found, filename, goal[:LONGEST_GOAL])
    with services.database.write() as session:
        draft = begin_from_section(services, session, visitor, form_key, drafted, collection_id)
        draft_id = draft.id
    left_out = f"&left_out={drafted.left_out}" if drafted.left_out else ""
    asked = "&asked=model" if how != "words" and coach_of(services).models.is_on("answer") else ""
    return RedirectResponse(f"/tasks/drafts/{draft_id}?begun=yes{left_out}{asked}", 303)


@authoring_router.post("/tasks/new/from-file")
def begin_with_file(request: Request, visitor: Author, session: Db, posted: PostedAnswer) -> Response:
    """A draft from a TOML or Markdown file, or what the file has to say to be a task."""
    services: Services = request.app.state.services
    try:
        draft = begin_from_upload(services, session, visitor, posted.text("form_key"), posted.upload)
    except TaskFileRefused as refused:
        return _beginnings(request, visitor, refused=refused)
    return _to_form(draft.id)


@authoring_router.get("/tasks/drafts/{draft_id}")
def edit(
    request: Request,
    visitor: Author,
    session: Db,
    draft_id: str,
    rows: int = 0,
    saved: str = "",
    begun: str = "",
    left_out: int = 0,
    asked: str = "",
) -> Response:
    """The form of a draft."""
    services: Services = request.app.state.services
    draft = access_draft(services, session, visitor, draft_id)
    if draft.state != "open":
        return _closed(draft.task_key)
    view = edit_view(services, session, visitor, draft, more_rows=1 if rows else 0)
    return render_page(
        request,
        "practice/edit.html",
        saved=saved,
        begun=bool(begun),
        left_out=max(0, min(left_out, 99)),
        fell_back=asked == "model" and draft.origin == "document",
        **view,
    )


@authoring_router.post("/tasks/drafts/{draft_id}")
def save(request: Request, visitor: Author, session: Db, draft_id: str, form: Fields) -> Response:
    """Keeps the form; the button says what comes next."""
    draft, is_apart = save_draft(request.app.state.services, session, visitor, draft_id, form)
    if is_apart:
        return RedirectResponse(f"/tasks/drafts/{draft.id}?saved=apart", 303)
    if form.get("then") == "preview":
        return RedirectResponse(f"/tasks/drafts/{draft.id}/preview", 303)
    if form.get("then") == "more":
        return RedirectResponse(f"/tasks/drafts/{draft.id}?rows=1", 303)
    return RedirectResponse(f"/tasks/drafts/{draft.id}?saved=yes", 303)


@authoring_router.get("/tasks/drafts/{draft_id}/preview")
def preview(request: Request, visitor: Author, session: Db, draft_id: str) -> Response:
    """The draft as a learner meets it, and what publishing needs."""
    services: Services = request.app.state.services
    draft = access_draft(services, session, visitor, draft_id)
    if draft.state != "open":
        return _closed(draft.task_key)
    view = preview_view(services, session, visitor, draft, translator_of(request))
    return render_page(request, "practice/edit_preview.html", **view)


@authoring_router.post("/tasks/drafts/{draft_id}/publish")
def publish_draft(request: Request, visitor: Author, session: Db, draft_id: str, form: Fields) -> Response:
    """Makes the draft the task's next version."""
    services: Services = request.app.state.services
    task = publish(services, session, visitor, draft_id, form)
    key = task.key if task else access_draft(services, session, visitor, draft_id).task_key
    return _closed(key)


@authoring_router.post("/tasks/drafts/{draft_id}/discard")
def discard(request: Request, visitor: Author, session: Db, draft_id: str) -> Response:
    """Throws a draft away."""
    discard_draft(request.app.state.services, session, visitor, draft_id)
    return RedirectResponse("/tasks", 303)


@authoring_router.get("/tasks/{key}")
def show_authored(request: Request, visitor: Author, session: Db, key: str) -> Response:
    """A task for those who write it: its versions, its files, and archiving."""
    view = history_view(request.app.state.services, session, visitor, key)
    return render_page(request, "practice/edit_task.html", form_key=new_id(), **view)


@authoring_router.post("/tasks/{key}/change")
def change(request: Request, visitor: Author, session: Db, key: str, form_key: FormKey = "") -> Response:
    """The draft in which the task is changed."""
    return _to_form(begin_change(request.app.state.services, session, visitor, key, form_key).id)


@authoring_router.post("/tasks/{key}/archive")
def archive(
    request: Request, visitor: Author, session: Db, key: str, to: Annotated[str, Form(max_length=10)] = ""
) -> Response:
    """Takes the task out of what is offered (`to` = "archive"), or puts it back ("restore")."""
    if to not in {"archive", "restore"}:
        raise InputRefused(N_("The form is incomplete. Reload the page and try again."))
    set_archived(request.app.state.services, session, visitor, key, is_archived=to == "archive")
    return RedirectResponse(f"/tasks/{quote(key, safe='')}", 303)


@authoring_router.get("/tasks/{key}/file.{ending}")
def download(request: Request, visitor: Author, session: Db, key: str, ending: str) -> Response:
    """The current version as a TOML or Markdown file."""
    task = access_own_task(request.app.state.services, session, visitor, key)
    if ending not in {"toml", "md"}:
        raise NotFound
    text = write_toml(task.definition) if ending == "toml" else write_markdown(task.definition)
    return attachment(text.encode(), f"{task.key}.{ending}")


@authoring_router.get("/practice/attempts/{attempt_id}/file")
def download_answer(visitor: AnyVisitor, session: Db, attempt_id: str) -> Response:
    """The file that an attempt consists of: for its owner, and for reviewers once it was handed in."""
    kept = access_answer_file(session, visitor, attempt_id)
    return attachment(kept.data, kept.filename)


def attachment(data: bytes, filename: str) -> Response:
    """Bytes to save and never to show: whatever they are, no browser interprets them under our name."""
    plain = re.sub(r"[^A-Za-z0-9._-]+", "_", filename) or "file"
    return Response(
        data,
        media_type="application/octet-stream",
        headers={
            "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(filename, safe='')}",
            "X-Content-Type-Options": "nosniff",
            "Content-Security-Policy": "default-src 'none'; sandbox",
            "Cache-Control": "no-store",
        },
    )


async def _draft(
    services: Services, visitor: Visitor, section: list[Passage], filename: str, goal: str
) -> Drafted:
    payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
    return await draft_task(coach_of(services).models, payer, section, filename, goal, visitor.locale)


def _section(services: Services, visitor: Visitor, passage_id: str) -> tuple[list[Passage], str, str]:
    """The section that was chosen, the name of its file, and its collection."""
    scope = coach_scope(services.retrieval, visitor)
    try:
        chosen = services.retrieval.passage(scope, passage_id)
        document = services.retrieval.document(scope, chosen.document_id)
        found = section_of(services.retrieval.passages_of(scope, document.id), passage_id)
    except (PassageNotFound, DocumentNotFound):
        found = []
    if not found:
        raise InputRefused(N_("Choose the section that the task is to practise."))
    return found, document.filename, document.collection_id


def _beginnings(request: Request, visitor: Visitor, *, refused: TaskFileRefused | None = None) -> Response:
    services: Services = request.app.state.services
    scope = coach_scope(services.retrieval, visitor)
    documents = []
    left = MOST_SECTIONS
    for document in services.retrieval.documents(scope):
        if not document.searchable or left <= 0:
            continue
        sections: dict[tuple[str, ...], dict[str, Any]] = {}
        for passage in services.retrieval.passages_of(scope, document.id):
            heading = passage.heading_path[-1] if passage.heading_path else document.title
            found = sections.setdefault(
                passage.heading_path, {"id": passage.id, "heading": heading, "has_steps": False}
            )
            found["has_steps"] = found["has_steps"] or passage.kind == "steps"
        shown = list(sections.values())[:left]
        left -= len(shown)
        documents.append({"title": document.title, "sections": shown})
    return render_page(
        request,
        "practice/edit_new.html",
        form_key=new_id(),
        documents=documents,
        has_model=coach_of(services).models.is_on("answer"),
        problems=refused.problems if refused else (),
    )


def _to_form(draft_id: str) -> Response:
    return RedirectResponse(f"/tasks/drafts/{draft_id}", 303)


def _closed(key: str | None) -> Response:
    """Where one goes whose draft is no more: to the list, which says what was published."""
    return RedirectResponse(f"/tasks?published={quote(key, safe='')}" if key else "/tasks", 303)
