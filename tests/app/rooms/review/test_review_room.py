"""Review: a person decides, and the score follows from the decision."""

from __future__ import annotations

import re
import threading

import pytest
from sqlalchemy import select

from app.evidence.models import DEAD, WAITING, Confirmation, ScoreRow
from tests.app.rooms.campus import GOOD_ANSWER, Campus, Visit


@pytest.fixture
def ana(campus: Campus) -> Visit:
    return campus.visit()


@pytest.fixture
def ivo(campus: Campus) -> Visit:
    return campus.visit("ivo", "instructor")


@pytest.fixture
def handed_in(ana: Visit, ivo: Visit) -> str:
    """The id of a piece of evidence that waits."""
    ana.hand_in(ana.attempt("lamp-parcels"))
    (found,) = ivo.waiting()
    return found


def scores(campus: Campus) -> list[ScoreRow]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(ScoreRow)))


def decisions(campus: Campus) -> list[Confirmation]:
    with campus.services.database.read() as session:
        return list(session.scalars(select(Confirmation).order_by(Confirmation.number)))


def test_the_reviewer_sees_the_answer_beside_the_rubric(ivo: Visit, handed_in: str) -> None:
    page = ivo.get(f"/review/{handed_in}").text
    for part in (
        GOOD_ANSWER,
        "Ana of north",
        "Asks for two photos",
        "A machine",
        "Confirm decision",
        "Refund.",
    ):
        assert part in page
    assert "checked" not in re.findall(r'<input type="radio"[^>]*>', page).__str__(), (
        "a person decides every one"
    )


def test_a_decision_writes_the_one_score_row(campus: Campus, ivo: Visit, handed_in: str) -> None:
    assert ivo.decide(handed_in, met_refund="no").status_code == 303
    (score,) = scores(campus)
    assert (score.points, score.points_maximum, score.version, score.delivered_version) == (75, 100, 1, 0)
    assert (score.state, score.comment, score.evidence_id) == (WAITING, "Well seen.", handed_in)
    (decision,) = decisions(campus)
    assert score.confirmation_id == decision.id


def test_nothing_goes_to_the_gradebook_before_a_person_decides(campus: Campus, handed_in: str) -> None:
    assert scores(campus) == []


def test_a_must_that_is_not_met_holds_the_points_at_half(campus: Campus, ivo: Visit, handed_in: str) -> None:
    ivo.decide(handed_in, met_photos="no")
    assert scores(campus)[0].points == 25


def test_a_double_click_is_one_decision(campus: Campus, ivo: Visit, handed_in: str) -> None:
    assert [ivo.decide(handed_in).status_code for _ in range(2)] == [303, 303]
    assert len(decisions(campus)) == 1
    assert scores(campus)[0].version == 1


def test_who_decides_without_having_seen_the_others_decision_is_told(
    campus: Campus, ivo: Visit, handed_in: str
) -> None:
    eva = campus.visit("eva", "teaching_assistant")
    assert ivo.decide(handed_in).status_code == 303
    late = eva.decide(handed_in, met_refund="no")
    assert late.status_code == 409
    assert "Somebody else has decided" in late.text
    assert [decision.number for decision in decisions(campus)] == [1]


def test_a_changed_mind_is_a_further_decision_on_the_same_score(
    campus: Campus, ivo: Visit, handed_in: str
) -> None:
    ivo.decide(handed_in)
    first = re.search(r'name="after" value="([^"]+)"', ivo.get(f"/review/{handed_in}").text)
    assert first
    assert ivo.decide(handed_in, met_refund="no", after=first[1]).status_code == 303
    assert [(d.number, d.points) for d in decisions(campus)] == [(1, 100), (2, 75)]
    (score,) = scores(campus)
    assert (score.version, score.points) == (2, 75)
    assert ivo.decide(handed_in, after=first[1]).status_code == 409, "the form of before the change"


def test_of_two_decisions_at_once_one_counts_and_the_other_is_told(
    campus: Campus, ivo: Visit, handed_in: str
) -> None:
    visits = [ivo, campus.visit("eva", "instructor")]
    answers: list[int] = []
    threads = [
        threading.Thread(
            target=lambda visit=visit, met=met: answers.append(
                visit.decide(handed_in, met_refund=met).status_code
            )
        )
        for visit, met in zip(visits, ("yes", "no"), strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [303, 409]
    assert len(decisions(campus)) == len(scores(campus)) == 1


@pytest.mark.parametrize("role", ["instructor", "teaching_assistant", "administrator"])
def test_who_teaches_or_runs_the_course_reviews(campus: Campus, handed_in: str, role: str) -> None:
    other = campus.visit("olu", role)
    assert other.waiting() == [handed_in]
    assert "/review" in other.get("/").text
    assert other.decide(handed_in).status_code == 303


@pytest.mark.parametrize("role", ["learner", "mentor", "content_developer", ""])
def test_who_does_not_teach_reviews_nothing(campus: Campus, handed_in: str, role: str) -> None:
    other = campus.visit("olu", role)
    for answer in (
        other.get("/review"),
        other.get(f"/review/{handed_in}"),
        other.decide(handed_in),
        other.post(f"/review/{handed_in}/resend"),
    ):
        assert answer.status_code == 403
        assert GOOD_ANSWER not in answer.text
    assert "/review" not in other.get("/").text
    assert decisions(campus) == []


@pytest.mark.parametrize("where", [("depot", "north"), ("parcels", "south"), ("depot", "south")])
def test_a_reviewer_of_another_course_finds_nothing(
    campus: Campus, handed_in: str, where: tuple[str, str]
) -> None:
    for who in ("ivo", "eva"):
        other = campus.visit(who, "instructor", *where)
        assert other.waiting() == []
        assert other.get(f"/review/{handed_in}").status_code == 404
        assert other.decide(handed_in).status_code == 404
        assert other.post(f"/review/{handed_in}/resend").status_code == 404
    assert decisions(campus) == []


def test_nobody_decides_on_their_own_work(campus: Campus, ana: Visit, handed_in: str) -> None:
    """Somebody who was a learner of the course and now teaches it."""
    promoted = campus.visit("ana", "instructor")
    assert "This is your own answer" in promoted.get(f"/review/{handed_in}").text
    refused = promoted.decide(handed_in)
    assert refused.status_code == 403
    assert "own work" in refused.text
    assert decisions(campus) == []


@pytest.mark.parametrize(
    ("changes", "advice"),
    [
        ({"met_refund": ""}, "yes or no for every criterion"),
        ({"met_refund": "maybe"}, "yes or no for every criterion"),
        ({"comment": "x" * 2001}, "2,000 characters at most"),
    ],
)
def test_half_a_decision_is_refused_with_what_to_do(
    campus: Campus, ivo: Visit, handed_in: str, changes: dict[str, str], advice: str
) -> None:
    refused = ivo.decide(handed_in, **changes)
    assert refused.status_code == 422
    assert advice in refused.text
    assert decisions(campus) == []


def test_a_criterion_that_the_task_does_not_have_counts_for_nothing(
    campus: Campus, ivo: Visit, handed_in: str
) -> None:
    ivo.decide(handed_in, met_refund="no", met_bonus="yes", points="1000")
    assert scores(campus)[0].points == 75
    assert decisions(campus)[0].criteria == {"photos": True, "refund": False}


def test_the_learner_sees_the_decision(ana: Visit, ivo: Visit, handed_in: str) -> None:
    ivo.decide(handed_in, met_refund="no", comment="Mind the limit.")
    page = ana.get("/practice/lamp-parcels").text
    for part in ("Mind the limit.", "75", "On its way to the gradebook"):
        assert part in page


def test_an_activity_without_a_column_is_decided_all_the_same(campus: Campus) -> None:
    ana = campus.visit(link="no-column", has_gradebook=False)
    ivo = campus.visit("ivo", "instructor", link="no-column", has_gradebook=False)
    ana.hand_in(ana.attempt("lamp-parcels"))
    assert ivo.decide(ivo.waiting()[0]).status_code == 303
    assert scores(campus) == []
    assert "offers Workside no gradebook here" in ana.get("/practice/lamp-parcels").text


def test_a_refused_score_can_be_sent_again(campus: Campus, ivo: Visit, handed_in: str) -> None:
    ivo.decide(handed_in)
    with campus.services.database.write() as session:
        row = session.scalars(select(ScoreRow)).one()
        row.state, row.reason, row.tries = DEAD, "the column is gone", 9
    page = ivo.get(f"/review/{handed_in}").text
    assert "the column is gone" in page and "Send again" in page
    assert ivo.post(f"/review/{handed_in}/resend").status_code == 303
    (score,) = scores(campus)
    assert (score.state, score.tries, score.reason) == (WAITING, 0, "")


def test_the_queue_is_in_the_order_of_handing_in_and_counts_at_home(campus: Campus, ivo: Visit) -> None:
    visits = [campus.visit(who) for who in ("ana", "ben", "cleo")]
    for visit in visits:
        visit.hand_in(visit.attempt("lamp-parcels"))
    text = ivo.get("/review").text
    assert text.index("Ana of") < text.index("Ben of") < text.index("Cleo of")
    assert "3 answers wait for your review" in ivo.get("/").text
