"""The tables of action plans: a plan, its versions, its check-ins with their answers, its rehearsals, and who wants reminders."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Date,
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


class ActionPlan(Base):
    """One thing that somebody means to do at work. What it says stands in its versions, the highest number counts.

    `state` is "asked" (one question was asked back and waits), "open", or "put_away". `key` comes from the form: the same form sent
    twice is one plan. `source` is where it came from: "turn:<id>", "task:<key>", or "". `is_shared`: the course's reviewers may
    read its words; nobody else but the learner ever does.
    """

    __tablename__ = "action_plan"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_action_plan_person", "user_id", "context_id"),
        Index("ix_action_plan_shared", "context_id", "is_shared"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    source: Mapped[str] = mapped_column(String(120), default="")
    skill_key: Mapped[str] = mapped_column(String(100), default="")
    state: Mapped[str] = mapped_column(String(20), default="open")
    is_shared: Mapped[bool] = mapped_column(Boolean, default=False)
    sequence: Mapped[int] = mapped_column(Integer, default=0)
    locale: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PlanVersion(Base):
    """What the plan says from a moment on; never changed, a further one takes its place.

    `cue_on` is the day where the learner is, `cue_at` the UTC moment of it where they named a time, `zone` where they were. `wanting`
    is what was vague (`app.coach.plans`), with the one question that was asked back in `question`; "" where nothing was.
    """

    __tablename__ = "plan_version"
    __table_args__ = (UniqueConstraint("plan_id", "number"), UniqueConstraint("plan_id", "key"))

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    plan_id: Mapped[str] = mapped_column(ID, ForeignKey("action_plan.id"))
    number: Mapped[int] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(64))
    cue: Mapped[str] = mapped_column(Text)
    cue_on: Mapped[date | None] = mapped_column(Date)
    cue_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    zone: Mapped[str] = mapped_column(String(64))
    action: Mapped[str] = mapped_column(Text)
    obstacle: Mapped[str] = mapped_column(Text, default="")
    answer: Mapped[str] = mapped_column(Text, default="")
    known_by: Mapped[str] = mapped_column(Text, default="")
    wanting: Mapped[str] = mapped_column(String(20), default="")
    question: Mapped[str] = mapped_column(String(300), default="")
    is_by_model: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class CheckIn(Base):
    """A day on which the learner is asked what came of a version of the plan. `slot` is 1, 2 or 3: a week, 30 and 90 days.

    `due_on` is the day where they are, `due_at` the UTC moment from which it is mailed, `zone` where they were. `state` is "waiting",
    "answered" or "replaced" (a later version of the plan has check-ins of its own). `mailed_at`: when a reminder was put in line.
    """

    __tablename__ = "check_in"
    __table_args__ = (
        UniqueConstraint("version_id", "slot"),
        Index("ix_check_in_due", "state", "due_at"),
        Index("ix_check_in_plan", "plan_id", "state"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    plan_id: Mapped[str] = mapped_column(ID, ForeignKey("action_plan.id"))
    version_id: Mapped[str] = mapped_column(ID, ForeignKey("plan_version.id"))
    slot: Mapped[int] = mapped_column(Integer)
    due_on: Mapped[date] = mapped_column(Date)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    zone: Mapped[str] = mapped_column(String(64))
    state: Mapped[str] = mapped_column(String(20), default="waiting")
    mailed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class CheckInAnswer(Base):
    """What the learner said at a check-in: "yes", "partly" or "not_yet". A changed mind is a further row: the highest counts."""

    __tablename__ = "check_in_answer"
    __table_args__ = (UniqueConstraint("check_in_id", "number"), UniqueConstraint("check_in_id", "key"))

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    check_in_id: Mapped[str] = mapped_column(ID, ForeignKey("check_in.id"))
    number: Mapped[int] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(64))
    answer: Mapped[str] = mapped_column(String(10))
    happened: Mapped[str] = mapped_column(Text, default="")
    in_the_way: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Rehearsal(Base):
    """The plan's moment, played in three turns. `number` counts them for a plan; `debrief` is set when the third was said."""

    __tablename__ = "plan_rehearsal"
    __table_args__ = (UniqueConstraint("plan_id", "number"), UniqueConstraint("plan_id", "key"))

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    plan_id: Mapped[str] = mapped_column(ID, ForeignKey("action_plan.id"))
    version_id: Mapped[str] = mapped_column(ID, ForeignKey("plan_version.id"))
    number: Mapped[int] = mapped_column(Integer)
    key: Mapped[str] = mapped_column(String(64))
    debrief: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class RehearsalTurn(Base):
    """One turn: what happens (`scene`, from `source` "code" or "model"), and what the learner said to it, once."""

    __tablename__ = "rehearsal_turn"
    __table_args__ = (UniqueConstraint("rehearsal_id", "number"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    rehearsal_id: Mapped[str] = mapped_column(ID, ForeignKey("plan_rehearsal.id"))
    number: Mapped[int] = mapped_column(Integer)
    scene: Mapped[str] = mapped_column(Text)
    source: Mapped[str] = mapped_column(String(10), default="code")
    said: Mapped[str | None] = mapped_column(Text)
    said_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PlanReminder(Base):
    """Where reminders of a plan's check-ins are mailed, since the learner said yes to it. `address_sealed` goes when they end."""

    __tablename__ = "plan_reminder"

    plan_id: Mapped[str] = mapped_column(ID, ForeignKey("action_plan.id"), primary_key=True)
    address_sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    agreed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
