"""Experts: asking one, what was sent, the queue, one question, who can be asked, gaps, and the pages behind a link."""

from __future__ import annotations

from typing import Any

from tests.accessibility.states.page import State

LEARNERS, INSTRUCTORS = "learner", "instructor"
QUESTION = "May a driver leave a parcel with a neighbour who is not on the list?"
PLACES = [
    {"document": "Delivery handbook", "place": "page 12, 3.4 Safe places"},
    {"document": "Claims", "place": "Proof of delivery > Signature"},
]
CHOICES = [
    {
        "id": "x1",
        "name": "Dario Lindqvist",
        "role": "Claims Desk",
        "topics": ["refunds", "compensation", "damage"],
        "due": "26 Nov 2026",
        "way": "mail",
        "following": "Marta Oyelaran",
    },
    {
        "id": "x2",
        "name": "Marta Oyelaran",
        "role": "Shift lead, support floor",
        "topics": [],
        "due": "24 Nov 2026",
        "way": "instructor",
        "following": "",
    },
    {"id": "", "name": "", "role": "", "topics": [], "due": "26 Nov 2026", "way": "tool", "following": ""},
]
ANSWER_TEXT = (
    "Only with a neighbour who **signs**.\n\n- Note the house number.\n- Send the customer a message."
)
ANSWER = {
    "author": "Dario Lindqvist",
    "text": ANSWER_TEXT,
    "day": "24 Nov 2026",
    "reviewed": "24 Nov 2026",
    "is_review_due": False,
    "is_citable": True,
    "version": 1,
}
ASKED = {
    "question": QUESTION,
    "situation": "Course: Support onboarding, autumn intake",
    "places": PLACES,
    "asker": "",
    "sent": "23 Nov 2026",
    "due": "26 Nov 2026",
}
FORM = {"text": "", "title": QUESTION, "citable": True, "review": "2027-11-23", "instead_of": ""}
CURRENT = {
    "author": "Dario Lindqvist",
    "id": "a2",
    "via": "link",
    "needs_confirmation": False,
    "state": "current",
    "version": 2,
    "question": QUESTION,
    "text": ANSWER_TEXT,
    "at": "24 Nov 2026",
    "reviewed": "24 Nov 2026",
    "review_due": "24 Nov 2027",
    "is_review_due": False,
    "is_citable": True,
}


def ask(**parts: Any) -> dict[str, Any]:
    return {
        "turn_id": "t3",
        "question": QUESTION,
        "situation": "Course: Support onboarding, autumn intake",
        "places": PLACES,
        "choices": CHOICES,
        "name": "Ana Paredes",
        "longest_question": 2000,
        "longest_situation": 500,
        **parts,
    }


def sent(**parts: Any) -> dict[str, Any]:
    return {
        "hand_off": {
            "id": "h1",
            "href": "/ask/hand-offs/h1",
            "state": "open",
            "question": QUESTION,
            "situation": ASKED["situation"],
            "places": PLACES,
            "shows_name": False,
            "who": "Dario Lindqvist",
            "role": "Claims Desk",
            "sent": "23 Nov 2026",
            "due": "26 Nov 2026",
            "is_late": False,
            "is_reminded": False,
            "is_passed_on": False,
            "following": "Marta Oyelaran",
            "answer": None,
            **parts,
        }
    }


def row(question: str = QUESTION, **parts: Any) -> dict[str, Any]:
    return {
        "href": "/experts/questions/h1",
        "question": question,
        "who": "Dario Lindqvist",
        "due": "26 Nov 2026",
        "is_late": False,
        "is_reminded": False,
        "needs_hand": False,
        "author": "",
        "is_review_due": False,
        "is_withdrawn": False,
        "needs_confirmation": False,
        **parts,
    }


def question(**parts: Any) -> dict[str, Any]:
    return {
        "id": "h1",
        "asked": ASKED,
        "who": "Dario Lindqvist",
        "state": "open",
        "due": "26 Nov 2026",
        "is_own": False,
        "is_reviewer": True,
        "links": [],
        "can_link": True,
        "needs_hand": False,
        "can_be_cited": True,
        "current": None,
        "versions": [],
        "form": FORM,
        "today": "2026-11-23",
        "address": "",
        **parts,
    }


def expert(name: str, **parts: Any) -> dict[str, Any]:
    return {
        "id": "x1",
        "name": name,
        "role": "",
        "topics": "refunds, compensation",
        "email": "",
        "is_member": False,
        "is_ours": True,
        "days": 3,
        **parts,
    }


def gap(topic: str, **parts: Any) -> dict[str, Any]:
    return {
        "topic": topic,
        "document": "Delivery handbook",
        "not_covered": 3,
        "partly": 1,
        "newest": "22 Nov 2026",
        "questions": (),
        "is_small": True,
        "answered": "",
        **parts,
    }


def page(template: str, context: dict[str, Any], path: str, role: str | None = INSTRUCTORS) -> State:
    return State(f"experts/{template}.html", context, path=path, role=role)


PEOPLE = {
    "experts": [
        expert("Dario Lindqvist", role="Claims Desk", is_ours=False),
        expert("Ana Lopez", is_member=True),
        expert("Noor Castellan", email="noor.castellan@tarnwell.example", days=1),
    ],
    "members": [{"id": "u1", "name": "Jonas Reyes"}],
    "days": 3,
}
LINK = "https://coach.example.org/answer/Vb0s3mQ7mJtq0l5Z3pX1w9kYc2uN8rTfGh4dLe6AiSo"
ALONE = {"action": "/answer/x", "expert": "Dario Lindqvist", "asked": ASKED, "can_be_cited": True}

STATES: dict[str, State] = {
    "expert-ask": page("ask", ask(), "/ask/turns/t3/hand-off", LEARNERS),
    "expert-ask-nobody-named": page(
        "ask", ask(choices=CHOICES[-1:], places=[]), "/ask/turns/t3/hand-off", LEARNERS
    ),
    "expert-sent": page("sent", sent(), "/ask/hand-offs/h1", LEARNERS),
    "expert-sent-late": page("sent", sent(is_late=True, is_reminded=True), "/ask/hand-offs/h1", LEARNERS),
    "expert-sent-passed-on": page(
        "sent", sent(is_passed_on=True, who="", role="", following=""), "/ask/hand-offs/h1", LEARNERS
    ),
    "expert-sent-answered": page(
        "sent", sent(state="answered", answer=ANSWER), "/ask/hand-offs/h1", LEARNERS
    ),
    "expert-sent-answer-taken-back": page("sent", sent(state="answered"), "/ask/hand-offs/h1", LEARNERS),
    "expert-sent-withdrawn": page(
        "sent", sent(state="withdrawn", question="", situation="", places=[]), "/ask/hand-offs/h1", LEARNERS
    ),
    "experts-queue": page(
        "queue",
        {
            "open": [row(is_late=True, is_reminded=True), row("Who signs for a pallet?", needs_hand=True)],
            "escalated": [row("Can I change the pickup point?", who="")],
            "answered": [
                row(author="Dario Lindqvist", is_review_due=True),
                row("What is a safe place?", is_withdrawn=True),
                row("Who holds the spare keys?", author="Noor Castellan", needs_confirmation=True),
            ],
        },
        "/experts",
    ),
    "experts-queue-empty": page("queue", {"open": [], "escalated": [], "answered": []}, "/experts"),
    "experts-question": page("question", question(), "/experts/questions/h1"),
    "experts-question-needs-link": page(
        "question",
        question(needs_hand=True, address=LINK, links=[{"end": "7 Dec 2026", "is_opened": True}]),
        "/experts/questions/h1",
    ),
    "experts-question-as-expert": page(
        "question", question(is_reviewer=False), "/experts/questions/h1", LEARNERS
    ),
    "experts-question-answered": page(
        "question",
        question(
            state="answered",
            can_link=False,
            current=CURRENT,
            versions=[{**CURRENT, "version": 1, "state": "superseded"}],
            form={**FORM, "instead_of": "a2", "text": ANSWER_TEXT},
        ),
        "/experts/questions/h1",
    ),
    "experts-question-to-confirm": page(
        "question",
        question(
            state="answered",
            can_link=False,
            current={**CURRENT, "is_citable": False, "needs_confirmation": True},
            form={**FORM, "instead_of": "a2", "text": ANSWER_TEXT},
        ),
        "/experts/questions/h1",
    ),
    "experts-question-own": page("question", question(is_own=True), "/experts/questions/h1"),
    "experts-people": page("people", PEOPLE, "/experts/people"),
    "experts-people-none": page("people", {**PEOPLE, "experts": []}, "/experts/people"),
    "experts-gaps": page(
        "gaps",
        {
            "gaps": [
                gap(
                    "3.4 Safe places",
                    is_small=False,
                    questions=(QUESTION, "Can I leave it in the shed?"),
                    answered="Dario Lindqvist answered on 24 Nov 2026",
                ),
                gap("Signatures", partly=0),
                gap("", document="", not_covered=1, partly=0),
            ]
        },
        "/experts/gaps",
    ),
    "experts-gaps-none": page("gaps", {"gaps": []}, "/experts/gaps"),
    "expert-link": page("open_link", {"action": "/answer/x/open"}, "/answer/x", None),
    "expert-link-answer": page(
        "answer", {**ALONE, "form": FORM, "problem": "", "today": "2026-11-23"}, "/answer/x", None
    ),
    "expert-link-problem": page(
        "answer",
        {**ALONE, "form": FORM, "problem": "Write the answer, then send it.", "today": "2026-11-23"},
        "/answer/x",
        None,
    ),
    "expert-link-thanks": page("thanks", {"is_to_confirm": True}, "/answer/x", None),
}
