"""A question that leans on what was said before ("and for part-time staff?"), without a model.

Only the last exchange helps; all of them hurt (docs/decisions/0008-ranking.md). It is always looked at: whether a
question leans on it cannot be told well from its words, and one that does not loses little by it (nDCG@10 .646 -> .622
with a random earlier question, against .34 -> 1.0 for those that do lean). What is searched for is mostly the
question together with the one before it, a little the answer that was given. A chat model, where there is one,
words a standalone question; that is the application's part.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float32]
Amount = TypeVar("Amount", float, Numbers)

# Chosen together on two sets of conversations of the open pack; neighbours of these values do as well.
TOGETHER = 0.6  # of the vector: the last two questions as one text; the rest is the last one alone
ANSWERED = 0.3  # of the vector: the answer to the earlier question, added
EARLIER_WORDS = 0.25  # keyword scores of the earlier question, beside the last one's
ANSWERED_WORDS = 0.1
_LONGEST_ANSWER = 120  # words


@dataclass(frozen=True)
class Exchange:
    """What was asked last, and what was answered; the answer may be empty."""

    question: str
    answer: str = ""

    @property
    def answer_opening(self) -> str:
        """As much of the answer as is looked at."""
        return " ".join(self.answer.split()[:_LONGEST_ANSWER])


def standalone_question(question: str, earlier: Exchange | None) -> str:
    """The question with the one that it leans on, as one text."""
    if earlier is None or not earlier.question.strip():
        return question
    return " ".join(unicodedata.normalize("NFC", f"{earlier.question} {question}").split())


def blended_vector(alone: Numbers, together: Numbers, answered: Numbers | None) -> Numbers:
    """One vector of length one out of centred ones."""
    total = (1 - TOGETHER) * alone + TOGETHER * together
    if answered is not None:
        total = total + ANSWERED * answered
    blended: Numbers = (total / max(float(np.linalg.norm(total)), 1e-12)).astype(np.float32)
    return blended


def blended_keywords(alone: Amount, earlier: Amount, answered: Amount) -> Amount:
    """Keyword scores of the three texts as one; of every passage, or the most that they could be."""
    blended: Amount = alone + EARLIER_WORDS * earlier + ANSWERED_WORDS * answered
    return blended
