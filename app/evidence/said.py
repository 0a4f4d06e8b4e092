"""What was said of an attempt, as pages show it: to the learner and to reviewers alike, so that neither sees more of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy.orm import Session

from app.course.content import PracticeTask
from app.course.tasks import localised
from app.evidence.contests import contests_on
from app.evidence.ledger import PRACTICE, RECHECK
from app.evidence.models import Attempt, Contest
from app.evidence.tries import self_assessment_of


def criteria_of(task: PracticeTask, kind: str, locale: str) -> list[dict[str, Any]]:
    """The criteria that an answer of this kind is judged by, in the reader's language."""
    definition = localised(task.definition, locale)
    criteria: list[dict[str, Any]] = (definition["recheck"] if kind == RECHECK else definition)["criteria"]
    return criteria


def kind_of_attempt(attempt: Attempt) -> str:
    return PRACTICE if attempt.recheck_id is None else RECHECK


def lines_view(
    criteria: Sequence[Mapping[str, Any]],
    feedback: Sequence[Mapping[str, Any]],
    own_view: Mapping[str, bool] | None = None,
    contests: Sequence[Contest] = (),
) -> list[dict[str, Any]]:
    """Stored feedback with the words of its criteria, the learner's own tick (None: not said), and what was contested of it."""
    items = {item["id"]: item for item in criteria}
    return [
        {
            **line,
            "text": items[line["criterion"]]["text"],
            "must": bool(items[line["criterion"]].get("must", False)),
            "try_next": items[line["criterion"]].get("next_try", "") if line["next_try"] else "",
            "own_view": (own_view or {}).get(line["criterion"]),
            "contests": contests_view(contests, line["criterion"], "suggestion"),
        }
        for line in feedback
        if line["criterion"] in items
    ]


def decided_view(
    criteria: Sequence[Mapping[str, Any]], met: Mapping[str, bool], contests: Sequence[Contest] = ()
) -> list[dict[str, Any]]:
    """A person's yes or no for each criterion, whether it is a must, and what was contested of it."""
    texts = {item["id"]: item["text"] for item in criteria}
    musts = {item["id"] for item in criteria if item.get("must")}
    return [
        {
            "id": key,
            "text": texts.get(key, key),
            "met": is_met,
            "must": key in musts,
            "contests": contests_view(contests, key, "decision"),
        }
        for key, is_met in met.items()
    ]


def contests_view(contests: Sequence[Contest], criterion: str, about: str) -> list[dict[str, Any]]:
    """What was said against one line, oldest first."""
    return [
        {
            "id": row.id,
            "words": row.words,
            "is_open": row.state == "open",
            "agrees": row.agrees,
            "answer": row.answer,
            "at": row.created_at,
        }
        for row in contests
        if (row.criterion, row.about) == (criterion, about)
    ]


def said_of(session: Session, task: PracticeTask, attempt: Attempt, locale: str) -> dict[str, Any]:
    """The feedback on an attempt: lines, the one thing to try next, how it was made, and the learner's own view of it."""
    criteria = criteria_of(task, kind_of_attempt(attempt), locale)
    own = self_assessment_of(session, attempt.id)
    remarks = attempt.remarks or {}
    return {
        "lines": lines_view(
            criteria,
            attempt.feedback,
            own.criteria if own else None,
            contests_on(session, [attempt.id]),
        ),
        "next": _next_view(criteria, remarks.get("next")),
        "voice": remarks.get("voice", "code"),
        "left_out": remarks.get("left_out", 0),
        "has_own_view": own is not None,
    }


def _next_view(
    criteria: Sequence[Mapping[str, Any]], step: Mapping[str, Any] | None
) -> dict[str, Any] | None:
    """The one thing to try next. An author's hint is read anew, so that it stands in the reader's language."""
    item = next((item for item in criteria if step and item["id"] == step["criterion"]), None)
    if step is None or item is None:
        return None
    by_model = step["voice"] == "model"
    return {
        "criterion": item["text"],
        "text": step["text"] if by_model else str(item.get("next_try", "")),
        "by_model": by_model,
    }
