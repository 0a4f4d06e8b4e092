"""The engine with a chat model: the person speaks freely, and the author's branches say how the conversation stands.

What the learner says is read by the choices of the node where the conversation stands: a clear one moves mood and turning points on,
and at an end of the branches the conversation ends. Facts that may be asked for are opened by code, by phrases of the author's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from anyio import to_thread

from app.coach.chat import Payer
from app.coach.chat_models import ChatModels
from app.coach.simulation.engine import Moment, Step, choice_of, node_of
from app.coach.simulation.reading import means, read_choice
from app.coach.simulation.role_play import HiddenFact, RoleBrief, Said, reply
from retrieval import Embedder


@dataclass(frozen=True)
class OpenPlay:
    """Plays a localised scenario, or a brief without one (a learner's own situation)."""

    embedder: Embedder
    models: ChatModels
    payer: Payer
    brief: RoleBrief
    definition: Mapping[str, Any] | None = None

    async def answer(self, moment: Moment, text: str, choice: str = "") -> Step:
        if self.definition is None:
            return await self._say(moment, text, "", self.brief)
        read = await to_thread.run_sync(self._read, self.definition, moment, text)
        after, picked = read
        node = node_of(self.definition, after.node)
        brief = replace(
            scenario_brief(self.definition, self.brief.language, after),
            ends_now=bool(node.get("end")),
            closing=str(node["says"]) if node.get("end") else "",
        )
        return await self._say(after, text, picked, brief)

    def _read(self, definition: Mapping[str, Any], moment: Moment, text: str) -> tuple[Moment, str]:
        """Where the words lead: the moment with node, mood and opened facts, and the choice that they were taken for."""
        node = node_of(definition, moment.node)
        language = str(definition["written_in"]).partition("-")[0]
        picked = read_choice(self.embedder, text, node.get("choices", ()), language).choice
        opened = set(moment.opened)
        target = node
        if found := choice_of(node, picked):
            target = node_of(definition, found["to"])
        for fact in definition["hidden_facts"]:
            is_asked = fact["reveal"] == "asked" and (
                means(self.embedder, text, fact.get("like", ()), language)
                or (target is not node and fact["as_said"][:40] in target["says"])
            )
            if is_asked:
                opened.add(fact["id"])
        return replace(moment, node=target["id"], mood=target["mood"], opened=frozenset(opened)), picked

    async def _say(self, moment: Moment, text: str, picked: str, brief: RoleBrief) -> Step:
        said = (*moment.said, Said("learner", text))
        answer = await reply(self.models, self.payer, brief, said)
        after = replace(moment, turn=moment.turn + 1, said=(*said, Said("character", answer.text)))
        return Step(
            "said", after, answer.text, picked, (), answer.is_end, answer.source, problems=answer.problems
        )


def scenario_brief(definition: Mapping[str, Any], locale: str, moment: Moment) -> RoleBrief:
    """The brief of a localised scenario as it stands. All facts are in it: the role-play keeps hidden ones from the model."""
    character = definition["character"]
    return RoleBrief(
        who=f"{character['name']}: {character['role']}",
        name=character["name"],
        setting=definition["setting"],
        opening=definition["opening_line"],
        goals=definition["goals"],
        hidden=[
            HiddenFact(fact["fact"], fact["marker"], fact["as_said"], fact["id"] in moment.opened)
            for fact in definition["hidden_facts"]
        ],
        language=locale,
        most_turns=definition["max_turns"],
        voice=character["voice"],
        mood=definition["mood"][moment.mood],
        notes=[
            *definition["mood"].values(),
            definition["end_condition"],
            *(fact["revealed_when"] for fact in definition["hidden_facts"]),
            *(
                text
                for point in definition["turning_points"]
                for text in (point["when"], point["what_changes"])
            ),
        ],
    )
