"""A question that leans on what was said before ("and for part-time staff?"), without a model.

Only the last exchange helps; all of them hurt (docs/decisions/0008-ranking.md). What is searched for is mostly the
question together with the one before it, a little the answer that was given. For ranking that costs little where a
question does not lean (nDCG@10 .646 -> .622 with a random earlier question, against .34 -> 1.0 for those that do). For
answering it costs much: the content answers the earlier question well, and a new one that it does not answer would
get that answer. So whoever answers asks `leans_on_earlier` first. A chat model, where there is one, words a
standalone question; that is the application's part.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from retrieval.languages import is_stop_word, words

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


# Words that point at something said before, as long as the question has not named much itself; those after the bar only
# where nothing was named yet, since they mostly join clauses.
_POINTING = {
    "en": "it its they them their theirs this these those he she him his her such | that",
    "es": "eso esto ese esa esos esas ello él ella ellos ellas |",
    "pt": "isso isto esse essa esses essas ele ela eles elas disso nisso |",
    "de": "dies dabei dafür davon damit dazu dasselbe diese dieser dieses diesem diesen ihn ihm ihnen | es er",
    "fr": "cela ça ceci celui celle ceux | il elle ils elles ce",
}
_POINTING_ANYWHERE = {"en": "one ones"}
_POINTING_LAST = {
    "en": "there same",
    "es": "allí ahí mismo",
    "pt": "lá ali mesmo",
    "de": "dort",
    "fr": "là",
}
_GOING_ON = {
    "en": "and but or so then also otherwise",
    "es": "y e pero o entonces también",
    "pt": "e mas ou então também",
    "de": "und aber oder dann auch sonst",
    "fr": "et mais ou alors aussi sinon",
}
_OPENINGS = (
    ("what", "about"),
    ("how", "about"),
    ("what", "if"),
    ("was", "ist", "mit"),
    ("qué", "pasa", "con"),
)
_LONGEST_POINTING = 6  # words of its own: a longer question has said what it means
_NAMED = 2  # words of its own: after so many, "it" is more likely one of them


def leans_on_earlier(question: str, language: str) -> bool:
    """Whether a question's words say that it goes on from the one before ("and for part-time staff?").

    It opens by going on, points at something that it does not name, or is hardly a question by itself. False for one that
    can be understood alone, even where it is about the same. ``language``: one of retrieval.languages; False in others.
    """
    said = words(question)
    if language not in _POINTING or not said:
        return False
    strong, _, weak = _POINTING[language].partition("|")
    pointing = dict.fromkeys(strong.split(), _NAMED) | dict.fromkeys(weak.split(), 1)
    anywhere = set(_POINTING_ANYWHERE.get(language, "").split())
    named = [not is_stop_word(word, language) and word not in {*pointing, *anywhere} for word in said]
    if said[0] in _GOING_ON[language].split() or any(tuple(said[: len(one)]) == one for one in _OPENINGS):
        return True
    if not any(named) or len(said) == 1:
        return True
    return sum(named) <= _LONGEST_POINTING and (
        said[-1] in _POINTING_LAST[language].split()
        or any(word in anywhere or sum(named[:at]) < pointing.get(word, 0) for at, word in enumerate(said))
    )


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
