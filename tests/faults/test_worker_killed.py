"""kill -9, SIGTERM and a gradebook that is down: every score arrives once, and is right."""

from __future__ import annotations

import time

import pytest

from app.evidence.models import DELIVERED, WAITING
from app.kit.clock import now
from tests.app.evidence.course import points
from tests.faults.world import Hold, World

# A lease is 120 s. A worker that starts on the host of the dead one must not wait for its end.
WELL_BEFORE_THE_LEASE_ENDS = 60


def exactly_one_right_score(world: World, number: int) -> None:
    row, cell = world.score(), world.served.fake.cell("101")
    assert (row.state, row.delivered_version, row.lease_owner) == (DELIVERED, row.version, None)
    assert cell.score == pytest.approx(points(number), abs=0.01)
    assert cell.history == [cell.score], "carried out more than once"


@pytest.mark.parametrize(
    ("kind", "when", "posts"),
    [("token", "before", 1), ("scores", "before", 1), ("scores", "after", 2)],
    ids=["before its POST", "POST lost on its way", "POST carried out, reply unread"],
)
def test_killed_at_any_moment_the_score_arrives_once(world: World, kind: str, when: str, posts: int) -> None:
    world.course.decide(world.course.hand_in("101"), 21, "Well done.")
    hold = world.served.hold = Hold(kind, when)
    worker = world.start_worker()
    world.until(hold.reached.is_set)
    worker.kill()
    hold.is_lost = True
    world.served.hold = None
    hold.released.set()
    left = world.score()
    assert (left.state, left.tries) == (WAITING, 1)
    assert left.lease_until is not None
    assert left.lease_until > now(), "the dead one still holds the lease"

    start = time.monotonic()
    with world.working():
        world.until_delivered()
    assert time.monotonic() - start < WELL_BEFORE_THE_LEASE_ENDS
    exactly_one_right_score(world, 21)
    assert world.served.fake.cell("101").posts == posts
    assert world.score().tries == 2


def test_decided_while_no_worker_lives_the_score_arrives_when_one_does(world: World) -> None:
    worker = world.start_worker()
    world.course.decide(world.course.hand_in("102"), 3)
    world.until_delivered("102")
    worker.kill()
    world.course.decide(world.course.hand_in("101"), 21)
    assert world.score().state == WAITING
    with world.working():
        world.until_delivered()
    exactly_one_right_score(world, 21)


def test_a_newer_decision_after_the_kill_is_the_one_that_stands(world: World) -> None:
    evidence = world.course.hand_in("101")
    world.course.decide(evidence, 21)
    hold = world.served.hold = Hold("scores", "after")
    worker = world.start_worker()
    world.until(hold.reached.is_set)
    worker.kill()
    world.served.hold = None
    hold.released.set()
    world.course.decide(evidence, 7)
    with world.working():
        world.until_delivered()
    assert world.served.fake.cell("101").history == pytest.approx([points(21), points(7)], abs=0.01)
    assert world.score().delivered_version == 2


def test_a_gradebook_that_was_down_gets_the_score_once_when_it_is_back(world: World) -> None:
    world.served.stop()
    world.course.decide(world.course.hand_in("101"), 21)
    with world.working():
        world.until(lambda: world.score().tries >= 2)
        assert world.score().state == WAITING
        world.served.start()
        world.until_delivered()
    exactly_one_right_score(world, 21)
    assert world.served.fake.cell("101").posts == 1
    assert [row.outcome for row in world.deliveries()][-1] == "delivered"
    assert {row.outcome for row in world.deliveries()[:-1]} == {"retrylater"}


def test_sigterm_finishes_the_score_in_hand(world: World) -> None:
    world.course.decide(world.course.hand_in("101"), 21)
    hold = world.served.hold = Hold("scores", "before")
    worker = world.start_worker()
    world.until(hold.reached.is_set)
    worker.terminate()
    time.sleep(1)
    assert worker.is_alive, "it left with a score in hand"
    hold.released.set()
    assert worker.ended(30) == 0
    exactly_one_right_score(world, 21)
    assert world.served.fake.cell("101").posts == 1


def test_sigterm_gives_back_what_cannot_be_finished(world: World) -> None:
    """The platform answers nothing for longer than a shutdown may take, which is three seconds here."""
    world.course.decide(world.course.hand_in("101"), 21)
    hold = world.served.hold = Hold("scores", "before")
    worker = world.start_worker(STOP_SECONDS=3)
    world.until(hold.reached.is_set)
    worker.terminate()
    assert worker.ended(45) == 0
    row = world.score()
    assert (row.state, row.lease_owner, row.lease_until) == (WAITING, None, None)
    hold.is_lost = True
    world.served.hold = None
    hold.released.set()
    with world.working():
        world.until_delivered()
    exactly_one_right_score(world, 21)


def test_two_workers_deliver_fifty_scores_once_each(world: World) -> None:
    learners = [str(number) for number in range(101, 151)]
    for number, sub in enumerate(learners):
        world.course.decide(world.course.hand_in(sub), number % 31 + 1)
    with world.working(2):
        world.until_delivered(*learners)
    for number, sub in enumerate(learners):
        cell = world.served.fake.cell(sub)
        assert cell.posts == 1, f"{sub} was sent {cell.posts} times"
        assert cell.history == pytest.approx([points(number % 31 + 1)], abs=0.01)
    deliveries = world.deliveries()
    assert len(deliveries) == len({row.score_id for row in deliveries}) == 50
