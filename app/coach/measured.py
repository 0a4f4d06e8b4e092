"""The composer as `workside eval` measures it: the voice that `retrieval.evaluation` asks for."""

from __future__ import annotations

from collections.abc import Sequence

from app.coach.composer import Composer
from retrieval import Hit, Passage, Sufficiency, check_citation
from retrieval.evaluation import Quotation, VoicedAnswer, VoicedSentence


class MeasuredComposer:
    """Answers as the coach does without a model. A heading that a list stands under is no sentence of the answer."""

    def compose(self, question: str, hits: Sequence[Hit], sufficiency: Sufficiency) -> VoicedAnswer:
        answer = Composer().compose(question, hits, sufficiency)
        citations = {citation.n: citation for citation in answer.citations}
        sentences = []
        for sentence in answer.sentences:
            if sentence.kind == "heading":
                continue
            cited = [citations[n] for n in sentence.citations]
            quoted = [_place(sentence.text, one.passage, one.start, one.end) for one in cited]
            sentences.append(VoicedSentence(sentence.text, tuple(quoted), sentence.is_verified))
        return VoicedAnswer(answer.verdict, tuple(sentences))

    def confirms(self, sentence: str, passages: Sequence[Passage]) -> bool:
        """Every passage that the sentence cites says it."""
        return bool(passages) and all(
            check_citation(sentence, passage.text).status == "supported" for passage in passages
        )


def _place(sentence: str, passage: Passage, start: int, end: int) -> Quotation:
    """Where the sentence itself stands in the stretch that it shares with its neighbours."""
    at = passage.text.find(sentence, start, end)
    return Quotation(passage, at, at + len(sentence)) if at >= 0 else Quotation(passage, start, end)
