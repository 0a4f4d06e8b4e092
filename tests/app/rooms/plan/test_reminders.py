"""Mails at check-ins: only with a yes, once, to nobody else, without a word of the plan; and a question that a model words."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.coach.chat_models import ChatModels, NullMeter
from app.coach.coach import Coach, coach_of
from app.coach.expert_links import mail_server as server_of
from app.coach.plan_models import CheckIn, PlanReminder
from app.course.models import Deployment, Membership, Registration
from app.kit.audit import AuditEvent
from app.kit.clock import now
from app.kit.jobs import is_of_the_dead
from app.kit.mail import MailRow, send_next_mail
from app.kit.settings import Settings
from app.rooms.plan.reminders import STALE, free_check_ins, remind_next
from tests.app.rooms.campus import Campus, Visit
from tests.app.rooms.plan.planning import ACTION, CUE, answer, check_ins, form, make_plan, plan_of, today
from tests.fakes.chat_api import ChatApi
from tests.fakes.mail_server import MailBox, mail_server

Later = Callable[..., None]
YES = {"email": "ana@example.org", "agreed": "yes"}


@pytest.fixture
def box(campus: Campus) -> Iterator[MailBox]:
    with mail_server() as box:
        mail = Settings(_env_file=None, smtp_url=box.url, smtp_from="Workside <workside@example.org>")
        campus.services.settings = campus.services.settings.model_copy(
            update={"smtp_url": mail.smtp_url, "smtp_from": mail.smtp_from}
        )
        yield box


@pytest.fixture
def plan_id(campus: Campus, box: MailBox) -> str:
    ana = campus.visit()
    made = make_plan(ana, day=today().isoformat())
    assert ana.post(f"/plan/{made}/reminders", YES).status_code == 303
    return made


def deliver(campus: Campus) -> None:
    services = campus.services
    while remind_next(services):
        pass
    while send_next_mail(services.database, services.vault, server_of(services)):
        pass


def mails(campus: Campus) -> list[MailRow]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(MailRow)))


def test_a_mail_goes_out_at_each_check_in_and_says_nothing_of_the_plan(
    campus: Campus, box: MailBox, plan_id: str, later: Later
) -> None:
    deliver(campus)
    assert not box.received
    for n, days in enumerate((8, 31, 91), start=1):
        later(days=days)
        deliver(campus)
        deliver(campus)
        assert len(box.received) == n
        to, message = box.received[-1]
        said = f"{message['Subject']}\n{message.get_content()}"
        assert to == ["ana@example.org"] and "Course parcels of north" in said
        assert CUE not in said and ACTION not in said and "Ana" not in said
    # What was kept of the address is sealed, and what was sent is not kept.
    with campus.services.database.read() as session:
        assert b"ana@example" not in (session.get_one(PlanReminder, plan_id).address_sealed or b"")
    assert {row.address for row in mails(campus)} == {None}


def test_nothing_is_mailed_without_a_yes_an_address_or_a_server(campus: Campus, box: MailBox) -> None:
    ana = campus.visit()
    plan_id = make_plan(ana)
    for refused in ({"email": "ana@example.org"}, {"email": "ana", "agreed": "yes"}, {"agreed": "yes"}):
        assert ana.post(f"/plan/{plan_id}/reminders", refused).status_code == 422
    assert campus.count(PlanReminder) == 0
    off = campus.services.settings.model_copy(update={"smtp_url": Settings(_env_file=None).smtp_url})
    campus.services.settings = off
    assert ana.post(f"/plan/{plan_id}/reminders", YES).status_code == 404
    assert "Get a mail" not in ana.get(f"/plan/{plan_id}").text
    assert not remind_next(campus.services)


def test_who_stops_the_mails_gets_none_and_the_address_is_gone(
    campus: Campus, box: MailBox, plan_id: str, later: Later
) -> None:
    later(days=8)
    while remind_next(campus.services):
        pass
    assert [row.state for row in mails(campus)] == ["waiting"]
    ana = campus.visit()
    for _ in range(2):
        assert ana.post(f"/plan/{plan_id}/reminders/end").status_code == 303
    later(days=40)
    deliver(campus)
    assert not box.received
    with campus.services.database.read() as session:
        row = session.get_one(PlanReminder, plan_id)
        assert row.address_sealed is None and row.ended_at is not None
    # Saying yes again does not mail what was due meanwhile.
    ana = campus.visit()
    ana.post(f"/plan/{plan_id}/reminders", YES)
    deliver(campus)
    assert not box.received


@pytest.mark.parametrize("how", ["left the course", "deployment off", "platform off"])
def test_who_is_no_longer_in_the_course_gets_no_mail_and_the_address_is_gone(
    campus: Campus, box: MailBox, plan_id: str, later: Later, how: str
) -> None:
    row, status = {
        "left the course": (Membership, "inactive"),
        "deployment off": (Deployment, "inactive"),
        "platform off": (Registration, "inactive"),
    }[how]
    with campus.services.database.write() as session:
        session.execute(update(row).values(status=status))
    later(days=8)
    deliver(campus)
    assert not box.received and not mails(campus)
    with campus.services.database.read() as session:
        kept = session.get_one(PlanReminder, plan_id)
        assert kept.address_sealed is None and kept.ended_at is not None
        ended = select(AuditEvent.actor_id).where(AuditEvent.action == "plan_reminders.ended")
        assert session.scalars(ended).all() == [None]


@pytest.mark.parametrize("how", ["answered", "put away", "changed"])
def test_a_check_in_that_is_past_is_not_mailed(
    campus: Campus, box: MailBox, plan_id: str, later: Later, how: str
) -> None:
    week = check_ins(campus, plan_id)[0]
    later(days=7)
    ana: Visit = campus.visit()
    while remind_next(campus.services):
        pass
    if how == "answered":
        answer(ana, week.id, "partly")
    elif how == "put away":
        ana.post(f"/plan/{plan_id}/put-away")
    else:
        ana.post(f"/plan/{plan_id}/versions", form(day=(today() + timedelta(days=1)).isoformat()))
    deliver(campus)
    assert not box.received


def test_a_service_that_was_down_for_long_mails_nothing_stale(
    campus: Campus, box: MailBox, plan_id: str, later: Later
) -> None:
    later(days=8 + STALE.days)
    deliver(campus)
    assert not box.received


def test_workers_side_by_side_mail_once_and_a_dead_ones_lease_is_freed(
    campus: Campus, box: MailBox, plan_id: str, later: Later
) -> None:
    later(days=8)
    with campus.services.database.write() as session:
        session.execute(update(CheckIn).values(lease_owner=f"{socket.gethostname()}:1:dead"))
        session.execute(update(CheckIn).values(lease_until=now() + timedelta(days=200)))
    assert not remind_next(campus.services)
    freed = free_check_ins(campus.services, lambda owner: is_of_the_dead(owner) or owner.endswith(":dead"))
    assert freed == 3
    threads = [threading.Thread(target=remind_next, args=(campus.services,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    deliver(campus)
    assert len(box.received) == 1


def test_a_model_words_the_question_and_plays_the_moment_through_the_pages(campus: Campus) -> None:
    def script(request: object) -> str:
        return (
            '{"question": "What will you say first?"}'
            if api.requests[-1].schema
            else "I want my money today."
        )

    with ChatApi(script) as api:
        settings = {**api.settings, "model_retries": 0}
        models = ChatModels(Settings(_env_file=None, **settings), NullMeter())
        campus.services._parts[Coach] = Coach(campus.services.retrieval, models)
        assert coach_of(campus.services).models is models
        ana = campus.visit(name="Zebraname")
        plan_id = make_plan(ana, action="be better")
        page = ana.get(f"/plan/{plan_id}/question").text
        assert "What will you say first?" in page and "A machine worded this question." in page
        assert plan_of(campus, plan_id)[1].is_by_model
        ana.post(f"/plan/{plan_id}/question", {"keep": "yes"})
        where = ana.post(f"/plan/{plan_id}/rehearsals", {"key": "r1"}).headers["location"]
        ana.post(f"{where}/turns", {"number": "1", "said": "I ask for both photos."})
        page = ana.get(where).text
        assert "I want my money today." in page and "Played by a machine." in page
        assert "they want the money at once" in page
        assert not any("Zebraname" in request.text for request in api.requests)
