"""Making plans, as the tests do it: through the pages' own forms."""

from __future__ import annotations

import re
import secrets
from datetime import date, timedelta
from typing import Any

from sqlalchemy import select

from app.coach.plan_models import ActionPlan, CheckIn, PlanVersion
from app.coach.plans import current_version
from app.kit.clock import now
from app.kit.time_zones import day_there
from tests.app.rooms.campus import Campus, Visit

MADRID = "Europe/Madrid"
CUE = "a customer calls about a broken parcel"
ACTION = "ask for both photos in one message"
OBSTACLE, ANSWER = "they want the money at once", "say by when it is decided"


def key() -> str:
    return secrets.token_hex(16)


def there(zone: str) -> dict[str, dict[str, str]]:
    """What a browser in that zone adds to a request."""
    return {"headers": {"Workside-Time-Zone": zone}}


def today(zone: str = "UTC") -> date:
    return day_there(now(), zone)


def form(**fields: str) -> dict[str, str]:
    plan = {"key": key(), "cue": CUE, "action": ACTION, "day": (today() + timedelta(days=1)).isoformat()}
    return plan | {"obstacle": OBSTACLE, "answer": ANSWER, "known_by": "", "seen_by": "me"} | fields


def make_plan(visit: Visit, zone: str = "UTC", **fields: str) -> str:
    """Makes a plan; returns its id."""
    made = visit.post("/plan", form(**fields), **there(zone))
    assert made.status_code == 303, made.text
    return str(made.headers["location"].split("/")[2])


def plan_of(campus: Campus, plan_id: str) -> tuple[ActionPlan, PlanVersion]:
    with campus.services.database.read() as session:
        return session.get_one(ActionPlan, plan_id), current_version(session, plan_id)


def check_ins(campus: Campus, plan_id: str, state: str = "waiting") -> list[CheckIn]:
    with campus.services.database.read() as session:
        query = select(CheckIn).where(CheckIn.plan_id == plan_id, CheckIn.state == state)
        return list(session.scalars(query.order_by(CheckIn.due_on)))


def due_lines(visit: Visit, zone: str = "UTC") -> list[tuple[str, str]]:
    """(where it leads, what it says) of each line of what is due, on the first page."""
    page = visit.get("/", **there(zone)).text
    found = re.search(r'<ul class="due".*?</ul>', page, re.DOTALL)
    if not found:
        return []
    assert page.index('class="due"') < page.index("<h1"), "what is due is the first thing on the page"
    rows = re.findall(r'<a href="([^"]+)">.*?</svg>(.*?)</a>', found[0], re.DOTALL)
    return [(href, text.strip()) for href, text in rows]


def answer(visit: Visit, check_in_id: str, said: str, zone: str = "UTC", **fields: str) -> Any:
    return visit.post(
        f"/plan/check-ins/{check_in_id}",
        {"key": key(), "answer": said, "happened": "I asked for both.", "in_the_way": "", **fields},
        **there(zone),
    )
