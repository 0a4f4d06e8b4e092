"""A whole class opens something new at the same moment: everybody gets in, and every row is there once."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.course.launches import admit_launch
from app.course.models import Context, LineItem, Membership, ResourceLink, User, Visit
from app.course.platforms import add_platform
from app.course.services import Services
from app.kit.db import Base
from lti.message import AgsEndpoint, Launch, NoticeService
from lti.message import ResourceLink as Activity
from tests.app.rooms.campus import Campus

SITE = "https://north.example"
PEOPLE = 12


class School(Campus):
    """The launches of a campus, without its web application."""

    def __init__(self, services: Services) -> None:
        self.services = services


@pytest.fixture
def school(services: Services) -> School:
    add_platform(
        services, name="north", issuer=SITE, client_id="client-north", deployment_id="1", auth_url=f"{SITE}/auth",
        token_url=f"{SITE}/token", jwks_url=f"{SITE}/jwks", audience=None, allow_private=False, organisation="north",
    )  # fmt: skip
    return School(services)


def at_once(services: Services, launches: list[Launch]) -> list[str]:
    """Admits them all from threads that start together; returns what went wrong."""
    gate = threading.Barrier(len(launches))
    wrong: list[str] = []

    def admit(launch: Launch) -> None:
        gate.wait()
        try:
            admit_launch(services, launch)
        except Exception as error:
            wrong.append(type(error).__name__)

    threads = [threading.Thread(target=admit, args=(launch,)) for launch in launches]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return wrong


def count(services: Services, model: type[Base]) -> int:
    with services.database.read() as session:
        return session.scalar(select(func.count()).select_from(model)) or 0


def test_a_class_opens_a_new_course_at_the_same_moment(school: School) -> None:
    services = school.services
    launches = [
        replace(
            school.launch(f"person{n}", course="new"),
            memberships_url=f"{SITE}/members",
            notices=NoticeService(f"{SITE}/notices", ("LtiContextCopyNotice",)),
        )
        for n in range(PEOPLE)
    ]
    assert at_once(services, launches) == []
    assert (count(services, Context), count(services, ResourceLink), count(services, LineItem)) == (1, 1, 1)
    assert count(services, User) == count(services, Membership) == count(services, Visit) == PEOPLE
    # The same people, at once, in an activity that is new.
    assert (
        at_once(services, [school.launch(f"person{n}", course="new", link="next") for n in range(PEOPLE)])
        == []
    )
    assert (count(services, Context), count(services, ResourceLink), count(services, User)) == (1, 2, PEOPLE)


def test_a_double_click_is_one_person(school: School) -> None:
    assert at_once(school.services, [school.launch("ana", course="new") for _ in range(4)]) == []
    assert count(school.services, User) == count(school.services, Membership) == 1


def test_a_column_belongs_to_one_activity(school: School) -> None:
    """Two activities that name one column would overwrite each other's grades: the second does without."""
    first = school.launch("ana", link="one")
    second = replace(school.launch("ana", link="two"), ags=first.ags)
    for launch in (first, second, first, second):
        assert at_once(school.services, [launch]) == []
    with school.services.database.read() as session:
        urls = session.scalars(select(LineItem.url).order_by(LineItem.id)).all()
    assert first.ags is not None and urls == [first.ags.lineitem, None]


@pytest.mark.parametrize("part", ["return", "activity", "column", "target"])
def test_the_longest_values_that_pass_are_kept_by_either_database(school: School, part: str) -> None:
    launch, long = school.launch("ana"), f"{SITE}/{'x' * (1_999 - len(SITE))}"
    launches = {
        "return": replace(launch, return_url=long),
        "activity": replace(launch, context=None, resource_link=Activity("r" * 255, "t" * 500)),
        "column": replace(launch, ags=AgsEndpoint(long, long, frozenset({"s" * 1_000}))),
        "target": replace(
            launch, target_link_uri=f"http://localhost:8000/lti/launch?placement={'z' * 3_000}"
        ),
    }
    assert at_once(school.services, [launches[part]]) == []
