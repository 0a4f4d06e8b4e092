"""What has become of a score, in words for the learner and the instructor."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.models import ResourceLink
from app.evidence.ledger import confirmation_of, line_item_of
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WITHHELD, Evidence, ScoreRow
from app.kit.errors import N_
from app.kit.i18n import Translator

NO_COLUMN = N_("This activity has no column in the gradebook.")
NO_GRADEBOOK = N_(
    "The learning platform offers Workside no gradebook here. Its administrator allows the tool to send grades."
)

NOT_A_GRADE = N_(
    "A re-check is no grade: it goes to no gradebook. It stands for the skill, apart from what was done with help."
)


def score_of(session: Session, evidence: Evidence) -> ScoreRow | None:
    """The score row that this evidence's latest decision stands in, if it is still that one's."""
    return session.scalars(select(ScoreRow).where(ScoreRow.evidence_id == evidence.id)).one_or_none()


def why_no_column(session: Session, resource_link_id: str) -> str:
    """Why decisions on an activity go to no gradebook: a message key."""
    link = session.get(ResourceLink, resource_link_id)
    if link is not None and link.has_gradebook is False:
        return NO_GRADEBOOK
    return NO_COLUMN


def gradebook_state(session: Session, evidence: Evidence, translate: Translator) -> dict[str, str]:
    """`{"kind": none|waiting|delivered|superseded|refused, "text"}` of a piece of evidence."""
    if not evidence.assisted:
        return {"kind": "none", "text": translate(NOT_A_GRADE)}
    if confirmation_of(session, evidence.id) is None:
        return {
            "kind": "none",
            "text": translate("Nothing is in the gradebook until your instructor has decided."),
        }
    row = score_of(session, evidence)
    if row is None:
        if line_item_of(session, evidence.resource_link_id, evidence.kind) is None:
            return {"kind": "none", "text": translate(why_no_column(session, evidence.resource_link_id))}
        return {"kind": "none", "text": translate("A newer decision stands in the gradebook.")}
    if row.state == DELIVERED:
        return {"kind": "delivered", "text": translate("In the gradebook")}
    if row.state == SUPERSEDED:
        return {
            "kind": "superseded",
            "text": translate("Someone has changed the grade in the gradebook. Their grade stays."),
        }
    if row.state == WITHHELD:
        return {"kind": "refused", "text": translate("Kept here: %(reason)s", reason=translate(row.reason))}
    if row.state == DEAD:
        return {
            "kind": "refused",
            "text": translate(
                "The learning platform refused the grade: %(reason)s", reason=translate(row.reason or "?")
            ),
        }
    if row.tries > 1 or row.reason:
        return {
            "kind": "waiting",
            "text": translate("The gradebook does not answer. We keep trying; nothing is lost."),
        }
    return {"kind": "waiting", "text": translate("On its way to the gradebook")}
