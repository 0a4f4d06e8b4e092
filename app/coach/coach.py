"""The coach as a process has it: where it looks, who words its answers, and what that may cost."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import anyio

from app.coach.budget import budget_of
from app.coach.chat_models import ChatModels
from app.course.services import Services
from retrieval import Retrieval


@dataclass
class Coach:
    """`looking` bounds how many searches run at once: more than the processor has cores for only makes each of them slower."""

    retrieval: Retrieval
    models: ChatModels
    looking: anyio.CapacityLimiter = field(
        default_factory=lambda: anyio.CapacityLimiter(max(2, os.cpu_count() or 2))
    )


def coach_of(services: Services) -> Coach:
    """The process's coach."""
    return services.part(Coach, _make)


def _make(services: Services) -> Coach:
    return Coach(services.retrieval, ChatModels(services.settings, budget_of(services)))


def warm_up(services: Services) -> None:
    """Imports what the configured models need: seconds that the first question would wait."""
    coach_of(services).models.warm_up()
