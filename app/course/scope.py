"""What the coach may use in an activity: the collections of the visitor's own organisation, narrowed by the activity's settings."""

from __future__ import annotations

from app.course.access import Visitor
from retrieval import Retrieval, Scope

COLLECTION_PARAMETER = "collection"


def coach_scope(retrieval: Retrieval, visitor: Visitor) -> Scope:
    """The scope of a visit.

    An activity that was placed here has its choice of collections, by id. One that was made by hand may name collections in
    the custom parameter `collection` (a comma list, set by the instructor in the LMS and signed by it). A collection that the
    organisation doesn't have adds nothing, and never another organisation's. Without a choice the coach may use all of the
    organisation's collections.
    """
    own = retrieval.collections(visitor.organisation_id)
    if visitor.placed is not None:
        ids = set(visitor.placed.get("collections") or ())
        return Scope(
            visitor.organisation_id, frozenset(found.id for found in own if not ids or found.id in ids)
        )
    wanted = {
        name.strip() for name in visitor.custom.get(COLLECTION_PARAMETER, "").split(",") if name.strip()
    }
    chosen = {collection.id for collection in own if not wanted or collection.name in wanted}
    return Scope(visitor.organisation_id, frozenset(chosen))
