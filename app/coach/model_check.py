"""Trying the chat models that are set, for `workside doctor --model`: real calls, with nobody's words in them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from pydantic import BaseModel

from app.coach.chat import Message, ModelFailed, Payer, Purpose
from app.coach.chat_models import ChatModels
from app.coach.providers import Cause, Failure
from app.coach.tally import estimate_tokens

NOBODY = Payer("", "", "")
COUNTING = [
    Message(
        "user", "Count from one to thirty in English words, with commas between them. Write nothing else."
    )
]
MOST_TOKENS = 300  # room for a model that thinks first
# Shorter answers say nothing about how their words are spread over time.
SHORTEST_SECONDS = 1.0
AT_ONCE_SHARE = 0.05
# A model that follows what it is told writes thirty words. Fewer than this can come in one piece and yet be streamed.
FEWEST_WORDS = 4

# "collected": all words came at once; "unseen": too few came to tell.
Streaming = Literal["works", "collected", "unseen"]
STREAMING_ADVICE: dict[Streaming, str] = {
    "works": "",
    "collected": "All words came at once: something between here and the model collects them.",
    "unseen": "It was told to count to thirty and wrote next to nothing, so speed and streaming can't be told: try again, "
    "and choose another model if it stays so.",
}  # fmt: skip

ADVICE: dict[Cause, str] = {
    "key": "Check WORKSIDE_MODEL_KEY, or the provider's own variable, and what the key may use.",
    "credit": "Look at the account's billing with the provider.",
    "credentials": "Give the process the provider's credentials and region (docs/models.md).",
    "address": "Check the model's name and WORKSIDE_MODEL_URL; an OpenAI-compatible address mostly ends in /v1.",
    "request": "Look in the provider's documentation whether this model is a chat model and is open to your account.",
    "busy": "The account's rate limit is reached: try later, ask the provider for more, or add a second model to the chain.",
    "ailing": "Look at the provider's status page, or at the server's log; a second model in the chain would take over.",
    "connection": "Is WORKSIDE_MODEL_URL right, does the server run, and may this machine reach it?",
    "interface": "The address answers, but not as a chat model does: an OpenAI-compatible address mostly ends in /v1.",
    "package": "Then start Workside again.",
    "time": "Choose a quicker model or raise WORKSIDE_MODEL_FIRST_WORD_SECONDS; a local one may still be loading: try again.",
    "length": "Choose a model that thinks less, or one that takes more text.",
    "filter": "The provider's content filter stops even a harmless question: look at its settings.",
}  # fmt: skip


class _Number(BaseModel):
    """The number that was asked for."""

    number: int


@dataclass(frozen=True)
class ModelReport:
    """How one model did. Seconds until the first word; tokens are estimated from the text; `advice` says what to do.

    `schema`: the provider's own structured output works, JSON is read from the text, or neither.
    """

    purposes: tuple[Purpose, ...]
    name: str
    problem: str = ""
    advice: str = ""
    first_word_seconds: float | None = None
    tokens_per_second: float | None = None
    streaming: Streaming = "works"
    schema: Literal["own", "text", "none"] = "none"

    @property
    def is_well(self) -> bool:
        """Whether it can word answers; slow streaming and missing structured output are for the operator to weigh."""
        return not self.problem


async def check_models(models: ChatModels) -> list[ModelReport]:
    """Two short calls of every model of every purpose, one after the other. They count against no cap."""
    return [await _check(tuple(purposes), alone) for purposes, alone in models.each_alone()]


async def _check(purposes: tuple[Purpose, ...], models: ChatModels) -> ModelReport:
    purpose = purposes[0]
    name = models.name_of(purpose)
    text, pieces, first = "", 0, 0.0
    began = time.monotonic()
    try:
        async for piece in models.stream(purpose, COUNTING, NOBODY, most_tokens=MOST_TOKENS):
            first = first or time.monotonic()
            text += piece
            pieces += 1
    except ModelFailed as failed:
        cause: Cause = failed.cause if isinstance(failed, Failure) else "ailing"
        return ModelReport(purposes, name, f"{failed.kind}: {failed.detail}", ADVICE.get(cause, ""))
    ended = time.monotonic()
    came_at_once = ended - began > SHORTEST_SECONDS and ended - first < AT_ONCE_SHARE * (ended - began)
    streaming: Streaming = "works"
    if len(text.split()) < FEWEST_WORDS:
        streaming = "unseen"
    elif pieces == 1 or came_at_once:
        streaming = "collected"
    seconds = (ended - first) if streaming == "works" else (ended - began)
    schema = await _schema(purpose, models)
    return ModelReport(
        purposes,
        name,
        advice=STREAMING_ADVICE[streaming],
        first_word_seconds=first - began,
        tokens_per_second=estimate_tokens(text) / max(seconds, 0.001),
        streaming=streaming,
        schema=schema,
    )


async def _schema(purpose: Purpose, models: ChatModels) -> Literal["own", "text", "none"]:
    asked = [Message("user", "Give the number seven.")]
    try:
        await models.complete_as(_Number, purpose, asked, NOBODY, most_tokens=MOST_TOKENS)
    except ModelFailed:
        return "none"
    return "own" if models.has_own_schema(purpose) else "text"
