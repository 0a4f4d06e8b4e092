"""The ledger's rows. An attempt, a piece of evidence and a confirmation are facts; a score is state; a delivery is a try."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.ids import new_id

ID = String(32)

WAITING = "waiting"
DELIVERED = "delivered"
SUPERSEDED = "superseded"
DEAD = "dead"
WITHHELD = "withheld"


class Attempt(Base):
    """One answer to one version of a practice task, with the formative feedback it got. Kept for good, never overwritten: a
    trigger of the database refuses every UPDATE.

    `key` comes from the form: the same form sent twice is one attempt. `response` are the words that people read; `answer` is
    {"kind", "data"} by the kind of answer (app/rooms/practice/answers.py), None for a text of before there were kinds.

    `remarks` say how the feedback was made (`app.coach.task_feedback`). `recheck_id` is set for the one answer of an unaided
    re-check, and for no other.
    """

    __tablename__ = "attempt"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_attempt_user_task", "user_id", "resource_link_id", "task_key"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    task_id: Mapped[str] = mapped_column(ID, ForeignKey("practice_task.id"))
    task_key: Mapped[str] = mapped_column(String(100))
    number: Mapped[int] = mapped_column(Integer)
    response: Mapped[str] = mapped_column(Text)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    feedback: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    remarks: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    recheck_id: Mapped[str | None] = mapped_column(ID, ForeignKey("recheck.id"), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SelfAssessment(Base):
    """What a learner thinks of an attempt of their own: a tick for each criterion. Another view is a further row."""

    __tablename__ = "self_assessment"
    __table_args__ = (UniqueConstraint("attempt_id", "number"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    attempt_id: Mapped[str] = mapped_column(ID, ForeignKey("attempt.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"), index=True)
    number: Mapped[int] = mapped_column(Integer)
    criteria: Mapped[dict[str, bool]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PracticeEnd(Base):
    """A learner has asked for the worked answers of a task. It holds for the whole course, in whichever activity they asked."""

    __tablename__ = "practice_end"
    __table_args__ = (UniqueConstraint("user_id", "context_id", "task_key"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    task_id: Mapped[str] = mapped_column(ID, ForeignKey("practice_task.id"))
    task_key: Mapped[str] = mapped_column(String(100))
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Recheck(Base):
    """The unaided re-check of one task for one person in one course: when it is due and how far it is. There is one, however many
    activities show the task.

    `state` is "waiting" (due at `due_at`), "open" (the coach is closed to this person meanwhile) or "done"; its answer is the
    attempt that names it. `task_id` is the version that was practised. `openings` counts how often it was opened, so that who
    reads the answer sees whether its questions had been read before.
    """

    __tablename__ = "recheck"
    __table_args__ = (
        UniqueConstraint("user_id", "context_id", "task_key"),
        Index("ix_recheck_person", "user_id", "context_id", "state"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    task_id: Mapped[str] = mapped_column(ID, ForeignKey("practice_task.id"))
    task_key: Mapped[str] = mapped_column(String(100))
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    openings: Mapped[int] = mapped_column(Integer, default=0)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Contest(Base):
    """A learner says that one line of what was said of an attempt is wrong, and an instructor's answer to that.

    `about` is "suggestion" (a line of the machine's feedback) or "decision" (a person's yes or no). `agrees` is the
    instructor's: True where the learner is right. `seen_at` is when the learner has seen the answer.
    """

    __tablename__ = "contest"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_contest_queue", "context_id", "state"),
        Index("ix_contest_attempt", "attempt_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    attempt_id: Mapped[str] = mapped_column(ID, ForeignKey("attempt.id"))
    criterion: Mapped[str] = mapped_column(String(100))
    about: Mapped[str] = mapped_column(String(20))
    words: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(20), default="open")
    agrees: Mapped[bool | None] = mapped_column(Boolean)
    answer: Mapped[str] = mapped_column(Text, default="")
    answered_by: Mapped[str | None] = mapped_column(ID, ForeignKey("user_account.id"))
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class AnswerFile(Base):
    """The file that an attempt consists of, as it was sent. Its owner opens it, and reviewers once it was handed in."""

    __tablename__ = "answer_file"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    attempt_id: Mapped[str] = mapped_column(ID, ForeignKey("attempt.id"), unique=True)
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"), index=True)
    filename: Mapped[str] = mapped_column(String(120))
    size: Mapped[int] = mapped_column(Integer)
    sha256: Mapped[str] = mapped_column(String(64))
    data: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Evidence(Base):
    """Something that a person did, put before a human. `assisted` evidence is never shown as skill (product.md).

    `kind` is "practice" or "recheck"; of these only a re-check is done without help. A column of the gradebook is tagged with
    the kind that it takes, and none is with "recheck".
    """

    __tablename__ = "evidence"
    __table_args__ = (
        UniqueConstraint("attempt_id"),
        Index("ix_evidence_queue", "context_id", "state"),
        Index("ix_evidence_person", "user_id", "resource_link_id", "task_key"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    kind: Mapped[str] = mapped_column(String(20))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    attempt_id: Mapped[str] = mapped_column(ID, ForeignKey("attempt.id"))
    task_id: Mapped[str] = mapped_column(ID, ForeignKey("practice_task.id"))
    task_key: Mapped[str] = mapped_column(String(100))
    skill_key: Mapped[str] = mapped_column(String(100))
    assisted: Mapped[bool] = mapped_column(Boolean, default=True)
    proposal: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    state: Mapped[str] = mapped_column(String(20), default="submitted")
    superseded_by: Mapped[str | None] = mapped_column(ID, ForeignKey("evidence.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Confirmation(Base):
    """The decision on a piece of evidence. A changed mind is a further row; the highest number counts.

    A human's, with a yes or no for each criterion; or, for a task that is complete when it is handed in, its policy's: then
    `reviewer_id` is None, the role "policy", and no criterion was judged.
    """

    __tablename__ = "confirmation"
    __table_args__ = (UniqueConstraint("evidence_id", "number"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    evidence_id: Mapped[str] = mapped_column(ID, ForeignKey("evidence.id"))
    number: Mapped[int] = mapped_column(Integer)
    reviewer_id: Mapped[str | None] = mapped_column(ID, ForeignKey("user_account.id"))
    reviewer_role: Mapped[str] = mapped_column(String(30))
    criteria: Mapped[dict[str, bool]] = mapped_column(JSON)
    comment: Mapped[str] = mapped_column(Text, default="")
    points: Mapped[float] = mapped_column(Float)
    points_maximum: Mapped[float] = mapped_column(Float)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ScoreRow(Base):
    """What the gradebook should say for one person in one column. State, not a message: the latest version is what is sent.

    `stamp` is the timestamp of `stamp_version`, chosen once and saved before the first try; `last_stamp` the latest that any
    version was sent with. `version > delivered_version` means work for the worker, unless the state is dead.

    `tried_version` is the last that was sent, whatever came of it; `open_version` the one whose try has not ended yet, and
    `bare_version` one whose worker did not end its try in time: its POST may still arrive. `delivered_points` of
    `delivered_maximum` is what the platform last took from us; where it holds that, no person has edited it.
    `needs_new_stamp`: the one that it was sent with proved useless, so that a person who sends it again, at `asked_at`, gets it
    a new one. `waits_for_connection`: kept while the platform is switched off here. `check_at` is when the gradebook is next
    compared with what was delivered.
    """

    __tablename__ = "score"
    __table_args__ = (
        UniqueConstraint("line_item_id", "user_id"),
        Index("ix_score_due", "state", "next_try_at"),
        Index("ix_score_check", "state", "check_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    line_item_id: Mapped[str] = mapped_column(ID, ForeignKey("line_item.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    evidence_id: Mapped[str] = mapped_column(ID, ForeignKey("evidence.id"))
    confirmation_id: Mapped[str] = mapped_column(ID, ForeignKey("confirmation.id"))
    points: Mapped[float] = mapped_column(Float)
    points_maximum: Mapped[float] = mapped_column(Float)
    comment: Mapped[str] = mapped_column(Text, default="")
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)
    delivered_version: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[str] = mapped_column(String(20), default=WAITING)
    stamp: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stamp_version: Mapped[int] = mapped_column(Integer, default=0)
    last_stamp: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tried_version: Mapped[int] = mapped_column(Integer, default=0)
    open_version: Mapped[int] = mapped_column(Integer, default=0)
    bare_version: Mapped[int] = mapped_column(Integer, default=0)
    delivered_points: Mapped[float | None] = mapped_column(Float)
    delivered_maximum: Mapped[float | None] = mapped_column(Float)
    needs_new_stamp: Mapped[bool] = mapped_column(Boolean, default=False)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waits_for_connection: Mapped[bool] = mapped_column(Boolean, default=False)
    check_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    checks: Mapped[int] = mapped_column(Integer, default=0)
    tries: Mapped[int] = mapped_column(Integer, default=0)
    next_try_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(Text, default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Delivery(Base):
    """One try to bring one version of a score to the platform, and what came of it."""

    __tablename__ = "delivery"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    score_id: Mapped[str] = mapped_column(ID, ForeignKey("score.id"), index=True)
    version: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    outcome: Mapped[str] = mapped_column(String(30))
    status: Mapped[int | None] = mapped_column(Integer)
    detail: Mapped[str] = mapped_column(Text, default="")
