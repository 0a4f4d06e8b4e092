"""A learner says that a line is wrong: the form, and the answers that came back."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.services import Services
from app.evidence.contests import About, clean_words, record_contest, unseen_answers
from app.evidence.ledger import confirmation_of, evidence_of_attempt
from app.evidence.models import Attempt, Contest
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound

LONGEST_WORDS = 1000


def form_key(key: str) -> str:
    """The key that makes a form sent twice one answer; InputRefused where it is missing."""
    if not key or len(key) > 64:
        raise InputRefused(
            N_("The form is incomplete. Reload the page and try again; copy what you wrote first.")
        )
    return key


def contest_line(
    session: Session, visitor: Visitor, attempt: Attempt, *, criterion: str, about: str, words: str, key: str
) -> Contest:
    """Keeps the learner's words about one line of their own attempt; NotFound for a line that is not there."""
    kind: About = "decision" if about == "decision" else "suggestion"
    if criterion not in _lines(session, attempt, kind):
        raise NotFound
    form_key(key)
    said = clean_words(words, LONGEST_WORDS, N_("Write in a sentence what is wrong with this line."))
    return record_contest(session, visitor, attempt, key=key, criterion=criterion, about=kind, words=said)


def _lines(session: Session, attempt: Attempt, about: About) -> set[str]:
    if about == "suggestion":
        return {line["criterion"] for line in attempt.feedback}
    evidence = evidence_of_attempt(session, attempt.id)
    decision = confirmation_of(session, evidence.id) if evidence else None
    return set(decision.criteria) if decision else set()


def note_answers_seen(services: Services, session: Session, visitor: Visitor, attempt_ids: set[str]) -> None:
    """Notes that the learner has opened the page on which the answers stand: they are no longer announced.

    A page is read in a unit that changes nothing, so this is written in one of its own.
    """
    seen = [row.id for row in unseen_answers(session, visitor) if row.attempt_id in attempt_ids]
    if seen:
        with services.database.write() as writing:
            for contest_id in seen:
                writing.get_one(Contest, contest_id).seen_at = now()
