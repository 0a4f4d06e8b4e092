"""Settings: what is refused, and whether the message says which variable and what to write there."""

from __future__ import annotations

from pathlib import Path

import pytest

from app.kit.settings import Settings, SettingsRefused, load_settings


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No variable and no .env file of this machine reaches these tests."""
    import os

    for name in [name for name in os.environ if name.startswith("WORKSIDE_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("WORKSIDE_PORT", "seventy"),
        ("WORKSIDE_PORT", "0"),
        ("WORKSIDE_PORT", "65536"),
        ("WORKSIDE_BASE_URL", "coach.example.org"),
        ("WORKSIDE_BASE_URL", "https://coach.example.org/tool"),
        ("WORKSIDE_BASE_URL", "https://coach.example.org/?x=1"),
        ("WORKSIDE_BASE_URL", "ftp://coach.example.org"),
        ("WORKSIDE_SECRET", "short"),
        ("WORKSIDE_WORKER", "elsewhere"),
        ("WORKSIDE_SESSION_MINUTES", "1"),
        ("WORKSIDE_SESSION_MINUTES", "100000"),
        ("WORKSIDE_LOG_LEVEL", "loud"),
        ("WORKSIDE_LOG_FORMAT", "xml"),
        ("WORKSIDE_DEMO", "perhaps"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(
    variable: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsRefused, match=variable) as refused:
        load_settings()
    assert len(str(refused.value).splitlines()) == 1


def test_every_wrong_value_has_a_line_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORKSIDE_PORT", "x")
    monkeypatch.setenv("WORKSIDE_SECRET", "too short to keep")
    with pytest.raises(SettingsRefused) as refused:
        load_settings()
    lines = str(refused.value).splitlines()
    assert [line.split(":")[0] for line in sorted(lines)] == ["WORKSIDE_PORT", "WORKSIDE_SECRET"]
    assert "too short to keep" not in str(refused.value), "a secret is not repeated on the screen"


@pytest.mark.parametrize("base_url", ["", "http://coach.example.org", "http://localhost:8000"])
def test_plain_http_is_not_served_outside_the_demo(base_url: str) -> None:
    settings = load_settings(base_url=base_url)
    with pytest.raises(SettingsRefused, match="WORKSIDE_BASE_URL") as refused:
        settings.refuse_unsafe_service()
    assert "https" in str(refused.value)
    load_settings(base_url=base_url, demo=True).refuse_unsafe_service()


def test_https_is_served() -> None:
    load_settings(base_url="https://coach.example.org").refuse_unsafe_service()


def test_a_slash_at_the_end_changes_nothing() -> None:
    assert load_settings(base_url="https://coach.example.org/").url == "https://coach.example.org"


def test_the_embedded_database_stands_in_the_data_folder(tmp_path: Path) -> None:
    assert load_settings(data_dir=tmp_path).sqlalchemy_url == f"sqlite:///{tmp_path.resolve()}/workside.db"
    url = "postgresql+psycopg://workside@database/workside"
    assert load_settings(database_url=url).sqlalchemy_url == url


def test_a_file_beside_the_process_is_read_and_the_environment_goes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("WORKSIDE_PORT=8123\nWORKSIDE_LOG_LEVEL=error\n")
    monkeypatch.setenv("WORKSIDE_PORT", "8456")
    settings = load_settings()
    assert (settings.port, settings.log_level) == (8456, "error")


def test_what_ships_is_safe() -> None:
    settings = Settings(_env_file=None)
    assert settings.demo is False
    assert settings.host == "127.0.0.1"
    with pytest.raises(SettingsRefused):
        settings.refuse_unsafe_service()
