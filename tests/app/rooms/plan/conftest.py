"""A clock that tests of plans move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Moves the application's clock so far from now: `later(days=7)`."""

    def move(**by: float) -> None:
        monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(timedelta(**by).total_seconds()))

    return move
