"""The LTI platform of one organisation: lti1p3platform's classes, with the checks that it leaves to its user.

The package signs launches, answers token requests and guards the services. It leaves unchecked, and so checked here:
the redirect_uri, the auth request's fixed parameters, the assertion's iss, sub, aud and jti, and the scope of each single
operation (it accepts any of the launch's scopes for any operation).
"""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal
from urllib.parse import quote

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lti1p3platform.constants import LTI_1P3_ACCESS_TOKEN_SCOPES
from lti1p3platform.exceptions import (
    LtiDeepLinkingResponseException,
    LtiException,
    MissingRequiredClaim,
    UnsupportedGrantType,
)
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request

from demo.catalogue import Activity, Course, Organisation, Person
from demo.gradebook import Gradebook

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM, LINE_ITEM_READ = AGS + "lineitem", AGS + "lineitem.readonly"
RESULT_READ, SCORE = AGS + "result.readonly", AGS + "score"
MEMBERS_READ = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
NOTICE_HANDLERS = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"
SCOPES = (LINE_ITEM, LINE_ITEM_READ, RESULT_READ, SCORE, MEMBERS_READ, NOTICE_HANDLERS)
# The package knows no platform notices yet: without this it would leave their scope out of every token.
if NOTICE_HANDLERS not in LTI_1P3_ACCESS_TOKEN_SCOPES:
    LTI_1P3_ACCESS_TOKEN_SCOPES.append(NOTICE_HANDLERS)

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
LAUNCH_PRESENTATION = CLAIM + "launch_presentation"
TOOL_PLATFORM = CLAIM + "tool_platform"
NOTICE_SERVICE = CLAIM + "platformnotificationservice"
DEEP_LINKING = "https://purl.imsglobal.org/spec/lti-dl/claim/"
COURSE_OFFERING = "http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"
NOTICE_TYPES = ("LtiContextCopyNotice", "LtiHelloWorldNotice")
Message = Literal["LtiResourceLinkRequest", "LtiDeepLinkingRequest", "LtiSubmissionReviewRequest"]
# What a platform puts in the place of these variables in a tool's custom parameters (core, appendix B).
CONTEXT_HISTORY, LINK_HISTORY = "$Context.id.history", "$ResourceLink.id.history"
# The tool that is there from the start asks for both histories, as one does who registers by hand.
CUSTOM = {"context_history": CONTEXT_HISTORY, "resource_link_history": LINK_HISTORY}
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
LINE_ITEM_TYPE = "application/vnd.ims.lis.v2.lineitem+json"

ROLES = {
    "learner": [
        "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner",
        "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Student",
    ],
    "instructor": [
        "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor",
        "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Faculty",
    ],
}

# Moodle's id_token lives for 60 s; a slow day must not outlive it before the browser has posted it.
ID_TOKEN_SECONDS = 60
LAUNCH_SECONDS = 600


class LaunchRefused(Exception):
    """An authentication request that is not answered; `code` is the OAuth error, or "" when nobody may be answered."""

    def __init__(self, reason: str, code: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code


class AnswerRefused(Exception):
    """A deep linking response that is not taken, with one plain sentence."""


class TokenRefused(Exception):
    """A token request that is refused, with its OAuth error code (RFC 6749, section 5.2)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class Tool:
    """A registration of the tool: its addresses, and what it is called here.

    `keys_url` is where this server reads the tool's public keys, `origin` what browsers see. An empty client id stands for the
    one that an organisation has from the start. `custom` are the custom parameters of every launch, with their variables.
    """

    login_url: str
    launch_url: str
    keys_url: str
    origin: str
    name: str = "Workside"
    client_id: str = ""
    deployment_id: str = ""
    target_url: str = ""
    custom: Mapping[str, str] = field(default_factory=lambda: dict(CUSTOM))


@dataclass(frozen=True)
class Addresses:
    """The LMS's own addresses: `browser` as people reach it, `service` as the tool's server reaches it."""

    browser: str
    service: str

    def issuer(self, organisation: Organisation) -> str:
        return f"{self.browser}/org/{organisation.slug}"

    def registration(self, organisation: Organisation) -> dict[str, str]:
        """What an administrator types into the tool, with the names of the tool's own command line."""
        services = f"{self.service}/org/{organisation.slug}"
        return {
            "name": organisation.name,
            "slug": organisation.slug,
            "issuer": self.issuer(organisation),
            "client_id": organisation.client_id,
            "deployment_id": organisation.deployment_id,
            "auth_url": f"{self.issuer(organisation)}/auth",
            "token_url": f"{services}/token",
            "jwks_url": f"{services}/jwks.json",
        }

    def line_items(self, organisation: Organisation, course: Course) -> str:
        return f"{self.service}/org/{organisation.slug}/courses/{course.id}/lineitems"

    def line_item(self, organisation: Organisation, course: Course, line_item_id: str) -> str:
        # With a query, like Moodle's: a tool that appends "/scores" to the whole of it is told so here.
        return f"{self.line_items(organisation, course)}/{line_item_id}/lineitem?type_id=1"

    def members(self, organisation: Organisation, course: Course) -> str:
        return f"{self.service}/org/{organisation.slug}/courses/{course.id}/members"

    def notice_handlers(self, organisation: Organisation) -> str:
        return f"{self.service}/org/{organisation.slug}/notice-handlers"

    def deep_link_return(self, organisation: Organisation, course: Course) -> str:
        return f"{self.browser}/org/{organisation.slug}/courses/{course.id}/deep-link"


@dataclass(frozen=True)
class Launch:
    """One click; its hint travels as lti_message_hint, and as `data` of a deep linking request.

    `activity` is None for deep linking; `for_user` is the learner whose submission is reviewed.
    """

    hint: str
    course: Course
    activity: Activity | None
    person: Person
    document_target: str
    expires: float
    message: Message = "LtiResourceLinkRequest"
    for_user: Person | None = None


class IncomingRequest(Request):  # type: ignore[misc]
    """A request in the package's own terms."""

    def __init__(
        self,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        query: dict[str, Any] | None = None,
        json: Any = None,
    ) -> None:
        super().__init__({"method": method, "headers": headers or {}, "query": query or {}, "json": json})

    def build_metadata(self, request: dict[str, Any]) -> dict[str, Any]:
        return {
            "method": request["method"],
            "headers": request["headers"],
            "get_data": request["query"],
            "form_data": {},
            "json": request["json"],
            "path": "",
            "content_type": None,
        }


class Platform(LTI1P3PlatformConfAbstract):  # type: ignore[misc]
    """One organisation's registration of the tool, seen from the LMS."""

    def __init__(
        self,
        organisation: Callable[[], Organisation],
        addresses: Addresses,
        tool: Tool,
        gradebook: Gradebook,
        private_key_pem: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._organisation = organisation
        self.addresses = addresses
        self.tool = tool
        self.gradebook = gradebook
        self.clock = clock
        self.facts = addresses.registration(organisation())
        if tool.client_id:
            self.facts |= {"client_id": tool.client_id, "deployment_id": tool.deployment_id}
        self._private_key_pem = private_key_pem
        self._launches: dict[str, Launch] = {}
        self._lock = threading.Lock()
        super().__init__()

    @property
    def organisation(self) -> Organisation:
        """The organisation with what was added to its courses by now."""
        return self._organisation()

    def init_platform_config(self, **kwargs: Any) -> None:
        public = serialization.load_pem_private_key(self._private_key_pem.encode(), None).public_key()
        public_pem = public.public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        ).decode()
        self._registration = (
            Registration()
            .set_iss(self.facts["issuer"])
            .set_client_id(self.facts["client_id"])
            .set_deployment_id(self.facts["deployment_id"])
            .set_oidc_login_url(self.tool.login_url)
            .set_launch_url(self.tool.launch_url)
            .set_deeplink_launch_url(self.tool.target_url or self.tool.launch_url)
            .set_tool_key_set_url(self.tool.keys_url)
            .set_platform_private_key(self._private_key_pem)
            .set_platform_public_key(public_pem)
        )

    def get_registration_by_params(self, **kwargs: Any) -> Registration:
        return self._registration

    def fetch_public_key(self, key_set_url: str) -> Any:
        try:
            answer = httpx.get(key_set_url, timeout=5, follow_redirects=False)
            answer.raise_for_status()
            keys = answer.json()
        except (httpx.HTTPError, ValueError) as problem:
            raise LtiException(f"The tool's keys could not be read at {key_set_url}: {problem}") from problem
        if not isinstance(keys, dict) or not isinstance(keys.get("keys"), list):
            raise LtiException(f"There is no key set at {key_set_url}.")
        return keys

    # Launch

    def start_launch(
        self,
        course: Course,
        activity: Activity | None,
        person: Person,
        document_target: str,
        *,
        offers_storage: bool,
        message: Message = "LtiResourceLinkRequest",
        for_user: Person | None = None,
    ) -> str:
        """The address of the tool's login, with everything it needs to come back for this message."""
        launch = Launch(
            secrets.token_urlsafe(18),
            course,
            activity,
            person,
            document_target,
            self.clock() + LAUNCH_SECONDS,
            message,
            for_user,
        )
        with self._lock:
            now = self.clock()
            self._launches = {hint: kept for hint, kept in self._launches.items() if kept.expires > now}
            self._launches[launch.hint] = launch
        login = Login(IncomingRequest(), self)
        login.set_lti_message_hint(hint=launch.hint)
        login.set_launch_url(self.target_of(launch))
        address: str = login.initiate_login(person.id)
        return address + ("&lti_storage_target=_parent" if offers_storage else "")

    def target_of(self, launch: Launch) -> str:
        """Where the launch is to lead."""
        if launch.activity is None:
            return self.tool.target_url or self.tool.launch_url
        if launch.message == "LtiSubmissionReviewRequest" and launch.activity.review_url:
            return launch.activity.review_url
        return launch.activity.url or self.tool.target_url or self.tool.launch_url

    def answer_auth(self, fields: Mapping[str, str], *, only_once: bool) -> dict[str, str]:
        """The form fields for the tool's launch address. Raises LaunchRefused."""
        if fields.get("client_id") != self.facts["client_id"]:
            raise LaunchRefused("The client_id is not one of ours.")
        if fields.get("redirect_uri") != self.tool.launch_url:
            raise LaunchRefused(
                "The redirect_uri is not the one that was registered, character for character."
            )
        fixed = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
        }
        for name, wanted in fixed.items():
            if fields.get(name) != wanted:
                raise LaunchRefused(f"{name} must be “{wanted}”.", "invalid_request")
        for name in ("state", "nonce", "login_hint"):
            if not fields.get(name):
                raise LaunchRefused(f"{name} is missing.", "invalid_request")
        hint = fields.get("lti_message_hint", "")
        with self._lock:
            launch = self._launches.get(hint)
            if launch and only_once:
                del self._launches[hint]
        if launch is None or launch.expires < self.clock():
            raise LaunchRefused("This activity was opened too long ago. Open it again.", "invalid_request")
        if fields["login_hint"] != launch.person.id:
            raise LaunchRefused(
                "login_hint names somebody else than the person who clicked.", "login_required"
            )
        message = MessageLaunch(IncomingRequest(query=dict(fields)), self, launch)
        message.set_launch_url(self.target_of(launch))
        answer: dict[str, str] = message.lti_launch()
        return {"state": answer["state"], "id_token": answer["id_token"]}

    def answer_deep_link(self, course: Course, posted: str) -> tuple[Launch, list[dict[str, Any]], str]:
        """The request that a posted deep linking response answers, its items, and the tool's words for the person.

        Each request is answered once. Raises AnswerRefused.
        """
        with self._lock:
            try:
                self._look_for_key(posted)
                items = self.validate_deeplinking_resp({"JWT": posted})
            except (LtiException, LtiDeepLinkingResponseException, jwt.PyJWTError, KeyError) as problem:
                raise AnswerRefused(f"The tool's answer was not taken: {problem}") from problem
            claims = dict(self._jwt["body"])
            launch = self._launches.get(str(claims.get(DEEP_LINKING + "data")))
            fits = (
                claims.get("iss") == self.facts["client_id"]
                and claims.get("aud") in (self.facts["issuer"], [self.facts["issuer"]])
                and claims.get("nonce")
                and claims.get("exp")
                and claims.get(CLAIM + "deployment_id") == self.facts["deployment_id"]
                and claims.get(CLAIM + "version") == "1.3.0"
            )
            if not fits:
                raise AnswerRefused("The tool's answer is not meant for this organisation.")
            if launch is None or launch.course.id != course.id or launch.expires < self.clock():
                raise AnswerRefused("This was answered before, or too long ago. Start again.")
            del self._launches[launch.hint]
        words = claims.get(DEEP_LINKING + "errormsg") or claims.get(DEEP_LINKING + "msg")
        return launch, items, words if isinstance(words, str) else ""

    def notice(self, notice_type: str, course: Course) -> str:
        """A signed platform notice about a course (Platform Notification Service 1.0, 4)."""
        claims = {
            "iss": self.facts["issuer"],
            "aud": self.facts["client_id"],
            "azp": self.facts["client_id"],
            "nonce": secrets.token_urlsafe(18),
            CLAIM + "deployment_id": self.facts["deployment_id"],
            CLAIM + "version": "1.3.0",
            CLAIM + "notice": {
                "id": secrets.token_hex(16),
                "type": notice_type,
                "timestamp": datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z"),
            },
            CLAIM + "context": {
                "id": course.id,
                "title": course.title,
                "label": course.label,
                "type": [COURSE_OFFERING],
            },
            CLAIM + "origin_contexts": list(course.history),
        }
        signed: str = self._registration.platform_encode_and_sign(claims, expiration=300)
        return signed

    # Tokens

    def answer_token(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """An access token for a signed client assertion. Raises TokenRefused."""
        if fields.get("client_assertion_type") not in (None, "", ASSERTION_TYPE):
            raise TokenRefused("invalid_request", "client_assertion_type is not the JWT bearer type.")
        if not set(fields.get("scope", "").split()) & set(SCOPES):
            raise TokenRefused("invalid_scope", "None of the requested scopes is offered here.")
        try:
            self._check_assertion(fields.get("client_assertion", ""))
            granted: dict[str, Any] = self.get_access_token(dict(fields))
        except UnsupportedGrantType as problem:
            raise TokenRefused("unsupported_grant_type", "Only client_credentials is supported.") from problem
        except MissingRequiredClaim as problem:
            raise TokenRefused("invalid_request", str(problem)) from problem
        except (LtiException, jwt.PyJWTError) as problem:
            raise TokenRefused("invalid_client", str(problem)) from problem
        return granted

    def _look_for_key(self, token: str) -> None:
        """The tool may have rotated its keys since we last looked."""
        self.validate_jwt_format(token)
        known = self._registration.get_tool_key_set() or {"keys": []}
        if self._jwt["header"].get("kid") not in {key.get("kid") for key in known["keys"]}:
            self._registration.set_tool_key_set(None)

    def _check_assertion(self, assertion: str) -> None:
        self._look_for_key(assertion)
        claims = self.tool_validate_and_decode(assertion)
        client_id = self.facts["client_id"]
        if claims.get("iss") != client_id or claims.get("sub") != client_id:
            raise LtiException("iss and sub of the assertion must both be the client_id.")
        audience = claims.get("aud")
        audiences = audience if isinstance(audience, list) else [audience]
        if not {self.facts["token_url"], self.facts["issuer"]} & set(audiences):
            raise LtiException("aud of the assertion is not this token address.")
        for name in ("iat", "exp", "jti"):
            if name not in claims:
                raise LtiException(f"{name} is missing in the assertion.")
        if not self.gradebook.use_assertion(self.organisation.slug, str(claims["jti"]), int(claims["exp"])):
            raise LtiException("This assertion was used before.")


class Login(OIDCLoginAbstract):  # type: ignore[misc]
    """The first leg: where the browser goes to meet the tool."""

    def set_lti_message_hint(self, **kwargs: Any) -> None:
        self._lti_message_hint = kwargs["hint"]

    def get_redirect(self, url: str) -> str:
        return url


class MessageLaunch(LTIAdvantageMessageLaunchAbstract):  # type: ignore[misc]
    """The third leg: the signed message for one launch."""

    def __init__(self, request: IncomingRequest, platform: Platform, launch: Launch) -> None:
        super().__init__(request, platform)
        self._platform = platform
        self._launch = launch
        self.set_id_token_expiration(ID_TOKEN_SECONDS)

    def prepare_launch(self, preflight_response: dict[str, Any]) -> None:
        platform, launch = self._platform, self._launch
        person, course, activity = launch.person, launch.course, launch.activity
        organisation, addresses = platform.organisation, platform.addresses
        self.set_user_data(person.id, ROLES[person.role], person.name, person.email, person.id)
        self.set_launch_context_claim(course.id, [COURSE_OFFERING], course.title, course.label)
        column = None
        if activity is None:
            self.set_dl(
                addresses.deep_link_return(organisation, course),
                f"Add to {course.title}",
                accept_types={"ltiResourceLink"},
                extra_data=launch.hint,
            )
            settings = self._deep_linking_launch_data[DEEP_LINKING + "deep_linking_settings"]
            # The course page can show a frame or a window; the package offers "embed" as well.
            settings["accept_presentation_document_targets"] = ["iframe", "window"]
            settings["accept_lineitem"] = True
        else:
            self.set_resource_link_claim(activity.id, activity.summary, activity.title)
            if activity.is_graded:
                items = {item.id for item in platform.gradebook.line_items(organisation.slug, course.id)}
                if activity.id in items:
                    column = addresses.line_item(organisation, course, activity.id)
        wanted = {**platform.tool.custom, **(activity.custom if activity else {})}
        self.set_custom_parameters_claim(filled(wanted, course, activity))
        self.set_ags(addresses.line_items(organisation, course), column)
        self.set_nrps(addresses.members(organisation, course))
        back = f"{addresses.browser}/?org={organisation.slug}&course={quote(course.id)}"
        if activity is not None:
            back += f"&activity={quote(activity.id)}"
        if launch.for_user is not None:
            about = launch.for_user
            self.set_extra_claims(
                {
                    CLAIM + "message_type": launch.message,
                    CLAIM + "for_user": {
                        "user_id": about.id,
                        "name": about.name,
                        "given_name": about.given_name,
                        "family_name": about.family_name,
                        "roles": ROLES[about.role],
                    },
                }
            )
        self.set_extra_claims(
            {
                NOTICE_SERVICE: {
                    "service_versions": ["1.0"],
                    "platform_notification_service_url": addresses.notice_handlers(organisation),
                    "scope": [NOTICE_HANDLERS],
                    "notice_types_supported": list(NOTICE_TYPES),
                },
                "given_name": person.given_name,
                "family_name": person.family_name,
                "locale": person.locale,
                LAUNCH_PRESENTATION: {
                    "document_target": launch.document_target,
                    "return_url": back,
                    "locale": person.locale,
                },
                TOOL_PLATFORM: {
                    "guid": f"demo-lms-{organisation.slug}",
                    "name": organisation.name,
                    "product_family_code": "workside-demo-lms",
                    "version": "1",
                },
            }
        )

    def render_launch_form(self, launch_data: dict[str, Any], **kwargs: Any) -> dict[str, Any]:
        return launch_data


def filled(custom: Mapping[str, str], course: Course, activity: Activity | None) -> dict[str, str]:
    """Custom parameters with the histories in their place. What the LMS does not know it sends as it stands, as Canvas does;
    a history of nothing is left out."""
    histories = {
        CONTEXT_HISTORY: ",".join(map(quote, course.history)),
        LINK_HISTORY: ",".join(map(quote, activity.history if activity else ())),
    }
    values = {name: histories.get(value, value) for name, value in custom.items()}
    return {name: value for name, value in values.items() if value}


def private_key(path: Path) -> str:
    """The RSA private key (PEM) kept in `path`; made on the first call, readable by its owner only."""
    if not path.exists():
        key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        path.touch(mode=0o600)
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )
    return path.read_text("ascii")
