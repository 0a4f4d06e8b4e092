"""A room: everything that the application must know of one feature, declared by the feature itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from fastapi import APIRouter

from app.kit.jobs import Job
from app.kit.privacy import PersonalData


@dataclass(frozen=True)
class NavigationItem:
    """One entry of the menu: where it leads, what it is called (a message key), and for which roles it is shown."""

    path: str
    label: str
    roles: frozenset[str]


@dataclass(frozen=True)
class Room:
    """`public` lists the paths that need no visit, each with the reason; every other route must ask for a visitor."""

    name: str
    router: APIRouter | None = None
    jobs: tuple[Job, ...] = ()
    personal_data: tuple[PersonalData, ...] = ()
    navigation: tuple[NavigationItem, ...] = ()
    public: dict[str, str] = field(default_factory=dict)
    prepare: Callable[..., None] | None = None
