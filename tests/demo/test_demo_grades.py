"""The demo LMS's grade services: as strict as the platforms whose rules it copies."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from demo.platform import private_key

AGS = "https://purl.imsglobal.org/spec/lti-ags/"
COURSE = ("tarnwell", "support-onboarding")
LEARNER = "tp-1041"


@pytest.fixture
def item(lms: Any) -> str:
    """The line item's address as a learner's launch gives it."""
    address: str = lms.launch(*COURSE, "practice-damaged-lamp", LEARNER)[AGS + "claim/endpoint"]["lineitem"]
    return address


def score(points: float = 8, ago: float = 10, **changes: Any) -> dict[str, Any]:
    """A final score of a learner, stamped `ago` seconds in the past; a change to None leaves the member out."""
    moment = datetime.now(UTC).replace(microsecond=0) - timedelta(seconds=ago)
    body = {
        "userId": LEARNER,
        "scoreGiven": points,
        "scoreMaximum": 10,
        "comment": "Checked the address first.",
        "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%S.000Z"),
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
    } | changes
    return {name: value for name, value in body.items() if value is not None}


def result(lms: Any) -> dict[str, Any]:
    (found,) = lms.course(*COURSE)["results"]
    return dict(found)


# Tokens


def test_token_grants_the_asked_scopes(lms: Any) -> None:
    granted = lms.token_request("tarnwell", "score", "result.readonly").json()
    assert granted["token_type"].lower() == "bearer"
    assert granted["expires_in"] == 3600
    assert set(granted["scope"].split()) == {AGS + "scope/score", AGS + "scope/result.readonly"}


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "workside-fennmoor"},
        {"sub": "somebody"},
        {"aud": "http://127.0.0.1:8100/org/fennmoor/token"},
        {"exp": 1},
        {"iat": 4102444800},
        {"jti": None},
        {"exp": None},
    ],
    ids=str,
)
def test_wrong_assertions_are_refused(lms: Any, claims: dict[str, Any]) -> None:
    answer = lms.token_request("tarnwell", "score", **claims)
    assert answer.status_code == 401
    assert answer.json()["error"] == "invalid_client"


def test_an_assertion_works_once(lms: Any) -> None:
    assert lms.token_request("tarnwell", "score", jti="one").status_code == 200
    assert lms.token_request("tarnwell", "score", jti="one").status_code == 401


def test_an_assertion_of_another_key_is_refused(lms: Any) -> None:
    foreign = type(lms.tool)()
    foreign.kid = lms.tool.kid
    facts = lms.facts["tarnwell"]
    answer = lms.client.post(
        "/org/tarnwell/token",
        data={
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": foreign.assertion(facts["client_id"], facts["token_url"]),
            "scope": AGS + "scope/score",
        },
    )
    foreign.close()
    assert answer.status_code == 401


def test_a_rotated_key_is_fetched(lms: Any) -> None:
    assert lms.token_request("tarnwell", "score").status_code == 200
    lms.tool.rotate()
    assert lms.token_request("tarnwell", "score").status_code == 200


def test_token_request_without_a_known_scope_or_in_json_is_refused(lms: Any) -> None:
    assert lms.token_request("tarnwell", "unheard-of").json()["error"] == "invalid_scope"
    assert (
        lms.client.post("/org/tarnwell/token", json={"grant_type": "client_credentials"}).status_code == 400
    )


# Scores


def test_score_arrives_in_gradebook_history_and_results(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score", "result.readonly")
    sent = lms.send_score(item, score(8), bearer)
    assert sent.status_code == 200, sent.text
    assert result(lms)["score"] == 8
    (arrival,) = lms.course(*COURSE)["arrivals"]
    assert (arrival["outcome"], arrival["status"], arrival["comment"]) == (
        "recorded",
        200,
        "Checked the address first.",
    )

    path, _, query = item.partition("?")
    (read,) = lms.client.get(f"{path}/results?{query}&user_id={LEARNER}", headers=bearer).json()
    assert read["resultScore"] == 8
    assert read["resultMaximum"] == 10
    assert read["scoreOf"] == item
    assert lms.client.get(f"{path}/results?{query}&user_id=tp-1042", headers=bearer).json() == []


def test_score_is_scaled_to_the_column_and_clipped(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    lms.send_score(item, score(3, ago=9, scoreMaximum=4), bearer)
    assert result(lms)["score"] == 7.5
    lms.send_score(item, score(12, ago=5), bearer)
    assert result(lms)["score"] == 10


def test_a_score_that_is_not_newer_is_refused(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    first = score(8, ago=10)
    assert lms.send_score(item, first, bearer).status_code == 200
    same_second = first["timestamp"].replace(".000Z", ".900Z")
    for stale in (first, score(3, timestamp=same_second), score(3, ago=60)):
        assert lms.send_score(item, stale, bearer).status_code == 409
    assert lms.send_score(item, score(9, ago=8), bearer).status_code == 200
    assert result(lms)["score"] == 9
    assert [entry["outcome"] for entry in lms.course(*COURSE)["arrivals"]] == ["recorded"] + [
        "refused"
    ] * 3 + ["recorded"]


@pytest.mark.parametrize(
    "changes",
    [
        {"userId": "tp-2007"},
        {"userId": "fl-310"},
        {"userId": 1041},
        {"userId": None},
        {"activityProgress": "Done"},
        {"gradingProgress": None},
        {"scoreMaximum": None},
        {"scoreMaximum": 0},
        {"scoreGiven": -1},
        {"scoreGiven": "8"},
        {"scoreGiven": True},
        {"timestamp": None},
        {"timestamp": 1700000000},
        {"timestamp": "2026-11-22T10:00:00"},
        {"timestamp": "2026-02-31T10:00:00Z"},
        {"timestamp": "2999-01-01T00:00:00Z"},
    ],
    ids=str,
)
def test_malformed_scores_are_refused_and_change_nothing(
    lms: Any, item: str, changes: dict[str, Any]
) -> None:
    answer = lms.send_score(item, score(**changes), lms.bearer("tarnwell", "score"))
    assert answer.status_code == 400
    assert lms.course(*COURSE)["results"] == []


def test_not_a_number_is_refused(lms: Any, item: str) -> None:
    answer = lms.send_score(item, score(scoreGiven=float("nan")), lms.bearer("tarnwell", "score"))
    assert answer.status_code == 400


def test_a_score_that_is_not_final_clears_the_grade(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    lms.send_score(item, score(8, ago=9), bearer)
    assert lms.send_score(item, score(8, ago=5, gradingProgress="PendingManual"), bearer).status_code == 200
    assert result(lms)["score"] is None
    assert lms.course(*COURSE)["arrivals"][0]["outcome"] == "cleared"


def test_score_address_type_scope_and_token_are_checked(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    assert lms.send_score(item, score(), bearer, "application/json").status_code == 400
    assert lms.client.post(item + "/scores", json=score(), headers=bearer).status_code in (404, 405)
    assert (
        lms.send_score(item, score(), lms.bearer("tarnwell", "result.readonly", "lineitem")).status_code
        == 401
    )
    assert lms.send_score(item, score(), lms.bearer("fennmoor", "score")).status_code == 401
    for wrong in ({}, {"Authorization": "Bearer nonsense"}, {"Authorization": "Basic eDp5"}):
        assert lms.send_score(item, score(), wrong).status_code == 401
    assert lms.send_score(item.replace("damaged-lamp", "nothing"), score(), bearer).status_code == 404
    assert lms.course(*COURSE)["results"] == []


# A person's grade


def edit(lms: Any, points: float | None, person: str = "tp-2007", **headers: str) -> Any:
    change = {
        "organisation": COURSE[0],
        "course": COURSE[1],
        "line_item": "practice-damaged-lamp",
        "learner": LEARNER,
        "person": person,
        "score": points,
    }
    return lms.client.post("/grades", json=change, headers=headers)


def test_an_edited_grade_stays(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    lms.send_score(item, score(8, ago=30), bearer)
    assert edit(lms, 5).status_code == 200
    # Older than the edit: refused. Newer: taken, and yet the person's grade stays.
    assert lms.send_score(item, score(9, ago=20), bearer).status_code == 409
    assert lms.send_score(item, score(9, ago=-2), bearer).status_code == 200
    assert (result(lms)["score"], result(lms)["is_by_hand"]) == (5, True)
    assert lms.course(*COURSE)["arrivals"][0]["outcome"] == "kept"
    assert edit(lms, None).status_code == 200
    assert lms.send_score(item, score(9, ago=-4), bearer).status_code == 200
    assert (result(lms)["score"], result(lms)["is_by_hand"]) == (9, False)


def test_only_instructors_on_the_lms_page_edit(lms: Any) -> None:
    assert edit(lms, 5, person=LEARNER).status_code == 403
    assert edit(lms, 5, person="fl-020").status_code == 404
    assert edit(lms, 11).status_code == 400
    assert edit(lms, 5, Origin="http://localhost:8000").status_code == 403
    assert edit(lms, 5, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert lms.course(*COURSE)["results"] == []


# Columns and members


def test_line_items_can_be_listed_made_changed_and_deleted(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "lineitem")
    container = item.rpartition("/lineitems/")[0] + "/lineitems"
    kind = {"Content-Type": "application/vnd.ims.lis.v2.lineitem+json"}
    body = {"label": "Plan", "scoreMaximum": 5, "resourceId": "plan-1", "tag": "plan"}
    made = lms.client.post(container, content=json.dumps(body), headers=bearer | kind)
    assert made.status_code == 201
    column = made.json()
    assert {name: column[name] for name in body} == body
    found = lms.client.get(container, params={"resource_id": "plan-1", "tag": "plan"}, headers=bearer)
    assert found.headers["content-type"].startswith("application/vnd.ims.lis.v2.lineitemcontainer+json")
    assert found.json() == [column]

    first = lms.client.get(container, params={"limit": 1}, headers=bearer)
    assert len(first.json()) == 1
    assert 'rel="next"' in first.headers["link"]

    changed = lms.client.put(
        column["id"], content=json.dumps(column | {"label": "My plan"}), headers=bearer | kind
    )
    assert changed.json()["label"] == "My plan"
    assert lms.client.delete(item, headers=bearer).status_code == 204
    assert lms.client.get(item, headers=bearer).status_code == 404
    claims = lms.launch(*COURSE, "practice-damaged-lamp", LEARNER)
    assert "lineitem" not in claims[AGS + "claim/endpoint"]
    refused = lms.client.post(container, content=json.dumps({"label": "x"}), headers=bearer | kind)
    assert refused.status_code == 400


def test_members_of_the_course(lms: Any) -> None:
    claims = lms.launch(*COURSE, "support-ask", "tp-2007")
    address = claims["https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"][
        "context_memberships_url"
    ]
    scope = "https://purl.imsglobal.org/spec/lti-nrps/scope/contextmembership.readonly"
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
    people = lms.client.get(address, headers={"Authorization": f"Bearer {granted['access_token']}"}).json()
    assert people["context"]["id"] == "support-onboarding"
    assert {(member["user_id"], member["roles"][0]) for member in people["members"]} == {
        ("tp-1041", "Learner"),
        ("tp-1042", "Learner"),
        ("tp-2007", "Instructor"),
        ("tp-2011", "Instructor"),
        ("tp-1033", "Learner"),
    }
    # Who left is in the roster all the same, and nobody else is inactive.
    assert [one["user_id"] for one in people["members"] if one["status"] == "Inactive"] == ["tp-1033"]
    found, following = [], f"{address}?limit=2"
    while following:
        page = lms.client.get(following, headers={"Authorization": f"Bearer {granted['access_token']}"})
        assert "next" not in page.json()
        found += [member["user_id"] for member in page.json()["members"]]
        following = page.links["next"]["url"] if "next" in page.links else ""
    assert len(found) == len(set(found)) == 5
    assert lms.client.get(address, headers=lms.bearer("tarnwell", "score")).status_code == 401


# Bad days and restarts


def test_gradebook_down_then_up(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    lms.switch(gradebook="down")
    assert lms.send_score(item, score(), bearer).status_code == 503
    assert lms.course(*COURSE)["arrivals"] == []
    lms.switch(gradebook="up")
    assert lms.send_score(item, score(), bearer).status_code == 200


def test_a_lost_reply_leaves_the_score_recorded(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    lms.switch(gradebook="reply-lost")
    assert lms.send_score(item, score(8), bearer).status_code == 504
    assert result(lms)["score"] == 8


def test_slow_is_slow(lms: Any, item: str) -> None:
    bearer = lms.bearer("tarnwell", "score")
    lms.switch(slow_seconds=0.3)
    before = datetime.now(UTC)
    assert lms.send_score(item, score(), bearer).status_code == 200
    assert datetime.now(UTC) - before >= timedelta(seconds=0.3)


def test_switches_refuse_what_they_do_not_know(lms: Any) -> None:
    for wrong in ({"gradebook": "gone"}, {"unknown": True}, {"slow_seconds": -1}):
        assert lms.client.post("/switches", json=wrong).status_code == 422
    assert lms.client.get("/switches").json()["gradebook"] == "up"


def test_gradebook_and_keys_survive_a_restart(start_lms: Callable[[], Any]) -> None:
    lms = start_lms()
    item = lms.launch(*COURSE, "practice-damaged-lamp", LEARNER)[AGS + "claim/endpoint"]["lineitem"]
    bearer = lms.bearer("tarnwell", "score")
    sent = score(8)
    lms.send_score(item, sent, bearer)
    keys = lms.client.get("/org/tarnwell/jwks.json").json()
    lms.switch(gradebook="down")

    lms = start_lms()
    assert result(lms)["score"] == 8
    assert len(lms.course(*COURSE)["arrivals"]) == 1
    assert lms.client.get("/org/tarnwell/jwks.json").json() == keys
    assert lms.client.get("/switches").json()["gradebook"] == "up"
    assert lms.send_score(item, sent, bearer).status_code == 409


def test_forgetting_empties_the_gradebook(lms: Any, item: str) -> None:
    lms.send_score(item, score(8), lms.bearer("tarnwell", "score"))
    lms.client.post("/gradebook/forget").raise_for_status()
    assert lms.course(*COURSE)["results"] == lms.course(*COURSE)["arrivals"] == []


def test_keys_are_made_once_and_for_their_owner_only(tmp_path: Path) -> None:
    made = private_key(tmp_path / "key.pem")
    assert private_key(tmp_path / "key.pem") == made
    assert (tmp_path / "key.pem").stat().st_mode & 0o077 == 0
