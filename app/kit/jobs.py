"""Durable work in the background: the row is the queue.

A job is a function that claims one row by a lease, does the work and says whether there was any. Nothing is handed over in
memory: a process that is killed at any point leaves a row whose lease runs out, and whoever is alive takes it up; a worker
that starts on the same host need not wait for that. Waking the worker only saves waiting; a lost wake-up costs one poll.
See docs/decisions/0004-the-row-is-the-queue.md.
"""

from __future__ import annotations

import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.orm import Session

from app.kit.clock import Clock, now
from app.kit.log import get_logger
from app.kit.metrics import WORKER_BEAT

log = get_logger("jobs")

STOP_SECONDS = 25
"""How long a process that shall end waits for the work in hand. What runs processes gives 30 s and more."""

# host:pid:life. The life tells this process from an earlier one with its pid: in a container every process is number 1.
OWNER = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(4)}"

LeaseTest = Callable[[str], bool]
"""Told a lease's owner, says whether the lease is nobody's any more."""


@dataclass(frozen=True)
class Job:
    """`run_once(state)` claims and finishes at most one piece of work and returns whether there was one.

    `state` is the application's state (`app.course.services.Services`); the kit does not look inside. `free(state, is_nobodys)`
    ends the leases of the job's rows whose owner that test names (`free_leases` on the job's model).
    """

    name: str
    run_once: Callable[[Any], bool]
    every: timedelta = timedelta(seconds=1)
    free: Callable[[Any, LeaseTest], int] | None = None


def is_ours(owner: str) -> bool:
    """Whether a lease was taken by this process in this life."""
    return owner == OWNER or owner.startswith(f"{OWNER}:")


def is_of_the_dead(owner: str) -> bool:
    """Whether a lease was taken by a process of this host that is gone. Of other hosts nothing is known: their leases run out.

    Two containers may share a host name and not their process ids, and then a lease of the living is taken for one of the
    dead. So the work under a lease must stand being done twice, as it must anyhow when a lease runs out.
    """
    host, _, rest = owner.partition(":")
    pid, _, life = rest.partition(":")
    own_host, own_pid, own_life = OWNER.split(":")
    if host != own_host or not pid.isdecimal():
        return False
    if pid == own_pid:
        return life.partition(":")[0] != own_life
    try:
        os.kill(int(pid), 0)
    except ProcessLookupError:
        return True
    except (PermissionError, OverflowError):
        return False
    return False


def free_leases(session: Session, model: Any, is_nobodys: LeaseTest) -> int:
    """Ends the leases that `is_nobodys` says are nobody's, one compare-and-set each; returns how many."""
    owners = session.scalars(select(model.lease_owner).where(model.lease_owner.is_not(None)).distinct())
    freed = 0
    for owner in [owner for owner in owners if is_nobodys(owner)]:
        changed = session.execute(
            update(model)
            .where(model.lease_owner == owner)
            .values(lease_owner=None, lease_until=None)
            .execution_options(synchronize_session=False)
        )
        freed += changed.rowcount  # type: ignore[attr-defined]
    return freed


def claim_row(
    session: Session, candidates: Select[Any], model: Any, owner: str, lease: timedelta, clock: Clock = now
) -> Any:
    """Takes the first of `candidates` under a lease, or returns None.

    `model` has the columns id, lease_owner and lease_until. The claim is one compare-and-set UPDATE, so that of several
    workers exactly one gets the row, on any database; on PostgreSQL rows that another transaction holds are skipped first.
    """
    moment = clock()
    free = (model.lease_until.is_(None)) | (model.lease_until <= moment)
    query = candidates.where(free).limit(1)
    if session.get_bind().dialect.name == "postgresql":
        query = query.with_for_update(skip_locked=True, key_share=True)
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
    """Runs jobs until told to stop, each in a thread of its own: a document that takes minutes holds up no grade.

    The work in hand is finished first; what takes too long for that is given back, and a kill leaves it to the next start.
    """

    def __init__(self, state: Any, jobs: Sequence[Job], clock: Clock = now) -> None:
        self.state = state
        self.jobs = tuple(jobs)
        self.clock = clock
        self._wakes = {job.name: threading.Event() for job in jobs}
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    def wake(self) -> None:
        """There may be work: look now rather than at the next poll."""
        for event in self._wakes.values():
            event.set()

    def start(self) -> None:
        """Begins to work in the background; first what dead processes of this host held is free again."""
        self._free_leases(self.jobs, is_of_the_dead)
        for job in self.jobs:
            thread = threading.Thread(target=self._run, args=(job,), name=f"workside-{job.name}", daemon=True)
            thread.start()
            self._threads.append(thread)

    def stop(self, seconds: float | None = None) -> None:
        """Asks every job to end after the work in hand and waits for them, `seconds` at most (STOP_SECONDS); 0 only asks.

        What is in hand even then is given back: this process ends, and another worker need not wait for its lease.
        """
        self._stopping.set()
        self.wake()
        if seconds is None:
            seconds = STOP_SECONDS
        if not seconds:
            return
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        late = [job for job, thread in zip(self.jobs, self._threads, strict=False) if thread.is_alive()]
        self._free_leases(late, is_ours)

    def wait(self) -> None:
        """Blocks until `stop` is called, as `workside worker` does."""
        self._stopping.wait()

    @property
    def is_alive(self) -> bool:
        """Whether every job's thread runs."""
        return bool(self._threads) and all(thread.is_alive() for thread in self._threads)

    def _free_leases(self, jobs: Sequence[Job], is_nobodys: LeaseTest) -> None:
        for job in jobs:
            try:
                freed = job.free(self.state, is_nobodys) if job.free is not None else 0
            except Exception as error:
                # Freeing only saves waiting: the leases run out by themselves.
                log.error("leases_not_freed", job=job.name, kind=type(error).__name__, exc_info=error)
            else:
                if freed:
                    log.info("leases_freed", job=job.name, count=freed)

    def _run(self, job: Job) -> None:
        wake = self._wakes[job.name]
        while not self._stopping.is_set():
            WORKER_BEAT.labels(job.name).set(self.clock().timestamp())
            wake.clear()
            try:
                while not self._stopping.is_set() and job.run_once(self.state):
                    pass
            except Exception as error:
                # The row keeps its lease and is tried again when that runs out: nothing is lost, and no loop spins.
                log.error("job_failed", job=job.name, kind=type(error).__name__, exc_info=error)
            wake.wait(job.every.total_seconds())
