"""What a running process holds: made once by `make_services`, for requests (`app.state.services`) and jobs alike."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import lti
from app.course.health import DatabaseObserver
from app.course.keys import DatabaseKeys, DatabaseTokenCache
from app.course.protocol import PlatformEgress
from app.kit.clock import now
from app.kit.db import Database
from app.kit.egress import EgressClient
from app.kit.jobs import Worker
from app.kit.room import PlanSeed
from app.kit.settings import Settings
from app.kit.vault import Vault
from retrieval import Embedder, Retrieval

P = TypeVar("P")


@dataclass
class Services:
    """`worker` is None where the work in the background is another process's; `wake()` then only saves nothing.

    `first_pages` says for each kind of placement where a launch of it begins; the rooms declare them (`Room.placements`).
    `starters` are the rooms' own one-tap questions (`Room.starters`), `plan_seeds` what plans can begin with (`Room.plan_seeds`).
    """

    settings: Settings
    database: Database
    egress: EgressClient
    vault: Vault
    retrieval: Retrieval
    platform: lti.Services
    observer: DatabaseObserver
    worker: Worker | None = field(default=None)
    first_pages: dict[str, Callable[[Mapping[str, Any]], str]] = field(default_factory=dict)
    starters: tuple[Callable[..., Sequence[str]], ...] = ()
    plan_seeds: tuple[Callable[..., Sequence[PlanSeed]], ...] = ()
    _parts: dict[type[Any], Any] = field(default_factory=dict)
    _making: threading.RLock = field(default_factory=threading.RLock)

    def part(self, kind: type[P], make: Callable[[Services], P]) -> P:
        """The process's one `kind` of a floor above this one, made by `make` when it is first asked for."""
        with self._making:
            if kind not in self._parts:
                self._parts[kind] = make(self)
            part: P = self._parts[kind]
            return part

    def wake(self) -> None:
        """There is new work in the background."""
        if self.worker is not None:
            self.worker.wake()

    def close(self) -> None:
        self.egress.close()
        self.observer.close()
        self.database.dispose()


def make_services(settings: Settings, *, embedder: Embedder | None = None) -> Services:
    """Opens the database, the vault and the indexes of `settings`; loads no model yet. `embedder` replaces the packaged one."""
    # What learners wrote lies in it: for the account that runs the service only.
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    database = Database(settings.sqlalchemy_url)
    egress = EgressClient(allow_http=settings.demo)
    vault = Vault.open(settings.secret, settings.data_dir)
    observer = DatabaseObserver(database)
    return Services(
        settings=settings,
        database=database,
        egress=egress,
        vault=vault,
        retrieval=Retrieval(
            database.reading,
            settings.data_dir,
            embedder=embedder,
            writing=database.writing,
            chroma_url=settings.chroma_url or None,
        ),
        platform=make_platform_services(database, vault, PlatformEgress(egress), observer),
        observer=observer,
    )


def make_platform_services(
    database: Database, vault: Vault, egress: lti.Egress, observer: lti.Observer | None = None
) -> lti.Services:
    """What a call to a platform's services needs. One for a process: it holds the locks of the token cache."""
    tokens = lti.ServiceTokens(
        egress, DatabaseKeys(database, vault), DatabaseTokenCache(database, vault), now, observer=observer
    )
    return lti.Services(egress, tokens, now)
