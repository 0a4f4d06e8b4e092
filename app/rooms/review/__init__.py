"""Review: what learners handed in, beside the rubric; a person decides."""

from __future__ import annotations

from app.course.access import REVIEWERS
from app.kit.errors import N_
from app.kit.room import NavigationItem, Room
from app.rooms.review.routes import router
from app.rooms.review.service import due_for_review

ROOM = Room(
    name="review",
    router=router,
    navigation=(NavigationItem("/review", N_("Review"), REVIEWERS),),
    due=due_for_review,
)
