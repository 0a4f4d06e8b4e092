"""The clock, a course, and services whose way out is the hostile fake platform."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

import lti
from app.course.services import Services
from app.kit.clock import now
from tests.app.evidence.course import Course, MovingClock, make_course
from tests.fakes.platform import FakeNetwork, FakePlatform


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock().install(monkeypatch)


@pytest.fixture
def course(services: Services) -> Course:
    return make_course(services.database)


@pytest.fixture
def network(services: Services) -> FakeNetwork:
    """The services' way out; platforms are added to it."""
    network = FakeNetwork()
    connect(services, network)
    return network


@pytest.fixture
def platform_named(clock: MovingClock, network: FakeNetwork) -> Callable[..., FakePlatform]:
    """Makes a platform of a personality and puts it on the network."""

    def make(personality: str, base: str = "https://lms.example") -> FakePlatform:
        platform = FakePlatform(clock, personality, base=base)
        network.add(platform)
        return platform

    return make


def connect(services: Services, egress: lti.Egress) -> None:
    """Lets the services reach platforms through `egress`, with the real keys and token cache."""
    tokens = lti.ServiceTokens(egress, services.platform.tokens._keys, services.platform.tokens._cache, now)
    services.platform = replace(services.platform, egress=egress, tokens=tokens)
