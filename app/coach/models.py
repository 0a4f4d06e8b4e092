"""The coach's own tables: calls of chat models and spending, how a coach helps, ready prompts, hand-offs and experts' answers."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from app.kit.clock import now
from app.kit.db import Base, UtcDateTime
from app.kit.ids import new_id

ID = String(32)


class Spending(Base):
    """One counter: what one payer has spent and reserved on one UTC day. Key (day, kind, payer id).

    `kind` is "learner", "course" or "organisation", and `payer_id` the id of that row, without a key: a learner's counter
    holds an anonymous visitor's too, who is gone before the day is. Money is in micro-units of the settings' currency.
    `refused_at` is set while the newest call that this payer asked for did not fit under the cap.
    """

    __tablename__ = "spending"

    day: Mapped[date] = mapped_column(Date, primary_key=True)
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    payer_id: Mapped[str] = mapped_column(ID, primary_key=True)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    tokens_spent: Mapped[int] = mapped_column(BigInteger, default=0)
    tokens_reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    money_spent: Mapped[int] = mapped_column(BigInteger, default=0)
    money_reserved: Mapped[int] = mapped_column(BigInteger, default=0)
    refused_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class SpendingCaps(Base):
    """An organisation's own caps for a day. An empty column means the setting's cap, 0 means none. Money in micro-units."""

    __tablename__ = "spending_caps"

    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), primary_key=True)
    learner_tokens: Mapped[int | None] = mapped_column(BigInteger)
    course_tokens: Mapped[int | None] = mapped_column(BigInteger)
    organisation_tokens: Mapped[int | None] = mapped_column(BigInteger)
    learner_money: Mapped[int | None] = mapped_column(BigInteger)
    course_money: Mapped[int | None] = mapped_column(BigInteger)
    organisation_money: Mapped[int | None] = mapped_column(BigInteger)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ModelCall(Base):
    """One call of a chat model: what was reserved for it before, and what it took. No word of anybody is in it.

    `state` is "reserved", "settled", "released" (nothing came, so nothing is counted) or "expired" (whoever made the call never
    said what it took: it counts in full). `day` is the day whose counters it stands in, the one on which it began. `user_id`
    is the learner, without a key and only until the call is settled.
    """

    __tablename__ = "model_call"
    __table_args__ = (Index("ix_model_call_expiry", "state", "expires_at"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str | None] = mapped_column(ID, ForeignKey("context.id"))
    user_id: Mapped[str | None] = mapped_column(ID)
    day: Mapped[date] = mapped_column(Date)
    purpose: Mapped[str] = mapped_column(String(20))
    model: Mapped[str] = mapped_column(String(200))
    state: Mapped[str] = mapped_column(String(20))
    outcome: Mapped[str] = mapped_column(String(40), default="")
    tokens_reserved: Mapped[int] = mapped_column(BigInteger)
    money_reserved: Mapped[int] = mapped_column(BigInteger)
    input_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    output_tokens: Mapped[int] = mapped_column(BigInteger, default=0)
    is_estimated: Mapped[bool] = mapped_column(Boolean, default=False)
    money: Mapped[int] = mapped_column(BigInteger, default=0)
    reserved_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class CoachSettings(Base):
    """How the coach of one activity helps: the instructor's explicit choice. Without a row the defaults hold.

    `mode` is "help" or "learn"; `starters` and `prompts` are the instructor's own, one text each, `hidden_prompts` the keys of
    those of the organisation that are not offered here. `version` counts the changes: a form that was opened before
    another's change is refused. Who changed what stands in the audit log under the row's id.
    """

    __tablename__ = "coach_settings"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"), unique=True)
    mode: Mapped[str] = mapped_column(String(10), default="help")
    learner_may_choose: Mapped[bool] = mapped_column(Boolean, default=False)
    offers_content_starters: Mapped[bool] = mapped_column(Boolean, default=True)
    starters: Mapped[list[str]] = mapped_column(JSON, default=list)
    prompts: Mapped[list[str]] = mapped_column(JSON, default=list)
    hidden_prompts: Mapped[list[str]] = mapped_column(JSON, default=list)
    version: Mapped[int] = mapped_column(Integer, default=1)
    changed_by: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ModeChoice(Base):
    """The mode that a learner chose for themselves in one activity. It counts while the activity's settings allow a choice."""

    __tablename__ = "mode_choice"
    __table_args__ = (UniqueConstraint("resource_link_id", "user_id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"), index=True)
    mode: Mapped[str] = mapped_column(String(10))
    chosen_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class OwnPrompt(Base):
    """A ready prompt that a person keeps for themselves in a course. `[words in brackets]` are the blanks."""

    __tablename__ = "own_prompt"
    __table_args__ = (Index("ix_own_prompt_person", "user_id", "context_id"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    text: Mapped[str] = mapped_column(String(1000))
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class StarterCheck(Base):
    """The one-tap questions of a collection, or of an activity's own settings, and whether its documents answer them.

    `subject` is the collection's id or the settings'. `wanted` says what the check has to be of (versions of documents and texts),
    `checked` of what it was: where they differ there is work. `found`: locale -> list of {text, source, verdict}.
    """

    __tablename__ = "starter_check"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"), index=True)
    subject: Mapped[str] = mapped_column(String(64), unique=True)
    kind: Mapped[str] = mapped_column(String(20))
    wanted: Mapped[str] = mapped_column(String(200))
    checked: Mapped[str] = mapped_column(String(200), default="")
    found: Mapped[dict[str, list[dict[str, str]]]] = mapped_column(JSON, default=dict)
    checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class HandOff(Base):
    """A question that a learner gave to an expert, with what the learner let them see, and how far it has come.

    It stands on its own: `turn_id` has no key, so that it outlives the conversation it came from, and nothing else of that
    conversation is reached from here. `expert_id` None means the course's instructors. `fallback_expert_id` is whom the learner
    was told it goes to next. `state` is "open", "answered" or "withdrawn"; `step_at` is when the worker has something to do (a
    reminder, then passing it on), None where nothing more happens by itself. `number` counts a turn's hand-offs, so that two
    clicks are one.
    """

    __tablename__ = "hand_off"
    __table_args__ = (
        UniqueConstraint("turn_id", "number"),
        Index("ix_hand_off_step", "state", "step_at"),
        Index("ix_hand_off_asker", "user_id", "context_id"),
        Index("ix_hand_off_queue", "context_id", "state"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    resource_link_id: Mapped[str] = mapped_column(ID, ForeignKey("resource_link.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"))
    turn_id: Mapped[str] = mapped_column(ID)
    number: Mapped[int] = mapped_column(default=1)
    expert_id: Mapped[str | None] = mapped_column(ID, ForeignKey("expert.id"), index=True)
    fallback_expert_id: Mapped[str | None] = mapped_column(ID, ForeignKey("expert.id"))
    collection_id: Mapped[str | None] = mapped_column(String(64))
    question: Mapped[str] = mapped_column(Text)
    situation: Mapped[str] = mapped_column(Text, default="")
    places: Mapped[list[dict[str, str]]] = mapped_column(JSON, default=list)
    shows_name: Mapped[bool] = mapped_column(Boolean, default=False)
    locale: Mapped[str] = mapped_column(String(10), default="en")
    state: Mapped[str] = mapped_column(String(20), default="open")
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    due_at: Mapped[datetime] = mapped_column(UtcDateTime)
    step_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    passed_on_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    seen_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ExpertAnswer(Base):
    """One version of an expert's answer. A further version supersedes it; none is ever edited.

    `question` is the general form, without names, that others find; `author` the name at the time. `via` is "tool" or "link":
    a link proves only that somebody had it. `state` is "current", "superseded" or "withdrawn". `document_id` and `filename`
    are the document that the coach cites, where the author let it be cited; all versions share the file name.
    """

    __tablename__ = "expert_answer"
    __table_args__ = (
        UniqueConstraint("hand_off_id", "version"),
        Index("ix_expert_answer_document", "document_id", "state"),
    )

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    hand_off_id: Mapped[str] = mapped_column(ID, ForeignKey("hand_off.id"))
    version: Mapped[int]
    expert_id: Mapped[str | None] = mapped_column(ID, ForeignKey("expert.id"))
    user_id: Mapped[str | None] = mapped_column(ID, ForeignKey("user_account.id"))
    author: Mapped[str] = mapped_column(String(200))
    via: Mapped[str] = mapped_column(String(10))
    question: Mapped[str] = mapped_column(Text)
    text: Mapped[str] = mapped_column(Text)
    is_citable: Mapped[bool] = mapped_column(Boolean, default=True)
    reviewed_on: Mapped[date] = mapped_column(Date)
    review_due_on: Mapped[date] = mapped_column(Date, index=True)
    state: Mapped[str] = mapped_column(String(20), default="current")
    collection_id: Mapped[str | None] = mapped_column(String(64))
    document_id: Mapped[str | None] = mapped_column(String(32))
    filename: Mapped[str] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ExpertLink(Base):
    """A link under which an expert without an account answers one question: only its hash is kept.

    The first browser that opens it is the only one that may use it afterwards (`browser_hash`).
    """

    __tablename__ = "expert_link"

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    hand_off_id: Mapped[str] = mapped_column(ID, ForeignKey("hand_off.id"), index=True)
    expert_id: Mapped[str] = mapped_column(ID, ForeignKey("expert.id"))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    browser_hash: Mapped[str | None] = mapped_column(String(64))
    created_by: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    opened_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ContentGap(Base):
    """A question that the content did not answer, or not wholly, under the heading of the content that is nearest to it.

    `question` are the person's own words and go after a while (`app.coach.content_gaps`), the row later. `turn_id` has no key:
    the conversation is another's table, and who deletes it has these rows deleted with it.
    """

    __tablename__ = "content_gap"
    __table_args__ = (Index("ix_content_gap_context_topic", "context_id", "topic_key"),)

    id: Mapped[str] = mapped_column(ID, primary_key=True, default=new_id)
    organisation_id: Mapped[str] = mapped_column(ID, ForeignKey("organisation.id"))
    context_id: Mapped[str] = mapped_column(ID, ForeignKey("context.id"))
    user_id: Mapped[str] = mapped_column(ID, ForeignKey("user_account.id"), index=True)
    turn_id: Mapped[str] = mapped_column(ID, unique=True)
    verdict: Mapped[str] = mapped_column(String(20))
    topic_key: Mapped[str] = mapped_column(String(64))
    topic: Mapped[str] = mapped_column(String(300))
    document: Mapped[str] = mapped_column(String(300), default="")
    question: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
