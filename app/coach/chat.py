"""What the coach says to a chat model and gets back: plain values, no word of any library.

The door that carries them is `app.coach.chat_models`, the only module that imports langchain.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol, TypeVar

R = TypeVar("R")

Purpose = Literal["answer", "rewrite", "simulate", "feedback"]
FailureKind = Literal[
    "off", "unavailable", "timeout", "refused", "cut_off", "empty", "malformed", "misconfigured"
]


@dataclass(frozen=True)
class Message:
    """One message. `text` never holds a person's name, e-mail address or LMS id."""

    role: Literal["system", "user", "assistant"]
    text: str


@dataclass(frozen=True)
class Usage:
    """Tokens of one call; `is_estimated` where the provider did not say and they were counted from the text."""

    input_tokens: int
    output_tokens: int
    is_estimated: bool = False


@dataclass(frozen=True)
class Payer:
    """For whom a call is made: whose caps it counts against."""

    organisation_id: str
    context_id: str
    user_id: str


class Meter(Protocol[R]):
    """Counts what calls cost. `R` is the meter's own note of what it holds for a call; the door only carries it."""

    def reserve(
        self, payer: Payer, purpose: Purpose, model: str, input_tokens: int, most_output_tokens: int
    ) -> R:
        """Holds the most that a call can take. What it raises (a budget is spent) goes to the caller as it is."""
        ...

    def settle(self, reservation: R, usage: Usage | None, outcome: str) -> None:
        """Counts what the call took; None where nothing came. `outcome` is "whole", "stopped" or a FailureKind."""
        ...


class NullMeter:
    """Counts nothing: for `workside doctor` and for measurements."""

    def reserve(
        self, payer: Payer, purpose: Purpose, model: str, input_tokens: int, most_output_tokens: int
    ) -> None:
        return None

    def settle(self, reservation: None, usage: Usage | None, outcome: str) -> None:
        return None


class ModelFailed(Exception):
    """No model of the chain gave a whole answer. `kind` says why; the text is for the operator and holds no learner's words.

    "off": no model is set for the purpose, or all of them rest after failures; "cut_off": it broke after its first words;
    "malformed": it did not fit the schema that was asked for.
    """

    def __init__(self, kind: FailureKind, detail: str = "") -> None:
        super().__init__(f"{kind}: {detail}" if detail else kind)
        self.kind = kind
        self.detail = detail
