"""Plan: the list, the form, the one question back, the plan, its rehearsal, its check-ins and what is begun there."""

from __future__ import annotations

from typing import Any

from tests.accessibility.states.page import State

CUE = "a customer calls about a parcel that arrived broken, and I have the case open"
ACTION = "ask for the photo of the label and the photo of the box in one message"
PLAN = {
    "id": "p1",
    "number": 2,
    "cue": CUE,
    "action": ACTION,
    "is_break": False,
    "day": "30 Nov 2026",
    "time": "09:30",
    "zone": "Europe/Madrid",
    "obstacle": "they want the money at once",
    "answer": "say by when it is decided, then ask again",
    "known_by": "no second message is needed",
    "skill": "Decide a refund",
    "made": "23 Nov 2026",
}
BARE = {**PLAN, "number": 1, "day": "", "time": "", "obstacle": "", "answer": "", "known_by": "", "skill": ""}
VALUES = {
    **dict.fromkeys(("cue", "action", "day", "time", "obstacle", "answer", "known_by"), ""),
    **dict.fromkeys(("check_1", "check_2", "check_3"), ""),
}
WRITTEN = {
    **VALUES,
    "cue": CUE,
    "action": ACTION,
    "day": "2026-11-30",
    "time": "09:30",
    "obstacle": PLAN["obstacle"],
    "answer": PLAN["answer"],
    "check_1": "2026-12-09",
}
SEEDS = [
    {"key": "turn:t1", "title": "What does a customer need when a parcel arrived damaged?"},
    {"key": "task:damaged-lamp", "title": "The lamp that arrived broken"},
]
CHOSEN = {**SEEDS[0], "actions": ("open a case in Deskbook", ACTION, "write the note with the code word")}


def form(**parts: Any) -> dict[str, Any]:
    return {
        "action": "/plan",
        "key": "k1",
        "plan_id": "",
        "after": "",
        "values": VALUES,
        "is_break": False,
        "seeds": [],
        "chosen": None,
        "quick_days": [
            {"day": "2026-11-23", "text": "Today"},
            {"day": "2026-11-24", "text": "Tomorrow"},
            {"day": "2026-11-25", "text": "Wed 25"},
            {"day": "2026-11-26", "text": "Thu 26"},
        ],
        "obstacles": [
            ("there is no time", "do only the first step"),
            ("somebody objects", "ask what worries them, then say it again"),
        ],
        "today": "2026-11-23",
        "zone": "Europe/Madrid",
        **parts,
    }


def check_in(slot: str, day: str, **parts: Any) -> dict[str, Any]:
    return {
        "id": "c1",
        "href": "/plan/check-ins/c1",
        "slot": slot,
        "day": day,
        "is_due": False,
        "is_waiting": True,
        "answer": "",
        "text": "",
        "happened": "",
        "in_the_way": "",
        **parts,
    }


WAITING = [
    check_in("After a week", "7 Dec 2026"),
    check_in("After 30 days", "30 Dec 2026"),
    check_in("After 90 days", "28 Feb 2027"),
]
ANSWERED = [
    check_in(
        "After a week",
        "7 Dec 2026",
        answer="partly",
        text="Partly",
        happened="I asked for one of them.",
        in_the_way="The line was bad.",
    ),
    check_in(
        "After 30 days", "30 Dec 2026", answer="yes", text="It happened", happened="Both, in one message."
    ),
    check_in("After 90 days", "28 Feb 2027", is_due=True),
]
CLAIM = {
    "href": "/plan/claims/a1",
    "id": "a1",
    "day": "2026-11-30",
    "day_said": "30 Nov 2026",
    "done": "I asked Ms Marchetti for both photos in one message.",
    "came_of_it": "",
    "state": "begun",
    "plan_id": "p1",
    "check_in_id": "c1",
}


def plan(**parts: Any) -> dict[str, Any]:
    return {
        "plan": PLAN,
        "state": "open",
        "key": "k1",
        "is_shared": False,
        "check_ins": WAITING,
        "rehearsals": [],
        "claims": [],
        "earlier": [],
        "can_mail": False,
        "is_mailed": False,
        "calendar_name": "plan-2026-11-30.ics",
        **parts,
    }


REHEARSED = [
    {"number": 1, "href": "/plan/rehearsals/r1", "is_done": True},
    {"number": 2, "href": "/plan/rehearsals/r2", "is_done": False},
]
SCENES = [
    f"30 Nov 2026, 09:30. This is the moment: “{CUE}”.\nWhat do you say or do?",
    "I paid for a new lamp. I want my money today.\n\nNow this gets in the way: “they want the money at once”.\nWhat do you say "
    "or do?",
    "It settles. Later a colleague asks how it went.\nHow do you know that it worked? What do you tell them?",
]
SAID = (
    "I ask for a photo of the label and one of the box.",
    "It is decided in two days.",
    "No second message.",
)


def rehearsal(said: int, **parts: Any) -> dict[str, Any]:
    return {
        "plan": PLAN,
        "rehearsal_id": "r1",
        "number": 1,
        "key": "k1",
        "turns": [
            {
                "number": n,
                "scene": SCENES[n - 1],
                "said": SAID[n - 1] if n <= said else None,
                "source": "model" if n == 2 else "code",
            }
            for n in range(1, min(said + 1, 3) + 1)
        ],
        "debrief": None,
        "is_open": True,
        **parts,
    }


POINTS = [
    {"part": "action", "planned": ACTION, "status": "there", "quote": SAID[0]},
    {"part": "answer", "planned": PLAN["answer"], "status": "partly", "quote": SAID[1]},
    {"part": "known_by", "planned": PLAN["known_by"], "status": "missing", "quote": ""},
]


def listed(**parts: Any) -> dict[str, Any]:
    return {
        "href": "/plan/p1",
        "cue": CUE,
        "action": ACTION,
        "day": "30 Nov 2026",
        "note": "",
        "kind": "",
        "is_due": False,
        "is_away": False,
        **parts,
    }


def asked(wanting: str, **parts: Any) -> State:
    view = {
        **form(values={**WRITTEN, **parts}),
        "plan_id": "p1",
        "wanting": wanting,
        "question": "What exactly will you say or do? Write it so that somebody beside you would see it.",
        "is_by_model": wanting == "moment",
    }
    return State("plan/question.html", view, path="/plan/p1/question")


def checking(said: dict[str, str] | None = None, **parts: Any) -> State:
    view = {
        "plan": PLAN,
        "key": "k1",
        "check_in": check_in("After a week", "7 Dec 2026", is_due=True) | parts,
        "said": {"answer": "", "happened": "", "in_the_way": ""} | (said or {}),
    }
    return State("plan/check_in.html", view, path="/plan/check-ins/c1")


STATES: dict[str, State] = {
    "plan-list": State(
        "plan/list.html",
        {
            "plans": [
                listed(note="Check-in due", kind="is-care", is_due=True),
                listed(note="One question open", kind="is-care", day=""),
                listed(note="Check-in on 7 Dec 2026"),
                listed(),
            ],
            "away": [listed(is_away=True)],
            "shared": 0,
        },
        path="/plan",
    ),
    "plan-list-empty": State("plan/list.html", {"plans": [], "away": [], "shared": 0}, path="/plan"),
    "plan-list-anonymous": State(
        "plan/list.html", {"plans": [], "away": [], "shared": 0}, path="/plan", is_anonymous=True
    ),
    "plan-list-as-instructor": State(
        "plan/list.html", {"plans": [], "away": [], "shared": 2}, path="/plan", role="instructor"
    ),
    "plan-new": State("plan/form.html", form(seeds=SEEDS), path="/plan/new"),
    "plan-new-from-a-question": State(
        "plan/form.html",
        form(chosen=CHOSEN, values={**VALUES, "cue": f"this comes up again: {SEEDS[0]['title']}"}),
        path="/plan/new",
    ),
    "plan-change": State(
        "plan/form.html",
        form(action="/plan/p1/versions", plan_id="p1", values=WRITTEN),
        path="/plan/p1/change",
    ),
    "plan-change-after-a-check-in": State(
        "plan/form.html",
        form(action="/plan/p1/versions", plan_id="p1", after="check_in", values={**WRITTEN, "day": ""}),
        path="/plan/p1/change",
    ),
    "plan-change-after-a-rehearsal": State(
        "plan/form.html",
        form(action="/plan/p1/versions", plan_id="p1", after="rehearsal", values=WRITTEN),
        path="/plan/p1/change",
    ),
    "plan-question-doing": asked("doing", action="be better"),
    "plan-question-doing-and-day": asked("doing", action="be better", day=""),
    "plan-question-moment": asked("moment", cue="I have time"),
    "plan-question-day": asked("day", day=""),
    "plan-made": State("plan/plan.html", plan(), path="/plan/p1"),
    "plan-bare": State("plan/plan.html", plan(plan=BARE), path="/plan/p1"),
    "plan-rehearsed": State(
        "plan/plan.html",
        plan(
            rehearsals=REHEARSED,
            check_ins=ANSWERED,
            claims=[CLAIM, {**CLAIM, "done": ""}],
            earlier=[BARE],
            is_shared=True,
        ),
        path="/plan/p1",
    ),
    "plan-with-mail": State("plan/plan.html", plan(can_mail=True), path="/plan/p1"),
    "plan-mailed": State("plan/plan.html", plan(can_mail=True, is_mailed=True), path="/plan/p1"),
    "plan-asked": State("plan/plan.html", plan(state="asked"), path="/plan/p1"),
    "plan-put-away": State("plan/plan.html", plan(state="put_away", check_ins=[]), path="/plan/p1"),
    "plan-rehearsal": State("plan/rehearsal.html", rehearsal(0), path="/plan/rehearsals/r1"),
    "plan-rehearsal-second": State("plan/rehearsal.html", rehearsal(1), path="/plan/rehearsals/r1"),
    "plan-rehearsal-third": State("plan/rehearsal.html", rehearsal(2), path="/plan/rehearsals/r1"),
    **{
        f"plan-rehearsed-{part or 'whole'}": State(
            "plan/rehearsal.html",
            rehearsal(3, debrief={"points": POINTS, "next": part}),
            path="/plan/rehearsals/r1",
        )
        for part in ("action", "answer", "known_by", "")
    },
    "plan-check-in": checking(),
    "plan-check-in-yes": checking({"answer": "yes", "happened": "Both, in one message."}, answer="yes"),
    "plan-check-in-partly": checking({"answer": "partly", "in_the_way": "no time"}, answer="partly"),
    "plan-check-in-not-yet": checking({"answer": "not_yet", "in_the_way": "no time"}, answer="not_yet"),
    "plan-check-in-later": checking(is_due=False),
    "plan-claim": State("plan/claim.html", {"claim": CLAIM, "today": "2026-12-07"}, path="/plan/claims/a1"),
    "plan-claim-withdrawn": State(
        "plan/claim.html",
        {"claim": {**CLAIM, "state": "withdrawn"}, "today": "2026-12-07"},
        path="/plan/claims/a1",
    ),
    "plan-shared": State(
        "plan/shared.html",
        {
            "plans": [
                {
                    "who": "Ana Paredes",
                    "plan": PLAN,
                    "answers": [
                        {"slot": "After a week", "answer": "not_yet", "text": "Not yet"},
                        {"slot": "After 30 days", "answer": "yes", "text": "It happened"},
                    ],
                },
                {"who": "Learner 4f2a", "plan": BARE, "answers": []},
            ]
        },
        path="/plan/shared",
        role="instructor",
    ),
    "plan-shared-none": State("plan/shared.html", {"plans": []}, path="/plan/shared", role="instructor"),
}
