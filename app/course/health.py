"""What each registration was last seen doing, kept beside the launches and never in their way.

Launches and token requests only leave a note in memory. One thread of the process carries the notes to the table
`registration_health`: at most one transaction a second, and for one registration and kind at most one a minute unless
something other than the time has changed. A note that cannot be written is lost, and nothing else is.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from app.course.models import RegistrationHealth
from app.kit.clock import Clock, now
from app.kit.db import Database
from lti.errors import LtiError
from lti.message import Launch
from lti.registration import Registration

log = structlog.get_logger()
# A platform decides how many keys it publishes and what it calls them.
_MOST_KIDS = 20
_LONGEST_NAME = 200
_LONGEST_NOTE = 300
_QUIET_SECONDS = 1.0


class DatabaseObserver:
    """`lti.ports.Observer` on the table `registration_health`. Its thread begins with the first note; `close()` ends it."""

    def __init__(
        self, database: Database, *, every: timedelta = timedelta(minutes=1), clock: Clock = now
    ) -> None:
        self._database = database
        self._every = every
        self._clock = clock
        self._lock = threading.Lock()
        # Whoever flushes waits for the thread that is just writing; whoever notes never does.
        self._writing = threading.Lock()
        self._noted: dict[tuple[str, str], tuple[datetime, Mapping[str, Any]]] = {}
        self._granted: dict[str, frozenset[str]] = {}
        self._waiting: dict[str, dict[str, Any]] = {}
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None

    # --- what lti tells ----------------------------------------------------------------------------------------------

    def token_granted(
        self, registration: Registration, asked: Collection[str], granted: Collection[str]
    ) -> None:
        with self._lock:
            # Grades and rosters ask for different tokens: what another token was granted stays true.
            before = self._granted.get(registration.id, frozenset())
            scopes = frozenset(scope[:_LONGEST_NAME] for scope in granted)
            self._granted[registration.id] = now_granted = (before - set(asked)) | scopes
        self._note(registration.id, "token", {"scopes": sorted(now_granted)}, at="last_token_at")

    def token_refused(self, registration: Registration, refusal: LtiError) -> None:
        self._note_refusal(registration.id, "token", refusal)

    def keys_read(self, registration: Registration, kids: Collection[str]) -> None:
        shown = [kid[:_LONGEST_NAME] for kid in sorted(kids)[:_MOST_KIDS]]
        self._note(registration.id, "keys", {"kids": shown}, at="keys_read_at")

    def launch_accepted(self, launch: Launch) -> None:
        self._note(launch.registration_id, "launch", {}, at="last_launch_at")

    def launch_refused(self, registration: Registration, refusal: LtiError) -> None:
        self._note_refusal(registration.id, "launch", refusal)

    def _note_refusal(self, registration_id: str, kind: str, refusal: LtiError) -> None:
        values = {
            "last_error_kind": kind,
            "last_error": refusal.reason[:80],
            "last_error_note": str(refusal)[:_LONGEST_NOTE],
        }
        self._note(registration_id, f"{kind} refused", values, at="last_error_at")

    def _note(self, registration_id: str, kind: str, values: Mapping[str, Any], *, at: str) -> None:
        moment = self._clock()
        with self._lock:
            noted = self._noted.get((registration_id, kind))
            if noted is not None and noted[1] == values and moment - noted[0] < self._every:
                return
            self._noted[registration_id, kind] = (moment, values)
            self._waiting.setdefault(registration_id, {}).update({**values, at: moment})
            if self._thread is None and not self._closing.is_set():
                self._thread = threading.Thread(target=self._carry, name="workside-health", daemon=True)
                self._thread.start()
        self._wake.set()

    # --- and how it gets to the table --------------------------------------------------------------------------------

    def _carry(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            self.flush()
            self._closing.wait(_QUIET_SECONDS)

    def flush(self) -> None:
        """Writes what waits, now. What the database refuses is dropped: the next launch tells it again."""
        with self._writing:
            with self._lock:
                waiting, self._waiting = self._waiting, {}
            if not waiting:
                return
            try:
                with self._database.write() as session:
                    for registration_id, values in waiting.items():
                        _keep(session, registration_id, values)
            except SQLAlchemyError as error:
                log.warning("registration_health_not_written", kind=type(error).__name__)

    def close(self) -> None:
        """Writes what waits and ends the thread, two seconds at most."""
        self._closing.set()
        self._wake.set()
        if self._thread is not None:
            self._thread.join(2)
        self.flush()


def _keep(session: Session, registration_id: str, values: Mapping[str, Any]) -> None:
    change = update(RegistrationHealth).where(RegistrationHealth.registration_id == registration_id)
    if session.execute(change.values(**values)).rowcount:  # type: ignore[attr-defined]
        return
    try:
        with session.begin_nested():
            session.add(RegistrationHealth(registration_id=registration_id, **values))
    except IntegrityError:
        # Another process was first, or the registration is gone; then this changes nothing.
        session.execute(change.values(**values))
