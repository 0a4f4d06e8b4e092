"""The words of a sentence that may be shown before it is whole and checked.

Only those that the passages or the question bring, and the little words between them: an answer in the content's own words
appears as it is written, and what a model brings from elsewhere waits for the check.
"""

from __future__ import annotations

from app.coach.guard import Vocabulary


class Drafting:
    """Gives each further stretch of the sentence being written, up to its first word that is not known."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.vocabulary = vocabulary
        self._shown = 0
        self._is_held = False

    def begin(self) -> None:
        """A new sentence begins."""
        self._shown, self._is_held = 0, False

    def words_of(self, rest: str) -> str:
        """What may be added to the draft, whole words only; "" where there is nothing new. `rest` is the sentence so far."""
        if self._is_held:
            return ""
        whole = rest[: max(rest.rfind(" "), rest.rfind("\n")) + 1]
        fresh = whole[self._shown :]
        told = []
        for word in fresh.split():
            if not any(c.isalnum() for c in word) or word.strip(".)").isdigit():
                # A mark, a citation's bracket or a step's number: the checked sentence brings it in its own form.
                if not set(word) <= set("–—-•*.)0123456789"):
                    self._is_held = True
                    break
                continue
            if set(word) & set("[]<>{}|`#*_/@\\") or not self.vocabulary.knows(word):
                self._is_held = True
                break
            told.append(word)
        self._shown = len(whole)
        return "".join(f"{word} " for word in told)
