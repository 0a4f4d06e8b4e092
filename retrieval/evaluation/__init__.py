"""Measuring retrieval on questions with known answers: `workside eval`, docs/evaluation.md.

``evaluate`` takes a pack's folder and an embedder and returns a ``Report``; ``read_floors`` and ``Floors.misses`` say
whether it is good enough. Nothing here is used when a question is answered.
"""

from __future__ import annotations

from retrieval.evaluation.answers import Quotation, Voice, VoicedAnswer, VoicedSentence
from retrieval.evaluation.floors import Floors, FloorsInvalid, Miss, read_floors
from retrieval.evaluation.pack import PARTS, PackInvalid
from retrieval.evaluation.report import Failure, Report, Row
from retrieval.evaluation.run import Chunking, PartUnknown, contents, evaluate

__all__ = [
    "PARTS",
    "Chunking",
    "Failure",
    "Floors",
    "FloorsInvalid",
    "Miss",
    "PackInvalid",
    "PartUnknown",
    "Quotation",
    "Report",
    "Row",
    "Voice",
    "VoicedAnswer",
    "VoicedSentence",
    "contents",
    "evaluate",
    "read_floors",
]
