"""Limits of requests: a fixed number in a sliding minute for each key, in bounded memory.

One process keeps its own counts; behind several replicas a learner can therefore reach the limit once for each.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict, deque

from app.kit.errors import TooManyRequests


class RateLimit:
    """At most `per_minute` hits of one key within any 60 seconds; at most `keys` keys are remembered, the oldest forgotten."""

    def __init__(self, per_minute: int, keys: int = 10_000) -> None:
        self.per_minute = per_minute
        self.keys = keys
        self._hits: OrderedDict[str, deque[float]] = OrderedDict()
        self._lock = threading.Lock()

    def hit(self, key: str) -> None:
        """Counts one; raises TooManyRequests where it is one too many."""
        moment = time.monotonic()
        with self._lock:
            hits = self._hits.setdefault(key, deque())
            self._hits.move_to_end(key)
            while hits and hits[0] <= moment - 60:
                hits.popleft()
            if len(hits) >= self.per_minute:
                raise TooManyRequests
            hits.append(moment)
            while len(self._hits) > self.keys:
                self._hits.popitem(last=False)
