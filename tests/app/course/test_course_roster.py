"""Rosters through the real application: a launch says where the list is, the worker reads it, access follows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from app.course.models import Deployment, Membership, Roster, User, Visit
from app.course.roster import read_next_roster
from app.kit.clock import now
from app.main import make_worker
from lti.ports import EgressResponse
from tests.app.evidence.conftest import connect
from tests.app.evidence.course import MovingClock
from tests.app.rooms.campus import Campus
from tests.app.rooms.campus import Visit as Tab
from tests.fakes.memberships import Memberships
from tests.fakes.platform import FakeNetwork, FakePlatform

HOUR = 3600


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock().install(monkeypatch)


@pytest.fixture
def people(campus: Campus, clock: MovingClock) -> Memberships:
    """The north's platform with a list of Ana, Bo and the instructor Ivo; four more pages than one."""
    platform = FakePlatform(
        now, base="https://north.example", client_id="client-north", tool_url="http://localhost:8000"
    )
    connect(campus.services, FakeNetwork(platform))
    people = Memberships(platform)
    for sub, role in (("ana", "Learner"), ("bo", "Learner"), ("ivo", "Instructor"), ("uma", "Instructor")):
        people.add(f"north-{sub}", role, name=f"{sub.title()} by the list")
    return people


def enter(campus: Campus, people: Memberships, who: str = "ana", role: str = "learner") -> Tab:
    return campus.enter(replace(campus.launch(who, role), memberships_url=people.url))


def sync(campus: Campus) -> None:
    while read_next_roster(campus.services):
        pass


def memberships(campus: Campus) -> dict[str, tuple[str, str]]:
    """sub -> (role, status)."""
    with campus.services.database.read() as session:
        rows = session.execute(
            select(User.sub, Membership.role, Membership.status).join(
                Membership, Membership.user_id == User.id
            )
        )
        return {sub.removeprefix("north-"): (role, status) for sub, role, status in rows}


def roster(campus: Campus) -> Roster:
    with campus.services.database.read() as session:
        return session.scalars(select(Roster)).one()


def test_case_103_names_and_roles_come_from_the_list(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    enter(campus, people)
    ivo = enter(campus, people, "ivo", "instructor")
    clock.forward(1)
    sync(campus)
    assert memberships(campus) == {
        "ana": ("learner", "active"),
        "ivo": ("instructor", "active"),
        "uma": ("instructor", "active"),
    }, "who teaches is known before their first launch; a learner who never came is not"
    with campus.services.database.read() as session:
        assert session.scalars(select(User.name).where(User.sub == "north-ana")).one() == "Ana by the list"
    assert ivo.get("/review").status_code == 200


def test_case_103_without_names_everything_works(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    for member in people.members:
        member.pop("name")
    ana = enter(campus, people)
    clock.forward(1)
    sync(campus)
    assert ana.get("/practice").status_code == 200
    with campus.services.database.read() as session:
        names = {sub: name for sub, name in session.execute(select(User.sub, User.name))}  # noqa: C416
    assert names == {"north-ana": "Ana of north", "north-ivo": None, "north-uma": None}


@pytest.mark.parametrize("how", ["Inactive", "Deleted", "missing"])
def test_case_103_who_left_loses_access_and_keeps_the_record(
    campus: Campus, people: Memberships, clock: MovingClock, how: str
) -> None:
    ana = enter(campus, people)
    enter(campus, people, "bo")
    handed_in = ana.attempt("lamp-parcels")
    ana.hand_in(handed_in)
    clock.forward(1)
    sync(campus)
    if how == "missing":
        del people.members[0]
    else:
        people.members[0]["status"] = how
    clock.forward(24 * HOUR)
    sync(campus)
    assert memberships(campus)["ana"] == ("learner", "inactive")
    assert ana.get("/practice").status_code == 401
    ivo = enter(campus, people, "ivo", "instructor")
    assert len(ivo.waiting()) == 1, "what she handed in stays before her instructor"
    again = enter(campus, people)
    assert memberships(campus)["ana"] == ("learner", "active")
    assert again.get("/practice").status_code == 200
    sync(campus)
    assert again.get("/practice").status_code == 200, "the platform's launch is newer than its list"


def test_case_103_a_role_that_ended_ends_its_visits(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    ivo = enter(campus, people, "ivo", "instructor")
    people.members[2]["roles"] = ["Learner"]
    clock.forward(1)
    sync(campus)
    assert ivo.get("/review").status_code == 401
    assert memberships(campus)["ivo"] == ("learner", "active")


def test_case_103_somebody_whom_no_list_ever_named_is_not_missed(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    """An administrator looks in, and a platform that lists only some of its people."""
    eve = enter(campus, people, "eve", "administrator")
    clock.forward(1)
    sync(campus)
    assert memberships(campus)["eve"] == ("administrator", "active")
    assert eve.get("/review").status_code == 200


@pytest.mark.parametrize("fault", ["page 3 fails", "an empty list", "no list"])
def test_case_101_half_a_list_marks_nobody_as_gone(
    campus: Campus, people: Memberships, clock: MovingClock, fault: str
) -> None:
    ana = enter(campus, people)
    clock.forward(1)
    sync(campus)
    people.page_size = 1
    if fault == "page 3 fails":
        people.members.reverse()  # Ana stands on the last page
        people.hooks[3] = lambda: EgressResponse(503, {}, b"")
    elif fault == "an empty list":
        people.members.clear()
    else:
        people.hooks[1] = lambda: EgressResponse(200, {}, b"{}")
    clock.forward(25 * HOUR)
    with campus.services.database.write() as session:
        session.execute(update(Visit).values(expires_at=now().replace(year=2099)))
    sync(campus)
    assert memberships(campus)["ana"] == ("learner", "active") and ana.get("/practice").status_code == 200
    if fault != "an empty list":
        assert roster(campus).tries == 1 and roster(campus).due_at > now()


def test_case_104_a_refused_list_is_left_alone(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    people.refuses = 403
    ivo = enter(campus, people, "ivo", "instructor")
    clock.forward(1)
    sync(campus)
    assert (roster(campus).state, len(people.seen)) == ("refused", 1)
    assert "not for this tool" in roster(campus).reason
    assert ivo.get("/review").status_code == 200, "nothing depends on it"
    for _ in range(30):
        clock.forward(5 * HOUR)
        enter(campus, people, "ivo", "instructor")
        sync(campus)
    assert len(people.seen) == 1, "not asked every hour"
    people.refuses = None
    clock.forward(2 * 24 * HOUR)
    sync(campus)
    assert roster(campus).state == "read"


def test_case_104_differences_are_used_and_never_needed(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    people.differences = "monday"
    ana = enter(campus, people)
    clock.forward(1)
    sync(campus)
    people.changed = [{"user_id": "north-ivo", "roles": ["Instructor"], "name": "Ivo, renamed"}]
    clock.forward(HOUR + 1)
    enter(campus, people, "uma", "instructor")
    clock.forward(1)
    sync(campus)
    assert "since=monday" in people.seen[-1].url
    assert memberships(campus)["ana"] == ("learner", "active"), "not being among the changes is not leaving"
    assert ana.get("/practice").status_code == 200
    del people.members[0]
    clock.forward(24 * HOUR)
    sync(campus)
    assert "since" not in people.seen[-1].url
    assert memberships(campus)["ana"] == ("learner", "inactive")


def test_a_teachers_launch_reads_it_at_most_hourly_and_a_learners_never(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    enter(campus, people)
    clock.forward(1)
    sync(campus)
    for seconds, who, role, asked in (
        (10, "ivo", "instructor", 1),
        (2 * HOUR, "ana", "learner", 1),
        (1, "ivo", "instructor", 2),
        (60, "ivo", "instructor", 2),
        (25 * HOUR, "", "", 3),
    ):
        clock.forward(seconds)
        if who:
            enter(campus, people, who, role)
        clock.forward(1)
        sync(campus)
        assert len(people.seen) == asked, (seconds, who)
    clock.forward(40 * 24 * HOUR)
    sync(campus)
    assert len(people.seen) == 3, "a course that nobody opens is left alone"


def test_without_the_claim_there_is_no_list(campus: Campus, people: Memberships) -> None:
    campus.visit()
    assert campus.count(Roster) == 0
    campus.enter(replace(campus.launch(), memberships_url=people.url, context=None))
    assert campus.count(Roster) == 0, "outside a course neither"


def test_a_platform_that_is_switched_off_is_not_asked(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    enter(campus, people)
    with campus.services.database.write() as session:
        session.execute(update(Deployment).values(status="inactive"))
    clock.forward(1)
    sync(campus)
    assert people.seen == []


@pytest.fixture
def working(campus: Campus) -> Iterator[Any]:
    worker = make_worker(campus.services)
    campus.services.worker = worker
    worker.start()
    yield worker
    worker.stop()
    campus.services.worker = None


def test_the_worker_reads_it(campus: Campus, working: Any) -> None:
    import time

    platform = FakePlatform(now, base="https://north.example", client_id="client-north")
    connect(campus.services, FakeNetwork(platform))
    people = Memberships(platform)
    people.add("north-uma", "Instructor")
    enter(campus, people)
    working.wake()
    deadline = time.monotonic() + 20
    while campus.count(Membership) < 2 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert memberships(campus)["uma"] == ("instructor", "active")


def test_a_demoted_instructor_loses_the_tab_in_which_they_review(
    campus: Campus, people: Memberships, clock: MovingClock
) -> None:
    """Also where a launch as a learner has already lowered the membership: what counts is what each visit may."""
    ivo = enter(campus, people, "ivo", "instructor")
    assert ivo.get("/review").status_code == 200
    for member in people.members:
        if member["user_id"] == "north-ivo":
            member["roles"] = ["Learner"]
    as_learner = enter(campus, people, "ivo", "learner")
    clock.forward(HOUR + 1)
    sync(campus)
    assert ivo.get("/review").status_code == 401
    assert as_learner.get("/").status_code == 200
