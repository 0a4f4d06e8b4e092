"""A course with learners, two reviewers and a gradebook column, and the steps from an answer to a decision.

Rows and not launches, so that the ledger and the worker are tested by themselves and on any database.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select

import app.kit.clock
from app.course.access import Visitor
from app.course.content import PracticeTask
from app.course.models import (
    Context,
    Deployment,
    LineItem,
    Organisation,
    Registration,
    ResourceLink,
    User,
)
from app.evidence.ledger import (
    PRACTICE,
    access_evidence,
    confirmation_of,
    record_attempt,
    record_confirmation,
    submit_attempt,
)
from app.evidence.models import Confirmation, Evidence, ScoreRow
from app.kit.db import Database
from app.kit.ids import new_id
from tests.fakes.platform import ALL_SCOPES

LEARNERS = ("101", "102", "103")
INSTRUCTOR, ASSISTANT = "901", "902"
# Powers of two: every whole number up to 31 is a decision of its own, so that no two scores look alike.
WEIGHTS = (1, 2, 4, 8, 16)
CRITERIA = [{"id": f"c{weight}", "text": f"Criterion {weight}", "weight": weight} for weight in WEIGHTS]


class MovingClock:
    """The application's clock, standing still until it is moved: `install` puts it behind `app.kit.clock.now`."""

    def __init__(self, moment: datetime = datetime(2026, 11, 22, 16, 50, 3, 250_000, UTC)) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)

    def install(self, monkeypatch: Any) -> MovingClock:
        # `now` looks the name up when it is called, so every module that imported `now` by name moves along.
        monkeypatch.setattr(app.kit.clock, "datetime", SimpleNamespace(now=lambda _zone: self.moment))
        return self


@dataclass(frozen=True)
class Course:
    """The ids of what `make_course` made. `people` leads from sub to user id."""

    database: Database
    organisation_id: str
    registration_id: str
    context_id: str
    link_id: str
    line_item_id: str
    task_id: str
    people: Mapping[str, str]

    def visitor(self, sub: str, role: str = "learner") -> Visitor:
        """That person, launched into the activity."""
        return Visitor(
            visit_id=new_id(),
            user_id=self.people[sub],
            organisation_id=self.organisation_id,
            registration_id=self.registration_id,
            context_id=self.context_id,
            resource_link_id=self.link_id,
            role=role,
            is_gradable=role == "learner",
            locale="en",
            name=f"Person {sub}",
            context_title="Parcel service",
            link_title="Handle a damaged parcel",
            custom={},
        )

    @property
    def instructor(self) -> Visitor:
        return self.visitor(INSTRUCTOR, "instructor")

    def hand_in(self, sub: str, response: str = "I ask for two photos.", key: str = "") -> str:
        """An answer, kept and put before a human. Returns the evidence's id."""
        visitor = self.visitor(sub)
        with self.database.write() as session:
            task = session.get_one(PracticeTask, self.task_id)
            attempt = record_attempt(
                session, visitor, task, key=key or new_id(), response=response, feedback=[]
            )
            return submit_attempt(session, visitor, attempt, task).id

    def decide(
        self,
        evidence_id: str,
        number: int,
        comment: str = "",
        *,
        after: str | None = "latest",
        visitor: Visitor | None = None,
    ) -> Confirmation:
        """A reviewer's decision worth `number` of 31, made in sight of the latest one unless `after` says otherwise."""
        reviewer = visitor or self.instructor
        with self.database.write() as session:
            evidence = access_evidence(session, reviewer, evidence_id)
            seen = confirmation_of(session, evidence_id)
            return record_confirmation(
                session,
                reviewer,
                evidence,
                session.get_one(PracticeTask, self.task_id),
                met=met(number),
                comment=comment,
                after=(seen.id if seen else None) if after == "latest" else after,
            )

    def score_of(self, sub: str) -> ScoreRow | None:
        """The learner's score row in this activity's column."""
        with self.database.read() as session:
            return session.scalars(
                select(ScoreRow).where(
                    ScoreRow.line_item_id == self.line_item_id, ScoreRow.user_id == self.people[sub]
                )
            ).one_or_none()

    def all_of(self, model: Any) -> list[Any]:
        """Every row of a table, in the order of their ids."""
        with self.database.read() as session:
            return list(session.scalars(select(model).order_by(model.id)))

    def evidence(self, evidence_id: str) -> Evidence:
        with self.database.read() as session:
            return session.get_one(Evidence, evidence_id)


def met(number: int) -> dict[str, bool]:
    """The decision worth `number` of 31."""
    return {f"c{weight}": bool(number & weight) for weight in WEIGHTS}


def points(number: int) -> float:
    """What that decision gives of 100."""
    return round(number / sum(WEIGHTS) * 100, 2)


def make_course(
    database: Database,
    *,
    name: str = "north",
    base: str = "https://lms.example",
    platform: str = "generic",
    line_item: str | None = "/mod/lti/services.php/7/lineitems/1/lineitem?type_id=3",
    learners: tuple[str, ...] = LEARNERS,
    allow_private: bool = False,
    registration_id: str | None = None,
) -> Course:
    """An organisation with everything down to the column, at the addresses of a `FakePlatform(base=base)`.

    `registration_id` takes a platform that was registered elsewhere; `line_item` None leaves the column to be made.
    """
    with database.write() as session:

        def added(row: Any) -> Any:
            session.add(row)
            session.flush()
            return row

        if registration_id is None:
            organisation = added(Organisation(name=name))
            registration = added(
                Registration(
                    organisation_id=organisation.id, name=name, issuer=base, client_id="client-1",
                    auth_url=f"{base}/auth", token_url=f"{base}/token", jwks_url=f"{base}/jwks",
                    platform=platform, allow_private=allow_private,
                )
            )  # fmt: skip
            deployment = added(
                Deployment(
                    registration_id=registration.id, organisation_id=organisation.id, deployment_id="1"
                )
            )
        else:
            registration = session.get_one(Registration, registration_id)
            organisation = session.get_one(Organisation, registration.organisation_id)
            deployment = session.scalars(
                select(Deployment).where(Deployment.registration_id == registration_id)
            ).one()
        context = added(
            Context(deployment_id=deployment.id, organisation_id=organisation.id, lti_id="course-7")
        )
        link = added(ResourceLink(context_id=context.id, lti_id="link-1", title="Handle a damaged parcel"))
        people = {
            sub: added(User(registration_id=registration.id, organisation_id=organisation.id, sub=sub)).id
            for sub in (*learners, INSTRUCTOR, ASSISTANT)
        }
        task = added(
            PracticeTask(
                organisation_id=organisation.id, collection_id="parcels", key="damaged-parcel", skill_key="care",
                definition={"title": "Handle a damaged parcel", "criteria": CRITERIA, "tries": 1000},
            )
        )  # fmt: skip
        item = added(
            LineItem(
                context_id=context.id, resource_link_id=link.id, tag=PRACTICE, label="Handle a damaged parcel",
                url=line_item and f"{base}{line_item}", scopes=sorted(ALL_SCOPES),
                container_url=f"{base}/mod/lti/services.php/7/lineitems?type_id=3",
            )
        )  # fmt: skip
        return Course(
            database, organisation.id, registration.id, context.id, link.id, item.id, task.id, people
        )
