"""A clock that tests of experts move."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """Moves the application's clock so far from now."""

    def move(by: timedelta) -> None:
        monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(by.total_seconds()))

    return move
