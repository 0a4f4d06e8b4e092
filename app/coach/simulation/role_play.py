"""Open role-play: a chat model plays one person, and code decides what of it is said, how long it goes on, and what may be told.

A fact that is still hidden never goes to the model: what it doesn't know it can't tell. Code opens a fact once its condition was met
(`app.coach.simulation.reading`). Each line is checked whole before it is shown (`app.coach.simulation.containment`), so there is no
stream of it; one that does not pass is asked for once more, and then an authored or neutral line is said in its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from app.coach.budget import BudgetSpent
from app.coach.chat import Message, ModelFailed, Payer
from app.coach.chat_models import ChatModels
from app.coach.guard import new_mark, without_addresses
from app.coach.prompts import prompt_named
from app.coach.simulation.containment import Problem, Secret, folded, problems_of, spoken, tells
from app.coach.units import units_of
from app.kit.errors import N_
from app.kit.i18n import Translator

MOST_TOKENS = 220
LANGUAGES = {"en": "English", "pt-BR": "Brazilian Portuguese", "es": "Spanish"}

# What a person can say whatever was said before.
_NEUTRAL = (
    N_("Hm. And what does that mean for me?"),
    N_("I hear you. What happens next?"),
    N_("I'm not sure I follow. Can you say it another way?"),
    N_("All right. Go on."),
)
_CLOSING = N_("All right. I have to stop here. Thank you for your time.")
_FAREWELL = re.compile(
    r"\b(?:good ?bye|bye|have a (?:nice|good|great) (?:day|evening|afternoon|weekend)|ate logo|ate mais|tchau|adeus|"
    r"tenha (?:um bom dia|uma boa (?:tarde|noite))|adios|hasta luego|que tenga (?:un )?buen)\b"
)


@dataclass(frozen=True)
class HiddenFact:
    """Something that the person knows and does not say by itself. Until `is_open` no model is told of it.

    `as_said` is how the person says it then (without it the fact itself is told); `marker` a piece of it that stands nowhere else.
    """

    fact: str
    marker: str = ""
    as_said: str = ""
    is_open: bool = False


@dataclass(frozen=True)
class RoleBrief:
    """Whom to play. `language` is a locale ("en", "pt-BR", "es"); `most_turns` counts the learner's turns.

    `lines` are authored lines, one for each turn of the learner in order: what is said without a model, or in place of a model's
    line that can't be said. Beyond them neutral ones are taken, and `closing` (or a neutral one) ends it. `ends_now`: the next line
    is the last one, in the spirit of `closing`. `notes` is what else the author wrote: no model gets it,
    and nobody says it.
    """

    who: str
    setting: str
    opening: str
    goals: Sequence[str] = ()
    hidden: Sequence[HiddenFact] = ()
    language: str = "en"
    most_turns: int = 8
    name: str = ""
    voice: str = ""
    mood: str = ""
    notes: Sequence[str] = ()
    lines: Sequence[str] = ()
    closing: str = ""
    ends_now: bool = False


@dataclass(frozen=True)
class Said:
    """One line of the conversation so far, without the opening."""

    by: Literal["learner", "character"]
    text: str


@dataclass(frozen=True)
class Reply:
    """What the person says. `problems` are those of a model's line that was not said; `authored` also where no model answered."""

    text: str
    is_end: bool
    source: Literal["model", "authored"]
    problems: tuple[Problem, ...] = ()


async def reply(models: ChatModels, payer: Payer, brief: RoleBrief, said: Sequence[Said]) -> Reply:
    """The person's answer to the learner's last line. It always answers: without a model, or where it fails or its budget is
    spent, by the brief's own lines. The end is decided here by turns and farewells, and never by a model."""
    turns = sum(one.by == "learner" for one in said)
    is_end = brief.ends_now or turns >= brief.most_turns or (turns > 1 and is_farewell(said[-1].text))
    if not models.is_on("simulate"):
        return Reply(authored_line(brief, said, is_end=is_end), is_end, "authored")
    try:
        line, problems = await _contained(models, payer, brief, said, is_end=is_end)
    except (ModelFailed, BudgetSpent):
        line, problems = "", ()
    if not line:
        return Reply(authored_line(brief, said, is_end=is_end), is_end, "authored", problems)
    return Reply(line, is_end, "model", problems)


def is_farewell(text: str) -> bool:
    """Whether somebody says goodbye."""
    return _FAREWELL.search(folded(text)) is not None


def without_farewell(text: str) -> str:
    """The sentences in which nobody says goodbye."""
    return " ".join(unit.text for unit in units_of(text) if not is_farewell(unit.text))


def authored_line(brief: RoleBrief, said: Sequence[Said], *, is_end: bool) -> str:
    """What is said without a model: the author's line of this turn, a fact that has just been opened, or a neutral line."""
    turns = sum(one.by == "learner" for one in said)
    translate = Translator(brief.language)
    heard = {one.text for one in said if one.by == "character"} | {brief.opening}
    if 0 < turns <= len(brief.lines):
        return brief.lines[turns - 1]
    for fact in brief.hidden:
        if fact.is_open and fact.as_said and fact.as_said not in heard:
            return fact.as_said
    if is_end:
        return brief.closing or translate(_CLOSING)
    neutral = [translate(line) for line in _NEUTRAL]
    return next((line for line in neutral if line not in heard), neutral[turns % len(neutral)])


async def _contained(
    models: ChatModels, payer: Payer, brief: RoleBrief, said: Sequence[Said], *, is_end: bool
) -> tuple[str, tuple[Problem, ...]]:
    """A line that may be said, or "" where neither the first nor the second could; with what was wrong."""
    fence, canary = new_mark(), new_mark()
    messages = _messages(brief, said, fence, canary)
    if is_end:
        ending = f"(This is your last line: {brief.closing or 'end the conversation'})"
        messages = [*messages[:-1], Message("user", f"{messages[-1].text}\n{ending}")]
    problems: tuple[Problem, ...] = ()
    for _ in range(2):
        line = spoken(
            await models.complete("simulate", messages, payer, most_tokens=MOST_TOKENS),
            (brief.name, brief.who),
        )
        found = _problems(brief, said, line, (fence, canary))
        if not found:
            return line, problems
        problems = (*problems, *(one for one in found if one not in problems))
        # The refused line does not go back: a model repeats what it reads.
        messages = [*messages[:-1], Message("user", f"{messages[-1].text}\n{_again(found)}")]
    return "", problems


def _messages(brief: RoleBrief, said: Sequence[Said], fence: str, canary: str) -> list[Message]:
    open_facts = [_told(fact) for fact in brief.hidden if fact.is_open]
    secrets, known = _secrets(brief), _known(brief, said)
    # An author's goal may name what is still hidden ("before Saturday"): it waits until that was asked for.
    goals = [goal for goal in brief.goals if not tells(goal, secrets, known, _code(brief))]

    def filled(text: str) -> list[Message]:
        return prompt_named("role_play").messages(
            who=without_addresses(brief.who),
            voice=brief.voice or "plainly",
            setting=without_addresses(brief.setting),
            goals=without_addresses("; ".join(goals)) or "to get through this conversation well",
            mood=brief.mood or "as anybody would",
            open="; ".join(open_facts) or "nothing further",
            language=LANGUAGES.get(brief.language, "English"),
            fence=fence,
            canary=canary,
            said=without_addresses(text),
        )

    messages = [filled("")[0], Message("assistant", without_addresses(brief.opening))]
    for one in said:
        messages.append(filled(one.text)[1] if one.by == "learner" else Message("assistant", one.text))
    return messages


_WHY: dict[Problem, str] = {
    "empty": "say something",
    "leaves_role": "stay the person that you are",
    "coaches": "don't praise or advise",
    "runs_on": "say two short sentences",
    "leaks": "don't tell what you were not asked for",
    "invents": "add no number, day, name or rule that was not named",
    "speaks_to_machines": "write plain spoken words only",
    "other_language": "speak the language that you were told",
}


def _again(problems: Sequence[Problem]) -> str:
    return f"(Answer as the person, in one or two sentences: {'; '.join(_WHY[one] for one in problems)}.)"


def _problems(
    brief: RoleBrief, said: Sequence[Said], line: str, marks: tuple[str, ...]
) -> tuple[Problem, ...]:
    return problems_of(
        line,
        language=_code(brief),
        known=_known(brief, said),
        secrets=_secrets(brief),
        notes=[*brief.goals, brief.mood, brief.voice, *brief.notes],
        marks=marks,
    )


def _code(brief: RoleBrief) -> str:
    return brief.language.partition("-")[0]


def _known(brief: RoleBrief, said: Sequence[Said]) -> list[str]:
    """What both have heard, and what the person may tell: of an open fact how it is said, and nothing else that the author noted."""
    open_facts = [_told(fact) for fact in brief.hidden if fact.is_open]
    return [
        brief.who, brief.name, brief.setting, brief.opening, brief.closing, *open_facts, *brief.lines,
        *(one.text for one in said),
    ]  # fmt: skip


def _secrets(brief: RoleBrief) -> list[Secret]:
    found = []
    for fact in brief.hidden:
        if not fact.is_open:
            found.append(Secret(tuple(filter(None, (fact.fact, fact.as_said))), fact.marker))
        elif fact.as_said:
            found.append(Secret((fact.fact,), fact.marker))
    return found


def _told(fact: HiddenFact) -> str:
    return fact.as_said or fact.fact
