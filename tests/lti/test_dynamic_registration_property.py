"""Whatever a configuration or an answer says: it is refused by name, or it is harmless. Nothing is ever sent elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lti import EgressResponse, LtiError
from lti.dynamic_registration import (
    PLATFORM_CONFIGURATION,
    SCOPES,
    TOOL_CONFIGURATION,
    PlatformConfiguration,
    ToolDescription,
    read_configuration,
    registration_document,
    send_registration,
)
from lti.registration import origin_of

SITE = "https://lms.example"
URL = f"{SITE}/.well-known/openid-configuration"
TOOL = ToolDescription("https://tool.example")
VALID: dict[str, Any] = {
    "issuer": SITE,
    "authorization_endpoint": f"{SITE}/auth",
    "token_endpoint": f"{SITE}/token",
    "jwks_uri": f"{SITE}/jwks",
    "registration_endpoint": f"{SITE}/register",
    "scopes_supported": list(SCOPES),
    "claims_supported": ["sub", "name"],
    PLATFORM_CONFIGURATION: {
        "product_family_code": "moodle",
        "version": "5.1",
        "messages_supported": [{"type": "LtiDeepLinkingRequest", "placements": ["ContentArea"]}],
    },
}
ADDRESSES = st.sampled_from(
    [
        "https://evil.example/x",
        "http://lms.example/x",
        "https://lms.example@evil.example/",
        "https://lms.example:444/x",
        "https://LMS.example/x",
        "https://lms.example.evil.example/",
        "https://evil.example\\@lms.example/",
        "https://canvas.instructure.com/x",
        "https://instructure.com.evil.example/",
        "//lms.example/x",
        "javascript:alert(1)",
        "https://[::1]/",
        "",
    ]
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=40) | ADDRESSES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=12,
)
FAMILIES = st.sampled_from(["generic", "moodle", "canvas", "brightspace", "blackboard", "nothing"])


class Way:
    """A way out with one answer."""

    def __init__(self, body: bytes, status: int = 200) -> None:
        self.answer = EgressResponse(status, {}, body)
        self.asked: list[tuple[str, str]] = []

    def request(self, method: str, url: str, **options: Any) -> EgressResponse:
        self.asked.append((method, url))
        return self.answer


def read(document: Any, family: str = "generic") -> PlatformConfiguration:
    return read_configuration(Way(json.dumps(document).encode()), URL, "token", family=family)


def judged(document: Any, family: str) -> None:
    """Refused by name, or every address lies with the issuer or its family and the registration is well made."""
    try:
        found = read(document, family)
    except LtiError:
        return
    facts = found.quirks.registering
    own = {SITE, origin_of(found.issuer)}
    for url in (found.auth_url, found.token_url, found.jwks_url, found.registration_url):
        assert url.startswith("https://")
        host = origin_of(url).removeprefix("https://").partition(":")[0]
        assert origin_of(url) in own or facts.owns(host), url
    assert origin_of(found.issuer) == SITE or facts.owns(origin_of(found.issuer).removeprefix("https://"))
    made = registration_document(found, TOOL)
    text = json.dumps(made)
    assert "null" not in text
    assert set(made["scope"].split()) <= set(SCOPES)
    for message in made[TOOL_CONFIGURATION]["messages"]:
        assert set(message.get("placements", [])) <= set(found.messages[message["type"]])


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(found for key, one in inner for found in paths(one, (*path, key)))]


def changed(path: tuple[Any, ...], change: Callable[[Any, Any], None]) -> Any:
    document = json.loads(json.dumps(VALID))
    place = document
    for key in path[:-1]:
        place = place[key]
    change(place, path[-1])
    return document


PATHS = [path for path in paths(VALID) if path]


@settings(max_examples=400, deadline=None)
@given(path=st.sampled_from(PATHS), value=JSON | ADDRESSES, family=FAMILIES)
def test_any_member_of_a_configuration_changed_is_refused_or_harmless(
    path: tuple[Any, ...], value: Any, family: str
) -> None:
    judged(changed(path, lambda place, key: place.__setitem__(key, value)), family)


@settings(max_examples=200, deadline=None)
@given(document=JSON, family=FAMILIES)
def test_any_document_is_refused_or_harmless(document: Any, family: str) -> None:
    judged(document, family)


@pytest.mark.parametrize("path", PATHS, ids=str)
def test_any_member_of_a_configuration_left_out_is_refused_or_harmless(path: tuple[Any, ...]) -> None:
    judged(changed(path, lambda place, key: place.__delitem__(key)), "generic")


@settings(max_examples=200, deadline=None)
@given(body=st.binary(max_size=200), status=st.integers(100, 599))
def test_any_bytes_are_no_configuration(body: bytes, status: int) -> None:
    with pytest.raises(LtiError):
        read_configuration(Way(body, status), URL, None)


@settings(max_examples=400, deadline=None)
@given(
    reply=JSON | st.fixed_dictionaries({"client_id": JSON, "scope": JSON, TOOL_CONFIGURATION: JSON}),
    status=st.sampled_from([200, 201, 202, 204, 302, 400, 401, 409, 422, 500, 503]),
)
def test_any_answer_to_a_registration_is_a_client_id_or_a_refusal(reply: Any, status: int) -> None:
    configuration = read(VALID)
    way = Way(json.dumps(reply).encode(), status)
    try:
        made = send_registration(way, configuration, registration_document(configuration, TOOL), "token")
    except LtiError as refusal:
        assert all(len(value) <= 300 for _, value in refusal.details)
    else:
        assert status in {200, 201} and 0 < len(made.client_id) <= 255
        assert made.deployment_id is None or 0 < len(made.deployment_id) <= 255
        assert all(isinstance(scope, str) for scope in made.scopes)
    assert way.asked == [("POST", f"{SITE}/register")]


@pytest.mark.parametrize("depth", [500, 5_000, 100_000])
def test_an_answer_as_deep_as_a_well_is_only_a_refusal(depth: int) -> None:
    configuration = read(VALID)
    for body in (b"[" * depth + b"]" * depth, b'{"error":' * depth + b"1" + b"}" * depth):
        with pytest.raises(LtiError):
            send_registration(Way(body, 400), configuration, registration_document(configuration, TOOL), None)
        with pytest.raises(LtiError):
            read_configuration(Way(body), URL, None)


@pytest.mark.parametrize("token", ["", "a b", "x\r\nX: y", "é", "x" * 8_001, "\x00"])
def test_a_token_that_cannot_be_a_header_is_not_sent(token: str) -> None:
    way = Way(json.dumps(VALID).encode())
    if token:
        with pytest.raises(LtiError):
            read_configuration(way, URL, token)
        assert way.asked == []
    else:
        assert read_configuration(way, URL, token).issuer == SITE
