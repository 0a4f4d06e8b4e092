"""The states of learning on Ask: hints, what follows an answer, ready prompts, and the way of helping."""

from __future__ import annotations

from typing import Any

from app.coach.ready_prompts import Prompt
from app.evidence.under_way import PracticeUnderWay
from app.rooms.ask.ladder import Manner
from tests.accessibility.states.ask import COVERED, PARTLY, home
from tests.accessibility.states.page import State

PLACES = [
    {"n": 1, "document": "Support handbook", "place": "Refunds > Damaged parcels", "href": "/sources/t1/1"},
    {
        "n": 2,
        "document": "Refund policy",
        "place": "page 2, 4.3 How the amount is worked out",
        "href": "/sources/t1/2",
    },
]
RUNGS: list[dict[str, Any]] = [
    {
        "level": 1,
        "text": "This is done in a certain order. What has to be clear before anything else is done? "
        "The subject is “Damaged parcels”. Hold on to your own words: “arrived”, “broken”, “customer”.",
    },
    {"level": 2, "places": PLACES},
    {
        "level": 3,
        "steps": 0,
        "pieces": [
            {
                "kind": "sentence",
                "runs": ["The customer has ", None, " days from the ", None, " to report damage."],
            }
        ],
    },
]
FIRST_STEP = {"level": 3, "steps": 4, "pieces": [{"kind": "step", "runs": ["Ask for a photo of the label."]}]}
POINTS = [
    {
        "statement": "The customer has 7 days from the delivery to report damage.",
        "status": "partly",
        "quote": "They must tell us within a week",
        "lacks_figure": True,
    },
    {
        "statement": "Ask for everything that is missing in one message.",
        "status": "there",
        "quote": "I ask for all of it at once",
        "lacks_figure": False,
    },
    {
        "statement": "Ask them to keep the item and all the packing for 14 days.",
        "status": "missing",
        "quote": "",
        "lacks_figure": False,
    },
]
QUESTION = "In your own words: what do you do first when it is about “Damaged parcels”, and what comes next?"


def hinted(level: int, reason: str = "coach", **hints: Any) -> dict[str, Any]:
    shown = {
        "level": level,
        "total": 4,
        "left": 4 - level,
        "rungs": RUNGS[:level],
        "can_rise": True,
        **hints,
    }
    return {
        **COVERED,
        "mode": "learn",
        "mode_reason": reason,
        "sentences": [],
        "citations": [],
        "practice": None,
        "hints": shown,
        "after": {"unblocked": None, "explain": None},
    }


def after(unblocked: str | None, explain: dict[str, Any] | None = None) -> dict[str, Any]:
    return {**COVERED, "after": {"unblocked": unblocked, "explain": explain}}


def explained(**parts: Any) -> dict[str, Any]:
    empty = {
        "question": QUESTION,
        "reply": "",
        "points": [],
        "more_missing": 0,
        "next": "",
        "by_model": False,
    }
    return {**empty, **parts}


FEEDBACK = explained(
    reply="They must tell us within a week, and I ask for all of it at once.",
    points=POINTS,
    next="Say it once more, with the exact figure.",
)
PROMPTS = [
    Prompt(
        "p1", "How do I tell [which customer] that we can't [what they ask for]?", "organisation"
    ).as_view(),
    Prompt("p2", "What must be in the note before I close a case?", "organisation").as_view(),
    Prompt("p3", "As [my role], may I [what I want to do] without asking anybody?", "own").as_view(),
]
LAMP = PracticeUnderWay("damaged-lamp", "The lamp that arrived broken", frozenset())
CHOICE = Manner("learn", "chosen", may_choose=True)


def asked(turn: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return home(turns=[turn], conversation_id="c1", **parts)


STATES: dict[str, State] = {
    "learn-nudge": State("ask/home.html", asked(hinted(1))),
    "learn-place": State("ask/home.html", asked(hinted(2, "chosen"), manner=CHOICE)),
    "learn-part": State("ask/home.html", asked(hinted(3))),
    "learn-first-step": State("ask/home.html", asked(hinted(3, rungs=[*RUNGS[:2], FIRST_STEP]))),
    "learn-practice": State(
        "ask/home.html", asked(hinted(1, "practice"), manner=Manner("help", "", False, (LAMP,)))
    ),
    "learn-partly": State(
        "ask/home.html", asked({**hinted(1), "verdict": "partly", "missing": PARTLY["missing"]})
    ),
    "learn-anonymous": State("ask/home.html", asked(hinted(2, can_rise=False)), is_anonymous=True),
    "learn-empty": State("ask/home.html", home(manner=Manner("learn", "coach", False), prompts=PROMPTS)),
    "learn-choice": State("ask/home.html", home(manner=CHOICE, prompts=PROMPTS)),
    "after-asked": State("ask/home.html", asked(after(None))),
    "after-not-yet": State("ask/home.html", asked(after("not_yet"))),
    "after-person": State("ask/home.html", asked(after("person"))),
    "after-explain": State("ask/home.html", asked(after("yes", explained()))),
    "after-feedback": State("ask/home.html", asked(after("yes", FEEDBACK))),
    "after-feedback-hidden": State(
        "ask/home.html",
        asked(
            {
                **hinted(2),
                "after": {
                    "unblocked": "yes",
                    "explain": {
                        **FEEDBACK,
                        "points": [{**point, "statement": ""} for point in POINTS[:2]],
                        "more_missing": 1,
                    },
                },
            }
        ),
    ),
    "after-skipped": State("ask/home.html", asked(after("yes"))),
    "own-prompts": State(
        "ask/own_prompts.html", {"prompts": PROMPTS, "draft": "May I refund the lamp?"}, path="/ask/prompts"
    ),
    "own-prompts-none": State("ask/own_prompts.html", {"prompts": [], "draft": ""}, path="/ask/prompts"),
}
