"""Migrations: the one way to a schema, for the service, the command line and the tests alike."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, text

MIGRATIONS = Path(__file__).parents[1] / "migrations"
# One number that all replicas know: who holds it migrates, the others wait and then find nothing to do.
_ADVISORY_LOCK = 7_305_213


def alembic_config(url: str) -> Config:
    """Alembic's configuration for one database, without a file."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Brings the database to the newest revision; does nothing where it is there already. Safe to call from many replicas."""
    config = alembic_config(url)
    engine = create_engine(url)
    try:
        if is_current(engine):
            return
        if engine.dialect.name == "postgresql":
            with engine.connect() as connection:
                connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": _ADVISORY_LOCK})
                try:
                    command.upgrade(config, "head")
                finally:
                    connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": _ADVISORY_LOCK})
        else:
            with _one_process_at_a_time(Path(engine.url.database or "workside.db")):
                command.upgrade(config, "head")
    finally:
        engine.dispose()


@contextmanager
def _one_process_at_a_time(database: Path) -> Iterator[None]:
    """SQLite has no advisory lock: a file beside the database is held while its schema changes; the kernel frees it on a kill."""
    database.parent.mkdir(parents=True, exist_ok=True)
    with open(f"{database}.migrating", "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def is_current(engine: Engine) -> bool:
    """Whether the database stands at the newest revision."""
    head = ScriptDirectory(str(MIGRATIONS)).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head
