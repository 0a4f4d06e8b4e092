"""Part b: does the gate know what the passages do not answer?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from retrieval.evaluation import metrics
from retrieval.evaluation.follow_ups import all_turns
from retrieval.evaluation.pack import Pack, Query
from retrieval.evaluation.ranking import Baselines, Step, shelve_all
from retrieval.evaluation.report import Number, Row
from retrieval.evaluation.workbench import HITS, Workbench

_ANSWERABLE, _UNANSWERABLE = "answerable", "unanswerable"


@dataclass(frozen=True)
class _Judged:
    query: Query
    score: float
    verdict: str
    bm25: float

    @property
    def answerable(self) -> bool:
        return self.query.label == _ANSWERABLE


def judge_set(
    pack: Pack, part: str, name: str, bench: Workbench, baselines: Baselines, step: Step
) -> list[Row]:
    """Rows of one set: the whole, each hardness of the unanswerable questions against all answerable ones, and,
    for any label beside these two, what the gate's verdicts were."""
    queries = pack.queries(part, name)
    shelved = shelve_all(pack, queries, bench)
    judged = []
    for at, query in enumerate(queries):
        corpus = shelved[query.id]
        hits = bench.ask(query.asked, corpus.scope, HITS, query.earlier)
        sufficiency = bench.judge(query.asked, hits, query.earlier)
        _, top = baselines.of(corpus.corpus).ranked(all_turns(query), 1)
        judged.append(_Judged(query, sufficiency.score, sufficiency.verdict, top))
        step(f"{part}/{name}", at + 1, len(queries))
    good = [one for one in judged if one.answerable]
    bad = [one for one in judged if one.query.label == _UNANSWERABLE]
    rows = [Row(part, name, gate_numbers(good, bad))] if good or bad else []
    hardnesses = sorted({one.query.hardness for one in bad} - {""})
    if len(hardnesses) > 1:
        rows += [
            Row(
                part,
                f"{name}/{hardness}",
                gate_numbers(good, [o for o in bad if o.query.hardness == hardness]),
            )
            for hardness in hardnesses
        ]
    for label in sorted({one.query.label for one in judged} - {_ANSWERABLE, _UNANSWERABLE}):
        of_label = [one for one in judged if one.query.label == label]
        rows.append(Row(part, f"{name}/{label}", {"n": len(of_label)} | _verdicts(of_label)))
    return rows


def gate_numbers(good: Sequence[_Judged], bad: Sequence[_Judged]) -> dict[str, Number]:
    both = [*good, *bad]
    truth = [one.answerable for one in both]
    numbers: dict[str, Number] = {"answerable": len(good), "unanswerable": len(bad)}
    for prefix, scores in (("", [one.score for one in both]), ("bm25_", [one.bm25 for one in both])):
        numbers[f"{prefix}auroc"] = metrics.auroc(truth, scores)
        numbers[f"{prefix}auprc"] = metrics.average_precision(truth, scores)
        numbers[f"{prefix}answer_rate"] = metrics.answer_rate(truth, scores)
    numbers |= _verdicts(good)
    numbers |= {f"false_{name}": value for name, value in _verdicts(bad).items()}
    return numbers


def _verdicts(judged: Sequence[_Judged]) -> dict[str, Number]:
    """Shares of the shipped thresholds' verdicts; None where there are no questions."""
    return {
        verdict: metrics.mean([float(one.verdict == verdict) for one in judged]) if judged else None
        for verdict in ("covered", "partly")
    }
