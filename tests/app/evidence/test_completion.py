"""The ledger under any sequence of steps: attempts are only added, no score stands without the decision of its policy."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import update
from sqlalchemy.exc import DatabaseError

from app.course.content import PracticeTask
from app.course.services import Services
from app.evidence.ledger import (
    DecidedByPolicy,
    _set_score,
    access_attempt,
    line_item_of,
    record_attempt,
    rubric_of,
    submit_attempt,
)
from app.evidence.models import Attempt, Confirmation, Evidence, Recheck, ScoreRow
from app.evidence.rechecks import finish_recheck, open_recheck
from app.evidence.rubric import complete, total
from app.evidence.tries import PractisingOver, end_practising
from app.kit.ids import new_id
from tests.app.evidence.course import WEIGHTS, Course, make_course

RECHECK = {"after_days": 7, "situation": "s", "ask": "a", "criteria": [{"id": "r", "text": "t", "weight": 1}]}
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["try", "hand in", "decide", "end", "policy", "recheck"]),
        st.sampled_from(["101", "102"]),
        st.integers(0, 31),
    ),
    max_size=14,
)


def columns(row: Any) -> dict[str, Any]:
    return {column.name: getattr(row, column.name) for column in row.__table__.columns}


def step(course: Course, name: str, sub: str, number: int) -> None:
    """One step of somebody, as far as it is possible now; what is refused leaves nothing."""
    visitor = course.visitor(sub)
    if name == "policy":
        with course.database.write() as session:
            task = session.get_one(PracticeTask, course.task_id)
            task.definition = {**task.definition, "completion": "submitted" if number % 2 else "reviewed"}
        return
    with course.database.write() as session:
        task = session.get_one(PracticeTask, course.task_id)
        if name == "try":
            record_attempt(session, visitor, task, key=new_id(), response=f"Answer {number}", feedback=[])
        elif name == "end":
            end_practising(session, visitor, task)
        elif name == "recheck":
            row = next((one for one in session.query(Recheck) if one.user_id == visitor.user_id), None)
            if row is not None and row.state == "waiting":
                row.due_at = row.created_at
                open_recheck(session, visitor, row)
                finish_recheck(session, visitor, row)
                attempt = record_attempt(
                    session, visitor, task, key=new_id(), response="Unaided", feedback=[], recheck=row
                )
                submit_attempt(session, visitor, attempt, task)
    mine = [row for row in course.all_of(Attempt) if row.user_id == visitor.user_id and not row.recheck_id]
    if name == "hand in" and mine:
        with course.database.write() as session:
            attempt = access_attempt(session, visitor, mine[number % len(mine)].id)
            submit_attempt(session, visitor, attempt, session.get_one(PracticeTask, course.task_id))
    if name == "decide":
        for row in course.all_of(Evidence):
            if row.user_id == visitor.user_id and row.superseded_by is None and row.kind == "practice":
                course.decide(row.id, number)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS)
def test_attempts_are_only_added_and_each_score_has_its_decision(services: Services, steps: Any) -> None:
    course = make_course(services.database, name=new_id(), base=f"https://{new_id()}.example")
    with course.database.write() as session:
        task = session.get_one(PracticeTask, course.task_id)
        task.definition = {**task.definition, "recheck": RECHECK, "tries": 4}
    known: dict[str, dict[str, Any]] = {}
    for name, sub, number in steps:
        try:
            step(course, name, sub, number)
        except Exception as error:
            if (
                not isinstance(error, PractisingOver | DecidedByPolicy)
                and type(error).__name__ != "NothingTried"
            ):
                raise
        attempts = {
            row.id: columns(row) for row in course.all_of(Attempt) if row.context_id == course.context_id
        }
        assert known.items() <= attempts.items(), "what was there is there, as it was"
        known = attempts
        confirmations = {row.id: row for row in course.all_of(Confirmation)}
        evidence = {row.id: row for row in course.all_of(Evidence)}
        for row in course.all_of(ScoreRow):
            if row.line_item_id != course.line_item_id:
                continue
            decision, thing = confirmations[row.confirmation_id], evidence[row.evidence_id]
            assert decision.evidence_id == thing.id and thing.assisted and thing.kind == "practice"
            assert (row.points, row.points_maximum) == (decision.points, decision.points_maximum)
            task = services.database.reading().get_one(PracticeTask, course.task_id)
            if decision.reviewer_id is None:
                expected = complete(decision.points_maximum)
                assert decision.criteria == {}
            else:
                assert decision.reviewer_id != thing.user_id
                expected = total(rubric_of(task), decision.criteria, decision.points_maximum)
            assert decision.points == expected.points
        assert all(row.kind == "practice" or not row.assisted for row in evidence.values())


@pytest.mark.parametrize("policy", ["reviewed", "submitted"])
def test_a_score_is_refused_without_the_decision_of_its_policy(course: Course, policy: str) -> None:
    evidence_id = course.hand_in("101")
    with course.database.write() as session:
        task = session.get_one(PracticeTask, course.task_id)
        task.definition = {**task.definition, "completion": policy}
        wrong = Confirmation(
            evidence_id=evidence_id,
            number=1,
            reviewer_id=None if policy == "reviewed" else course.people["901"],
            reviewer_role="x",
            criteria={f"c{weight}": True for weight in WEIGHTS},
            points=100,
            points_maximum=100,
        )
        session.add(wrong)
        session.flush()
        evidence = session.get_one(Evidence, evidence_id)
        item = line_item_of(session, course.link_id, "practice")
        assert item is not None
        with pytest.raises(ValueError, match="the decision that the task's policy asks for"):
            _set_score(session, item, evidence, wrong, task)
    assert course.all_of(ScoreRow) == []


@given(st.floats(0.5, 10_000, allow_nan=False))
def test_complete_is_all_the_points_and_nothing_else_decides_it(maximum: float) -> None:
    result = complete(maximum)
    assert result == complete(maximum)
    assert result.points == pytest.approx(maximum, abs=0.006) and result.is_complete


@pytest.mark.parametrize("maximum", [0, -1, float("nan"), float("inf")])
def test_no_maximum_is_no_completion(maximum: float) -> None:
    with pytest.raises(ValueError, match="positive maximum"):
        complete(maximum)


@pytest.mark.parametrize("column", ["response", "feedback", "number", "recheck_id", "created_at"])
def test_the_database_itself_refuses_a_changed_attempt(course: Course, column: str) -> None:
    course.hand_in("101")
    with pytest.raises(DatabaseError, match="never changed"), course.database.write() as session:
        session.execute(update(Attempt).values(**{column: getattr(Attempt, column)}))
