"""Looking back at a conversation: the rubric with the learner's own words, the turn where it turned, and a stronger line to try there.

By code alone: what the author's choices say was met, and the model-free judgement of `app.coach.feedback`. Where a chat model is on
it may point at words of the learner's for a criterion; code looks whether they stand there, and a line gets at most one step better.
There are no points: what was done with help is practice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from pydantic import BaseModel, Field

from app.coach.budget import BudgetSpent
from app.coach.chat import ModelFailed, Payer
from app.coach.chat_models import ChatModels
from app.coach.feedback import give_feedback
from app.coach.guard import new_mark, without_addresses
from app.coach.prompts import prompt_named
from app.coach.simulation.engine import choice_of, node_of
from app.coach.units import units_of
from retrieval import Embedder
from retrieval.languages import words

Status = Literal["met", "not_yet", "cant_tell", "not_come_up"]
LONGEST_QUOTE = 220


@dataclass(frozen=True)
class PlayedTurn:
    """One turn of the learner: `node` is where it was said, `choice` what it was taken for. `text` is "" where they only tapped.

    Words that were not understood have no choice; `near` is the one that came nearest.
    """

    position: int
    text: str
    heard: str
    reply: str
    node: str = ""
    choice: str = ""
    mood: str = ""
    near: str = ""


@dataclass(frozen=True)
class RubricLine:
    """One criterion. `quote` are the learner's own words, verbatim; `chosen` the choice that they tapped instead of writing."""

    criterion: str
    text: str
    must: bool
    status: Status
    quote: str = ""
    chosen: str = ""
    stronger_line: str = ""


@dataclass(frozen=True)
class TurningPoint:
    """The turn to go back to. `kind` says why: it went worse there, it went better, or it was the hard part."""

    position: int
    kind: Literal["worse", "better", "hard"]
    said: str
    reply: str
    feedback: str = ""
    stronger_line: str = ""


@dataclass(frozen=True)
class Debrief:
    """`ended` is "good", "mixed", "bad", or "" where no end of the author's was reached."""

    ended: str
    outcome: str
    lines: tuple[RubricLine, ...]
    turning: TurningPoint | None
    voice: Literal["code", "model"] = "code"

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


class _Pointed(BaseModel):
    criterion: int
    words: str = Field(default="", max_length=2_000)


class _PointedAll(BaseModel):
    """What a model gives back: for each criterion the person's words that show it."""

    found: list[_Pointed] = Field(default_factory=list, max_length=40)


def look_back(
    embedder: Embedder, definition: Mapping[str, Any], turns: Sequence[PlayedTurn], last_node: str
) -> Debrief:
    """The debrief of a localised scenario, without a model. `last_node` is where the conversation stood when it was over."""
    end = node_of(definition, last_node)
    return Debrief(
        str(end.get("end", "")),
        str(end.get("outcome", "")),
        _lines(embedder, definition, turns),
        _turning(definition, turns),
    )


async def point_at_words(
    models: ChatModels, payer: Payer, debrief: Debrief, turns: Sequence[PlayedTurn]
) -> Debrief:
    """The debrief, better by what a model pointed at; as it was where none is on, or it fails, or its budget is spent."""
    said = [turn.text for turn in turns if turn.text]
    if not models.is_on("feedback") or not said:
        return debrief
    messages = prompt_named("debrief").messages(
        fence=new_mark(),
        criteria="\n".join(f"{n}. {line.text}" for n, line in enumerate(debrief.lines, 1)),
        said=without_addresses("\n".join(said)),
    )
    try:
        pointed = await models.complete_as(_PointedAll, "feedback", messages, payer, most_tokens=500)
    except (ModelFailed, BudgetSpent):
        return debrief
    found = {one.criterion: " ".join(one.words.split()) for one in pointed.found}
    lines = tuple(_nearer(line, found.get(n, ""), said) for n, line in enumerate(debrief.lines, 1))
    return replace(debrief, lines=lines, voice="model")


def _nearer(line: RubricLine, pointed: str, said: Sequence[str]) -> RubricLine:
    """One step better where the words that a model points at are the learner's own, letter by letter."""
    own = next((quote for text in said if (quote := own_words(pointed, text))), "")
    if line.status == "met" or not own:
        return line
    status: Status = "met" if line.status == "cant_tell" else "cant_tell"
    return replace(line, status=status, quote=own)


def own_words(pointed: str, text: str) -> str:
    """The pointed words as the learner wrote them, or "" where they don't stand there or are fewer than two."""
    plain = " ".join(text.split())
    at = plain.casefold().find(pointed.casefold())
    if at < 0 or len(words(pointed)) < 2 or len(plain.casefold()) != len(plain):
        return ""
    return plain[at : at + len(pointed)]


def quote_of(text: str, wanted: str = "") -> str:
    """Words of the learner's to show, verbatim: all of a short text, else the sentence that is wanted or the first."""
    plain = text.strip()
    if wanted and wanted in plain:
        return wanted
    if len(plain) <= LONGEST_QUOTE:
        return plain
    return next((unit.text for unit in units_of(plain) if words(unit.text)), plain)[:LONGEST_QUOTE]


def _lines(
    embedder: Embedder, definition: Mapping[str, Any], turns: Sequence[PlayedTurn]
) -> tuple[RubricLine, ...]:
    judged = {line.criterion: line for line in _judged(embedder, definition, turns)}
    offered = {
        met
        for turn in turns
        if turn.node
        for choice in node_of(definition, turn.node).get("choices", ())
        for met in choice["meets"]
    }
    lines = []
    for criterion in definition["rubric"]:
        quote, chosen = "", ""
        status: Status = "not_yet"
        for turn in turns:
            picked = choice_of(node_of(definition, turn.node), turn.choice) if turn.choice else None
            if picked is not None and criterion["id"] in picked["meets"]:
                status, quote = "met", quote_of(turn.text)
                chosen = "" if quote else str(picked["text"])
                break
        else:
            said = judged.get(criterion["id"])
            if said is not None and (
                said.status == "met"
                or (
                    said.status == "cant_tell"
                    and not _meant_otherwise(definition, criterion["id"], said.quote, turns)
                )
            ):
                status, quote = said.status, said.quote or ""
            elif criterion["id"] not in offered:
                status = "not_come_up"
        lines.append(
            RubricLine(
                criterion["id"],
                criterion["text"],
                bool(criterion.get("must", False)),
                status,
                quote,
                chosen,
                "" if status == "met" else str(criterion["stronger_line"]),
            )
        )
    return tuple(lines)


def _meant_otherwise(
    definition: Mapping[str, Any], criterion: str, quote: str | None, turns: Sequence[PlayedTurn]
) -> bool:
    """Whether words that are merely near to a criterion were something else: no choice that they were taken for meets it, nor
    does the one that came nearest where they were not understood."""
    for turn in turns:
        if not quote or quote not in turn.text:
            continue
        if turn.choice:
            return True
        near = choice_of(node_of(definition, turn.node), turn.near) if turn.near else None
        if near is not None and criterion not in near["meets"]:
            return True
    return False


def _judged(embedder: Embedder, definition: Mapping[str, Any], turns: Sequence[PlayedTurn]) -> list[Any]:
    """The model-free judgement of the learner's own words. What meets a criterion and what stands beside it and does not are the
    author's examples of strong and weak."""
    said = "\n\n".join(turn.text for turn in turns if turn.text)
    if not said:
        return []
    choices = [
        (choice, other)
        for node in definition["nodes"]
        for choice in node.get("choices", ())
        for other in node["choices"]
    ]
    criteria = []
    for criterion in definition["rubric"]:
        strong = [c["like"][0] for c, _ in choices if criterion["id"] in c["meets"]]
        weak = [
            o["like"][0]
            for c, o in choices
            if criterion["id"] in c["meets"] and criterion["id"] not in o["meets"]
        ]
        criteria.append(
            {
                "id": criterion["id"],
                "look_for": list(dict.fromkeys([*criterion["look_for"], *strong])),
                "strong_example": criterion["stronger_line"],
                "weak_example": weak[0] if weak else "",
                "next_try": "",
            }
        )
    return list(give_feedback(embedder, criteria, said))


def _turning(definition: Mapping[str, Any], turns: Sequence[PlayedTurn]) -> TurningPoint | None:
    """The first turn that made it worse; else the one that gave the best end away; else the one that left most of the rubric lying;
    else the one that made it better."""
    ends = _best_ends(definition)
    weights = {criterion["id"]: criterion["weight"] for criterion in definition["rubric"]}

    def worth(choice: Mapping[str, Any]) -> tuple[int, int]:
        return ends[choice["to"]], sum(weights[one] for one in choice["meets"])

    read = []
    for turn in turns:
        picked = choice_of(node_of(definition, turn.node), turn.choice) if turn.choice else None
        if picked is not None:
            best = max(node_of(definition, turn.node)["choices"], key=worth)
            read.append((turn, picked, best))
    if not read:
        last = next((turn for turn in turns if turn.text), None)
        return TurningPoint(last.position, "hard", quote_of(last.text), last.reply) if last else None
    worse = next((one for one in read if _is_worse(node_of(definition, one[1]["to"]))), None)
    gave_away = next((one for one in read if worth(one[1])[0] < worth(one[2])[0]), None)
    lost = max(read, key=lambda one: worth(one[2])[1] - worth(one[1])[1])
    if worse or gave_away or worth(lost[1]) < worth(lost[2]):
        turn, picked, best = worse or gave_away or lost
        stronger = "" if best is picked else str(best["like"][0])
        kind: Literal["worse", "better"] = "worse"
    else:
        turn, picked, _ = next(
            (one for one in read if node_of(definition, one[1]["to"])["mood"] == "better"), read[0]
        )
        stronger, kind = "", "better"
    said = quote_of(turn.text) or str(picked["text"])
    return TurningPoint(turn.position, kind, said, turn.reply, str(picked["feedback"]), stronger)


def _is_worse(node: Mapping[str, Any]) -> bool:
    return node["mood"] == "worse" or node.get("end") == "bad"


def _best_ends(definition: Mapping[str, Any]) -> dict[str, int]:
    """The best end that can still be reached from each node: 3 good, 2 mixed, 1 bad, 0 none."""
    rank = {"good": 3, "mixed": 2, "bad": 1}
    best = {node["id"]: rank.get(node.get("end", ""), 0) for node in definition["nodes"]}
    for _ in best:
        for node in definition["nodes"]:
            best[node["id"]] = max(
                best[node["id"]], *(best[choice["to"]] for choice in node.get("choices", ())), 0
            )
    return best
