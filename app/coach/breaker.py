"""A circuit breaker: what has failed several times in a row is left alone for a while, then tried with one call."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FAILURES = 3
REST_SECONDS = 30.0
LONGEST_REST_SECONDS = 300.0
LONGEST_ROW = 4  # each rest is twice the one before, until here


class Breaker:
    """One for each model of a process; may be called from any thread. Who was admitted says how it went, exactly once."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._rests = 0  # in a row, without a call that went well
        self._until = 0.0
        self._is_probing = False

    def admits(self) -> bool:
        """Whether a call may be made now. After a rest one call at a time is let through until one has gone well."""
        with self._lock:
            if not self._rests:
                return True
            if self._is_probing or self._clock() < self._until:
                return False
            self._is_probing = True
            return True

    def succeeded(self) -> None:
        with self._lock:
            self._failures = self._rests = 0
            self._is_probing = False

    def failed(self, rest_seconds: float | None = None) -> None:
        """A call failed. `rest_seconds`: the model asked not to be called for so long, and it rests at once."""
        with self._lock:
            self._failures += 1
            self._is_probing = False
            if self._failures < FAILURES and not self._rests and rest_seconds is None:
                return
            rest = REST_SECONDS * 2**self._rests if rest_seconds is None else rest_seconds
            self._until = self._clock() + min(rest, LONGEST_REST_SECONDS)
            self._rests = min(self._rests + 1, LONGEST_ROW)

    def let_go(self) -> None:
        """The call says nothing about the model: it was stopped, or never made."""
        with self._lock:
            self._is_probing = False

    @property
    def rests_for(self) -> float:
        """Seconds of rest that are left; 0 for a model that may be called."""
        with self._lock:
            return max(0.0, self._until - self._clock()) if self._rests else 0.0
