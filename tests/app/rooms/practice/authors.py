"""What tests of authoring share: an instructor who writes, and a form that says a whole task."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.course.content import PracticeTask, TaskDraft
from app.course.models import Organisation
from tests.app.rooms.campus import Campus, Visit

WHOLE = {
    "title": "The vase in two pieces",
    "situation": "A customer writes that a vase arrived in two pieces. There is one photo.",
    "ask": "Write your reply.",
    "minutes": "8",
    "tries": "2",
    "answer_kind": "text",
    "completion": "reviewed",
    "c0_id": "",
    "c0_text": "Asks for the second photo",
    "c0_must": "yes",
    "c0_weight": "2",
    "c0_look_for": "a second photo\nphoto of the inside",
    "c0_strong_example": "Please send a photo of the inside as well.",
    "c0_weak_example": "Please send more.",
    "c0_next_try": "What have you not seen yet?",
    "c1_text": "Promises nothing yet",
    "c1_weight": "1",
    "solution_steps": "Ask for the second photo.\nOpen a case.",
    "worked_strong": "Please send a photo of the inside as well. I have opened a case.",
    "worked_weak": "We are sorry.",
    "r_after_days": "7",
    "r_situation": "A cup arrived broken, without a photo.",
    "r_ask": "Say what you ask for.",
    "r0_text": "Asks for two photos",
    "r0_weight": "1",
}


def author(campus: Campus, who: str = "ines", role: str = "instructor", **how: Any) -> Visit:
    return campus.visit(who, role, **how)


def begin(visit: Visit) -> str:
    """A new draft; its id."""
    answer = visit.post("/tasks/new", {"form_key": secrets.token_hex(16)})
    assert answer.status_code == 303, answer.text
    return draft_in(answer.headers["location"])


def draft_in(address: str) -> str:
    found = re.search(r"/tasks/drafts/([0-9a-f]{32})", address)
    assert found, address
    return found[1]


def save(visit: Visit, draft_id: str, form: Mapping[str, str], *, version: int | None = None) -> Any:
    """Sends the form as it is opened now, or as of `version`."""
    if version is None:
        version = version_in(visit.get(f"/tasks/drafts/{draft_id}").text)
    return visit.post(f"/tasks/drafts/{draft_id}", {**form, "version": str(version), "then": "stay"})


def version_in(page: str) -> int:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found, page[:3000]
    return int(found[1])


def publish(visit: Visit, draft_id: str, **changes: str) -> Any:
    """Publishes a draft as its page shows it."""
    page = visit.get(f"/tasks/drafts/{draft_id}/preview").text
    over = re.search(r'name="over_version" value="(\d+)"', page)
    form = {"version": str(version_in(page)), "over_version": over[1] if over else "0"}
    return visit.post(f"/tasks/drafts/{draft_id}/publish", form | changes)


def write_task(visit: Visit, form: Mapping[str, str]) -> str:
    """A published task; its key."""
    draft_id = begin(visit)
    saved = save(visit, draft_id, form)
    assert saved.status_code == 303, saved.text
    done = publish(visit, draft_id)
    assert done.status_code == 303, done.text
    return str(done.headers["location"]).rpartition("=")[2]


def task_named(campus: Campus, key: str, organisation: str = "north") -> PracticeTask:
    with campus.services.database.read() as session:
        return session.scalars(
            select(PracticeTask)
            .join(Organisation, Organisation.id == PracticeTask.organisation_id)
            .where(Organisation.name == organisation, PracticeTask.key == key, PracticeTask.is_current)
        ).one()


def drafts(campus: Campus) -> list[TaskDraft]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(TaskDraft).order_by(TaskDraft.id)))
