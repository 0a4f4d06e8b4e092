"""The parts of docs/ that are made from the code: settings, commands, routes, metrics, personal data, conformance.

A page marks such a part with two comments, and test_generated.py compares what stands between them. After a change of the
code, `make docs` writes the parts anew.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import typer.main
from fastapi import FastAPI
from fastapi.routing import APIRoute
from pydantic import SecretStr
from typer._click.core import Context

from app import cli
from app.course.access import as_chooser, as_person, as_placer, as_reviewer, as_visitor, signed_in
from app.kit.metrics import REGISTRY
from app.kit.settings import Settings
from app.main import ROOMS, create_app
from app.rooms.admin.access import as_admin
from tests.conformance.table import page_part as conformance_part
from tests.security.routes import api_routes, calls_before

DOCS = Path(__file__).parents[2] / "docs"
WIDTH = 100

# What a setting may look like; a new setting needs a line here, so that its page shows one.
EXAMPLES = {
    "data_dir": "/var/lib/workside",
    "port": "8000",
    "host": "0.0.0.0",
    "base_url": "https://coach.example.org",
    "database_url": "postgresql+psycopg://workside:PASSWORD@db.example.org/workside",
    "chroma_url": "http://chroma.example.org:8000",
    "demo": "1",
    "worker": "separate",
    "worker_metrics_port": "9101",
    "secret": "the output of: openssl rand -hex 32",
    "content_dir": "/srv/workside/content",
    "session_minutes": "60",
    "key_rotation_days": "365",
    "log_format": "console",
    "log_level": "warning",
    "trusted_proxies": "127.0.0.1,10.0.0.0/8",
    "model": "anthropic:claude-sonnet-4-5,openai:gpt-4o-mini",
    "model_answer": "openai:gpt-4o",
    "model_rewrite": "openai:gpt-4o-mini",
    "model_simulate": "mistralai:mistral-large-latest",
    "model_feedback": "ollama:qwen3:8b",
    "model_url": "http://vllm.example.org:8000/v1",
    "model_key": "the provider's key",
    "model_seconds": "90",
    "model_first_word_seconds": "10",
    "model_retries": "2",
    "model_prices": "openai:gpt-4o-mini=0.15/0.60,ollama:qwen3:8b=0/0",
    "currency": "EUR",
    "cap_learner_tokens": "100000",
    "cap_course_tokens": "2000000",
    "cap_organisation_tokens": "0",
    "cap_learner_money": "0.50",
    "cap_course_money": "20",
    "cap_organisation_money": "100",
    "silence_minutes": "30",
    "smtp_url": "smtps://workside:PASSWORD@mail.example.org:465",
    "smtp_from": "Workside <workside@example.org>",
    "hand_off_days": "5",
}
# The narrowest door first: a route behind it has gone through the wider ones as well.
WHO = {
    as_admin: "the operator",
    as_reviewer: "reviewers",
    as_placer: "who may add activities, while adding one",
    as_chooser: "who may add activities",
    as_visitor: "anyone launched into an activity",
    as_person: "anyone launched",
    signed_in: "anyone launched",
}


def settings_part() -> str:
    """A heading for each setting, with its description to the letter."""
    parts = []
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = (
            "empty"
            if default in ("", SecretStr(""))
            else f"`{int(default) if isinstance(default, bool) else default}`"
        )
        parts.append(
            f"## WORKSIDE_{name.upper()}\n\n{field.description}\n\n"
            f"Default: {shown}. Example: `{EXAMPLES[name]}`"
        )
    return "\n\n".join(parts)


def commands_part() -> str:
    """The help of each command, as `--help` prints it."""

    def walk(command: Any, name: str, parent: Context | None) -> Iterator[str]:
        command.rich_markup_mode = None
        context = Context(
            command, info_name=name, parent=parent, terminal_width=WIDTH, max_content_width=WIDTH
        )
        text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        yield f"## {context.command_path}\n\n```\n{text}\n```"
        for child, sub in getattr(command, "commands", {}).items():
            yield from walk(sub, child, context)

    return "\n\n".join(walk(typer.main.get_command(cli.app), "workside", None))


def rooms_routes_part() -> str:
    """The routes that rooms declare: who may call them and what they do."""
    rows = ["| route | room | for | what it does |", "|---|---|---|---|"]
    for room in ROOMS:
        for route in api_routes(room.router.routes if room.router is not None else ()):
            calls = set(calls_before(route.dependant))
            who = next((word for door, word in WHO.items() if door in calls), "")
            if not who:
                who = f"public: {room.public[route.path]}"
            first = (route.endpoint.__doc__ or "").split("\n\n")[0].replace("\n", " ").strip()
            method = "/".join(sorted(route.methods))
            rows.append(f"| `{method} {route.path}` | {room.name} | {who} | {first} |")
    return "\n".join(rows)


def metrics_part() -> str:
    """Each metric with the name under which Prometheus finds it."""
    rows = ["| metric | kind | what it counts |", "|---|---|---|"]
    for metric in REGISTRY.collect():
        name = f"{metric.name}_total" if metric.type == "counter" else metric.name
        rows.append(f"| `{name}` | {metric.type} | {metric.documentation} |")
    return "\n".join(rows)


def personal_data_part() -> str:
    """What each room keeps about a person."""
    rows = ["| table | room | what | who sees it |", "|---|---|---|---|"]
    rows += [
        f"| `{data.table}` | {room.name} | {data.what} | {data.seen_by} |"
        for room in ROOMS
        for data in room.personal_data
    ]
    return "\n".join(rows)


def rooms_part() -> str:
    """The rooms in the order of ROOMS, with what each declares."""
    rows = ["| room | pages | jobs |", "|---|---|---|"]
    for room in ROOMS:
        pages = ", ".join(f"`{item.path}`" for item in room.navigation) or "none in the menu"
        jobs = ", ".join(f"`{job.name}`" for job in room.jobs) or "none"
        rows.append(f"| {room.name} | {pages} | {jobs} |")
    return "\n".join(rows)


PARTS: dict[tuple[str, str], Callable[[], str]] = {
    ("settings.md", "settings"): settings_part,
    ("cli.md", "commands"): commands_part,
    ("http.md", "routes of rooms"): rooms_routes_part,
    ("http.md", "metrics"): metrics_part,
    ("privacy.md", "personal data"): personal_data_part,
    ("architecture.md", "rooms"): rooms_part,
    ("conformance.md", "cases"): conformance_part,
}


def part_in(page: str, name: str) -> re.Match[str]:
    """The part `name` of a page's text: group 1 is what stands between its two comments."""
    mark = re.escape(name)
    found = re.search(rf"(?s)<!-- made from the code: {mark} -->\n(.*?)<!-- end: {mark} -->", page)
    assert found, f"the page has no part {name!r}"
    return found


def routes_of_the_application() -> set[tuple[str, str]]:
    """Every (method, path) that the application answers, the static files aside."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(_env_file=None, data_dir=Path(folder), demo=True))
        found = set(_routes(app))
        app.state.services.close()
    return found


def _routes(app: FastAPI) -> Iterator[tuple[str, str]]:
    waiting = list(app.router.routes)
    while waiting:
        route: Any = waiting.pop()
        if isinstance(route, APIRoute):
            yield from ((method, route.path) for method in route.methods)
        elif hasattr(route, "original_router"):
            waiting.extend(route.original_router.routes)


def write() -> None:
    """Puts every part into its page."""
    for file, name in PARTS:
        write_part(file, name)


def write_part(file: str, name: str) -> None:
    """Puts one part into its page."""
    path = DOCS / file
    page = path.read_text(encoding="utf-8")
    found = part_in(page, name)
    path.write_text(
        f"{page[: found.start(1)]}{PARTS[file, name]()}\n{page[found.end(1) :]}", encoding="utf-8"
    )


if __name__ == "__main__":
    write()
