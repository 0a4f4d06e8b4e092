"""From yes and no to points: what must hold for every rubric."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.evidence.rubric import Criterion, total

WEIGHTS = st.floats(0.01, 1000, allow_nan=False)
MAXIMA = st.floats(0.5, 10_000, allow_nan=False)


@st.composite
def decided_rubrics(draw: Any) -> tuple[list[Criterion], dict[str, bool]]:
    """A rubric of 1 to 8 criteria and a decision on each."""
    sizes = draw(st.lists(st.tuples(WEIGHTS, st.booleans(), st.booleans()), min_size=1, max_size=8))
    criteria = [Criterion(f"c{i}", weight, must) for i, (weight, must, _) in enumerate(sizes)]
    return criteria, {f"c{i}": is_met for i, (_, _, is_met) in enumerate(sizes)}


@given(decided_rubrics(), MAXIMA)
def test_same_decisions_same_points_and_nothing_is_changed(decided: Any, maximum: float) -> None:
    criteria, met = decided
    before = (list(criteria), dict(met))
    assert total(criteria, met, maximum) == total(criteria, met, maximum)
    assert (criteria, met) == before


@given(decided_rubrics(), MAXIMA, st.randoms(use_true_random=False))
def test_order_of_criteria_and_of_decisions_does_not_matter(decided: Any, maximum: float, order: Any) -> None:
    criteria, met = decided
    shuffled, answers = list(criteria), list(met.items())
    order.shuffle(shuffled)
    order.shuffle(answers)
    assert total(shuffled, dict(answers), maximum).points == pytest.approx(
        total(criteria, met, maximum).points, abs=0.011
    )


@given(decided_rubrics(), MAXIMA)
def test_a_yes_more_never_lowers_the_points(decided: Any, maximum: float) -> None:
    criteria, met = decided
    points = total(criteria, met, maximum).points
    for criterion, is_met in met.items():
        if not is_met:
            assert total(criteria, {**met, criterion: True}, maximum).points >= points


@given(decided_rubrics(), MAXIMA)
def test_points_lie_between_nothing_and_the_maximum(decided: Any, maximum: float) -> None:
    criteria, met = decided
    result = total(criteria, met, maximum)
    # The maximum itself may lie between two hundredths.
    assert 0 <= result.points <= maximum + 0.005
    assert result.maximum == maximum
    everything = total(criteria, dict.fromkeys(met, True), maximum)
    nothing = total(criteria, dict.fromkeys(met, False), maximum)
    assert everything.points == pytest.approx(maximum, abs=0.005)
    assert everything.is_complete
    assert nothing.points == 0


@given(decided_rubrics(), MAXIMA)
def test_without_a_must_half_is_the_most(decided: Any, maximum: float) -> None:
    criteria, met = decided
    result = total(criteria, met, maximum)
    missed = [criterion.id for criterion in criteria if criterion.must and not met[criterion.id]]
    assert result.is_complete == (not missed)
    if missed:
        assert result.points <= maximum / 2 + 0.005
    share = sum(c.weight for c in criteria if met[c.id]) / sum(c.weight for c in criteria)
    if not missed or share <= 0.5:
        assert result.points == pytest.approx(share * maximum, abs=0.0051)


def test_what_the_task_is_about_is_not_outweighed_by_small_things() -> None:
    criteria = [Criterion("main", 1, must=True), Criterion("a", 5, must=False), Criterion("b", 5, must=False)]
    assert total(criteria, {"main": False, "a": True, "b": True}, 100).points == 50
    assert total(criteria, {"main": False, "a": True, "b": False}, 100).points == 45.45
    assert total(criteria, {"main": True, "a": True, "b": True}, 100).points == 100


@pytest.mark.parametrize(
    "decisions", [{}, {"a": True}, {"a": True, "b": True, "c": True}, {"a": True, "x": True}]
)
def test_every_criterion_gets_a_decision_and_no_other_does(decisions: dict[str, bool]) -> None:
    with pytest.raises(ValueError, match="decisions are needed"):
        total([Criterion("a", 1, must=False), Criterion("b", 1, must=False)], decisions, 100)


@pytest.mark.parametrize(
    ("criteria", "maximum"),
    [
        ([], 100),
        ([Criterion("a", 0, must=False)], 100),
        ([Criterion("a", -1, must=False)], 100),
        ([Criterion("a", float("nan"), must=False)], 100),
        ([Criterion("a", float("inf"), must=False)], 100),
        ([Criterion("a", 1, must=False)], 0),
        ([Criterion("a", 1, must=False)], -5),
        ([Criterion("a", 1, must=False)], float("nan")),
        ([Criterion("a", 1, must=False)], float("inf")),
    ],
)
def test_a_rubric_that_makes_no_points_is_refused(criteria: list[Criterion], maximum: float) -> None:
    with pytest.raises(ValueError, match="a rubric needs"):
        total(criteria, {criterion.id: True for criterion in criteria}, maximum)


def test_one_id_twice_is_no_rubric() -> None:
    """Both would be decided by one answer, and the reviewer would see one of them."""
    with pytest.raises(ValueError, match="a rubric needs"):
        total([Criterion("a", 1, must=False), Criterion("a", 2, must=True)], {"a": True}, 100)
