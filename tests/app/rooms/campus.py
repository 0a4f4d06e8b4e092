"""A small world for tests of rooms: two organisations, each with a platform, two courses, learners and instructors.

Everything is made through the doors that the application itself uses: platforms are registered, course folders loaded,
documents taken in, and every visit begins with a launch and its start code.
"""

from __future__ import annotations

import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from httpx import Response
from sqlalchemy import func, select
from starlette.testclient import TestClient

from app.coach.starters import check_next
from app.course.launches import admit_launch
from app.course.loading import load_course, organisation_named
from app.course.models import Registration
from app.course.platforms import add_platform
from app.course.protocol import registration_of
from app.course.services import Services
from app.kit.db import Base
from app.main import create_app
from lti.claims import SCORE_SCOPE
from lti.message import AgsEndpoint, CourseContext, Launch, ResourceLink
from lti.roles import role_of

TOOL = "http://localhost:8000"
ORGANISATIONS = ("north", "south")
COURSES = ("parcels", "depot")

DOCUMENT = """# {title}

## Damaged parcels

Ask the customer for two photos before you decide anything. Refund up to {limit} euros within 14 days of delivery.

1. Open a case in Deskbook.
2. Ask for one photo of the outside and one of the inside.
3. Write the note with the code word {canary}.

## Stuck belts

Pull the red cord and call out before anyone touches the belt. Keep the key of your own padlock.

## How do I greet a caller?

Say the name of the company, then your own name, then ask how you can help.
"""

COURSE = """id = "{course}"
collection = "{course}"
default_language = "en"
languages = ["en"]

[[documents]]
file = "documents/handbook.md"
title = "Handbook of {organisation} {course}"
language = "en"

[[experts]]
id = "hanne"
name = "Hanne of {organisation} {course}"
role = {{ en = "Safety officer" }}
topics = ["belts", "first aid"]

[[prompts]]
id = "may-i"
en = "As [my role], may I refund a parcel to [which customer]?"
es = "Como [mi función], ¿puedo reembolsar un paquete a [qué cliente]?"

[[prompts]]
id = "first"
en = "What do I do first in {course}?"

[[starters]]
en = "How do I refund a damaged parcel in {course}?"
document = "documents/handbook.md"
heading = "Damaged parcels"
"""

TASK = """id = "{key}"
skill = "care"
level = 1
minutes = 5
answer_kind = "text"
title = "{title}"
situation = "A customer of {organisation} calls about a broken lamp."
ask = "Write what you do."
solution_steps = ["Ask for two photos.", "Refund."]
worked_strong = "I ask for two photos of the parcel. I refund the price."
worked_weak = "I say sorry."

[[sources]]
document = "documents/handbook.md"
heading = "Damaged parcels"

[[criteria]]
id = "photos"
text = "Asks for two photos"
weight = 3
must = true
look_for = ["ask for two photos"]
weak_example = "I look at it."
strong_example = "I ask for two photos of the parcel."
next_try = "What do you need to see?"

[[criteria]]
id = "refund"
text = "Refunds within the limit"
weight = 1
look_for = ["refund the price"]
weak_example = "I give a voucher."
strong_example = "I refund the price."
next_try = "What does the customer get back?"
"""

_MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
# How platforms name the roles; "" is somebody of whom the platform says nothing.
ROLE_NAMES = {
    "learner": f"{_MEMBERSHIP}#Learner",
    "instructor": f"{_MEMBERSHIP}#Instructor",
    "teaching_assistant": f"{_MEMBERSHIP}/Instructor#TeachingAssistant",
    "administrator": f"{_MEMBERSHIP}#Administrator",
    "mentor": f"{_MEMBERSHIP}#Mentor",
    "content_developer": f"{_MEMBERSHIP}#ContentDeveloper",
}

GOOD_ANSWER = "I ask for two photos of the parcel. Then I refund the price."


def canary(organisation: str, course: str) -> str:
    """A word that stands in one course's document and nowhere else."""
    return f"zebra{organisation}{course}"


def write_course(folder: Path, organisation: str, course: str, *, limit: int = 50) -> Path:
    """A course folder with one document, two tasks, an expert and a starter."""
    (folder / "documents").mkdir(parents=True, exist_ok=True)
    (folder / "tasks").mkdir(exist_ok=True)
    title = f"Handbook of {organisation} {course}"
    (folder / "documents/handbook.md").write_text(
        DOCUMENT.format(title=title, limit=limit, canary=canary(organisation, course))
    )
    (folder / "course.toml").write_text(COURSE.format(organisation=organisation, course=course))
    for key in (f"lamp-{course}", f"vase-{course}"):
        task = TASK.format(key=key, title=f"The {key} of {organisation}", organisation=organisation)
        (folder / f"tasks/{key}.toml").write_text(task)
    return folder


def seed(services: Services, folder: Path) -> None:
    """Registers both organisations' platforms and loads both of their courses."""
    for organisation in ORGANISATIONS:
        site = f"https://{organisation}.example"
        add_platform(
            services,
            name=organisation,
            issuer=site,
            client_id=f"client-{organisation}",
            deployment_id="1",
            auth_url=f"{site}/auth",
            token_url=f"{site}/token",
            jwks_url=f"{site}/jwks",
            audience=None,
            allow_private=False,
            organisation=organisation,
        )
        for course in COURSES:
            written = write_course(folder / organisation / course, organisation, course)
            with services.database.read() as session:
                owner = organisation_named(session, organisation).id
            load_course(services, written, owner)
    work_off(services)


def work_off(services: Services) -> None:
    """Takes in every document that waits, and checks the starters of what has changed."""
    while services.retrieval.ingest_next("tests"):
        pass
    while check_next(services):
        pass


@dataclass(frozen=True)
class Visit:
    """One tab: a bearer, and the browser that holds it. Redirects are followed as a browser's fetch would."""

    bearer: str
    first: str
    client: TestClient = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.bearer}", "Accept": "text/html"}

    def get(self, path: str, **options: Any) -> Response:
        return self.client.get(path, headers=self.headers | options.pop("headers", {}), **options)

    def post(self, path: str, data: Mapping[str, str] | None = None, **options: Any) -> Response:
        headers = self.headers | {"Origin": TOOL} | options.pop("headers", {})
        return self.client.post(path, data=dict(data or {}), headers=headers, **options)

    def ask(self, question: str, conversation_id: str = "") -> list[tuple[str, dict[str, Any]]]:
        """The events of one answer, in order."""
        answer = self.post("/ask/turns", {"question": question, "conversation_id": conversation_id})
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"].startswith("text/event-stream")
        return events(answer.text)

    def attempt(self, key: str, response: str = GOOD_ANSWER) -> str:
        """Checks an answer; returns the attempt's id."""
        shown = self.post(
            f"/practice/{key}/attempts", {"response": response, "attempt_key": secrets.token_hex(16)}
        )
        assert shown.status_code == 303, shown.text
        found = re.search(r"attempt=([0-9a-f]{32})", shown.headers["location"])
        assert found
        return found[1]

    def hand_in(self, attempt_id: str) -> Response:
        return self.post(f"/practice/attempts/{attempt_id}/submit")

    def waiting(self) -> list[str]:
        """The ids of what waits in the review queue or was decided, in the page's order."""
        return list(dict.fromkeys(re.findall(r"/review/([0-9a-f]{32})", self.get("/review").text)))

    def decide(self, evidence_id: str, **changes: str) -> Response:
        """Confirms yes to everything, unless told otherwise."""
        form = {"met_photos": "yes", "met_refund": "yes", "comment": "Well seen.", "after": ""} | changes
        return self.post(f"/review/{evidence_id}/decision", form)


def events(stream: str) -> list[tuple[str, dict[str, Any]]]:
    """The (name, data) pairs of a text/event-stream."""
    found = []
    for block in stream.replace("\r\n", "\n").strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


class Campus:
    """The application over a seeded data folder, and who comes to it."""

    def __init__(self, services: Services) -> None:
        self.services = services
        self.app = create_app(services.settings, services)
        self.client = TestClient(
            self.app, base_url=TOOL, follow_redirects=False, raise_server_exceptions=False
        )

    def launch(
        self,
        who: str = "ana",
        role: str = "learner",
        course: str = "parcels",
        organisation: str = "north",
        *,
        link: str = "",
        custom: Mapping[str, str] | None = None,
        name: str | None = None,
        title: str | None = None,
        locale: str | None = "en",
        has_gradebook: bool = True,
    ) -> Launch:
        """A verified launch as lti/ hands it over; `custom` is added to the course's collection."""
        site = f"https://{organisation}.example"
        with self.services.database.read() as session:
            row = session.scalars(select(Registration).where(Registration.issuer == site)).one()
            registration = registration_of(row)
        link = link or f"{course}-activity"
        roles = (ROLE_NAMES[role],) if role else ()
        ags = AgsEndpoint(f"{site}/items/{link}", f"{site}/items", frozenset({SCORE_SCOPE}))
        return Launch(
            id=secrets.token_hex(16),
            registration_id=registration.id,
            issuer=registration.issuer,
            client_id=registration.client_id,
            deployment_id="1",
            message_type="LtiResourceLinkRequest",
            target_link_uri=f"{TOOL}/lti/launch",
            sub=f"{organisation}-{who}",
            roles=roles,
            role=role_of(roles),
            resource_link=ResourceLink(link, f"Activity {link}"),
            context=CourseContext(course, title or f"Course {course} of {organisation}"),
            ags=ags if has_gradebook else None,
            custom={"collection": course, **(custom or {})},
            locale=locale,
            name=name or f"{who.title()} of {organisation}",
            registered_frame_origins=registration.frame_origins,
        )

    def visit(self, who: str = "ana", role: str = "learner", *where: str, **how: Any) -> Visit:
        """Someone comes: `visit("ana", "learner", course, organisation)`."""
        return self.enter(self.launch(who, role, *where, **how))

    def enter(self, launch: Launch) -> Visit:
        """Takes a launch through its start code."""
        page = self.client.get(admit_launch(self.services, launch))
        assert page.status_code == 200, page.text
        session = session_of(page)
        return Visit(session["bearer"], session["first"], self.client)

    def count(self, model: type[Base]) -> int:
        """How many rows there are."""
        with self.services.database.read() as session:
            return session.scalar(select(func.count()).select_from(model)) or 0


def session_of(page: Response) -> dict[str, str]:
    """What the shell gives to its script."""
    found = re.search(r'<script type="application/json" id="session">(.*?)</script>', page.text, re.DOTALL)
    assert found, page.text
    value: dict[str, str] = json.loads(found[1])
    return value
