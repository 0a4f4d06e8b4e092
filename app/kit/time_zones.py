"""Days and times of day where somebody is: between their clock on the wall and our UTC.

A zone is an IANA name ("Europe/Madrid"), as browsers give it. Only names that this machine's rules know are taken. What is due on a
day is kept as that day beside the UTC moment at which it begins to be due, so that a later change of the rules moves no day.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from zoneinfo import ZoneInfo, available_timezones

HEADER = "Workside-Time-Zone"
LONGEST = 64
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")


@cache
def zone_names() -> frozenset[str]:
    """Every zone that there are rules for."""
    return frozenset(name for name in available_timezones() if _NAME.fullmatch(name) and name != "localtime")


def read_zone(text: str | None) -> str:
    """The zone of that name, or "UTC" for none and for one that is not known."""
    name = (text or "").strip()
    return name if len(name) <= LONGEST and name in zone_names() else "UTC"


def day_there(moment: datetime, zone: str) -> date:
    """Which day it is in the zone at an aware moment."""
    return moment.astimezone(ZoneInfo(zone)).date()


def moment_of(day: date, at: time, zone: str) -> datetime:
    """The UTC moment of a day and a time of day in the zone.

    A time that the clock skips that night (2:30 when 2:00 becomes 3:00) is as much later as the clock is put forward; of one that
    comes twice it is the first.
    """
    return datetime.combine(day, at, ZoneInfo(zone)).astimezone(UTC)


def time_there(moment: datetime, zone: str) -> time:
    """The time of day in the zone, to the minute."""
    return moment.astimezone(ZoneInfo(zone)).time().replace(second=0, microsecond=0)


def days_after(day: date, days: int) -> date:
    """So many days of the calendar later, however long each of them is."""
    return day + timedelta(days=days)
