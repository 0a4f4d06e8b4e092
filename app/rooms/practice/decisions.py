"""What has become of what was handed in, for the one who handed it in."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from app.course.access import Visitor, access_task_version
from app.course.tasks import task_title
from app.evidence.contests import contests_on
from app.evidence.gradebook import gradebook_state
from app.evidence.ledger import RECHECK, confirmation_of
from app.evidence.models import Evidence
from app.evidence.said import criteria_of, decided_view
from app.kit.i18n import Translator


def evidence_view(
    session: Session, visitor: Visitor, evidence: Evidence, translate: Translator
) -> dict[str, Any]:
    """The decision in full, by whom it was made (a person or the task's policy), and the gradebook's state."""
    confirmation = confirmation_of(session, evidence.id)
    task = access_task_version(session, visitor, evidence.task_id)
    return {
        "attempt_id": evidence.attempt_id,
        "state": "decided" if confirmation else "submitted",
        "is_recheck": evidence.kind == RECHECK,
        "by_policy": confirmation is not None and confirmation.reviewer_id is None,
        "points": confirmation.points if confirmation else None,
        "maximum": confirmation.points_maximum if confirmation else None,
        "comment": confirmation.comment if confirmation else "",
        "criteria": decided_view(
            criteria_of(task, evidence.kind, visitor.locale),
            confirmation.criteria,
            contests_on(session, [evidence.attempt_id]),
        )
        if confirmation
        else [],
        "gradebook": gradebook_state(session, evidence, translate),
        "title": task_title(task, visitor.locale),
    }
