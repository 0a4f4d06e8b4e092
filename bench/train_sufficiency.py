"""Trains the gate's weights (retrieval/sufficiency_weights.json) on a pack of questions with known answers.

    python -m bench.train_sufficiency PACK [--vectors FOLDER] [--write]

PACK has the layout of docs/evaluation.md. Features are those of retrieval.sufficiency.measure over hits that are
ranked as retrieval.search ranks them. Beside the pack's own answerable and unanswerable questions it makes two kinds of
unanswerable ones out of questions whose answers are marked: *removed*, without the passages that answer, and *hidden*, with
the passages and without the sentences that hold the answer (a near miss). Printed for each set: AUROC and AUPRC of
a model that saw no question of the set's source, of one that saw all, the answer rate at 5 % false answers; then the curve.
``--vectors`` keeps sentence vectors between runs (computing them for the whole open pack takes an hour).
"""

from __future__ import annotations

import argparse
import functools
import json
import math
import pickle
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from sklearn.metrics import average_precision_score, roc_auc_score

from app.terminal import progress_bar
from retrieval.background import SHARE, STEADYING, Background
from retrieval.embedding import PackagedE5
from retrieval.keywords import KeywordIndex
from retrieval.languages import detect_language, stems
from retrieval.nouns import Hit, Passage, ScopeStatistics, SentenceMatch
from retrieval.passage_vectors import embedded_header, sentence_parts
from retrieval.places import Place
from retrieval.search import _DOCUMENT_WEIGHT, _SENTENCE_WEIGHT, fused
from retrieval.shelves import Shelf
from retrieval.sufficiency import measure, weighing_for

Floats = npt.NDArray[np.float64]
WEIGHTS = Path(__file__).parents[1] / "retrieval" / "sufficiency_weights.json"
HITS = 8
FALSE_ANSWERS = 0.05  # the most that may be called covered although it is not
LOST_ANSWERS = 0.10  # the most of any set that may be called not covered although it is
_MOST_MADE = 150  # questions of a set that unanswerable ones are made of
_HIDDEN_SHARE = 0.5  # of a hidden sentence's weight beside a removed passage's
_RIDGE = 0.003
_FOLDS = 5
_LONGEST_STRING = 120  # of an answer that is sought elsewhere in its document

# Larger is better for these, worse for the others: a sign that a source contradicts is left out, not turned round.
WORSE = frozenset(
    """least_missing most_missing unknown quantity_missing quantity_missing_first count_missing time_missing person_missing
    place_missing undefined""".split()  # noqa: SIM905
)


@dataclass(frozen=True)
class Asked:
    """``family``: questions that share a source, texts or translations, and are held out together.
    ``gone``: passages removed; ``hidden``: stretches of passages that hold the answer, taken out."""

    set: str
    family: str
    question: str
    language: str
    corpus: str
    answerable: bool
    own: bool
    gone: tuple[str, ...] = ()
    hidden: tuple[tuple[str, int, int], ...] = ()


class ScopeOf:
    """A corpus of the pack with everything that the search would have of it."""

    def __init__(self, pack: Path, name: str, model: PackagedE5, background: Background, kept: Path) -> None:
        self.rows = [json.loads(line) for line in (pack / name / "corpus.jsonl").read_text().splitlines()]
        self.ids = [row["passage_id"] for row in self.rows]
        self.at = {id_: at for at, id_ in enumerate(self.ids)}
        self.languages = [row.get("lang") or detect_language(row["text"]) for row in self.rows]
        self.above = [
            tuple(dict.fromkeys(part for part in (row.get("doc_title"), row.get("section")) if part))
            for row in self.rows
        ]
        self.terms = [
            stems(" ".join((*above, row["text"])), language)
            for above, row, language in zip(self.above, self.rows, self.languages, strict=True)
        ]
        self.documents = [row.get("doc_id") or row["passage_id"] for row in self.rows]
        whole, self.spans, vectors = _vectors(kept / f"{name.replace('/', '__')}.pickle", self, model)
        shelf = Shelf(name, 1, self.ids, self.documents, self.languages, self.terms, whole)
        self.keywords = KeywordIndex([shelf])
        means = {}
        for language in set(self.languages):
            own = whole[[one == language for one in self.languages]]
            means[language] = (STEADYING * background.passage_mean(language) + own.sum(axis=0)) / (
                STEADYING + len(own)
            )
        self.whole = _unit(whole - SHARE * np.stack([means[one] for one in self.languages]))
        self.owner = np.array([at for at, spans in enumerate(self.spans) for _ in spans])
        self.first = np.cumsum([0, *(len(spans) for spans in self.spans)])
        self.sentences = _unit(
            np.concatenate(vectors) - SHARE * np.stack([means[self.languages[at]] for at in self.owner])
        )
        number = {id_: at for at, id_ in enumerate(dict.fromkeys(self.documents))}
        self.document = np.array([number[id_] for id_ in self.documents])
        rows = np.zeros((len(number), whole.shape[1]))
        np.add.at(rows, self.document, self.whole)
        self.by_document = _unit(rows)


class Without:
    """The keyword index of a scope, with some passages gone."""

    def __init__(self, whole: KeywordIndex, terms: Sequence[Sequence[str]], gone: Sequence[int]) -> None:
        self._whole = whole
        self._gone = list(gone)
        self._removed = Counter(term for at in gone for term in set(terms[at]))
        self._size = len(whole.ids) - len(gone)

    def question_terms(self, question: str, language: str) -> dict[str, frozenset[str]]:
        return self._whole.question_terms(question, language)

    def scores(self, question: str, language: str) -> npt.NDArray[np.float32]:
        scores = self._whole.scores(question, language).copy()
        scores[self._gone] = 0.0
        return scores

    def rarity(self, term: str) -> float:
        containing = self._containing(term)
        return math.log(1 + (self._size - containing + 0.5) / (containing + 0.5))

    def occurs(self, term: str) -> bool:
        return self._containing(term) > 0

    ideal = KeywordIndex.ideal

    def _containing(self, term: str) -> int:
        return self._whole._containing.get(term, 0) - self._removed[term]


def hits_of(scope: ScopeOf, asked: Asked, vector: Floats) -> tuple[list[Hit], Without]:
    """What retrieval.search would find, best first."""
    gone = [scope.at[id_] for id_ in asked.gone if id_ in scope.at]
    keywords = Without(scope.keywords, scope.terms, gone)
    similarity = scope.sentences @ vector
    hidden: dict[int, list[tuple[int, int]]] = {}
    for id_, start, end in asked.hidden:
        for row, (left, right) in enumerate(scope.spans[at := scope.at[id_]]):
            if left < end and start < right:
                similarity[scope.first[at] + row] = -1.0
                hidden.setdefault(at, []).append((left, right))
    whole = scope.whole @ vector
    best = np.full(len(scope.ids), -1.0)
    np.maximum.at(best, scope.owner, similarity)
    near = (1 - _SENTENCE_WEIGHT) * whole + _SENTENCE_WEIGHT * best
    near += _DOCUMENT_WEIGHT * (scope.by_document @ vector)[scope.document]
    near[gone] = 0.0
    live = np.delete(whole, gone)
    statistics = ScopeStatistics(len(live), float(live.mean()), float(live.std()), float(live.max()))
    hits = []
    for found in fused(
        keywords.scores(asked.question, asked.language),
        keywords.ideal(asked.question, asked.language),
        near.astype(np.float32),
    )[:HITS]:
        at = found.at
        if at in gone:
            continue
        text, cut = scope.rows[at]["text"], hidden.get(at, [])
        for left, right in cut:
            text = text[:left] + " " * (right - left) + text[right:]
        title, *headings = (*scope.above[at], "")[:3]
        passage = Passage(
            scope.ids[at], scope.documents[at], asked.corpus, title, at, "paragraph",
            tuple(part for part in headings if part), text, scope.languages[at], Place("document", ""), 0, len(text),
        )  # fmt: skip
        matches = tuple(
            SentenceMatch(left, right, float(similarity[scope.first[at] + row]))
            for row, (left, right) in enumerate(scope.spans[at])
            if (left, right) not in cut
        )
        if matches:
            hits.append(
                Hit(
                    passage,
                    found.score,
                    found.keyword,
                    0.0,
                    passage.language,
                    float(whole[at]),
                    matches,
                    statistics,
                )
            )
    return hits, keywords


# The questions


def questions_of(pack: Path) -> list[Asked]:
    """The pack's own answerable and unanswerable questions, and those made of its retrieval and language sets."""
    asked: list[Asked] = []
    for path in sorted(pack.glob("b_answerability/*/queries.jsonl")):
        name = path.parent.name
        for row in _rows(path):
            if row["label"] not in ("answerable", "unanswerable"):
                continue
            text = row.get("question") or " ".join(
                one["text"] for one in [m for m in row["messages"] if m["role"] == "user"][-2:]
            )
            corpus = row.get("corpus") or f"b_answerability/{name}"
            asked.append(
                Asked(
                    name,
                    _family(pack, f"b_answerability/{name}", row, corpus),
                    text,
                    _spoken(row, text),
                    corpus,
                    row["label"] == "answerable",
                    True,
                )
            )
    for path in sorted(
        [*pack.glob("a_retrieval/*/queries.jsonl"), *pack.glob("d_multilingual/*/queries.jsonl")]
    ):
        asked += _made(pack, path)
    return asked


def _made(pack: Path, path: Path) -> Iterator[Asked]:
    """Each question as it is, without the passages that answer it, and without the sentences that do.

    Only of sets whose answers are short stretches written by people who saw the passage: a term of a glossary and a
    heading are spoken of elsewhere too, so that removing one passage proves nothing.
    """
    name = path.parent.name
    rows = [row for row in _rows(path) if row["kind"] in ("crowd_question", "search_query", "cross_lingual")]
    corpora = {
        row["answers"][0]["passage_id"]: _corpus_with(pack, path, row) for row in rows if row.get("answers")
    }
    chosen = np.random.default_rng(1).permutation(len(rows))[:_MOST_MADE]
    texts: dict[str, dict[str, dict[str, Any]]] = {}
    for row in (rows[at] for at in chosen):
        if not row.get("answers"):
            continue
        corpus = corpora[row["answers"][0]["passage_id"]]
        if corpus not in texts:
            texts[corpus] = {one["passage_id"]: one for one in _rows(pack / corpus / "corpus.jsonl")}
        passages = texts[corpus]
        documents = {passages[id_]["doc_id"] for id_ in row["relevant_passage_ids"]}
        hidden = {(one["passage_id"], one["start"], one["end"]) for one in row["answers"]}
        for answer in {one["text"] for one in row["answers"] if 2 < len(one["text"]) <= _LONGEST_STRING}:
            for id_, one in passages.items():
                if one["doc_id"] in documents and (start := one["text"].find(answer)) >= 0:
                    hidden.add((id_, start, start + len(answer)))
        gone = {*row["relevant_passage_ids"], *(id_ for id_, _, _ in hidden)}
        shared = (
            _family(pack, str(path.parent.relative_to(pack)), row, corpus),
            row["question"],
            row["lang"],
            corpus,
        )
        yield Asked(name, *shared, True, False)
        yield Asked(f"{name} removed", *shared, False, False, gone=tuple(sorted(gone)))
        yield Asked(f"{name} hidden", *shared, False, False, hidden=tuple(sorted(hidden)))


def _corpus_with(pack: Path, path: Path, row: Mapping[str, Any]) -> str:
    """The folder of the corpus: named by the question, beside it, or the one that holds its passages."""
    if row.get("corpus"):
        return str(row["corpus"])
    own = str(path.parent.relative_to(pack))
    if (pack / own / "corpus.jsonl").exists():
        return own
    wanted = row["relevant_passage_ids"][0]
    for other in sorted(pack.glob("a_retrieval/*/corpus.jsonl")):
        if f'"passage_id": "{wanted}"' in other.read_text():
            return str(other.parent.relative_to(pack))
    raise SystemExit(f"No corpus of {pack} holds the passage {wanted} of {path}.")


@functools.cache
def _sources(corpus: Path) -> Counter[str]:
    return Counter(
        str(row.get("source") or corpus.name).replace(".", "_").split("_")[0] for row in _rows(corpus)
    )


def _family(pack: Path, folder: str, row: Mapping[str, Any], corpus: str) -> str:
    """Where question and text come from, so that translations and parts of one source are held out together.

    A question from elsewhere that is put to a set's own corpus belongs with that; one that was written for another
    set's corpus belongs with its own set.
    """
    of_corpus = _sources(pack / corpus / "corpus.jsonl")
    own = str(row.get("source") or "").replace(".", "_").split("_")[0]
    if own in of_corpus:
        return own
    return of_corpus.most_common(1)[0][0] if corpus == folder or not own else Path(folder).name


def _spoken(row: Mapping[str, Any], text: str) -> str:
    return str(row.get("lang") or detect_language(text, default="en"))


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


# Vectors


def _vectors(
    path: Path, scope: ScopeOf, model: PackagedE5
) -> tuple[npt.NDArray[np.float32], list[list[tuple[int, int]]], list[npt.NDArray[np.float32]]]:
    """(passages, 384) rows, spans of sentences, and (sentences, 384) rows for each passage; kept in ``path``."""
    if path.is_file():
        kept: tuple[Any, Any, Any] = pickle.loads(path.read_bytes())
        return kept
    texts = [row["text"] for row in scope.rows]
    spans = [sentence_parts(text) for text in texts]
    headers = [embedded_header(above[0] if above else "", above[1:]) for above in scope.above]
    wholes, parts = [], []
    for start in range(0, len(texts), 64):
        some = slice(start, start + 64)
        rows, own = model.embed_parts(headers[some], texts[some], spans[some])
        wholes.append(rows)
        parts += own
    made = (np.concatenate(wholes), spans, parts)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(pickle.dumps(made))
    return made


def _unit(rows: npt.NDArray[Any]) -> Floats:
    unit: Floats = rows / np.maximum(np.linalg.norm(rows, axis=-1, keepdims=True), 1e-12)
    return unit


# The model


@dataclass(frozen=True)
class Table:
    """A row for each question. ``names``: the features, all of them worse where they are in WORSE."""

    asked: Sequence[Asked]
    names: Sequence[str]
    values: Floats
    good: npt.NDArray[np.bool_]

    @property
    def families(self) -> npt.NDArray[np.str_]:
        return np.array([one.family for one in self.asked])

    @property
    def sets(self) -> npt.NDArray[np.str_]:
        return np.array([one.set for one in self.asked])

    def only(self, rows: npt.NDArray[Any], names: Sequence[str] | None = None) -> Table:
        chosen = names or self.names
        columns = [list(self.names).index(name) for name in chosen]
        asked = [one for one, take in zip(self.asked, rows, strict=True) if take]
        return Table(asked, chosen, self.values[rows][:, columns], self.good[rows])


def balanced(table: Table) -> Floats:
    """Every family counts the same, its answerable half as much as the other, each of its sets by its size up to 100."""
    weight = np.zeros(len(table.good))
    for family in sorted(set(table.families)):
        for good in (True, False):
            own = (table.families == family) & (table.good == good)
            for name in sorted(set(table.sets[own])):
                rows = own & (table.sets == name)
                share = _HIDDEN_SHARE if name.endswith(" hidden") else 1.0
                weight[rows] = share * min(rows.sum(), 100) / rows.sum()
            if own.any():
                weight[own] /= weight[own].sum()
    return weight / weight.mean()


@dataclass(frozen=True)
class Fitted:
    names: Sequence[str]
    weights: Floats
    mean: Floats
    deviation: Floats
    bias: float

    def total(self, table: Table) -> Floats:
        rows: Floats = ((table.values - self.mean) / self.deviation) @ self.weights + self.bias
        return rows


def fit(table: Table) -> Fitted:
    """Logistic regression with a ridge and with the sign of each weight given."""
    weight = balanced(table)
    mean = np.average(table.values, axis=0, weights=weight)
    deviation = np.sqrt(np.average((table.values - mean) ** 2, axis=0, weights=weight)) + 1e-6
    rows, sign = (table.values - mean) / deviation, np.where(table.good, 1.0, -1.0)

    def loss(point: Floats) -> tuple[float, Floats]:
        margin = sign * (rows @ point[:-1] + point[-1])
        slope = -sign * weight / (1 + np.exp(np.clip(margin, -30, 30))) / len(sign)
        value = float((weight * np.logaddexp(0, -margin)).mean() + _RIDGE * (point[:-1] ** 2).sum())
        return value, np.append(rows.T @ slope + 2 * _RIDGE * point[:-1], slope.sum())

    bounds = [(None, 0.0) if name in WORSE else (0.0, None) for name in table.names]
    start = np.zeros(len(table.names) + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[*bounds, (None, None)])
    return Fitted(table.names, found.x[:-1], mean, deviation, float(found.x[-1]))


def left_out(table: Table) -> Floats:
    """The log-odds of each question by a model that saw nothing of its family."""
    totals = np.zeros(len(table.good))
    for family in sorted(set(table.families)):
        own = table.families == family
        if own.all():
            continue
        totals[own] = fit(table.only(~own)).total(table.only(own))
    return totals


def folded(table: Table) -> Floats:
    """The log-odds of each question by a model that saw other questions of its source, but not this one."""
    questions = {text: at for at, text in enumerate(dict.fromkeys(one.question for one in table.asked))}
    order = np.random.default_rng(2).permutation(len(questions))
    fold = np.array([order[questions[one.question]] % _FOLDS for one in table.asked])
    totals = np.zeros(len(table.good))
    for number in range(_FOLDS):
        totals[fold == number] = fit(table.only(fold != number)).total(table.only(fold == number))
    return totals


def calibrated(table: Table, totals: Floats) -> tuple[float, float]:
    """Platt: (slope, shift) that make the left-out log-odds probabilities."""
    weight, sign = balanced(table), np.where(table.good, 1.0, -1.0)

    def loss(point: Floats) -> float:
        return float((weight * np.logaddexp(0, -sign * (point[0] * totals + point[1]))).mean())

    found = minimize(loss, np.array([1.0, 0.0]), method="Nelder-Mead").x
    return float(found[0]), float(found[1])


def threshold(scores: Floats, weight: Floats, share: float) -> float:
    """The least score that at most ``share`` of the weight reaches."""
    order = np.argsort(-scores)
    above = np.cumsum(weight[order]) / weight.sum()
    reached = int(np.searchsorted(above, share, side="right"))
    return float(scores[order[min(reached, len(order) - 1)]]) + 1e-6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("pack", type=Path)
    parser.add_argument("--vectors", type=Path, default=Path("data/gate-vectors"))
    parser.add_argument("--write", action="store_true", help="replace retrieval/sufficiency_weights.json")
    options = parser.parse_args()
    table, plain, foreign = measured(options.pack, options.vectors)
    weighings = {
        "meaning": _weighed("meaning", table.only(~foreign)),
        "foreign": _weighed("foreign", table.only(foreign)),
        "words": _weighed("words", plain.only(~foreign)),
    }
    if options.write:
        WEIGHTS.write_text(json.dumps({"weighings": weighings}, indent=1) + "\n", "utf-8")
        print(f"\nwritten: {WEIGHTS.name}, {WEIGHTS.stat().st_size} bytes")


def measured(pack: Path, vectors: Path) -> tuple[Table, Table, npt.NDArray[np.bool_]]:
    """All features, those of words alone, and which questions found nothing in their language."""
    model = PackagedE5(vectors)
    background = Background(model, vectors)
    asked = questions_of(pack)
    embedded = _embedded(vectors / "questions.pickle", [one.question for one in asked], model)
    scopes: dict[str, ScopeOf] = {}
    rows: list[dict[str, float]] = []
    plain: list[dict[str, float]] = []
    foreign: list[bool] = []
    with progress_bar() as bar:
        task = bar.add_task("measuring", total=len(asked))
        for one in sorted(asked, key=lambda one: one.corpus):
            if one.corpus not in scopes:
                scopes = {one.corpus: ScopeOf(pack, one.corpus, model, background, vectors)}
            vector = background.question(embedded[one.question], one.language)
            hits, keywords = hits_of(scopes[one.corpus], one, vector.astype(np.float64))
            features, _ = measure(one.question, hits, keywords, one.language)
            rows.append(features)
            plain.append(measure(one.question, hits, keywords, one.language, by_meaning=False)[0])
            foreign.append(weighing_for(features, hits, one.language) == "foreign")
            bar.advance(task)
    asked.sort(key=lambda one: one.corpus)
    good = np.array([one.answerable for one in asked])
    return _table(asked, rows, good), _table(asked, plain, good), np.array(foreign)


def _table(asked: Sequence[Asked], rows: Sequence[Mapping[str, float]], good: npt.NDArray[np.bool_]) -> Table:
    names = sorted(rows[0])
    return Table(asked, names, np.array([[row[name] for name in names] for row in rows]), good)


def _embedded(path: Path, texts: Sequence[str], model: PackagedE5) -> dict[str, npt.NDArray[np.float32]]:
    kept: dict[str, npt.NDArray[np.float32]] = pickle.loads(path.read_bytes()) if path.is_file() else {}
    new = [text for text in dict.fromkeys(texts) if text not in kept]
    if new:
        kept |= dict(zip(new, model.embed_queries(new), strict=True))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(kept))
    return kept


def _weighed(title: str, table: Table) -> dict[str, Any]:
    totals = left_out(table)
    slope, shift = calibrated(table, totals)
    fitted, folds = fit(table), slope * folded(table) + shift
    scores = 1 / (1 + np.exp(-(slope * totals + shift)))
    # Hidden sentences are harder than anything that people ask in vain; they teach, and do not set the bar.
    weight = balanced(table) * np.array([not one.set.endswith(" hidden") for one in table.asked])
    covered = threshold(scores[~table.good], weight[~table.good], FALSE_ANSWERS)
    partly = min(covered, _partly(table, folds))
    _print_sets(title, table, totals, [folds, fitted.total(table)], scores, covered, partly)
    _print_curve(table, scores, weight)
    weights = {
        name: [round(slope * float(w), 5), round(float(mean), 5), round(float(deviation), 5)]
        for name, w, mean, deviation in zip(
            fitted.names, fitted.weights, fitted.mean, fitted.deviation, strict=True
        )
        if abs(slope * w) > 1e-4
    }
    ranked = sorted(weights, key=lambda name: -abs(weights[name][0]))
    print("weights:", ", ".join(f"{name} {weights[name][0]:+.2f}" for name in ranked))
    return {
        "bias": round(slope * fitted.bias + shift, 5),
        "weights": weights,
        "covered": round(covered, 4),
        "partly": round(partly, 4),
    }


def _partly(table: Table, folds: Floats) -> float:
    """The least score of all but LOST_ANSWERS of the answerable questions, of the set that has the lowest.

    By the worst set, not by all: paraphrases in everyday words score low, and those are what people type.
    """
    lowest = [
        float(np.quantile(folds[rows], LOST_ANSWERS))
        for name in sorted(set(table.sets))
        if (rows := (table.sets == name) & table.good).any()
    ]
    return 1 / (1 + math.exp(-min(lowest)))


def _print_sets(
    title: str,
    table: Table,
    totals: Floats,
    others: Sequence[Floats],
    scores: Floats,
    covered: float,
    partly: float,
) -> None:
    print(f"\n## {title}: covered from {covered:.3f}, partly from {partly:.3f}\n")
    print(
        "| set | questions | AUROC, source left out | question left out | seen | AUPRC | answered at 5 % false | called covered"
        " (not answerable) | covered (answerable) | covered or partly (not) | (answerable) |"
    )
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    pairs: dict[str, npt.NDArray[np.bool_]] = {}
    for name in dict.fromkeys(table.sets):
        base = str(name).removesuffix(" removed").removesuffix(" hidden")
        own = table.sets == name
        pairs[str(name)] = own if base == name else own | (table.sets == base)
    for name, rows in sorted(pairs.items(), key=lambda pair: (" " in pair[0], pair[0])):
        good, own = table.good[rows], totals[rows]
        if good.all() or not good.any():
            continue
        seen = " | ".join(f"{roc_auc_score(good, one[rows]):.3f}" for one in others)
        bad_scores = np.sort(own[~good])[::-1]
        limit = bad_scores[int(FALSE_ANSWERS * len(bad_scores))]
        print(
            f"| {name} | {good.sum()} + {(~good).sum()} | {roc_auc_score(good, own):.3f} | {seen} "
            f"| {average_precision_score(good, own):.3f} | {(own[good] > limit).mean():.2f} "
            f"| {(scores[rows][~good] >= covered).mean():.2f} | {(scores[rows][good] >= covered).mean():.2f} "
            f"| {(scores[rows][~good] >= partly).mean():.2f} | {(scores[rows][good] >= partly).mean():.2f} |"
        )


def _print_curve(table: Table, scores: Floats, weight: Floats) -> None:
    print(
        "\n| called covered from | of the unanswerable | of the answerable | right among those called covered |"
    )
    print("|---|---|---|---|")
    good, bad = table.good, ~table.good
    for limit in (0.2, 0.3, 0.4, 0.5, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95):
        false = float(weight[bad & (scores >= limit)].sum() / weight[bad].sum())
        true = float(weight[good & (scores >= limit)].sum() / weight[good].sum())
        print(f"| {limit:.2f} | {false:.3f} | {true:.3f} | {true / max(true + false, 1e-9):.3f} |")


if __name__ == "__main__":
    main()
