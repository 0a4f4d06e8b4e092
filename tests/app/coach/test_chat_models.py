"""The door to chat models, over HTTP and through the real LangChain, against a scripted server of every temper."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
import structlog
from pydantic import BaseModel

from app.coach import chat_models
from app.coach.breaker import FAILURES, REST_SECONDS, Breaker
from app.coach.chat import Message, ModelFailed, Payer, Usage
from app.coach.chat_models import ChatModels, NullMeter
from app.coach.tally import estimate_input
from app.kit.log import configure_logging
from app.kit.settings import Settings
from tests.fakes import chat_api
from tests.fakes.chat_api import ChatApi, Reply

SECRET_WORDS = "my invoice of 4,711 euros"
QUESTION = [Message("system", "Answer from the passages."), Message("user", f"Who signs {SECRET_WORDS}?")]
PAYER = Payer("organisation", "course", "learner")
ANSWER = "Two people sign it [p1]."


@pytest.fixture(scope="module", autouse=True)
def langchain_is_imported() -> None:
    """Seconds of importing, which would count as waiting for the first word of the first test."""
    ChatModels(Settings(_env_file=None, model="openai:any", model_key="none"), NullMeter()).warm_up()


class Spent(Exception):
    """What a meter raises whose cap is reached."""


class Ledger:
    """A meter that notes what it is told."""

    def __init__(self, *, most: int = 99) -> None:
        self.reserved: list[tuple[str, str, int, int]] = []
        self.settled: list[tuple[int, Usage | None, str]] = []
        self.most = most
        self.lock = threading.Lock()

    def reserve(self, payer: Payer, purpose: str, model: str, input_tokens: int, most: int) -> int:
        assert payer == PAYER
        with self.lock:
            if len(self.reserved) >= self.most:
                raise Spent
            self.reserved.append((purpose, model, input_tokens, most))
            return len(self.reserved) - 1

    def settle(self, reservation: int, usage: Usage | None, outcome: str) -> None:
        with self.lock:
            self.settled.append((reservation, usage, outcome))

    @property
    def outcomes(self) -> list[str]:
        return [outcome for _, _, outcome in self.settled]

    def check(self) -> None:
        """Every reservation was settled, once."""
        assert sorted(number for number, _, _ in self.settled) == list(range(len(self.reserved)))


def models_at(*apis: ChatApi, meter: Any = None, **how: Any) -> ChatModels:
    """A chain over servers: the first has the key and the address of the settings, the others their own addresses."""
    names = [f"openai:{apis[0].model}", *(f"openai:{api.model}@{api.url}" for api in apis[1:])]
    given = {"model_seconds": 20, "model_first_word_seconds": 10, "model_retries": 0}
    settings = apis[0].settings | {"model": ",".join(names)} | given | how
    return ChatModels(Settings(_env_file=None, **settings), meter or NullMeter())


def patience(reply: Reply) -> float:
    """Seconds to wait for a reply: few only where it will not come, so that a busy machine is not taken for a slow model."""
    return 0.4 if reply.hangs or reply.first_word_seconds or reply.between_seconds else 5


def second(script: Any) -> ChatApi:
    return ChatApi(script, key="none", model="second")


async def told(models: ChatModels) -> str:
    return "".join([piece async for piece in models.stream("answer", QUESTION, PAYER, most_tokens=50)])


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)


def failure(work: Coroutine[Any, Any, Any]) -> ModelFailed:
    with pytest.raises(ModelFailed) as caught:
        run(work)
    assert SECRET_WORDS not in f"{caught.value}{caught.value.detail}{caught.value.__cause__}"
    assert caught.value.__suppress_context__ or caught.value.__context__ is None
    return caught.value


# --- a good answer -------------------------------------------------------------------------------------------------------


def test_an_answer_comes_in_pieces_and_is_metered_by_the_providers_count():
    ledger = Ledger()

    async def pieces(models: ChatModels) -> list[str]:
        return [piece async for piece in models.stream("answer", QUESTION, PAYER, most_tokens=50)]

    with ChatApi(ANSWER) as api:
        got = run(pieces(models_at(api, meter=ledger)))
        (request,) = api.requests
    assert got == ["Two", " people", " sign", " it", " [p1]."]
    assert request.is_streamed
    assert request.model == "scripted"
    assert [m["role"] for m in request.messages] == ["system", "user"]
    assert request.body["max_tokens"] == 50
    assert ledger.reserved == [("answer", "openai:scripted", estimate_input(QUESTION), 50)]
    assert ledger.settled == [(0, Usage(11, 5), "whole")]


def test_where_the_provider_counts_nothing_the_text_is_counted():
    ledger = Ledger()
    with ChatApi(Reply(ANSWER, counts=False)) as api:
        assert run(told(models_at(api, meter=ledger))) == ANSWER
    ((_, usage, _),) = ledger.settled
    assert usage == Usage(estimate_input(QUESTION), 7, is_estimated=True)  # 24 characters, 3.5 to a token


def test_each_purpose_has_its_own_models():
    with ChatApi("a follow-up made whole") as api, second("an answer") as other:
        models = models_at(api, model_rewrite=f"openai:second@{other.url}")
        assert run(models.complete("rewrite", QUESTION, PAYER)) == "an answer"
        assert run(models.complete("answer", QUESTION, PAYER)) == "a follow-up made whole"
        assert models.name_of("rewrite") == "openai:second"
        assert models.name_of("feedback") == "openai:scripted"


def test_without_a_model_nothing_is_asked():
    models = ChatModels(Settings(_env_file=None), NullMeter())
    assert not models.is_on("answer")
    assert models.name_of("answer") == ""
    assert models.describe() == ()
    assert failure(told(models)).kind == "off"


def test_thoughts_and_white_space_before_the_answer_are_no_part_of_it():
    with ChatApi(
        ["<think>\nThey ask who\nsigns.\n</think>\n\nTwo people.", "\n\n <b is smaller than c"]
    ) as api:
        models = models_at(api)
        assert run(told(models)) == "Two people."
        assert run(told(models)) == "<b is smaller than c"


def test_one_object_serves_several_event_loops():
    with ChatApi(ANSWER) as api:
        models = models_at(api)
        assert [run(told(models)) for _ in range(3)] == [ANSWER] * 3
        seen: list[str] = []
        threads = [threading.Thread(target=lambda: seen.append(run(told(models)))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert seen == [ANSWER] * 3


# --- failures before the first word: once more, then the next model --------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "kind", "outcome"),
    [
        (chat_api.wrong_key(), "misconfigured", None),
        (chat_api.unknown_model(), "misconfigured", None),
        (chat_api.no_credit(), "misconfigured", None),
        (chat_api.refused_request(), "misconfigured", None),
        (chat_api.refused_request("content_filter"), "refused", None),
        (chat_api.filtered(), "refused", Usage),
        (chat_api.broken(503), "unavailable", None),
        (chat_api.too_many(60), "unavailable", None),
        (chat_api.empty(), "empty", Usage),
        (chat_api.not_the_interface(), "empty", Usage),
        (chat_api.broken_json(), "malformed", Usage),
        (chat_api.hangs(), "timeout", Usage),
        (chat_api.slow_to_begin(ANSWER, 5), "timeout", Usage),
        (chat_api.cut_off(ANSWER, 0), "unavailable", None),
    ],
)  # fmt: skip
def test_a_failure_says_its_kind_and_the_next_model_answers(
    reply: Reply, kind: str, outcome: type[Usage] | None
):
    ledger, alone = Ledger(), Ledger()
    with ChatApi(reply) as api, second(ANSWER) as other:
        wait = patience(reply)
        failed = failure(told(models_at(api, meter=alone, model_first_word_seconds=wait)))
        assert run(told(models_at(api, other, meter=ledger, model_first_word_seconds=wait))) == ANSWER
    assert failed.kind == kind
    assert alone.outcomes == [kind]
    assert (alone.settled[0][1] is None) == (outcome is None)
    assert [model for _, model, _, _ in ledger.reserved] == ["openai:scripted", "openai:second"]
    assert ledger.outcomes == [kind, "whole"]
    ledger.check()


@pytest.mark.parametrize("reply", [chat_api.broken(), chat_api.too_many(0.05), chat_api.cut_off(ANSWER, 0)])
def test_what_may_pass_is_asked_again(reply: Reply):
    ledger = Ledger()
    with ChatApi([reply, ANSWER]) as api:
        assert run(told(models_at(api, meter=ledger, model_retries=1))) == ANSWER
        assert len(api.requests) == 2
    assert ledger.outcomes == ["unavailable", "whole"]
    ledger.check()


def test_what_will_not_pass_is_not_asked_again():
    with ChatApi(chat_api.wrong_key()) as api:
        assert failure(told(models_at(api, model_retries=3))).kind == "misconfigured"
        assert len(api.requests) == 1


def test_the_providers_wait_is_kept_and_one_that_is_too_long_goes_to_the_next_model():
    with ChatApi([chat_api.too_many(0.3), ANSWER]) as api:
        assert run(told(models_at(api, model_retries=1))) == ANSWER
        assert api.requests[1].at - api.requests[0].at >= 0.3
    with ChatApi(chat_api.too_many(60)) as api, second(ANSWER) as other:
        models = models_at(api, other, model_retries=1)
        assert run(told(models)) == ANSWER
        assert run(told(models)) == ANSWER
        assert len(api.requests) == 1  # it asked for a minute's rest, and has it
        assert models.describe()[0].rests_for == pytest.approx(60, abs=5)


def test_the_model_whose_words_come_is_named_before_the_first_of_them():
    async def named(models: ChatModels) -> list[str]:
        heard: list[str] = []
        async for _ in models.stream("answer", QUESTION, PAYER, most_tokens=50, told=heard.append):
            heard.append("words")
        return heard

    with ChatApi(chat_api.broken(503)) as api, second(ANSWER) as other:
        assert run(named(models_at(api, other)))[:2] == ["openai:second", "words"]


def test_a_server_that_is_not_there_is_passed_over():
    with ChatApi() as gone:
        settings = gone.settings
    with second(ANSWER) as other:
        settings["model"] += f",openai:second@{other.url}"
        assert (
            run(told(ChatModels(Settings(_env_file=None, model_retries=0, **settings), NullMeter())))
            == ANSWER
        )


# --- after the first word ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("reply", "outcome"),
    [
        (chat_api.cut_off(ANSWER, 2), "unavailable"),
        (chat_api.ends_early(ANSWER), "cut_off"),
        (chat_api.slow_between(ANSWER, 5), "timeout"),
        (chat_api.filtered(ANSWER), "refused"),
    ],
)
def test_after_the_first_words_it_is_cut_off_and_no_other_model_goes_on(reply: Reply, outcome: str):
    ledger = Ledger()
    pieces: list[str] = []

    async def listen(models: ChatModels) -> None:
        async for piece in models.stream("answer", QUESTION, PAYER):
            pieces.append(piece)

    with ChatApi(reply) as api, second("Something else.") as other:
        wait = patience(reply)
        models = models_at(api, other, meter=ledger, model_first_word_seconds=wait, model_retries=2)
        assert failure(listen(models)).kind == "cut_off"
        assert len(api.requests) == 1
        assert not other.requests
        # Nobody has seen a word of what is asked for whole, so there the next model answers.
        models = models_at(api, other, model_first_word_seconds=wait)
        assert run(models.complete("answer", QUESTION, PAYER)) == "Something else."
    assert pieces
    assert ANSWER.startswith("".join(pieces))
    assert ledger.outcomes == [outcome]
    assert ledger.settled[0][1].output_tokens > 0
    ledger.check()


def test_the_whole_time_is_limited_however_steadily_words_come():
    with ChatApi(chat_api.slow_between("word " * 100, 0.05)) as api:
        began = time.monotonic()
        assert failure(told(models_at(api, model_seconds=0.4))).kind == "cut_off"
        assert time.monotonic() - began < 2


def test_the_limit_of_tokens_is_an_end_like_any_other():
    with ChatApi(chat_api.out_of_words("Two people sign")) as api:
        assert run(told(models_at(api))) == "Two people sign"


# --- stopping ---------------------------------------------------------------------------------------------------------------


async def first_piece_then(models: ChatModels, end: Callable[[Any], Coroutine[Any, Any, Any]]) -> None:
    stream = models.stream("answer", QUESTION, PAYER)
    assert await anext(stream) == "Two"
    await end(stream)


def test_closing_the_iterator_stops_the_model_and_settles():
    ledger = Ledger()
    with ChatApi(chat_api.slow_between(ANSWER, 0.5)) as api:
        run(first_piece_then(models_at(api, meter=ledger), lambda stream: stream.aclose()))
        assert api.requests[0].is_over.wait(2)
        assert api.requests[0].was_cut
    assert ledger.settled == [(0, Usage(estimate_input(QUESTION), 1, is_estimated=True), "stopped")]


@pytest.mark.parametrize("reply", [chat_api.hangs(), chat_api.slow_between(ANSWER, 5)])
def test_cancelling_the_task_stops_the_model_and_settles(reply: Reply):
    ledger = Ledger()

    async def cancelled(api: ChatApi) -> None:
        task = asyncio.create_task(told(models_at(api, meter=ledger, model_first_word_seconds=5)))
        while not api.requests:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    with ChatApi(reply) as api:
        run(cancelled(api))
        assert api.requests[0].is_over.wait(2)
        assert api.requests[0].was_cut
    assert ledger.outcomes == ["stopped"]
    ledger.check()


def test_an_iterator_that_nobody_closes_is_settled_all_the_same():
    ledger = Ledger()

    async def dropped(models: ChatModels) -> None:
        stream = models.stream("answer", QUESTION, PAYER)
        assert await anext(stream) == "Two"

    with ChatApi(chat_api.slow_between(ANSWER, 0.5)) as api:
        run(dropped(models_at(api, meter=ledger)))
    assert ledger.outcomes == ["stopped"]


def test_a_task_cancelled_while_it_reserves_leaves_nothing_reserved():
    class Slow(Ledger):
        def reserve(self, *args: Any) -> int:
            began.set()
            time.sleep(0.2)
            return super().reserve(*args)

    began, ledger = threading.Event(), Slow()

    async def cancelled(models: ChatModels) -> None:
        task = asyncio.create_task(told(models))
        await asyncio.to_thread(began.wait)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        while not ledger.settled:
            await asyncio.sleep(0.01)

    with ChatApi(ANSWER) as api:
        run(cancelled(models_at(api, meter=ledger)))
        assert not api.requests
    assert ledger.settled == [(0, None, "stopped")]


def test_a_spent_budget_goes_to_the_caller_and_makes_no_call():
    with ChatApi(ANSWER) as api, second(ANSWER) as other:
        for ask in (told, lambda models: models.complete_as(Verdict, "answer", QUESTION, PAYER)):
            with pytest.raises(Spent):
                run(ask(models_at(api, other, meter=Ledger(most=0))))
        assert not api.requests
        assert not other.requests


# --- who fails rests --------------------------------------------------------------------------------------------------------


def test_a_model_that_failed_several_times_rests_and_is_then_tried_with_one_call():
    moment = [0.0]
    with ChatApi(chat_api.broken()) as api, second(ANSWER) as other:
        settings = api.settings | {
            "model": f"openai:scripted,openai:second@{other.url}", "model_retries": 0,
        }  # fmt: skip
        models = ChatModels(Settings(_env_file=None, **settings), NullMeter(), clock=lambda: moment[0])
        for _ in range(FAILURES + 2):
            assert run(told(models)) == ANSWER
        assert len(api.requests) == FAILURES
        moment[0] += REST_SECONDS + 1
        assert run(told(models)) == ANSWER
        assert len(api.requests) == FAILURES + 1  # tried, and still broken: a longer rest
        moment[0] += REST_SECONDS + 1
        assert run(told(models)) == ANSWER
        assert len(api.requests) == FAILURES + 1
        moment[0] += REST_SECONDS
        api.script = "Well again."
        assert run(told(models)) == "Well again."
        assert run(told(models)) == "Well again."


def test_when_all_models_rest_it_says_so_at_once():
    with ChatApi(chat_api.broken()) as api:
        models = models_at(api)
        for _ in range(FAILURES):
            assert failure(told(models)).kind == "unavailable"
        assert failure(told(models)).kind == "off"
        assert len(api.requests) == FAILURES


def test_the_probe_of_a_resting_model_is_one_call_at_a_time():
    moment = [0.0]
    breaker = Breaker(lambda: moment[0])
    for _ in range(FAILURES):
        assert breaker.admits()
        breaker.failed()
    assert not breaker.admits()
    moment[0] = REST_SECONDS
    assert breaker.admits()
    assert not breaker.admits()
    breaker.let_go()  # its caller stopped it: nothing is known, so the next one probes
    assert breaker.admits()
    breaker.succeeded()
    assert breaker.admits()
    assert breaker.admits()


def test_answers_that_do_not_please_are_no_reason_to_rest():
    with ChatApi([chat_api.filtered()] * (FAILURES + 1) + [ANSWER]) as api:
        models = models_at(api)
        for _ in range(FAILURES + 1):
            assert failure(told(models)).kind == "refused"
        assert run(told(models)) == ANSWER


# --- structured output ------------------------------------------------------------------------------------------------------


class Verdict(BaseModel):
    """What the tests ask for."""

    points: int
    why: str


GOOD = '{"points": 3, "why": "It names both."}'


def verdict(models: ChatModels) -> Verdict:
    return run(models.complete_as(Verdict, "feedback", QUESTION, PAYER))


def test_a_schema_is_asked_of_the_provider_where_it_takes_one():
    ledger = Ledger()
    with ChatApi(GOOD) as api:
        assert verdict(models_at(api, meter=ledger)) == Verdict(points=3, why="It names both.")
        (request,) = api.requests
    assert set(request.schema["properties"]) == {"points", "why"}
    assert ledger.outcomes == ["whole"]
    assert not ledger.settled[0][1].is_estimated


def test_a_server_without_schemas_is_asked_in_words_and_not_asked_for_a_schema_again():
    ledger = Ledger()
    with ChatApi(f"Here you are:\n```json\n{GOOD}\n```\nAnything else?", takes_schemas=False) as api:
        models = models_at(api, meter=ledger)
        assert models.has_own_schema("feedback")
        assert verdict(models).points == 3
        assert not models.has_own_schema("feedback")
        assert verdict(models).points == 3
        assert [request.schema is not None for request in api.requests] == [True, False, False]
        assert '"points"' in api.requests[1].question
    assert ledger.outcomes == ["misconfigured", "whole", "whole"]
    ledger.check()


def test_what_does_not_fit_is_given_back_once_with_what_is_wrong():
    ledger = Ledger()
    with ChatApi(['{"points": "many", "why": ""}', GOOD]) as api:
        assert verdict(models_at(api, meter=ledger)).points == 3
        asked = api.requests[1]
    assert asked.messages[-2] == {"role": "assistant", "content": '{"points": "many", "why": ""}'}
    assert "points" in asked.question
    assert ledger.outcomes == ["whole", "whole"]


@pytest.mark.parametrize("text", ["I would rather tell you a story.", '{"points": 3', '{"points": [3]}'])
def test_what_still_does_not_fit_is_malformed_and_the_next_model_is_asked(text: str):
    with ChatApi(text) as api, second(GOOD) as other:
        assert failure(_verdict(models_at(api))).kind == "malformed"
        assert len(api.requests) == 2
        assert verdict(models_at(api, other)).points == 3


async def _verdict(models: ChatModels) -> Verdict:
    return await models.complete_as(Verdict, "feedback", QUESTION, PAYER)


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (chat_api.hangs(), "timeout"),
        (chat_api.wrong_key(), "misconfigured"),
        (chat_api.filtered(), "refused"),
        (chat_api.out_of_words('{"points": 3'), "malformed"),
        (chat_api.not_the_interface(), "unavailable"),
    ],
)
def test_structured_output_fails_in_the_same_words(reply: Reply, kind: str):
    ledger = Ledger()
    with ChatApi(reply) as api:
        assert failure(_verdict(models_at(api, meter=ledger, model_seconds=patience(reply)))).kind == kind
    assert ledger.outcomes[0] == kind
    ledger.check()


# --- nothing leaks ----------------------------------------------------------------------------------------------------------


def test_tracing_is_off_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch):
    import langsmith
    from langchain_core.tracers.langchain import wait_for_all_tracers
    from langsmith.utils import get_env_var, tracing_is_enabled

    with ChatApi(ANSWER) as api, ChatApi() as third_party:
        for name in chat_models.THIRD_PARTIES:
            monkeypatch.setenv(name, "true")
        for name in ("LANGSMITH_ENDPOINT", "LANGCHAIN_ENDPOINT", "LANGSMITH_GATEWAY"):
            monkeypatch.setenv(name, third_party.url)
        for name in ("LANGSMITH_API_KEY", "LANGCHAIN_API_KEY", "LANGSMITH_GATEWAY_API_KEY"):
            monkeypatch.setenv(name, "lsv2_of_the_tests")
        langsmith.configure(enabled=None)  # as in a process that has just begun
        get_env_var.cache_clear()
        assert tracing_is_enabled()

        models = models_at(api)
        assert run(told(models)) == ANSWER
        assert run(models.complete("answer", QUESTION, PAYER)) == ANSWER
        api.script = GOOD
        assert verdict(models).points == 3
        wait_for_all_tracers()
        assert not third_party.hits


@pytest.mark.parametrize("level", ["debug", "warning"])
def test_no_log_line_holds_a_learners_words_or_the_key(
    level: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
):
    monkeypatch.setenv("OPENAI_LOG", "debug")
    root, structured = logging.getLogger(), structlog.get_config()
    before = root.handlers, root.level
    try:
        configure_logging("json", level)
        for script in (ANSWER, chat_api.broken(), chat_api.refused_request(), chat_api.cut_off(ANSWER, 2)):
            with ChatApi(script) as api:
                models = models_at(api)
                try:
                    run(told(models))
                except ModelFailed as failed:
                    logging.getLogger("elsewhere").exception("it went wrong", exc_info=failed)
    finally:
        root.handlers, root.level = before
        structlog.configure(**structured)
    written = "".join(capfd.readouterr())
    assert "model_failed" in written
    assert SECRET_WORDS not in written
    assert ANSWER[:10] not in written
    assert chat_api.KEY not in written


def test_the_key_shows_nowhere(monkeypatch: pytest.MonkeyPatch):
    with ChatApi(ANSWER) as api:
        settings = Settings(_env_file=None, **api.settings)
        models = models_at(api)
        shown = f"{settings!r} {settings} {settings.model_dump()} {models.describe()} {vars(models)}"
    assert chat_api.KEY not in shown


def test_the_key_goes_to_its_own_provider_only(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_KEY", "sk-meant-for-openai")
    with ChatApi(ANSWER, key="none") as own:
        # A server of one's own, and no key set: OpenAI's is not sent there.
        settings = own.settings | {"model_key": ""}
        assert run(told(ChatModels(Settings(_env_file=None, **settings), NullMeter()))) == ANSWER
    with ChatApi(chat_api.wrong_key()) as api, second(ANSWER) as other:
        assert run(told(models_at(api, other))) == ANSWER
        assert other.requests[0].key == "none"
