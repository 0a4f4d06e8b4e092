"""A fake names and roles service: pages, links to one activity, differences, and the ways in which platforms differ."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

from lti.claims import CUSTOM, MEMBERSHIPS_SCOPE, NRPS
from lti.ports import EgressResponse
from tests.fakes.platform import FakePlatform
from tests.fakes.wire import Request, json_answer, plain_answer

TYPE = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"


class Memberships:
    """The people of a platform's course, answered through the platform's `further`.

    `page_size` pages the list; `links` are the resource link ids that an rlid may name, None for a platform that does not
    look at it. `hooks` may answer a page instead (a fault on page 3). `keeps_rlid`: next links carry the rlid (Blackboard).
    """

    def __init__(self, platform: FakePlatform, *, page_size: int | None = None) -> None:
        self.platform = platform
        self.page_size = page_size
        self.url = f"{platform.base}/mod/lti/services.php/CourseSection/7/bindings/3/memberships"
        self.members: list[dict[str, Any]] = []
        self.changed: list[dict[str, Any]] = []
        self.links: set[str] | None = None
        self.differences: str | None = None
        self.refuses: int | None = None
        self.hooks: dict[int, Callable[[], EgressResponse]] = {}
        self.seen: list[Request] = []
        platform.granted_scopes.add(MEMBERSHIPS_SCOPE)
        platform.further.append(self.answer)

    @property
    def claim(self) -> dict[str, Any]:
        """The launch's claim."""
        return {NRPS: {"context_memberships_url": self.url, "service_versions": ["2.0"]}}

    def add(self, user: str, *roles: str, **members: Any) -> dict[str, Any]:
        """A person of the course; short role names, as Moodle sends them."""
        made = {"user_id": user, "roles": list(roles or ("Learner",)), "name": f"Person {user}", **members}
        entry = {name: value for name, value in made.items() if value is not None}
        self.members.append(entry)
        return entry

    def answer(self, request: Request) -> EgressResponse | None:
        parts = urlsplit(request.url)
        if not parts.path.endswith("/memberships"):
            return None
        self.seen.append(request)
        _, _, token = request.headers.get("authorization", "").partition(" ")
        scopes, expires = self.platform.tokens.get(token, (frozenset(), self.platform.now()))
        if MEMBERSHIPS_SCOPE not in scopes or expires <= self.platform.now():
            return plain_answer(401, "scope missing")
        if request.headers.get("accept") != TYPE:
            return plain_answer(406, "not acceptable")
        if self.refuses is not None:
            return plain_answer(self.refuses, "not for this tool")
        query = dict(parse_qsl(parts.query))
        if "rlid" in query and self.links is not None and query["rlid"] not in self.links:
            return plain_answer(404, "no such resource link")
        listed = self.changed if "since" in query else self.members
        page = int(query.get("page", "1"))
        if page in self.hooks:
            return self.hooks[page]()
        size = self.page_size or max(len(listed), 1)
        shown = [dict(member) for member in listed[(page - 1) * size : page * size]]
        if "rlid" in query:
            for member in shown:
                member["message"] = [{CUSTOM: {"group": f"of {member['user_id']}"}}, {CUSTOM: {"seat": "7"}}]
        links = []
        if page * size < len(listed):
            following = urlencode({**query, "page": page + 1})
            links.append(f'<{self.url}?{following}>; rel="next"')
        if self.differences is not None:
            links.append(f'<{self.url}?since={self.differences}>; rel="differences"')
        container = {"id": self.url, "context": {"id": "course-7"}, "members": shown}
        return json_answer(200, container, {"link": ", ".join(links)} if links else {})
