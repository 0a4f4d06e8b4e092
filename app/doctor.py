"""`workside doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlalchemy import func, select

from app.course.keys import DatabaseKeys
from app.course.models import Context, Registration, Roster, ToolKey
from app.course.services import Services
from app.evidence.models import DEAD, WAITING, ScoreRow
from app.kit.clock import now
from app.kit.migrate import is_current
from app.kit.settings import SettingsRefused

LATE_SECONDS = 900


@dataclass(frozen=True)
class Finding:
    """One subject that was looked at; `says` holds a count or what to do."""

    subject: str
    is_well: bool
    says: str


def examine(services: Services) -> list[Finding]:
    """Every finding; a check that breaks is a finding itself."""
    checks: tuple[tuple[str, Callable[[Services], Iterator[Finding]]], ...] = (
        ("settings", _settings),
        ("database", _database),
        ("keys", _keys),
        ("platforms", _platforms),
        ("content", _content),
        ("scores", _scores),
        ("rosters", _rosters),
    )
    findings: list[Finding] = []
    for subject, check in checks:
        try:
            findings.extend(check(services))
        except Exception as error:
            findings.append(Finding(subject, False, f"could not be checked: {type(error).__name__}: {error}"))
    return findings


def _settings(services: Services) -> Iterator[Finding]:
    try:
        services.settings.refuse_unsafe_service()
        yield Finding("settings", True, f"served at {services.settings.url}")
    except SettingsRefused as error:
        yield Finding("settings", False, str(error))


def _database(services: Services) -> Iterator[Finding]:
    well = is_current(services.database.engine)
    yield Finding("database", well, "schema is current" if well else "run `workside migrate`")


def _keys(services: Services) -> Iterator[Finding]:
    with services.database.read() as session:
        keys = list(session.scalars(select(ToolKey)))
    keys = [key for key in keys if key.retired_at is None and key.revoked_at is None]
    DatabaseKeys(services.database, services.vault).check()
    yield Finding(
        "keys", True, f"{len(keys)} key(s), readable" if keys else "the first key is made at the first use"
    )


def _platforms(services: Services) -> Iterator[Finding]:
    with services.database.read() as session:
        count = session.scalar(select(func.count()).select_from(Registration)) or 0
    yield Finding(
        "platforms",
        count > 0,
        f"{count} registered" if count else "none is registered; see `workside platform add --help`",
    )


def _content(services: Services) -> Iterator[Finding]:
    counts = services.retrieval.counts()
    if counts["documents"] == 0:
        yield Finding("content", False, "no document yet; run `workside ingest PATH --collection NAME`")
        return
    yield Finding(
        "documents",
        counts["failed"] == 0,
        f"{counts['documents']} ({counts['waiting']} waiting, {counts['failed']} failed)",
    )
    agree = counts["vectors"] == counts["passages"] or counts["behind"] > 0
    says = f"{counts['passages']} passages, {counts['vectors']} vectors"
    yield Finding("index", agree, says if agree else f"{says}; run `workside reindex`")


def _rosters(services: Services) -> Iterator[Finding]:
    with services.database.read() as session:
        refused = session.execute(
            select(Context.title, Roster.reason)
            .join(Context, Context.id == Roster.context_id)
            .where(Roster.state == "refused")
            .order_by(Roster.id)
        ).all()
    for title, reason in refused[:5]:
        yield Finding(
            "course list",
            True,
            f"{title or 'a course'}: the platform does not give the list of its people ({reason}); all else works without",
        )


def _scores(services: Services) -> Iterator[Finding]:
    with services.database.read() as session:
        dead = session.scalar(select(func.count()).select_from(ScoreRow).where(ScoreRow.state == DEAD)) or 0
        oldest = session.scalar(select(func.min(ScoreRow.decided_at)).where(ScoreRow.state == WAITING))
    yield Finding(
        "refused scores",
        dead == 0,
        f"{dead}" + ("; see `workside deliveries list --state dead`" if dead else ""),
    )
    late = oldest is not None and (now() - oldest).total_seconds() > LATE_SECONDS
    yield Finding(
        "waiting scores",
        not late,
        "one waits for over 15 minutes; is a worker running?" if late else "none waits long",
    )
