"""Visits: one start code, one bearer, one place, one role, and an end."""

from __future__ import annotations

import threading
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlalchemy import select, update

from app.course import access
from app.course.departures import remove_ended_visits
from app.course.launches import admit_launch
from app.course.models import (
    Context,
    Deployment,
    LaunchTicket,
    LineItem,
    Membership,
    Organisation,
    Registration,
    ResourceLink,
    User,
    Visit,
)
from app.course.platforms import PlatformRefused, add_platform
from app.kit.clock import now
from app.kit.ids import secret_hash
from lti.message import AgsEndpoint
from tests.app.rooms.campus import Campus, session_of


def test_a_start_code_opens_one_visit_once(campus: Campus) -> None:
    start = admit_launch(campus.services, campus.launch())
    first, second = campus.client.get(start), campus.client.get(start)
    assert session_of(first)["first"] == "/"
    assert second.status_code == 401
    assert 'id="session"' not in second.text
    assert "Open Workside again from your course" in second.text


def test_of_many_who_use_one_start_code_at_once_one_gets_the_bearer(campus: Campus) -> None:
    start = admit_launch(campus.services, campus.launch())
    found: list[int] = []
    threads = [
        threading.Thread(target=lambda: found.append(campus.client.get(start).status_code)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(found) == [200] + [401] * 5


def test_a_start_code_is_good_for_a_minute(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    start = admit_launch(campus.services, campus.launch())
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", "61")
    assert campus.client.get(start).status_code == 401


@pytest.mark.parametrize("code", ["x", "..", "%00", "a" * 500, "start"])
def test_a_guessed_code_opens_nothing(campus: Campus, code: str) -> None:
    admit_launch(campus.services, campus.launch())
    assert campus.client.get(f"/start/{code}").status_code in {401, 404}


def test_no_secret_is_kept_as_it_is(campus: Campus) -> None:
    start = admit_launch(campus.services, campus.launch())
    code = start.removeprefix("/start/")
    ana = campus.visit("ben")
    campus.services.database.engine.dispose()
    kept = b"".join(path.read_bytes() for path in campus.services.settings.data_dir.glob("workside.db*"))
    assert code.encode() not in kept
    assert ana.bearer.encode() not in kept
    assert secret_hash(ana.bearer).encode() in kept


def test_a_visit_ends_after_a_time_without_a_click(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    ana = campus.visit()
    minutes = campus.services.settings.session_minutes
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(minutes * 60 - 5))
    assert ana.get("/practice").status_code == 200
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(2 * minutes * 60 - 30))
    assert ana.get("/practice").status_code == 200, "the click before prolonged it"
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(3 * minutes * 60))
    for answer in (
        ana.get("/practice"),
        ana.post("/practice/lamp-parcels/attempts", {"response": "x", "attempt_key": "k"}),
        ana.post("/ask/turns", {"question": "x"}),
    ):
        assert answer.status_code == 401
        assert "Open Workside again from your course" in answer.text
        assert 'id="session"' not in answer.text, "the shell would try the same bearer for ever"


def test_visits_that_ended_long_ago_are_removed(campus: Campus) -> None:
    campus.visit()
    with campus.services.database.write() as session:
        session.execute(update(Visit).values(expires_at=now() - timedelta(days=2)))
    campus.visit("ben")
    remove_ended_visits(campus.services)
    assert campus.count(Visit) == 1


def test_a_visit_that_was_ended_is_not_prolonged_by_a_request_in_flight(campus: Campus) -> None:
    ana = campus.visit()
    with campus.services.database.write() as session:
        visit = session.scalars(select(Visit)).one()
        visit.expires_at = now() + timedelta(minutes=5)
    request = SimpleNamespace(app=campus.app)
    with campus.services.database.write() as session:
        session.execute(update(Visit).values(expires_at=now()))
    access._prolong(request, visit)  # type: ignore[arg-type]  # as the request that had read it a moment ago
    assert ana.get("/").status_code == 401


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Bearer x",
        "Basic {bearer}",
        "{bearer}",
        "Bearer {bearer}x",
        "Bearer {hash}",
    ],
)
def test_nothing_but_the_bearer_opens_a_visit(campus: Campus, authorization: str | None) -> None:
    ana = campus.visit()
    headers = {"Accept": "text/html"}
    if authorization is not None:
        headers["Authorization"] = authorization.format(bearer=ana.bearer, hash=secret_hash(ana.bearer))
    answer = campus.client.get("/practice", headers=headers)
    assert answer.status_code == 401
    assert "lamp-parcels" not in answer.text


def test_a_bearer_in_an_address_or_a_cookie_opens_nothing(campus: Campus) -> None:
    ana = campus.visit()
    for path in (f"/practice?bearer={ana.bearer}", f"/practice?access_token={ana.bearer}"):
        assert campus.client.get(path).status_code == 401
    campus.client.cookies.set("bearer", ana.bearer)
    assert campus.client.get("/practice").status_code == 401


def test_a_bare_reload_gets_the_empty_shell_and_a_program_gets_json(campus: Campus) -> None:
    shell = campus.client.get("/practice", headers={"Accept": "text/html"})
    assert shell.status_code == 401
    assert session_of(shell) is None
    answer = campus.client.get("/practice", headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json()["error"]) == (401, "SignedOut")
    assert set(answer.json()) == {"error", "title", "advice", "reference"}


def test_a_visit_keeps_the_role_it_was_launched_with(campus: Campus) -> None:
    learner = campus.visit("ana", "learner")
    instructor = campus.visit("ana", "instructor")
    assert learner.get("/review").status_code == 403
    assert instructor.get("/review").status_code == 200
    assert learner.get("/review").status_code == 403


def test_launching_again_makes_no_second_person_course_or_activity(campus: Campus) -> None:
    for _ in range(3):
        campus.visit()
    assert [campus.count(model) for model in (User, Context, ResourceLink, Membership, LineItem)] == [1] * 5
    assert campus.count(Visit) == 3


def test_the_same_sub_of_two_platforms_is_two_people(campus: Campus) -> None:
    with campus.services.database.write() as session:
        session.execute(update(User).values(sub="ana"))
    for organisation in ("north", "south"):
        launch = campus.launch("ana", "learner", "parcels", organisation)
        campus.enter(_changed(launch, sub="same-sub"))
    with campus.services.database.read() as session:
        rows = session.scalars(select(User).where(User.sub == "same-sub")).all()
    assert len({row.organisation_id for row in rows}) == len(rows) == 2


def _changed(launch: Any, **changes: Any) -> Any:
    from dataclasses import replace

    return replace(launch, **changes)


def test_launches_of_a_new_person_at_once_make_one_person(campus: Campus) -> None:
    launches = [campus.launch("new") for _ in range(4)]
    found: list[str] = []
    threads = [
        threading.Thread(target=lambda launch=launch: found.append(admit_launch(campus.services, launch)))
        for launch in launches
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 4
    assert campus.count(User) == 1


def test_a_launch_without_a_course_has_a_place_of_its_own(campus: Campus) -> None:
    ana = campus.enter(_changed(campus.launch(), context=None))
    ivo = campus.enter(_changed(campus.launch("ivo", "instructor", link="another-activity"), context=None))
    ana.hand_in(ana.attempt("lamp-parcels"))
    assert ivo.waiting() == []


def test_a_launch_that_names_no_column_keeps_the_one_we_know(campus: Campus) -> None:
    campus.visit()
    with campus.services.database.read() as session:
        known = session.scalars(select(LineItem.url)).one()
    launch = campus.launch(custom={"task": "lamp-parcels"})
    campus.enter(_changed(launch, ags=AgsEndpoint(None, launch.ags.lineitems, launch.ags.scopes)))  # type: ignore[union-attr]
    campus.enter(_changed(launch, ags=None))
    with campus.services.database.read() as session:
        assert session.scalars(select(LineItem.url)).all() == [known]


def test_a_person_without_a_name_is_shown_as_a_learner(campus: Campus) -> None:
    launch = _changed(campus.launch(), name=None)
    ana = campus.enter(launch)
    ana.hand_in(ana.attempt("lamp-parcels"))
    page = campus.visit("ivo", "instructor").get("/review").text
    assert "Learner " in page and launch.sub not in page


def test_tickets_that_ran_out_are_removed(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    for _ in range(3):
        admit_launch(campus.services, campus.launch())
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", "120")
    admit_launch(campus.services, campus.launch())
    assert campus.count(LaunchTicket) == 1


PLATFORM = {
    "name": "Moodle",
    "issuer": "https://moodle.example",
    "client_id": "a1",
    "deployment_id": "1",
    "auth_url": "https://moodle.example/auth",
    "token_url": "https://moodle.example/token",
    "jwks_url": "https://moodle.example/certs",
    "audience": None,
    "allow_private": False,
    "organisation": "default",
}


def test_registering_twice_changes_nothing_and_other_addresses_replace_the_old(campus: Campus) -> None:
    first = add_platform(campus.services, **PLATFORM)  # type: ignore[arg-type]
    assert add_platform(campus.services, **PLATFORM) == first  # type: ignore[arg-type]
    add_platform(
        campus.services, **PLATFORM | {"deployment_id": "2", "jwks_url": "https://moodle.example/new"}
    )  # type: ignore[arg-type]
    with campus.services.database.read() as session:
        row = session.scalars(select(Registration).where(Registration.issuer == PLATFORM["issuer"])).one()
        assert row.jwks_url == "https://moodle.example/new"
        assert sorted(deployment.deployment_id for deployment in row.deployments) == ["1", "2"]


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"issuer": " "}, "--issuer"),
        ({"client_id": "x" * 256}, "--client-id"),
        ({"auth_url": "moodle.example/auth"}, "--auth-url"),
        ({"token_url": "ftp://moodle.example/token"}, "--token-url"),
        ({"jwks_url": "https://user:pw@moodle.example/certs"}, "--jwks-url"),
        ({"jwks_url": "javascript:alert(1)"}, "--jwks-url"),
        ({"issuer": "https://north.example", "client_id": "client-north"}, "--organisation"),
    ],
)
def test_a_platform_that_cannot_be_registered_is_refused_by_its_option(
    campus: Campus, changes: dict[str, str], said: str
) -> None:
    before = campus.count(Registration)
    with pytest.raises(PlatformRefused, match=said):
        add_platform(campus.services, **PLATFORM | changes)  # type: ignore[arg-type]
    assert campus.count(Registration) == before


def test_the_way_back_to_the_course_is_shown_where_the_platform_gives_one(campus: Campus) -> None:
    url = "https://north.example/course?id=7&lang=pt"
    ana = campus.enter(_changed(campus.launch(), return_url=url))
    for path in ("/", "/practice", "/practice/lamp-parcels"):
        page = ana.get(path).text
        assert 'href="https://north.example/course?id=7&amp;lang=pt" target="_top"' in page, path
    assert "lti_msg" not in ana.get("/practice/lamp-parcels").text
    ana.hand_in(ana.attempt("lamp-parcels"))
    done = ana.get("/practice/lamp-parcels").text
    assert "id=7&amp;lang=pt&amp;lti_msg=Your%20answer%20is%20handed%20in" in done
    assert "Back to the course" not in campus.visit("ben").get("/").text


def test_one_person_in_two_organisations_of_one_registration_is_two_people(campus: Campus) -> None:
    """On Blackboard one client id serves every school, and the deployment says which."""
    with campus.services.database.write() as session:
        north = session.scalars(
            select(Registration).where(Registration.issuer == "https://north.example")
        ).one()
        south = session.scalars(select(Organisation).where(Organisation.name == "south")).one()
        session.add(Deployment(registration_id=north.id, organisation_id=south.id, deployment_id="2"))
        other = south.id
    campus.visit("ana")
    campus.enter(replace(campus.launch("ana"), deployment_id="2", name="Ana as the other school calls her"))
    campus.visit("ana")
    with campus.services.database.read() as session:
        people = session.scalars(select(User).where(User.sub == "north-ana")).all()
        visits = session.scalars(select(Visit)).all()
    assert {(one.organisation_id, one.name) for one in people} == {
        (north.organisation_id, "Ana of north"),
        (other, "Ana as the other school calls her"),
    }
    own = {one.id: one.organisation_id for one in people}
    assert all(own[visit.user_id] == visit.organisation_id for visit in visits) and len(visits) == 3
