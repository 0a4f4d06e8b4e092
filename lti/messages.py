"""What a verified token says: the claims that each message type must have, and all that may be believed as one `Launch`.

Four messages are answered. A resource link launch needs its link and a target (core 5.3); a deep linking request its target and
settings (Deep Linking 2.0, 4.4); a submission review the learner and the line item; a data privacy launch the person it is about.
Every other type is refused by its name. Each claim has a small `_check_*` of its own, each refusal its class.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from collections.abc import Callable
from typing import Any

from pylti1p3.exception import LtiException as LibraryRefusal
from pylti1p3.message_validators import get_validators

from lti import claims as names
from lti.claims import Claims
from lti.deep_linking import read_settings
from lti.errors import (
    N_,
    DeploymentInvalid,
    ForUserInvalid,
    LineItemMissing,
    MessageRefusedByLibrary,
    MessageTypeMissing,
    MessageTypeUnsupported,
    ResourceLinkInvalid,
    RoleNotTeaching,
    RolesInvalid,
    SubjectInvalid,
    SubjectMissing,
    TargetForeign,
    TargetMissing,
    VersionUnsupported,
)
from lti.message import (
    AgsEndpoint,
    CourseContext,
    DeepLinkingSettings,
    Launch,
    Migration,
    NoticeService,
    ResourceLink,
)
from lti.platforms import family_of
from lti.ports import LaunchState, LegacySecret
from lti.registration import Registration, origin_of
from lti.roles import TEACHING, Role, role_of
from lti.settings import LtiSettings

# The messages whose target_link_uri claim is required (case 56).
_TARGETED = frozenset({names.RESOURCE_LINK_REQUEST, names.DEEP_LINKING_REQUEST})

_library_validators: Callable[[], list[Any]] = get_validators


def read_message(
    token: Claims,
    registration: Registration,
    login: LaunchState,
    settings: LtiSettings,
    legacy_secret: LegacySecret,
) -> Launch:
    """The launch that the claims of a token of `registration` make, which answers `login`. Raises LtiError."""
    _check_version(token)
    message_type = _check_message_type(token, settings)
    deployment_id = _check_deployment_id(token)
    target = _check_target(token, message_type, login, settings)
    resource_link = _check_resource_link(token, message_type)
    roles = _check_roles(token)
    role = role_of(roles)
    deep_linking = _check_deep_linking(token, message_type, role, settings)
    for_user = _check_for_user(token, message_type)
    ags = _check_ags(token, message_type)
    sub = _check_subject(token, registration)
    _check_with_library(token, sub)
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
        role=role,
        resource_link=resource_link,
        context=_context(token),
        ags=ags,
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
        migration=_migration(token, registration, deployment_id, legacy_secret),
        deep_linking=deep_linking,
        for_user=for_user,
        notices=_notices(token),
        registered_frame_origins=registration.frame_origins,
    )


def _check_version(token: Claims) -> None:
    if token.get(names.VERSION) != "1.3.0":
        raise VersionUnsupported


def _check_message_type(token: Claims, settings: LtiSettings) -> str:
    message_type = token.get(names.MESSAGE_TYPE)
    if not isinstance(message_type, str) or not names.required_text(message_type):
        raise MessageTypeMissing
    known = names.MESSAGE_ALIASES.get(message_type, message_type)
    if known not in settings.message_types:
        raise MessageTypeUnsupported(details=((N_("Asked for"), message_type),))
    return known


def _check_deployment_id(token: Claims) -> str:
    deployment_id = token.get(names.DEPLOYMENT_ID)
    if not isinstance(deployment_id, str) or not names.required_text(deployment_id):
        raise DeploymentInvalid
    return deployment_id


def _check_target(token: Claims, message_type: str, login: LaunchState, settings: LtiSettings) -> str:
    """The claim decides where the launch goes, not the login's parameter; it must lead to us all the same (case 56).

    A submission review and a data privacy launch may come without one: then the login's, which was checked, stands.
    """
    target = token.get(names.TARGET_LINK_URI)
    if target is None and message_type not in _TARGETED:
        return login.target_link_uri
    if not isinstance(target, str) or not target:
        raise TargetMissing
    if origin_of(target) != settings.origin or not names.required_text(target, 4_000):
        raise TargetForeign("target_link_uri claim")
    return target


def _check_resource_link(token: Claims, message_type: str) -> ResourceLink | None:
    """The activity. Only a resource link launch must name one; a deep linking request is for one that does not exist yet."""
    link = token.get(names.RESOURCE_LINK)
    is_named = isinstance(link, dict) and names.required_text(link.get("id"))
    if message_type == names.RESOURCE_LINK_REQUEST and not is_named:
        raise ResourceLinkInvalid
    if not isinstance(link, dict) or not is_named or message_type == names.DEEP_LINKING_REQUEST:
        return None
    return ResourceLink(
        link["id"], names.optional_text(link.get("title"), 500), names.optional_text(link.get("description"))
    )


def _check_roles(token: Claims) -> tuple[str, ...]:
    roles = token.get(names.ROLES)
    if not isinstance(roles, list) or not all(isinstance(role, str) for role in roles):
        raise RolesInvalid
    return names.optional_texts(roles)


def _check_deep_linking(
    token: Claims, message_type: str, role: Role, settings: LtiSettings
) -> DeepLinkingSettings | None:
    """What may be placed, for those who teach; a learner who asks for it is refused (case 77)."""
    if message_type != names.DEEP_LINKING_REQUEST:
        return None
    wanted = read_settings(token.get(names.DEEP_LINKING_SETTINGS), allow_http=settings.is_plain_http)
    if role not in TEACHING:
        raise RoleNotTeaching
    return wanted


def _check_for_user(token: Claims, message_type: str) -> str | None:
    """The sub of the person whom the message is about (`for_user.user_id`)."""
    if message_type not in {names.SUBMISSION_REVIEW_REQUEST, names.DATA_PRIVACY_REQUEST}:
        return None
    for_user = names.optional_identifier(names.optional_mapping(token.get(names.FOR_USER)).get("user_id"))
    if for_user is None:
        raise ForUserInvalid
    return for_user


def _check_ags(token: Claims, message_type: str) -> AgsEndpoint | None:
    """The gradebook services. A submission review must name the line item that it is about."""
    endpoint = _ags(token)
    if message_type == names.SUBMISSION_REVIEW_REQUEST and (endpoint is None or endpoint.lineitem is None):
        raise LineItemMissing
    return endpoint


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
    """pylti1p3's validators as a second pair of eyes.

    They know no anonymous launch, so a subject is lent to them; and they take a deep linking request for activities only,
    where the specification lets a platform ask for other things (case 71), so one is added to what it accepts.
    """
    shown = dict(token) if sub is not None else {**token, "sub": "anonymous"}
    wanted = names.optional_mapping(token.get(names.DEEP_LINKING_SETTINGS))
    if isinstance(wanted.get("accept_types"), list):
        shown[names.DEEP_LINKING_SETTINGS] = {
            **wanted,
            "accept_types": [*wanted["accept_types"], "ltiResourceLink"],
        }
    try:
        for validator in _library_validators():
            if validator.can_validate(shown):
                validator.validate(shown)
    except LibraryRefusal as error:
        raise MessageRefusedByLibrary(str(error)) from error


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


def _notices(token: Claims) -> NoticeService | None:
    """The notification service, where its claim lists the scope that handlers need."""
    claim = names.optional_mapping(token.get(names.NOTICE_SERVICE))
    url = names.optional_url(claim.get("platform_notification_service_url"))
    if url is None or names.NOTICE_SCOPE not in names.optional_texts(claim.get("scope")):
        return None
    return NoticeService(url, names.optional_texts(claim.get("notice_types_supported")))


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


__all__ = ["read_message"]
