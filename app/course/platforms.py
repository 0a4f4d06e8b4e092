"""Registering platforms, for the command line and the demo."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import select

from app.course.loading import organisation_named
from app.course.models import Deployment, Organisation, Registration
from app.course.services import Services
from app.kit.audit import record_event
from lti import family_of


class PlatformRefused(ValueError):
    """A value that cannot be registered; the message names the option and what to give."""


def add_platform(
    services: Services,
    *,
    name: str,
    issuer: str,
    client_id: str,
    deployment_id: str,
    auth_url: str,
    token_url: str,
    jwks_url: str,
    audience: str | None,
    allow_private: bool,
    organisation: str,
) -> dict[str, Any]:
    """Registers (issuer, client_id) and its deployment; the same call again changes nothing, other addresses replace the old.

    A registration stays with its organisation: naming another one is refused. Returns what was registered and, under `tool`,
    the values to copy into the platform.
    """
    for option, value in (
        ("--issuer", issuer),
        ("--client-id", client_id),
        ("--deployment-id", deployment_id),
        ("--name", name),
    ):
        if not value.strip() or len(value) > 255:
            raise PlatformRefused(f"{option} must have 1 to 255 characters.")
    addresses = {"--auth-url": auth_url, "--token-url": token_url, "--jwks-url": jwks_url}
    for option, value in addresses.items():
        _check_address(option, value, allow_plain=services.settings.demo)
    values: dict[str, str | bool | None] = {
        "name": name,
        "auth_url": auth_url,
        "token_url": token_url,
        "jwks_url": jwks_url,
        "audience": audience,
        "allow_private": allow_private,
    }
    with services.database.write() as session:
        owner = organisation_named(session, organisation, create=True)
        row = session.scalars(
            select(Registration).where(Registration.issuer == issuer, Registration.client_id == client_id)
        ).one_or_none()
        if row is None:
            row = Registration(
                organisation_id=owner.id, issuer=issuer, client_id=client_id, platform=family_of(issuer)
            )
            session.add(row)
        elif row.organisation_id != owner.id:
            raise PlatformRefused(
                "This issuer and client id are registered for another organisation. Name that one with --organisation."
            )
        for key, setting in values.items():
            setattr(row, key, setting)
        session.flush()
        deployment = session.scalars(
            select(Deployment).where(
                Deployment.registration_id == row.id, Deployment.deployment_id == deployment_id
            )
        ).one_or_none()
        if deployment is None:
            session.add(
                Deployment(registration_id=row.id, organisation_id=owner.id, deployment_id=deployment_id)
            )
        record_event(
            session,
            "platform.registered",
            organisation_id=owner.id,
            actor_id=None,
            subject_kind="registration",
            subject_id=row.id,
        )
        registered = row.id
    url = services.settings.url
    return {
        "id": registered,
        "organisation": organisation,
        "issuer": issuer,
        "client_id": client_id,
        "deployment_id": deployment_id,
        **values,
        "tool": {
            "tool_url": f"{url}/lti/launch",
            "login_url": f"{url}/lti/login",
            "redirect_url": f"{url}/lti/launch",
            "jwks_url": f"{url}/lti/jwks.json",
        },
    }


def list_platforms(services: Services) -> list[dict[str, Any]]:
    """Every registration with its deployments, by name."""
    with services.database.read() as session:
        rows = session.execute(
            select(Registration, Organisation)
            .join(Organisation, Organisation.id == Registration.organisation_id)
            .order_by(Registration.name, Registration.id)
        ).all()
        return [
            {
                "id": row.id,
                "name": row.name,
                "organisation": organisation.name,
                "issuer": row.issuer,
                "client_id": row.client_id,
                "platform": row.platform,
                "auth_url": row.auth_url,
                "token_url": row.token_url,
                "jwks_url": row.jwks_url,
                "audience": row.audience,
                "allow_private": row.allow_private,
                "deployments": sorted(deployment.deployment_id for deployment in row.deployments),
            }
            for row, organisation in rows
        ]


def _check_address(option: str, value: str, *, allow_plain: bool) -> None:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username is not None:
        raise PlatformRefused(
            f"{option} must be a full address such as https://lms.example.org/token, not {value!r}."
        )
    if parts.scheme == "http" and not allow_plain:
        raise PlatformRefused(
            f"{option} must begin with https://. Plain http is taken only with WORKSIDE_DEMO=1."
        )
