"""The state of a running demo LMS, and how its pages end where they cannot go on."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from fastapi.responses import HTMLResponse, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from demo.additions import AddedTool, Additions
from demo.catalogue import Activity, Catalogue, Course, NotInCatalogue, Organisation
from demo.gradebook import Gradebook, LineItem, LineItemNotFound
from demo.platform import Addresses, Platform, Tool, private_key
from demo.switches import Switches

HERE = Path(__file__).parent


@dataclass(frozen=True)
class DemoSettings:
    """How the LMS is reached (`base_url` by browsers, `service_url` by the tool's server) and where the tool is."""

    data_dir: Path
    base_url: str = "http://127.0.0.1:8100"
    tool_url: str = "http://localhost:8000"
    service_url: str | None = None
    tool_service_url: str | None = None


class Problem(Exception):
    """A request that ends in a plain page or JSON with this status."""

    def __init__(self, status: int, title: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.title = title
        self.reason = reason


class Lms:
    """The state of one running demo LMS."""

    def __init__(self, settings: DemoSettings, catalogue: Catalogue) -> None:
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        self.additions = Additions(settings.data_dir / "additions.sqlite3", catalogue)
        self.switches = Switches()
        base = settings.base_url.rstrip("/")
        self.addresses = Addresses(base, (settings.service_url or base).rstrip("/"))
        tool = settings.tool_url.rstrip("/")
        split = urlsplit(tool)
        self.tool_service = (settings.tool_service_url or tool).rstrip("/")
        self.tool = Tool(
            f"{tool}/lti/login",
            f"{tool}/lti/launch",
            f"{self.tool_service}/lti/jwks.json",
            f"{split.scheme}://{split.netloc}",
        )
        self.gradebook = Gradebook(settings.data_dir / "lms.sqlite3", catalogue)
        self._keys = {
            organisation.slug: private_key(settings.data_dir / f"key-{organisation.slug}.pem")
            for organisation in catalogue.organisations
        }
        self._platforms: dict[tuple[str, str], Platform] = {}
        for organisation in catalogue.organisations:
            self._serve(organisation.slug, self.tool)
            for added in self.additions.tools(organisation.slug):
                self._serve(organisation.slug, self.tool_of(added))
        self.pages = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self.pages.filters["points"] = lambda value: f"{value:g}"

    @property
    def catalogue(self) -> Catalogue:
        """Everything that is offered at this moment, with what was added."""
        return self.additions.catalogue()

    def platform(self, slug: str, client_id: str = "") -> Platform:
        """An organisation's platform for one of its tools; "" is the tool that is there from the start.

        Raises NotInCatalogue for an organisation or a tool that is not there.
        """
        organisation = self.catalogue.organisation(slug)
        if client_id == organisation.client_id:
            client_id = ""
        if (slug, client_id) not in self._platforms:
            raise NotInCatalogue(f"{organisation.name} has no tool “{client_id}” any more.")
        return self._platforms[slug, client_id]

    def platforms(self, slug: str) -> list[Platform]:
        """An organisation's platforms, one for each of its tools; the one from the start comes first."""
        return [platform for (owner, _), platform in self._platforms.items() if owner == slug]

    def _serve(self, slug: str, tool: Tool) -> None:
        self._platforms[slug, tool.client_id] = Platform(
            lambda: self.catalogue.organisation(slug),
            self.addresses,
            tool,
            self.gradebook,
            self._keys[slug],
        )

    def tool_of(self, added: AddedTool) -> Tool:
        """A tool that registered itself, with its keys where this server reads them."""
        keys = added.keys_url
        if keys.startswith(self.tool.origin + "/"):
            keys = self.tool_service + keys.removeprefix(self.tool.origin)
        return Tool(
            added.login_url,
            added.launch_url,
            keys,
            self.tool.origin,
            added.name,
            added.client_id,
            added.deployment_id,
            added.target_url,
            added.custom,
        )

    def take_in(self, slug: str, token: str, added: AddedTool, now: int) -> bool:
        """Registers a tool under its invitation. False where the invitation was used meanwhile."""
        if not self.additions.accept(token, slug, added, now):
            return False
        self._serve(slug, self.tool_of(added))
        return True

    def remove_tool(self, slug: str, client_id: str) -> None:
        """Forgets a tool and what was added with it."""
        self._remove_columns(slug, lambda activity: activity.tool == client_id)
        self.additions.remove_tool(slug, client_id)
        self._platforms.pop((slug, client_id), None)

    def add_activity(
        self, organisation: Organisation, course: Course, activity: Activity, item: LineItem | None
    ) -> None:
        """Puts an activity into a course, with its gradebook column where it has one."""
        self.additions.add_activity(organisation.slug, course.id, activity)
        if item is not None:
            self.gradebook.add_line_item(organisation.slug, course.id, item)

    def remove_activity(self, organisation: Organisation, course: Course, activity: Activity) -> None:
        self._remove_columns(organisation.slug, lambda one: one.id == activity.id)
        self.additions.remove_activity(organisation.slug, activity.id)

    def copy_course(self, organisation: Organisation, course: Course) -> Course:
        """A copy with columns of its own, empty."""
        copy = self.additions.copy_course(organisation, course)
        for original, activity in zip(course.activities, copy.activities, strict=True):
            if activity.maximum is None:
                continue
            try:
                item = self.gradebook.line_item(organisation.slug, course.id, original.id)
            except LineItemNotFound:
                continue
            columns = dataclasses.replace(item, id=activity.id, resource_link_id=activity.id)
            self.gradebook.add_line_item(organisation.slug, copy.id, columns)
        return copy

    def remove_course(self, organisation: Organisation, course: Course) -> None:
        ids = {activity.id for activity in course.activities}
        self._remove_columns(organisation.slug, lambda activity: activity.id in ids)
        self.additions.remove_course(organisation.slug, course.id)

    def _remove_columns(self, slug: str, is_meant: Callable[[Activity], bool]) -> None:
        for course in self.catalogue.organisation(slug).courses:
            for activity in course.activities:
                if activity.is_graded and is_meant(activity):
                    with suppress(LineItemNotFound):
                        self.gradebook.delete_line_item(slug, course.id, activity.id)

    def close(self) -> None:
        self.gradebook.close()
        self.additions.close()


def problem_page(lms: Lms, problem: Problem) -> Response:
    text = lms.pages.get_template("problem.html").render(title=problem.title, reason=problem.reason)
    response = HTMLResponse(text, problem.status)
    # It may stand inside the frame, when the tool's authentication request was wrong.
    response.headers["Content-Security-Policy"] = (
        "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
    )
    return response
