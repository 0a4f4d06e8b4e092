"""What a platform's yes is worth, whose grade stands, clocks that were wrong, connections that are off, platforms that are slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

import lti
from app.course.models import Deployment, LineItem, Registration, ResourceLink
from app.course.services import Services
from app.evidence.claiming import CLOCK_WAS_AHEAD, SWITCHED_OFF, release_scores
from app.evidence.delivery import KEYS_LOCKED, deliver_next, measure_deliveries
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WAITING, WITHHELD, ScoreRow
from app.evidence.report import list_scores, retry_scores
from app.evidence.sampling import SHOWS_NONE, check_next_result
from app.kit.metrics import SCORES_LATE
from app.kit.vault import VaultLocked
from tests.app.evidence.conftest import connect
from tests.app.evidence.course import Course, MovingClock, make_course, points
from tests.app.evidence.test_delivery import become, state_of, words_of, work
from tests.fakes.platform import FakeNetwork, FakePlatform

Make = Callable[..., FakePlatform]
HOUR = 3600


def delivered(
    services: Services, course: Course, clock: MovingClock, number: int = 21, comment: str = ""
) -> str:
    evidence = course.hand_in("101")
    course.decide(evidence, number, comment)
    clock.forward(2)
    work(services)
    return evidence


def row_of(course: Course) -> ScoreRow:
    row = course.score_of("101")
    assert row is not None
    return row


# --- a yes is looked after ---------------------------------------------------------------------------------------------


def test_case_98_an_override_that_moodle_says_yes_to_is_a_persons(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("moodle")
    become(course, "moodle")
    platform.teacher_grades("101", 12)
    clock.forward(5)
    evidence = delivered(services, course, clock)
    assert (state_of(course), platform.cell("101").score) == (DELIVERED, 12), (
        "Moodle answered 200 and kept the teacher's"
    )
    check_next_result(services)
    assert platform.asked("results") == [], "not before its time"
    clock.forward(HOUR)
    check_next_result(services)
    assert state_of(course) == SUPERSEDED
    assert words_of(services, course, evidence)["kind"] == "superseded"
    posts = platform.cell("101").posts
    clock.forward(100 * HOUR)
    work(services)
    assert (platform.cell("101").posts, platform.cell("101").score) == (posts, 12), "and is not fought"


def test_a_grade_that_stands_is_looked_at_a_few_times(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("generic")
    delivered(services, course, clock)
    for _ in range(24 * 60):
        clock.forward(HOUR)
        check_next_result(services)
    assert (state_of(course), len(platform.asked("results"))) == (DELIVERED, 4)


def test_a_grade_that_the_gradebook_lost_is_loud_and_can_be_sent_again(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("generic")
    evidence = delivered(services, course, clock)
    platform.columns["1"].cells.clear()
    clock.forward(HOUR)
    check_next_result(services)
    assert (state_of(course), row_of(course).reason) == (DEAD, SHOWS_NONE)
    assert words_of(services, course, evidence)["kind"] == "refused"
    retry_scores(services, row_of(course).id)
    clock.forward(2)
    work(services)
    assert (state_of(course), platform.cell("101").score) == (DELIVERED, pytest.approx(points(21), abs=0.01))


@pytest.mark.parametrize(("status", "again"), [(503, True), (403, False)])
def test_a_result_that_cannot_be_read_says_nothing(
    services: Services, course: Course, clock: MovingClock, platform_named: Make, status: int, again: bool
) -> None:
    platform = platform_named("generic")
    delivered(services, course, clock)
    clock.forward(HOUR)
    platform.fail("results", status)
    check_next_result(services)
    assert state_of(course) == DELIVERED
    assert (row_of(course).check_at is not None) is again


def test_a_decision_during_the_look_is_not_lost(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("generic")
    evidence = delivered(services, course, clock)
    clock.forward(HOUR)

    class Deciding(FakeNetwork):
        def request(self, method: str, url: str, **options: Any) -> lti.EgressResponse:
            if "/results" in url:
                course.decide(evidence, 3)
            return super().request(method, url, **options)

    connect(services, Deciding(platform))
    check_next_result(services)
    assert state_of(course) == WAITING
    connect(services, FakeNetwork(platform))
    clock.forward(2)
    work(services)
    assert platform.cell("101").score == pytest.approx(points(3), abs=0.01)


def test_late_scores_raise_a_metric(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("generic")
    platform.fail("scores", 503, times=50)
    course.decide(course.hand_in("101"), 21)
    clock.forward(10 * 60)
    measure_deliveries(services)
    assert SCORES_LATE._value.get() == 0
    clock.forward(6 * 60)
    measure_deliveries(services)
    assert SCORES_LATE._value.get() == 1


# --- whose grade stands -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [400, 409])
def test_matrix_400_409_our_own_earlier_grade_is_no_persons_edit(
    services: Services, course: Course, clock: MovingClock, platform_named: Make, status: int
) -> None:
    platform = platform_named("generic")
    evidence = delivered(services, course, clock, 21)
    course.decide(evidence, 3)
    clock.forward(2)
    platform.fail("scores", status, b"earlier timestamp")
    work(services)
    assert state_of(course) == DEAD
    said = words_of(services, course, evidence)
    assert said["kind"] == "refused" and "Someone has changed" not in said["text"]
    old = row_of(course).stamp
    clock.forward(600)
    retry_scores(services, row_of(course).id)
    clock.forward(2)
    work(services)
    assert platform.cell("101").score == pytest.approx(points(3), abs=0.01)
    new = row_of(course).stamp
    assert old is not None and new is not None and new - old >= timedelta(seconds=600), "a newer time"


def test_sent_again_with_a_new_time_it_goes_over_nobody(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("generic")
    evidence = delivered(services, course, clock, 21)
    course.decide(evidence, 3)
    clock.forward(2)
    platform.fail("scores", 409, b"earlier timestamp")
    work(services)
    platform.teacher_grades("101", 55)
    clock.forward(600)
    retry_scores(services, row_of(course).id)
    clock.forward(2)
    work(services)
    assert (state_of(course), platform.cell("101").score) == (SUPERSEDED, 55)


def test_matrix_409_of_a_first_try_gets_a_newer_time_once(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("moodle")
    become(course, "moodle")
    course.decide(course.hand_in("101"), 21)
    clock.forward(300)
    platform.fail("scores", 409, b"earlier timestamp")
    work(services)
    clock.forward(2)
    work(services)
    assert state_of(course) == DELIVERED
    first, second = (request.json["timestamp"] for request in platform.asked("scores"))
    assert second > first
    course.decide(course.hand_in("101", "another"), 3)
    clock.forward(300)
    platform.columns["1"].cells.clear()
    platform.fail("scores", 409, b"earlier timestamp", times=2)
    for _ in range(4):
        work(services)
        clock.forward(2)
    assert state_of(course) == DEAD and len(platform.asked("scores")) == 4


# --- the comment --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", ["dropped", "500", "token"])
def test_a_comment_comes_along_again_where_nothing_was_stored(
    services: Services, course: Course, clock: MovingClock, platform_named: Make, fault: str
) -> None:
    platform = platform_named("canvas")
    become(course, "canvas")
    if fault == "dropped":
        platform.drop("scores")
    else:
        platform.fail("token" if fault == "token" else "scores", 500)
    delivered(services, course, clock, 21, "Well done.")
    clock.forward(10)
    work(services)
    assert (state_of(course), platform.cell("101").comments) == (DELIVERED, ["Well done."])


def test_a_comment_does_not_come_twice_where_the_reply_was_lost(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("canvas")
    become(course, "canvas")
    platform.lose_reply("scores")
    delivered(services, course, clock, 21, "Well done.")
    clock.forward(10)
    work(services)
    cell = platform.cell("101")
    assert (state_of(course), cell.comments, cell.posts) == (DELIVERED, ["Well done."], 1)


# --- connections --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("model", [Deployment, Registration])
def test_a_connection_that_is_off_gets_no_grade_and_all_of_them_when_it_is_on(
    services: Services, course: Course, clock: MovingClock, platform_named: Make, model: Any
) -> None:
    platform = platform_named("generic")
    with services.database.write() as session:
        session.execute(update(model).values(status="inactive"))
    evidence = delivered(services, course, clock)
    assert (state_of(course), platform.requests) == (WITHHELD, [])
    assert "switched off" in words_of(services, course, evidence)["text"]
    assert [entry["reason"] for entry in list_scores(services, WITHHELD)] == [SWITCHED_OFF]
    release_scores(services)
    assert state_of(course) == WITHHELD
    with services.database.write() as session:
        session.execute(update(model).values(status="active"))
    release_scores(services)
    work(services)
    assert (state_of(course), platform.cell("101").score) == (DELIVERED, pytest.approx(points(21), abs=0.01))


def test_what_is_withheld_for_another_reason_stays(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform_named("openedx")
    become(course, "openedx")
    delivered(services, course, clock, 0)
    release_scores(services)
    assert state_of(course) == WITHHELD


# --- clocks -------------------------------------------------------------------------------------------------------------


def test_a_clock_that_was_far_ahead_is_said_and_waited_for_by_nobody(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("generic")
    right = clock.moment
    clock.forward(365 * 24 * HOUR)
    evidence = delivered(services, course, clock, 21)
    clock.moment = right
    platform.cell("101").modified = right  # this platform compares nothing with our time of that day
    course.decide(evidence, 3)
    clock.forward(2)
    work(services)
    assert (state_of(course), row_of(course).reason) == (DEAD, CLOCK_WAS_AHEAD)
    retry_scores(services, row_of(course).id)
    clock.forward(2)
    work(services)
    assert platform.cell("101").score == pytest.approx(points(3), abs=0.01)
    assert row_of(course).stamp is not None and row_of(course).stamp <= clock.moment  # type: ignore[operator]


def test_a_pause_that_a_clock_ahead_wrote_is_not_kept(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform_named("generic")
    course.decide(course.hand_in("101"), 21)
    with services.database.write() as session:
        session.execute(update(ScoreRow).values(next_try_at=clock.moment + timedelta(days=300)))
    clock.forward(2)
    work(services)
    assert state_of(course) == DELIVERED


# --- several platforms --------------------------------------------------------------------------------------------------


def test_a_slow_platform_holds_up_no_other_and_is_asked_one_thing_at_a_time(
    services: Services, course: Course, clock: MovingClock
) -> None:
    slow, quick = FakePlatform(clock), FakePlatform(clock, base="https://quick.example")
    other = make_course(services.database, name="south", base="https://quick.example")
    gate, begun = threading.Event(), threading.Event()
    at_once: list[int] = []

    class Gated(FakeNetwork):
        running = 0

        def request(self, method: str, url: str, **options: Any) -> lti.EgressResponse:
            if url.startswith("https://lms.example") and url.partition("?")[0].endswith("/scores"):
                Gated.running += 1
                at_once.append(Gated.running)
                begun.set()
                gate.wait(20)
                Gated.running -= 1
            return super().request(method, url, **options)

    connect(services, Gated(slow, quick))
    for sub in ("101", "102", "103"):
        course.decide(course.hand_in(sub), 7)
        other.decide(other.hand_in(sub), 7)
    clock.forward(2)
    stuck = threading.Thread(target=deliver_next, args=(services,))
    stuck.start()
    if not begun.wait(20):
        gate.set()
    lanes = [threading.Thread(target=work, args=(services,)) for _ in range(3)]
    for lane in lanes:
        lane.start()
    for lane in lanes:
        lane.join(30)
    assert len(quick.asked("scores")) == 3, "all of the quick one's"
    assert len(at_once) == 1, "and one of the slow one's"
    gate.set()
    stuck.join(30)
    time.sleep(0.01)
    work(services)
    assert len(slow.asked("scores")) == 3 and max(at_once) == 1


# --- in words -----------------------------------------------------------------------------------------------------------


def test_keys_that_cannot_be_read_are_said(
    services: Services,
    course: Course,
    clock: MovingClock,
    platform_named: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    platform_named("generic")

    def locked(*_: Any, **__: Any) -> None:
        raise VaultLocked

    with monkeypatch.context() as patch:
        patch.setattr(services.platform.tokens, "token", locked)
        delivered(services, course, clock)
    assert (state_of(course), row_of(course).reason) == (WAITING, KEYS_LOCKED)
    clock.forward(HOUR)
    work(services)
    assert state_of(course) == DELIVERED


@pytest.mark.parametrize("has_gradebook", [None, True, False])
def test_case_94_what_no_gradebook_takes_is_said_on_the_page_and_by_the_command(
    services: Services, course: Course, clock: MovingClock, has_gradebook: bool | None
) -> None:
    with services.database.write() as session:
        session.execute(update(ResourceLink).values(has_gradebook=has_gradebook))
        session.delete(session.get_one(LineItem, course.line_item_id))
    evidence = course.hand_in("101")
    course.decide(evidence, 21)
    text = words_of(services, course, evidence)["text"]
    assert ("offers Workside no gradebook" in text) is (has_gradebook is False)
    assert ("no column" in text) is (has_gradebook is not False)
    [entry] = list_scores(services, "unsent")
    assert (entry["id"], entry["reason"]) == (evidence, text)
    assert entry in list_scores(services) and list_scores(services, DEAD) == []


def test_without_the_scope_the_reason_is_said(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform_named("generic")
    with services.database.write() as session:
        session.execute(update(LineItem).values(scopes=[]))
    evidence = delivered(services, course, clock)
    assert state_of(course) == DEAD
    assert "does not let us send scores" in words_of(services, course, evidence)["text"]


def test_canvas_gets_an_address_that_opens_the_work(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("canvas")
    become(course, "canvas")
    evidence = delivered(services, course, clock)
    [request] = platform.asked("scores")
    extension = request.json["https://canvas.instructure.com/lti/submission"]
    assert extension["submission_data"] == f"{services.settings.url}/review/{evidence}"
    assert extension["submission_type"] == "basic_lti_launch" and extension["new_submission"] is False
    assert extension["submitted_at"] <= request.json["timestamp"]
