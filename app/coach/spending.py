"""What was spent today, seen by those who may see it: learners in plain words, operators in numbers without names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import case, delete, false, func, or_, select
from sqlalchemy.orm import Session

from app.coach.budget import (
    KINDS,
    LEVELS,
    MICRO,
    RESERVED,
    UNITS,
    Budget,
    Cap,
    Level,
    PayerKind,
    SpendingLevel,
    Unit,
    budget_of,
    caps_for,
    day_of,
    level_of,
    used_of,
)
from app.coach.chat import Payer
from app.coach.models import ModelCall, Spending, SpendingCaps
from app.course.models import Context, Organisation
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_
from app.kit.i18n import Translator
from app.kit.metrics import SPENDING_AT_LEVEL, SPENDING_SHARE

# A learner's counter is needed for its own day, and a call that began before midnight may still be settled into it.
LEARNERS_KEPT = timedelta(days=2)
CALLS_KEPT = timedelta(days=30)
COUNTERS_KEPT = timedelta(days=400)
_COURSES_SHOWN = 10

# --- in plain words --------------------------------------------------------------------------------------------------

_TITLES: Mapping[tuple[Level, PayerKind], str] = {
    (80, "learner"): N_("You have used most of today's budget for the language model"),
    (80, "course"): N_("This course has used most of today's budget for the language model"),
    (80, "organisation"): N_("Your organisation has used most of today's budget for the language model"),
    (95, "learner"): N_("Your budget for the language model is almost used up today"),
    (95, "course"): N_("This course's budget for the language model is almost used up today"),
    (95, "organisation"): N_("Your organisation's budget for the language model is almost used up today"),
    (100, "learner"): N_("Your budget for the language model is used up today"),
    (100, "course"): N_("This course's budget for the language model is used up today"),
    (100, "organisation"): N_("Your organisation's budget for the language model is used up today"),
}
_WHAT_HAPPENS: Mapping[Level, str] = {
    80: N_("Nothing changes yet. Once it is used up, answers are quoted from your documents word for word."),
    95: N_("Your next answers may be quoted from your documents word for word."),
    100: N_("You still get answers, now quoted from your documents word for word."),
}
_WHO_CHANGES_IT = N_("Whoever runs Workside for your organisation can change the budget.")


def spending_view(level: SpendingLevel | None, translate: Translator) -> dict[str, Any] | None:
    """What templates/ask/spending.html shows of a level (`Budget.level`): whose budget, what happens now, who can change it."""
    if level is None:
        return None
    return {
        "percent": level.percent,
        "title": translate(_TITLES[level.percent, level.scope]),
        "now": translate(_WHAT_HAPPENS[level.percent]),
        "who": translate(_WHO_CHANGES_IT),
        "until": level.until,
    }


def spending_note(services: Services, payer: Payer, translate: Translator) -> dict[str, Any] | None:
    """`spending_view` of who asks, now; None where no cap is near."""
    return spending_view(budget_of(services).level(payer), translate)


# --- in numbers ------------------------------------------------------------------------------------------------------


def amount(money: int, currency: str) -> str:
    """Micro-units in words, such as "12.50 USD"; below one unit with four places, where calls of models are counted."""
    return f"{Decimal(money) / MICRO:.{2 if money >= MICRO or not money else 4}f} {currency}"


@dataclass(frozen=True)
class Standing:
    """Where a counter stands under its cap: spent and reserved, in tokens and micro-units of money; a cap of 0 is none."""

    tokens: int
    money: int
    cap: Cap
    level: Level | None

    @property
    def percent(self) -> int | None:
        """Of the cap that is nearer; None where there is none."""
        return max((found for unit in UNITS if (found := self.percent_of(unit)) is not None), default=None)

    def percent_of(self, unit: Unit) -> int | None:
        """Of the unit's cap, rounded down; None without one."""
        most = self.cap.of(unit)
        return (self.tokens if unit == "tokens" else self.money) * 100 // most if most else None


@dataclass(frozen=True)
class OrganisationSpending:
    """An organisation's day. `learners` counts those at or above each level, `courses` are those that spent most."""

    id: str
    name: str
    standing: Standing
    has_own_caps: bool
    courses: list[tuple[str, Standing]] = field(default_factory=list)
    courses_in_all: int = 0
    learners: dict[Level, int] = field(default_factory=dict)
    learners_in_all: int = 0


def spending_today(session: Session, budget: Budget, moment: datetime) -> list[OrganisationSpending]:
    """Every organisation by name, those that have spent nothing too."""
    day = day_of(moment)
    rows = session.execute(
        select(Organisation, Spending, SpendingCaps)
        .outerjoin(
            Spending,
            (Spending.payer_id == Organisation.id)
            & (Spending.kind == "organisation")
            & (Spending.day == day),
        )
        .outerjoin(SpendingCaps, SpendingCaps.organisation_id == Organisation.id)
        .order_by(Organisation.name)
    ).tuples()
    return [
        _organisation_spending(session, budget, moment, organisation, counter, own)
        for organisation, counter, own in rows
    ]


def _organisation_spending(
    session: Session,
    budget: Budget,
    moment: datetime,
    organisation: Organisation,
    counter: Spending | None,
    own: SpendingCaps | None,
) -> OrganisationSpending:
    caps = caps_for(session, organisation.id, budget.caps)
    has_own = own is not None and any(
        getattr(own, f"{kind}_{unit}") is not None for kind in KINDS for unit in UNITS
    )
    if counter is None:
        nothing = Standing(0, 0, caps["organisation"], None)
        return OrganisationSpending(organisation.id, organisation.name, nothing, has_own)
    of_today = (Spending.day == day_of(moment), Spending.organisation_id == organisation.id)
    courses = session.execute(
        select(Context.title, Spending)
        .join(Context, Context.id == Spending.payer_id)
        .where(*of_today, Spending.kind == "course")
        .order_by((Spending.tokens_spent + Spending.tokens_reserved).desc(), Context.id)
        .limit(_COURSES_SHOWN)
    ).tuples()
    courses_in_all, _ = _count_levels(session, moment, organisation.id, "course", caps["course"])
    learners_in_all, learners = _count_levels(session, moment, organisation.id, "learner", caps["learner"])
    return OrganisationSpending(
        organisation.id,
        organisation.name,
        standing_of(counter, caps["organisation"]),
        has_own,
        [(title or "", standing_of(row, caps["course"])) for title, row in courses],
        courses_in_all,
        learners,
        learners_in_all,
    )


def standing_of(counter: Spending, cap: Cap) -> Standing:
    """A counter under a cap."""
    levels = [level for unit in UNITS if (level := level_of(counter, cap, unit))]
    return Standing(used_of(counter, "tokens"), used_of(counter, "money"), cap, max(levels, default=None))


def _count_levels(
    session: Session, moment: datetime, organisation_id: str, kind: PayerKind, cap: Cap
) -> tuple[int, dict[Level, int]]:
    """How many counters there are, and how many of them are at or above each level; counted in the database."""
    used = {
        "tokens": Spending.tokens_spent + Spending.tokens_reserved,
        "money": Spending.money_spent + Spending.money_reserved,
    }
    counts = []
    for level in LEVELS:
        reached = [used[unit] * 100 >= cap.of(unit) * level for unit in UNITS if cap.of(unit)]
        counts.append(func.coalesce(func.sum(case((or_(false(), *reached), 1), else_=0)), 0))
    in_all, *found = session.execute(
        select(func.count(), *counts).where(
            Spending.day == day_of(moment),
            Spending.organisation_id == organisation_id,
            Spending.kind == kind,
        )
    ).one()
    return in_all, {level: int(number) for level, number in zip(LEVELS, found, strict=True)}


@dataclass(frozen=True)
class ModelUse:
    """A model's calls since a moment: money in micro-units; its last failure is the newest call that brought no whole answer."""

    model: str
    calls: int
    failed: int
    tokens: int
    money: int
    last_failure: str = ""
    last_failure_at: datetime | None = None


# Outcomes that are nobody's failure: a whole answer, and one that the person did not wait for.
WELL = frozenset({"whole", "stopped"})


def model_uses(session: Session, since: datetime) -> list[ModelUse]:
    """Every model that was called since then, by name."""
    is_failure = ModelCall.outcome.not_in(WELL)
    over = (ModelCall.state != RESERVED) & (ModelCall.reserved_at >= since)
    rows = session.execute(
        select(
            ModelCall.model,
            func.count(),
            func.sum(case((is_failure, 1), else_=0)),
            func.sum(ModelCall.input_tokens + ModelCall.output_tokens),
            func.sum(ModelCall.money),
        )
        .where(over)
        .group_by(ModelCall.model)
        .order_by(ModelCall.model)
    ).all()
    uses = []
    for model, calls, failed, tokens, money in rows:
        last = session.execute(
            select(ModelCall.outcome, ModelCall.reserved_at)
            .where(over, is_failure, ModelCall.model == model)
            .order_by(ModelCall.reserved_at.desc())
            .limit(1)
        ).first()
        uses.append(ModelUse(model, calls, int(failed), int(tokens), int(money), *(last or ("", None))))
    return uses


# --- changing the caps ------------------------------------------------------------------------------------------------


def change_caps(
    session: Session, organisation_id: str, values: Mapping[str, int | None], actor_id: str | None = None
) -> None:
    """Sets an organisation's own caps: `learner_tokens` ... `organisation_money` (micro-units); None is the setting's again."""
    own = session.get(SpendingCaps, organisation_id) or SpendingCaps(organisation_id=organisation_id)
    for name, value in values.items():
        setattr(own, name, value)
    own.changed_at = now()
    session.add(own)
    record_event(
        session,
        "budget.changed",
        organisation_id=organisation_id,
        actor_id=actor_id,
        subject_kind="organisation",
        subject_id=organisation_id,
        **values,
    )


# --- in the background ------------------------------------------------------------------------------------------------


def expire_next_reservation(services: Services) -> bool:
    """Counts one reservation that nobody settled as spent in full."""
    return budget_of(services).expire_next()


def measure_spending(services: Services) -> None:
    """Sets the gauges of spending against the caps."""
    shares = {(kind, unit): 0.0 for kind in KINDS for unit in UNITS}
    reached = {(kind, level): 0 for kind in KINDS for level in LEVELS}
    budget, moment = budget_of(services), now()
    with services.database.read() as session:
        for organisation_id in session.scalars(
            select(Spending.organisation_id).where(Spending.day == day_of(moment)).distinct()
        ).all():
            caps = caps_for(session, organisation_id, budget.caps)
            for kind in KINDS:
                cap = caps[kind]
                for level, number in _count_levels(session, moment, organisation_id, kind, cap)[1].items():
                    reached[kind, level] += number
                most = session.execute(
                    select(
                        func.max(Spending.tokens_spent + Spending.tokens_reserved),
                        func.max(Spending.money_spent + Spending.money_reserved),
                    ).where(
                        Spending.day == day_of(moment),
                        Spending.organisation_id == organisation_id,
                        Spending.kind == kind,
                    )
                ).one()
                for unit, used in zip(UNITS, most, strict=True):
                    if cap.of(unit):
                        shares[kind, unit] = max(shares[kind, unit], (used or 0) / cap.of(unit))
    for (kind, unit), share in shares.items():
        SPENDING_SHARE.labels(kind, unit).set(share)
    for (kind, level), number in reached.items():
        SPENDING_AT_LEVEL.labels(kind, str(level)).set(number)


def remove_old_spending(services: Services) -> bool:
    """Removes learners' counters once their day is over, and calls and counters that nobody looks at any more."""
    moment = now()
    with services.database.write() as session:
        session.execute(
            delete(Spending).where(
                or_(
                    (Spending.kind == "learner") & (Spending.day < day_of(moment - LEARNERS_KEPT)),
                    Spending.day < day_of(moment - COUNTERS_KEPT),
                )
            )
        )
        session.execute(delete(ModelCall).where(ModelCall.reserved_at < moment - CALLS_KEPT))
    return False
