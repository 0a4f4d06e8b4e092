"""Days and times where somebody is: every zone, every hour, clocks that jump, years that end."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.kit.time_zones import day_there, days_after, moment_of, read_zone, time_there, zone_names

zones = st.sampled_from(sorted(zone_names()))
days = st.dates(date(2026, 1, 1), date(2037, 12, 31))
times = st.times().map(lambda at: at.replace(second=0, microsecond=0))


@given(days, times, zones)
def test_a_moment_has_the_day_and_time_that_were_chosen_unless_the_clock_skips_them(
    day: date, at: time, zone: str
) -> None:
    moment = moment_of(day, at, zone)
    assert moment.tzinfo is UTC
    there = moment.astimezone(ZoneInfo(zone))
    chosen = datetime.combine(day, at)
    skipped = there.replace(tzinfo=None) - chosen
    # Nothing but a clock that is put forward moves it, and then by as much (a day, where a country crossed the date line).
    assert timedelta(0) <= skipped <= timedelta(days=1)
    if not skipped:
        assert (day_there(moment, zone), time_there(moment, zone)) == (day, at)


@given(days, times, zones)
def test_of_a_time_that_comes_twice_it_is_the_first(day: date, at: time, zone: str) -> None:
    moment = moment_of(day, at, zone)
    earlier = moment - timedelta(hours=1)
    there = earlier.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
    assert there != datetime.combine(day, at)


@given(st.text(max_size=70))
def test_only_a_zone_that_there_are_rules_for_is_taken(text: str) -> None:
    zone = read_zone(text)
    ZoneInfo(zone)
    assert zone == "UTC" or zone == text.strip()


@pytest.mark.parametrize(
    "text",
    [None, "", "Europe/Nowhere", "../../etc/passwd", "/etc/localtime", "localtime", "Europe", "europe/madrid", "UTC\n; x", "A" * 99],
)  # fmt: skip
def test_anything_else_is_utc(text: str | None) -> None:
    assert read_zone(text) == "UTC"


def test_a_clock_that_jumps() -> None:
    # Madrid: 2:00 becomes 3:00 on 28 March 2027, 3:00 becomes 2:00 on 31 October 2027.
    assert moment_of(date(2027, 3, 28), time(2, 30), "Europe/Madrid") == datetime(
        2027, 3, 28, 1, 30, tzinfo=UTC
    )
    assert moment_of(date(2027, 10, 31), time(2, 30), "Europe/Madrid") == datetime(
        2027, 10, 31, 0, 30, tzinfo=UTC
    )
    # Nine in the morning stays nine in the morning on both sides.
    before = moment_of(date(2027, 3, 27), time(9), "Europe/Madrid")
    after = moment_of(date(2027, 3, 28), time(9), "Europe/Madrid")
    assert after - before == timedelta(hours=23)


def test_the_end_of_a_year_and_a_leap_day() -> None:
    assert days_after(date(2026, 12, 25), 7) == date(2027, 1, 1)
    assert days_after(date(2028, 1, 30), 30) == date(2028, 2, 29)
    last = datetime(2026, 12, 31, 23, 30, tzinfo=UTC)
    assert day_there(last, "Pacific/Auckland") == date(2027, 1, 1)
    assert day_there(last, "America/Sao_Paulo") == date(2026, 12, 31)
