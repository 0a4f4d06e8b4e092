"""B. The authentication response: conformance cases 19-69."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import threading
from typing import Any

import pytest
from httpx import Response

from lti import return_link
from lti.claims import (
    AGS,
    CONTEXT,
    CUSTOM,
    DEPLOYMENT_ID,
    LAUNCH_PRESENTATION,
    MESSAGE_TYPE,
    MIGRATION,
    NRPS,
    RESOURCE_LINK,
    ROLES,
    TARGET_LINK_URI,
    TOOL_PLATFORM,
    VERSION,
)
from lti.memory import MemoryRegistrations
from tests.conformance.tool import TOOL, Tool, refused
from tests.fakes.platform import (
    ABSENT,
    INSTRUCTOR,
    LEARNER,
    FakePlatform,
    ec_key,
    jwk_of,
    public_pem,
    rsa_key,
)

V2 = "http://purl.imsglobal.org/vocab/lis/v2"


def _ticket(answer: Response) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    data: dict[str, Any] = json.loads(answer.text.partition('id="launch-data">')[2].partition("</script>")[0])
    return data


# --- the post and its state ------------------------------------------------------------------------------------------


def test_case_19_a_valid_launch_is_let_in_once_and_only_then(tool: Tool) -> None:
    launch = tool.accepted(tool.launch())
    assert launch.identity == ("https://lms.example", "client-1", "101")
    assert launch.role == "learner" and launch.is_gradable
    assert launch.resource_link is not None and launch.resource_link.id == "link-1"
    assert launch.context is not None and launch.context.id == "course-7"
    assert launch.ags is not None and launch.ags.lineitem == tool.platform.column_url("1")
    assert launch.custom == {"collection": "parcels"}
    assert len(tool.launches) == 1


def test_case_19_the_binding_cookie_is_taken_back(tool: Tool) -> None:
    answer = tool.launch()
    assert "Max-Age=0" in answer.headers["set-cookie"]
    assert not tool.client.cookies


@pytest.mark.parametrize("state", [ABSENT, ""])
def test_case_20_without_a_state_it_is_refused(tool: Tool, state: str) -> None:
    fields = tool.platform.answer(tool.login())
    fields.pop("state")
    refused(tool.post(fields if state is ABSENT else {**fields, "state": ""}), "state_missing")


def test_case_21_an_unknown_state_is_refused(tool: Tool) -> None:
    refused(tool.post({**tool.platform.answer(tool.login()), "state": "x" * 43}), "state_unknown")


def test_case_21_an_expired_state_is_refused(tool: Tool) -> None:
    location = tool.login()
    tool.clock.advance(601)
    answer = tool.post(tool.platform.answer(location))
    refused(answer, "state_unknown")
    assert "open the activity again" in answer.text


def test_case_22_a_reload_is_refused_kindly(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    tool.accepted(tool.post(fields))
    answer = tool.post(fields)
    refused(answer, "state_unknown")
    assert "Each opening works once" in answer.text
    assert len(tool.launches) == 1


def test_case_22_of_many_posts_at_once_exactly_one_wins(tool: Tool) -> None:
    location = tool.login()
    fields = tool.platform.answer(location)
    cookies = dict(tool.client.cookies)
    browsers = [tool.browser() for _ in range(4)]
    gate = threading.Barrier(len(browsers))
    answers: list[int] = []

    def post(index: int) -> None:
        browsers[index].cookies.update(cookies)
        gate.wait()
        answers.append(tool.post(fields, browsers[index]).status_code)

    threads = [threading.Thread(target=post, args=(index,)) for index in range(len(browsers))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 400, 400, 400]
    assert len(tool.launches) == 1


def test_case_23_another_browser_gets_no_session(tool: Tool) -> None:
    """Login CSRF: the attacker's own state and token, posted by a victim's browser."""
    fields = tool.platform.answer(tool.login())
    victim = tool.browser()
    page = tool.post(fields, victim)
    data = _ticket(page)
    assert tool.launches == []
    for value in (None, "", "x" * 43, data["ticket"], data["id"]):
        answer = victim.post("/lti/launch/redeem", json={"ticket": data["ticket"], "value": value})
        assert answer.status_code == 400 and "browser_not_bound" in answer.text
    assert tool.launches == []


def test_case_23_a_cookie_of_another_login_does_not_bind(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    victim = tool.browser()
    tool.login(victim)
    assert tool.post(fields, victim).status_code == 200
    assert tool.launches == []


@pytest.mark.parametrize("which", ["storage_value", "session_value"])
def test_without_the_cookie_either_stored_value_binds(tool: Tool, which: str) -> None:
    page = tool.client.get("/lti/login", params=tool.platform.login_fields(lti_storage_target="_parent"))
    login = _ticket(page)
    browser = tool.browser()
    data = _ticket(tool.post(tool.platform.answer(login["auth_url"]), browser))
    body = {"ticket": data["ticket"], "value": login[which]}
    answer = browser.post("/lti/launch/redeem", json=body, headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.json() == {"location": "/start/1"}
    again = browser.post("/lti/launch/redeem", json=body, headers={"Accept": "application/json"})
    assert again.status_code == 400 and again.json()["error"] == "ticket_unknown"
    assert len(tool.launches) == 1


def test_a_ticket_lives_for_a_minute_and_opens_from_our_own_page_only(tool: Tool) -> None:
    page = tool.client.get("/lti/login", params=tool.platform.login_fields(lti_storage_target="_parent"))
    login = _ticket(page)
    browser = tool.browser()
    data = _ticket(tool.post(tool.platform.answer(login["auth_url"]), browser))
    body = {"ticket": data["ticket"], "value": login["session_value"]}
    foreign = browser.post("/lti/launch/redeem", json=body, headers={"Sec-Fetch-Site": "cross-site"})
    assert foreign.status_code == 400
    form = browser.post("/lti/launch/redeem", data=body)
    assert form.status_code == 400
    tool.clock.advance(61)
    late = browser.post("/lti/launch/redeem", json=body, headers={"Accept": "application/json"})
    assert late.json()["error"] == "ticket_unknown"
    assert tool.launches == []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"{", b'{"ticket": 1}', b"[" * 100_000, b'{"ticket": "\\ud800"}']
)
def test_a_redeem_that_is_no_redeem_is_refused(tool: Tool, body: bytes) -> None:
    answer = tool.client.post(
        "/lti/launch/redeem", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 400


def test_case_24_an_error_of_the_platform_is_shown_escaped_and_consumes_the_state(tool: Tool) -> None:
    location = tool.login()
    state = tool.platform.auth_query(location)["state"]
    answer = tool.post(
        {"error": "login_required", "error_description": "<b>Please</b> sign in", "state": state}
    )
    refused(answer, "platform_refused")
    assert "&lt;b&gt;Please&lt;/b&gt; sign in" in answer.text and "<b>Please" not in answer.text
    refused(tool.post(tool.platform.answer(location)), "state_unknown")


@pytest.mark.parametrize("query", ["", "?id_token=x.y.z&state=s"])
def test_case_25_get_is_refused(tool: Tool, query: str) -> None:
    answer = tool.client.get("/lti/launch" + query)
    refused(answer, "method_refused", 405)
    assert answer.headers["allow"] == "POST"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "x",
        "x.y",
        "x.y.z",
        "a.b.c.d",
        "..",
        "é.é.é",
        "x" * 70_000,
        "x.y." + "z" * 65_000,
        base64.urlsafe_b64encode(b"[" * 40_000).decode().rstrip("=") + ".e30.x",
        base64.urlsafe_b64encode(b'{"alg": []}').decode().rstrip("=") + ".e30.x",
        base64.urlsafe_b64encode(b'"RS256"').decode().rstrip("=") + ".e30.x",
    ],
    ids=lambda token: token[:12],
)
def test_case_26_what_is_no_token_is_refused(tool: Tool, token: str) -> None:
    state = tool.platform.auth_query(tool.login())["state"]
    answer = tool.post({"id_token": token, "state": state})
    assert answer.status_code == 400 and "Reference" in answer.text
    assert tool.launches == []


def test_case_26_a_missing_token_is_refused_and_uses_the_login_up(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    refused(tool.post({"state": fields["state"]}), "token_malformed")
    refused(tool.post(fields), "state_unknown")


def test_case_26_a_payload_that_is_no_object_is_refused(tool: Tool) -> None:
    for payload in (
        b"[]",
        b'"x"',
        b"1",
        b"nonsense",
        b"\xff\xfe",
        b"[" * 20_000,
        b'{"iat": ' + b"9" * 5_000 + b"}",
    ):
        query = tool.platform.auth_query(tool.login())
        refused(
            tool.post({"id_token": tool.platform.sign(payload), "state": query["state"]}), "token_malformed"
        )


@pytest.mark.parametrize(
    "post", [{"content": b"id_token=x"}, {"json": {"id_token": "x"}}, {"data": {"x": "y" * 200_000}}]
)
def test_case_26_a_post_that_is_no_form_is_refused(tool: Tool, post: dict[str, Any]) -> None:
    assert tool.client.post("/lti/launch", **post).status_code == 400


# --- signature and keys ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alg", ["none", "NONE", "nOnE", "None"])
def test_case_27_alg_none_is_refused(tool: Tool, alg: str) -> None:
    refused(tool.launch_signed(alg=alg), "algorithm_refused")


@pytest.mark.parametrize("secret", ["platform pem", "tool pem", "modulus", "empty"])
def test_case_28_hmac_with_a_public_key_is_refused(tool: Tool, secret: str) -> None:
    key = {
        "platform pem": public_pem(tool.platform.signing["key-1"]),
        "tool pem": public_pem(rsa_key("the tool")),
        "modulus": tool.platform.published["key-1"]["n"].encode(),
        "empty": b"",
    }[secret]
    refused(tool.launch_signed(alg="HS256", key=key), "algorithm_refused")


@pytest.mark.parametrize("alg", ["RS512", "PS256", "ES256"])
def test_case_29_other_algorithms_are_refused(tool: Tool, alg: str) -> None:
    key = ec_key("platform") if alg == "ES256" else tool.platform.signing["key-1"]
    tool.platform.published["key-1"] = jwk_of(key, "key-1", alg=alg)
    refused(tool.launch_signed(alg=alg, key=key), "algorithm_refused")


@pytest.mark.parametrize("alg", ["PS256", "ES256"])
def test_case_29_an_algorithm_that_the_registration_allows_is_accepted(tool: Tool, alg: str) -> None:
    key = ec_key("platform") if alg == "ES256" else tool.platform.signing["key-1"]
    tool.platform.published["key-1"] = jwk_of(key, "key-1", alg=alg)
    tool.change(algorithms=(alg,))
    tool.accepted(tool.launch_signed(alg=alg, key=key))


def test_case_29_a_registration_cannot_allow_hmac_or_none(tool: Tool) -> None:
    for algorithm in ("none", "HS256"):
        with pytest.raises(ValueError, match="algorithms"):
            tool.change(algorithms=("RS256", algorithm))


@pytest.mark.parametrize("kid", [ABSENT, "", 7, ["key-1"], {"a": 1}])
def test_case_30_a_missing_kid_is_refused(tool: Tool, kid: object) -> None:
    answer = tool.launch_signed(kid=kid)
    assert answer.status_code == 400
    assert "(key_id_missing)" in answer.text or "(token_malformed)" in answer.text


def test_case_31_a_wrong_kid_makes_us_ask_once_more_and_is_refused(tool: Tool) -> None:
    tool.accepted(tool.launch())
    asked = len(tool.platform.asked("jwks"))
    refused(tool.launch_signed(kid="key-9"), "key_unknown")
    assert len(tool.platform.asked("jwks")) == asked + 1


def test_case_32_a_rotated_key_is_found_by_asking_again(tool: Tool) -> None:
    tool.accepted(tool.launch())
    tool.platform.rotate_key("key-2", keep_old=False)
    tool.accepted(tool.launch())
    tool.accepted(tool.launch())
    assert len(tool.platform.asked("jwks")) == 2


def test_case_32_a_key_rotated_right_after_the_first_launch_is_found_too(tool: Tool) -> None:
    tool.accepted(tool.launch())
    tool.clock.advance(1)
    tool.platform.rotate_key("key-2")
    tool.accepted(tool.launch())


def test_case_32_a_hundred_bad_kids_ask_once(tool: Tool) -> None:
    tool.accepted(tool.launch())
    asked = len(tool.platform.asked("jwks"))
    for number in range(100):
        query = tool.platform.auth_query(tool.login())
        token = tool.platform.sign(tool.platform.claims(query["nonce"]), kid=f"bad-{number}")
        with pytest.raises(Exception, match="kid not among"):
            tool.platform_keys.find(tool.registration, f"bad-{number}", "RS256")
        if number % 25 == 0:
            refused(tool.post({"id_token": token, "state": query["state"]}), "key_unknown")
    assert len(tool.platform.asked("jwks")) == asked + 1
    tool.accepted(tool.launch())
    tool.clock.advance(61)
    refused(tool.launch_signed(kid="bad"), "key_unknown")
    assert len(tool.platform.asked("jwks")) == asked + 2


def test_case_32_the_set_is_read_again_after_an_hour(tool: Tool) -> None:
    tool.accepted(tool.launch())
    tool.clock.advance(3599)
    tool.accepted(tool.launch())
    assert len(tool.platform.asked("jwks")) == 1
    tool.clock.advance(2)
    tool.platform.rotate_key("key-2", keep_old=False)
    query = tool.platform.auth_query(tool.login())
    old = tool.platform.sign(tool.platform.claims(query["nonce"]), kid="key-1", key=rsa_key("key-1"))
    refused(tool.post({"id_token": old, "state": query["state"]}), "key_unknown")


def test_case_33_another_key_under_the_right_kid_is_refused(tool: Tool) -> None:
    refused(tool.launch_signed(key=rsa_key("attacker")), "signature_invalid")


def test_case_34_one_changed_byte_is_refused(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    header, payload, signature = fields["id_token"].split(".")
    changed = base64.urlsafe_b64decode(payload + "==").replace(b'"101"', b'"102"')
    forged = ".".join((header, base64.urlsafe_b64encode(changed).decode().rstrip("="), signature))
    refused(tool.post({**fields, "id_token": forged}), "signature_invalid")


@pytest.mark.parametrize("member", ["jku", "x5u", "jwk", "x5c"])
def test_case_35_a_key_brought_along_is_ignored(tool: Tool, member: str) -> None:
    attacker = rsa_key("attacker")
    value = {"jwk": jwk_of(attacker, "key-1"), "x5c": ["MIIB"]}.get(member, "https://evil.example/jwks")
    refused(tool.launch_signed(key=attacker, **{member: value}), "signature_invalid")
    assert all(url.startswith("https://lms.example/") for url in tool.network.requested)


def test_case_36_a_key_without_alg_and_use_counts_as_rs256(tool: Tool) -> None:
    tool.platform.published["key-1"] = jwk_of(rsa_key("key-1"), "key-1", alg=ABSENT, use=ABSENT)
    tool.accepted(tool.launch())


@pytest.mark.parametrize(
    "members",
    [
        {"use": "enc"},
        {"kty": "oct", "k": "c2VjcmV0"},
        {"key_ops": ["sign"]},
        {"key_ops": "verify"},
        {"alg": "HS256"},
        {"alg": "RS512"},
        {"n": "AAAA"},
        {"n": 7},
        {"n": ABSENT},
        {"kid": 7},
    ],
    ids=str,
)
def test_case_37_a_key_not_for_verifying_is_ignored(tool: Tool, members: dict[str, Any]) -> None:
    tool.platform.published["key-1"] = jwk_of(rsa_key("key-1"), **{"kid": "key-1", **members})
    refused(tool.launch(), "key_unknown")


def test_case_37_an_unusable_key_does_not_hide_a_good_one_of_the_same_id(tool: Tool) -> None:
    tool.platform.published["shadow"] = jwk_of(rsa_key("attacker"), "key-1", use="enc")
    tool.platform.published = dict(reversed(tool.platform.published.items()))
    tool.accepted(tool.launch())


def test_case_38_a_short_rsa_key_is_ignored(tool: Tool) -> None:
    tool.platform.rotate_key("short", publish=False)
    tool.platform.add_key("short", rsa_key("short rsa", 1024))
    refused(tool.launch(), "key_unknown")


BROKEN = ["500", "html", "oversized", "timeout", "redirect"]


@pytest.mark.parametrize("mode", BROKEN)
def test_case_39_while_the_platform_is_down_a_known_key_counts(tool: Tool, mode: Any) -> None:
    tool.accepted(tool.launch())
    tool.platform.jwks_mode = mode
    tool.clock.advance(3700)
    tool.accepted(tool.launch())


@pytest.mark.parametrize("mode", BROKEN)
def test_case_39_without_a_known_key_it_is_503_and_a_reload_works(tool: Tool, mode: Any) -> None:
    tool.platform.jwks_mode = mode
    fields = tool.platform.answer(tool.login())
    answer = tool.post(fields)
    refused(answer, "platform_unreachable", 503)
    assert "reload this page" in answer.text
    refused(tool.post(fields), "platform_unreachable", 503)
    assert len(tool.platform.asked("jwks")) == 1, "a platform that is down is not asked by every visitor"
    tool.platform.jwks_mode = "ok"
    tool.clock.advance(6)
    tool.accepted(tool.post(fields))


def test_case_39_an_unknown_kid_while_the_platform_is_down_is_not_a_verdict(tool: Tool) -> None:
    tool.accepted(tool.launch())
    tool.platform.rotate_key("key-2")
    tool.platform.jwks_mode = "500"
    fields = tool.platform.answer(tool.login())
    refused(tool.post(fields), "platform_unreachable", 503)
    tool.platform.jwks_mode = "ok"
    tool.clock.advance(6)
    tool.accepted(tool.post(fields))


def test_case_39_a_failed_verdict_consumes_the_state(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    refused(tool.post({**fields, "id_token": fields["id_token"][:-8] + "AAAAAAAA"}), "signature_invalid")
    refused(tool.post(fields), "state_unknown")


def test_case_40_the_jwks_is_read_over_https_from_a_public_address_without_redirects(tool: Tool) -> None:
    tool.change(jwks_url="http://lms.example/jwks")
    refused(tool.launch(), "platform_unreachable", 503)
    assert tool.network.requested == []
    tool.change(jwks_url="https://lms.example/jwks")
    tool.network.private.add("lms.example")
    tool.clock.advance(10)
    refused(tool.launch(), "platform_unreachable", 503)
    assert tool.platform.asked("jwks") == []
    tool.change(allow_private=True)
    tool.clock.advance(10)
    tool.accepted(tool.launch())


# --- claims of the token ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "issuer",
    [
        "https://other.example",
        "https://lms.example/",
        "HTTPS://lms.example",
        ABSENT,
        None,
        ["https://lms.example"],
    ],
)
def test_case_41_another_issuer_is_refused(tool: Tool, issuer: object) -> None:
    refused(tool.launch(iss=issuer), "issuer_mismatch")


@pytest.mark.parametrize(
    "audience", ["client-2", ABSENT, None, "", [], 7, {"client-1": 1}, ["client-2"], "client-1 "]
)
def test_case_42_another_audience_is_refused(tool: Tool, audience: object) -> None:
    refused(tool.launch(aud=audience), "audience_mismatch")


@pytest.mark.parametrize("azp", [ABSENT, "client-1"])
def test_case_43_a_list_of_one_is_accepted(tool: Tool, azp: object) -> None:
    tool.accepted(tool.launch(aud=["client-1"], azp=azp))


@pytest.mark.parametrize("audience", [["client-1", "other"], ["other", "client-1"], ["a", "client-1", "b"]])
def test_case_44_of_several_audiences_azp_must_name_us(tool: Tool, audience: list[str]) -> None:
    tool.accepted(tool.launch(aud=audience, azp="client-1"))
    refused(tool.launch(aud=audience), "audience_mismatch")


@pytest.mark.parametrize("audience", ["client-1", ["client-1"], ["client-1", "other"]])
@pytest.mark.parametrize("azp", ["other", "", None, ["client-1"]])
def test_case_45_another_azp_is_refused(tool: Tool, audience: object, azp: object) -> None:
    refused(tool.launch(aud=audience, azp=azp), "authorized_party_mismatch")


def _moment(tool: Tool) -> int:
    return int(tool.clock().timestamp())


def test_case_46_an_expired_token_is_refused_with_leeway(tool: Tool) -> None:
    moment = _moment(tool)
    tool.accepted(tool.launch(iat=moment - 60, exp=moment - 10))
    refused(tool.launch(iat=moment - 60, exp=moment - 31), "token_expired")


NUMBERS = [ABSENT, None, "1763888400", True, False, [], float("nan"), float("inf"), -1, 10**400]


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: str(value)[:12])
def test_case_47_exp_must_be_a_number(tool: Tool, value: object) -> None:
    refused(tool.launch(exp=value), "token_time_invalid")


@pytest.mark.parametrize("value", NUMBERS, ids=lambda value: str(value)[:12])
def test_case_48_iat_must_be_a_number(tool: Tool, value: object) -> None:
    refused(tool.launch(iat=value), "token_time_invalid")


def test_case_48_iat_lies_within_ten_minutes_and_the_leeway(tool: Tool) -> None:
    moment = _moment(tool)
    tool.accepted(tool.launch(iat=moment + 5))
    refused(tool.launch(iat=moment + 32), "token_time_invalid")
    tool.accepted(tool.launch(iat=moment - 599))
    refused(tool.launch(iat=moment - 601), "token_too_old")
    refused(tool.launch(iat=moment + 5, exp=moment + 4), "token_time_invalid")


def test_case_48_nbf_is_honoured(tool: Tool) -> None:
    moment = _moment(tool)
    tool.accepted(tool.launch(nbf=moment + 5))
    for not_before in (moment + 32, "soon", None, True):
        refused(tool.launch(nbf=not_before), "token_time_invalid")


@pytest.mark.parametrize("nonce", [ABSENT, "", None, 7, ["x"]])
def test_case_49_a_missing_nonce_is_refused(tool: Tool, nonce: object) -> None:
    refused(tool.launch(nonce=nonce), "nonce_missing")


def test_case_50_the_nonce_of_another_login_is_refused(tool: Tool) -> None:
    other = tool.platform.auth_query(tool.login())["nonce"]
    refused(tool.launch(nonce=other), "nonce_mismatch")
    refused(tool.launch(nonce="\ud800"), "nonce_mismatch")


def test_case_51_the_same_token_with_a_new_state_is_refused(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    tool.accepted(tool.post(fields))
    state = tool.platform.auth_query(tool.login())["state"]
    refused(tool.post({**fields, "state": state}), "nonce_mismatch")


def test_case_51_another_process_refuses_the_replay_too(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    tool.accepted(tool.post(fields))
    # Another worker: its own application, caches and verifier over the shared store.
    tool.rebuild()
    refused(tool.post(fields), "state_unknown")


@pytest.mark.parametrize("version", [ABSENT, "1.1", 1.3, "1.3", "LTI-1p0", None, ["1.3.0"]])
def test_case_52_only_version_1_3_0(tool: Tool, version: object) -> None:
    refused(tool.launch(**{VERSION: version}), "version_unsupported")


@pytest.mark.parametrize("message_type", [ABSENT, None, "", 7, ["LtiResourceLinkRequest"]])
def test_case_53_a_missing_message_type_is_refused(tool: Tool, message_type: object) -> None:
    refused(tool.launch(**{MESSAGE_TYPE: message_type}), "message_type_missing")


@pytest.mark.parametrize(
    "message_type", ["LtiSomethingRequest", "LtiEulaRequest", "LtiStartProctoring", "<i>x</i>"]
)
def test_case_53_an_unknown_or_disabled_message_is_refused_by_name(tool: Tool, message_type: str) -> None:
    answer = tool.launch(**{MESSAGE_TYPE: message_type})
    refused(answer, "message_type_unsupported")
    assert message_type.replace("<", "&lt;").replace(">", "&gt;") in answer.text


@pytest.mark.parametrize(
    "deployment_id", [ABSENT, None, "", 7, ["deployment-1"], "x" * 256, "a\x00b", "\ud800"]
)
def test_case_54_a_bad_deployment_id_is_refused(tool: Tool, deployment_id: object) -> None:
    refused(tool.launch(**{DEPLOYMENT_ID: deployment_id}), "deployment_invalid")


def test_case_55_an_unknown_deployment_gets_the_three_values_to_copy(tool: Tool) -> None:
    answer = tool.launch(**{DEPLOYMENT_ID: "deployment-9<"})
    refused(answer, "deployment_unknown", 403)
    for value in ("https://lms.example", "client-1", "deployment-9&lt;"):
        assert f">{value}</code>" in answer.text
    assert tool.launches == []


@pytest.mark.parametrize("status", ["pending", "inactive"])
def test_case_55_a_deployment_that_is_not_active_waits(tool: Tool, status: Any) -> None:
    tool.registrations.deploy(tool.registration, "deployment-1", status)
    refused(tool.launch(), "deployment_waiting" if status == "pending" else "deployment_inactive", 403)


def test_case_55_a_policy_may_record_it_as_pending(tool: Tool) -> None:
    tool.registrations = MemoryRegistrations(tool.registration, auto_pending=True)
    tool.rebuild()
    refused(tool.launch(), "deployment_waiting", 403)
    refused(tool.launch(**{ROLES: "x", DEPLOYMENT_ID: "other"}), "roles_invalid")
    assert not tool.registrations.find(tool.registration.issuer, None, "other"), (
        "only a genuine launch is recorded"
    )
    tool.registrations.deploy(tool.registration, "deployment-1")
    tool.accepted(tool.launch())


@pytest.mark.parametrize("target", [ABSENT, None, "", 7, []])
def test_case_56_a_missing_target_is_refused(tool: Tool, target: object) -> None:
    refused(tool.launch(**{TARGET_LINK_URI: target}), "target_missing")


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "javascript:alert(1)", "https://tool.example@evil.example/", "/x"]
)
def test_case_56_a_target_elsewhere_is_refused(tool: Tool, target: str) -> None:
    refused(tool.launch(**{TARGET_LINK_URI: target}), "target_foreign")


def test_case_56_the_claim_wins_over_the_login_and_the_difference_is_noted(
    tool: Tool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "workside.lti")
    tool.accepted(tool.launch())
    assert caplog.records == []
    launch = tool.accepted(tool.launch(**{TARGET_LINK_URI: f"{TOOL}/elsewhere"}))
    assert launch.target_link_uri == f"{TOOL}/elsewhere"
    [record] = caplog.records
    assert vars(record)["launch_id"] == launch.id and "target" in record.getMessage()


@pytest.mark.parametrize(
    "link",
    [ABSENT, None, [], "link-1", {}, {"id": None}, {"id": ""}, {"id": 7}, {"id": "x" * 256}, {"id": "a\x00"}],
)
def test_case_57_a_bad_resource_link_is_refused(tool: Tool, link: object) -> None:
    answer = tool.launch(**{RESOURCE_LINK: link})
    refused(answer, "resource_link_invalid")
    assert "did not say which activity" in answer.text


@pytest.mark.parametrize("roles", [ABSENT, None, LEARNER, {LEARNER: True}, [7], [LEARNER, None]])
def test_case_58_roles_must_be_a_list_of_texts(tool: Tool, roles: object) -> None:
    refused(tool.launch(**{ROLES: roles}), "roles_invalid")


@pytest.mark.parametrize(
    "roles", [[], ["http://example.org/roles#Wizard"], ["x" * 2000], [f"{V2}evil/membership#Instructor"]]
)
def test_case_58_59_no_known_role_is_the_least_privilege(tool: Tool, roles: list[str]) -> None:
    launch = tool.accepted(tool.launch(**{ROLES: roles}))
    assert launch.role == "learner" and not launch.is_gradable


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        (["Learner"], "learner"),
        ([LEARNER], "learner"),
        (["Instructor"], "instructor"),
        ([INSTRUCTOR, LEARNER], "instructor"),
        ([LEARNER, f"{V2}/membership#Administrator"], "administrator"),
        ([f"{V2}/membership#ContentDeveloper"], "content_developer"),
    ],
)
def test_case_60_the_highest_context_role_counts(tool: Tool, roles: list[str], role: str) -> None:
    assert tool.accepted(tool.launch(**{ROLES: roles})).role == role


@pytest.mark.parametrize(
    ("roles", "role"),
    [
        ([f"{V2}/institution/person#Instructor", LEARNER], "learner"),
        ([f"{V2}/institution/person#Administrator", f"{V2}/system/person#SysAdmin", LEARNER], "learner"),
        ([f"{V2}/system/person#Administrator"], "learner"),
        ([f"{V2}/institution/person#Instructor"], "learner"),
        ([INSTRUCTOR, f"{V2}/membership/Instructor#TeachingAssistant"], "teaching_assistant"),
        ([f"{V2}/membership/Instructor#TeachingAssistant"], "teaching_assistant"),
        ([f"{V2}/membership/Instructor#PrimaryInstructor"], "instructor"),
        ([f"{V2}/membership/Learner#Instructor"], "learner"),
        ([f"{V2}/membership#Mentor"], "mentor"),
        ([f"{V2}/membership#Member"], "learner"),
    ],
)
def test_case_61_only_context_roles_give_rights(tool: Tool, roles: list[str], role: str) -> None:
    assert tool.accepted(tool.launch(**{ROLES: roles})).role == role


@pytest.mark.parametrize("sub", [ABSENT, None, ""])
def test_case_62_an_anonymous_launch_is_refused_unless_allowed(tool: Tool, sub: object) -> None:
    refused(tool.launch(sub=sub), "subject_missing")
    tool.change(allow_anonymous=True)
    launch = tool.accepted(tool.launch(sub=sub))
    assert launch.sub is None and launch.identity is None and not launch.is_gradable


@pytest.mark.parametrize("sub", ["x" * 256, "joão", 7, ["101"], {"id": 1}, True, "a\x00b"])
@pytest.mark.parametrize("anonymous", [False, True])
def test_case_62_a_bad_subject_is_refused(tool: Tool, sub: object, anonymous: bool) -> None:
    tool.change(allow_anonymous=anonymous)
    refused(tool.launch(sub=sub), "subject_invalid")


NAMES = {"name": ABSENT, "given_name": ABSENT, "family_name": ABSENT, "email": ABSENT}


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        ({"email": "ana@example.org"}, None),
        ({"given_name": "Ana", "family_name": "Souza"}, "Ana Souza"),
        ({"name": "Ana S."}, "Ana S."),
        ({}, None),
        ({"name": 7, "given_name": ["x"]}, None),
    ],
)
def test_case_63_no_personal_data_is_required(tool: Tool, sent: dict[str, object], shown: str | None) -> None:
    launch = tool.accepted(tool.launch(**{**NAMES, **sent}))
    assert launch.display_name == (shown or f"Learner {launch.short_id}")


def test_case_64_identity_is_issuer_client_and_sub(tool: Tool) -> None:
    first = tool.accepted(tool.launch(email="same@example.org"))
    second = tool.accepted(tool.launch(email="same@example.org", sub="102"))
    assert first.identity != second.identity
    assert first.identity == tool.accepted(tool.launch(email="changed@example.org")).identity


@pytest.mark.parametrize("context", [ABSENT, None, [], "course-7", {}, {"id": ""}, {"id": 7}])
def test_case_65_without_a_context_the_launch_is_let_in(tool: Tool, context: object) -> None:
    assert tool.accepted(tool.launch(**{CONTEXT: context, ROLES: [INSTRUCTOR]})).context is None


@pytest.mark.parametrize("value", [[], None, 7, "x", {"a": 1}, True])
def test_case_66_a_wrong_type_in_an_optional_claim_is_as_good_as_none(tool: Tool, value: object) -> None:
    optional = (
        CUSTOM,
        AGS,
        NRPS,
        LAUNCH_PRESENTATION,
        TOOL_PLATFORM,
        MIGRATION,
        "locale",
        "https://vendor.example/x",
    )
    launch = tool.accepted(tool.launch(**dict.fromkeys(optional, value)))
    assert launch.custom == {}
    assert launch.memberships_url is None and launch.return_url is None and launch.migration is None


def test_case_67_unsubstituted_variables_are_absent(tool: Tool) -> None:
    custom = {
        "assignment": "$Canvas.assignment.id",
        "end": "$ResourceLink.submission.endDateTime",
        "price": "$5.00",
        "word": "$total",
        "number": 7,
        "collection": "<b>parcels</b>",
        "nul": "a\x00b",
    }
    launch = tool.accepted(tool.launch(**{CUSTOM: custom}))
    assert launch.custom == {"price": "$5.00", "word": "$total", "collection": "<b>parcels</b>"}


@pytest.mark.parametrize(
    "url", ["javascript:alert(1)", "data:text/html,x", "//evil.example", "", 7, "https://u:p@lms.example/"]
)
def test_case_68_a_return_url_that_is_no_web_address_is_absent(tool: Tool, url: object) -> None:
    assert tool.accepted(tool.launch(**{LAUNCH_PRESENTATION: {"return_url": url}})).return_url is None


def test_case_68_messages_are_appended_to_the_return_url_and_the_locale_is_honoured(tool: Tool) -> None:
    launch = tool.accepted(
        tool.launch(**{LAUNCH_PRESENTATION: {"locale": "pt-BR", "return_url": "https://lms.example/r?id=7"}})
    )
    assert launch.locale == "pt-BR" and launch.return_url is not None
    link = return_link(launch.return_url, message="Done & saved", error="x=1")
    assert link == "https://lms.example/r?id=7&lti_msg=Done%20%26%20saved&lti_errormsg=x%3D1"


def _migration(tool: Tool, nonce: str, exp: int, secret: str) -> dict[str, str]:
    signed = f"key-11&deployment-1&https://lms.example&client-1&{exp}&{nonce}"
    digest = hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest()
    return {
        "oauth_consumer_key": "key-11",
        "oauth_consumer_key_sign": base64.b64encode(digest).decode(),
        "user_id": "old-42",
        "resource_link_id": "old-link",
    }


@pytest.mark.parametrize(("signed_with", "is_believed"), [("the old secret", True), ("a guess", False)])
def test_case_69_an_old_identity_counts_only_where_it_is_signed(
    tool: Tool, signed_with: str, is_believed: bool
) -> None:
    tool.legacy_secrets["key-11"] = "the old secret"
    location = tool.login()
    nonce, exp = tool.platform.auth_query(location)["nonce"], _moment(tool) + 60
    claim = _migration(tool, nonce, exp, signed_with)
    launch = tool.accepted(tool.post(tool.platform.answer(location, exp=exp, **{MIGRATION: claim})))
    assert (launch.migration is not None) == is_believed
    if launch.migration is not None:
        assert launch.migration.user_id == "old-42" and launch.migration.resource_link_id == "old-link"


def test_case_69_without_a_signature_or_a_secret_it_is_ignored(tool: Tool) -> None:
    assert (
        tool.accepted(tool.launch(**{MIGRATION: {"oauth_consumer_key": "key-11", "user_id": "42"}})).migration
        is None
    )
    location = tool.login()
    nonce, exp = tool.platform.auth_query(location)["nonce"], _moment(tool) + 60
    claim = _migration(tool, nonce, exp, "the old secret")
    launch = tool.accepted(tool.post(tool.platform.answer(location, exp=exp, **{MIGRATION: claim})))
    assert launch.migration is None


# --- around it -------------------------------------------------------------------------------------------------------


def test_a_registration_removed_since_the_login_is_refused(tool: Tool) -> None:
    fields = tool.platform.answer(tool.login())
    tool.registrations._registrations.clear()
    refused(tool.post(fields), "registration_unknown")


def test_the_token_of_another_platform_with_our_state_is_refused(tool: Tool) -> None:
    """A mix-up: a registered but hostile platform answers the login of an honest one."""
    hostile = FakePlatform(tool.clock, base="https://hostile.example", client_id="client-1")
    tool.register(hostile, id="hostile")
    query = tool.platform.auth_query(tool.login())
    hostile.rotate_key("hostile-key")
    token = hostile.sign(tool.platform.claims(query["nonce"]))
    refused(tool.post({"id_token": token, "state": query["state"]}), "key_unknown")


def test_refusals_are_logged_with_reason_and_reference_and_without_the_token(
    tool: Tool, caplog: pytest.LogCaptureFixture
) -> None:
    fields = tool.platform.answer(tool.login(), nonce="wrong")
    answer = tool.post(fields)
    [record] = [record for record in caplog.records if record.name == "workside.lti"]
    assert vars(record)["reason"] == "nonce_mismatch"
    assert vars(record)["reference"] in answer.text
    assert fields["id_token"] not in str(vars(record)) and fields["state"] not in str(vars(record))


def test_frame_origins_are_those_that_the_signed_claims_show(clock: Any) -> None:
    canvas = FakePlatform(clock, "canvas", base="https://canvas.instructure.com")
    tool = Tool(clock, canvas)
    school = {LAUNCH_PRESENTATION: {"return_url": "https://school.instructure.com/courses/1"}, AGS: ABSENT}
    assert tool.accepted(tool.launch(**school)).frame_origins == {"https://school.instructure.com"}
