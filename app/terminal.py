"""What every command shares: settings, services, results on standard output; on standard error what is wrong or takes time."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from app.kit.settings import Settings, SettingsRefused, load_settings

screen = Console(stderr=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
OrganisationName = Annotated[
    str, typer.Option("--organisation", help="Organisation that it belongs to; made where it is new.")
]

DEFAULT_ORGANISATION = "default"


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar that counts whole pieces of work; nothing where standard error is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        yield bar


def fail(message: str, code: int = 1) -> NoReturn:
    """Says on standard error what is wrong and what to do, and ends."""
    typer.echo(message, err=True)
    raise typer.Exit(code)


def show(as_json: bool, value: Any, text: str) -> None:
    """The result on standard output: JSON for programs, text for people."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2) if as_json else text)


def read_settings(**overrides: object) -> Settings:
    try:
        return load_settings(**overrides)
    except SettingsRefused as error:
        fail(str(error), 2)


@contextmanager
def opened(settings: Settings) -> Iterator[Any]:
    """The services on a migrated database."""
    from app.course.services import make_services
    from app.kit.log import configure_logging
    from app.kit.migrate import migrate

    configure_logging("console", "error")
    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    migrate(settings.sqlalchemy_url)
    services = make_services(settings)
    try:
        yield services
    finally:
        services.close()
