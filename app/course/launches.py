"""From a verified launch to a visit: the nouns that the launch named are recorded, and one door opens once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.course.access import PLACERS, REVIEWERS
from app.course.arrivals import (
    PLACEMENT,
    Tenant,
    find_person,
    find_tenant,
    record_context,
    record_line_item,
    record_link,
    record_membership,
    record_person,
)
from app.course.models import Context, LineItem, Placement, Registration, ResourceLink, User, Visit
from app.course.notices import handler_of, record_notice_service
from app.course.protocol import add_ticket, registration_of, take_ticket
from app.course.roster import record_roster
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import SignedOut
from app.kit.i18n import choose_locale
from app.kit.ids import new_secret, secret_hash
from app.kit.log import get_logger
from app.kit.metrics import LAUNCHES
from lti.claims import DATA_PRIVACY_REQUEST, DEEP_LINKING_REQUEST, SUBMISSION_REVIEW_REQUEST
from lti.message import Launch

log = get_logger("course")
START_SECONDS = 60
# A launch makes up to seven kinds of rows that another launch may make at the same moment.
_ROUNDS = 10
WORK_SHOWN = re.compile(r"/review/([0-9a-f]{32})")
START = "start"


@dataclass(frozen=True)
class Start:
    """What the first page of a visit needs: its bearer, where it begins, and who may frame it."""

    bearer: str
    first: str
    locale: str
    frame_origins: tuple[str, ...]


def admit_launch(services: Services, launch: Launch) -> str:
    """Records who came where as what, and returns the address that opens their visit: `/start/{code}`, once, for 60 seconds."""
    for _ in range(_ROUNDS):
        try:
            return _admit(services, launch)
        except IntegrityError as error:
            # On PostgreSQL a whole class may open a new course at once: all but one find that somebody made the row
            # first, and find it there the next time round. What a round wrote is gone with it.
            log.info("recorded_elsewhere", kind=type(error.orig).__name__)
    return _admit(services, launch)


def _admit(services: Services, launch: Launch) -> str:
    code = new_secret()
    with services.database.write() as session:
        visit, first, bearer = _record_visit(session, services, launch)
        data = {
            "bearer": services.vault.seal(bearer.encode()).decode(),
            "first": first,
            "locale": visit.locale,
            "frame_origins": visit.frame_origins,
        }
        add_ticket(session, START, secret_hash(code), data, now() + timedelta(seconds=START_SECONDS))
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
    tenant = find_tenant(session, launch)
    user = record_person(session, tenant, launch)
    context = record_context(session, tenant, launch)
    # Whoever is not named can do no more than a learner, except for placing activities, which concerns no person.
    role = "learner" if user.is_anonymous and launch.message_type != DEEP_LINKING_REQUEST else launch.role
    if context is not None:
        record_membership(session, context, user, role)
        record_roster(session, context, launch, role)
    record_notice_service(session, tenant.deployment, launch, handler_of(services))
    link, first = _destination(session, services, tenant, launch, context, user, role)
    bearer = new_secret()
    visit = Visit(
        bearer_hash=secret_hash(bearer),
        user_id=user.id,
        organisation_id=tenant.organisation_id,
        registration_id=tenant.registration.id,
        deployment_id=tenant.deployment.id,
        message_type=launch.message_type,
        context_id=(link.context_id if link else context.id if context else None),
        resource_link_id=link.id if link else None,
        deep_linking=_deep_linking(launch),
        role=role,
        is_gradable=launch.is_gradable,
        locale=choose_locale(launch.locale),
        frame_origins=sorted(launch.frame_origins),
        return_url=launch.return_url,
        expires_at=now() + timedelta(minutes=services.settings.session_minutes),
    )
    session.add(visit)
    session.flush()
    record_event(
        session,
        "visit.began",
        organisation_id=tenant.organisation_id,
        actor_id=None if user.is_anonymous else user.id,
        subject_kind="visit",
        subject_id=visit.id,
        role=role,
        message=launch.message_type,
    )
    return visit, first, bearer


def _destination(
    session: Session,
    services: Services,
    tenant: Tenant,
    launch: Launch,
    context: Context | None,
    user: User,
    role: str,
) -> tuple[ResourceLink | None, str]:
    """The activity that the message is about, if it is about one, and the page where the visit begins."""
    if launch.message_type == DEEP_LINKING_REQUEST:
        return None, "/picker"
    if launch.message_type == DATA_PRIVACY_REQUEST:
        return None, "/kept"
    if launch.message_type == SUBMISSION_REVIEW_REQUEST:
        return _reviewed(session, tenant, launch, context if launch.context else None)
    assert context is not None  # a resource link launch names its link, and that makes a place
    link = record_link(session, tenant, context, launch)
    record_line_item(session, launch, context, link)
    shown = WORK_SHOWN.fullmatch(urlsplit(launch.target_link_uri).path)
    if shown and role in REVIEWERS and not user.is_anonymous:
        # The address that went to SpeedGrader with a score (lti.scores); the page itself asks whose work it is.
        return link, f"/review/{shown[1]}"
    placement = session.get(Placement, link.placement_id) if link.placement_id else None
    if placement is not None:
        begin = services.first_pages.get(placement.kind)
        return link, begin(placement.settings) if begin else "/"
    if PLACEMENT in link.custom:
        return link, "/placement" if role in PLACERS and not user.is_anonymous else "/"
    # An activity made by hand says the same in its custom parameters; a task needs no more than its key.
    kind = "practice" if link.custom.get("task") else link.custom.get("activity", "")
    begin = services.first_pages.get(kind)
    return link, begin(link.custom) if begin else "/"


def _reviewed(
    session: Session, tenant: Tenant, launch: Launch, context: Context | None
) -> tuple[ResourceLink | None, str]:
    """The activity of the line item, and the page of the learner's work in it (Submission Review 1.0).

    The line item decides, not the resource link claim: Canvas has sent the wrong one from its SpeedGrader. One that we know
    in another course is refused there; one that we don't know has nothing of ours in it yet.
    """
    assert launch.ags is not None
    item = session.scalars(
        select(LineItem)
        .join(Context, Context.id == LineItem.context_id)
        .where(LineItem.url == launch.ags.lineitem, Context.deployment_id == tenant.deployment.id)
        .order_by(LineItem.context_id != (context.id if context else ""))
        .limit(1)
    ).first()
    if item is not None and context is not None and item.context_id != context.id:
        return None, "/submission/elsewhere"
    learner = find_person(session, tenant, launch.for_user)
    link = session.get(ResourceLink, item.resource_link_id) if item else None
    return link, f"/submission/{learner.id if learner else 'unknown'}"


def _deep_linking(launch: Launch) -> dict[str, Any] | None:
    if launch.deep_linking is None:
        return None
    return {"deployment_id": launch.deployment_id, **launch.deep_linking.to_dict()}


def frame_origins_of_all(services: Services) -> tuple[str, ...]:
    """Every registered platform's origins: who may frame the empty shell that a reload gets before it has shown its bearer."""
    with services.database.read() as session:
        rows = session.scalars(select(Registration)).all()
    return tuple(sorted({origin for row in rows for origin in registration_of(row).frame_origins}))
