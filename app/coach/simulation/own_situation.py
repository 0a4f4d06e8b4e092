"""A learner's own situation, played: three questions, a brief for the role-play, and a look back by what any hard talk needs.

Without a chat model the other person says what the learner wrote, in four steps (how it begins, a resistance, what makes it hard, and
what the learner wants of them), and does not react to words. The page says so.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from app.coach.simulation.containment import folded
from app.coach.simulation.debrief import Debrief, PlayedTurn, RubricLine, Status, TurningPoint, quote_of
from app.coach.simulation.reading import means
from app.coach.simulation.role_play import RoleBrief
from app.coach.units import units_of
from app.kit.errors import N_, InputRefused
from app.kit.i18n import Translator
from retrieval import Embedder, without_instructions
from retrieval.languages import stems, words
from retrieval.quantities import numbers_in

LONGEST = {"who": 120, "opening": 300, "hard": 300, "wants": 300}
STEPS = 4
MOST_TURNS = 6

_RESISTANCE = N_("I don't know. Why should it be different this time?")
_CLOSING = N_("So what exactly do you want from me?")
_END = N_("All right. Let's leave it there for now.")
_QUESTION = re.compile(
    r"\b(?:what|how|why|when|which|who|where|o que|que|como|por ?que|quando|qual|quais|quem|onde|cuando|cual|cuales|quien|donde)\b"
)
_TIME = re.compile(
    r"\b(?:today|tonight|tomorrow|this week|next week|this afternoon|this morning|o'?clock|noon|"
    r"hoje|amanha|semana que vem|esta semana|"
    r"meio-?dia|(?:segunda|terca|quarta|quinta|sexta)(?:-feira)?|hoy|manana|esta tarde|la semana que viene|mediodia)\b"
)
_TIMES = {"date", "minute", "hour", "day", "week"}
_COMMITS = re.compile(
    r"\b(?:i will|i'?ll|we will|we'?ll|let'?s|let us|vou|vamos|combinamos|voy|quedamos|le llamo|te llamo)\b"
)


@dataclass(frozen=True)
class OwnSituation:
    """The learner's words: who it is with, the first thing that is said, what is said that makes it hard, what the learner wants."""

    who: str
    opening: str
    hard: str
    wants: str
    locale: str


def clean_situation(who: str, opening: str, hard: str, wants: str, locale: str) -> OwnSituation:
    """The four answers as they are kept; InputRefused names the question that lacks words or has too many."""
    given = {"who": who, "opening": opening, "hard": hard, "wants": wants}
    kept = {}
    for name, text in given.items():
        kept[name] = " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())
        if not words(kept[name]):
            raise InputRefused(_MISSING[name])
        if len(kept[name]) > LONGEST[name]:
            raise InputRefused(N_("One of the answers is too long. A sentence or two is enough for each."))
    return OwnSituation(**kept, locale=locale)


_MISSING = {
    "who": N_("Write who you are talking to, such as “my shift lead”."),
    "opening": N_("Write the first thing that they say."),
    "hard": N_("Write what they say that makes it hard."),
    "wants": N_("Write what you want from the talk."),
}


def own_brief(situation: OwnSituation, *, has_model: bool) -> RoleBrief:
    """The role-play's brief. What speaks to a machine in the learner's words is left out of it."""
    translate = Translator(situation.locale)
    who, opening, hard, wants = (
        without_instructions(text) or "..."
        for text in (situation.who, situation.opening, situation.hard, situation.wants)
    )
    return RoleBrief(
        who=who,
        setting=f"A talk at work between {who} and a person who wants this: {wants}",
        opening=opening,
        goals=(
            f"Sooner or later you say: {hard}",
            "You give in only to what is clear, fair and answers your point",
        ),
        language=situation.locale,
        most_turns=MOST_TURNS if has_model else STEPS,
        lines=(translate(_RESISTANCE), hard, translate(_CLOSING)),
        closing=translate(_END),
    )


def look_back_own(embedder: Embedder, situation: OwnSituation, turns: Sequence[PlayedTurn]) -> Debrief:
    """The debrief by code: says it back, asks, says what is wanted, ends with a step and a time."""
    translate = Translator(situation.locale)
    language = situation.locale.partition("-")[0]
    said = [turn for turn in turns if turn.text]
    checks = (
        (
            "says-back",
            N_("Says back what the other person said, in a few of their words"),
            _says_back(said, language),
            translate(N_("You say: “%(words)s” Did I understand you right?"), words=_short(situation.hard)),
        ),
        (
            "asks",
            N_("Asks an open question"),
            _asks(said),
            translate(N_("What would have to happen so that it works for you too?")),
        ),
        (
            "says-want",
            N_("Says plainly what you want"),
            _says_want(embedder, said, situation.wants, language),
            translate(N_("What I want is this: %(wants)s"), wants=_short(situation.wants)),
        ),
        (
            "next-step",
            N_("Ends with one next step and a time"),
            _next_step(said, f"{situation.wants}\n{situation.hard}\n{situation.opening}", language),
            translate(N_("Let's agree on one thing: I do it by tomorrow at ten, and then we look at it.")),
        ),
    )
    lines = tuple(
        RubricLine(
            key,
            translate(text),
            must=False,
            status=found[0],
            quote=found[1],
            stronger_line="" if found[0] == "met" else stronger,
        )
        for key, text, found, stronger in checks
    )
    return Debrief("", "", lines, _hard_part(situation, said, lines))


def _hard_part(
    situation: OwnSituation, said: Sequence[PlayedTurn], lines: Sequence[RubricLine]
) -> TurningPoint | None:
    """The turn that answers what makes it hard; where that was never said, the last one."""
    if not said:
        return None
    turn = next((one for one in said if situation.hard in one.heard), said[-1])
    stronger = next((line.stronger_line for line in lines if line.status == "not_yet"), "") or next(
        (line.stronger_line for line in lines if line.status != "met"), ""
    )
    return TurningPoint(turn.position, "hard", quote_of(turn.text), turn.reply, "", stronger)


def _short(text: str) -> str:
    return text if len(text) <= 120 else f"{text[:117].rsplit(' ', 1)[0]} ..."


def _sentences(said: Sequence[PlayedTurn]) -> list[str]:
    return [unit.text for turn in said for unit in units_of(turn.text) if words(unit.text)]


def _says_back(said: Sequence[PlayedTurn], language: str) -> tuple[Status, str]:
    best: tuple[Status, str] = ("not_yet", "")
    for turn in said:
        heard = set(stems(turn.heard, language))
        for sentence in _sentences([turn]):
            shared = len(heard & set(stems(sentence, language)))
            if shared >= 2 and shared >= 0.3 * len(heard):
                return "met", sentence
            if shared and best[0] == "not_yet":
                best = ("cant_tell", sentence)
    return best


def _asks(said: Sequence[PlayedTurn]) -> tuple[Status, str]:
    asked = [sentence for sentence in _sentences(said) if "?" in sentence]
    for sentence in asked:
        if _QUESTION.search(" ".join(words(folded(sentence))[:5])):
            return "met", sentence
    return ("cant_tell", asked[0]) if asked else ("not_yet", "")


def _says_want(
    embedder: Embedder, said: Sequence[PlayedTurn], wants: str, language: str
) -> tuple[Status, str]:
    wanted = set(stems(wants, language))
    best: tuple[Status, str] = ("not_yet", "")
    for sentence in _sentences(said):
        shared = len(wanted & set(stems(sentence, language)))
        if wanted and shared >= 0.5 * len(wanted):
            return "met", sentence
        if best[0] == "not_yet" and (shared or means(embedder, sentence, [wants], language)):
            best = ("cant_tell", sentence)
    return best


def _next_step(said: Sequence[PlayedTurn], situation: str, language: str) -> tuple[Status, str]:
    """Looked for in the last two turns: that is where it belongs. A day that the whole talk is about is no day for the next step."""
    best: tuple[Status, str] = ("not_yet", "")
    known = numbers_in(situation, language)
    about = set(_TIME.findall(folded(situation)))
    for sentence in _sentences(said[-2:]):
        plain = folded(sentence)
        has_time = bool(set(_TIME.findall(plain)) - about) or any(
            number.unit in _TIMES and not any(number.agrees(other) for other in known)
            for number in numbers_in(sentence, language)
        )
        if has_time and "?" not in sentence:
            return "met", sentence
        if best[0] == "not_yet" and (has_time or _COMMITS.search(plain)):
            best = ("cant_tell", sentence)
    return best
