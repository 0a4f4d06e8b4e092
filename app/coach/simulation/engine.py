"""The one face of both engines: where a conversation stands goes in, the next step comes out. An engine keeps nothing itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from app.coach.simulation.containment import Problem
from app.coach.simulation.role_play import Said


@dataclass(frozen=True)
class Moment:
    """Where a conversation stands. `turn` counts what the learner has said so far; mood and opened facts stay on the server."""

    node: str
    mood: str
    turn: int = 0
    said: tuple[Said, ...] = ()
    opened: frozenset[str] = field(default_factory=frozenset)


@dataclass(frozen=True)
class Step:
    """What comes of the learner's words. Of an "unclear" one nothing has been said yet: `near` are the choices, nearest first.
    A "farewell" ends the conversation where it stands.

    `choice` is the authored choice that the words were taken for; "" where none was.
    """

    kind: Literal["said", "unclear", "farewell"]
    moment: Moment
    reply: str = ""
    choice: str = ""
    near: tuple[str, ...] = ()
    is_end: bool = False
    source: Literal["model", "authored"] = "authored"
    problems: tuple[Problem, ...] = ()


class Engine(Protocol):
    """Plays the other person."""

    async def answer(self, moment: Moment, text: str, choice: str = "") -> Step:
        """The step after the learner's `text`. `choice` is the id of one that they picked themselves."""
        ...


def node_of(definition: Mapping[str, Any], node_id: str) -> Mapping[str, Any]:
    """A node of a localised scenario."""
    found: Mapping[str, Any] = next(node for node in definition["nodes"] if node["id"] == node_id)
    return found


def choice_of(node: Mapping[str, Any], choice_id: str) -> Mapping[str, Any] | None:
    choices: Sequence[Mapping[str, Any]] = node.get("choices", ())
    return next((choice for choice in choices if choice["id"] == choice_id), None)


def first_moment(definition: Mapping[str, Any]) -> Moment:
    return Moment(definition["start"], str(node_of(definition, definition["start"])["mood"]))
