"""The calendar file, read by a second parser: stable UIDs, a growing sequence, zones with their rules, nobody's words as syntax."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import vobject
from hypothesis import given, settings
from hypothesis import strategies as st

from app.coach.plan_models import ActionPlan, CheckIn, PlanVersion
from app.coach.plans import AFTER_DAYS, CHECKED_AT
from app.kit.i18n import LOCALES, Translator
from app.kit.time_zones import days_after, moment_of, zone_names
from app.rooms.plan.calendar import calendar_file
from tests.app.rooms.campus import Campus
from tests.app.rooms.plan.planning import ACTION, CUE, MADRID, form, make_plan, there, today

STAMP = datetime(2026, 11, 23, 8, tzinfo=UTC)


def plan_in(
    zone: str, day: date | None, at: time | None, **words: str
) -> tuple[ActionPlan, PlanVersion, list[CheckIn]]:
    plan = ActionPlan(id="0" * 31 + "7", state="open", sequence=0)
    said = {"cue": CUE, "action": ACTION, "obstacle": "", "answer": "", "known_by": ""} | words
    moment = moment_of(day, at, zone) if day and at else None
    version = PlanVersion(zone=zone, cue_on=day, cue_at=moment, **said)
    base = day or date(2026, 11, 23)
    rows = [
        CheckIn(slot=n, due_on=due, due_at=moment_of(due, CHECKED_AT, zone), zone=zone, state="waiting")
        for n, due in enumerate((days_after(base, after) for after in AFTER_DAYS), start=1)
    ]
    return plan, version, rows


def read(body: bytes) -> tuple[Any, list[Any]]:
    """The calendar as another library understands it, and its events in order."""
    lines = body.split(b"\r\n")
    assert all(len(line) <= 75 for line in lines) and b"\n" not in b"".join(lines)
    calendar = vobject.readOne(body.decode())
    calendar.validate()
    return calendar, list(calendar.vevent_list)


@settings(max_examples=40, deadline=None)
@given(
    st.sampled_from(sorted(zone_names() - {"Factory"})),
    st.dates(date(2026, 11, 23), date(2027, 12, 31)),
    st.none() | st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    st.text(max_size=300),
)
def test_another_parser_reads_every_day_zone_and_word(
    zone: str, day: date, at: time | None, words: str
) -> None:
    action = " ".join("".join(c if c.isprintable() else " " for c in words).split()) or "x"
    plan, version, rows = plan_in(zone, day, at, action=action)
    _, events = read(calendar_file(plan, version, rows, STAMP, Translator("en")))
    assert len(events) == 4
    assert action.rstrip(" .") in events[0].description.value
    if version.cue_at is None:
        assert events[0].dtstart.value == day
    else:
        assert events[0].dtstart.value.replace(tzinfo=None) == version.cue_at.astimezone(
            ZoneInfo(zone)
        ).replace(tzinfo=None)
    for row, event in zip(rows, events[1:], strict=True):
        assert event.dtstart.value.replace(tzinfo=None) == datetime.combine(row.due_on, CHECKED_AT)
        assert event.dtstart.value.astimezone(UTC) == row.due_at, "by the rules in the file itself"


def test_the_moment_is_the_same_on_both_sides_of_a_clock_that_jumps() -> None:
    for day, utc in (
        (date(2027, 3, 27), 8),
        (date(2027, 3, 28), 7),
        (date(2027, 10, 30), 7),
        (date(2027, 10, 31), 8),
    ):
        plan, version, rows = plan_in(MADRID, day, time(9))
        body = calendar_file(plan, version, rows, STAMP, Translator("en"))
        _, events = read(body)
        assert events[0].dtstart.value.astimezone(UTC) == datetime(
            day.year, day.month, day.day, utc, tzinfo=UTC
        )
        # The zone comes with its rules: who reads the file need not know the name.
        assert b"BEGIN:VTIMEZONE" in body and b"TZID:Europe/Madrid" in body


def test_a_year_ends_between_the_plan_and_its_check_ins() -> None:
    plan, version, rows = plan_in("Pacific/Auckland", date(2026, 12, 28), time(23, 45))
    _, events = read(calendar_file(plan, version, rows, STAMP, Translator("en")))
    assert [event.dtstart.value.date() for event in events] == [
        date(2026, 12, 28),
        date(2027, 1, 4),
        date(2027, 1, 27),
        date(2027, 3, 28),
    ]


def test_nobodys_words_are_syntax() -> None:
    hostile = "x\\nEND:VEVENT;BEGIN:VALARM,ATTACH:https://evil.example/ \\; \\,"
    plan, version, rows = plan_in(
        "UTC", date(2026, 12, 1), None, action=hostile, cue="; TZID=x: \\N", known_by=hostile
    )
    body = calendar_file(plan, version, rows, STAMP, Translator("en"))
    calendar, events = read(body)
    assert len(events) == 4 and all(len(event.valarm_list) == 1 for event in events)
    assert [child.name for child in calendar.getChildren()].count("VEVENT") == 4
    assert b"\r\nATTACH" not in body and b"\r\nURL" not in body


def test_it_speaks_the_learners_language() -> None:
    plan, version, rows = plan_in(MADRID, date(2026, 12, 1), None)
    summaries = {
        locale: read(calendar_file(plan, version, rows, STAMP, Translator(locale)))[1][1].summary.value
        for locale in LOCALES
    }
    assert len(set(summaries.values())) == len(LOCALES)


def test_uids_stay_and_the_sequence_grows_until_it_is_cancelled(campus: Campus) -> None:
    ana = campus.visit()
    plan_id = make_plan(ana, MADRID, time="09:30")

    def events() -> list[Any]:
        answer = ana.get(f"/plan/{plan_id}/calendar")
        assert answer.headers["content-type"].startswith("text/calendar")
        assert answer.headers["content-disposition"].startswith("attachment")
        return read(answer.content)[1]

    first = events()
    assert [event.sequence.value for event in first] == ["0"] * 4
    assert first[0].dtstart.value.astimezone(UTC) == moment_of(
        today() + timedelta(days=1), time(9, 30), MADRID
    )
    assert {event.getChildValue("class") for event in first} == {"PRIVATE"}
    day = (today() + timedelta(days=5)).isoformat()
    ana.post(f"/plan/{plan_id}/versions", form(day=day, time="10:00"), **there(MADRID))
    second = events()
    assert [event.uid.value for event in second] == [event.uid.value for event in first]
    assert len({event.uid.value for event in second}) == 4
    assert [event.sequence.value for event in second] == ["1"] * 4
    ana.post(f"/plan/{plan_id}/put-away")
    last = events()
    assert [event.uid.value for event in last] == [event.uid.value for event in first]
    assert {event.status.value for event in last} == {"CANCELLED"} and last[0].sequence.value == "2"
    assert campus.visit("ben").get(f"/plan/{plan_id}/calendar").status_code == 404


def test_a_plan_without_a_day_has_its_check_ins_only(campus: Campus) -> None:
    ana = campus.visit()
    plan_id = make_plan(ana, day="")
    ana.post(f"/plan/{plan_id}/question", {"keep": "yes"})
    _, events = read(ana.get(f"/plan/{plan_id}/calendar").content)
    assert len(events) == 3
