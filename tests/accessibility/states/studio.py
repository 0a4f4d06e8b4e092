"""The states of Studio."""

from __future__ import annotations

from typing import Any

from tests.accessibility.states.ask import STARTERS
from tests.accessibility.states.learning import PROMPTS
from tests.accessibility.states.page import AT, State


def settings(**parts: Any) -> dict[str, Any]:
    chosen = {
        "mode": "help",
        "learner_may_choose": False,
        "offers_content_starters": True,
        "starters": [],
        "prompts": [],
        "version": 0,
        "is_inherited": False,
    }
    return {
        "settings": {**chosen, **parts.pop("settings", {})},
        "refused": [],
        "organisation_prompts": [{**prompt, "is_offered": True} for prompt in PROMPTS[:2]],
        "preview": {
            "starters": [starter["text"] for starter in STARTERS],
            "prompts": PROMPTS[:2],
            "question": STARTERS[0]["text"],
            "nudge": "Say what you know about it already. What exactly is missing?",
        },
        "changes": [],
        **parts,
    }


LEARN = settings(
    settings={
        "mode": "learn",
        "learner_may_choose": True,
        "starters": ["What may I promise an angry caller?", "Who pays the lunch?"],
        "prompts": ["May I refund [what] to [which customer]?"],
        "version": 3,
    },
    refused=["Who pays the lunch?"],
    changes=[
        {"at": AT, "who": "Marta Oyelaran", "what": ["now in learn mode", "learners may choose"]},
        {"at": AT, "who": "", "what": ["saved for the first time"]},
    ],
)
NOTHING = settings(
    organisation_prompts=[], preview={"starters": [], "prompts": [], "question": "", "nudge": ""}
)

STATES: dict[str, State] = {
    "studio": State("studio/settings.html", settings(), path="/studio", role="instructor"),
    "studio-learn": State("studio/settings.html", LEARN, path="/studio", role="instructor"),
    "studio-copied": State(
        "studio/settings.html", settings(settings={"is_inherited": True}), path="/studio", role="instructor"
    ),
    "studio-bare": State("studio/settings.html", NOTHING, path="/studio", role="instructor"),
}
