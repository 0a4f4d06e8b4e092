"""Launch verification: from the platform's answer to a `Launch` that may be believed.

The order is that of conformance case 39: find the login, find the key, check the signature and every claim, and only then
consume the login's state, in one atomic statement. A platform whose keys cannot be read now consumes nothing, so a reload
helps; every real verdict, good or bad, consumes it. Each claim has a small `_check_*` of its own, each refusal its class.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lti import claims as names
from lti.claims import Claims
from lti.errors import (
    N_,
    LtiError,
    NonceMismatch,
    NonceMissing,
    PlatformRefused,
    RegistrationUnknown,
    StateMissing,
    StateUnknown,
    Transient,
)
from lti.keys import PlatformKeys
from lti.message import Launch
from lti.messages import read_message
from lti.platform_tokens import check_deployment, signed_claims
from lti.ports import Clock, LaunchState, LaunchStates, LegacySecret, Registrations
from lti.registration import Registration
from lti.secret import secret_hash, secret_matches
from lti.settings import LtiSettings


@dataclass(frozen=True)
class Found:
    """A login and its platform; None for what is not there (any more)."""

    login: LaunchState | None
    registration: Registration | None


class LaunchVerifier:
    """Verifies answers to logins. Holds no state of its own; the ports do."""

    def __init__(
        self,
        registrations: Registrations,
        states: LaunchStates,
        platform_keys: PlatformKeys,
        settings: LtiSettings,
        now: Clock,
        legacy_secret: LegacySecret = lambda registration, consumer_key: None,
    ) -> None:
        self._registrations = registrations
        self._states = states
        self._platform_keys = platform_keys
        self._settings = settings
        self._now = now
        self._legacy_secret = legacy_secret

    def find(self, fields: Mapping[str, str]) -> Found:
        """The login that a post answers, and its platform, as they stand; nothing is decided or used up."""
        state = fields.get("state")
        login = self._states.peek(secret_hash(state)) if state else None
        return Found(login, self._registrations.get(login.registration_id) if login else None)

    def verify(self, fields: Mapping[str, str], found: Found | None = None) -> tuple[Launch, LaunchState]:
        """Verifies the posted `id_token` and `state`; returns the launch and the login that it answers, now consumed.

        `found` is what `find` gave for these fields, where the caller has asked already.
        Raises a subclass of LtiError: StateUnknown for a second use, PlatformUnreachable (a Transient) with the state kept.
        """
        state = fields.get("state")
        if not state:
            raise StateMissing
        found = found or self.find(fields)
        login = found.login
        if login is None:
            raise StateUnknown
        state_hash = secret_hash(state)
        try:
            launch = self._verdict(fields, login, found.registration)
        except LtiError as refusal:
            if not isinstance(refusal, Transient):
                self._states.consume(state_hash)
            raise
        # Of two posts at once both come this far, and exactly one takes the state.
        if self._states.consume(state_hash) is None:
            raise StateUnknown("taken meanwhile")
        return launch, login

    def _verdict(
        self, fields: Mapping[str, str], login: LaunchState, registration: Registration | None
    ) -> Launch:
        if "error" in fields and not fields.get("id_token"):
            words = names.optional_text(fields.get("error_description"), 300) or ""
            code = names.optional_text(fields["error"], 100) or ""
            raise PlatformRefused(
                f"the platform says {code}", ((N_("Your learning platform says"), words or code),)
            )
        if registration is None:
            raise RegistrationUnknown("removed since the login")
        id_token = fields.get("id_token") or ""
        token = signed_claims(id_token, registration, self._platform_keys, self._settings, self._now())
        _check_nonce(token, login)
        launch = read_message(token, registration, login, self._settings, self._legacy_secret)
        # Last, since the port may record an unknown deployment of what is by now a genuine launch.
        check_deployment(self._registrations, registration, launch.deployment_id)
        return launch


def _check_nonce(token: Claims, login: LaunchState) -> None:
    """The nonce is the one that this very login gave out; since the login is used once, so is the nonce (cases 49-51)."""
    nonce = token.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        raise NonceMissing
    if not secret_matches(nonce, login.nonce_hash):
        raise NonceMismatch


__all__ = ["LaunchVerifier"]
