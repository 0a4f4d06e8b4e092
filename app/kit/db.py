"""The database: one engine, units of work that commit before the response, and column types that keep their promises."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any

from fastapi import Depends, Request
from sqlalchemy import DateTime, Dialect, MetaData, create_engine, event
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMING)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime. Naive values are refused at the door; SQLite, which keeps no zone, gets one back on reading."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime reached the database: take times from app.kit.clock")
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


# FastAPI runs handlers in 40 threads, beside them work a few jobs. A thread may hold one session and need a second (a page that
# searches), so there must be more connections for reading than threads, or all could wait for each other.
_READING = {"pool_size": 10, "max_overflow": 50}
_WRITING = {"pool_size": 5, "max_overflow": 15}
# SQLite has one writer at a time: who waits does so in our own queue, in turn, and not in SQLite's polling loop.
_WRITING_SQLITE = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 60}


class Database:
    """Two kinds of units of work, each with connections of its own: one that reads never waits for those that write.

    On SQLite a unit that means to write takes the write lock with its first statement (BEGIN IMMEDIATE): a deferred one that
    reads first and writes later fails at once with "database is locked" when another process wrote in between.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # hide_parameters: an error's text names columns, not what a learner wrote into them.
        if url.startswith("sqlite"):
            sqlite: dict[str, Any] = {
                "hide_parameters": True,
                "connect_args": {"timeout": 30, "check_same_thread": False},
            }
            self.engine = create_engine(url, **sqlite, **_READING)
            self._writing_engine = create_engine(url, **sqlite, **_WRITING_SQLITE)
            event.listen(self.engine, "begin", _begin_reading)
            event.listen(self._writing_engine, "begin", _begin_writing)
            for engine in (self.engine, self._writing_engine):
                event.listen(engine, "connect", _prepare_sqlite)
        else:
            self.engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, **_READING)
            self._writing_engine = create_engine(url, hide_parameters=True, pool_pre_ping=True, **_WRITING)
        self.reading: sessionmaker[Session] = sessionmaker(self.engine, expire_on_commit=False)
        self.writing: sessionmaker[Session] = sessionmaker(self._writing_engine, expire_on_commit=False)

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session that changes nothing; what it would change is rolled back."""
        with self.reading() as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """One transaction: committed as a whole at the end of the block, or rolled back as a whole."""
        with self.writing.begin() as session:
            yield session

    def dispose(self) -> None:
        self.engine.dispose()
        self._writing_engine.dispose()


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the "begin" event decides how a transaction starts, not the driver
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode=WAL")
    # An acknowledged grade survives a power cut, not only a killed process.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute("PRAGMA busy_timeout=30000")
    cursor.close()


def _begin_reading(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(connection: Any) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def assign(row: Base, **values: Any) -> None:
    """Sets the columns that differ. SQLAlchemy looks a row through whenever anything was set on it, also to what it was."""
    for name, value in values.items():
        if getattr(row, name) != value:
            setattr(row, name, value)


def unit_of_work(request: Request) -> Iterator[Session]:
    """The session of one request, committed before the response is sent.

    Use it as `Depends(unit_of_work, scope="function")` (or the `Db` alias): with FastAPI's default scope the response would
    leave before the commit, and a client could be told of something that then fails.
    """
    database: Database = request.app.state.database
    manager = database.read() if request.method in {"GET", "HEAD"} else database.write()
    with manager as session:
        yield session


Db = Annotated[Session, Depends(unit_of_work, scope="function")]
