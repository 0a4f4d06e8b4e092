"""Keys: ours, as platforms read them, and the platforms', as we remember them."""

from __future__ import annotations

import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from jwt import PyJWK
from jwt.algorithms import RSAAlgorithm
from jwt.exceptions import PyJWTError

from lti.errors import KeyUnknown, PlatformUnreachable
from lti.ports import (
    Clock,
    Egress,
    EgressFailed,
    EgressRefused,
    Keys,
    Observer,
    PublicKey,
    SigningKey,
    Unobserved,
)
from lti.registration import Registration
from lti.settings import USER_AGENT

_MINIMUM_RSA_BITS = 2048
_PUBLIC_MEMBERS = {"RSA": ("n", "e"), "EC": ("crv", "x", "y")}
_MOST_KEYS = 100


# --- ours ------------------------------------------------------------------------------------------------------------


def new_signing_key() -> SigningKey:
    """A fresh RSA key of 2048 bits. Its kid is random-looking and never used twice: it is the public key's own digest."""
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    digest = hashes.Hash(hashes.SHA256())
    digest.update(
        private.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return SigningKey(digest.finalize().hex()[:32], pem.decode())


def load_signing_key(key: SigningKey) -> rsa.RSAPrivateKey:
    """The key as PyJWT signs with it. Its primes are not tested again: we made it, and the test takes 50 ms each time."""
    private = serialization.load_pem_private_key(
        key.private_pem.encode(), None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(private, rsa.RSAPrivateKey):
        raise ValueError("our keys are RSA keys: no other algorithm is understood by every platform")
    return private


def public_key_of(key: SigningKey) -> PublicKey:
    """The half that may be seen."""
    pem = (
        load_signing_key(key)
        .public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    return PublicKey(key.kid, pem.decode())


def jwks_document(keys: Keys) -> dict[str, list[dict[str, str]]]:
    """Our JWKS: public members only, each with kid, kty, alg RS256 and use sig (RFC 7517, 4)."""
    return {"keys": [_public_jwk(key) for key in keys.published()]}


def _public_jwk(key: PublicKey) -> dict[str, str]:
    public = serialization.load_pem_public_key(key.pem.encode())
    if not isinstance(public, rsa.RSAPublicKey):
        raise ValueError("our keys are RSA keys: no other algorithm is understood by every platform")
    members = RSAAlgorithm.to_jwk(public, as_dict=True)
    return {"kty": "RSA", "n": members["n"], "e": members["e"], "kid": key.kid, "alg": "RS256", "use": "sig"}


# --- the platforms' --------------------------------------------------------------------------------------------------


@dataclass
class _Remembered:
    """One JWKS as last read. `forced_at`: last time an unknown kid made us ask again; `failed_at`: last failure."""

    keys: tuple[dict[str, Any], ...] = ()
    read_at: datetime | None = None
    forced_at: datetime | None = None
    failed_at: datetime | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)

    def is_fresh(self, since: datetime) -> bool:
        return self.read_at is not None and self.read_at > since


class PlatformKeys:
    """The platforms' public keys, remembered for an hour, asked for again early when a kid is unknown.

    An unknown kid makes us ask at most once a minute for each JWKS, however many tokens carry one (case 32). A platform
    that does not answer is asked at most every five seconds, and while it is down the keys it had still count for a day.
    """

    def __init__(
        self,
        egress: Egress,
        now: Clock,
        *,
        observer: Observer | None = None,
        keep: timedelta = timedelta(hours=1),
        keep_while_down: timedelta = timedelta(days=1),
        force_every: timedelta = timedelta(seconds=60),
        retry_every: timedelta = timedelta(seconds=5),
    ) -> None:
        self._egress = egress
        self._now = now
        self._observer = observer or Unobserved()
        self._keep = keep
        self._keep_while_down = keep_while_down
        self._force_every = force_every
        self._retry_every = retry_every
        self._sets: dict[tuple[str, str], _Remembered] = {}
        self._lock = threading.Lock()

    def find(self, registration: Registration, kid: str, algorithm: str) -> Sequence[PyJWK]:
        """The platform's usable keys of that id for that algorithm, at least one.

        Raises KeyUnknown when the platform has none, PlatformUnreachable when we cannot know now.
        """
        # The registration is part of the key: two tenants that name the same URL do not share what one of them allowed.
        with self._lock:
            known = self._sets.setdefault((registration.id, registration.jwks_url), _Remembered())
        moment = self._now()
        # Before the lock: nobody whose key is at hand waits for a platform that is slow to tell about another key.
        if known.is_fresh(moment - self._keep) and (found := _usable(known.keys, kid, algorithm)):
            return found
        with known.lock:
            return self._ask(known, registration, kid, algorithm)

    def read(self, registration: Registration) -> list[str]:
        """Reads the platform's JWKS now, whatever is remembered, and gives the ids of the keys in it.

        Raises PlatformUnreachable. For a person who looks into a connection; launches use `find`.
        """
        return [str(key.get("kid") or "") for key in self._fetch(registration)]

    def _ask(
        self, known: _Remembered, registration: Registration, kid: str, algorithm: str
    ) -> Sequence[PyJWK]:
        moment = self._now()
        is_fresh = known.is_fresh(moment - self._keep)
        found = _usable(known.keys, kid, algorithm)
        if is_fresh and found:
            return found
        forced_lately = known.forced_at is not None and moment - known.forced_at < self._force_every
        if is_fresh and known.failed_at is None and forced_lately:
            raise KeyUnknown(f"kid not among {len(known.keys)} keys; asked again less than a minute ago")
        if known.failed_at is None or moment - known.failed_at >= self._retry_every:
            try:
                known.keys = self._fetch(registration)
                known.read_at, known.failed_at = moment, None
                known.forced_at = moment if is_fresh else known.forced_at
            except PlatformUnreachable:
                known.failed_at = moment
            found = _usable(known.keys, kid, algorithm)
        if known.failed_at is None:
            if found:
                return found
            raise KeyUnknown(f"kid not among {len(known.keys)} keys")
        if found and known.is_fresh(moment - self._keep_while_down):
            return found
        raise PlatformUnreachable("no usable key remembered and the JWKS cannot be read")

    def _fetch(self, registration: Registration) -> tuple[dict[str, Any], ...]:
        url = registration.jwks_url
        if not (url.startswith("https://") or (registration.allow_private and url.startswith("http://"))):
            raise PlatformUnreachable("the JWKS address is not https")
        try:
            answer = self._egress.request(
                "GET",
                url,
                headers={"Accept": "application/json", "User-Agent": USER_AGENT},
                read_seconds=10,
                max_bytes=1 << 20,
                allow_private=registration.allow_private,
            )
        except (EgressFailed, EgressRefused) as error:
            raise PlatformUnreachable(f"JWKS: {error}") from error
        if answer.status != 200:
            raise PlatformUnreachable(f"JWKS: status {answer.status}")
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise PlatformUnreachable("JWKS: not JSON") from error
        keys = document.get("keys") if isinstance(document, dict) else None
        if not isinstance(keys, list):
            raise PlatformUnreachable("JWKS: no list of keys")
        read = tuple(key for key in keys[:_MOST_KEYS] if isinstance(key, dict))
        self._observer.keys_read(
            registration, [kid for key in read if isinstance(kid := key.get("kid"), str)]
        )
        return read


def _usable(keys: Sequence[dict[str, Any]], kid: str, algorithm: str) -> list[PyJWK]:
    return [
        usable
        for key in keys
        if key.get("kid") == kid and (usable := _as_verifying_key(key, algorithm)) is not None
    ]


def _as_verifying_key(key: dict[str, Any], algorithm: str) -> PyJWK | None:
    """The JWK as a key for `algorithm`, or None where it may not verify with it (RFC 7517, 4.2-4.4).

    Open edX publishes neither alg nor use: then it counts for RS256 only.
    """
    family = "EC" if algorithm.startswith("ES") else "RSA"
    if key.get("kty") != family or key.get("use", "sig") != "sig" or key.get("alg", "RS256") != algorithm:
        return None
    operations = key.get("key_ops")
    if operations is not None and (not isinstance(operations, list) or "verify" not in operations):
        return None
    # Public members only: a platform that publishes its private key by mistake does not make us hold one.
    public = {name: key.get(name) for name in _PUBLIC_MEMBERS[family]}
    try:
        usable = PyJWK({"kty": family, **public}, algorithm=algorithm)
    except (PyJWTError, ValueError, TypeError, AttributeError):
        return None
    if isinstance(usable.key, rsa.RSAPublicKey) and usable.key.key_size < _MINIMUM_RSA_BITS:
        return None
    return usable
