"""What came of one call of a chat model: its text, its tokens, how it ended."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from app.coach.chat import Message, Usage
from app.coach.providers import Choice, Failure

CHARACTERS_PER_TOKEN = 3.5
TOKENS_PER_MESSAGE = 4
REFUSALS = {"content_filter", "refusal", "SAFETY", "PROHIBITED_CONTENT", "BLOCKLIST", "SPII", "RECITATION",
            "content_filtered", "guardrail_intervened"}  # fmt: skip
# With these nobody bills for a call of which nothing came.
UNSERVED = {"unavailable", "misconfigured", "refused"}
THOUGHT, THOUGHT_ENDS = "<think>", "</think>"
ENDINGS = ("finish_reason", "stop_reason", "stopReason", "done_reason")


def estimate_tokens(text: str) -> int:
    """Tokens of a text where no provider counts them: one for 3.5 characters, rounded up. English takes fewer."""
    return math.ceil(len(text) / CHARACTERS_PER_TOKEN)


def estimate_input(messages: Sequence[Message]) -> int:
    """Tokens of the messages of a call, with four for the frame of each."""
    return sum(TOKENS_PER_MESSAGE + estimate_tokens(message.text) for message in messages)


class Tally:
    """What came of one call: its text, what the provider counted, how it ended. Thoughts in <think> are no text."""

    def __init__(self, choice: Choice, input_tokens: int) -> None:
        self.input_tokens = input_tokens
        self.has_text = False
        self._repeats = choice.of.repeats_usage
        self._characters = 0
        self._counted = (0, 0)
        self._ending = ""
        self._held = ""

    def add(self, chunk: Any) -> str:
        """Takes in a piece of LangChain's; returns the text of it that is to be shown."""
        usage = getattr(chunk, "usage_metadata", None)
        if usage:
            pairs = zip(self._counted, (usage["input_tokens"], usage["output_tokens"]), strict=True)
            counted = [max(old, new) if self._repeats else old + new for old, new in pairs]
            self._counted = (counted[0], counted[1])
        told: Mapping[str, Any] = chunk.response_metadata
        self._ending = next((str(told[name]) for name in ENDINGS if told.get(name)), self._ending)
        if chunk.additional_kwargs.get("refusal"):
            self._ending = "refusal"
        text = str(chunk.text)
        self._characters += len(text)
        return text if self.has_text else self._beginning(text)

    def _beginning(self, text: str) -> str:
        """Before the first word: holds back what may be a thought, and white space."""
        self._held = (self._held + text).lstrip()
        if self._held.startswith(THOUGHT):
            _, closed, after = self._held.partition(THOUGHT_ENDS)
            if not closed:
                return ""
            self._held = after.lstrip()
        if not self._held or THOUGHT.startswith(self._held):
            return ""
        self.has_text = True
        return self.held()

    def held(self) -> str:
        """What was held back and is text after all, at the end of the stream."""
        text, self._held = self._held, ""
        if text.startswith(THOUGHT):
            return ""
        self.has_text = self.has_text or bool(text)
        return text

    def check_refusal(self) -> None:
        """Raises Failure where the provider said that it would not answer."""
        if self._ending in REFUSALS:
            raise Failure("refused", f"it ended with {self._ending}")

    def check_end(self) -> None:
        """Raises Failure where the stream is over and the answer is not whole."""
        self.check_refusal()
        if not self.has_text:
            raise Failure("empty", "it ended without a word" + (f" ({self._ending})" if self._ending else ""))
        if not self._ending:
            raise Failure("cut_off", "it broke off in the middle", is_temporary=True)

    def usage(self, outcome: str) -> Usage | None:
        """What to settle: the provider's count; where it did not come, the text's; None where nothing was done for the call."""
        read, written = self._counted
        if not self._characters and not (read or written) and outcome in UNSERVED:
            return None
        if outcome == "whole" and read and written:
            return Usage(read, written)
        # Stopped or broken off, the provider has counted nothing, or only what it had read.
        estimate = math.ceil(self._characters / CHARACTERS_PER_TOKEN)
        return Usage(read or self.input_tokens, max(written, estimate), is_estimated=True)
