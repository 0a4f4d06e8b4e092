"""What the coach may use in an activity: the collections of the visitor's own organisation, narrowed by the activity's settings."""

from __future__ import annotations

from app.course.access import Visitor
from retrieval import Retrieval, Scope

COLLECTION_PARAMETER = "collection"


def coach_scope(retrieval: Retrieval, visitor: Visitor) -> Scope:
    """The scope of a visit.

    The custom parameter `collection` (a comma list, set by the instructor in the LMS and signed by it) names collections; a
    name that the organisation doesn't have adds nothing, and never another organisation's. Without the parameter the coach
    may use all of the organisation's collections.
    """
    own = retrieval.collections(visitor.organisation_id)
    wanted = {
        name.strip() for name in visitor.custom.get(COLLECTION_PARAMETER, "").split(",") if name.strip()
    }
    chosen = {collection.id for collection in own if not wanted or collection.name in wanted}
    return Scope(visitor.organisation_id, frozenset(chosen))
