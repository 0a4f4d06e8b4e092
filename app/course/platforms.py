"""Platforms and their deployments as an operator changes them: on the administration pages, the command line, the demo.

Each change writes one audit event in its own transaction. `actor_id` is an administrator's session, None the command line.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.course.loading import organisation_named
from app.course.models import Context, Deployment, Organisation, Registration, Visit
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.errors import NotFound
from app.kit.settings import Settings
from lti import FAMILIES, family_of, quirks_of

Problem = Literal["length", "address", "plain", "family", "organisation", "known", "in_use"]
# The command line's options by field; the administration's forms name their fields themselves.
_ADDRESSES = ("auth_url", "token_url", "jwks_url")
_SAYS: Mapping[str, str] = {
    "length": "{option} must have 1 to {longest} characters.",
    "address": "{option} must be a full address such as https://lms.example.org/token, not {value!r}.",
    "plain": "{option} must begin with https://. Plain http is taken only with WORKSIDE_DEMO=1.",
    "family": "{option} is one of {families}.",
    "organisation": "This issuer and client id are registered for another organisation. Name that one with {option}.",
    "known": "This issuer and client id are registered already.",
    "in_use": "People have worked in this deployment: its records stay with their organisation. Leave {option} away.",
}


class PlatformRefused(ValueError):
    """A value that cannot be registered. `field` and `problem` are for forms; the message names the option and what to give."""

    def __init__(self, field: str, problem: Problem, value: str = "", longest: int = 255) -> None:
        option = "--" + field.replace("_", "-")
        families = ", ".join(FAMILIES)
        said = _SAYS[problem].format(option=option, value=value, longest=longest, families=families)
        super().__init__(said)
        self.field = field
        self.problem: Problem = problem
        self.longest = longest


def tool_sheet(settings: Settings) -> dict[str, str]:
    """Our values as a platform's registration form asks for them."""
    url = settings.url
    return {
        "tool_url": f"{url}/lti/launch",
        "login_url": f"{url}/lti/login",
        "redirect_url": f"{url}/lti/launch",
        "jwks_url": f"{url}/lti/jwks.json",
        "deep_linking_url": f"{url}/lti/launch",
        "canvas_json_url": f"{url}/lti/canvas.json",
        "custom_parameters": "context_history=$Context.id.history\n"
        "resource_link_history=$ResourceLink.id.history",
    }


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

    A registration stays with its organisation: naming another one is refused, except where the platform's deployments are
    its tenants (Blackboard); then the deployment alone belongs to it. Returns what was registered and, under `tool`, the
    values to copy into the platform.
    """
    values: dict[str, Any] = {
        "name": name,
        "auth_url": auth_url,
        "token_url": token_url,
        "jwks_url": jwks_url,
        "audience": audience,
        "allow_private": allow_private,
    }
    keys = {"issuer": issuer, "client_id": client_id, "deployment_id": deployment_id}
    check_values({**keys, **values, "organisation": organisation}, allow_plain=services.settings.demo)
    with services.database.write() as session:
        owner = organisation_named(session, organisation, create=True)
        row = find_registration(session, issuer, client_id)
        if row is None:
            row = Registration(
                organisation_id=owner.id, issuer=issuer, client_id=client_id, platform=family_of(issuer)
            )
            session.add(row)
        elif row.organisation_id != owner.id and not quirks_of(row.platform).deployment_is_tenant:
            raise PlatformRefused("organisation", "organisation")
        for key, setting in values.items():
            setattr(row, key, setting)
        session.flush()
        add_deployment(session, row, deployment_id, owner)
        record_event(
            session,
            "platform.registered",
            organisation_id=owner.id,
            actor_id=None,
            subject_kind="registration",
            subject_id=row.id,
        )
        registered = row.id
    sheet = tool_sheet(services.settings)
    return {
        "id": registered,
        "organisation": organisation,
        **keys,
        **values,
        "tool": {key: sheet[key] for key in ("tool_url", "login_url", "redirect_url", "jwks_url")},
    }


def find_registration(session: Session, issuer: str, client_id: str) -> Registration | None:
    """The registration of that key."""
    return session.scalars(
        select(Registration).where(Registration.issuer == issuer, Registration.client_id == client_id)
    ).one_or_none()


def record_registration(
    session: Session,
    owner: Organisation,
    values: Mapping[str, Any],
    deployment_id: str | None,
    *,
    actor_id: str | None,
    action: str,
) -> Registration:
    """A new registration from a form or from the platform itself, with its first deployment where there is one.

    Never changes one that exists: PlatformRefused("known") instead. `values` are the registration's columns, checked.
    """
    if find_registration(session, values["issuer"], values["client_id"]) is not None:
        raise PlatformRefused("client_id", "known")
    row = Registration(organisation_id=owner.id, **values)
    session.add(row)
    session.flush()
    if deployment_id:
        add_deployment(session, row, deployment_id, owner)
    _record(session, row, action, actor_id)
    return row


def add_deployment(
    session: Session, row: Registration, deployment_id: str, owner: Organisation
) -> Deployment:
    """The registration's deployment of that id, made where it is new and let in where it waited."""
    deployment = session.scalars(
        select(Deployment).where(
            Deployment.registration_id == row.id, Deployment.deployment_id == deployment_id
        )
    ).one_or_none()
    if deployment is None:
        deployment = Deployment(
            registration_id=row.id, organisation_id=owner.id, deployment_id=deployment_id, status="active"
        )
        session.add(deployment)
        session.flush()
    elif deployment.organisation_id != owner.id and _is_in_use(session, deployment):
        raise PlatformRefused("organisation", "in_use")
    elif deployment.status == "pending":
        deployment.status, deployment.organisation_id = "active", owner.id
    return deployment


def change_platform(
    session: Session, row: Registration, values: Mapping[str, Any], *, actor_id: str | None
) -> None:
    """Changes a registration's terms; its issuer and client id stay. `values` are columns, checked."""
    changed = sorted(key for key, value in values.items() if getattr(row, key) != value)
    for key in changed:
        setattr(row, key, values[key])
    if changed:
        _record(session, row, "platform.changed", actor_id, fields=",".join(changed))


def switch_registration(session: Session, row: Registration, *, is_on: bool, actor_id: str | None) -> None:
    """Lets a platform in again, or shuts it out: nobody launches from it then, and visits under way end.

    Records stay, and scores wait until it is let in again (`app.evidence.delivery`).
    """
    row.status = "active" if is_on else "inactive"
    if not is_on:
        session.execute(
            update(Visit)
            .where(Visit.registration_id == row.id, Visit.expires_at > now())
            .values(expires_at=now())
        )
    _record(session, row, "platform.switched_on" if is_on else "platform.switched_off", actor_id)


def activate_deployment(
    session: Session, deployment: Deployment, owner: Organisation | None, *, actor_id: str | None
) -> None:
    """Lets a deployment in, for `owner` or for the organisation that it has.

    Raises PlatformRefused("in_use") where people's records in it would change their organisation.
    """
    if owner is not None and owner.id != deployment.organisation_id:
        if _is_in_use(session, deployment):
            raise PlatformRefused("organisation", "in_use")
        deployment.organisation_id = owner.id
    deployment.status = "active"
    _record_deployment(session, deployment, "deployment.activated", actor_id)


def deactivate_deployment(session: Session, deployment: Deployment, *, actor_id: str | None) -> None:
    """Refuses a deployment that waits, or shuts out one that was let in; visits under way in it end."""
    was_waiting = deployment.status == "pending"
    deployment.status = "inactive"
    session.execute(
        update(Visit)
        .where(Visit.deployment_id == deployment.id, Visit.expires_at > now())
        .values(expires_at=now())
        .execution_options(synchronize_session=False)
    )
    action = "deployment.refused" if was_waiting else "deployment.switched_off"
    _record_deployment(session, deployment, action, actor_id)


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
                "status": row.status,
                "auth_url": row.auth_url,
                "token_url": row.token_url,
                "jwks_url": row.jwks_url,
                "audience": row.audience,
                "allow_private": row.allow_private,
                "deployments": sorted(deployment.deployment_id for deployment in row.deployments),
            }
            for row, organisation in rows
        ]


def list_deployments(services: Services, status: str | None = None) -> list[dict[str, Any]]:
    """Every deployment with its platform and organisation, those that wait first; `status` narrows them."""
    query = (
        select(Deployment, Registration, Organisation)
        .join(Registration, Registration.id == Deployment.registration_id)
        .join(Organisation, Organisation.id == Deployment.organisation_id)
        .order_by(Deployment.status != "pending", Registration.name, Deployment.id)
    )
    if status:
        query = query.where(Deployment.status == status)
    with services.database.read() as session:
        return [
            {
                "id": deployment.id,
                "status": deployment.status,
                "platform": registration.name,
                "issuer": registration.issuer,
                "client_id": registration.client_id,
                "deployment_id": deployment.deployment_id,
                "organisation": None if deployment.status == "pending" else organisation.name,
                "first_seen": deployment.created_at.isoformat(),
            }
            for deployment, registration, organisation in session.execute(query)
        ]


def access_registration(session: Session, registration_id: str) -> Registration:
    """The registration of that id, for an operator; NotFound where there is none."""
    row = session.get(Registration, registration_id)
    if row is None:
        raise NotFound
    return row


def access_deployment(session: Session, deployment_id: str) -> Deployment:
    """The deployment whose row has that id, for an operator; NotFound where there is none."""
    row = session.get(Deployment, deployment_id)
    if row is None:
        raise NotFound
    return row


def check_values(
    values: Mapping[str, Any], *, allow_plain: bool, blank_allowed: Collection[str] = ()
) -> None:
    """Refuses a value that no registration may have, naming its field. Which of the fields are there is the caller's choice."""
    for field, longest in (
        ("issuer", 500),
        ("client_id", 255),
        ("deployment_id", 255),
        ("name", 200),
        ("organisation", 200),
    ):
        if field in values:
            value = str(values[field])
            is_blank = not value.strip()
            if (is_blank and field not in blank_allowed) or len(value) > longest or not value.isprintable():
                raise PlatformRefused(field, "length", longest=longest)
    for field in _ADDRESSES:
        if field in values:
            _check_address(field, str(values[field]), allow_plain=allow_plain)
    if len(values.get("audience") or "") > 1000:
        raise PlatformRefused("audience", "length", longest=1000)
    if values.get("platform", "generic") not in FAMILIES:
        raise PlatformRefused("platform", "family")


def _check_address(field: str, value: str, *, allow_plain: bool) -> None:
    try:
        parts = urlsplit(value)
        is_address = bool(parts.hostname) and parts.username is None and parts.port != 0
    except ValueError:
        is_address = False
    if (
        not is_address
        or parts.scheme not in {"http", "https"}
        or len(value) > 1000
        or not value.isprintable()
    ):
        raise PlatformRefused(field, "address", value[:200])
    if parts.scheme == "http" and not allow_plain:
        raise PlatformRefused(field, "plain")


def _is_in_use(session: Session, deployment: Deployment) -> bool:
    return (
        session.scalars(select(Context.id).where(Context.deployment_id == deployment.id).limit(1)).first()
        is not None
    )


def _record(session: Session, row: Registration, action: str, actor_id: str | None, **detail: str) -> None:
    record_event(
        session,
        action,
        organisation_id=row.organisation_id,
        actor_id=actor_id,
        subject_kind="registration",
        subject_id=row.id,
        **detail,
    )


def _record_deployment(session: Session, deployment: Deployment, action: str, actor_id: str | None) -> None:
    record_event(
        session,
        action,
        organisation_id=deployment.organisation_id,
        actor_id=actor_id,
        subject_kind="deployment",
        subject_id=deployment.id,
    )
