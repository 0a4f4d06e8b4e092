"""What a course folder brings besides documents: skills, roles, tasks, scenarios, experts, one-tap questions and ready prompts."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.course.models import ID, own_id
from app.kit.clock import now
from app.kit.db import Base, UtcDateTime


class Skill(Base):
    """What a person is able to do at work. `definition` holds description and levels with observable behaviours."""

    __tablename__ = "skill"
    __table_args__ = (UniqueConstraint("organisation_id", "key"),)

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    key: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    definition: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class RoleLadder(Base):
    """A role with its levels and the skills that each asks for."""

    __tablename__ = "role_ladder"
    __table_args__ = (UniqueConstraint("organisation_id", "key"),)

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    key: Mapped[str] = mapped_column(String(100))
    name: Mapped[str] = mapped_column(String(200))
    definition: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


class PracticeTask(Base):
    """A real task with its checklist, one row a version: a changed task is a new version, so that old attempts keep their meaning.

    `definition` is what `app.course.task_definitions` validated. `origin` says where the version came from: "file" (a course
    folder) or "form" (an instructor). An archived task is offered nowhere anew; activities that are for it keep it.
    """

    __tablename__ = "practice_task"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key", "version"),
        Index("ix_practice_task_current", "organisation_id", "collection_id", "is_current"),
    )

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    collection_id: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(default=1)
    is_current: Mapped[bool] = mapped_column(Boolean, default=True)
    skill_key: Mapped[str] = mapped_column(String(100))
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    origin: Mapped[str] = mapped_column(String(20), default="file")
    archived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class TaskDraft(Base):
    """A practice task that is being written. No learner sees it; it becomes a version of a task when somebody publishes it.

    `content` has the shape of a definition and may be incomplete. `origin`: "form" (written here), "document" (begun from a
    document's own words), "model" (a chat model's proposal), "import" (an uploaded file), "file" (a course folder brought
    other words for a task that was changed here). `task_key` is the task that it changes, None for a new one, and
    `base_version` the version that it began from. `version` counts its changes: a form that was opened before another's
    change is kept as a draft of its own. `form_key` comes from the form, so that one sent twice makes one draft.
    """

    __tablename__ = "task_draft"
    __table_args__ = (Index("ix_task_draft_open", "organisation_id", "state", "collection_id"),)

    id: Mapped[str] = own_id()
    form_key: Mapped[str] = mapped_column(String(64), unique=True)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    collection_id: Mapped[str] = mapped_column(String(64))
    task_key: Mapped[str | None] = mapped_column(String(100))
    base_version: Mapped[int] = mapped_column(default=0)
    origin: Mapped[str] = mapped_column(String(20))
    content: Mapped[dict[str, Any]] = mapped_column(JSON)
    version: Mapped[int] = mapped_column(default=1)
    state: Mapped[str] = mapped_column(String(20), default="open")
    created_by: Mapped[str | None] = mapped_column(ID, ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    changed_by: Mapped[str | None] = mapped_column(ID, ForeignKey("user_account.id"))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Scenario(Base):
    """A conversation to play, one row a version, like a task. `definition` holds what learners must not see: show `scenario_view`."""

    __tablename__ = "scenario"
    __table_args__ = (
        UniqueConstraint("organisation_id", "key", "version"),
        Index("ix_scenario_current", "organisation_id", "collection_id", "is_current"),
    )

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    collection_id: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(100))
    version: Mapped[int] = mapped_column(default=1)
    is_current: Mapped[bool] = mapped_column(Boolean, default=True)
    skill_key: Mapped[str] = mapped_column(String(100))
    definition: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Expert(Base):
    """A person of the organisation to ask when the content does not cover a question.

    Either the content's author lists them (`collection_id` and the author's `key`), or an instructor named them for a course
    (`context_id`). `user_id` is set for somebody of the roster, who answers in the tool; `email` is where a link is sent to
    anybody else. `answer_days` are working days, None is the installation's own expectation. One who is not `is_active` gets no
    further questions; the row stays, since questions and answers point at it.
    """

    __tablename__ = "expert"

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    collection_id: Mapped[str | None] = mapped_column(String(64))
    context_id: Mapped[str | None] = mapped_column(ID, ForeignKey("context.id"), index=True)
    key: Mapped[str | None] = mapped_column(String(100))
    user_id: Mapped[str | None] = mapped_column(ID, ForeignKey("user_account.id"), index=True)
    email: Mapped[str | None] = mapped_column(String(254))
    name: Mapped[str] = mapped_column(String(200))
    role: Mapped[dict[str, str]] = mapped_column(JSON)
    topics: Mapped[list[str]] = mapped_column(JSON, default=list)
    skills: Mapped[list[str]] = mapped_column(JSON, default=list)
    reach: Mapped[str | None] = mapped_column(String(300))
    answer_days: Mapped[int | None]
    is_active: Mapped[bool] = mapped_column(Boolean, default=True)


class Starter(Base):
    """A one-tap question that the content answers, in several languages (`texts`: locale -> question)."""

    __tablename__ = "starter"

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    collection_id: Mapped[str] = mapped_column(String(64))
    texts: Mapped[dict[str, str]] = mapped_column(JSON)


class ReadyPrompt(Base):
    """A question of the organisation's with blanks to fill, in several languages (`texts`: locale -> text, `[words]` are blanks)."""

    __tablename__ = "ready_prompt"
    __table_args__ = (UniqueConstraint("organisation_id", "collection_id", "key"),)

    id: Mapped[str] = own_id()
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    collection_id: Mapped[str] = mapped_column(String(64))
    key: Mapped[str] = mapped_column(String(100))
    texts: Mapped[dict[str, str]] = mapped_column(JSON)
