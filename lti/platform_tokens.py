"""Tokens that a platform signed: the checks that a launch and a notice have in common (Security Framework 1.0, 5.1.3).

Cryptography is PyJWT's. Times are checked here: PyJWT accepts a missing exp or iat, and takes neither our leeway for iat
nor an age limit.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import jwt

from lti import claims as names
from lti.claims import Claims
from lti.errors import (
    AlgorithmRefused,
    AudienceMismatch,
    AuthorizedPartyMismatch,
    DeploymentInactive,
    DeploymentUnknown,
    DeploymentWaiting,
    IssuerMismatch,
    KeyIdMissing,
    SignatureInvalid,
    TokenExpired,
    TokenMalformed,
    TokenTimeInvalid,
    TokenTooOld,
)
from lti.keys import PlatformKeys
from lti.ports import Registrations
from lti.registration import Registration
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


def signed_claims(
    token: str, registration: Registration, keys: PlatformKeys, settings: LtiSettings, now: datetime
) -> Claims:
    """The payload of a token that this platform signed for us just now. Nonce, version and deployment are the caller's to check.

    Header members that bring their own key (jku, x5u, jwk) mean nothing. Raises LtiError; PlatformUnreachable is for later.
    """
    payload = _verified_payload(token, registration, keys, settings)
    _check_issuer(payload, registration)
    _check_audience(payload, registration)
    _check_times(payload, now, settings)
    return payload


def check_deployment(registrations: Registrations, registration: Registration, deployment_id: str) -> None:
    """Raises where the deployment is not switched on. Last of all checks: the port may record one that it meets first here."""
    status = registrations.deployment_status(registration, deployment_id)
    if status == "active":
        return
    refusals = {"unknown": DeploymentUnknown, "pending": DeploymentWaiting}
    raise refusals.get(status, DeploymentInactive)(registration.issuer, registration.client_id, deployment_id)


def _verified_payload(
    token: str, registration: Registration, keys: PlatformKeys, settings: LtiSettings
) -> Claims:
    if not token or len(token) > settings.token_bytes or token.count(".") != 2:
        raise TokenMalformed("not three segments, or too long")
    try:
        # The header alone: PyJWT would decode the other two segments here and once more below.
        header = jwt.get_unverified_header(token[: token.index(".")] + "..")
    except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
        raise TokenMalformed("header") from error
    algorithm = header.get("alg")
    if algorithm not in registration.algorithms:
        raise AlgorithmRefused("not an algorithm of this platform")
    kid = header.get("kid")
    if not names.required_text(kid, 1_000):
        raise KeyIdMissing
    for key in keys.find(registration, str(kid), str(algorithm)):
        try:
            payload: Any = jwt.decode(token, key, algorithms=[str(algorithm)], options=_SIGNATURE_ONLY)
        except jwt.InvalidSignatureError:
            continue
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenMalformed("payload") from error
        if not isinstance(payload, dict):
            raise TokenMalformed("payload is no object")
        return payload
    raise SignatureInvalid


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
