"""The doors that lti/ asks of us (`lti.ports`), on our database, vault and egress client."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import structlog
from sqlalchemy import Table, and_, bindparam, delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.course import models
from app.kit import egress as kit_egress
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.db import Database
from lti import ports
from lti.errors import LoginsTooMany
from lti.registration import Registration

# A login that is never finished costs a row for ten minutes; this many at once are not people.
MOST_LOGINS = 50_000
TIDY_SECONDS = 10
# A platform may make up deployments; this many of one registration may wait for an administrator.
MOST_PENDING = 100
log = structlog.get_logger()
_STATUSES: Mapping[str, ports.DeploymentStatus] = {"active": "active", "pending": "pending"}

# Every launch runs these. Building a statement and an object's identity cost more than the database does, so they are made
# once, on tables, and read over a bare connection.
_REGISTRATIONS = cast(Table, models.Registration.__table__)
_DEPLOYMENTS = cast(Table, models.Deployment.__table__)
_STATES = cast(Table, models.LaunchState.__table__)
_TICKETS = cast(Table, models.LaunchTicket.__table__)
_REGISTRATION_BY_ID = select(_REGISTRATIONS).where(_REGISTRATIONS.c.id == bindparam("id"))
_REGISTRATION_BY_KEY = select(_REGISTRATIONS).where(
    _REGISTRATIONS.c.issuer == bindparam("issuer"), _REGISTRATIONS.c.client_id == bindparam("client_id")
)
_STATUS_BY_DEPLOYMENT = (
    select(_REGISTRATIONS.c.status, _DEPLOYMENTS.c.status)
    .select_from(
        _REGISTRATIONS.outerjoin(
            _DEPLOYMENTS,
            and_(
                _DEPLOYMENTS.c.registration_id == _REGISTRATIONS.c.id,
                _DEPLOYMENTS.c.deployment_id == bindparam("deployment_id"),
            ),
        )
    )
    .where(_REGISTRATIONS.c.id == bindparam("id"))
)
_STATE_BY_HASH = select(_STATES.c.data, _STATES.c.expires_at).where(
    _STATES.c.state_hash == bindparam("state_hash")
)
_STATE_TAKEN = (
    delete(_STATES)
    .where(_STATES.c.state_hash == bindparam("hash"), _STATES.c.expires_at > bindparam("moment"))
    .returning(_STATES.c.data)
)
_STATE_KEPT = insert(_STATES)
_TICKETS_OVER = delete(_TICKETS).where(_TICKETS.c.expires_at <= bindparam("moment"))
_TICKET_KEPT = insert(_TICKETS)


def registration_of(row: models.Registration, *, demo: bool = False) -> Registration:
    """The protocol's view of a registration row. In the demo every platform may be a private one on plain http."""
    return Registration(
        id=row.id,
        issuer=row.issuer,
        client_id=row.client_id,
        auth_url=row.auth_url,
        token_url=row.token_url,
        jwks_url=row.jwks_url,
        audience=row.audience,
        allow_private=row.allow_private or demo,
        allow_anonymous=row.allow_anonymous,
        platform=row.platform,
    )


class DatabaseRegistrations:
    """`lti.ports.Registrations`."""

    def __init__(self, database: Database, *, demo: bool = False) -> None:
        self.database = database
        self.demo = demo

    def find(
        self, issuer: str, client_id: str | None = None, deployment_id: str | None = None
    ) -> Sequence[Registration]:
        if client_id is not None and deployment_id is None:
            with self.database.engine.connect() as connection:
                keyed: Any = connection.execute(
                    _REGISTRATION_BY_KEY, {"issuer": issuer, "client_id": client_id}
                ).one_or_none()
            return [registration_of(keyed, demo=self.demo)] if keyed is not None else []
        query = select(models.Registration).where(models.Registration.issuer == issuer)
        if client_id is not None:
            query = query.where(models.Registration.client_id == client_id)
        if deployment_id is not None:
            query = query.join(models.Deployment).where(models.Deployment.deployment_id == deployment_id)
        with self.database.read() as session:
            rows = session.scalars(query.order_by(models.Registration.id))
            return [registration_of(row, demo=self.demo) for row in rows]

    def get(self, registration_id: str) -> Registration | None:
        with self.database.engine.connect() as connection:
            row: Any = connection.execute(_REGISTRATION_BY_ID, {"id": registration_id}).one_or_none()
        return registration_of(row, demo=self.demo) if row is not None else None

    def deployment_status(self, registration: Registration, deployment_id: str) -> ports.DeploymentStatus:
        """What an administrator decided; one seen for the first time is recorded and waits, MOST_PENDING a registration."""
        wanted = {"id": registration.id, "deployment_id": deployment_id}
        with self.database.engine.connect() as connection:
            found = connection.execute(_STATUS_BY_DEPLOYMENT, wanted).one_or_none()
        if found is None:
            return "unknown"
        if found[0] != "active":
            return "inactive"
        if found[1] is None:
            return self._record_pending(registration.id, deployment_id)
        return _STATUSES.get(found[1], "inactive")

    def _record_pending(self, registration_id: str, deployment_id: str) -> ports.DeploymentStatus:
        deployment = models.Deployment
        try:
            with self.database.write() as session:
                row = session.get(models.Registration, registration_id)
                waiting = session.scalar(
                    select(func.count())
                    .select_from(deployment)
                    .where(deployment.registration_id == registration_id, deployment.status == "pending")
                )
                if row is None or (waiting or 0) >= MOST_PENDING:
                    return "unknown"
                session.add(
                    deployment(
                        registration_id=registration_id,
                        organisation_id=row.organisation_id,
                        deployment_id=deployment_id,
                        status="pending",
                    )
                )
                record_event(
                    session,
                    "deployment.seen",
                    organisation_id=row.organisation_id,
                    actor_id=None,
                    subject_kind="registration",
                    subject_id=registration_id,
                )
        except IntegrityError:
            log.info("deployment_recorded_elsewhere")
        return "pending"


class DatabaseLaunchStates:
    """`lti.ports.LaunchStates`: one row a login, taken by one DELETE ... RETURNING.

    The expired are removed and the rest counted once in TIDY_SECONDS, not at every login: between two counts this process
    adds its own logins to the last one, so the store stays below MOST_LOGINS and what the other replicas add in that time.
    """

    def __init__(self, database: Database) -> None:
        self.database = database
        self._lock = threading.Lock()
        self._tidied_at: datetime | None = None
        self._kept = 0

    def put(self, state_hash: str, state: ports.LaunchState) -> None:
        row = models.LaunchState
        with self.database.write() as session:
            if self._is_tidying_due():
                session.execute(delete(row).where(row.expires_at <= now()))
                kept = session.scalar(select(func.count()).select_from(row)) or 0
                with self._lock:
                    self._tidied_at, self._kept = now(), kept
            with self._lock:
                if self._kept >= MOST_LOGINS:
                    raise LoginsTooMany
                self._kept += 1
            session.execute(
                _STATE_KEPT,
                {"state_hash": state_hash, "data": state.to_dict(), "expires_at": state.expires_at},
            )

    def _is_tidying_due(self) -> bool:
        with self._lock:
            if self._tidied_at is None or self._kept >= MOST_LOGINS:
                return True
            return abs((now() - self._tidied_at).total_seconds()) >= TIDY_SECONDS

    def peek(self, state_hash: str) -> ports.LaunchState | None:
        with self.database.engine.connect() as connection:
            row = connection.execute(_STATE_BY_HASH, {"state_hash": state_hash}).one_or_none()
        return ports.LaunchState.from_dict(row.data) if row is not None and row.expires_at > now() else None

    def consume(self, state_hash: str) -> ports.LaunchState | None:
        with self.database.write() as session:
            data: dict[str, Any] | None = session.scalar(_STATE_TAKEN, {"hash": state_hash, "moment": now()})
        return ports.LaunchState.from_dict(data) if data is not None else None


class DatabaseLaunchTickets:
    """`lti.ports.LaunchTickets`: verified launches that wait for their browser."""

    KIND = "launch"

    def __init__(self, database: Database) -> None:
        self.database = database

    def put(self, ticket_hash: str, ticket: ports.LaunchTicket) -> None:
        keep_ticket(self.database, self.KIND, ticket_hash, ticket.to_dict(), ticket.expires_at)

    def peek(self, ticket_hash: str) -> ports.LaunchTicket | None:
        with self.database.read() as session:
            row = session.get(models.LaunchTicket, ticket_hash)
        if row is None or row.kind != self.KIND or row.expires_at <= now():
            return None
        return ports.LaunchTicket.from_dict(row.data)

    def consume(self, ticket_hash: str) -> ports.LaunchTicket | None:
        data = take_ticket(self.database, self.KIND, ticket_hash)
        return ports.LaunchTicket.from_dict(data) if data is not None else None


def keep_ticket(
    database: Database, kind: str, ticket_hash: str, data: Mapping[str, Any], expires_at: Any
) -> None:
    """Keeps something that opens one door of `kind` once; what has expired is removed on the way."""
    with database.write() as session:
        add_ticket(session, kind, ticket_hash, data, expires_at)


def add_ticket(
    session: Session, kind: str, ticket_hash: str, data: Mapping[str, Any], expires_at: datetime
) -> None:
    """The same within a transaction that is under way: the ticket is kept with all else that it stands for, or nothing is."""
    session.execute(_TICKETS_OVER, {"moment": now()})
    session.execute(
        _TICKET_KEPT,
        {"ticket_hash": ticket_hash, "kind": kind, "data": dict(data), "expires_at": expires_at},
    )


def take_ticket(database: Database, kind: str, ticket_hash: str) -> dict[str, Any] | None:
    """What `keep_ticket` kept, for the first caller only."""
    ticket = models.LaunchTicket
    with database.write() as session:
        data: dict[str, Any] | None = session.scalar(
            delete(ticket)
            .where(ticket.ticket_hash == ticket_hash, ticket.kind == kind, ticket.expires_at > now())
            .returning(ticket.data)
        )
    return data


class PlatformEgress:
    """`lti.ports.Egress` on the one egress client; only the errors' names differ, since lti/ doesn't know us."""

    def __init__(self, client: kit_egress.EgressClient) -> None:
        self.client = client

    def request(self, method: str, url: str, **options: Any) -> ports.EgressResponse:
        try:
            answer = self.client.request(method, url, **options)
        except kit_egress.EgressRefused as error:
            raise ports.EgressRefused(str(error)) from error
        except kit_egress.EgressFailed as error:
            raise ports.EgressFailed(str(error)) from error
        return ports.EgressResponse(answer.status, answer.headers, answer.body)


class EgressWithin:
    """An egress that begins no request late: a platform with a hundred slow pages must not outlast the lease of a job."""

    def __init__(self, egress: ports.Egress, begin_seconds: float) -> None:
        self.egress = egress
        self.last_begin = time.monotonic() + begin_seconds

    def request(self, method: str, url: str, **options: Any) -> ports.EgressResponse:
        if time.monotonic() > self.last_begin:
            raise ports.EgressFailed("the platform is too slow for one try")
        return self.egress.request(method, url, **options)
