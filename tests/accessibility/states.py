"""Every page in every state that a person can meet, as contexts for the templates: what axe, tests and eyes look at."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request

from app.course import ROOM as COURSE
from app.course.access import ActivityEmpty, Visitor
from app.kit.pages import render_fragment
from app.kit.room import NavigationItem, PlacementOption
from app.rooms.ask import ROOM as ASK
from app.rooms.picker.service import Offer
from app.rooms.practice import ROOM as PRACTICE

AT = datetime(2026, 11, 17, 14, 2, tzinfo=UTC)
NAVIGATION = (
    NavigationItem("/", "Ask", frozenset({"learner", "instructor", "teaching_assistant"})),
    NavigationItem("/practice", "Practice", frozenset({"learner", "instructor", "teaching_assistant"})),
    NavigationItem("/review", "Review", frozenset({"instructor", "teaching_assistant"})),
)


@dataclass(frozen=True)
class State:
    """One page as it is rendered: the template, its own context, and the request's path, role and locale."""

    template: str
    context: dict[str, Any] = field(default_factory=dict)
    path: str = "/"
    role: str | None = "learner"
    status: int = 200
    is_anonymous: bool = False


class _Application:
    """What a template's request knows of the application."""

    class state:
        navigation = NAVIGATION


def visitor(role: str, locale: str = "en", *, is_anonymous: bool = False) -> Visitor:
    """A made-up person in the sample course."""
    return Visitor(
        visit_id="v1",
        user_id="u1",
        organisation_id="tarnwell",
        registration_id="r1",
        context_id="c1",
        resource_link_id="l1",
        role=role,
        is_gradable=role == "learner" and not is_anonymous,
        is_anonymous=is_anonymous,
        return_url="https://lms.example/course?id=7",
        locale=locale,
        name="Ana Paredes",
        context_title="Support onboarding, autumn intake",
        link_title="Workside",
        custom={},
    )


def render_state(state: State, locale: str = "en") -> str:
    """The HTML of a state through the application's own renderer."""
    path = quote(state.path)
    scope = {
        "type": "http",
        "method": "GET",
        "scheme": "http",
        "server": ("localhost", 8000),
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "headers": [],
        "app": _Application,
        "state": {"locale": locale},
    }
    request = Request(scope)
    request.state.locale = locale
    if state.role:
        request.state.visitor = visitor(state.role, locale, is_anonymous=state.is_anonymous)
    return render_fragment(request, state.template, **state.context)


def sentence(text: str, *citations: int, kind: str = "sentence", verified: bool = True) -> dict[str, Any]:
    return {"text": text, "kind": kind, "citations": list(citations), "verified": verified}


def citation(n: int, document: str, place: str, turn_id: str = "t1") -> dict[str, Any]:
    return {
        "n": n,
        "document": document,
        "place": place,
        "quote": "",
        "href": f"/sources/{turn_id}/{n}",
        "updated": "2026-10-12",
    }


DARIO = {
    "name": "Dario Lindqvist",
    "role": "Claims Desk",
    "topics": ["refunds", "compensation", "damage"],
    "reach": "claims@tarnwell.example",
}
MARTA = {
    "name": "Marta Oyelaran",
    "role": "Shift lead, support floor",
    "topics": ["calls", "complaints", "goodwill credits"],
    "reach": None,
}
LAMP = {"title": "The lamp that arrived broken", "href": "/practice/damaged-lamp"}


def turn(turn_id: str, question: str, verdict: str = "covered", **parts: Any) -> dict[str, Any]:
    empty = {"sentences": [], "citations": [], "missing": "", "closest": [], "experts": [], "practice": None}
    return {"id": turn_id, "question": question, "verdict": verdict, **empty, **parts}


COVERED = turn(
    "t1",
    "The box arrived broken. What do I need from the customer?",
    sentences=[
        sentence("The customer has 7 days from the delivery to report damage.", 1),
        sentence("Ask for everything that is missing in one message, and send the upload link.", 1, 2),
        sentence("Ask for a photo of the label.", 1, kind="step"),
        sentence("Ask for a photo of the outside of the box, with the damage in view.", 1, kind="step"),
        sentence("Ask for the receipt or another proof of the value.", 2, kind="step"),
        sentence("Ask them to keep the item and all the packing for 14 days.", 1, kind="step"),
        sentence("Most cases are decided on the same day.", 3, verified=False),
    ],
    citations=[
        citation(1, "Support handbook", "Refunds > Damaged parcels"),
        citation(2, "Refund policy", "page 2, 4.3 How the amount is worked out"),
        citation(3, "Recorded talk: the first thirty seconds", "at 1:42"),
    ],
    practice=LAMP,
)
ROWS = turn(
    "t4",
    "What does each service cover?",
    sentences=[
        sentence("Each service has its own limit.", 1),
        sentence("Basic: up to €25", 1, kind="row"),
        sentence("Standard: up to €100", 1, kind="row"),
        sentence("Secure: up to €500", 1, 2, kind="row"),
    ],
    citations=[
        citation(1, "Our four services", "slide 3", "t4"),
        citation(2, "Refund policy", "page 1", "t4"),
    ],
)
PARTLY = turn(
    "t2",
    "How much may I refund without asking, and who covers for the shift lead at night?",
    "partly",
    sentences=[
        sentence("You may approve up to €50 per case. Above that, up to €250, a shift lead approves.", 1)
    ],
    citations=[citation(1, "Refund policy", "page 4, 9. Who approves", "t2")],
    missing="“covers”, “night”",
    experts=[MARTA],
)
NOT_COVERED = turn(
    "t3",
    "Can a customer pay a refund fee with a company card from another country?",
    "not_covered",
    closest=[
        {"document": "Refund policy", "place": "page 3, 6. How the money is paid", "href": "/sources/t3/1"},
        {"document": "Support handbook", "place": "Refunds > Late deliveries", "href": "/sources/t3/2"},
    ],
    experts=[DARIO, MARTA],
)
STARTERS = [
    {"text": "A parcel has not been scanned for days. What do I do?"},
    {"text": "The box arrived broken. What do I need from the customer?"},
    {"text": "Someone wants to change the delivery address. What must I check?"},
    {"text": "How much may I refund without asking?"},
    {"text": "The caller is shouting. How do I start?"},
]


def home(**parts: Any) -> dict[str, Any]:
    return {"starters": STARTERS, "due": [], "turns": [], "conversation_id": "", **parts}


SOURCE = {
    "document": "Support handbook",
    "place": "Refunds > Damaged parcels",
    "updated": "2026-10-12",
    "has_changed": False,
    "blocks": [
        {
            "heading": "Late deliveries",
            "place": "Refunds > Late deliveries",
            "is_cited": False,
            "runs": [
                {
                    "text": "A parcel is late when it has passed the day that the service promises. Tell the customer the day and the "
                    "depot, and open a search after two working days without a scan.",
                    "marked": False,
                }
            ],
        },
        {
            "heading": "Damaged parcels",
            "place": "Refunds > Damaged parcels",
            "is_cited": True,
            "runs": [
                {"text": "Somebody has opened the box and found the item broken. ", "marked": False},
                {"text": "The customer has 7 days from the delivery to report damage.", "marked": True},
                {
                    "text": " Ask for everything in one message: a photo of the label, one of the box's outside and the "
                    "item in its inner packing. Ask them to keep the item and all packing for 14 days.",
                    "marked": False,
                },
            ],
        },
        {
            "heading": None,
            "place": "Refunds > Damaged parcels",
            "is_cited": False,
            "runs": [
                {
                    "text": "No promise is made before the request says Approved. The money arrives within 5 working days after that.",
                    "marked": False,
                }
            ],
        },
    ],
}

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


DUE = [{"text": "Your instructor decided on: The lamp that arrived broken", "href": "/practice/damaged-lamp"}]
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
    "shell": State("shell.html", {"session": {"bearer": "b", "first": "/"}}, role=None),
    "shell-signed-out": State("shell.html", {"session": None}, role=None, status=401),
    "ask-empty": State("ask/home.html", home()),
    "ask-due": State("ask/home.html", home(due=DUE)),
    "ask-no-starters": State("ask/home.html", home(starters=[])),
    "ask-covered": State("ask/home.html", home(turns=[COVERED], conversation_id="c1")),
    "ask-rows": State("ask/home.html", home(turns=[ROWS], conversation_id="c1")),
    "ask-partly": State("ask/home.html", home(turns=[PARTLY], conversation_id="c1")),
    "ask-not-covered": State("ask/home.html", home(turns=[NOT_COVERED], conversation_id="c1")),
    "ask-several": State(
        "ask/home.html", home(turns=[COVERED, PARTLY, NOT_COVERED], conversation_id="c1", due=DUE)
    ),
    "source": State("ask/source.html", SOURCE, path="/sources/t1/1"),
    "source-plain": State(
        "ask/source.html", {**SOURCE, "updated": None, "blocks": SOURCE["blocks"][:1]}, path="/sources/t1/2"
    ),
    "source-changed": State(
        "ask/source.html",
        {**SOURCE, "has_changed": True, "blocks": SOURCE["blocks"][1:2]},
        path="/sources/t1/1",
    ),
    "source-gone": State(
        "ask/source.html", {**SOURCE, "has_changed": True, "blocks": []}, path="/sources/t1/closest-1"
    ),
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
    "practice-as-instructor": State(
        "practice/task.html",
        practice(draft=DRAFT, feedback=feedback()),
        path="/practice/damaged-lamp",
        role="instructor",
    ),
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
}

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
STATES |= {
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
    "review-none": State("review/none.html", {"has_queue": True}, path="/submission/u2", role="instructor"),
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
    "ask-anonymous": State("ask/home.html", home(), is_anonymous=True),
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

# ---- The operator's pages

SHEET = {
    "tool_url": "https://coach.tarnwell.example/lti/launch",
    "login_url": "https://coach.tarnwell.example/lti/login",
    "redirect_url": "https://coach.tarnwell.example/lti/launch",
    "jwks_url": "https://coach.tarnwell.example/lti/jwks.json",
    "deep_linking_url": "https://coach.tarnwell.example/lti/launch",
    "canvas_json_url": "https://coach.tarnwell.example/lti/canvas.json",
    "custom_parameters": "context_history=$Context.id.history\nresource_link_history=$ResourceLink.id.history",
}
ORGANISATIONS = ["Tarnwell Logistics", "School of nursing"]
FAMILIES = [("moodle", "Moodle"), ("canvas", "Canvas"), ("generic", "Another platform")]
LIVES = [("1", "1 hour"), ("24", "1 day"), ("168", "7 days")]
WRONG_ADDRESS = {
    "field": "token_url",
    "says": "Write a full address, such as https://lms.example.org/token.",
}
FILLED = {
    "name": "Moodle of the training centre",
    "issuer": "https://moodle.tarnwell.example",
    "client_id": "kX3bT9wQzL",
    "deployment_id": "4",
    "auth_url": "https://moodle.tarnwell.example/mod/lti/auth.php",
    "token_url": "moodle.tarnwell.example",
    "jwks_url": "https://moodle.tarnwell.example/mod/lti/certs.php",
    "allow_anonymous": "on",
}
PLATFORM = {
    "id": "p1",
    "name": "Moodle of the training centre",
    "issuer": "https://moodle.tarnwell.example",
    "client_id": "kX3bT9wQzL",
    "auth_url": "https://moodle.tarnwell.example/mod/lti/auth.php",
    "token_url": "https://moodle.tarnwell.example/mod/lti/token.php",
    "jwks_url": "https://moodle.tarnwell.example/mod/lti/certs.php",
    "audience": "",
    "family": "Moodle",
    "is_active": True,
    "allow_private": False,
    "allow_anonymous": False,
    "organisation": "Tarnwell Logistics",
    "state": "well",
    "is_tenant": False,
}
HEALTHY = {
    "last_launch": AT,
    "last_token": AT,
    "keys_read": AT,
    "kids": ["c6a2b7d1f03e9b5a8e41"],
    "scopes": ["Read gradebook columns", "Read grades", "Send grades", "Read the course's people"],
    "error": None,
}
UNKNOWN = {
    "last_launch": None,
    "last_token": None,
    "keys_read": None,
    "kids": [],
    "scopes": [],
    "error": None,
}
TOKEN_ERROR = {
    "kind": "token",
    "title": "The learning platform gives us no access to its services",
    "advice": "Check the registration.",
    "reason": "token_denied",
    "note": "status 400 invalid_client",
    "at": AT,
}
LET_IN = {
    "id": "d1",
    "deployment_id": "4",
    "status": "active",
    "organisation": "Tarnwell Logistics",
    "created_at": AT,
}
SHUT_OUT = LET_IN | {"id": "d2", "deployment_id": "17:4c2a9e", "status": "inactive"}
WAITING = LET_IN | {
    "id": "d3",
    "deployment_id": "10000000021:8865aa05b4b79b64a91a86042e43af5ea8ae79eb",
    "status": "pending",
    "platform": "Canvas of the university",
    "family": "Canvas",
    "href": "/admin/platforms/p2",
    "is_tenant": False,
    "issuer": "https://canvas.instructure.com",
    "client_id": "10000000000042",
}
TESTED_WELL = [
    {"name": "keys", "is_well": True, "found": ["c6a2b7d1f03e9b5a8e41"], "advice": "", "note": ""},
    {"name": "token", "is_well": True, "found": ["Read grades", "Send grades"], "advice": "", "note": ""},
]
TESTED_BAD = [
    {
        "name": "keys",
        "is_well": False,
        "found": [],
        "advice": "Check the address of the public keys. Without them nobody can open Workside from here.",
        "note": "JWKS: status 404",
    },
    {
        "name": "token",
        "is_well": False,
        "found": [],
        "advice": "The platform doesn't accept our signature. Check that its registration of Workside has our address of "
        "public keys, the client id above, and that the tool is switched on there.",
        "note": "status 400 invalid_client",
    },
]


def admin(template: str, path: str, status: int = 200, **context: Any) -> State:
    return State(f"admin/{template}.html", context, path=path, role=None, status=status)


def platform_page(**parts: Any) -> State:
    context = {
        "platform": PLATFORM,
        "health": HEALTHY,
        "waiting": [],
        "deployments": [LET_IN],
        "organisations": ORGANISATIONS,
        "sheet": SHEET,
        "test": None,
        "wrong": None,
    }
    return admin("platform", "/admin/platforms/p1", **{**context, **parts})


def listed(name: str, state: str, **parts: Any) -> dict[str, Any]:
    return {
        "href": "/admin/platforms/p1",
        "name": name,
        "family": "Moodle",
        "organisation": "Tarnwell Logistics",
        "last_launch": AT,
        "state": state,
        "waiting": 0,
        **parts,
    }


def invited(**parts: Any) -> State:
    invitation = {
        "id": "i1",
        "name": "Moodle of the training centre",
        "organisation": "Tarnwell Logistics",
        "family": "Moodle",
        "platform": "moodle",
        "state": "open",
        "expires_at": AT,
        "tried_at": None,
        "problem": "",
        "problem_note": "",
        "link": "https://coach.tarnwell.example/lti/register/FJUd9X3b7oTqk2mZ0sPzW1cVhYeRg8nLxAaBuCtDi4E",
        "registration_href": "",
    }
    return admin("invitation", "/admin/invitations/i1", invitation={**invitation, **parts})


def registered(steps: list[dict[str, Any]], **parts: Any) -> State:
    is_well = all(step["is_well"] for step in steps)
    outcome = {
        "steps": [{"title": "", "advice": "", "details": [], **step} for step in steps],
        "is_well": is_well,
        "client_id": "10000000000042",
        "deployment_id": None,
        **parts,
    }
    again = {"action": "/lti/register/x", "openid_configuration": "", "registration_token": ""}
    scopes = ["Send grades", "Read the course's people"]
    return admin(
        "registered",
        "/lti/register/x",
        outcome=outcome,
        organisation="Tarnwell Logistics",
        scopes=scopes,
        again=None if is_well else again,
    )


DONE = [{"name": name, "is_well": True} for name in ("configuration", "keys", "registration", "saved")]
REGISTER = {
    "action": "/lti/register/x",
    "name": "Moodle of the training centre",
    "organisation": "Tarnwell Logistics",
    "openid_configuration": "https://moodle.tarnwell.example/mod/lti/openid-configuration.php",
    "registration_token": "eyJ",
}
NEW = {"organisations": ORGANISATIONS, "families": FAMILIES, "lives": LIVES}
STATES |= {
    "admin-empty": admin("home", "/admin", platforms=[], invitations=[], waiting=0),
    "admin-home": admin(
        "home",
        "/admin",
        platforms=[
            listed("Moodle of the training centre", "well"),
            listed("Canvas of the university", "waiting", family="Canvas"),
            listed("Brightspace", "problem", family="Brightspace", organisation="School of nursing"),
            listed("Sakai, new", "quiet", last_launch=None),
            listed("The old Moodle", "off"),
        ],
        invitations=[
            {
                "href": "/admin/invitations/i1",
                "name": "Moodle of the warehouse",
                "organisation": "Tarnwell Logistics",
                "state": "open",
                "has_failed": True,
                "expires_at": AT,
            }
        ],
        waiting=1,
    ),
    "admin-waiting": admin(
        "waiting",
        "/admin/waiting",
        waiting=[WAITING, WAITING | {"id": "d4", "is_tenant": True}],
        organisations=ORGANISATIONS,
    ),
    "admin-nothing-waits": admin("waiting", "/admin/waiting", waiting=[], organisations=[]),
    "admin-new": admin("new", "/admin/new", **NEW, form={}, wrong=None),
    "admin-new-first": admin("new", "/admin/new", **NEW | {"organisations": []}, form={}, wrong=None),
    "admin-new-wrong": admin(
        "new",
        "/admin/new",
        422,
        **NEW,
        form={"new_organisation": "x"},
        wrong={"field": "name", "says": "Write 1 to 200 characters."},
    ),
    "admin-new-for-nobody": admin(
        "new",
        "/admin/new",
        422,
        **NEW,
        form={"name": "x"},
        wrong={"field": "organisation", "says": "Choose an organisation, or name a new one."},
    ),
    "admin-by-hand": admin("by_hand", "/admin/new/by-hand", **NEW, sheet=SHEET, form={}, wrong=None),
    "admin-by-hand-wrong": admin(
        "by_hand", "/admin/new/by-hand", 422, **NEW, sheet=SHEET, form=FILLED, wrong=WRONG_ADDRESS
    ),
    "admin-edit": admin(
        "edit",
        "/admin/platforms/p1/edit",
        href="/admin/platforms/p1",
        issuer=PLATFORM["issuer"],
        client_id=PLATFORM["client_id"],
        form=FILLED,
        wrong=WRONG_ADDRESS,
    ),
    "admin-invitation": invited(),
    "admin-invitation-failed": invited(
        problem="Your platform refused the registration",
        problem_note="status 422: placement is not supported",
    ),
    "admin-invitation-used": invited(state="used", link="", registration_href="/admin/platforms/p1"),
    "admin-invitation-expired": invited(state="expired", link=""),
    "admin-platform": platform_page(),
    "admin-platform-new": platform_page(
        platform=PLATFORM | {"state": "quiet"}, health=UNKNOWN, deployments=[]
    ),
    "admin-platform-waiting": platform_page(
        platform=PLATFORM | {"state": "waiting", "is_tenant": True},
        waiting=[WAITING],
        deployments=[LET_IN, SHUT_OUT],
    ),
    "admin-platform-problem": platform_page(
        platform=PLATFORM | {"state": "problem", "audience": "https://api.brightspace.com/auth/token"},
        health=HEALTHY | {"error": TOKEN_ERROR},
        test=TESTED_BAD,
    ),
    "admin-platform-tested": platform_page(test=TESTED_WELL),
    "admin-platform-off": platform_page(
        platform=PLATFORM
        | {"state": "off", "is_active": False, "allow_private": True, "allow_anonymous": True}
    ),
    "admin-sessions": admin(
        "sessions",
        "/admin/sessions",
        sessions=[
            {
                "id": "s1",
                "browser": "Firefox 144 · Linux",
                "created_at": AT,
                "seen_at": AT,
                "is_current": True,
            },
            {"id": "s2", "browser": "", "created_at": AT, "seen_at": AT, "is_current": False},
        ],
    ),
    "admin-sign-in": admin("sign_in", "/admin/sign-in/x", action="/admin/sign-in/x"),
    "admin-signed-out": admin("signed_out", "/admin/sign-out"),
    "register-asks": admin("register", "/lti/register/x", **REGISTER, asker="moodle.tarnwell.example"),
    "register-opened-alone": admin("register", "/lti/register/x", **REGISTER, asker=""),
    "register-done": registered(DONE, deployment_id="4"),
    "register-done-one-step-left": registered(DONE),
    "register-failed": registered(
        [
            *DONE[:2],
            {
                "name": "registration",
                "is_well": False,
                "title": "Your platform refused the registration",
                "advice": "Ask the people who run your learning platform, or register it by hand on Workside's administration "
                "pages.",
                "details": [("Your learning platform says", "scope is not included in the list")],
            },
        ]
    ),
}
