"""Who and what the demo LMS holds: organisations, people, courses and activities, read from catalogue.toml."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

Role = Literal["learner", "instructor"]

# The custom parameters by which an activity that was made by hand says what the tool opens (docs/lms/README.md).
SAYS_WHAT_OPENS = ("activity", "task", "scenario")
DEFAULT_PATH = Path(__file__).with_name("catalogue.toml")


class NotInCatalogue(LookupError):
    """No such organisation, course, activity or person; `str()` of it is a sentence for the page."""


@dataclass(frozen=True)
class Person:
    """One account of the LMS. `id` is what the tool receives as `sub`."""

    id: str
    given_name: str
    family_name: str
    email: str
    role: Role
    locale: str

    @property
    def name(self) -> str:
        return f"{self.given_name} {self.family_name}"

    @property
    def initials(self) -> str:
        return self.given_name[0] + self.family_name[0]


@dataclass(frozen=True)
class Activity:
    """One LTI link in a course. `id` is the resource link id; a graded one has a line item with the same id.

    `maximum` is the column's maximum in points, or None for an ungraded activity. `url` is where the tool wants the launch
    (empty: its launch address), `review_url` where a submission is reviewed, `tool` the client id of the registration that it
    is launched through (empty: the one that is there from the start). `history` are the ids that it was copied from, newest
    first. `is_added` says that somebody put it there, so that it may be removed.
    """

    id: str
    title: str
    summary: str
    custom: dict[str, str]
    maximum: float | None
    url: str = ""
    review_url: str = ""
    tool: str = ""
    history: tuple[str, ...] = ()
    is_added: bool = False

    @property
    def is_graded(self) -> bool:
        return self.maximum is not None


@dataclass(frozen=True)
class Course:
    """One course; `id` is the LTI context id, `history` the ids of the courses that it was copied from, newest first."""

    id: str
    title: str
    label: str
    activities: tuple[Activity, ...]
    history: tuple[str, ...] = ()

    def activity(self, activity_id: str) -> Activity:
        for activity in self.activities:
            if activity.id == activity_id:
                return activity
        raise NotInCatalogue(f"The course “{self.title}” has no activity “{activity_id}”.")


@dataclass(frozen=True)
class Organisation:
    """One customer of the LMS, and so one registration of the tool: an issuer, a client id, a deployment, a key."""

    slug: str
    name: str
    line: str
    client_id: str
    deployment_id: str
    people: tuple[Person, ...]
    courses: tuple[Course, ...]
    # Those who left: they open nothing any more, and the roster calls them inactive.
    former: tuple[Person, ...] = ()

    def course(self, course_id: str) -> Course:
        for course in self.courses:
            if course.id == course_id:
                return course
        raise NotInCatalogue(f"{self.name} has no course “{course_id}”.")

    def person(self, person_id: str) -> Person:
        for person in self.people:
            if person.id == person_id:
                return person
        raise NotInCatalogue(f"Nobody at {self.name} has the id “{person_id}”.")

    def with_role(self, role: Role) -> tuple[Person, ...]:
        return tuple(person for person in self.people if person.role == role)


@dataclass(frozen=True)
class Catalogue:
    """Everything that the LMS offers."""

    organisations: tuple[Organisation, ...]

    def organisation(self, slug: str) -> Organisation:
        for organisation in self.organisations:
            if organisation.slug == slug:
                return organisation
        raise NotInCatalogue(f"There is no organisation “{slug}” here.")


def read_catalogue(path: Path = DEFAULT_PATH) -> Catalogue:
    """The catalogue in `path` (TOML). Raises KeyError or ValueError where the file lacks what a launch needs."""
    data = tomllib.loads(path.read_text("utf-8"))
    catalogue = Catalogue(tuple(_organisation(entry) for entry in data["organisations"]))
    for organisation in catalogue.organisations:
        ids = [activity.id for course in organisation.courses for activity in course.activities]
        if len(ids) != len(set(ids)):
            raise ValueError(
                f"An activity id occurs twice at {organisation.slug}: a resource link id must be unique"
            )
    return catalogue


def _person(entry: dict[str, Any]) -> Person:
    return Person(
        id=entry["id"],
        given_name=entry["given_name"],
        family_name=entry["family_name"],
        email=entry["email"],
        role=entry["role"],
        locale=entry.get("locale", "en"),
    )


def _organisation(entry: dict[str, Any]) -> Organisation:
    return Organisation(
        slug=entry["slug"],
        name=entry["name"],
        line=entry["line"],
        client_id=entry["client_id"],
        deployment_id=entry["deployment_id"],
        people=tuple(_person(person) for person in entry["people"]),
        former=tuple(_person(person) for person in entry.get("former", [])),
        courses=tuple(_course(course) for course in entry["courses"]),
    )


def _course(entry: dict[str, Any]) -> Course:
    collection = {"collection": entry["collection"]}
    return Course(
        id=entry["id"],
        title=entry["title"],
        label=entry["label"],
        activities=tuple(
            Activity(
                id=activity["id"],
                title=activity["title"],
                summary=activity["summary"],
                # LTI custom parameters are strings; a course's collection goes into each of its links.
                custom=collection | {name: activity[name] for name in SAYS_WHAT_OPENS if name in activity},
                maximum=float(activity["maximum"]) if "maximum" in activity else None,
            )
            for activity in entry["activities"]
        ),
    )
