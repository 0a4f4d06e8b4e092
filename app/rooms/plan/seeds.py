"""What a plan can begin with: what the learner asked (other rooms say it, `Room.plan_seeds`) and what they practised."""

from __future__ import annotations

import re

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import PracticeTask
from app.course.services import Services
from app.course.tasks import task_title
from app.evidence.models import Attempt
from app.evidence.under_way import recheck_under_way
from app.kit.i18n import Translator
from app.kit.room import PlanSeed

KIND = "task:"
MOST = 3
LOOKED_AT = 40
LONGEST_ACTION = 300
# "I ask for two photos": what stands after "I will" begins without the "I".
_SELF = re.compile(r"^(?:then |first )?i(?:'ll| will| would|'d)? (?=[a-z])", re.IGNORECASE)


def seeds_for(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> list[PlanSeed]:
    """The newest few of what was asked and practised; nothing while a re-check is open, since they hold what the coach said."""
    if recheck_under_way(session, visitor) is not None:
        return []
    asked = [
        seed
        for give in services.plan_seeds
        for seed in give(services, session, visitor, translate, "")[:MOST]
    ]
    return [*asked, *practised(session, visitor, translate)[:MOST]]


def seed_named(
    services: Services, session: Session, visitor: Visitor, translate: Translator, key: str
) -> PlanSeed | None:
    """The seed of a key, if it is the visitor's own; None for any other, and while a re-check is open."""
    if recheck_under_way(session, visitor) is not None:
        return None
    if key.startswith(KIND):
        return next((seed for seed in practised(session, visitor, translate) if seed.key == key), None)
    found = [
        seed for give in services.plan_seeds for seed in give(services, session, visitor, translate, key)
    ]
    return next((seed for seed in found if seed.key == key), None)


def practised(session: Session, visitor: Visitor, translate: Translator) -> list[PlanSeed]:
    """The visitor's tasks of this course, the last tried first. What is proposed are their own sentences that met a criterion:
    an author's criteria and solutions are no plan of theirs."""
    if visitor.is_anonymous:
        return []
    rows = session.execute(
        select(Attempt, PracticeTask)
        .join(PracticeTask, PracticeTask.id == Attempt.task_id)
        .where(Attempt.user_id == visitor.user_id, Attempt.context_id == visitor.context_id)
        .order_by(Attempt.created_at.desc(), Attempt.id.desc())
        .limit(LOOKED_AT)
    )
    seeds: dict[str, PlanSeed] = {}
    for attempt, task in rows:
        if attempt.task_key not in seeds:
            title = task_title(task, visitor.locale)
            quotes = [
                str(line.get("quote") or "") for line in attempt.feedback if line.get("status") == "met"
            ]
            deeds = dict.fromkeys(_as_deed(quote) for quote in quotes if 0 < len(quote) <= LONGEST_ACTION)
            seeds[attempt.task_key] = PlanSeed(
                f"{KIND}{attempt.task_key}",
                title,
                translate("I have a case like “%(title)s”", title=title),
                tuple(deeds)[:MOST],
                task.skill_key,
            )
    return list(seeds.values())


def _as_deed(quote: str) -> str:
    text = _SELF.sub("", " ".join(quote.split()))
    return text.rstrip(".")
