"""The operator's page of models and spending: what the day has cost beside its caps, which models answer, whether people do get
answers. It names organisations and courses and no learner: of those it counts how many are near their cap.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from babel.numbers import format_currency, format_decimal, format_percent
from fastapi import APIRouter, Request
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.coach.budget import LEVELS, MICRO, Budget, budget_of, day_ends
from app.coach.chat_models import PURPOSES
from app.coach.health import models_out
from app.coach.spending import ModelUse, OrganisationSpending, Standing, model_uses, spending_today
from app.course.services import Services
from app.kit.clock import now
from app.kit.db import Db
from app.kit.errors import N_
from app.kit.i18n import Translator
from app.kit.pages import render_page, translator_of
from app.kit.settings import Settings
from app.rooms.admin.access import AnyAdmin

router = APIRouter()

CALLS_SHOWN = timedelta(days=1)

# Why a call brought no whole answer, by `ModelCall.outcome`; "lost" is one that was never settled.
FAILURES = {
    "unavailable": N_("it was not there"),
    "timeout": N_("it took too long"),
    "refused": N_("it refused to answer"),
    "cut_off": N_("it broke off"),
    "empty": N_("it said nothing"),
    "malformed": N_("its answer had the wrong form"),
    "misconfigured": N_("the settings do not fit"),
    "lost": N_("the process that asked was ended"),
}
PURPOSE_WORDS = {
    "answer": N_("answers"),
    "rewrite": N_("questions put in other words"),
    "simulate": N_("simulations"),
    "feedback": N_("feedback"),
}


@router.get("/admin/spending")
def show_spending(request: Request, admin: AnyAdmin, session: Db) -> Response:
    """Today's tokens and money against the caps, the models and their last failures, and questions without an answer."""
    services: Services = request.app.state.services
    return render_page(
        request,
        "admin/spending.html",
        **spending_page(session, services, translator_of(request), now()),
        silence=request.app.state.look_for_silence(services),
    )


def spending_page(
    session: Session, services: Services, translate: Translator, moment: datetime
) -> dict[str, Any]:
    """What admin/spending.html shows, the silence watch aside."""
    budget = budget_of(services)
    words = _Numbers(translate, services.settings.currency)
    uses = {use.model: use for use in model_uses(session, moment - CALLS_SHOWN)}
    set_for = _models_in_use(services.settings)
    models = [
        _model_view(model, set_for.get(model, []), uses.get(model), budget, words)
        for model in [*set_for, *(model for model in uses if model not in set_for)]
    ]
    return {
        "until": day_ends(moment),
        "organisations": [_organisation_view(one, words) for one in spending_today(session, budget, moment)],
        "models": models,
        "has_models": bool(set_for),
        "are_out": models_out(services) is not None,
    }


class _Numbers:
    """Numbers, amounts and shares in the reader's language."""

    def __init__(self, translate: Translator, currency: str) -> None:
        self.translate = translate
        self._locale = translate.locale.replace("-", "_")
        self._currency = currency

    def count(self, number: int) -> str:
        return str(format_decimal(number, locale=self._locale))

    def money(self, micro_units: int) -> str:
        return str(format_currency(Decimal(micro_units) / MICRO, self._currency, locale=self._locale))

    def price(self, amount: Decimal) -> str:
        return str(format_currency(amount, self._currency, locale=self._locale, currency_digits=False))

    def percent(self, percent: int) -> str:
        return str(format_percent(Decimal(percent) / 100, locale=self._locale))

    def against(self, used: str, cap: str, percent: int | None) -> str:
        """ "1,200 of 4,000 (30%)", or what is used alone where there is no cap."""
        if percent is None:
            return self.translate("%(used)s, no cap", used=used)
        return self.translate(
            "%(used)s of %(cap)s (%(share)s)", used=used, cap=cap, share=self.percent(percent)
        )


def _standing_view(standing: Standing, words: _Numbers) -> dict[str, Any]:
    return {
        "tokens": words.against(
            words.count(standing.tokens), words.count(standing.cap.tokens), standing.percent_of("tokens")
        ),
        "money": words.against(
            words.money(standing.money), words.money(standing.cap.money), standing.percent_of("money")
        ),
        "level": standing.level or 0,
    }


def _organisation_view(one: OrganisationSpending, words: _Numbers) -> dict[str, Any]:
    return {
        "name": one.name,
        **_standing_view(one.standing, words),
        "has_own_caps": one.has_own_caps,
        "courses": [
            {"title": title or words.translate("A course without a name"), **_standing_view(standing, words)}
            for title, standing in one.courses
        ],
        "more_courses": max(0, one.courses_in_all - len(one.courses)),
        "learners": words.count(one.learners_in_all),
        "learners_at": [
            (words.percent(level), words.count(one.learners.get(level, 0))) for level in reversed(LEVELS)
        ],
    }


def _models_in_use(settings: Settings) -> dict[str, list[str]]:
    """Every model that is set, in the order in which they are asked, with what for."""
    found: dict[str, list[str]] = {}
    for purpose in PURPOSES:
        for model in settings.models_of(purpose):
            found.setdefault(model, []).append(purpose)
    return found


def _model_view(
    model: str, purposes: list[str], use: ModelUse | None, budget: Budget, words: _Numbers
) -> dict[str, Any]:
    each = budget.prices.of(model)
    return {
        "name": model,
        "purposes": ", ".join(words.translate(PURPOSE_WORDS[purpose]) for purpose in purposes),
        "price": " / ".join(words.price(amount) for amount in each) if each else "",
        "calls": words.count(use.calls if use else 0),
        "failed": words.count(use.failed if use else 0),
        "has_failed": bool(use and use.failed),
        "tokens": words.count(use.tokens if use else 0),
        "money": words.money(use.money if use else 0),
        "failure": words.translate(FAILURES.get(use.last_failure, FAILURES["unavailable"]))
        if use and use.last_failure
        else "",
        "failed_at": use.last_failure_at if use else None,
    }
