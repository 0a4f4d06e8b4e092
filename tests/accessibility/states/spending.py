"""What models cost: the operator's page, and the note on Ask at each level."""

from __future__ import annotations

from typing import Any

from app.coach.budget import SpendingLevel
from app.coach.spending import spending_view
from app.kit.i18n import Translator
from app.rooms.ask.jobs import Silence
from tests.accessibility.states.ask import COVERED, home
from tests.accessibility.states.page import AT, State


def near(percent: Any, scope: Any) -> dict[str, Any] | None:
    return spending_view(SpendingLevel(percent, scope, "tokens", AT), Translator("en"))


def stands(tokens: str, money: str, level: int = 0, **parts: Any) -> dict[str, Any]:
    return {"tokens": tokens, "money": money, "level": level, **parts}


def organisation(name: str, tokens: str, money: str, level: int = 0, **parts: Any) -> dict[str, Any]:
    empty = {"has_own_caps": False, "courses": [], "more_courses": 0, "learners": "0", "learners_at": []}
    return stands(tokens, money, level, name=name, **{**empty, **parts})


def model(name: str, **parts: Any) -> dict[str, Any]:
    return {
        "name": name, "purposes": "answers, feedback", "price": "$0.15 / $0.60", "calls": "1,204", "failed": "0",
        "has_failed": False, "tokens": "3,811,902", "money": "$1.02", "failure": "", "failed_at": None, **parts,
    }  # fmt: skip


def page(**parts: Any) -> State:
    context = {
        "until": AT, "organisations": [], "models": [], "has_models": True, "are_out": False,
        "silence": Silence(41, 1, 15), **parts,
    }  # fmt: skip
    return State("admin/spending.html", context, path="/admin/spending", role=None)


COURSES = [
    stands("3,990,120 of 4,000,000 (99%)", "$1.10, no cap", 95, title="Support onboarding, autumn intake"),
    stands("12,000 of 4,000,000 (0%)", "$0.01, no cap", title="A course without a name"),
]

STATES: dict[str, State] = {
    "admin-spending": page(
        organisations=[
            organisation(
                "Tarnwell Logistics",
                "16,431,007 of 20,000,000 (82%)",
                "$4.37 of $100.00 (4%)",
                80,
                has_own_caps=True,
                courses=COURSES,
                more_courses=3,
                learners="412",
                learners_at=[("80%", "12"), ("95%", "4"), ("100%", "1")],
            ),
            organisation("School of nursing", "0 of 20,000,000 (0%)", "$0.00, no cap"),
        ],
        models=[
            model("openai:gpt-4o-mini"),
            model(
                "ollama:qwen3:8b",
                price="",
                purposes="",
                failed="7",
                has_failed=True,
                failure="it took too long",
                failed_at=AT,
            ),
        ],
    ),
    "admin-spending-alarms": page(
        organisations=[
            organisation("Tarnwell Logistics", "20,000,000 of 20,000,000 (100%)", "$9.10, no cap", 100)
        ],
        models=[model("openai:gpt-4o-mini")],
        are_out=True,
        silence=Silence(9, 321, 15),
    ),
    "admin-spending-no-model": page(
        organisations=[organisation("Tarnwell Logistics", "0 of 20,000,000 (0%)", "$0.00, no cap")],
        has_models=False,
    ),
    "ask-spending-80": State("ask/home.html", home(spending=near(80, "learner"))),
    "ask-spending-95": State("ask/home.html", home(spending=near(95, "course"))),
    "ask-spending-100": State("ask/home.html", home(spending=near(100, "organisation"), turns=[COVERED])),
}
