"""The doors: who is visiting, and as what. Each `access_*` returns the row or raises NotFound; the two are never told apart."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.course.content import PracticeTask
from app.course.models import (
    Context,
    Deployment,
    Placement,
    Registration,
    ResourceLink,
    User,
    Visit,
)
from app.kit.clock import now
from app.kit.errors import N_, NotAllowed, NotFound, SignedOut, WorksideError
from app.kit.ids import secret_hash
from app.kit.time_zones import HEADER, read_zone
from lti import ROLES, DeepLinkingSettings
from lti.claims import DEEP_LINKING_REQUEST
from lti.roles import TEACHING

EVERYONE = frozenset(ROLES)
# Who may see and judge learners' answers: those who teach the course or administer it, by their role in the *context* (Open edX
# calls a course's own instructor `membership#Administrator`). An administrator of the platform as a whole is not among them.
REVIEWERS = frozenset({"instructor", "teaching_assistant", "administrator"})
# Who may put activities into a course, and choose anew what one shows.
PLACERS: frozenset[str] = frozenset(TEACHING)


class ActivityEmpty(WorksideError):
    """The activity names content that this organisation does not have: it was copied from another one."""

    status = 409
    title = N_("This activity has no content yet")
    advice = N_(
        "It came with a copy of a course from somewhere else. Tell your instructor: they choose its content in a minute."
    )


class NameNeeded(WorksideError):
    """Something is to be kept for a person whom the platform does not name (an anonymous launch)."""

    status = 403
    title = N_("This needs to know who you are")
    advice = N_(
        "Your learning platform did not say who you are, so nothing can be kept for you. You can read and ask."
    )


@dataclass(frozen=True, kw_only=True)
class Person:
    """Who came by which visit, and as what. `is_anonymous`: the platform did not say who; nothing is kept for them.

    `zone` is the time zone of the browser that asks, as each request says it; "UTC" where it says none that there is.
    """

    visit_id: str
    user_id: str
    organisation_id: str
    registration_id: str
    role: str
    locale: str
    name: str
    is_anonymous: bool = False
    return_url: str | None = None
    zone: str = "UTC"

    @property
    def is_reviewer(self) -> bool:
        return self.role in REVIEWERS and not self.is_anonymous

    @property
    def is_placer(self) -> bool:
        return self.role in PLACERS


@dataclass(frozen=True, kw_only=True)
class Visitor(Person):
    """The person of this request in the activity they were launched into. Every door of an activity takes one.

    `placed` are the settings of the placement that the activity shows (`collections`, `task`); None for an activity that was
    made by hand, which the custom parameters of the same names steer.
    """

    context_id: str
    resource_link_id: str
    is_gradable: bool
    context_title: str
    link_title: str
    custom: dict[str, str]
    placed: Mapping[str, Any] | None = None
    is_empty: bool = False

    @property
    def task_key(self) -> str | None:
        """The one practice task that the activity is for, if it is for one."""
        if self.placed is not None:
            return self.placed.get("task") or None
        return self.custom.get("task") or None


@dataclass(frozen=True, kw_only=True)
class Placer(Person):
    """Someone who chooses what a course shall show: a deep linking request. `deployment_id` is the platform's own."""

    context_id: str | None
    context_title: str
    deployment_id: str
    wanted: DeepLinkingSettings
    frame_origins: tuple[str, ...] = ()


@dataclass(frozen=True)
class Arrival:
    """A visit with the rows that it stands on; which of them there are depends on the message that began it."""

    visit: Visit
    user: User
    context: Context | None
    link: ResourceLink | None
    placement: Placement | None
    zone: str = "UTC"

    def person(self) -> Person:
        return Person(**self._who())

    def visitor(self) -> Visitor:
        """The person in their activity; NotFound for a visit without one."""
        if self.context is None or self.link is None:
            raise NotFound
        return Visitor(
            **self._who(),
            context_id=self.context.id,
            resource_link_id=self.link.id,
            is_gradable=self.visit.is_gradable,
            context_title=self.context.title or "",
            link_title=self.link.title or "",
            custom=dict(self.link.custom),
            placed=dict(self.placement.settings) if self.placement else None,
            is_empty=self.placement is None and "placement" in self.link.custom,
        )

    def placer(self) -> Placer:
        """The person who places activities; NotFound for a visit that began otherwise, NotAllowed without the role."""
        if self.visit.message_type != DEEP_LINKING_REQUEST or self.visit.deep_linking is None:
            raise NotFound
        wanted = dict(self.visit.deep_linking)
        deployment_id = str(wanted.pop("deployment_id"))
        placer = Placer(
            **self._who(),
            context_id=self.context.id if self.context else None,
            context_title=(self.context.title or "") if self.context else "",
            deployment_id=deployment_id,
            wanted=DeepLinkingSettings.from_dict(wanted),
            frame_origins=tuple(self.visit.frame_origins),
        )
        if not placer.is_placer:
            raise NotAllowed
        return placer

    def _who(self) -> dict[str, Any]:
        return {
            "visit_id": self.visit.id,
            "user_id": self.user.id,
            "organisation_id": self.visit.organisation_id,
            "registration_id": self.visit.registration_id,
            "role": self.visit.role,
            "locale": self.visit.locale,
            "name": self.user.display_name,
            "is_anonymous": self.user.is_anonymous,
            "return_url": self.visit.return_url,
            "zone": self.zone,
        }


def signed_in(request: Request) -> Arrival:
    """The visit named by the request's bearer; SignedOut without a valid one. Each request prolongs the visit.

    It reads in a unit of its own: a request that will write takes the write lock with its first own statement and no earlier.
    """
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not bearer:
        raise SignedOut
    with request.app.state.database.read() as session:
        row = session.execute(
            select(Visit, User, Context, ResourceLink, Placement)
            .join(User, User.id == Visit.user_id)
            # Whoever is switched off is out with the next request, whatever began the visit.
            .join(Deployment, Deployment.id == Visit.deployment_id)
            .join(Registration, Registration.id == Visit.registration_id)
            .outerjoin(Context, Context.id == Visit.context_id)
            .outerjoin(ResourceLink, ResourceLink.id == Visit.resource_link_id)
            .outerjoin(Placement, Placement.id == ResourceLink.placement_id)
            .where(
                Visit.bearer_hash == secret_hash(bearer),
                Visit.expires_at > now(),
                Deployment.status == "active",
                Registration.status == "active",
            )
        ).one_or_none()
    if row is None:
        raise SignedOut
    visit, user, context, link, placement = row
    arrival = Arrival(visit, user, context, link, placement, read_zone(request.headers.get(HEADER)))
    _prolong(request, arrival.visit)
    request.state.frame_ancestors = tuple(arrival.visit.frame_origins)
    request.state.locale = arrival.visit.locale
    return arrival


def _prolong(request: Request, visit: Visit) -> None:
    """Moves the end of the visit, at most once a minute."""
    end = now() + timedelta(minutes=request.app.state.settings.session_minutes)
    if end - visit.expires_at > timedelta(minutes=1):
        with request.app.state.database.write() as session:
            # One that was ended meanwhile stays ended.
            session.execute(
                update(Visit).where(Visit.id == visit.id, Visit.expires_at > now()).values(expires_at=end)
            )


SignedIn = Annotated[Arrival, Depends(signed_in)]


def as_person(request: Request, arrival: SignedIn) -> Person:
    """Whoever it is, whatever began the visit."""
    if arrival.link is not None:
        request.state.visitor = arrival.visitor()
    return arrival.person()


def as_visitor(request: Request, arrival: SignedIn) -> Visitor:
    """The visitor of an activity that has content. NotFound without an activity, ActivityEmpty for one that was copied bare."""
    visitor = arrival.visitor()
    if visitor.is_empty:
        raise ActivityEmpty
    request.state.visitor = visitor
    return visitor


def as_reviewer(visitor: Annotated[Visitor, Depends(as_visitor)]) -> Visitor:
    """The visitor, if the course's own role lets them see learners' answers."""
    if not visitor.is_reviewer:
        raise NotAllowed
    return visitor


def as_placer(arrival: SignedIn) -> Placer:
    """The person who chooses what a course shall show."""
    return arrival.placer()


def as_chooser(arrival: SignedIn) -> Visitor:
    """The visitor of an activity, with content or without, if they may say what it shows."""
    visitor = arrival.visitor()
    if not visitor.is_placer or visitor.is_anonymous:
        raise NotAllowed
    return visitor


AnyPerson = Annotated[Person, Depends(as_person)]
AnyVisitor = Annotated[Visitor, Depends(as_visitor)]
Reviewer = Annotated[Visitor, Depends(as_reviewer)]
AnyPlacer = Annotated[Placer, Depends(as_placer)]
Chooser = Annotated[Visitor, Depends(as_chooser)]


def refuse_anonymous(visitor: Person) -> None:
    """Raises NameNeeded where something would have to be kept for nobody in particular."""
    if visitor.is_anonymous:
        raise NameNeeded


def access_task(session: Session, visitor: Visitor, key: str, collection_ids: frozenset[str]) -> PracticeTask:
    """The current version of a task of this organisation within the visit's collections."""
    task = session.scalars(
        select(PracticeTask).where(
            PracticeTask.organisation_id == visitor.organisation_id,
            PracticeTask.collection_id.in_(collection_ids),
            PracticeTask.key == key,
            PracticeTask.is_current,
        )
    ).one_or_none()
    if task is None:
        raise NotFound
    return task


def access_task_version(session: Session, visitor: Visitor, task_id: str) -> PracticeTask:
    """One version of a task, whichever is current: what an attempt was made on."""
    task = session.get(PracticeTask, task_id)
    if task is None or task.organisation_id != visitor.organisation_id:
        raise NotFound
    return task


def access_member(session: Session, visitor: Visitor, user_id: str) -> User:
    """A person of the same organisation and registration, for showing a name."""
    user = session.get(User, user_id)
    if user is None or user.organisation_id != visitor.organisation_id:
        raise NotFound
    return user


def access_placement(session: Session, organisation_id: str, placement_id: str) -> Placement:
    """A placement of this organisation; another's is not there."""
    placement = session.get(Placement, placement_id) if placement_id.isascii() else None
    if placement is None or placement.organisation_id != organisation_id:
        raise NotFound
    return placement
