"""One try at a time: what each answer of a platform does to a score, and to everybody else's."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import func, select, update

import app.course.protocol as protocol
import lti
from app.course.models import LineItem, Registration, User
from app.course.services import Services
from app.evidence.claiming import LEASE
from app.evidence.delivery import MOST_TRIES, deliver_next, measure_deliveries, send_again
from app.evidence.gradebook import gradebook_state
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WAITING, WITHHELD, Delivery
from app.evidence.report import list_scores, retry_scores
from app.kit.metrics import OLDEST_SCORE_SECONDS, SCORES_DEAD, SCORES_WAITING
from tests.app.evidence.conftest import connect
from tests.app.evidence.course import Course, MovingClock, make_course, points
from tests.app.evidence.test_ledger import together
from tests.fakes.platform import FakeNetwork, FakePlatform, kind_of

Make = Callable[..., FakePlatform]


def become(course: Course, personality: str) -> None:
    with course.database.write() as session:
        session.get_one(Registration, course.registration_id).platform = personality


def work(services: Services) -> None:
    while deliver_next(services):
        pass


def state_of(course: Course, sub: str = "101") -> str:
    row = course.score_of(sub)
    assert row is not None
    return row.state


def words_of(services: Services, course: Course, evidence: str) -> dict[str, str]:
    with services.database.read() as session:
        return gradebook_state(
            session, course.evidence(evidence), lambda text, **members: text % members if members else text
        )


@pytest.mark.parametrize("personality", ["moodle", "canvas", "openedx", "generic"])
def test_a_decision_arrives(
    services: Services, course: Course, clock: MovingClock, platform_named: Make, personality: str
) -> None:
    platform = platform_named(personality)
    become(course, personality)
    evidence = course.hand_in("101")
    course.decide(evidence, 21, "Well done.")
    work(services)
    assert platform.asked("scores") == [], "the second of the decision is not over yet"
    clock.forward(2)
    work(services)
    assert state_of(course) == DELIVERED
    assert platform.cell("101").score == pytest.approx(points(21), abs=0.01)
    assert platform.cell("101").comments == ["Well done."]
    assert words_of(services, course, evidence)["kind"] == "delivered"


def test_three_quick_decisions_are_one_post_of_the_last(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("moodle")
    evidence = course.hand_in("101")
    for number in (31, 3, 7):
        course.decide(evidence, number)
    clock.forward(2)
    work(services)
    assert platform.cell("101").history == pytest.approx([points(7)], abs=0.01)


def test_a_class_decided_in_one_second_is_sent_in_one_round(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    """What must wait for the clock holds up nothing that needn't."""
    platform = platform_named("moodle")
    course.decide(course.hand_in("101"), 1)
    clock.forward(2)
    for sub in ("102", "103"):
        course.decide(course.hand_in(sub), 1)
    work(services)
    assert len(platform.asked("scores")) == 1
    assert all(state_of(course, sub) == WAITING for sub in ("102", "103"))
    clock.forward(1)
    work(services)
    assert len(platform.asked("scores")) == 3


def test_a_teachers_edit_is_not_overwritten_and_said(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("canvas")
    become(course, "canvas")
    evidence = course.hand_in("101")
    course.decide(evidence, 21)
    clock.forward(2)
    platform.teacher_grades("101", 12)
    work(services)
    assert state_of(course) == SUPERSEDED
    assert platform.cell("101").score == 12
    assert words_of(services, course, evidence)["kind"] == "superseded"
    retry_scores(services, course.score_of("101").id)  # type: ignore[union-attr]
    clock.forward(2)
    work(services)
    assert (state_of(course), platform.cell("101").score) == (SUPERSEDED, 12)


def test_open_edx_never_gets_a_zero(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("openedx")
    become(course, "openedx")
    evidence = course.hand_in("101")
    course.decide(evidence, 0)
    clock.forward(2)
    work(services)
    assert state_of(course) == WITHHELD
    assert platform.asked("scores") == []
    assert words_of(services, course, evidence)["kind"] == "refused"


# --- one row, one platform, one failure: never everybody's ------------------------------------------------------------


def test_a_score_that_cannot_be_sent_is_dead_and_holds_up_no_other(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    """A launch without a user (allow_anonymous) leaves nobody whom the platform could grade."""
    platform_named("moodle")
    with services.database.write() as session:
        session.execute(update(User).where(User.id == course.people["101"]).values(sub=""))
    evidence = course.hand_in("101")
    course.decide(evidence, 31)
    clock.forward(1)
    course.decide(course.hand_in("102"), 31)
    clock.forward(2)
    work(services)
    assert (state_of(course, "101"), state_of(course, "102")) == (DEAD, DELIVERED)
    assert "needs a user" in words_of(services, course, evidence)["text"]


def test_what_nobody_foresaw_is_a_try_and_comes_to_an_end(
    services: Services, course: Course, clock: MovingClock
) -> None:
    def request(*_: Any, **__: Any) -> lti.EgressResponse:
        raise RuntimeError("a bug")

    connect(services, SimpleNamespace(request=request))
    course.decide(course.hand_in("101"), 31)
    for _ in range(MOST_TRIES + 2):
        clock.forward(3600)
        work(services)
    row = course.score_of("101")
    assert row is not None
    assert (row.state, row.tries, row.lease_owner) == (DEAD, MOST_TRIES, None)
    assert "RuntimeError" in row.reason
    assert len(course.all_of(Delivery)) == MOST_TRIES


def test_a_platform_that_hangs_holds_back_only_its_own_scores(
    services: Services, clock: MovingClock, network: FakeNetwork, platform_named: Make
) -> None:
    platform_named("moodle", "https://well.example")
    ill = make_course(services.database, name="ill", base="https://ill.example")
    well = make_course(services.database, name="well", base="https://well.example")
    for sub in ("101", "102", "103"):
        ill.decide(ill.hand_in(sub), 31)
    clock.forward(1)
    well.decide(well.hand_in("101"), 31)
    clock.forward(2)
    assert deliver_next(services)
    hanging = [url for url in network.requested if "ill.example" in url]
    assert len(hanging) == 1
    assert deliver_next(services)
    assert state_of(well) == DELIVERED
    assert [url for url in network.requested if "ill.example" in url] == hanging, (
        "each would hang for half a minute"
    )


def test_a_score_that_fails_by_itself_does_not_starve_its_platforms_others(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    """Its requests time out every time; those of the others are well."""
    platform = platform_named("moodle")
    ill = course.people["101"]

    class Selective(FakeNetwork):
        def request(self, method: str, url: str, **options: Any) -> lti.EgressResponse:
            if b'"userId": "101"' in (options.get("content") or b"") or b'"userId":"101"' in (
                options.get("content") or b""
            ):
                raise lti.EgressFailed("no answer in time")
            return super().request(method, url, **options)

    connect(services, Selective(platform))
    course.decide(course.hand_in("101"), 31)
    clock.forward(2)
    for _ in range(12):
        work(services)
        clock.forward(1200)
    for sub in ("102", "103"):
        course.decide(course.hand_in(sub), 31)
    clock.forward(2)
    for _ in range(3):
        work(services)
        clock.forward(1000)
    assert ill
    assert (state_of(course, "102"), state_of(course, "103")) == (DELIVERED, DELIVERED)
    assert state_of(course, "101") == WAITING


def test_a_try_ends_within_its_lease_however_slow_the_platform(
    services: Services,
    course: Course,
    clock: MovingClock,
    platform_named: Make,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Every request takes the 35 s that it may take, and the container has a hundred pages."""
    platform = platform_named("moodle")
    platform.page_size, platform.link_style = 1, "plain"
    for number in range(100):
        platform.add_column(f"Column {number}", 100)
    with services.database.write() as session:
        session.execute(update(LineItem).values(url=None))
    watch = [0.0]
    monkeypatch.setattr(protocol, "time", SimpleNamespace(monotonic=lambda: watch[0]))

    class Slow(FakeNetwork):
        def request(self, method: str, url: str, **options: Any) -> lti.EgressResponse:
            watch[0] += 35
            return super().request(method, url, **options)

    connect(services, Slow(platform))
    course.decide(course.hand_in("101"), 31)
    clock.forward(2)
    assert deliver_next(services)
    assert watch[0] < LEASE.total_seconds()
    assert (state_of(course), len(platform.columns)) == (WAITING, 101)


# --- how long, how often ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seconds", [5, 7200])
def test_retry_after_is_honoured(
    services: Services, course: Course, clock: MovingClock, platform_named: Make, seconds: int
) -> None:
    platform = platform_named("moodle")
    platform.throttle("scores", seconds)
    course.decide(course.hand_in("101"), 31)
    clock.forward(2)
    work(services)
    clock.forward(seconds - 1)
    work(services)
    assert len(platform.asked("scores")) == 1
    clock.forward(seconds / 10 + 2)
    work(services)
    assert state_of(course) == DELIVERED


def test_a_platform_that_is_away_for_days_loses_no_score(
    services: Services, course: Course, clock: MovingClock, network: FakeNetwork, platform_named: Make
) -> None:
    course.decide(course.hand_in("101"), 31)
    for _ in range(4 * 24):
        clock.forward(3600)
        work(services)
    row = course.score_of("101")
    assert row is not None
    assert row.state == WAITING
    assert row.tries > MOST_TRIES
    platform = platform_named("moodle")
    clock.forward(3600)
    work(services)
    assert (state_of(course), platform.cell("101").posts) == (DELIVERED, 1)


def test_after_a_week_away_somebody_is_told(
    services: Services, course: Course, clock: MovingClock, network: FakeNetwork, platform_named: Make
) -> None:
    evidence = course.hand_in("101")
    course.decide(evidence, 31)
    for _ in range(9 * 24):
        clock.forward(3600)
        work(services)
    assert state_of(course) == DEAD
    assert words_of(services, course, evidence)["kind"] == "refused"
    measure_deliveries(services)
    assert (SCORES_DEAD._value.get(), SCORES_WAITING._value.get()) == (1, 0)
    platform_named("moodle")
    assert retry_scores(services) == 1
    work(services)
    assert state_of(course) == DELIVERED


def test_a_locked_column_is_given_up_and_can_be_sent_again(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    """Moodle answers 500 for as long as the column is locked."""
    platform = platform_named("moodle")
    platform.columns["1"].locked = True
    course.decide(course.hand_in("101"), 31)
    for _ in range(MOST_TRIES + 5):
        clock.forward(3600)
        work(services)
    row = course.score_of("101")
    assert row is not None
    assert (row.state, row.tries) == (DEAD, MOST_TRIES)
    assert "locked" in row.reason
    stamps = {json.loads(request.body)["timestamp"] for request in platform.asked("scores")}
    platform.columns["1"].locked = False
    assert retry_scores(services, row.id) == 1
    work(services)
    assert state_of(course) == DELIVERED
    stamps |= {json.loads(request.body)["timestamp"] for request in platform.asked("scores")}
    assert len(stamps) == 1, "one version, one stamp"


def test_sent_again_the_same_comment_does_not_come_twice(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    """Canvas appends the comment of every POST; sending again begins to count tries anew."""
    platform = platform_named("canvas")
    become(course, "canvas")
    platform.lose_reply("scores")
    platform.fail("scores", 403)
    platform.fail("results", 403, times=2)  # nobody can look whether it was stored
    course.decide(course.hand_in("101"), 31, "Well done.")
    clock.forward(2)
    work(services)
    clock.forward(5)
    work(services)
    assert state_of(course) == DEAD
    with services.database.write() as session:
        assert send_again(session, course.score_of("101").id, actor_id=None)  # type: ignore[union-attr]
    work(services)
    assert (state_of(course), platform.cell("101").posts) == (DELIVERED, 2)
    assert platform.cell("101").comments == ["Well done."]


def test_decisions_and_deliveries_at_once_get_in_nobodys_way(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("moodle")
    evidence = course.hand_in("101")
    course.decide(evidence, 1)

    def decide() -> None:
        for number in range(2, 22):
            course.decide(evidence, number)
            clock.forward(1)

    def deliver() -> None:
        for _ in range(60):
            deliver_next(services)

    assert together(decide, deliver, deliver) == [None, None, None]
    clock.forward(3)
    work(services)
    assert state_of(course) == DELIVERED
    assert platform.cell("101").score == pytest.approx(points(21), abs=0.01)
    assert platform.cell("101").history == sorted(platform.cell("101").history)


# --- columns ----------------------------------------------------------------------------------------------------------


def test_a_column_is_made_once_by_two_workers(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("moodle")
    platform.columns.clear()
    with services.database.write() as session:
        session.execute(update(LineItem).values(url=None))

    class Slow(FakeNetwork):
        def request(self, method: str, url: str, **options: Any) -> lti.EgressResponse:
            if kind_of(url) == "lineitems" and method == "GET":
                time.sleep(0.3)
            return super().request(method, url, **options)

    connect(services, Slow(platform))
    for sub in ("101", "102", "103"):
        course.decide(course.hand_in(sub), 31)
    clock.forward(2)
    # One of them has the platform, and the column; to the others there is nothing to do just now.
    assert True in together(*[lambda: deliver_next(services)] * 3)
    clock.forward(5)
    work(services)
    assert len(platform.columns) == 1
    assert all(state_of(course, sub) == DELIVERED for sub in ("101", "102", "103"))


def test_a_column_that_is_gone_is_looked_for_once(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("moodle")
    platform.columns.clear()
    course.decide(course.hand_in("101"), 21)
    clock.forward(2)
    work(services)
    assert state_of(course) == DELIVERED
    (column,) = platform.columns.values()
    assert column.cell("101").score == pytest.approx(points(21), abs=0.01)
    with services.database.read() as session:
        assert session.get_one(LineItem, course.line_item_id).url == column.item["id"]


# --- what is shown ----------------------------------------------------------------------------------------------------


def test_a_gradebook_that_does_not_answer_is_said_and_measured(
    services: Services, course: Course, clock: MovingClock, network: FakeNetwork
) -> None:
    evidence = course.hand_in("101")
    assert words_of(services, course, evidence)["kind"] == "none"
    course.decide(evidence, 31)
    assert words_of(services, course, evidence)["text"] == "On its way to the gradebook"
    clock.forward(2)
    work(services)
    assert "nothing is lost" in words_of(services, course, evidence)["text"]
    clock.forward(600)
    measure_deliveries(services)
    assert SCORES_WAITING._value.get() == 1
    assert OLDEST_SCORE_SECONDS._value.get() == pytest.approx(602, abs=1)
    (listed,) = list_scores(services, WAITING)
    assert listed["reason"]
    assert list_scores(services, DEAD) == []


def test_every_try_leaves_a_row(
    services: Services, course: Course, clock: MovingClock, platform_named: Make
) -> None:
    platform = platform_named("moodle")
    platform.fail("scores", 503)
    course.decide(course.hand_in("101"), 31)
    clock.forward(2)
    work(services)
    clock.forward(10)
    work(services)
    with services.database.read() as session:
        rows = session.execute(
            select(Delivery.number, Delivery.outcome, Delivery.version).order_by(Delivery.id)
        ).all()
        assert session.scalar(select(func.count()).select_from(Delivery)) == 2
    assert [tuple(row) for row in rows] == [(1, "retrylater", 1), (2, "delivered", 1)]
