"""Conversations that were tried out, as plans can begin with them: the moment, and the lines that are worth saying then."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.course.access import Visitor
from app.course.content import Scenario
from app.course.scenarios import localised_scenario
from app.course.services import Services
from app.kit.i18n import Translator
from app.kit.room import PlanSeed
from app.rooms.simulation.models import OwnSituation, SimulationDebrief, SimulationRun

KIND = "run:"
MOST = 3
LONGEST_ACTION = 300


def plan_seeds(
    services: Services, session: Session, visitor: Visitor, translate: Translator, only: str = ""
) -> list[PlanSeed]:
    """The visitor's last conversations in this course that were looked back at, each scenario or situation once."""
    if visitor.is_anonymous or (only and not only.startswith(KIND)):
        return []
    query = (
        select(SimulationRun, SimulationDebrief, Scenario, OwnSituation)
        .join(SimulationDebrief, SimulationDebrief.run_id == SimulationRun.id)
        .outerjoin(Scenario, Scenario.id == SimulationRun.scenario_id)
        .outerjoin(OwnSituation, OwnSituation.id == SimulationRun.situation_id)
        .where(SimulationRun.user_id == visitor.user_id, SimulationRun.context_id == visitor.context_id)
        .order_by(SimulationRun.created_at.desc(), SimulationRun.id.desc())
        .limit(10 * MOST)
    )
    if only:
        query = query.where(SimulationRun.id == only.removeprefix(KIND))
    seeds: dict[str, PlanSeed] = {}
    for run, debrief, scenario, situation in session.execute(query):
        if scenario is None and situation is None:
            continue
        title = (
            localised_scenario(scenario.definition, visitor.locale)["title"] if scenario else situation.who
        )
        cue = translate("I have a conversation like “%(title)s”", title=title)
        skill = scenario.skill_key if scenario else ""
        seed = PlanSeed(f"{KIND}{run.id}", title, cue, _actions(debrief.view, translate), skill)
        seeds.setdefault(run.scenario_key or str(run.situation_id), seed)
    return list(seeds.values())[:MOST]


def _actions(debrief: Mapping[str, Any], translate: Translator) -> tuple[str, ...]:
    """What to say then: the stronger line of the turning point, then the learner's own words that did what the rubric asks."""
    turning = debrief.get("turning") or {}
    lines = [turning.get("stronger_line", "")]
    lines += [line.get("quote", "") for line in debrief.get("lines", ()) if line.get("status") == "met"]
    said = dict.fromkeys(" ".join(line.split()) for line in lines if line)
    return tuple(translate("say: “%(line)s”", line=line) for line in said if len(line) <= LONGEST_ACTION)[
        :MOST
    ]
