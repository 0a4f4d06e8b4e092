"""Our signing keys and the platforms' tokens, in rows that every replica shares (`lti.ports.Keys`, `TokenCache`).

The life of a key: made and published; a day later, when every platform that keeps our JWKS has read it again, it signs; its
successor takes over; it stays published for fourteen days after its last use, so that whatever it signed can still be
verified; then it is retired, which destroys its private half. The row stays for ever: a kid is never used again.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal

import structlog
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import lti
from app.course import models
from app.kit.audit import record_event
from app.kit.clock import now
from app.kit.db import Database
from app.kit.ids import new_id
from app.kit.jobs import OWNER
from app.kit.vault import Vault, VaultLocked
from lti import ports

if TYPE_CHECKING:  # services hold what stands here
    from app.course.services import Services

log = structlog.get_logger()

# Longer than platforms keep a JWKS, and than the hour that ours names in Cache-Control.
PUBLISHED_BEFORE = timedelta(days=1)
PUBLISHED_AFTER = timedelta(days=14)

State = Literal["pending", "signing", "published", "retired", "revoked"]


class KeyLocked(VaultLocked):
    """One of our private keys was sealed under another secret; the message says what to do."""

    def __init__(self, kid: str) -> None:
        super().__init__(
            f"The private key {kid} cannot be read: it was encrypted under another secret. Set WORKSIDE_SECRET to the value "
            "that was used before, or restore the file `secret` of the data folder. If that value is lost for good, run "
            f"`workside keys revoke {kid}`: a new key is made under the present secret and signs at once."
        )


class KeyUnknown(ValueError):
    """There is no such key, or it was revoked before."""


@dataclass(frozen=True)
class KeyRecord:
    """One key as an operator sees it; nothing secret. `until`: when the state ends, where that is known."""

    kid: str
    state: State
    created_at: datetime
    signs_from: datetime
    until: datetime | None


def _usable(rows: Sequence[models.ToolKey]) -> list[models.ToolKey]:
    return [row for row in rows if row.revoked_at is None and row.retired_at is None]


def _signing_row(rows: Sequence[models.ToolKey], moment: datetime) -> models.ToolKey | None:
    """The key that signs at `moment`: of those whose time has come the last to begin."""
    ready = [row for row in _usable(rows) if row.signs_from <= moment]
    return max(ready, key=lambda row: (row.signs_from, row.serial), default=None)


def _last_use(row: models.ToolKey, rows: Sequence[models.ToolKey]) -> datetime | None:
    """When the next key took over from it; None while none has been named for that."""
    successors = [
        other.signs_from
        for other in rows
        if (other.signs_from, other.serial) > (row.signs_from, row.serial)
        and (other.revoked_at is None or other.revoked_at > other.signs_from)
    ]
    return min(successors, default=None)


def _sealed_key(vault: Vault, serial: int, signs_from: datetime) -> models.ToolKey:
    made = lti.new_signing_key()
    return models.ToolKey(
        kid=made.kid,
        serial=serial,
        private_encrypted=vault.seal(made.private_pem.encode()),
        public_pem=lti.public_key_of(made).pem,
        signs_from=signs_from,
    )


class DatabaseKeys:
    """`lti.ports.Keys`: our RSA pairs, private halves sealed. The first one is made on first use and signs at once."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault

    def signing(self) -> ports.SigningKey:
        """The key that signs now. Raises KeyLocked where it was sealed under another secret."""
        rows = self._rows()
        # Between a revocation and the commit of the new key there may be none: what was published next signs then.
        row = _signing_row(rows, now()) or _usable(rows)[0]
        return ports.SigningKey(row.kid, self._unsealed(row))

    def published(self) -> Sequence[ports.PublicKey]:
        """Every key that platforms may verify with, the oldest first; needs no secret."""
        return [
            ports.PublicKey(row.kid, row.public_pem)
            if row.public_pem
            else lti.public_key_of(ports.SigningKey(row.kid, self._unsealed(row)))
            for row in _usable(self._rows())
        ]

    def records(self) -> list[KeyRecord]:
        """All keys there ever were, the oldest first, with what each is now."""
        rows, moment = self._read(), now()
        signing = _signing_row(rows, moment)
        records = []
        for row in rows:
            state: State = "published"
            last_use = _last_use(row, rows)
            until = last_use + PUBLISHED_AFTER if last_use else None
            if row.revoked_at is not None:
                state, until = "revoked", None
            elif row.retired_at is not None:
                state, until = "retired", None
            elif signing is not None and row.kid == signing.kid:
                state, until = "signing", last_use
            elif row.signs_from > moment:
                state, until = "pending", row.signs_from
            records.append(KeyRecord(row.kid, state, row.created_at, row.signs_from, until))
        return records

    def rotate(self, *, at_once: bool = False) -> KeyRecord:
        """Publishes a new key that signs in a day, or at once. Where one waits for its day already, that one is meant.

        So many replicas that rotate together make one key. Raises KeyLocked where the present key cannot be read: a second
        key under another secret would only hide that.
        """
        rows, moment = self._rows(), now()
        current = _signing_row(rows, moment)
        if current is not None:
            self._unsealed(current)
        pending = [row for row in _usable(rows) if row.signs_from > moment]
        signs_from = moment if at_once else moment + PUBLISHED_BEFORE
        if not pending:
            fresh = _sealed_key(self.vault, max(row.serial for row in rows) + 1, signs_from)
            try:
                with self.database.write() as session:
                    session.add(fresh)
                    _record(session, "key.rotated", fresh.kid)
                log.info("key_rotated", kid=fresh.kid)
            except IntegrityError:
                log.info("key_made_elsewhere")
        elif at_once:
            with self.database.write() as session:
                session.execute(
                    update(models.ToolKey)
                    .where(models.ToolKey.kid == pending[-1].kid, models.ToolKey.signs_from > moment)
                    .values(signs_from=moment)
                )
                _record(session, "key.brought_forward", pending[-1].kid)
        return [record for record in self.records() if record.state not in {"retired", "revoked"}][-1]

    def revoke(self, kid: str) -> KeyRecord:
        """Unpublishes a key at once and destroys its private half; returns the key that signs now.

        Where it was the one that signs, a new one is made and signs at once: platforms that keep our JWKS refuse us until
        they read it again, which they do at an unknown kid or within their cache's time. Every access token is forgotten,
        since whoever had the key may have asked for them. Raises KeyUnknown.
        """
        rows, moment = self._read(), now()
        target = next((row for row in rows if row.kid == kid), None)
        if target is None or target.revoked_at is not None:
            raise KeyUnknown(f"There is no key {kid} to revoke. See `workside keys list`.")
        signing = _signing_row(rows, moment)
        fresh = None
        if signing is None or signing.kid == kid:
            fresh = _sealed_key(self.vault, max(row.serial for row in rows) + 1, moment)
        try:
            with self.database.write() as session:
                session.execute(
                    update(models.ToolKey)
                    .where(models.ToolKey.kid == kid)
                    .values(revoked_at=moment, private_encrypted=b"")
                )
                session.execute(delete(models.ServiceToken))
                session.execute(delete(models.TokenLease))
                if fresh is not None:
                    session.add(fresh)
                _record(session, "key.revoked", kid)
        except IntegrityError:
            # Another replica made a key in this moment; what signs now is looked at anew.
            return self.revoke(kid)
        log.warning("key_revoked", kid=kid)
        return next(record for record in self.records() if record.state == "signing")

    def retire(self) -> int:
        """Destroys the private halves of keys that were last used fourteen days ago; returns how many."""
        rows, moment = self._read(), now()
        due = [
            row.kid
            for row in _usable(rows)
            if (last_use := _last_use(row, rows)) is not None and last_use + PUBLISHED_AFTER <= moment
        ]
        if due:
            with self.database.write() as session:
                session.execute(
                    update(models.ToolKey)
                    .where(models.ToolKey.kid.in_(due), models.ToolKey.retired_at.is_(None))
                    .values(retired_at=moment, private_encrypted=b"")
                )
                for kid in due:
                    _record(session, "key.retired", kid)
            log.info("keys_retired", count=len(due))
        return len(due)

    def check(self) -> None:
        """Raises KeyLocked where a key that may be used cannot be read."""
        for row in _usable(self._read()):
            self._unsealed(row)

    def _unsealed(self, row: models.ToolKey) -> str:
        try:
            return self.vault.unseal(row.private_encrypted).decode()
        except VaultLocked:
            raise KeyLocked(row.kid) from None

    def _read(self) -> list[models.ToolKey]:
        with self.database.read() as session:
            return list(session.scalars(select(models.ToolKey).order_by(models.ToolKey.serial)))

    def _rows(self) -> list[models.ToolKey]:
        """All rows, one usable key among them: the first is made here, with the number after the last there ever was."""
        rows = self._read()
        if _usable(rows):
            return rows
        try:
            with self.database.write() as session:
                session.add(_sealed_key(self.vault, max((row.serial for row in rows), default=0) + 1, now()))
        except IntegrityError:
            log.info("first_key_made_elsewhere")
        return self._rows()


def _record(session: Session, action: str, kid: str) -> None:
    # Keys are the installation's, no organisation's.
    record_event(session, action, organisation_id="", actor_id=None, subject_kind="tool_key", subject_id=kid)


def tend_keys(services: Services) -> bool:
    """Makes a new key once the newest is `key_rotation_days` old, and retires what has had its time."""
    keys = DatabaseKeys(services.database, services.vault)
    alive = [record for record in keys.records() if record.state not in {"retired", "revoked"}]
    days = services.settings.key_rotation_days
    if days and alive and now() - alive[-1].created_at >= timedelta(days=days):
        keys.rotate()
    keys.retire()
    return False


class DatabaseTokenCache:
    """`lti.ports.TokenCache`: sealed rows that all replicas share."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault

    def get(self, key: ports.TokenKey) -> ports.AccessToken | None:
        with self.database.read() as session:
            row = session.get(models.ServiceToken, _token_row_key(key))
        if row is None:
            return None
        try:
            value, _, scopes = self.vault.unseal(row.token_encrypted).decode().partition("\n")
        except VaultLocked:
            return None  # kept under another secret: a new one is asked for
        return ports.AccessToken(value, frozenset(scopes.split()), row.expires_at)

    def put(self, key: ports.TokenKey, token: ports.AccessToken) -> None:
        sealed = self.vault.seal(f"{token.value}\n{' '.join(sorted(token.scopes))}".encode())
        with self.database.write() as session:
            session.merge(
                models.ServiceToken(
                    cache_key=_token_row_key(key),
                    registration_id=key.registration_id,
                    token_encrypted=sealed,
                    expires_at=token.expires_at,
                )
            )

    def drop(self, key: ports.TokenKey) -> None:
        with self.database.write() as session:
            session.execute(
                delete(models.ServiceToken).where(models.ServiceToken.cache_key == _token_row_key(key))
            )

    def lease(self, key: ports.TokenKey, seconds: float) -> str | None:
        """One row: made, or taken over by a compare-and-set when its time is over."""
        moment, mine = now(), f"{OWNER}:{new_id()[-8:]}"
        until = moment + timedelta(seconds=seconds)
        cache_key, row = _token_row_key(key), models.TokenLease
        with self.database.write() as session:
            taken = session.execute(
                update(row)
                .where(row.cache_key == cache_key, row.until <= moment)
                .values(owner=mine, until=until)
            )
            if taken.rowcount == 1:  # type: ignore[attr-defined]
                return mine
        try:
            with self.database.write() as session:
                session.add(row(cache_key=cache_key, owner=mine, until=until))
        except IntegrityError:
            return None
        return mine

    def release(self, key: ports.TokenKey, lease: str) -> None:
        row = models.TokenLease
        with self.database.write() as session:
            session.execute(delete(row).where(row.cache_key == _token_row_key(key), row.owner == lease))


def _token_row_key(key: ports.TokenKey) -> str:
    parts = (key.registration_id, key.client_id, key.token_url, *sorted(key.scopes))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
