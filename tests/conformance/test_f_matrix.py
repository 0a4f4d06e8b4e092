"""F. The response matrix at the protocol's edge: one row, one test. What the rows do to a score is tests/app/evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from lti import (
    Conflict,
    Delivered,
    Refused,
    Result,
    RetryLater,
    Score,
    Superseded,
    TokenRefused,
    after_conflict,
    send_score,
    settle,
)
from lti.claims import RESULT_SCOPE
from tests.conformance.tool import MovingClock, Tool
from tests.fakes.platform import FakePlatform


def a_score(tool: Tool, given: float = 8) -> Score:
    return Score("101", tool.clock().replace(microsecond=0), score_given=given, score_maximum=10)


def send(tool: Tool, **how: Any) -> Any:
    return send_score(tool.services, tool.registration, tool.endpoint(), a_score(tool), **how)


@pytest.mark.parametrize("status", [200, 201, 202, 204])
@pytest.mark.parametrize("body", [b"", b'{"resultUrl": "x"}', b"<p>thanks</p>"])
def test_matrix_2xx_is_delivered_with_any_body(tool: Tool, status: int, body: bytes) -> None:
    tool.platform.fail("scores", status, body)
    assert send(tool) == Delivered(status)


def test_matrix_400_of_a_first_try_is_for_good_with_the_platforms_words(tool: Tool) -> None:
    tool.platform.fail("scores", 400, b"Incorrect score received")
    conflict = send(tool)
    assert conflict == Conflict(400, "Incorrect score received")
    settled = after_conflict(tool.services, tool.registration, tool.endpoint(), a_score(tool), conflict)
    assert settled == Refused("Incorrect score received", 400)


@pytest.mark.parametrize("personality", ["canvas", "openedx"])
def test_matrix_400_of_a_score_that_was_tried_before_is_delivered(
    clock: MovingClock, personality: str
) -> None:
    tool = Tool(clock, FakePlatform(clock, personality))
    score = a_score(tool)
    tool.platform.lose_reply("scores")
    assert isinstance(send(tool), RetryLater)
    tool.platform.fail("scores", 400, b"stale timestamp")
    tool.clock.advance(5)
    conflict = send_score(tool.services, tool.registration, tool.endpoint(), score, is_first_try=False)
    assert isinstance(
        after_conflict(tool.services, tool.registration, tool.endpoint(), score, conflict), Delivered
    )


def test_matrix_400_a_grade_that_came_from_us_is_no_persons_edit(tool: Tool) -> None:
    score, conflict = a_score(tool), Conflict(400, "stale")
    ours = settle(conflict, score, Result("101", 50, 100), previous=0.5)
    assert isinstance(ours, Refused) and ours.is_stale and "Workside sent before" in ours.reason
    assert isinstance(settle(conflict, score, Result("101", 51, 100), previous=0.5), Superseded)
    assert isinstance(settle(conflict, score, Result("101", 50, 100)), Superseded)
    assert settle(conflict, score, Result("101", 80, 100), previous=0.5) == Delivered()


def test_matrix_401_is_renewed_once_and_then_a_missing_permission(clock: MovingClock) -> None:
    tool = Tool(clock, FakePlatform(clock, "moodle"))
    assert isinstance(send(tool), Delivered)
    tool.platform.revoke_tokens()
    tool.clock.advance(2)
    assert isinstance(send(tool), Delivered)
    assert len(tool.platform.asked("token")) == 2
    tool.platform.fail("scores", 401, times=5)
    before = len(tool.platform.asked("scores"))
    assert isinstance(send(tool), TokenRefused)
    assert len(tool.platform.asked("scores")) == before + 2


def test_matrix_403_is_for_good_slower_or_a_bad_token(clock: MovingClock) -> None:
    tool = Tool(clock, FakePlatform(clock))
    tool.platform.fail("scores", 403, b"not enrolled")
    assert send(tool) == Refused("not enrolled", 403)
    canvas = Tool(clock, FakePlatform(clock, "canvas"))
    canvas.platform.fail("scores", 403, b"403 Forbidden (Rate Limit Exceeded)")
    assert isinstance(send(canvas), RetryLater)
    canvas.platform.fail("scores", 403, b"", x_rate_limit_remaining="-0.5")
    assert isinstance(send(canvas), RetryLater)
    for family in ("openedx", "sakai"):
        other = Tool(clock, FakePlatform(clock, family))
        other.tokens.token(other.registration, other.endpoint().scopes)
        other.platform.revoke_tokens()
        assert isinstance(send(other), Delivered), family
        assert len(other.platform.asked("token")) == 2


@pytest.mark.parametrize("status", [404, 410])
def test_matrix_404_says_that_the_column_is_gone(tool: Tool, status: int) -> None:
    tool.platform.fail("scores", status)
    outcome = send(tool)
    assert isinstance(outcome, Refused) and outcome.is_gone


def test_matrix_409_of_a_repeated_score_is_compared_with_the_result(clock: MovingClock) -> None:
    tool = Tool(clock, FakePlatform(clock, "moodle"))
    score = a_score(tool)
    tool.platform.lose_reply("scores")
    send(tool)
    conflict = send_score(tool.services, tool.registration, tool.endpoint(), score, is_first_try=False)
    assert isinstance(conflict, Conflict) and conflict.status == 409
    assert after_conflict(tool.services, tool.registration, tool.endpoint(), score, conflict) == Delivered()
    tool.clock.advance(60)
    tool.platform.teacher_grades("101", 33)
    newer = replace(score, score_given=9.0, timestamp=score.timestamp + timedelta(seconds=1))
    assert isinstance(
        after_conflict(tool.services, tool.registration, tool.endpoint(), newer, Conflict(409, "")),
        Superseded,
    )


def test_matrix_409_of_a_first_score_may_get_a_newer_time_where_no_grade_stands(tool: Tool) -> None:
    score = a_score(tool)
    nothing = settle(Conflict(409, "earlier timestamp"), score, None)
    assert isinstance(nothing, Refused) and nothing.may_restamp
    assert isinstance(settle(Conflict(409, ""), score, Result("101", None)), Refused)
    somebodys = settle(Conflict(409, ""), score, Result("101", 4, 10))
    assert isinstance(somebodys, Superseded)
    bad = settle(Conflict(400, "bad"), score, None)
    assert isinstance(bad, Refused) and not bad.may_restamp, "a bad score is bad at any time"


@pytest.mark.parametrize("status", [412, 422])
def test_matrix_412_422_are_for_good_with_their_words(tool: Tool, status: int) -> None:
    tool.platform.fail("scores", status, b"User not a student")
    assert send(tool) == Refused("User not a student", status)


def test_matrix_429_is_for_later_when_the_platform_says(tool: Tool) -> None:
    tool.platform.fail("scores", 429, retry_after="17")
    outcome = send(tool)
    assert isinstance(outcome, RetryLater) and outcome.after_seconds == 17
    tool.platform.fail("scores", 429)
    outcome = send(tool)
    assert isinstance(outcome, RetryLater) and outcome.after_seconds is None


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_matrix_5xx_is_for_later(tool: Tool, status: int) -> None:
    tool.platform.fail("scores", status)
    assert isinstance(send(tool), RetryLater)


def test_matrix_timeout_and_half_an_answer_are_for_later(clock: MovingClock) -> None:
    tool = Tool(clock, FakePlatform(clock, "moodle"))
    tool.platform.drop("scores")
    assert isinstance(send(tool), RetryLater)
    # Moodle answers "HTTP/1.0 0" for a user id that is no number.
    odd = replace(a_score(tool), user_id="not-a-number")
    assert isinstance(send_score(tool.services, tool.registration, tool.endpoint(), odd), RetryLater)


def test_case_93_canvas_gets_the_work_to_show_in_speedgrader(clock: MovingClock) -> None:
    """An address of ours that a launch opens, at a time that Canvas does not take for the future; no attempt is used up."""
    tool = Tool(clock, FakePlatform(clock, "canvas"))
    stamp = tool.clock().replace(microsecond=0)
    score = replace(
        a_score(tool),
        submission_url="https://tool.example/review/0123456789abcdef0123456789abcdef",
        submitted_at=stamp - timedelta(minutes=3),
    )
    assert isinstance(send_score(tool.services, tool.registration, tool.endpoint(), score), Delivered)
    [request] = tool.platform.asked("scores")
    assert request.json["https://canvas.instructure.com/lti/submission"] == {
        "new_submission": False,
        "submission_type": "basic_lti_launch",
        "submission_data": score.submission_url,
        "submitted_at": "2026-11-23T08:57:00.000Z",
    }
    assert tool.platform.cell("101").submissions == 0
    late = replace(score, submitted_at=stamp + timedelta(hours=1))
    tool.clock.advance(5)
    send_score(tool.services, tool.registration, tool.endpoint(), late)
    sent = tool.platform.asked("scores")[-1].json["https://canvas.instructure.com/lti/submission"]
    assert sent["submitted_at"] == "2026-11-23T09:00:00.000Z", "never after the score itself"


def test_case_93_other_platforms_get_no_extension_of_canvas(tool: Tool) -> None:
    score = replace(a_score(tool), submission_url="https://tool.example/review/x")
    send_score(tool.services, tool.registration, tool.endpoint(), score)
    assert not any("canvas" in name for name in tool.platform.asked("scores")[0].json)


def test_case_99_an_unreadable_result_is_said(tool: Tool) -> None:
    score = a_score(tool)
    endpoint = tool.endpoint("https://purl.imsglobal.org/spec/lti-ags/scope/score")
    settled = after_conflict(tool.services, tool.registration, endpoint, score, Conflict(409, "old"))
    assert isinstance(settled, Refused) and not settled.may_restamp and RESULT_SCOPE in settled.reason
