"""What is kept of simulations. Runs, turns and debriefs are only ever added; a learner may delete their own situation with them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Boolean, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.ids import new_id

ID = String(32)


class OwnSituation(Base):
    """A learner's own situation in their words. Nobody else sees it. `key` comes from the form: sent twice, it is one."""

    __tablename__ = "own_situation"
    __table_args__ = (UniqueConstraint("user_id", "key"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    locale: Mapped[str] = mapped_column(String(20))
    who: Mapped[str] = mapped_column(Text)
    opening: Mapped[str] = mapped_column(Text)
    hard: Mapped[str] = mapped_column(Text)
    wants: Mapped[str] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SimulationRun(Base):
    """One conversation. A retry is a run of its own that begins with the turns of its parent before `from_position`."""

    __tablename__ = "simulation_run"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        Index("ix_simulation_run_person", "user_id", "resource_link_id"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    key: Mapped[str] = mapped_column(String(64))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    scenario_id: Mapped[str | None] = mapped_column(ID, ForeignKey("scenario.id"))
    scenario_key: Mapped[str] = mapped_column(String(100), default="")
    situation_id: Mapped[str | None] = mapped_column(ID, ForeignKey("own_situation.id"), index=True)
    engine: Mapped[str] = mapped_column(String(20))
    locale: Mapped[str] = mapped_column(String(20))
    parent_id: Mapped[str | None] = mapped_column(ID, ForeignKey("simulation_run.id"))
    from_position: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SimulationTurn(Base):
    """What became of one thing that the learner said. Of a position the highest revision counts: a correction is a further row.

    `kind`: "said" (read from free words), "chosen" (the learner picked a choice), "unclear" and "taken_back" (nothing was answered
    yet), "stopped" (the learner ended it; with words where they said goodbye), "earlier" (copied from the run that a retry goes
    back to). Node, mood and opened facts are where the conversation stands afterwards; they stay on the server.
    """

    __tablename__ = "simulation_turn"
    __table_args__ = (UniqueConstraint("run_id", "key"), UniqueConstraint("run_id", "position", "revision"))

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    run_id: Mapped[str] = mapped_column(ID, ForeignKey("simulation_run.id"))
    key: Mapped[str] = mapped_column(String(64))
    position: Mapped[int] = mapped_column(Integer)
    revision: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(20))
    said: Mapped[str] = mapped_column(Text, default="")
    choice: Mapped[str] = mapped_column(String(100), default="")
    near: Mapped[list[str]] = mapped_column(JSON, default=list)
    node: Mapped[str] = mapped_column(String(100), default="")
    mood: Mapped[str] = mapped_column(String(20), default="start")
    opened: Mapped[list[str]] = mapped_column(JSON, default=list)
    reply: Mapped[str] = mapped_column(Text, default="")
    source: Mapped[str] = mapped_column(String(20), default="authored")
    problems: Mapped[list[str]] = mapped_column(JSON, default=list)
    is_end: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class SimulationDebrief(Base):
    """What the learner was told when a run was over."""

    __tablename__ = "simulation_debrief"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    run_id: Mapped[str] = mapped_column(ID, ForeignKey("simulation_run.id"), unique=True)
    view: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
