"""Reading free words: which of the author's choices somebody means, by words and by meaning, and whether that is clear.

Chosen on 75 lines in three languages that were written for it (tests/app/coach/simulation/lines.py): never was a wrong choice taken
for clear, and what means none of the choices stayed open. They are ours and tidy: that is why the page shows what was understood,
and lets the person say that they meant something else.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.coach.units import units_of
from retrieval import Embedder
from retrieval.languages import stems, words

# Cosines of multilingual-e5 between sentences on one subject lie between .80 and .97.
LEAST_MEANING = 0.88
LEAST_MARGIN = 0.03
# Somewhat less near is enough where words are shared as well, or where one choice stands far before all others.
LOWER_MEANING = 0.84
SHARED_WORDS = 0.25
FAR_AHEAD = 0.0625
WORDS_COUNT = 0.04
# The choice's own title, such as "Offer a credit", counts as far as it is nearer than any sentence is to any other.
TITLE_COUNTS = 0.5
TITLE_FROM = 0.8
# So many shared content words are the phrase itself, whatever an embedder makes of it.
SAME_WORDS = 0.8


@dataclass(frozen=True)
class Reading:
    """`order` are the ids of the choices, the nearest first; `is_clear` whether the first of them is what was meant."""

    order: tuple[str, ...]
    is_clear: bool

    @property
    def choice(self) -> str:
        return self.order[0] if self.is_clear else ""


@dataclass(frozen=True)
class _Score:
    id: str
    total: float
    near: float
    shared: float


def read_choice(
    embedder: Embedder, text: str, choices: Sequence[Mapping[str, Any]], language: str
) -> Reading:
    """Which of the choices (`id, text, like`) the words mean. `language` is "en", "pt" or "es".

    Of several sentences the one that says most counts: people greet and explain before they come to it.
    """
    said = [text, *(unit.text for unit in units_of(text) if unit.text != text)][:6]
    said = [one for one in said if words(one)]
    if not said or not choices:
        return Reading(tuple(choice["id"] for choice in choices), is_clear=False)
    vectors = np.asarray(embedder.embed_passages(said))
    scores = sorted(
        (_score(embedder, choice, said, vectors, language) for choice in choices),
        key=lambda score: -score.total,
    )
    best = scores[0]
    margin = best.total - scores[1].total if len(scores) > 1 else 1.0
    is_near = best.near >= LEAST_MEANING or best.shared >= SAME_WORDS
    if not is_near and len(scores) > 1 and best.near >= LOWER_MEANING:
        is_near = best.shared >= SHARED_WORDS or margin >= FAR_AHEAD
    is_clear = is_near and margin >= LEAST_MARGIN
    return Reading(tuple(score.id for score in scores), is_clear)


def means(embedder: Embedder, text: str, phrases: Sequence[str], language: str) -> bool:
    """Whether the words say one of the phrases."""
    choice = {"id": "it", "text": "", "like": list(phrases)}
    return bool(phrases) and read_choice(embedder, text, [choice], language).is_clear


def _score(
    embedder: Embedder, choice: Mapping[str, Any], said: Sequence[str], vectors: Any, language: str
) -> _Score:
    likes = [*choice["like"]]
    nearness = (vectors @ np.asarray(embedder.embed_passages(likes)).T).max(axis=1)
    titles = (
        vectors @ np.asarray(embedder.embed_passages([choice["text"]]))[0] if choice["text"] else nearness * 0
    )
    best = _Score(choice["id"], -1.0, 0.0, 0.0)
    for i, one in enumerate(said):
        shared = max(shared_words(like, one, language) for like in likes)
        near = float(nearness[i]) + WORDS_COUNT * shared
        total = near + TITLE_COUNTS * max(0.0, float(titles[i]) - TITLE_FROM)
        if total > best.total:
            best = _Score(choice["id"], total, near, shared)
    return best


def shared_words(one: str, other: str, language: str) -> float:
    """How much two texts share of their content words, 0 to 1 (Dice's coefficient)."""
    left, right = set(stems(one, language)), set(stems(other, language))
    return 2 * len(left & right) / (len(left) + len(right)) if left and right else 0.0
