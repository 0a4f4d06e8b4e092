"""A launch from the demo LMS, checked by the specification with PyJWT."""

from __future__ import annotations

import time
from typing import Any

import pytest

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
LEARNER = ("tarnwell", "support-onboarding", "practice-damaged-lamp", "tp-1041")


def test_login_request_names_platform_person_and_deployment(lms: Any) -> None:
    login = lms.login(*LEARNER)
    assert login["iss"] == "http://127.0.0.1:8100/org/tarnwell"
    assert login["client_id"] == "workside-tarnwell"
    assert login["lti_deployment_id"] == "tarnwell-1"
    assert login["login_hint"] == "tp-1041"
    assert login["target_link_uri"] == f"{lms.tool.url}/lti/launch"
    assert login["lti_message_hint"]
    assert "lti_storage_target" not in login


def test_learner_launch_of_a_graded_activity(lms: Any) -> None:
    claims = lms.launch(*LEARNER)
    assert claims["sub"] == "tp-1041"
    assert claims["nonce"] == "nonce-1"
    assert claims["exp"] - claims["iat"] == 60
    assert abs(claims["iat"] - time.time()) < 5
    assert claims[LTI + "message_type"] == "LtiResourceLinkRequest"
    assert claims[LTI + "version"] == "1.3.0"
    assert claims[LTI + "deployment_id"] == "tarnwell-1"
    assert claims[LTI + "target_link_uri"] == f"{lms.tool.url}/lti/launch"
    assert claims[LTI + "resource_link"]["id"] == "practice-damaged-lamp"
    assert claims[LTI + "context"]["id"] == "support-onboarding"
    assert claims[LTI + "roles"][0] == "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
    assert claims[LTI + "custom"]["task"] == "damaged-lamp"
    assert claims[LTI + "launch_presentation"]["document_target"] == "iframe"
    endpoint = claims[AGS + "claim/endpoint"]
    assert endpoint["lineitem"] == (
        "http://127.0.0.1:8100/org/tarnwell/courses/support-onboarding/lineitems/practice-damaged-lamp/lineitem?type_id=1"
    )
    assert set(endpoint["scope"]) == {
        AGS + "scope/" + name for name in ("lineitem", "result.readonly", "score")
    }
    assert claims[NRPS + "claim/namesroleservice"]["service_versions"] == ["2.0"]


def test_instructor_launch_of_an_ungraded_activity(lms: Any) -> None:
    claims = lms.launch("tarnwell", "support-onboarding", "support-ask", "tp-2011")
    assert claims[LTI + "roles"][0] == "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
    assert "task" not in claims[LTI + "custom"]
    assert "lineitem" not in claims[AGS + "claim/endpoint"]
    assert claims["locale"] == claims[LTI + "launch_presentation"]["locale"] == "es"


def test_organisations_are_two_platforms(lms: Any) -> None:
    ours = lms.client.get("/org/tarnwell/jwks.json").json()["keys"]
    theirs = lms.client.get("/org/fennmoor/jwks.json").json()["keys"]
    assert {key["kid"] for key in ours}.isdisjoint(key["kid"] for key in theirs)
    assert all(set(key) <= {"kty", "n", "e", "kid", "alg", "use"} for key in ours + theirs)
    login = lms.login(*LEARNER)
    elsewhere = lms.client.get(
        "/org/fennmoor/auth", params=lms.auth_request(login, client_id="workside-fennmoor")
    )
    assert lms.form(elsewhere)["error"] == "invalid_request"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "workside-fennmoor"},
        {"client_id": None},
        {"redirect_uri": "http://127.0.0.1:1/lti/launch"},
        {"redirect_uri": None},
        {"state": None},
    ],
    ids=str,
)
def test_unanswerable_authentication_requests_end_on_a_page(lms: Any, changes: dict[str, str | None]) -> None:
    answer = lms.client.get("/org/tarnwell/auth", params=lms.auth_request(lms.login(*LEARNER), **changes))
    assert answer.status_code == 400
    assert "id_token" not in answer.text
    assert "This activity did not open" in answer.text


def test_redirect_with_a_query_is_not_the_registered_one(lms: Any) -> None:
    request = lms.auth_request(lms.login(*LEARNER), redirect_uri=f"{lms.tool.url}/lti/launch?x=1")
    assert lms.client.get("/org/tarnwell/auth", params=request).status_code == 400


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"nonce": None}, "invalid_request"),
        ({"scope": "openid profile"}, "invalid_request"),
        ({"response_type": "code"}, "invalid_request"),
        ({"response_mode": "query"}, "invalid_request"),
        ({"prompt": "login"}, "invalid_request"),
        ({"lti_message_hint": "another"}, "invalid_request"),
        ({"login_hint": "tp-1042"}, "login_required"),
    ],
    ids=str,
)
def test_wrong_authentication_requests_are_answered_with_an_error(
    lms: Any, changes: dict[str, str | None], code: str
) -> None:
    answer = lms.client.get("/org/tarnwell/auth", params=lms.auth_request(lms.login(*LEARNER), **changes))
    fields = lms.form(answer)
    assert fields["error"] == code
    assert fields["state"] == "state-1"
    assert "id_token" not in fields


def test_a_repeated_parameter_is_refused(lms: Any) -> None:
    request = list(lms.auth_request(lms.login(*LEARNER)).items())
    assert lms.client.get("/org/tarnwell/auth", params=[*request, ("nonce", "other")]).status_code == 400


def test_authentication_by_post(lms: Any) -> None:
    answer = lms.client.post("/org/tarnwell/auth", data=lms.auth_request(lms.login(*LEARNER)))
    assert set(lms.form(answer)) == {"id_token", "state"}
    assert f'action="{lms.tool.url}/lti/launch"' in answer.text


def test_a_launch_works_again_unless_the_switch_says_once(lms: Any) -> None:
    request = lms.auth_request(lms.login(*LEARNER))
    assert "id_token" in lms.form(lms.client.get("/org/tarnwell/auth", params=request))
    lms.switch(one_time_launches=True)
    assert "id_token" in lms.form(lms.client.get("/org/tarnwell/auth", params=request))
    assert lms.form(lms.client.get("/org/tarnwell/auth", params=request))["error"] == "invalid_request"


def test_platform_storage_is_announced_when_the_switch_is_on(lms: Any) -> None:
    lms.switch(platform_storage=True)
    assert lms.login(*LEARNER)["lti_storage_target"] == "_parent"


def test_unknown_people_and_places_are_not_found(lms: Any) -> None:
    for address in ("/?org=nowhere", "/?org=tarnwell&person=fl-310", "/org/nowhere/jwks.json"):
        assert lms.client.get(address).status_code == 404
