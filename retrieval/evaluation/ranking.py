"""Parts a, c and d: is the right passage among the first?"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from retrieval.evaluation import metrics
from retrieval.evaluation.baselines import PlainBM25
from retrieval.evaluation.follow_ups import last_two_turns
from retrieval.evaluation.pack import Corpus, Pack, Query, grouped
from retrieval.evaluation.report import Number, Row
from retrieval.evaluation.workbench import ShelvedCorpus, Workbench

Step = Callable[[str, int, int], None]
"""Called with (what is being done, how much is done, how much there is)."""

_DEPTH = 10


@dataclass(frozen=True)
class Run:
    """What one way of searching found for a question, and what it should have."""

    ranked: list[str]
    relevant: Collection[str]


class Baselines:
    """BM25 of each corpus, built once."""

    def __init__(self) -> None:
        self._built: dict[str, PlainBM25] = {}

    def of(self, corpus: Corpus) -> PlainBM25:
        if corpus.name not in self._built:
            self._built[corpus.name] = PlainBM25(corpus)
        return self._built[corpus.name]


def numbers_of(runs: Sequence[Run], prefix: str = "") -> dict[str, Number]:
    """ndcg10, recall5, hit5 and mrr10, each the mean over the questions."""
    return {
        f"{prefix}ndcg10": metrics.mean([metrics.ndcg(run.ranked, run.relevant, _DEPTH) for run in runs]),
        f"{prefix}recall5": metrics.mean([metrics.recall(run.ranked, run.relevant) for run in runs]),
        f"{prefix}hit5": metrics.mean([metrics.hit(run.ranked, run.relevant) for run in runs]),
        f"{prefix}mrr10": metrics.mean(
            [metrics.reciprocal_rank(run.ranked, run.relevant, _DEPTH) for run in runs]
        ),
    }


def shelve_all(pack: Pack, queries: Sequence[Query], bench: Workbench) -> dict[str, ShelvedCorpus]:
    """The corpus of each question by the question's id; embeds what will be asked, all at once."""
    shelved: dict[str, ShelvedCorpus] = {}
    for query in queries:
        shelved[query.id] = bench.shelve(pack.corpus_of(query, queries))
    bench.embedder.embed_queries([query.asked for query in queries])
    return shelved


def rank_set(
    pack: Pack, part: str, name: str, bench: Workbench, baselines: Baselines, step: Step
) -> list[Row]:
    """Rows of one set of part a or d: the whole, then each kind of question and each language where there are
    several. Questions without relevant passages are left out."""
    everything = pack.queries(part, name)
    queries = [query for query in everything if query.relevant]
    shelved = shelve_all(pack, queries, bench)
    ours: dict[str, Run] = {}
    theirs: dict[str, Run] = {}
    for at, query in enumerate(queries):
        corpus = shelved[query.id]
        relevant = corpus.relevant(query)
        ours[query.id] = Run(bench.ranked(query.question, corpus, _DEPTH), relevant)
        theirs[query.id] = Run(baselines.of(corpus.corpus).ranked(query.question, _DEPTH)[0], relevant)
        step(f"{part}/{name}", at + 1, len(queries))

    def row(group: str, members: Sequence[Query]) -> Row:
        numbers: dict[str, Number] = {"n": len(members)}
        numbers |= numbers_of([ours[query.id] for query in members])
        numbers |= numbers_of([theirs[query.id] for query in members], "bm25_")
        return Row(part, "/".join(one for one in (name, group) if one), numbers)

    if not queries:
        return []
    rows = [row("", queries)]
    for field in ("kind", "language"):
        rows += [row(value, members) for value, members in grouped(queries, field)]
    return rows


def follow_set(
    pack: Pack, part: str, name: str, bench: Workbench, baselines: Baselines, step: Step
) -> list[Row]:
    """The row of one set of part c: our search with the conversation, our search with the last turn alone, BM25
    with the last two turns of the person."""
    queries = [query for query in pack.queries(part, name) if query.relevant]
    if not queries:
        return []
    shelved = shelve_all(pack, queries, bench)
    ours, alone, theirs = [], [], []
    for at, query in enumerate(queries):
        corpus = shelved[query.id]
        relevant = corpus.relevant(query)
        ours.append(Run(bench.ranked(query.asked, corpus, _DEPTH, query.earlier), relevant))
        alone.append(Run(bench.ranked(query.asked, corpus, _DEPTH), relevant))
        theirs.append(Run(baselines.of(corpus.corpus).ranked(last_two_turns(query), _DEPTH)[0], relevant))
        step(f"{part}/{name}", at + 1, len(queries))
    numbers: dict[str, Number] = {"n": len(queries)} | numbers_of(ours)
    numbers |= {"last_turn_ndcg10": numbers_of(alone)["ndcg10"]}
    numbers |= numbers_of(theirs, "bm25_")
    return [Row(part, name, numbers)]
