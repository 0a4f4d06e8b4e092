"""Prices, caps, levels and what is kept of calls. What holds under crashes and crowds: test_budget_state_machine, tests/faults."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError

from app.coach.budget import RESERVED_FOR, Budget, BudgetSpent, Prices
from app.coach.chat import ModelFailed, Payer, Usage
from app.coach.chat_models import Meter
from app.coach.health import models_out
from app.coach.models import ModelCall, Spending
from app.coach.spending import (
    CALLS_KEPT,
    change_caps,
    measure_spending,
    model_uses,
    remove_old_spending,
    spending_today,
    spending_view,
)
from app.course.services import Services
from app.kit.audit import AuditEvent
from app.kit.i18n import LOCALES, Translator
from app.kit.metrics import REGISTRY
from app.kit.settings import Settings, SettingsRefused, load_settings
from tests.app.coach.payers import make_payers
from tests.app.evidence.course import MovingClock

MODEL = "fake:priced"
Make = Callable[..., Budget]


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock().install(monkeypatch)


@pytest.fixture
def payers(services: Services) -> list[Payer]:
    return make_payers(services.database)


@pytest.fixture
def make(services: Services, clock: MovingClock) -> Make:
    """A budget by settings; the process's own one from then on."""

    def made(**settings: Any) -> Budget:
        services.settings = services.settings.model_copy(update={"model_prices": f"{MODEL}=2/8", **settings})
        return services.part(Budget, lambda _: Budget(services.database, services.settings, clock))

    return made


def spend(budget: Budget, payer: Payer, tokens: int, outcome: str = "whole") -> None:
    budget.settle(budget.reserve(payer, "answer", MODEL, tokens, 0), Usage(tokens, 0), outcome)


def calls(services: Services) -> list[ModelCall]:
    with services.database.read() as session:
        return list(session.scalars(select(ModelCall).order_by(ModelCall.id)))


# --- prices ----------------------------------------------------------------------------------------------------------


def test_a_price_for_a_million_tokens_is_micro_units_for_one() -> None:
    prices = Prices("openai:gpt-4o-mini=0.15/0.60, ollama:qwen3:8b = 0/0")
    assert prices.money("openai:gpt-4o-mini", 1_000_000, 0) == 150_000
    assert prices.money("openai:gpt-4o-mini", 1, 1) == 1, "rounded up"
    assert prices.knows("ollama:qwen3:8b") and prices.money("ollama:qwen3:8b", 5000, 5000) == 0
    assert not prices.knows("openai:other") and prices.money("openai:other", 5000, 5000) == 0


@pytest.mark.parametrize(
    "prices", ["gpt=1/2", "openai:gpt=1", "openai:gpt=1/-2", "openai:gpt=1/2 openai:b=1/2"]
)
def test_prices_that_cannot_be_read_are_refused_with_an_example(prices: str) -> None:
    with pytest.raises(SettingsRefused, match=r"WORKSIDE_MODEL_PRICES.*openai:gpt-4o-mini=0\.15/0\.60"):
        load_settings(_env_file=None, model_prices=prices)


# --- reserve and settle ----------------------------------------------------------------------------------------------


def test_a_budget_is_a_meter(services: Services) -> None:
    meter: Meter[Any] = Budget(services.database, services.settings)
    assert meter.reserve and meter.settle


def test_what_is_settled_takes_the_place_of_what_was_held(
    services: Services, make: Make, payers: list[Payer], clock: MovingClock
) -> None:
    budget = make()
    reservation = budget.reserve(payers[0], "answer", MODEL, 100, 50)
    assert (reservation.tokens, reservation.money) == (150, 600)
    (open_call,) = calls(services)
    assert (open_call.state, open_call.user_id) == ("reserved", payers[0].user_id)
    budget.settle(reservation, Usage(90, 10, is_estimated=True), "whole")
    (call,) = calls(services)
    assert (call.state, call.outcome, call.input_tokens, call.output_tokens, call.money) == (
        "settled", "whole", 90, 10, 260,
    )  # fmt: skip
    assert call.is_estimated and call.user_id is None and call.settled_at == clock()
    with services.database.read() as session:
        for row in session.scalars(select(Spending)):
            assert (row.tokens_spent, row.tokens_reserved, row.money_spent, row.money_reserved) == (
                100,
                0,
                260,
                0,
            )


def test_nothing_that_came_costs_nothing(services: Services, make: Make, payers: list[Payer]) -> None:
    budget = make(cap_learner_tokens=100)
    for _ in range(3):
        budget.settle(budget.reserve(payers[0], "answer", MODEL, 100, 0), None, "timeout")
    assert {call.state for call in calls(services)} == {"released"}
    assert budget.level(payers[0]) is None


def test_a_call_counts_on_the_day_on_which_it_began(
    services: Services, make: Make, payers: list[Payer], clock: MovingClock
) -> None:
    clock.moment = datetime(2026, 11, 22, 23, 59, 59, tzinfo=UTC)
    budget = make(cap_learner_tokens=100)
    reservation = budget.reserve(payers[0], "answer", MODEL, 100, 0)
    clock.forward(2)
    spend(budget, payers[0], 100)
    budget.settle(reservation, Usage(70, 0), "whole")
    with services.database.read() as session:
        rows = session.scalars(
            select(Spending).where(Spending.kind == "learner").order_by(Spending.day)
        ).all()
    assert [(row.day.day, row.tokens_spent, row.tokens_reserved) for row in rows] == [
        (22, 70, 0),
        (23, 100, 0),
    ]


def test_a_call_for_nobody_in_particular_is_paid_by_the_organisation(
    services: Services, make: Make, payers: list[Payer]
) -> None:
    budget = make()
    spend(budget, Payer(payers[0].organisation_id, "", ""), 10)
    with services.database.read() as session:
        assert [row.kind for row in session.scalars(select(Spending))] == ["organisation"]


def test_a_database_that_fails_takes_no_answer_away(
    services: Services, make: Make, payers: list[Payer], monkeypatch: pytest.MonkeyPatch, clock: MovingClock
) -> None:
    """Settling says nothing to who has an answer; the reservation stays, and counts in full when its time is over."""
    budget = make()
    reservation = budget.reserve(payers[0], "answer", MODEL, 100, 0)

    def broken(*_: object) -> bool:
        raise OperationalError("UPDATE", {}, Exception("disk full"))

    with monkeypatch.context() as patch:
        patch.setattr(budget, "_settle", broken)
        budget.settle(reservation, Usage(1, 0), "whole")
    clock.forward(RESERVED_FOR.total_seconds())
    assert budget.expire_next() and not budget.expire_next()
    (call,) = calls(services)
    assert (call.state, call.outcome, call.money) == ("expired", "lost", 200)


def test_who_cannot_reserve_because_the_database_fails_makes_no_call(make: Make, payers: list[Payer]) -> None:
    budget = make()
    budget.database.dispose()
    budget.database.writing.configure(bind=None)
    with pytest.raises(ModelFailed, match="unavailable"):
        budget.reserve(payers[0], "answer", MODEL, 1, 1)


# --- caps ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["learner", "course", "organisation"])
@pytest.mark.parametrize("unit", ["tokens", "money"])
def test_each_cap_stops_a_call_and_says_whose_it_is(
    make: Make, payers: list[Payer], kind: str, unit: str
) -> None:
    cap = {"tokens": 100, "money": Decimal("0.0002")}[unit]
    budget = make(**{f"cap_{kind}_{unit}": cap})
    budget.reserve(payers[0], "answer", MODEL, 100, 0)
    with pytest.raises(BudgetSpent) as refused:
        budget.reserve(payers[0], "answer", MODEL, 1, 0)
    assert refused.value.scope == kind


def test_a_cap_of_money_does_not_stop_a_model_that_costs_none(make: Make, payers: list[Payer]) -> None:
    budget = make(cap_learner_money=Decimal("0.0002"))
    spend(budget, payers[0], 100)
    with pytest.raises(BudgetSpent):
        budget.reserve(payers[0], "answer", MODEL, 1, 0)
    assert budget.reserve(payers[0], "answer", "ollama:unpriced", 100, 100).money == 0


def test_zero_is_no_cap_and_the_defaults_are_some() -> None:
    usual = Settings(_env_file=None)
    assert 0 < usual.cap_learner_tokens < usual.cap_course_tokens < usual.cap_organisation_tokens
    assert usual.cap_learner_money == usual.cap_course_money == usual.cap_organisation_money == 0


def test_zero_stops_nothing(make: Make, payers: list[Payer]) -> None:
    budget = make(cap_learner_tokens=0, cap_course_tokens=0, cap_organisation_tokens=0)
    spend(budget, payers[0], 10**9)
    assert budget.level(payers[0]) is None


def test_an_organisation_may_have_caps_of_its_own(
    services: Services, make: Make, payers: list[Payer]
) -> None:
    budget, organisation = make(cap_learner_tokens=100), payers[0].organisation_id
    with services.database.write() as session:
        change_caps(session, organisation, {"learner_tokens": 150, "course_money": 0})
    spend(budget, payers[0], 150)
    with services.database.write() as session:
        change_caps(session, organisation, {"learner_tokens": None})
        audited = session.scalars(select(AuditEvent).where(AuditEvent.action == "budget.changed")).all()
        assert [event.detail for event in audited] == [
            {"learner_tokens": 150, "course_money": 0}, {"learner_tokens": None},
        ]  # fmt: skip
    with pytest.raises(BudgetSpent):
        budget.reserve(payers[0], "answer", MODEL, 1, 0)


# --- levels ----------------------------------------------------------------------------------------------------------


def test_levels_name_the_nearest_cap_and_when_it_begins_anew(
    make: Make, payers: list[Payer], clock: MovingClock
) -> None:
    budget = make(cap_learner_tokens=1000, cap_course_tokens=1100, cap_organisation_tokens=0)
    reached = []
    for tokens in (799, 1, 149, 1, 50):
        spend(budget, payers[0], tokens)
        level = budget.level(payers[0])
        reached.append(level and (level.percent, level.scope, level.unit))
    learner = [None, (80, "learner", "tokens"), (80, "learner", "tokens"), (95, "learner", "tokens"),
               (100, "learner", "tokens")]  # fmt: skip
    assert reached == learner
    beside = budget.level(payers[1])
    assert beside is not None and (beside.percent, beside.scope) == (80, "course")
    assert beside.until == datetime(2026, 11, 23, tzinfo=UTC)
    clock.moment = beside.until
    assert budget.level(payers[0]) is None, "another day"


def test_a_call_that_did_not_fit_makes_the_cap_reached_until_one_fits(
    make: Make, payers: list[Payer]
) -> None:
    budget = make(cap_learner_tokens=1000)
    spend(budget, payers[0], 900)
    with pytest.raises(BudgetSpent):
        budget.reserve(payers[0], "answer", MODEL, 200, 0)
    refused = budget.level(payers[0])
    assert refused is not None and refused.percent == 100, "what is left is too little for an answer"
    spend(budget, payers[0], 10)
    fits = budget.level(payers[0])
    assert fits is not None and fits.percent == 80


@pytest.mark.parametrize("locale", LOCALES)
def test_each_level_is_said_in_plain_words(make: Make, payers: list[Payer], locale: str) -> None:
    budget, said = make(cap_learner_tokens=100, cap_course_tokens=0), []
    assert spending_view(budget.level(payers[0]), Translator(locale)) is None
    for tokens in (80, 15, 5):
        spend(budget, payers[0], tokens)
        view = spending_view(budget.level(payers[0]), Translator(locale))
        assert view is not None
        said.append((view["title"], view["now"]))
    assert len(set(said)) == 3
    assert all("%" not in title for title, _ in said)


# --- reports and upkeep ----------------------------------------------------------------------------------------------


def test_the_report_counts_learners_and_names_none(
    services: Services, make: Make, payers: list[Payer]
) -> None:
    budget = make(cap_learner_tokens=100, cap_course_tokens=200, cap_organisation_tokens=1000)
    for payer, tokens in zip(payers[:2], (96, 80), strict=True):
        spend(budget, payer, tokens)
    with services.database.read() as session:
        (one,) = spending_today(session, budget, datetime(2026, 11, 22, 17, tzinfo=UTC))
    assert (one.standing.tokens, one.standing.percent, one.standing.level) == (176, 17, None)
    assert one.learners_in_all == 2 and one.learners == {100: 0, 95: 1, 80: 2}
    ((title, course),) = one.courses
    assert (title, course.tokens, course.percent, course.level) == ("", 176, 88, 80)
    assert not any(payer.user_id in repr(one) for payer in payers)

    measure_spending(services)
    labels = {"scope": "learner", "unit": "tokens"}
    assert REGISTRY.get_sample_value("workside_spending_share", labels) == pytest.approx(0.96)
    at_80 = {"scope": "learner", "level": "80"}
    assert REGISTRY.get_sample_value("workside_spending_at_level", at_80) == 2


def test_models_are_reported_with_their_last_failure(
    services: Services, make: Make, payers: list[Payer], clock: MovingClock
) -> None:
    budget = make()
    spend(budget, payers[0], 10, "timeout")
    clock.forward(1)
    failed_at = clock()
    spend(budget, payers[0], 10, "cut_off")
    clock.forward(1)
    spend(budget, payers[0], 10, "stopped")
    budget.reserve(payers[0], "answer", MODEL, 10, 0)
    with services.database.read() as session:
        (use,) = model_uses(session, clock() - timedelta(days=1))
    assert (use.calls, use.failed, use.tokens, use.money) == (3, 2, 30, 60)
    assert (use.last_failure, use.last_failure_at) == ("cut_off", failed_at)


def test_models_are_out_when_only_failures_are_left(
    services: Services, make: Make, payers: list[Payer], clock: MovingClock
) -> None:
    budget = make()
    spend(budget, payers[0], 1)
    for _ in range(2):
        clock.forward(1)
        spend(budget, payers[0], 1, "unavailable")
    spend(budget, payers[0], 1, "refused")
    assert models_out(services) is None, "a model that declines is there"
    clock.forward(1)
    spend(budget, payers[0], 1, "timeout")
    assert "last 3 calls" in (models_out(services) or "") and "(timeout)" in (models_out(services) or "")
    clock.forward(1)
    spend(budget, payers[0], 1)
    assert models_out(services) is None


def test_what_nobody_needs_any_more_is_removed(
    services: Services, make: Make, payers: list[Payer], clock: MovingClock
) -> None:
    budget = make()
    spend(budget, payers[0], 1)
    clock.forward(3 * 86_400)
    remove_old_spending(services)
    with services.database.read() as session:
        assert sorted(session.scalars(select(Spending.kind))) == ["course", "organisation"]
    assert len(calls(services)) == 1
    clock.forward(CALLS_KEPT.total_seconds())
    remove_old_spending(services)
    assert calls(services) == []
