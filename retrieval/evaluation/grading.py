"""Part f: how far our marking of short answers agrees with people's, beside the cosine of tf-idf weights."""

from __future__ import annotations

import fnmatch
import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from retrieval.evaluation import metrics
from retrieval.evaluation.baselines import TfIdf
from retrieval.evaluation.pack import UNKNOWN_LANGUAGE, Pack, Record, base_language, read_records
from retrieval.evaluation.ranking import Step
from retrieval.evaluation.report import Number, Row
from retrieval.evaluation.workbench import Workbench
from retrieval.short_answers import Agreement, assess_answer

_CORRECT, _NOT = "correct", "not correct"
_QUARTERS = 4


@dataclass(frozen=True)
class MarkedAnswer:
    """A learner's answer with people's mark. ``score``: 0 to 1, None where the set has labels only."""

    question: str
    references: tuple[str, ...]
    language: str
    source: str
    answer: str
    score: float | None
    label: str


def grading_rows(pack: Pack, part: str, patterns: Sequence[str], bench: Workbench, step: Step) -> list[Row]:
    """Rows of each set whose name matches, one for each language and source within it."""
    folder = pack.folder / part
    rows = []
    for path in sorted(folder.glob("*_questions.jsonl")):
        name = path.name.removesuffix("_questions.jsonl")
        if not any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns):
            continue
        answers = _answers(path, folder / f"{name}.jsonl")
        for group, members in _groups(answers):
            whole = "/".join(one for one in (name, group) if one)
            marks = []
            for at, one in enumerate(members):
                marks.append(assess_answer(one.question, one.references, one.answer, bench.embedder))
                step(f"{part}/{whole}", at + 1, len(members))
            rows.append(Row(part, whole, numbers_of(members, marks)))
    return rows


def numbers_of(answers: Sequence[MarkedAnswer], marks: Sequence[Agreement]) -> dict[str, Number]:
    """Agreement with people's scores (pearson, rmse, and kappa in quarters: qwk) and labels (right or not: macro_f1,
    accuracy); the same for the answers that we are sure of (``sure``: their share). Sets without scores lack the
    former, and so on."""
    numbers: dict[str, Number] = {"n": len(answers)}
    weights = TfIdf([" ".join(one.references) for one in answers] + [one.answer for one in answers])
    cosines = [
        max((weights.cosine(reference, one.answer) for reference in one.references), default=0.0)
        for one in answers
    ]
    sure = [at for at, mark in enumerate(marks) if not mark.for_a_person]
    numbers["sure"] = len(sure) / len(answers) if answers else None
    scored = [one.score for one in answers if one.score is not None]
    if len(scored) == len(answers):
        ours = [mark.score for mark in marks]
        numbers["pearson"] = metrics.pearson(ours, scored)
        numbers["rmse"] = metrics.root_mean_square_error(ours, scored)
        numbers["qwk"] = metrics.quadratic_weighted_kappa(in_quarters(ours), in_quarters(scored))
        numbers["sure_rmse"] = (
            metrics.root_mean_square_error([ours[at] for at in sure], [scored[at] for at in sure])
            if sure
            else None
        )
        numbers["sure_qwk"] = metrics.quadratic_weighted_kappa(
            in_quarters([ours[at] for at in sure]), in_quarters([scored[at] for at in sure])
        )
        numbers["tfidf_pearson"] = metrics.pearson(cosines, scored)
        numbers["tfidf_rmse"] = metrics.root_mean_square_error(cosines, scored)
        numbers["tfidf_qwk"] = metrics.quadratic_weighted_kappa(in_quarters(cosines), in_quarters(scored))
    if all(one.label for one in answers):
        truth = [_CORRECT if one.label.lower() == _CORRECT else _NOT for one in answers]
        said = [_CORRECT if mark.label == _CORRECT else _NOT for mark in marks]
        numbers["macro_f1"] = metrics.macro_f1(truth, said)
        numbers["accuracy"] = metrics.accuracy(truth, said)
        numbers["sure_accuracy"] = (
            metrics.accuracy([truth[at] for at in sure], [said[at] for at in sure]) if sure else None
        )
        numbers["auroc"] = metrics.auroc([one == _CORRECT for one in truth], [mark.score for mark in marks])
        numbers["tfidf_auroc"] = metrics.auroc([one == _CORRECT for one in truth], cosines)
    return numbers


def in_quarters(scores: Sequence[float]) -> list[int]:
    """Scores of 0 to 1 as the nearest of five marks, 0 to 4; halfway goes up, so that .125 is a first quarter."""
    return [min(_QUARTERS, max(0, math.floor(score * _QUARTERS + 0.5))) for score in scores]


def _answers(questions_path: Path, answers_path: Path) -> list[MarkedAnswer]:
    questions: dict[str, Record] = {}
    for record in read_records(questions_path):
        questions[record.text("question_id")] = record
    answers = []
    for record in read_records(answers_path):
        question = questions.get(record.text("question_id"))
        if question is None:
            raise record.wrong(f"“question_id” {record.text('question_id')} is not in {questions_path.name}.")
        references = question.texts("reference_answers") or (question.text("reference_answer"),)
        if not any(letter.isalnum() for reference in references for letter in reference):
            raise question.wrong("“reference_answer” holds no word to compare with.")
        score = None
        if record.has("score_norm"):
            score = record.number("score_norm")
            if not 0 <= score <= 1:
                raise record.wrong(f"“score_norm” must lie between 0 and 1, not {score:g}.")
        answers.append(
            MarkedAnswer(
                question=question.text("question"),
                references=references,
                language=base_language(question.text("lang", UNKNOWN_LANGUAGE)),
                source=record.text("source", ""),
                answer=record.text("student_answer"),
                score=score,
                label=record.text("label", ""),
            )
        )
    return answers


def _groups(answers: Sequence[MarkedAnswer]) -> list[tuple[str, list[MarkedAnswer]]]:
    """By language and source, named by what differs within the set."""
    grouped: dict[tuple[str, str], list[MarkedAnswer]] = defaultdict(list)
    for one in answers:
        grouped[one.language, one.source].append(one)
    languages = {language for language, _ in grouped}
    sources = {source for _, source in grouped}
    named = []
    for (language, source), members in sorted(grouped.items()):
        parts = [language if len(languages) > 1 else "", source if len(sources) > 1 else ""]
        named.append(("/".join(part for part in parts if part), members))
    return named
