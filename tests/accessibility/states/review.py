"""Review: what waits for a decision, one piece of evidence, and what was decided."""

from __future__ import annotations

from typing import Any

from tests.accessibility.states.page import AT, State
from tests.accessibility.states.practice import (
    CONTESTED,
    DRAFT,
    GRADEBOOK,
    LINES,
    MET,
    OWN_LINES,
    REPLIED,
    TASK,
)

REVIEW_TASK = {
    **TASK,
    "solution_steps": [
        "Check the date: delivered Thursday, reported Monday, so within the 7 days.",
        "Ask for everything that is missing in one message.",
    ],
    "strong": "Dear Ms Marchetti,\n\nI'm sorry that the lamp arrived broken.",
    "weak": "Dear customer,\n\nUnfortunately our policy does not allow this.",
}
PROPOSAL = {
    "points": 5.0,
    "maximum": 10.0,
    "lines": LINES,
    "voice": "code",
    "left_out": 0,
    "has_own_view": False,
}
CONTESTED_PROPOSAL = PROPOSAL | {"lines": OWN_LINES, "left_out": 1, "has_own_view": True}
DECISION = {
    "id": "d1",
    "reviewer": "Jonas Reyes",
    "by_policy": False,
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
        "file": None,
        "is_recheck": False,
        "is_late": False,
        "openings": 0,
        "completes": False,
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
    return {
        "href": "/review/e1",
        "learner": learner,
        "task": TASK["title"],
        "at": AT,
        "number": 2,
        "is_recheck": False,
        "by_policy": False,
        **parts,
    }


def decided_row(learner: str, gradebook: str) -> dict[str, Any]:
    return {
        "href": "/review/e2",
        "learner": learner,
        "task": TASK["title"],
        "points": 8.0,
        "maximum": 10.0,
        "gradebook": GRADEBOOK[gradebook],
        "criteria": 3,
        "met": 2,
        "is_recheck": gradebook == "none",
        "by_policy": gradebook == "waiting",
    }


def contest_page(role: str = "instructor", **parts: Any) -> State:
    context = {
        "contest": {**CONTESTED, "about": "suggestion", "answered_by": ""},
        "learner": "Ana Paredes",
        "title": TASK["title"],
        "is_recheck": False,
        "attempt_number": 2,
        "criterion": TASK["criteria"][1]["text"],
        "line": LINES[2],
        "met": None,
        "response": DRAFT,
        "evidence_href": None,
        "is_own": False,
        **parts,
    }
    return State("review/contest.html", context, path="/review/contests/x1", role=role)


STATES: dict[str, State] = {
    "review-queue": State(
        "review/queue.html",
        {
            "waiting": [queue_row("Ana Paredes"), queue_row("Bo Lindgren")],
            "decided": [decided_row(f"Learner {kind}", kind) for kind in GRADEBOOK],
            "contests": [
                {
                    "href": "/review/contests/x1",
                    "learner": "Ana Paredes",
                    "task": TASK["title"],
                    "at": AT,
                    "about": about,
                }
                for about in ("suggestion", "decision")
            ],
        },
        path="/review",
        role="instructor",
    ),
    "review-queue-empty": State(
        "review/queue.html", {"waiting": [], "decided": [], "contests": []}, path="/review", role="instructor"
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
    "review-contested": State(
        "review/evidence.html", review(proposal=CONTESTED_PROPOSAL), path="/review/e1", role="instructor"
    ),
    "review-recheck": State(
        "review/evidence.html",
        review(is_recheck=True, openings=2, file={"name": "reply.pdf", "href": "/practice/attempts/a1/file"}),
        path="/review/e1",
        role="instructor",
    ),
    "review-recheck-decided": State(
        "review/evidence.html",
        review(is_recheck=True, openings=1, decision=DECISION),
        path="/review/e1",
        role="instructor",
    ),
    "review-late": State("review/evidence.html", review(is_late=True), path="/review/e1", role="instructor"),
    "review-complete": State(
        "review/evidence.html",
        review(
            completes=True,
            decision=DECISION | {"by_policy": True, "reviewer": "", "criteria": []},
            gradebook=GRADEBOOK["waiting"],
        ),
        path="/review/e1",
        role="instructor",
    ),
    "review-contest": contest_page(),
    "review-contest-own": contest_page(is_own=True, evidence_href="/review/e1"),
    "review-contest-answered": contest_page(
        contest={**REPLIED, "about": "decision", "answered_by": "Jonas Reyes"}, met=True, is_recheck=True
    ),
    "review-none": State("review/none.html", {"has_queue": True}, path="/submission/u2", role="instructor"),
}
