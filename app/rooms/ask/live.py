"""Answers under way: they run apart from the connections that asked for them.

An answer is a task of this process. Connections follow it: one that drops comes back and says what it had last, or finds the
whole turn. What one missed is kept in a short log that forgets what was replaced since. The row of the turn says who answers it
(`app.rooms.ask.asking`), so that a process that follows another's answer looks at the row, and one that finds the answering
process gone answers anew.

Nothing here blocks the event loop: the database is reached through a few threads of its own, and a stream that waits costs no
thread.
"""

from __future__ import annotations

import asyncio
import contextvars
import functools
import secrets
import time
from collections.abc import AsyncGenerator, Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, TypeVar

from app.coach.answering import answer_question
from app.coach.answers import Answer, AnswerSentence, Checked, Citation, Draft, Progress, Voice, Void
from app.coach.chat import Payer
from app.coach.coach import coach_of
from app.course.access import Visitor
from app.course.scope import coach_scope
from app.course.services import Services
from app.kit.errors import NotFound
from app.kit.log import get_logger
from app.kit.metrics import ANSWERS, FIRST_WORD_SECONDS, QUESTIONS
from app.rooms.ask.asking import (
    LEASE,
    Opened,
    Outcome,
    ask_to_stop,
    claim_turn,
    fill,
    finish_turn,
    is_free,
    open_turn,
    open_unkept,
    release_lease,
    renew_leases,
    wanted_to_stop,
)
from app.rooms.ask.conversations import access_turn
from app.rooms.ask.models import ANSWERED, ASKED, FAILED, STOPPED, Turn
from app.rooms.ask.turns import sentence_view, stored_answer

log = get_logger("ask")

T = TypeVar("T")

# Beside the forty threads of the pages: what waits for the database's one writer must not hold those up.
THREADS = 8
# How long a finished answer can be followed from memory: for the row that is only a shortcut, without one it is all there is.
KEPT_SECONDS = 30.0
UNKEPT_SECONDS = 300.0
# Words are sent on in batches: a reader sees no difference, and five hundred streams are a tenth of the work.
BATCH_SECONDS = 0.15
BEAT_SECONDS = 2.0
BEATS_PER_RENEWAL = max(1, int(LEASE.total_seconds() / 3 / BEAT_SECONDS))
# What is under way when the process is told to end has this long; the rest is answered by another.
CLOSING_SECONDS = 8.0
POLL_SECONDS = 0.5
SLOWEST_POLL_SECONDS = 2.0


@dataclass(frozen=True)
class Event:
    """Something that a follower is told. `id` is "life.number": numbers rise within one life of an answer.

    progress {stage}, opened {turn}, draft {text}, part {sentence}, void {}, done {turn}.
    """

    id: str
    name: str
    data: Mapping[str, Any] = field(default_factory=dict)


class LiveAnswer:
    """One answer under way in this process, and the log of what its followers have to know."""

    def __init__(self, visitor: Visitor, opened: Opened) -> None:
        self.visitor = visitor
        self.opened = opened
        self.turn = opened.turn
        self.life = secrets.token_hex(4)
        self.began = time.monotonic()
        self.task: asyncio.Task[None] | None = None
        self.is_over = False  # nothing follows in this process, whole or not
        self.is_finishing = False  # what came of it is being written: too late to stop
        self.is_stopped = False
        self.sentences: list[AnswerSentence] = []
        self.citations: tuple[Citation, ...] = ()
        self.voice: Voice = "composer"
        self._events: list[tuple[int, str, Mapping[str, Any]]] = []
        self._count = 0
        self._told = asyncio.Event()

    @property
    def is_kept(self) -> bool:
        """Whether the turn is a row, too."""
        return bool(self.turn.conversation_id)

    def belongs_to(self, visitor: Visitor) -> bool:
        """Whether the visitor may follow it. People without a name are told apart by their visits."""
        if (self.visitor.user_id, self.visitor.resource_link_id) != (
            visitor.user_id,
            visitor.resource_link_id,
        ):
            return False
        return self.is_kept or self.visitor.visit_id == visitor.visit_id

    # ---- What is told

    def tell(self, name: str, **data: Any) -> None:
        """Adds an event, and forgets those that it replaces: a sentence its draft, a void all that was shown."""
        replaced = {
            "part": {"draft"},
            "void": {"draft", "part"},
            "progress": {"progress"},
            "done": {"progress", "draft"},
        }
        gone = replaced.get(name, set())
        if gone:
            self._events = [event for event in self._events if event[1] not in gone]
        self._count += 1
        self._events.append((self._count, name, data))
        self._wake()

    def end(self) -> None:
        """Nothing follows."""
        self.is_over = True
        self._wake()

    def _wake(self) -> None:
        self._told.set()
        self._told = asyncio.Event()

    async def events_after(self, last_id: str) -> AsyncGenerator[Event, None]:
        """What came after the event of that id, and what comes. Another life's id is answered with a void and all of it."""
        seen = self._number_of(last_id)
        if seen is None:
            yield Event(f"{self.life}.0", "void")
            seen = 0
        while True:
            told = self._told
            fresh = [event for event in self._events if event[0] > seen]
            for event in _merged(fresh):
                seen = event[0]
                yield Event(f"{self.life}.{seen}", event[1], event[2])
            if self.is_over and seen >= self._count:
                return
            if fresh and fresh[-1][1] == "draft":
                await asyncio.sleep(BATCH_SECONDS)
            if told is self._told and not self.is_over:
                await told.wait()

    def _number_of(self, last_id: str) -> int | None:
        if not last_id:
            return 0
        life, _, number = last_id.partition(".")
        return int(number) if life == self.life and number.isascii() and number.isdecimal() else None

    # ---- What the person wants

    def stop(self) -> None:
        """Ends the writing; what was written whole by now is kept. Too late, it changes nothing."""
        if self.is_stopped or self.is_finishing or self.is_over or self.task is None:
            return
        self.is_stopped = True
        self.task.cancel()


def _merged(
    events: list[tuple[int, str, Mapping[str, Any]]],
) -> list[tuple[int, str, Mapping[str, Any]]]:
    """The events with drafts that follow one another as one."""
    merged: list[tuple[int, str, Mapping[str, Any]]] = []
    for number, name, data in events:
        if name == "draft" and merged and merged[-1][1] == "draft":
            merged[-1] = (number, name, {"text": merged[-1][2]["text"] + data["text"]})
        else:
            merged.append((number, name, data))
    return merged


class LiveAnswers:
    """The answers under way in this process. Its coroutines belong to one event loop, the server's."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._live: dict[str, LiveAnswer] = {}
        self._threads = ThreadPoolExecutor(THREADS, "workside-answers")
        self._beating: asyncio.Task[None] | None = None
        self._is_closing = False

    async def ask(
        self, visitor: Visitor, question: str, *, conversation_id: str = "", replaces: str = ""
    ) -> Turn:
        """Writes the question down and begins to answer it; NotFound for a conversation or turn that is not the visitor's."""
        QUESTIONS.inc()
        if visitor.is_anonymous:
            if conversation_id or replaces:
                raise NotFound
            opened = await self._in_thread(open_unkept, self._services, visitor, question)
        else:
            opened = await self._in_thread(
                open_turn,
                self._services,
                visitor,
                question,
                conversation_id=conversation_id,
                replaces=replaces,
            )
            self.drop(opened.replaced)
        self._begin(LiveAnswer(visitor, opened))
        return opened.turn

    def is_followed_by(self, visitor: Visitor, turn_id: str) -> bool:
        """Whether the turn is here and the visitor's."""
        live = self._live.get(turn_id)
        return live is not None and live.belongs_to(visitor)

    async def access(self, visitor: Visitor, turn_id: str) -> None:
        """NotFound unless the turn is the visitor's own, under way here or kept."""
        if not self.is_followed_by(visitor, turn_id):
            await self._in_thread(self._read, visitor, turn_id)

    async def follow(self, visitor: Visitor, turn_id: str, last_id: str = "") -> AsyncGenerator[Event, None]:
        """What is told of a turn after `last_id`, until it is whole: from memory, from the row, or by answering it anew."""
        pause = POLL_SECONDS
        while not self._is_closing:
            live = self._live.get(turn_id)
            if live is not None and live.belongs_to(visitor):
                async for event in live.events_after(last_id):
                    last_id = event.id
                    yield event
                    if event.name == "done":
                        return
                if self._live.get(turn_id) is live and not self._is_closing:
                    self._forget(live)
                continue
            turn = await self._in_thread(self._read, visitor, turn_id)
            if turn.state != ASKED:
                yield Event("", "done", {"turn": turn})
                return
            if is_free(turn):
                opened = await self._in_thread(claim_turn, self._services, visitor, turn_id)
                if opened is not None:
                    self._begin(LiveAnswer(visitor, opened))
                continue
            await asyncio.sleep(pause)
            pause = min(1.5 * pause, SLOWEST_POLL_SECONDS)

    async def stop(self, visitor: Visitor, turn_id: str) -> None:
        """Stops an answer, wherever it is written. One that is whole already stays as it is; NotFound for another's."""
        live = self._live.get(turn_id)
        if live is not None and live.belongs_to(visitor):
            live.stop()
            return
        turn = await self._in_thread(ask_to_stop, self._services, visitor, turn_id)
        if turn.state == ASKED and is_free(turn):
            opened = await self._in_thread(claim_turn, self._services, visitor, turn_id)
            if opened is not None:
                await self._finish(LiveAnswer(visitor, opened), STOPPED, None)

    def forget_deleted(self, turn_ids: Iterable[str]) -> None:
        """Of turns that were deleted nothing stays in memory either; what is still being written to them ends. From any thread."""
        for turn_id in turn_ids:
            live = self._live.pop(turn_id, None)
            if live is not None and live.task is not None and not live.is_over:
                live.task.get_loop().call_soon_threadsafe(live.stop)

    def drop(self, turn_ids: Iterable[str]) -> None:
        """Stops answering turns that were replaced."""
        for turn_id in turn_ids:
            if live := self._live.get(turn_id):
                live.stop()

    async def close(self, seconds: float) -> None:
        """Finishes what is under way, for so long, and gives the rest back to whoever is asked for it next."""
        self._is_closing = True
        running = {
            live.task: live for live in self._live.values() if live.task is not None and not live.is_over
        }
        if running:
            _, late = await asyncio.wait(running, timeout=seconds)
            for task in late:
                task.cancel()
            if late:
                await asyncio.wait(late, timeout=5)
        if self._beating is not None:
            self._beating.cancel()
        self._threads.shutdown(wait=False)

    # ---- Answering

    def _read(self, visitor: Visitor, turn_id: str) -> Turn:
        with self._services.database.read() as session:
            return access_turn(session, visitor, turn_id)

    def _begin(self, live: LiveAnswer) -> None:
        live.tell("opened", turn=live.turn)
        self._live[live.turn.id] = live
        live.task = asyncio.create_task(self._run(live), name="answer")
        if live.is_kept and (self._beating is None or self._beating.done()):
            self._beating = asyncio.create_task(self._beat(), name="beat of answers")

    async def _run(self, live: LiveAnswer) -> None:
        """Answers, and writes what came of it. Cancelled by the person it keeps what is whole; otherwise it gives the turn back."""
        try:
            answer = await self._answer(live)
            await self._finish(live, ANSWERED, answer)
        except asyncio.CancelledError:
            if not live.is_stopped:
                await self._release(live)
                raise
            if live.task is not None:
                live.task.uncancel()
            await self._finish(live, STOPPED, _written_so_far(live))
        except Exception as error:
            # The visitor is told in the turn, and the operator in the log.
            log.error("answer_failed", kind=type(error).__name__, exc_info=error)
            await self._fail(live)
        finally:
            live.end()

    async def _fail(self, live: LiveAnswer) -> None:
        try:
            await self._finish(live, FAILED, None)
        except Exception as error:
            # Not even that could be written down: the lease runs out, and whoever is asked for the turn answers it anew.
            log.error("answer_not_recorded", kind=type(error).__name__, exc_info=error)

    async def _answer(self, live: LiveAnswer) -> Answer:
        """The answer, told as it is made. What a turn withholds (learn mode) is not told either."""
        visitor, coach = live.visitor, coach_of(self._services)
        shows = not live.opened.manner.holds_back
        scope = await self._in_thread(coach_scope, coach.retrieval, visitor)
        payer = Payer(visitor.organisation_id, visitor.context_id, visitor.user_id)
        steps = answer_question(
            coach, live.turn.question, scope, payer, earlier=live.opened.earlier, locale=visitor.locale
        )
        has_words = False
        async with aclosing(steps):
            async for step in steps:
                if not has_words and isinstance(step, Draft | Checked):
                    has_words = True
                    live.voice = voice = step.voice if isinstance(step, Checked) else "model"
                    FIRST_WORD_SECONDS.labels(voice).observe(time.monotonic() - live.began)
                match step:
                    case Answer():
                        return step
                    case Progress():
                        live.tell("progress", stage=step.stage)
                    case Draft() if shows:
                        live.tell("draft", text=step.text)
                    case Checked():
                        live.citations, live.voice = step.citations, step.voice
                        if step.sentence is not None:
                            live.sentences.append(step.sentence)
                        if shows:
                            _tell_sentence(live, step.sentence)
                    case Void():
                        live.sentences.clear()
                        live.citations = ()
                        if shows:
                            live.tell("void")
        raise RuntimeError("answer_question ends with the answer")

    async def _finish(self, live: LiveAnswer, state: str, answer: Answer | None) -> None:
        """Writes the end of a turn and tells of it. Where the turn is another's by now, it tells nothing: followers look there."""
        live.is_finishing = True
        turn = await self._in_thread(self._written, live, state, answer)
        if turn is None:
            log.warning("answer_not_ours", outcome=state)
            return
        live.turn = turn
        if state == ANSWERED and answer is not None:
            ANSWERS.labels(answer.verdict, answer.voice).inc()
        live.tell("done", turn=turn)
        self._forget_later(live)

    def _written(self, live: LiveAnswer, state: str, answer: Answer | None) -> Turn | None:
        outcome = Outcome(state)
        if answer is not None:
            stored = stored_answer(self._services, live.visitor, live.turn.question, answer)
            outcome = Outcome(state, answer, stored)
        if live.is_kept:
            return finish_turn(self._services, live.visitor, live.opened, outcome)
        fill(live.turn, live.opened.manner, outcome)
        return live.turn

    async def _release(self, live: LiveAnswer) -> None:
        if live.is_kept and not live.is_finishing:
            await self._in_thread(release_lease, self._services, live.turn.id)

    # ---- Keeping

    def _forget_later(self, live: LiveAnswer) -> None:
        seconds = KEPT_SECONDS if live.is_kept else UNKEPT_SECONDS
        asyncio.get_running_loop().call_later(seconds, self._forget, live)

    def _forget(self, live: LiveAnswer) -> None:
        if self._live.get(live.turn.id) is live:
            del self._live[live.turn.id]

    async def _beat(self) -> None:
        """While kept answers are under way: looks which are to stop, and renews their leases in time."""
        beats = 0
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            beats += 1
            running = {
                live.turn.id: live for live in self._live.values() if live.is_kept and not live.is_over
            }
            if not running:
                return
            try:
                for turn_id in await self._in_thread(wanted_to_stop, self._services, list(running)):
                    running[turn_id].stop()
                if beats % BEATS_PER_RENEWAL == 0:
                    await self._in_thread(renew_leases, self._services, list(running))
            except Exception as error:
                # The leases still run; the next beat tries again.
                log.error("answers_not_renewed", kind=type(error).__name__, exc_info=error)

    async def _in_thread(self, call: Callable[..., T], *arguments: Any, **named: Any) -> T:
        """Calls what blocks in one of the threads; the caller's log context goes along."""
        bound = functools.partial(
            contextvars.copy_context().run, functools.partial(call, *arguments, **named)
        )
        return await asyncio.get_running_loop().run_in_executor(self._threads, bound)


def _tell_sentence(live: LiveAnswer, sentence: AnswerSentence | None) -> None:
    """A sentence takes its draft's place; one that was withheld only takes the draft away."""
    live.tell("part", sentence=sentence_view(sentence) if sentence is not None else None)


def _written_so_far(live: LiveAnswer) -> Answer | None:
    """The sentences that were whole and checked when the person stopped, with the citations that they need."""
    if not live.sentences:
        return None
    cited = {n for sentence in live.sentences for n in sentence.citations}
    citations = tuple(citation for citation in live.citations if citation.n in cited)
    return Answer("", tuple(live.sentences), citations, voice=live.voice)  # type: ignore[arg-type]


def live_answers_of(services: Services) -> LiveAnswers:
    """The process's answers under way."""
    return services.part(LiveAnswers, LiveAnswers)


async def close_answers(services: Services) -> None:
    """Ends the answers under way before the process does."""
    await live_answers_of(services).close(CLOSING_SECONDS)
