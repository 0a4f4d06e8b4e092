"""The engine that needs no model: the author wrote what the other person says, and free words find the choice that they mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from anyio import to_thread

from app.coach.simulation.engine import Moment, Step, choice_of, node_of
from app.coach.simulation.reading import read_choice
from app.coach.simulation.role_play import Said, is_farewell, without_farewell
from app.kit.errors import N_, InputRefused
from retrieval import Embedder


@dataclass(frozen=True)
class Branching:
    """Plays a localised scenario by its nodes."""

    embedder: Embedder
    definition: Mapping[str, Any]

    async def answer(self, moment: Moment, text: str, choice: str = "") -> Step:
        node = node_of(self.definition, moment.node)
        near: tuple[str, ...] = ()
        # Whoever says goodbye goes: what else they say may still be one of the choices.
        leaves = not choice and is_farewell(text)
        if not choice:
            meant = without_farewell(text) if leaves else text
            language = str(self.definition["written_in"]).partition("-")[0]
            reading = await to_thread.run_sync(read_choice, self.embedder, meant, node["choices"], language)
            choice, near = reading.choice, reading.order
            if not choice and leaves:
                return Step("farewell", moment, near=near, is_end=True)
            if not choice:
                return Step("unclear", moment, near=near)
        picked = choice_of(node, choice)
        if picked is None:
            raise InputRefused(N_("The conversation has gone on meanwhile. Look at it, then say it again."))
        step = self.follow(moment, text, picked)
        return replace(step, is_end=True) if leaves else step

    def follow(self, moment: Moment, text: str, picked: Mapping[str, Any]) -> Step:
        """The step by a choice."""
        node = node_of(self.definition, picked["to"])
        turn = moment.turn + 1
        said = (*moment.said, Said("learner", text or picked["text"]), Said("character", node["says"]))
        after = replace(moment, node=node["id"], mood=node["mood"], turn=turn, said=said)
        is_end = bool(node.get("end")) or turn >= self.definition["max_turns"]
        return Step("said", after, node["says"], picked["id"], is_end=is_end)
