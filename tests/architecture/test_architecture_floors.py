"""The house keeps its order: floors, rooms, personal data, settings, and what may stand in a file."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Table

import app.course.models
import app.evidence.models
import app.rooms.admin.models
import app.rooms.ask.models  # noqa: F401 - all models are in the metadata
from app.kit.db import Base
from app.kit.settings import Settings
from app.main import ROOMS, create_app
from tests.security.routes import PUBLIC, routes_of

ROOT = Path(__file__).parents[2]
# What is documented in docs/architecture.md rather than on a page of its own: it has no page of the application.
WITHOUT_PAGES = {"course", "coach", "evidence", "library"}
# Longer than 500 lines, each with the reason why it is one thing all the same.
LONG_FILES = {
    "app/migrations/versions/0001_the_first_schema.py": "Every table of the first schema, written by the tool that compares it.",
}


def tracked(*patterns: str) -> list[Path]:
    """The files in git, and those that are about to be."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "--", *patterns],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    return [ROOT / line for line in listed.stdout.splitlines() if (ROOT / line).is_file()]


def test_imports_go_down_only() -> None:
    """The contracts of pyproject.toml: floors, rooms, one door each for langchain, chromadb and outbound HTTP."""
    command = [str(Path(sys.executable).parent / "lint-imports"), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout[-3000:]
    assert re.search(r"Contracts: (\d+) kept, 0 broken", checked.stdout), checked.stdout[-500:]


def test_every_room_is_under_the_contract_of_independence() -> None:
    contracts = (ROOT / "pyproject.toml").read_text()
    for folder in sorted((ROOT / "app/rooms").iterdir()):
        if (folder / "__init__.py").exists():
            assert f'"app.rooms.{folder.name}"' in contracts, folder.name


def test_every_room_of_the_house_is_in_the_list() -> None:
    folders = {path.parent.name for path in (ROOT / "app/rooms").glob("*/__init__.py")}
    assert folders <= {room.name for room in ROOMS}
    assert len({room.name for room in ROOMS}) == len(ROOMS)


def test_every_route_asks_for_a_visitor_or_says_why_it_need_not(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, demo=True, worker="separate")
    declared = PUBLIC | {path: reason for room in ROOMS for path, reason in room.public.items()}
    routes = routes_of(create_app(settings))
    for route in routes:
        # Exactly one door: a launch's bearer, an operator's cookie, or a reason why there is none. No route takes two of them:
        # a page that either could open would show to one what is the other's.
        doors = ("signed_in" in route.guards, "as_admin" in route.guards, route.path in declared)
        assert doors.count(True) == 1, f"{route}: {doors}"
        is_operators = route.path.startswith("/admin") and route.path not in declared
        assert is_operators == ("as_admin" in route.guards), str(route)
        if route.path.startswith("/review"):
            assert "as_reviewer" in route.guards, str(route)
    assert {path for path in declared if path not in {route.path for route in routes}} == set(), (
        "declared and gone"
    )
    assert all(len(reason) > 10 for reason in declared.values())


def test_a_menu_leads_to_routes_that_exist(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, data_dir=tmp_path, demo=True, worker="separate")
    paths = {route.path for route in routes_of(create_app(settings)) if route.method == "GET"}
    assert {item.path for room in ROOMS for item in room.navigation} <= paths


def tables_about_people() -> set[str]:
    """Tables that lead to a person by foreign keys, over any number of steps."""
    found = {"user_account"}
    while True:
        more = {
            table.name
            for table in Base.metadata.tables.values()
            if any(key.column.table.name in found for key in table.foreign_keys)
        } - found
        if not more:
            return found
        found |= more


def test_every_table_that_leads_to_a_person_is_declared_with_what_and_who() -> None:
    declared = {entry.table: entry for room in ROOMS for entry in room.personal_data}
    assert tables_about_people() - set(declared) == set()
    for name, entry in declared.items():
        table: Table = Base.metadata.tables[name]
        assert entry.person in table.columns, f"{name}.{entry.person}"
        assert entry.what and entry.seen_by


def test_a_declared_column_leads_to_the_person_or_to_a_declared_table() -> None:
    declared = {entry.table: entry.person for room in ROOMS for entry in room.personal_data}
    free_of_keys = {
        "user_account",
        "launch_ticket",
        "audit_event",
        "placement",
        "spending",
        "model_call",
        "mail",
    }  # the person, a bag of claims, ids that outlive the row, an address of somebody without an account
    for name, person in declared.items():
        if name not in free_of_keys:
            targets = {
                key.column.table.name for key in Base.metadata.tables[name].columns[person].foreign_keys
            }
            assert targets & set(declared), f"{name}.{person}"


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented_with_its_own_words(name: str) -> None:
    text = " ".join((ROOT / "docs/settings.md").read_text().split())
    description = " ".join((Settings.model_fields[name].description or "").split())
    assert re.search(rf"#+ `?WORKSIDE_{name.upper()}\b", text), "a heading"
    assert description and description in text


@pytest.mark.parametrize("room", [room.name for room in ROOMS])
def test_every_room_is_documented(room: str) -> None:
    if room in WITHOUT_PAGES:
        assert f"`{room}`" in (ROOT / "docs/architecture.md").read_text() or (
            re.search(rf"\b{room}\b", (ROOT / "docs/architecture.md").read_text(), re.IGNORECASE)
        )
    else:
        assert (ROOT / f"docs/features/{room}.md").stat().st_size > 500


PYTHON = [str(path.relative_to(ROOT)) for path in tracked("app/*.py", "lti/*.py", "retrieval/*.py")]


def test_no_file_is_longer_than_a_person_reads_at_once() -> None:
    long = {name: lines for name in PYTHON if (lines := len((ROOT / name).read_text().splitlines())) > 500}
    assert set(long) == set(LONG_FILES), long


def test_no_file_is_named_after_nothing() -> None:
    names = {Path(name).stem for name in PYTHON}
    assert not names & {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}


# Written in pieces, so that this file does not find itself.
UNFINISHED = re.compile(r"\b(TO" r"DO|FIX" r"ME|X" r"XX|HA" r"CK)\b")
NOT_RUN = re.compile(
    r"mark\.(sk"
    r"ip|sk"
    r"ipif|xf"
    r"ail)\b|pytest\.(sk"
    r"ip|xf"
    r"ail|importor"
    r"skip)\(|unittest\.sk"
    r"ip"
)
MACHINE = re.compile(
    r"/ro" r"ot/|/ho" r"me/[a-z]|/Us" r"ers/[a-z]|/wo" r"rk/(main|shared)|[A-Z]:\\\\Us" r"ers"
)
REGISTRY = re.compile(
    r"--(extra-)?index-url[ =]https?:|\bartifact"
    r"ory\b|\bnex"
    r"us\.[a-z]|pypi\.(?!org)[a-z-]+\.[a-z]+"
    r"|registry\.(?!npmjs\.org|hub)[a-z0-9-]+\.(?:com|net|internal|local)",
    re.IGNORECASE,
)


@pytest.mark.parametrize("kind", ["unfinished", "not run", "machine", "registry"])
def test_no_file_holds_what_belongs_to_one_machine_or_to_later(kind: str) -> None:
    pattern = {"unfinished": UNFINISHED, "not run": NOT_RUN, "machine": MACHINE, "registry": REGISTRY}[kind]
    found = []
    for path in tracked():
        if path.suffix in {".png", ".jpg", ".pdf", ".docx", ".pptx", ".onnx", ".ico", ".woff2"}:
            continue
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        found += [f"{path.relative_to(ROOT)}: {hit[0]}" for hit in pattern.finditer(text)]
    assert found == []
