"""The promise of cost, by a state machine on the real budget: never above a cap, nothing lost, whatever dies and when.

Calls begin, end, end twice, end late or never; processes die in the middle; days change; several ask at once. Beside the
database a plain model of it is kept, and after every step both must say the same. 6 runs of 30 steps, the same ones each
time; WORKSIDE_STATE_EXAMPLES=500 looks further, elsewhere each time.
"""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import select

from app.coach.budget import KINDS, RESERVED_FOR, Budget, BudgetSpent, Reservation
from app.coach.chat import Payer, Usage
from app.coach.models import ModelCall, Spending
from app.kit.db import Database
from app.kit.settings import Settings
from tests.app.coach.payers import make_payers
from tests.app.evidence.course import MovingClock

EXAMPLES = int(os.environ.get("WORKSIDE_STATE_EXAMPLES", "0"))
# Small enough for a run to reach each of them; the course's is of money: 2 micro-units for a token in, 8 for one out.
CAPS = {
    "cap_learner_tokens": 1000,
    "cap_course_tokens": 0,
    "cap_organisation_tokens": 2500,
    "cap_course_money": "0.003",
}
PRICES = {"fake:priced": (2, 8), "fake:unpriced": (0, 0)}
LIMITS = {("learner", "tokens"): 1000, ("organisation", "tokens"): 2500, ("course", "money"): 3000}
PAYERS = st.integers(0, 2)
MODELS = st.sampled_from(sorted(PRICES))
IN, OUT = st.integers(0, 300), st.integers(1, 300)
WHICH = st.integers(0, 1000)

Key = tuple[date, str, str]


@dataclass
class Call:
    """What the model knows of one call. `state` is "open", "over" (settled or released) or "expired"."""

    reservation: Reservation
    keys: list[Key]
    model: str
    ends: datetime
    state: str = "open"


class Spender(RuleBasedStateMachine):
    def __init__(self, template: Path, folder: Path) -> None:
        super().__init__()
        path = folder / "workside.db"
        for name in ("workside.db", "workside.db-wal", "workside.db-shm"):
            (folder / name).unlink(missing_ok=True)
        shutil.copy(template / "workside.db", path)
        self.database = Database(f"sqlite:///{path}")
        self.payers = make_payers(self.database)
        self.clock = MovingClock()
        priced = ",".join(f"{name}={each[0]}/{each[1]}" for name, each in PRICES.items() if any(each))
        self.settings = Settings(_env_file=None, data_dir=folder, model_prices=priced, **CAPS)
        self.start_process()
        self.calls: list[Call] = []
        self.reserved: Counter[tuple[Key, str]] = Counter()
        self.spent: Counter[tuple[Key, str]] = Counter()
        self.beyond: Counter[tuple[Key, str]] = Counter()

    def teardown(self) -> None:
        self.database.dispose()

    # --- what happens ------------------------------------------------------------------------------------------------

    @rule()
    def start_process(self) -> None:
        """A process that died is followed by one that knows nothing but the database."""
        self.budget = Budget(self.database, self.settings, self.clock)

    @rule(who=PAYERS, model=MODELS, tokens_in=IN, most_out=OUT)
    def call_begins(self, who: int, model: str, tokens_in: int, most_out: int) -> None:
        payer = self.payers[who]
        held = self.cost(model, tokens_in, most_out)
        expected = self.first_cap_passed(payer, held, 1)
        try:
            reservation = self.budget.reserve(payer, "answer", model, tokens_in, most_out)
        except BudgetSpent as refused:
            assert refused.scope == expected
        else:
            assert expected is None
            assert (reservation.tokens, reservation.money) == (held["tokens"], held["money"])
            self.note(reservation, payer, model)

    @rule(who=PAYERS, model=MODELS, tokens_in=IN, most_out=OUT)
    def several_calls_begin_at_once(self, who: int, model: str, tokens_in: int, most_out: int) -> None:
        payer, held = self.payers[who], self.cost(model, tokens_in, most_out)
        room = next(n for n in range(4, -1, -1) if not n or self.first_cap_passed(payer, held, n) is None)
        made: list[Reservation] = []
        gate = threading.Barrier(4)

        def begin() -> None:
            gate.wait()
            with suppress(BudgetSpent):
                made.append(self.budget.reserve(payer, "answer", model, tokens_in, most_out))

        threads = [threading.Thread(target=begin) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert len(made) == room
        for reservation in made:
            self.note(reservation, payer, model)

    @precondition(lambda self: self.calls)
    @rule(
        which=WHICH,
        share=st.integers(0, 100),
        beyond=st.sampled_from([0, 0, 0, 40]),
        times=st.integers(1, 2),
        brings_nothing=st.sampled_from([False, False, False, True]),
    )
    def call_is_settled(self, which: int, share: int, beyond: int, times: int, brings_nothing: bool) -> None:
        """In time, late, once or twice; `beyond`: the provider counts more tokens than were held."""
        call = self.calls[which % len(self.calls)]
        tokens = call.reservation.tokens * share // 100 + beyond
        usage = None if brings_nothing else Usage(tokens, 0)
        for _ in range(times):
            self.budget.settle(call.reservation, usage, "whole")
        if call.state == "over":
            return
        took = self.cost(call.model, 0 if usage is None else usage.input_tokens, 0)
        for key in call.keys:
            for unit, held in self.held(call).items():
                if call.state == "open":
                    self.reserved[key, unit] -= held
                    self.spent[key, unit] += took[unit]
                else:
                    self.spent[key, unit] += took[unit] - held
                self.beyond[key, unit] += max(0, took[unit] - held)
        call.state = "over"

    @rule(seconds=st.sampled_from([1, 60, 600, 901, 40_000, 86_400]))
    def time_passes(self, seconds: int) -> None:
        self.clock.forward(seconds)

    @rule()
    def worker_counts_what_was_lost(self) -> None:
        while self.budget.expire_next():
            pass
        for call in self.calls:
            if call.state == "open" and call.ends <= self.clock():
                call.state = "expired"
                for key in call.keys:
                    for unit, held in self.held(call).items():
                        self.reserved[key, unit] -= held
                        self.spent[key, unit] += held

    # --- what must be so ---------------------------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost_and_no_cap_is_passed(self) -> None:
        with self.database.read() as session:
            rows = {(row.day, row.kind, row.payer_id): row for row in session.scalars(select(Spending))}
            calls = {row.id: row for row in session.scalars(select(ModelCall))}
        keys = set(rows) | {key for key, _ in self.spent} | {key for key, _ in self.reserved}
        for key in keys:
            row = rows.get(key)
            says = (
                (row.tokens_spent, row.tokens_reserved, row.money_spent, row.money_reserved)
                if row
                else (0, 0, 0, 0)
            )
            assert says == (
                self.spent[key, "tokens"], self.reserved[key, "tokens"],
                self.spent[key, "money"], self.reserved[key, "money"],
            )  # fmt: skip
            assert min(says) >= 0
            for unit, used in (("tokens", says[0] + says[1]), ("money", says[2] + says[3])):
                cap = LIMITS.get((key[1], unit))
                assert cap is None or used <= cap + self.beyond[key, unit]
        assert set(calls) == {call.reservation.id for call in self.calls}
        for call in self.calls:
            row = calls[call.reservation.id]
            expected = {"open": {"reserved"}, "over": {"settled", "released"}, "expired": {"expired"}}
            assert row.state in expected[call.state]
            assert (row.user_id is None) == (call.state == "over"), (
                "whose call it was is forgotten with its end"
            )

    # --- the model ---------------------------------------------------------------------------------------------------

    def note(self, reservation: Reservation, payer: Payer, model: str) -> None:
        call = Call(reservation, self.keys(payer), model, self.clock() + RESERVED_FOR)
        self.calls.append(call)
        for key in call.keys:
            for unit, held in self.held(call).items():
                self.reserved[key, unit] += held

    def held(self, call: Call) -> dict[str, int]:
        return {"tokens": call.reservation.tokens, "money": call.reservation.money}

    def keys(self, payer: Payer) -> list[Key]:
        ids = (payer.user_id, payer.context_id, payer.organisation_id)
        return [(self.clock().date(), kind, one) for kind, one in zip(KINDS, ids, strict=True)]

    def cost(self, model: str, tokens_in: int, tokens_out: int) -> dict[str, int]:
        each_in, each_out = PRICES[model]
        return {"tokens": tokens_in + tokens_out, "money": each_in * tokens_in + each_out * tokens_out}

    def first_cap_passed(self, payer: Payer, held: dict[str, int], number: int) -> str | None:
        """Whose cap the last of so many equal calls would pass; the narrowest."""
        for key in self.keys(payer):
            for unit, cost in held.items():
                cap = LIMITS.get((key[1], unit))
                used = self.spent[key, unit] + self.reserved[key, unit]
                if cap is not None and (cost or unit == "tokens") and used + cost * number > cap:
                    return key[1]
        return None


@pytest.fixture(scope="module")
def template(migrated_database: Path) -> Path:
    return migrated_database.parent


def test_no_cap_is_passed_and_nothing_is_lost(template: Path, tmp_path: Path) -> None:
    run_state_machine_as_test(
        lambda: Spender(template, tmp_path),
        settings=settings(
            max_examples=EXAMPLES or 6,
            stateful_step_count=30,
            deadline=None,
            derandomize=not EXAMPLES,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
