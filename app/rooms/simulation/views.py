"""What the pages of simulations show. Nothing of a scenario's definition goes into a view but what is picked here by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from app.coach.simulation.engine import node_of
from app.course.access import Visitor
from app.course.content import Scenario
from app.course.loading import skill_names
from app.course.scenarios import scenario_view, scenarios_in_scope
from app.course.services import Services
from app.kit.errors import N_
from app.kit.i18n import Translator
from app.rooms.simulation.models import OwnSituation, SimulationRun, SimulationTurn
from app.rooms.simulation.playing import MOST_UNCLEAR, has_model, look_back_at
from app.rooms.simulation.runs import BRANCHING, State, runs_of, situations_of

DIFFICULTY = {"gentle": N_("gentle"), "medium": N_("medium"), "hard": N_("hard")}


def list_view(
    services: Services, session: Session, visitor: Visitor, translate: Translator
) -> dict[str, Any]:
    """What simulation/list.html shows."""
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    runs = runs_of(session, visitor)
    scenarios = []
    for row in scenarios_in_scope(services, session, visitor):
        played = sum(run.scenario_key == row.key for run in runs)
        shown = shown_scenario(row, visitor.locale, names.get(row.skill_key, ""), translate)
        scenarios.append({**shown, "href": f"/simulation/scenarios/{row.key}", "played": played})
    return {
        "scenarios": scenarios,
        "situations": [
            {"href": f"/simulation/own/{row.id}", "who": row.who, "wants": row.wants}
            for row in situations_of(session, visitor)
        ],
    }


def shown_scenario(row: Scenario, locale: str, skill: str, translate: Translator) -> dict[str, Any]:
    """A scenario as pages show it."""
    view = scenario_view(row, locale, skill)
    return {**view, "difficulty": translate(DIFFICULTY[view["difficulty"]])}


def start_view(
    services: Services, session: Session, visitor: Visitor, row: Scenario, translate: Translator
) -> dict[str, Any]:
    """What simulation/start.html shows."""
    names = skill_names(session, visitor.organisation_id, visitor.locale)
    runs = [run for run in runs_of(session, visitor) if run.scenario_key == row.key]
    return {
        "scenario": shown_scenario(row, visitor.locale, names.get(row.skill_key, ""), translate),
        "has_model": has_model(services),
        "runs": [_run_link(run) for run in runs[:10]],
    }


def situation_view(
    services: Services, session: Session, visitor: Visitor, row: OwnSituation
) -> dict[str, Any]:
    """What simulation/own.html shows."""
    runs = [run for run in runs_of(session, visitor) if run.situation_id == row.id]
    return {
        "situation": {
            "id": row.id,
            "who": row.who,
            "opening": row.opening,
            "hard": row.hard,
            "wants": row.wants,
        },
        "has_model": has_model(services),
        "runs": [_run_link(run) for run in runs[:10]],
    }


def _run_link(run: SimulationRun) -> dict[str, Any]:
    return {
        "href": f"/simulation/runs/{run.id}",
        "at": run.created_at,
        "is_retry": run.parent_id is not None,
        "from_position": run.from_position,
    }


def run_view(services: Services, state: State, *, wants_choices: bool) -> dict[str, Any]:
    """What simulation/play.html shows: the conversation so far, and what the learner can do."""
    pending = state.pending
    last = state.turns[-1] if state.turns else None
    can_correct = (
        last is not None
        and pending is None
        and last.kind in ("said", "chosen")
        and bool(last.said)
        and state.run.engine == BRANCHING
    )
    offers = state.definition is not None and state.run.engine == BRANCHING
    choices = []
    if offers and (wants_choices or state.times_unclear > 1):
        choices = _choices(state, state.moment().node)
    return {
        **_about(services, state),
        "position": state.position,
        "lines": _lines(state),
        "pending": {"said": pending.said, "kind": pending.kind} if pending else None,
        "is_last_try": state.times_unclear == MOST_UNCLEAR - 1,
        "choices": choices,
        "can_offer": offers and not choices,
        "understood": _understood(state, last) if can_correct and last else None,
        "notice": _notice(state, last),
    }


def debrief_view(services: Services, state: State) -> dict[str, Any]:
    """What simulation/debrief.html shows of a run that is over. One whose debrief was not kept is looked back at by code."""
    found: Mapping[str, Any] = state.debrief or look_back_at(services, state).as_json()
    lines = found["lines"]
    come_up = [line for line in lines if line["status"] != "not_come_up"]
    return {
        **_about(services, state),
        "debrief": {**found, "met": sum(line["status"] == "met" for line in lines), "come_up": len(come_up)},
        "was_stopped": state.was_stopped,
        "was_not_understood": state.was_not_understood,
        "has_spoken": any(turn.text or turn.choice for turn in state.played()),
        "lines": _lines(state, with_unheard=True),
    }


def _about(services: Services, state: State) -> dict[str, Any]:
    run = state.run
    if state.definition is not None:
        about = {
            "title": state.definition["title"],
            "who": state.definition["character"]["name"],
            "role": state.definition["character"]["role"],
            "setting": state.definition["setting"],
            "learner_role": state.definition["learner_role"],
            "most_turns": state.definition["max_turns"],
            "back": f"/simulation/scenarios/{run.scenario_key}",
        }
    else:
        who = state.situation.who if state.situation else ""
        about = {
            "title": "",
            "who": who,
            "role": "",
            "setting": "",
            "learner_role": "",
            "most_turns": 0,
            "back": f"/simulation/own/{run.situation_id}",
        }
    return {
        "run_id": run.id,
        **about,
        "is_own": state.definition is None,
        "by_model": run.engine != BRANCHING and has_model(services),
        "by_author": run.engine == BRANCHING,
        "from_position": run.from_position if run.parent_id else 0,
        "turn": len(state.turns),
    }


def _lines(state: State, *, with_unheard: bool = False) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = [_line("character", state.opening)]
    for row in state.turns:
        lines += _unheard(state, row.position) if with_unheard else []
        shown = row.said or state.choice_text(row)
        lines.append(
            {
                **_line("learner", shown),
                "position": row.position,
                "is_tapped": not row.said,
                "understood": state.choice_text(row) if row.said and row.choice else "",
                "is_earlier": row.kind == "earlier",
            }
        )
        lines.append(_line("character", row.reply))
    return [*lines, *_unheard(state, state.position)] if with_unheard else lines


def _unheard(state: State, position: int) -> list[dict[str, Any]]:
    return [
        {**_line("learner", row.said), "position": position, "is_unheard": row.kind == "unclear"}
        for row in state.unheard(position)
    ]


def _line(by: str, text: str) -> dict[str, Any]:
    return {
        "by": by,
        "text": text,
        "position": 0,
        "is_tapped": False,
        "understood": "",
        "is_earlier": False,
        "is_unheard": False,
    }


def _understood(state: State, last: SimulationTurn) -> dict[str, Any]:
    others = [one for one in _choices(state, state.node_before(last)) if one["id"] != last.choice]
    return {"text": state.choice_text(last), "position": last.position, "others": others}


def _choices(state: State, node_id: str) -> list[dict[str, str]]:
    if state.definition is None:
        return []
    choices = node_of(state.definition, node_id).get("choices", ())
    return [{"id": choice["id"], "text": choice["text"]} for choice in choices]


def _notice(state: State, last: SimulationTurn | None) -> str:
    """Of an open conversation: "replaced" where a model's line could not be said, "standard" where none came."""
    if last is None or state.run.engine == BRANCHING or last.source == "model" or last.kind == "earlier":
        return ""
    return "replaced" if last.problems else "standard"
