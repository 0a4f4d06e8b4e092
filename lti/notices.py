"""Platform notices: telling a platform where ours go, and believing those that come (Platform Notification Service 1.0)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import jwt

from lti import claims as names
from lti.claims import Claims
from lti.errors import (
    DeploymentInvalid,
    IssuerMismatch,
    LtiError,
    NonceMissing,
    NoticeMalformed,
    TokenMalformed,
    Transient,
    VersionUnsupported,
)
from lti.keys import PlatformKeys
from lti.message import CourseContext, Notice, NoticeService
from lti.platform_tokens import check_deployment, signed_claims
from lti.ports import Clock, Registrations
from lti.registration import Registration, origin_of
from lti.services import Services
from lti.settings import LtiSettings

HELLO_WORLD = "LtiHelloWorldNotice"
CONTEXT_COPY = "LtiContextCopyNotice"
NOTICE_TYPES = (HELLO_WORLD, CONTEXT_COPY)
MOST_AUDIENCES = 5
MOST_NOTICES = 100


@dataclass(frozen=True)
class Verdict:
    """What came of one delivery: the notices that hold, and why the others do not."""

    notices: tuple[Notice, ...]
    refusals: tuple[LtiError, ...]

    @property
    def is_for_later(self) -> bool:
        """Whether some could not be judged now, because their platform's keys cannot be read."""
        return any(isinstance(refusal, Transient) for refusal in self.refusals)


class NoticeVerifier:
    """Verifies notices as launches are verified, but for what only a login can know: no state, no nonce of ours.

    So a notice may come twice; who takes it must know it by its id.
    """

    def __init__(
        self, registrations: Registrations, platform_keys: PlatformKeys, settings: LtiSettings, now: Clock
    ) -> None:
        self._registrations = registrations
        self._platform_keys = platform_keys
        self._settings = settings
        self._now = now

    def verify_all(self, body: bytes) -> Verdict:
        """Every notice of a delivery by itself: one bad token does not lose the others. Raises NoticeMalformed."""
        notices: list[Notice] = []
        refusals: list[LtiError] = []
        for token in _tokens(body):
            try:
                notices.append(self._verify(token))
            except LtiError as refusal:
                refusals.append(refusal)
        return Verdict(tuple(notices), tuple(refusals))

    def _verify(self, token: str) -> Notice:
        registration = self._registration_of(token)
        payload = signed_claims(token, registration, self._platform_keys, self._settings, self._now())
        if not names.required_text(payload.get("nonce"), 1_000):
            raise NonceMissing
        if payload.get(names.VERSION) != "1.3.0":
            raise VersionUnsupported
        deployment_id = payload.get(names.DEPLOYMENT_ID)
        if not isinstance(deployment_id, str) or not names.required_text(deployment_id):
            raise DeploymentInvalid
        notice = _notice(payload, registration, deployment_id)
        check_deployment(self._registrations, registration, deployment_id)
        return notice

    def _registration_of(self, token: str) -> Registration:
        """Who claims to have signed it. Believed only for choosing the keys that the signature is then checked with."""
        if not token or len(token) > self._settings.token_bytes:
            raise TokenMalformed("no token, or too long")
        try:
            unverified: Any = jwt.decode(token, options={"verify_signature": False})
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError) as error:
            raise TokenMalformed("payload") from error
        issuer, audience = unverified.get("iss"), unverified.get("aud")
        if isinstance(issuer, str) and names.required_text(issuer, 1_000):
            # Nothing of this is verified yet, so it may cost a few look-ups and no more.
            for client_id in names.optional_texts(audience if isinstance(audience, list) else [audience])[
                :MOST_AUDIENCES
            ]:
                if found := self._registrations.find(issuer, client_id):
                    return found[0]
        raise IssuerMismatch("no registration has this issuer and audience")


def _tokens(body: bytes) -> list[str]:
    """The tokens of a delivery: `{"notices": [{"jwt": "..."}]}`."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NoticeMalformed("not JSON") from error
    listed = document.get("notices") if isinstance(document, dict) else None
    if not isinstance(listed, list) or len(listed) > MOST_NOTICES:
        raise NoticeMalformed("no list of notices, or too many")
    return [str(names.optional_mapping(item).get("jwt") or "") for item in listed]


def _notice(payload: Claims, registration: Registration, deployment_id: str) -> Notice:
    about = names.optional_mapping(payload.get(names.NOTICE))
    identifier, kind = about.get("id"), about.get("type")
    if not isinstance(identifier, str) or not names.required_text(identifier):
        raise NoticeMalformed("a notice has an id")
    if not isinstance(kind, str) or not names.required_text(kind, 100):
        raise NoticeMalformed("a notice has a type")
    context = names.optional_mapping(payload.get(names.CONTEXT))
    context_id = names.optional_identifier(context.get("id"))
    return Notice(
        registration.id,
        deployment_id,
        identifier,
        kind,
        CourseContext(
            context_id,
            names.optional_text(context.get("title"), 500),
            names.optional_text(context.get("label"), 500),
        )
        if context_id is not None
        else None,
        tuple(
            one
            for one in names.optional_texts(payload.get(names.ORIGIN_CONTEXTS))
            if names.required_text(one)
        ),
    )


def wanted_types(service: NoticeService) -> Sequence[str]:
    """The notices that we do something with, of those that the platform sends."""
    return [kind for kind in NOTICE_TYPES if kind in service.types]


def register_handler(
    services: Services, registration: Registration, url: str, notice_type: str, handler: str
) -> None:
    """Tells the service at `url` where notices of a type go: one handler a type, a new one replaces it, "" takes it back.

    Raises LtiError as `Services.call` and `Services.read` do.
    """
    answer = services.call(
        registration,
        "PUT",
        url,
        scopes=(names.NOTICE_SCOPE,),
        needs=names.NOTICE_SCOPE,
        origins=(origin_of(url),),
        accept="application/json",
        content_type="application/json",
        content=json.dumps({"notice_type": notice_type, "handler": handler}).encode(),
    )
    services.read(registration, answer)
