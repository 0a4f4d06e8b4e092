"""An ingest that is killed halfway is finished by the next worker: all of the document, once."""

from __future__ import annotations

import time
from collections import Counter
from datetime import timedelta
from typing import Any

from sqlalchemy import select, update

from app.kit.clock import now
from retrieval.models import CollectionRow, DocumentRow, PassageRow
from tests.faults.world import World

SECTIONS = 60
DOCUMENT = "# Handbook\n\n" + "\n\n".join(
    f"## Rule {number}\n\nA parcel of kind {number} waits at depot {number % 7} for {number % 5 + 1} days. "
    f"Ask the customer for photo {number} before anything is refunded, and write down the case number. "
    "Say who calls back and when, and keep to it even where the answer is still open."
    for number in range(SECTIONS)
)


def test_killed_halfway_the_document_is_taken_in_whole(world: World) -> None:
    retrieval = world.services.retrieval
    collection = retrieval.collection(world.course.organisation_id, "parcels", create=True)
    with world.services.database.write() as session:
        document_id = retrieval.add_document(session, collection.id, "handbook.md", DOCUMENT.encode()).id

    def column(name: str) -> Any:
        with world.services.database.read() as session:
            return session.scalar(select(getattr(DocumentRow, name)).where(DocumentRow.id == document_id))

    def is_indexed() -> bool:
        with world.services.database.read() as session:
            row = session.get_one(CollectionRow, collection.id)
            return 0 < row.version == row.indexed_version

    worker = world.start_worker()
    world.until(lambda: column("lease_owner"))
    time.sleep(0.3)
    worker.kill()
    assert column("status") == "waiting"
    assert column("lease_owner"), "killed with the document in hand"
    with world.services.database.write() as session:
        # Two minutes pass.
        session.execute(update(DocumentRow).values(lease_until=now() - timedelta(seconds=1)))
    with world.working():
        world.until(lambda: column("status") == "ready", 240)
        world.until(is_indexed)
    with world.services.database.read() as session:
        passages = session.scalars(select(PassageRow).order_by(PassageRow.ordinal)).all()
    assert [passage.ordinal for passage in passages] == list(range(len(passages)))
    headings = Counter(passage.heading_path[-1] for passage in passages)
    assert all(headings[f"Rule {number}"] for number in range(SECTIONS))
    texts = Counter(passage.text for passage in passages)
    assert max(texts.values()) == 1, "a passage twice"
