"""The small set-up: the compose file, the image and its packages."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import SecretStr

from app.coach.providers import PROVIDERS
from app.kit.settings import Settings

ROOT = Path(__file__).parents[2]
COMPOSE = ROOT / "docker-compose.yml"
SECRETS = ("WORKSIDE_BASE_URL", "WORKSIDE_SECRET", "POSTGRES_PASSWORD")


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]
    return found


def test_it_has_the_five_services_and_only_the_demo_is_optional(services: dict[str, Any]) -> None:
    assert set(services) == {"tool", "worker", "db", "chroma", "demo-lms"}
    assert {name for name, service in services.items() if "profiles" in service} == {"demo-lms"}


def test_each_service_is_confined_watched_and_started_again(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert service["user"].split(":")[0] not in {"root", "0", ""}, name
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["healthcheck"]["test"][0] == "CMD", name
        assert service["restart"] == "unless-stopped", name


def test_what_is_kept_lies_in_named_volumes(services: dict[str, Any]) -> None:
    named = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["volumes"]
    for name, service in services.items():
        for volume in service["volumes"]:
            assert volume.split(":")[0] in named, f"{name}: {volume}"


def test_only_this_machine_reaches_the_ports_and_the_stores_have_none(services: dict[str, Any]) -> None:
    for name, service in services.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    for name in ("db", "chroma"):
        assert services[name]["networks"] == ["inside"] and "ports" not in services[name]


def test_no_secret_has_a_default() -> None:
    text = COMPOSE.read_text(encoding="utf-8")
    for name in SECRETS:
        assert re.search(rf"\$\{{{name}:\?[^}}]+\}}", text), f"{name} must stop compose with a message"
        assert f"${{{name}:-" not in text
        assert re.search(rf"(?m)^{name}=$", (ROOT / ".env.example").read_text(encoding="utf-8"))


def test_settings_in_the_compose_file_exist(services: dict[str, Any]) -> None:
    known = {f"WORKSIDE_{name.upper()}" for name in Settings.model_fields}
    for name in ("tool", "worker"):
        said = {key for key in services[name]["environment"] if key.startswith("WORKSIDE_")}
        assert said <= known


# What the compose file decides itself, or what lies inside its containers.
FIXED = {"DATA_DIR", "CONTENT_DIR", "PORT", "HOST", "CHROMA_URL", "DATABASE_URL", "WORKER", "LOG_FORMAT"}


def test_every_other_setting_passes_through_with_its_own_default(services: dict[str, Any]) -> None:
    written = re.compile(r"\$\{(WORKSIDE_\w+):[-?](.*)\}")
    for name in ("tool", "worker"):
        environment = services[name]["environment"]
        for field, about in Settings.model_fields.items():
            variable = f"WORKSIDE_{field.upper()}"
            if field.upper() in FIXED or variable in {*SECRETS, "WORKSIDE_TRUSTED_PROXIES"}:
                continue
            passed = written.fullmatch(str(environment[variable]))
            assert passed is not None and passed[1] == variable, variable
            default = about.default
            default = default.get_secret_value() if isinstance(default, SecretStr) else default
            assert passed[2] == str(int(default) if isinstance(default, bool | float) else default), variable


def test_what_the_example_sets_is_what_compose_passes(services: dict[str, Any]) -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    named = dict(re.findall(r"(?m)^(\w+)=(.*)$", example))
    passed = COMPOSE.read_text(encoding="utf-8")
    for name, value in named.items():
        assert f"${{{name}:" in passed, name
        if name not in SECRETS:
            assert f"${{{name}:-{value}}}" in passed, f"{name}: the example says another default"


def test_the_compose_client_takes_it(tmp_path: Path) -> None:
    """With the client where there is one; its absence is no failure of the file, which the tests above read themselves."""
    client = shutil.which("docker")
    asked = [client or "", "compose", "version"]
    if client is None or subprocess.run(asked, capture_output=True, check=False).returncode != 0:
        return
    env_file = tmp_path / "env"
    env_file.write_text("".join(f"{name}=http://localhost:8000\n" for name in SECRETS))
    call = [
        client,
        "compose",
        "--file",
        str(COMPOSE),
        "--env-file",
        str(env_file),
        "--profile",
        "demo",
        "config",
        "--quiet",
    ]
    environment = {name: value for name, value in os.environ.items() if name not in SECRETS}
    ended = subprocess.run(call, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode == 0, ended.stderr
    env_file.write_text("")
    ended = subprocess.run(call, capture_output=True, text=True, env=environment, check=False)
    assert ended.returncode != 0
    assert "see .env.example" in ended.stderr


def pins(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    """name -> (version, hashes) of a lock file."""
    text = (ROOT / lock).read_text(encoding="utf-8").replace("\\\n", " ")
    found = {}
    for line in text.splitlines():
        if pinned := re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", line):
            found[pinned[1].lower()] = (pinned[2], frozenset(re.findall(r"--hash=(\S+)", line)))
    return found


def test_the_image_has_the_locked_packages_in_the_same_versions_and_those_of_the_providers() -> None:
    everything, runtime = pins("requirements.lock"), pins("requirements-runtime.lock")
    shared = everything.keys() & runtime.keys()
    assert {name: runtime[name] for name in shared} == {name: everything[name] for name in shared}
    assert all(hashes for _, hashes in runtime.values())
    assert {"fastapi", "chromadb", "psycopg", "lti1p3platform"} <= shared
    packages = {provider.package.replace("_", "-") for provider in PROVIDERS.values()}
    assert packages <= runtime.keys()
    assert not {"pytest", "playwright", "mypy", "ruff"} & runtime.keys()


def test_the_peers_of_the_benches_change_no_package_that_we_run_on() -> None:
    everything, peers = pins("requirements.lock"), pins("requirements-bench.lock")
    shared = everything.keys() & peers.keys()
    assert {name: peers[name][0] for name in shared} == {name: everything[name][0] for name in shared}
    assert {"markitdown", "langchain-chroma", "langchain-text-splitters"} <= peers.keys() - everything.keys()
    assert all(hashes for _, hashes in peers.values())


def test_the_image_installs_by_hash_from_no_named_index_and_runs_as_nobody_special() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert "--require-hashes" in text
    assert "index" not in text
    assert "HEALTHCHECK" in text
    assert "ENV ORT_DISABLE_TELEMETRY=1" in text
    users = re.findall(r"(?m)^USER (\S+)", text)
    assert users == ["10001:10001"]


def test_the_image_gets_what_it_copies_and_runs() -> None:
    allowed = re.findall(r"(?m)^!(\S+)", (ROOT / ".dockerignore").read_text(encoding="utf-8"))
    assert [name for name in allowed if not (ROOT / name).exists()] == []
    assert {"app", "lti", "retrieval", "templates", "content"} <= set(allowed)
    assert not [name for name in allowed if name.startswith((".", "tests"))]


def test_the_health_check_says_no_where_nothing_answers() -> None:
    check = [sys.executable, str(ROOT / "docker" / "is_well.py")]
    assert subprocess.run([*check, "http://127.0.0.1:9/healthz"], check=False).returncode == 1
    environment = {**os.environ, "WORKSIDE_DATABASE_URL": "postgresql+psycopg://nobody@127.0.0.1:9/none"}
    assert subprocess.run([*check, "worker"], env=environment, check=False).returncode == 1
