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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from lti1p3platform.exceptions import (
    LineItemNotFoundException,
    LtiException,
    LtiServiceException,
    MissingRequiredClaim,
    UnsupportedGrantType,
)
from lti1p3platform.ltiplatform import LTI1P3PlatformConfAbstract
from lti1p3platform.membership import Context
from lti1p3platform.message_launch import LTIAdvantageMessageLaunchAbstract
from lti1p3platform.oidc_login import OIDCLoginAbstract
from lti1p3platform.registration import Registration
from lti1p3platform.request import Request
from lti1p3platform.response import Response
from lti1p3platform.score import UpdateScoreStatus
from lti1p3platform.service_connector import AssignmentsGradesService, NamesRoleProvisioningService

from demo.catalogue import Activity, Course, Organisation, Person
from demo.gradebook import Gradebook, LineItem, LineItemNotFound, ScoreRefused

AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
LINE_ITEM, LINE_ITEM_READ = AGS + "lineitem", AGS + "lineitem.readonly"
RESULT_READ, SCORE = AGS + "result.readonly", AGS + "score"
MEMBERS_READ = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
LAUNCH_PRESENTATION = "https://purl.imsglobal.org/spec/lti/claim/launch_presentation"
TOOL_PLATFORM = "https://purl.imsglobal.org/spec/lti/claim/tool_platform"
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


class TokenRefused(Exception):
    """A token request that is refused, with its OAuth error code (RFC 6749, section 5.2)."""

    def __init__(self, code: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


@dataclass(frozen=True)
class Tool:
    """The tool's addresses. `keys_url` is where this server reads the tool's public keys, `origin` what browsers see."""

    login_url: str
    launch_url: str
    keys_url: str
    origin: str


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


@dataclass(frozen=True)
class Launch:
    """One click on an activity; its hint travels as lti_message_hint."""

    hint: str
    course: Course
    activity: Activity
    person: Person
    document_target: str
    expires: float


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
        organisation: Organisation,
        addresses: Addresses,
        tool: Tool,
        gradebook: Gradebook,
        private_key_pem: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.organisation = organisation
        self.addresses = addresses
        self.tool = tool
        self.gradebook = gradebook
        self.clock = clock
        self.facts = addresses.registration(organisation)
        self._private_key_pem = private_key_pem
        self._launches: dict[str, Launch] = {}
        self._lock = threading.Lock()
        super().__init__()

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
        activity: Activity,
        person: Person,
        document_target: str,
        *,
        offers_storage: bool,
    ) -> str:
        """The address of the tool's login, with everything it needs to come back for this activity."""
        launch = Launch(
            secrets.token_urlsafe(18),
            course,
            activity,
            person,
            document_target,
            self.clock() + LAUNCH_SECONDS,
        )
        with self._lock:
            now = self.clock()
            self._launches = {hint: kept for hint, kept in self._launches.items() if kept.expires > now}
            self._launches[launch.hint] = launch
        login = Login(IncomingRequest(), self)
        login.set_lti_message_hint(hint=launch.hint)
        address: str = login.initiate_login(person.id)
        return address + ("&lti_storage_target=_parent" if offers_storage else "")

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
        answer: dict[str, str] = message.lti_launch()
        return {"state": answer["state"], "id_token": answer["id_token"]}

    # Tokens

    def answer_token(self, fields: Mapping[str, str]) -> dict[str, Any]:
        """An access token for a signed client assertion. Raises TokenRefused."""
        if fields.get("client_assertion_type") not in (None, "", ASSERTION_TYPE):
            raise TokenRefused("invalid_request", "client_assertion_type is not the JWT bearer type.")
        if not set(fields.get("scope", "").split()) & {
            LINE_ITEM,
            LINE_ITEM_READ,
            RESULT_READ,
            SCORE,
            MEMBERS_READ,
        }:
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

    def _check_assertion(self, assertion: str) -> None:
        self.validate_jwt_format(assertion)
        kid = self._jwt["header"].get("kid")
        known = self._registration.get_tool_key_set() or {"keys": []}
        if kid not in {key.get("kid") for key in known["keys"]}:
            # The tool may have rotated its keys since we last looked.
            self._registration.set_tool_key_set(None)
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
        self.set_resource_link_claim(activity.id, activity.summary, activity.title)
        self.set_launch_context_claim(
            course.id,
            ["http://purl.imsglobal.org/vocab/lis/v2/course#CourseOffering"],
            course.title,
            course.label,
        )
        self.set_custom_parameters_claim(dict(activity.custom))
        column = None
        if activity.is_graded:
            items = {item.id for item in platform.gradebook.line_items(organisation.slug, course.id)}
            if activity.id in items:
                column = addresses.line_item(organisation, course, activity.id)
        self.set_ags(addresses.line_items(organisation, course), column)
        self.set_nrps(addresses.members(organisation, course))
        back = f"{addresses.browser}/?org={organisation.slug}&course={course.id}&activity={activity.id}"
        self.set_extra_claims(
            {
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


class GradeService(AssignmentsGradesService):  # type: ignore[misc]
    """Line items, scores and results of one course, for one request."""

    def __init__(
        self, request: IncomingRequest, platform: Platform, course: Course, scopes: list[str]
    ) -> None:
        super().__init__(request, platform, platform.addresses.line_items(platform.organisation, course))
        self._platform = platform
        self._course = course
        self._scopes = scopes

    @property
    def allowed_scopes(self) -> list[str]:
        return self._scopes

    def answer(self, handler: Callable[..., Response], **kwargs: Any) -> Response:
        """The handler's response, with every refusal as a status; never an exception."""
        try:
            return self.handle_resp(handler, **kwargs)
        except ScoreRefused as refused:
            return Response(None, refused.status, refused.reason)
        except (LtiException, jwt.PyJWTError) as problem:
            return Response(None, 401, f"Invalid access token: {problem}")

    def _public(self, item: LineItem) -> dict[str, Any]:
        shown = {
            "id": self._platform.addresses.line_item(self._platform.organisation, self._course, item.id),
            "label": item.label,
            "scoreMaximum": item.maximum,
            "resourceLinkId": item.resource_link_id,
            "resourceId": item.resource_id,
            "tag": item.tag,
        }
        return {name: value for name, value in shown.items() if value is not None}

    def find_lineitems(
        self,
        page: int = 1,
        limit: int | None = None,
        line_item_id: str | None = None,
        resource_link_id: str | None = None,
        resource_id: str | None = None,
        tag: str | None = None,
    ) -> dict[str, Any]:
        wanted = {"resource_link_id": resource_link_id, "resource_id": resource_id, "tag": tag}
        found = [
            self._public(item)
            for item in self._platform.gradebook.line_items(self._platform.organisation.slug, self._course.id)
            if all(value is None or getattr(item, name) == value for name, value in wanted.items())
        ]
        shown = found if limit is None else found[(page - 1) * limit : page * limit]
        return {"content": shown, "has_next": limit is not None and page * limit < len(found)}

    def find_lineitem(self, line_item_id: str) -> dict[str, Any]:
        try:
            return self._public(
                self._platform.gradebook.line_item(
                    self._platform.organisation.slug, self._course.id, line_item_id
                )
            )
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem

    def _parse(self, data: Any, line_item_id: str) -> LineItem:
        if not isinstance(data, dict):
            raise LtiServiceException("A line item is a JSON object.", 400)
        label, maximum = data.get("label"), data.get("scoreMaximum")
        if not isinstance(label, str) or not label.strip():
            raise LtiServiceException("label is missing.", 400)
        if isinstance(maximum, bool) or not isinstance(maximum, int | float) or not maximum > 0:
            raise LtiServiceException("scoreMaximum must be a positive number.", 400)
        link = data.get("resourceLinkId")
        if link is not None and link not in {activity.id for activity in self._course.activities}:
            raise LtiServiceException("resourceLinkId is not an activity of this course.", 404)
        return LineItem(line_item_id, label, float(maximum), link, data.get("resourceId"), data.get("tag"))

    def create_lineitem(self, creation_data: Any) -> dict[str, Any]:
        item = self._parse(creation_data, secrets.token_hex(6))
        self._platform.gradebook.add_line_item(self._platform.organisation.slug, self._course.id, item)
        return self._public(item)

    def update_lineitem(self, update_data: Any) -> dict[str, Any]:
        item = self._parse(update_data, update_data["id"])
        try:
            self._platform.gradebook.change_line_item(self._platform.organisation.slug, self._course.id, item)
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem
        return self._public(item)

    def delete_lineitem(self, line_item_id: str) -> None:
        try:
            self._platform.gradebook.delete_line_item(
                self._platform.organisation.slug, self._course.id, line_item_id
            )
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem

    def update_score(self, line_item_id: str, score: Any) -> UpdateScoreStatus:
        try:
            self._platform.gradebook.record_score(
                self._platform.organisation, self._course, line_item_id, score
            )
        except LineItemNotFound as problem:
            raise LineItemNotFoundException from problem
        return UpdateScoreStatus.SUCCESS

    def get_results(
        self, line_item_id: str, page: int = 1, limit: int | None = None, user_id: str | None = None
    ) -> dict[str, Any]:
        item = self.find_lineitem(line_item_id)
        path, _, query = item["id"].partition("?")
        found = [
            {
                "id": f"{path}/results/{result.person}?{query}",
                "scoreOf": item["id"],
                "userId": result.person,
                "resultMaximum": item["scoreMaximum"],
            }
            | ({} if result.score is None else {"resultScore": result.score})
            | ({} if result.comment is None else {"comment": result.comment})
            for result in self._platform.gradebook.results(self._platform.organisation.slug, [line_item_id])
            if user_id in (None, result.person)
        ]
        shown = found if limit is None else found[(page - 1) * limit : page * limit]
        return {"content": shown, "has_next": limit is not None and page * limit < len(found)}


class MemberService(NamesRoleProvisioningService):  # type: ignore[misc]
    """The people of one course."""

    def __init__(self, request: IncomingRequest, platform: Platform, course: Course) -> None:
        super().__init__(request, platform, platform.addresses.members(platform.organisation, course))
        self._platform = platform
        self._course = course

    def answer(self) -> Response:
        try:
            return self.handle_resp(self.handle_get_members)
        except (LtiException, jwt.PyJWTError) as problem:
            return Response(None, 401, f"Invalid access token: {problem}")

    def get_context_by_id(self) -> Context:
        return Context(self._course.id, self._course.label, self._course.title)

    def is_resource_link_valid(self, context_id: str, resource_link_id: str) -> bool:
        return resource_link_id in {activity.id for activity in self._course.activities}

    def get_member_data_page(
        self,
        page: int = 1,
        limit: int | None = None,
        role: str | None = None,
        since: str | None = None,
        rlid: str | None = None,
    ) -> dict[str, Any]:
        found = [
            {
                "user_id": person.id,
                "status": "Active",
                "name": person.name,
                "given_name": person.given_name,
                "family_name": person.family_name,
                "email": person.email,
                # Short names, as Moodle sends them.
                "roles": [person.role.capitalize()],
            }
            for person in self._platform.organisation.people
            if role is None or role.rpartition("#")[2] == person.role.capitalize()
        ]
        shown = found if limit is None else found[(page - 1) * limit : page * limit]
        return {"content": shown, "has_next": limit is not None and page * limit < len(found)}


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
