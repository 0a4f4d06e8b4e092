"""Role-plays: the list, a scenario before it begins, a conversation in its states, looking back, and a situation of one's own."""

from __future__ import annotations

from typing import Any

from app.rooms.simulation import ROOM
from tests.accessibility.states.page import AT, State

WHO = "Edda Renshaw"
SETTING = "Phone, Thursday 18:30. Edda Renshaw has passed the basic check. Her wardrobe was sent with Heavy and is at depot South."
CRITERIA = [
    {"id": "names-it", "text": "Gives the problem back in one sentence with her words", "must": True},
    {
        "id": "finds-cause",
        "text": "Asks one open question that can bring out why nobody was heard",
        "must": False,
    },
]
SCENARIO = {
    "key": "wardrobe-third-call",
    "title": "The wardrobe and the third call",
    "minutes": 8,
    "difficulty": "medium",
    "skill": "Calm a hard conversation",
    "setting": SETTING,
    "learner_role": "You are the advisor who takes the call.",
    "who": WHO,
    "role": "Recipient of a Heavy parcel, nurse on early shifts",
    "opening": "Finally. This is the third time I call.",
    "most_turns": 8,
    "criteria": CRITERIA,
    "sources": [{"document": "Support handbook", "place": "Angry callers"}],
}
RUNS = [
    {"href": "/simulation/runs/r1", "at": AT, "is_retry": False, "from_position": 1},
    {"href": "/simulation/runs/r2", "at": AT, "is_retry": True, "from_position": 3},
]
CHOICES = [
    {"id": "name", "text": "Give the problem back in her words"},
    {"id": "sorry", "text": "Apologise and ask for patience"},
]


def line(by: str, text: str, **parts: Any) -> dict[str, Any]:
    return {
        "by": by,
        "text": text,
        "position": 0,
        "is_tapped": False,
        "understood": "",
        "is_earlier": False,
        "is_unheard": False,
        **parts,
    }


OPENING = line("character", "Finally. This is the third time I call. I took two days off for that wardrobe.")
LINES = [
    OPENING,
    line("learner", "You took two days off and nobody rang.", position=1, understood="Give the problem back"),
    line("character", "Yes. Exactly. Two days. So, what happens now?"),
]


def about(**parts: Any) -> dict[str, Any]:
    return {
        "run_id": "r1",
        "title": "The wardrobe and the third call",
        "who": WHO,
        "role": "Recipient of a Heavy parcel",
        "setting": SETTING,
        "learner_role": "You are the advisor who takes the call.",
        "most_turns": 8,
        "back": "/simulation/scenarios/wardrobe-third-call",
        "is_own": False,
        "by_model": False,
        "by_author": True,
        "from_position": 0,
        "turn": 1,
        **parts,
    }


def play(**parts: Any) -> State:
    context = {
        **about(),
        "turn_key": "k1",
        "position": 2,
        "lines": LINES,
        "pending": None,
        "choices": [],
        "can_offer": True,
        "is_last_try": False,
        "understood": None,
        "notice": "",
        **parts,
    }
    return State("simulation/play.html", context, path="/simulation/runs/r1")


def rubric(status: str, **parts: Any) -> dict[str, Any]:
    return {
        "criterion": "names-it",
        "text": CRITERIA[0]["text"],
        "must": True,
        "status": status,
        "quote": "",
        "chosen": "",
        "stronger_line": ""
        if status == "met"
        else "You took two days off for this wardrobe, and nobody rang.",
        **parts,
    }


def debrief(ended: str = "bad", turning: dict[str, Any] | None = None, **parts: Any) -> State:
    found = {
        "ended": ended,
        "outcome": "She leaves with a promise that can't be kept." if ended else "",
        "lines": [
            rubric("met", quote="You took two days off and nobody rang."),
            rubric("met", chosen="Give the problem back in her words"),
            rubric("not_yet"),
            rubric("cant_tell", quote="I will see."),
            rubric("not_come_up", must=False),
        ],
        "turning": turning,
        "voice": "code",
        "met": 2,
        "come_up": 4,
    }
    context = {
        **about(),
        "run_key": "k1",
        "debrief": found,
        "was_stopped": False,
        "was_not_understood": False,
        "has_spoken": True,
        "lines": LINES,
        **parts,
    }
    return State("simulation/debrief.html", context, path="/simulation/runs/r1")


TURNING = {
    "position": 2,
    "kind": "worse",
    "said": "I can give you ten euros for that",
    "reply": "I don't want your credit, I want a wardrobe.",
    "feedback": "She asked what happens to the wardrobe. An offer of money sounds like a way to end the call.",
    "stronger_line": "How can the driver make sure you hear him",
}


def start(**parts: Any) -> State:
    context = {"scenario": SCENARIO, "has_model": False, "runs": [], "run_key": "k1", **parts}
    return State("simulation/start.html", context, path="/simulation/scenarios/wardrobe-third-call")


KIND = next(kind for kind in ROOM.placements if kind.key == "simulation")
LISTED = {**SCENARIO, "href": "/simulation/scenarios/wardrobe-third-call", "played": 0}
LONGEST = {"who": 120, "opening": 300, "hard": 300, "wants": 300}
SITUATION = {
    "id": "s1",
    "who": "my shift lead",
    "opening": "I have no time for this today.",
    "hard": "We tried that last year and it did not work.",
    "wants": "to swap my Friday shift",
}

STATES: dict[str, State] = {
    "simulations": State(
        "simulation/list.html",
        {
            "scenarios": [LISTED, {**LISTED, "played": 2}],
            "situations": [{"href": "/simulation/own/s1", "who": "my shift lead", "wants": "a swap"}],
        },
        path="/simulation",
    ),
    "simulations-none": State(
        "simulation/list.html", {"scenarios": [], "situations": []}, path="/simulation"
    ),
    "simulation-start": start(runs=RUNS),
    "simulation-start-with-model": start(has_model=True),
    "simulation-start-anonymous": State(
        "simulation/start.html",
        {"scenario": SCENARIO, "has_model": False, "runs": [], "run_key": "k1"},
        path="/simulation/scenarios/wardrobe-third-call",
        is_anonymous=True,
    ),
    "simulation-opening": play(lines=[OPENING], position=1, turn=0),
    "simulation-understood": play(
        understood={
            "text": "Give the problem back in her words",
            "position": 1,
            "others": CHOICES[1:],
        }
    ),
    "simulation-unclear": play(pending={"said": "Let me see.", "kind": "unclear"}),
    "simulation-unclear-twice": play(
        pending={"said": "Let me see.", "kind": "unclear"}, choices=CHOICES, can_offer=False
    ),
    "simulation-taken-back": play(pending={"said": "Let me see.", "kind": "taken_back"}),
    "simulation-last-try": play(
        pending={"said": "Let me see.", "kind": "unclear"}, choices=CHOICES, can_offer=False, is_last_try=True
    ),
    "simulation-choices": play(choices=CHOICES, can_offer=False),
    "simulation-by-model": play(by_model=True, by_author=False, can_offer=False),
    "simulation-model-replaced": play(by_model=True, by_author=False, can_offer=False, notice="replaced"),
    "simulation-model-silent": play(by_model=True, by_author=False, can_offer=False, notice="standard"),
    "simulation-retry": play(
        from_position=2,
        lines=[
            OPENING,
            line("learner", "Sorry for that.", position=1, is_tapped=True, is_earlier=True),
            LINES[2],
        ],
    ),
    "simulation-own": play(
        title="", who="my shift lead", setting="", most_turns=0, is_own=True, can_offer=False
    ),
    "simulation-debrief": debrief(turning=TURNING),
    "simulation-debrief-good": debrief("good", turning={**TURNING, "kind": "better", "stronger_line": ""}),
    "simulation-debrief-mixed": debrief("mixed", turning={**TURNING, "kind": "hard", "feedback": ""}),
    "simulation-debrief-stopped": debrief("", was_stopped=True, has_spoken=False, lines=[OPENING]),
    "simulation-debrief-not-understood": debrief(
        "",
        was_not_understood=True,
        lines=[*LINES, line("learner", "Let me see.", position=2, is_unheard=True)],
    ),
    "simulation-debrief-over": debrief("", turning=TURNING),
    "simulation-describe": State(
        "simulation/describe.html",
        {"situation_key": "k1", "longest": LONGEST, "has_model": False},
        path="/simulation/own",
    ),
    "simulation-describe-with-model": State(
        "simulation/describe.html",
        {"situation_key": "k1", "longest": LONGEST, "has_model": True},
        path="/simulation/own",
    ),
    "simulation-own-situation": State(
        "simulation/own.html",
        {"situation": SITUATION, "has_model": False, "runs": RUNS, "run_key": "k1"},
        path="/simulation/own/s1",
    ),
    "picker-preview-simulation": State(
        "picker/preview.html",
        {"kind": KIND, "title": SCENARIO["title"], "scenario": SCENARIO},
        role="instructor",
    ),
}
