"""Two learners and two courses of one organisation, as those who pay for calls of models."""

from __future__ import annotations

from app.coach.chat import Payer
from app.course.models import Context, Deployment
from app.kit.db import Database
from tests.app.evidence.course import LEARNERS, make_course


def make_payers(database: Database) -> list[Payer]:
    """The first learner in the first course, the second one there too, and the first one in the second course."""
    course = make_course(database)
    with database.write() as session:
        context = session.get_one(Context, course.context_id)
        deployment = session.get_one(Deployment, context.deployment_id)
        second = Context(
            deployment_id=deployment.id,
            organisation_id=course.organisation_id,
            lti_id="second",
            title="Returns",
        )
        session.add(second)
        session.flush()
    one, two = (course.people[sub] for sub in LEARNERS[:2])
    return [
        Payer(course.organisation_id, course.context_id, one),
        Payer(course.organisation_id, course.context_id, two),
        Payer(course.organisation_id, second.id, one),
    ]
