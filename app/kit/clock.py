"""The one clock. Every time in the application is an aware UTC datetime that came from here.

Tests and the demo may move it with `WORKSIDE_CLOCK_OFFSET` (seconds), so that a check-in in 90 days can be seen today.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

Clock = Callable[[], datetime]


def now() -> datetime:
    """The present moment, aware, in UTC."""
    offset = os.environ.get("WORKSIDE_CLOCK_OFFSET")
    moment = datetime.now(UTC)
    return moment + timedelta(seconds=float(offset)) if offset else moment
