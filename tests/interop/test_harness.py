"""The Open edX harness by itself, with a client of PyJWT and httpx in the tool's place: is it a real platform?"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

# One worker starts the platform and uses it for all; the first run makes .venv-interop, which takes a while.
pytestmark = [pytest.mark.xdist_group("interop"), pytest.mark.timeout(900)]

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
SCORE_TYPE = "application/vnd.ims.lis.v1.score+json"
# Generous: the platform answers in a fraction of a second, but not on a machine that does ten other things.
HTTP = httpx.Client(timeout=60)


@pytest.fixture(scope="module")
def platform(xblock_platform: Callable[[str], Any], tool_keys: Any) -> Any:
    return xblock_platform(tool_keys.url)


def launch(platform: Any, tool_url: str, user: str, **custom: str) -> dict[str, Any]:
    """Go through the three legs as a browser and a tool would; the verified claims."""
    return claims_of(platform, tool_url, platform.open(user, **custom))


def authenticate(platform: Any, tool_url: str, address: str, nonce: str, state: str) -> httpx.Response:
    """What the platform answers to the authentication request for a login at that address."""
    login = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
    registration = platform.registration()
    assert login["iss"] == registration["issuer"]
    return HTTP.get(
        registration["auth_url"],
        params={
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": login["client_id"],
            "redirect_uri": f"{tool_url}/lti/launch",
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "state": state,
            "nonce": nonce,
        },
    )


def claims_of(platform: Any, tool_url: str, address: str) -> dict[str, Any]:
    """What the platform signs for a login at that address."""
    registration, nonce, state = platform.registration(), secrets.token_hex(16), secrets.token_hex(16)
    page = authenticate(platform, tool_url, address, nonce, state)
    assert page.status_code == 200, page.text
    assert f'action="{tool_url}/lti/launch"' in page.text
    fields = {
        name: unescape(value) for name, value in re.findall(r'<input name="(\w+)" value="([^"]*)"', page.text)
    }
    assert fields["state"] == state
    keys = {key["kid"]: jwt.PyJWK(key, "RS256") for key in HTTP.get(registration["jwks_url"]).json()["keys"]}
    claims: dict[str, Any] = jwt.decode(
        fields["id_token"],
        keys[jwt.get_unverified_header(fields["id_token"])["kid"]],
        ["RS256"],
        audience=registration["client_id"],
        issuer=registration["issuer"],
        options={"require": ["exp", "iat", "sub", "nonce"]},
    )
    assert claims["nonce"] == nonce
    return claims


def token(platform: Any, tool_keys: Any, *scopes: str, prefix: str = AGS + "scope/") -> str:
    registration = platform.registration()
    answer = HTTP.post(
        registration["token_url"],
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": tool_keys.assertion(registration["client_id"], registration["token_url"]),
            "scope": " ".join(prefix + scope for scope in scopes),
        },
    )
    assert answer.status_code == 200, answer.text
    granted: str = answer.json()["access_token"]
    return granted


def score(user: str, points: float, moment: datetime) -> dict[str, Any]:
    return {
        "userId": user,
        "scoreGiven": points,
        "scoreMaximum": 10,
        "comment": "Confirmed by the reviewer.",
        "timestamp": moment.isoformat().replace("+00:00", "Z"),
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
    }


def test_launch_carries_signed_claims(platform: Any, tool_keys: Any) -> None:
    claims = launch(platform, tool_keys.url, "learner-7", task="damaged-lamp")
    assert claims["sub"] == "learner-7"
    assert claims[LTI + "deployment_id"] == "1"
    assert claims[LTI + "message_type"] == "LtiResourceLinkRequest"
    assert claims[LTI + "custom"] == {"task": "damaged-lamp"}
    assert any(role.endswith("membership#Learner") for role in claims[LTI + "roles"])
    assert claims[AGS + "claim/endpoint"]["lineitem"].startswith(platform.base_url)


def test_authentication_with_another_redirect_is_refused(platform: Any, tool_keys: Any) -> None:
    login = {name: values[0] for name, values in parse_qs(urlsplit(platform.open("learner-8")).query).items()}
    answer = HTTP.get(
        platform.registration()["auth_url"],
        params=login | {"redirect_uri": "http://127.0.0.1:1/elsewhere", "state": "s", "nonce": "n"},
    )
    assert answer.status_code == 400


def test_score_reaches_the_gradebook_and_the_results(platform: Any, tool_keys: Any) -> None:
    item = launch(platform, tool_keys.url, "learner-9")[AGS + "claim/endpoint"]["lineitem"]
    bearer = {
        "Authorization": "Bearer "
        + token(platform, tool_keys, "score", "result.readonly", "lineitem.readonly")
    }
    moment = datetime.now(UTC) - timedelta(seconds=10)
    body = score("learner-9", 8, moment)
    sent = HTTP.post(f"{item}/scores", json=body, headers=bearer | {"Content-Type": SCORE_TYPE})
    assert sent.status_code == 201, sent.text
    assert {"user": "learner-9", "score": 0.8, "maximum": 10, "comment": body["comment"]} in platform.grades()

    results = HTTP.get(f"{item}/results/learner-9", headers=bearer).json()
    assert [(result["resultScore"], result["resultMaximum"]) for result in results] == [(8, 10)]
    assert HTTP.get(item, headers=bearer).json()["label"] == "Practice"

    for stale in (moment, moment - timedelta(seconds=1)):
        refused = HTTP.post(
            f"{item}/scores", json=score("learner-9", 3, stale), headers=bearer | {"Content-Type": SCORE_TYPE}
        )
        assert refused.status_code == 400
    assert [grade["score"] for grade in platform.grades() if grade["user"] == "learner-9"] == [0.8]


def test_a_pending_score_stays_out_of_the_gradebook(platform: Any, tool_keys: Any) -> None:
    item = launch(platform, tool_keys.url, "learner-10")[AGS + "claim/endpoint"]["lineitem"]
    bearer = {"Authorization": "Bearer " + token(platform, tool_keys, "score")}
    body = score("learner-10", 8, datetime.now(UTC)) | {"gradingProgress": "Pending"}
    sent = HTTP.post(f"{item}/scores", json=body, headers=bearer | {"Content-Type": SCORE_TYPE})
    assert sent.status_code == 201
    assert [grade for grade in platform.grades() if grade["user"] == "learner-10"] == []


def test_a_token_without_the_score_scope_cannot_send_scores(platform: Any, tool_keys: Any) -> None:
    item = launch(platform, tool_keys.url, "learner-11")[AGS + "claim/endpoint"]["lineitem"]
    bearer = {"Authorization": "Bearer " + token(platform, tool_keys, "lineitem.readonly")}
    sent = HTTP.post(
        f"{item}/scores",
        json=score("learner-11", 8, datetime.now(UTC)),
        headers=bearer | {"Content-Type": SCORE_TYPE},
    )
    assert sent.status_code == 403


DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
MEMBERS_TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


def respond(platform: Any, tool_keys: Any, claims: dict[str, Any], items: list[Any]) -> httpx.Response:
    """Post a deep linking response with these items, as the tool's page does."""
    registration, now = platform.registration(), int(datetime.now(UTC).timestamp())
    answer = {
        "iss": registration["client_id"],
        "aud": registration["issuer"],
        "iat": now - 5,
        "exp": now + 300,
        "nonce": secrets.token_hex(8),
        LTI + "deployment_id": claims[LTI + "deployment_id"],
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        DL + "content_items": items,
    }
    url = claims[DL + "deep_linking_settings"]["deep_link_return_url"]
    return HTTP.post(url, data={"JWT": tool_keys.sign(answer)})


def test_a_deep_linking_request_and_its_response(platform: Any, tool_keys: Any) -> None:
    claims = claims_of(platform, tool_keys.url, platform.open_picker("instructor-1"))
    assert claims[LTI + "message_type"] == "LtiDeepLinkingRequest"
    settings = claims[DL + "deep_linking_settings"]
    assert {"ltiResourceLink", "link"} <= set(settings["accept_types"]) and settings[
        "accept_multiple"
    ] is True
    assert "data" not in settings and settings["deep_link_return_url"].startswith(platform.base_url)
    item = {
        "type": "ltiResourceLink",
        "title": "Practice",
        "url": f"{tool_keys.url}/",
        "custom": {"placement": "p1"},
    }
    assert respond(platform, tool_keys, claims, [item]).status_code == 200
    (placed,) = platform.content()
    opened = claims_of(platform, tool_keys.url, platform.open_item(placed["id"], "learner-1"))
    assert opened[LTI + "target_link_uri"] == f"{tool_keys.url}/"
    assert opened[LTI + "custom"] == {"placement": "p1"}
    # A later answer replaces what an earlier one placed, and none at all empties it.
    assert respond(platform, tool_keys, claims, []).status_code == 200
    assert platform.content() == []


def test_a_title_of_null_breaks_it_and_a_stranger_is_refused(platform: Any, tool_keys: Any) -> None:
    claims = claims_of(platform, tool_keys.url, platform.open_picker("instructor-1"))
    broken = [{"type": "ltiResourceLink", "title": None, "url": f"{tool_keys.url}/"}]
    assert respond(platform, tool_keys, claims, broken).status_code >= 500
    assert respond(
        platform, tool_keys, claims, [{"type": "file", "url": f"{tool_keys.url}/"}]
    ).status_code in {400, 403}
    url = claims[DL + "deep_linking_settings"]["deep_link_return_url"]
    assert HTTP.post(url, data={"JWT": "no.token.here"}).status_code == 403
    # Learners get no deep linking request at all.
    asked = platform.open_picker("learner-1", "student")
    refused = authenticate(platform, tool_keys.url, asked, "nonce", "state")
    assert refused.status_code >= 400 and "id_token" not in refused.text


def test_members_come_in_pages_when_asked_for(platform: Any, tool_keys: Any) -> None:
    claims = launch(platform, tool_keys.url, "learner-1")
    url = claims[NRPS + "claim/namesroleservice"]["context_memberships_url"]
    bearer = {
        "Authorization": "Bearer "
        + token(platform, tool_keys, "contextmembership.readonly", prefix=NRPS + "scope/"),
        "Accept": MEMBERS_TYPE,
    }
    whole = HTTP.get(url, headers=bearer)
    assert whole.status_code == 200 and "link" not in whole.headers
    everybody = [member["user_id"] for member in whole.json()["members"]]
    assert everybody == [*(f"learner-{number}" for number in range(1, 6)), "instructor-1"]
    assert whole.json()["members"][0]["name"] == "Person learner-1"
    found, following, pages = [], f"{url}?limit=4", 0
    while following:
        page = HTTP.get(following, headers=bearer)
        found += [member["user_id"] for member in page.json()["members"]]
        link = re.search(r'<([^>]+)>; rel="next"', page.headers.get("link", ""))
        following, pages = link[1] if link else "", pages + 1
    assert (found, pages) == (everybody, 2)
    # rlid means nothing to it.
    assert len(HTTP.get(f"{url}?rlid=unknown", headers=bearer).json()["members"]) == 6
    without = {**bearer, "Authorization": "Bearer " + token(platform, tool_keys, "score")}
    assert HTTP.get(url, headers=without).status_code == 403
