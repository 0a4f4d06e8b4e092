"""Launch verification: from the platform's answer to a `Launch` that may be believed.

The order is that of conformance case 39: find the login, find the key, check the signature and every claim, and only then
consume the login's state, in one atomic statement. A platform whose keys cannot be read now consumes nothing, so a reload
helps; every real verdict, good or bad, consumes it. Each claim has a small `_check_*` of its own, each refusal its class.

Cryptography is PyJWT's. Times are checked here: PyJWT accepts a missing exp or iat, and takes neither our leeway for iat
nor an age limit.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import jwt

from lti import claims as names
from lti.claims import Claims
from lti.errors import (
    N_,
    AlgorithmRefused,
    AudienceMismatch,
    AuthorizedPartyMismatch,
    DeploymentInactive,
    DeploymentUnknown,
    IssuerMismatch,
    KeyIdMissing,
    LtiError,
    NonceMismatch,
    NonceMissing,
    PlatformRefused,
    RegistrationUnknown,
    SignatureInvalid,
    StateMissing,
    StateUnknown,
    TokenExpired,
    TokenMalformed,
    TokenTimeInvalid,
    TokenTooOld,
    Transient,
)
from lti.keys import PlatformKeys
from lti.message import Launch
from lti.messages import read_message
from lti.ports import Clock, LaunchState, LaunchStates, LegacySecret, Registrations
from lti.registration import Registration
from lti.secret import secret_hash, secret_matches
from lti.settings import LtiSettings

# PyJWT checks the signature, this module everything else.
_SIGNATURE_ONLY: jwt.types.Options = {
    "verify_signature": True,
    "verify_aud": False,
    "verify_exp": False,
    "verify_iat": False,
    "verify_iss": False,
    "verify_jti": False,
    "verify_nbf": False,
    "verify_sub": False,
}


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

    def verify(self, fields: Mapping[str, str]) -> tuple[Launch, LaunchState]:
        """Verifies the posted `id_token` and `state`; returns the launch and the login that it answers, now consumed.

        Raises a subclass of LtiError: StateUnknown for a second use, PlatformUnreachable (a Transient) with the state kept.
        """
        state = fields.get("state")
        if not state:
            raise StateMissing
        state_hash = secret_hash(state)
        login = self._states.peek(state_hash)
        if login is None:
            raise StateUnknown
        try:
            launch = self._verdict(fields, login)
        except LtiError as refusal:
            if not isinstance(refusal, Transient):
                self._states.consume(state_hash)
            raise
        # Of two posts at once both come this far, and exactly one takes the state.
        if self._states.consume(state_hash) is None:
            raise StateUnknown("taken meanwhile")
        return launch, login

    def _verdict(self, fields: Mapping[str, str], login: LaunchState) -> Launch:
        if "error" in fields and not fields.get("id_token"):
            words = names.optional_text(fields.get("error_description"), 300) or ""
            code = names.optional_text(fields["error"], 100) or ""
            raise PlatformRefused(
                f"the platform says {code}", ((N_("Your learning platform says"), words or code),)
            )
        registration = self._registrations.get(login.registration_id)
        if registration is None:
            raise RegistrationUnknown("removed since the login")
        token = self._signed_claims(fields.get("id_token") or "", registration)
        _check_issuer(token, registration)
        _check_audience(token, registration)
        _check_times(token, self._now(), self._settings)
        _check_nonce(token, login)
        launch = read_message(token, registration, login, self._settings, self._legacy_secret)
        # Last, since the port may record an unknown deployment of what is by now a genuine launch.
        self._check_deployment(registration, launch.deployment_id)
        return launch

    def _signed_claims(self, id_token: str, registration: Registration) -> Claims:
        """The payload of a token whose signature holds. Header members that bring their own key (jku, x5u, jwk) mean nothing."""
        if not id_token or len(id_token) > self._settings.token_bytes or id_token.count(".") != 2:
            raise TokenMalformed("not three segments, or too long")
        try:
            header = jwt.get_unverified_header(id_token)
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenMalformed("header") from error
        algorithm = header.get("alg")
        if algorithm not in registration.algorithms:
            raise AlgorithmRefused("not an algorithm of this platform")
        kid = header.get("kid")
        if not names.required_text(kid, 1_000):
            raise KeyIdMissing
        for key in self._platform_keys.find(registration, str(kid), str(algorithm)):
            try:
                payload: Any = jwt.decode(id_token, key, algorithms=[str(algorithm)], options=_SIGNATURE_ONLY)
            except jwt.InvalidSignatureError:
                continue
            except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
                raise TokenMalformed("payload") from error
            if not isinstance(payload, dict):
                raise TokenMalformed("payload is no object")
            return payload
        raise SignatureInvalid

    def _check_deployment(self, registration: Registration, deployment_id: str) -> None:
        status = self._registrations.deployment_status(registration, deployment_id)
        if status == "active":
            return
        refusal = DeploymentUnknown if status == "unknown" else DeploymentInactive
        raise refusal(registration.issuer, registration.client_id, deployment_id)


def _check_issuer(token: Claims, registration: Registration) -> None:
    """iss is the login's platform, character by character: a trailing slash is another platform (case 41)."""
    if token.get("iss") != registration.issuer:
        raise IssuerMismatch


def _check_audience(token: Claims, registration: Registration) -> None:
    """aud names us; with several audiences azp must, and wherever azp is, it is us (OpenID Connect Core 3.1.3.7)."""
    audience = token.get("aud")
    several = audience if isinstance(audience, list) else [audience]
    if registration.client_id not in several or not all(isinstance(one, str) for one in several):
        raise AudienceMismatch
    if "azp" in token and token["azp"] != registration.client_id:
        raise AuthorizedPartyMismatch
    if len(several) > 1 and "azp" not in token:
        raise AudienceMismatch("several audiences and no azp")


def _check_times(token: Claims, now: datetime, settings: LtiSettings) -> None:
    """exp and iat are there, are numbers, are in order, and the token is fresh; nbf holds where it is (cases 46-48)."""
    moment = now.timestamp()
    expires, issued = names.moment(token.get("exp")), names.moment(token.get("iat"))
    if expires is None or issued is None or issued > expires:
        raise TokenTimeInvalid
    if expires < moment - settings.leeway_seconds:
        raise TokenExpired
    if issued > moment + settings.leeway_seconds:
        raise TokenTimeInvalid("iat lies ahead")
    if issued < moment - settings.token_age_seconds:
        raise TokenTooOld
    if "nbf" in token:
        not_before = names.moment(token["nbf"])
        if not_before is None or not_before > moment + settings.leeway_seconds:
            raise TokenTimeInvalid("nbf lies ahead")


def _check_nonce(token: Claims, login: LaunchState) -> None:
    """The nonce is the one that this very login gave out; since the login is used once, so is the nonce (cases 49-51)."""
    nonce = token.get("nonce")
    if not isinstance(nonce, str) or not nonce:
        raise NonceMissing
    if not secret_matches(nonce, login.nonce_hash):
        raise NonceMismatch


__all__ = ["LaunchVerifier"]
