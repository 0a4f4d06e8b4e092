"""Leases: one worker gets a row, and what the dead held is free when the next worker starts."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.course.services import Services
from app.evidence.delivery import free_deliveries
from app.evidence.models import ScoreRow
from app.kit.clock import now
from app.kit.jobs import OWNER, Job, Worker, claim_row, free_leases, is_of_the_dead, is_ours
from tests.app.evidence.course import Course
from tests.app.evidence.test_ledger import together

HOST = socket.gethostname()


@pytest.fixture(scope="module")
def dead_pid() -> int:
    """A process that was and is no more."""
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def lease_to(course: Course, sub: str, owner: str) -> None:
    course.decide(course.hand_in(sub), 31)
    with course.database.write() as session:
        row = session.scalars(select(ScoreRow).where(ScoreRow.user_id == course.people[sub])).one()
        row.lease_owner, row.lease_until = owner, now() + timedelta(hours=1)


def test_who_is_dead_and_who_is_not(dead_pid: int) -> None:
    own_pid = os.getpid()
    assert is_of_the_dead(f"{HOST}:{dead_pid}:0a1b2c3d:row")
    assert is_of_the_dead(f"{HOST}:{own_pid}:another-life:row"), "pid 1 of the container before"
    assert not is_of_the_dead(f"{OWNER}:row")
    assert not is_of_the_dead(OWNER)
    assert not is_of_the_dead(f"{HOST}:{os.getppid()}:0a1b2c3d:row")
    assert not is_of_the_dead(f"elsewhere:{dead_pid}:0a1b2c3d:row"), "of other hosts nothing is known"
    assert not is_of_the_dead("somebody")
    assert not is_of_the_dead(f"{HOST}:x")
    assert not is_of_the_dead(f"{HOST}:{10**30}:0:row")
    assert is_ours(OWNER)
    assert is_ours(f"{OWNER}:row")
    assert not is_ours(f"{OWNER}0")


def test_leases_of_the_dead_are_freed_and_no_others(
    services: Services, course: Course, dead_pid: int
) -> None:
    lease_to(course, "101", f"{HOST}:{dead_pid}:0a1b2c3d:row")
    lease_to(course, "102", f"{OWNER}:row")
    lease_to(course, "103", f"elsewhere:{dead_pid}:0a1b2c3d:row")
    assert free_deliveries(services, is_of_the_dead) == 1
    owners = [course.score_of(sub).lease_owner for sub in ("101", "102", "103")]  # type: ignore[union-attr]
    assert owners == [None, f"{OWNER}:row", f"elsewhere:{dead_pid}:0a1b2c3d:row"]
    assert free_deliveries(services, is_of_the_dead) == 0


def test_of_two_claims_at_once_one_gets_the_row(course: Course) -> None:
    course.decide(course.hand_in("101"), 31)

    def claim(owner: str) -> bool:
        with course.database.write() as session:
            row = claim_row(session, select(ScoreRow), ScoreRow, owner, timedelta(minutes=2))
            time.sleep(0.05)
            return row is not None

    results = together(*[lambda n=n: claim(f"worker-{n}") for n in range(4)])
    assert sorted(results) == [False, False, False, True]


def test_a_lease_that_ran_out_is_anyones(course: Course) -> None:
    lease_to(course, "101", "elsewhere:1:0:row")
    with course.database.write() as session:
        assert claim_row(session, select(ScoreRow), ScoreRow, "me", timedelta(minutes=2)) is None
        session.scalars(select(ScoreRow)).one().lease_until = now()
    with course.database.write() as session:
        row = claim_row(session, select(ScoreRow), ScoreRow, "me", timedelta(minutes=2))
        assert row is not None
        assert row.lease_owner == "me"


class Bench:
    """A worker on one job that takes a row and keeps it in hand until told to go on."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.taken = threading.Event()
        self.go_on = threading.Event()

    def run_once(self, _state: object) -> bool:
        with self.course.database.write() as session:
            row = claim_row(session, select(ScoreRow), ScoreRow, f"{OWNER}:bench", timedelta(minutes=2))
        if row is None:
            return False
        self.taken.set()
        self.go_on.wait(30)
        return False

    def worker(self) -> Worker:
        def free(_state: object, is_nobodys: object) -> int:
            with self.course.database.write() as session:
                return free_leases(session, ScoreRow, is_nobodys)  # type: ignore[arg-type]

        return Worker(None, [Job("bench", self.run_once, timedelta(seconds=1), free)])


def test_a_starting_worker_takes_up_what_a_dead_one_held(course: Course, dead_pid: int) -> None:
    lease_to(course, "101", f"{HOST}:{dead_pid}:0a1b2c3d:row")
    bench = Bench(course)
    worker = bench.worker()
    worker.start()
    assert bench.taken.wait(10)
    bench.go_on.set()
    worker.stop(10)


def test_a_worker_that_cannot_finish_gives_back(course: Course) -> None:
    course.decide(course.hand_in("101"), 31)
    bench = Bench(course)
    worker = bench.worker()
    worker.start()
    assert bench.taken.wait(10)
    worker.stop(0)
    assert course.score_of("101").lease_owner == f"{OWNER}:bench", "asking alone takes nothing away"  # type: ignore[union-attr]
    worker.stop(0.1)
    assert course.score_of("101").lease_owner is None  # type: ignore[union-attr]
    bench.go_on.set()


def test_a_job_that_fails_is_tried_again_and_stops_nobody() -> None:
    calls: list[str] = []

    def fails(_state: object) -> bool:
        calls.append("fails")
        raise RuntimeError

    def works(_state: object) -> bool:
        calls.append("works")
        return False

    def free(_state: object, _test: object) -> int:
        raise RuntimeError

    quick = timedelta(milliseconds=10)
    worker = Worker(None, [Job("fails", fails, quick, free), Job("works", works, quick)])
    worker.start()
    deadline = time.monotonic() + 10
    while (calls.count("fails") < 3 or calls.count("works") < 3) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert worker.is_alive
    worker.stop(5)
    assert not worker.is_alive
    assert min(calls.count("fails"), calls.count("works")) >= 3
