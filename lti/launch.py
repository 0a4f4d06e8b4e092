"""Launch verification: from the platform's answer to a `Launch` that may be believed.

The order is that of conformance case 39: find the login, find the key, check the signature and every claim, and only then
consume the login's state, in one atomic statement. A platform whose keys cannot be read now consumes nothing, so a reload
helps; every real verdict, good or bad, consumes it. Each claim has a small `_check_*` of its own, each refusal its class.

Cryptography is PyJWT's. Times are checked here: PyJWT accepts a missing exp or iat, and takes neither our leeway for iat
nor an age limit.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import jwt
from pylti1p3.exception import LtiException as LibraryRefusal
from pylti1p3.message_validators import get_validators

from lti import claims as names
from lti.claims import Claims
from lti.errors import (
    N_,
    AlgorithmRefused,
    AudienceMismatch,
    AuthorizedPartyMismatch,
    DeploymentInactive,
    DeploymentInvalid,
    DeploymentUnknown,
    IssuerMismatch,
    KeyIdMissing,
    LtiError,
    MessageRefusedByLibrary,
    MessageTypeMissing,
    MessageTypeUnsupported,
    NonceMismatch,
    NonceMissing,
    PlatformRefused,
    RegistrationUnknown,
    ResourceLinkInvalid,
    RolesInvalid,
    SignatureInvalid,
    StateMissing,
    StateUnknown,
    SubjectInvalid,
    SubjectMissing,
    TargetForeign,
    TargetMissing,
    TokenExpired,
    TokenMalformed,
    TokenTimeInvalid,
    TokenTooOld,
    Transient,
    VersionUnsupported,
)
from lti.keys import PlatformKeys
from lti.message import AgsEndpoint, CourseContext, Launch, Migration, ResourceLink
from lti.platforms import family_of
from lti.ports import Clock, LaunchState, LaunchStates, LegacySecret, Registrations
from lti.registration import Registration, origin_of
from lti.roles import role_of
from lti.secret import secret_hash, secret_matches
from lti.settings import LtiSettings

RESOURCE_LINK_REQUEST = "LtiResourceLinkRequest"

_library_validators: Callable[[], list[Any]] = get_validators

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
        _check_version(token)
        message_type = _check_message_type(token, self._settings)
        deployment_id = _check_deployment_id(token)
        target = _check_target(token, self._settings)
        resource_link = _check_resource_link(token)
        roles = _check_roles(token)
        sub = _check_subject(token, registration)
        _check_with_library(token, sub)
        # Last, since the port may record an unknown deployment of what is by now a genuine launch.
        self._check_deployment(registration, deployment_id)
        return _launch(
            token,
            registration,
            message_type,
            deployment_id,
            target,
            resource_link,
            roles,
            sub,
            _migration(token, registration, deployment_id, self._legacy_secret),
        )

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


def _check_version(token: Claims) -> None:
    if token.get(names.VERSION) != "1.3.0":
        raise VersionUnsupported


def _check_message_type(token: Claims, settings: LtiSettings) -> str:
    message_type = token.get(names.MESSAGE_TYPE)
    if not isinstance(message_type, str) or not names.required_text(message_type):
        raise MessageTypeMissing
    if message_type not in settings.message_types:
        raise MessageTypeUnsupported(details=((N_("Asked for"), message_type),))
    return message_type


def _check_deployment_id(token: Claims) -> str:
    deployment_id = token.get(names.DEPLOYMENT_ID)
    if not isinstance(deployment_id, str) or not names.required_text(deployment_id):
        raise DeploymentInvalid
    return deployment_id


def _check_target(token: Claims, settings: LtiSettings) -> str:
    """The claim decides where the launch goes, not the login's parameter; it must lead to us all the same (case 56)."""
    target = token.get(names.TARGET_LINK_URI)
    if not isinstance(target, str) or not target:
        raise TargetMissing
    if origin_of(target) != settings.origin or not names.required_text(target, 4_000):
        raise TargetForeign("target_link_uri claim")
    return target


def _check_resource_link(token: Claims) -> ResourceLink:
    link = token.get(names.RESOURCE_LINK)
    if not isinstance(link, dict) or not names.required_text(link.get("id")):
        raise ResourceLinkInvalid
    return ResourceLink(
        link["id"], names.optional_text(link.get("title"), 500), names.optional_text(link.get("description"))
    )


def _check_roles(token: Claims) -> tuple[str, ...]:
    roles = token.get(names.ROLES)
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise RolesInvalid
    return names.optional_texts(roles)


def _check_subject(token: Claims, registration: Registration) -> str | None:
    """sub, or None for an anonymous launch where this platform may launch anonymously (case 62)."""
    sub = token.get("sub")
    if sub is None or sub == "":
        if registration.allow_anonymous:
            return None
        raise SubjectMissing
    if not isinstance(sub, str) or not sub.isascii() or not names.required_text(sub):
        raise SubjectInvalid
    return sub


def _check_with_library(token: Claims, sub: str | None) -> None:
    """pylti1p3's validators as a second pair of eyes. They know no anonymous launch, so a subject is lent to them."""
    shown = dict(token) if sub is not None else {**token, "sub": "anonymous"}
    try:
        for validator in _library_validators():
            if validator.can_validate(shown):
                validator.validate(shown)
    except LibraryRefusal as error:
        raise MessageRefusedByLibrary(str(error)) from error


def _launch(
    token: Claims,
    registration: Registration,
    message_type: str,
    deployment_id: str,
    target: str,
    resource_link: ResourceLink,
    roles: tuple[str, ...],
    sub: str | None,
    migration: Migration | None,
) -> Launch:
    presentation = names.optional_mapping(token.get(names.LAUNCH_PRESENTATION))
    platform = names.optional_mapping(token.get(names.TOOL_PLATFORM))
    memberships = names.optional_mapping(token.get(names.NRPS))
    family = family_of(registration.issuer, names.optional_identifier(platform.get("product_family_code")))
    return Launch(
        id=secrets.token_hex(16),
        registration_id=registration.id,
        issuer=registration.issuer,
        client_id=registration.client_id,
        deployment_id=deployment_id,
        message_type=message_type,
        target_link_uri=target,
        sub=sub,
        roles=roles,
        role=role_of(roles),
        resource_link=resource_link,
        context=_context(token),
        ags=_ags(token),
        memberships_url=names.optional_url(memberships.get("context_memberships_url")),
        custom=names.custom_parameters(token.get(names.CUSTOM)),
        locale=names.optional_text(presentation.get("locale"), 35)
        or names.optional_text(token.get("locale"), 35),
        return_url=names.optional_url(presentation.get("return_url")),
        name=names.optional_text(token.get("name"), 200),
        given_name=names.optional_text(token.get("given_name"), 200),
        family_name=names.optional_text(token.get("family_name"), 200),
        email=names.optional_text(token.get("email"), 320),
        platform_family=registration.platform if family == "generic" else family,
        platform_guid=names.optional_identifier(platform.get("guid")),
        migration=migration,
        registered_frame_origins=registration.frame_origins,
    )


def _context(token: Claims) -> CourseContext | None:
    """The course; None where the claim or its id is missing (an instructor outside a course)."""
    context = names.optional_mapping(token.get(names.CONTEXT))
    identifier = names.optional_identifier(context.get("id"))
    if identifier is None:
        return None
    return CourseContext(
        identifier,
        names.optional_text(context.get("title"), 500),
        names.optional_text(context.get("label"), 500),
        names.optional_texts(context.get("type")),
    )


def _ags(token: Claims) -> AgsEndpoint | None:
    """The gradebook services; a line item of "" (Moodle with several columns) counts as none."""
    endpoint = names.optional_mapping(token.get(names.AGS))
    if not endpoint:
        return None
    return AgsEndpoint(
        names.optional_url(endpoint.get("lineitem")),
        names.optional_url(endpoint.get("lineitems")),
        frozenset(names.optional_texts(endpoint.get("scope"))),
    )


def _migration(
    token: Claims, registration: Registration, deployment_id: str, legacy_secret: LegacySecret
) -> Migration | None:
    """The old identity, where the platform proves with the LTI 1.1 secret that it may name it; otherwise None.

    Migration guide 1.0: base64(HMAC-SHA256(secret, key & deployment_id & iss & client_id & exp & nonce)).
    """
    claim = names.optional_mapping(token.get(names.MIGRATION))
    consumer_key = names.optional_identifier(claim.get("oauth_consumer_key"))
    signature = claim.get("oauth_consumer_key_sign")
    if consumer_key is None or not isinstance(signature, str):
        return None
    shared = legacy_secret(registration, consumer_key)
    if not shared:
        return None
    signed = "&".join(
        (
            consumer_key,
            deployment_id,
            registration.issuer,
            registration.client_id,
            str(token["exp"]),
            str(token["nonce"]),
        )
    )
    expected = base64.b64encode(hmac.new(shared.encode(), signed.encode(), hashlib.sha256).digest())
    if not hmac.compare_digest(expected, signature.encode("utf-8", "surrogatepass")):
        return None
    return Migration(
        consumer_key,
        names.optional_identifier(claim.get("user_id")),
        names.optional_identifier(claim.get("context_id")),
        names.optional_identifier(claim.get("resource_link_id")),
        names.optional_identifier(claim.get("tool_consumer_instance_guid")),
    )


__all__ = ["RESOURCE_LINK_REQUEST", "Launch", "LaunchVerifier"]
