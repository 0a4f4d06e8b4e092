"""The nouns that a launch names, found or recorded: the person, the course, the activity, its content and its gradebook column."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import access_placement
from app.course.copies import (
    CONTEXT_HISTORY,
    LINK_HISTORY,
    ids_of_history,
    inherited_placement,
    record_copy,
)
from app.course.models import (
    Context,
    Deployment,
    LineItem,
    Membership,
    Placement,
    Registration,
    ResourceLink,
    User,
)
from app.kit.clock import now
from app.kit.db import assign
from app.kit.errors import NotFound
from app.kit.ids import new_secret, secret_hash
from app.kit.log import get_logger
from lti.claims import ID_LIMIT
from lti.errors import DeploymentInactive
from lti.message import Launch

log = get_logger("course")

PRACTICE_TAG = "practice"
# When somebody was last seen is told to the minute, so that a second launch writes nothing.
SEEN_EVERY = timedelta(minutes=1)
# The custom parameter that a placed activity carries.
PLACEMENT = "placement"


@dataclass(frozen=True)
class Tenant:
    """The deployment of a launch, and its registration."""

    deployment: Deployment
    registration: Registration

    @property
    def organisation_id(self) -> str:
        return self.deployment.organisation_id


def find_tenant(session: Session, launch: Launch) -> Tenant:
    """The rows of the launch's deployment, which `lti.ports.Registrations` let in a moment ago."""
    deployment, registration = session.execute(
        select(Deployment, Registration)
        .join(Registration, Registration.id == Deployment.registration_id)
        .where(
            Deployment.registration_id == launch.registration_id,
            Deployment.deployment_id == launch.deployment_id,
        )
    ).one()
    if deployment.status != "active" or registration.status != "active":
        # Switched off between the verdict and now: a launch may wait a minute for its browser.
        raise DeploymentInactive(registration.issuer, registration.client_id, deployment.deployment_id)
    if registration.platform == "generic":
        # A self-hosted platform's address says nothing; its signed claims name the product, and the quirks follow from it.
        registration.platform = launch.platform_family
    return Tenant(deployment, registration)


def record_person(session: Session, tenant: Tenant, launch: Launch) -> User:
    """The person, by (registration, organisation, sub). Somebody whom the platform does not name is new with each visit (case 62)."""
    user = find_person(session, tenant, launch.sub)
    if user is None:
        user = User(
            registration_id=tenant.registration.id,
            organisation_id=tenant.organisation_id,
            # Nobody can be launched as this one: it is unguessable, and no launch of a named person looks for it.
            sub=launch.sub or f"anonymous {new_secret()}",
            is_anonymous=launch.sub is None,
        )
        session.add(user)
    if launch.sub is not None:
        name = launch.display_name if launch.name or launch.given_name else user.name
        assign(user, name=name, locale=launch.locale or user.locale)
    if user.last_seen_at is None or now() - user.last_seen_at > SEEN_EVERY:
        user.last_seen_at = now()
    session.flush()
    return user


def find_person(session: Session, tenant: Tenant, sub: str | None) -> User | None:
    """Whom the platform means by `sub`, if they were here before."""
    if sub is None:
        return None
    return session.scalars(
        select(User).where(
            User.registration_id == tenant.registration.id,
            User.organisation_id == tenant.organisation_id,
            User.sub == sub,
            User.is_anonymous.is_(False),
        )
    ).one_or_none()


def record_context(session: Session, tenant: Tenant, launch: Launch) -> Context | None:
    """The course. A launch without one (case 65) gets a place of its own, so that its people meet nobody else's; None where
    it names no activity either."""
    if launch.context is not None:
        key = launch.context.id
    elif launch.resource_link is not None:
        key = f"resource-link:{launch.resource_link.id}"
        if len(key) > ID_LIMIT:
            key = f"resource-link:{secret_hash(launch.resource_link.id)}"
    else:
        return None
    context = session.scalars(
        select(Context).where(Context.deployment_id == tenant.deployment.id, Context.lti_id == key)
    ).one_or_none()
    if context is None:
        context = Context(
            deployment_id=tenant.deployment.id, organisation_id=tenant.organisation_id, lti_id=key
        )
        session.add(context)
    if launch.context:
        assign(context, title=launch.context.title or launch.context.label or context.title)
    session.flush()
    return context


def record_membership(session: Session, context: Context, user: User, role: str) -> None:
    """The person's role in the course; nothing for somebody without a name."""
    if user.is_anonymous:
        return
    membership = session.scalars(
        select(Membership).where(Membership.context_id == context.id, Membership.user_id == user.id)
    ).one_or_none()
    if membership is None:
        membership = Membership(context_id=context.id, user_id=user.id)
        session.add(membership)
    assign(membership, role=role, status="active", seen_at=now())


def record_link(session: Session, tenant: Tenant, context: Context, launch: Launch) -> ResourceLink:
    """The activity with its custom parameters as the platform signs them now, and the content that they name."""
    assert launch.resource_link is not None
    link = session.scalars(
        select(ResourceLink).where(
            ResourceLink.context_id == context.id, ResourceLink.lti_id == launch.resource_link.id
        )
    ).one_or_none()
    if link is None:
        link = ResourceLink(context_id=context.id, lti_id=launch.resource_link.id)
        session.add(link)
    before = link.custom or {}
    custom = {**_carried_by_target(launch), **launch.custom}
    assign(link, title=launch.resource_link.title or link.title, custom=custom)
    session.flush()
    origin = record_copy(session, context, ids_of_history(launch.custom.get(CONTEXT_HISTORY)))
    placement = _named_placement(session, tenant, link)
    if placement is not None:
        shown = placement.id
    elif _is_made_by_hand(link):
        shown = None
    elif link.placement_id is not None and custom.get(PLACEMENT) == before.get(PLACEMENT):
        shown = link.placement_id
    else:
        # Not named, or another organisation's: what was chosen anew for the activity that this one is a copy of.
        inherited = inherited_placement(
            session, context, link, origin, ids_of_history(launch.custom.get(LINK_HISTORY))
        )
        shown = inherited.id if inherited else None
    assign(link, placement_id=shown)
    session.flush()
    return link


def _carried_by_target(launch: Launch) -> dict[str, str]:
    """The placement in the address of a placed activity: it counts where the platform sends the custom parameters no more."""
    query = dict(parse_qsl(urlsplit(launch.target_link_uri).query))
    return {PLACEMENT: query[PLACEMENT]} if query.get(PLACEMENT) else {}


def _is_made_by_hand(link: ResourceLink) -> bool:
    """Whether the plain custom parameters say what the activity shows."""
    return PLACEMENT not in link.custom and bool({"collection", "task"} & link.custom.keys())


def _named_placement(session: Session, tenant: Tenant, link: ResourceLink) -> Placement | None:
    """What the activity's `placement` parameter names in this organisation; another organisation's is not there (case 76)."""
    named = link.custom.get(PLACEMENT)
    if not named:
        return None
    try:
        return access_placement(session, tenant.organisation_id, named)
    except NotFound:
        return None


def record_line_item(session: Session, launch: Launch, context: Context, link: ResourceLink) -> None:
    """Keeps the gradebook column that the launch's AGS claim names (AGS 2.0, 3.1), or the container to find or make one in.

    The newest launch is right about address and scopes; an address that we found or made ourselves stays when the claim
    has none (Moodle drops the claim once an activity has two columns). Only an activity for one task gets a column made.
    """
    assign(link, has_gradebook=launch.ags is not None)
    if launch.ags is None or not (
        launch.ags.lineitem or (launch.ags.lineitems and _is_for_one_task(session, link))
    ):
        return
    item = session.scalars(
        select(LineItem).where(LineItem.resource_link_id == link.id, LineItem.tag == PRACTICE_TAG)
    ).one_or_none()
    if item is None:
        item = LineItem(
            context_id=context.id, resource_link_id=link.id, tag=PRACTICE_TAG, label=link.title or "Practice"
        )
        # What the instructor set when placing it, until the platform is asked; a column that we make gets it.
        if points := _shown_settings(session, link).get("points"):
            item.score_maximum = float(points)
        session.add(item)
    assign(
        item,
        url=_column_of(session, item, launch.ags.lineitem, context, link),
        container_url=launch.ags.lineitems or item.container_url,
        scopes=sorted(launch.ags.scopes),
    )
    if item.read_at is None:
        assign(
            item, read_tries=0
        )  # a gradebook that was down when we asked for the column's maximum is asked again
    session.flush()


def _column_of(
    session: Session, item: LineItem, url: str | None, context: Context, link: ResourceLink
) -> str | None:
    """The claim's column, unless it is another activity's already: two activities would overwrite each other's grades.

    Without one the column stays that was found or made before.
    """
    if url is None or url == item.url:
        return item.url
    owner = session.scalars(
        select(LineItem.resource_link_id).where(LineItem.context_id == context.id, LineItem.url == url)
    ).one_or_none()
    if owner in {None, link.id}:
        return url
    log.warning("column_of_another_activity", context_id=context.id, resource_link_id=link.id)
    return item.url


def _is_for_one_task(session: Session, link: ResourceLink) -> bool:
    return bool(_shown_settings(session, link).get("task"))


def _shown_settings(session: Session, link: ResourceLink) -> Mapping[str, Any]:
    """What says what the activity shows: its placement, or the custom parameters of one made by hand."""
    placement = session.get(Placement, link.placement_id) if link.placement_id else None
    return placement.settings if placement else {"task": link.custom.get("task")}
