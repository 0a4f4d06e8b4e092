"""The demo LMS's instructors: activities by deep linking, submission review, copies of courses and the notices about them."""

from __future__ import annotations

import json
import re
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
COURSE = "support-onboarding"
PLACE = {"org": "tarnwell", "course": COURSE, "person": "tp-2007"}


def opened(lms: Any, **click: str) -> dict[str, Any]:
    """The verified claims of any click."""
    answer = lms.client.get("/org/tarnwell/launch", params={"course": COURSE, **click})
    assert answer.status_code == 302, answer.text
    login = {name: values[0] for name, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    fields = lms.form(lms.client.get("/org/tarnwell/auth", params=lms.auth_request(login)))
    keys = jwt.PyJWKSet.from_dict(lms.client.get("/org/tarnwell/jwks.json").json())
    kid = jwt.get_unverified_header(fields["id_token"])["kid"]
    claims: dict[str, Any] = jwt.decode(
        fields["id_token"], keys[kid], ["RS256"], audience=lms.facts["tarnwell"]["client_id"]
    )
    assert claims[LTI + "target_link_uri"] == login["target_link_uri"]
    return claims


def picked(lms: Any, request: dict[str, Any], items: list[Any], **changes: Any) -> httpx.Response:
    """Posts the tool's answer to a deep linking request; a change to None leaves the claim out."""
    facts, now = lms.facts["tarnwell"], int(time.time())
    claims = {
        "iss": facts["client_id"],
        "aud": facts["issuer"],
        "iat": now - 5,
        "exp": now + 300,
        "nonce": secrets.token_hex(8),
        LTI + "deployment_id": facts["deployment_id"],
        LTI + "message_type": "LtiDeepLinkingResponse",
        LTI + "version": "1.3.0",
        DL + "data": request[DL + "deep_linking_settings"]["data"],
        DL + "content_items": items,
    }
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    signed = jwt.encode(claims, lms.tool._key, "RS256", {"kid": lms.tool.kid})
    url = request[DL + "deep_linking_settings"]["deep_link_return_url"]
    answer: httpx.Response = lms.client.post(url, data={"JWT": signed}, headers={"Origin": lms.tool.url})
    return answer


@pytest.fixture
def request_claims(lms: Any) -> dict[str, Any]:
    return opened(lms, person="tp-2007")


def item(lms: Any, **changes: Any) -> dict[str, Any]:
    return {
        "type": "ltiResourceLink",
        "title": "Say no kindly",
        "url": f"{lms.tool.url}/lti/launch",
        "custom": {"placement": "p1", "context_history": "$Context.id.history"},
        **changes,
    }


def graded(lms: Any) -> dict[str, Any]:
    column = {
        "label": "Say no kindly",
        "scoreMaximum": 20,
        "resourceId": "r1",
        "tag": "practice",
        "submissionReview": {"url": f"{lms.tool.url}/lti/launch?review=1"},
    }
    return item(lms, lineItem=column)


def added(answer: httpx.Response) -> str:
    """The id of the first activity that an answer placed."""
    found = re.search(r"activity=(added-\w+)", answer.text)
    assert found, answer.text
    return found[1]


def test_the_request_offers_what_the_course_takes(request_claims: dict[str, Any]) -> None:
    settings = request_claims[DL + "deep_linking_settings"]
    assert request_claims[LTI + "message_type"] == "LtiDeepLinkingRequest"
    assert settings["accept_types"] == ["ltiResourceLink"]
    assert settings["accept_multiple"] is True and settings["accept_lineitem"] is True
    assert settings["accept_presentation_document_targets"] == ["iframe", "window"]
    assert LTI + "resource_link" not in request_claims


def test_what_is_chosen_is_in_the_course_and_opens(start_lms: Any) -> None:
    lms = start_lms()
    answer = picked(lms, opened(lms, person="tp-2007"), [graded(lms), item(lms, title="Ask the coach")])
    assert answer.status_code == 200 and "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    activity = added(answer)
    # It survives a restart.
    lms = start_lms()
    page = lms.client.get("/", params={**PLACE, "activity": activity}).text
    assert "Say no kindly" in page and "20 points" in page
    claims = opened(lms, person="tp-1041", activity=activity)
    assert claims[LTI + "resource_link"]["id"] == activity
    assert claims[LTI + "custom"] == {"placement": "p1"}
    assert f"/lineitems/{activity}/" in claims[AGS]["lineitem"]
    column = next(one for one in lms.course("tarnwell", COURSE)["line_items"] if one["id"] == activity)
    assert (column["maximum"], column["resource_id"], column["tag"]) == (20, "r1", "practice")


def test_removing_it_takes_its_column_along(lms: Any, request_claims: dict[str, Any]) -> None:
    activity = added(picked(lms, request_claims, [graded(lms)]))
    gone = lms.client.post("/activities/remove", data={**PLACE, "activity": activity})
    assert gone.status_code == 303
    assert activity not in {one["id"] for one in lms.course("tarnwell", COURSE)["line_items"]}
    assert lms.client.get("/", params={**PLACE, "activity": activity}).status_code == 404
    kept = lms.client.post("/activities/remove", data={**PLACE, "activity": "support-ask"})
    assert kept.status_code == 400


def test_a_cancelled_choice_and_the_tools_words(lms: Any, request_claims: dict[str, Any]) -> None:
    answer = picked(lms, request_claims, [], **{DL + "errormsg": "Nothing fits <here>."})
    assert answer.status_code == 200
    assert "Nothing was added" in answer.text and "Nothing fits &lt;here&gt;." in answer.text


@pytest.mark.parametrize(
    ("claim", "value"),
    [
        ("iss", "someone-else"),
        ("aud", "https://elsewhere.example"),
        ("nonce", None),
        ("exp", 1),
        (LTI + "deployment_id", "other"),
        (LTI + "message_type", "LtiResourceLinkRequest"),
        (LTI + "version", "1.1"),
        (DL + "data", "made up"),
    ],
)
def test_an_answer_with_one_wrong_claim_adds_nothing(
    lms: Any, request_claims: dict[str, Any], claim: str, value: Any
) -> None:
    assert picked(lms, request_claims, [item(lms)], **{claim: value}).status_code in {400, 404}
    assert "Say no kindly" not in lms.client.get("/", params=PLACE).text


def test_an_answer_works_once_and_leads_to_the_tool_only(lms: Any, request_claims: dict[str, Any]) -> None:
    foreign = picked(lms, request_claims, [item(lms, url="https://elsewhere.example/")])
    assert foreign.status_code == 400
    request = opened(lms, person="tp-2007")
    assert picked(lms, request, [item(lms)]).status_code == 200
    assert picked(lms, request, [item(lms)]).status_code == 400


def test_learners_add_review_and_copy_nothing(lms: Any) -> None:
    learner = {**PLACE, "person": "tp-1041"}
    assert lms.client.get("/add", params=learner).status_code == 403
    for click in ({}, {"activity": "practice-damaged-lamp", "review": "tp-1042"}):
        answer = lms.client.get(
            "/org/tarnwell/launch", params={"course": COURSE, "person": "tp-1041", **click}
        )
        assert answer.status_code == 403
    assert lms.client.post("/courses/copy", data=learner).status_code == 403
    assert "Add an activity" not in lms.client.get("/", params=learner).text


def test_submission_review_names_the_learner_and_the_column(lms: Any, request_claims: dict[str, Any]) -> None:
    claims = opened(lms, person="tp-2007", activity="practice-damaged-lamp", review="tp-1041")
    assert claims[LTI + "message_type"] == "LtiSubmissionReviewRequest"
    assert claims[LTI + "for_user"]["user_id"] == "tp-1041"
    assert "/lineitems/practice-damaged-lamp/" in claims[AGS]["lineitem"]
    assert claims["sub"] == "tp-2007"
    activity = added(picked(lms, request_claims, [graded(lms)]))
    placed = opened(lms, person="tp-2007", activity=activity, review="tp-1041")
    assert placed[LTI + "target_link_uri"].endswith("/lti/launch?review=1")
    page = lms.client.get("/", params={**PLACE, "activity": activity, "review": "tp-1041"}).text
    assert "The work of Maya Okafor" in page and "review=tp-1041" in page
    ungraded = lms.client.get(
        "/org/tarnwell/launch",
        params={"course": COURSE, "person": "tp-2007", "activity": "support-ask", "review": "tp-1041"},
    )
    assert ungraded.status_code == 404


class Listener:
    """The tool's handler for notices."""

    def __init__(self) -> None:
        self.bodies: list[Any] = []
        bodies = self.bodies

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                bodies.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                self.send_response(202)
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None:
                """Keep the test's output clean."""

        self.server = HTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/lti/notices"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def listener() -> Iterator[Listener]:
    listener = Listener()
    yield listener
    listener.server.shutdown()
    listener.server.server_close()


def notice_bearer(lms: Any, scope: str) -> dict[str, str]:
    facts = lms.facts["tarnwell"]
    granted = lms.client.post(
        "/org/tarnwell/token",
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": lms.tool.assertion(facts["client_id"], facts["token_url"]),
            "scope": scope,
        },
    ).json()
    return {"Authorization": f"Bearer {granted['access_token']}"}


def test_a_copied_course_is_a_course_of_its_own(lms: Any) -> None:
    change = {
        "organisation": "tarnwell",
        "course": COURSE,
        "line_item": "practice-damaged-lamp",
        "learner": "tp-1041",
        "person": "tp-2007",
        "score": 8,
    }
    lms.client.post("/grades", json=change).raise_for_status()
    answer = lms.client.post("/courses/copy", data=PLACE)
    copy = parse_qs(urlsplit(answer.headers["location"]).query)["course"][0]
    assert copy != COURSE
    seen = lms.course("tarnwell", copy)
    assert seen["title"] == "Support onboarding (copy)" and seen["results"] == []
    assert len(seen["line_items"]) == 6
    activity = seen["line_items"][0]["id"]
    claims = opened(lms, course=copy, person="tp-1041", activity=activity)
    assert claims[LTI + "context"]["id"] == copy
    assert claims[LTI + "custom"]["context_history"] == COURSE
    assert claims[LTI + "custom"]["resource_link_history"] == "practice-new-address"
    # What was placed and then copied carries the content's id and where it came from.
    placed = added(picked(lms, opened(lms, person="tp-2007"), [graded(lms)]))
    other = lms.client.post("/courses/copy", data=PLACE).headers["location"]
    other = parse_qs(urlsplit(other).query)["course"][0]
    column = next(
        one for one in lms.course("tarnwell", other)["line_items"] if one["label"] == "Say no kindly"
    )
    assert opened(lms, course=other, person="tp-1041", activity=column["id"])[LTI + "custom"] == {
        "placement": "p1",
        "context_history": COURSE,
        "resource_link_history": placed,
    }
    # A copy of the copy knows both.
    again = lms.client.post("/courses/copy", data={**PLACE, "course": copy})
    second = parse_qs(urlsplit(again.headers["location"]).query)["course"][0]
    first = lms.course("tarnwell", second)["line_items"][0]["id"]
    custom = opened(lms, course=second, person="tp-1041", activity=first)[LTI + "custom"]
    assert custom["context_history"] == f"{copy},{COURSE}"
    removed = lms.client.post("/courses/remove", data={**PLACE, "course": copy})
    assert removed.status_code == 303
    assert lms.client.get("/", params={**PLACE, "course": copy}).status_code == 404
    assert lms.client.post("/courses/remove", data=PLACE).status_code == 400


def test_who_asked_for_it_hears_of_the_copy(lms: Any, listener: Listener, monkeypatch: Any) -> None:
    service = opened(lms, person="tp-2007")[LTI + "platformnotificationservice"]
    assert service["notice_types_supported"] == ["LtiContextCopyNotice", "LtiHelloWorldNotice"]
    url, bearer = service["platform_notification_service_url"], notice_bearer(lms, service["scope"][0])
    foreign = {"notice_type": "LtiContextCopyNotice", "handler": "https://elsewhere.example/n"}
    assert lms.client.put(url, json=foreign, headers=bearer).status_code == 400
    # The handler's host is the tool's own; the test's tool listens for notices at another port.
    handler = f"{lms.tool.url}/lti/notices"
    wanted = {"notice_type": "LtiContextCopyNotice", "handler": handler}
    assert lms.client.put(url, json=wanted, headers=bearer).json() == wanted
    shown = lms.client.get(url, headers=bearer).json()
    assert wanted in shown["notice_handlers"] and shown["deployment_id"] == "tarnwell-1"
    monkeypatch.setattr(lms.client.app.state.lms, "tool_service", listener.url.removesuffix("/lti/notices"))
    copy = lms.client.post("/courses/copy", data=PLACE).headers["location"]
    deadline = time.monotonic() + 20
    while not listener.bodies and time.monotonic() < deadline:
        time.sleep(0.05)
    [body] = listener.bodies
    keys = jwt.PyJWKSet.from_dict(lms.client.get("/org/tarnwell/jwks.json").json())
    token = body["notices"][0]["jwt"]
    claims = jwt.decode(
        token, keys[jwt.get_unverified_header(token)["kid"]], ["RS256"], audience="workside-tarnwell"
    )
    assert claims[LTI + "notice"]["type"] == "LtiContextCopyNotice"
    assert claims[LTI + "context"]["id"] in copy
    assert claims[LTI + "origin_contexts"] == [COURSE]
    # An empty handler ends it.
    assert lms.client.put(url, json={**wanted, "handler": ""}, headers=bearer).status_code == 200
    lms.client.post("/courses/copy", data=PLACE)
    time.sleep(0.3)
    assert len(listener.bodies) == 1


def test_notice_handlers_are_for_who_has_the_scope(lms: Any) -> None:
    url = opened(lms, person="tp-2007")[LTI + "platformnotificationservice"][
        "platform_notification_service_url"
    ]
    assert lms.client.get(url).status_code == 401
    assert lms.client.get(url, headers=lms.bearer("tarnwell", "score")).status_code == 403
