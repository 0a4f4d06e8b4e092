"""What makes a practice task complete: its author's policy, read in one place."""

from __future__ import annotations

from typing import Literal

from app.course.content import PracticeTask

Completion = Literal["submitted", "reviewed"]


def completion_of(task: PracticeTask) -> Completion:
    """ "submitted": handing in is complete and gives all the points. "reviewed", which holds unless the author says otherwise:
    only a person's decision gives points."""
    return "submitted" if task.definition.get("completion") == "submitted" else "reviewed"
