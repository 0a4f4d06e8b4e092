"""Taking documents in, from the command line and in the background."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from rich.progress import Progress

from app.course.loading import organisation_named
from app.course.services import Services
from app.kit.jobs import OWNER, LeaseTest
from retrieval import Scope, UnsupportedFormat
from retrieval.parsing import media_type_of

# How long the command line waits for a document that another process has under its lease.
_POLL_SECONDS = 0.5


class PathMissing(Exception):
    """A path that is no file or folder, or a folder without one readable file."""


def ingest_next(services: Services) -> bool:
    """Takes in one waiting document; the document's row is the queue."""
    return services.retrieval.ingest_next(OWNER)


def free_documents(services: Services, is_nobodys: LeaseTest) -> int:
    """Ends the leases on documents that `is_nobodys` says are nobody's, so that a killed worker's document is read at once."""
    with services.database.write() as session:
        return services.retrieval.free_leases(session, is_nobodys)


def add_files(
    services: Services, paths: Sequence[Path], collection: str, organisation: str
) -> tuple[Scope, list[dict[str, Any]]]:
    """Records every file under `paths` as waiting. Returns the scope they stand in and the files that we don't read, with why.

    All paths are looked at before anything is kept, so that a typing error leaves nothing half done.
    """
    files: list[tuple[str, Path]] = []
    for path in paths:
        if path.is_file():
            files.append((path.name, path))
        elif path.is_dir():
            inside = [
                p
                for p in sorted(path.rglob("*"))
                if p.is_file()
                and p.resolve().is_relative_to(path.resolve())
                and not any(part.startswith(".") for part in p.relative_to(path).parts)
            ]
            if not inside:
                raise PathMissing(f"{path} has no files.")
            files.extend((p.relative_to(path).as_posix(), p) for p in inside)
        else:
            raise PathMissing(f"{path} does not exist. Give files or folders.")
    repeated = [name for name, count in Counter(name for name, _ in files).items() if count > 1]
    if repeated:
        raise PathMissing(
            f"Two of the files are both called {repeated[0]}. Ingest their common folder instead, so that the names differ."
        )
    with services.database.write() as session:
        organisation_id = organisation_named(session, organisation, create=True).id
    found = services.retrieval.collection(organisation_id, collection, create=True)
    unread: list[dict[str, Any]] = []
    with services.database.write() as session:
        for name, path in files:
            try:
                media_type_of(name)
                services.retrieval.add_document(session, found.id, name, path.read_bytes())
            except UnsupportedFormat as error:
                unread.append({"document": name, "status": "refused", "passages": 0, "problem": str(error)})
    return Scope(organisation_id, frozenset({found.id})), unread


def take_in(
    services: Services, added: tuple[Scope, list[dict[str, Any]]], bar: Progress
) -> list[dict[str, Any]]:
    """Works until no document of the scope waits, showing how many are done; returns a report for each document."""
    scope, unread = added
    waiting = [d.id for d in services.retrieval.documents(scope) if d.status == "waiting"]
    task = bar.add_task("Reading documents", total=len(waiting))
    while left := [d for d in services.retrieval.documents(scope) if d.status == "waiting"]:
        bar.update(task, completed=len(waiting) - len(left), description=f"Reading {left[0].filename}")
        if not services.retrieval.ingest_next(OWNER):
            time.sleep(_POLL_SECONDS)  # another process has what is left under its lease
    while services.retrieval.ingest_next(OWNER):
        pass  # the vector index of what was just taken in
    bar.update(task, completed=len(waiting))
    reports = [
        {
            "document": document.filename,
            "status": document.status,
            "passages": len(services.retrieval.passages_of(scope, document.id)),
            "problem": document.error_detail,
        }
        for document in services.retrieval.documents(scope)
    ]
    return reports + unread
