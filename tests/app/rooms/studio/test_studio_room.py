"""Studio: who decides how a coach helps, what they see, and that nobody's change is lost."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import select

from app.coach.models import CoachSettings, ModeChoice
from app.kit.audit import AuditEvent
from tests.app.rooms.campus import TOOL, Campus, Visit, work_off

SAVED = {"mode": "learn", "version": "0", "learner_may_choose": "yes", "content_starters": "yes"}


@pytest.fixture
def ivo(campus: Campus) -> Visit:
    return campus.visit("ivo", "instructor")


def audits(campus: Campus, action: str) -> list[dict[str, Any]]:
    with campus.services.database.read() as session:
        rows = session.scalars(select(AuditEvent).where(AuditEvent.action == action).order_by(AuditEvent.id))
        return [dict(row.detail) for row in rows]


def version_in(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    assert found
    return found[1]


def is_checked(page: str, name: str, value: str) -> bool:
    return bool(re.search(rf'name="{name}" value="{value}" checked', page))


def test_before_anybody_chose_the_coach_helps_at_once(campus: Campus, ivo: Visit) -> None:
    page = ivo.get("/studio").text
    assert is_checked(page, "mode", "help") and version_in(page) == "0"
    assert "How a learner meets it" in page and "How do I refund a damaged parcel in parcels?" in page


def test_what_is_saved_holds_and_is_logged_with_who_and_what(campus: Campus, ivo: Visit) -> None:
    saved = ivo.post("/studio", SAVED)
    assert (saved.status_code, saved.headers["location"]) == (303, "/studio")
    page = ivo.get("/studio").text
    assert is_checked(page, "mode", "learn") and is_checked(page, "learner_may_choose", "yes")
    assert version_in(page) == "1"
    assert "Ivo of north" in page and "now in learn mode" in page
    assert audits(campus, "coach.settings_changed") == [
        {
            "version": 1,
            "mode_before": "help",
            "mode": "learn",
            "learner_may_choose": True,
            "hidden_prompts": 2,  # the form ticks none of the content's
        }
    ]


def test_saving_what_is_there_changes_nothing(campus: Campus, ivo: Visit) -> None:
    ivo.post("/studio", SAVED)
    assert ivo.post("/studio", SAVED | {"version": "1"}).status_code == 303
    assert version_in(ivo.get("/studio").text) == "1"
    assert len(audits(campus, "coach.settings_changed")) == 1


def test_a_form_from_before_anothers_change_is_refused(campus: Campus, ivo: Visit) -> None:
    ada = campus.visit("ada", "teaching_assistant")
    assert ada.post("/studio", SAVED).status_code == 303
    late = ivo.post("/studio", {"mode": "help", "version": "0"})
    assert late.status_code == 409 and "Somebody else has changed" in late.text
    assert is_checked(ivo.get("/studio").text, "mode", "learn")


def test_words_typed_over_older_settings_are_not_put_into_the_form_of_newer_ones(
    campus: Campus, ivo: Visit
) -> None:
    """What the frame restores goes by data-keep: with the same key, Save would undo the other's change without a word."""

    def kept() -> set[str]:
        return set(re.findall(r'data-keep="([^"]+)"', ivo.get("/studio").text))

    before = kept()
    assert campus.visit("ada", "administrator").post("/studio", SAVED).status_code == 303
    assert before and not before & kept()


def test_of_two_instructors_at_once_one_is_told(campus: Campus, ivo: Visit) -> None:
    ada = campus.visit("ada", "administrator")
    for version in ("0", "1"):
        forms = [
            (ivo, {"mode": "learn", "version": version, "prompts": f"By Ivo, {version}?"}),
            (ada, {"mode": "help", "version": version, "prompts": f"By Ada, {version}?"}),
        ]
        with ThreadPoolExecutor(2) as both:
            codes = sorted(both.map(lambda one: one[0].post("/studio", one[1]).status_code, forms))
        assert codes == [303, 409]
        with campus.services.database.read() as session:
            (row,) = session.scalars(select(CoachSettings))
            assert row.version == int(version) + 1 and len(row.prompts) == 1


@pytest.mark.parametrize(
    "form",
    [
        {"mode": "whatever"},
        {"mode": ""},
        {"version": "-1"},
        {"version": "x"},
        {"version": "²"},
        {"version": "٣"},
        {"version": "9" * 5_000},
        {"starters": "\n".join(f"What about case {n}?" for n in range(7))},
        {"starters": "x" * 201},
        {"prompts": "May I refund [what?"},
        {"prompts": "[what]"},
        {"prompts": "May I refund []?"},
        {"prompts": "\n".join(f"Question {n} about [what]?" for n in range(13))},
    ],
)
def test_a_form_that_cannot_be_taken_says_why_and_saves_nothing(
    campus: Campus, ivo: Visit, form: dict[str, str]
) -> None:
    refused = ivo.post("/studio", SAVED | form)
    assert refused.status_code == 422 and "data-error" in refused.text
    assert campus.count(CoachSettings) == 0


@pytest.mark.parametrize("role", ["instructor", "teaching_assistant", "administrator", "content_developer"])
def test_those_who_teach_or_build_the_course_decide(campus: Campus, role: str) -> None:
    assert campus.visit("kim", role).post("/studio", SAVED).status_code == 303


@pytest.mark.parametrize("role", ["learner", "mentor", ""])
def test_nobody_else_sees_or_saves_settings(campus: Campus, role: str) -> None:
    kim = campus.visit("kim", role)
    assert kim.get("/studio").status_code == 403
    assert kim.post("/studio", SAVED).status_code == 403
    assert "/studio" not in kim.get("/").text
    assert campus.count(CoachSettings) == 0


@pytest.mark.parametrize(
    "where", [("parcels", "south"), ("depot", "north")], ids=["another organisation", "another course"]
)
def test_the_settings_of_one_activity_are_no_others(
    campus: Campus, ivo: Visit, where: tuple[str, str]
) -> None:
    ivo.post("/studio", SAVED | {"prompts": "Zebra [what]?"})
    page = campus.visit("ivo", "instructor", *where).get("/studio").text
    assert is_checked(page, "mode", "help") and "Zebra" not in page
    assert "Zebra" not in campus.visit("ana", "learner", *where).get("/").text


def test_another_activity_of_the_course_has_its_own(campus: Campus, ivo: Visit) -> None:
    ivo.post("/studio", SAVED)
    other = campus.visit("ivo", "instructor", link="second")
    assert is_checked(other.get("/studio").text, "mode", "help")


def test_starters_are_shown_once_the_documents_are_found_to_answer_them(campus: Campus, ivo: Visit) -> None:
    mine, hopeless = (
        "What do I say to greet a caller?",
        "How does quantum chromodynamics explain confinement?",
    )
    ivo.post("/studio", SAVED | {"starters": f"{mine}\n{hopeless}"})
    home = campus.visit().get("/").text
    assert mine not in home and hopeless not in home, "nothing is shown before it was checked"
    work_off(campus.services)
    home = campus.visit().get("/").text
    assert mine in home and hopeless not in home
    page = ivo.get("/studio").text
    assert "Not shown, since the documents don&#39;t answer it" in page and hopeless in page


def test_without_the_contents_starters_only_the_instructors_are_offered(campus: Campus, ivo: Visit) -> None:
    mine = "What do I say to greet a caller?"
    ivo.post("/studio", {"mode": "help", "version": "0", "starters": mine})
    work_off(campus.services)
    home = campus.visit().get("/").text
    assert mine in home and "How do I refund a damaged parcel in parcels?" not in home


def test_the_learners_choice_is_theirs_where_it_is_allowed(campus: Campus, ivo: Visit) -> None:
    ana, ben = campus.visit(), campus.visit("ben")
    assert ana.post("/ask/mode", {"mode": "help"}).status_code == 403
    assert "Hints first" not in ana.get("/").text
    ivo.post("/studio", SAVED)
    assert 'aria-pressed="true">Hints first' in ana.get("/").text
    assert ana.post("/ask/mode", {"mode": "help"}).status_code == 303
    assert 'aria-pressed="true">Answer at once' in ana.get("/").text
    assert 'aria-pressed="true">Hints first' in ben.get("/").text
    assert audits(campus, "mode.chosen") == [{"mode": "help"}]
    assert ana.post("/ask/mode", {"mode": "both"}).status_code == 422
    # The instructor takes the choice away: theirs holds again, and the switch is gone.
    ivo.post("/studio", {"mode": "learn", "version": "1"})
    home = ana.get("/").text
    assert "aria-pressed" not in home and "your instructor chose" in home
    assert campus.count(ModeChoice) == 1


def test_a_foreign_site_changes_nothing(campus: Campus, ivo: Visit) -> None:
    answer = ivo.post("/studio", SAVED, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403 and TOOL not in answer.headers.get("location", "")
    assert campus.count(CoachSettings) == 0
