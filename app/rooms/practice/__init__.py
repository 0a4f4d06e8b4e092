"""Practice: real tasks with a checklist, formative feedback, a retry, and a hand-in."""

from __future__ import annotations

from app.course.access import EVERYONE
from app.course.task_files import LARGEST_FILE
from app.kit.errors import N_
from app.kit.privacy import PersonalData
from app.kit.room import NavigationItem, PlacementKind, Room
from app.rooms.practice.answers import LARGEST_FILE_MB
from app.rooms.practice.authoring_routes import authoring_router
from app.rooms.practice.placing import first_page, task_options, task_preview
from app.rooms.practice.routes import router
from app.rooms.practice.service import due_for_practice

router.include_router(authoring_router)

ROOM = Room(
    name="practice",
    router=router,
    navigation=(NavigationItem("/practice", N_("Practise"), EVERYONE),),
    placements=(
        PlacementKind(
            key="practice",
            label=N_("Practice task"),
            description=N_(
                "A real case. Learners write what they would write at work, get a suggestion, and hand it in to you."
            ),
            options=task_options,
            preview=task_preview,
            preview_template="practice/preview.html",
            first_page=first_page,
            is_graded=True,
        ),
    ),
    personal_data=(
        PersonalData(
            "task_draft",
            "changed_by",
            "Who wrote a practice task that is not published, and when",
            "those who teach the course",
        ),
    ),
    uploads={
        "/practice/{key}/attempts": LARGEST_FILE_MB * 1_000_000,
        "/tasks/new/from-file": LARGEST_FILE,
    },
    due=due_for_practice,
)
