"""Fixtures of the course: the seeded campus."""

from __future__ import annotations

from tests.app.rooms.campus_fixtures import campus, seeded_folder

__all__ = ["campus", "seeded_folder"]
