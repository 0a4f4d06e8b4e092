"""Pages that no room owns: the shell, launches that were refused, errors, and what is kept of a person."""

from __future__ import annotations

from app.course import ROOM as COURSE
from app.course.access import ActivityEmpty
from app.rooms.ask import ROOM as ASK
from tests.accessibility.states.page import State, visitor

STATES: dict[str, State] = {
    "shell": State("shell.html", {"session": {"bearer": "b", "first": "/"}}, role=None),
    "shell-signed-out": State("shell.html", {"session": None}, role=None, status=401),
    "launch-refused": State(
        "launch/refused.html",
        {
            "title": "This page was opened already",
            "advice": "Each opening works once.",
            "details": (),
            "reference": "r1",
            "reason": "state_unknown",
        },
        role=None,
    ),
    "launch-deployment-unknown": State(
        "launch/deployment_unknown.html",
        {
            "title": "This installation is not switched on yet",
            "advice": "Send these three values to the people who run Workside for you.",
            "details": (
                ("Issuer", "https://a-rather-long-name-of-a-learning-platform.example.org/campus"),
                ("Client ID", "c"),
                ("Deployment ID", "7"),
            ),
            "reference": "r1",
            "reason": "deployment_unknown",
        },
        role=None,
    ),
    "error-not-found": State(
        "error.html",
        {
            "title": "We can't find that page",
            "advice": "It may have moved, or it belongs to another course.",
            "reference": "0192f3c1a7",
            "code": "NotFound",
        },
        status=404,
    ),
    "error-signed-out": State(
        "error.html",
        {
            "title": "Open Workside again from your course",
            "advice": "Your visit has ended.",
            "reference": "",
            "code": "SignedOut",
        },
        role=None,
        status=401,
    ),
    "error-fault": State(
        "error.html",
        {
            "title": "Something went wrong",
            "advice": "Try again.",
            "reference": "0192f3c1a7",
            "code": "WorksideError",
        },
        status=500,
    ),
    "activity-empty": State(
        "error.html",
        {
            "title": ActivityEmpty.title,
            "advice": ActivityEmpty.advice,
            "reference": "r1",
            "code": "ActivityEmpty",
        },
        role=None,
        status=409,
    ),
    "kept": State(
        "kept.html",
        {"kept": [*ASK.personal_data, *COURSE.personal_data], "person": visitor("learner")},
        path="/kept",
    ),
    "kept-anonymous": State(
        "kept.html",
        {"kept": ASK.personal_data, "person": visitor("learner", is_anonymous=True)},
        path="/kept",
        is_anonymous=True,
    ),
}
