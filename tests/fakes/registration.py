"""The side of a platform that registers tools by itself: its configuration, and the endpoint that takes a registration.

A `Registrar` stands beside a `FakePlatform` and answers through its `further`; what it gives a tool (client id, deployment)
becomes the platform's own, so that a launch can follow. Families differ as platforms.md says: Moodle's token works once and
its domain must match, Canvas wants the token for the configuration too and names no deployment, Brightspace sends no token.
`fault` makes it hostile or broken.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

from lti.ports import EgressFailed, EgressResponse
from tests.fakes.network import FakeNetwork
from tests.fakes.platform import ALL_SCOPES, FakePlatform
from tests.fakes.wire import Request

PLATFORM = "https://purl.imsglobal.org/spec/lti-platform-configuration"
TOOL = "https://purl.imsglobal.org/spec/lti-tool-configuration"
NRPS_SCOPE = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
NOTICES_SCOPE = "https://purl.imsglobal.org/spec/lti/scope/noticehandlers"
CANVAS_DOMAIN = "https://canvas.instructure.com/lti/account_domain"

Fault = Literal[
    "",
    "another issuer",
    "redirect",
    "2 MB",
    "html",
    "slow",
    "endpoints elsewhere",
    "registers elsewhere",
    "plain http",
    "private",
    "no keys",
    "cut",
    "reply lost",
    "500",
    "no client id",
    "html reply",
]
_numbers = itertools.count(1)

SITES = {
    "moodle": "https://moodle.example",
    "canvas": "https://canvas.instructure.com",
    "brightspace": "https://school.brightspace.com",
    "blackboard": "https://blackboard.com",
    "sakai": "https://sakai.example",
    "generic": "https://lms.example",
}
# What each lists; None where it lists nothing of the kind.
MESSAGES: Mapping[str, list[dict[str, Any]]] = {
    "moodle": [
        {"type": "LtiResourceLinkRequest"},
        {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
        {"type": "LtiSubmissionReviewRequest"},
    ],
    "canvas": [
        {"type": "LtiResourceLinkRequest", "placements": ["account_navigation", "course_navigation"]},
        {
            "type": "LtiDeepLinkingRequest",
            "placements": ["assignment_selection", "link_selection", "editor_button"],
        },
        {"type": "LtiEulaRequest"},
    ],
    "brightspace": [
        {"type": "LtiResourceLinkRequest"},
        {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea", "RichTextEditor"]},
    ],
    "blackboard": [{"type": "LtiResourceLinkRequest"}, {"type": "LtiDeepLinkingRequest"}],
    "sakai": [
        {"type": "LtiResourceLinkRequest"},
        {"type": "LtiDeepLinkingRequest"},
        {"type": "DataPrivacyLaunchRequest"},
    ],
    "generic": [],
}


class Registrar:
    """One platform's registration page and endpoint."""

    def __init__(self, platform: FakePlatform, fault: Fault = "") -> None:
        self.platform = platform
        self.family = platform.personality
        self.fault = fault
        self.registered: list[dict[str, Any]] = []
        self.tokens: dict[str, bool] = {}
        self.seen: list[Request] = []
        site = platform.base
        self.school = {"canvas": "https://canvas.school.example"}.get(self.family, site)
        sign_on = {"canvas": "https://sso.canvaslms.com", "blackboard": "https://developer.blackboard.com"}
        tokens = {"brightspace": "https://auth.brightspace.com", **sign_on}
        self.sign_on = sign_on.get(self.family, site)
        platform.auth_url = f"{self.sign_on}/auth"
        platform.jwks_url = f"{self.sign_on}/jwks"
        platform.token_url = f"{tokens.get(self.family, site)}/token"
        self.configuration_url = f"{self.sign_on}/.well-known/openid-configuration"
        self.registration_url = f"{self.school}/register"
        platform.further.append(self.answer)

    def join(self, network: FakeNetwork) -> None:
        """Every host of the platform leads to it."""
        for url in (
            self.platform.base, self.configuration_url, self.registration_url, self.platform.token_url,
            "https://evil.example", "https://inside.example", "http://plain.example",
        ):  # fmt: skip
            parts = urlsplit(url)
            network.platforms[f"{parts.scheme}://{parts.netloc}"] = self.platform

    def invite(self) -> dict[str, str]:
        """What the platform adds to the tool's registration address when its administrator pastes it."""
        url = self.configuration_url
        if self.fault == "plain http":
            url = "http://plain.example/.well-known/openid-configuration"
        if self.fault == "private":
            url = "https://inside.example/.well-known/openid-configuration"
        fields = {"openid_configuration": url}
        if self.family != "brightspace":
            token = f"registration-token-{next(_numbers)}"
            self.tokens[token] = False
            fields["registration_token"] = token
        return fields

    def configuration(self) -> dict[str, Any]:
        """The openid configuration as this family writes it."""
        platform = self.platform
        lti: dict[str, Any] = {
            "product_family_code": {"brightspace": "desire2learn", "blackboard": "BlackboardLearn"}.get(
                self.family, self.family
            ),
            "version": "5.1",
            "messages_supported": MESSAGES[self.family],
            "variables": ["Context.id", "Context.id.history", "ResourceLink.id.history"],
        }
        if self.family == "canvas":
            lti[CANVAS_DOMAIN] = urlsplit(self.school).netloc
        document: dict[str, Any] = {
            "issuer": platform.issuer,
            "authorization_endpoint": platform.auth_url,
            "token_endpoint": platform.token_url,
            "jwks_uri": platform.jwks_url,
            "registration_endpoint": self.registration_url,
            "scopes_supported": ["openid", *self.offered_scopes()],
            "response_types_supported": ["id_token"],
            "claims_supported": ["sub", "iss", "name", "given_name", "family_name", "email"],
            PLATFORM: lti,
        }
        if self.family == "generic":
            del document["scopes_supported"], document["claims_supported"], lti["messages_supported"]
        if self.fault == "another issuer":
            document["issuer"] = "https://another.example"
        if self.fault == "endpoints elsewhere":
            document["token_endpoint"] = "https://evil.example/token"
        if self.fault == "registers elsewhere":
            document["registration_endpoint"] = "https://evil.example/register"
        return document

    def offered_scopes(self) -> list[str]:
        """Sakai's and Moodle's here know no notices; Canvas knows them."""
        scopes = [*ALL_SCOPES, NRPS_SCOPE]
        return [*scopes, NOTICES_SCOPE] if self.family == "canvas" else scopes

    # --- answering ---------------------------------------------------------------------------------------------------

    def answer(self, request: Request) -> EgressResponse | None:
        """Answers what is for the registrar; None leaves it to the platform."""
        path = urlsplit(request.url).path
        if path == "/jwks" and self.fault == "no keys":
            return EgressResponse(404, {}, b"gone")
        if path == "/.well-known/openid-configuration":
            self.seen.append(request)
            return self._configuration(request)
        if path == "/register":
            self.seen.append(request)
            return self._register(request)
        return None

    def _configuration(self, request: Request) -> EgressResponse:
        if self.fault == "redirect":
            return EgressResponse(302, {"location": "https://evil.example/"}, b"")
        if self.fault == "html":
            return EgressResponse(200, {"content-type": "text/html"}, b"<html>Log in</html>")
        if self.fault == "2 MB":
            return EgressResponse(200, {}, b'{"issuer": "' + b"x" * (2 << 20) + b'"}')
        if self.fault == "slow":
            raise EgressFailed("did not answer: ReadTimeout")
        if self.family == "canvas" and self._token_of(request) not in self.tokens:
            return _json(401, {"errors": [{"message": "Invalid registration token"}]})
        return _json(200, self.configuration())

    def _register(self, request: Request) -> EgressResponse:
        if self.fault == "500":
            return EgressResponse(500, {}, b"<h1>Error</h1>")
        if self.fault == "cut":
            raise EgressFailed("cut")
        token = self._token_of(request)
        if self.family != "brightspace":
            if token not in self.tokens:
                return _json(401, {"error": "invalid_token"})
            if self.tokens[token]:
                return _json(401, {"error": "token_already_used"})
        document = json.loads(request.body)
        refusal = self._judge(document)
        if refusal is not None:
            return refusal
        self.tokens[token] = True
        self.registered.append(document)
        number = 10_000_000_000 + next(_numbers)
        self.platform.client_id = str(number) if self.family == "canvas" else f"tool-{number}"
        if self.family != "canvas":
            self.platform.deployment_id = str(next(_numbers))
        if self.fault == "reply lost":
            raise EgressFailed("cut")
        if self.fault == "html reply":
            return EgressResponse(200, {"content-type": "text/html"}, b"<html>Thanks</html>")
        return self._registered(document)

    def _registered(self, document: dict[str, Any]) -> EgressResponse:
        reply = {**document, "client_id": self.platform.client_id, TOOL: dict(document[TOOL])}
        # Canvas's developer keys are numbers, and some versions write them so.
        if self.family == "canvas":
            reply["client_id"] = int(self.platform.client_id)
        else:
            reply[TOOL]["deployment_id"] = self.platform.deployment_id
        if self.family == "moodle":
            types = {"LtiDeepLinkingRequest"}
            reply[TOOL]["messages"] = [m for m in reply[TOOL]["messages"] if m["type"] in types]
            reply["scope"] = " ".join(s for s in document["scope"].split() if not s.endswith("/lineitem"))
        if self.fault == "no client id":
            del reply["client_id"]
        return _json(201 if self.family in {"canvas", "sakai"} else 200, reply)

    def _judge(self, document: dict[str, Any]) -> EgressResponse | None:
        """The refusals of the families: what is missing or does not fit."""
        tool = document.get(TOOL, {})
        if document.get("application_type") != "web" or "id_token" not in document.get("response_types", []):
            return _json(400, {"error": "invalid_client_metadata"})
        if document.get("token_endpoint_auth_method") != "private_key_jwt":
            return _json(400, {"error": "invalid_token_endpoint_auth_method"})
        if tool.get("domain") != urlsplit(tool.get("target_link_uri", "")).netloc:
            return _json(400, {"error": "domain_targetlinkuri_mismatch"})
        if not set(document["scope"].split()) <= {*self.offered_scopes(), "openid"}:
            return _json(422, {"errors": [{"message": "scope is not included in the list"}]})
        if self.family == "canvas":
            offered = {entry["type"]: entry.get("placements", []) for entry in MESSAGES["canvas"]}
            for message in tool["messages"]:
                if not set(message.get("placements", [])) <= set(offered.get(message["type"], [])):
                    return _json(422, {"errors": [{"message": "placement is not supported"}]})
        return None

    def _token_of(self, request: Request) -> str:
        return request.headers.get("authorization", "").removeprefix("Bearer ")


def _json(status: int, document: Any) -> EgressResponse:
    return EgressResponse(status, {"content-type": "application/json"}, json.dumps(document).encode())
