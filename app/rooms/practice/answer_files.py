"""Files that were answers: kept with their attempt, opened by their owner, and by reviewers once they were handed in."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.evidence.models import AnswerFile, Attempt, Evidence
from app.kit.errors import NotFound
from app.rooms.practice.answers import GivenAnswer


def keep_file(session: Session, attempt: Attempt, given: GivenAnswer) -> None:
    """Keeps the file of an answer, in the transaction that records the attempt. Without a file, or kept already, nothing happens."""
    if given.upload is None or file_of(session, attempt) is not None:
        return
    session.add(
        AnswerFile(
            attempt_id=attempt.id,
            user_id=attempt.user_id,
            filename=given.upload.filename,
            size=len(given.upload.data),
            sha256=hashlib.sha256(given.upload.data).hexdigest(),
            data=given.upload.data,
        )
    )
    session.flush()


def file_of(session: Session, attempt: Attempt) -> AnswerFile | None:
    """The file of an attempt that the caller has access to."""
    return session.scalars(select(AnswerFile).where(AnswerFile.attempt_id == attempt.id)).one_or_none()


def access_answer_file(session: Session, visitor: Visitor, attempt_id: str) -> AnswerFile:
    """The file of an attempt of this course: for its owner, and for reviewers once it was handed in. NotFound otherwise."""
    attempt = session.get(Attempt, attempt_id)
    if attempt is None or attempt.context_id != visitor.context_id:
        raise NotFound
    if attempt.user_id != visitor.user_id:
        handed_in = session.scalar(select(Evidence.id).where(Evidence.attempt_id == attempt.id))
        if not visitor.is_reviewer or handed_in is None:
            raise NotFound
    kept = file_of(session, attempt)
    if kept is None:
        raise NotFound
    return kept
