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
    CUSTOM,
    DATA_PRIVACY_REQUEST,
    DEEP_LINKING_REQUEST,
    DEEP_LINKING_SETTINGS,
    DEPLOYMENT_ID,
    FOR_USER,
    LAUNCH_PRESENTATION,
    MESSAGE_TYPE,
    RESOURCE_LINK,
    RESOURCE_LINK_REQUEST,
    ROLES,
    SUBMISSION_REVIEW_REQUEST,
    TARGET_LINK_URI,
    VERSION,
)
from lti.ports import LaunchState
from tests.conformance.tool import MovingClock, Tool
from tests.fakes.messages import MESSAGES, message
from tests.fakes.platform import INSTRUCTOR, LEARNER, FakePlatform

CLOCK = MovingClock()
PLATFORM = FakePlatform(CLOCK)
TOOL = Tool(CLOCK, PLATFORM)
VERIFIER = LaunchVerifier(TOOL.registrations, TOOL.states, TOOL.platform_keys, TOOL.settings, CLOCK)
CLAIMS = {kind: sorted(message(PLATFORM, kind, "x")) for kind in MESSAGES}
PLAIN = CLAIMS[RESOURCE_LINK_REQUEST]

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


def _genuine(message_type: str) -> Launch:
    state, nonce = _login()
    launch = _verify(state, PLATFORM.sign(message(PLATFORM, message_type, nonce)))
    assert launch is not None and launch.message_type == message_type
    return launch


GENUINE = {kind: _genuine(kind) for kind in MESSAGES}


# What each claim may decide. Whatever else a launch says must not follow from it.
DECIDES: dict[str, set[str]] = {
    "sub": {"sub"},
    ROLES: {"roles", "role"},
    CONTEXT: {"context"},
    RESOURCE_LINK: {"resource_link"},
    TARGET_LINK_URI: {"target_link_uri"},
    AGS: {"ags"},
    CUSTOM: {"custom"},
    LAUNCH_PRESENTATION: {"locale", "return_url"},
    DEEP_LINKING_SETTINGS: {"deep_linking"},
    FOR_USER: {"for_user"},
    **{name: {name} for name in ("name", "given_name", "family_name", "email")},
}


def _said(launch: Launch) -> dict[str, Any]:
    said = launch.to_dict()
    assert said == Launch.from_dict(json.loads(json.dumps(said))).to_dict()
    return {name: value for name, value in said.items() if name != "id"}


def _assert_decides_no_more(claim: str, launch: Launch, genuine: Launch) -> None:
    """The launch differs from the genuine one in nothing but what this claim is there to say."""
    said, true = _said(launch), _said(genuine)
    differing = {name for name in said if said[name] != true[name]}
    assert differing <= DECIDES.get(claim, set()), (claim, differing)


def _assert_harmless(launch: Launch, genuine: Launch) -> None:
    """What matters is the genuine launch's, or missing."""
    assert launch.message_type == genuine.message_type
    assert launch.identity == genuine.identity
    assert launch.deployment_id == genuine.deployment_id
    assert launch.role == genuine.role
    assert launch.for_user == genuine.for_user
    if genuine.message_type == RESOURCE_LINK_REQUEST:
        assert launch.resource_link is not None and genuine.resource_link is not None
        assert launch.resource_link.id == genuine.resource_link.id
    elif launch.resource_link is not None:
        assert genuine.resource_link is not None and launch.resource_link.id == genuine.resource_link.id
    if launch.context is not None:
        assert genuine.context is not None and launch.context.id == genuine.context.id
    if launch.ags is not None:
        assert genuine.ags is not None
        assert launch.ags.lineitem in {None, genuine.ags.lineitem}
        assert launch.ags.lineitems in {None, genuine.ags.lineitems}
        assert launch.ags.scopes <= genuine.ags.scopes
    if genuine.message_type == SUBMISSION_REVIEW_REQUEST:
        assert launch.ags is not None and genuine.ags is not None
        assert launch.ags.lineitem == genuine.ags.lineitem
    if genuine.deep_linking is not None:
        wanted, told = genuine.deep_linking, launch.deep_linking
        assert told is not None and told.return_url == wanted.return_url
        assert set(told.accept_types) <= set(wanted.accept_types)
        assert told.data in {None, wanted.data}


@pytest.mark.parametrize(
    ("message_type", "claim"), [(kind, claim) for kind in MESSAGES for claim in CLAIMS[kind]]
)
def test_a_launch_without_one_claim_is_refused_or_says_no_more(message_type: str, claim: str) -> None:
    state, nonce = _login()
    body = message(PLATFORM, message_type, nonce)
    del body[claim]
    launch = _verify(state, PLATFORM.sign(body))
    if launch is not None:
        _assert_harmless(launch, GENUINE[message_type])
        _assert_decides_no_more(claim, launch, GENUINE[message_type])


any_claim = st.sampled_from([(kind, claim) for kind in MESSAGES for claim in CLAIMS[kind]])


@quick
@given(where=any_claim, value=json_values)
def test_a_claim_of_another_type_is_refused_or_says_no_more(where: tuple[str, str], value: Any) -> None:
    message_type, claim = where
    state, nonce = _login()
    body = message(PLATFORM, message_type, nonce)
    if type(value) is type(body[claim]) and claim in {"sub", ROLES}:
        # Another subject or other roles of the right type are another person's launch, which the platform may well sign.
        value = None
    if isinstance(value, dict):
        for name in ("id", "user_id"):
            value.pop(name, None)
    launch = _verify(state, PLATFORM.sign({**body, claim: value}))
    if launch is not None:
        _assert_harmless(launch, GENUINE[message_type])
        _assert_decides_no_more(claim, launch, GENUINE[message_type])


MEMBERS = [
    (RESOURCE_LINK_REQUEST, RESOURCE_LINK, "id"),
    (SUBMISSION_REVIEW_REQUEST, FOR_USER, "user_id"),
    (DATA_PRIVACY_REQUEST, FOR_USER, "user_id"),
    *[(kind, CONTEXT, "id") for kind in MESSAGES if CONTEXT in CLAIMS[kind]],
    *[
        (kind, AGS, name)
        for kind in MESSAGES
        if AGS in CLAIMS[kind]
        for name in ("lineitem", "lineitems", "scope")
    ],
    *[
        (DEEP_LINKING_REQUEST, DEEP_LINKING_SETTINGS, name)
        for name in ("deep_link_return_url", "accept_types", "accept_presentation_document_targets", "data")
    ],
]


@quick
@given(member=st.sampled_from(MEMBERS), value=json_values.filter(lambda value: not isinstance(value, str)))
def test_a_member_of_another_type_is_refused_or_says_no_more(
    member: tuple[str, str, str], value: Any
) -> None:
    message_type, claim, name = member
    if isinstance(value, list):
        value = [item for item in value if not isinstance(item, str)]
    state, nonce = _login()
    body = message(PLATFORM, message_type, nonce)
    launch = _verify(state, PLATFORM.sign({**body, claim: {**body[claim], name: value}}))
    if launch is not None:
        _assert_harmless(launch, GENUINE[message_type])
        _assert_decides_no_more(claim, launch, GENUINE[message_type])


other_values = {
    str: st.text(max_size=300),
    int: st.integers(),
    list: st.lists(st.text(max_size=80) | st.sampled_from([LEARNER, INSTRUCTOR]), max_size=4),
    dict: st.dictionaries(
        st.sampled_from(["id", "user_id", "title", "lineitem", "lineitems", "scope", "deep_link_return_url"])
        | st.text(max_size=20),
        json_values
        | st.sampled_from(["https://lms.example/x", "https://elsewhere.example/", "102", "link-9"]),
        max_size=5,
    ),
}


@quick
@given(where=any_claim, data=st.data())
def test_another_value_of_a_claim_decides_nothing_but_its_own_subject(
    where: tuple[str, str], data: st.DataObject
) -> None:
    """What the platform signs it may say; but a role never comes from a name, nor a person from a course."""
    message_type, claim = where
    state, nonce = _login()
    body = message(PLATFORM, message_type, nonce)
    value = data.draw(other_values[type(body[claim])])
    launch = _verify(state, PLATFORM.sign({**body, claim: value}))
    if launch is not None:
        _assert_decides_no_more(claim, launch, GENUINE[message_type])
        assert launch.deep_linking is None or launch.role in {
            "instructor",
            "content_developer",
            "administrator",
        }


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
@given(data=st.data(), claim=st.sampled_from([*PLAIN, "azp", "nbf"]), value=json_values)
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
@given(body=st.dictionaries(st.sampled_from([*PLAIN, "azp", "nbf", "x"]), json_values, max_size=12))
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
