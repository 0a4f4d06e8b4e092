"""Conversations: private to the person who asks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.ids import new_id

ID = String(32)

ASKED = "asked"  # the answer is being written, or whoever wrote it is gone
ANSWERED = "answered"
STOPPED = "stopped"  # by the person; what was written whole by then is kept
FAILED = "failed"


class Conversation(Base):
    """One person's questions in one activity. `folded` is the title as it is looked for (`app.rooms.ask.finding`)."""

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_user_link", "user_id", "resource_link_id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    title: Mapped[str] = mapped_column(String(200), default="", server_default="")
    folded: Mapped[str] = mapped_column(Text, default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Turn(Base):
    """A question and the answer to it.

    The row is written when the question is asked and finished in one transaction: whoever looks finds the whole answer, or a
    question that still waits for one under a lease. `answer` is what was shown: sentences, citations with their words, closest
    sections, experts. A citation keeps its quotation, so that an old conversation still says what it said when the document has
    changed. `replaced_by` is the turn of the question that was asked instead of this one or of one before it: the turn stays in
    the record and is not shown.
    """

    __tablename__ = "turn"
    __table_args__ = (
        UniqueConstraint("conversation_id", "number"),
        Index("ix_turn_asked_at", "asked_at"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    conversation_id: Mapped[str] = mapped_column(ID, ForeignKey("conversation.id"))
    number: Mapped[int] = mapped_column(Integer)
    question: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(String(20), default="")
    answer: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    folded: Mapped[str] = mapped_column(Text, default="", server_default="")
    voice: Mapped[str] = mapped_column(String(20), default="", server_default="")
    model: Mapped[str] = mapped_column(String(200), default="", server_default="")
    state: Mapped[str] = mapped_column(String(20), default=ASKED, server_default=ANSWERED)
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    stop_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    tries: Mapped[int] = mapped_column(Integer, default=1, server_default="1")
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    replaced_by: Mapped[str | None] = mapped_column(ID, ForeignKey("turn.id"))
    # How it was answered (app/rooms/ask/ladder.py): in learn mode the page shows no more than `hint_level` of 4, and
    # `mode_reason` says why it is learn mode. Then what came of it: "yes", "not_yet" or "person", and the learner's explanation.
    mode: Mapped[str] = mapped_column(String(10), default="help", server_default="help")
    mode_reason: Mapped[str] = mapped_column(String(20), default="", server_default="")
    hint_level: Mapped[int] = mapped_column(Integer, default=4, server_default="4")
    unblocked: Mapped[str | None] = mapped_column(String(10))
    unblocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    explain_back: Mapped[dict[str, Any] | None] = mapped_column(JSON)
