"""The promise of the gradebook, by a state machine on the real worker: never lost, never doubled, never over a person's.

People decide and edit, the platform fails in every way we know, workers die at any moment, time passes. While that goes on,
every POST is looked at; in the end all is well again, and the gradebook must show what the last person wanted.

10 runs of 30 steps for each family of platforms, the same ones each time; WORKSIDE_STATE_EXAMPLES=500 looks further, elsewhere
each time.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event

import lti
from app.course.keys import DatabaseKeys, DatabaseTokenCache
from app.course.models import Registration
from app.evidence.delivery import deliver_next, free_deliveries, send_again
from app.evidence.models import DEAD, DELIVERED, SUPERSEDED, WITHHELD, ScoreRow
from app.kit.clock import now
from app.kit.db import Database
from app.kit.vault import Vault
from lti.platforms import quirks_of
from tests.app.evidence.course import Course, MovingClock, make_course, points
from tests.fakes.personalities import PERSONALITIES
from tests.fakes.platform import FakeNetwork, FakePlatform, kind_of

LEARNERS = ("101", "102")
NUMBERS = st.integers(0, 31)
WHO = st.sampled_from(LEARNERS)
SECOND = timedelta(seconds=1)
# What goes wrong, with which kind of request, and a status or the seconds of Retry-After.
FAULTS = [
    ("reply lost", "scores", 0),
    ("request lost", "scores", 0),
    *[("status", "scores", status) for status in (401, 500, 503)],
    *[("throttled", "scores", seconds) for seconds in (0, 1, 45, 7200)],
    *[("status", kind, 500) for kind in ("token", "results")],
    *[("reply lost", kind, 0) for kind in ("token", "results")],
    ("revoked", "token", 0),
]
EXAMPLES = int(os.environ.get("WORKSIDE_STATE_EXAMPLES", "0"))


NOW_OR_THEN = st.sampled_from(["before", "after"])
GRADES = st.integers(0, 100)
# One rule that draws what happens, and not one rule for each: those would be switched off at random for a whole run, and most
# runs would then have no decision to deliver or nobody who delivers it. What stands here twice comes twice as often.
HAPPENINGS = st.one_of(
    *[st.tuples(st.just("reviewer_decides"), WHO, NUMBERS)] * 2,
    st.tuples(st.just("reviewer_clicks_twice"), WHO, NUMBERS),
    st.tuples(st.just("teacher_edits_in_the_platform"), WHO, GRADES),
    st.tuples(st.just("reviewer_sends_again"), WHO),
    *[st.tuples(st.just("time_passes"), st.sampled_from([0.2, 0.75, 1, 2, 10, 130, 2000, 40_000]))] * 2,
    st.tuples(st.just("worker_takes_one")),
    *[st.tuples(st.just("worker_takes_all_in_good_time"))] * 4,
    st.tuples(
        st.just("worker_is_killed"), st.sampled_from(["token", "scores", "scores", "results"]), NOW_OR_THEN
    ),
    *[st.tuples(st.just("new_worker_starts"))] * 2,
    st.tuples(st.just("decision_while_the_score_is_on_its_way"), WHO, NUMBERS, NOW_OR_THEN),
    st.tuples(st.just("edit_while_the_score_is_on_its_way"), WHO, GRADES, NOW_OR_THEN),
    st.tuples(st.just("worker_stalls_beyond_its_lease"), WHO, NUMBERS, NOW_OR_THEN),
    *[st.tuples(st.just("something_goes_wrong_with_the_next_request"), st.sampled_from(FAULTS))] * 3,
    st.tuples(st.just("gradebook_goes_down_or_comes_back"), st.sampled_from([True, False, False])),
)


class Killed(BaseException):
    """kill -9 at this moment: no handler of the application sees it."""


@dataclass
class Person:
    """What the model knows of one learner's grade."""

    evidence: str
    version: int = 0
    points: float = 0.0
    decided_at: dict[int, datetime] = field(default_factory=dict)
    edited_at: datetime | None = None
    edited_after: int = 0
    edit: float | None = None
    stamps: dict[int, set[datetime]] = field(default_factory=dict)
    accepted: list[int] = field(default_factory=list)
    not_before: datetime | None = None


class WatchedNetwork(FakeNetwork):
    """The way out, with someone who looks at every POST and may strike at any moment."""

    def __init__(self, machine: Delivering, *platforms: FakePlatform) -> None:
        super().__init__(*platforms)
        self.machine = machine
        self.is_down = False
        self.before: tuple[str, Callable[[], None]] | None = None
        self.after: tuple[str, Callable[[], None]] | None = None

    def request(self, method: str, url: str, **options: Any) -> lti.EgressResponse:
        kind = kind_of(url)
        if self.is_down:
            raise lti.EgressFailed("nobody answers")
        with self.machine.remembering():
            watch = self.machine.looks_at(json.loads(options["content"])) if kind == "scores" else None
        self._strike("before", kind)
        if watch is not None:
            # What happened while it was on its way is not its doing.
            watch.values_before = len(self.machine.platform.cell(watch.sub).history)
        answer: lti.EgressResponse | None = None
        try:
            answer = super().request(method, url, **options)
        finally:
            # A lost reply was carried out all the same.
            if watch is not None:
                with self.machine.remembering():
                    self.machine.looks_after(watch, answer)
        self._strike("after", kind)
        return answer

    def _strike(self, when: str, kind: str) -> None:
        planned = getattr(self, when)
        if planned is not None and planned[0] == kind:
            setattr(self, when, None)
            planned[1]()


@dataclass
class Watch:
    sub: str
    version: int
    values_before: int = 0


class Delivering(RuleBasedStateMachine):
    def __init__(self, template: Path, clock: MovingClock, personality: str) -> None:
        super().__init__()
        self.clock = clock
        clock.moment = datetime.fromisoformat("2026-11-22T16:50:03.250+00:00")
        self.folder = Path(tempfile.mkdtemp(prefix="workside-state-"))
        shutil.copytree(template, self.folder, dirs_exist_ok=True)
        self.database = open_quickly(self.folder)
        self.broken: list[AssertionError] = []
        course = json.loads((self.folder / "course.json").read_text())
        self.course = Course(self.database, **course)
        with self.database.write() as session:
            session.get_one(Registration, self.course.registration_id).platform = personality
        self.platform = FakePlatform(self.clock, personality, learners=LEARNERS)
        self.network = WatchedNetwork(self, self.platform)
        vault = Vault.open("", self.folder)
        tokens = lti.ServiceTokens(
            self.network, DatabaseKeys(self.database, vault), DatabaseTokenCache(self.database, vault), now
        )
        self.services: Any = SimpleNamespace(
            database=self.database,
            platform=lti.Services(self.network, tokens, now),
            settings=SimpleNamespace(demo=False, url="https://tool.example"),
        )
        self.people = {sub: Person(self.course.hand_in(sub)) for sub in LEARNERS}
        self.decisions = 0
        self.reviewer_decides("101", 21)

    @rule(happening=HAPPENINGS)
    def then(self, happening: tuple[Any, ...]) -> None:
        name, *arguments = happening
        getattr(self, name)(*arguments)

    # --- what is looked at with every POST ----------------------------------------------------------------------------

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """The worker takes every exception for one of its tries, also ours; what is broken must come out all the same."""
        try:
            yield
        except AssertionError as error:
            self.broken.append(error)
            raise

    @invariant()
    def nothing_was_broken(self) -> None:
        if self.broken:
            raise self.broken[0]

    def looks_at(self, body: dict[str, Any]) -> Watch:
        sub = body["userId"]
        person, row = self.people[sub], self.row(sub)
        stamp = datetime.fromisoformat(body["timestamp"])
        # Nobody else has the lease, so this is the claimed version, whatever was decided since.
        version = row.stamp_version
        late = next((known for known, seen in person.stamps.items() if stamp in seen), row.stamp_version)
        if late < row.stamp_version:
            # A worker that lost its lease and does not know it, say in a second try with a new token: the platform must refuse
            # it, which `looks_after` sees to.
            return Watch(sub, late)
        assert stamp == row.stamp, "sent with another stamp than the one saved before"
        assert stamp.microsecond == 0, "a stamp is a whole second"
        assert stamp + SECOND <= self.clock.moment, "sent before every clock has passed the stamp"
        person.stamps.setdefault(version, set()).add(stamp)
        assert len(person.stamps[version]) == 1, "every try of a version has the same stamp"
        ordered = [next(iter(person.stamps[key])) for key in sorted(person.stamps)]
        assert all(b - a >= SECOND for a, b in pairwise(ordered)), "stamps rise by seconds"
        if self.platform.personality == "openedx":
            assert body["scoreGiven"] > 0, "an Open edX gradebook never receives a 0"
        assert body["gradingProgress"] == "FullyGraded"
        if person.not_before is not None:
            assert self.clock.moment >= person.not_before, "the platform asked us to wait"
        return Watch(sub, version)

    def looks_after(self, watch: Watch, answer: lti.EgressResponse | None) -> None:
        person, cell = self.people[watch.sub], self.platform.cell(watch.sub)
        # A decision is tried at once, whether it comes while the platform wants peace or a moment before it says so.
        is_newest = watch.version == person.version
        if answer is not None and answer.headers.get("retry-after") and is_newest:
            person.not_before = self.clock.moment + timedelta(seconds=int(answer.headers["retry-after"]))
        if len(cell.history) == watch.values_before:
            return
        assert watch.version >= max(person.accepted, default=0), "an older version over a newer one"
        person.accepted.append(watch.version)
        if person.edited_at is not None:
            assert person.decided_at[watch.version] >= person.edited_at, "over a person's later edit"

    # --- people -------------------------------------------------------------------------------------------------------

    def reviewer_decides(self, sub: str, number: int) -> None:
        self.decisions += 1
        person = self.people[sub]
        self.course.decide(person.evidence, number, f"comment {self.decisions}\nand why")
        person.version += 1
        person.points = points(number)
        person.decided_at[person.version] = self.clock.moment
        person.not_before = None

    def reviewer_clicks_twice(self, sub: str, number: int) -> None:
        person = self.people[sub]
        seen = None
        if person.version:
            with self.database.read() as session:
                seen = session.get_one(ScoreRow, self.row(sub).id).confirmation_id
        self.reviewer_decides(sub, number)
        again = self.course.decide(person.evidence, number, f"comment {self.decisions}\nand why", after=seen)
        assert again.points == person.points
        assert self.row(sub).version == person.version

    def teacher_edits_in_the_platform(self, sub: str, score: int) -> None:
        # Not in the very microsecond of a decision: who was later could not be said, and Canvas takes an equal stamp.
        self.clock.forward(0.01)
        person = self.people[sub]
        self.platform.teacher_grades(sub, score)
        person.edit, person.edited_at, person.edited_after = score, self.clock.moment, person.version

    def reviewer_sends_again(self, sub: str) -> None:
        if self.people[sub].version:
            with self.database.write() as session:
                is_sent = send_again(session, self.row(sub).id, actor_id=None)
            if is_sent:
                self.people[sub].not_before = None
                if self.row(sub).stamp_version == 0:
                    # Its stamp was of no use: asked for again by a person, it is as good as a new decision.
                    self.people[sub].stamps.pop(self.people[sub].version, None)
                    self.people[sub].decided_at[self.people[sub].version] = self.clock.moment

    # --- time ---------------------------------------------------------------------------------------------------------

    def time_passes(self, seconds: float) -> None:
        self.clock.forward(seconds)

    # --- the worker ---------------------------------------------------------------------------------------------------

    def worker_takes_one(self) -> None:
        deliver_next(self.services)

    def worker_takes_all_in_good_time(self) -> None:
        self.clock.forward(2)
        self.work()

    def worker_is_killed(self, kind: str, when: str) -> None:
        """During the next request of that kind; one that never comes kills nobody."""
        self.clock.forward(2)

        def kill() -> None:
            self.nobody_heard_the_reply()
            raise Killed

        setattr(self.network, when, (kind, kill))
        try:
            self.work()
        except Killed:
            pass
        finally:
            setattr(self.network, when, None)

    def nobody_heard_the_reply(self) -> None:
        """A platform's wish to be left alone dies with the worker that was to write it down."""
        for person in self.people.values():
            person.not_before = None

    def new_worker_starts(self) -> None:
        """Only the dead hold leases in here: nobody else works between two rules."""
        free_deliveries(self.services, lambda _owner: True)

    def decision_while_the_score_is_on_its_way(self, sub: str, number: int, when: str) -> None:
        self.clock.forward(2)
        setattr(self.network, when, ("scores", lambda: self.reviewer_decides(sub, number)))
        self.work()
        setattr(self.network, when, None)

    def edit_while_the_score_is_on_its_way(self, sub: str, score: int, when: str) -> None:
        self.clock.forward(2)
        setattr(self.network, when, ("scores", lambda: self.teacher_edits_in_the_platform(sub, score)))
        self.work()
        setattr(self.network, when, None)

    def worker_stalls_beyond_its_lease(self, sub: str, number: int, when: str) -> None:
        """Its POST leaves when another worker has long sent a newer decision."""
        self.clock.forward(2)

        def stall() -> None:
            self.nobody_heard_the_reply()
            self.clock.forward(130)
            self.reviewer_decides(sub, number)
            self.clock.forward(2)
            self.work()

        setattr(self.network, when, ("scores", stall))
        self.work()
        setattr(self.network, when, None)

    # --- the platform -------------------------------------------------------------------------------------------------

    def something_goes_wrong_with_the_next_request(self, fault: tuple[str, str, int]) -> None:
        what, kind, number = fault
        if what == "status":
            self.platform.fail(kind, number)  # type: ignore[arg-type]
        elif what == "reply lost":
            self.platform.lose_reply(kind)  # type: ignore[arg-type]
        elif what == "request lost":
            self.platform.drop(kind)  # type: ignore[arg-type]
        elif what == "throttled":
            self.platform.throttle("scores", number or None)
        else:
            self.platform.revoke_tokens()

    def gradebook_goes_down_or_comes_back(self, is_down: bool) -> None:
        self.network.is_down = is_down

    # --- in the end ---------------------------------------------------------------------------------------------------

    def teardown(self) -> None:
        try:
            self.all_becomes_well()
            self.nothing_was_broken()
            for sub, person in self.people.items():
                self.gradebook_is_right(sub, person)
        finally:
            self.database.dispose()
            shutil.rmtree(self.folder, ignore_errors=True)

    def all_becomes_well(self) -> None:
        self.network.is_down = False
        self.platform._faults.clear()
        for _ in range(4):
            self.clock.forward(25 * 3600)
            self.work()
            for sub in LEARNERS:
                row = self.row(sub) if self.people[sub].version else None
                if row is not None and row.state == DEAD:
                    # Loud, with a reason, and there for "send again".
                    assert row.reason
                    self.reviewer_sends_again(sub)

    def gradebook_is_right(self, sub: str, person: Person) -> None:
        cell = self.platform.cell(sub)
        if not person.version:
            assert cell.posts == 0, "a score without a decision"
            return
        row = self.row(sub)
        assert row.lease_owner is None
        assert row.version == person.version
        assert row.points == person.points
        assert row.state in {DELIVERED, SUPERSEDED, WITHHELD}, (row.state, row.reason)
        stamp = person.decided_at[person.version].replace(microsecond=0)
        edit_is_later = person.edited_at is not None and person.edited_at >= stamp
        # Moodle keeps an override for good and answers 200 all the same.
        edit_stands = edit_is_later or (
            person.edited_at is not None and self.platform.personality == "moodle"
        )
        if row.state == WITHHELD:
            assert (self.platform.personality, row.points) == ("openedx", 0)
        elif row.state == SUPERSEDED:
            assert edit_stands, "superseded, and no edit of a person stands"
            assert cell.score == person.edit
        else:
            assert row.delivered_version == row.version
            if not edit_stands:
                assert cell.score == pytest.approx(row.points, abs=0.01)
        if person.edited_at is not None and person.edited_after == person.version:
            assert cell.score == person.edit, "a person's later edit was lost"
        assert cell.submissions == 0, "a score that used up an attempt"
        assert len(cell.comments) == len(set(cell.comments)), "a comment twice"
        lines = quirks_of(self.platform.personality).newline
        assert all(lines in comment for comment in cell.comments), "two lines became one"
        assert len(self.platform.columns) == 1, "a second column"
        assert person.accepted == sorted(person.accepted)

    # --- -------------------------------------------------------------------------------------------------------------

    def work(self) -> None:
        """A worker's rounds until there is nothing to do now."""
        for _ in range(200):
            if not deliver_next(self.services):
                return
        raise AssertionError("the worker spins")

    def row(self, sub: str) -> ScoreRow:
        row = self.course.score_of(sub)
        assert row is not None
        return row


def open_quickly(folder: Path) -> Database:
    """The database of a test that cuts no power: nothing is waited for on the disk."""
    database = Database(f"sqlite:///{folder / 'workside.db'}")

    def relax(connection: Any, _record: Any) -> None:
        connection.execute("PRAGMA synchronous=OFF")

    event.listen(database.engine, "connect", relax)
    return database


@pytest.fixture
def template(tmp_path: Path, migrated_database: Path, clock: MovingClock) -> Iterator[Path]:
    """A folder with a course and the tool's key, to be copied for each run."""
    shutil.copy(migrated_database, tmp_path / "workside.db")
    database = open_quickly(tmp_path)
    course = make_course(database, learners=LEARNERS)
    DatabaseKeys(database, Vault.open("", tmp_path)).signing()
    members = {name: value for name, value in vars(course).items() if name != "database"}
    (tmp_path / "course.json").write_text(json.dumps(members))
    database.dispose()
    yield tmp_path


@pytest.mark.parametrize("personality", sorted(PERSONALITIES))
def test_the_gradebook_shows_what_the_last_person_wanted(
    template: Path, clock: MovingClock, personality: str
) -> None:
    run_state_machine_as_test(
        lambda: Delivering(template, clock, personality),
        settings=settings(
            max_examples=EXAMPLES or 10,
            stateful_step_count=30,
            deadline=None,
            derandomize=not EXAMPLES,
            database=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
