"""Part e: facts in real files, found at the right place; hidden items, never found.

The same for the minimal form of a pack, a folder of files with questions.jsonl, where each question is asked about all
files together, as in a course.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from retrieval.evaluation import metrics
from retrieval.evaluation.matching import holds, is_at, members_named, places_of, whole_text
from retrieval.evaluation.pack import Pack, Record, read_records
from retrieval.evaluation.ranking import Step
from retrieval.evaluation.report import Failure, Number, Row
from retrieval.evaluation.workbench import HITS, Workbench
from retrieval.nouns import Document, Passage, Scope
from retrieval.parsing import UnsupportedFormat, media_type_of

_TOP = 5
_HIDDEN = "hidden"


@dataclass(frozen=True)
class FileQuestion:
    """One line of questions.jsonl. ``kind`` and ``locators``: see matching.is_at; () where any place will do.
    ``file`` is "" where the question belongs to no file."""

    id: str
    file: str
    question: str
    answerable: bool
    answer: str
    kind: str
    locators: tuple[object, ...]
    record: Record


@dataclass
class _Asked:
    question: FileQuestion
    read: bool = False
    parsed: bool = False
    found: bool = False
    anywhere: bool = False
    verdict: str = "not_covered"
    score: float = 0.0


def file_rows(
    pack: Pack, part: str, bench: Workbench, step: Step
) -> tuple[list[Row], list[Failure], list[str]]:
    """(rows, failures, remarks) of the file questions and of the visibility probes."""
    folder = pack.folder if pack.is_minimal else pack.folder / part
    path = folder / "questions.jsonl"
    questions = [_question(record) for record in read_records(path)] if path.is_file() else []
    probes = folder / "visibility_probes.jsonl"
    probe_records = read_records(probes) if probes.is_file() else []
    # In an organisation's own pack every file of the folder is there to be confused with the others.
    together = pack.is_minimal
    for question in questions:
        if not together and not question.file:
            raise question.record.wrong("“file” must name the file that the question is about.")
    wanted = [(one.file, one.record) for one in questions if one.file]
    wanted += [(record.text("file"), record) for record in probe_records]
    names = existing_files(folder, wanted)
    if together:
        names = sorted({*names, *_readable(folder)})
    shelves, remarks = _taken_in(folder, names, together, bench, step)
    rows, failures = _ask_all(part, questions, shelves, bench, step)
    if probe_records:
        row, surfaced = _probe_all(part, probe_records, shelves, bench)
        rows.append(row)
        failures += surfaced
    return rows, failures, remarks


@dataclass(frozen=True)
class _Shelf:
    """Where a file is searched, and what is in it."""

    scope: Scope
    document: Document | None
    passages: tuple[Passage, ...]


def _taken_in(
    folder: Path, names: Sequence[str], together: bool, bench: Workbench, step: Step
) -> tuple[dict[str, _Shelf], list[str]]:
    shelves: dict[str, _Shelf] = {}
    remarks = []
    for at, name in enumerate(names):
        # The name's path is kept off the upload, but two files of one name stay two.
        flat = name.replace("/", " ") if together else PurePosixPath(name).name
        collection = "all files" if together else name
        scope, outcome = bench.take_in(collection, [(flat, (folder / name).read_bytes())])
        document = outcome[flat]
        if isinstance(document, str):
            remarks.append(f"{name} was not read: {document}")
            shelves[name] = _Shelf(scope, None, ())
        else:
            shelves[name] = _Shelf(scope, document, tuple(bench.retrieval.passages_of(scope, document.id)))
        step("reading files", at + 1, len(names))
    return shelves, remarks


def _ask_all(
    part: str,
    questions: Sequence[FileQuestion],
    shelves: dict[str, _Shelf],
    bench: Workbench,
    step: Step,
) -> tuple[list[Row], list[Failure]]:
    bench.embedder.embed_queries([question.question for question in questions])
    asked = []
    for at, question in enumerate(questions):
        asked.append(_ask(question, shelves, bench))
        step("asking about files", at + 1, len(questions))
    rows = [Row(part, "", _numbers(asked))] if asked else []
    endings = sorted(
        {_ending(one.question) for one in asked if one.question.answerable and one.question.file}
    )
    if len(endings) > 1:
        for ending in endings:
            members = [one for one in asked if _ending(one.question) == ending and one.question.answerable]
            rows.append(Row(part, ending, _facts(members)))
    failures = [
        Failure(part, one.question.id, one.question.file, _why_not(one))
        for one in asked
        if one.question.answerable and not one.found
    ]
    return rows, failures


def _ask(question: FileQuestion, shelves: dict[str, _Shelf], bench: Workbench) -> _Asked:
    result = _Asked(question)
    shelf = shelves.get(question.file) or next(iter(shelves.values()), None)
    if shelf is None:
        return result
    hits = bench.ask(question.question, shelf.scope, HITS)
    sufficiency = bench.judge(question.question, hits)
    result.verdict, result.score = sufficiency.verdict, sufficiency.score
    if not question.answerable:
        return result
    of_file = [
        hit.passage for hit in hits[:_TOP] if not shelf.document or hit.passage.document_id == shelf.document.id
    ] if question.file else [hit.passage for hit in hits[:_TOP]]  # fmt: skip
    passages = shelf.passages if question.file else _all_of(shelves)
    result.read = bool(passages)
    result.anywhere = any(places_of(question.answer, passage) for passage in passages)
    result.parsed = any(_answers(question, passage) for passage in passages)
    result.found = any(_answers(question, passage) for passage in of_file)
    return result


def _all_of(shelves: dict[str, _Shelf]) -> tuple[Passage, ...]:
    return tuple(passage for shelf in shelves.values() for passage in shelf.passages)


def _answers(question: FileQuestion, passage: Passage) -> bool:
    """Whether the passage holds the answer at a place that the question names."""
    return any(
        is_at(place, passage, question.kind, locator)
        for place in places_of(question.answer, passage)
        for locator in question.locators or ("",)
    )


def _facts(asked: Sequence[_Asked]) -> dict[str, Number]:
    return {
        "facts": len(asked),
        "right_place": metrics.mean([float(one.found) for one in asked]) if asked else None,
        "parsed_right": metrics.mean([float(one.parsed) for one in asked]) if asked else None,
        "parsed": metrics.mean([float(one.anywhere) for one in asked]) if asked else None,
    }


def _numbers(asked: Sequence[_Asked]) -> dict[str, Number]:
    good = [one for one in asked if one.question.answerable]
    bad = [one for one in asked if not one.question.answerable]
    both = [*good, *bad]
    numbers = _facts(good) | {"unanswerable": len(bad)}
    numbers["auroc"] = metrics.auroc([one.question.answerable for one in both], [one.score for one in both])
    for name, members in (("", good), ("false_", bad)):
        for verdict in ("covered", "partly"):
            shares = [float(one.verdict == verdict) for one in members]
            numbers[name + verdict] = metrics.mean(shares) if shares else None
    return numbers


def _why_not(one: _Asked) -> str:
    what = f"“{one.question.question}”"
    if not one.read:
        return f"{what}: the file was not read"
    if not one.anywhere:
        return f"{what}: no passage holds “{one.question.answer}”"
    if not one.parsed:
        named = ", ".join(str(locator) for locator in one.question.locators)
        return (
            f"{what}: “{one.question.answer}” was read, but not at {one.question.kind or 'the place'} {named}"
        )
    return f"{what}: not among the first {_TOP} passages"


def _probe_all(
    part: str, probes: Sequence[Record], shelves: dict[str, _Shelf], bench: Workbench
) -> tuple[Row, list[Failure]]:
    """A probe surfaces where its string is in any passage of the file; one without a string, where a member that
    its description names was read at all."""
    surfaced = []
    verdicts = []
    for probe in probes:
        shelf = shelves[probe.text("file")]
        forbidden = probe.text("forbidden_string", "")
        if forbidden:
            seen = [one for one in shelf.passages if holds(whole_text(one), forbidden)]
        else:
            members = {one.place.member for one in shelf.passages if one.place.member}
            hidden = members_named(probe.text("where", ""), members)
            seen = [one for one in shelf.passages if one.place.member in hidden]
        if seen:
            why = f"“{forbidden or seen[0].text[:80]}” can be found ({probe.text('where', 'hidden')})"
            surfaced.append(Failure(part, f"line {probe.line}", probe.text("file"), why))
        asked = probe.text("probe", "")
        if asked:
            verdicts.append(bench.judge(asked, bench.ask(asked, shelf.scope, HITS)).verdict)
    numbers: dict[str, Number] = {
        "probes": len(probes),
        "surfaced": len(surfaced),
        "unread": sum(not shelves[one.text("file")].passages for one in probes),
        "covered": metrics.mean([float(one == "covered") for one in verdicts]) if verdicts else None,
    }
    return Row(part, _HIDDEN, numbers), surfaced


def _question(record: Record) -> FileQuestion:
    file = record.text("file", "")
    answerable = record.flag("answerable", True)
    kind = record.text("locator_type", "")
    given = record.fields.get("locator", record.fields.get("place"))
    others = record.fields.get("other_locations") or []
    locators: list[object] = []
    for one in (given, others):
        locators += [item for item in (one if isinstance(one, list) else [one]) if item not in (None, "")]
    if answerable and not record.text("answer", "").strip():
        raise record.wrong("“answer” must be a string that stands in the file, or “answerable” false.")
    if kind and kind not in ("page", "slide", "section", "cue_start", "item", "document"):
        raise record.wrong(
            f"“locator_type” {kind!r} is not one of page, slide, section, cue_start, item, document."
        )
    return FileQuestion(
        id=record.text("qid", f"line {record.line}"),
        file=file,
        question=record.text("question"),
        answerable=answerable,
        answer=record.text("answer", ""),
        kind=kind,
        locators=tuple(locators),
        record=record,
    )


def existing_files(folder: Path, named: Sequence[tuple[str, Record]]) -> list[str]:
    """The names that records give files of the folder, each once. Raises PackInvalid where there is no such file."""
    names = []
    for name, record in named:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()) or not path.is_file():
            raise record.wrong(f"“file” names {name!r}, and there is no such file in {folder}.")
        names.append(name)
    return list(dict.fromkeys(names))


def _readable(folder: Path) -> Iterator[str]:
    """Every file of a kind that we read in the folder's documents/, or in the folder itself where it has none;
    hidden ones are left out."""
    documents = folder / "documents"
    for path in sorted((documents if documents.is_dir() else folder).rglob("*")):
        relative = path.relative_to(folder)
        if not path.is_file() or any(part.startswith(".") for part in relative.parts):
            continue
        try:
            media_type_of(path.name)
        except UnsupportedFormat:
            continue
        yield relative.as_posix()


def _ending(question: FileQuestion) -> str:
    name = PurePosixPath(question.file).name
    return name[name.rfind(".") + 1 :].lower() if "." in name else "(none)"
