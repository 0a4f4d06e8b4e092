"""The audit log: each change of somebody's record writes one event, in the same transaction. Rows are only ever added."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Protocol, cast

from sqlalchemy import JSON, Index, String, Table, insert
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.ids import new_id


class AuditEvent(Base):
    """Who did what to which row, when. `detail` holds ids, counts and states, never a person's words."""

    __tablename__ = "audit_event"
    __table_args__ = (Index("ix_audit_event_subject", "subject_kind", "subject_id"),)

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    organisation_id: Mapped[str] = mapped_column(String(32), index=True)
    actor_id: Mapped[str | None] = mapped_column(String(32))
    action: Mapped[str] = mapped_column(String(80))
    subject_kind: Mapped[str] = mapped_column(String(40))
    subject_id: Mapped[str] = mapped_column(String(64))
    detail: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)


_ADDED = insert(cast(Table, AuditEvent.__table__))


def record_event(
    session: Session,
    action: str,
    *,
    organisation_id: str,
    actor_id: str | None,
    subject_kind: str,
    subject_id: str,
    **detail: str | int | float | bool | None,
) -> None:
    """Adds one event to the caller's transaction. `actor_id` None means Workside itself (a job, the command line)."""
    # Written at once by a statement made once: nothing reads the event again, so it need not be an object.
    session.execute(
        _ADDED,
        {
            "action": action,
            "organisation_id": organisation_id,
            "actor_id": actor_id,
            "subject_kind": subject_kind,
            "subject_id": subject_id,
            "detail": dict(detail),
        },
    )


class OfAnOrganisation(Protocol):
    """A row of an organisation's."""

    @property
    def id(self) -> str: ...
    @property
    def organisation_id(self) -> str: ...


def record_event_of(
    session: Session,
    row: OfAnOrganisation,
    subject_kind: str,
    action: str,
    actor_id: str | None,
    **detail: str | int | float | bool | None,
) -> None:
    """Adds what happened to a row, as `record_event` does."""
    record_event(
        session,
        action,
        organisation_id=row.organisation_id,
        actor_id=actor_id,
        subject_kind=subject_kind,
        subject_id=row.id,
        **detail,
    )
