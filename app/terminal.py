"""What the command line shows while something takes time; on standard error, so that results stay clean."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

screen = Console(stderr=True)


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A bar that counts whole pieces of work; nothing where standard error is no terminal."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=screen, transient=True, disable=not screen.is_terminal) as bar:
        yield bar
