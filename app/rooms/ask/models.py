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


class Conversation(Base):
    """One person's questions in one activity."""

    __tablename__ = "conversation"
    __table_args__ = (Index("ix_conversation_user_link", "user_id", "resource_link_id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Turn(Base):
    """A question and the whole answer to it, written together: a stream that drops leaves the whole turn or none.

    `answer` is what was shown: sentences, citations with their words, closest sections, experts. A citation keeps its quotation,
    so that an old conversation still says what it said when the document has changed.
    """

    __tablename__ = "turn"
    __table_args__ = (UniqueConstraint("conversation_id", "number"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    conversation_id: Mapped[str] = mapped_column(ID, ForeignKey("conversation.id"))
    number: Mapped[int] = mapped_column(Integer)
    question: Mapped[str] = mapped_column(Text)
    verdict: Mapped[str] = mapped_column(String(20))
    answer: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
