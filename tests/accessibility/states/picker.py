"""The picker: what a course can be given, previews, and the way back to the platform."""

from __future__ import annotations

from typing import Any

from app.kit.room import PlacementOption
from app.rooms.ask import ROOM as ASK
from app.rooms.picker.service import Offer
from app.rooms.practice import ROOM as PRACTICE
from tests.accessibility.states.page import State
from tests.accessibility.states.practice import TASK

COLLECTIONS = [
    PlacementOption("c1", "depot-safety", {"collections": ["c1"]}, ("3 documents",)),
    PlacementOption("c2", "support-onboarding", {"collections": ["c2"]}, ("20 documents",)),
]
TASKS = [
    PlacementOption("damaged-lamp", TASK["title"], {"task": "damaged-lamp"}, ("12 minutes", TASK["skill"])),
    PlacementOption("wrong-door", "A parcel at the wrong door", {"task": "wrong-door"}, ("8 minutes",)),
]
(COACH,) = ASK.placements
(PRACTICE_TASK,) = PRACTICE.placements


def picker(**parts: Any) -> dict[str, Any]:
    return {
        "offers": [Offer(COACH, COLLECTIONS), Offer(PRACTICE_TASK, TASKS)],
        "place": "Support onboarding, autumn intake",
        "takes_links": True,
        "is_several": True,
        "takes_grades": True,
        "points": 100,
        "most_points": 1000,
        "is_anew": False,
        **parts,
    }


def choosing(template: str, context: dict[str, Any], path: str = "/picker") -> State:
    return State(template, context, path=path, role=None)


ANEW = {"is_anew": True, "is_several": False, "takes_grades": False}
COACH_PREVIEW = {"starters": ["How do I start?"], "documents": ["Refund policy"], "more_documents": 3}


STATES: dict[str, State] = {
    "picker-several": choosing("picker/choose.html", picker()),
    "picker-one": choosing("picker/choose.html", picker(is_several=False, place="")),
    "picker-one-collection": choosing("picker/choose.html", picker(offers=[Offer(COACH, COLLECTIONS[:1])])),
    "picker-no-grades": choosing("picker/choose.html", picker(takes_grades=False)),
    "picker-nothing-there": choosing("picker/choose.html", picker(offers=[])),
    "picker-nothing-possible": choosing("picker/choose.html", picker(offers=[], takes_links=False)),
    "picker-anew": choosing("picker/choose.html", picker(**ANEW), path="/placement"),
    "picker-anew-nothing-there": choosing("picker/choose.html", picker(**ANEW, offers=[]), "/placement"),
    "picker-leaving": choosing("picker/leaving.html", {"way": "/picker/return/x"}),
    "picker-preview-task": choosing(
        "picker/preview.html", {"kind": PRACTICE_TASK, "title": TASK["title"], "task": TASK}
    ),
    "picker-preview-coach": choosing(
        "picker/preview.html", {"kind": COACH, "title": "depot-safety", **COACH_PREVIEW}
    ),
    "picker-preview-empty-coach": choosing(
        "picker/preview.html",
        {"kind": COACH, "title": "", "starters": [], "documents": [], "more_documents": 0},
    ),
}
