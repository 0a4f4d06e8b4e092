"""A question out of a conversation, as plain rules make it: what ours is compared with."""

from __future__ import annotations

from retrieval.evaluation.pack import Query


def last_two_turns(query: Query) -> str:
    """What the person said last and before that; the question itself where there is no conversation."""
    return " ".join(query.user_turns[-2:]) or query.question


def all_turns(query: Query) -> str:
    return " ".join(query.user_turns) or query.question
