"""The words of a sentence that may be shown before it is whole and checked.

Only those that the passages or the question bring, and the little words between them: an answer in the content's own words
appears as it is written, and what a model brings from elsewhere waits for the check.
"""

from __future__ import annotations

import re

from app.coach.guard import Vocabulary

_OPENING = re.compile(r"\(?\d{1,2}[.)]|[-–—•]")


class Drafting:
    """Gives each further stretch of the sentence being written, up to its first word that is not known."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self.begin()

    def begin(self) -> None:
        """A new sentence begins."""
        self._shown, self._is_held, self._told = 0, False, False

    def words_of(self, rest: str) -> str:
        """What may be added to the draft, whole words only; "" where there is nothing new. `rest` is the sentence so far."""
        if self._is_held:
            return ""
        whole = rest[: max(rest.rfind(" "), rest.rfind("\n")) + 1]
        fresh = whole[self._shown :]
        told: list[str] = []
        for word in fresh.split():
            if not (self._told or told) and _OPENING.fullmatch(word):
                continue  # a step's number or an item's mark: the checked sentence brings it in its own form
            if set(word) & set("[]<>{}|`#*_/@\\") or not self.vocabulary.knows(word):
                self._is_held = True
                break
            told.append(word)
        self._shown = len(whole)
        self._told = self._told or bool(told)
        return "".join(f"{word} " for word in told)
