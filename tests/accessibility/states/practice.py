"""Practice: the tasks, an attempt with its feedback, and what was handed in."""

from __future__ import annotations

from typing import Any

from app.evidence.tries import Practising
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
    "answer_kind": "text",
    "tries": 3,
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
CONTESTED = {
    "id": "x1",
    "words": "I do ask for the receipt: read my second sentence.",
    "is_open": True,
    "agrees": None,
    "answer": "",
    "at": AT,
}
REPLIED = CONTESTED | {
    "is_open": False,
    "agrees": True,
    "answer": "You are right, it stands there.\nI will say so.",
}
STANDS = REPLIED | {"id": "x2", "agrees": False, "answer": "Look at the date once more."}
LINES = [{**line, "own_view": None, "contests": []} for line in LINES]
OWN_LINES = [
    {**line, "own_view": n != 1, "contests": [[CONTESTED], [REPLIED], [STANDS, CONTESTED], []][n]}
    for n, line in enumerate(LINES)
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
        "answer": TEXT_ANSWER | {"draft": parts.pop("draft", "")},
        "keep": "damaged-lamp",
        "practising": Practising(
            len(parts.get("attempts", ())),
            len(parts.get("attempts", ())),
            3,
            has_ended=False,
            is_limited=True,
        ),
        "attempts": [],
        "feedback": None,
        "weak": "Dear customer,\n\nunfortunately our policy does not allow this."
        if parts.get("feedback")
        else "",
        "worked": None,
        "evidence": None,
        "completes": False,
        "recheck": None,
        "recheck_days": 7,
        "back_with_news": None,
        **parts,
    }


TEXT_ANSWER = {"kind": "text", "enctype": "application/x-www-form-urlencoded", "draft": ""}


def feedback(number: int = 1, is_submitted: bool = False, **parts: Any) -> dict[str, Any]:
    return {
        "attempt_id": "a1",
        "number": number,
        "response": DRAFT,
        "kind": "text",
        "file": None,
        "lines": LINES,
        "next": {"criterion": CRITERIA[3]["text"], "text": LINES[3]["try_next"], "by_model": False},
        "voice": "code",
        "left_out": 0,
        "has_own_view": False,
        "is_submitted": is_submitted,
        **parts,
    }


ATTEMPTS = [
    {"number": n, "at": AT, "href": f"/practice/damaged-lamp?attempt={n}", "is_shown": n == 3}
    for n in (1, 2, 3)
]
MET = [
    {
        "id": criterion["id"],
        "text": criterion["text"],
        "must": n == 1,
        "met": n != 1,
        "contests": [STANDS] if n == 1 else [],
    }
    for n, criterion in enumerate(CRITERIA)
]
WORKED = {
    "steps": [
        "Check the date: delivered Thursday, reported Monday, so within the 7 days.",
        "Ask for everything in one message.",
    ],
    "strong": "Dear Ms Marchetti,\n\nI'm sorry that the lamp arrived broken.",
    "order": [],
    "best": [],
}


def evidence(state: str, gradebook: str) -> dict[str, Any]:
    return {
        "attempt_id": "a1",
        "is_recheck": False,
        "by_policy": False,
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


def recheck(state: str, **parts: Any) -> dict[str, Any]:
    return {
        "id": "r1",
        "href": "/practice/rechecks/r1",
        "task_href": "/practice/damaged-lamp",
        "title": TASK["title"],
        "state": state,
        "due_at": AT,
        "openings": 0,
        **parts,
    }


def recheck_page(state: str, **parts: Any) -> State:
    shown = state in {"open", "done"}
    variant = {
        "situation": "A private sender writes: a ceramic bowl worth €38 is **broken**." if shown else "",
        "ask": "Say what we pay, and who approves it." if shown else "",
        "days": 7,
    }
    context = {"attempt_key": "k1", "response": "", "feedback": None, "evidence": None, **parts}
    return State(
        "practice/recheck.html",
        {"recheck": recheck(state, **variant, **({"openings": 1} if state == "waiting" else {})), **context},
        path="/practice/rechecks/r1",
    )


ANSWERS: list[dict[str, Any]] = [
    {
        "kind": "order",
        "enctype": "application/x-www-form-urlencoded",
        "draft": "",
        "steps": [{"id": "s1", "text": "Ask for the missing proof."}, {"id": "s2", "text": "Open the case."}],
    },
    {
        "kind": "choice",
        "enctype": "application/x-www-form-urlencoded",
        "draft": "",
        "choices": [
            {"id": "o1", "text": "Pay €108.90 at once.", "is_chosen": False},
            {"id": "o2", "text": "Ask for the receipt first.", "is_chosen": True},
        ],
    },
    {
        "kind": "file",
        "enctype": "multipart/form-data",
        "draft": "",
        "accept": ".pdf,.docx",
        "formats": ["PDF", "Word"],
        "most_mb": 5,
        "earlier_file": "reply.pdf",
    },
]
RECHECKS = [recheck(state) for state in ("waiting", "due", "open", "done")]
OVER = Practising(3, 3, 3, has_ended=False, is_limited=True)

STATES: dict[str, State] = {
    "practice-list": State("practice/list.html", {"tasks": TASK_ROWS, "rechecks": []}, path="/practice"),
    "practice-list-empty": State("practice/list.html", {"tasks": [], "rechecks": []}, path="/practice"),
    "practice-list-rechecks": State(
        "practice/list.html", {"tasks": TASK_ROWS, "rechecks": RECHECKS}, path="/practice"
    ),
    "practice-contested": State(
        "practice/task.html",
        practice(
            draft=DRAFT,
            attempts=ATTEMPTS[:2],
            feedback=feedback(
                2,
                lines=OWN_LINES,
                has_own_view=True,
                voice="model",
                left_out=2,
                next={
                    "criterion": CRITERIA[1]["text"],
                    "text": "What must the buyer not do yet?",
                    "by_model": True,
                },
            ),
        ),
        path="/practice/damaged-lamp",
    ),
    "practice-over": State(
        "practice/task.html",
        practice(
            attempts=ATTEMPTS,
            feedback=feedback(3),
            worked=WORKED,
            practising=OVER,
            recheck=recheck("waiting"),
        ),
        path="/practice/damaged-lamp",
    ),
    "practice-complete": State(
        "practice/task.html",
        practice(
            attempts=ATTEMPTS,
            feedback=feedback(3, True, lines=OWN_LINES, has_own_view=True),
            completes=True,
            evidence=evidence("decided", "waiting") | {"by_policy": True, "criteria": []},
            recheck=recheck("due"),
        ),
        path="/practice/damaged-lamp",
    ),
    **{
        f"practice-feedback-on-{answer['kind']}": State(
            "practice/task.html",
            practice(
                answer=answer,
                task=TASK | {"answer_kind": answer["kind"]},
                completes=True,
                attempts=ATTEMPTS[:1],
                feedback=feedback(
                    1,
                    kind=answer["kind"],
                    next=None,
                    file={"name": "reply.pdf", "href": "/practice/attempts/a1/file"},
                ),
            ),
            path="/practice/damaged-lamp",
        )
        for answer in ANSWERS
    },
    "recheck-waiting": recheck_page("waiting"),
    "recheck-due": recheck_page("due"),
    "recheck-open": recheck_page("open"),
    "recheck-handed-in": recheck_page(
        "done",
        response=DRAFT,
        feedback=feedback(1, True, lines=OWN_LINES),
        evidence=evidence("submitted", "none"),
    ),
    "recheck-decided": recheck_page(
        "done",
        response=DRAFT,
        feedback=feedback(1, True),
        evidence=evidence("decided", "none") | {"is_recheck": True},
    ),
    "ask-closed": State(
        "ask/closed.html", {"recheck": {"recheck_id": "r1", "title": TASK["title"]}}, path="/"
    ),
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
        practice(
            draft=DRAFT,
            attempts=ATTEMPTS,
            feedback=feedback(3),
            worked=WORKED,
            practising=Practising(3, 3, 3, has_ended=False, is_limited=False),
            recheck_days=None,
        ),
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
