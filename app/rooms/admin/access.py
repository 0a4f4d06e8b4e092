"""The operator's door: a cookie that a one-time link of the command line opens, and the guard of every page behind it.

Bearers of launches mean nothing here and this cookie means nothing elsewhere: `as_admin` reads only the cookie, `signed_in`
only the bearer.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session
from starlette.responses import Response

from app.course.models import LaunchTicket
from app.course.protocol import keep_ticket, take_ticket
from app.course.services import Services
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.db import Database
from app.kit.errors import N_, WorksideError
from app.kit.ids import new_secret, secret_hash
from app.kit.settings import Settings
from app.rooms.admin.models import AdminSession

SESSION_LIFE = timedelta(hours=8)
LINK_LIFE = timedelta(minutes=10)
_TICKET = "admin"
_SEEN_EVERY = timedelta(minutes=1)
# An operator's event belongs to no organisation.
INSTALLATION = ""


class AdminSignedOut(WorksideError):
    """No cookie of a session that still runs."""

    status = 401
    title = N_("Sign in to administer Workside")
    advice = N_(
        "Run `workside admin sign-in` on the machine that runs Workside, and open the link that it prints."
    )


class SignInLinkSpent(WorksideError):
    """The link was used, is older than ten minutes, or never was one."""

    status = 401
    title = N_("This sign-in link doesn't work any more")
    advice = N_(
        "A link works once, for ten minutes. Run `workside admin sign-in` again and open the new link."
    )


@dataclass(frozen=True)
class Admin:
    """The operator of this request: whoever holds a session."""

    session_id: str


def cookie_name(settings: Settings) -> str:
    """`__Host-` makes browsers insist on https and on our host alone; on plain http, in the demo, it would be dropped."""
    return "__Host-workside_admin" if settings.url.startswith("https://") else "workside_admin"


def as_admin(request: Request) -> Admin:
    """The operator whom the request's cookie names; AdminSignedOut without one."""
    value = request.cookies.get(cookie_name(request.app.state.settings), "")
    row = find_session(request.app.state.database, value)
    if row is None:
        raise AdminSignedOut
    request.state.admin = Admin(row.id)
    return Admin(row.id)


AnyAdmin = Annotated[Admin, Depends(as_admin)]


def find_session(database: Database, secret: str) -> AdminSession | None:
    """The session that runs under a cookie's value; notes once a minute that it is in use."""
    if not secret:
        return None
    with database.read() as session:
        row = session.scalars(
            select(AdminSession).where(
                AdminSession.secret_hash == secret_hash(secret), AdminSession.expires_at > now()
            )
        ).one_or_none()
    if row is not None and now() - row.seen_at > _SEEN_EVERY:
        with database.write() as session:
            session.execute(update(AdminSession).where(AdminSession.id == row.id).values(seen_at=now()))
    return row


def make_sign_in_link(services: Services) -> str:
    """A link that signs one browser in, once, within ten minutes. Only its hash is kept."""
    code = new_secret()
    keep_ticket(services.database, _TICKET, secret_hash(code), {}, now() + LINK_LIFE)
    with services.database.write() as session:
        record_event(
            session,
            "admin.link_made",
            organisation_id=INSTALLATION,
            actor_id=None,
            subject_kind="admin",
            subject_id="",
        )
    return f"{services.settings.url}/admin/sign-in/{code}"


def sign_in(services: Services, code: str, browser: str) -> str:
    """Takes the link and begins a session; returns the cookie's value. SignInLinkSpent for everyone but the first."""
    if take_ticket(services.database, _TICKET, secret_hash(code)) is None:
        raise SignInLinkSpent
    secret = new_secret()
    with services.database.write() as session:
        session.execute(delete(AdminSession).where(AdminSession.expires_at <= now()))
        row = AdminSession(
            secret_hash=secret_hash(secret),
            browser="".join(c for c in browser if c.isprintable())[:200],
            expires_at=now() + SESSION_LIFE,
        )
        session.add(row)
        session.flush()
        _record(session, "admin.signed_in", row.id, row.id)
    return secret


def end_session(services: Services, session_id: str, actor_id: str | None) -> bool:
    """Ends a session at once; False where there is none of that id."""
    with services.database.write() as session:
        row = session.get(AdminSession, session_id)
        if row is None:
            return False
        session.delete(row)
        _record(session, "admin.signed_out", session_id, actor_id)
    return True


def end_all_sessions(services: Services) -> int:
    """Signs every operator out and spends every link that was not used yet; returns how many sessions that were."""
    with services.database.write() as session:
        session.execute(delete(LaunchTicket).where(LaunchTicket.kind == _TICKET))
        rows = session.scalars(select(AdminSession)).all()
        for row in rows:
            session.delete(row)
            _record(session, "admin.signed_out", row.id, None)
    return len(rows)


def running_sessions(database: Database) -> list[AdminSession]:
    """The sessions that run, newest first."""
    with database.read() as session:
        query = select(AdminSession).where(AdminSession.expires_at > now()).order_by(AdminSession.id.desc())
        return list(session.scalars(query))


def set_admin_cookie(response: Response, secret: str, settings: Settings) -> None:
    """The session's cookie: for our host only, never for scripts, and sent on no request that another site began."""
    response.set_cookie(
        cookie_name(settings),
        secret,
        max_age=int(SESSION_LIFE.total_seconds()),
        path="/",
        secure=settings.url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )


def clear_admin_cookie(response: Response, settings: Settings) -> None:
    response.delete_cookie(
        cookie_name(settings),
        path="/",
        secure=settings.url.startswith("https://"),
        httponly=True,
        samesite="strict",
    )


def _record(session: Session, action: str, subject_id: str, actor_id: str | None) -> None:
    record_event(
        session,
        action,
        organisation_id=INSTALLATION,
        actor_id=actor_id,
        subject_kind="admin_session",
        subject_id=subject_id,
    )
