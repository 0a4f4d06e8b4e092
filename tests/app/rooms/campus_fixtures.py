"""The campus as fixtures, for the rooms' own tests and for tests/security."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.course.services import make_services
from app.kit.settings import Settings
from retrieval import HashingEmbedder
from tests.app.rooms.campus import TOOL, Campus, seed


def _settings(folder: Path) -> Settings:
    return Settings(
        _env_file=None, data_dir=folder, demo=True, base_url=TOOL, worker="separate", log_level="error"
    )


@pytest.fixture(scope="session")
def seeded_folder(tmp_path_factory: pytest.TempPathFactory, migrated_database: Path) -> Path:
    """A data folder with both organisations in it, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("campus")
    shutil.copy(migrated_database, folder / "workside.db")
    services = make_services(_settings(folder), embedder=HashingEmbedder())
    seed(services, tmp_path_factory.mktemp("courses"))
    services.close()
    return folder


@pytest.fixture
def campus(tmp_path: Path, seeded_folder: Path) -> Iterator[Campus]:
    """The application over a campus of this test's own."""
    folder = tmp_path / "data"
    shutil.copytree(seeded_folder, folder)
    services = make_services(_settings(folder), embedder=HashingEmbedder())
    made = Campus(services)
    yield made
    made.client.close()
    services.close()
