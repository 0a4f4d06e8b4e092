"""Trains the weights of retrieval/short_answers.py and says how well they carry over.

    python bench/train_short_answers.py PACK [--cache features.json] [--write]

PACK is a folder with the layout of docs/evaluation.md; part f is read. Two linear models (words alone; words and the
packaged embedder) are fitted to people's scores, each set counting the same. Two tables: every set predicted by a model
that never saw it (leave one set out), and every question by one that saw other questions only. ``--write`` stores the
weights fitted on everything. ``--cache`` keeps the measured features, for embedding 11,000 texts takes minutes.
Needs scikit-learn (a development dependency).
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score, roc_auc_score
from sklearn.model_selection import GroupKFold

from retrieval.embedding import PackagedE5
from retrieval.languages import words
from retrieval.short_answers import WEIGHTS_FILE, doubt, measure

MEANING = ("near", "near_mean", "near_question", "nearer_than_question", "points_near", "point_farthest")
SURENESS = (
    "high",
    "low",
    "few_words",
    "length",
    "covered",
    "to_the_point",
    "near",
    "point_farthest",
    "many_references",
)
STRENGTH = 0.05  # of the data against the prior: chosen by leave-one-set-out, flat between .02 and .1
SURE_IS_RIGHT = 0.7  # of the answers that are not handed to a person, so many lie within a quarter
# Where people gave labels only: "incorrect" also holds answers that are right in part.
LABEL_SCORES = {"correct": 1.0, "incorrect": 0.25, "contradictory": 0.0}


@dataclass
class Answers:
    """One row for each answer that has words: ``truth`` is a person's score, ``graded``: it is finer than right or wrong."""

    sets: np.ndarray
    questions: np.ndarray
    truth: np.ndarray
    labels: np.ndarray
    graded: np.ndarray
    features: list[dict[str, float]]

    def matrix(self, names: Sequence[str]) -> np.ndarray:
        return np.array([[row.get(name, 0.0) for name in names] for row in self.features])


def read_answers(pack: Path) -> Iterator[dict[str, Any]]:
    folder = pack / "f_short_answer_grading"
    for path in sorted(folder.glob("*_questions.jsonl")):
        name = path.name.removesuffix("_questions.jsonl")
        questions = {row["question_id"]: row for row in map(json.loads, path.open(encoding="utf-8"))}
        for row in map(json.loads, (folder / f"{name}.jsonl").open(encoding="utf-8")):
            question = questions[row["question_id"]]
            references = question.get("reference_answers") or [question["reference_answer"]]
            references = [one for one in references if words(one)]
            if not references or not words(row["student_answer"]):
                continue
            graded = "score_norm" in row
            yield {
                "set": f"{row.get('source', name)}-{question.get('lang', '')}",
                "question": row["question_id"],
                "label": str(row.get("label", "")).lower(),
                "truth": row["score_norm"] if graded else LABEL_SCORES.get(row["label"].lower(), 0.0),
                "graded": graded,
                "texts": (question["question"], references, row["student_answer"]),
            }


def measured(pack: Path, cache: Path | None) -> Answers:
    if cache and cache.exists():
        rows = json.loads(cache.read_text("utf-8"))
    else:
        embedder = _Remembering(PackagedE5())
        rows = []
        for row in read_answers(pack):
            question, references, answer = row.pop("texts")
            rows.append({**row, "features": measure(question, references, answer, embedder)})
        if cache:
            cache.write_text(json.dumps(rows), "utf-8")
    column = {
        name: np.array([row[name] for row in rows])
        for name in ("set", "question", "truth", "label", "graded")
    }
    return Answers(column["set"], column["question"], column["truth"], column["label"], column["graded"],
                   [row["features"] for row in rows])  # fmt: skip


class _Remembering:
    """References and questions come again and again."""

    def __init__(self, embedder: PackagedE5) -> None:
        self.embedder = embedder
        self.identity = embedder.identity
        self.dimensions = embedder.dimensions
        self.count_tokens = embedder.count_tokens
        self.embed_passages = embedder.embed_passages
        self._known: dict[str, np.ndarray] = {}

    def embed_queries(self, texts: Sequence[str]) -> np.ndarray:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        if new:
            self._known.update(zip(new, self.embedder.embed_queries(new), strict=True))
        return np.stack([self._known[text] for text in texts])


def fit(
    matrix: np.ndarray, truth: np.ndarray, groups: np.ndarray, strength: float = STRENGTH
) -> LogisticRegression:
    """Logistic weights for scores between 0 and 1; every group counts the same."""
    counts = {name: int((groups == name).sum()) for name in set(groups)}
    weight = np.array([len(groups) / len(counts) / counts[name] for name in groups])
    doubled, target = np.vstack([matrix, matrix]), np.r_[np.ones(len(truth)), np.zeros(len(truth))]
    weights = np.r_[weight * truth, weight * (1 - truth)]
    return LogisticRegression(C=strength, max_iter=5_000).fit(
        doubled[weights > 0], target[weights > 0], weights[weights > 0]
    )


def predicted(
    answers: Answers, names: Sequence[str], folds: Sequence[tuple[np.ndarray, np.ndarray]]
) -> np.ndarray:
    """Each answer's score by a model that was fitted without its fold."""
    matrix = answers.matrix(names)
    scores = np.zeros(len(answers.truth))
    for train, test in folds:
        model = fit(matrix[train], answers.truth[train], answers.sets[train])
        scores[test] = model.predict_proba(matrix[test])[:, 1]
    return scores


def thresholds(answers: Answers, scores: np.ndarray) -> tuple[float, float]:
    """(correct from, partly from): the best macro-F1, each set counting the same."""
    grid = np.linspace(0.1, 0.9, 41)

    def mean(chosen: Callable[[np.ndarray], float]) -> float:
        return float(np.mean([chosen(answers.sets == name) for name in set(answers.sets)]))

    right = answers.labels == "correct"
    correct = max(
        grid, key=lambda at: mean(lambda of: f1_score(right[of], scores[of] >= at, average="macro"))
    )
    three = three_way(answers)
    graded = answers.graded
    partly = max(grid[grid <= correct], key=lambda at: f1_score(
        three[graded], labelled(scores[graded], float(correct), float(at)), average="macro"))  # fmt: skip
    return float(correct), float(partly)


def three_way(answers: Answers) -> np.ndarray:
    return np.where(
        answers.labels == "correct", 2, np.where(np.char.startswith(answers.labels, "part"), 1, 0)
    )


def labelled(scores: np.ndarray, correct: float, partly: float) -> np.ndarray:
    return np.where(scores >= correct, 2, np.where(scores >= partly, 1, 0))


def sureness(answers: Answers, scores: np.ndarray) -> tuple[LogisticRegression, np.ndarray, np.ndarray]:
    """Whether a score lies within a quarter of a person's: the model, each answer's confidence, what was so."""
    near = np.abs(scores - answers.truth) <= 0.25
    matrix = sure_matrix(answers, scores)
    groups = GroupKFold(8)
    confidence = np.zeros(len(near))
    for train, test in groups.split(matrix, near, answers.questions):
        model = fit(matrix[train], near[train].astype(float), answers.sets[train])
        confidence[test] = model.predict_proba(matrix[test])[:, 1]
    return fit(matrix, near.astype(float), answers.sets), confidence, near


def sure_matrix(answers: Answers, scores: np.ndarray) -> np.ndarray:
    rows = [{**row, **doubt(float(score))} for row, score in zip(answers.features, scores, strict=True)]
    return np.array([[row.get(name, 0.0) for name in SURENESS] for row in rows])


def table(title: str, answers: Answers, scores: np.ndarray, cuts: tuple[float, float]) -> None:
    print(title)
    for name in sorted(set(answers.sets)):
        of = answers.sets == name
        truth, score = answers.truth[of], scores[of]
        line = f"  {name:28} n={int(of.sum()):5}"
        right = answers.labels[of] == "correct"
        macro = f1_score(right, score >= cuts[0], average="macro")
        line += f"  correct or not: AUROC {roc_auc_score(right, score):.3f}, macro-F1 {macro:.3f}"
        if answers.graded[of].all():
            three = f1_score(three_way(answers)[of], labelled(score, *cuts), average="macro")
            error = float(np.sqrt(np.mean((score - truth) ** 2)))
            line += f"  Pearson {np.corrcoef(score, truth)[0, 1]:.3f}  RMSE {error:.3f}  three labels macro-F1 {three:.3f}"
        print(line)


def train(answers: Answers, with_meaning: bool) -> dict[str, Any]:
    every = sorted({name for row in answers.features for name in row})
    names = [name for name in every if with_meaning or name not in MEANING]
    everyone = np.arange(len(answers.truth))
    by_set = [
        (everyone[answers.sets != name], everyone[answers.sets == name]) for name in sorted(set(answers.sets))
    ]
    by_question = list(GroupKFold(8).split(everyone, groups=answers.questions))
    scores = predicted(answers, names, by_question)
    cuts = thresholds(answers, scores)
    kind = "words and meaning" if with_meaning else "words alone"
    unseen = np.zeros(len(everyone))
    for fold, test in by_set:
        # Thresholds too come from the other sets only.
        unseen[test] = predicted(answers, names, [(fold, test)])[test]
    table(f"{kind}, leave one set out (thresholds from all sets)", answers, unseen, cuts)
    table(f"{kind}, by question", answers, scores, cuts)
    sure_model, confidence, near = sureness(answers, scores)
    sure = float(next((at for at in np.linspace(0.3, 0.95, 66)
                       if (confidence >= at).any() and near[confidence >= at].mean() >= SURE_IS_RIGHT), 0.95))  # fmt: skip
    kept = confidence >= sure
    print(f"  confidence: {kept.mean():.2f} of the answers are not handed to a person; of these {near[kept].mean():.3f} lie within a "
          f"quarter of a person's score, of the others {near[~kept].mean():.3f}")  # fmt: skip
    model = fit(answers.matrix(names), answers.truth, answers.sets)
    sure_names = [name for name in SURENESS if with_meaning or name not in MEANING]
    if not with_meaning:
        keep = [SURENESS.index(name) for name in sure_names]
        sure_model = fit(sure_matrix(answers, scores)[:, keep], near.astype(float), answers.sets)
    return {
        "score": _named(model, names),
        "confidence": _named(sure_model, sure_names),
        "correct": round(cuts[0], 3),
        "partly": round(cuts[1], 3),
        "sure": round(sure, 3),
    }


def _named(model: LogisticRegression, names: Sequence[str]) -> dict[str, float]:
    weights = {name: round(float(weight), 4) for name, weight in zip(names, model.coef_[0], strict=True)}
    return {"bias": round(float(model.intercept_[0]), 4), **weights}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("pack", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--write", action="store_true")
    chosen = parser.parse_args()
    answers = measured(chosen.pack, chosen.cache)
    weights = {"words": train(answers, False), "meaning": train(answers, True)}
    if chosen.write:
        WEIGHTS_FILE.write_text(json.dumps(weights, indent=1) + "\n", "utf-8")
        print(f"written: {WEIGHTS_FILE.name}")


if __name__ == "__main__":
    main()
