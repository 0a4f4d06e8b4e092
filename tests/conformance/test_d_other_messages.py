"""D. Submission review, data privacy and other messages, copies of courses: conformance cases 78-80, and 62 as people meet it."""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from app.course.departures import remove_ended_visits
from app.course.models import Context, ContextCopy, User
from app.course.models import Visit as VisitRow
from app.rooms.ask.models import Conversation, Turn
from lti import Launch
from lti.claims import (
    AGS,
    CONTEXT,
    CUSTOM,
    DATA_PRIVACY_REQUEST,
    FOR_USER,
    MESSAGE_TYPE,
    RESOURCE_LINK,
    ROLES,
    SUBMISSION_REVIEW_REQUEST,
    TARGET_LINK_URI,
    custom_parameters,
)
from tests.app.rooms.campus import TOOL, Campus, Visit
from tests.app.rooms.campus_fixtures import campus, seeded_folder
from tests.app.rooms.placing import choose, launched, picker, posted
from tests.conformance.tool import Tool, refused
from tests.fakes.platform import ABSENT, INSTRUCTOR

__all__ = ["campus", "seeded_folder"]

# --- 78, at the protocol edge ----------------------------------------------------------------------------------------


def review_claims(**changes: Any) -> dict[str, Any]:
    return {
        MESSAGE_TYPE: SUBMISSION_REVIEW_REQUEST,
        ROLES: [INSTRUCTOR],
        FOR_USER: {"user_id": "101", "name": "Ana"},
        **changes,
    }


@pytest.mark.parametrize("without", [RESOURCE_LINK, TARGET_LINK_URI, CONTEXT, CUSTOM])
def test_case_78_a_review_needs_a_learner_and_a_line_item_only(tool: Tool, without: str) -> None:
    launch = tool.accepted(tool.launch(**review_claims(**{without: ABSENT})))
    assert launch.message_type == SUBMISSION_REVIEW_REQUEST and launch.for_user == "101"
    assert launch.ags is not None and launch.ags.lineitem == tool.platform.column_url("1")
    assert launch.target_link_uri.startswith(TOOL.replace("http://localhost:8000", "https://tool.example"))
    assert Launch.from_dict(launch.to_dict()) == launch


@pytest.mark.parametrize(
    "for_user", [ABSENT, None, [], "101", {}, {"user_id": ""}, {"user_id": 7}, {"user_id": "x" * 256}]
)
def test_case_78_without_the_learner_it_is_refused(tool: Tool, for_user: object) -> None:
    refused(tool.launch(**review_claims(**{FOR_USER: for_user})), "for_user_invalid")


@pytest.mark.parametrize(
    "endpoint",
    [ABSENT, None, {}, {"lineitem": ""}, {"lineitem": "javascript:x"}, {"lineitems": "https://x.y/"}],
)
def test_case_78_without_the_line_item_it_is_refused(tool: Tool, endpoint: object) -> None:
    refused(tool.launch(**review_claims(**{AGS: endpoint})), "line_item_missing")


# --- 78, as people meet it -------------------------------------------------------------------------------------------


def reviews(
    campus: Campus,
    who: str,
    role: str,
    course: str = "parcels",
    *,
    of: str = "ana",
    link: str = "",
    **changes: Any,
) -> Launch:
    """A submission review for a learner, from the gradebook of a course."""
    launch = campus.launch(who, role, course, link=link)
    return replace(
        launch, message_type=SUBMISSION_REVIEW_REQUEST, for_user=f"north-{of}", resource_link=None, **changes
    )


def opened(campus: Campus, launch: Launch) -> Any:
    """What the visit shows first, redirects followed."""
    visit = campus.enter(launch)
    answer = visit.get(visit.first)
    while answer.status_code == 303:
        answer = visit.get(answer.headers["location"])
    return answer


def handed_in(campus: Campus, who: str = "ana") -> Visit:
    visit = campus.visit(who)
    visit.hand_in(visit.attempt("lamp-parcels", f"I ask for two photos. zebra{who}"))
    return visit


def test_case_78_an_instructor_sees_that_learners_work_beside_the_rubric(campus: Campus) -> None:
    handed_in(campus, "ana")
    handed_in(campus, "ben")
    page = opened(campus, reviews(campus, "ivo", "instructor"))
    assert page.status_code == 200
    assert "zebraana" in page.text and "zebraben" not in page.text
    assert "Confirm decision" in page.text


def test_case_78_the_line_item_decides_and_not_the_resource_link(campus: Campus) -> None:
    handed_in(campus)
    launch = reviews(campus, "ivo", "instructor")
    wrong = campus.launch(link="parcels-other").resource_link
    assert "zebraana" in opened(campus, replace(launch, resource_link=wrong)).text
    assert "zebraana" in opened(campus, replace(launch, context=None)).text


def test_case_78_a_learner_sees_their_own_practice_with_its_feedback(campus: Campus) -> None:
    handed_in(campus)
    page = opened(campus, reviews(campus, "ana", "learner"))
    assert page.status_code == 200 and "zebraana" in page.text
    assert "Feedback on attempt 1" in page.text and "Confirm decision" not in page.text


@pytest.mark.parametrize("role", ["learner", "mentor", "content_developer", ""])
def test_case_78_nobody_else_sees_anothers_work(campus: Campus, role: str) -> None:
    handed_in(campus)
    page = opened(campus, reviews(campus, "ben", role))
    assert page.status_code == 403 and "zebraana" not in page.text


@pytest.mark.parametrize("of", ["ben", "nobody-ever"])
def test_case_78_without_work_there_is_no_submission_yet(campus: Campus, of: str) -> None:
    handed_in(campus)
    if of == "ben":
        campus.visit("ben").attempt("lamp-parcels", "zebradraft")
    page = opened(campus, reviews(campus, "ivo", "instructor", of=of))
    assert page.status_code == 200 and "No submission yet" in page.text
    assert "zebra" not in page.text


def test_case_78_a_line_item_that_nobody_used_has_no_submission_yet(campus: Campus) -> None:
    handed_in(campus)
    page = opened(campus, reviews(campus, "ivo", "instructor", link="never-opened"))
    assert page.status_code == 200 and "No submission yet" in page.text


def test_case_78_a_line_item_of_another_course_is_refused(campus: Campus) -> None:
    handed_in(campus)
    elsewhere = campus.launch("ana", "learner", "parcels").ags
    launch = reviews(campus, "ivo", "instructor", "depot", ags=elsewhere)
    page = opened(campus, launch)
    assert page.status_code == 403 and "another course" in page.text and "zebra" not in page.text


def test_case_78_another_organisations_line_item_and_learner_are_not_there(campus: Campus) -> None:
    handed_in(campus)
    foreign = campus.launch("ivo", "instructor", "parcels", "south")
    launch = replace(
        foreign,
        message_type=SUBMISSION_REVIEW_REQUEST,
        for_user="north-ana",
        ags=campus.launch().ags,
        resource_link=None,
    )
    page = opened(campus, launch)
    assert page.status_code == 200 and "No submission yet" in page.text and "zebra" not in page.text


# --- 79 --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("message_type", ["LtiStartProctoring", "LtiEulaRequest", "LtiAssetProcessorRequest"])
def test_case_79_a_message_that_is_not_offered_is_refused_by_name(tool: Tool, message_type: str) -> None:
    answer = tool.launch(**{MESSAGE_TYPE: message_type})
    refused(answer, "message_type_unsupported")
    assert message_type in answer.text and "does not offer this" in answer.text


PRIVACY: Mapping[str, Any] = {
    RESOURCE_LINK: ABSENT,
    CONTEXT: ABSENT,
    AGS: ABSENT,
    FOR_USER: {"user_id": "101"},
}


@pytest.mark.parametrize("message_type", ["DataPrivacyLaunchRequest", "LtiDataPrivacyLaunchRequest"])
def test_case_79_a_data_privacy_launch_is_answered_under_either_name(tool: Tool, message_type: str) -> None:
    launch = tool.accepted(tool.launch(**{**PRIVACY, MESSAGE_TYPE: message_type}))
    assert launch.message_type == DATA_PRIVACY_REQUEST and launch.for_user == "101"


def test_case_79_a_data_privacy_launch_says_whom_it_is_about(tool: Tool) -> None:
    claims = {**PRIVACY, MESSAGE_TYPE: DATA_PRIVACY_REQUEST}
    refused(tool.launch(**{**claims, FOR_USER: ABSENT}), "for_user_invalid")
    context = {CONTEXT: {"id": "course-7"}}
    refused(tool.launch(**{**claims, **context}), "message_refused_by_library")


@pytest.mark.parametrize("role", ["administrator", "instructor", "learner"])
def test_case_79_a_data_privacy_launch_opens_what_is_kept_and_nothing_else(campus: Campus, role: str) -> None:
    handed_in(campus)
    launch = replace(
        campus.launch("ada", role),
        message_type=DATA_PRIVACY_REQUEST,
        for_user="north-ana",
        resource_link=None,
        context=None,
        ags=None,
    )
    visit = campus.enter(launch)
    page = visit.get(visit.first)
    assert page.status_code == 200
    for data in campus.app.state.personal_data:
        assert data.what.replace("'", "&#39;") in page.text
    assert "Ask the people who run Workside" in page.text
    assert "docs/privacy.md" not in page.text, "a learner cannot open a file of the installation"
    assert "zebraana" not in page.text and "Ana of north" not in page.text
    for path in ("/", "/practice", "/review", "/picker", "/placement"):
        assert visit.get(path).status_code == 404, path
    assert campus.count(Context) == 1, "it makes no course"


# --- 80 --------------------------------------------------------------------------------------------------------------


def copied(launch: Launch, course: str, **custom: str) -> Launch:
    """The same activity in another course, with what the platform says of its past."""
    assert launch.context is not None
    return replace(launch, context=replace(launch.context, id=course), custom={**launch.custom, **custom})


def origins(campus: Campus) -> list[tuple[str, bool]]:
    with campus.services.database.read() as session:
        rows = session.scalars(select(ContextCopy).order_by(ContextCopy.number)).all()
        return [(row.origin_lti_id, row.origin_context_id is not None) for row in rows]


def test_case_80_the_history_of_a_course_is_recorded_once(campus: Campus) -> None:
    campus.visit()
    for _ in range(2):
        campus.enter(copied(campus.launch(), "spring", context_history="autumn,parcels,a%2Cb"))
    assert origins(campus) == [("autumn", False), ("parcels", True), ("a,b", False)]


@pytest.mark.parametrize(
    "history", ["", " , ,", "$Context.id.history", "spring", "\x00", "x" * 300, "," * 9000]
)
def test_case_80_a_history_that_says_nothing_is_no_history(campus: Campus, history: str) -> None:
    launch = copied(campus.launch(), "spring")
    campus.enter(replace(launch, custom=custom_parameters({"context_history": history})))
    assert origins(campus) == []


def test_case_80_an_unknown_past_is_an_empty_start(campus: Campus) -> None:
    ana = campus.enter(
        copied(campus.launch(), "spring", context_history="gone", resource_link_history="gone")
    )
    assert ana.first == "/" and "What are you trying to get done" in ana.get("/").text


@pytest.mark.parametrize("told_by", ["link", "course"])
def test_case_80_a_copy_keeps_what_was_chosen_anew_in_its_origin(campus: Campus, told_by: str) -> None:
    """Placed in another organisation, copied to this one, chosen anew here, and this course copied once more."""
    (item,) = posted(
        campus, choose(picker(campus, "ivo", "instructor", "parcels", "south"), "coach/all")
    ).items
    first = launched(campus, item, "ivo", "instructor", link="old-link")
    chosen = first.client.post(
        "/placement",
        data={"choice": "practice/lamp-parcels"},
        headers=first.headers | {"Origin": TOOL},
    )
    assert (chosen.status_code, chosen.headers["location"]) == (303, "/practice/lamp-parcels")
    custom = {**item["custom"], "context_history": "$Context.id.history"}
    history = (
        {"resource_link_history": "newer-unknown,old-link"}
        if told_by == "link"
        else {"context_history": "parcels"}
    )
    launch = replace(campus.launch(link="new-link"), custom=custom)
    again = campus.enter(copied(launch, "spring", **history))
    assert again.first == "/practice/lamp-parcels"
    bare = campus.enter(copied(replace(campus.launch(link="other-link"), custom=custom), "summer"))
    assert bare.get("/").status_code == 409, "without a past there is nothing to keep"


def test_case_80_a_past_in_another_organisation_leads_nowhere(campus: Campus) -> None:
    (item,) = posted(campus, choose(picker(campus), "practice/lamp-parcels")).items
    launched(campus, item, link="old-link")
    launch = campus.launch("ana", "learner", "parcels", "south", link="new-link")
    custom = {"context_history": "parcels", "resource_link_history": "old-link"}
    visit = campus.enter(copied(replace(launch, custom={}), "spring", **custom))
    assert visit.first == "/" and "lamp-parcels of north" not in visit.get("/practice").text
    assert origins(campus) == [("parcels", False)]


# --- 62, as people meet it -------------------------------------------------------------------------------------------


def nameless(campus: Campus, role: str = "learner", **how: Any) -> Visit:
    return campus.enter(replace(campus.launch("x", role, **how), sub=None, name=None))


def test_case_62_of_an_anonymous_visit_nothing_is_kept(campus: Campus) -> None:
    visit = nameless(campus)
    assert "nothing that you ask is kept" in visit.get("/").text
    answer = visit.ask("How do I refund a damaged parcel?")
    assert "one photo of the outside" in str(answer)
    assert campus.count(Conversation) == campus.count(Turn) == 0
    assert "damaged parcel?" not in visit.get("/").text.partition("data-turns")[2]
    refusal = visit.post("/practice/lamp-parcels/attempts", {"response": "x", "attempt_key": "k"})
    assert refusal.status_code == 403 and "did not say who you are" in refusal.text
    page = visit.get("/practice/lamp-parcels").text
    assert "broken lamp" in page and "<textarea" not in page and "no answer can be kept" in page


def test_case_62_the_sources_of_an_answer_open_all_the_same(campus: Campus) -> None:
    visit = nameless(campus)
    (done,) = [data for name, data in visit.ask("How do I refund a damaged parcel?") if name == "done"]
    link = re.search(r'href="(/sources/passages/[^"]+)"', done["html"])
    assert link, done["html"]
    source = visit.get(html.unescape(link[1]))
    assert source.status_code == 200 and "<mark>" in source.text
    stranger = campus.visit("ana", "learner", "parcels", "south")
    assert stranger.get(html.unescape(link[1])).status_code == 404
    assert visit.get("/sources/passages/x?start=-1").status_code == 422


def test_case_62_two_anonymous_people_never_meet(campus: Campus) -> None:
    first, second = nameless(campus), nameless(campus)
    assert campus.count(User) == 2 and campus.count(Conversation) == 0
    assert first.bearer != second.bearer
    (done,) = [data for name, data in first.ask("How do I greet a caller?") if name == "done"]
    assert "greet" not in second.get("/").text.partition("data-turns")[2] and done


@pytest.mark.parametrize("role", ["instructor", "administrator", "teaching_assistant"])
def test_case_62_whoever_is_not_named_reviews_nothing(campus: Campus, role: str) -> None:
    handed_in(campus)
    visit = nameless(campus, role)
    assert visit.get("/review").status_code == 403
    launch = replace(reviews(campus, "x", role), sub=None)
    assert opened(campus, launch).status_code == 403


def test_case_62_the_person_goes_with_the_visit(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    nameless(campus)
    nameless(campus, "instructor")
    monkeypatch.setenv("WORKSIDE_CLOCK_OFFSET", str(campus.services.settings.session_minutes * 60 + 1))
    campus.visit("ana")
    remove_ended_visits(campus.services)
    assert campus.count(User) == 1 and campus.count(VisitRow) == 1


def test_case_62_nobody_can_be_launched_as_somebody_anonymous(campus: Campus) -> None:
    nameless(campus)
    with campus.services.database.read() as session:
        sub = session.scalars(select(User.sub)).one()
    campus.enter(replace(campus.launch(), sub=sub[:5]))
    assert campus.count(User) == 2 and sub.startswith("anonymous ") and len(sub) > 40
