"""One change at a time to a person's ledger."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.models import User


def hold_person(session: Session, user_id: str) -> None:
    """Waits for others that change this person's ledger: what follows reads what stands there and writes what must fit it.

    Two submissions at once would each miss the other and both be current; two first decisions would both make the score row.
    """
    session.execute(select(User.id).where(User.id == user_id).with_for_update(key_share=True))
