"""Spending stops at the cap: fifty calls at once from two processes, and kill -9 in the middle of a call."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.coach.budget import RESERVED_FOR, Budget, BudgetSpent
from app.coach.chat import Payer, Usage
from app.coach.models import ModelCall, Spending
from app.course.services import Services
from tests.app.evidence.course import Course, MovingClock
from tests.faults.spender import reserve_at_once
from tests.faults.world import ROOT

TOKENS, ALLOWED, EACH = 100, 30, 25
CAP = TOKENS * ALLOWED


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def payer(course: Course) -> Payer:
    return Payer(course.organisation_id, course.context_id, course.people["101"])


@pytest.fixture
def budget(services: Services, clock: MovingClock) -> Budget:
    settings = services.settings.model_copy(update={"cap_organisation_tokens": CAP})
    return Budget(services.database, settings, clock)


@pytest.fixture
def other_process(services: Services, clock: MovingClock, payer: Payer) -> Iterator[subprocess.Popen[str]]:
    """A process that is ready to make calls for the same payer."""
    arguments = (
        services.settings.sqlalchemy_url, services.settings.data_dir, clock().isoformat(), CAP, EACH, TOKENS,
        payer.organisation_id, payer.context_id, payer.user_id,
    )  # fmt: skip
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.spender", *map(str, arguments)],
        cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    yield process
    process.kill()
    process.communicate()


def counters(services: Services) -> list[tuple[str, int, int]]:
    """(kind, spent, reserved) of each counter."""
    with services.database.read() as session:
        rows = session.scalars(select(Spending).order_by(Spending.kind)).all()
        return [(row.kind, row.tokens_spent, row.tokens_reserved) for row in rows]


def at_once(number: int, work: Callable[[], object]) -> None:
    threads = [threading.Thread(target=work) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_fifty_calls_of_two_processes_stop_at_the_cap_and_a_killed_one_is_counted_in_full(
    services: Services, budget: Budget, clock: MovingClock, payer: Payer, other_process: subprocess.Popen[str]
) -> None:
    assert other_process.stdin is not None and other_process.stdout is not None
    other_process.stdin.write("go\n")
    other_process.stdin.flush()
    ours = reserve_at_once(budget, payer, EACH, TOKENS)
    theirs = int(other_process.stdout.readline())
    assert len(ours) + theirs == ALLOWED
    kinds = ("course", "learner", "organisation")
    assert counters(services) == [(kind, 0, CAP) for kind in kinds]

    other_process.kill()
    other_process.wait()
    # Every call of ours ends, told twice and at once.
    for reservation in ours:
        at_once(2, lambda one=reservation: budget.settle(one, Usage(40, 20), "whole"))  # type: ignore[misc]
    spent, held = 60 * len(ours), TOKENS * theirs
    assert counters(services) == [(kind, spent, held) for kind in kinds]

    # What the dead one held is nobody's to spend, and is counted in full once, whoever looks.
    assert not budget.expire_next()
    clock.forward(RESERVED_FOR / timedelta(seconds=1))

    def look() -> None:
        while budget.expire_next():
            pass

    at_once(4, look)
    assert counters(services) == [(kind, spent + held, 0) for kind in kinds]
    with services.database.read() as session:
        states = sorted(session.scalars(select(ModelCall.state)))
    assert states == ["expired"] * theirs + ["settled"] * len(ours)

    room = (CAP - spent - held) // TOKENS
    assert len(reserve_at_once(budget, payer, room + 2, TOKENS)) == room
    with pytest.raises(BudgetSpent) as refused:
        budget.reserve(payer, "answer", "fake:model", TOKENS, 0)
    assert refused.value.scope == "organisation"


def test_people_of_several_courses_never_wait_for_each_other_in_a_circle(
    services: Services, budget: Budget, payer: Payer, course: Course
) -> None:
    """Calls of different payers take the counters that they share in one order, while others end and run out."""
    payers = [Payer(payer.organisation_id, context, user) for context in (payer.context_id, "")
              for user in course.people.values()]  # fmt: skip
    problems: list[Exception] = []

    def live(one: Payer) -> None:
        try:
            for _ in range(3):
                reservation = budget.reserve(one, "answer", "fake:model", 10, 10)
                budget.settle(reservation, Usage(5, 5), "whole")
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=live, args=(one,)) for one in payers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert ("organisation", 30 * len(payers), 0) in counters(services)
