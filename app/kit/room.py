"""A room: everything that the application must know of one feature, declared by the feature itself."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fastapi import APIRouter

from app.kit.health import Probe
from app.kit.jobs import Job
from app.kit.privacy import PersonalData


@dataclass(frozen=True)
class NavigationItem:
    """One entry of the menu: where it leads, what it is called (a message key), and for which roles it is shown.

    `is_shown(services, session, visitor)`, where it is set, says whether there is anything behind it in this activity.
    """

    path: str
    label: str
    roles: frozenset[str]
    is_shown: Callable[..., bool] | None = None


@dataclass(frozen=True)
class DueItem:
    """One line of what waits for a person, already in their language, and where it leads ("": the line says where it is read)."""

    text: str
    href: str = ""


@dataclass(frozen=True)
class PlanSeed:
    """Something that a person did here and may want to do at work, in their language: what a plan can begin with.

    `key` names it ("turn:<id>"), `title` says what it was, `cue` and `actions` are proposals that the person changes as they like.
    """

    key: str
    title: str
    cue: str = ""
    actions: tuple[str, ...] = ()
    skill_key: str = ""


@dataclass(frozen=True)
class PlacementOption:
    """One thing of a kind that can be chosen: its title and a few short facts in the chooser's language.

    `settings` is what the placement keeps of it, JSON-ready: of an activity for one task `task`, and `collections`, the ids of
    the collections that may be used in it.
    """

    key: str
    title: str
    settings: Mapping[str, Any]
    facts: tuple[str, ...] = ()


@dataclass(frozen=True)
class PlacementKind:
    """Something that an instructor can put into a course. `label` and `description` are message keys.

    `options(services, session, person)` lists what there is of it in the person's organisation. `preview_template` shows one as a
    learner will see it, with what `preview(services, session, person, settings)` gives. `first_page(settings)` is where a launch
    of it begins. With `is_combined` the chosen options make one activity together, and none chosen means all of them, also
    those that come later; otherwise each is an activity of its own. `is_graded`: it gets a gradebook column, tagged `key`.
    """

    key: str
    label: str
    description: str
    options: Callable[..., Sequence[PlacementOption]]
    preview: Callable[..., Mapping[str, Any]]
    preview_template: str
    first_page: Callable[[Mapping[str, Any]], str]
    is_graded: bool = False
    is_combined: bool = False


@dataclass(frozen=True)
class Room:
    """`public` lists the paths that need no visit, each with the reason; every other route must ask for a visitor.

    `uploads` lists the paths of routes that take a file, each with the largest that it may be in bytes; everything else that is
    sent has 1 MB at most.
    `due(services, session, visitor, translate)` gives what waits for the visitor in this room; Ask shows it above the question.
    `starters(services, session, visitor)` gives one-tap questions in the visitor's language, such as those of a plan; a room
    offers none that the content does not answer.
    `plan_seeds(services, session, visitor, translate, only)` gives what plans can begin with, the newest first; with `only`, a
    seed's key, just that one, or nothing where it is not this room's or not the visitor's.
    `probes(services)` are what /readyz looks at besides what every process needs. `gauges` read the database and set metrics, each
    called with the services whenever /metrics is read, so that no worker is needed for them.
    `start(services)` runs in a thread of its own when the process begins to serve: what takes seconds and the first visitor need not
    wait for. `close(services)` is awaited before the process ends: it finishes what is under way in the event loop, or gives it back.
    """

    name: str
    router: APIRouter | None = None
    jobs: tuple[Job, ...] = ()
    personal_data: tuple[PersonalData, ...] = ()
    navigation: tuple[NavigationItem, ...] = ()
    placements: tuple[PlacementKind, ...] = ()
    public: dict[str, str] = field(default_factory=dict)
    uploads: dict[str, int] = field(default_factory=dict)
    due: Callable[..., Sequence[DueItem]] | None = None
    starters: Callable[..., Sequence[str]] | None = None
    plan_seeds: Callable[..., Sequence[PlanSeed]] | None = None
    probes: Callable[[Any], Sequence[Probe]] | None = None
    gauges: tuple[Callable[[Any], object], ...] = ()
    start: Callable[[Any], None] | None = None
    close: Callable[[Any], Awaitable[None]] | None = None
