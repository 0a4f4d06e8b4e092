"""Library: the documents that coaches may use. Its pages come with the studio; its job takes in what was uploaded."""

from __future__ import annotations

from datetime import timedelta

from app.kit.jobs import Job
from app.kit.room import Room
from app.rooms.library.service import free_documents, ingest_next

ROOM = Room(
    name="library", jobs=(Job("ingest_documents", ingest_next, timedelta(seconds=2), free_documents),)
)
