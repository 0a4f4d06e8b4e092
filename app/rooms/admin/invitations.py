"""Invitations: a link that an operator makes and pastes into a platform, under which that platform registers itself, once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlalchemy import select, update
from sqlalchemy.orm import Session

import lti
from app.course import models
from app.course.loading import organisation_named
from app.course.platforms import PlatformRefused, check_values, record_registration
from app.course.protocol import PlatformEgress
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.db import Database
from app.kit.errors import N_, NotFound, WorksideError
from app.kit.ids import new_id, new_secret, secret_hash
from app.kit.vault import Vault
from app.rooms.admin.models import Invitation
from lti.dynamic_registration import (
    PlatformConfiguration,
    Registered,
    ToolDescription,
    read_configuration,
    registration_document,
    send_registration,
)
from lti.errors import LtiError

LIVES = {1: N_("1 hour"), 24: N_("1 day"), 168: N_("7 days")}
"""How long an invitation may live, in hours."""
# A registration's three requests end within this time; then another try may begin.
_UNDER_WAY = timedelta(minutes=2)
State = Literal["open", "under way", "used", "revoked", "expired"]


class InvitationClosed(WorksideError):
    """The link is no invitation, or not any more: used, revoked or expired. The three are told apart only to the operator."""

    status = 404
    title = N_("This registration link doesn't work")
    advice = N_(
        "It was used, it has expired, or a part of it is missing. Ask the people who run Workside for you for a new one."
    )


class InvitationBusy(WorksideError):
    """Another window registers under the same link at this moment."""

    status = 409
    title = N_("This registration is under way in another window")
    advice = N_("Wait for it to finish. If it failed, try again in two minutes.")


class RegisteredBefore(LtiError):
    """The platform gave a client id that one of our registrations has."""

    title = N_("This platform gave a client id that is registered here already")
    advice = N_("Remove the tool in your learning platform, or ask the people who run Workside for you.")


class InvitationRevoked(LtiError):
    """An operator revoked the invitation while the platform was answering."""

    title = N_("The invitation was revoked in the meantime")
    advice = N_("Remove the tool in your learning platform: Workside doesn't know it.")


@dataclass(frozen=True)
class Step:
    """One step as the page shows it: its name, how it went, and of a failure the words, the platform's own beside them."""

    name: Literal["configuration", "keys", "registration", "saved"]
    is_well: bool
    title: str = ""
    advice: str = ""
    details: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Outcome:
    """What came of a try. `registration_id` is None where it failed; `waits` where the deployment is still unknown."""

    steps: tuple[Step, ...]
    registration_id: str | None = None
    client_id: str = ""
    deployment_id: str | None = None
    scopes: tuple[str, ...] = ()

    @property
    def is_well(self) -> bool:
        return self.registration_id is not None


def state_of(row: Invitation, moment: datetime | None = None) -> State:
    moment = moment or now()
    if row.used_at is not None:
        return "used"
    if row.revoked_at is not None:
        return "revoked"
    if row.expires_at <= moment:
        return "expired"
    return "under way" if row.claimed_until is not None and row.claimed_until > moment else "open"


def make_invitation(
    session: Session,
    vault: Vault,
    *,
    name: str,
    organisation: str,
    platform: str,
    hours: int,
    allow_private: bool,
    actor_id: str | None,
) -> tuple[Invitation, str]:
    """A new invitation and its secret. `organisation` is made where it is new. Raises PlatformRefused for values it can't have."""
    check_values({"name": name, "organisation": organisation, "platform": platform}, allow_plain=False)
    owner = organisation_named(session, organisation, create=True)
    secret = new_secret()
    row = Invitation(
        id=new_id(),
        secret_hash=secret_hash(secret),
        secret_encrypted=vault.seal(secret.encode()),
        name=name,
        organisation_id=owner.id,
        platform=platform,
        allow_private=allow_private,
        created_by=actor_id,
        expires_at=now() + timedelta(hours=hours),
    )
    session.add(row)
    session.flush()
    _record(session, row, "invitation.made", actor_id)
    return row, secret


def revoke_invitation(session: Session, row: Invitation, *, actor_id: str | None) -> None:
    """Closes an invitation that was not used; one that was stays as it is."""
    if row.used_at is None and row.revoked_at is None:
        row.revoked_at, row.secret_encrypted = now(), None
        _record(session, row, "invitation.revoked", actor_id)


def access_invitation(session: Session, invitation_id: str) -> Invitation:
    """The invitation of that id, for an operator; NotFound where there is none."""
    row = session.get(Invitation, invitation_id)
    if row is None:
        raise NotFound
    return row


def open_invitation(database: Database, secret: str) -> Invitation:
    """The invitation behind a link that may still be used. InvitationClosed, InvitationBusy; nothing is changed."""
    with database.read() as session:
        row = session.scalars(
            select(Invitation).where(Invitation.secret_hash == secret_hash(secret))
        ).one_or_none()
    state = state_of(row) if row is not None else "expired"
    if row is None or state not in {"open", "under way"}:
        raise InvitationClosed
    if state == "under way":
        raise InvitationBusy
    return row


def invited_organisation(database: Database, secret: str) -> str:
    """The name of the organisation that the link connects a platform for, also after it was used."""
    with database.read() as session:
        return session.scalars(
            select(models.Organisation.name)
            .join(Invitation, Invitation.organisation_id == models.Organisation.id)
            .where(Invitation.secret_hash == secret_hash(secret))
        ).one()


def register_platform(services: Services, secret: str, configuration_url: str, token: str | None) -> Outcome:
    """Registers the platform behind `configuration_url` under the invitation. No request is sent without a claim on it.

    Of two at once one goes on, and the other gets InvitationBusy. A try that fails changes nothing here and leaves the
    invitation open; the reason is kept for the operator's page.
    """
    row = open_invitation(services.database, secret)
    if not _claim(services.database, row.id):
        raise InvitationBusy
    steps: list[Step] = []
    try:
        return _register(services, row, configuration_url, token, steps)
    except LtiError as error:
        _release(services.database, row.id, error)
        failed = _STEPS[len(steps)]
        return Outcome((*steps, Step(failed, False, error.title, error.advice, error.details)))
    except BaseException:
        _release(services.database, row.id, None)
        raise


_STEPS: tuple[Literal["configuration", "keys", "registration", "saved"], ...] = (
    "configuration",
    "keys",
    "registration",
    "saved",
)


def _register(
    services: Services, row: Invitation, configuration_url: str, token: str | None, steps: list[Step]
) -> Outcome:
    allow_private = row.allow_private or services.settings.demo
    egress = PlatformEgress(services.egress)
    configuration = read_configuration(
        egress, configuration_url, token, family=row.platform, allow_private=allow_private
    )
    steps.append(Step("configuration", True))
    # A platform whose keys can't be read would be registered and never launch: looked at before anything is made there.
    lti.PlatformKeys(egress, now).read(_as_registration(configuration, allow_private))
    steps.append(Step("keys", True))
    document = registration_document(configuration, ToolDescription(services.settings.url))
    registered = send_registration(egress, configuration, document, token, allow_private=allow_private)
    steps.append(Step("registration", True))
    registration_id = _keep(services, row, configuration, registered)
    steps.append(Step("saved", True))
    return Outcome(
        tuple(steps), registration_id, registered.client_id, registered.deployment_id, registered.scopes
    )


def _keep(
    services: Services, invited: Invitation, configuration: PlatformConfiguration, registered: Registered
) -> str:
    """The registration and the end of the invitation, in one transaction."""
    with services.database.write() as session:
        row = session.get_one(Invitation, invited.id)
        if row.revoked_at is not None:
            raise InvitationRevoked("while it was under way")
        owner = session.get_one(models.Organisation, row.organisation_id)
        values = {
            "name": row.name,
            "issuer": configuration.issuer,
            "client_id": registered.client_id,
            "auth_url": configuration.auth_url,
            "token_url": configuration.token_url,
            "jwks_url": configuration.jwks_url,
            "allow_private": row.allow_private,
            "platform": configuration.family,
            "scopes": list(registered.scopes),
        }
        try:
            made = record_registration(
                session,
                owner,
                values,
                registered.deployment_id,
                actor_id=row.created_by,
                action="platform.registered_itself",
            )
        except PlatformRefused as error:
            raise RegisteredBefore(str(error)) from error
        row.used_at, row.registration_id = now(), made.id
        row.claimed_until = row.secret_encrypted = row.problem = row.problem_note = None
        _record(session, row, "invitation.used", row.created_by)
        return made.id


def _as_registration(configuration: PlatformConfiguration, allow_private: bool) -> lti.Registration:
    return lti.Registration(
        id="",
        issuer=configuration.issuer,
        client_id="",
        auth_url=configuration.auth_url,
        token_url=configuration.token_url,
        jwks_url=configuration.jwks_url,
        allow_private=allow_private,
    )


def _claim(database: Database, invitation_id: str) -> bool:
    """Takes the invitation for this try, in one statement."""
    moment = now()
    with database.write() as session:
        taken = session.execute(
            update(Invitation)
            .where(
                Invitation.id == invitation_id,
                Invitation.used_at.is_(None),
                Invitation.revoked_at.is_(None),
                Invitation.expires_at > moment,
                Invitation.claimed_until.is_(None) | (Invitation.claimed_until <= moment),
            )
            .values(claimed_until=moment + _UNDER_WAY, tried_at=moment)
        )
    return taken.rowcount == 1  # type: ignore[attr-defined,no-any-return]


def _release(database: Database, invitation_id: str, error: LtiError | None) -> None:
    problem, note = None, None
    if error is not None:
        words = "; ".join(value for _, value in error.details)
        problem, note = error.reason[:80], f"{error}{': ' if words else ''}{words}"[:500]
    with database.write() as session:
        session.execute(
            update(Invitation)
            .where(Invitation.id == invitation_id)
            .values(claimed_until=None, problem=problem, problem_note=note)
        )


def _record(session: Session, row: Invitation, action: str, actor_id: str | None) -> None:
    record_event(
        session,
        action,
        organisation_id=row.organisation_id,
        actor_id=actor_id,
        subject_kind="invitation",
        subject_id=row.id,
    )
