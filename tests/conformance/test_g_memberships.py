"""G. Names and role provisioning: conformance cases 101-104, as far as the protocol goes; the rest is tests/app/course."""

from __future__ import annotations

import pytest

from lti import Members, ServiceRefused, ServiceUnavailable, TokenDenied, read_memberships
from lti.claims import MEMBERSHIPS_SCOPE, NRPS
from lti.ports import EgressFailed, EgressResponse
from tests.conformance.tool import Tool
from tests.fakes.memberships import TYPE, Memberships
from tests.fakes.platform import FakePlatform
from tests.fakes.wire import ABSENT, json_answer


@pytest.fixture
def people(platform: FakePlatform) -> Memberships:
    return Memberships(platform)


def read(tool: Tool, people: Memberships, **how: str) -> Members:
    return read_memberships(tool.services, tool.registration, people.url, **how)


def subs(members: Members) -> list[str]:
    return [member.user_id for member in members.members]


def test_case_101_the_request_and_the_claim(tool: Tool, people: Memberships) -> None:
    people.add("101")
    launch = tool.accepted(tool.launch(**people.claim))
    assert launch.memberships_url == people.url
    assert subs(read(tool, people)) == ["101"]
    [request] = people.seen
    assert (request.method, request.headers["accept"]) == ("GET", TYPE)
    assert request.headers["user-agent"].startswith("Workside/")
    assert tool.platform.asked("token")[-1].form["scope"] == MEMBERSHIPS_SCOPE
    assert tool.accepted(tool.launch(**{NRPS: ABSENT})).memberships_url is None


def test_case_101_pages_are_followed_to_the_end(tool: Tool, people: Memberships) -> None:
    for number in range(25):
        people.add(str(number))
    people.page_size = 10
    assert subs(read(tool, people)) == [str(number) for number in range(25)]
    assert len(people.seen) == 3
    assert "limit" not in people.seen[0].url, "how long a page is, is the platform's to say"


def test_case_101_blackboards_next_link_is_used_as_it_came(tool: Tool, people: Memberships) -> None:
    """It carries the rlid already; a second one would break it."""
    for number in range(3):
        people.add(str(number))
    people.page_size, people.links = 2, {"link-1"}
    read(tool, people, resource_link_id="link-1")
    assert [request.query for request in people.seen] == [
        {"rlid": "link-1"},
        {"rlid": "link-1", "page": "2"},
    ]
    odd = f"{people.url}?page=2&lti_link=1&copy=x&rlid=link-1"
    people.seen.clear()
    people.hooks[1] = lambda: json_answer(200, {"members": []}, {"link": f'<{odd}>; rel="next"'})
    read(tool, people, resource_link_id="link-1")
    assert people.seen[1].url == odd, "nothing in it is an HTML entity"


@pytest.mark.parametrize("fault", ["lost", "500", "html", "elsewhere", "loop", "no list"])
def test_case_101_half_a_list_is_no_list(tool: Tool, people: Memberships, fault: str) -> None:
    """Page 3 fails in one way or another: nothing is returned, since who is missing from half a list has not left."""
    for number in range(9):
        people.add(str(number))
    people.page_size = 3

    def lost() -> EgressResponse:
        raise EgressFailed("the reply was lost")

    def linked(url: str) -> EgressResponse:
        return json_answer(200, {"members": []}, {"link": f'<{url}>; rel="next"'})

    people.hooks[3] = {
        "lost": lost,
        "500": lambda: EgressResponse(500, {}, b""),
        "html": lambda: EgressResponse(200, {}, b"<html>"),
        "elsewhere": lambda: linked("https://evil.example/memberships"),
        "loop": lambda: linked(people.url),
        "no list": lambda: json_answer(200, {"error": "later"}),
    }[fault]
    with pytest.raises(ServiceUnavailable):
        read(tool, people)
    assert all("evil" not in url for url in tool.network.requested)


def test_case_102_one_activitys_list_adds_its_messages(tool: Tool, people: Memberships) -> None:
    people.add("101")
    people.links = {"link-1"}
    [member] = read(tool, people, resource_link_id="link-1").members
    assert member.custom == {"group": "of 101", "seat": "7"}
    [member] = read(tool, people).members
    assert member.custom == {}


def test_case_102_an_unknown_activity_falls_back_to_the_course(tool: Tool, people: Memberships) -> None:
    people.add("101")
    people.links = {"another"}
    assert subs(read(tool, people, resource_link_id="link-1")) == ["101"]
    assert [request.query.get("rlid") for request in people.seen] == ["link-1", None]
    people.refuses = 404
    with pytest.raises(ServiceRefused):
        read(tool, people, resource_link_id="link-1")


def test_case_102_an_address_that_names_an_activity_keeps_its_own(tool: Tool, people: Memberships) -> None:
    people.add("101")
    read_memberships(tool.services, tool.registration, f"{people.url}?rlid=mine", resource_link_id="link-1")
    assert people.seen[0].query == {"rlid": "mine"}


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, "active"),
        ("Active", "active"),
        ("Inactive", "inactive"),
        ("inactive", "inactive"),
        ("Deleted", "deleted"),
        ("Something new", "active"),
        (7, "active"),
    ],
)
def test_case_103_a_status(tool: Tool, people: Memberships, status: object, expected: str) -> None:
    people.add("101", status=status)
    [member] = read(tool, people).members
    assert member.status == expected


def test_case_103_members_without_names_and_with_any_roles(tool: Tool, people: Memberships) -> None:
    people.add("1", "Learner", name=None)
    people.add("2", "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor", name=None)
    people.add("3", "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant")
    people.add("4", "Instructor", given_name="Ana", family_name="Souza", name=None)
    people.members += [{"user_id": "5"}, {"user_id": 6, "roles": "Instructor"}, {"roles": ["Learner"]}]
    found = {member.user_id: member for member in read(tool, people).members}
    assert {sub: member.role for sub, member in found.items()} == {
        "1": "learner", "2": "instructor", "3": "teaching_assistant", "4": "instructor", "5": "learner", "6": "learner",
    }  # fmt: skip
    assert found["1"].display_name is None and found["4"].display_name == "Ana Souza"


def test_case_103_somebody_listed_twice_is_one_person(tool: Tool, people: Memberships) -> None:
    people.add("1", "Learner")
    people.add("1", "Instructor", status="Inactive")
    people.add("2", "Learner")
    people.add("2", "Instructor")
    one, two = read(tool, people).members
    assert (one.status, one.role) == ("active", "learner"), "a role that has ended gives nothing"
    assert two.role == "instructor"


def test_case_104_the_differences_link_is_told_and_optional(tool: Tool, people: Memberships) -> None:
    people.add("101")
    assert read(tool, people).differences_url is None
    people.differences = "monday"
    listed = read(tool, people)
    assert listed.differences_url == f"{people.url}?since=monday"
    people.changed = [{"user_id": "101", "status": "Deleted", "roles": []}]
    [member] = read_memberships(tool.services, tool.registration, listed.differences_url).members
    assert member.status == "deleted"


def test_case_104_a_course_whose_people_are_not_for_us(tool: Tool, people: Memberships) -> None:
    people.refuses = 403
    with pytest.raises(ServiceRefused) as caught:
        read(tool, people)
    assert caught.value.answer == 403
    tool.platform.granted_scopes.discard(MEMBERSHIPS_SCOPE)
    tool.platform.revoke_tokens()
    with pytest.raises(TokenDenied):
        read(tool, people)
