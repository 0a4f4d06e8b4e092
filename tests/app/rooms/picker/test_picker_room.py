"""The picker: what it offers, previews, what is typed wrong, choosing anew, and the whole way through the protocol."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from httpx import Response
from sqlalchemy import select, update
from starlette.testclient import TestClient

from app.course.content import PracticeTask
from app.course.models import LineItem, Registration, ResourceLink
from app.course.platforms import add_platform
from app.course.services import make_platform_services
from app.evidence.delivery import deliver_next
from app.kit.audit import AuditEvent
from app.kit.clock import now
from app.main import create_app
from lti import AgsEndpoint
from lti.claims import (
    CUSTOM,
    DEEP_LINKING_REQUEST,
    DEEP_LINKING_SETTINGS,
    LINEITEM_SCOPE,
    MESSAGE_TYPE,
    RESOURCE_LINK,
    ROLES,
    SCORE_SCOPE,
    TARGET_LINK_URI,
)
from tests.app.rooms.campus import TOOL, Campus, Visit, session_of
from tests.app.rooms.placing import (
    choose,
    launched,
    picker,
    placements_of,
    posted,
)
from tests.fakes.platform import ABSENT, INSTRUCTOR, LEARNER, FakeNetwork, FakePlatform

LAMP = "practice/lamp-parcels"
HIDDEN = ("Ask for two photos.", "I refund the price", "I say sorry", "What do you need to see?")


def test_it_offers_what_the_organisation_has_and_nothing_of_another(campus: Campus) -> None:
    page = picker(campus).get("/picker").text
    for value in ("coach/all", LAMP, "practice/vase-depot"):
        assert f'name="choice" value="{value}"' in page, value
    assert "The lamp-parcels of north" in page and "of south" not in page
    assert "Course parcels of north" in page, "where it will be added"
    assert "<nav" not in page, "there is nowhere else to go"


def test_a_preview_is_what_a_learner_sees_and_holds_no_solution(campus: Campus) -> None:
    ivo = picker(campus)
    for path in ("/picker", "/picker/preview/practice/lamp-parcels"):
        page = ivo.get(path).text
        assert not [words for words in HIDDEN if words in page], path
    page = ivo.get("/picker/preview/practice/lamp-parcels").text
    assert "A customer of north calls" in page and "Asks for two photos" in page
    coach = ivo.get("/picker/preview/coach/all").text
    assert "How do I refund a damaged parcel in depot?" in coach and "Handbook of north parcels" in coach


@pytest.mark.parametrize(
    "path", ["practice/nowhere", "nowhere/lamp-parcels", "practice/all", "coach/x", "coach/%00"]
)
def test_a_preview_of_what_is_not_offered_is_not_found(campus: Campus, path: str) -> None:
    assert picker(campus).get(f"/picker/preview/{path}").status_code == 404


@pytest.mark.parametrize(
    "choice", ["practice/nowhere", "nowhere/x", "practice", "", "/", "practice/lamp-parcels/x"]
)
def test_what_is_not_offered_cannot_be_chosen(campus: Campus, choice: str) -> None:
    assert choose(picker(campus), choice).status_code == 404
    assert placements_of(campus) == []


def test_choosing_nothing_is_told(campus: Campus) -> None:
    answer = choose(picker(campus))
    assert answer.status_code == 422 and "Choose what to add" in answer.text


@pytest.mark.parametrize("points", ["0", "-1", "1001", "1e3", "5.5", "x", "", "٣", "99999999999", "1\x00"])
def test_points_are_a_whole_number_up_to_a_thousand(campus: Campus, points: str) -> None:
    answer = choose(picker(campus), LAMP, more={f"points/{LAMP}": points})
    assert answer.status_code == 422 and "from 1 to 1,000" in answer.text
    assert placements_of(campus) == []


def test_the_same_thing_chosen_twice_is_chosen_once_and_each_visit_makes_its_own(campus: Campus) -> None:
    ivo = picker(campus)
    assert len(posted(campus, choose(ivo, LAMP, LAMP)).items) == 1
    first, second = placements_of(campus), posted(campus, choose(ivo, LAMP)).items
    assert second[0]["custom"]["placement"] not in {placement.id for placement in first}


def test_a_placement_is_audited_without_its_words(campus: Campus) -> None:
    posted(campus, choose(picker(campus), LAMP))
    with campus.services.database.read() as session:
        event = session.scalars(select(AuditEvent).where(AuditEvent.action == "placement.made")).one()
    assert event.subject_id == placements_of(campus)[0].id and event.actor_id
    assert event.detail == {"kind": "practice"}


def test_an_organisation_without_content_is_told_what_to_do(campus: Campus) -> None:
    with campus.services.database.write() as session:
        session.execute(update(PracticeTask).values(is_current=False))
    page = picker(campus).get("/picker").text
    assert "Practice task" not in page and "Coach" in page, "a kind without anything is left out"


# ---- Choosing anew


def bare(campus: Campus, role: str = "instructor", who: str = "ivo") -> Visit:
    """An activity whose placement is another organisation's."""
    return campus.visit(who, role, link="bare", custom={"placement": "0" * 32})


def anew(visit: Visit, *choices: str) -> Response:
    return visit.client.post(
        "/placement", data={"choice": list(choices)}, headers=visit.headers | {"Origin": TOOL}
    )


def test_an_instructor_gives_a_copied_activity_new_content_once(campus: Campus) -> None:
    ivo = bare(campus)
    assert ivo.first == "/placement" and 'type="radio" name="choice"' in ivo.get("/placement").text
    chosen = anew(ivo, LAMP)
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/practice/lamp-parcels")
    assert ivo.get("/practice/lamp-parcels").status_code == 200
    assert ivo.get("/placement").headers["location"] == "/"
    anew(ivo, "coach/all")
    assert len(placements_of(campus)) == 1, "the first choice stays"
    assert bare(campus, "learner", "ana").first == "/practice/lamp-parcels"


def test_choosing_anew_takes_one_thing_and_only_from_those_who_teach(campus: Campus) -> None:
    assert anew(bare(campus), LAMP, "coach/all").status_code == 422
    assert anew(bare(campus, "learner", "ana"), LAMP).status_code == 403
    assert anew(campus.visit("ivo", "instructor"), LAMP).status_code == 303
    assert placements_of(campus) == [], "an activity with content keeps it"
    assert bare(campus, "learner", "ana").get("/").status_code == 409


def test_an_activity_made_by_hand_still_goes_by_its_parameters(campus: Campus) -> None:
    assert campus.visit(custom={"task": "vase-parcels"}).first == "/practice/vase-parcels"
    posted_item = posted(campus, choose(picker(campus), LAMP)).items[0]
    launched(campus, posted_item, link="changing")
    by_hand = campus.visit(link="changing", custom={"task": "vase-parcels"})
    assert by_hand.first == "/practice/vase-parcels", "the instructor has made it another activity"


@pytest.mark.parametrize(
    ("custom", "first"),
    [
        ({"activity": "plan"}, "/plan"),
        ({"activity": "practice"}, "/practice"),
        ({"activity": "simulation"}, "/simulation"),
        ({"activity": "simulation", "scenario": "a b/c"}, "/simulation/scenarios/a%20b%2Fc"),
        ({"activity": "simulation", "task": "vase-parcels"}, "/practice/vase-parcels"),
        ({"activity": "coach"}, "/"),
        ({"activity": "no such thing"}, "/"),
    ],
)
def test_an_activity_made_by_hand_says_what_it_opens(
    campus: Campus, custom: dict[str, str], first: str
) -> None:
    assert campus.visit(custom=custom).first == first


# ---- The gradebook column of a placed activity


def placed_launch(
    campus: Campus, item: dict[str, Any], who: str, role: str, ags: AgsEndpoint | None
) -> Visit:
    launch = campus.launch(who, role, link="placed")
    return campus.enter(replace(launch, target_link_uri=item["url"], custom=dict(item["custom"]), ags=ags))


def test_the_column_that_came_with_the_activity_takes_its_grades(campus: Campus) -> None:
    (item,) = posted(campus, choose(picker(campus), LAMP)).items
    url = "https://north.example/items/77"
    placed_launch(campus, item, "ana", "learner", AgsEndpoint(url, None, frozenset({SCORE_SCOPE})))
    with campus.services.database.read() as session:
        column = session.scalars(select(LineItem)).one()
    assert (column.url, column.tag) == (url, item["lineItem"]["tag"])


@pytest.mark.parametrize("is_there", [True, False])
def test_without_a_column_in_the_launch_one_is_found_or_made_by_the_placements_id(
    campus: Campus, monkeypatch: pytest.MonkeyPatch, is_there: bool
) -> None:
    """The worker looks for the placement's column before it makes one, and makes it with the points that were set."""
    platform = FakePlatform(
        now, base="https://north.example", client_id="client-north", learners=["north-ana"]
    )
    (item,) = posted(campus, choose(picker(campus), LAMP, more={f"points/{LAMP}": "40"})).items
    own = {"resource_id": item["custom"]["placement"], "tag": "practice"}
    if is_there:
        platform.add_column("By the platform", 40, **own)
    scopes = frozenset({LINEITEM_SCOPE, SCORE_SCOPE})
    ags = AgsEndpoint(None, platform.lineitems_url, scopes)
    ana = placed_launch(campus, item, "ana", "learner", ags)
    ana.hand_in(ana.attempt("lamp-parcels"))
    ivo = placed_launch(campus, item, "ivo", "instructor", ags)
    ivo.decide(ivo.waiting()[0])
    over_network(campus, platform)
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", "5")  # a score is never sent before its stamp has passed
    while deliver_next(campus.services):
        pass
    (column,) = [c for c in platform.columns.values() if c.item.get("resourceId") == own["resource_id"]]
    assert column.item["scoreMaximum"] == 40 and column.item["tag"] == "practice"
    cell = column.cell("north-ana")
    assert (cell.posts, cell.score, cell.maximum) == (1, 40, 40)


def over_network(campus: Campus, platform: FakePlatform) -> None:
    """Lets the application's requests reach the fake platform."""
    network: Any = FakeNetwork(platform)
    services = campus.services
    network: Any = FakeNetwork(platform)
    services.platform = make_platform_services(services.database, services.vault, network, services.observer)


# ---- The whole way, over HTTP


def test_a_request_over_http_becomes_an_activity_that_learners_open(campus: Campus) -> None:
    """Login, launch, picker, signed answer, and then a learner's launch of what the platform was given."""
    platform = FakePlatform(now, base="https://lms.example", tool_url=TOOL)
    add_platform(
        campus.services,
        name="lms",
        issuer=platform.issuer,
        client_id=platform.client_id,
        deployment_id=platform.deployment_id,
        auth_url=platform.auth_url,
        token_url=platform.token_url,
        jwks_url=platform.jwks_url,
        audience=None,
        allow_private=False,
        organisation="north",
    )
    network: Any = FakeNetwork(platform)
    network.close = lambda: None
    campus.services.egress = network
    client = TestClient(
        create_app(campus.services.settings, campus.services), base_url=TOOL, follow_redirects=False
    )

    def arrive(target: str = f"{TOOL}/", **claims: Any) -> Visit:
        login = client.get("/lti/login", params=platform.login_fields(target_link_uri=target))
        assert login.status_code == 302, login.text
        answer = client.post("/lti/launch", data=platform.answer(login.headers["location"], **claims))
        assert answer.status_code == 303, answer.text
        session = session_of(client.get(answer.headers["location"]))
        return Visit(session["bearer"], session["first"], client)

    wanted = {
        "deep_link_return_url": "https://lms.example/return?x=1",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe"],
        "accept_multiple": "true",
        "data": "opaque",
    }
    ivo = arrive(
        **{
            MESSAGE_TYPE: DEEP_LINKING_REQUEST,
            RESOURCE_LINK: ABSENT,
            ROLES: [INSTRUCTOR],
            DEEP_LINKING_SETTINGS: wanted,
            CUSTOM: ABSENT,
        }
    )
    assert ivo.first == "/picker"
    campus.client = client
    (item,) = posted(campus, choose(ivo, LAMP)).items
    json.dumps(item)
    ana = arrive(
        item["url"],
        **{
            TARGET_LINK_URI: item["url"],
            RESOURCE_LINK: {"id": "made-by-the-platform"},
            ROLES: [LEARNER],
            CUSTOM: item["custom"],
        },
    )
    assert ana.first == "/practice/lamp-parcels"
    page = ana.get(ana.first)
    assert page.status_code == 200 and "broken lamp" in page.text
    assert 'href="https://lms.example/return?id=7"' in page.text, "the way back to the course"
    with campus.services.database.read() as session:
        link = session.scalars(select(ResourceLink)).one()
        assert link.placement_id == item["custom"]["placement"]
        assert session.scalars(select(Registration.platform)).all()
