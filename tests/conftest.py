"""What every test may use: a migrated database of its own, services on it, and an application around them."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from app.course.services import Services, make_services
from app.kit.migrate import migrate
from app.kit.settings import Settings

pytest_plugins = ["tests.browser_watch"]


@pytest.fixture(scope="session")
def migrated_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty SQLite database at the newest revision, made once and copied for each test: migrating takes most of a second."""
    path = tmp_path_factory.mktemp("schema") / "workside.db"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def settings(tmp_path: Path, migrated_database: Path) -> Settings:
    """The demo's settings on a data folder of this test's own."""
    shutil.copy(migrated_database, tmp_path / "workside.db")
    return Settings(
        _env_file=None,
        data_dir=tmp_path,
        demo=True,
        base_url="http://localhost:8000",
        worker="separate",
        log_level="error",
    )


@pytest.fixture
def services(settings: Settings) -> Iterator[Services]:
    """Services with the small deterministic embedder, so that no test loads the model unless it asks for it."""
    from retrieval import HashingEmbedder

    made = make_services(settings, embedder=HashingEmbedder())
    yield made
    made.close()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """What a test sets up of the root logger (level, handlers) ends with it: the next one may look at lines itself.

    Tracebacks are plain, as the application's own are: structlog's default draws each with all local variables, which takes
    half a second.
    """
    root = logging.getLogger()
    # An application that a fixture of longer life has made before set a level of its own.
    root.setLevel(logging.WARNING)
    handlers = list(root.handlers)
    plain = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.reset_defaults()
    structlog.configure(processors=[*structlog.get_config()["processors"][:-1], plain])
    yield
    root.setLevel(logging.WARNING)
    root.handlers = handlers
