"""The operator's page of models and spending, through the real application."""

from __future__ import annotations

import re
from decimal import Decimal

from sqlalchemy import select

from app.coach.budget import budget_of
from app.coach.chat import Payer, Usage
from app.course.models import Membership, User
from tests.app.rooms.admin.signed_in import Operator
from tests.app.rooms.campus import Campus


def words(page: str) -> str:
    return " ".join(re.sub(r"<[^>]+>", " ", page).split())


def test_without_a_model_nothing_is_spent(campus: Campus, operator: Operator) -> None:
    html = operator.get("/admin/spending").text
    assert "<code>workside budget set</code>" in html and "`" not in html
    page = words(html)
    assert "No chat model is set" in page and "north" in page and "south" in page
    assert "0 of 20,000,000 (0%)" in page


def test_it_shows_the_day_beside_the_caps_and_names_no_learner(campus: Campus, operator: Operator) -> None:
    services = campus.services
    services.settings = services.settings.model_copy(
        update={
            "model": "openai:gpt-4o-mini",
            "model_prices": "openai:gpt-4o-mini=0.15/0.60",
            "cap_course_tokens": 5000,
            "cap_organisation_money": Decimal(10),
            "currency": "EUR",
        }
    )
    campus.visit("ana")
    with services.database.read() as session:
        user, member = session.execute(select(User, Membership).join(Membership)).tuples().one()
    payer = Payer(user.organisation_id, member.context_id, user.id)
    budget = budget_of(services)
    budget.settle(budget.reserve(payer, "answer", "openai:gpt-4o-mini", 4000, 800), Usage(4000, 300), "whole")
    budget.settle(budget.reserve(payer, "answer", "openai:gpt-4o-mini", 100, 100), Usage(90, 0), "cut_off")
    html = operator.get("/admin/spending").text
    page = words(html)
    assert "4,390 of 20,000,000 (0%)" in page and "€0.00 of €10.00 (0%)" in page
    assert "4,390 of 5,000 (87%)" in page and "Over 80 %" in page
    assert "€0.15 / €0.60" in page and "2 (1 failed)" in page and "it broke off" in page
    assert "0 reached 80%, 0 reached 95%, 0 reached 100%" in page
    assert user.id not in html and user.display_name not in html and user.sub not in html

    spanish = words(operator.get("/admin/spending", headers={"Accept-Language": "es"}).text)
    assert "Modelos y gasto" in spanish and "se interrumpió" in spanish


def test_only_an_operator_sees_it(campus: Campus) -> None:
    assert campus.client.get("/admin/spending").status_code == 401
    assert campus.visit("ines", "instructor").get("/admin/spending").status_code == 401
