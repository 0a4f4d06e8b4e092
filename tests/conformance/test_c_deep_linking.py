"""C. Deep linking: conformance cases 70-75 and 77 at the protocol edge. What people see of it is in test_c_picker.py."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import jwt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti import (
    ContentItem,
    DeepLinkingSettings,
    Launch,
    LtiSettings,
    PlacedColumn,
    content_items,
    jwks_document,
    response_policy,
    sign_response,
)
from lti.claims import (
    CONTENT_ITEMS,
    DEEP_LINKING_DATA,
    DEEP_LINKING_REQUEST,
    DEEP_LINKING_SETTINGS,
    DEEP_LINKING_TEXTS,
    DEPLOYMENT_ID,
    MESSAGE_TYPE,
    MESSAGE_TYPES,
    RESOURCE_LINK,
    ROLES,
    TARGET_LINK_URI,
    VERSION,
)
from lti.deep_linking import read_settings
from lti.errors import DeepLinkingInvalid
from tests.conformance.tool import Tool, refused
from tests.fakes.platform import ABSENT, INSTRUCTOR, LEARNER

RETURN_URL = "https://lms.example/mod/lti/contentitem_return.php?course=2&sesskey=abc"
SETTINGS: dict[str, Any] = {
    "deep_link_return_url": RETURN_URL,
    "accept_types": ["ltiResourceLink"],
    "accept_presentation_document_targets": ["iframe", "window"],
    "accept_multiple": True,
}


def asked(tool: Tool, settings: object = SETTINGS, **changes: Any) -> Any:
    """A deep linking request by an instructor."""
    claims = {
        MESSAGE_TYPE: DEEP_LINKING_REQUEST,
        RESOURCE_LINK: ABSENT,
        ROLES: [INSTRUCTOR],
        DEEP_LINKING_SETTINGS: settings,
    }
    return tool.launch(**{**claims, **changes})


def wanted_by(tool: Tool, **changes: Any) -> DeepLinkingSettings:
    launch: Launch = tool.accepted(asked(tool, {**SETTINGS, **changes}))
    assert launch.deep_linking is not None
    assert Launch.from_dict(json.loads(json.dumps(launch.to_dict()))) == launch
    return launch.deep_linking


def answer_of(tool: Tool, settings: DeepLinkingSettings, *items: ContentItem, **texts: str) -> dict[str, Any]:
    """The response's claims, read as a platform reads them: by our published key."""
    token = sign_response(
        tool.registration,
        "deployment-1",
        settings,
        content_items(settings, items),
        tool.keys.signing(),
        tool.clock(),
        **texts,
    )
    header = jwt.get_unverified_header(token)
    key = next(key for key in jwks_document(tool.keys)["keys"] if key["kid"] == header["kid"])
    assert header["alg"] == "RS256"
    read: dict[str, Any] = jwt.decode(
        token,
        jwt.PyJWK(key),
        algorithms=["RS256"],
        audience=tool.registration.issuer,
        options={"verify_exp": False, "verify_iat": False},
    )
    return read


def _nothing_empty(value: object) -> bool:
    if isinstance(value, Mapping):
        return bool(value) and all(_nothing_empty(inner) for inner in value.values())
    return value is not None and value != ""


COLUMN = PlacedColumn("A damaged lamp", 20, "p" * 32, "practice", "https://tool.example/lti/launch", "Open")
ITEM = ContentItem("A damaged lamp", "https://tool.example/lti/launch", {"placement": "p" * 32}, None, COLUMN)


def test_case_70_a_deep_linking_request_is_let_in_without_a_resource_link(tool: Tool) -> None:
    launch = tool.accepted(asked(tool))
    assert launch.message_type == DEEP_LINKING_REQUEST and launch.resource_link is None
    assert launch.deep_linking == DeepLinkingSettings(
        RETURN_URL, ("ltiResourceLink",), ("iframe", "window"), accept_multiple=True
    )
    assert "https://lms.example" in launch.frame_origins


@pytest.mark.parametrize("settings", [ABSENT, None, [], "x", {}])
def test_case_70_without_settings_it_is_refused(tool: Tool, settings: object) -> None:
    refused(asked(tool, settings), "deep_linking_invalid")


@pytest.mark.parametrize(
    "name", ["deep_link_return_url", "accept_types", "accept_presentation_document_targets"]
)
@pytest.mark.parametrize("value", [ABSENT, None, "", [], {}, 7, "javascript:alert(1)"])
def test_case_70_what_a_platform_must_say_is_not_guessed(tool: Tool, name: str, value: object) -> None:
    settings = {key: item for key, item in {**SETTINGS, name: value}.items() if item is not ABSENT}
    refused(asked(tool, settings), "deep_linking_invalid")


@pytest.mark.parametrize(
    "url",
    [
        "http://lms.example/return",
        "//lms.example/return",
        "https://lms.example@evil.example/",
        "data:text/html,x",
        "https://lms.example\\@evil.example/",
        "ftp://lms.example/",
        "https://lms.example;frame-ancestors/",
        "https://lms.example,x/",
        "https://l\u00f6s.example/",
    ],
)
def test_case_70_the_return_url_is_https(tool: Tool, url: str) -> None:
    refused(asked(tool, {**SETTINGS, "deep_link_return_url": url}), "deep_linking_invalid")


def test_case_70_on_ones_own_machine_plain_http_is_taken(tool: Tool) -> None:
    tool.settings = LtiSettings("http://localhost:8000")
    tool.platform.tool_url = "http://localhost:8000"
    tool.rebuild()
    assert wanted_by(tool, deep_link_return_url="http://localhost:9000/r").return_url.startswith("http:")


@pytest.mark.parametrize("target", [ABSENT, "https://evil.example/"])
def test_case_56_and_70_the_target_is_required_and_ours(tool: Tool, target: object) -> None:
    reason = "target_missing" if target is ABSENT else "target_foreign"
    refused(asked(tool, **{TARGET_LINK_URI: target}), reason)


def test_case_71_a_request_for_other_things_is_let_in(tool: Tool) -> None:
    settings = wanted_by(tool, accept_types=["link", "html"])
    assert settings.accept_types == ("link", "html") and not settings.takes_links
    with pytest.raises(ValueError, match="no LTI resource links"):
        content_items(settings, [ITEM])
    told = answer_of(tool, settings, errormsg="Nothing can be added here")
    assert told[CONTENT_ITEMS] == [] and told[DEEP_LINKING_TEXTS["errormsg"]] == "Nothing can be added here"


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        (False, False),
        ("false", False),
        (None, False),
        (1, False),
    ],
)
def test_case_72_several_items_only_where_the_platform_takes_several(
    tool: Tool, sent: object, read: bool
) -> None:
    settings = wanted_by(tool, accept_multiple=sent)
    assert settings.accept_multiple is read
    assert len(content_items(settings, [ITEM])) == 1
    if read:
        assert len(content_items(settings, [ITEM, ITEM])) == 2
    else:
        with pytest.raises(ValueError, match="one item"):
            content_items(settings, [ITEM, ITEM])


@pytest.mark.parametrize(
    ("sent", "has_column"),
    [(True, True), ("true", True), (ABSENT, True), (None, True), (False, False), ("false", False)],
)
def test_case_72_no_column_where_the_platform_takes_none(tool: Tool, sent: object, has_column: bool) -> None:
    changes = {} if sent is ABSENT else {"accept_lineitem": sent}
    (item,) = content_items(wanted_by(tool, **changes), [ITEM])
    assert ("lineItem" in item) is has_column
    if has_column:
        assert item["lineItem"] == {
            "label": "A damaged lamp",
            "scoreMaximum": 20,
            "resourceId": "p" * 32,
            "tag": "practice",
            "submissionReview": {
                "reviewableStatus": ["Submitted", "Completed"],
                "label": "Open",
                "url": "https://tool.example/lti/launch",
            },
        }


@pytest.mark.parametrize("maximum", [0, -1, float("nan"), float("inf")])
def test_case_72_a_column_has_a_maximum_above_zero(maximum: float) -> None:
    with pytest.raises(ValueError, match="above 0"):
        PlacedColumn("Label", maximum, "r", "practice")


def test_case_73_the_response_says_who_for_whom_and_for_how_long(tool: Tool) -> None:
    settings = wanted_by(tool)
    told = answer_of(tool, settings, ITEM)
    assert told["iss"] == "client-1" and told["aud"] == "https://lms.example"
    assert told[DEPLOYMENT_ID] == "deployment-1" and told[VERSION] == "1.3.0"
    assert told[MESSAGE_TYPE] == "LtiDeepLinkingResponse"
    assert told["iat"] == int(tool.clock().timestamp()) and 0 < told["exp"] - told["iat"] <= 300
    assert len(told["nonce"]) >= 22 and told["nonce"] != answer_of(tool, settings, ITEM)["nonce"]
    assert [item["type"] for item in told[CONTENT_ITEMS]] == ["ltiResourceLink"]


def test_case_73_an_empty_list_is_a_cancelled_choice(tool: Tool) -> None:
    assert answer_of(tool, wanted_by(tool))[CONTENT_ITEMS] == []


def test_case_73_a_platform_may_want_another_audience(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> None:
    quirks = replace(tool.registration.quirks, response_audience="https://other.example")
    monkeypatch.setattr(type(tool.registration), "quirks", property(lambda self: quirks))
    token = sign_response(
        tool.registration, "deployment-1", wanted_by(tool), [], tool.keys.signing(), tool.clock()
    )
    assert jwt.decode(token, options={"verify_signature": False})["aud"] == "https://other.example"


DATA = ["", "csrf:a=1&b=2", ' {"a" : "é\\u0000"} ', "x" * 20_000, "null", "<script>", "\t\n "]


@pytest.mark.parametrize("data", DATA)
def test_case_73_data_goes_back_byte_by_byte(tool: Tool, data: str) -> None:
    settings = wanted_by(tool, data=data)
    kept = DeepLinkingSettings.from_dict(json.loads(json.dumps(settings.to_dict())))
    assert kept == settings
    assert answer_of(tool, kept)[DEEP_LINKING_DATA].encode() == data.encode()


@pytest.mark.parametrize("data", [ABSENT, None])
def test_case_73_without_data_there_is_none(tool: Tool, data: object) -> None:
    settings = wanted_by(tool, **({} if data is ABSENT else {"data": data}))
    assert DEEP_LINKING_DATA not in answer_of(tool, settings)


@pytest.mark.parametrize("data", ["a\x00b", "\ud800"])
def test_case_73_data_that_could_not_go_back_is_refused(tool: Tool, data: str) -> None:
    refused(asked(tool, {**SETTINGS, "data": data}), "deep_linking_invalid")


texts = st.text(max_size=40)


@given(
    title=st.text(min_size=1, max_size=40),
    text=st.none() | texts,
    custom=st.dictionaries(st.text(min_size=1, max_size=10), texts, max_size=3),
    column=st.none() | st.just(COLUMN) | st.just(replace(COLUMN, review_url=None, review_label=None)),
    targets=st.lists(st.sampled_from(["iframe", "window", "embed"]), min_size=1),
    lineitem=st.sampled_from([True, False, None]),
)
def test_case_74_no_member_is_null_or_empty_and_custom_values_are_texts(
    title: str,
    text: str | None,
    custom: dict[str, str],
    column: PlacedColumn | None,
    targets: list[str],
    lineitem: bool | None,
) -> None:
    settings = DeepLinkingSettings(
        "https://x.example/", ("ltiResourceLink",), tuple(targets), accept_lineitem=lineitem
    )
    (item,) = content_items(settings, [ContentItem(title, "https://tool.example/x", custom, text, column)])
    assert item["title"] == title and item["url"] and item["type"] == "ltiResourceLink"
    assert item.get("custom", {}) == custom and ("custom" in item) is bool(custom)
    assert all(isinstance(value, str) for value in item.get("custom", {}).values())
    assert _nothing_empty({name: value for name, value in item.items() if name != "custom"})
    assert ("iframe" in item) is ("iframe" in targets)


def test_case_75_the_form_may_go_to_the_return_url_and_nowhere_else(tool: Tool) -> None:
    policy = response_policy(wanted_by(tool).return_url, ["https://lms.example"])
    assert "form-action https://lms.example;" in policy
    assert policy.endswith("frame-ancestors https://lms.example")
    assert "unsafe" not in policy and "default-src 'none'" in policy


@pytest.mark.parametrize("roles", [[LEARNER], [], [LEARNER.replace("Learner", "Mentor")]])
def test_case_77_a_learner_is_refused(tool: Tool, roles: list[str]) -> None:
    answer = asked(tool, **{ROLES: roles})
    refused(answer, "role_not_teaching", 403)
    assert "for instructors" in answer.text and tool.launches == []


@pytest.mark.parametrize("name", ["msg", "log", "errormsg", "errorlog"])
def test_case_77_what_happened_is_told_in_the_claim_for_it(tool: Tool, name: str) -> None:
    told = answer_of(tool, wanted_by(tool), **{name: "What happened"})
    assert told[DEEP_LINKING_TEXTS[name]] == "What happened"
    assert sum(claim in told for claim in DEEP_LINKING_TEXTS.values()) == 1


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=60),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


@given(
    name=st.sampled_from([*SETTINGS, "accept_lineitem", "auto_create", "title", "text", "data"]),
    value=json_values,
)
def test_case_70_whatever_a_platform_writes_is_settings_or_a_refusal(name: str, value: object) -> None:
    try:
        read = read_settings({**SETTINGS, name: value})
    except DeepLinkingInvalid:
        return
    assert read.return_url.startswith("https://") and read.accept_types and read.accept_targets
    assert isinstance(read.accept_multiple, bool) and read.accept_lineitem in {True, False, None}
    assert read.data is None or read.data == value
    assert DeepLinkingSettings.from_dict(json.loads(json.dumps(read.to_dict()))) == read


@pytest.mark.parametrize("message_type", MESSAGE_TYPES[1:])
def test_case_53_a_known_message_that_is_switched_off_is_refused_by_name(
    tool: Tool, message_type: str
) -> None:
    tool.settings = replace(tool.settings, message_types=MESSAGE_TYPES[:1])
    tool.rebuild()
    answer = tool.launch(**{MESSAGE_TYPE: message_type})
    refused(answer, "message_type_unsupported")
    assert message_type in answer.text
