"""PostgreSQL keeps the promises that SQLite keeps by letting one writer in at a time: the same tests on a private cluster."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

from app.course.services import Services
from app.kit.db import Base
from app.kit.ids import new_id
from app.kit.migrate import is_current
from app.kit.settings import Settings
from retrieval.models import RetrievalBase
from tests.app.evidence.conftest import clock, network, platform_named  # noqa: F401 - fixtures
from tests.app.evidence.test_delivery import (  # noqa: F401 - run here on the fixtures of this folder
    test_a_column_is_made_once_by_two_workers,
    test_a_platform_that_hangs_holds_back_only_its_own_scores,
    test_decisions_and_deliveries_at_once_get_in_nobodys_way,
    test_sent_again_the_same_comment_does_not_come_twice,
)
from tests.app.evidence.test_leases import (  # noqa: F401
    dead_pid,
    test_leases_of_the_dead_are_freed_and_no_others,
    test_of_two_claims_at_once_one_gets_the_row,
)
from tests.app.evidence.test_ledger import (  # noqa: F401
    test_a_changed_mind_is_a_further_decision_and_a_further_version,
    test_a_double_click_from_two_threads_is_one_decision_and_one_score,
    test_one_form_sent_at_once_from_two_threads_is_one_attempt,
    test_the_first_decisions_on_two_answers_of_one_person_make_one_score_row,
    test_two_answers_handed_in_at_once_leave_exactly_one_current,
    test_two_reviewers_at_once_one_decides_and_one_is_told,
)
from tests.faults.conftest import create_database

pytestmark = pytest.mark.xdist_group("postgresql")
ROOT = Path(__file__).parents[2]


@pytest.fixture
def database_url(postgres_url: str, postgres_template: str) -> str:
    return create_database(postgres_url, f"workside_{new_id()}", postgres_template)


def test_the_migrations_make_every_table(services: Services) -> None:
    engine = services.database.engine
    assert engine.dialect.name == "postgresql"
    assert is_current(engine)
    wanted = set(Base.metadata.tables) | set(RetrievalBase.metadata.tables)
    assert wanted <= set(inspect(engine).get_table_names())


def test_replicas_that_migrate_at_once_both_come_up(settings: Settings, postgres_url: str) -> None:
    name = f"workside_{new_id()}"
    url = create_database(postgres_url, name)
    environment = {
        "WORKSIDE_DATABASE_URL": url,
        "WORKSIDE_DATA_DIR": str(settings.data_dir),
        "PATH": "/usr/bin:/bin",
    }
    command = [sys.executable, "-m", "app.cli", "migrate"]
    replicas = [
        subprocess.Popen(command, env=environment, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        for _ in range(2)
    ]
    for replica in replicas:
        words, _ = replica.communicate(timeout=120)
        assert replica.returncode == 0, words.decode()
    engine = create_engine(url)
    assert is_current(engine)
    engine.dispose()
