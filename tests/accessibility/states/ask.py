"""Ask: questions, answers of each verdict, and the passages that they cite."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from app.rooms.ask.turns import by_place
from tests.accessibility.states.page import AT, State


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
    empty = {
        "sentences": [],
        "citations": [],
        "missing": "",
        "closest": [],
        "experts": [],
        "practice": None,
        "note": "",
        "is_translated": False,
        "conflicts": [],
        "conversation_id": "c1",
        "state": "answered",
        "asked_at": AT,
        "voice": "composer",
        "hand_off": None,
        "mode": "help",
        "mode_reason": "",
        "hints": None,
        "after": None,
    }
    shown = {"id": turn_id, "question": question, "verdict": verdict, **empty, **parts}
    return {**shown, "sources": by_place(shown["citations"])}


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
    empty = {
        "starters": STARTERS,
        "due": [],
        "turns": [],
        "conversation": None,
        "conversation_id": "",
        "earlier_turns": 0,
        "has_conversations": False,
        "export_name": "",
        "spending": None,
    }
    if parts.get("turns"):
        empty |= {
            "conversation": SimpleNamespace(id="c1", title="The box arrived broken"),
            "conversation_id": "c1",
            "has_conversations": True,
            "export_name": "the-box-arrived-broken.md",
        }
    return empty | parts


SOURCE = {
    "document": "Support handbook",
    "place": "Refunds > Damaged parcels",
    "updated": "2026-10-12",
    "expert": None,
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
DUE = [
    {"text": "Your instructor decided on: The lamp that arrived broken", "href": "/practice/damaged-lamp"},
    {"text": "Your instructor has looked at “The vase”: open the activity “Vases”", "href": ""},
]


WAITING = turn("t5", "What do I tell a customer who waits?", "", state="asked", voice="")
FAILED = turn("t6", "Which form is for a lost key?", "", state="failed", voice="")
STOPPED = turn(
    "t7",
    "How do I close the depot in the evening?",
    "",
    state="stopped",
    sentences=[sentence("Walk the belt once from end to end.", 1)],
    citations=[
        citation(1, "Support handbook", "Closing", "t7"),
        citation(2, "Support handbook", "Closing", "t7"),
        citation(3, "Support handbook", "Closing", "t7"),
    ],
)
STOPPED_EARLY = turn("t8", "And in the morning?", "", state="stopped")
BY_MODEL = turn(
    "t9",
    "How long may a refund take?",
    voice="model",
    sentences=[
        sentence("A refund takes five working days after the approval.", 1, 2),
        sentence("It may be quicker for cards.", 2, verified=False),
    ],
    citations=[
        {**citation(1, "Refund policy", "page 3, 6. How the money is paid", "t9"), "quote": "The money arrives within 5 days."},
        {
            **citation(2, "How long may a refund take?", "Answer", "t9"),
            "quote": "It takes 7 days.",
            "expert": {"name": "Dario Lindqvist", "reviewed": "2026-11-02", "review_due": "2027-05-02"},
        },
    ],
    conflicts=[{"about": "the days that a refund takes", "citations": [1, 2]}],
)  # fmt: skip
NOTES = [
    turn(
        f"t1{n}",
        "What does Standard cover?",
        sentences=[sentence("Standard covers up to €100.", 1)],
        citations=[citation(1, "Our four services", "slide 3", f"t1{n}")],
        note=note,
    )
    for n, note in enumerate(("budget", "model", "unsupported"))
]
LISTED = [
    SimpleNamespace(id="c1", title="The box arrived broken", updated_at=AT, questions=3),
    SimpleNamespace(id="c2", title="How do I greet a caller who is upset?", updated_at=AT, questions=1),
]


def conversations(**parts: Any) -> dict[str, Any]:
    return {"conversations": [], "query": "", "page": 1, "has_more": False, **parts}


STATES: dict[str, State] = {
    "ask-waiting": State("ask/home.html", home(turns=[COVERED, WAITING]), path="/ask/conversations/c1"),
    "ask-failed": State("ask/home.html", home(turns=[FAILED])),
    "ask-stopped": State("ask/home.html", home(turns=[STOPPED, STOPPED_EARLY])),
    "ask-by-model": State("ask/home.html", home(turns=[BY_MODEL])),
    "ask-by-model-translated": State("ask/home.html", home(turns=[{**BY_MODEL, "is_translated": True}])),
    "ask-model-off": State("ask/home.html", home(turns=NOTES)),
    "ask-long": State("ask/home.html", home(turns=[COVERED], earlier_turns=7)),
    "ask-again-later": State("ask/home.html", home(has_conversations=True)),
    "conversations": State(
        "ask/conversations.html",
        conversations(conversations=LISTED, page=2, has_more=True),
        path="/ask/conversations",
    ),
    "conversations-none": State("ask/conversations.html", conversations(), path="/ask/conversations"),
    "conversations-not-found": State(
        "ask/conversations.html", conversations(query="ladder"), path="/ask/conversations"
    ),
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
    "ask-anonymous": State("ask/home.html", home(), is_anonymous=True),
}
