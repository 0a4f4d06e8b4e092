"""Finding one's own words again: text is compared folded, without case and accents, the same way in every database."""

from __future__ import annotations

import unicodedata
from typing import Any

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import aliased

from app.rooms.ask.models import Conversation, Turn

MOST_WORDS = 8
LONGEST_QUERY = 200


def folded(text: str) -> str:
    """Text as it is looked for: compatibility forms, case and accents are gone, any run of blanks is one blank.

    What SQLite and PostgreSQL take for the same letter differs and depends on how they were built. So the rows hold folded
    text, and LIKE finds in it the same everywhere.
    """
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return " ".join("".join(c for c in plain if not unicodedata.combining(c)).split())


def says_all(query: str) -> ColumnElement[bool]:
    """The condition on Conversation that each word of the query stands in its title or in one of the turns that it shows.

    `%`, `_` and the escape sign are letters like any other. A query without a word fits everything.
    """
    return and_(True, *(_says(word) for word in folded(query[:LONGEST_QUERY]).split()[:MOST_WORDS]))


def _says(word: str) -> ColumnElement[bool]:
    said: Any = aliased(Turn)
    in_turns = (
        select(said.id)
        .where(
            said.conversation_id == Conversation.id,
            said.replaced_by.is_(None),
            said.folded.contains(word, autoescape=True),
        )
        .exists()
    )
    return or_(Conversation.folded.contains(word, autoescape=True), in_turns)
