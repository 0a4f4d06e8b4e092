"""Part h: nothing of another course, neither found nor quoted."""

from __future__ import annotations

from dataclasses import replace

from retrieval.evaluation import metrics
from retrieval.evaluation.pack import Corpus, Pack, Query
from retrieval.evaluation.ranking import Baselines, Run, Step, numbers_of
from retrieval.evaluation.report import Failure, Number, Row
from retrieval.evaluation.workbench import HITS, ShelvedCorpus, Workbench
from retrieval.nouns import Scope

_DEPTH = 10


def scope_set(
    pack: Pack, part: str, name: str, bench: Workbench, baselines: Baselines, step: Step
) -> tuple[list[Row], list[Failure]]:
    """Asks each question within its allowed courses, of an organisation that has the forbidden ones too."""
    queries = pack.queries(part, name)
    bench.embedder.embed_queries([query.question for query in queries])
    ours, theirs, verdicts, failures = [], [], [], []
    unscoped = 0
    for at, query in enumerate(queries):
        allowed, forbidden = _courses(pack, query)
        shelves = [bench.shelve(corpus) for corpus in allowed]
        others = [bench.shelve(corpus) for corpus in forbidden]
        scope = Scope(
            shelves[0].scope.organisation_id,
            frozenset(id_ for shelved in shelves for id_ in shelved.scope.collection_ids),
        )
        inside = {row: id_ for shelved in shelves for row, id_ in shelved.ids.items()}
        named = set(query.record.texts("forbidden_passage_ids"))
        hits = bench.ask(query.question, scope, _DEPTH)
        found = [inside.get(hit.passage.id, "") for hit in hits]
        leaked = [hit for hit, id_ in zip(hits, found, strict=True) if not id_ or id_ in named]
        if leaked:
            failures.append(
                Failure(
                    part, query.id, "", f"found a passage of another course: {leaked[0].passage.text[:80]}"
                )
            )
        if query.relevant:
            relevant = frozenset(id_ for shelved in shelves for id_ in _relevant(shelved, query))
            ours.append(Run(found, relevant))
            merged = _merged(baselines, [shelved.corpus for shelved in shelves], query.question)
            theirs.append(Run([id_ for id_, _ in merged][:_DEPTH], relevant))
        if query.record.text("expected", "") == "abstain":
            verdicts.append(bench.judge(query.question, hits[:HITS]).verdict)
        everywhere = _merged(baselines, [shelved.corpus for shelved in (*shelves, *others)], query.question)
        outside = {passage.id for shelved in others for passage in shelved.corpus.passages}
        unscoped += any(id_ in outside for id_, _ in everywhere[:5])
        step(part, at + 1, len(queries))
    numbers: dict[str, Number] = {"n": len(queries), "leaks": len(failures)}
    numbers["unscoped_bm25_leak_rate"] = unscoped / len(queries) if queries else None
    if ours:
        numbers |= numbers_of(ours) | {"bm25_ndcg10": numbers_of(theirs)["ndcg10"]}
    if verdicts:
        numbers["to_abstain"] = len(verdicts)
        for verdict in ("not_covered", "partly", "covered"):
            numbers[f"abstain_{verdict}"] = metrics.mean([float(one == verdict) for one in verdicts])
    return [Row(part, name, numbers)], failures


def _courses(pack: Pack, query: Query) -> tuple[list[Corpus], list[Corpus]]:
    """(allowed, forbidden) corpora of a question: the passages of these courses in the corpora that it names.

    Where passages say no course, the first corpora are the allowed ones, one for each course.
    """
    record = query.record
    allowed, forbidden = record.texts("allowed_courses"), record.texts("forbidden_courses")
    corpora = [pack.corpus(name, record) for name in record.texts("corpora")]
    if not allowed or not corpora:
        raise record.wrong("“allowed_courses” and “corpora” must name at least one each.")
    if any(corpus.courses for corpus in corpora):
        split = [
            [corpus.of_course(course) for corpus in corpora for course in courses if course in corpus.courses]
            for courses in (allowed, forbidden)
        ]
    else:
        split = [corpora[: len(allowed)], corpora[len(allowed) :]]
    if not split[0]:
        raise record.wrong(f"no corpus in “corpora” has a passage of the course {allowed[0]!r}.")
    return split[0], split[1]


def _relevant(shelved: ShelvedCorpus, query: Query) -> frozenset[str]:
    here = tuple(id_ for id_ in query.relevant if id_ in shelved.original.by_id)
    return shelved.relevant(replace(query, relevant=here))


def _merged(baselines: Baselines, corpora: list[Corpus], question: str) -> list[tuple[str, float]]:
    """BM25 over several corpora, each with its own statistics, by score."""
    found = [one for corpus in corpora for one in baselines.of(corpus).scored(question, _DEPTH)]
    return sorted(found, key=lambda one: -one[1])
