"""Durable work in the background: the row is the queue.

A job is a function that claims one row by a lease, does the work and says whether there was any. Nothing is handed over in
memory: a process that is killed at any point leaves a row whose lease runs out, and whoever is alive takes it up. Waking the
worker only saves waiting; a lost wake-up costs one poll. See docs/decisions/0004-the-row-is-the-queue.md.
"""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, update
from sqlalchemy.orm import Session

from app.kit.clock import Clock, now
from app.kit.log import get_logger
from app.kit.metrics import WORKER_BEAT

log = get_logger("jobs")

OWNER = f"{socket.gethostname()}:{os.getpid()}"


@dataclass(frozen=True)
class Job:
    """`run_once(state)` claims and finishes at most one piece of work and returns whether there was one.

    `state` is the application's state (`app.main.Services`); the kit does not look inside.
    """

    name: str
    run_once: Callable[[Any], bool]
    every: timedelta = timedelta(seconds=1)


def claim_row(session: Session, candidates: Select[Any], model: Any, owner: str, lease: timedelta, clock: Clock = now) -> Any:
    """Takes the first of `candidates` under a lease, or returns None.

    `model` has the columns id, lease_owner and lease_until. The claim is one compare-and-set UPDATE, so that of several
    workers exactly one gets the row, on any database; on PostgreSQL rows that another transaction holds are skipped first.
    """
    moment = clock()
    free = (model.lease_until.is_(None)) | (model.lease_until <= moment)
    query = candidates.where(free).limit(1)
    if session.get_bind().dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True)
    row = session.scalars(query).first()
    if row is None:
        return None
    taken = session.execute(
        update(model)
        .where(model.id == row.id, free)
        .values(lease_owner=owner, lease_until=moment + lease)
        .execution_options(synchronize_session=False)
    )
    if taken.rowcount != 1:  # type: ignore[attr-defined]
        return None
    session.refresh(row)
    return row


class Worker:
    """Runs jobs round by round until told to stop. The job in hand is finished first; a kill leaves it to its lease."""

    def __init__(self, state: Any, jobs: Sequence[Job], clock: Clock = now) -> None:
        self.state = state
        self.jobs = list(jobs)
        self.clock = clock
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def wake(self) -> None:
        """There may be work: look now rather than at the next poll."""
        self._wake.set()

    def start(self) -> None:
        self._thread = threading.Thread(target=self.run, name="workside-worker", daemon=True)
        self._thread.start()

    def stop(self, seconds: float = 25) -> None:
        """Asks the worker to end after the job in hand and waits for it."""
        self._stopping.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(seconds)

    @property
    def is_alive(self) -> bool:
        return self._thread is not None and self._thread.is_alive()

    def run(self) -> None:
        """The loop of `workside worker`, or of the embedded worker's thread."""
        due = dict.fromkeys((job.name for job in self.jobs), 0.0)
        while not self._stopping.is_set():
            WORKER_BEAT.set(self.clock().timestamp())
            woken = self._wake.is_set()
            self._wake.clear()
            for job in self.jobs:
                if not woken and time.monotonic() < due[job.name]:
                    continue
                while not self._stopping.is_set():
                    try:
                        did_something = job.run_once(self.state)
                    except Exception:
                        # The row keeps its lease and is tried again when that runs out: no work is lost, no loop spins.
                        log.exception("job_failed", job=job.name)
                        break
                    if not did_something:
                        break
                due[job.name] = time.monotonic() + job.every.total_seconds()
            self._wake.wait(min(job.every.total_seconds() for job in self.jobs) if self.jobs else 1)
