"""lti/ itself against Open edX's platform: launch, deep linking, columns, scores, results, members. No application between."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import httpx
import pytest

import lti
from app.course.protocol import PlatformEgress
from app.kit.egress import EgressClient
from lti.claims import DEEP_LINKING_REQUEST, RESOURCE_LINK_REQUEST
from lti.memberships import read_memberships
from lti.memory import MemoryKeys, MemoryLaunchStates, MemoryRegistrations, MemoryTokenCache
from lti.ports import SigningKey

# One worker starts the platform and uses it for all; the first run makes .venv-interop, which takes a while.
pytestmark = [pytest.mark.xdist_group("interop"), pytest.mark.timeout(900)]
HTTP = httpx.Client(timeout=60)


def now() -> datetime:
    return datetime.now(UTC)


class Edge:
    """lti/ with its own in-memory ports and a real way out, registered with the platform."""

    def __init__(self, platform: Any, tool_keys: Any) -> None:
        self.platform, self.tool_url = platform, tool_keys.url
        facts = platform.registration()
        self.registration = lti.Registration(
            id="openedx",
            issuer=facts["issuer"],
            client_id=facts["client_id"],
            auth_url=facts["auth_url"],
            token_url=facts["token_url"],
            jwks_url=facts["jwks_url"],
            allow_private=True,
            platform="openedx",
        )
        self.registrations = MemoryRegistrations(self.registration)
        self.registrations.deploy(self.registration, facts["deployment_id"])
        self.settings = lti.LtiSettings(self.tool_url)
        self.states = MemoryLaunchStates(now)
        self.keys = MemoryKeys(SigningKey(tool_keys.kid, tool_keys.private_pem))
        egress = PlatformEgress(EgressClient(allow_http=True))
        self.services = lti.Services(
            egress, lti.ServiceTokens(egress, self.keys, MemoryTokenCache(), now), now
        )
        self.verifier = lti.LaunchVerifier(
            self.registrations, self.states, lti.PlatformKeys(egress, now), self.settings, now
        )

    def launch(self, address: str) -> lti.Launch:
        """From the platform's knock to a verified launch."""
        login = dict(parse_qsl(urlsplit(address).query))
        begun = lti.begin_login(login, self.registrations, self.states, self.settings, now)
        page = HTTP.get(begun.auth_url)
        assert page.status_code == 200, page.text
        fields = dict(re.findall(r'<input name="(\w+)" value="([^"]*)"', page.text))
        return self.verifier.verify({name: unescape(value) for name, value in fields.items()})[0]


@pytest.fixture(scope="module")
def edge(xblock_platform: Callable[[str], Any], tool_keys: Any) -> Iterator[Edge]:
    yield Edge(xblock_platform(tool_keys.url), tool_keys)


def test_a_launch_signed_with_keys_without_alg_and_use(edge: Edge) -> None:
    published = HTTP.get(edge.registration.jwks_url).json()["keys"]
    assert all("alg" not in key and "use" not in key for key in published)
    launch = edge.launch(edge.platform.open("learner-1", task="damaged-lamp"))
    assert launch.message_type == RESOURCE_LINK_REQUEST and launch.deployment_id == "1"
    assert (launch.sub, launch.role, launch.is_gradable) == ("learner-1", "learner", True)
    assert launch.custom == {"task": "damaged-lamp"}


def test_deep_linking_places_an_activity_that_launches(edge: Edge) -> None:
    launch = edge.launch(edge.platform.open_picker("instructor-1"))
    assert launch.message_type == DEEP_LINKING_REQUEST and launch.deep_linking is not None
    wanted = launch.deep_linking
    assert wanted.takes_links and wanted.accept_multiple and wanted.data is None
    column = lti.PlacedColumn("Damaged parcel", 10, "task-1", "practice")
    items = lti.content_items(
        wanted,
        [
            lti.ContentItem(
                "Damaged parcel", f"{edge.tool_url}/lti/launch", {"placement": "p1"}, column=column
            )
        ],
    )
    token = lti.sign_response(
        edge.registration, launch.deployment_id, wanted, items, edge.keys.signing(), now()
    )
    assert HTTP.post(wanted.return_url, data={"JWT": token}).status_code == 200
    (placed,) = edge.platform.content()
    assert placed["title"] == "Damaged parcel" and placed["custom"] == {"placement": "p1"}
    again = edge.launch(edge.platform.open_item(placed["id"], "learner-2"))
    assert again.custom == {"placement": "p1"} and again.target_link_uri == f"{edge.tool_url}/lti/launch"
    # Cancelled: an empty answer is taken.
    other = edge.launch(edge.platform.open_picker("instructor-1"))
    assert other.deep_linking is not None
    empty = lti.sign_response(edge.registration, "1", other.deep_linking, [], edge.keys.signing(), now())
    assert HTTP.post(other.deep_linking.return_url, data={"JWT": empty}).status_code == 200
    assert edge.platform.content() == []


def test_a_score_and_its_result(edge: Edge) -> None:
    launch = edge.launch(edge.platform.open("learner-3"))
    assert launch.ags is not None and launch.ags.lineitem is not None
    (column,) = lti.line_items(edge.services, edge.registration, launch.ags)
    assert column.url == launch.ags.lineitem
    stamp = (now() - timedelta(seconds=10)).replace(microsecond=0)
    score = lti.Score("learner-3", stamp, score_given=8, score_maximum=10, comment="Well asked.")
    assert lti.send_score(edge.services, edge.registration, launch.ags, score) == lti.Delivered(201)
    held = lti.read_result(edge.services, edge.registration, launch.ags, "learner-3")
    assert held is not None and held.fraction == 0.8
    # The same again, as after a lost reply: refused as stale, read back, and found equal.
    conflict = lti.send_score(edge.services, edge.registration, launch.ags, score)
    assert isinstance(conflict, lti.Conflict) and conflict.status == 400
    settled = lti.after_conflict(edge.services, edge.registration, launch.ags, score, conflict)
    assert isinstance(settled, lti.Delivered)
    # Nobody's result but the learner's own, though the platform ignores filters.
    assert lti.read_result(edge.services, edge.registration, launch.ags, "learner-4") is None
    zero = lti.Score("learner-4", stamp, score_given=0, score_maximum=10)
    assert isinstance(lti.send_score(edge.services, edge.registration, launch.ags, zero), lti.Withheld)
    assert [grade["score"] for grade in edge.platform.grades() if grade["user"] == "learner-3"] == [0.8]


def test_members_are_read_page_by_page(edge: Edge) -> None:
    launch = edge.launch(edge.platform.open("instructor-1", "staff"))
    assert launch.memberships_url is not None
    whole = read_memberships(edge.services, edge.registration, launch.memberships_url)
    paged = read_memberships(edge.services, edge.registration, f"{launch.memberships_url}?limit=2")
    assert paged.members == whole.members and len(whole.members) == 6
    assert [member.role for member in whole.members] == ["learner"] * 5 + ["instructor"]
    assert whole.members[0].name == "Person learner-1" and whole.members[0].status == "active"
    # It knows no resource link filter, and answers as without one.
    linked = read_memberships(
        edge.services, edge.registration, launch.memberships_url, resource_link_id="unknown"
    )
    assert len(linked.members) == 6
