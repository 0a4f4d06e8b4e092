"""E. Service tokens: conformance cases 81-86."""

from __future__ import annotations

import logging
import threading

import jwt
import pytest

from lti import (
    AgsEndpoint,
    Delivered,
    PlatformKeys,
    Refused,
    RetryLater,
    ScopeNotGranted,
    Score,
    ServiceAddressRefused,
    TokenDenied,
    TokenRefused,
    TokenUnavailable,
    read_result,
    send_score,
)
from lti.claims import RESULT_SCOPE, SCORE_SCOPE
from tests.conformance.tool import Tool
from tests.fakes.platform import ALL_SCOPES, FakePlatform


def _score(tool: Tool) -> Score:
    return Score("101", tool.clock().replace(microsecond=0), score_given=8, score_maximum=10)


def test_case_81_the_request_and_its_proof(tool: Tool) -> None:
    tool.tokens.token(tool.registration, [SCORE_SCOPE, RESULT_SCOPE])
    [request] = tool.platform.asked("token")
    assert request.method == "POST"
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    form = request.form
    assert form["grant_type"] == "client_credentials"
    assert form["client_assertion_type"] == "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    assert form["scope"] == f"{RESULT_SCOPE} {SCORE_SCOPE}"
    assert jwt.get_unverified_header(form["client_assertion"]) == {
        "alg": "RS256",
        "typ": "JWT",
        "kid": "tool-key-1",
    }
    proof = jwt.decode(form["client_assertion"], options={"verify_signature": False})
    moment = int(tool.clock().timestamp())
    assert proof["iss"] == proof["sub"] == tool.platform.client_id
    assert proof["aud"] == tool.platform.token_url
    assert proof["iat"] == moment - 5 and proof["exp"] == moment + 300
    assert proof["exp"] - proof["iat"] <= 600
    tool.tokens.token(tool.registration, [SCORE_SCOPE])
    second = jwt.decode(
        tool.platform.asked("token")[1].form["client_assertion"], options={"verify_signature": False}
    )
    assert second["jti"] != proof["jti"]


@pytest.mark.parametrize(
    ("platform_key", "audience", "expected"),
    [
        ("generic", None, "https://lms.example/token"),
        ("generic", "https://audience.example", "https://audience.example"),
        ("brightspace", None, "https://api.brightspace.com/auth/token"),
    ],
)
def test_case_81_the_audience_may_be_overridden(
    tool: Tool, platform_key: str, audience: str | None, expected: str
) -> None:
    tool.platform.audience = expected
    registration = tool.change(platform=platform_key, audience=audience)
    assert tool.tokens.token(registration, [SCORE_SCOPE]).scopes == {SCORE_SCOPE}


def test_case_82_a_token_is_kept_until_a_minute_before_its_end(tool: Tool) -> None:
    first = tool.tokens.token(tool.registration, ALL_SCOPES)
    tool.clock.advance(3539)
    assert tool.tokens.token(tool.registration, tuple(reversed(ALL_SCOPES))) == first
    tool.clock.advance(2)
    assert tool.tokens.token(tool.registration, ALL_SCOPES) != first
    assert len(tool.platform.asked("token")) == 2


def test_case_82_without_expires_in_it_lives_300_seconds(tool: Tool) -> None:
    tool.platform.token_life = None
    token = tool.tokens.token(tool.registration, ALL_SCOPES)
    assert (token.expires_at - tool.clock()).total_seconds() == 300


def test_case_82_other_scopes_are_another_token(tool: Tool) -> None:
    assert tool.tokens.token(tool.registration, [SCORE_SCOPE]) != tool.tokens.token(
        tool.registration, [RESULT_SCOPE]
    )


def test_case_82_two_tenants_of_one_issuer_never_share(tool: Tool) -> None:
    other = FakePlatform(tool.clock, client_id="client-2")
    registration = other.registration()
    tool.tokens.token(tool.registration, [SCORE_SCOPE])
    tool.platform.client_id = "client-2"
    tool.tokens.token(registration, [SCORE_SCOPE])
    proofs = [
        jwt.decode(request.form["client_assertion"], options={"verify_signature": False})["sub"]
        for request in tool.platform.asked("token")
    ]
    assert proofs == ["client-1", "client-2"]


def test_case_82_many_at_once_ask_once(tool: Tool) -> None:
    gate = threading.Barrier(8)
    values: set[str] = set()

    def ask() -> None:
        gate.wait()
        values.add(tool.tokens.token(tool.registration, ALL_SCOPES).value)

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(values) == 1 and len(tool.platform.asked("token")) == 1


def test_case_83_fewer_scopes_than_asked_are_a_clear_no_without_a_loop(tool: Tool) -> None:
    tool.platform.granted_scopes = {RESULT_SCOPE}
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool))
    assert isinstance(outcome, TokenRefused) and SCORE_SCOPE in outcome.reason
    assert len(tool.platform.asked("token")) == 1 and tool.platform.asked("scores") == []


def test_case_83_only_scopes_of_the_launch_are_asked_for(tool: Tool) -> None:
    tool.platform.refuses_unknown_scopes = True
    tool.platform.granted_scopes = {SCORE_SCOPE}
    assert send_score(
        tool.services, tool.registration, tool.endpoint(SCORE_SCOPE), _score(tool)
    ) == Delivered(200)
    with pytest.raises(ScopeNotGranted):
        read_result(tool.services, tool.registration, tool.endpoint(SCORE_SCOPE), "101")
    outcome = send_score(tool.services, tool.registration, tool.endpoint(RESULT_SCOPE), _score(tool))
    assert isinstance(outcome, TokenRefused)
    assert {request.form["scope"] for request in tool.platform.asked("token")} == {SCORE_SCOPE}


@pytest.mark.parametrize("status", [400, 401, 403, 302])
def test_case_84_a_refusal_is_for_good(tool: Tool, status: int) -> None:
    tool.platform.fail(
        "token", status, b'{"error": "invalid_client"}', location="https://elsewhere.example/token"
    )
    with pytest.raises(TokenDenied, match=str(status)):
        tool.tokens.token(tool.registration, ALL_SCOPES)
    assert len(tool.network.requested) == 1


@pytest.mark.parametrize("status", [429, 500, 502, 503])
def test_case_84_trouble_is_for_later(tool: Tool, status: int) -> None:
    tool.platform.fail("token", status, retry_after="17")
    with pytest.raises(TokenUnavailable) as caught:
        tool.tokens.token(tool.registration, ALL_SCOPES)
    assert caught.value.after_seconds == 17
    tool.platform.drop("token")
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool))
    assert isinstance(outcome, RetryLater)
    assert send_score(tool.services, tool.registration, tool.endpoint(), _score(tool)) == Delivered(200)


@pytest.mark.parametrize(
    "body", [b"<html>", b"[]", b"{}", b'{"access_token": 7}', b'{"access_token": "a\\nb"}', b"[" * 50_000]
)
def test_case_84_an_unreadable_answer_is_for_later_and_then_for_good(tool: Tool, body: bytes) -> None:
    tool.platform.fail("token", 200, body, times=3)
    for _ in range(2):
        with pytest.raises(TokenUnavailable):
            tool.tokens.token(tool.registration, ALL_SCOPES)
    with pytest.raises(TokenDenied):
        tool.tokens.token(tool.registration, ALL_SCOPES)
    assert tool.tokens.token(tool.registration, ALL_SCOPES).value


@pytest.mark.parametrize("life", ['"3600"', "-5", "NaN", "1e400", "null", '"soon"', "true"])
def test_case_84_an_odd_life_is_no_trouble(tool: Tool, life: str) -> None:
    tool.platform.fail("token", 200, b'{"access_token": "abc", "expires_in": %s}' % life.encode())
    token = tool.tokens.token(tool.registration, ALL_SCOPES)
    assert 0 < (token.expires_at - tool.clock()).total_seconds() <= 86_400


def test_case_85_a_refused_token_is_renewed_once(any_tool: Tool) -> None:
    tool = any_tool
    assert send_score(tool.services, tool.registration, tool.endpoint(), _score(tool)).__class__ is Delivered
    tool.platform.revoke_tokens()
    tool.clock.advance(2)
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool))
    if tool.platform.personality == "openedx":
        assert outcome == Delivered(201)
    else:
        assert outcome == Delivered(200)
    assert len(tool.platform.asked("token")) == 2


def test_case_85_a_fresh_token_refused_again_is_for_good(tool: Tool) -> None:
    tool.platform.fail("scores", 401, times=5)
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool))
    assert isinstance(outcome, TokenRefused) and outcome.status == 401
    assert len(tool.platform.asked("scores")) == 2


def test_case_85_a_403_renews_the_token_only_where_it_may_mean_that(tool: Tool) -> None:
    tool.platform.fail("scores", 403, b"not enrolled", times=2)
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool))
    assert outcome == Refused("not enrolled", 403)
    assert len(tool.platform.asked("token")) == 1
    tool.platform._faults.clear()
    tool.platform.fail("scores", 403, times=5)
    outcome = send_score(tool.services, tool.change(platform="sakai"), tool.endpoint(), _score(tool))
    assert isinstance(outcome, Refused) and len(tool.platform.asked("token")) == 2


@pytest.mark.parametrize(
    "url",
    [
        "https://evil.example/lineitem",
        "http://lms.example/lineitem",
        "https://lms.example:8443/lineitem",
        "https://lms.example@evil.example/lineitem",
        "https://lms.example.evil.example/lineitem",
        "ftp://lms.example/lineitem",
        "https://lms.example\\@evil.example/",
    ],
)
def test_case_86_a_token_goes_only_where_signed_claims_lead(tool: Tool, url: str) -> None:
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool), lineitem_url=url)
    assert isinstance(outcome, Refused)
    with pytest.raises(ServiceAddressRefused):
        read_result(tool.services, tool.registration, tool.endpoint(), "101", lineitem_url=url)
    assert tool.network.requested == []


def test_case_86_a_host_of_the_claim_is_enough_where_the_issuer_is_another(tool: Tool) -> None:
    registration = tool.change(
        issuer="https://canvas.instructure.com", auth_url="https://sso.canvaslms.com/auth"
    )
    endpoint = AgsEndpoint(tool.platform.column_url("1"), None, frozenset(ALL_SCOPES))
    assert send_score(tool.services, registration, endpoint, _score(tool)) == Delivered(200)


def test_case_86_a_redirect_does_not_take_the_token_along(tool: Tool) -> None:
    tool.platform.fail("scores", 307, location="https://evil.example/scores")
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool))
    assert isinstance(outcome, Refused) and "redirect" in outcome.reason
    assert all(url.startswith("https://lms.example/") for url in tool.network.requested)


def test_case_86_tokens_are_in_no_log_and_no_repr(tool: Tool, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    token = tool.tokens.token(tool.registration, ALL_SCOPES)
    tool.platform.fail(
        "scores", 400, f"bad token eyJhbGciOiJSUzI1NiIsImtpZCI6.eyJpc3MiOiJodHRwczovL.abc {token!r}".encode()
    )
    outcome = send_score(tool.services, tool.registration, tool.endpoint(), _score(tool))
    assert "eyJ" not in repr(outcome)
    assert token.value not in caplog.text and token.value not in repr((token, tool.services, tool.tokens))
    assert tool.keys.signing().private_pem not in repr(tool.keys.signing())


def test_plain_http_is_for_private_platforms_only(tool: Tool) -> None:
    with pytest.raises(TokenDenied):
        tool.tokens.token(tool.change(token_url="http://lms.example/token"), ALL_SCOPES)
    assert tool.network.requested == []
    assert isinstance(tool.platform_keys, PlatformKeys)
