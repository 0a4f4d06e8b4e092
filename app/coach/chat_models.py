"""The one door to chat models, through LangChain: a chain of models for each purpose, streamed, metered, with limits of time.

No learner's text leaves it but to the model that is asked: tracing and gateways of LangChain's maker are off whatever the
environment says, and no failure or log line repeats a message. LangChain takes two seconds to import, hence late and in a thread.
"""

from __future__ import annotations

import asyncio
import copy
import importlib.util
import itertools
import json
import logging
import os
import random
import threading
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, TypeVar, get_args
from weakref import WeakKeyDictionary

from pydantic import BaseModel, ValidationError

from app.coach.breaker import Breaker
from app.coach.chat import Message, Meter, ModelFailed, NullMeter, Payer, Purpose, Usage
from app.coach.json_answers import json_in, json_refused, json_wanted, schema_text
from app.coach.providers import Choice, Failure, arguments_of, choices_of, failure_of
from app.coach.tally import Tally, estimate_input, estimate_tokens
from app.kit.log import get_logger
from app.kit.settings import Settings

log = get_logger("models")

T = TypeVar("T")
B = TypeVar("B", bound=BaseModel)

PURPOSES: tuple[Purpose, ...] = get_args(Purpose)
# Nobody waits longer than this before a model is asked again; where it wants more, the next model is asked.
LONGEST_WAIT_SECONDS = 5.0

# With these in the environment LangChain would send every message to its maker's service, or refuse to run.
THIRD_PARTIES = (
    "LANGCHAIN_TRACING", "LANGCHAIN_TRACING_V2", "LANGCHAIN_HANDLER", "LANGSMITH_TRACING", "LANGSMITH_TRACING_V2",
    "LANGSMITH_GATEWAY",
)  # fmt: skip
# At the level "debug" these write whole requests.
TALKATIVE = (
    "openai", "anthropic", "httpx", "httpcore", "botocore", "boto3", "urllib3", "google", "grpc", "mistralai", "ollama",
    "langchain", "langchain_core", "langchain_openai", "langchain_anthropic", "langchain_aws", "langchain_google_genai",
    "langchain_mistralai", "langchain_ollama", "langsmith",
)  # fmt: skip
# After some of these in a row a model rests; the others are about one answer.
SERVICE_FAILURES = {"unavailable", "timeout", "misconfigured", "cut_off"}

# The event loops of the process that models were made for, each with its number.
_LOOPS: WeakKeyDictionary[asyncio.AbstractEventLoop, int] = WeakKeyDictionary()
_LOOP_NUMBERS = itertools.count()
_LOOPS_LOCK = threading.Lock()


@dataclass(frozen=True)
class ModelState:
    """One model of a purpose's chain, for `workside doctor`. `rests_for` is in seconds; `is_installed`: its package is."""

    purpose: Purpose
    name: str
    extra: str
    is_installed: bool
    rests_for: float


class ChatModels:
    """Made once for a process. May be used from several event loops: each has its own connections to the providers."""

    def __init__(
        self, settings: Settings, meter: Meter[Any], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._seconds = settings.model_seconds
        self._first_word_seconds = settings.model_first_word_seconds
        self._retries = settings.model_retries
        self._meter = meter
        self._chains = {purpose: choices_of(settings, settings.models_of(purpose)) for purpose in PURPOSES}
        self._breakers = {choice: Breaker(clock) for chain in self._chains.values() for choice in chain}
        self._without_schema: set[Choice] = set()
        self._made: WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[Choice, int], Any]] = (
            WeakKeyDictionary()
        )
        self._making = (
            threading.Lock()
        )  # held for seconds by a thread that imports, so never by an event loop

    def is_on(self, purpose: Purpose) -> bool:
        """Whether a model is set for the purpose; it may rest after failures all the same."""
        return bool(self._chains[purpose])

    def name_of(self, purpose: Purpose) -> str:
        """ "provider:model" of the first model for the purpose; empty where none is set."""
        chain = self._chains[purpose]
        return chain[0].name if chain else ""

    def describe(self) -> tuple[ModelState, ...]:
        """Every model of every purpose, in the order in which they are asked."""
        return tuple(
            ModelState(
                purpose,
                choice.name,
                choice.of.extra,
                importlib.util.find_spec(choice.of.package) is not None,
                self._breakers[choice].rests_for,
            )
            for purpose, chain in self._chains.items()
            for choice in chain
        )

    def each_alone(self) -> list[tuple[list[Purpose], ChatModels]]:
        """Every model once, in a chain of its own and without retries, with the purposes it is for: to try them one by one."""
        found = []
        for choice in self._breakers:
            alone = copy.copy(self)
            alone._meter = NullMeter()
            alone._retries = 0
            alone._breakers = {choice: Breaker()}
            alone._chains = dict.fromkeys(PURPOSES, (choice,))
            found.append(([purpose for purpose in PURPOSES if choice in self._chains[purpose]], alone))
        return found

    def warm_up(self) -> None:
        """Imports what the chains need, seconds of work, so that the first question need not wait for it. Never raises."""
        for choice in self._breakers:
            try:
                self._make(choice, 1, self._seconds)
            except Failure as failure:
                log.warning("model_failed", model=choice.name, kind=failure.kind, detail=failure.detail)

    async def stream(
        self,
        purpose: Purpose,
        messages: Sequence[Message],
        payer: Payer,
        *,
        most_tokens: int = 800,
        told: Callable[[str], None] = lambda name: None,
    ) -> AsyncGenerator[str, None]:
        """Pieces of text as they come. Closing the iterator stops the model, and what has come until then is settled.

        `told` is given the "provider:model" whose words come, before the first of them: the first of the chain may have failed.
        Raises ModelFailed: before the first words when no model of the chain answers, "cut_off" after them. An answer that ends
        at `most_tokens` is whole. Raises as well what the meter raises.
        """
        asked = self._asked(purpose, messages, payer, most_tokens)
        with _Chain(self, asked) as chain:
            while True:
                choice = await chain.next()
                has_begun = False
                try:
                    async with aclosing(self._call(choice, asked)) as pieces:
                        async for piece in pieces:
                            if not has_begun:
                                told(choice.name)
                            has_begun = True
                            yield piece
                except Failure as failure:
                    await chain.failed(failure, may_repeat=not has_begun)
                    if has_begun:
                        raise ModelFailed("cut_off", failure.detail) from None
                else:
                    chain.succeeded()
                    return

    async def complete(
        self, purpose: Purpose, messages: Sequence[Message], payer: Payer, *, most_tokens: int = 800
    ) -> str:
        """The whole text. A model that breaks off gives way to the next one: nobody has seen its words."""
        return await self._first_to_succeed(self._asked(purpose, messages, payer, most_tokens), self._whole)

    async def complete_as(
        self,
        schema: type[B],
        purpose: Purpose,
        messages: Sequence[Message],
        payer: Payer,
        *,
        most_tokens: int = 800,
    ) -> B:
        """An instance of `schema`: by the provider's own structured output, or from JSON in the text where it has none.

        What does not fit is given back once, with what is wrong; then the next model is asked. ModelFailed("malformed") at last.
        """

        async def once(choice: Choice, asked: _Asked) -> B:
            return await self._fitting(schema, choice, asked)

        return await self._first_to_succeed(self._asked(purpose, messages, payer, most_tokens), once)

    def has_own_schema(self, purpose: Purpose) -> bool:
        """False once the first model for the purpose has been seen not to take a schema, so that JSON is read from its text."""
        return self.is_on(purpose) and self._chains[purpose][0] not in self._without_schema

    # --- one answer of one model ------------------------------------------------------------------------------------

    def _asked(self, purpose: Purpose, messages: Sequence[Message], payer: Payer, most_tokens: int) -> _Asked:
        deadline = asyncio.get_running_loop().time() + self._seconds
        return _Asked(purpose, tuple(messages), payer, most_tokens, deadline)

    async def _first_to_succeed(self, asked: _Asked, once: Callable[[Choice, _Asked], Awaitable[T]]) -> T:
        with _Chain(self, asked) as chain:
            while True:
                choice = await chain.next()
                try:
                    result = await once(choice, asked)
                except Failure as failure:
                    await chain.failed(failure)
                else:
                    chain.succeeded()
                    return result

    async def _whole(self, choice: Choice, asked: _Asked) -> str:
        async with aclosing(self._call(choice, asked)) as pieces:
            return "".join([piece async for piece in pieces])

    async def _call(self, choice: Choice, asked: _Asked) -> AsyncGenerator[str, None]:
        """One streamed call, metered on every way out. Raises Failure."""
        model = await self._model(choice, asked.most_tokens)
        tally = Tally(choice, estimate_input(asked.messages))
        reservation = await self._reserve(choice, asked, tally.input_tokens)
        outcome = "stopped"
        try:
            async with aclosing(model.astream(asked.for_langchain())) as chunks:
                limit = asyncio.get_running_loop().time() + self._first_word_seconds
                while True:
                    async with asyncio.timeout_at(min(limit, asked.deadline)):
                        chunk = await anext(chunks, None)
                    if chunk is None:
                        break
                    if piece := tally.add(chunk):
                        yield piece
                    if tally.has_text:
                        limit = asyncio.get_running_loop().time() + self._first_word_seconds
            if piece := tally.held():
                yield piece
            tally.check_end()
            outcome = "whole"
        except Exception as error:
            failure = self._understood(error, tally)
            outcome = failure.kind
            raise failure from None
        finally:
            await self._settle(reservation, tally.usage(outcome), outcome)

    async def _fitting(self, schema: type[B], choice: Choice, asked: _Asked) -> B:
        text = ""
        if choice not in self._without_schema:
            try:
                text = await self._structured(schema, choice, asked)
            except Failure as failure:
                if failure.cause != "request":
                    raise
                # It is the schema that this server does not take; it will not take the next one either.
                self._without_schema.add(choice)
        asked = asked.and_then(Message("user", json_wanted(schema)))
        text = text or await self._whole(choice, asked)
        try:
            return schema.model_validate_json(json_in(text))
        except ValidationError as error:
            asked = asked.and_then(Message("assistant", text), Message("user", json_refused(error)))
        text = await self._whole(choice, asked)
        try:
            return schema.model_validate_json(json_in(text))
        except ValidationError as error:
            count = error.error_count()
        raise Failure("malformed", f"what came does not fit {schema.__name__}: {count} error(s)")

    async def _structured(self, schema: type[BaseModel], choice: Choice, asked: _Asked) -> str:
        """The JSON text that the provider's own structured output gave. Metered; raises Failure."""
        model = await self._model(choice, asked.most_tokens)
        tally = Tally(choice, estimate_input(asked.messages) + estimate_tokens(schema_text(schema)))
        reservation = await self._reserve(choice, asked, tally.input_tokens)
        outcome = "stopped"
        try:
            # The schema and not the class: some packages validate a class themselves and raise, and its text would be lost.
            asking = model.with_structured_output(
                schema.model_json_schema(), method=choice.of.schema_method, include_raw=True
            )
            async with asyncio.timeout_at(asked.deadline):
                raw = (await asking.ainvoke(asked.for_langchain()))["raw"]
            tally.add(raw)
            tally.check_refusal()
            outcome = "whole"
            called = [call["args"] for call in raw.tool_calls]
            return json.dumps(called[0]) if called else str(raw.text)
        except Exception as error:
            failure = self._understood(error, tally)
            outcome = failure.kind
            raise failure from None
        finally:
            await self._settle(reservation, tally.usage(outcome), outcome)

    def _understood(self, error: Exception, tally: Tally) -> Failure:
        failure = error if isinstance(error, Failure) else failure_of(error)
        if failure.kind != "timeout":
            return failure
        what = "no further word" if tally.has_text else "no first word"
        return Failure(
            "timeout",
            f"{what} in {self._first_word_seconds:g} s, or no end in {self._seconds:g} s",
            cause="time",
        )

    # --- the meter --------------------------------------------------------------------------------------------------

    async def _reserve(self, choice: Choice, asked: _Asked, input_tokens: int) -> Any:
        loop = asyncio.get_running_loop()
        wanted = (asked.payer, asked.purpose, choice.name, input_tokens, asked.most_tokens)
        reserving = loop.run_in_executor(None, self._meter.reserve, *wanted)
        try:
            return await asyncio.shield(reserving)
        except asyncio.CancelledError:
            # The thread goes on all the same, and what it will have reserved is nobody's.
            reserving.add_done_callback(self._release)
            raise

    def _release(self, reserving: asyncio.Future[Any]) -> None:
        if not reserving.cancelled() and reserving.exception() is None:
            reserving.get_loop().run_in_executor(
                None, self._meter.settle, reserving.result(), None, "stopped"
            )

    async def _settle(self, reservation: Any, usage: Usage | None, outcome: str) -> None:
        """Done even where the task that waits for it is cancelled."""
        loop = asyncio.get_running_loop()
        await asyncio.shield(loop.run_in_executor(None, self._meter.settle, reservation, usage, outcome))

    # --- LangChain --------------------------------------------------------------------------------------------------

    async def _model(self, choice: Choice, most_tokens: int) -> Any:
        """LangChain's model for this event loop. Raises Failure("misconfigured") where it cannot be made."""
        loop = asyncio.get_running_loop()
        with _LOOPS_LOCK:
            made = self._made.setdefault(loop, {})
            number = _LOOPS.setdefault(loop, next(_LOOP_NUMBERS))
        if (choice, most_tokens) not in made:
            # The packages keep one client for equal arguments, and a client serves one event loop only: a part of a
            # millisecond keeps those of two loops apart.
            seconds = self._seconds + number / 10_000
            made[choice, most_tokens] = await asyncio.to_thread(self._make, choice, most_tokens, seconds)
        return made[choice, most_tokens]

    def _make(self, choice: Choice, most_tokens: int, seconds: float) -> Any:
        try:
            with self._making:
                make = _load_langchain()
                model = make(
                    choice.model,
                    model_provider=choice.of.name,
                    **arguments_of(choice, most_tokens=most_tokens, seconds=seconds),
                )
                _hush()
                return model
        except ImportError:
            raise Failure(
                "misconfigured",
                f"the package for {choice.provider} is missing: pip install 'workside[{choice.of.extra}]'",
                cause="package",
            ) from None
        except Exception as error:
            where = f" or {choice.of.variable}" if choice.of.variable else ""
            raise Failure(
                "misconfigured",
                f"{choice.name} cannot be set up ({type(error).__name__}); is WORKSIDE_MODEL_KEY{where} set?",
                cause="setup",
            ) from None


@dataclass(frozen=True)
class _Asked:
    """What is asked of whichever model answers; `deadline` is in the event loop's time."""

    purpose: Purpose
    messages: tuple[Message, ...]
    payer: Payer
    most_tokens: int
    deadline: float

    def and_then(self, *messages: Message) -> _Asked:
        return replace(self, messages=(*self.messages, *messages))

    def for_langchain(self) -> list[tuple[str, str]]:
        return [(message.role, message.text) for message in self.messages]


class _Chain:
    """Which model is asked next, for one question: the order of the setting, retries, and who rests. Used as a context."""

    def __init__(self, models: ChatModels, asked: _Asked) -> None:
        self._models = models
        self._asked = asked
        self._left = list(models._chains[asked.purpose])
        self._now: Choice | None = None
        self._retries = 0
        self._failure = ModelFailed(
            "off", "all of its models rest after failures" if self._left else "no model is set"
        )

    def __enter__(self) -> _Chain:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._now is not None:
            self._models._breakers[self._now].let_go()

    async def next(self) -> Choice:
        """The model to ask now; raises ModelFailed when there is none left."""
        if self._now is not None:
            return self._now  # once more
        if asyncio.get_running_loop().time() >= self._asked.deadline:
            raise ModelFailed("timeout", f"no answer in {self._models._seconds:g} s")
        while self._left:
            choice = self._left.pop(0)
            if self._models._breakers[choice].admits():
                self._now, self._retries = choice, 0
                return choice
        raise self._failure

    def succeeded(self) -> None:
        if self._now is not None:
            self._models._breakers[self._now].succeeded()
            self._now = None

    async def failed(self, failure: Failure, *, may_repeat: bool = True) -> None:
        """Notes a failure; where it may pass, waits and leaves the same model as the next one."""
        assert self._now is not None
        log.warning(
            "model_failed",
            model=self._now.name,
            purpose=self._asked.purpose,
            kind=failure.kind,
            detail=failure.detail,
        )
        self._failure = failure
        wait = failure.retry_after
        if wait is None:
            wait = 0.25 * 2**self._retries * random.uniform(0.5, 1.5)  # noqa: S311 - spreads retries, guards nothing
        left = self._asked.deadline - asyncio.get_running_loop().time()
        may_pass = failure.is_temporary and wait <= min(LONGEST_WAIT_SECONDS, left)
        if may_repeat and may_pass and self._retries < self._models._retries:
            self._retries += 1
            await asyncio.sleep(wait)
            return
        breaker, self._now = self._models._breakers[self._now], None
        if failure.kind in SERVICE_FAILURES:
            breaker.failed(failure.retry_after)
        else:
            breaker.succeeded()  # it answers, though not as was asked


def _load_langchain() -> Callable[..., Any]:
    """`init_chat_model`, with nothing of LangChain's maker listening."""
    for name in THIRD_PARTIES:
        os.environ.pop(name, None)
    import langsmith
    from langchain.chat_models import init_chat_model

    langsmith.configure(enabled=False)  # outranks the environment, which may have been read before
    return init_chat_model


def _hush() -> None:
    """Keeps the packages from writing requests into the log; on import some set their level from the environment."""
    for name in TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
