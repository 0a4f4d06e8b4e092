"""Sentences for `bench.lies`: a sentence of a passage, reworded so that it still says the same, or changed so that it does not.

Every rule is mechanical and works on the text alone, so a sentence that a rule makes is not what a model would have written: it
may limp. Rules know English, Spanish, Portuguese and German; one that does not fit a sentence gives None.

`HELD_OUT` names the kinds that nobody looked at while the checks were made; half of the documents is held out as well
(`is_held_out`).
"""

from __future__ import annotations

from bench.planted import supported, unsupported  # noqa: F401 - their rules note themselves
from bench.planted.rules import HELD_OUT, SUPPORTED, UNSUPPORTED, Source, chance, is_held_out, sentences_of

__all__ = ["HELD_OUT", "SUPPORTED", "UNSUPPORTED", "Source", "chance", "is_held_out", "sentences_of"]
