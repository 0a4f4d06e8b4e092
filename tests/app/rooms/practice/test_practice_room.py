"""Practice: answer, feedback, again, hand in."""

from __future__ import annotations

import re
import threading

import pytest
from sqlalchemy import select

from app.course.content import PracticeTask
from app.course.loading import load_course, organisation_named
from app.evidence.models import Attempt, Evidence
from app.kit.audit import AuditEvent
from tests.app.rooms.campus import GOOD_ANSWER, Campus, write_course


def evidence(campus: Campus) -> list[Evidence]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(Evidence).order_by(Evidence.id)))


def test_an_answer_gets_feedback_in_the_learners_own_words(campus: Campus) -> None:
    ana = campus.visit()
    attempt = ana.attempt("lamp-parcels", "I ask for two photos of the parcel. Then I wait.")
    page = ana.get(f"/practice/lamp-parcels?attempt={attempt}").text
    assert "suggestion made by a machine" in page
    assert "I ask for two photos of the parcel." in page
    with campus.services.database.read() as session:
        lines = session.get_one(Attempt, attempt).feedback
    assert {line["criterion"]: line["status"] for line in lines}["photos"] == "met"
    for line in lines:
        assert line["quote"] is None or line["quote"] in "I ask for two photos of the parcel. Then I wait."


def test_a_retry_is_a_further_attempt_and_the_earlier_one_stays(campus: Campus) -> None:
    ana = campus.visit()
    first = ana.attempt("lamp-parcels", "I say sorry.")
    second = ana.attempt("lamp-parcels", GOOD_ANSWER)
    with campus.services.database.read() as session:
        rows = {row.id: row for row in session.scalars(select(Attempt))}
    assert [(rows[each].number, rows[each].response) for each in (first, second)] == [
        (1, "I say sorry."),
        (2, GOOD_ANSWER),
    ]
    assert "I say sorry." in ana.get(f"/practice/lamp-parcels?attempt={first}").text
    assert GOOD_ANSWER in ana.get("/practice/lamp-parcels").text, "the last one is open by default"


def test_the_same_form_sent_twice_is_one_attempt(campus: Campus) -> None:
    ana = campus.visit()
    form = {"response": GOOD_ANSWER, "attempt_key": "the-same-key"}
    answers = [ana.post("/practice/lamp-parcels/attempts", form) for _ in range(3)]
    assert len({answer.headers["location"] for answer in answers}) == 1
    assert campus.count(Attempt) == 1


def test_the_same_form_sent_at_once_is_one_attempt(campus: Campus) -> None:
    ana = campus.visit()
    form = {"response": GOOD_ANSWER, "attempt_key": "the-same-key"}
    found: list[str] = []
    threads = [
        threading.Thread(
            target=lambda: found.append(
                ana.post("/practice/lamp-parcels/attempts", form).headers.get("location", "none")
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4 and len(set(found)) == 1
    assert campus.count(Attempt) == 1


def test_a_form_of_the_page_itself_can_be_sent(campus: Campus) -> None:
    ana = campus.visit()
    page = ana.get("/practice/lamp-parcels").text
    key = re.search(r'name="attempt_key" value="([^"]+)"', page)
    action = re.search(r'action="([^"]+)"', page)
    assert key and action
    answer = ana.post(action[1], {"response": GOOD_ANSWER, "attempt_key": key[1]})
    assert answer.status_code == 303


def test_what_is_handed_in_is_kept_as_it_was_and_waits_for_a_person(campus: Campus) -> None:
    ana = campus.visit()
    attempt = ana.attempt("lamp-parcels")
    assert evidence(campus) == [], "checking is not handing in"
    assert ana.hand_in(attempt).status_code == 303
    assert ana.hand_in(attempt).status_code == 303
    (one,) = evidence(campus)
    assert (one.attempt_id, one.state, one.superseded_by, one.assisted) == (attempt, "submitted", None, True)
    page = ana.get("/practice/lamp-parcels").text
    assert "Handed in" in page and "until your instructor has decided" in page
    assert "Hand in attempt" not in page


def test_a_newer_answer_takes_the_place_of_the_one_that_waits(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    attempts = [ana.attempt("lamp-parcels", text) for text in ("I say sorry.", GOOD_ANSWER)]
    for attempt in attempts:
        ana.hand_in(attempt)
    old, new = evidence(campus)
    assert (old.superseded_by, new.superseded_by) == (new.id, None)
    assert ivo.waiting() == [new.id]
    late = ivo.decide(old.id)
    assert late.status_code == 409
    assert "newer answer" in late.text


def test_tasks_are_superseded_one_by_one(campus: Campus) -> None:
    ana = campus.visit()
    for key in ("lamp-parcels", "vase-parcels"):
        ana.hand_in(ana.attempt(key))
    assert [row.superseded_by for row in evidence(campus)] == [None, None]


@pytest.mark.parametrize(
    "role", ["instructor", "teaching_assistant", "administrator", "mentor", "content_developer", ""]
)
def test_only_a_learner_hands_in(campus: Campus, role: str) -> None:
    ivo = campus.visit("ivo", role)
    attempt = ivo.attempt("lamp-parcels")
    page = ivo.get("/practice/lamp-parcels").text
    assert "Hand in attempt" not in page and "trying this task out" in page
    refused = ivo.hand_in(attempt)
    assert refused.status_code == 403
    assert "Only learners hand in" in refused.text
    assert evidence(campus) == []


@pytest.mark.parametrize(
    "stranger",
    [
        ("ben", "learner", "parcels", "north"),
        ("ana", "learner", "depot", "north"),
        ("ana", "learner", "parcels", "south"),
    ],
)
def test_nobody_hands_in_or_reads_anothers_attempt(
    campus: Campus, stranger: tuple[str, str, str, str]
) -> None:
    attempt = campus.visit().attempt("lamp-parcels", "My very own zebra words.")
    other = campus.visit(*stranger)
    assert other.hand_in(attempt).status_code == 404
    for key in ("lamp-parcels", "lamp-depot"):
        assert "zebra words" not in other.get(f"/practice/{key}?attempt={attempt}").text
    assert evidence(campus) == []


@pytest.mark.parametrize(
    ("form", "advice"),
    [
        ({"response": "", "attempt_key": "k"}, "Write your answer first"),
        ({"response": " \r\n\x00 ", "attempt_key": "k"}, "Write your answer first"),
        ({"response": "x" * 8001, "attempt_key": "k"}, "8,000 characters at most"),
        ({"response": "x", "attempt_key": ""}, "The form is incomplete"),
        ({"response": "x", "attempt_key": "k" * 65}, "The form is incomplete"),
        ({}, "Write your answer first"),
    ],
)
def test_an_answer_that_cannot_be_taken_is_refused_with_what_to_do(
    campus: Campus, form: dict[str, str], advice: str
) -> None:
    refused = campus.visit().post("/practice/lamp-parcels/attempts", form)
    assert refused.status_code == 422
    assert advice in refused.text
    assert campus.count(Attempt) == 0


def test_the_longest_answer_is_taken_whole(campus: Campus) -> None:
    ana = campus.visit()
    text = ("I ask for two photos. Ünïcode é 字 🙂. " * 400)[:8000].strip()
    attempt = ana.attempt("lamp-parcels", text)
    with campus.services.database.read() as session:
        assert session.get_one(Attempt, attempt).response == text


@pytest.mark.parametrize("key", ["nowhere", "lamp-depot", "..%2freview", "%00", "x" * 300])
def test_a_task_outside_the_visits_scope_is_not_found(campus: Campus, key: str) -> None:
    ana = campus.visit()
    assert ana.get(f"/practice/{key}").status_code == 404
    answer = ana.post(f"/practice/{key}/attempts", {"response": "x", "attempt_key": "k"})
    assert answer.status_code in {404, 405}


def test_an_activity_of_one_task_opens_on_it_and_lists_no_other(campus: Campus) -> None:
    ana = campus.visit(custom={"task": "vase-parcels"})
    assert ana.first == "/practice/vase-parcels"
    assert ana.get(ana.first).status_code == 200
    listed = ana.get("/practice").text
    assert "vase-parcels" in listed and "lamp-parcels" not in listed


def test_the_list_says_how_far_each_task_is(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    assert "Tried, not handed in" not in ana.get("/practice").text
    attempt = ana.attempt("lamp-parcels")
    assert "Tried, not handed in" in ana.get("/practice").text
    ana.hand_in(attempt)
    assert "Handed in, waits for review" in ana.get("/practice").text
    ivo.decide(ivo.waiting()[0])
    assert "Looked at by your instructor" in ana.get("/practice").text
    assert "Your instructor has looked at" in ana.get("/").text


def test_a_changed_task_is_a_new_version_and_old_work_keeps_its_meaning(
    campus: Campus, tmp_path: object
) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    ana.hand_in(ana.attempt("lamp-parcels"))
    folder = write_course(campus.services.settings.data_dir / "course", "north", "parcels")
    task = folder / "tasks/lamp-parcels.toml"
    task.write_text(
        task.read_text().replace('id = "refund"', 'id = "money"').replace("The lamp", "The new lamp")
    )
    with campus.services.database.read() as session:
        north = organisation_named(session, "north").id
    load_course(campus.services, folder, north)
    load_course(campus.services, folder, north)
    with campus.services.database.read() as session:
        query = select(PracticeTask.version, PracticeTask.is_current).where(
            PracticeTask.key == "lamp-parcels", PracticeTask.organisation_id == north
        )
        assert sorted(session.execute(query).tuples()) == [(1, False), (2, True)]
    assert "The new lamp" in ana.get("/practice/lamp-parcels").text
    assert ivo.decide(ivo.waiting()[0]).status_code == 303, (
        "the criteria are those of the version that was answered"
    )
    assert ana.get("/practice/lamp-parcels").status_code == 200


def test_each_step_leaves_its_event_without_anybodys_words(campus: Campus) -> None:
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    ana.hand_in(ana.attempt("lamp-parcels", "My very own zebra words."))
    ivo.decide(ivo.waiting()[0], comment="More zebra words.")
    with campus.services.database.read() as session:
        events = list(session.scalars(select(AuditEvent).order_by(AuditEvent.id)))
    actions = [event.action for event in events]
    for action in ("visit.began", "attempt.recorded", "evidence.submitted", "evidence.decided"):
        assert action in actions
    assert "zebra" not in str([event.detail for event in events])
    assert all(event.actor_id for event in events if event.action.split(".")[0] in {"attempt", "evidence"})


def test_an_activity_that_names_a_task_takes_no_other(campus: Campus) -> None:
    free = campus.visit()
    attempt = free.attempt("lamp-parcels", GOOD_ANSWER)
    named = campus.visit(custom={"task": "vase-parcels"})
    form = {"response": GOOD_ANSWER, "attempt_key": "another"}
    assert named.get("/practice/lamp-parcels").status_code == 404
    assert named.post("/practice/lamp-parcels/attempts", form).status_code == 404
    assert named.post(f"/practice/attempts/{attempt}/submit", {}).status_code == 404
    assert evidence(campus) == [], "the activity's one column would have got the other task's grade"


def test_a_class_that_checks_its_answers_at_once_is_served(campus: Campus) -> None:
    learners = [campus.visit(f"learner{number}") for number in range(6)]
    statuses: list[int] = []

    def check(number: int) -> None:
        form = {"response": GOOD_ANSWER, "attempt_key": f"answer-{number}"}
        statuses.append(learners[number % 6].post("/practice/lamp-parcels/attempts", form).status_code)

    threads = [threading.Thread(target=check, args=(number,)) for number in range(18)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert statuses == [303] * 18
    assert campus.count(Attempt) == 18
