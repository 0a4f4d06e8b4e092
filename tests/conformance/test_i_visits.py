"""I. Visits in a browser, with the application as it runs: who is who in which tab, what ends, and who may frame it (case 116)."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext, FrameLocator, Page, expect
from sqlalchemy import select, update
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import Route

from app.course.launches import admit_launch
from app.course.models import Visit
from app.course.platforms import add_platform
from app.course.services import Services, make_services
from app.kit.clock import now
from app.kit.settings import Settings
from app.main import create_app
from lti.claims import CONTEXT, CUSTOM, RESOURCE_LINK, ROLES
from retrieval import HashingEmbedder
from tests.app.rooms.campus import Campus
from tests.chromium import chromium, shown
from tests.conformance.browser import Course, Door, course_pages, listening, served
from tests.fakes.platform import INSTRUCTOR, LEARNER, FakePlatform

pytestmark = pytest.mark.xdist_group("browser")
LEARNERS_QUESTION = "How do I refund a damaged parcel in {course}?"


@dataclass
class House:
    """The running application, its platform's course page, and a stranger's page that frames what it is told to."""

    services: Services
    course: Course
    door: Door
    base: str
    stranger: str

    def open(self, page: Page, course: str, *, sub: str = "101", role: str = LEARNER) -> FrameLocator:
        """Opens the activity of a course as somebody; waits for Workside's first page."""
        claims = {
            "sub": sub,
            CONTEXT: {"id": course, "title": f"Course {course}"},
            RESOURCE_LINK: {"id": f"{course}-link", "title": course},
            CUSTOM: {"collection": course},
            ROLES: [role],
        }
        frame = self.course.open(page, claims=json.dumps(claims), target="")
        shown(frame.locator("h1", has_text="What are you trying to get done?"), seconds=30)
        return frame


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, seeded_folder: Path) -> Iterator[House]:
    sockets = [listening() for _ in range(3)]
    tool_port, lms_port, other_port = (one.getsockname()[1] for one in sockets)
    base, lms = f"http://localhost:{tool_port}", f"http://127.0.0.1:{lms_port}"
    folder = tmp_path_factory.mktemp("visits") / "data"
    shutil.copytree(seeded_folder, folder)
    settings = Settings(
        _env_file=None, data_dir=folder, demo=True, base_url=base, worker="separate", log_level="error"
    )
    services = make_services(settings, embedder=HashingEmbedder())
    platform = FakePlatform(lambda: datetime.now(UTC), base=lms, tool_url=base, allow_private=True)
    add_platform(
        services,
        name="Course pages",
        issuer=platform.issuer,
        client_id=platform.client_id,
        deployment_id=platform.deployment_id,
        auth_url=platform.auth_url,
        token_url=platform.token_url,
        jwks_url=platform.jwks_url,
        audience=None,
        allow_private=True,
        organisation="north",
    )
    door = Door(create_app(settings, services))
    door.takes_cookies = False
    pages = course_pages(platform, base, "no other")

    def frames_it(request: Request) -> HTMLResponse:
        return HTMLResponse(
            f'<iframe name="tool" width="600" height="500" src="{request.query_params["src"]}">'
        )

    stranger = Starlette(routes=[Route("/", frames_it)])
    with ExitStack() as running:
        for app, at in zip((door, pages, stranger), sockets, strict=True):
            running.enter_context(served(app, at))
        yield House(services, Course(f"{lms}/course"), door, base, f"http://127.0.0.1:{other_port}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    made = browser.new_context(locale="en-GB")
    made.set_default_timeout(20_000)
    yield made
    made.close()


def _go(frame: FrameLocator, path: str) -> None:
    """Follows a link of the menu and waits for its page."""
    frame.locator(f"nav a[href='{path}']").click()
    expect(frame.locator(f"nav a[href='{path}']")).to_have_attribute("aria-current", "page")


def _asks_in(frame: FrameLocator, course: str) -> None:
    """The page is that of a visit to that course: its starters are from the course's own collection."""
    expect(frame.locator("main")).to_contain_text(LEARNERS_QUESTION.format(course=course))
    other = "depot" if course == "parcels" else "parcels"
    expect(frame.locator("main")).not_to_contain_text(LEARNERS_QUESTION.format(course=other))


def test_case_116_two_tabs_with_two_courses_and_two_roles_never_mix(
    context: BrowserContext, house: House
) -> None:
    first, second = context.new_page(), context.new_page()
    parcels = house.open(first, "parcels")
    depot = house.open(second, "depot", sub="102", role=INSTRUCTOR)
    for _ in range(2):
        first.bring_to_front()
        _go(parcels, "/practice")
        second.bring_to_front()
        _go(depot, "/review")
        first.bring_to_front()
        expect(parcels.locator("nav a[href='/review']")).to_have_count(0)
        _go(parcels, "/")
        _asks_in(parcels, "parcels")
        second.bring_to_front()
        _go(depot, "/")
        _asks_in(depot, "depot")


def test_case_116_the_same_person_in_two_tabs_stays_in_two_courses(
    context: BrowserContext, house: House
) -> None:
    first, second = context.new_page(), context.new_page()
    parcels, depot = house.open(first, "parcels"), house.open(second, "depot")
    first.bring_to_front()
    _go(parcels, "/practice")
    _go(parcels, "/")
    _asks_in(parcels, "parcels")
    second.bring_to_front()
    _asks_in(depot, "depot")


def test_case_116_a_visit_that_ended_says_how_to_come_back(context: BrowserContext, house: House) -> None:
    page = context.new_page()
    frame = house.open(page, "parcels")
    with house.services.database.write() as session:
        session.execute(update(Visit).values(expires_at=now() - timedelta(seconds=1)))
    frame.locator("nav a[href='/practice']").click()
    expect(frame.locator(".banner")).to_contain_text("Open Workside again from your course")
    # What was on the page stays, and a launch opens it again.
    _asks_in(frame, "parcels")
    _asks_in(house.open(page, "parcels"), "parcels")


def test_case_116_a_visit_is_of_one_person_course_activity_and_organisation_and_is_short(
    campus: Campus,
) -> None:
    campus.visit("ana", "learner", "parcels", "north")
    with campus.services.database.read() as session:
        visit = session.scalars(select(Visit)).one()
    assert all((visit.user_id, visit.context_id, visit.resource_link_id, visit.organisation_id))
    assert now() < visit.expires_at <= now() + timedelta(minutes=campus.services.settings.session_minutes)


def _framed(page: Page, stranger: str, src: str) -> tuple[str, list[str]]:
    """What a stranger's page shows of an address of ours in its frame, and what the console says."""
    said: list[str] = []
    page.on("console", lambda line: said.append(line.text))
    page.goto(f"{stranger}/?src={src}")
    page.wait_for_timeout(1500)
    frame = page.frame("tool")
    assert frame is not None
    return frame.url, said


@pytest.mark.parametrize(
    "path", ["/lti/login?iss={iss}&login_hint=1&target_link_uri={base}/&lti_storage_target=_parent", "/"]
)
def test_chromium_refuses_a_strangers_frame(context: BrowserContext, house: House, path: str) -> None:
    iss = house.course.url.removesuffix("/course")
    src = quote(house.base + path.format(iss=quote(iss), base=quote(house.base)))
    url, said = _framed(context.new_page(), house.stranger, src)
    assert url.startswith("chrome-error://")
    assert any("frame-ancestors" in line for line in said), said


def test_chromium_refuses_a_strangers_frame_the_first_page_of_a_visit(
    context: BrowserContext, house: House
) -> None:
    start = house.base + admit_launch(house.services, Campus(house.services).launch())
    url, said = _framed(context.new_page(), house.stranger, start)
    assert url.startswith("chrome-error://")
    assert any("frame-ancestors" in line for line in said), said


def test_the_registered_platform_may_frame_what_a_stranger_may_not(
    context: BrowserContext, house: House
) -> None:
    page = context.new_page()
    house.open(page, "parcels")
    frame = page.frame("tool")
    assert frame is not None and frame.url.startswith(house.base)
