"""Ports kept in the process's memory: bounded, expiring, thread-safe. Tests use them; one process could run on them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from lti.errors import LoginsTooMany
from lti.keys import new_signing_key, public_key_of
from lti.ports import (
    AccessToken,
    Clock,
    DeploymentStatus,
    LaunchState,
    LaunchTicket,
    PublicKey,
    SigningKey,
    TokenKey,
)
from lti.registration import Registration


class MemoryRegistrations:
    """Registrations and deployment states, as a test or a demo sets them up."""

    def __init__(self, *registrations: Registration, auto_pending: bool = False) -> None:
        self._registrations = {registration.id: registration for registration in registrations}
        self._deployments: dict[tuple[str, str], DeploymentStatus] = {}
        self._auto_pending = auto_pending

    def add(self, registration: Registration) -> None:
        """Adds or replaces one."""
        self._registrations[registration.id] = registration

    def deploy(
        self, registration: Registration, deployment_id: str, status: DeploymentStatus = "active"
    ) -> None:
        """Announces a deployment."""
        self._deployments[registration.id, deployment_id] = status

    def find(
        self, issuer: str, client_id: str | None = None, deployment_id: str | None = None
    ) -> Sequence[Registration]:
        return [
            registration
            for registration in self._registrations.values()
            if registration.issuer == issuer
            and client_id in {None, registration.client_id}
            and (deployment_id is None or (registration.id, deployment_id) in self._deployments)
        ]

    def get(self, registration_id: str) -> Registration | None:
        return self._registrations.get(registration_id)

    def deployment_status(self, registration: Registration, deployment_id: str) -> DeploymentStatus:
        key = (registration.id, deployment_id)
        if self._auto_pending:
            self._deployments.setdefault(key, "pending")
        return self._deployments.get(key, "unknown")


class _Expiring(Protocol):
    @property
    def expires_at(self) -> datetime: ...


Kept = TypeVar("Kept", bound=_Expiring)


class _Shelf(Generic[Kept]):
    """Things that expire and are taken once. At most `limit` of them: the next is refused, none is pushed out."""

    def __init__(self, now: Clock, limit: int) -> None:
        self._now = now
        self._limit = limit
        self._kept: dict[str, Kept] = {}
        self._lock = threading.Lock()

    def put(self, key: str, thing: Kept) -> None:
        with self._lock:
            if len(self._kept) >= self._limit:
                moment = self._now()
                self._kept = {k: kept for k, kept in self._kept.items() if kept.expires_at > moment}
            if len(self._kept) >= self._limit:
                raise LoginsTooMany("the store is full")
            self._kept[key] = thing

    def peek(self, key: str) -> Kept | None:
        with self._lock:
            thing = self._kept.get(key)
            return thing if thing is not None and thing.expires_at > self._now() else None

    def consume(self, key: str) -> Kept | None:
        with self._lock:
            thing = self._kept.pop(key, None)
            return thing if thing is not None and thing.expires_at > self._now() else None

    def __len__(self) -> int:
        return len(self._kept)


class MemoryLaunchStates(_Shelf[LaunchState]):
    def __init__(self, now: Clock, limit: int = 50_000) -> None:
        super().__init__(now, limit)


class MemoryLaunchTickets(_Shelf[LaunchTicket]):
    def __init__(self, now: Clock, limit: int = 50_000) -> None:
        super().__init__(now, limit)


class MemoryTokenCache:
    """Access tokens by key; at most `limit`, the oldest forgotten."""

    def __init__(self, limit: int = 1_000) -> None:
        self._limit = limit
        self._tokens: dict[TokenKey, AccessToken] = {}
        self._lock = threading.Lock()

    def get(self, key: TokenKey) -> AccessToken | None:
        with self._lock:
            return self._tokens.get(key)

    def put(self, key: TokenKey, token: AccessToken) -> None:
        with self._lock:
            self._tokens.pop(key, None)
            self._tokens[key] = token
            while len(self._tokens) > self._limit:
                del self._tokens[next(iter(self._tokens))]

    def drop(self, key: TokenKey) -> None:
        with self._lock:
            self._tokens.pop(key, None)

    def lease(self, key: TokenKey, seconds: float) -> str | None:
        # One process: the lock of ServiceTokens has let one caller through already.
        return "memory"

    def release(self, key: TokenKey, lease: str) -> None:
        return


class MemoryKeys:
    """Our keys: the last one added signs, all are published."""

    def __init__(self, *keys: SigningKey) -> None:
        self._keys = list(keys) or [new_signing_key()]
        self._published = [public_key_of(key) for key in self._keys]

    def rotate(self, key: SigningKey) -> None:
        """From now on `key` signs; the old ones stay published."""
        self._keys.append(key)
        self._published.append(public_key_of(key))

    def signing(self) -> SigningKey:
        return self._keys[-1]

    def published(self) -> Sequence[PublicKey]:
        return list(self._published)
