"""What the coach may use in an activity: the collections of the visitor's own organisation, narrowed by the activity's settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.course.access import Visitor
from retrieval import Retrieval, Scope

COLLECTION_PARAMETER = "collection"


def coach_scope(retrieval: Retrieval, visitor: Visitor) -> Scope:
    """The scope of a visit: that of its activity."""
    return activity_scope(retrieval, visitor.organisation_id, visitor.placed, visitor.custom)


def activity_scope(
    retrieval: Retrieval,
    organisation_id: str,
    placed: Mapping[str, Any] | None,
    custom: Mapping[str, str],
) -> Scope:
    """The scope of an activity, by the settings of its placement (`placed`) or, without one, its custom parameters.

    An activity that was placed here has its choice of collections, by id. One that was made by hand may name collections in
    the custom parameter `collection` (a comma list, set by the instructor in the LMS and signed by it). A collection that the
    organisation doesn't have adds nothing, and never another organisation's. Without a choice the coach may use all of the
    organisation's collections.
    """
    own = retrieval.collections(organisation_id)
    if placed is not None:
        ids = set(placed.get("collections") or ())
        return Scope(organisation_id, frozenset(found.id for found in own if not ids or found.id in ids))
    wanted = {name.strip() for name in custom.get(COLLECTION_PARAMETER, "").split(",") if name.strip()}
    chosen = {collection.id for collection in own if not wanted or collection.name in wanted}
    return Scope(organisation_id, frozenset(chosen))
