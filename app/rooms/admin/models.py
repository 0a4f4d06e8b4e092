"""What administration keeps: who is signed in, and the invitations under which platforms register themselves."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Boolean, ForeignKey, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.ids import new_id

ID = String(32)


class AdminSession(Base):
    """One signed-in browser of an operator. Only the hash of its cookie is kept; `browser` is what it calls itself.

    A row that is deleted is signed out. It says nothing of who the operator is: whoever may run the command is one.
    """

    __tablename__ = "admin_session"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser: Mapped[str] = mapped_column(String(200), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)


class Invitation(Base):
    """A link that lets one platform register itself for one organisation, once.

    It is found by the hash of its secret; the secret itself is kept sealed while the link is open, to be shown again.
    `claimed_until` is set while a registration is under way, so that of two at once one wins; a try that fails frees it again
    and leaves `problem` (the error's reason) with `problem_note` (the platform's own words, shortened). `created_by` is the
    admin session, None for the command line.
    """

    __tablename__ = "invitation"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    secret_encrypted: Mapped[bytes | None] = mapped_column(LargeBinary)
    name: Mapped[str] = mapped_column(String(200))
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    platform: Mapped[str] = mapped_column(String(40))
    allow_private: Mapped[bool] = mapped_column(Boolean, default=False)
    created_by: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    claimed_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tried_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    problem: Mapped[str | None] = mapped_column(String(80))
    problem_note: Mapped[str | None] = mapped_column(String(500))
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    registration_id: Mapped[str | None] = mapped_column(ID, ForeignKey("registration.id"))
