"""What the administration pages show, as plain values for their templates."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.course.connection import Step
from app.course.models import Deployment, Organisation, Registration, RegistrationHealth
from app.course.platforms import tool_sheet
from app.course.services import Services
from app.kit.i18n import Translator
from app.rooms.admin.invitations import state_of
from app.rooms.admin.models import AdminSession, Invitation
from app.rooms.admin.words import FAMILIES, SCOPES, advice_of, title_of
from lti import quirks_of

_OPEN_INVITATIONS = 50


def home_view(session: Session, translate: Translator) -> dict[str, Any]:
    """Every platform with its state, and the invitations that are open or failed lately."""
    counted = session.execute(
        select(Deployment.registration_id, func.count())
        .where(Deployment.status == "pending")
        .group_by(Deployment.registration_id)
    )
    waiting: dict[str, int] = dict(counted.tuples().all())
    rows = session.execute(
        select(Registration, Organisation, RegistrationHealth)
        .join(Organisation, Organisation.id == Registration.organisation_id)
        .outerjoin(RegistrationHealth, RegistrationHealth.registration_id == Registration.id)
        .order_by(Registration.name, Registration.id)
    ).tuples()
    platforms = [
        {
            "href": f"/admin/platforms/{row.id}",
            "name": row.name,
            "family": translate(FAMILIES.get(row.platform, FAMILIES["generic"])),
            "organisation": organisation.name,
            "last_launch": health.last_launch_at if health else None,
            "state": state_of_platform(row, health, waiting.get(row.id, 0)),
            "waiting": waiting.get(row.id, 0),
        }
        for row, organisation, health in rows
    ]
    invited = session.execute(
        select(Invitation, Organisation)
        .join(Organisation, Organisation.id == Invitation.organisation_id)
        .where(Invitation.used_at.is_(None), Invitation.revoked_at.is_(None))
        .order_by(Invitation.id.desc())
        .limit(_OPEN_INVITATIONS)
    ).tuples()
    invitations = [
        {
            "href": f"/admin/invitations/{row.id}",
            "name": row.name,
            "organisation": organisation.name,
            "state": state_of(row),
            "has_failed": bool(row.problem),
            "expires_at": row.expires_at,
        }
        for row, organisation in invited
    ]
    return {
        "platforms": platforms,
        "invitations": [one for one in invitations if one["state"] in {"open", "under way"}],
        "waiting": sum(waiting.values()),
    }


def state_of_platform(row: Registration, health: RegistrationHealth | None, waiting: int) -> str:
    """ "off", "waiting" (a deployment waits), "problem" (its last sign is an error), "quiet" (no launch yet) or "well"."""
    if not row.is_active:
        return "off"
    if waiting:
        return "waiting"
    if health is None:
        return "quiet"
    good = health.last_launch_at if health.last_error_kind == "launch" else health.last_token_at
    if health.last_error_at is not None and (good is None or health.last_error_at > good):
        return "problem"
    return "well" if health.last_launch_at is not None else "quiet"


def platform_view(
    session: Session, services: Services, row: Registration, translate: Translator
) -> dict[str, Any]:
    """One registration's page."""
    health = session.get(RegistrationHealth, row.id)
    found = session.execute(
        select(Deployment, Organisation)
        .join(Organisation, Organisation.id == Deployment.organisation_id)
        .where(Deployment.registration_id == row.id)
        .order_by(Deployment.status != "pending", Deployment.id)
    ).tuples()
    deployments = [
        {
            "id": deployment.id,
            "deployment_id": deployment.deployment_id,
            "status": deployment.status,
            "organisation": organisation.name,
            "created_at": deployment.created_at,
        }
        for deployment, organisation in found
    ]
    waiting = [one for one in deployments if one["status"] == "pending"]
    owner = session.get_one(Organisation, row.organisation_id)
    return {
        "platform": {
            "id": row.id,
            "name": row.name,
            "issuer": row.issuer,
            "client_id": row.client_id,
            "auth_url": row.auth_url,
            "token_url": row.token_url,
            "jwks_url": row.jwks_url,
            "audience": row.audience or quirks_of(row.platform).assertion_audience or "",
            "family": translate(FAMILIES.get(row.platform, FAMILIES["generic"])),
            "is_active": row.is_active,
            "allow_private": row.allow_private,
            "allow_anonymous": row.allow_anonymous,
            "organisation": owner.name,
            "state": state_of_platform(row, health, len(waiting)),
            "is_tenant": quirks_of(row.platform).deployment_is_tenant,
        },
        "health": _health_view(row, health, translate),
        "waiting": waiting,
        "deployments": [one for one in deployments if one["status"] != "pending"],
        "organisations": organisation_names(session),
        "sheet": tool_sheet(services.settings),
    }


def _health_view(
    row: Registration, health: RegistrationHealth | None, translate: Translator
) -> dict[str, Any]:
    if health is None:
        return {
            "last_launch": None,
            "last_token": None,
            "keys_read": None,
            "kids": [],
            "scopes": scope_words(row.scopes, translate),
            "error": None,
        }
    error = None
    if health.last_error_at is not None:
        reason = health.last_error or ""
        error = {
            "kind": health.last_error_kind,
            "title": translate(title_of(reason)),
            "advice": translate(advice_of(reason)) if advice_of(reason) else "",
            "reason": reason,
            "note": health.last_error_note or "",
            "at": health.last_error_at,
        }
    return {
        "last_launch": health.last_launch_at,
        "last_token": health.last_token_at,
        "keys_read": health.keys_read_at,
        "kids": health.kids,
        "scopes": scope_words(health.scopes or row.scopes, translate),
        "error": error,
    }


def scope_words(scopes: Iterable[str], translate: Translator) -> list[str]:
    """What a list of scopes allows, in words and in the order of our list; one that we don't know as it is."""
    known = [translate(text) for scope, text in SCOPES.items() if scope in set(scopes)]
    return known + sorted(scope for scope in scopes if scope not in SCOPES)


def steps_view(steps: Iterable[Step], translate: Translator) -> list[dict[str, Any]]:
    """The outcome of a connection test."""
    return [
        {
            "name": step.name,
            "is_well": step.is_well,
            "found": scope_words(step.found, translate) if step.name == "token" else list(step.found),
            "advice": translate(step.advice) if step.advice else "",
            "note": step.note,
        }
        for step in steps
    ]


def invitation_view(
    session: Session, services: Services, row: Invitation, translate: Translator
) -> dict[str, Any]:
    """One invitation with its link, while it is open."""
    owner = session.get_one(Organisation, row.organisation_id)
    secret = services.vault.unseal(row.secret_encrypted).decode() if row.secret_encrypted else None
    state = state_of(row)
    return {
        "invitation": {
            "id": row.id,
            "name": row.name,
            "organisation": owner.name,
            "family": translate(FAMILIES.get(row.platform, FAMILIES["generic"])),
            "platform": row.platform,
            "state": state,
            "expires_at": row.expires_at,
            "tried_at": row.tried_at,
            "problem": translate(title_of(row.problem)) if row.problem else "",
            "problem_note": row.problem_note or "",
            "link": f"{services.settings.url}/lti/register/{secret}"
            if secret and state in {"open", "under way"}
            else "",
            "registration_href": f"/admin/platforms/{row.registration_id}" if row.registration_id else "",
        }
    }


def session_views(rows: Iterable[AdminSession], current: str) -> list[dict[str, Any]]:
    """The operators' sessions; the browser's own is marked."""
    return [
        {
            "id": row.id,
            "browser": browser_words(row.browser),
            "created_at": row.created_at,
            "seen_at": row.seen_at,
            "is_current": row.id == current,
        }
        for row in rows
    ]


# In this order: Edge calls itself Chrome too, and Chrome calls itself Safari.
_BROWSERS = (("Edg", "Edge"), ("Firefox", "Firefox"), ("Chrome", "Chrome"), ("Version", "Safari"))
_SYSTEMS = (
    ("Android", "Android"), ("iPhone", "iPhone"), ("iPad", "iPad"),
    ("Windows", "Windows"), ("Mac OS X", "macOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_words(agent: str) -> str:
    """What a User-Agent says in short, such as "Firefox 144 · Linux"; what is no browser's as it is, cut."""
    found = ((words, re.search(rf"{name}/(\d+)", agent)) for name, words in _BROWSERS)
    browser = next((f"{words} {version[1]}" for words, version in found if version), "")
    system = next((words for name, words in _SYSTEMS if name in agent), "")
    return " · ".join(part for part in (browser, system) if part) if browser else agent[:80]


def organisation_names(session: Session) -> list[str]:
    """All organisations, by name."""
    return list(session.scalars(select(Organisation.name).order_by(Organisation.name)))


def waiting_count(session: Session) -> int:
    """How many deployments wait, for the menu."""
    return (
        session.scalar(select(func.count()).select_from(Deployment).where(Deployment.status == "pending"))
        or 0
    )


def waiting_views(session: Session, translate: Translator) -> list[dict[str, Any]]:
    """Every deployment that waits, with its platform, newest first."""
    found = session.execute(
        select(Deployment, Registration, Organisation)
        .join(Registration, Registration.id == Deployment.registration_id)
        .join(Organisation, Organisation.id == Registration.organisation_id)
        .where(Deployment.status == "pending")
        .order_by(Deployment.id.desc())
    ).tuples()
    return [
        {
            "id": deployment.id,
            "deployment_id": deployment.deployment_id,
            "platform": row.name,
            "family": translate(FAMILIES.get(row.platform, FAMILIES["generic"])),
            "href": f"/admin/platforms/{row.id}",
            "issuer": row.issuer,
            "client_id": row.client_id,
            "organisation": organisation.name,
            "is_tenant": quirks_of(row.platform).deployment_is_tenant,
            "created_at": deployment.created_at,
        }
        for deployment, row, organisation in found
    ]
