"""Formative feedback without a model: per criterion a suggestion, the learner's own words, and one thing to try next.

It is a suggestion and is called one. Each sentence of the response is compared with the author's phrases, the strong example
and the weak one; words count first (a phrase whose content words all occur), then meaning. What is between the two stays
"can't tell": a wrong "met" teaches the wrong thing, and a person decides in the end.

What in a response speaks to a machine, or of marks and criteria, is left out: it is neither compared nor quoted.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from app.coach.guard import without_disguises
from app.coach.units import units_of
from retrieval import Embedder, looks_like_instruction
from retrieval.assertions import read_assertion
from retrieval.languages import detect_language, fold_accents, stems
from retrieval.short_answers import assess_answer

Status = Literal["met", "not_yet", "cant_tell"]

# Chosen on the sample tasks in three languages: with these all 99 criteria of the worked strong responses are suggested as
# met and 1 of the 99 of the weak ones (docs/benchmarks.md, tests/app/coach/test_feedback.py). Learners' own answers are less
# tidy than an author's examples, so the figures are an upper bound; that is why a person decides.
WORDS_MET = 0.75  # share of a phrase's content words that one sentence has
WORDS_SHARED = 0.5  # the least share where meaning speaks for it
WORDS_NEAR = 0.45
LEAST_MARGIN = 0.01  # cosine to the strong example over the cosine to the weak one
CLEAR_MARGIN = 0.035
CLOSE = 0.92  # e5's cosines between sentences on one subject lie between .80 and .97
NEAR = 0.88

# Words about marking itself, in three languages and without accents. Nobody writes them to a customer.
_MARKING = re.compile(
    r"\b(?:full|top|maximum|highest|perfect|max)\W+(?:\w+\W+)?(?:marks?|scores?|points?|grades?)\b"
    r"|\b(?:nota|puntuacion|pontuacao|calificacion|puntaje)\W+(?:mas\W+|mais\W+)?(?:maxima|alta|perfecta|perfeita|completa|total)\b"
    r"|\b(?:maxima|maximo de)\W+(?:nota|puntuacion|pontuacao|puntos|pontos)\b|\btodos\W+(?:los\W+puntos|os\W+pontos)\b"
    r"|\b(?:all|every|each|todos|todas|cada)\W+(?:\w+\W+){0,2}criteri\w+"
    r"|\bcriteri\w+\W+(?:\w+\W+){0,3}(?:met|satisfied|fulfilled|atendid\w+|cumprid\w+|cumplid\w+|satisfech\w+)\b"
    r"|\b(?:award|give|grant|assign|otorg\w+|atribu\w+|conced\w+)\W+(?:\w+\W+){0,3}\d+\W*(?:points?|marks?|puntos|pontos)\b"
    r"|\b(?:to|dear|for|para|ao|al)\W+(?:the\W+|el\W+|o\W+)?(?:grader|marker|assessor|evaluator|evaluador\w*|avaliador\w*|corrector|corretor)\b"
    r"|^\W*(?:system|assistant|developer|sistema|asistente|assistente)\W*:"
    r"|\bnote\W+to\W+(?:the\W+)?(?:assistant|model|ai|machine|reviewer|grader)\b"
    r"|\brubrics?\b|\brubricas?\b|\b(?:not_yet|cant_tell)\b|\bstatus\W+(?:is\W+|to\W+)?met\b"
)


@dataclass(frozen=True)
class CriterionFeedback:
    """The suggestion for one criterion. `quote` are the learner's own words, verbatim, or None where none fit."""

    criterion: str
    status: Status
    quote: str | None
    next_try: str

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class _Judged:
    share: float
    margin: float
    closeness: float

    @property
    def rank(self) -> float:
        return self.share + 2 * self.margin


def speaks_to_a_machine(sentence: str) -> bool:
    """Whether a sentence of a response is a command to whoever judges it, or speaks of marks and criteria: no part of the work."""
    plain = without_disguises(sentence)
    folded = " ".join(fold_accents(word) for word in plain.casefold().split())
    return looks_like_instruction(plain) is not None or _MARKING.search(folded) is not None


def sentences_of(response: str) -> tuple[list[str], int]:
    """The response's sentences, without those that speak to a machine, and how many those were."""
    said = [unit.text for unit in units_of(response) if any(character.isalnum() for character in unit.text)]
    kept = [sentence for sentence in said if not speaks_to_a_machine(sentence)]
    return kept, len(said) - len(kept)


def give_feedback(
    embedder: Embedder, criteria: Sequence[Mapping[str, Any]], response: str, *, question: str = ""
) -> list[CriterionFeedback]:
    """One suggestion for each criterion (`id, look_for, strong_example, weak_example, next_try`), in their order.

    A criterion with a strong example and nothing else is marked as a short answer to `question`, and one with nothing to
    compare with is for a person. The response is data: whatever it says, it is only compared.
    """
    sentences, _ = sentences_of(response)
    if not sentences:
        return [CriterionFeedback(c["id"], "not_yet", None, c.get("next_try", "")) for c in criteria]
    vectors: Any = None
    lines = []
    for criterion in criteria:
        examples = _examples(criterion)
        if not examples:
            lines.append(CriterionFeedback(criterion["id"], "cant_tell", None, criterion.get("next_try", "")))
        elif not criterion.get("look_for") and not criterion.get("weak_example"):
            lines.append(_judge_short_answer(embedder, criterion, examples, question, sentences))
        else:
            if vectors is None:
                vectors = np.asarray(embedder.embed_passages(sentences))
            lines.append(_judge_criterion(embedder, criterion, sentences, vectors))
    return lines


def _examples(criterion: Mapping[str, Any]) -> list[str]:
    """The texts that show what the criterion asks for; those without a word show nothing."""
    texts = (criterion.get("strong_example"), *criterion.get("look_for", ()))
    return [text for text in texts if text and any(character.isalnum() for character in text)]


def _judge_short_answer(
    embedder: Embedder,
    criterion: Mapping[str, Any],
    references: Sequence[str],
    question: str,
    sentences: Sequence[str],
) -> CriterionFeedback:
    """A criterion that has only a reference text. What the marking is not sure of is for a person: "can't tell"."""
    judged = [assess_answer(question, references, sentence, embedder) for sentence in sentences]
    best = max(range(len(sentences)), key=lambda i: judged[i].score)
    found = judged[best]
    status: Status = "cant_tell"
    if not found.for_a_person and found.label != "partly":
        status = "met" if found.label == "correct" else "not_yet"
    return CriterionFeedback(
        criterion["id"],
        status,
        sentences[best] if status != "not_yet" else None,
        "" if status == "met" else str(criterion.get("next_try", "")),
    )


def _judge_criterion(
    embedder: Embedder, criterion: Mapping[str, Any], sentences: Sequence[str], vectors: Any
) -> CriterionFeedback:
    strong = _examples(criterion)
    weak = [text for text in (criterion.get("weak_example"),) if text]
    examples = np.asarray(embedder.embed_passages([*strong, *weak]))
    likeness = vectors @ examples.T
    to_strong = likeness[:, : len(strong)].max(axis=1)
    to_weak = likeness[:, len(strong) :].max(axis=1) if weak else np.full(len(sentences), 0.0)
    language = detect_language(" ".join(strong), default="en")
    judged = [
        _Judged(
            max(_share(phrase, sentence, language) for phrase in criterion.get("look_for", ()) or strong),
            float(to_strong[i] - to_weak[i]) if weak else 0.0,
            float(to_strong[i]),
        )
        for i, sentence in enumerate(sentences)
    ]
    best = max(range(len(sentences)), key=lambda i: judged[i].rank)
    status = _status(judged[best])
    if not weak and status == "cant_tell" and judged[best].share == 1.0:
        status = _stated(criterion, sentences[best], language)
    next_try = "" if status == "met" else str(criterion.get("next_try", ""))
    return CriterionFeedback(
        criterion["id"], status, sentences[best] if status != "not_yet" else None, next_try
    )


def _status(best: _Judged) -> Status:
    if best.share >= WORDS_MET and best.margin > LEAST_MARGIN:
        return "met"
    if best.share >= WORDS_SHARED and best.closeness >= CLOSE and best.margin >= CLEAR_MARGIN:
        return "met"
    if best.share >= WORDS_NEAR or (best.closeness >= NEAR and best.margin > 0):
        return "cant_tell"
    return "not_yet"


def _stated(criterion: Mapping[str, Any], sentence: str, language: str) -> Status:
    """For a criterion without a weak example: a whole phrase that is said, and neither denied nor with another figure, is met."""
    claim = read_assertion(sentence, language)
    for phrase in criterion.get("look_for", ()):
        wanted = read_assertion(phrase, language)
        has_figures = all(any(n.agrees(m) for m in claim.numbers) for n in wanted.numbers)
        if _share(phrase, sentence, language) == 1.0 and claim.denies == wanted.denies and has_figures:
            return "met"
    return "cant_tell"


def _share(phrase: str, sentence: str, language: str) -> float:
    """The share of the phrase's content stems that the sentence has."""
    wanted = set(stems(phrase, language))
    return len(wanted & set(stems(sentence, language))) / len(wanted) if wanted else 0.0
