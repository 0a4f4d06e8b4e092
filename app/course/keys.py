"""Our signing keys and the platforms' tokens, in rows that every replica shares (`lti.ports.Keys`, `TokenCache`)."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import structlog
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError

import lti
from app.course import models
from app.kit.clock import now
from app.kit.db import Database
from app.kit.ids import new_id
from app.kit.vault import Vault
from lti import ports

log = structlog.get_logger()


class DatabaseKeys:
    """`lti.ports.Keys`: our RSA pairs, private halves sealed. The first one is made on first use and signs at once."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self.database = database
        self.vault = vault

    def signing(self) -> ports.SigningKey:
        ready = [row for row in self._rows() if row.signs_from <= now()]
        newest = max(ready, key=lambda row: row.signs_from)
        return ports.SigningKey(newest.kid, self.vault.unseal(newest.private_encrypted).decode())

    def published(self) -> Sequence[ports.PublicKey]:
        return [
            lti.public_key_of(ports.SigningKey(row.kid, self.vault.unseal(row.private_encrypted).decode()))
            for row in self._rows()
        ]

    def _rows(self) -> list[models.ToolKey]:
        with self.database.read() as session:
            rows = list(session.scalars(select(models.ToolKey).order_by(models.ToolKey.created_at)))
        if rows:
            return rows
        private = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        try:
            with self.database.write() as session:
                session.add(
                    models.ToolKey(kid=new_id(), serial=1, private_encrypted=self.vault.seal(private))
                )
        except IntegrityError:
            log.info("first_key_made_elsewhere")
        return self._rows()


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
        value, _, scopes = self.vault.unseal(row.token_encrypted).decode().partition("\n")
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


def _token_row_key(key: ports.TokenKey) -> str:
    parts = (key.registration_id, key.client_id, key.token_url, *sorted(key.scopes))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()
