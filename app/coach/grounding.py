"""Grounding: every sentence that a model wrote is held against the passages that it was given before it counts.

A sentence is verified where a passage says it (`retrieval.check_citation`; across languages `retrieval.check_translation`); then it
cites that passage, whichever the model named. One that no passage says is shown as not confirmed. One that brings what
neither passages nor question hold, or that could do anything but be read, is withheld.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from app.coach.answers import AnswerSentence, Citation
from app.coach.guard import Vocabulary, refused_outright
from app.coach.written import Written
from retrieval import Embedder, Passage, Support, check_citation, check_translation
from retrieval.assertions import read_assertion
from retrieval.languages import UNKNOWN, detect_language, words

# From here on a sentence is mostly made of words from nowhere.
FOREIGN = 0.5
# Content words from nowhere in a row, with which something else is said inside a sentence that is true for the rest.
STRANGE = 2
# The least share of an answer's sentences that must be verified for the model's answer to stand.
MOSTLY = 0.5
# Fewer words than that do not tell their language.
_TELLING = 6


@dataclass
class Grounding:
    """The checks of one answer. `marks` are the words that only the prompt holds; `citations` grow with each sentence."""

    question: str
    passages: Sequence[Passage]
    embedder: Embedder
    marks: tuple[str, ...]
    language: str
    citations: list[Citation] = field(default_factory=list)
    sentences: list[AnswerSentence] = field(default_factory=list)
    withheld: int = 0

    def __post_init__(self) -> None:
        self._texts = [passage.text for passage in self.passages]
        titles = [" ".join((one.document_title, *one.heading_path)) for one in self.passages]
        self.vocabulary = Vocabulary([*self._texts, *titles, self.question], self.language)
        self._is_same_language = any(one.language == self.language for one in self.passages)

    def check(self, written: Written) -> AnswerSentence | None:
        """The sentence with the citations that hold, or None where it is withheld."""
        if refused_outright(written.text, self.marks, self._texts):
            self.withheld += 1
            return None
        if not written.cited and self._is_lead_in(written):
            return self._keep(AnswerSentence(written.text, "heading", (), True))
        support, passage = self._best_support(written)
        if support.status != "supported" and self._is_foreign(written.text, support):
            self.withheld += 1
            return None
        cited = (self._cite(passage, support),) if passage is not None else ()
        return self._keep(AnswerSentence(written.text, written.kind, cited, support.status == "supported"))

    def _is_foreign(self, text: str, support: Support) -> bool:
        """Whether an unconfirmed sentence brings what it has neither from the passages nor from the question."""
        if not self._is_same_language:
            return support.status == "not"
        share = self.vocabulary.unknown_share(text)
        return (support.status == "not" and share >= FOREIGN) or self.vocabulary.longest_unknown(
            text
        ) >= STRANGE

    def is_mostly_unsupported(self) -> bool:
        """Whether too little of what was written is in the passages for it to be an answer."""
        said = [sentence for sentence in self.sentences if sentence.kind != "heading"]
        verified = sum(sentence.is_verified for sentence in said)
        return verified < MOSTLY * (len(said) + self.withheld) or not verified

    def is_in_another_language(self) -> bool:
        """Whether the sentences so far are clearly not in the language that was asked for."""
        text = " ".join(sentence.text for sentence in self.sentences)
        return len(words(text)) >= _TELLING and detect_language(text, default=UNKNOWN) not in {
            self.language,
            UNKNOWN,
        }

    def _best_support(self, written: Written) -> tuple[Support, Passage | None]:
        """What the cited passages say of it, or else another one: a wrong number does not make a true sentence false."""
        named = [self.passages[n - 1] for n in written.cited if 1 <= n <= len(self.passages)]
        others = [passage for passage in self.passages if passage not in named]
        best, where = Support("not", 0, 0, ""), None
        for passage in [*named, *others]:
            support = self._support(written.text, passage)
            if support.status == "supported":
                return support, passage
            if support.status == "partly" and best.status == "not":
                best, where = support, passage
        return best, where

    def _support(self, text: str, passage: Passage) -> Support:
        if passage.language == self.language:
            return check_citation(text, passage.text)
        return check_translation(text, self.language, passage.text, passage.language, self.embedder)

    def _is_lead_in(self, written: Written) -> bool:
        """Whether it only says again what was asked: "To refund a damaged parcel:". With another word than the question's, a number,
        a denial, a must or may, an all or only, it states something and is checked like any sentence."""
        if written.kind != "sentence" or not written.text.endswith(":"):
            return False
        said = read_assertion(written.text, self.language)
        states = said.numbers or said.denies or said.without or said.modality or said.every or said.only
        return not states and Vocabulary([self.question], self.language).unknown_share(written.text) == 0

    def _cite(self, passage: Passage, support: Support) -> int:
        start, end = support.start, support.end
        if passage.text[end : end + 1] in {".", "!", "…"}:
            end += 1  # a quotation is found without its full stop
        for citation in self.citations:
            if citation.passage.id == passage.id and (citation.start, citation.end) == (start, end):
                return citation.n
        self.citations.append(Citation(len(self.citations) + 1, passage, passage.text[start:end], start, end))
        return len(self.citations)

    def _keep(self, sentence: AnswerSentence) -> AnswerSentence:
        self.sentences.append(sentence)
        return sentence
