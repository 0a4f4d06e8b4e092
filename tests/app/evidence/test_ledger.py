"""The ledger: what is written is never edited, nobody decides on their own, and no score stands without a decision."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from app.course.content import PracticeTask
from app.course.models import Context, LineItem, ResourceLink
from app.course.services import Services
from app.evidence.gradebook import gradebook_state
from app.evidence.ledger import (
    DecisionConflict,
    EvidenceSuperseded,
    OwnEvidence,
    access_attempt,
    access_evidence,
    attempts_of,
    queue_of,
    record_attempt,
    record_confirmation,
)
from app.evidence.models import WAITING, Attempt, Confirmation, Evidence, ScoreRow
from app.kit.audit import AuditEvent
from app.kit.errors import NotFound
from tests.app.evidence.course import ASSISTANT, INSTRUCTOR, Course, make_course, points


def together(*calls: Callable[[], Any]) -> list[Any]:
    """Runs the calls at the same moment, each in a thread; results or exceptions in their order."""
    gate = threading.Barrier(len(calls))
    results: list[Any] = [None] * len(calls)

    def run(index: int) -> None:
        gate.wait()
        try:
            results[index] = calls[index]()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results


def attempt_again(course: Course, key: str, response: str) -> str:
    with course.database.write() as session:
        task = session.get_one(PracticeTask, course.task_id)
        return record_attempt(
            session, course.visitor("101"), task, key=key, response=response, feedback=[]
        ).id


# --- attempts ---------------------------------------------------------------------------------------------------------


def test_the_same_form_sent_twice_is_one_attempt_with_the_first_words(course: Course) -> None:
    first = attempt_again(course, "form-1", "My answer")
    assert attempt_again(course, "form-1", "Other words") == first
    (attempt,) = course.all_of(Attempt)
    assert (attempt.response, attempt.number) == ("My answer", 1)


def test_another_form_is_another_attempt_and_leaves_the_first_as_it_was(course: Course) -> None:
    attempt_again(course, "form-1", "First")
    before = vars(course.all_of(Attempt)[0]).copy()
    attempt_again(course, "form-2", "Second")
    first, second = course.all_of(Attempt)
    assert {k: v for k, v in vars(first).items() if k[0] != "_"} == {
        k: v for k, v in before.items() if k[0] != "_"
    }
    assert (second.response, second.number) == ("Second", 2)


def test_one_form_sent_at_once_from_two_threads_is_one_attempt(course: Course) -> None:
    one, other = together(*[lambda: attempt_again(course, "form-1", "My answer")] * 2)
    assert one == other
    assert len(course.all_of(Attempt)) == 1


def test_one_key_of_two_people_is_two_attempts(course: Course) -> None:
    course.hand_in("101", "Mine", key="form-1")
    course.hand_in("102", "Also mine", key="form-1")
    assert sorted(a.response for a in course.all_of(Attempt)) == ["Also mine", "Mine"]


# --- handing in -------------------------------------------------------------------------------------------------------


def test_handing_in_twice_is_handing_in_once(course: Course) -> None:
    assert course.hand_in("101", key="form-1") == course.hand_in("101", key="form-1")
    assert len(course.all_of(Evidence)) == 1
    assert [e.action for e in course.all_of(AuditEvent)].count("evidence.submitted") == 1


def test_a_newer_answer_supersedes_the_older_in_the_queue(course: Course) -> None:
    older, newer = course.hand_in("101", "First"), course.hand_in("101", "Second")
    assert course.evidence(older).superseded_by == newer
    assert course.evidence(newer).superseded_by is None
    with course.database.read() as session:
        assert [e.id for e in queue_of(session, course.instructor)] == [newer]
    with pytest.raises(EvidenceSuperseded):
        course.decide(older, 31)


def test_another_learners_answer_supersedes_nothing(course: Course) -> None:
    one, other = course.hand_in("101"), course.hand_in("102")
    assert course.evidence(one).superseded_by is None
    assert course.evidence(other).superseded_by is None


def test_two_answers_handed_in_at_once_leave_exactly_one_current(course: Course) -> None:
    together(*[lambda n=n: course.hand_in("101", f"Answer {n}") for n in range(4)])
    rows = course.all_of(Evidence)
    assert len(rows) == 4
    assert len([row for row in rows if row.superseded_by is None]) == 1


def test_evidence_is_assisted_by_default(course: Course) -> None:
    """Practice shows its checklist beside the task, so nothing that comes out of it is skill."""
    assert course.evidence(course.hand_in("101")).assisted


# --- deciding ---------------------------------------------------------------------------------------------------------


def test_no_score_without_a_decision(course: Course) -> None:
    course.hand_in("101")
    assert course.all_of(ScoreRow) == []


def test_a_decision_and_its_score_stand_together(course: Course) -> None:
    evidence = course.hand_in("101")
    decision = course.decide(evidence, 21, "Well done.")
    row = course.score_of("101")
    assert row is not None
    assert (row.points, row.points_maximum, row.comment) == (points(21), 100, "Well done.")
    assert (row.state, row.version, row.confirmation_id, row.evidence_id) == (
        WAITING,
        1,
        decision.id,
        evidence,
    )
    assert course.evidence(evidence).state == "decided"


def test_a_failing_request_leaves_neither_decision_nor_score(course: Course) -> None:
    evidence = course.hand_in("101")
    with pytest.raises(ValueError, match="decisions are needed"), course.database.write() as session:
        record_confirmation(
            session,
            course.instructor,
            access_evidence(session, course.instructor, evidence),
            session.get_one(PracticeTask, course.task_id),
            met={"c1": True},
            comment="",
            after=None,
        )
    assert course.all_of(Confirmation) == course.all_of(ScoreRow) == []
    assert course.evidence(evidence).state == "submitted"


def test_a_changed_mind_is_a_further_decision_and_a_further_version(course: Course) -> None:
    evidence = course.hand_in("101")
    first = course.decide(evidence, 31)
    course.decide(evidence, 3)
    one, two = course.all_of(Confirmation)
    assert (one.id, one.points, one.number) == (first.id, points(31), 1)
    assert (two.points, two.number) == (points(3), 2)
    row = course.score_of("101")
    assert row is not None
    assert (row.version, row.points, row.confirmation_id) == (2, points(3), two.id)


def test_deciding_on_what_another_decided_meanwhile_is_a_conflict(course: Course) -> None:
    evidence = course.hand_in("101")
    first = course.decide(evidence, 31, after=None)
    assistant = course.visitor(ASSISTANT, "teaching_assistant")
    with pytest.raises(DecisionConflict):
        course.decide(evidence, 7, after=None, visitor=assistant)
    with pytest.raises(DecisionConflict):
        course.decide(evidence, 31, after=None, visitor=assistant)
    course.decide(evidence, 7, after=first.id, visitor=assistant)
    with pytest.raises(DecisionConflict):
        course.decide(evidence, 31, after=first.id)
    row = course.score_of("101")
    assert row is not None
    assert row.points == points(7)
    assert len(course.all_of(Confirmation)) == 2


def test_a_double_click_is_one_decision(course: Course) -> None:
    evidence = course.hand_in("101")
    assert course.decide(evidence, 31, after=None).id == course.decide(evidence, 31, after=None).id
    row = course.score_of("101")
    assert row is not None
    assert (len(course.all_of(Confirmation)), row.version) == (1, 1)


def test_a_double_click_from_two_threads_is_one_decision_and_one_score(course: Course) -> None:
    evidence = course.hand_in("101")
    one, other = together(*[lambda: course.decide(evidence, 31, after=None)] * 2)
    assert one.id == other.id
    assert len(course.all_of(Confirmation)) == 1
    (row,) = course.all_of(ScoreRow)
    assert row.version == 1


def test_two_reviewers_at_once_one_decides_and_one_is_told(course: Course) -> None:
    evidence = course.hand_in("101")
    results = together(
        lambda: course.decide(evidence, 31, after=None),
        lambda: course.decide(
            evidence, 1, after=None, visitor=course.visitor(ASSISTANT, "teaching_assistant")
        ),
    )
    assert sorted(type(result).__name__ for result in results) == ["Confirmation", "DecisionConflict"]
    (decision,) = course.all_of(Confirmation)
    (row,) = course.all_of(ScoreRow)
    assert row.points == decision.points


def test_the_first_decisions_on_two_answers_of_one_person_make_one_score_row(services: Services) -> None:
    """Two tasks of one activity share its column."""
    course = make_course(services.database)
    first = course.hand_in("101")
    with services.database.write() as session:
        session.add(
            PracticeTask(
                id="0" * 32, organisation_id=course.organisation_id, collection_id="parcels", key="other",
                skill_key="care", definition=session.get_one(PracticeTask, course.task_id).definition,
            )
        )  # fmt: skip
    second = replace(course, task_id="0" * 32).hand_in("101")
    results = together(lambda: course.decide(first, 31), lambda: course.decide(second, 1))
    assert [type(result) for result in results] == [Confirmation, Confirmation]
    (row,) = course.all_of(ScoreRow)
    assert row.version == 2
    last = services.database.reading().get_one(Confirmation, row.confirmation_id)
    assert row.points == last.points


def test_nobody_decides_on_their_own(course: Course) -> None:
    evidence = course.hand_in(INSTRUCTOR)
    with pytest.raises(OwnEvidence):
        course.decide(evidence, 31)
    assert course.all_of(Confirmation) == course.all_of(ScoreRow) == []
    course.decide(evidence, 31, visitor=course.visitor(ASSISTANT, "teaching_assistant"))


def test_an_activity_without_a_column_has_decisions_and_no_score(services: Services) -> None:
    course = make_course(services.database)
    with services.database.write() as session:
        session.delete(session.get_one(LineItem, course.line_item_id))
    evidence = course.hand_in("101")
    course.decide(evidence, 31)
    assert len(course.all_of(Confirmation)) == 1
    assert course.all_of(ScoreRow) == []
    with services.database.read() as session:
        state = gradebook_state(session, course.evidence(evidence), lambda text, **_: text)
    assert state["kind"] == "none"


def test_each_change_of_a_record_wrote_one_event(course: Course) -> None:
    evidence = course.hand_in("101", key="form-1")
    course.hand_in("101", key="form-1")
    course.decide(evidence, 31, after=None)
    course.decide(evidence, 31, after=None)
    assert [event.action for event in course.all_of(AuditEvent)] == [
        "attempt.recorded",
        "evidence.submitted",
        "evidence.decided",
    ]


# --- who may see ------------------------------------------------------------------------------------------------------


def test_evidence_is_found_by_its_person_and_the_courses_reviewers_only(
    services: Services, course: Course
) -> None:
    other = make_course(services.database, name="south", base="https://other.example")
    evidence = course.hand_in("101")
    with services.database.read() as session:
        for visitor in (
            course.visitor("101"),
            course.instructor,
            course.visitor(ASSISTANT, "teaching_assistant"),
        ):
            assert access_evidence(session, visitor, evidence).id == evidence
        for visitor in (
            course.visitor("102"),
            course.visitor("102", "mentor"),
            other.visitor("101"),
            other.instructor,
        ):
            with pytest.raises(NotFound):
                access_evidence(session, visitor, evidence)
            assert queue_of(session, visitor) == [] or visitor.context_id == course.context_id
        with pytest.raises(NotFound):
            access_evidence(session, course.instructor, "0" * 32)


def test_a_reviewer_of_another_course_of_the_same_organisation_finds_nothing(
    services: Services, course: Course
) -> None:
    with services.database.write() as session:
        deployment = session.get_one(Context, course.context_id).deployment_id
        context = Context(deployment_id=deployment, organisation_id=course.organisation_id, lti_id="course-8")
        session.add(context)
        session.flush()
        link = ResourceLink(context_id=context.id, lti_id="link-1")
        session.add(link)
        session.flush()
        elsewhere = replace(course, context_id=context.id, link_id=link.id)
    evidence = course.hand_in("101")
    with services.database.read() as session:
        with pytest.raises(NotFound):
            access_evidence(session, elsewhere.instructor, evidence)
        with pytest.raises(NotFound):
            access_evidence(session, elsewhere.visitor("101"), evidence)
        attempt = course.all_of(Attempt)[0].id
        with pytest.raises(NotFound):
            access_attempt(session, elsewhere.visitor("101"), attempt)
        assert queue_of(session, elsewhere.instructor) == []
        assert attempts_of(session, elsewhere.visitor("101"), "damaged-parcel") == []


def test_an_attempt_is_its_persons_alone(course: Course) -> None:
    course.hand_in("101")
    attempt = course.all_of(Attempt)[0].id
    with course.database.read() as session:
        assert access_attempt(session, course.visitor("101"), attempt).id == attempt
        for visitor in (course.visitor("102"), course.instructor):
            with pytest.raises(NotFound):
                access_attempt(session, visitor, attempt)
