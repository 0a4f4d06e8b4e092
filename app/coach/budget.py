"""What chat models may cost: reserved before a call, settled after it, and never more than the caps of a day.

A call is paid for by three: the learner, their course and their organisation. Each has a counter for the day, and a reservation
goes into all three or into none: one transaction, one compare-and-set UPDATE for each counter, from the narrowest to the widest,
so that two of them never wait for each other and the counter that everybody shares is held for the shortest time.

It fails closed. Who cannot reserve makes no call; what was reserved counts until it is settled; and a reservation that nobody
settles (a process was killed in the middle of a call) counts as spent in full once its time is over. What a call really took is
believed even where it is more than was reserved: the next one then finds less.

A day is UTC's: the people of an organisation may sit in several time zones and share one cap, replicas must agree on when it
begins anew, and providers bill by it. A call counts on the day on which it began.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_CEILING, Decimal
from typing import Literal, get_args

from sqlalchemy import ColumnElement, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from app.coach.chat import ModelFailed, Payer, Purpose, Usage
from app.coach.models import ModelCall, Spending, SpendingCaps
from app.course.services import Services
from app.kit.clock import Clock, now
from app.kit.db import Database
from app.kit.errors import N_, WorksideError
from app.kit.ids import new_id
from app.kit.log import get_logger
from app.kit.metrics import MODEL_CALLS, MODEL_MONEY, MODEL_TOKENS, RESERVATIONS_EXPIRED
from app.kit.settings import Settings, read_prices

log = get_logger("budget")

PayerKind = Literal["learner", "course", "organisation"]
Unit = Literal["tokens", "money"]
Level = Literal[80, 95, 100]

# Narrowest first: the order in which counters are locked, and in which a cap is named where several are reached.
KINDS: tuple[PayerKind, ...] = get_args(PayerKind)
UNITS: tuple[Unit, ...] = get_args(Unit)
LEVELS: tuple[Level, ...] = (100, 95, 80)

RESERVED, SETTLED, RELEASED, EXPIRED = "reserved", "settled", "released", "expired"
# Far beyond the longest call: with its retries one is over in minutes, so what is open after this has nobody any more.
RESERVED_FOR = timedelta(minutes=15)
MICRO = 1_000_000


class BudgetSpent(WorksideError):
    """The call would go over a cap. `scope` says whose; the coach's answer then comes from the composer."""

    status = 429
    title = N_("Today's budget for the language model is used up")
    advice = N_("You still get answers, now quoted from your documents word for word.")

    def __init__(self, scope: PayerKind) -> None:
        super().__init__(scope)
        self.scope = scope


@dataclass(frozen=True)
class Reservation:
    """A call that may be made: what is held for it, tokens and micro-units of money, until it is settled."""

    id: str
    model: str
    purpose: Purpose
    tokens: int
    money: int


@dataclass(frozen=True)
class Cap:
    """What one payer may spend in a day: tokens, and micro-units of money. 0 means no cap."""

    tokens: int
    money: int

    def of(self, unit: Unit) -> int:
        return self.tokens if unit == "tokens" else self.money


Caps = Mapping[PayerKind, Cap]


@dataclass(frozen=True)
class SpendingLevel:
    """How near the nearest cap is: at 80, 95 or 100 percent, whose it is and of what, and when it begins anew."""

    percent: Level
    scope: PayerKind
    unit: Unit
    until: datetime


class Prices:
    """Micro-units of money for tokens of each model. A price per million tokens is as many micro-units per token."""

    def __init__(self, text: str) -> None:
        self._prices = read_prices(text)

    def of(self, model: str) -> tuple[Decimal, Decimal] | None:
        """(input, output) per million tokens, in the currency; None for a model without a price."""
        return self._prices.get(model)

    def knows(self, model: str) -> bool:
        return model in self._prices

    def money(self, model: str, input_tokens: int, output_tokens: int) -> int:
        """Micro-units, rounded up; 0 for a model without a price."""
        each_in, each_out = self._prices.get(model, (Decimal(0), Decimal(0)))
        return int((each_in * input_tokens + each_out * output_tokens).to_integral_value(ROUND_CEILING))


class Budget:
    """Reserves and settles; made once for a process by `budget_of`. Every method may be called from any thread."""

    def __init__(self, database: Database, settings: Settings, clock: Clock = now) -> None:
        self.database = database
        self.prices = Prices(settings.model_prices)
        self.caps = caps_of_settings(settings)
        self._clock = clock

    # --- before a call ----------------------------------------------------------------------------------------------

    def reserve(
        self, payer: Payer, purpose: Purpose, model: str, input_tokens: int, most_output_tokens: int
    ) -> Reservation:
        """Holds the most that the call can take, for all who pay for it; BudgetSpent where it does not fit under a cap.

        Empty ids of `payer` pay nothing: a call for no learner in particular has no learner's counter. A model without a price
        holds no money, and a cap of money does not stop it. ModelFailed where the database fails: without a reservation no call.
        """
        moment = self._clock()
        tokens = max(0, input_tokens) + max(0, most_output_tokens)
        money = self.prices.money(model, max(0, input_tokens), max(0, most_output_tokens))
        payers = _payers(payer.user_id, payer.context_id, payer.organisation_id)
        try:
            with self.database.write() as session:
                caps = caps_for(session, payer.organisation_id, self.caps)
                for kind, payer_id in payers.items():
                    if not _hold(session, moment, kind, payer_id, payer, tokens, money, caps[kind]):
                        raise BudgetSpent(kind)
                call = ModelCall(
                    id=new_id(),
                    organisation_id=payer.organisation_id,
                    context_id=payer.context_id or None,
                    user_id=payer.user_id or None,
                    day=day_of(moment),
                    purpose=purpose,
                    model=model,
                    state=RESERVED,
                    tokens_reserved=tokens,
                    money_reserved=money,
                    reserved_at=moment,
                    expires_at=moment + RESERVED_FOR,
                )
                session.add(call)
        except BudgetSpent as spent:
            self._note_refusal(payer, payers[spent.scope], spent.scope, moment)
            MODEL_CALLS.labels(purpose, model, "budget").inc()
            raise
        except SQLAlchemyError as error:
            log.error("budget_not_reached", kind=type(error).__name__, exc_info=error)
            raise ModelFailed("unavailable", "nothing could be reserved in the budget") from None
        return Reservation(call.id, model, purpose, tokens, money)

    def _note_refusal(self, payer: Payer, payer_id: str, kind: PayerKind, moment: datetime) -> None:
        """The cap counts as reached from now on, though a little may be left: nothing fits into that."""
        try:
            with self.database.write() as session:
                _open_counter(session, moment, kind, payer_id, payer.organisation_id)
                session.execute(
                    update(Spending).where(*_key(day_of(moment), kind, payer_id)).values(refused_at=moment)
                )
        except SQLAlchemyError as error:
            log.warning("refusal_not_noted", kind=type(error).__name__)

    # --- after it ---------------------------------------------------------------------------------------------------

    def settle(self, reservation: Reservation, usage: Usage | None, outcome: str) -> None:
        """Counts what the call took in place of what was held for it; None for `usage` counts nothing: nothing came.

        The first settling counts and any other changes nothing. One that comes after the reservation's time corrects what was
        counted in full. It does not raise where the database fails: the answer is there, and the reservation counts in full.
        """
        try:
            with self.database.write() as session:
                is_first = self._settle(session, reservation, usage, outcome)
        except SQLAlchemyError as error:
            log.error("call_not_settled", call=reservation.id, kind=type(error).__name__, exc_info=error)
            return
        if is_first:
            _count(reservation, usage, outcome, self.prices)

    def _settle(self, session: Session, reservation: Reservation, usage: Usage | None, outcome: str) -> bool:
        call = session.get(ModelCall, reservation.id)
        if call is None:
            return False  # it is older than what is kept
        used = usage or Usage(0, 0)
        money = self.prices.money(call.model, used.input_tokens, used.output_tokens)
        values = {
            "state": SETTLED if usage else RELEASED,
            "outcome": outcome[:40],
            "input_tokens": used.input_tokens,
            "output_tokens": used.output_tokens,
            "is_estimated": used.is_estimated,
            "money": money,
            "user_id": None,
            "settled_at": self._clock(),
        }
        tokens = used.input_tokens + used.output_tokens
        if _take(session, call.id, RESERVED, values):
            _move(session, call, held=-1, tokens=tokens, money=money)
        elif _take(session, call.id, EXPIRED, values):
            _move(
                session, call, held=0, tokens=tokens - call.tokens_reserved, money=money - call.money_reserved
            )
        else:
            return False
        return True

    def expire_next(self) -> bool:
        """Counts one reservation whose time is over as spent in full; whether there was one."""
        moment = self._clock()
        with self.database.write() as session:
            query = (
                select(ModelCall)
                .where(ModelCall.state == RESERVED, ModelCall.expires_at <= moment)
                .order_by(ModelCall.expires_at)
                .limit(1)
            )
            if session.get_bind().dialect.name == "postgresql":
                query = query.with_for_update(skip_locked=True, key_share=True)
            call = session.scalars(query).first()
            if call is None:
                return False
            values = {"state": EXPIRED, "outcome": "lost", "money": call.money_reserved}
            if not _take(session, call.id, RESERVED, values):
                return True  # it was settled at this moment
            _move(session, call, held=-1, tokens=call.tokens_reserved, money=call.money_reserved)
        RESERVATIONS_EXPIRED.inc()
        MODEL_CALLS.labels(call.purpose, call.model, "lost").inc()
        log.warning("reservation_expired", call=call.id, model=call.model, tokens=call.tokens_reserved)
        return True

    # --- how near the caps are ---------------------------------------------------------------------------------------

    def level(self, payer: Payer) -> SpendingLevel | None:
        """The highest level that one of the payer's caps has reached today; None below 80 percent."""
        moment = self._clock()
        keys = list(_payers(payer.user_id, payer.context_id, payer.organisation_id).items())
        with self.database.read() as session:
            caps = caps_for(session, payer.organisation_id, self.caps)
            rows = session.scalars(
                select(Spending).where(
                    Spending.day == day_of(moment), tuple_(Spending.kind, Spending.payer_id).in_(keys)
                )
            )
            counters = {row.kind: row for row in rows}
        reached = [
            (percent, kind, unit)
            for kind in KINDS
            if kind in counters
            for unit in UNITS
            if (percent := level_of(counters[kind], caps[kind], unit))
        ]
        if not reached:
            return None
        percent, kind, unit = max(reached, key=lambda one: one[0])  # of several the first: the narrowest
        return SpendingLevel(percent, kind, unit, day_ends(moment))


def budget_of(services: Services) -> Budget:
    """The process's budget."""
    return services.part(Budget, lambda made: Budget(made.database, made.settings))


def day_of(moment: datetime) -> date:
    """The UTC day of a moment."""
    return moment.astimezone(UTC).date()


def day_ends(moment: datetime) -> datetime:
    """When the UTC day of a moment is over."""
    return datetime.combine(day_of(moment) + timedelta(days=1), time(), UTC)


def level_of(counter: Spending, cap: Cap, unit: Unit) -> Level | None:
    """The level that a counter has reached under a cap; None below 80 percent and without a cap."""
    most = cap.of(unit)
    if not most:
        return None
    used = used_of(counter, unit)
    if counter.refused_at is not None and used * 100 >= most * LEVELS[-1]:
        return 100
    return next((level for level in LEVELS if used * 100 >= most * level), None)


def used_of(counter: Spending, unit: Unit) -> int:
    """What is spent and reserved."""
    if unit == "tokens":
        return counter.tokens_spent + counter.tokens_reserved
    return counter.money_spent + counter.money_reserved


# --- caps ------------------------------------------------------------------------------------------------------------


def caps_of_settings(settings: Settings) -> Caps:
    """The caps that hold where an organisation has none of its own."""
    return {
        kind: Cap(
            getattr(settings, f"cap_{kind}_tokens"), micro_units(getattr(settings, f"cap_{kind}_money"))
        )
        for kind in KINDS
    }


def caps_for(session: Session, organisation_id: str, usual: Caps) -> Caps:
    """The caps of an organisation: its own, and `usual` where it has none."""
    own = session.get(SpendingCaps, organisation_id)
    if own is None:
        return usual
    return {
        kind: Cap(
            *(
                usual[kind].of(unit) if (value := getattr(own, f"{kind}_{unit}")) is None else value
                for unit in UNITS
            )
        )
        for kind in KINDS
    }


def micro_units(amount: Decimal) -> int:
    """An amount of the currency in micro-units, rounded up: a cap of next to nothing must not become none."""
    return int((amount * MICRO).to_integral_value(ROUND_CEILING))


# --- counters --------------------------------------------------------------------------------------------------------


def _payers(user_id: str | None, context_id: str | None, organisation_id: str) -> dict[PayerKind, str]:
    """Whose counters a call stands in, in the order in which they are locked."""
    ids: dict[PayerKind, str | None] = {
        "learner": user_id,
        "course": context_id,
        "organisation": organisation_id,
    }
    return {kind: payer_id for kind in KINDS if (payer_id := ids[kind])}


def _key(day: date, kind: PayerKind, payer_id: str) -> tuple[ColumnElement[bool], ...]:
    return (Spending.day == day, Spending.kind == kind, Spending.payer_id == payer_id)


def _hold(
    session: Session,
    moment: datetime,
    kind: PayerKind,
    payer_id: str,
    payer: Payer,
    tokens: int,
    money: int,
    cap: Cap,
) -> bool:
    """Reserves in one counter, if it then is still within the cap: a compare-and-set that is right under any isolation."""
    change = (
        update(Spending)
        .where(*_key(day_of(moment), kind, payer_id))
        .values(
            tokens_reserved=Spending.tokens_reserved + tokens,
            money_reserved=Spending.money_reserved + money,
            refused_at=None,
        )
        .execution_options(synchronize_session=False)
    )
    if cap.tokens:
        change = change.where(Spending.tokens_spent + Spending.tokens_reserved + tokens <= cap.tokens)
    if cap.money and money:
        change = change.where(Spending.money_spent + Spending.money_reserved + money <= cap.money)
    if session.execute(change).rowcount == 1:  # type: ignore[attr-defined]
        return True
    _open_counter(session, moment, kind, payer_id, payer.organisation_id)
    return session.execute(change).rowcount == 1  # type: ignore[attr-defined,no-any-return]


def _open_counter(
    session: Session, moment: datetime, kind: PayerKind, payer_id: str, organisation_id: str
) -> None:
    """Makes the day's counter unless it is there; of several that do so at once one does."""
    values = {
        "day": day_of(moment), "kind": kind, "payer_id": payer_id, "organisation_id": organisation_id,
    }  # fmt: skip
    if session.get_bind().dialect.name == "postgresql":
        session.execute(postgresql.insert(Spending).values(values).on_conflict_do_nothing())
    else:
        session.execute(sqlite.insert(Spending).values(values).on_conflict_do_nothing())


def _take(session: Session, call_id: str, state: str, values: Mapping[str, object]) -> bool:
    """Leads a call out of `state`, once: of several that try exactly one is told so."""
    changed = session.execute(
        update(ModelCall)
        .where(ModelCall.id == call_id, ModelCall.state == state)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return changed.rowcount == 1  # type: ignore[attr-defined,no-any-return]


def _move(session: Session, call: ModelCall, *, held: int, tokens: int, money: int) -> None:
    """Adds to what is spent in the call's counters, and with `held=-1` takes out what was held for it."""
    for kind, payer_id in _payers(call.user_id, call.context_id, call.organisation_id).items():
        session.execute(
            update(Spending)
            .where(*_key(call.day, kind, payer_id))
            .values(
                tokens_reserved=Spending.tokens_reserved + held * call.tokens_reserved,
                money_reserved=Spending.money_reserved + held * call.money_reserved,
                tokens_spent=Spending.tokens_spent + tokens,
                money_spent=Spending.money_spent + money,
            )
            .execution_options(synchronize_session=False)
        )


def _count(reservation: Reservation, usage: Usage | None, outcome: str, prices: Prices) -> None:
    MODEL_CALLS.labels(reservation.purpose, reservation.model, outcome).inc()
    if usage is not None:
        MODEL_TOKENS.labels(reservation.model, "input").inc(usage.input_tokens)
        MODEL_TOKENS.labels(reservation.model, "output").inc(usage.output_tokens)
        money = prices.money(reservation.model, usage.input_tokens, usage.output_tokens)
        MODEL_MONEY.labels(reservation.model).inc(money / MICRO)
