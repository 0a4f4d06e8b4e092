"""Every page in every state that a person can meet, as contexts for the templates: what axe, tests and eyes look at.

To add a state of a page, add it to `STATES` in the file of its room; a new room's file goes into `ROOMS` here. All tests
of all states (each language, axe, four widths, no strange script) find it by itself.
"""

from __future__ import annotations

from tests.accessibility.states import (
    admin,
    ask,
    authoring,
    everywhere,
    experts,
    learning,
    picker,
    plan,
    practice,
    review,
    simulation,
    spending,
    studio,
)
from tests.accessibility.states.page import State, render_state, visitor

__all__ = ["STATES", "State", "render_state", "visitor"]

ROOMS = (
    everywhere,
    ask,
    learning,
    practice,
    authoring,
    plan,
    simulation,
    review,
    experts,
    studio,
    picker,
    admin,
    spending,
)
STATES: dict[str, State] = {name: state for room in ROOMS for name, state in room.STATES.items()}

if len(STATES) != sum(len(room.STATES) for room in ROOMS):
    raise ValueError("Two rooms name a state alike: give one of them its room's name in front.")
