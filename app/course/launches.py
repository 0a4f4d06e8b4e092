"""From a verified launch to a visit: the nouns that the launch named are recorded, and one door opens once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.course.models import (
    Context,
    Deployment,
    LineItem,
    Membership,
    Registration,
    ResourceLink,
    User,
    Visit,
)
from app.course.protocol import keep_ticket, registration_of, take_ticket
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import N_, SignedOut, WorksideError
from app.kit.i18n import choose_locale
from app.kit.ids import new_secret, secret_hash
from app.kit.metrics import LAUNCHES
from lti.message import Launch

START_SECONDS = 60
START = "start"
PRACTICE_TAG = "practice"
# A course's people keep no row for a visit that ended long ago.
VISITS_KEPT = timedelta(days=1)


class ResourceLinkMissing(WorksideError):
    """A message without a resource link that nothing here answers yet (deep linking, submission review)."""

    status = 400
    title = N_("Workside can't open this yet")
    advice = N_("Open Workside from an activity in your course.")


@dataclass(frozen=True)
class Start:
    """What the first page of a visit needs: its bearer, where it begins, and who may frame it."""

    bearer: str
    first: str
    locale: str
    frame_origins: tuple[str, ...]


def admit_launch(services: Services, launch: Launch) -> str:
    """Records who came where as what, and returns the address that opens their visit: `/start/{code}`, once, for 60 seconds."""
    with services.database.write() as session:
        visit, first, bearer = _record_visit(session, services, launch)
        data = {
            "bearer": bearer,
            "first": first,
            "locale": visit.locale,
            "frame_origins": visit.frame_origins,
        }
    code = new_secret()
    sealed = services.vault.seal(bearer.encode()).decode()
    keep_ticket(
        services.database,
        START,
        secret_hash(code),
        {**data, "bearer": sealed},
        now() + timedelta(seconds=START_SECONDS),
    )
    LAUNCHES.labels("accepted").inc()
    return f"/start/{code}"


def take_start(services: Services, code: str) -> Start:
    """The visit behind a start code, for the first who asks; SignedOut for everyone else."""
    data = take_ticket(services.database, START, secret_hash(code))
    if data is None:
        raise SignedOut
    bearer = services.vault.unseal(data["bearer"].encode()).decode()
    return Start(bearer, data["first"], data["locale"], tuple(data["frame_origins"]))


def _record_visit(session: Session, services: Services, launch: Launch) -> tuple[Visit, str, str]:
    moment = now()
    deployment, registration = session.execute(
        select(Deployment, Registration)
        .join(Registration, Registration.id == Deployment.registration_id)
        .where(
            Deployment.registration_id == launch.registration_id,
            Deployment.deployment_id == launch.deployment_id,
        )
    ).one()
    organisation_id = deployment.organisation_id
    if registration.platform == "generic":
        # A self-hosted platform's address says nothing; its signed claims name the product, and the quirks follow from it.
        registration.platform = launch.platform_family
    user = session.scalars(
        select(User).where(User.registration_id == registration.id, User.sub == (launch.sub or ""))
    ).one_or_none()
    if user is None:
        user = User(registration_id=registration.id, organisation_id=organisation_id, sub=launch.sub or "")
        session.add(user)
    user.name = launch.display_name if launch.name or launch.given_name else user.name
    user.locale = launch.locale or user.locale
    user.last_seen_at = moment
    # A launch without a context (65) has a place of its own, so that its people meet nobody else's.
    if launch.resource_link is None:
        raise ResourceLinkMissing
    context_key = launch.context.id if launch.context else f"resource-link:{launch.resource_link.id}"
    context = session.scalars(
        select(Context).where(Context.deployment_id == deployment.id, Context.lti_id == context_key)
    ).one_or_none()
    if context is None:
        context = Context(deployment_id=deployment.id, organisation_id=organisation_id, lti_id=context_key)
        session.add(context)
    if launch.context:
        context.title = launch.context.title or launch.context.label or context.title
    session.flush()
    link = session.scalars(
        select(ResourceLink).where(
            ResourceLink.context_id == context.id, ResourceLink.lti_id == launch.resource_link.id
        )
    ).one_or_none()
    if link is None:
        link = ResourceLink(context_id=context.id, lti_id=launch.resource_link.id)
        session.add(link)
    link.title = launch.resource_link.title or link.title
    link.custom = dict(launch.custom)
    membership = session.scalars(
        select(Membership).where(Membership.context_id == context.id, Membership.user_id == user.id)
    ).one_or_none()
    if membership is None:
        membership = Membership(context_id=context.id, user_id=user.id)
        session.add(membership)
    membership.role = launch.role
    membership.seen_at = moment
    session.flush()
    _record_line_item(session, launch, context, link)
    bearer = new_secret()
    session.execute(delete(Visit).where(Visit.expires_at < moment - VISITS_KEPT))
    visit = Visit(
        bearer_hash=secret_hash(bearer),
        user_id=user.id,
        organisation_id=organisation_id,
        registration_id=registration.id,
        context_id=context.id,
        resource_link_id=link.id,
        role=launch.role,
        is_gradable=launch.is_gradable,
        locale=choose_locale(launch.locale),
        frame_origins=sorted(launch.frame_origins),
        return_url=launch.return_url,
        expires_at=moment + timedelta(minutes=services.settings.session_minutes),
    )
    session.add(visit)
    session.flush()
    record_event(
        session,
        "visit.began",
        organisation_id=organisation_id,
        actor_id=user.id,
        subject_kind="visit",
        subject_id=visit.id,
        role=launch.role,
    )
    task = launch.custom.get("task")
    return visit, f"/practice/{task}" if task else "/", bearer


def _record_line_item(session: Session, launch: Launch, context: Context, link: ResourceLink) -> None:
    """Keeps the gradebook column that the launch's AGS claim names (AGS 2.0, 3.1), or the container to find or make one in.

    The newest launch is right about address and scopes; an address that we found or made ourselves stays when the claim
    has none (Moodle drops the claim once an activity has two columns).
    """
    if launch.ags is None or not (launch.ags.lineitem or (launch.ags.lineitems and link.custom.get("task"))):
        return
    item = session.scalars(
        select(LineItem).where(LineItem.resource_link_id == link.id, LineItem.tag == PRACTICE_TAG)
    ).one_or_none()
    if item is None:
        item = LineItem(
            context_id=context.id, resource_link_id=link.id, tag=PRACTICE_TAG, label=link.title or "Practice"
        )
        session.add(item)
    item.url = launch.ags.lineitem or item.url
    item.container_url = launch.ags.lineitems or item.container_url
    item.scopes = sorted(launch.ags.scopes)
    if item.read_at is None:
        item.read_tries = 0  # a gradebook that was down when we asked for the column's maximum is asked again
    session.flush()


def frame_origins_of_all(services: Services) -> tuple[str, ...]:
    """Every registered platform's origins: who may frame the empty shell that a reload gets before it has shown its bearer."""
    with services.database.read() as session:
        rows = session.scalars(select(Registration)).all()
    return tuple(sorted({origin for row in rows for origin in registration_of(row).frame_origins}))
