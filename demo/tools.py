"""Tools that register themselves (LTI Dynamic Registration 1.0): the page for it, the platform's configuration, the address."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse, Response

from demo.additions import AddedTool
from demo.catalogue import Organisation
from demo.launches import body_of, form_of
from demo.lms import Lms, Problem
from demo.platform import SCOPES

INVITED_SECONDS = 3600
TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
PLATFORM_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-platform-configuration"
MESSAGES = (
    {"type": "LtiResourceLinkRequest"},
    {"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]},
    {"type": "LtiSubmissionReviewRequest"},
)
CLAIMS = ("iss", "sub", "aud", "exp", "iat", "name", "given_name", "family_name", "email", "locale")


def add_tools(app: FastAPI, lms: Lms) -> None:
    @app.get("/tools", response_class=HTMLResponse)
    def tools(org: str, opening: str = "") -> str:
        """Which tools an organisation has; with `opening`, the frame in which one registers itself."""
        organisation = lms.catalogue.organisation(org)
        return lms.pages.get_template("tools.html").render(
            catalogue=lms.catalogue,
            organisation=organisation,
            person=None,
            platforms=lms.platforms(org),
            opening=opening if _is_the_tools(lms, opening) else "",
            tool_origin=lms.tool.origin,
        )

    @app.post("/tools")
    async def begin(request: Request) -> Response:
        """Takes the invitation link and opens it with what the specification adds to it (section 3.1)."""
        fields = dict(await form_of(request))
        organisation = lms.catalogue.organisation(fields.get("org", ""))
        link = fields.get("link", "").strip()
        if not _is_the_tools(lms, link):
            raise Problem(
                400,
                "That is no invitation of Workside",
                f"Paste the whole link that Workside gave you. It begins with {lms.tool.origin}/.",
            )
        token = lms.additions.invite(organisation.slug, int(time.time()) + INVITED_SECONDS)
        split = urlsplit(link)
        query = dict(parse_qsl(split.query)) | {
            "openid_configuration": _configuration_url(lms, organisation),
            "registration_token": token,
        }
        opening = urlunsplit(split._replace(query=urlencode(query), fragment=""))
        return RedirectResponse("/tools?" + urlencode({"org": organisation.slug, "opening": opening}), 303)

    @app.post("/tools/remove")
    async def remove(request: Request) -> Response:
        fields = dict(await form_of(request))
        organisation = lms.catalogue.organisation(fields.get("org", ""))
        lms.remove_tool(organisation.slug, fields.get("client_id", ""))
        return RedirectResponse("/tools?" + urlencode({"org": organisation.slug}), 303)

    @app.get("/org/{slug}/.well-known/openid-configuration")
    def configuration(slug: str, request: Request) -> Response:
        """What a tool must know to register. As on Canvas, only for who has an invitation."""
        organisation = lms.catalogue.organisation(slug)
        if not lms.additions.is_invited(_bearer(request), slug, int(time.time())):
            return _refused(401, "invalid_token", "The registration token is missing, used or too old.")
        return JSONResponse(_configuration(lms, organisation))

    @app.post("/org/{slug}/register")
    async def register(slug: str, request: Request) -> Response:
        """A tool registers itself (section 3.5). The token is used up by the first that succeeds."""
        organisation = lms.catalogue.organisation(slug)
        token, now = _bearer(request), int(time.time())
        if not lms.additions.is_invited(token, slug, now):
            # In Moodle's words, too.
            return _refused(401, "token_already_used", "The registration token is missing, used or too old.")
        try:
            document = json.loads(await body_of(request))
            tool, answer = _registered(lms, organisation, document)
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
            return _refused(400, "invalid_client_metadata", f"The registration lacks something: {problem}")
        if not lms.take_in(slug, token, tool, now):
            return _refused(401, "token_already_used", "The registration token was used meanwhile.")
        return JSONResponse(answer, 201)


def _is_the_tools(lms: Lms, link: str) -> bool:
    """Whether a link leads to the one tool that this LMS talks to."""
    return link.startswith(lms.tool.origin + "/") and len(link) <= 4000


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer ")


def _refused(status: int, error: str, reason: str) -> Response:
    return JSONResponse({"error": error, "error_description": reason}, status)


def _configuration_url(lms: Lms, organisation: Organisation) -> str:
    return f"{lms.addresses.issuer(organisation)}/.well-known/openid-configuration"


def _configuration(lms: Lms, organisation: Organisation) -> dict[str, Any]:
    facts = lms.platform(organisation.slug).facts
    return {
        "issuer": facts["issuer"],
        "authorization_endpoint": facts["auth_url"],
        "token_endpoint": facts["token_url"],
        "jwks_uri": facts["jwks_url"],
        "registration_endpoint": facts["token_url"].removesuffix("/token") + "/register",
        "token_endpoint_auth_methods_supported": ["private_key_jwt"],
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", *SCOPES],
        "response_types_supported": ["id_token"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": list(CLAIMS),
        "subject_types_supported": ["public"],
        PLATFORM_CONFIGURATION: {
            "product_family_code": "workside-demo-lms",
            "version": "1",
            "messages_supported": list(MESSAGES),
            "variables": ["Context.id.history", "ResourceLink.id.history"],
        },
    }


def _registered(
    lms: Lms, organisation: Organisation, document: dict[str, Any]
) -> tuple[AddedTool, dict[str, Any]]:
    """The tool that a registration describes, and the answer. Raises ValueError or KeyError for what is missing or foreign."""
    wanted = document[TOOL_CONFIGURATION]
    addresses = {
        "initiate_login_uri": document["initiate_login_uri"],
        "redirect_uris": document["redirect_uris"][0],
        "jwks_uri": document["jwks_uri"],
        "target_link_uri": wanted["target_link_uri"],
    }
    for name, address in addresses.items():
        if not _is_the_tools(lms, address):
            raise ValueError(f"{name} is not on {lms.tool.origin}")
    if wanted["domain"] != urlsplit(wanted["target_link_uri"]).netloc:
        raise ValueError("domain_targetlinkuri_mismatch")
    fixed = {
        "application_type": "web",
        "response_types": ["id_token"],
        "token_endpoint_auth_method": "private_key_jwt",
    }
    for name, value in fixed.items():
        if document.get(name) != value:
            raise ValueError(f"{name} must be {value}")
    if not {"implicit", "client_credentials"} <= set(document.get("grant_types", [])):
        raise ValueError("grant_types must be implicit and client_credentials")
    custom = {str(name): str(value) for name, value in wanted.get("custom_parameters", {}).items()}
    known = {entry["type"] for entry in MESSAGES}
    messages = [entry for entry in wanted.get("messages", []) if entry.get("type") in known]
    number = secrets.token_hex(4)
    tool = AddedTool(
        client_id=f"{organisation.client_id}-{number}",
        deployment_id=f"{organisation.slug}-{number}",
        name=str(document.get("client_name") or "Tool")[:80],
        login_url=addresses["initiate_login_uri"],
        launch_url=addresses["redirect_uris"],
        keys_url=addresses["jwks_uri"],
        target_url=addresses["target_link_uri"],
        custom=custom,
        messages=tuple(entry["type"] for entry in messages),
    )
    scopes = [scope for scope in str(document.get("scope", "")).split() if scope in SCOPES]
    answer = {
        **document,
        "client_id": tool.client_id,
        "scope": " ".join(scopes),
        TOOL_CONFIGURATION: {**wanted, "messages": messages, "deployment_id": tool.deployment_id},
    }
    return tool, answer
