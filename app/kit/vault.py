"""Encryption at rest for the few secrets that the database holds: private keys and access tokens."""

from __future__ import annotations

import base64
import os
import secrets
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class VaultLocked(Exception):
    """A secret was encrypted under another WORKSIDE_SECRET; the message says what to do."""


class Vault:
    """Seals and opens bytes with one key (Fernet: AES-128-CBC with HMAC-SHA256)."""

    def __init__(self, secret: str) -> None:
        key = HKDF(SHA256(), 32, salt=None, info=b"workside vault v1").derive(secret.encode())
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    @classmethod
    def open(cls, secret: str, data_dir: Path) -> Vault:
        """The vault of the settings' secret, or of a random one that is kept in the data folder, readable by its owner only."""
        if secret:
            return cls(secret)
        path = data_dir / "secret"
        if not path.exists():
            draft = data_dir / f"secret.{os.getpid()}.{secrets.token_hex(4)}"
            with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            try:
                os.link(draft, path)  # of two processes that start at once, the first one's secret stays
            except FileExistsError:
                pass
            finally:
                draft.unlink()
        return cls(path.read_text().strip())

    def seal(self, plain: bytes) -> bytes:
        return self._fernet.encrypt(plain)

    def unseal(self, sealed: bytes) -> bytes:
        try:
            return self._fernet.decrypt(sealed)
        except InvalidToken:
            raise VaultLocked(
                "A stored key cannot be read: it was encrypted under another secret. Set WORKSIDE_SECRET to the value that was "
                "used before (or restore the file `secret` of the data folder)."
            ) from None
