"""Administration: the platforms that may launch Workside, how they are registered, and how they are doing."""

from __future__ import annotations

from app.kit.room import Room
from app.rooms.admin import models

ROOM = Room(name="admin")
__all__ = ["ROOM", "models"]
