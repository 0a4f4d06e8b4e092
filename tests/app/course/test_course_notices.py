"""Notices through the real application: posted, verified, written down once, worked on by the worker; handlers registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from app.course.models import Context, ContextCopy, Deployment, NoticeService, PlatformNotice
from app.course.notices import register_next_handlers, work_next_notice
from app.course.services import Services
from app.kit.clock import now
from app.main import make_worker
from lti.claims import CONTEXT, DEPLOYMENT_ID
from tests.app.evidence.conftest import connect
from tests.app.evidence.course import MovingClock
from tests.app.rooms.campus import TOOL, Campus
from tests.fakes.notices import Notices, delivery
from tests.fakes.platform import FakeNetwork, FakePlatform
from tests.fakes.wire import ABSENT

HANDLER = f"{TOOL}/lti/notices"


class Wire:
    """The application's own egress, leading to fake platforms."""

    def __init__(self, network: FakeNetwork) -> None:
        self.network = network

    def request(self, method: str, url: str, **options: Any) -> Any:
        return self.network.request(method, url, **options)

    def close(self) -> None:
        return


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> MovingClock:
    return MovingClock().install(monkeypatch)


@pytest.fixture
def wired(campus: Campus, clock: MovingClock) -> Campus:
    """The campus whose platforms can be asked for their keys."""
    made = FakePlatform(
        now, base="https://north.example", client_id="client-north", deployment_id="1", tool_url=TOOL
    )
    network = FakeNetwork(made)
    campus.services.egress = Wire(network)  # type: ignore[assignment]
    connect(campus.services, network)
    again = Campus(campus.services)
    again.platform = made  # type: ignore[attr-defined]
    return again


@pytest.fixture
def notices(wired: Campus) -> Notices:
    return Notices(wired.platform)  # type: ignore[attr-defined]


def post(campus: Campus, *tokens: str) -> int:
    """As a platform posts: no origin, no cookie, no visit."""
    return campus.client.post("/lti/notices", content=delivery(*tokens)).status_code


def work(services: Services) -> None:
    while work_next_notice(services):
        pass


def rows(campus: Campus) -> list[PlatformNotice]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(PlatformNotice).order_by(PlatformNotice.id)))


def copies(campus: Campus) -> list[tuple[str, str, bool]]:
    """(the copy's id, the origin's id, whether the origin is known), as the platform names courses."""
    with campus.services.database.read() as session:
        found = session.execute(
            select(Context.lti_id, ContextCopy).join(ContextCopy, ContextCopy.context_id == Context.id)
        )
        return [(lti_id, row.origin_lti_id, row.origin_context_id is not None) for lti_id, row in found]


def test_case_119_a_copied_course_is_written_down_once(wired: Campus, notices: Notices) -> None:
    wired.visit("ivo", "instructor")
    token = notices.copied("parcels-2027", "parcels")
    assert [post(wired, token) for _ in range(3)] == [200, 200, 200]
    assert [row.state for row in rows(wired)] == ["waiting"], "answered before any work is done"
    work(wired.services)
    assert [row.state for row in rows(wired)] == ["done"]
    assert copies(wired) == [("parcels-2027", "parcels", True)]
    post(wired, token)
    post(wired, notices.copied("parcels-2027", "parcels"))
    work(wired.services)
    assert copies(wired) == [("parcels-2027", "parcels", True)], (
        "another notice of the same copy changes nothing"
    )


def test_case_119_an_unknown_origin_is_recorded_without_an_error(wired: Campus, notices: Notices) -> None:
    post(wired, notices.copied("parcels-2027", "never-opened-here"))
    work(wired.services)
    [row] = rows(wired)
    assert row.state == "done" and "known" in row.reason
    assert copies(wired) == [("parcels-2027", "never-opened-here", False)]


def test_case_119_a_copy_stays_inside_its_tenant(wired: Campus, notices: Notices) -> None:
    wired.visit("ivo", "instructor", "parcels", "south")
    post(wired, notices.copied("parcels-2027", "parcels"))
    work(wired.services)
    assert copies(wired) == [("parcels-2027", "parcels", False)], (
        "the south's course of that id is another course"
    )


@pytest.mark.parametrize("changes", [{}, {CONTEXT: ABSENT}, {CONTEXT: {"id": 7}}])
def test_case_118_119_what_says_nothing_to_us_is_left_alone(
    wired: Campus, notices: Notices, changes: Mapping[str, Any]
) -> None:
    kind = "LtiContextCopyNotice" if changes else "LtiAssetProcessorSubmissionNotice"
    assert post(wired, notices.token(kind, **changes)) == 200
    work(wired.services)
    [row] = rows(wired)
    assert (row.state, row.data) == ("ignored", {}) and row.reason


def test_case_119_a_greeting_is_done(wired: Campus, notices: Notices) -> None:
    assert post(wired, notices.token()) == 200
    work(wired.services)
    assert [(row.type, row.state) for row in rows(wired)] == [("LtiHelloWorldNotice", "done")]


def test_case_118_a_deployment_that_is_off_gets_nothing_in(wired: Campus, notices: Notices) -> None:
    assert post(wired, notices.token(**{DEPLOYMENT_ID: "never-seen"})) == 400
    with wired.services.database.write() as session:
        session.execute(update(Deployment).values(status="inactive"))
    assert post(wired, notices.token()) == 400
    assert rows(wired) == []


def test_case_118_work_that_fails_is_tried_again_and_then_said(
    wired: Campus, notices: Notices, clock: MovingClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    import app.course.notices as subject

    def broken(*_: Any) -> None:
        raise RuntimeError

    with monkeypatch.context() as patch:
        patch.setattr(subject, "record_copy", broken)
        post(wired, notices.copied("parcels-2027", "parcels"))
        work(wired.services)
        assert [(row.state, row.tries) for row in rows(wired)] == [("waiting", 1)]
        for _ in range(10):
            clock.forward(3600)
            work(wired.services)
        assert [(row.state, row.reason) for row in rows(wired)] == [("failed", "RuntimeError")]


def test_case_120_what_waits_of_one_deployment_is_bounded(
    wired: Campus, notices: Notices, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.course.notices.MOST_WAITING", 3)
    for _ in range(6):
        assert post(wired, notices.token()) == 200
    assert len(rows(wired)) == 3


def test_case_120_old_notices_are_removed(wired: Campus, notices: Notices, clock: MovingClock) -> None:
    post(wired, notices.token())
    work(wired.services)
    clock.forward(100 * 24 * 3600)
    post(wired, notices.token())
    work(wired.services)
    assert len(rows(wired)) == 1


# --- our handlers -----------------------------------------------------------------------------------------------------


def launched(campus: Campus, notices: Notices, **changes: Any) -> None:
    from lti import NoticeService as Offered
    from tests.fakes.notices import TYPES

    offered = Offered(changes.pop("url", notices.url), changes.pop("types", TYPES))
    campus.enter(replace(campus.launch(), notices=offered))


def register(campus: Campus) -> None:
    while register_next_handlers(campus.services):
        pass


def service(campus: Campus) -> NoticeService:
    with campus.services.database.read() as session:
        return session.scalars(select(NoticeService)).one()


def test_case_117_a_launch_leads_to_one_handler_a_type(wired: Campus, notices: Notices) -> None:
    launched(wired, notices)
    register(wired)
    assert notices.handlers == {"LtiHelloWorldNotice": HANDLER, "LtiContextCopyNotice": HANDLER}
    for _ in range(3):
        launched(wired, notices)
        register(wired)
    assert len(notices.seen) == 2, "told once"
    assert service(wired).due_at is None


def test_case_117_without_the_claim_nothing_is_registered(wired: Campus, notices: Notices) -> None:
    wired.visit()
    register(wired)
    assert notices.seen == [] and wired.count(NoticeService) == 0


def test_case_117_trouble_is_tried_later_and_a_refusal_left_alone(
    wired: Campus, notices: Notices, clock: MovingClock
) -> None:
    notices.refuses = {"LtiHelloWorldNotice": 503}
    launched(wired, notices)
    register(wired)
    assert notices.handlers == {} and len(notices.seen) == 1
    notices.refuses = {"LtiHelloWorldNotice": 403}
    clock.forward(120)
    register(wired)
    assert notices.handlers == {"LtiContextCopyNotice": HANDLER}, "one may be refused and the other taken"
    assert "not this type" in service(wired).reason
    clock.forward(24 * 3600)
    register(wired)
    assert len(notices.seen) == 3


def test_case_117_new_types_and_a_new_address_are_told(wired: Campus, notices: Notices) -> None:
    launched(wired, notices, types=("LtiHelloWorldNotice",))
    register(wired)
    assert set(notices.handlers) == {"LtiHelloWorldNotice"}
    launched(wired, notices)
    register(wired)
    assert set(notices.handlers) == {"LtiHelloWorldNotice", "LtiContextCopyNotice"}
    wired.services.settings = wired.services.settings.model_copy(update={"base_url": "http://localhost:9000"})
    notices.platform.tool_url = "http://localhost:9000"
    launched(wired, notices)
    register(wired)
    assert set(notices.handlers.values()) == {"http://localhost:9000/lti/notices"}


def test_the_worker_does_both(wired: Campus, notices: Notices, tmp_path: Path) -> None:
    import time

    worker = make_worker(wired.services)
    wired.services.worker = worker
    worker.start()
    try:
        launched(wired, notices)
        assert post(wired, notices.copied("parcels-2027", "parcels")) == 200
        worker.wake()
        deadline = time.monotonic() + 20
        while (len(notices.handlers) < 2 or not copies(wired)) and time.monotonic() < deadline:
            time.sleep(0.05)
    finally:
        worker.stop()
        wired.services.worker = None
    assert len(notices.handlers) == 2 and copies(wired)
