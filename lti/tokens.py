"""Access tokens for a platform's services: asked for once, shared by everyone who needs the same, dropped when refused.

Security Framework 1.0, 4.1: a client-credentials request whose proof is a short token signed with our key.
"""

from __future__ import annotations

import json
import math
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import jwt

from lti.claims import optional_text
from lti.errors import LtiError, TokenDenied, TokenUnavailable
from lti.keys import load_signing_key
from lti.ports import (
    AccessToken,
    Clock,
    Egress,
    EgressFailed,
    EgressRefused,
    EgressResponse,
    Keys,
    Observer,
    TokenCache,
    TokenKey,
    Unobserved,
)
from lti.registration import Registration
from lti.replies import retry_after, shortened
from lti.settings import USER_AGENT

ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_UNKNOWN_LIFE = 300
_LONGEST_LIFE = 24 * 3600
_EARLY = 60
# A login page or a proxy's error page may pass; a platform that answers so every time is misconfigured (case 84).
_MOST_UNREADABLE = 3
# Long enough for a platform that is well; a holder that died or is slow keeps the others waiting no longer than this.
_LEASE_SECONDS = 10.0
_LOOK_EVERY_SECONDS = 0.1
# Kept for the tokens in use now; a lock or a count that is forgotten costs at most one request more.
_MOST_REMEMBERED = 1_000


class ServiceTokens:
    """Gets access tokens and remembers them in a `TokenCache`. One request at a time for each (registration, scopes).

    Within the process a lock sees to that, between processes the cache's lease: whoever has it asks, the others look whether
    the token has come.
    """

    def __init__(
        self, egress: Egress, keys: Keys, cache: TokenCache, now: Clock, *, observer: Observer | None = None
    ) -> None:
        self._egress = egress
        self._keys = keys
        self._cache = cache
        self._now = now
        self._observer = observer or Unobserved()
        self._locks: OrderedDict[TokenKey, threading.Lock] = OrderedDict()
        self._unreadable: OrderedDict[TokenKey, int] = OrderedDict()
        self._lock = threading.Lock()

    def token(self, registration: Registration, scopes: Iterable[str]) -> AccessToken:
        """A token for these scopes, good for a minute at least. Ask only for scopes that the launch's claim lists.

        Its `scopes` may be fewer than asked. Raises TokenDenied (for good) or TokenUnavailable (try again later).
        """
        key = _key(registration, scopes)
        with self._lock:
            lock = self._locks.setdefault(key, threading.Lock())
            self._locks.move_to_end(key)
            _forget_beyond(self._locks)
        with lock:
            known = self._known(key)
            return known if known is not None else self._asked_once(registration, key)

    def _known(self, key: TokenKey) -> AccessToken | None:
        known = self._cache.get(key)
        if known is not None and known.expires_at - timedelta(seconds=_EARLY) > self._now():
            return known
        return None

    def _asked_once(self, registration: Registration, key: TokenKey) -> AccessToken:
        # By a clock that nobody sets: the lease's own time is the database's rows' and may stand still in a test.
        deadline = time.monotonic() + _LEASE_SECONDS
        while (lease := self._cache.lease(key, _LEASE_SECONDS)) is None and time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY_SECONDS)
            if (known := self._known(key)) is not None:
                return known
        try:
            # The one who had the lease before us may have brought it in this moment.
            if (known := self._known(key)) is not None:
                return known
            token = self._request(registration, key)
            self._cache.put(key, token)
        except LtiError as refusal:
            self._observer.token_refused(registration, refusal)
            raise
        finally:
            if lease is not None:
                self._cache.release(key, lease)
        self._observer.token_granted(registration, key.scopes, token.scopes)
        return token

    def drop(self, registration: Registration, scopes: Iterable[str], refused: AccessToken) -> None:
        """Forgets a token that a service refused, unless another caller has replaced it already."""
        key = _key(registration, scopes)
        known = self._cache.get(key)
        # By value: a store may round the time that it keeps beside it.
        if known is not None and known.value == refused.value:
            self._cache.drop(key)

    def _request(self, registration: Registration, key: TokenKey) -> AccessToken:
        if not (key.token_url.startswith("https://") or registration.allow_private):
            raise TokenDenied("the token address is not https")
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": self._assertion(registration),
            "scope": " ".join(key.scopes),
        }
        try:
            answer = self._egress.request(
                "POST",
                key.token_url,
                headers={
                    "Content-Type": "application/x-www-form-urlencoded",
                    "Accept": "application/json",
                    "User-Agent": USER_AGENT,
                },
                content=urlencode(form).encode(),
                allow_private=registration.allow_private,
            )
        except EgressFailed as error:
            raise TokenUnavailable(str(error)) from error
        except EgressRefused as error:
            raise TokenDenied(str(error)) from error
        return self._read(answer, key)

    def _assertion(self, registration: Registration) -> str:
        """Our proof. iat lies five seconds back: Moodle refuses one in its future without any leeway. Sakai caps the life
        at 600 s. aud is the token URL unless the registration or the family says otherwise (Brightspace)."""
        moment = int(self._now().timestamp())
        signing = self._keys.signing()
        audience = registration.audience or registration.quirks.assertion_audience or registration.token_url
        return jwt.encode(
            {
                "iss": registration.client_id,
                "sub": registration.client_id,
                "aud": audience,
                "iat": moment - 5,
                "exp": moment + 300,
                "jti": secrets.token_urlsafe(24),
            },
            load_signing_key(signing),
            algorithm="RS256",
            headers={"kid": signing.kid},
        )

    def _read(self, answer: EgressResponse, key: TokenKey) -> AccessToken:
        if answer.status == 429 or answer.status >= 500:
            raise TokenUnavailable(f"status {answer.status}", retry_after(answer, self._now()))
        body = _json_object(answer.body)
        if answer.status >= 300:
            error = optional_text((body or {}).get("error"), 100) or ""
            raise TokenDenied(f"status {answer.status} {shortened(error)}".strip())
        value = optional_text((body or {}).get("access_token"), 16_000)
        if body is None or value is None or not value.isascii() or not value.isprintable():
            with self._lock:
                self._unreadable[key] = count = self._unreadable.pop(key, 0) + 1
                _forget_beyond(self._unreadable)
            if count >= _MOST_UNREADABLE:
                raise TokenDenied("the token answers are unreadable again and again")
            raise TokenUnavailable("the token answer is unreadable")
        with self._lock:
            self._unreadable.pop(key, None)
        granted = body.get("scope")
        scopes = (
            frozenset(granted.split())
            if isinstance(granted, str) and granted.strip()
            else frozenset(key.scopes)
        )
        return AccessToken(value, scopes, self._now() + timedelta(seconds=_life(body.get("expires_in"))))


def _forget_beyond(remembered: OrderedDict[TokenKey, Any]) -> None:
    """Forgets what was used longest ago, so that a process that meets many platforms does not grow without end."""
    while len(remembered) > _MOST_REMEMBERED:
        remembered.popitem(last=False)


def _key(registration: Registration, scopes: Iterable[str]) -> TokenKey:
    return TokenKey(
        registration.id, registration.client_id, registration.token_url, tuple(sorted(set(scopes)))
    )


def _json_object(body: bytes) -> dict[str, Any] | None:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, dict) else None


def _life(expires_in: object) -> float:
    """Seconds a token lives: some platforms send a text, some nothing."""
    try:
        seconds = float(expires_in) if isinstance(expires_in, (int, float, str)) else _UNKNOWN_LIFE
    except (ValueError, OverflowError):
        return _UNKNOWN_LIFE
    return min(seconds, _LONGEST_LIFE) if math.isfinite(seconds) and seconds > 0 else _UNKNOWN_LIFE
