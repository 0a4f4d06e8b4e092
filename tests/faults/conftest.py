"""Faults happen to real processes on real databases: SQLite in a file, and PostgreSQL in a private cluster.

PostgreSQL is not optional here. Where it is missing the tests fail, and say that `bash tests/install-postgres.sh` brings it.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from app.course.platforms import add_platform
from app.course.services import Services, make_services
from app.kit.ids import new_id
from app.kit.migrate import migrate
from app.kit.settings import Settings
from retrieval import HashingEmbedder
from tests.app.evidence.course import Course, make_course
from tests.faults.cluster import running_cluster
from tests.faults.world import ServedPlatform, World


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A private cluster's URL; `.format(name)` names a database in it."""
    with running_cluster() as url:
        yield url


@pytest.fixture(scope="session")
def postgres_template(postgres_url: str) -> str:
    """The name of a migrated, empty database to copy."""
    create_database(postgres_url, "workside_template")
    migrate(postgres_url.format("workside_template"))
    return "workside_template"


def create_database(url: str, name: str, template: str = "template0") -> str:
    """Makes a database in the cluster and returns its URL."""
    engine = create_engine(url.format("postgres"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
    engine.dispose()
    return url.format(name)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgresql"))])
def database_url(request: pytest.FixtureRequest, tmp_path: Path, migrated_database: Path) -> str:
    """A migrated database of this test's own; empty for SQLite, which then lies in the data folder."""
    if request.param == "postgresql":
        template = request.getfixturevalue("postgres_template")
        return create_database(request.getfixturevalue("postgres_url"), f"workside_{new_id()}", template)
    shutil.copy(migrated_database, tmp_path / "workside.db")
    return ""


@pytest.fixture
def settings(tmp_path: Path, database_url: str) -> Settings:
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        database_url=database_url,
        demo=True,
        base_url="http://localhost:8000",
        worker="separate",
        log_level="error",
    )


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    made = make_services(settings, embedder=HashingEmbedder())
    yield made
    made.close()


@pytest.fixture
def course(services: Services) -> Course:
    """A course at a platform that no test reaches."""
    return make_course(services.database)


@pytest.fixture
def world(
    settings: Settings, services: Services, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[World]:
    """A course at a platform on this machine, which behaves like Moodle: a score that it has already is refused."""
    served = ServedPlatform("moodle")
    base = served.fake.base
    added = add_platform(
        services, name="Platform under test", issuer=base, client_id=served.fake.client_id, deployment_id="deployment-1",
        auth_url=f"{base}/auth", token_url=f"{base}/token", jwks_url=f"{base}/jwks",
        audience=None, allow_private=True, organisation="default",
    )  # fmt: skip
    course = make_course(
        services.database,
        base=base,
        learners=tuple(sorted(served.fake.learners)),
        registration_id=added["id"],
    )
    yield World(settings, services, course, served, tmp_path_factory.mktemp("workers"))
    if served.hold is not None:
        served.hold.released.set()
    served.stop()
