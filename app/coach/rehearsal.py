"""Rehearsing a plan: its own moment in three turns. First the cue comes, then the learner's own obstacle, then it settles.

Without a model the plan's words make the scenes. A chat model, where one is on, plays whoever is there, through the same door as
simulations; code sees to it that the obstacle comes in the second turn, counts the turns, and ends it. What the learner said is then
laid beside what they planned: in their own words, without a score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any, Literal

from app.coach.chat import Payer
from app.coach.chat_models import ChatModels
from app.coach.explain_back import compare
from app.coach.guard import without_addresses
from app.coach.plan_models import PlanVersion
from app.coach.simulation.role_play import RoleBrief, Said, reply
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator, day_in
from retrieval import Embedder, looks_like_instruction
from retrieval.languages import detect_language, is_stop_word, stems, words

TURNS = 3
LONGEST_SAID = 1000


_FIRST = N_("%(day)s. This is the moment: “%(cue)s”.\nWhat do you say or do?")
_FIRST_ANY_DAY = N_("This is the moment: “%(cue)s”.\nWhat do you say or do?")
_OBSTACLE = N_("Now this gets in the way: “%(obstacle)s”.\nWhat do you say or do?")
_SOMETHING = N_(
    "Now it takes longer than you thought, and somebody else wants something of you.\nWhat do you say or do?"
)
_SETTLED = N_(
    "It settles. Later a colleague asks how it went.\nHow do you know that it worked? What do you tell them?"
)


@dataclass(frozen=True)
class Scene:
    text: str
    source: Literal["code", "model"] = "code"


@dataclass(frozen=True)
class Planned:
    """The parts of a plan that a rehearsal is about; `day` and `at` are of the learner's own clock."""

    cue: str
    action: str
    obstacle: str
    answer: str
    known_by: str
    day: date | None = None
    at: time | None = None

    @classmethod
    def of(cls, version: PlanVersion, at: time | None) -> Planned:
        return cls(
            version.cue,
            version.action,
            version.obstacle,
            version.answer,
            version.known_by,
            version.cue_on,
            at,
        )

    @property
    def is_plain(self) -> bool:
        """Whether none of its words speaks to a machine: others go to no model."""
        said = "\n".join((self.cue, self.action, self.obstacle, self.answer, self.known_by))
        return looks_like_instruction(said) is None


def first_scene(planned: Planned, translate: Translator) -> Scene:
    """The cue, on its day."""
    if planned.day is None:
        return Scene(translate(_FIRST_ANY_DAY, cue=planned.cue))
    day = day_in(translate.locale, planned.day)
    when = f"{day}, {planned.at:%H:%M}" if planned.at else day
    return Scene(translate(_FIRST, day=when, cue=planned.cue))


def later_scene(planned: Planned, number: int, translate: Translator) -> Scene:
    """What happens in turn 2 or 3, in the plan's own words."""
    if number == TURNS:
        return Scene(translate(_SETTLED))
    if planned.obstacle:
        return Scene(translate(_OBSTACLE, obstacle=planned.obstacle))
    return Scene(translate(_SOMETHING))


async def next_scene(
    models: ChatModels, payer: Payer, planned: Planned, said: Sequence[tuple[str, str]], translate: Translator
) -> Scene:
    """The scene that follows. `said` are the turns so far: (scene, what the learner said).

    A model's line stands before ours and never instead of it: the obstacle comes in the learner's own words, whoever plays.
    """
    number = len(said) + 1
    own = later_scene(planned, number, translate)
    if number == TURNS or not models.is_on("simulate") or not planned.is_plain:
        return own
    obstacle = without_addresses(planned.obstacle)
    brief = RoleBrief(
        who="somebody whom the other person meets at work in that moment",
        setting=without_addresses(planned.cue),
        opening=without_addresses(said[0][0]),
        goals=(f"this stands in the way: {obstacle}",) if obstacle else (),
        language=translate.locale,
        most_turns=TURNS,
        lines=(own.text,),
    )
    spoken = [Said("learner", text) for _, text in said]
    answered = await reply(models, payer, brief, spoken)
    if answered.source != "model":
        return own
    return Scene(f"{answered.text}\n\n{own.text}", "model")


def clean_said(text: str) -> str:
    """What the learner said, as it is kept; InputRefused where it is empty or too long."""
    kept = "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c == "\n").strip()
    if not words(kept):
        raise InputRefused(N_("Write what you would say or do, then go on."))
    if len(kept) > LONGEST_SAID:
        raise InputRefused(N_("That is too long: 1,000 characters at most. One or two sentences are enough."))
    return kept


def debrief(embedder: Embedder, planned: Planned, said: Sequence[str]) -> dict[str, Any]:
    """What was planned beside what was said, JSON-ready: {"points": [{"part", "planned", "status", "quote"}], "next"}.

    `status` is "there", "partly" or "missing"; `next` names the one part to try again, or "" where nothing is missing.
    """
    # An action may come in the first turn or after the obstacle; the answer to the obstacle only once it has come.
    heard = {"action": "\n".join(said[:2]), "answer": said[1], "known_by": said[2]}
    points = []
    for part, words_ in heard.items():
        statement = getattr(planned, part)
        if statement:
            status, quote = _judged(embedder, statement, words_)
            points.append({"part": part, "planned": statement, "status": status, "quote": quote})
    wanting = [point["part"] for point in points if point["status"] == "missing"] or [
        point["part"] for point in points if point["status"] == "partly"
    ]
    return {"points": points, "next": wanting[0] if wanting else ""}


def _judged(embedder: Embedder, statement: str, said: str) -> tuple[str, str]:
    """By meaning and words, and no less than by the share of the planned words that were said: people say less than they write."""
    (point,) = compare(embedder, "", [statement], said).points
    language = detect_language(f"{statement} {said}", default="en")
    meant = {
        stem
        for word in words(statement)
        if not is_stop_word(word, language)
        for stem in stems(word, language)
    }
    shared = len(meant & set(stems(said, language))) / len(meant) if meant else 0.0
    if point.status == "there" or shared >= 0.7:
        return "there", point.quote or said.splitlines()[0]
    if point.status == "partly" or shared >= 0.34:
        return "partly", point.quote or said.splitlines()[0]
    return "missing", ""
