"""A question out of a conversation, as our follow-up code makes it and as plain rules do."""

from __future__ import annotations

from retrieval.evaluation.pack import Query


def standalone(query: Query) -> str:
    """The question that is searched for, with what it leans on from earlier turns."""
    return last_two_turns(query)


def last_two_turns(query: Query) -> str:
    """What the person said last and before that; the question itself where there is no conversation."""
    return " ".join(query.user_turns[-2:]) or query.question


def all_turns(query: Query) -> str:
    return " ".join(query.user_turns) or query.question
