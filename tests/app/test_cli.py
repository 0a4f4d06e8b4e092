"""The `workside` command: what it prints, how it ends, and what it says when it is called wrongly."""

from __future__ import annotations

import json
import logging
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import structlog
import typer
from click.testing import Result
from sqlalchemy import select
from typer.testing import CliRunner

from app.cli import app
from app.evidence.models import DEAD, ScoreRow
from tests.app.rooms.campus import Campus
from tests.app.rooms.campus_fixtures import campus, seeded_folder

__all__ = ["campus", "seeded_folder"]

PLATFORM = [
    "--name", "Moodle", "--issuer", "https://moodle.example", "--client-id", "a1", "--deployment-id", "1",
    "--auth-url", "https://moodle.example/auth", "--token-url", "https://moodle.example/token",
    "--jwks-url", "https://moodle.example/certs",
]  # fmt: skip
ROOT = Path(__file__).parents[2]


class Workside:
    """The command on a data folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {"WORKSIDE_DATA_DIR": str(folder), "WORKSIDE_BASE_URL": "https://coach.example"}

    def run(self, *arguments: str, **environment: str) -> Result:
        """In this process. The command sets up logging on its own standard error, which ends with it."""
        root = logging.getLogger()
        handlers, level = root.handlers, root.level
        try:
            return CliRunner().invoke(app, arguments, env=self.environment | environment)
        finally:
            structlog.reset_defaults()
            root.handlers = handlers
            root.setLevel(level)

    def json(self, *arguments: str) -> Any:
        result = self.run(*arguments, "--json")
        assert result.exit_code == 0, result.output
        return json.loads(result.stdout)

    def process(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        kept = {key: value for key, value in os.environ.items() if not key.startswith("WORKSIDE_")}
        return subprocess.run(
            [sys.executable, "-m", "app.cli", *arguments],
            cwd=ROOT,
            env=kept | self.environment | environment,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )


@pytest.fixture
def workside(tmp_path: Path, migrated_database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Workside]:
    monkeypatch.chdir(tmp_path)  # no .env of this machine
    folder = tmp_path / "own"
    folder.mkdir()
    (folder / "workside.db").write_bytes(migrated_database.read_bytes())
    yield Workside(folder)


def commands() -> list[tuple[str, click.Command]]:
    """Every command with its whole name."""

    def walk(name: str, command: Any) -> Iterator[tuple[str, Any]]:
        yield name, command
        for inner_name, inner in getattr(command, "commands", {}).items():
            yield from walk(f"{name} {inner_name}", inner)

    return list(walk("workside", typer.main.get_command(app)))


@pytest.mark.parametrize(("name", "command"), commands(), ids=lambda value: str(value))
def test_every_command_and_option_says_what_it_is_for(name: str, command: Any) -> None:
    assert command.help and len(command.help) > 20, name
    for parameter in command.params:
        if parameter.name not in {"help", "install_completion", "show_completion"}:
            assert getattr(parameter, "help", None), f"{name} {parameter.name}"


def test_a_platform_is_registered_once_and_listed(workside: Workside) -> None:
    first = workside.json("platform", "add", *PLATFORM)
    assert workside.json("platform", "add", *PLATFORM) == first
    assert first["tool"] == {
        "tool_url": "https://coach.example/lti/launch",
        "login_url": "https://coach.example/lti/login",
        "redirect_url": "https://coach.example/lti/launch",
        "jwks_url": "https://coach.example/lti/jwks.json",
    }
    (listed,) = workside.json("platform", "list")
    assert {key: listed[key] for key in ("name", "issuer", "client_id", "deployments", "organisation")} == {
        "name": "Moodle",
        "issuer": "https://moodle.example",
        "client_id": "a1",
        "deployments": ["1"],
        "organisation": "default",
    }
    for line in ("https://coach.example/lti/login", "https://coach.example/lti/jwks.json"):
        assert line in workside.run("platform", "add", *PLATFORM).stdout


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--auth-url", "moodle.example"),
        ("--token-url", "http://moodle.example/token"),
        ("--jwks-url", "ftp://moodle.example"),
        ("--issuer", ""),
        ("--client-id", "x" * 300),
    ],
)
def test_a_wrong_value_is_refused_by_its_option(workside: Workside, option: str, value: str) -> None:
    arguments = list(PLATFORM)
    arguments[arguments.index(option) + 1] = value
    result = workside.run("platform", "add", *arguments)
    assert result.exit_code == 2
    assert option in result.stderr and result.stdout == ""
    assert workside.json("platform", "list") == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("--nonsense",),
        ("nonsense",),
        ("ingest", "--collection", "c"),
        ("ingest", "nowhere.md", "--collection", "c"),
        ("ingest", "."),
        ("ask", "x", "--collection", "nowhere"),
        ("ask", " ", "--collection", "c"),
        ("deliveries", "list", "--state", "lost"),
        ("course", "load", "nowhere"),
        ("platform", "add", "--name", "x"),
        ("doctor", "--loud"),
    ],
    ids=" ".join,
)
def test_a_wrong_call_ends_with_2_and_says_why_on_standard_error(
    workside: Workside, arguments: tuple[str, ...]
) -> None:
    result = workside.run(*arguments)
    assert result.exit_code == 2, result.output
    assert result.stderr.strip() and result.stdout == ""
    assert "Traceback" not in result.stderr


def test_a_wrong_setting_ends_with_2_and_its_name(workside: Workside) -> None:
    result = workside.run("platform", "list", WORKSIDE_PORT="many")
    assert result.exit_code == 2
    assert "WORKSIDE_PORT" in result.stderr


@pytest.mark.xdist_group("model")
def test_a_document_goes_in_and_an_answer_comes_out(workside: Workside, tmp_path: Path) -> None:
    """With the model that ships; in a process of its own, as people run it."""
    document = tmp_path / "rules.md"
    document.write_text(
        "# Parcel rules\n\n## Damaged parcels\n\nRefund up to 50 euros within 14 days of delivery.\n"
        "Ask the customer for two photos before you decide anything.\n"
    )
    taken = workside.process("ingest", str(document), "--collection", "rules", "--json")
    assert taken.returncode == 0, taken.stderr
    report = json.loads(taken.stdout)
    assert report["collection"] == "rules"
    assert [(entry["document"], entry["status"]) for entry in report["documents"]] == [("rules.md", "ready")]
    asked = workside.process(
        "ask", "How much do I refund for a damaged parcel?", "--collection", "rules", "--json"
    )
    assert asked.returncode == 0, asked.stderr
    answer = json.loads(asked.stdout)
    assert answer["verdict"] in {"covered", "partly"}
    assert "50 euros" in answer["answer"]
    for citation in answer["citations"]:
        assert {"document", "place", "quote", "passage_id"} <= set(citation)
        # A line break within a paragraph is a space in its passage.
        assert citation["quote"] in " ".join(document.read_text().split())
        assert (citation["document"], citation["place"]) == ("Parcel rules", "Damaged parcels")


def test_a_file_that_we_do_not_read_ends_with_1_and_its_name(workside: Workside, tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"film")
    result = workside.run("ingest", str(tmp_path / "film.mp4"), "--collection", "c")
    assert result.exit_code == 1
    assert "film.mp4" in result.stdout


def decided(campus: Campus) -> Workside:
    """A score that the platform refused."""
    ana, ivo = campus.visit(), campus.visit("ivo", "instructor")
    ana.hand_in(ana.attempt("lamp-parcels"))
    ivo.decide(ivo.waiting()[0])
    with campus.services.database.write() as session:
        row = session.scalars(select(ScoreRow)).one()
        row.state, row.reason = DEAD, "404 from the platform"
    return Workside(campus.services.settings.data_dir)


def test_refused_scores_are_listed_and_sent_again(campus: Campus, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(campus.services.settings.data_dir)
    workside = decided(campus)
    (row,) = workside.json("deliveries", "list", "--state", "dead")
    assert (row["points"], row["reason"]) == (100, "404 from the platform")
    assert "Ana" not in json.dumps(row)
    assert "refused scores" in workside.run("doctor").stdout
    assert workside.json("deliveries", "retry", row["id"]) == {"sent_again": 1}
    assert workside.json("deliveries", "list", "--state", "dead") == []
    assert [each["state"] for each in workside.json("deliveries", "list")] == ["waiting"]
    assert workside.run("deliveries", "retry", "nowhere").exit_code == 1


@pytest.mark.xdist_group("model")
def test_the_doctor_ends_with_1_where_something_is_wrong_and_with_0_where_nothing_is(
    workside: Workside, campus: Campus, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = workside.run("doctor", "--json")
    assert empty.exit_code == 1
    findings = {each["subject"]: each for each in json.loads(empty.stdout)["findings"]}
    assert not findings["platforms"]["well"] and "workside platform add" in findings["platforms"]["says"]
    assert not findings["content"]["well"] and "workside ingest" in findings["content"]["says"]
    full = Workside(campus.services.settings.data_dir)
    behind = full.run("doctor", "--json")
    assert behind.exit_code == 1, "the campus has no vectors of the model that ships"
    assert "workside reindex" in behind.stdout
    counts = full.json("reindex")
    assert counts["vectors"] == counts["passages"] > 0
    well = full.run("doctor", "--json")
    assert (well.exit_code, json.loads(well.stdout)["well"]) == (0, True), well.stdout


def test_the_doctor_says_when_the_address_is_not_https(workside: Workside) -> None:
    result = workside.run("doctor", WORKSIDE_BASE_URL="http://coach.example")
    assert result.exit_code == 1
    assert "WORKSIDE_BASE_URL" in result.stdout


def test_serving_needs_https_outside_the_demo(workside: Workside) -> None:
    result = workside.process("serve", WORKSIDE_BASE_URL="http://coach.example")
    assert result.returncode == 2
    assert "WORKSIDE_BASE_URL" in result.stderr and "Traceback" not in result.stderr


def test_a_port_that_is_taken_is_named_with_the_way_out(workside: Workside) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        result = workside.process("serve", WORKSIDE_PORT=str(port))
    assert result.returncode == 2
    assert f"Port {port} is taken" in result.stderr and f"WORKSIDE_PORT={port + 1}" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_nobody_foresaw_ends_with_one_line(workside: Workside) -> None:
    result = workside.process("platform", "list", WORKSIDE_DATABASE_URL="sqlite:////proc/nowhere/workside.db")
    assert result.returncode == 1
    assert "Traceback" not in result.stderr and "workside doctor" in result.stderr
