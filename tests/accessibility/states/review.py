"""Review: what waits for a decision, one piece of evidence, and what was decided."""

from __future__ import annotations

from typing import Any

from tests.accessibility.states.page import AT, State
from tests.accessibility.states.practice import DRAFT, GRADEBOOK, LINES, MET, TASK

REVIEW_TASK = {
    **TASK,
    "solution_steps": [
        "Check the date: delivered Thursday, reported Monday, so within the 7 days.",
        "Ask for everything that is missing in one message.",
    ],
    "strong": "Dear Ms Marchetti,\n\nI'm sorry that the lamp arrived broken.",
    "weak": "Dear customer,\n\nUnfortunately our policy does not allow this.",
}
PROPOSAL = {"points": 5.0, "maximum": 10.0, "lines": LINES}
DECISION = {
    "id": "d1",
    "reviewer": "Jonas Reyes",
    "at": AT,
    "criteria": MET,
    "comment": "Clear and kind.",
    "points": 8.0,
    "maximum": 10.0,
}


def review(**parts: Any) -> dict[str, Any]:
    return {
        "learner": "Ana Paredes",
        "task": REVIEW_TASK,
        "response": DRAFT,
        "attempt_number": 3,
        "earlier_attempts": 2,
        "proposal": PROPOSAL,
        "decision": None,
        "gradebook": GRADEBOOK["none"],
        "is_superseded": False,
        "is_own": False,
        **parts,
    }


def queue_row(learner: str, **parts: Any) -> dict[str, Any]:
    return {"href": "/review/e1", "learner": learner, "task": TASK["title"], "at": AT, "number": 2, **parts}


def decided_row(learner: str, gradebook: str) -> dict[str, Any]:
    return {
        "href": "/review/e2",
        "learner": learner,
        "task": TASK["title"],
        "points": 8.0,
        "maximum": 10.0,
        "gradebook": GRADEBOOK[gradebook],
    }


STATES: dict[str, State] = {
    "review-queue": State(
        "review/queue.html",
        {
            "waiting": [queue_row("Ana Paredes"), queue_row("Bo Lindgren")],
            "decided": [decided_row(f"Learner {kind}", kind) for kind in GRADEBOOK],
        },
        path="/review",
        role="instructor",
    ),
    "review-queue-empty": State(
        "review/queue.html", {"waiting": [], "decided": []}, path="/review", role="instructor"
    ),
    "review-open": State("review/evidence.html", review(), path="/review/e1", role="instructor"),
    "review-own": State("review/evidence.html", review(is_own=True), path="/review/e1", role="instructor"),
    "review-superseded": State(
        "review/evidence.html", review(is_superseded=True), path="/review/e1", role="instructor"
    ),
    "review-no-proposal": State(
        "review/evidence.html",
        review(proposal=None, earlier_attempts=0),
        path="/review/e1",
        role="teaching_assistant",
    ),
    **{
        f"review-decided-{kind}": State(
            "review/evidence.html",
            review(decision=DECISION, gradebook=GRADEBOOK[kind]),
            path="/review/e1",
            role="instructor",
        )
        for kind in ("waiting", "delivered", "superseded", "refused")
    },
    "review-none": State("review/none.html", {"has_queue": True}, path="/submission/u2", role="instructor"),
}
