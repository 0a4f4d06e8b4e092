"""No launch gains anything by a single changed claim: it is refused, or it says no more than the genuine one.

Two adversaries. One has no key: whatever they change in a signed token, it is refused. The other is the platform itself,
gone wrong: claims vanish, change their type or hold nonsense. Then the launch is refused, or its identity, role, context
and line item are the genuine ones or missing, never others.
"""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lti import Launch, LaunchVerifier, LtiError, begin_login
from lti.claims import (
    AGS,
    CONTEXT,
    DEPLOYMENT_ID,
    MESSAGE_TYPE,
    RESOURCE_LINK,
    ROLES,
    TARGET_LINK_URI,
    VERSION,
)
from lti.ports import LaunchState
from tests.conformance.tool import MovingClock, Tool
from tests.fakes.platform import LEARNER, FakePlatform

CLOCK = MovingClock()
PLATFORM = FakePlatform(CLOCK)
TOOL = Tool(CLOCK, PLATFORM)
VERIFIER = LaunchVerifier(TOOL.registrations, TOOL.states, TOOL.platform_keys, TOOL.settings, CLOCK)
CLAIMS = sorted(PLATFORM.claims("x"))

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=300)
json_values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=20), inner, max_size=4),
    max_leaves=8,
)
quick = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def _login() -> tuple[str, str]:
    login = begin_login(PLATFORM.login_fields(), TOOL.registrations, TOOL.states, TOOL.settings, CLOCK)
    query = PLATFORM.auth_query(login.auth_url)
    return query["state"], query["nonce"]


def _verify(state: str, token: str) -> Launch | None:
    """The launch, or None for a refusal. Any other exception is a failure of the test: it would be a 500."""
    try:
        launch, login = VERIFIER.verify({"state": state, "id_token": token})
    except LtiError as refusal:
        assert refusal.status in {400, 403}
        return None
    assert isinstance(login, LaunchState)
    return launch


def _genuine() -> Launch:
    state, nonce = _login()
    launch = _verify(state, PLATFORM.sign(PLATFORM.claims(nonce)))
    assert launch is not None
    return launch


GENUINE = _genuine()


def _assert_harmless(launch: Launch) -> None:
    assert launch.identity == GENUINE.identity
    assert launch.deployment_id == GENUINE.deployment_id
    assert launch.role == GENUINE.role
    assert launch.resource_link is not None and GENUINE.resource_link is not None
    assert launch.resource_link.id == GENUINE.resource_link.id
    assert GENUINE.context is not None and GENUINE.ags is not None
    assert launch.context is None or launch.context.id == GENUINE.context.id
    if launch.ags is not None:
        assert launch.ags.lineitem in {None, GENUINE.ags.lineitem}
        assert launch.ags.lineitems in {None, GENUINE.ags.lineitems}
        assert launch.ags.scopes <= GENUINE.ags.scopes
    assert launch.to_dict() == Launch.from_dict(json.loads(json.dumps(launch.to_dict()))).to_dict()


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_launch_without_one_claim_is_refused_or_says_no_more(claim: str) -> None:
    state, nonce = _login()
    body = PLATFORM.claims(nonce)
    del body[claim]
    launch = _verify(state, PLATFORM.sign(body))
    if launch is not None:
        _assert_harmless(launch)


@quick
@given(claim=st.sampled_from(CLAIMS), value=json_values)
def test_a_claim_of_another_type_is_refused_or_says_no_more(claim: str, value: Any) -> None:
    state, nonce = _login()
    body = PLATFORM.claims(nonce)
    if type(value) is type(body[claim]) and claim in {"sub", ROLES}:
        # Another subject or other roles of the right type are another person's launch, which the platform may well sign.
        value = None
    if claim == RESOURCE_LINK and isinstance(value, dict):
        value.pop("id", None)
    if claim == CONTEXT and isinstance(value, dict):
        value.pop("id", None)
    launch = _verify(state, PLATFORM.sign({**body, claim: value}))
    if launch is not None:
        _assert_harmless(launch)


MEMBERS = [(RESOURCE_LINK, "id"), (CONTEXT, "id"), (AGS, "lineitem"), (AGS, "lineitems"), (AGS, "scope")]


@quick
@given(member=st.sampled_from(MEMBERS), value=json_values.filter(lambda value: not isinstance(value, str)))
def test_a_member_of_another_type_is_refused_or_says_no_more(member: tuple[str, str], value: Any) -> None:
    claim, name = member
    if name == "scope" and isinstance(value, list):
        value = [item for item in value if not isinstance(item, str)]
    state, nonce = _login()
    body = PLATFORM.claims(nonce)
    launch = _verify(state, PLATFORM.sign({**body, claim: {**body[claim], name: value}}))
    if launch is not None:
        _assert_harmless(launch)


FIXED = ["iss", "aud", "nonce", VERSION, MESSAGE_TYPE, DEPLOYMENT_ID]


@quick
@given(claim=st.sampled_from(FIXED), value=st.text(max_size=300) | st.just("client-2"))
def test_another_value_of_a_fixed_claim_is_refused(claim: str, value: str) -> None:
    state, nonce = _login()
    body = PLATFORM.claims(nonce)
    if value != body[claim]:
        assert _verify(state, PLATFORM.sign({**body, claim: value})) is None


@quick
@given(
    exp=st.integers(-(10**6), 10**6) | st.floats(-(10**6), 10**6),
    iat=st.integers(-(10**6), 10**6) | st.floats(-(10**6), 10**6),
)
def test_only_a_fresh_token_is_let_in(exp: float, iat: float) -> None:
    state, nonce = _login()
    now = CLOCK().timestamp()
    launch = _verify(state, PLATFORM.sign(PLATFORM.claims(nonce, exp=now + exp, iat=now + iat)))
    is_fresh = exp >= -30 and -600 <= iat <= 30 and iat <= exp
    assert (launch is not None) == is_fresh or min(
        abs(exp + 30), abs(iat + 600), abs(iat - 30), abs(exp - iat)
    ) < 0.001


@quick
@given(target=st.text(max_size=60) | st.builds("https://tool.example{}".format, st.text(max_size=30)))
def test_a_launch_leads_to_us_or_nowhere(target: str) -> None:
    state, nonce = _login()
    launch = _verify(state, PLATFORM.sign(PLATFORM.claims(nonce, **{TARGET_LINK_URI: target})))
    if launch is not None:
        assert launch.target_link_uri.lower().startswith("https://tool.example")
        assert launch.target_link_uri[len("https://tool.example") :][:1] in {"", "/", "?", "#", ":"}
        assert (
            "@"
            not in launch.target_link_uri.partition("//")[2]
            .partition("/")[0]
            .partition("?")[0]
            .partition("#")[0]
        )


@quick
@given(data=st.data(), claim=st.sampled_from([*CLAIMS, "azp", "nbf"]), value=json_values)
def test_whatever_is_changed_without_the_key_is_refused(data: st.DataObject, claim: str, value: Any) -> None:
    state, nonce = _login()
    body = PLATFORM.claims(nonce)
    header, _, signature = PLATFORM.sign(body).split(".")
    if data.draw(st.booleans()) and claim in body:
        del body[claim]
    else:
        body[claim] = value
    payload = json.dumps(body).encode()
    if payload == json.dumps(PLATFORM.claims(nonce)).encode():
        return
    forged = ".".join((header, base64.urlsafe_b64encode(payload).decode().rstrip("="), signature))
    assert _verify(state, forged) is None


@quick
@given(body=st.dictionaries(st.sampled_from([*CLAIMS, "azp", "nbf", "x"]), json_values, max_size=12))
def test_nonsense_that_the_platform_signs_is_refused_and_never_an_error_of_ours(body: dict[str, Any]) -> None:
    state, _ = _login()
    assert _verify(state, PLATFORM.sign(body)) is None


@quick
@given(
    roles=st.lists(
        st.sampled_from([LEARNER, "Mentor", "http://x.example/r"]) | st.text(max_size=80), max_size=6
    )
)
def test_no_made_up_role_gives_rights(roles: list[str]) -> None:
    """Only the vocabulary's own words do; and they do not come about by chance."""
    from lti import role_of

    known = {"Instructor", "Administrator", "ContentDeveloper", "TeachingAssistant"}
    if not any(word in role for role in roles for word in known):
        assert role_of(roles) in {"learner", "mentor"}
