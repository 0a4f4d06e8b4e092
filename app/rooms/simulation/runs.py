"""Runs as rows: who may reach one, where it stands, and how a turn is added. Rows are never changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.coach.simulation.debrief import PlayedTurn
from app.coach.simulation.engine import Moment, choice_of, first_moment, node_of
from app.coach.simulation.own_situation import OwnSituation as OwnWords
from app.coach.simulation.role_play import Said
from app.course.access import Visitor
from app.course.content import Scenario
from app.course.scenarios import access_scenario_version, localised_scenario
from app.kit.audit import record_event
from app.kit.errors import N_, InputRefused, NotFound, WorksideError
from app.rooms.simulation.models import OwnSituation, SimulationDebrief, SimulationRun, SimulationTurn

COUNTS = ("said", "chosen", "earlier")
OPEN_KINDS = ("unclear", "taken_back")
# What was said and got no answer: words that were not understood, and a goodbye.
UNHEARD = ("unclear", "stopped")
BRANCHING, OPEN = "branching", "open"


class GoneOn(WorksideError):
    """The conversation went on in another tab, or is over."""

    status = 409
    title = N_("The conversation has gone on meanwhile")
    advice = N_("Reload the page to see where it stands, then go on from there.")


@dataclass(frozen=True)
class State:
    """A run as it stands. `turns` are those that count, in order; `pending` one that was not understood yet.

    `definition` is the localised scenario, hidden parts included; None for a learner's own situation.
    """

    run: SimulationRun
    rows: Sequence[SimulationTurn]
    definition: Mapping[str, Any] | None
    situation: OwnWords | None
    opening: str
    debrief: Mapping[str, Any] | None

    @cached_property
    def _standing(self) -> list[SimulationTurn]:
        by_position = {
            row.position: row for row in sorted(self.rows, key=lambda row: (row.position, row.revision))
        }
        return [by_position[position] for position in sorted(by_position)]

    @property
    def turns(self) -> list[SimulationTurn]:
        return [row for row in self._standing if row.kind in COUNTS]

    @property
    def pending(self) -> SimulationTurn | None:
        last = self._standing[-1] if self._standing else None
        return last if last is not None and last.kind in OPEN_KINDS else None

    @property
    def times_unclear(self) -> int:
        """How often the words of this turn were not understood."""
        return sum(row.kind == "unclear" and row.position == self.position for row in self.rows)

    @property
    def position(self) -> int:
        """The position of the learner's next words."""
        return len(self.turns) + 1

    @property
    def is_over(self) -> bool:
        return bool(self._standing) and self._standing[-1].is_end

    @property
    def was_stopped(self) -> bool:
        return bool(self._standing) and self._standing[-1].kind == "stopped"

    @property
    def was_not_understood(self) -> bool:
        """Whether it ended because the words of one turn were not understood again and again."""
        return self.is_over and self._standing[-1].kind == "unclear"

    def unheard(self, position: int) -> list[SimulationTurn]:
        """What was said at a turn and not taken for anything, each once, without the words that were taken in the end."""
        kept = {row.said for row in self.turns if row.position == position}
        found: dict[str, SimulationTurn] = {}
        for row in sorted(self.rows, key=lambda row: row.revision):
            if row.position == position and row.kind in UNHEARD and row.said and row.said not in kept:
                found.setdefault(row.said, row)
        return list(found.values())

    def moment(self, turns: int | None = None) -> Moment:
        """Where the conversation stands, or stood after so many turns."""
        counted = self.turns if turns is None else self.turns[:turns]
        said: list[Said] = []
        for row in counted:
            said += [Said("learner", self.words_of(row)), Said("character", row.reply)]
        start = first_moment(self.definition) if self.definition else Moment("", "start")
        last = counted[-1] if counted else None
        return Moment(
            last.node if last else start.node,
            last.mood if last else start.mood,
            len(counted),
            tuple(said),
            frozenset(last.opened) if last else start.opened,
        )

    def words_of(self, row: SimulationTurn) -> str:
        """What the learner said: their words, or the choice that they tapped instead."""
        return row.said or self.choice_text(row)

    def choice_text(self, row: SimulationTurn) -> str:
        """The choice that a turn was taken for."""
        picked = (
            choice_of(node_of(self.definition, self.node_before(row)), row.choice)
            if self.definition
            else None
        )
        return str(picked["text"]) if picked else ""

    def node_before(self, row: SimulationTurn) -> str:
        return self.moment(row.position - 1).node

    def played(self) -> list[PlayedTurn]:
        """The turns as the debrief reads them, with what was said and not understood."""
        heard, played = self.opening, []
        for row in self.turns:
            played += self._played_unheard(row.position, heard)
            node = self.node_before(row) if self.definition else ""
            played.append(PlayedTurn(row.position, row.said, heard, row.reply, node, row.choice, row.mood))
            heard = row.reply
        return [*played, *self._played_unheard(self.position, heard)]

    def _played_unheard(self, position: int, heard: str) -> list[PlayedTurn]:
        node = self.moment(position - 1).node if self.definition else ""
        return [
            PlayedTurn(position, row.said, heard, "", node, near=row.near[0] if row.near else "")
            for row in self.unheard(position)
        ]


def access_run(session: Session, visitor: Visitor, run_id: str) -> State:
    """The visitor's own run in this course; NotFound for anybody else's."""
    run = session.get(SimulationRun, run_id) if run_id.isascii() else None
    if run is None or run.user_id != visitor.user_id or run.context_id != visitor.context_id:
        raise NotFound
    return state_of(session, visitor, run)


def state_of(session: Session, visitor: Visitor, run: SimulationRun) -> State:
    rows = list(session.scalars(select(SimulationTurn).where(SimulationTurn.run_id == run.id)))
    kept = session.scalars(select(SimulationDebrief).where(SimulationDebrief.run_id == run.id)).one_or_none()
    if run.scenario_id is not None:
        row = access_scenario_version(session, visitor, run.scenario_id)
        definition = localised_scenario(row.definition, run.locale)
        return State(run, rows, definition, None, definition["opening_line"], kept.view if kept else None)
    situation = words_of_situation(access_situation(session, visitor, run.situation_id or ""))
    return State(run, rows, None, situation, situation.opening, kept.view if kept else None)


def access_situation(session: Session, visitor: Visitor, situation_id: str) -> OwnSituation:
    """The visitor's own situation in this course; nobody else ever gets it."""
    row = session.get(OwnSituation, situation_id) if situation_id.isascii() else None
    if row is None or row.user_id != visitor.user_id or row.context_id != visitor.context_id:
        raise NotFound
    return row


def words_of_situation(row: OwnSituation) -> OwnWords:
    return OwnWords(row.who, row.opening, row.hard, row.wants, row.locale)


def runs_of(session: Session, visitor: Visitor) -> list[SimulationRun]:
    """The visitor's runs in this course, the newest first."""
    return list(
        session.scalars(
            select(SimulationRun)
            .where(SimulationRun.user_id == visitor.user_id, SimulationRun.context_id == visitor.context_id)
            .order_by(SimulationRun.id.desc())
            .limit(200)
        )
    )


def situations_of(session: Session, visitor: Visitor) -> list[OwnSituation]:
    """The visitor's own situations in this course, the newest first."""
    return list(
        session.scalars(
            select(OwnSituation)
            .where(OwnSituation.user_id == visitor.user_id, OwnSituation.context_id == visitor.context_id)
            .order_by(OwnSituation.id.desc())
        )
    )


def clean_key(key: str) -> str:
    """A form's own key; InputRefused where it is missing."""
    if not key or len(key) > 64:
        raise InputRefused(
            N_("The form is incomplete. Reload the page and try again; copy your answer first.")
        )
    return key


def _known_run(session: Session, visitor: Visitor, key: str) -> SimulationRun | None:
    return session.scalars(
        select(SimulationRun).where(SimulationRun.user_id == visitor.user_id, SimulationRun.key == key)
    ).one_or_none()


def record_run(
    session: Session,
    visitor: Visitor,
    key: str,
    *,
    engine: str,
    scenario: Scenario | None = None,
    situation: OwnSituation | None = None,
) -> SimulationRun:
    """Begins a run. The same form sent twice begins one."""
    known = _known_run(session, visitor, clean_key(key))
    if known is not None:
        return known
    run = SimulationRun(
        key=key,
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
        scenario_id=scenario.id if scenario else None,
        scenario_key=scenario.key if scenario else "",
        situation_id=situation.id if situation else None,
        engine=engine,
        locale=situation.locale if situation else visitor.locale,
    )
    return _added(session, visitor, run)


def record_retry(session: Session, visitor: Visitor, parent: State, position: int, key: str) -> SimulationRun:
    """A run that goes back to a turn of another: what was said before it stands there already."""
    known = _known_run(session, visitor, clean_key(key))
    if known is not None:
        return known
    if not 1 <= position <= len(parent.turns) + 1:
        raise InputRefused(N_("There is no such turn in this conversation. Choose one that there is."))
    before = parent.run
    run = SimulationRun(
        key=key,
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        resource_link_id=visitor.resource_link_id,
        user_id=visitor.user_id,
        scenario_id=before.scenario_id,
        scenario_key=before.scenario_key,
        situation_id=before.situation_id,
        engine=before.engine,
        locale=before.locale,
        parent_id=before.id,
        from_position=position,
    )
    added = _added(session, visitor, run)
    for row in parent.turns[: position - 1]:
        session.add(
            SimulationTurn(
                run_id=added.id, key=f"earlier-{row.position}", position=row.position, revision=1,
                kind="earlier", said=row.said, choice=row.choice, node=row.node, mood=row.mood,
                opened=row.opened, reply=row.reply, source=row.source,
            )
        )  # fmt: skip
        session.flush()
    return added


def _added(session: Session, visitor: Visitor, run: SimulationRun) -> SimulationRun:
    try:
        with session.begin_nested():
            session.add(run)
    except IntegrityError:  # the same form arrived twice at once, and the other one was quicker
        return session.scalars(
            select(SimulationRun).where(
                SimulationRun.user_id == visitor.user_id, SimulationRun.key == run.key
            )
        ).one()
    record_event(
        session,
        "simulation.begun",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="simulation_run",
        subject_id=run.id,
        engine=run.engine,
        is_retry=run.parent_id is not None,
    )
    return run


def is_known_turn(state: State, key: str) -> bool:
    """Whether this form was sent before."""
    return any(row.key == clean_key(key) for row in state.rows)


def next_revision(state: State, position: int) -> int:
    """The number of the next row of a position."""
    return max((one.revision for one in state.rows if one.position == position), default=0) + 1


def record_turn(
    session: Session, visitor: Visitor, state: State, row: SimulationTurn, debrief: Mapping[str, Any] | None
) -> None:
    """Adds a turn to a run, with the debrief where it is the last one. GoneOn where another one was quicker.

    `row` has everything but run and revision.
    """
    row.run_id, row.revision = state.run.id, next_revision(state, row.position)
    try:
        with session.begin_nested():
            session.add(row)
            if debrief is not None:
                session.add(SimulationDebrief(run_id=state.run.id, view=dict(debrief)))
    except IntegrityError:
        known = select(SimulationTurn.id).where(
            SimulationTurn.run_id == state.run.id, SimulationTurn.key == row.key
        )
        if session.scalars(known).first() is None:
            raise GoneOn from None
        return
    record_event(
        session,
        "simulation.turn",
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="simulation_run",
        subject_id=state.run.id,
        position=row.position,
        kind=row.kind,
        is_end=row.is_end,
    )


def record_situation(session: Session, visitor: Visitor, words: OwnWords, key: str) -> OwnSituation:
    """Keeps a situation of the visitor's own. The same form sent twice is one."""
    query = select(OwnSituation).where(OwnSituation.user_id == visitor.user_id, OwnSituation.key == key)
    known = session.scalars(query).one_or_none()
    if known is not None:
        return known
    row = OwnSituation(
        key=clean_key(key),
        organisation_id=visitor.organisation_id,
        context_id=visitor.context_id,
        user_id=visitor.user_id,
        who=words.who,
        opening=words.opening,
        hard=words.hard,
        wants=words.wants,
        locale=words.locale,
    )
    try:
        with session.begin_nested():
            session.add(row)
    except IntegrityError:
        return session.scalars(query).one()
    _situation_event(session, visitor, row.id, "situation.written")
    return row


def delete_situation(session: Session, visitor: Visitor, situation_id: str) -> None:
    """Deletes the visitor's own situation with every conversation about it."""
    row = access_situation(session, visitor, situation_id)
    runs = list(
        session.scalars(
            select(SimulationRun.id)
            .where(SimulationRun.situation_id == row.id)
            .order_by(SimulationRun.id.desc())
        )
    )
    session.execute(delete(SimulationDebrief).where(SimulationDebrief.run_id.in_(runs)))
    session.execute(delete(SimulationTurn).where(SimulationTurn.run_id.in_(runs)))
    for run_id in runs:  # a retry before the run that it goes back to
        session.execute(delete(SimulationRun).where(SimulationRun.id == run_id))
    session.execute(delete(OwnSituation).where(OwnSituation.id == row.id))
    _situation_event(session, visitor, situation_id, "situation.deleted")


def _situation_event(session: Session, visitor: Visitor, situation_id: str, action: str) -> None:
    record_event(
        session,
        action,
        organisation_id=visitor.organisation_id,
        actor_id=visitor.user_id,
        subject_kind="own_situation",
        subject_id=situation_id,
    )
