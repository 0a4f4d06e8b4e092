"""Learn mode on Ask: how a question is answered here and now, and how much of an answer its page may hold so far.

The whole answer is kept with the turn. What leaves the house below the last rung goes through `hold_back`, which passes on what
is known to say nothing of the answer and empties everything else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy.orm import Session

from app.coach.helping import Mode, chosen_mode, coach_settings_of
from app.coach.hints import NUDGE, PART, PLACE, RUNGS, WHOLE, Said, nudge, partial
from app.course.access import Visitor
from app.evidence.under_way import PracticeUnderWay, practice_under_way
from app.kit.audit import record_event
from app.kit.i18n import Translator
from app.rooms.ask.finding import folded
from app.rooms.ask.models import Turn

Reason = Literal["", "coach", "chosen", "practice"]

# Of a stored answer, what may be shown from the first rung on: it says what the documents lack, and whom to ask.
_OPEN = frozenset({"missing", "experts", "practice"})
# Of a citation, what leads to its place without saying what stands there, and whose word it is.
_PLACE = ("n", "document", "filename", "place", "heading", "updated", "expert")

# Of a citation, what says which words of its place answer the question.
UNMARKED: dict[str, None] = {"quote": None, "start": None, "end": None}


@dataclass(frozen=True)
class Manner:
    """How the coach helps this person now: the mode that holds everywhere, and the practice that is under way.

    `may_choose`: the page has a switch.
    """

    mode: Mode
    reason: Reason
    may_choose: bool
    under_way: tuple[PracticeUnderWay, ...] = ()

    @property
    def holds_back(self) -> bool:
        """Whether nothing of an answer may be shown while it is written.

        Practice under way counts for whole sections, and which sections an answer cites is known when it is finished.
        """
        return self.mode == "learn" or bool(self.under_way)

    def practice_about(self, citations: list[dict[str, Any]]) -> PracticeUnderWay | None:
        """The practice under way whose sources name a section that the answer cites."""
        return next(
            (
                task
                for task in self.under_way
                if any(task.is_about(cited["filename"], cited["heading"]) for cited in citations)
            ),
            None,
        )


def manner_of(session: Session, visitor: Visitor) -> Manner:
    """The manner for the visitor's next question. Practice under way goes before the learner's choice, that before the coach's."""
    ways = coach_settings_of(session, visitor)
    chosen = chosen_mode(session, visitor) if ways.learner_may_choose and not visitor.is_anonymous else None
    mode = chosen or ways.mode
    reason: Reason = "" if mode == "help" else "chosen" if chosen else "coach"
    may_choose = ways.learner_may_choose and not visitor.is_anonymous
    return Manner(mode, reason, may_choose, tuple(practice_under_way(session, visitor)))


def begin_ladder(turn: Turn, manner: Manner) -> None:
    """Sets how a turn that has its verdict and its answer is shown. What is not covered is said at once, in either mode."""
    practice = manner.practice_about(turn.answer.get("citations", []))
    turn.mode, turn.mode_reason = ("learn", "practice") if practice else (manner.mode, manner.reason)
    if turn.mode == "help" or not turn.answer.get("sentences"):
        turn.hint_level = WHOLE
    else:
        # Nothing is kept of a turn without a conversation, so that nobody could climb: it begins where one can read on.
        turn.hint_level = NUDGE if turn.conversation_id else PLACE


def is_held_back(turn: Turn) -> bool:
    """Whether the page may not show the whole answer yet."""
    return turn.hint_level < WHOLE


def shows_places(turn: Turn) -> bool:
    """Whether the sources of the turn may be opened."""
    return turn.hint_level >= PLACE


def raise_hint(session: Session, visitor: Visitor, turn: Turn, seen: int) -> None:
    """One rung up from the one that the learner saw (`seen`). A second click on the same button raises nothing."""
    if seen != turn.hint_level or turn.hint_level >= WHOLE:
        return
    turn.hint_level += 1
    if not is_held_back(turn):
        turn.folded = folded(" ".join([turn.question, *(one["text"] for one in turn.answer["sentences"])]))
    record_event(
        session,
        "turn.hint_raised",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="turn",
        subject_id=turn.id,
        level=turn.hint_level,
    )


def hold_back(view: dict[str, Any], turn: Turn, translate: Translator) -> dict[str, Any]:
    """The view of a turn as far as its rung goes; `hints` is what ask/hints.html shows, None where the answer may stand."""
    view = {**view, "mode": turn.mode, "mode_reason": turn.mode_reason, "hints": None}
    if not is_held_back(turn):
        return view
    for name in turn.answer:
        if name not in _OPEN and name in view:
            view[name] = _emptied(view[name])
    places = _places(turn)
    if shows_places(turn):
        view["citations"] = places
    if turn.mode_reason == "practice":
        view["practice"] = None
    view["hints"] = _hints(turn, places, translate)
    return view


def announcement(view: dict[str, Any]) -> str:
    """What is said to screen readers when a turn that is held back stands or has got a further rung."""
    return str(view["hints"]["rungs"][-1]["announce"])


def _hints(turn: Turn, places: list[dict[str, Any]], translate: Translator) -> dict[str, Any]:
    said = [Said(one["text"], one["kind"]) for one in turn.answer["sentences"]]
    cited = turn.answer["citations"]
    topic = next((one["heading"] or one["document"] for one in cited), "")
    first = nudge(turn.question, said, topic, translate)
    rungs: list[dict[str, Any]] = [{"level": NUDGE, "text": first, "announce": first}]
    if turn.hint_level >= PLACE:
        where = ", ".join(dict.fromkeys(f"{one['document']}, {one['place']}" for one in places))
        rungs.append(
            {
                "level": PLACE,
                "places": places,
                "announce": translate("It stands here: %(where)s", where=where),
            }
        )
    if turn.hint_level >= PART:
        pieces = partial(turn.question, said, topic)
        gap = translate("blank")
        spoken = " ".join("".join(gap if run is None else run for run in piece.runs) for piece in pieces)
        rungs.append(
            {
                "level": PART,
                "pieces": [{"kind": piece.kind, "runs": list(piece.runs)} for piece in pieces],
                "steps": sum(one.kind == "step" for one in said),
                "announce": spoken,
            }
        )
    return {
        "level": turn.hint_level,
        "total": RUNGS,
        "left": RUNGS - turn.hint_level,
        "rungs": rungs,
        # A turn that nothing is kept of cannot be counted on: its learner reads on at the source.
        "can_rise": bool(turn.conversation_id),
    }


def _places(turn: Turn) -> list[dict[str, Any]]:
    """The citations, one for each place, each with where it opens."""
    found: dict[tuple[str, str], dict[str, Any]] = {}
    for cited in turn.answer["citations"]:
        href = (
            f"/sources/{turn.id}/{cited['n']}"
            if turn.conversation_id
            else f"/sources/passages/{cited['passage_id']}"
        )
        place = {name: cited[name] for name in _PLACE if name in cited}
        found.setdefault((cited["document"], cited["place"]), {**place, "href": href})
    return list(found.values())


def _emptied(value: Any) -> Any:
    return type(value)() if value is not None else None
