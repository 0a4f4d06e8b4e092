"""Ready prompts: questions with blanks to fill. The organisation's come with its content, the instructor's with the coach's
settings, and a person may keep their own.

`[words in brackets]` are a blank, and the words its label. Whoever can write a question can write a prompt.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.coach.helping import CoachWays
from app.coach.models import OwnPrompt
from app.course.access import Visitor, refuse_anonymous
from app.course.content import ReadyPrompt
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, InputRefused, NotFound
from retrieval import Scope

LONGEST = 500
MOST_BLANKS = 6
MOST_OWN = 30
_BLANK = re.compile(r"\[([^\[\]]+)\]")
_LONGEST_LABEL = 60


@dataclass(frozen=True)
class Prompt:
    """A prompt that can be asked. `id` is its own within the page; `source` is "organisation", "instructor" or "own"."""

    id: str
    text: str
    source: str

    @property
    def parts(self) -> list[dict[str, str]]:
        """The text in order: {"words"} that stand there, and {"label"} of blanks."""
        found: list[dict[str, str]] = []
        at = 0
        for blank in _BLANK.finditer(self.text):
            found += [{"words": self.text[at : blank.start()]}, {"label": " ".join(blank[1].split())}]
            at = blank.end()
        return [part for part in [*found, {"words": self.text[at:]}] if part != {"words": ""}]

    def as_view(self) -> dict[str, Any]:
        """What templates show of it; a label that occurs twice is one blank."""
        labels = list(dict.fromkeys(part["label"] for part in self.parts if "label" in part))
        return {
            "id": self.id,
            "text": self.text,
            "source": self.source,
            "parts": self.parts,
            "labels": labels,
        }


def clean_prompt(text: str) -> str:
    """The text as it is kept; InputRefused where it is empty, too long, or its brackets don't make blanks."""
    text = " ".join("".join(c if c.isprintable() else " " for c in text).split())
    if not text:
        raise InputRefused(N_("Write the question first."))
    if len(text) > LONGEST:
        raise InputRefused(N_("A ready prompt has 500 characters at most."))
    labels = _BLANK.findall(text)
    if "[" in (rest := _BLANK.sub("", text)) or "]" in rest or any(not label.strip() for label in labels):
        raise InputRefused(N_("Each blank is a few words in one pair of brackets, such as [which customer]."))
    if len(labels) > MOST_BLANKS or any(len(label) > _LONGEST_LABEL for label in labels):
        raise InputRefused(N_("A ready prompt has six blanks at most, each of 60 characters or less."))
    if not rest.strip(" ?¿.,"):
        raise InputRefused(N_("Write some words around the blanks, so that it is a question."))
    return text


def organisation_prompts(session: Session, scope: Scope, locale: str) -> list[Prompt]:
    """Those of the scope's content in the locale, in the author's order; one key is shown once."""
    rows = session.scalars(
        select(ReadyPrompt)
        .where(
            ReadyPrompt.organisation_id == scope.organisation_id,
            ReadyPrompt.collection_id.in_(scope.collection_ids),
        )
        .order_by(ReadyPrompt.id)
    )
    found: dict[str, Prompt] = {}
    for row in rows:
        if text := row.texts.get(locale) or row.texts.get("en"):
            found.setdefault(row.key, Prompt(row.key, text, "organisation"))
    return list(found.values())


def own_prompts(session: Session, visitor: Visitor) -> list[Prompt]:
    """The visitor's own in this course, the latest first."""
    rows = session.scalars(
        select(OwnPrompt)
        .where(OwnPrompt.user_id == visitor.user_id, OwnPrompt.context_id == visitor.context_id)
        .order_by(OwnPrompt.id.desc())
    )
    return [Prompt(row.id, row.text, "own") for row in rows]


def prompts_for(session: Session, scope: Scope, visitor: Visitor, ways: CoachWays) -> list[Prompt]:
    """What Ask offers: the person's own, the instructor's, the organisation's that the instructor has not taken out."""
    instructors = [Prompt(f"instructor-{n}", text, "instructor") for n, text in enumerate(ways.prompts, 1)]
    organisations: Sequence[Prompt] = [
        prompt
        for prompt in organisation_prompts(session, scope, visitor.locale)
        if prompt.id not in ways.hidden_prompts
    ]
    return [*own_prompts(session, visitor), *instructors, *organisations]


def access_own_prompt(session: Session, visitor: Visitor, prompt_id: str) -> OwnPrompt:
    """The visitor's own prompt in this course."""
    row = session.get(OwnPrompt, prompt_id)
    if row is None or row.user_id != visitor.user_id or row.context_id != visitor.context_id:
        raise NotFound
    return row


def record_own_prompt(session: Session, visitor: Visitor, text: str) -> OwnPrompt:
    """Keeps a prompt for the visitor; the same words again are the same prompt."""
    refuse_anonymous(visitor)
    text = clean_prompt(text)
    known = session.scalars(
        select(OwnPrompt).where(
            OwnPrompt.user_id == visitor.user_id,
            OwnPrompt.context_id == visitor.context_id,
            OwnPrompt.text == text,
        )
    ).first()
    if known is not None:
        return known
    count = session.scalar(
        select(func.count())
        .select_from(OwnPrompt)
        .where(OwnPrompt.user_id == visitor.user_id, OwnPrompt.context_id == visitor.context_id)
    )
    if (count or 0) >= MOST_OWN:
        raise InputRefused(N_("You have 30 ready prompts here, and that is the most. Delete one first."))
    row = OwnPrompt(context_id=visitor.context_id, user_id=visitor.user_id, text=text)
    session.add(row)
    session.flush()
    _tell(session, visitor, "own_prompt.recorded", row)
    return row


def change_own_prompt(session: Session, visitor: Visitor, prompt_id: str, text: str) -> None:
    """Gives the visitor's own prompt other words."""
    row = access_own_prompt(session, visitor, prompt_id)
    row.text, row.changed_at = clean_prompt(text), now()
    _tell(session, visitor, "own_prompt.changed", row)


def remove_own_prompt(session: Session, visitor: Visitor, prompt_id: str) -> None:
    """Deletes the visitor's own prompt."""
    row = access_own_prompt(session, visitor, prompt_id)
    _tell(session, visitor, "own_prompt.removed", row)
    session.delete(row)


def _tell(session: Session, visitor: Visitor, action: str, row: OwnPrompt) -> None:
    record_event(
        session,
        action,
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="own_prompt",
        subject_id=row.id,
    )
