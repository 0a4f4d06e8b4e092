"""Writing practice tasks, and the kinds of answer: made with the code that makes them, so that a state is one that there is."""

from __future__ import annotations

from typing import Any

from app.course.task_definitions import Problem, check_definition
from app.course.tasks import definition_view
from app.rooms.practice.answers import answer_view
from app.rooms.practice.authoring import parts_to_read
from app.rooms.practice.authoring_forms import form_values
from tests.accessibility.states.page import AT, State
from tests.accessibility.states.practice import STATES as PRACTICE

PLACE = {
    "document": "documents/handbook.md",
    "title": "Support handbook",
    "heading": "Damaged parcels",
    "quote": "Ask the customer for two photos before you decide anything.",
}
CONTENT: dict[str, Any] = {
    "title": "The vase in two pieces",
    "situation": "Monday, 9:10. A customer writes that a vase arrived in two pieces.\n\nThere is one photo, of the outside.",
    "ask": "Write your reply to her.",
    "minutes": 8,
    "solution_steps": ["Ask for the second photo.", "Open a case in Deskbook."],
    "worked_strong": "Please send a photo of the inside as well.\n\nI have opened a case for you.",
    "worked_weak": "We are sorry for any inconvenience.",
    "criteria": [
        {
            "id": "photo",
            "text": "Asks for the photo that is missing",
            "must": True,
            "weight": 3,
            "look_for": ["a photo of the inside"],
            "strong_example": "Please send a photo of the inside.",
            "weak_example": "Please send more.",
            "next_try": "What have you not seen yet?",
            "source": PLACE,
        },
        {"id": "promise", "text": "Promises nothing before the case is approved"},
    ],
    "recheck": {
        "situation": "A cup arrived broken, without a photo.",
        "ask": "Say what you ask for.",
        "criteria": [{"id": "two", "text": "Asks for two photos"}],
    },
    "sources": [
        {"document": "documents/handbook.md", "title": "Support handbook", "heading": "Damaged parcels"}
    ],
    "es": {"title": "El jarrón en dos trozos"},
}
STEPS = [
    "Open a case in Deskbook.",
    ["Ask for a photo of the outside.", "Ask for a photo of the inside."],
    "Write the note.",
]
CHOICES = [
    {"text": "Refund the whole price at once"},
    {"text": "Ask for the photo that is missing, then decide", "is_best": True},
    {"text": "Refuse, since the time is over"},
]
ORDER = CONTENT | {"answer_kind": "order", "steps": STEPS}
CHOICE = CONTENT | {"answer_kind": "choice", "choices": CHOICES}
FILE = CONTENT | {"answer_kind": "file", "file": {"accepts": ["pdf", "docx"], "most_mb": 5}}


def definition(content: dict[str, Any]) -> dict[str, Any]:
    return check_definition({"id": "vase", **content})


def draft(**parts: Any) -> dict[str, Any]:
    return {
        "id": "0" * 31 + "1",
        "version": 3,
        "title": CONTENT["title"],
        "task_key": None,
        "origin": "form",
        "state": "open",
        "at": AT,
        "who": "Marta Oyelaran",
        "needs_reading": False,
        **parts,
    }


def form(content: dict[str, Any], **parts: Any) -> State:
    context = {
        "draft": draft(),
        "values": form_values(definition(content) if content else {}),
        "skills": [{"key": "decide-refund", "name": "Decide a refund"}],
        "documents": [{"file": "documents/handbook.md", "title": "Support handbook"}],
        "translated": [],
        "saved": "",
        "begun": False,
        "left_out": 0,
        "fell_back": False,
    }
    return State("practice/edit.html", context | parts, path="/tasks/drafts/1", role="instructor")


def look(content: dict[str, Any], **parts: Any) -> State:
    made = definition(content)
    context = {
        "draft": draft(),
        "problems": [],
        "task": definition_view(made, "vase", "Decide a refund"),
        "answer": answer_view(made, "look"),
        "definition": made,
        "best": [one["text"] for one in made.get("choices", ()) if one.get("is_best")],
        "to_read": parts_to_read(made),
        "needs_reading": False,
        "lost_translations": 0,
        "current_version": 0,
        "newer": None,
        "is_archived": False,
        "is_same": False,
    }
    return State(
        "practice/edit_preview.html", context | parts, path="/tasks/drafts/1/preview", role="instructor"
    )


def page(template: str, path: str, **context: Any) -> State:
    return State(f"practice/{template}.html", context, path=path, role="instructor")


def answering(content: dict[str, Any], earlier: dict[str, Any] | None = None) -> State:
    """The learner's page of a task, with the fields of its kind of answer."""
    before = PRACTICE["practice-new"]
    made = definition(content)
    task = {**before.context["task"], **definition_view(made, "vase", "Decide a refund")}
    context = {**before.context, "task": task, "answer": answer_view(made, "k1", earlier)}
    return State(before.template, context, path="/practice/vase")


TASKS = [
    {
        "key": "vase",
        "title": "The vase in two pieces",
        "version": 2,
        "skill": "Decide a refund",
        "minutes": 8,
        "is_archived": False,
    },
    {
        "key": "note",
        "title": "A note in four lines",
        "version": 1,
        "skill": "",
        "minutes": 1,
        "is_archived": False,
    },
]
DRAFTS = [
    {
        "id": "d1",
        "title": "A lamp in pieces",
        "changes": None,
        "origin": "model",
        "at": AT,
        "who": "Marta Oyelaran",
    },
    {"id": "d2", "title": "The vase", "changes": "vase", "origin": "form", "at": AT, "who": ""},
    {
        "id": "d3",
        "title": "A task without a title",
        "changes": None,
        "origin": "form",
        "at": AT,
        "who": "Ben",
    },
]
SECTIONS = [
    {
        "title": "Support handbook",
        "sections": [
            {"id": "p1", "heading": "Damaged parcels", "has_steps": True},
            {"id": "p2", "heading": "Goodwill credits", "has_steps": False},
        ],
    }
]
NEW = {"form_key": "f1", "documents": SECTIONS, "has_model": False, "problems": ()}
VERSIONS = [
    {"number": 2, "at": AT, "who": "Marta Oyelaran", "origin": "form"},
    {"number": 1, "at": AT, "who": "", "origin": "file"},
]
TASK = {
    "task": definition_view(definition(CONTENT), "vase", "Decide a refund"),
    "version": 2,
    "is_archived": False,
    "versions": VERSIONS,
    "form_key": "f1",
}
MISSING = [
    {"where": "What has happened?", "message": "This is missing. Add it.", "anchor": "situation"},
    {"where": "Line 1", "message": "This is too long. Shorten it.", "anchor": "c0"},
]

STATES: dict[str, State] = {
    "tasks": page("edit_list", "/tasks", tasks=TASKS, drafts=DRAFTS, archived=TASKS[1:], published=None),
    "tasks-published": page("edit_list", "/tasks", tasks=TASKS, drafts=[], archived=[], published=TASKS[0]),
    "tasks-none": page("edit_list", "/tasks", tasks=[], drafts=[], archived=[], published=None),
    "tasks-begin": page("edit_new", "/tasks/new", **NEW),
    "tasks-begin-with-model": page("edit_new", "/tasks/new", **NEW | {"has_model": True}),
    "tasks-begin-file-refused": page(
        "edit_new",
        "/tasks/new",
        **NEW
        | {
            "problems": [
                Problem("criteria.0.text", "This is missing. Add it."),
                Problem("file", "TOML: line 3"),
            ]
        },
    ),
    "tasks-begin-without-documents": page("edit_new", "/tasks/new", **NEW | {"documents": []}),
    "task-form-empty": form({}, draft=draft(title="", who="")),
    "task-form": form(CONTENT, saved="yes", translated=["es"], draft=draft(task_key="vase")),
    "task-form-order": form(ORDER, begun=True, draft=draft(origin="document")),
    "task-form-choice": form(CHOICE, saved="apart"),
    "task-form-file": form(FILE, draft=draft(origin="file", task_key="vase")),
    "task-form-by-a-machine": form(
        CONTENT, begun=True, left_out=2, draft=draft(origin="model", needs_reading=True)
    ),
    "task-form-fell-back": form(CONTENT, begun=True, fell_back=True, draft=draft(origin="document")),
    "task-look": look(CONTENT),
    "task-look-order": look(ORDER),
    "task-look-choice": look(CHOICE, is_archived=True, draft=draft(task_key="vase"), current_version=2),
    "task-look-file": look(FILE),
    "task-look-unchanged": look(CONTENT, is_same=True, draft=draft(task_key="vase"), current_version=2),
    "task-look-missing": look(CONTENT, problems=MISSING),
    "task-look-to-read": look(CONTENT, needs_reading=True, draft=draft(origin="model", needs_reading=True)),
    "task-look-overtaken": look(
        CONTENT,
        draft=draft(task_key="vase"),
        current_version=2,
        lost_translations=2,
        newer={"version": 2, "at": AT, "definition": definition(CONTENT)},
    ),
    "task-written": page("edit_task", "/tasks/vase", **TASK),
    "task-archived": page("edit_task", "/tasks/vase", **TASK | {"is_archived": True}),
    "practice-answer-order": answering(ORDER),
    "practice-answer-choice": answering(
        CHOICE, {"kind": "choice", "text": "", "data": {"choice": "", "reason": "A photo is missing."}}
    ),
    "practice-answer-file": answering(FILE),
    "practice-answer-file-again": answering(
        FILE, {"kind": "file", "text": "", "data": {"filename": "my reply.docx", "size": 1, "is_cut": False}}
    ),
}
