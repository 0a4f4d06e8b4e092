"""The forms of a plan as they are sent, read into values or refused with what to write."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, time
from typing import Annotated

from fastapi import Depends, Request

from app.coach.plan_models import PlanVersion
from app.coach.plan_phrasing import cue_in_sentence, deed_in_sentence, time_named
from app.coach.plan_words import PlanWords, day_named
from app.coach.plans import LONGEST_AHEAD, NOT_YET, PARTLY, YES
from app.course.access import Visitor
from app.kit.clock import now
from app.kit.errors import N_, InputRefused
from app.kit.time_zones import day_there, time_there
from retrieval.languages import words

LONGEST = 400
LONGEST_CLAIM = 2000
LONGEST_KEY = 64


async def posted_form(request: Request) -> dict[str, str]:
    """The form's fields as text."""
    return {name: value for name, value in (await request.form()).items() if isinstance(value, str)}


PostedForm = Annotated[dict[str, str], Depends(posted_form)]


def read_key(form: Mapping[str, str]) -> str:
    """The form's own key, by which the same form sent twice is known."""
    key = form.get("key", "")
    if not key or len(key) > LONGEST_KEY or not key.isalnum():
        raise InputRefused(N_("The form is incomplete. Reload the page and try again."))
    return key


def read_words(form: Mapping[str, str], visitor: Visitor, earlier: PlanVersion | None = None) -> PlanWords:
    """A plan's words and days. `earlier` is the version that it changes: its day may lie in the past and stay."""
    today = day_there(now(), visitor.zone)
    cue = cue_in_sentence(_line(form, "cue"), visitor.locale)
    action = deed_in_sentence(_line(form, "action"))
    obstacle = cue_in_sentence(_line(form, "obstacle"), visitor.locale)
    answer = deed_in_sentence(_line(form, "answer"))
    if not words(cue):
        raise InputRefused(N_("Write the moment: when will you do it?"))
    if not words(action):
        raise InputRefused(N_("Write what you will do."))
    if obstacle and not answer:
        raise InputRefused(N_("Write what you will do if that gets in the way."))
    if answer and not obstacle:
        raise InputRefused(N_("Write what could get in the way, or leave both lines empty."))
    day = read_day(form.get("day", "")) or day_named(cue, today, visitor.locale)
    stays = earlier is not None and day == earlier.cue_on
    if day is not None and not stays and not today <= day <= today + LONGEST_AHEAD:
        raise InputRefused(N_("The day of a plan is from today to a year ahead."))
    return PlanWords(
        cue=cue,
        action=action,
        zone=visitor.zone,
        cue_on=day,
        cue_time=(read_time(form.get("time", "")) or time_named(cue)) if day else None,
        obstacle=obstacle,
        answer=answer,
        known_by=_line(form, "known_by"),
        days=(
            read_day(form.get("check_1", "")),
            read_day(form.get("check_2", "")),
            read_day(form.get("check_3", "")),
        ),
    )


def words_of(version: PlanVersion, **changed: object) -> dict[str, object]:
    """A version's words as PlanWords takes them, with changes; check-ins are counted anew from its day."""
    kept: dict[str, object] = {
        "cue": version.cue,
        "action": version.action,
        "zone": version.zone,
        "cue_on": version.cue_on,
        "cue_time": time_there(version.cue_at, version.zone) if version.cue_at else None,
        "obstacle": version.obstacle,
        "answer": version.answer,
        "known_by": version.known_by,
    }
    return kept | changed


def read_check_in(form: Mapping[str, str]) -> tuple[str, str, str]:
    """(answer, what happened, what got in the way)."""
    answer = form.get("answer", "")
    if answer not in {YES, PARTLY, NOT_YET}:
        raise InputRefused(N_("Choose one of the answers."))
    happened, in_the_way = _line(form, "happened"), _line(form, "in_the_way")
    if answer == NOT_YET:
        return answer, "", in_the_way
    if not words(happened):
        raise InputRefused(N_("Write one sentence: what happened?"))
    return answer, happened, in_the_way if answer == PARTLY else ""


def read_claim(form: Mapping[str, str], visitor: Visitor) -> tuple[date, str, str]:
    """(day, what was done, what came of it)."""
    day = read_day(form.get("day", ""))
    today = day_there(now(), visitor.zone)
    if day is None or not today - LONGEST_AHEAD <= day <= today:
        raise InputRefused(N_("Choose the day on which you did it: today or a day in the last year."))
    done = _line(form, "done", LONGEST_CLAIM)
    if not words(done):
        raise InputRefused(N_("Write what you did."))
    return day, done, _line(form, "came_of_it", LONGEST_CLAIM)


def read_day(text: str) -> date | None:
    """An ISO day; None where the field is empty."""
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) == 10:
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise InputRefused(N_("Write the day as in 2026-11-23."))


def read_time(text: str) -> time | None:
    """A time of day to the minute; None where the field is empty."""
    text = text.strip()
    if not text:
        return None
    try:
        if len(text) == 5:
            return time.fromisoformat(text)
    except ValueError:
        pass
    raise InputRefused(N_("Write the time as in 09:30."))


def _line(form: Mapping[str, str], name: str, longest: int = LONGEST) -> str:
    text = " ".join("".join(c if c.isprintable() else " " for c in form.get(name, "")).split())
    if len(text) > longest:
        raise InputRefused(N_("One of the texts is too long. Shorten it, then send it again."))
    return text
