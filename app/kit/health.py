"""Probes. Live: this process turns. Ready: database, migrations and worker are well. A model that is out only degrades."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """One thing that readiness depends on. `check` returns None when well, else one line on what is wrong."""

    name: str
    check: Callable[[], str | None]
    needed: bool = True


def probe_all(probes: list[Probe]) -> tuple[bool, dict[str, str]]:
    """(ready, {name: "ok" or what is wrong}); a probe that raises counts as failed, with the error's kind only."""
    ready = True
    report: dict[str, str] = {}
    for probe in probes:
        try:
            problem = probe.check()
        except Exception as error:
            problem = type(error).__name__
        report[probe.name] = problem or "ok"
        if problem and probe.needed:
            ready = False
    return ready, report
