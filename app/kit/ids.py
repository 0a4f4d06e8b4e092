"""Identifiers: sortable by time where they name rows, unguessable where they open doors."""

from __future__ import annotations

import hashlib
import os
import secrets
import time


def new_id() -> str:
    """A UUIDv7 (RFC 9562, 5.7) as 32 hex digits: rows made later sort later, so an index grows at its end."""
    milliseconds = time.time_ns() // 1_000_000
    random = int.from_bytes(os.urandom(10), "big")
    value = (milliseconds & ((1 << 48) - 1)) << 80
    value |= 0x7 << 76 | (random >> 68 & 0xFFF) << 64  # version, rand_a
    value |= 0b10 << 62 | random & ((1 << 62) - 1)  # variant, rand_b
    return f"{value:032x}"


def new_opaque_id() -> str:
    """128 random bits as 32 hex digits, for a row whose id leaves the house: it tells neither when it was made nor its neighbours."""
    return secrets.token_hex(16)


def new_secret() -> str:
    """256 random bits, URL-safe: for bearers, codes and states. Store `secret_hash(secret)`, never the secret."""
    return secrets.token_urlsafe(32)


def secret_hash(secret: str) -> str:
    """What is kept of a secret: SHA-256 in hex. The secrets have 256 random bits, so no salt or stretching is needed."""
    return hashlib.sha256(secret.encode()).hexdigest()
