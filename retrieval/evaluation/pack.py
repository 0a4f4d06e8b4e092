"""Reading an evaluation pack: JSON lines in folders, as docs/evaluation.md describes them.

What a pack holds is decided by its folders and fields alone; no name of a set means anything here. Everything that is
wrong with a pack is a PackInvalid whose message names the file and the line.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from retrieval.conversation import Exchange

PARTS = (
    "a_retrieval",
    "b_answerability",
    "c_multiturn",
    "d_multilingual",
    "e_files",
    "f_short_answer_grading",
    "g_injection",
    "h_scope_isolation",
)
_QUERIES, _CORPUS, _DOCUMENTS, _QUESTIONS = (
    "queries.jsonl",
    "corpus.jsonl",
    "documents.jsonl",
    "questions.jsonl",
)
UNKNOWN_LANGUAGE = "und"


class PackInvalid(ValueError):
    """The pack cannot be evaluated as it is; the message names the file, the line and what to change."""


@dataclass(frozen=True)
class Record:
    """One line of a file. The getters raise PackInvalid where a field is missing or of another kind."""

    fields: Mapping[str, Any]
    file: Path
    line: int

    def wrong(self, why: str) -> PackInvalid:
        return PackInvalid(f"{self.file}, line {self.line}: {why}")

    def has(self, name: str) -> bool:
        return self.fields.get(name) is not None

    def text(self, name: str, default: str | None = None) -> str:
        value = self.fields.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str):
            raise self.wrong(f"“{name}” must be a text, not {_shown(value)}.")
        return value

    def flag(self, name: str, default: bool | None = None) -> bool:
        value = self.fields.get(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, bool):
            raise self.wrong(f"“{name}” must be true or false, not {_shown(value)}.")
        return value

    def number(self, name: str) -> float:
        value = self.fields.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.wrong(f"“{name}” must be a number, not {_shown(value)}.")
        return float(value)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts; () where the field is missing."""
        value = self.fields.get(name)
        if value is None:
            return ()
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise self.wrong(f"“{name}” must be a list of texts, not {_shown(value)}.")
        return tuple(value)

    def objects(self, name: str) -> list[Record]:
        """A list of objects; [] where the field is missing."""
        value = self.fields.get(name)
        if value is None:
            return []
        if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
            raise self.wrong(f"“{name}” must be a list of objects, not {_shown(value)}.")
        return [Record(one, self.file, self.line) for one in value]


def read_records(path: Path) -> list[Record]:
    """The objects of a JSON lines file; empty lines are passed over."""
    try:
        text = path.read_text("utf-8-sig")
    except OSError as problem:
        raise PackInvalid(f"{path}: cannot be read ({problem.strerror}).") from problem
    except UnicodeDecodeError as problem:
        raise PackInvalid(f"{path}: is not UTF-8 (byte {problem.start}). Save it as UTF-8.") from problem
    records = []
    # Only "\n" ends a line here: str.splitlines would also cut at U+2028 inside a text.
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line)
        except json.JSONDecodeError as problem:
            raise PackInvalid(
                f"{path}, line {number}: is not JSON ({problem.msg} at column {problem.colno})."
            ) from problem
        if not isinstance(value, dict):
            raise PackInvalid(f"{path}, line {number}: must be an object in braces, not {_shown(value)}.")
        records.append(Record(value, path, number))
    return records


def _shown(value: object) -> str:
    if value is None:
        return "missing"
    shown = json.dumps(value, ensure_ascii=False, default=str)
    return shown if len(shown) <= 60 else shown[:57] + "..."


@dataclass(frozen=True)
class PackPassage:
    """``start`` and ``end``: characters of the document's text; -1 where the pack gives none."""

    id: str
    document_id: str
    title: str
    section: str
    language: str
    text: str
    start: int
    end: int
    course: str


@dataclass(frozen=True)
class PackDocument:
    id: str
    title: str
    language: str
    text: str
    course: str


@dataclass(frozen=True)
class Corpus:
    """The passages that a set of questions is asked about. ``name``: its folder within the pack."""

    name: str
    passages: Sequence[PackPassage]
    documents: Sequence[PackDocument] = ()

    @cached_property
    def by_id(self) -> dict[str, PackPassage]:
        return {passage.id: passage for passage in self.passages}

    @cached_property
    def by_document(self) -> dict[str, list[str]]:
        """Passage ids of each document."""
        grouped: dict[str, list[str]] = {}
        for passage in self.passages:
            grouped.setdefault(passage.document_id, []).append(passage.id)
        return grouped

    @cached_property
    def language(self) -> str:
        """The language of most passages."""
        counts = Counter(passage.language for passage in self.passages)
        return min(counts, key=lambda name: (-counts[name], name)) if counts else UNKNOWN_LANGUAGE

    @cached_property
    def courses(self) -> frozenset[str]:
        return frozenset(passage.course for passage in self.passages) - {""}

    def of_course(self, course: str) -> Corpus:
        """The part of the corpus that belongs to a course."""
        if self.courses == {course} and all(passage.course for passage in self.passages):
            return self
        return Corpus(
            f"{self.name}#{course}",
            [passage for passage in self.passages if passage.course == course],
            [document for document in self.documents if document.course == course],
        )


@dataclass(frozen=True)
class Span:
    """A stretch of a passage that holds the answer."""

    passage_id: str
    start: int
    end: int


@dataclass(frozen=True)
class Query:
    """One question about a corpus. ``user_turns``: what the person said before, oldest first. ``label``:
    answerable, unanswerable, partial, underspecified or whatever else the pack says."""

    id: str
    question: str
    language: str
    relevant: tuple[str, ...]
    whole_document: bool
    spans: tuple[Span, ...]
    kind: str
    label: str
    hardness: str
    turns: tuple[tuple[str, str], ...]
    corpus: str
    record: Record

    @property
    def user_turns(self) -> tuple[str, ...]:
        return tuple(text for role, text in self.turns if role == "user")

    @property
    def asked(self) -> str:
        """What is asked: the last turn of a conversation, or the question."""
        return self.user_turns[-1] if self.turns else self.question

    @property
    def earlier(self) -> Exchange | None:
        """The exchange before, with the answer that was given to it, if any."""
        if len(self.user_turns) < 2:
            return None
        answers = [text for role, text in self.turns if role != "user"]
        return Exchange(self.user_turns[-2], answers[-1] if answers else "")


class Pack:
    """A pack's folder. Raises PackInvalid where it is none."""

    def __init__(self, folder: Path) -> None:
        if not folder.is_dir():
            raise PackInvalid(f"{folder}: there is no such folder.")
        self.folder = folder
        self._corpora: dict[str, Corpus] = {}
        if not self.parts:
            raise PackInvalid(
                f"{folder}: holds none of {', '.join(PARTS)} and no {_QUESTIONS}. See docs/evaluation.md."
            )

    @property
    def is_minimal(self) -> bool:
        """A folder of files with a questions.jsonl beside them, the form that people write by hand."""
        return (self.folder / _QUESTIONS).is_file()

    @cached_property
    def parts(self) -> list[str]:
        """The parts that the pack has, in order."""
        return [
            name for name in PARTS if (self.folder / name).is_dir() or (name == "e_files" and self.is_minimal)
        ]

    def sets(self, part: str) -> list[str]:
        """Names of the part's sets of questions about a corpus; "" is the part's own folder."""
        folder = self.folder / part
        found = [""] if (folder / _QUERIES).is_file() else []
        return found + sorted(
            one.name for one in folder.iterdir() if one.is_dir() and (one / _QUERIES).is_file()
        )

    def queries(self, part: str, name: str) -> list[Query]:
        folder = self.folder / part / name
        own = _relative(folder, self.folder) if (folder / _CORPUS).is_file() else ""
        queries = [_query(record, own) for record in read_records(folder / _QUERIES)]
        seen: dict[str, int] = {}
        for query in queries:
            if query.id in seen:
                raise query.record.wrong(f"“qid” {query.id} stands in line {seen[query.id]} already.")
            seen[query.id] = query.record.line
        return queries

    def corpus(self, name: str, asked_by: Record) -> Corpus:
        """The corpus in a folder of the pack, read once."""
        if name not in self._corpora:
            folder = (self.folder / name).resolve()
            if not folder.is_relative_to(self.folder.resolve()) or not (folder / _CORPUS).is_file():
                raise asked_by.wrong(
                    f"“corpus” names {name!r}, and the pack has no {name}/{_CORPUS}. "
                    "Give the folder of a corpus.jsonl, as seen from the pack's folder."
                )
            self._corpora[name] = _read_corpus(folder, name)
        return self._corpora[name]

    def corpus_of(self, query: Query, others: Sequence[Query]) -> Corpus:
        """The corpus that a question is asked about: the one that it names, its own folder's, or the one that
        holds most of the gold passages of the set (``others``)."""
        if query.corpus:
            return self.corpus(query.corpus, query.record)
        wanted = {id_ for one in others if not one.corpus for id_ in one.relevant}
        found = self._holding(frozenset(wanted))
        if found is None:
            raise query.record.wrong(
                "there is no corpus.jsonl beside the questions, “corpus” is missing, and no corpus of the pack "
                "holds their passages. Name the folder of one in “corpus”."
            )
        return found

    def _holding(self, wanted: frozenset[str]) -> Corpus | None:
        best: tuple[int, Corpus] | None = None
        for path in self._corpus_files:
            corpus = self.corpus(_relative(path.parent, self.folder), Record({}, path, 0))
            count = sum(id_ in corpus.by_id for id_ in wanted)
            if count and (best is None or count > best[0]):
                best = (count, corpus)
        return best[1] if best else None

    @cached_property
    def _corpus_files(self) -> list[Path]:
        return sorted(self.folder.rglob(_CORPUS))


def base_language(tag: str) -> str:
    """ "pt-BR" -> "pt"."""
    return re.split(r"[-_]", tag.strip().lower())[0] or UNKNOWN_LANGUAGE


def _query(record: Record, own_corpus: str) -> Query:
    turns = tuple((message.text("role"), message.text("text")) for message in record.objects("messages"))
    last = next((text for role, text in reversed(turns) if role == "user"), None)
    question = record.text("question", record.text("last_user_turn", last or "") or None)
    if not question.strip():
        raise record.wrong("“question” is empty.")
    answerable = record.flag("answerable", True)
    return Query(
        id=record.text("qid", f"line-{record.line}"),
        question=question,
        language=base_language(record.text("lang", UNKNOWN_LANGUAGE)),
        relevant=tuple(dict.fromkeys(record.texts("relevant_passage_ids"))),
        whole_document=record.text("gold_level", "") == "document",
        spans=tuple(
            Span(one.text("passage_id"), int(one.number("start")), int(one.number("end")))
            for one in record.objects("answers")
            if one.has("passage_id") and one.has("start") and one.has("end")
        ),
        kind=record.text("kind", ""),
        label=record.text("label", "answerable" if answerable else "unanswerable"),
        hardness=record.text("hardness", ""),
        turns=turns,
        corpus=record.text("corpus", own_corpus),
        record=record,
    )


def _read_corpus(folder: Path, name: str) -> Corpus:
    passages = []
    lines: dict[str, int] = {}
    for record in read_records(folder / _CORPUS):
        id_ = record.text("passage_id")
        if id_ in lines:
            raise record.wrong(f"“passage_id” {id_} stands in line {lines[id_]} already.")
        lines[id_] = record.line
        has_range = record.has("doc_start") and record.has("doc_end")
        passages.append(
            PackPassage(
                id=id_,
                document_id=record.text("doc_id", id_),
                title=record.text("doc_title", ""),
                section=record.text("section", ""),
                language=base_language(record.text("lang", UNKNOWN_LANGUAGE)),
                text=record.text("text"),
                start=int(record.number("doc_start")) if has_range else -1,
                end=int(record.number("doc_end")) if has_range else -1,
                course=record.text("course", ""),
            )
        )
    if not passages:
        raise PackInvalid(f"{folder / _CORPUS}: is empty.")
    documents = []
    if (folder / _DOCUMENTS).is_file():
        documents = [
            PackDocument(
                id=record.text("doc_id"),
                title=record.text("title", ""),
                language=base_language(record.text("lang", UNKNOWN_LANGUAGE)),
                text=record.text("text"),
                course=record.text("course", ""),
            )
            for record in read_records(folder / _DOCUMENTS)
        ]
    return Corpus(name, passages, documents)


def _relative(folder: Path, root: Path) -> str:
    return folder.relative_to(root).as_posix()


def grouped(queries: Sequence[Query], by: str) -> Iterator[tuple[str, list[Query]]]:
    """(value, queries) for each value of a field, where there are several; nothing where there is one."""
    values = sorted({str(getattr(query, by)) for query in queries} - {""})
    if len(values) > 1:
        for value in values:
            yield value, [query for query in queries if getattr(query, by) == value]
