"""Playing: the learner's words go to the engine, what comes of them becomes a turn, and the last turn brings the debrief.

An engine may take seconds (it compares meanings, or a chat model answers), so it runs between two units of work.
"""

from __future__ import annotations

from typing import Any

from starlette.concurrency import run_in_threadpool

from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.coach.simulation.branching import Branching
from app.coach.simulation.debrief import Debrief, look_back, point_at_words
from app.coach.simulation.engine import Engine, Step
from app.coach.simulation.open_play import OpenPlay, scenario_brief
from app.coach.simulation.own_situation import look_back_own, own_brief
from app.course.access import Visitor
from app.course.services import Services
from app.kit.errors import N_, InputRefused
from app.rooms.simulation.models import SimulationTurn
from app.rooms.simulation.runs import (
    BRANCHING,
    GoneOn,
    State,
    access_run,
    is_known_turn,
    next_revision,
    record_turn,
)

LONGEST_WORDS = 1000
# After so many misses at one turn the conversation ends; from the second on the choices stand there to be tapped.
MOST_UNCLEAR = 4


def has_model(services: Services) -> bool:
    """Whether a chat model can play."""
    return coach_of(services).models.is_on("simulate")


def engine_for(services: Services, visitor: Visitor, state: State) -> Engine:
    """The engine of a run."""
    embedder = services.retrieval.embedder
    if state.definition is not None and state.run.engine == BRANCHING:
        return Branching(embedder, state.definition)
    models = coach_of(services).models
    if state.definition is not None:
        brief = scenario_brief(state.definition, state.run.locale, state.moment())
        return OpenPlay(embedder, models, _payer(visitor), brief, state.definition)
    if state.situation is None:
        raise ValueError("a run is of a scenario or of a situation")
    brief = own_brief(state.situation, has_model=models.is_on("simulate"))
    return OpenPlay(embedder, models, _payer(visitor), brief)


def _payer(visitor: Visitor) -> Payer:
    return Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)


def clean_words(text: str) -> str:
    """The learner's words as they are kept; InputRefused where they are too many."""
    kept = "".join(c for c in text.replace("\r\n", "\n") if c.isprintable() or c == "\n").strip()
    if len(kept) > LONGEST_WORDS:
        raise InputRefused(
            N_("That is too long to say in one go: 1,000 characters at most. Say a part of it first.")
        )
    return kept


async def say(
    services: Services,
    visitor: Visitor,
    run_id: str,
    *,
    text: str,
    choice: str,
    position: int,
    key: str,
) -> None:
    """One turn: by the learner's words, or by a choice that they tapped. The same form sent twice is one turn.

    `position` is where the page stood: words for a conversation that has gone on elsewhere are refused (GoneOn).
    """
    state = await run_in_threadpool(_load, services, visitor, run_id)
    words = clean_words(text)
    if is_known_turn(state, key):
        return
    if state.is_over or position != state.position:
        raise GoneOn
    if not words and not choice:
        raise InputRefused(N_("Say something first, in your own words."))
    step = await engine_for(services, visitor, state).answer(state.moment(), words, choice)
    row = _row(step, words, choice, position, key)
    if step.kind == "unclear" and state.times_unclear + 1 >= MOST_UNCLEAR:
        row.is_end = True
    await _keep(services, visitor, state, row)


async def correct(
    services: Services, visitor: Visitor, run_id: str, *, choice: str, position: int, key: str
) -> None:
    """The last words meant something else: a choice that the learner picks, or "" to say it anew."""
    state = await run_in_threadpool(_load, services, visitor, run_id)
    if is_known_turn(state, key):
        return
    if not state.turns or state.is_over or position != state.turns[-1].position or state.pending:
        raise GoneOn
    last = state.turns[-1]
    if last.kind == "earlier" or state.run.engine != BRANCHING or state.definition is None:
        raise GoneOn
    if not choice:
        row = SimulationTurn(key=key, position=position, kind="taken_back", said=last.said)
        await _keep(services, visitor, state, row)
        return
    before = state.moment(position - 1)
    step = await Branching(services.retrieval.embedder, state.definition).answer(before, last.said, choice)
    await _keep(services, visitor, state, _row(step, last.said, choice, position, key))


async def stop(services: Services, visitor: Visitor, run_id: str, *, key: str) -> None:
    """The learner ends the conversation and looks back."""
    state = await run_in_threadpool(_load, services, visitor, run_id)
    if state.is_over or is_known_turn(state, key):
        return
    row = SimulationTurn(
        key=key, position=state.position, kind="stopped", node=state.moment().node, is_end=True
    )
    await _keep(services, visitor, state, row)


def _row(step: Step, words: str, choice: str, position: int, key: str) -> SimulationTurn:
    if step.kind == "unclear":
        return SimulationTurn(key=key, position=position, kind="unclear", said=words, near=list(step.near))
    if step.kind == "farewell":
        node = step.moment.node
        return SimulationTurn(key=key, position=position, kind="stopped", said=words, node=node, is_end=True)
    return SimulationTurn(
        key=key,
        position=position,
        kind="chosen" if choice else "said",
        said=words,
        choice=step.choice,
        near=list(step.near),
        node=step.moment.node,
        mood=step.moment.mood,
        opened=sorted(step.moment.opened),
        reply=step.reply,
        source=step.source,
        problems=list(step.problems),
        is_end=step.is_end,
    )


async def _keep(services: Services, visitor: Visitor, state: State, row: SimulationTurn) -> None:
    debrief: dict[str, Any] | None = None
    if row.is_end:
        row.revision = next_revision(state, row.position)
        ended = State(state.run, [*state.rows, row], state.definition, state.situation, state.opening, None)
        found = await run_in_threadpool(look_back_at, services, ended)
        models = coach_of(services).models
        debrief = (await point_at_words(models, _payer(visitor), found, ended.played())).as_json()

    def write() -> None:
        with services.database.write() as session:
            now_stands = access_run(session, visitor, state.run.id)
            if is_known_turn(now_stands, row.key):
                return
            if len(now_stands.rows) != len(state.rows):
                raise GoneOn
            record_turn(session, visitor, now_stands, row, debrief)

    await run_in_threadpool(write)


def look_back_at(services: Services, state: State) -> Debrief:
    """The debrief of a run by code alone."""
    embedder = services.retrieval.embedder
    if state.definition is not None:
        return look_back(embedder, state.definition, state.played(), state.moment().node)
    if state.situation is None:
        raise ValueError("a run is of a scenario or of a situation")
    return look_back_own(embedder, state.situation, state.played())


def _load(services: Services, visitor: Visitor, run_id: str) -> State:
    with services.database.read() as session:
        return access_run(session, visitor, run_id)
