"""The versions of practice tasks: which is current, where it came from, and how a further one is added."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.course.content import PracticeTask
from app.kit.errors import N_, WorksideError

FROM_FILE = "file"
FROM_FORM = "form"


class TaskChanged(WorksideError):
    """Somebody published another version while this page was open."""

    status = 409
    title = N_("Somebody else has published this task meanwhile")
    advice = N_(
        "Your draft is kept. Open it again: it says what has changed, and you decide whether yours comes next."
    )


def current_version(session: Session, organisation_id: str, key: str) -> PracticeTask | None:
    """The current version of an organisation's task."""
    return session.scalars(
        select(PracticeTask).where(
            PracticeTask.organisation_id == organisation_id, PracticeTask.key == key, PracticeTask.is_current
        )
    ).one_or_none()


def last_from_file(session: Session, organisation_id: str, key: str) -> PracticeTask | None:
    """The latest version that a course folder brought."""
    return session.scalars(
        select(PracticeTask)
        .where(
            PracticeTask.organisation_id == organisation_id,
            PracticeTask.key == key,
            PracticeTask.origin == FROM_FILE,
        )
        .order_by(PracticeTask.version.desc())
        .limit(1)
    ).one_or_none()


def record_version(
    session: Session,
    organisation_id: str,
    collection_id: str,
    definition: dict[str, Any],
    origin: str,
    current: PracticeTask | None,
) -> PracticeTask:
    """Adds a version after `current` (None: the first) and makes it the current one. Attempts on earlier ones keep theirs.

    TaskChanged where another version came in between: the numbers of versions are unique.
    """
    task = PracticeTask(
        organisation_id=organisation_id,
        collection_id=collection_id,
        key=definition["id"],
        version=current.version + 1 if current is not None else 1,
        skill_key=definition["skill"],
        definition=definition,
        origin=origin,
        archived_at=current.archived_at if current is not None else None,
    )
    try:
        with session.begin_nested():
            if current is not None:
                session.execute(
                    update(PracticeTask).where(PracticeTask.id == current.id).values(is_current=False)
                )
            session.add(task)
    except IntegrityError:
        raise TaskChanged from None
    return task
