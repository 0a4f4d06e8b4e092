"""`workside admin` and the commands of `workside platform` that the operator's pages have too."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from alembic import command
from sqlalchemy import create_engine, select, text
from starlette.testclient import TestClient

from app.course.models import Registration
from app.course.protocol import DatabaseRegistrations, registration_of
from app.course.services import make_services
from app.kit.migrate import alembic_config
from app.kit.settings import Settings
from app.main import create_app
from retrieval import HashingEmbedder
from tests.app.rooms.admin.signed_in import forget_tries
from tests.app.test_cli import PLATFORM, Workside


@pytest.fixture
def workside(tmp_path: Path, migrated_database: Path) -> Workside:
    (tmp_path / "workside.db").write_bytes(migrated_database.read_bytes())
    return Workside(tmp_path)


def test_the_link_of_sign_in_signs_a_browser_in_and_revoking_signs_it_out(workside: Workside) -> None:
    forget_tries()
    made = workside.json("admin", "sign-in")
    assert made["link"].startswith("https://coach.example/admin/sign-in/") and made["minutes"] == 10
    settings = Settings(
        _env_file=None, data_dir=workside.folder, base_url="https://coach.example", worker="separate"
    )
    services = make_services(settings, embedder=HashingEmbedder())
    browser = TestClient(
        create_app(settings, services), base_url="https://coach.example", follow_redirects=False
    )
    path = urlsplit(made["link"]).path
    assert browser.post(path, headers={"User-Agent": "curl/8"}).status_code == 303
    assert browser.get("/admin").status_code == 200
    assert [row["browser"] for row in workside.json("admin", "sessions")["sessions"]] == ["curl/8"]
    assert workside.json("admin", "sessions", "--revoke") == {"signed_out": 1, "sessions": []}
    assert browser.get("/admin").status_code == 401
    services.close()


def test_nobody_signed_in_is_said(workside: Workside) -> None:
    assert "No browser is signed in." in workside.run("admin", "sessions").stdout


def test_the_sheet_has_our_values_and_needs_no_database(workside: Workside) -> None:
    sheet = workside.json("platform", "sheet")
    assert sheet["login_url"] == "https://coach.example/lti/login"
    assert sheet["redirect_url"] == sheet["tool_url"] == "https://coach.example/lti/launch"
    assert sheet["canvas_json_url"] == "https://coach.example/lti/canvas.json"
    assert "context_history=$Context.id.history" in sheet["custom_parameters"]
    assert "https://coach.example/lti/jwks.json" in workside.run("platform", "sheet").stdout


def test_an_invitation_by_command_is_a_link_of_our_own(workside: Workside) -> None:
    made = workside.json(
        "platform", "invite", "--name", "M", "--platform", "moodle", "--organisation", "North"
    )
    assert re.fullmatch(r"https://coach\.example/lti/register/[\w-]{43}", made["link"])
    refused = workside.run("platform", "invite", "--name", "M", "--platform", "blackbored")
    assert refused.exit_code == 2 and "--platform is one of" in refused.stderr
    assert workside.run("platform", "invite", "--name", "M", "--hours", "169").exit_code == 2


def test_a_waiting_deployment_is_let_in_and_shut_out_by_command(workside: Workside) -> None:
    workside.json("platform", "add", *PLATFORM)
    settings = Settings(_env_file=None, data_dir=workside.folder, worker="separate")
    services = make_services(settings, embedder=HashingEmbedder())
    with services.database.read() as session:
        registration = registration_of(session.scalars(select(Registration)).one())
    assert DatabaseRegistrations(services.database).deployment_status(registration, "22") == "pending"
    rows = workside.json("platform", "deployments")
    assert [(row["deployment_id"], row["status"], row["organisation"]) for row in rows] == [
        ("22", "pending", None),
        ("1", "active", "default"),
    ]
    waiting = rows[0]["id"]
    assert "for no organisation yet" in workside.run("platform", "deployments").stdout
    rows = workside.json("platform", "deployments", "--activate", waiting, "--organisation", "Nursing")
    assert [row["organisation"] for row in rows if row["id"] == waiting] == ["Nursing"]
    workside.json("platform", "deployments", "--refuse", waiting)
    assert DatabaseRegistrations(services.database).deployment_status(registration, "22") == "inactive"
    missing = workside.run("platform", "deployments", "--activate", "nothing")
    assert missing.exit_code == 1 and "There is no deployment nothing" in missing.stderr
    both = workside.run("platform", "deployments", "--activate", "a", "--refuse", "b")
    assert both.exit_code == 2 and "exclude each other" in both.stderr
    services.close()


def test_a_connection_that_fails_ends_with_code_1_and_says_what_to_do(workside: Workside) -> None:
    # Addresses of this machine are refused unasked, so nothing leaves it.
    values = [part.replace("moodle.example", "localhost") for part in PLATFORM]
    workside.json("platform", "add", *values)
    result = workside.run("platform", "test", "Moodle")
    assert result.exit_code == 1
    assert result.stdout.count("PROBLEM") == 2 and "private or local address" in result.stdout
    unknown = workside.run("platform", "test", "Nothing")
    assert unknown.exit_code == 1 and "Registered: Moodle" in unknown.stderr


def test_blackboards_schools_each_get_their_organisation_by_command(workside: Workside) -> None:
    values = [part.replace("moodle.example", "blackboard.com") for part in PLATFORM]
    workside.json("platform", "add", *values, "--organisation", "First")
    values[values.index("--deployment-id") + 1] = "2"
    workside.json("platform", "add", *values, "--organisation", "Second")
    rows = workside.json("platform", "deployments")
    assert {row["deployment_id"]: row["organisation"] for row in rows} == {"1": "First", "2": "Second"}
    # Elsewhere the client id is the tenant.
    workside.json("platform", "add", *PLATFORM, "--organisation", "First")
    refused = workside.run("platform", "add", *PLATFORM, "--organisation", "Second")
    assert refused.exit_code == 2 and "another organisation" in refused.stderr


def test_the_migration_keeps_which_deployments_were_on_in_both_directions(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/old.db"
    config = alembic_config(url)
    command.upgrade(config, "0002")
    engine = create_engine(url)
    with engine.begin() as connection:
        at = "2026-11-01 09:00:00"
        connection.execute(
            text("INSERT INTO organisation (id, name, created_at) VALUES ('o', 'o', :at)"), {"at": at}
        )
        connection.execute(
            text(
                "INSERT INTO registration (id, organisation_id, name, issuer, client_id, auth_url, token_url, jwks_url, "
                "allow_private, allow_anonymous, platform, created_at) "
                "VALUES ('r', 'o', 'n', 'i', 'c', 'a', 't', 'j', 0, 0, 'generic', :at)"
            ),
            {"at": at},
        )  # fmt: skip
        for key, is_active in (("on", 1), ("off", 0)):
            connection.execute(
                text(
                    "INSERT INTO deployment (id, registration_id, organisation_id, deployment_id, is_active, created_at) "
                    "VALUES (:key, 'r', 'o', :key, :is_active, :at)"
                ),
                {"key": key, "is_active": is_active, "at": at},
            )
    command.upgrade(config, "0003")
    with engine.begin() as connection:
        rows = dict(connection.execute(text("SELECT id, status FROM deployment")).tuples().all())
        assert rows == {"on": "active", "off": "inactive"}
        assert connection.execute(text("SELECT status, scopes FROM registration")).one() == ("active", "[]")
        connection.execute(text("UPDATE deployment SET status = 'pending' WHERE id = 'off'"))
    command.downgrade(config, "0002")
    with engine.connect() as connection:
        kept = dict(connection.execute(text("SELECT id, is_active FROM deployment")).tuples().all())
    assert {key: bool(value) for key, value in kept.items()} == {"on": True, "off": False}
    engine.dispose()
