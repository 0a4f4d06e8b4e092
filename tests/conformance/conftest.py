"""Fixtures of the conformance list."""

from __future__ import annotations

import pytest

from tests.app.rooms.campus_fixtures import campus, seeded_folder
from tests.conformance.tool import MovingClock, Tool
from tests.fakes.personalities import PERSONALITIES
from tests.fakes.platform import FakePlatform


@pytest.fixture
def clock() -> MovingClock:
    return MovingClock()


@pytest.fixture
def platform(clock: MovingClock) -> FakePlatform:
    return FakePlatform(clock)


@pytest.fixture
def tool(clock: MovingClock, platform: FakePlatform) -> Tool:
    return Tool(clock, platform)


@pytest.fixture(params=sorted(PERSONALITIES))
def any_tool(request: pytest.FixtureRequest, clock: MovingClock) -> Tool:
    """The tool at a platform of each personality."""
    return Tool(clock, FakePlatform(clock, request.param))


__all__ = ["any_tool", "campus", "clock", "platform", "seeded_folder", "tool"]
