"""F. Assignment and grade services: conformance cases 87-100."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from lti import (
    Conflict,
    Delivered,
    GradingUnavailable,
    Refused,
    Result,
    RetryLater,
    Score,
    ScoreInvalid,
    ServiceRefused,
    ServiceUnavailable,
    Superseded,
    TokenRefused,
    Wanted,
    Withheld,
    after_conflict,
    change_line_item,
    delete_line_item,
    ensure_line_item,
    find_line_item,
    line_items,
    may_send_at,
    next_stamp,
    read_line_item,
    read_result,
    results_url,
    score_url,
    send_score,
)
from lti.claims import LINEITEM_READ_SCOPE, RESULT_SCOPE, ROLES, SCORE_SCOPE
from tests.conformance.tool import Tool
from tests.fakes.platform import ABSENT, INSTRUCTOR, FakePlatform

WANTED = Wanted("Application at work", 100, "activity-5", "application", "link-1")


def _score(tool: Tool, given: float | None = 8, **changes: Any) -> Score:
    values: dict[str, Any] = {
        "user_id": "101",
        "timestamp": tool.clock().replace(microsecond=0),
        "score_given": given,
        "score_maximum": None if given is None else 10,
    }
    return Score(**{**values, **changes})


def _send(tool: Tool, score: Score, **how: Any) -> Any:
    return send_score(tool.services, tool.registration, tool.endpoint(), score, **how)


def test_case_87_scores_and_results_come_before_the_query() -> None:
    assert (
        score_url("https://x.example/1/lineitem?type_id=1") == "https://x.example/1/lineitem/scores?type_id=1"
    )
    assert (
        results_url("https://x.example/1/lineitem?a=1?b=2") == "https://x.example/1/lineitem/results?a=1?b=2"
    )
    assert score_url("https://x.example/1/lineitem/") == "https://x.example/1/lineitem/scores"
    assert score_url("https://x.example/1/line%20item#x") == "https://x.example/1/line%20item/scores"


def test_case_88_media_types_are_exact_and_the_user_agent_is_set(any_tool: Tool) -> None:
    tool = any_tool
    assert isinstance(_send(tool, _score(tool)), Delivered)
    read_result(tool.services, tool.registration, tool.endpoint(), "101")
    list(line_items(tool.services, tool.registration, tool.endpoint()))
    [score] = tool.platform.asked("scores")
    assert score.headers["content-type"] == "application/vnd.ims.lis.v1.score+json"
    assert score.headers["accept"] == "*/*"
    assert (
        tool.platform.asked("results")[0].headers["accept"]
        == "application/vnd.ims.lis.v2.resultcontainer+json"
    )
    assert (
        tool.platform.asked("lineitems")[0].headers["accept"]
        == "application/vnd.ims.lis.v2.lineitemcontainer+json"
    )
    assert all(request.headers["user-agent"].startswith("Workside/") for request in tool.platform.requests)


def test_case_89_the_body_of_a_score(tool: Tool) -> None:
    stamp = tool.clock().replace(microsecond=0)
    _send(
        tool,
        _score(tool, 8.5, comment="Well done", started_at=stamp - timedelta(minutes=5), submitted_at=stamp),
    )
    assert tool.platform.asked("scores")[0].json == {
        "userId": "101",
        "activityProgress": "Completed",
        "gradingProgress": "FullyGraded",
        "timestamp": "2026-11-23T09:00:00.000Z",
        "scoreGiven": 8.5,
        "scoreMaximum": 10,
        "comment": "Well done",
        "submission": {"startedAt": "2026-11-23T08:55:00.000Z", "submittedAt": "2026-11-23T09:00:00.000Z"},
    }


@pytest.mark.parametrize(
    "changes",
    [
        {"score_given": -1},
        {"score_given": float("nan")},
        {"score_given": float("inf")},
        {"score_maximum": 0},
        {"score_maximum": float("inf")},
        {"score_maximum": None},
        {"score_given": None},
        {"activity_progress": "Finished"},
        {"grading_progress": "Done"},
        {"user_id": ""},
        {"timestamp": datetime(2026, 11, 23)},
    ],
    ids=str,
)
def test_case_89_what_no_platform_may_take_is_no_score(tool: Tool, changes: dict[str, Any]) -> None:
    with pytest.raises(ScoreInvalid):
        _score(tool, **{"given": 8, **changes})


def test_case_90_stamps_are_whole_seconds_a_second_apart_and_never_ahead() -> None:
    now = datetime(2026, 11, 23, 9, 0, 30, 700_000, tzinfo=UTC)
    evidence = datetime(2026, 11, 23, 9, 0, 10, 900_000, tzinfo=UTC)
    first = next_stamp(None, evidence, now)
    assert first == datetime(2026, 11, 23, 9, 0, 10, tzinfo=UTC)
    second = next_stamp(first, evidence, now)
    assert second == first + timedelta(seconds=1)
    assert next_stamp(second, evidence - timedelta(days=1), now) == second + timedelta(seconds=1)
    assert next_stamp(None, now + timedelta(hours=1), now) == now.replace(microsecond=0)
    assert may_send_at(second) == second + timedelta(seconds=1)


def test_case_90_a_stamp_ahead_of_the_clock_is_not_sent(any_tool: Tool) -> None:
    outcome = _send(any_tool, _score(any_tool, timestamp=any_tool.clock() + timedelta(seconds=3)))
    assert outcome == RetryLater(4.0, "the stamp lies ahead of the clock")
    assert any_tool.platform.asked("scores") == []


def test_case_90_three_quick_scores_with_their_stamps_are_all_taken(any_tool: Tool) -> None:
    """What Moodle (409 within a second) and Open edX (400 when equal) refuse does not arise."""
    tool = any_tool
    stamp, evidence = None, tool.clock()
    for given in (5.0, 6.0, 7.0):
        stamp = next_stamp(stamp, evidence, tool.clock())
        tool.clock.moment = max(tool.clock.moment, may_send_at(stamp))
        assert isinstance(_send(tool, _score(tool, given, timestamp=stamp)), Delivered)
    result = read_result(tool.services, tool.registration, tool.endpoint(), "101")
    assert result is not None and result.fraction == pytest.approx(0.7)


@pytest.mark.parametrize("personality", ["moodle", "canvas", "openedx"])
def test_case_91_a_pending_score_stays_with_us(clock: Any, personality: str) -> None:
    tool = Tool(clock, FakePlatform(clock, personality))
    assert isinstance(_send(tool, _score(tool)), Delivered)
    clock.advance(2)
    pending = _score(tool, None, grading_progress="PendingManual", activity_progress="Submitted")
    assert isinstance(_send(tool, pending), Withheld)
    assert tool.platform.cell("101").score is not None


def test_case_91_a_pending_score_never_follows_a_final_one_unless_it_is_meant_to_clear(tool: Tool) -> None:
    pending = _score(tool, None, grading_progress="Pending")
    assert isinstance(_send(tool, pending, last_delivered="FullyGraded"), Withheld)
    assert isinstance(_send(tool, pending, last_delivered="Pending"), Delivered)
    tool.clock.advance(2)
    cleared = replace(pending, timestamp=tool.clock())
    assert isinstance(_send(tool, cleared, last_delivered="FullyGraded", is_clearing=True), Delivered)
    assert tool.platform.cell("101").score is None


@pytest.mark.parametrize("given", [0, None])
def test_case_91_an_open_edx_gradebook_never_receives_a_zero(clock: Any, given: float | None) -> None:
    tool = Tool(clock, FakePlatform(clock, "openedx"))
    assert isinstance(_send(tool, _score(tool, given)), Withheld)
    assert isinstance(_send(tool, _score(tool, given), is_clearing=True), Withheld)
    assert tool.platform.asked("scores") == []


def test_case_92_nobody_but_a_learner_of_the_course_is_graded(tool: Tool) -> None:
    assert tool.accepted(tool.launch()).is_gradable
    assert not tool.accepted(tool.launch(**{ROLES: [INSTRUCTOR]})).is_gradable
    assert not tool.accepted(tool.launch(**{ROLES: []})).is_gradable
    tool.change(allow_anonymous=True)
    assert not tool.accepted(tool.launch(sub=ABSENT)).is_gradable


def test_case_93_submission_times_are_in_order_and_extensions_go_to_those_who_know_them(clock: Any) -> None:
    moment = clock()
    with pytest.raises(ScoreInvalid):
        Score("101", moment, started_at=moment, submitted_at=moment - timedelta(seconds=1))
    for personality in ("canvas", "moodle", "openedx", "generic"):
        tool = Tool(clock, FakePlatform(clock, personality))
        _send(tool, _score(tool))
        extended = "https://canvas.instructure.com/lti/submission" in tool.platform.asked("scores")[0].json
        assert extended == (personality == "canvas")
        assert tool.platform.cell("101").submissions == 0


def test_case_94_without_a_line_item_it_is_found_by_our_ids(tool: Tool) -> None:
    tool.platform.add_column("Other", 10, resource_link_id="link-1", resource_id="activity-4", tag="plan")
    url = tool.platform.add_column(
        "Ours", 10, resource_link_id="link-1", resource_id="activity-5", tag="application"
    )
    endpoint = tool.endpoint(lineitem=None)
    found, is_new = ensure_line_item(tool.services, tool.registration, endpoint, WANTED)
    assert found.url == url and not is_new
    assert find_line_item(tool.services, tool.registration, endpoint, resource_link_id="link-1") is None, (
        "three fit"
    )
    plan = find_line_item(tool.services, tool.registration, endpoint, resource_link_id="link-1", tag="plan")
    assert plan is not None and plan.resource_id == "activity-4"


def test_case_94_the_links_only_column_is_found_by_the_link(tool: Tool) -> None:
    found = find_line_item(
        tool.services, tool.registration, tool.endpoint(lineitem=None), resource_link_id="link-1"
    )
    assert found is not None and found.url == tool.platform.column_url("1")


def test_case_94_without_the_scope_none_is_made(tool: Tool) -> None:
    endpoint = replace(tool.endpoint(LINEITEM_READ_SCOPE, SCORE_SCOPE), lineitem=None)
    with pytest.raises(GradingUnavailable):
        ensure_line_item(tool.services, tool.registration, endpoint, WANTED)
    with pytest.raises(GradingUnavailable):
        ensure_line_item(tool.services, tool.registration, replace(endpoint, lineitems=None), WANTED)
    assert all(request.method == "GET" for request in tool.platform.asked("lineitems"))


def test_case_94_an_empty_line_item_claim_is_none(tool: Tool) -> None:
    claim = {"lineitem": "", "lineitems": tool.platform.lineitems_url, "scope": [SCORE_SCOPE]}
    launch = tool.accepted(tool.launch(**{"https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": claim}))
    assert launch.ags is not None and launch.ags.lineitem is None
    outcome = send_score(tool.services, tool.registration, launch.ags, _score(tool))
    assert isinstance(outcome, Refused) and outcome.is_gone


@pytest.mark.parametrize("style", ["plain", "moodle", "unquoted"])
def test_case_95_every_page_is_read(tool: Tool, style: Any) -> None:
    for number in range(6):
        tool.platform.add_column(f"Column {number}", 10)
    tool.platform.page_size, tool.platform.link_style = 2, style
    assert len(list(line_items(tool.services, tool.registration, tool.endpoint()))) == 7
    asked = tool.platform.asked("lineitems")
    assert len(asked) == 4
    assert all("limit=" not in request.url and "&amp;" not in request.url for request in asked)


@pytest.mark.parametrize("style", ["foreign", "loop"])
def test_case_95_paging_ends_at_another_host_and_at_a_page_seen_before(tool: Tool, style: Any) -> None:
    tool.platform.add_column("Second", 10)
    tool.platform.page_size, tool.platform.link_style = 1, style
    assert len(list(line_items(tool.services, tool.registration, tool.endpoint()))) == 1
    assert not any("elsewhere" in url for url in tool.network.requested)


def test_case_95_paging_ends_after_a_hundred_pages(tool: Tool) -> None:
    for number in range(120):
        tool.platform.add_column(f"Column {number}", 10)
    tool.platform.page_size = 1
    assert len(list(line_items(tool.services, tool.registration, tool.endpoint()))) == 100


def test_case_95_a_column_on_another_host_is_not_seen(tool: Tool) -> None:
    tool.platform.columns["1"].item["id"] = "https://evil.example/lineitem"
    assert list(line_items(tool.services, tool.registration, tool.endpoint())) == []


def test_case_96_a_column_is_made_once(tool: Tool) -> None:
    endpoint = tool.endpoint(lineitem=None)
    made, is_new = ensure_line_item(tool.services, tool.registration, endpoint, WANTED)
    assert is_new and made.url in {column.item["id"] for column in tool.platform.columns.values()}
    [request] = [request for request in tool.platform.asked("lineitems") if request.method == "POST"]
    assert request.json == {
        "label": "Application at work",
        "scoreMaximum": 100,
        "resourceId": "activity-5",
        "tag": "application",
        "resourceLinkId": "link-1",
    }
    assert request.headers["content-type"] == "application/vnd.ims.lis.v2.lineitem+json"
    assert ensure_line_item(tool.services, tool.registration, endpoint, WANTED) == (made, False)
    assert len(tool.platform.columns) == 2


def test_case_96_after_a_lost_reply_it_looks_before_it_makes_another(tool: Tool) -> None:
    endpoint = tool.endpoint(lineitem=None)
    list(line_items(tool.services, tool.registration, endpoint))
    tool.platform._faults["lineitems"] = []
    original = tool.platform._create

    def create_and_lose(request: Any) -> Any:
        tool.platform._faults["lineitems"] = []
        original(request)
        from lti import EgressFailed

        raise EgressFailed("the reply was lost")

    tool.platform._create = create_and_lose  # type: ignore[method-assign]
    made, is_new = ensure_line_item(tool.services, tool.registration, endpoint, WANTED)
    assert is_new and made.resource_id == "activity-5"
    assert len(tool.platform.columns) == 2


def test_case_96_sakai_does_not_take_over_a_teachers_column(clock: Any) -> None:
    tool = Tool(clock, FakePlatform(clock, "sakai"))
    tool.platform.add_column(WANTED.label, 50)
    wanted = replace(WANTED, resource_id="activity|5")
    made, is_new = ensure_line_item(tool.services, tool.registration, tool.endpoint(lineitem=None), wanted)
    assert is_new and made.label == "Application at work (2)" and made.resource_id == "activity5"
    again, is_new = ensure_line_item(tool.services, tool.registration, tool.endpoint(lineitem=None), wanted)
    assert again.url == made.url and not is_new


def test_case_97_a_change_writes_the_whole_object(tool: Tool) -> None:
    made, _ = ensure_line_item(tool.services, tool.registration, tool.endpoint(lineitem=None), WANTED)
    tool.platform.columns["2"].item["vendor"] = {"kept": True}
    read = read_line_item(tool.services, tool.registration, tool.endpoint(), made.url)
    assert read is not None
    changed = change_line_item(tool.services, tool.registration, tool.endpoint(), read, label="Renamed")
    assert (
        changed.label == "Renamed"
        and changed.resource_id == "activity-5"
        and changed.resource_link_id == "link-1"
    )
    assert tool.platform.columns["2"].item["vendor"] == {"kept": True}


def test_case_97_gone_is_gone_and_anothers_column_is_never_deleted(tool: Tool) -> None:
    made, _ = ensure_line_item(tool.services, tool.registration, tool.endpoint(lineitem=None), WANTED)
    with pytest.raises(ValueError, match="never deleted"):
        delete_line_item(
            tool.services, tool.registration, tool.endpoint(), tool.platform.column_url("1"), is_ours=False
        )
    for _ in range(2):
        delete_line_item(tool.services, tool.registration, tool.endpoint(), made.url, is_ours=True)
    assert set(tool.platform.columns) == {"1"}
    assert read_line_item(tool.services, tool.registration, tool.endpoint(), made.url) is None
    tool.platform.fail("lineitem", 403, b"no")
    with pytest.raises(ServiceRefused):
        delete_line_item(tool.services, tool.registration, tool.endpoint(), made.url, is_ours=True)
    with pytest.raises(ServiceRefused):
        delete_line_item(
            tool.services, tool.change(platform="openedx"), tool.endpoint(), made.url, is_ours=True
        )


@pytest.mark.parametrize(
    ("item", "result"),
    [
        ({"userId": "101", "resultScore": 8, "resultMaximum": 10}, Result("101", 8.0, 10.0)),
        ({"userId": "101", "resultScore": 0.8}, Result("101", 0.8, 1.0)),
        ({"userId": "101", "resultScore": None, "resultMaximum": 10}, Result("101", None, 10.0)),
        ({"userId": "101"}, Result("101", None)),
        ({"userId": 101, "resultScore": "8", "resultMaximum": True}, Result("101", None)),
        ({"userId": "101", "resultScore": 1, "comment": "Good"}, Result("101", 1.0, 1.0, "Good")),
    ],
    ids=str,
)
def test_case_98_a_result_may_lack_most(tool: Tool, item: dict[str, Any], result: Result) -> None:
    tool.platform.fail("results", 200, json.dumps([{"userId": "102", "resultScore": 3}, item]).encode())
    assert read_result(tool.services, tool.registration, tool.endpoint(), "101") == result


def test_case_98_others_results_are_filtered_here(any_tool: Tool) -> None:
    tool = any_tool
    for user, given in (("102", 3.0), ("101", 8.0), ("103", 5.0)):
        assert isinstance(_send(tool, _score(tool, given, user_id=user)), Delivered)
    tool.platform.page_size = 1
    result = read_result(tool.services, tool.registration, tool.endpoint(), "101")
    assert result is not None and result.user_id == "101" and result.fraction == pytest.approx(0.8)
    assert read_result(tool.services, tool.registration, tool.endpoint(), "104") is None


def test_case_98_a_teachers_grade_is_not_fought(any_tool: Tool) -> None:
    tool = any_tool
    score = _score(tool)
    assert isinstance(_send(tool, score), Delivered)
    tool.clock.advance(60)
    tool.platform.teacher_grades("101", 55)
    conflict = _send(tool, replace(score, score_given=9.0, timestamp=score.timestamp + timedelta(seconds=1)))
    assert isinstance(conflict, Conflict)
    newer = replace(score, score_given=9.0)
    assert isinstance(
        after_conflict(tool.services, tool.registration, tool.endpoint(), newer, conflict), Superseded
    )
    assert tool.platform.cell("101").score == 55


# --- case 99: the response matrix ------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_case_99_any_2xx_is_delivered(tool: Tool, status: int) -> None:
    tool.platform.fail("scores", status, b"")
    assert _send(tool, _score(tool)) == Delivered(status)


@pytest.mark.parametrize("status", [400, 409])
def test_case_99_400_and_409_are_settled_by_reading_back(tool: Tool, status: int) -> None:
    score = _score(tool)
    tool.platform.fail("scores", status, b"<p>Refusing score with an earlier\ntimestamp</p>")
    conflict = _send(tool, score)
    assert conflict == Conflict(status, "Refusing score with an earlier timestamp")
    settled = after_conflict(tool.services, tool.registration, tool.endpoint(), score, conflict)
    assert settled == Refused(conflict.reason, status, may_restamp=status == 409), "nothing is held"
    tool.platform.fail("results", 403)
    settled = after_conflict(tool.services, tool.registration, tool.endpoint(), score, conflict)
    assert isinstance(settled, Refused) and "cannot be read back" in settled.reason
    tool.platform.fail("results", 503, retry_after="9")
    assert after_conflict(tool.services, tool.registration, tool.endpoint(), score, conflict) == RetryLater(
        9.0, "cannot read the result back now: status 503"
    )


def test_case_99_a_lost_reply_is_found_to_be_delivered(any_tool: Tool) -> None:
    tool = any_tool
    score = _score(tool, comment="Well done")
    tool.platform.lose_reply("scores")
    assert isinstance(_send(tool, score), RetryLater)
    tool.clock.advance(30)
    second = _send(tool, score, is_first_try=False)
    if isinstance(second, Conflict):
        second = after_conflict(tool.services, tool.registration, tool.endpoint(), score, second)
    assert isinstance(second, Delivered)
    assert tool.platform.cell("101").history == (
        [80.0, 80.0] if tool.platform.personality == "canvas" else [80.0]
    ) or (tool.platform.personality == "openedx" and tool.platform.cell("101").history == [8])
    assert tool.platform.cell("101").comments == ["Well done"]


def test_case_99_401_after_renewal_is_a_missing_scope(clock: Any) -> None:
    tool = Tool(clock, FakePlatform(clock, "moodle"))
    tool.platform.granted_scopes = {RESULT_SCOPE}
    tool.platform.fail("token", 200, b'{"access_token": "claims-everything", "expires_in": 3600}', times=2)
    tool.platform.tokens["claims-everything"] = (frozenset({RESULT_SCOPE}), clock() + timedelta(hours=1))
    outcome = _send(tool, _score(tool))
    assert isinstance(outcome, TokenRefused) and outcome.status == 401
    assert "(scope missing)" in outcome.reason and "settings" in outcome.reason


@pytest.mark.parametrize("seconds", [None, 7])
def test_case_99_throttling_is_for_later_on_every_platform(any_tool: Tool, seconds: int | None) -> None:
    any_tool.platform.throttle("scores", seconds)
    outcome = _send(any_tool, _score(any_tool))
    assert isinstance(outcome, RetryLater) and outcome.after_seconds == seconds
    assert isinstance(_send(any_tool, _score(any_tool)), Delivered)


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("120", 120.0),
        ("Mon, 23 Nov 2026 09:00:30 GMT", 29.75),
        ("Mon, 23 Nov 2020 09:00:30 GMT", 0.0),
        ("99999999999", 86_400.0),
        ("soon", None),
        ("-1", None),
        ("²", None),
    ],
)
def test_case_99_retry_after_is_seconds_or_a_date(tool: Tool, value: str, seconds: float | None) -> None:
    tool.platform._faults["scores"] = []
    tool.platform.fail("scores", 429, retry_after=value)
    outcome = _send(tool, _score(tool))
    assert isinstance(outcome, RetryLater) and outcome.after_seconds == seconds


def test_case_99_a_403_is_for_good_unless_it_is_throttling(tool: Tool) -> None:
    tool.platform.fail("scores", 403, b"The user is not enrolled in the org unit")
    assert _send(tool, _score(tool)) == Refused("The user is not enrolled in the org unit", 403)


@pytest.mark.parametrize("status", [404, 410])
def test_case_99_a_missing_column_is_looked_for_again(tool: Tool, status: int) -> None:
    tool.platform.fail("scores", status)
    assert _send(tool, _score(tool)) == Refused("the gradebook column is gone", status, is_gone=True)


@pytest.mark.parametrize("status", [412, 422, 413, 405])
def test_case_99_semantic_refusals_are_for_good_with_their_words(tool: Tool, status: int) -> None:
    tool.platform.fail("scores", status, b'{"message": "attempts exhausted"}')
    assert _send(tool, _score(tool)) == Refused('{"message": "attempts exhausted"}', status)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_case_99_5xx_is_for_later(tool: Tool, status: int) -> None:
    tool.platform.fail("scores", status)
    outcome = _send(tool, _score(tool))
    assert isinstance(outcome, RetryLater) and outcome.status == status


def test_case_99_no_answer_and_a_malformed_one_are_for_later(clock: Any) -> None:
    tool = Tool(clock, FakePlatform(clock, "moodle"))
    tool.platform.drop("scores")
    assert isinstance(_send(tool, _score(tool)), RetryLater)
    assert isinstance(_send(tool, _score(tool, user_id="not-a-number")), RetryLater)
    tool.platform.columns["1"].locked = True
    assert isinstance(_send(tool, _score(tool)), RetryLater)


def test_case_99_the_services_for_reading_say_later_and_never_apart(tool: Tool) -> None:
    for status, error in ((500, ServiceUnavailable), (429, ServiceUnavailable), (404, ServiceRefused)):
        tool.platform.fail("lineitems", status)
        with pytest.raises(error):
            list(line_items(tool.services, tool.registration, tool.endpoint()))
    tool.platform.fail("lineitems", 200, b"<html>")
    with pytest.raises(ServiceUnavailable):
        list(line_items(tool.services, tool.registration, tool.endpoint()))


def test_case_100_sending_a_delivered_score_again_is_harmless(any_tool: Tool) -> None:
    """A crash between the POST and the commit: the same version goes out again with the same stamp."""
    tool = any_tool
    score = _score(tool, comment="Well done")
    assert isinstance(_send(tool, score), Delivered)
    held = tool.platform.cell("101").score
    tool.clock.advance(5)
    again = _send(tool, score, is_first_try=False)
    if isinstance(again, Conflict):
        again = after_conflict(tool.services, tool.registration, tool.endpoint(), score, again)
    assert isinstance(again, Delivered)
    assert tool.platform.cell("101").score == held
    assert tool.platform.cell("101").comments == ["Well done"]
    assert tool.platform.cell("101").submissions == 0
