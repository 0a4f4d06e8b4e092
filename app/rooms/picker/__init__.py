"""Picker: what an instructor can put into a course, with a preview of each, and the answer that the platform gets."""

from __future__ import annotations

from app.kit.room import Room
from app.rooms.picker.routes import router

ROOM = Room(
    name="picker",
    router=router,
    public={
        "/picker/return/{code}": "Posts a choice to the platform: the code itself is the proof, works once and for 60 seconds."
    },
)
