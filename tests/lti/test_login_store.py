"""The store of logins under way, in the process and in the database: one launch has one winner, and a flood has an end."""

from __future__ import annotations

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from app.course import models, protocol
from app.course.protocol import DatabaseLaunchStates
from app.kit.db import Database
from lti import Launch, LaunchVerifier, LtiError, begin_login
from lti.claims import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST, SUBMISSION_REVIEW_REQUEST
from lti.errors import LoginsTooMany, StateUnknown
from lti.memory import MemoryLaunchStates
from tests.conformance.tool import MovingClock, Tool
from tests.fakes.messages import message
from tests.fakes.platform import FakePlatform

BOUND = 2_000


class Store:
    """A store under test and how to count what it keeps. `flood` logins are far more than it takes at once, and they may take
    `most_seconds` of processor time, so that a busy machine does not decide."""

    def __init__(self, states: Any, size: Callable[[], int], flood: int, most_seconds: float) -> None:
        self.states = states
        self.size = size
        self.flood = flood
        self.most_seconds = most_seconds


@pytest.fixture
def database(tmp_path: Path, migrated_database: Path) -> Iterator[Database]:
    shutil.copy(migrated_database, tmp_path / "logins.db")
    made = Database(f"sqlite:///{tmp_path}/logins.db")
    # Nobody cuts the power here, so nothing is waited for on the disk.
    event.listen(made.engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    yield made
    made.dispose()


@pytest.fixture(params=["memory", "database"])
def store(request: pytest.FixtureRequest, database: Database, clock: MovingClock, monkeypatch: Any) -> Store:
    if request.param == "memory":
        states = MemoryLaunchStates(clock, limit=BOUND)
        # A login costs a fraction of a millisecond.
        return Store(states, lambda: len(states), 10_000, 30)
    monkeypatch.setattr(protocol, "now", clock)
    monkeypatch.setattr(protocol, "MOST_LOGINS", BOUND)

    def size() -> int:
        with database.read() as session:
            return session.scalar(select(func.count()).select_from(models.LaunchState)) or 0

    # A few milliseconds, whether or not it is refused: 3,000 are over the bound, and five times what ten minutes leave.
    return Store(DatabaseLaunchStates(database), size, 3_000, 36)


def login(tool: Tool, store: Store) -> dict[str, str]:
    begun = begin_login(
        tool.platform.login_fields(), tool.registrations, store.states, tool.settings, tool.clock
    )
    return tool.platform.auth_query(begun.auth_url)


@pytest.mark.parametrize("kind", [RESOURCE_LINK_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST])
def test_of_two_threads_with_one_launch_one_wins(store: Store, clock: MovingClock, kind: str) -> None:
    tool = Tool(clock, FakePlatform(clock))
    verifier = LaunchVerifier(tool.registrations, store.states, tool.platform_keys, tool.settings, clock)
    for _ in range(10):
        query = login(tool, store)
        token = tool.platform.sign(message(tool.platform, kind, query["nonce"]))
        answers = at_once(
            2, lambda t=token, q=query: verifier.verify({"state": q["state"], "id_token": t})[0]
        )
        assert {type(answer) for answer in answers} == {Launch, StateUnknown}
    assert store.size() == 0


def at_once(number: int, call: Callable[[], Any]) -> list[Any]:
    """What that many threads get that call at the same moment: values, or the LtiError."""
    barrier, answers = threading.Barrier(number), []

    def run() -> None:
        barrier.wait()
        try:
            answers.append(call())
        except LtiError as refusal:
            answers.append(refusal)

    threads = [threading.Thread(target=run) for _ in range(number)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def test_a_flood_of_logins_ends_at_the_bound(store: Store, clock: MovingClock) -> None:
    tool = Tool(clock, FakePlatform(clock))
    first = login(tool, store)
    began, refused = time.process_time(), 0
    for _ in range(store.flood):
        try:
            login(tool, store)
        except LoginsTooMany as refusal:
            assert refusal.status == 429
            refused += 1
    assert store.size() == BOUND and refused == store.flood - (BOUND - 1)
    assert time.process_time() - began < store.most_seconds
    # Whoever came before the flood still gets in, and after ten minutes everybody does.
    verifier = LaunchVerifier(tool.registrations, store.states, tool.platform_keys, tool.settings, clock)
    assert verifier.verify(
        {"state": first["state"], "id_token": tool.platform.sign(tool.platform.claims(first["nonce"]))}
    )
    clock.moment += timedelta(minutes=11)
    login(tool, store)
    assert store.size() <= BOUND


def test_a_flood_over_time_leaves_only_the_last_logins(store: Store, clock: MovingClock) -> None:
    """One each second, none of them ever finished: those of the last ten minutes remain, and the few not tidied away yet."""
    tool = Tool(clock, FakePlatform(clock))
    began, largest = time.process_time(), 0
    for number in range(store.flood):
        login(tool, store)
        clock.moment += timedelta(seconds=1)
        if number % 500 == 0:
            largest = max(largest, store.size())
    assert max(largest, store.size()) <= BOUND
    assert time.process_time() - began < store.most_seconds
