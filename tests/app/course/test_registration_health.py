"""What a registration was last seen doing: true, cheap, and never in the way of a launch."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import event, select

from app.course.health import DatabaseObserver
from app.course.models import Organisation, Registration, RegistrationHealth
from app.course.protocol import registration_of
from app.course.services import Services
from app.kit.db import Database
from lti.errors import NonceMismatch, TokenDenied
from lti.message import Launch

SCORE, ROSTER = "https://purl.imsglobal.org/spec/lti-ags/scope/score", "roster"


class Clock:
    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 23, 9, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment


class Watched:
    """An observer on a database whose writing transactions are counted."""

    def __init__(self, services: Services) -> None:
        self.database = services.database
        self.clock = Clock()
        self.observer = DatabaseObserver(self.database, clock=self.clock)
        with self.database.write() as session:
            owner = Organisation(name="north")
            session.add(owner)
            session.flush()
            row = Registration(
                organisation_id=owner.id,
                name="n",
                issuer="https://n.example",
                client_id="c",
                auth_url="https://n.example/a",
                token_url="https://n.example/t",
                jwks_url="https://n.example/k",
            )
            session.add(row)
            session.flush()
            self.registration = registration_of(row)
        self.writes = 0
        event.listen(self.database._writing_engine, "commit", self._count)

    def _count(self, _connection: object) -> None:
        self.writes += 1

    def launch(self) -> Launch:
        return Launch(
            id="x",
            registration_id=self.registration.id,
            issuer="https://n.example",
            client_id="c",
            deployment_id="1",
            message_type="LtiResourceLinkRequest",
            target_link_uri="https://t.example",
            sub="ana",
            roles=(),
            role="learner",
        )

    def row(self) -> RegistrationHealth:
        self.observer.flush()
        with self.database.read() as session:
            return session.scalars(select(RegistrationHealth)).one()


@pytest.fixture
def watched(services: Services) -> Iterator[Watched]:
    made = Watched(services)
    yield made
    made.observer.close()


def test_each_kind_of_sign_is_kept(watched: Watched) -> None:
    observer, registration = watched.observer, watched.registration
    observer.keys_read(registration, ["b", "a"])
    observer.token_granted(registration, [SCORE], [SCORE])
    observer.launch_accepted(watched.launch())
    observer.launch_refused(registration, NonceMismatch("note"))
    row = watched.row()
    assert (row.kids, row.scopes) == (["a", "b"], [SCORE])
    moment = watched.clock.moment
    assert (row.last_launch_at, row.last_token_at, row.keys_read_at, row.last_error_at) == (moment,) * 4
    assert (row.last_error_kind, row.last_error, row.last_error_note) == ("launch", "nonce_mismatch", "note")


def test_scopes_of_other_tokens_stay_and_those_taken_back_go(watched: Watched) -> None:
    observer, registration = watched.observer, watched.registration
    observer.token_granted(registration, [SCORE, "columns"], [SCORE, "columns"])
    observer.token_granted(registration, [ROSTER], [ROSTER])
    assert set(watched.row().scopes) == {SCORE, "columns", ROSTER}
    observer.token_granted(registration, [SCORE, "columns"], [SCORE])
    assert set(watched.row().scopes) == {SCORE, ROSTER}


def test_a_thousand_launches_in_a_minute_are_one_write(watched: Watched) -> None:
    for _ in range(1000):
        watched.observer.launch_accepted(watched.launch())
    watched.observer.flush()
    time.sleep(0.05)
    assert watched.writes == 1
    watched.clock.moment += timedelta(seconds=59)
    watched.observer.launch_accepted(watched.launch())
    watched.observer.flush()
    assert watched.writes == 1
    watched.clock.moment += timedelta(seconds=1)
    watched.observer.launch_accepted(watched.launch())
    assert watched.row().last_launch_at == watched.clock.moment
    assert watched.writes == 2


def test_what_has_changed_is_written_within_the_minute(watched: Watched) -> None:
    watched.observer.keys_read(watched.registration, ["a"])
    assert watched.row().kids == ["a"]
    watched.observer.keys_read(watched.registration, ["a", "b"])
    assert watched.row().kids == ["a", "b"]


def test_changes_without_end_are_at_most_one_write_a_second(watched: Watched) -> None:
    """Who sends rubbish with ever other faults makes no load: the thread rests between its transactions."""
    until = time.monotonic() + 0.8
    n = 0
    while time.monotonic() < until:
        watched.observer.launch_refused(watched.registration, NonceMismatch(f"note {n}"))
        n += 1
    assert n > 1000 and watched.writes <= 2


def test_a_launch_never_waits_for_the_table(watched: Watched) -> None:
    """While another transaction holds the one write lock, telling takes no time and fails nothing."""
    took: list[float] = []

    def tell() -> None:
        began = time.perf_counter()
        for n in range(100):
            watched.observer.launch_accepted(watched.launch())
            watched.observer.keys_read(watched.registration, [str(n)])
        took.append(time.perf_counter() - began)

    with watched.database.write() as session:
        session.add(Organisation(name="holds the lock"))
        session.flush()
        threads = [threading.Thread(target=tell) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(5)
    assert len(took) == 4 and max(took) < 2
    assert watched.row().last_launch_at is not None


def test_a_database_that_is_gone_loses_the_note_and_nothing_else(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def broken() -> object:
        raise OperationalError("x", None, Exception("gone"))

    monkeypatch.setattr(watched.database, "write", broken)
    watched.observer.token_refused(watched.registration, TokenDenied("status 400"))
    watched.observer.flush()
    monkeypatch.undo()
    watched.clock.moment += timedelta(minutes=2)
    watched.observer.token_refused(watched.registration, TokenDenied("status 400"))
    assert watched.row().last_error == "token_denied"


def test_a_registration_that_is_gone_keeps_no_other_from_being_noted(watched: Watched) -> None:
    gone = registration_of(
        Registration(
            id="gone", issuer="https://g.example", client_id="c", auth_url="https://g.example",
            token_url="https://g.example", jwks_url="https://g.example", platform="generic",
            allow_private=False, allow_anonymous=False,
        )
    )  # fmt: skip
    watched.observer.keys_read(gone, ["x"])
    watched.observer.keys_read(watched.registration, ["a"])
    assert watched.row().kids == ["a"]


def test_two_processes_write_one_row(watched: Watched) -> None:
    other = DatabaseObserver(Database(watched.database.url), clock=watched.clock)
    watched.observer.launch_accepted(watched.launch())
    other.token_granted(watched.registration, [SCORE], [SCORE])
    watched.observer.flush()
    other.close()
    row = watched.row()
    assert row.last_launch_at is not None and row.last_token_at is not None


def test_a_platform_cannot_make_the_row_large(watched: Watched) -> None:
    watched.observer.keys_read(watched.registration, ["k" * 10_000 + str(n) for n in range(500)])
    watched.observer.token_refused(watched.registration, TokenDenied("x" * 10_000))
    row = watched.row()
    assert len(row.kids) == 20 and max(map(len, row.kids)) == 200
    assert len(row.last_error_note or "") == 300
