"""What pylti1p3 2.0.2 gets wrong, each hole shown open in the library and closed in ours.

The library's half of each test says how it behaves today. When a later release closes a hole that half fails, and with it
docs/decisions/0002 wants another look.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.cookie import CookieService
from pylti1p3.deep_link import DeepLink
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.exception import LtiException, ToolConfException
from pylti1p3.grade import Grade
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.message_validators.deep_link import DeepLinkMessageValidator
from pylti1p3.registration import Registration as LibraryRegistration
from pylti1p3.request import Request
from pylti1p3.roles import TeacherRole
from pylti1p3.service_connector import ServiceConnector
from pylti1p3.session import SessionService
from pylti1p3.tool_config import ToolConfDict

from lti import ContentItem, Score, ScoreInvalid, content_items, role_of, score_url
from lti.claims import (
    CONTENT_ITEMS,
    DEEP_LINKING_DATA,
    DEEP_LINKING_REQUEST,
    DEEP_LINKING_SETTINGS,
    LINEITEM_SCOPE,
    MESSAGE_TYPE,
    RESOURCE_LINK,
    ROLES,
    TARGET_LINK_URI,
    VERSION,
)
from lti.deep_linking import read_settings
from lti.errors import DeepLinkingInvalid
from lti.scores import rfc3339
from tests.conformance.tool import MovingClock, Tool, refused
from tests.fakes.platform import ABSENT, LEARNER, FakePlatform, jwk_of, rsa_key

V2 = "http://purl.imsglobal.org/vocab/lis/v2"
Claims = dict[str, Any]


class _Request(Request):
    """A request as the library wants it; the session belongs to the browser."""

    def __init__(self, fields: dict[str, str], session: dict[str, Any]) -> None:
        self._fields, self._session = fields, session

    @property
    def session(self) -> dict[str, Any]:
        return self._session

    def is_secure(self) -> bool:
        return True

    def get_param(self, key: str) -> str:
        return self._fields.get(key, "")


class _Cookies(CookieService):
    """The library's cookie for a state has the state as its name and as its value: whoever knows the state has it."""

    def get_cookie(self, name: str) -> str | None:
        return name

    def set_cookie(self, name: str, value: str | int, exp: int | None = 3600) -> None:
        return None


class _Launch(MessageLaunch[Any, Any, Any, Any]):
    def _get_request_param(self, key: str) -> str:
        return str(self._request.get_param(key))


class Library:
    """pylti1p3 over the same platform: nonces given out stand in its session, states are its cookies."""

    def __init__(self, platform: FakePlatform) -> None:
        self.platform = platform
        self.session: dict[str, Any] = {}

    def login(self, nonce: str) -> None:
        SessionService(_Request({}, self.session)).save_nonce(nonce)

    def accepts(self, id_token: str, state: str) -> bool:
        request = _Request({"id_token": id_token, "state": state}, self.session)
        configuration = ToolConfDict(
            {
                self.platform.issuer: [
                    {
                        "default": True,
                        "client_id": self.platform.client_id,
                        "auth_login_url": self.platform.auth_url,
                        "auth_token_url": self.platform.token_url,
                        "key_set": {"keys": list(self.platform.published.values())},
                        "deployment_ids": [self.platform.deployment_id],
                    }
                ]
            }
        )
        configuration.set_private_key(self.platform.issuer, "unused", self.platform.client_id)
        launch = _Launch(
            request, configuration, session_service=SessionService(request), cookie_service=_Cookies()
        )
        try:
            launch.validate()
        except (LtiException, ToolConfException):
            return False
        return True


@pytest.fixture
def tool() -> Tool:
    """The library reads the machine's clock, so here the tool does too."""
    clock = MovingClock()
    clock.moment = datetime.now(UTC)
    return Tool(clock, FakePlatform(clock))


@pytest.fixture
def library(tool: Tool) -> Library:
    return Library(tool.platform)


def _moment(tool: Tool) -> int:
    return int(tool.clock().timestamp())


def _both(tool: Tool, library: Library, changes: Callable[[int], Claims], **how: Any) -> tuple[bool, Any]:
    """Whether the library accepts a launch with these claims, and how our tool answers it."""
    query = tool.platform.auth_query(tool.login())
    library.login(query["nonce"])
    token = tool.platform.sign(tool.platform.claims(query["nonce"], **changes(_moment(tool))), **how)
    return library.accepts(token, query["state"]), tool.post({"id_token": token, "state": query["state"]})


def test_a_plain_launch_pleases_both(tool: Tool, library: Library) -> None:
    accepted, answer = _both(tool, library, lambda now: {})
    assert accepted
    tool.accepted(answer)


WRONGLY_ACCEPTED: dict[str, tuple[Callable[[int], Claims], str]] = {
    "exp missing": (lambda now: {"exp": ABSENT}, "token_time_invalid"),
    "iat missing": (lambda now: {"iat": ABSENT}, "token_time_invalid"),
    "iat days old": (lambda now: {"iat": now - 3 * 86_400}, "token_too_old"),
    "exp years ahead, iat old": (lambda now: {"iat": now - 700, "exp": now + 10**8}, "token_too_old"),
    "aud of several without azp": (lambda now: {"aud": ["client-1", "other"]}, "audience_mismatch"),
    "azp of another client": (lambda now: {"azp": "other"}, "authorized_party_mismatch"),
    "target_link_uri missing": (lambda now: {TARGET_LINK_URI: ABSENT}, "target_missing"),
    "target_link_uri elsewhere": (lambda now: {TARGET_LINK_URI: "https://evil.example/"}, "target_foreign"),
    "roles as a text": (lambda now: {ROLES: LEARNER}, "roles_invalid"),
    "sub over 255 characters": (lambda now: {"sub": "x" * 256}, "subject_invalid"),
    "resource link id that is no text": (lambda now: {RESOURCE_LINK: {"id": 7}}, "resource_link_invalid"),
}


@pytest.mark.parametrize("hole", WRONGLY_ACCEPTED)
def test_the_library_accepts_what_we_refuse(tool: Tool, library: Library, hole: str) -> None:
    changes, reason = WRONGLY_ACCEPTED[hole]
    accepted, answer = _both(tool, library, changes)
    assert accepted, "the library has closed this hole"
    refused(answer, reason)


def test_the_library_accepts_a_key_for_encryption(tool: Tool, library: Library) -> None:
    tool.platform.published["key-1"] = jwk_of(rsa_key("key-1"), "key-1", use="enc")
    accepted, answer = _both(tool, library, lambda now: {})
    assert accepted
    refused(answer, "key_unknown")


def test_the_library_accepts_a_short_key(tool: Tool, library: Library) -> None:
    tool.platform.rotate_key("short", publish=False)
    tool.platform.add_key("short", rsa_key("short rsa", 1024))
    accepted, answer = _both(tool, library, lambda now: {}, key=rsa_key("short rsa", 1024))
    assert accepted
    refused(answer, "key_unknown")


def test_the_library_accepts_the_same_token_again(tool: Tool, library: Library) -> None:
    query = tool.platform.auth_query(tool.login())
    library.login(query["nonce"])
    fields = {"id_token": tool.platform.sign(tool.platform.claims(query["nonce"])), "state": query["state"]}
    assert library.accepts(**fields) and library.accepts(**fields)
    tool.accepted(tool.post(fields))
    refused(tool.post(fields), "state_unknown")
    other = tool.platform.auth_query(tool.login())["state"]
    assert library.accepts(fields["id_token"], other)
    refused(tool.post({**fields, "state": other}), "nonce_mismatch")


def test_the_library_accepts_the_nonce_of_one_login_with_the_state_of_another(
    tool: Tool, library: Library
) -> None:
    first, second = (tool.platform.auth_query(tool.login()) for _ in range(2))
    library.login(first["nonce"])
    library.login(second["nonce"])
    fields = {"id_token": tool.platform.sign(tool.platform.claims(first["nonce"])), "state": second["state"]}
    assert library.accepts(**fields)
    refused(tool.post(fields), "nonce_mismatch")


def test_the_librarys_cookie_is_no_secret_and_ours_is(tool: Tool, library: Library) -> None:
    """Whoever has the launch's form can make the library's cookie; ours never leaves the browser that logged in."""
    query = tool.platform.auth_query(tool.login())
    library.login(query["nonce"])
    fields = {"id_token": tool.platform.sign(tool.platform.claims(query["nonce"])), "state": query["state"]}
    assert library.accepts(**fields)
    elsewhere = tool.browser()
    elsewhere.cookies.set(fields["state"], fields["state"])
    assert tool.post(fields, elsewhere).status_code == 200 and tool.launches == []


WRONGLY_REFUSED: dict[str, Callable[[int], Claims]] = {
    "iat three seconds ahead": lambda now: {"iat": now + 3},
    "aud with us in second place and azp ours": lambda now: {"aud": ["other", "client-1"], "azp": "client-1"},
}


@pytest.mark.parametrize("claim", WRONGLY_REFUSED)
def test_the_library_refuses_what_we_accept(tool: Tool, library: Library, claim: str) -> None:
    accepted, answer = _both(tool, library, WRONGLY_REFUSED[claim])
    assert not accepted
    tool.accepted(answer)


def test_the_library_refuses_an_anonymous_launch(tool: Tool, library: Library) -> None:
    tool.change(allow_anonymous=True)
    accepted, answer = _both(tool, library, lambda now: {"sub": ABSENT})
    assert not accepted
    assert tool.accepted(answer).sub is None


def test_the_library_takes_a_sub_role_for_the_role() -> None:
    """`Learner#Instructor` is a sub-role of Learner in the vocabulary; and a prefix is not a namespace."""
    for role in (f"{V2}/membership/Learner#Instructor", f"{V2}evil/membership#Instructor"):
        assert TeacherRole({ROLES: [role]}).check()
        assert role_of([role]) == "learner"


def test_the_library_shares_a_token_between_clients_of_one_issuer(tool: Tool) -> None:
    def key_of(client_id: str) -> str:
        registration = (
            LibraryRegistration().set_issuer("https://canvas.instructure.com").set_client_id(client_id)
        )
        return ServiceConnector(registration)._scope_key(["a"])

    assert key_of("school-1") == key_of("school-2")
    # Ours: tests/conformance/test_e_tokens.py, case 82.
    tool.tokens.token(tool.registration, [LINEITEM_SCOPE])
    [key] = tool.tokens._cache._tokens  # type: ignore[attr-defined]
    assert key.client_id == "client-1"


def test_the_librarys_token_cache_is_not_there() -> None:
    registration = LibraryRegistration().set_issuer("https://lms.example")
    with pytest.raises(NotImplementedError):
        ServiceConnector(registration).get_access_token([LINEITEM_SCOPE])


def test_the_library_cuts_a_second_question_mark_from_a_score_url() -> None:
    url = "https://x.example/lineitem?a=1?b=2"
    assert AssignmentsGradesService._add_url_path_ending(url, "scores").endswith("?a=1")
    assert score_url(url).endswith("?a=1?b=2")


def test_the_library_writes_times_that_are_not_rfc_3339_and_numbers_that_are_not_json() -> None:
    moment = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
    written = json.loads(Grade().set_timestamp(moment).get_value())["timestamp"]
    assert written == "2026-11-23T09:00:00+0000"
    assert rfc3339(moment) == "2026-11-23T09:00:00.000Z"
    assert "NaN" in Grade().set_score_given(float("nan")).get_value()
    with pytest.raises(ScoreInvalid):
        Score("101", moment, score_given=float("nan"), score_maximum=1)


def _asked(**settings: Any) -> Claims:
    """A deep linking request as the library's validator sees it."""
    wanted = {
        "deep_link_return_url": "https://lms.example/return",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe"],
    }
    kept = {name: value for name, value in {**wanted, **settings}.items() if value is not ABSENT}
    return {
        "sub": "101",
        VERSION: "1.3.0",
        ROLES: [],
        MESSAGE_TYPE: DEEP_LINKING_REQUEST,
        DEEP_LINKING_SETTINGS: kept,
    }


def test_the_library_takes_a_deep_linking_request_without_a_return_url() -> None:
    asked = _asked(deep_link_return_url=ABSENT)
    assert DeepLinkMessageValidator().validate(asked)
    with pytest.raises(DeepLinkingInvalid):
        read_settings(asked[DEEP_LINKING_SETTINGS])


def test_the_library_refuses_a_deep_linking_request_for_other_things() -> None:
    asked = _asked(accept_types=["link"])
    with pytest.raises(LtiException):
        DeepLinkMessageValidator().validate(asked)
    assert not read_settings(asked[DEEP_LINKING_SETTINGS]).takes_links


def test_the_librarys_deep_linking_answer_has_null_members_and_markup_gets_into_its_page(tool: Tool) -> None:
    url = 'https://lms.example/"><script>alert(1)</script>'
    theirs = DeepLink(LibraryRegistration(), "1", {"deep_link_return_url": url})
    answer = theirs.get_message_jwt([DeepLinkResource()])
    assert answer[DEEP_LINKING_DATA] is None and isinstance(answer["aud"], list)
    assert int(str(answer["exp"])) - int(str(answer["iat"])) > 300
    assert answer[CONTENT_ITEMS] == [{"type": "ltiResourceLink", "title": None, "url": None}]
    assert "<script>alert(1)</script>" in theirs.get_response_form_html("x.y.z")
    settings = read_settings(_asked()[DEEP_LINKING_SETTINGS])
    assert "title" not in content_items(settings, [ContentItem("", "https://tool.example/")])[0]
