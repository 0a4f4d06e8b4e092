"""A plan as an iCalendar file (RFC 5545): one event for its moment and one for each check-in, in the learner's own time zone.

An event keeps its UID for as long as the plan lives, and SEQUENCE counts the plan's changes: importing the file again moves what is
in the calendar already. A plan that was put away gives the same events as cancelled.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from icalendar import Alarm, Calendar, Event, Timezone, TimezoneDaylight, TimezoneStandard

from app.coach.plan_models import ActionPlan, CheckIn, PlanVersion
from app.coach.plan_phrasing import cue_in_sentence, deed_in_sentence, ends_a_sentence
from app.coach.plans import CHECKED_AT, PUT_AWAY, WAITING
from app.kit.errors import N_
from app.kit.i18n import Translator

PRODUCT = "-//Workside//Action plan//EN"
MOMENT_LASTS = timedelta(minutes=30)
CHECK_IN_LASTS = timedelta(minutes=5)
WARNED = timedelta(minutes=15)
# Of a plan that was made at a moment the events lie between these; a plan's day and an own check-in are 400 days ahead at most.
KNOWN_BEFORE, KNOWN_AFTER = timedelta(days=400), timedelta(days=900)
_SUMMARY = N_("My plan: %(action)s")
_WORDS = N_("When %(cue)s, I will %(action)s.")
_WORDS_APART = N_("When %(cue)s Then I will %(action)s.")
_IF = N_("If %(obstacle)s, I will %(answer)s.")
_KNOWN = N_("How I will know: %(known_by)s")
_CHECK_IN = N_("Check-in: did it happen?")
_CHECK_IN_WORDS = N_("Two taps and a sentence. Open Workside from your course; it stands on the first page.")


def calendar_file(
    plan: ActionPlan,
    version: PlanVersion,
    check_ins: Sequence[CheckIn],
    stamp: datetime,
    translate: Translator,
) -> bytes:
    """The file. `stamp` is when it was made; a version without a day has no event for its moment."""
    calendar = Calendar()
    calendar.add("prodid", PRODUCT)
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    said = plan_sentences(version, translate)
    if version.cue_on is not None:
        calendar.add_component(_moment(plan, version, stamp, said, translate))
    for check_in in check_ins:
        if check_in.state == WAITING or plan.state == PUT_AWAY:
            calendar.add_component(_check_in(plan, check_in, stamp, said, translate))
    zones = {version.zone} if version.cue_at is not None else set()
    zones |= {check_in.zone for check_in in check_ins}
    # After the component's own properties, before its events (RFC 5545, 3.6: any order, but some readers want zones first).
    calendar.subcomponents[:0] = [zone_rules(name, stamp) for name in sorted(zones) if name != "UTC"]
    return bytes(calendar.to_ical())


def zone_rules(name: str, stamp: datetime) -> Timezone:
    """The zone's rules as VTIMEZONE for the years that a plan's events may lie in: each change of the clock by itself.

    icalendar's own writer sums them up in lists of dates, which another reader took for one date, and an hour was lost.
    """
    zone = ZoneInfo(name)
    rules = Timezone()
    rules.add("tzid", name)
    midnight = stamp.replace(hour=0, minute=0, second=0, microsecond=0)
    moment, end = midnight - KNOWN_BEFORE, midnight + KNOWN_AFTER
    rules.add_component(_observance(moment, moment, zone))
    while moment < end:
        later = moment + timedelta(days=1)
        if later.astimezone(zone).utcoffset() != moment.astimezone(zone).utcoffset():
            before, after = moment, later
            while after - before > timedelta(minutes=1):
                middle = before + (after - before) / 2
                is_before = middle.astimezone(zone).utcoffset() == moment.astimezone(zone).utcoffset()
                before, after = (middle, after) if is_before else (before, middle)
            # The change is on the minute that lies between the two.
            changed = after.replace(second=0, microsecond=0)
            rules.add_component(_observance(before, changed, zone))
        moment = later
    return rules


def _observance(before: datetime, changed: datetime, zone: ZoneInfo) -> TimezoneStandard | TimezoneDaylight:
    """What the clock shows from `changed` on. Its onset is said by the clock as it was before (RFC 5545, 3.6.5)."""
    then, now = before.astimezone(zone), changed.astimezone(zone)
    observance = TimezoneDaylight() if now.dst() else TimezoneStandard()
    observance.add("dtstart", (changed + (then.utcoffset() or timedelta(0))).replace(tzinfo=None))
    observance.add("tzoffsetfrom", then.utcoffset())
    observance.add("tzoffsetto", now.utcoffset())
    observance.add("tzname", now.tzname())
    return observance


def plan_sentences(version: PlanVersion, translate: Translator) -> str:
    """The plan in its if-then sentences, one a line."""
    cue = _inside(cue_in_sentence(version.cue, translate.locale))
    words = _WORDS_APART if ends_a_sentence(cue) else _WORDS
    lines = [translate(words, cue=cue, action=_inside(deed_in_sentence(version.action)))]
    if version.obstacle and version.answer:
        obstacle = _inside(cue_in_sentence(version.obstacle, translate.locale))
        lines.append(translate(_IF, obstacle=obstacle, answer=_inside(deed_in_sentence(version.answer))))
    if version.known_by:
        lines.append(translate(_KNOWN, known_by=version.known_by))
    return "\n".join(lines)


def event_uid(plan: ActionPlan, part: str) -> str:
    """The UID of an event of the plan: "moment", or "check-in-1" to "check-in-3"."""
    return f"{plan.id}-{part}@workside"


def _moment(
    plan: ActionPlan, version: PlanVersion, stamp: datetime, said: str, translate: Translator
) -> Event:
    event = _event(plan, "moment", stamp, translate(_SUMMARY, action=version.action), said)
    if version.cue_at is not None:
        starts = version.cue_at.astimezone(ZoneInfo(version.zone))
        event.add("dtstart", starts)
        event.add("duration", MOMENT_LASTS)
        event.add_component(_alarm(-WARNED, str(event["summary"])))
    else:
        # A day without a time: the whole day, and a word at nine in the morning of it.
        event.add("dtstart", version.cue_on)
        event.add("duration", timedelta(days=1))
        event.add("transp", "TRANSPARENT")
        event.add_component(_alarm(timedelta(hours=CHECKED_AT.hour), str(event["summary"])))
    return event


def _check_in(
    plan: ActionPlan, check_in: CheckIn, stamp: datetime, said: str, translate: Translator
) -> Event:
    words = f"{translate(_CHECK_IN_WORDS)}\n\n{said}"
    event = _event(plan, f"check-in-{check_in.slot}", stamp, translate(_CHECK_IN), words)
    event.add("dtstart", datetime.combine(check_in.due_on, CHECKED_AT, ZoneInfo(check_in.zone)))
    event.add("duration", CHECK_IN_LASTS)
    event.add_component(_alarm(timedelta(0), str(event["summary"])))
    return event


def _event(plan: ActionPlan, part: str, stamp: datetime, summary: str, description: str) -> Event:
    event = Event()
    event.add("uid", event_uid(plan, part))
    event.add("dtstamp", stamp)
    event.add("sequence", plan.sequence)
    event.add("summary", " ".join(summary.split()))
    event.add("description", description)
    event.add("class", "PRIVATE")
    event.add("status", "CANCELLED" if plan.state == PUT_AWAY else "CONFIRMED")
    return event


def _alarm(trigger: timedelta, words: str) -> Alarm:
    alarm = Alarm()
    alarm.add("action", "DISPLAY")
    alarm.add("trigger", trigger)
    alarm.add("description", words)
    return alarm


def _inside(text: str) -> str:
    """A part as it stands within a sentence: without its own full stop."""
    return text.rstrip(" .")
