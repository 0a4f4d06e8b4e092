"""The whole of an evaluation: each part of a pack in turn, over a database that is thrown away afterwards."""

from __future__ import annotations

import fnmatch
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from retrieval.embedding import Embedder
from retrieval.evaluation.answerability import judge_set
from retrieval.evaluation.answers import Voice, voice_set
from retrieval.evaluation.files import file_rows
from retrieval.evaluation.grading import grading_rows
from retrieval.evaluation.injection import injection_rows
from retrieval.evaluation.pack import PARTS, Pack
from retrieval.evaluation.ranking import Baselines, Step, follow_set, rank_set
from retrieval.evaluation.report import Report, Row
from retrieval.evaluation.scopes import scope_set
from retrieval.evaluation.vectors import CachedEmbedder
from retrieval.evaluation.workbench import Workbench

Chunking = Literal["pack", "own"]


class PartUnknown(ValueError):
    """No part of this name; the message lists those there are."""


def chosen_parts(only: Sequence[str]) -> dict[str, list[str]]:
    """Parts, by letter or whole name, with patterns of the sets wanted of them: "a", "b_answerability", "a/faq",
    "d/cross*". All parts where nothing is named. Raises PartUnknown."""
    if not only:
        return {part: ["*"] for part in PARTS}
    chosen: dict[str, list[str]] = {}
    for wanted in only:
        name, _, sets = wanted.partition("/")
        found = [part for part in PARTS if name in (part, part.partition("_")[0])]
        if not found:
            letters = ", ".join(f"{part[0]} ({part})" for part in PARTS)
            raise PartUnknown(f"There is no part {name!r}. Parts: {letters}.")
        chosen.setdefault(found[0], []).append(sets or "*")
    return chosen


def evaluate(
    folder: Path,
    embedder: Embedder,
    cache: Path,
    *,
    only: Sequence[str] = (),
    chunking: Chunking = "pack",
    voice: Voice | None = None,
    step: Step = lambda what, done, total: None,
) -> Report:
    """Measures retrieval on the pack in ``folder``; vectors are kept in ``cache`` for the next time. With a
    ``voice`` the sets of parts a, b and d whose answers are marked get a row of its answers, too.

    Raises PackInvalid, PartUnknown. Deterministic: the same pack, code and embedder give the same numbers.
    """
    wanted = chosen_parts(only)
    pack = Pack(folder)
    kept = CachedEmbedder(embedder, cache)
    kept.on_progress = lambda done, total: step("computing vectors", done, total)
    try:
        with tempfile.TemporaryDirectory(prefix="workside-eval-") as scratch:
            bench = Workbench(Path(scratch), kept, own_passages=chunking == "own")
            try:
                report = Report(pack.folder.name, embedder.identity)
                baselines = Baselines()
                for part in (part for part in pack.parts if part in wanted):
                    began = time.monotonic()
                    _evaluate_part(pack, part, wanted[part], bench, baselines, voice, report, step)
                    report.seconds[part] = time.monotonic() - began
                report.remarks += bench.remarks()
                report.computed_vectors = kept.computed
                return report
            finally:
                bench.close()
    finally:
        kept.close()


def _evaluate_part(
    pack: Pack,
    part: str,
    patterns: Sequence[str],
    bench: Workbench,
    baselines: Baselines,
    voice: Voice | None,
    report: Report,
    step: Step,
) -> None:
    def sets() -> list[str]:
        return [
            name
            for name in pack.sets(part)
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        ]

    by_set: dict[str, Callable[[Pack, str, str, Workbench, Baselines, Step], list[Row]]] = {
        "a_retrieval": rank_set,
        "b_answerability": judge_set,
        "c_multiturn": follow_set,
        "d_multilingual": rank_set,
    }
    if part in by_set:
        for name in sets():
            report.rows += by_set[part](pack, part, name, bench, baselines, step)
            if voice is not None and part != "c_multiturn":
                report.rows += voice_set(pack, part, name, bench, voice, step)
    elif part == "e_files":
        rows, failures, remarks = file_rows(pack, part, bench, step)
        report.rows += rows
        report.failures += failures
        report.remarks += remarks
    elif part == "f_short_answer_grading":
        report.rows += grading_rows(pack, part, patterns, bench, step)
    elif part == "g_injection":
        rows, failures, remarks = injection_rows(pack, part, bench, step)
        report.rows += rows
        report.failures += failures
        report.remarks += remarks
    else:
        for name in sets():
            rows, leaks = scope_set(pack, part, name, bench, baselines, step)
            report.rows += rows
            report.failures += leaks
    if not any(row.part == part for row in report.rows):
        report.remarks.append(f"{part} holds nothing that could be measured.")


def contents(folder: Path) -> list[tuple[str, str]]:
    """(part, set) of everything that a pack holds, for a look ahead. Raises PackInvalid."""
    pack = Pack(folder)
    found = []
    for part in pack.parts:
        names = [""] if pack.is_minimal and part == "e_files" else pack.sets(part)
        if part == "f_short_answer_grading":
            names = sorted(
                path.name.removesuffix("_questions.jsonl")
                for path in (pack.folder / part).glob("*_questions.jsonl")
            )
        found += [(part, name) for name in names or [""]]
    return found
