"""Unguessable values, and what is kept of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """SHA-256 in hex: the secrets are long and random, so nothing slower is needed."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def secret_matches(secret: str | None, kept_hash: str) -> bool:
    """Compares in constant time; nothing matches None."""
    return secret is not None and hmac.compare_digest(secret_hash(secret), kept_hash)
