"""Administration: the platforms that may launch Workside, how they are registered, and how they are doing."""

from __future__ import annotations

from fastapi import APIRouter

from app.kit.room import Room
from app.rooms.admin import doors, registering, routes, spending

router = APIRouter()
for part in (doors, routes, registering, spending):
    router.include_router(part.router)

ROOM = Room(
    name="admin",
    router=router,
    public={
        "/admin/sign-in/{code}": "Signs an operator in: the code is the proof, works once and for ten minutes; GET shows a button.",
        "/lti/register/{code}": "A platform registers itself: the invitation is the proof; without an open one nothing is sent.",
        "/lti/canvas.json": "Our addresses, as Canvas's administrators have them fetched; the same for everybody.",
    },
)
