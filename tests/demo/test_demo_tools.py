"""The demo LMS's administrator: a tool registers itself under an invitation, is launched under its own client id, and removed."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"


@pytest.fixture
def invitation(lms: Any) -> dict[str, str]:
    """What the tool is opened with after its link was pasted."""
    answer = lms.client.post("/tools", data={"org": "tarnwell", "link": f"{lms.tool.url}/lti/register/abc"})
    assert answer.status_code == 303, answer.text
    opening = parse_qs(urlsplit(answer.headers["location"]).query)["opening"][0]
    assert opening.startswith(f"{lms.tool.url}/lti/register/abc?")
    return {name: values[0] for name, values in parse_qs(urlsplit(opening).query).items()}


def bearer(invitation: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {invitation['registration_token']}"}


def document(lms: Any, **changes: Any) -> dict[str, Any]:
    base = lms.tool.url
    tool = {
        "domain": urlsplit(base).netloc,
        "target_link_uri": f"{base}/lti/launch",
        "custom_parameters": {"before": "$Context.id.history", "kept": "$Canvas.course.id", "fixed": "yes"},
        "claims": ["iss", "sub"],
        "messages": [{"type": "LtiDeepLinkingRequest"}, {"type": "DataPrivacyLaunchRequest"}],
    }
    whole = {
        "application_type": "web",
        "response_types": ["id_token"],
        "grant_types": ["implicit", "client_credentials"],
        "initiate_login_uri": f"{base}/lti/login",
        "redirect_uris": [f"{base}/lti/launch"],
        "client_name": "Workside",
        "jwks_uri": f"{base}/lti/jwks.json",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score https://example.org/made-up",
        CONFIGURATION: tool,
    }
    return {name: value for name, value in (whole | changes).items() if value is not None}


def test_a_tool_registers_itself_and_is_launched(
    start_lms: Any,
) -> None:
    lms = start_lms()
    answer = lms.client.post("/tools", data={"org": "tarnwell", "link": f"{lms.tool.url}/lti/register/abc"})
    opening = parse_qs(urlsplit(answer.headers["location"]).query)["opening"][0]
    given = {name: values[0] for name, values in parse_qs(urlsplit(opening).query).items()}
    configuration = lms.client.get(given["openid_configuration"], headers=bearer(given)).json()
    assert configuration["issuer"] == lms.facts["tarnwell"]["issuer"]
    registered = lms.client.post(
        configuration["registration_endpoint"], json=document(lms), headers=bearer(given)
    )
    assert registered.status_code == 201, registered.text
    body = registered.json()
    assert body["client_id"] != "workside-tarnwell" and body[CONFIGURATION]["deployment_id"]
    assert body["scope"] == "https://purl.imsglobal.org/spec/lti-ags/scope/score"
    assert [entry["type"] for entry in body[CONFIGURATION]["messages"]] == ["LtiDeepLinkingRequest"]
    # The token is used up; the tool survives a restart.
    again = lms.client.post(configuration["registration_endpoint"], json=document(lms), headers=bearer(given))
    assert (again.status_code, again.json()["error"]) == (401, "token_already_used")
    lms = start_lms()
    client_id = body["client_id"]
    assert client_id in lms.client.get("/tools", params={"org": "tarnwell"}).text
    click = lms.client.get(
        "/org/tarnwell/launch",
        params={"course": "support-onboarding", "person": "tp-2007", "tool": client_id},
    )
    login = {name: values[0] for name, values in parse_qs(urlsplit(click.headers["location"]).query).items()}
    assert login["client_id"] == client_id
    fields = lms.form(lms.client.get("/org/tarnwell/auth", params=lms.auth_request(login)))
    claims = jwt.decode(fields["id_token"], options={"verify_signature": False})
    assert claims["aud"] == client_id
    assert claims[LTI + "deployment_id"] == body[CONFIGURATION]["deployment_id"]
    assert claims[LTI + "custom"] == {"kept": "$Canvas.course.id", "fixed": "yes"}
    # Its proofs are its own.
    facts = lms.facts["tarnwell"] | {"client_id": client_id}
    granted = lms.client.post(
        "/org/tarnwell/token",
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": lms.tool.assertion(client_id, facts["token_url"]),
            "scope": "https://purl.imsglobal.org/spec/lti-ags/scope/score",
        },
    )
    assert granted.status_code == 200, granted.text
    gone = lms.client.post("/tools/remove", data={"org": "tarnwell", "client_id": client_id})
    assert gone.status_code == 303
    assert client_id not in lms.client.get("/tools", params={"org": "tarnwell"}).text


def test_without_an_invitation_nothing_is_read_or_made(lms: Any, invitation: dict[str, str]) -> None:
    url = invitation["openid_configuration"]
    assert lms.client.get(url).status_code == 401
    assert lms.client.get(url, headers={"Authorization": "Bearer made-up"}).status_code == 401
    # Another organisation's invitation is none.
    assert lms.client.get(url.replace("tarnwell", "fennmoor"), headers=bearer(invitation)).status_code == 401
    endpoint = "/org/tarnwell/register"
    assert lms.client.post(endpoint, json=document(lms)).status_code == 401


@pytest.mark.parametrize(
    "changes",
    [
        {"redirect_uris": ["https://elsewhere.example/launch"]},
        {"initiate_login_uri": None},
        {"jwks_uri": "https://elsewhere.example/jwks"},
        {"application_type": "native"},
        {"grant_types": ["implicit"]},
        {"response_types": ["code"]},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {CONFIGURATION: None},
        {CONFIGURATION: {"domain": "elsewhere.example", "target_link_uri": "http://127.0.0.1/"}},
    ],
)
def test_a_registration_that_lacks_something_uses_nothing_up(
    lms: Any, invitation: dict[str, str], changes: dict[str, Any]
) -> None:
    refused = lms.client.post(
        "/org/tarnwell/register", json=document(lms, **changes), headers=bearer(invitation)
    )
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_client_metadata")
    taken = lms.client.post("/org/tarnwell/register", json=document(lms), headers=bearer(invitation))
    assert taken.status_code == 201


def test_only_the_tools_own_links_are_opened(lms: Any) -> None:
    refused = lms.client.post("/tools", data={"org": "tarnwell", "link": "https://elsewhere.example/x"})
    assert refused.status_code == 400 and lms.tool.url in refused.text
    page = lms.client.get("/tools", params={"org": "tarnwell", "opening": "https://elsewhere.example/x"})
    assert "elsewhere" not in page.text
    foreign = {"Origin": "http://localhost:8000"}
    answer = lms.client.post("/tools", data={"org": "tarnwell", "link": f"{lms.tool.url}/x"}, headers=foreign)
    assert answer.status_code == 403
