"""Courses that were copied. A copy keeps what the activities show; of the old course's people, talk and work it knows nothing.

Platforms tell of a copy in two ways: custom variables with each launch (`$Context.id.history`, `$ResourceLink.id.history`, core
appendix B), or a notice when it happens. Either names the platform's ids of the courses that came before, newest first. Where a
platform tells nothing, the id that a placed activity carries in its custom parameters still leads to its content.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.course.models import Context, ContextCopy, Deployment, Placement, ResourceLink
from lti.claims import is_variable

# Our names for the two custom parameters, and the variables that a platform puts in their place.
CONTEXT_HISTORY = "context_history"
LINK_HISTORY = "resource_link_history"
HISTORY = {CONTEXT_HISTORY: "$Context.id.history", LINK_HISTORY: "$ResourceLink.id.history"}
# A course copied every term for ten years is far from this.
_MOST_ORIGINS = 50


def ids_of_history(value: str | None) -> list[str]:
    """The ids of a history variable, newest first: a comma list of URL-encoded ids; [] for what was left out or unsubstituted."""
    if value is None or is_variable(value):
        return []
    ids = [unquote(part.strip()) for part in value.split(",")[:_MOST_ORIGINS]]
    return list(dict.fromkeys(one for one in ids if one and len(one) <= 255 and "\x00" not in one))


def record_copy(session: Session, context: Context, origin_lti_ids: Sequence[str]) -> Context | None:
    """Writes down that `context` was copied from these courses (newest first); returns the newest that we know, or None.

    Courses of the same registration and organisation count; any other is recorded as an id that leads nowhere. Telling it
    again changes nothing, except that an origin which has become known meanwhile is found.
    """
    named = [lti_id for lti_id in origin_lti_ids[:_MOST_ORIGINS] if lti_id != context.lti_id]
    if not named:
        return None
    known = {row.lti_id: row for row in session.scalars(_siblings(session, context, named))}
    told = {
        row.origin_lti_id: row
        for row in session.scalars(select(ContextCopy).where(ContextCopy.context_id == context.id))
    }
    for number, lti_id in enumerate(named):
        origin_id = known[lti_id].id if lti_id in known else None
        if lti_id not in told:
            session.add(
                ContextCopy(
                    context_id=context.id, origin_lti_id=lti_id, origin_context_id=origin_id, number=number
                )
            )
        else:
            told[lti_id].number = number
            told[lti_id].origin_context_id = told[lti_id].origin_context_id or origin_id
    session.flush()
    return next((known[lti_id] for lti_id in named if lti_id in known), None)


def newest_origin(session: Session, context: Context) -> Context | None:
    """The course that this one is a copy of, as last recorded: by a notice, for instance, before anybody opened the copy."""
    return session.scalars(
        select(Context)
        .join(ContextCopy, ContextCopy.origin_context_id == Context.id)
        .where(ContextCopy.context_id == context.id)
        .order_by(ContextCopy.number, ContextCopy.id)
        .limit(1)
    ).first()


def inherited_placement(
    session: Session,
    context: Context,
    link: ResourceLink,
    origin: Context | None,
    link_history: Sequence[str],
) -> Placement | None:
    """What the activity shows because the one that it was copied from does, or None.

    The platform says which activity that was (`link_history`, newest first); else it is the origin's one activity that carries
    the same `placement` parameter. The placement is the only thing that passes from a course to its copy.
    """
    for lti_id in link_history:
        found = session.scalars(
            select(Placement)
            .join(ResourceLink, ResourceLink.placement_id == Placement.id)
            .join(Context, Context.id == ResourceLink.context_id)
            .join(Deployment, Deployment.id == Context.deployment_id)
            .where(
                ResourceLink.lti_id == lti_id,
                ResourceLink.id != link.id,
                Context.organisation_id == context.organisation_id,
                Deployment.registration_id == _registration_of(session, context),
                Placement.organisation_id == context.organisation_id,
            )
            .order_by(ResourceLink.id.desc())
            .limit(1)
        ).first()
        if found is not None:
            return found
    carried = link.custom.get("placement")
    origin = origin or newest_origin(session, context)
    if origin is None or not carried:
        return None
    rows = session.execute(
        select(ResourceLink, Placement)
        .join(Placement, Placement.id == ResourceLink.placement_id)
        .where(ResourceLink.context_id == origin.id, Placement.organisation_id == context.organisation_id)
    )
    return next((placement for old, placement in rows if old.custom.get("placement") == carried), None)


def _siblings(session: Session, context: Context, lti_ids: Sequence[str]) -> Select[Context]:
    """The courses of these ids in the same registration and organisation: Canvas gives each course a deployment of its own."""
    return (
        select(Context)
        .join(Deployment, Deployment.id == Context.deployment_id)
        .where(
            Context.lti_id.in_(lti_ids),
            Context.id != context.id,
            Context.organisation_id == context.organisation_id,
            Deployment.registration_id == _registration_of(session, context),
        )
        # The same id in two deployments: the copy's own deployment is nearer.
        .order_by(Context.deployment_id == context.deployment_id, Context.id)
    )


def _registration_of(session: Session, context: Context) -> str:
    return session.scalars(
        select(Deployment.registration_id).where(Deployment.id == context.deployment_id)
    ).one()
