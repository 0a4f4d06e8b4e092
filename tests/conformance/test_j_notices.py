"""J. Platform notices: conformance cases 117-120 at the protocol's edge; the work itself is in tests/app/course."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response

from lti import LtiPorts, Notice, ServiceRefused, lti_router, register_handler, wanted_types
from lti.claims import DEPLOYMENT_ID, NOTICE, NOTICE_SCOPE, VERSION
from tests.conformance.tool import TOOL, Tool, render
from tests.fakes.notices import Notices, delivery
from tests.fakes.platform import FakePlatform, rsa_key
from tests.fakes.wire import ABSENT


class Handling(Tool):
    """The tool with something behind its notices."""

    def rebuild(self) -> None:
        self.noticed: list[Notice] = []
        super().rebuild()
        ports = LtiPorts(
            registrations=self.registrations,
            states=self.states,
            tickets=self.tickets,
            keys=self.keys,
            platform_keys=self.platform_keys,
            now=self.clock,
            launched=self.launched,
            noticed=self.noticed.extend,
        )
        self.app.router.routes.clear()
        self.app.include_router(lti_router(ports, render, self.settings))

    def deliver(self, *tokens: str, **headers: str) -> Response:
        return self.client.post("/lti/notices", content=delivery(*tokens), headers=headers)


@pytest.fixture
def tool(clock: Any, platform: FakePlatform) -> Handling:
    return Handling(clock, platform)


@pytest.fixture
def notices(platform: FakePlatform) -> Notices:
    return Notices(platform)


def test_case_117_the_claim_is_read_and_without_it_there_is_nothing(tool: Handling, notices: Notices) -> None:
    launch = tool.accepted(tool.launch(**notices.claim))
    assert launch.notices is not None and launch.notices.url == notices.url
    assert wanted_types(launch.notices) == ["LtiHelloWorldNotice", "LtiContextCopyNotice"]
    assert type(launch).from_dict(launch.to_dict()) == launch
    assert tool.accepted(tool.launch()).notices is None
    for broken in ({"scope": []}, {"platform_notification_service_url": "javascript:x"}):
        claim = {name: {**value, **broken} for name, value in notices.claim.items()}
        assert tool.accepted(tool.launch(**claim)).notices is None


def test_case_117_a_handler_is_put_for_each_type_on_our_own_host(tool: Handling, notices: Notices) -> None:
    for kind in ("LtiHelloWorldNotice", "LtiContextCopyNotice"):
        register_handler(tool.services, tool.registration, notices.url, kind, f"{TOOL}/lti/notices")
    assert notices.handlers == dict.fromkeys(
        ("LtiHelloWorldNotice", "LtiContextCopyNotice"), f"{TOOL}/lti/notices"
    )
    [first, _] = notices.seen
    assert (first.method, first.json) == (
        "PUT",
        {"notice_type": "LtiHelloWorldNotice", "handler": f"{TOOL}/lti/notices"},
    )
    assert {request.form["scope"] for request in tool.platform.asked("token")} == {NOTICE_SCOPE}


def test_case_117_a_handler_is_taken_back_and_a_refusal_is_said(tool: Handling, notices: Notices) -> None:
    for handler in (f"{TOOL}/lti/notices", ""):
        register_handler(tool.services, tool.registration, notices.url, "LtiHelloWorldNotice", handler)
    assert notices.handlers == {}
    notices.refuses["LtiContextCopyNotice"] = 422
    with pytest.raises(ServiceRefused) as caught:
        register_handler(tool.services, tool.registration, notices.url, "LtiContextCopyNotice", TOOL)
    assert caught.value.answer == 422


def test_case_118_119_a_greeting_is_answered(tool: Handling, notices: Notices) -> None:
    answer = tool.deliver(notices.token())
    assert (answer.status_code, answer.json()) == (200, {"accepted": 1, "refused": []})
    [notice] = tool.noticed
    assert (notice.type, notice.deployment_id) == ("LtiHelloWorldNotice", tool.platform.deployment_id)
    assert tool.deliver().status_code == 200, "a delivery of nothing is nothing wrong"


def test_case_118_one_bad_notice_does_not_lose_the_others(tool: Handling, notices: Notices) -> None:
    answer = tool.deliver(
        notices.token(), "nonsense", notices.token(iss="https://evil.example"), notices.token()
    )
    assert answer.status_code == 200
    assert answer.json() == {"accepted": 2, "refused": ["issuer_mismatch", "token_malformed"]}
    assert len({notice.id for notice in tool.noticed}) == 2


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"iss": "https://lms.example/"}, "issuer_mismatch"),
        ({"aud": "another"}, "issuer_mismatch"),
        ({"aud": ["client-1", "another"]}, "audience_mismatch"),
        ({"azp": "another"}, "authorized_party_mismatch"),
        ({"exp": ABSENT}, "token_time_invalid"),
        ({"exp": 1}, "token_time_invalid"),
        ({"iat": ABSENT}, "token_time_invalid"),
        ({"iat": 1_000_000, "exp": 9_000_000_000}, "token_too_old"),
        ({"nonce": ABSENT}, "nonce_missing"),
        ({"nonce": ""}, "nonce_missing"),
        ({VERSION: "1.1"}, "version_unsupported"),
        ({VERSION: ABSENT}, "version_unsupported"),
        ({DEPLOYMENT_ID: ABSENT}, "deployment_invalid"),
        ({DEPLOYMENT_ID: "never-seen"}, "deployment_unknown"),
        ({NOTICE: ABSENT}, "notice_malformed"),
        ({NOTICE: {"type": "LtiHelloWorldNotice"}}, "notice_malformed"),
        ({NOTICE: {"id": "7", "type": 7}}, "notice_malformed"),
    ],
)
def test_case_118_each_notice_is_checked_like_a_launch(
    tool: Handling, notices: Notices, changes: dict[str, Any], reason: str
) -> None:
    answer = tool.deliver(notices.token(**changes))
    assert (answer.status_code, answer.json()) == (400, {"accepted": 0, "refused": [reason]})
    assert tool.noticed == []


@pytest.mark.parametrize(
    "how", [{"alg": "none"}, {"alg": "HS256"}, {"key": rsa_key("a stranger's")}, {"kid": ABSENT}]
)
def test_case_118_a_signature_that_does_not_hold(
    tool: Handling, notices: Notices, how: dict[str, Any]
) -> None:
    answer = tool.deliver(tool.platform.sign(notices.claims(), **how))
    assert answer.status_code == 400 and tool.noticed == []
    assert "eyJ" not in answer.text


def test_case_118_a_deployment_that_is_switched_off(tool: Handling, notices: Notices) -> None:
    tool.registrations.deploy(tool.registration, tool.platform.deployment_id, "inactive")
    assert tool.deliver(notices.token()).json()["refused"] == ["deployment_inactive"]


def test_case_118_while_the_platforms_keys_cannot_be_read_it_is_asked_to_come_again(
    tool: Handling, notices: Notices
) -> None:
    tool.platform.jwks_mode = "500"
    answer = tool.deliver(notices.token())
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "5")
    tool.platform.jwks_mode = "ok"
    tool.clock.advance(10)
    assert tool.deliver(notices.token()).status_code == 200


def test_case_118_an_unknown_type_is_taken_and_nothing_else(tool: Handling, notices: Notices) -> None:
    assert tool.deliver(notices.token("LtiSomethingNewNotice")).status_code == 200
    assert [notice.type for notice in tool.noticed] == ["LtiSomethingNewNotice"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"notices": 7}', b"[" * 90_000, json.dumps({"notices": [{}] * 101}).encode()],
)
def test_case_118_what_is_no_delivery_is_refused(tool: Handling, body: bytes) -> None:
    answer = tool.client.post("/lti/notices", content=body)
    assert (answer.status_code, answer.json()["refused"]) == (400, ["notice_malformed"])
    assert tool.client.get("/lti/notices").status_code == 405


def test_case_119_a_copy_names_the_course_and_where_it_came_from(tool: Handling, notices: Notices) -> None:
    tool.deliver(notices.copied("course-8", "course-7", "course-1"))
    [notice] = tool.noticed
    assert notice.context is not None and (notice.context.id, notice.context.title) == (
        "course-8",
        "The copy",
    )
    assert notice.origins == ("course-7", "course-1")


def test_case_120_a_body_has_an_end(tool: Handling) -> None:
    tool.settings = replace(tool.settings, notice_bytes=1_000)
    tool.rebuild()
    answer = tool.client.post("/lti/notices", content=b'{"notices": [' + b" " * 2_000 + b"]}")
    assert answer.json()["refused"] == ["notice_malformed"]


def test_case_120_a_flood_is_held_off(tool: Handling, notices: Notices) -> None:
    tool.settings = replace(tool.settings, notices_per_minute=3)
    tool.rebuild()
    token = notices.token()
    assert [tool.deliver(token).status_code for _ in range(4)] == [200, 200, 200, 429]
    assert tool.deliver(token).headers["retry-after"] == "60"
    tool.clock.advance(61)
    assert tool.deliver(token).status_code == 200


def test_case_120_a_notice_has_the_same_id_each_time(tool: Handling, notices: Notices) -> None:
    """By it the application takes a repeated one once (tests/app/course/test_course_notices.py)."""
    token = notices.token()
    tool.deliver(token, token)
    assert len({notice.id for notice in tool.noticed}) == 1


def test_case_120_what_is_not_verified_yet_costs_few_look_ups(
    tool: Handling, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list of ten thousand audiences would otherwise be ten thousand questions to the database."""
    asked: list[str] = []
    find = tool.registrations.find

    def counting(issuer: str, client_id: str | None = None, deployment_id: str | None = None) -> Any:
        asked.append(str(client_id))
        return find(issuer, client_id, deployment_id)

    monkeypatch.setattr(tool.registrations, "find", counting)
    crowd = [f"client-{n}" for n in range(10_000)]
    answer = tool.deliver(notices.token(aud=[*crowd[:2_000], tool.platform.client_id]))
    assert answer.status_code == 400 and len(asked) <= 5
    asked.clear()
    assert tool.deliver(notices.token(aud=["another", tool.platform.client_id])).json()["accepted"] == 0
    assert len(asked) == 2, "a short list is read to its end; without azp it is refused afterwards"
