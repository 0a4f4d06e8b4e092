"""Practice: the tasks, an attempt with its feedback, and what was handed in."""

from __future__ import annotations

from typing import Any

from tests.accessibility.states.page import AT, State

CRITERIA = [
    {"id": "names-missing-proof", "text": "Names every missing piece of proof in one message", "must": True},
    {
        "id": "keeps-the-packing",
        "text": "Asks that the item and all packing are kept for 14 days",
        "must": False,
    },
    {"id": "right-amount", "text": "Gives the right ceiling and says why it is not €140", "must": True},
    {
        "id": "right-approver",
        "text": "Says that a shift lead approves it, because it is above €50",
        "must": True,
    },
]
TASK = {
    "key": "damaged-lamp",
    "title": "The lamp that arrived broken",
    "minutes": 12,
    "skill": "Decide a refund",
    "situation": "Monday, 10:20. An e-mail from **Ilse Marchetti**, who sold a lamp and sent it to a buyer with Standard. "
    "It was delivered last Thursday.\n\n> The buyer tells me the lamp is smashed. I paid €8.90 for shipping and the lamp cost "
    "€140 new in the shop. I would like the full €148.90 back today, please.\n\n"
    "Milepath shows: delivered Thursday 14:12, photo of the front door.",
    "ask": "Write your reply to Ms Marchetti. Then add one line that says who approves this refund and why.",
    "criteria": CRITERIA,
    "sources": [
        {"document": "Support handbook", "place": "Refunds > Damaged parcels"},
        {"document": "Refund policy", "place": "page 2"},
    ],
}
DRAFT = (
    "Dear Ms Marchetti,\n\nI'm sorry that the lamp arrived broken. Please send a photo of the label, "
    "a photo of the outside of the box, and your receipt.\n\n"
    "Standard covers up to €100, so the most that can be paid is €108.90 with the delivery fee."
)
LINES = [
    {
        "criterion": "names-missing-proof",
        "text": CRITERIA[0]["text"],
        "must": True,
        "status": "met",
        "try_next": "",
        "quote": "Please send a photo of the label, a photo of the outside of the box, and your receipt.",
    },
    {
        "criterion": "keeps-the-packing",
        "text": CRITERIA[1]["text"],
        "must": False,
        "status": "not_yet",
        "quote": None,
        "try_next": "The buyer is about to throw something away. Say what must stay, and for how long.",
    },
    {
        "criterion": "right-amount",
        "text": CRITERIA[2]["text"],
        "must": True,
        "status": "cant_tell",
        "try_next": "Say why it is not €140.",
        "quote": "Standard covers up to €100, so the most that can be paid is €108.90 with the delivery fee.",
    },
    {
        "criterion": "right-approver",
        "text": CRITERIA[3]["text"],
        "must": True,
        "status": "not_yet",
        "quote": None,
        "try_next": "Add up everything on this case, the delivery fee too, and compare it with your limit.",
    },
]
GRADEBOOK = {
    "none": {"kind": "none", "text": ""},
    "waiting": {"kind": "waiting", "text": "On its way to the gradebook. The next try is in 2 minutes."},
    "delivered": {"kind": "delivered", "text": "In the gradebook since 17 November 2026, 14:02."},
    "superseded": {
        "kind": "superseded",
        "text": "A person changed this grade in the gradebook, and theirs stays.",
    },
    "refused": {"kind": "refused", "text": "The gradebook refused the grade: its column was deleted."},
}


def practice(**parts: Any) -> dict[str, Any]:
    return {
        "task": TASK,
        "attempt_key": "k1",
        "draft": "",
        "attempts": [],
        "feedback": None,
        "evidence": None,
        "back_with_news": None,
        **parts,
    }


def feedback(number: int = 1, is_submitted: bool = False) -> dict[str, Any]:
    return {"attempt_id": "a1", "number": number, "lines": LINES, "is_submitted": is_submitted}


ATTEMPTS = [
    {"number": n, "at": AT, "href": f"/practice/damaged-lamp?attempt={n}", "is_shown": n == 3}
    for n in (1, 2, 3)
]
MET = [{"text": criterion["text"], "met": n != 1} for n, criterion in enumerate(CRITERIA)]


def evidence(state: str, gradebook: str) -> dict[str, Any]:
    return {
        "state": state,
        "points": 8.0,
        "maximum": 10.0,
        "comment": "Clear and kind.\nNext time, say for how long the packing must stay.",
        "criteria": MET if state == "decided" else [],
        "gradebook": GRADEBOOK[gradebook],
    }


TASK_ROWS = [
    {
        "key": "damaged-lamp",
        "title": "The lamp that arrived broken",
        "minutes": 12,
        "skill": "Decide a refund",
        "href": "/practice/damaged-lamp",
        "status": "",
        "status_kind": "new",
    },
    {
        "key": "wrong-door",
        "title": "A parcel at the wrong door",
        "minutes": 8,
        "skill": "Trace a parcel",
        "href": "/practice/wrong-door",
        "status": "2 attempts",
        "status_kind": "tried",
    },
    {
        "key": "angry",
        "title": "The caller who shouts",
        "minutes": 10,
        "skill": "Calm a conversation",
        "href": "/practice/angry",
        "status": "Handed in",
        "status_kind": "submitted",
    },
    {
        "key": "note",
        "title": "A note that the next person can use",
        "minutes": 1,
        "skill": "",
        "href": "/practice/note",
        "status": "9 of 10 points",
        "status_kind": "decided",
    },
]


STATES: dict[str, State] = {
    "practice-list": State("practice/list.html", {"tasks": TASK_ROWS}, path="/practice"),
    "practice-list-empty": State("practice/list.html", {"tasks": []}, path="/practice"),
    "practice-new": State("practice/task.html", practice(), path="/practice/damaged-lamp"),
    "practice-feedback": State(
        "practice/task.html",
        practice(draft=DRAFT, feedback=feedback(), attempts=ATTEMPTS[:1]),
        path="/practice/damaged-lamp",
    ),
    "practice-third-attempt": State(
        "practice/task.html",
        practice(draft=DRAFT, feedback=feedback(3), attempts=ATTEMPTS),
        path="/practice/damaged-lamp",
    ),
    "practice-handed-in": State(
        "practice/task.html",
        practice(
            draft=DRAFT, feedback=feedback(3, True), attempts=ATTEMPTS, evidence=evidence("submitted", "none")
        ),
        path="/practice/damaged-lamp",
    ),
    **{
        f"practice-decided-{kind}": State(
            "practice/task.html",
            practice(
                draft=DRAFT, feedback=feedback(3, True), attempts=ATTEMPTS, evidence=evidence("decided", kind)
            ),
            path="/practice/damaged-lamp",
        )
        for kind in ("waiting", "delivered", "superseded", "refused")
    },
    "practice-as-instructor": State(
        "practice/task.html",
        practice(draft=DRAFT, feedback=feedback()),
        path="/practice/damaged-lamp",
        role="instructor",
    ),
    "practice-anonymous": State(
        "practice/task.html", practice(), path="/practice/damaged-lamp", is_anonymous=True
    ),
    "practice-handed-in-and-back": State(
        "practice/task.html",
        practice(
            draft=DRAFT,
            feedback=feedback(1, True),
            attempts=ATTEMPTS[:1],
            evidence=evidence("submitted", "none"),
            back_with_news="https://lms.example/course?id=7&lti_msg=Done",
        ),
        path="/practice/damaged-lamp",
    ),
}
