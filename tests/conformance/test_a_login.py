"""A. OIDC third-party login initiation: conformance cases 1-18."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest

from lti.browser import LoginLimit
from lti.errors import LoginsTooMany
from lti.memory import MemoryLaunchStates
from lti.secret import secret_hash
from tests.app.rooms.campus import TOOL as CAMPUS
from tests.app.rooms.campus import Campus
from tests.conformance.tool import TOOL, Tool, query_of, refused
from tests.fakes.platform import ABSENT, FakePlatform

AUTH_PARAMETERS = {
    "scope",
    "response_type",
    "response_mode",
    "prompt",
    "client_id",
    "redirect_uri",
    "login_hint",
    "lti_message_hint",
    "state",
    "nonce",
}


def test_case_01_get_is_answered_with_exactly_the_authentication_request(tool: Tool) -> None:
    fields = tool.platform.login_fields()
    query = tool.platform.auth_query(tool.login())
    assert set(query) == AUTH_PARAMETERS
    assert query["scope"] == "openid"
    assert query["response_type"] == "id_token"
    assert query["response_mode"] == "form_post"
    assert query["prompt"] == "none"
    assert query["client_id"] == tool.platform.client_id
    assert query["redirect_uri"] == f"{TOOL}/lti/launch"
    assert query["login_hint"] == fields["login_hint"]
    assert query["lti_message_hint"] == fields["lti_message_hint"]


def test_case_02_post_gives_the_same(tool: Tool) -> None:
    by_get = tool.platform.auth_query(tool.login())
    answer = tool.client.post("/lti/login", data=tool.platform.login_fields())
    assert answer.status_code == 302
    by_post = tool.platform.auth_query(answer.headers["location"])
    assert set(by_post) == AUTH_PARAMETERS
    own = {"state", "nonce"}
    assert {name: by_post[name] for name in set(by_post) - own} == {
        name: by_get[name] for name in set(by_get) - own
    }
    assert all(by_post[name] != by_get[name] for name in own)
    tool.accepted(tool.post(tool.platform.answer(answer.headers["location"])))


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("value", [ABSENT, ""])
@pytest.mark.parametrize(
    "name",
    [
        pytest.param("iss", id="case_03"),
        pytest.param("login_hint", id="case_04"),
        pytest.param("target_link_uri", id="case_05"),
    ],
)
def test_case_03_04_05_a_missing_parameter_is_refused(tool: Tool, name: str, value: str, method: str) -> None:
    fields = tool.platform.login_fields(**{name: value})
    sent = {"params": fields} if method == "GET" else {"data": fields}
    refused(tool.client.request(method, "/lti/login", **sent), "login_parameter_missing")


def test_case_06_without_a_message_hint_none_is_sent(tool: Tool) -> None:
    query = tool.platform.auth_query(tool.login(lti_message_hint=ABSENT))
    assert set(query) == AUTH_PARAMETERS - {"lti_message_hint"}


@pytest.mark.parametrize(
    "hint",
    [
        json.dumps({"cmid": 1, "launchid": "x"}),
        "eyJhbGciOiJIUzI1NiJ9.eyJhIjoxfQ.c2ln+/=",
        "a b&c=d#e?f%20g+h;é",
    ],
)
def test_case_07_hints_come_back_byte_for_byte(tool: Tool, hint: str) -> None:
    query = tool.platform.auth_query(tool.login(lti_message_hint=hint, login_hint=hint))
    assert query["lti_message_hint"] == hint
    assert query["login_hint"] == hint


def test_case_08_an_unknown_issuer_is_refused_and_nobody_is_asked(tool: Tool) -> None:
    answer = tool.client.get("/lti/login", params=tool.platform.login_fields(iss="https://stranger.example"))
    refused(answer, "registration_unknown")
    assert tool.network.requested == []
    assert "set-cookie" not in answer.headers


def _second_client(tool: Tool) -> FakePlatform:
    other = FakePlatform(tool.clock, client_id="client-2", deployment_id="deployment-2")
    tool.register(other)
    return other


def test_case_09_the_given_client_id_is_used(tool: Tool) -> None:
    _second_client(tool)
    assert query_of(tool.login(client_id="client-2"))["client_id"] == "client-2"
    assert query_of(tool.login(client_id="client-1"))["client_id"] == "client-1"


def test_case_09_an_unknown_client_id_is_refused(tool: Tool) -> None:
    answer = tool.client.get("/lti/login", params=tool.platform.login_fields(client_id="client-9"))
    refused(answer, "registration_unknown")


def test_case_10_without_a_client_id_the_deployment_tells(tool: Tool) -> None:
    _second_client(tool)
    assert query_of(tool.login(client_id=ABSENT, lti_deployment_id="deployment-2"))["client_id"] == "client-2"


@pytest.mark.parametrize("deployment", [ABSENT, "deployment-9"])
def test_case_10_two_clients_and_nothing_to_tell_them_apart_is_refused(tool: Tool, deployment: str) -> None:
    _second_client(tool)
    fields = tool.platform.login_fields(client_id=ABSENT, lti_deployment_id=deployment)
    refused(tool.client.get("/lti/login", params=fields), "registration_ambiguous")


def test_case_10_a_single_client_needs_no_client_id(tool: Tool) -> None:
    assert query_of(tool.login(client_id=ABSENT))["client_id"] == "client-1"


@pytest.mark.parametrize("name", ["lti_deployment_id", "deployment_id"])
def test_case_11_both_names_of_the_deployment_count(tool: Tool, name: str) -> None:
    _second_client(tool)
    fields = {"client_id": ABSENT, "lti_deployment_id": ABSENT, name: "deployment-2"}
    assert query_of(tool.login(**fields))["client_id"] == "client-2"


@pytest.mark.parametrize("name", ["lti_deployment_id", "deployment_id"])
def test_case_11_an_unknown_deployment_is_noted_and_left_to_the_token(
    tool: Tool, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "workside.lti")
    assert tool.login(**{"lti_deployment_id": ABSENT, name: "deployment-1"})
    assert caplog.records == []
    location = tool.login(**{"lti_deployment_id": ABSENT, name: "deployment-9"})
    [record] = caplog.records
    assert vars(record)["deployment_id"] == "deployment-9"
    tool.accepted(tool.post(tool.platform.answer(location)))


@pytest.mark.parametrize(
    "target",
    [
        "https://evil.example/",
        "http://tool.example/",
        "https://tool.example:444/",
        "https://tool.example@evil.example/",
        "https://user@tool.example/",
        "https://tool.example.evil.example/",
        "https://evil.example\\@tool.example/",
        "https://tool.example\\.evil.example/",
        "//tool.example/",
        "/",
        "javascript:alert(1)//https://tool.example/",
        "data:text/html,x",
        "https://tool.example\t.evil.example/",
        " https://tool.example/",
        "https://[::1/",
        "https://tool.example:99999999/",
        "https://tооl.example/",
    ],
)
def test_case_12_a_target_elsewhere_is_refused(tool: Tool, target: str) -> None:
    refused(
        tool.client.get("/lti/login", params=tool.platform.login_fields(target_link_uri=target)),
        "target_foreign",
    )


def test_case_12_the_redirect_uri_is_always_our_launch_address(tool: Tool) -> None:
    query = query_of(
        tool.login(target_link_uri=f"{TOOL}/deep/inside?x=1", redirect_uri="https://evil.example/")
    )
    assert query["redirect_uri"] == f"{TOOL}/lti/launch"


def test_case_13_a_query_of_the_auth_url_is_kept(tool: Tool) -> None:
    tool.change(auth_url=f"{tool.platform.auth_url}?tenant=1")
    location = tool.login()
    assert location.count("?") == 1
    assert query_of(location)["tenant"] == "1"
    assert set(query_of(location)) == AUTH_PARAMETERS | {"tenant"}


def test_case_14_state_is_random_and_only_its_hash_is_kept(tool: Tool) -> None:
    states = {query_of(tool.login())["state"] for _ in range(20)}
    assert len(states) == 20
    # 43 characters of base64 hold 256 bits.
    assert all(len(state) >= 43 for state in states)
    kept = repr(vars(tool.states))
    assert not any(state in kept for state in states)
    assert "BindingSecrets(...)" not in kept


def test_case_14_15_what_a_state_belongs_to_is_kept_with_it_for_ten_minutes(tool: Tool) -> None:
    answer = tool.client.get("/lti/login", params=tool.platform.login_fields(lti_storage_target="storage"))
    data = json.loads(answer.text.partition('id="launch-data">')[2].partition("</script>")[0])
    query = tool.platform.auth_query(data["auth_url"])
    kept = tool.states.peek(secret_hash(query["state"]))
    assert kept is not None
    assert kept.registration_id == tool.registration.id
    assert kept.nonce_hash == secret_hash(query["nonce"]) != secret_hash(query["state"])
    assert kept.target_link_uri == tool.platform.login_fields()["target_link_uri"]
    assert kept.storage_target == "storage"
    assert kept.cookie_hash == secret_hash(tool.client.cookies[f"__Host-lti_b_{data['id']}"])
    assert kept.storage_hash == secret_hash(data["storage_value"])
    assert kept.session_hash == secret_hash(data["session_value"])
    assert len({kept.cookie_hash, kept.storage_hash, kept.session_hash}) == 3
    assert kept.expires_at == tool.clock() + timedelta(seconds=600)
    tool.clock.advance(600)
    assert tool.states.peek(secret_hash(query["state"])) is None


def test_case_14_two_logins_in_parallel_tabs_both_work(tool: Tool) -> None:
    first, second = tool.login(), tool.login()
    tool.accepted(tool.post(tool.platform.answer(second)))
    tool.accepted(tool.post(tool.platform.answer(first)))


def test_case_15_nonce_is_random_and_is_not_the_state(tool: Tool) -> None:
    queries = [query_of(tool.login()) for _ in range(20)]
    nonces = {query["nonce"] for query in queries}
    assert len(nonces) == 20 and all(len(nonce) >= 43 for nonce in nonces)
    assert not nonces & {query["state"] for query in queries}
    assert not any(nonce in repr(vars(tool.states)) for nonce in nonces)


@pytest.mark.parametrize("name", ["iss", "login_hint", "client_id", "state_of_mind"])
def test_case_16_a_doubled_parameter_is_refused(tool: Tool, name: str) -> None:
    pairs = [*tool.platform.login_fields(state_of_mind="x").items(), (name, "another")]
    refused(tool.client.get("/lti/login?" + urlencode(pairs)), "login_malformed")
    answer = tool.client.post(
        "/lti/login", content=urlencode(pairs), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    refused(answer, "login_malformed")


@pytest.mark.parametrize("size", [65 * 1024, 300 * 1024])
def test_case_16_a_large_body_is_refused(tool: Tool, size: int) -> None:
    answer = tool.client.post("/lti/login", data=tool.platform.login_fields(lti_message_hint="x" * size))
    refused(answer, "login_malformed")


@pytest.mark.parametrize("kind", ["multipart/form-data; boundary=x", "application/json", "text/plain", ""])
def test_case_16_only_forms_are_read(tool: Tool, kind: str) -> None:
    answer = tool.client.post("/lti/login", content=b"iss=x", headers={"Content-Type": kind})
    refused(answer, "login_malformed")


@pytest.mark.parametrize(
    "body",
    [
        b"iss=%ff%fe",
        b"iss=\xff",
        b"iss=%00&login_hint=1&target_link_uri=x",
        b"&".join(b"a=1" for _ in range(500)),
    ],
)
def test_case_16_bytes_that_are_no_text_are_refused(tool: Tool, body: bytes) -> None:
    answer = tool.client.post(
        "/lti/login", content=body, headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    refused(answer, "login_malformed")


def test_case_17_one_address_may_only_start_so_many_logins(tool: Tool) -> None:
    tool.settings = replace(tool.settings, logins_per_minute=5)
    tool.rebuild()
    answers = [tool.client.get("/lti/login", params=tool.platform.login_fields()) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [302] * 5 + [429]
    refused(answers[-1], "logins_too_many", 429)
    tool.clock.advance(61)
    assert tool.login()


def test_case_17_another_address_is_not_held_up_and_a_customers_ipv6_network_is_one_address(
    tool: Tool,
) -> None:
    limit = LoginLimit(2, tool.clock)
    for address in ("203.0.113.7", "203.0.113.7", "203.0.113.8", "2001:db8:1:2::1", "2001:db8:1:2:ffff::9"):
        limit.count(address)
    for address in ("203.0.113.7", "2001:db8:1:2:3::4"):
        with pytest.raises(LoginsTooMany):
            limit.count(address)
    limit.count("2001:db8:1:3::1")


def test_case_17_states_expire_and_the_store_cannot_be_filled(tool: Tool) -> None:
    tool.states = MemoryLaunchStates(tool.clock, limit=3)
    tool.rebuild()
    for _ in range(3):
        tool.login()
    refused(tool.client.get("/lti/login", params=tool.platform.login_fields()), "logins_too_many", 429)
    tool.clock.advance(601)
    assert tool.login()
    assert len(tool.states) == 1


def _checks_headers(headers: object) -> None:
    assert headers["cache-control"] == "no-store"  # type: ignore[index]
    assert headers["referrer-policy"] == "no-referrer"  # type: ignore[index]
    assert "x-frame-options" not in headers  # type: ignore[operator]


def test_case_18_the_login_page_may_be_framed_by_its_platform_only(tool: Tool) -> None:
    answer = tool.client.get("/lti/login", params=tool.platform.login_fields(lti_storage_target="_parent"))
    assert answer.status_code == 200
    _checks_headers(answer.headers)
    policy = answer.headers["content-security-policy"]
    assert "frame-ancestors https://lms.example" in policy and "script-src 'self'" in policy
    assert "unsafe-inline" not in policy


def test_case_18_the_redirect_and_the_launch_carry_the_same_headers(tool: Tool) -> None:
    login = tool.client.get("/lti/login", params=tool.platform.login_fields())
    _checks_headers(login.headers)
    _checks_headers(tool.post(tool.platform.answer(login.headers["location"])).headers)
    _checks_headers(tool.post({"state": "x", "id_token": "y"}).headers)
    # The page that asks for a stored secret, and its answers.
    bind = tool.post(tool.platform.answer(tool.login()), tool.browser())
    assert bind.status_code == 200
    _checks_headers(bind.headers)
    assert "frame-ancestors https://lms.example" in bind.headers["content-security-policy"]
    data = json.loads(bind.text.partition('id="launch-data">')[2].partition("</script>")[0])
    for ticket in (data["ticket"], "x"):
        redeem = tool.browser().post("/lti/launch/redeem", json={"ticket": ticket, "value": "x"})
        assert redeem.status_code == 400
        _checks_headers(redeem.headers)


def test_case_18_a_refusal_may_be_framed_by_the_platform_that_sent_it(tool: Tool) -> None:
    answer = tool.post(tool.platform.answer(tool.login(), nonce="wrong"))
    refused(answer, "nonce_mismatch")
    assert answer.headers["content-security-policy"].endswith("frame-ancestors https://lms.example")
    # Before a platform is known there is none to name: any https page, so that the words are seen at all.
    stranger = tool.client.get("/lti/login", params={"iss": "https://stranger.example"})
    assert stranger.headers["content-security-policy"].endswith("frame-ancestors https:")


def test_case_18_the_running_application_says_the_same(campus: Campus) -> None:
    """The application's own layer of headers adds nothing to these pages and takes nothing away."""
    fields = {"iss": "https://north.example", "login_hint": "1", "target_link_uri": f"{CAMPUS}/lti/launch"}
    for answer in (
        campus.client.get("/lti/login", params=fields),
        campus.client.get("/lti/login", params={**fields, "lti_storage_target": "_parent"}),
    ):
        assert answer.status_code in {200, 302}, answer.text
        _checks_headers(answer.headers)
        assert answer.headers["content-security-policy"].endswith("frame-ancestors https://north.example")


def test_case_18_where_the_issuer_is_not_the_site_any_https_page_may_frame_the_login(tool: Tool) -> None:
    canvas = FakePlatform(tool.clock, "canvas", base="https://canvas.instructure.com")
    tool.register(canvas)
    answer = tool.client.get("/lti/login", params=canvas.login_fields(lti_storage_target="_parent"))
    assert answer.headers["content-security-policy"].endswith("frame-ancestors https:")


def test_the_cookie_is_bound_to_the_host_and_partitioned(tool: Tool) -> None:
    answer = tool.client.get("/lti/login", params=tool.platform.login_fields())
    [cookie] = answer.headers.get_list("set-cookie")
    name, _, attributes = cookie.partition("=")
    assert name.startswith("__Host-lti_b_")
    for attribute in ("Path=/", "Secure", "HttpOnly", "SameSite=None", "Partitioned", "Max-Age=600"):
        assert f"; {attribute}" in attributes


def test_on_plain_http_a_lax_twin_is_left_too(tool: Tool) -> None:
    tool.settings = replace(tool.settings, base_url="http://localhost:8000")
    tool.rebuild()
    fields = tool.platform.login_fields(target_link_uri="http://localhost:8000/")
    cookies = tool.client.get("/lti/login", params=fields).headers.get_list("set-cookie")
    assert len(cookies) == 2
    assert cookies[1].startswith("lti_b_") and "SameSite=Lax" in cookies[1] and "Secure" not in cookies[1]


@pytest.mark.parametrize("how", ["storage target", "frame"])
def test_in_a_frame_a_page_leaves_two_more_secrets(tool: Tool, how: str) -> None:
    fields = tool.platform.login_fields(
        **({"lti_storage_target": "post_message_forwarding"} if how != "frame" else {})
    )
    headers = {"Sec-Fetch-Dest": "iframe"} if how == "frame" else {}
    answer = tool.client.get("/lti/login", params=fields, headers=headers)
    assert answer.status_code == 200
    data = json.loads(answer.text.partition('id="launch-data">')[2].partition("</script>")[0])
    assert data["storage_origin"] == "https://lms.example"
    assert data["storage_value"] != data["session_value"]
    assert data["auth_url"].startswith(tool.platform.auth_url)
    assert quote(data["storage_value"]) not in data["auth_url"]
    assert "<script>" not in answer.text


def test_markup_in_a_login_stays_text(tool: Tool) -> None:
    hint = "</script><script>alert(1)</script>"
    fields = tool.platform.login_fields(lti_storage_target=hint, login_hint=hint, lti_message_hint=hint)
    answer = tool.client.get("/lti/login", params=fields)
    assert "<script>alert" not in answer.text


def test_a_client_that_wants_json_gets_json(tool: Tool) -> None:
    answer = tool.client.get("/lti/login", headers={"Accept": "application/json"})
    assert answer.status_code == 400
    assert answer.json()["error"] == "login_parameter_missing"
    assert set(answer.json()) == {"error", "title", "advice", "reference"}
