"""Simulations: a conversation to try out before the real one, a look back at it, and a retry from where it turned."""

from __future__ import annotations

from app.course.access import EVERYONE
from app.course.scenarios import has_scenarios
from app.kit.errors import N_
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, PlacementKind, Room
from app.rooms.simulation.placing import first_page, scenario_options, scenario_preview
from app.rooms.simulation.planning import plan_seeds
from app.rooms.simulation.routes import router

ONLY_THEM = "the person alone"

ROOM = Room(
    name="simulation",
    router=router,
    navigation=(NavigationItem("/simulation", N_("Role-play"), EVERYONE, has_scenarios),),
    placements=(
        PlacementKind(
            key="simulation",
            label=N_("Role-play"),
            description=N_(
                "A conversation to try out before the real one. Only the learner sees it; there is no grade."
            ),
            options=scenario_options,
            preview=scenario_preview,
            preview_template="simulation/preview.html",
            first_page=first_page,
        ),
    ),
    plan_seeds=plan_seeds,
    personal_data=(
        PersonalData("own_situation", "user_id", "Situations from work, in the learner's words", ONLY_THEM),
        PersonalData("simulation_run", "user_id", "Conversations that were tried out", ONLY_THEM),
        PersonalData("simulation_turn", "run_id", "What was said in them", ONLY_THEM),
        PersonalData(
            "simulation_debrief", "run_id", "What the learner was told when one was over", ONLY_THEM
        ),
    ),
)
