"""Each family of platforms as it really behaves, and what we do about it: ../shared/lti/platforms.md, row by row.

The families' manners are the fake platform's personalities; what we know of them is `lti.platforms`, as data.
"""

from __future__ import annotations

import json
from dataclasses import fields, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest

from lti import (
    AgsEndpoint,
    ContentItem,
    Delivered,
    Launch,
    LaunchVerifier,
    LtiSettings,
    PlacedColumn,
    Refused,
    RetryLater,
    Score,
    ServiceRefused,
    TokenDenied,
    TokenRefused,
    Wanted,
    Withheld,
    after_conflict,
    begin_login,
    content_items,
    delete_line_item,
    ensure_line_item,
    find_line_item,
    line_items,
    read_result,
    send_score,
    sign_response,
)
from lti.claims import LINEITEM_SCOPE, RESULT_SCOPE, SCORE_SCOPE
from lti.message import DeepLinkingSettings
from lti.platforms import FAMILIES, GENERIC, Quirks, family_of, quirks_of
from lti.scores import outcome_of
from tests.conformance.tool import MovingClock, Tool
from tests.fakes.deep_links import return_of
from tests.fakes.personalities import ADMINISTRATOR_ON_MOODLE, PERSONALITIES
from tests.fakes.platform import FakePlatform

AGS_SCOPES = [SCORE_SCOPE, RESULT_SCOPE]
WANTED = Wanted("Application at work", 100, "activity-5", "application", "link-1")
FOLDER = Path(__file__).parents[2] / "lti" / "platforms"


def tool_at(family: str) -> Tool:
    clock = MovingClock()
    return Tool(clock, FakePlatform(clock, family))


def launched(tool: Tool, **changes: Any) -> Launch:
    """A launch with the family's own login and token."""
    login = begin_login(
        tool.platform.typical_login(), tool.registrations, tool.states, tool.settings, tool.clock
    )
    query = tool.platform.auth_query(login.auth_url)
    verifier = LaunchVerifier(tool.registrations, tool.states, tool.platform_keys, tool.settings, tool.clock)
    token = tool.platform.sign(tool.platform.typical_claims(query["nonce"], **changes))
    return verifier.verify({"state": query["state"], "id_token": token})[0]


def scored(tool: Tool, given: float = 8, **changes: Any) -> Any:
    values: dict[str, Any] = {
        "user_id": "101",
        "timestamp": tool.clock().replace(microsecond=0),
        "score_given": given,
        "score_maximum": 10,
    }
    score = Score(**{**values, **changes})
    return send_score(tool.services, tool.registration, tool.endpoint(), score)


# --- all of them ------------------------------------------------------------------------------------------------------


def test_every_family_has_its_personality_and_its_quirks() -> None:
    assert set(PERSONALITIES) == set(FAMILIES)
    for family, personality in PERSONALITIES.items():
        assert family_of("https://lms.example", personality.product_code) == family


@pytest.mark.parametrize("family", sorted(set(FAMILIES) - {"generic"}))
def test_what_a_family_departs_in_says_why(family: str) -> None:
    """Every member set in a family's file stands under a comment or is told in the file's first lines."""
    quirks, plain = FAMILIES[family], Quirks(family)
    source = (FOLDER / f"{family}.py").read_text().splitlines()
    for field in fields(Quirks):
        if field.name in {"family", "product_codes", "issuer_hosts"} or not field.compare:
            continue
        if getattr(quirks, field.name) == getattr(plain, field.name):
            continue
        line = next(number for number, text in enumerate(source) if text.startswith(f"    {field.name}="))
        above = " ".join(source[line - 3 : line])
        assert "#" in above, f"{family}: {field.name} has no reason"


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_familys_own_launch_is_let_in_and_its_score_arrives(family: str) -> None:
    tool = tool_at(family)
    launch = launched(tool)
    assert launch.role == "learner" and launch.is_gradable
    assert launch.sub in tool.platform.learners
    assert "$" not in json.dumps(dict(launch.custom)), "what was not filled in is no data"
    assert launch.ags is not None
    column, _ = (
        (launch.ags.lineitem, False)
        if launch.ags.lineitem
        else ensure_line_item(tool.services, tool.registration, launch.ags, WANTED)
    )
    url = column if isinstance(column, str) else column.url  # type: ignore[union-attr]
    score = Score(str(launch.sub), tool.clock().replace(microsecond=0), score_given=9, score_maximum=10)
    outcome = send_score(tool.services, tool.registration, launch.ags, score, lineitem_url=url)
    assert isinstance(outcome, Delivered), outcome
    result = read_result(tool.services, tool.registration, launch.ags, str(launch.sub), lineitem_url=url)
    assert result is not None and result.fraction == pytest.approx(0.9)


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_deep_linking_response_pleases_every_family(family: str) -> None:
    tool = tool_at(family)
    settings = DeepLinkingSettings(
        return_url=f"{tool.platform.base}/return?sesskey=1",
        accept_types=("ltiResourceLink",),
        accept_targets=("iframe", "window"),
        accept_multiple=True,
        accept_lineitem=True,
        auto_create=False,
        title=None,
        text=None,
        data="kept as it is",
    )
    column = PlacedColumn("Damaged parcel", 10, "task-1", "practice")
    items = content_items(
        settings,
        [
            ContentItem("Ask the coach", "https://tool.example/", {"placement": "p1"}),
            ContentItem("Damaged parcel", "https://tool.example/", {}, column=column),
        ],
    )
    token = sign_response(
        tool.registration, tool.platform.deployment_id, settings, items, tool.keys.signing(), tool.clock()
    )
    answer = return_of(tool.platform, token, data="kept as it is")
    assert answer.status == 200, answer.body
    placed = json.loads(answer.body)
    assert placed[0]["custom"] == {"placement": "p1"} and "custom" not in placed[1]
    assert [item["label"] for item in (c.item for c in tool.platform.columns.values())][
        -1
    ] == "Damaged parcel"
    cancelled = sign_response(
        tool.registration, tool.platform.deployment_id, settings, [], tool.keys.signing(), tool.clock()
    )
    assert json.loads(return_of(tool.platform, cancelled, data="kept as it is").body) == []


@pytest.mark.parametrize("family", sorted(FAMILIES))
def test_a_token_comes_for_our_proof_and_for_no_other(family: str) -> None:
    tool = tool_at(family)
    assert tool.tokens.token(tool.registration, AGS_SCOPES).scopes == frozenset(AGS_SCOPES)
    [request] = tool.platform.asked("token")
    proof = jwt.decode(request.form["client_assertion"], options={"verify_signature": False})
    # Moodle: iat not in the future by a second. Sakai: 600 s at most. All: one jti, once.
    assert proof["iat"] < tool.clock().timestamp() and proof["exp"] - proof["iat"] <= 600
    assert proof["iss"] == proof["sub"] == tool.platform.client_id
    answer = tool.platform.handle("POST", request.url, request.headers, request.body)
    assert answer.status == (200 if family == "moodle" else tool.platform.rules.bad_proof[0])


# --- Moodle -----------------------------------------------------------------------------------------------------------


def test_moodle_accept_headers_are_exact_or_anything() -> None:
    """With `Accept: application/json` it has no handler; with ours it has."""
    tool = tool_at("moodle")
    assert isinstance(scored(tool), Delivered)
    list(line_items(tool.services, tool.registration, tool.endpoint()))
    bearer = next(iter(tool.platform.tokens))
    plain = {"accept": "application/json", "authorization": f"Bearer {bearer}"}
    answer = tool.platform.handle("GET", tool.platform.lineitems_url, plain, b"")
    assert answer.status == 400 and b"No handler" in answer.body


def test_moodle_is_never_asked_for_pages() -> None:
    """It sends all at once; asked for a limit, its link to the next page has curly quotes and &amp;."""
    tool = tool_at("moodle")
    for number in range(30):
        tool.platform.add_column(f"Column {number}", 10)
    assert len(list(line_items(tool.services, tool.registration, tool.endpoint()))) == 31
    read_result(tool.services, tool.registration, tool.endpoint(), "101")
    assert not any("limit=" in request.url for request in tool.platform.requests)
    assert quirks_of("moodle").results_limit is None


def test_moodle_never_gets_a_score_that_is_not_final() -> None:
    tool = tool_at("moodle")
    assert isinstance(scored(tool), Delivered)
    tool.clock.advance(2)
    outcome = scored(tool, grading_progress="PendingManual")
    assert isinstance(outcome, Withheld) and tool.platform.cell("101").score == 80
    # And this is why: with points, too, it would have erased the grade.
    body = {
        "userId": "101",
        "timestamp": "2026-11-23T09:00:30Z",
        "activityProgress": "Completed",
        "gradingProgress": "Bogus",
        "scoreGiven": 8,
        "scoreMaximum": 10,
    }
    tool.platform.rules.scored(body, tool.platform.columns["1"], tool.platform.cell("101"))
    assert tool.platform.cell("101").score is None


def test_moodle_a_locked_grade_is_retried_and_says_what_to_do() -> None:
    tool = tool_at("moodle")
    tool.platform.columns["1"].locked = True
    outcome = scored(tool)
    assert isinstance(outcome, RetryLater) and "unlock" in outcome.reason


def test_moodle_a_malformed_status_line_is_for_later() -> None:
    """A user id that is no number makes it answer what no HTTP client reads."""
    outcome = scored(tool_at("moodle"), user_id="ana")
    assert isinstance(outcome, RetryLater) and outcome.status is None


def test_moodle_a_second_column_takes_the_line_item_out_of_the_claim() -> None:
    tool = tool_at("moodle")
    tool.platform.add_column("Another", 10, resource_link_id="link-1")
    launch = launched(tool)
    assert launch.ags is not None and launch.ags.lineitem is None


def test_moodle_a_site_administrator_who_teaches_is_no_learner() -> None:
    launch = launched(tool_at("moodle"), **ADMINISTRATOR_ON_MOODLE)
    assert launch.role == "instructor" and not launch.is_gradable


def test_moodle_a_stamp_in_the_future_would_lock_the_grade_and_is_never_sent() -> None:
    tool = tool_at("moodle")
    outcome = scored(tool, timestamp=tool.clock() + timedelta(hours=1))
    assert isinstance(outcome, RetryLater) and tool.platform.asked("scores") == []


# --- Canvas -----------------------------------------------------------------------------------------------------------


def test_canvas_a_score_uses_up_no_attempt() -> None:
    tool = tool_at("canvas")
    tool.platform.out_of_attempts.add("101")
    assert isinstance(scored(tool), Delivered)
    assert tool.platform.cell("101").submissions == 0


def test_canvas_a_score_for_somebody_who_is_no_student_is_final_and_says_so() -> None:
    outcome = scored(tool_at("canvas"), user_id="901")
    assert isinstance(outcome, Refused) and outcome.status == 422
    assert "students only" in outcome.reason and not outcome.is_gone


def test_canvas_a_concluded_course_is_a_column_gone_and_the_reason_says_both() -> None:
    tool = tool_at("canvas")
    tool.platform.is_concluded = True
    outcome = scored(tool)
    assert isinstance(outcome, Refused) and outcome.is_gone
    assert "course has ended" in outcome.reason


@pytest.mark.parametrize("status", [403, 429])
def test_canvas_slower_is_not_never(status: int) -> None:
    tool = tool_at("canvas")
    tool.platform.fail("scores", status, b"403 Forbidden (Rate Limit Exceeded)")
    assert isinstance(scored(tool), RetryLater)


def test_canvas_schools_of_one_issuer_share_no_token_and_no_site() -> None:
    tool = tool_at("canvas")
    other = replace(tool.registration, id="school-2", client_id="client-2")
    tool.tokens.token(tool.registration, AGS_SCOPES)
    with pytest.raises(TokenDenied):
        # The platform knows no client-2: the first school's token was not handed out.
        tool.tokens.token(other, AGS_SCOPES)
    assert tool.registration.frame_origins == {"https:"}
    for variant in ("canvas.instructure.com", "canvas.beta.instructure.com", "canvas.test.instructure.com"):
        assert family_of(f"https://{variant}") == "canvas"


def test_canvas_only_our_columns_are_seen_and_a_coupled_one_stays() -> None:
    tool = tool_at("canvas")
    tool.platform.add_column("The teacher's", 10, is_the_tools=False)
    assert len(list(line_items(tool.services, tool.registration, tool.endpoint()))) == 1
    with pytest.raises(ServiceRefused) as refusal:
        delete_line_item(
            tool.services, tool.registration, tool.endpoint(), tool.platform.column_url("1"), is_ours=True
        )
    assert refusal.value.answer == 401
    made, is_new = ensure_line_item(tool.services, tool.registration, tool.endpoint(lineitem=None), WANTED)
    assert is_new
    delete_line_item(tool.services, tool.registration, tool.endpoint(), made.url, is_ours=True)


# --- Open edX ---------------------------------------------------------------------------------------------------------


def test_openedx_a_login_address_and_a_question_mark_open_a_login() -> None:
    """It appends "?" and the login's fields to whatever address it was given; ours holds no query of its own."""
    tool = tool_at("openedx")
    answer = tool.client.get("/lti/login" + "?" + urlencode(tool.platform.typical_login()))
    assert answer.status_code == 302
    assert "?" not in LtiSettings("https://tool.example").launch_url


def test_openedx_keys_without_alg_and_use_are_keys() -> None:
    tool = tool_at("openedx")
    assert not {"alg", "use"} & set(tool.platform.published["key-1"])
    assert launched(tool).deployment_id == "1"


def test_openedx_an_old_token_is_renewed_on_403() -> None:
    tool = tool_at("openedx")
    assert isinstance(scored(tool), Delivered)
    tool.platform.revoke_tokens()
    tool.clock.advance(2)
    assert isinstance(scored(tool), Delivered)
    assert len(tool.platform.asked("token")) == 2


def test_openedx_results_are_read_by_their_own_address() -> None:
    tool = tool_at("openedx")
    scored(tool)
    scored(tool, 3, user_id="102")
    assert read_result(tool.services, tool.registration, tool.endpoint(), "102").fraction == 0.3  # type: ignore[union-attr]
    assert tool.platform.asked("results")[0].url.endswith("/results/102?type_id=3")


def test_openedx_a_zero_stays_with_us_and_nothing_is_deleted() -> None:
    tool = tool_at("openedx")
    assert isinstance(scored(tool, 0), Withheld)
    with pytest.raises(ServiceRefused):
        delete_line_item(
            tool.services, tool.registration, tool.endpoint(), tool.platform.column_url("1"), is_ours=True
        )
    assert tool.platform.asked("lineitem") == []


# --- Sakai ------------------------------------------------------------------------------------------------------------


def test_sakai_no_message_hint_is_sent_where_none_came() -> None:
    tool = tool_at("sakai")
    login = begin_login(
        tool.platform.typical_login(), tool.registrations, tool.states, tool.settings, tool.clock
    )
    assert "lti_message_hint" not in tool.platform.auth_query(login.auth_url)
    assert login.storage_target == "_parent"


def test_sakai_one_scope_too_many_fails_the_whole_request() -> None:
    """So only what the launch's claim lists is asked for."""
    tool = tool_at("sakai")
    tool.platform.granted_scopes = {SCORE_SCOPE, RESULT_SCOPE}
    with pytest.raises(TokenDenied, match="invalid_scope"):
        tool.tokens.token(tool.registration, [SCORE_SCOPE, LINEITEM_SCOPE])
    score = Score("101", tool.clock().replace(microsecond=0), score_given=8, score_maximum=10)
    endpoint = AgsEndpoint(tool.platform.column_url("1"), None, frozenset(tool.platform.granted_scopes))
    assert isinstance(send_score(tool.services, tool.registration, endpoint, score), Delivered)


@pytest.mark.parametrize("wrong", ["iss", "sub", "aud", "long life", "jti twice", "expired"])
def test_sakai_a_proof_with_one_thing_wrong_is_refused(wrong: str) -> None:
    tool = tool_at("sakai")
    moment = int(tool.clock().timestamp())
    proof = {
        "iss": "client-1",
        "sub": "client-1",
        "aud": tool.platform.token_url,
        "iat": moment - 5,
        "exp": moment + 300,
        "jti": "one",
    }
    assert tool.platform.rules.believes(proof)
    changes = {
        "iss": {"iss": "other"},
        "sub": {"sub": "other"},
        "aud": {"aud": tool.platform.issuer},
        "long life": {"exp": moment + 601},
        "jti twice": {"jti": "seen"},
        "expired": {"exp": moment - 1},
    }
    tool.platform.seen_jtis.add("seen")
    assert not tool.platform.rules.believes({**proof, **changes[wrong]})


def test_sakai_a_bad_token_is_403_and_renewed_once() -> None:
    tool = tool_at("sakai")
    scored(tool)
    tool.platform.revoke_tokens()
    tool.clock.advance(2)
    assert isinstance(scored(tool), Delivered)
    tool.platform.fail("scores", 403, b"invalid token", times=2)
    tool.clock.advance(2)
    outcome = scored(tool)
    assert isinstance(outcome, Refused) and outcome.status == 403


def test_sakai_the_teachers_column_of_our_label_is_not_taken_over() -> None:
    tool = tool_at("sakai")
    tool.platform.add_column("Application at work", 50, tag="the teacher's")
    wanted = replace(WANTED, resource_id="activity|5", tag="appli|cation")
    made, is_new = ensure_line_item(tool.services, tool.registration, tool.endpoint(lineitem=None), wanted)
    assert is_new and made.label == "Application at work (2)"
    assert tool.platform.columns["2"].item["tag"] == "the teacher's"
    # What Sakai dropped from our ids is dropped when we look for them.
    again, is_new = ensure_line_item(tool.services, tool.registration, tool.endpoint(lineitem=None), wanted)
    assert again.url == made.url and not is_new


# --- Blackboard -------------------------------------------------------------------------------------------------------


def test_blackboard_a_comment_keeps_its_lines() -> None:
    tool = tool_at("blackboard")
    assert isinstance(scored(tool, comment="Well done.\nAsk for the packing."), Delivered)
    assert tool.platform.cell("101").comments == ["Well done.<br/>Ask for the packing."]
    assert quirks_of("canvas").newline == GENERIC.newline == "\n"


def test_blackboard_results_are_read_whole_so_that_the_comment_is_there() -> None:
    tool = tool_at("blackboard")
    for number in range(150):
        tool.platform.learners.add(f"x{number}")
        scored(tool, 1, user_id=f"x{number}")
    scored(tool, 7, comment="Yours")
    result = read_result(tool.services, tool.registration, tool.endpoint(), "101")
    assert result is not None and result.fraction == 0.7 and result.comment == "Yours"
    [asked] = tool.platform.asked("results")
    assert "user_id" not in asked.url and "limit=1000" in asked.url and "type_id=3" in asked.url


def test_blackboard_an_unknown_user_is_final_and_read_back_by_nobody() -> None:
    tool = tool_at("blackboard")
    outcome = scored(tool, user_id="gone")
    assert isinstance(outcome, Refused) and outcome.status == 400 and "Enrol" in outcome.reason
    assert tool.platform.asked("results") == []


def test_blackboard_sees_its_own_columns_only() -> None:
    tool = tool_at("blackboard")
    tool.platform.add_column("The teacher's", 10, resource_link_id="link-1", is_the_tools=False)
    found = find_line_item(
        tool.services, tool.registration, tool.endpoint(lineitem=None), resource_link_id="link-1"
    )
    assert found is not None and found.url == tool.platform.column_url("1")


def test_blackboard_its_cloud_is_not_the_site_that_frames_us() -> None:
    assert family_of("https://blackboard.com") == "blackboard"
    assert not quirks_of("blackboard").issuer_is_site


# --- Brightspace ------------------------------------------------------------------------------------------------------


def test_brightspace_the_proof_is_for_its_own_audience() -> None:
    tool = tool_at("brightspace")
    assert isinstance(scored(tool), Delivered)
    tool.change(audience=tool.platform.token_url, client_id="client-1")
    tool.tokens.drop(
        tool.registration,
        tool.endpoint().scopes,
        tool.tokens.token(tool.registration, tool.endpoint().scopes),
    )
    with pytest.raises(TokenDenied, match="invalid_grant"):
        tool.tokens.token(tool.registration, AGS_SCOPES)


def test_brightspace_somebody_not_enrolled_is_refused_for_good() -> None:
    tool = tool_at("brightspace")
    tool.platform.not_enrolled.add("102")
    outcome = scored(tool, user_id="102")
    assert isinstance(outcome, Refused) and outcome.status == 403 and "Enrol" in outcome.reason


def test_brightspace_a_404_about_the_person_is_not_a_column_gone() -> None:
    """Else the right column would be let go of, for all."""
    tool = tool_at("brightspace")
    outcome = scored(tool, user_id="999")
    assert isinstance(outcome, Refused) and outcome.status == 404 and not outcome.is_gone
    tool.platform.forget_column(tool.platform.columns["1"])
    gone = scored(tool)
    assert isinstance(gone, Refused) and gone.is_gone


@pytest.mark.parametrize("can_exceed", [False, True])
def test_brightspace_above_the_maximum_is_clipped_or_not_and_either_is_delivered(can_exceed: bool) -> None:
    tool = tool_at("brightspace")
    tool.platform.columns["1"].can_exceed = can_exceed
    stamp = tool.clock().replace(microsecond=0)
    score = Score("101", stamp, score_given=12, score_maximum=10)
    endpoint = tool.endpoint()
    assert isinstance(send_score(tool.services, tool.registration, endpoint, score), Delivered)
    # Sent again after a lost reply: refused as stale, and what is held counts as what was sent.
    conflict = send_score(tool.services, tool.registration, endpoint, score)
    settled = after_conflict(tool.services, tool.registration, endpoint, score, conflict)
    assert isinstance(settled, Delivered)


def test_brightspace_a_role_without_grades_is_seen_by_reading_back() -> None:
    tool = tool_at("brightspace")
    tool.platform.not_gradable.add("103")
    assert isinstance(scored(tool, user_id="103"), Delivered)
    assert read_result(tool.services, tool.registration, tool.endpoint(), "103") is None


def test_brightspace_the_org_defined_id_is_no_identity() -> None:
    launch = launched(tool_at("brightspace"))
    assert launch.identity == ("https://lms.example", "client-1", "101")
    assert "A-1041" not in json.dumps(launch.to_dict())


# --- Schoology --------------------------------------------------------------------------------------------------------


def test_schoology_a_list_of_one_audience_is_ours() -> None:
    tool = tool_at("schoology")
    launch = launched(tool)
    assert launch.sub is not None and launch.sub.startswith("7::")
    assert family_of("https://schoology.schoology.com") == "schoology"


# --- answers ----------------------------------------------------------------------------------------------------------


def test_a_meaning_is_its_own_familys_only() -> None:
    from lti.ports import EgressResponse

    clock = MovingClock()
    answer = EgressResponse(404, {}, b'{"detail": "User 7 does not exist"}')
    elsewhere = outcome_of(answer, quirks_of("moodle"), clock())
    assert isinstance(elsewhere, Refused) and elsewhere.is_gone
    there = outcome_of(answer, quirks_of("brightspace"), clock())
    assert isinstance(there, Refused) and not there.is_gone


def test_moodle_a_missing_scope_is_401_and_says_where_to_allow_it() -> None:
    tool = tool_at("moodle")
    tool.platform.granted_scopes = {RESULT_SCOPE}
    tool.platform.fail("token", 200, b'{"access_token": "all-of-them", "expires_in": 3600}', times=2)
    tool.platform.tokens["all-of-them"] = (frozenset({RESULT_SCOPE}), tool.clock() + timedelta(hours=1))
    outcome = scored(tool)
    assert isinstance(outcome, TokenRefused) and "settings" in outcome.reason
