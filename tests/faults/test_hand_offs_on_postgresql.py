"""Hand-offs with more than one writer at once: their tests again on PostgreSQL, and its schema beside the models."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, func, select

from app.coach.hand_offs import work_next_hand_off
from app.coach.models import HandOff
from app.course.services import make_services
from app.kit.audit import AuditEvent
from app.kit.db import Base
from app.kit.ids import new_id
from app.kit.migrate import alembic_config, migrate
from app.kit.settings import Settings
from retrieval import HashingEmbedder
from retrieval.models import RetrievalBase
from tests.app.rooms.campus import TOOL, Campus, Visit, seed
from tests.app.rooms.experts.asking import ask, expert_named, hand_off, name_expert, row_of
from tests.app.rooms.experts.conftest import later  # noqa: F401 - a fixture
from tests.app.rooms.experts.test_answering_a_question import (  # noqa: F401 - run here on the campus below
    ana,
    asked,
    eva,
    ivo,
    test_a_new_version_supersedes_and_the_old_one_stays_in_the_record,
    test_who_answers_without_having_seen_the_others_answer_is_told,
)
from tests.app.rooms.experts.test_asking_an_expert import (  # noqa: F401
    test_a_reminder_then_the_next_in_line_then_the_instructors,
    test_killed_in_the_middle_it_has_not_happened,
    test_two_clicks_are_one_question,
    test_two_workers_remind_once,
)
from tests.faults.conftest import create_database

pytestmark = pytest.mark.xdist_group("postgresql")


def _settings(folder: Path, url: str) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=folder,
        database_url=url,
        demo=True,
        base_url=TOOL,
        worker="separate",
        log_level="error",
    )


@pytest.fixture(scope="module")
def seeded(
    tmp_path_factory: pytest.TempPathFactory, postgres_url: str, postgres_template: str
) -> tuple[Path, str]:
    """The campus, made once: its data folder and the name of its database, to copy."""
    folder, name = tmp_path_factory.mktemp("campus"), f"campus_{new_id()}"
    url = create_database(postgres_url, name, postgres_template)
    services = make_services(_settings(folder, url), embedder=HashingEmbedder())
    seed(services, tmp_path_factory.mktemp("courses"))
    services.close()
    return folder, name


@pytest.fixture
def campus(tmp_path: Path, postgres_url: str, seeded: tuple[Path, str]) -> Iterator[Campus]:
    folder = tmp_path / "data"
    shutil.copytree(seeded[0], folder)
    url = create_database(postgres_url, f"workside_{new_id()}", seeded[1])
    services = make_services(_settings(folder, url), embedder=HashingEmbedder())
    made = Campus(services)
    assert services.database.engine.dialect.name == "postgresql"
    yield made
    made.client.close()
    services.close()


def at_once(work: Callable[[], object], times: int = 4) -> None:
    """Runs `work` in several threads that begin together."""
    barrier = threading.Barrier(times)
    problems: list[BaseException] = []

    def run() -> None:
        barrier.wait()
        try:
            work()
        except BaseException as error:
            problems.append(error)

    threads = [threading.Thread(target=run) for _ in range(times)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []


def test_two_workers_pass_each_question_on_once(
    campus: Campus,
    ana: Visit,  # noqa: F811
    ivo: Visit,  # noqa: F811
    later: Callable[[timedelta], None],  # noqa: F811
) -> None:
    name_expert(ivo, name="Olu", topics="zebraroof")
    handed = [hand_off(ana, ask(ana, f"Which colour has zebraroof {number}?")) for number in range(3)]
    following = {one: row_of(campus, one).fallback_expert_id for one in handed}
    assert set(following.values()) == {expert_named(campus, "Hanne of north parcels").id}

    def work_off() -> None:
        while work_next_hand_off(campus.services):
            pass

    for days, action in ((6, "hand_off.reminded"), (10, "hand_off.passed_on")):
        later(timedelta(days=days))
        at_once(work_off)
        with campus.services.database.read() as session:
            assert session.scalar(select(func.count()).where(AuditEvent.action == action)) == len(handed)
    for one in handed:
        row = row_of(campus, one)
        assert (row.expert_id, row.fallback_expert_id) == (following[one], None)
        assert (row.lease_owner, row.reminded_at) == (None, None)


def test_one_form_sent_at_once_from_several_tabs_is_one_question(campus: Campus, ana: Visit) -> None:  # noqa: F811
    turn_id = ask(ana)
    at_once(lambda: hand_off(ana, turn_id))
    assert campus.count(HandOff) == 1


def differences(url: str) -> list[object]:
    """How the database's schema differs from what the models say."""
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            return list(compare_metadata(context, [Base.metadata, RetrievalBase.metadata]))
    finally:
        engine.dispose()


def test_the_migrations_make_what_the_models_say_also_after_a_way_back(
    postgres_url: str, postgres_template: str
) -> None:
    url = create_database(postgres_url, f"workside_{new_id()}", postgres_template)
    assert differences(url) == []
    # Before hand-offs and the coach's settings, and forward again.
    command.downgrade(alembic_config(url), "0007")
    assert any("hand_off" in str(one) for one in differences(url))
    migrate(url)
    assert differences(url) == []
