"""The `workside` command. Exit codes: 0 done, 1 something failed, 2 the call or the settings are wrong."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.progress import Progress, TaskID

from app.cli_admin import admin_app
from app.cli_budget import budget_app
from app.cli_keys import keys_app
from app.cli_platforms import platform_app
from app.kit.settings import SettingsRefused
from app.terminal import (
    DEFAULT_ORGANISATION,
    AsJson,
    OrganisationName,
    fail,
    opened,
    progress_bar,
    read_settings,
    screen,
    show,
)

app = typer.Typer(
    name="workside",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="The coach at work's side, inside the LMS people already have. `workside demo` shows it with a demo LMS; "
    "`workside serve` runs it. Settings are environment variables (docs/settings.md).",
)
deliveries_app = typer.Typer(no_args_is_help=True, help="Scores on their way to gradebooks.")
tasks_app = typer.Typer(
    no_args_is_help=True, help="Courses with practice tasks, skills, starters and experts."
)
app.add_typer(platform_app, name="platform")
app.add_typer(admin_app, name="admin")
app.add_typer(deliveries_app, name="deliveries")
app.add_typer(tasks_app, name="course")
app.add_typer(keys_app, name="keys")
app.add_typer(budget_app, name="budget")


@app.command()
def serve() -> None:
    """Run the service: it brings its database up to date and, unless WORKSIDE_WORKER=separate, does the background work too."""
    settings = read_settings()
    try:
        settings.refuse_unsafe_service()
    except SettingsRefused as error:
        fail(str(error), 2)
    from app.server import PortTaken, run_server

    try:
        run_server(settings)
    except PortTaken as error:
        fail(str(error), 2)


@app.command()
def worker() -> None:
    """Do the work in the background (ingest, scores to gradebooks) in a process of its own; run as many as you like."""
    settings = read_settings()
    from app.kit.log import configure_logging
    from app.kit.metrics import metrics_served
    from app.main import make_worker, measured
    from app.server import PortTaken, listen_on

    with opened(settings) as services, ExitStack() as running:
        configure_logging(settings.log_format, settings.log_level)
        if settings.worker_metrics_port:
            port = settings.worker_metrics_port
            try:
                listener = listen_on(settings.host, port, "WORKSIDE_WORKER_METRICS_PORT")
            except PortTaken as error:
                fail(str(error), 2)
            running.enter_context(metrics_served(listener, lambda: measured(services)))
        working = make_worker(services)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: working.stop(0))
        working.start()
        working.wait()
        working.stop()


@app.command()
def migrate(as_json: AsJson = False) -> None:
    """Bring the database to the schema of this version. `serve` does it by itself."""
    settings = read_settings()
    from app.kit.migrate import migrate as bring_up

    settings.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    bring_up(settings.sqlalchemy_url)
    show(as_json, {"migrated": True}, "The database is up to date.")


@app.command()
def demo() -> None:
    """Show everything on this machine: the service, a demo LMS with a gradebook, and a sample course."""
    from app.demonstration import DemonstrationFailed, run_demonstration

    settings = read_settings(demo=True)
    try:
        run_demonstration(settings, screen)
    except DemonstrationFailed as error:
        fail(str(error), 2)


@app.command()
def doctor(
    model: Annotated[
        bool,
        typer.Option(
            "--model",
            help="Also make two short calls of every chat model that is set: does it answer, how fast, does it stream, "
            "has it structured output.",
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Look for what is wrong and say what to do about it. Exit code 1 if anything is."""
    settings = read_settings()
    from app.doctor import examine, try_models

    with opened(settings) as services:
        findings = examine(services)
        if model:
            findings += try_models(services)
    well = all(finding.is_well for finding in findings)
    lines = [f"{'ok     ' if f.is_well else 'PROBLEM'}  {f.subject}: {f.says}" for f in findings]
    show(
        as_json,
        {
            "well": well,
            "findings": [{"subject": f.subject, "well": f.is_well, "says": f.says} for f in findings],
        },
        "\n".join(lines),
    )
    if not well:
        raise typer.Exit(1)


@app.command()
def reindex(as_json: AsJson = False) -> None:
    """Build the search indexes anew from the database, which holds everything that they are made of."""
    settings = read_settings()
    with opened(settings) as services:
        services.retrieval.reindex()
        counts = services.retrieval.counts()
    show(as_json, counts, f"{counts['vectors']} vectors for {counts['passages']} passages.")


@app.command()
def ingest(
    paths: Annotated[
        list[Path],
        typer.Argument(metavar="PATH...", help="Files, or folders to read with all that is in them."),
    ],
    collection: Annotated[str, typer.Option(help="Collection to put them in; made where it is new.")],
    organisation: OrganisationName = DEFAULT_ORGANISATION,
    as_json: AsJson = False,
) -> None:
    """Take documents in: read, cut into passages, index. A file taken in before is read again only if it has changed."""
    settings = read_settings()
    from app.rooms.library.service import PathMissing, add_files, take_in

    if not collection.strip():
        fail("--collection is empty. Give the collection a name.", 2)
    with opened(settings) as services:
        try:
            added = add_files(services, paths, collection, organisation)
        except PathMissing as error:
            fail(str(error), 2)
        with progress_bar() as bar:
            reports = take_in(services, added, bar)
    failed = [report for report in reports if report["status"] != "ready"]
    lines = [
        f"{r['status']:8} {r['document']}: {r['problem'] or str(r['passages']) + ' passages'}"
        for r in reports
    ]
    show(as_json, {"collection": collection, "documents": reports}, "\n".join(lines))
    if failed:
        raise typer.Exit(1)


@app.command()
def ask(
    question: Annotated[str, typer.Argument(help="What you want to know, in any language.")],
    collection: Annotated[str, typer.Option(help="Collection to answer from.")],
    organisation: Annotated[
        str, typer.Option("--organisation", help="Organisation that it belongs to.")
    ] = DEFAULT_ORGANISATION,
    as_json: AsJson = False,
) -> None:
    """Answer a question from a collection, with citations, as the coach would."""
    settings = read_settings()
    from app.coach.answering import answer_at_once
    from app.coach.answers import place_of
    from app.coach.chat import Payer
    from app.coach.coach import coach_of
    from app.course.loading import organisation_named
    from app.kit.errors import NotFound
    from retrieval import CollectionNotFound, Scope

    if not question.strip():
        fail('The question is empty. Write it in quotes: workside ask "How do I ..." --collection NAME', 2)
    with opened(settings) as services:
        try:
            with services.database.read() as session:
                organisation_id = organisation_named(session, organisation).id
            found = services.retrieval.collection(organisation_id, collection)
        except NotFound:
            fail(
                f"There is no organisation {organisation!r}. Take documents in first: workside ingest PATH --collection {collection}",
                2,
            )
        except CollectionNotFound as error:
            fail(f"{error} Take documents in first: workside ingest PATH --collection {collection}", 2)
        answer = answer_at_once(
            coach_of(services),
            question,
            Scope(organisation_id, frozenset({found.id})),
            Payer(organisation_id, "", ""),
        )
    citations = [
        {
            "n": citation.n,
            "document": citation.passage.document_title,
            "place": place_of(citation.passage, at=citation.start),
            "quote": citation.quote,
            "passage_id": citation.passage.id,
        }
        for citation in answer.citations
    ]
    closest = [
        {"document": p.document_title, "place": place_of(p), "passage_id": p.id} for p in answer.closest
    ]
    value = {
        "verdict": answer.verdict,
        "answer": answer.text,
        "citations": citations,
        "missing": list(answer.missing),
        "closest": closest,
    }
    if answer.verdict == "not_covered":
        text = "Not covered here.\n" + "\n".join(f"Closest: {c['document']}, {c['place']}" for c in closest)
    else:
        text = (
            answer.text + "\n\n" + "\n".join(f"[{c['n']}] {c['document']}, {c['place']}" for c in citations)
        )
    show(as_json, value, text)


@app.command("eval")
def evaluate(
    pack: Annotated[Path, typer.Argument(help="Folder of an evaluation pack (docs/evaluation.md).")],
    only: Annotated[
        str, typer.Option(help="Parts or sets to measure, comma-separated: a,e_files or b/near*,c.")
    ] = "",
    floors: Annotated[
        Path | None, typer.Option(help="TOML file of floors and ceilings; exit code 1 where one is missed.")
    ] = None,
    cache: Annotated[
        Path | None,
        typer.Option(
            help="Folder that keeps vectors between runs; evaluation/ in the data folder if not given."
        ),
    ] = None,
    chunking: Annotated[
        Literal["pack", "own"],
        typer.Option(
            help="pack: search the pack's passages. own: cut the pack's documents into passages anew."
        ),
    ] = "pack",
    list_: Annotated[
        bool, typer.Option("--list", help="Show what the pack holds and measure nothing.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Measure search, the gate, answers, file reading and safety on questions with known answers: ours, or your own.

    Example: workside eval my-questions --floors floors.toml
    """
    from app.coach.measured import MeasuredComposer
    from retrieval import PackagedE5
    from retrieval import evaluation as measuring

    try:
        if list_:
            found = measuring.contents(pack)
            lines = [f"{part}/{name}".rstrip("/") for part, name in found]
            show(as_json, [{"part": part, "set": name} for part, name in found], "\n".join(lines))
            return
        bounds = measuring.read_floors(floors) if floors else None
        data_dir = read_settings().data_dir
        kept = cache or data_dir / "evaluation"
        with progress_bar() as bar:
            report = measuring.evaluate(
                pack, PackagedE5((cache or data_dir) / "models"), kept, chunking=chunking, voice=MeasuredComposer(),
                step=_steps_on(bar),
                only=[name.strip() for name in only.split(",") if name.strip()],
            )  # fmt: skip
    except (measuring.PackInvalid, measuring.PartUnknown, measuring.FloorsInvalid) as error:
        fail(str(error), 2)
    misses = bounds.misses(report.numbers()) if bounds else []
    unmeasured = bounds.unmeasured(report.numbers()) if bounds else []
    missed = [
        {"key": miss.key, "value": miss.value, "bound": miss.bound, "says": miss.says} for miss in misses
    ]
    show(as_json, report.as_json() | {"missed": missed, "unmeasured": unmeasured}, report.as_text())
    for name in unmeasured:
        print(f"not measured: {name}", file=sys.stderr)
    for miss in misses:
        print(f"missed: {miss.says}", file=sys.stderr)
    if misses:
        raise typer.Exit(1)


def _steps_on(bar: Progress) -> Callable[[str, int, int], None]:
    """Shows each kind of work as a line of its own."""
    tasks: dict[str, TaskID] = {}

    def step(what: str, done: int, total: int) -> None:
        if what not in tasks:
            tasks[what] = bar.add_task(what, total=total)
        bar.update(tasks[what], completed=done, total=total)

    return step


@tasks_app.command("load")
def course_load(
    folder: Annotated[Path, typer.Argument(help="A course folder, such as content/ (docs/content.md).")],
    organisation: OrganisationName = DEFAULT_ORGANISATION,
    as_json: AsJson = False,
) -> None:
    """Load a course folder: its documents, practice tasks, skills, roles, starters and experts."""
    settings = read_settings()
    from app.course.loading import CourseFolderInvalid, load_course, organisation_named
    from app.rooms.library.service import take_in

    with opened(settings) as services:
        with services.database.write() as session:
            organisation_id = organisation_named(session, organisation, create=True).id
        try:
            loaded = load_course(services, folder, organisation_id)
        except CourseFolderInvalid as error:
            fail(str(error), 2)
        with progress_bar() as bar:
            reports = take_in(services, loaded, bar)
    lines = [
        f"{r['status']:8} {r['document']}: {r['problem'] or str(r['passages']) + ' passages'}"
        for r in reports
    ]
    show(as_json, {"documents": reports}, "\n".join(lines))


@deliveries_app.command("list")
def deliveries_list(
    state: Annotated[
        str,
        typer.Option(help="Only those that are waiting, delivered, superseded, withheld, dead or unsent."),
    ] = "",
    as_json: AsJson = False,
) -> None:
    """Show the scores, their state, and why one is not in the gradebook."""
    settings = read_settings()
    from app.evidence.report import STATES, list_scores

    if state and state not in STATES:
        fail(f"--state is one of {', '.join(STATES)}.", 2)
    with opened(settings) as services:
        rows = list_scores(services, state or None)
    lines = [
        f"{r['id']}  {r['state']:10}  {r['points']:g}/{r['maximum']:g}  version {r['version']} (delivered {r['delivered_version']})  "
        f"tries {r['tries']}  {r['reason']}"
        for r in rows
    ]
    show(as_json, rows, "\n".join(lines) or "No scores.")


@deliveries_app.command("retry")
def deliveries_retry(
    score_id: Annotated[
        str | None,
        typer.Argument(help="A score's id from `deliveries list`; without it, all that were refused."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Send refused scores again. The worker takes them up; with none running, start `workside worker`."""
    settings = read_settings()
    from app.evidence.report import retry_scores

    with opened(settings) as services:
        count = retry_scores(services, score_id)
    if score_id and not count:
        fail(f"There is no score {score_id} to send again. See `workside deliveries list`.", 1)
    show(as_json, {"sent_again": count}, f"{count} put back in line.")


def main() -> None:
    """The command's entry. Usage errors end with code 2 (Typer's own); what nobody foresaw ends with one line and code 1."""
    try:
        app()
    except Exception as error:
        if os.environ.get("WORKSIDE_LOG_LEVEL") == "debug":
            raise
        fail_line = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}"
        print(
            f"workside failed: {fail_line}\nRun `workside doctor`, or repeat with WORKSIDE_LOG_LEVEL=debug to see where.",
            file=sys.stderr,
        )
        raise SystemExit(1) from None


if __name__ == "__main__":
    main()
