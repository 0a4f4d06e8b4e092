"""What a running process holds: made once by `make_services`, handed to requests as `app.state.services` and to jobs as their state."""

from __future__ import annotations

from dataclasses import dataclass, field

from app.kit.db import Database
from app.kit.egress import EgressClient
from app.kit.jobs import Job, Worker
from app.kit.settings import Settings
from app.kit.vault import Vault
from retrieval import Retrieval


@dataclass
class Services:
    """`worker` is None where the work in the background is another process's; `wake()` then only saves nothing."""

    settings: Settings
    database: Database
    egress: EgressClient
    vault: Vault
    retrieval: Retrieval
    worker: Worker | None = field(default=None)

    def wake(self) -> None:
        """There is new work in the background."""
        if self.worker is not None:
            self.worker.wake()

    def close(self) -> None:
        self.egress.close()
        self.database.dispose()


def make_services(settings: Settings) -> Services:
    """Opens the database, the vault and the indexes of `settings`; loads no model yet."""
    settings.data_dir.mkdir(parents=True, exist_ok=True)
    database = Database(settings.sqlalchemy_url)
    return Services(
        settings=settings,
        database=database,
        egress=EgressClient(allow_http=settings.demo),
        vault=Vault.open(settings.secret, settings.data_dir),
        retrieval=Retrieval(database.writing, settings.data_dir, chroma_url=settings.chroma_url or None),
    )


__all__ = ["Job", "Services", "make_services"]
