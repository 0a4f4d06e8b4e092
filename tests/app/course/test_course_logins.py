"""The store of logins under way: bounded, tidied now and then, shared by replicas."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.course import models, protocol
from app.course.protocol import DatabaseLaunchStates
from app.kit.clock import now
from app.kit.db import Database
from app.kit.migrate import migrate
from lti import LaunchState
from lti.errors import LoginsTooMany


class Hand:
    """A clock that the test moves."""

    def __init__(self) -> None:
        self.moment = now()

    def __call__(self) -> datetime:
        return self.moment


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(protocol, "now", hand)
    monkeypatch.setattr(protocol, "MOST_LOGINS", 20)
    return hand


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/logins.db"
    migrate(url)
    made = Database(url)
    yield made
    made.dispose()


def begin(states: DatabaseLaunchStates, clock: Hand) -> str:
    name = secrets.token_hex(32)
    state = LaunchState("id", "r", "n", "t", None, "", "c", "s", "ss", clock() + timedelta(minutes=10))
    states.put(name, state)
    return name


def kept(database: Database) -> int:
    with database.read() as session:
        return session.scalar(select(func.count()).select_from(models.LaunchState)) or 0


def test_a_flood_is_refused_and_the_next_day_begins_anew(database: Database, clock: Hand) -> None:
    states = DatabaseLaunchStates(database)
    first = begin(states, clock)
    for _ in range(19):
        begin(states, clock)
    for _ in range(5):
        with pytest.raises(LoginsTooMany):
            begin(states, clock)
    assert kept(database) == 20
    assert states.consume(first) is not None
    begin(states, clock)
    with pytest.raises(LoginsTooMany):
        begin(states, clock)
    clock.moment += timedelta(minutes=11)
    begin(states, clock)
    assert kept(database) == 1, "the expired are gone"


def test_replicas_count_each_others_logins(database: Database, clock: Hand) -> None:
    replicas = [DatabaseLaunchStates(database) for _ in range(2)]
    for states in replicas:
        begin(states, clock)
    for _ in range(17):
        begin(replicas[0], clock)
    clock.moment += timedelta(seconds=protocol.TIDY_SECONDS)
    begin(replicas[1], clock)
    with pytest.raises(LoginsTooMany):
        begin(replicas[1], clock)
    assert kept(database) == 20


def test_a_clock_that_went_back_does_not_stop_the_tidying(database: Database, clock: Hand) -> None:
    states = DatabaseLaunchStates(database)
    begin(states, clock)
    clock.moment -= timedelta(days=1)
    begin(states, clock)
    clock.moment += timedelta(days=2)
    begin(states, clock)
    assert kept(database) == 1
