"""The database: units of work, types, migrations by many at once, and the claim of a row."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import String, Text, create_engine, inspect, select
from sqlalchemy.exc import IntegrityError, StatementError
from sqlalchemy.orm import Mapped, mapped_column
from starlette.responses import JSONResponse
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

import app.course.models
import app.evidence.models
import app.rooms.ask.models  # noqa: F401 - all models are in the metadata
from app.kit.audit import AuditEvent, record_event
from app.kit.db import Base, Database, Db, UtcDateTime
from app.kit.ids import new_id
from app.kit.jobs import Job, Worker, claim_row
from app.kit.migrate import is_current, migrate
from retrieval.models import RetrievalBase


class Chore(Base):
    """A row of work that only these tests have."""

    __tablename__ = "chore_of_tests"

    id: Mapped[str] = mapped_column(String(32), primary_key=True, default=new_id)
    words: Mapped[str] = mapped_column(Text, default="")
    at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    lease_owner: Mapped[str | None] = mapped_column(String(200))
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)


Base.metadata.remove(Chore.__table__)  # so that the schema of the application is only its own


@pytest.fixture
def database(tmp_path: Path, migrated_database: Path) -> Iterator[Database]:
    """A migrated database with the chores' table in it."""
    path = tmp_path / "workside.db"
    path.write_bytes(migrated_database.read_bytes())
    made = Database(f"sqlite:///{path}")
    Chore.__table__.create(made.engine)  # type: ignore[attr-defined]
    yield made
    made.dispose()


# ---- Units of work


def test_a_unit_that_fails_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        session.add(Chore(words="half"))
        session.flush()
        raise RuntimeError
    with database.read() as session:
        assert session.scalars(select(Chore)).all() == []


def test_what_a_reading_unit_changes_is_rolled_back(database: Database) -> None:
    with database.read() as session:
        session.add(Chore(words="x"))
        session.flush()
    with database.read() as session:
        assert session.scalars(select(Chore)).all() == []


def test_a_unit_that_reads_first_and_writes_later_is_not_locked_out(database: Database) -> None:
    """Many read-then-write units at once: each one sees the ones before it, none fails with "database is locked"."""
    with database.write() as session:
        session.add(Chore(id="counter", words="0"))
    problems: list[Exception] = []

    def count_up() -> None:
        try:
            for _ in range(10):
                with database.write() as session:
                    row = session.get_one(Chore, "counter")
                    row.words = str(int(row.words) + 1)
        except Exception as error:
            problems.append(error)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    with database.read() as session:
        assert session.get_one(Chore, "counter").words == "40"


def test_an_error_does_not_repeat_what_was_written(database: Database) -> None:
    with database.write() as session:
        session.add(Chore(id="same"))
    with pytest.raises(IntegrityError) as refused, database.write() as session:
        session.add(Chore(id="same", words="zebra canary"))
    assert "zebra" not in str(refused.value)


def test_a_row_that_points_nowhere_is_refused(database: Database) -> None:
    from app.rooms.ask.models import Turn

    with pytest.raises(IntegrityError), database.write() as session:
        session.add(Turn(conversation_id="nowhere", number=1, question="", verdict="", answer={}))


class Recorder:
    """Notes, at the moment when the response leaves, whether another connection sees the row."""

    def __init__(self, app: FastAPI, database: Database) -> None:
        self.app = app
        self.database = database
        self.seen_at_start: list[list[str]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_and_look(message: Message) -> None:
            if message["type"] == "http.response.start":
                with self.database.read() as session:
                    self.seen_at_start.append(list(session.scalars(select(Chore.words))))
            await send(message)

        await self.app(scope, receive, send_and_look)


def test_a_request_commits_before_its_response_leaves(database: Database) -> None:
    app = FastAPI()
    app.state.database = database

    @app.post("/chores")
    def add(session: Db) -> dict[str, bool]:
        session.add(Chore(words="done"))
        return {"done": True}

    recorder = Recorder(app, database)
    answer = TestClient(recorder).post("/chores")
    assert answer.json() == {"done": True}
    assert recorder.seen_at_start == [["done"]]


def test_a_request_whose_commit_fails_is_not_told_that_it_was_done(database: Database) -> None:
    app = FastAPI()
    app.state.database = database

    @app.post("/chores")
    def add(session: Db) -> dict[str, bool]:
        session.add_all([Chore(id="same"), Chore(id="same")])  # is refused when the unit commits, not before
        return {"done": True}

    @app.exception_handler(IntegrityError)
    def refused(*_: object) -> JSONResponse:
        return JSONResponse({"done": False}, 409)

    answer = TestClient(app).post("/chores")
    assert (answer.status_code, answer.json()) == (409, {"done": False})


def test_a_get_writes_nothing(database: Database) -> None:
    app = FastAPI()
    app.state.database = database

    @app.get("/chores")
    def add(session: Db) -> dict[str, bool]:
        session.add(Chore(words="sneaked in"))
        session.flush()
        return {}

    assert TestClient(app).get("/chores").status_code == 200
    with database.read() as session:
        assert session.scalars(select(Chore)).all() == []


# ---- Times


def test_a_time_without_a_zone_is_refused_at_the_door(database: Database) -> None:
    with pytest.raises(StatementError, match="naive"), database.write() as session:
        session.add(Chore(at=datetime(2026, 1, 1)))


@given(
    st.datetimes(min_value=datetime(1990, 1, 1), max_value=datetime(2200, 1, 1)),
    st.integers(-14 * 60, 14 * 60),
)
def test_a_time_comes_back_as_the_same_moment_in_utc(moment: datetime, minutes: int) -> None:
    at = moment.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    engine = create_engine("sqlite://")
    kind = UtcDateTime()
    kept = kind.process_bind_param(at, engine.dialect)
    back = kind.process_result_value(kept, engine.dialect)
    assert back == at
    assert back is not None and back.utcoffset() == timedelta(0)


# ---- Claims


def test_of_many_workers_exactly_one_gets_a_row(database: Database) -> None:
    with database.write() as session:
        session.add_all([Chore(words=str(n)) for n in range(5)])
    taken: list[tuple[str, str]] = []
    barrier = threading.Barrier(4)

    def work(owner: str) -> None:
        barrier.wait()
        for _ in range(8):
            with database.write() as session:
                row = claim_row(session, select(Chore).order_by(Chore.id), Chore, owner, timedelta(minutes=5))
                if row is not None:
                    taken.append((row.id, owner))

    threads = [threading.Thread(target=work, args=(f"worker-{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(taken) == 5
    assert len({chore for chore, _ in taken}) == 5
    with database.read() as session:
        assert {(row.id, row.lease_owner) for row in session.scalars(select(Chore))} == set(taken)


def test_a_lease_that_ran_out_is_taken_up_by_whoever_is_alive(database: Database) -> None:
    with database.write() as session:
        session.add(Chore(id="one"))
    moment = [datetime(2026, 1, 1, tzinfo=UTC)]

    def claim(owner: str) -> bool:
        with database.write() as session:
            lease = timedelta(minutes=5)
            return claim_row(session, select(Chore), Chore, owner, lease, lambda: moment[0]) is not None

    assert claim("killed")
    moment[0] += timedelta(minutes=4, seconds=59)
    assert not claim("alive")
    moment[0] += timedelta(seconds=1)
    assert claim("alive")


# ---- The worker


def test_a_job_that_fails_is_tried_again_and_holds_up_no_other() -> None:
    tried, worked = threading.Event(), threading.Event()
    tries: list[int] = []

    def failing(_state: object) -> bool:
        tries.append(1)
        if len(tries) > 1:
            tried.set()
        raise RuntimeError("broken")

    def working(_state: object) -> bool:
        worked.set()
        return False

    every = timedelta(milliseconds=10)
    worker = Worker(None, [Job("failing", failing, every), Job("working", working, every)])
    worker.start()
    assert tried.wait(5) and worked.wait(5)
    assert worker.is_alive
    worker.stop()
    assert not worker.is_alive


def test_a_stopping_worker_finishes_what_it_has_in_hand() -> None:
    begun, may_end = threading.Event(), threading.Event()
    done: list[int] = []

    def long(_state: object) -> bool:
        begun.set()
        may_end.wait(5)
        done.append(1)
        return True

    worker = Worker(None, [Job("long", long, timedelta(seconds=60))])
    worker.start()
    assert begun.wait(5)
    threading.Timer(0.05, may_end.set).start()
    worker.stop()
    assert done == [1], "neither dropped nor begun again"


def test_a_waked_worker_does_not_wait_for_its_next_round() -> None:
    rounds: list[int] = []
    second = threading.Event()

    def look(_state: object) -> bool:
        rounds.append(1)
        if len(rounds) == 2:
            second.set()
        return False

    worker = Worker(None, [Job("look", look, timedelta(hours=1))])
    worker.start()
    worker.wake()
    assert second.wait(5)
    worker.stop()


# ---- Audit


def test_an_event_stands_and_falls_with_what_it_tells_of(database: Database) -> None:
    def record(session: object) -> None:
        record_event(
            session,  # type: ignore[arg-type]
            "chore.done",
            organisation_id="o",
            actor_id=None,
            subject_kind="chore",
            subject_id="1",
            number=3,
        )

    with pytest.raises(RuntimeError), database.write() as session:
        record(session)
        raise RuntimeError
    with database.write() as session:
        record(session)
    with database.read() as session:
        (event,) = session.scalars(select(AuditEvent))
        assert (event.action, event.actor_id, event.detail) == ("chore.done", None, {"number": 3})
        assert event.at.tzinfo is not None


# ---- Migrations


def _migrate(url: str, gate: object, problems: object) -> None:
    gate.wait()  # type: ignore[attr-defined]
    try:
        migrate(url)
    except BaseException as error:
        problems.put(repr(error))  # type: ignore[attr-defined]


def test_two_processes_may_migrate_an_empty_folder_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new/workside.db"
    (tmp_path / "new").mkdir()
    context = multiprocessing.get_context("spawn")
    gate, problems = context.Barrier(2), context.Queue()
    processes = [context.Process(target=_migrate, args=(url, gate, problems)) for _ in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    assert problems.empty()
    engine = create_engine(url)
    assert is_current(engine)
    assert "user_account" in inspect(engine).get_table_names()
    engine.dispose()


def test_migrating_again_changes_nothing(migrated_database: Path, tmp_path: Path) -> None:
    path = tmp_path / "workside.db"
    path.write_bytes(migrated_database.read_bytes())
    migrate(f"sqlite:///{path}")
    assert path.read_bytes() == migrated_database.read_bytes()


def test_the_migrations_make_what_the_models_say(migrated_database: Path) -> None:
    engine = create_engine(f"sqlite:///{migrated_database}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, [Base.metadata, RetrievalBase.metadata]) == []
    engine.dispose()


def test_an_older_schema_is_not_current(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path}/empty.db")
    assert not is_current(engine)
    engine.dispose()
