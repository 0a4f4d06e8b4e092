"""`workside doctor --model` against scripted servers: what it reports, and what it says to do."""

from __future__ import annotations

import importlib.util
import json
from typing import Any

import pytest

from app.coach import chat_models
from app.coach.chat_models import ChatModels, NullMeter
from app.kit.settings import Settings
from tests.app.test_cli import Workside, workside
from tests.fakes import chat_api
from tests.fakes.chat_api import KEY, ChatApi, Reply, Request

__all__ = ["workside"]

COUNT = "one, two, three, four, five, six"


@pytest.fixture(scope="module", autouse=True)
def langchain_is_imported() -> None:
    ChatModels(Settings(_env_file=None, model="openai:any", model_key="none"), NullMeter()).warm_up()


def well(request: Request) -> str:
    return '{"number": 7}' if "seven" in request.text else COUNT


def findings(workside: Workside, *arguments: str, **environment: str) -> dict[str, dict[str, Any]]:
    result = workside.run("doctor", *arguments, "--json", **environment)
    assert KEY not in result.output
    return {each["subject"]: each for each in json.loads(result.stdout)["findings"]}


def environment(api: ChatApi, **more: str) -> dict[str, str]:
    given = {f"WORKSIDE_{name.upper()}": str(value) for name, value in api.settings.items()}
    return given | {"WORKSIDE_MODEL_FIRST_WORD_SECONDS": "0.3"} | more


def test_it_says_what_is_set_and_asks_nobody_unless_told_to(workside: Workside) -> None:
    assert "documents" in findings(workside)["models"]["says"]
    with ChatApi() as api:
        found = findings(
            workside, **environment(api, WORKSIDE_MODEL_REWRITE="mistralai:small,openai:scripted")
        )
        assert not api.hits
    assert "answer: openai:scripted;" in found["models"]["says"]
    assert "rewrite: mistralai:small, then openai:scripted" in found["models"]["says"]
    assert not any(subject.startswith("openai:") for subject in found)


def test_it_reports_speed_streaming_and_structured_output_of_each_model_once(workside: Workside) -> None:
    with ChatApi(well) as api, ChatApi(well, key="none", model="plain", takes_schemas=False) as plain:
        found = findings(
            workside, "--model", **environment(api, WORKSIDE_MODEL_FEEDBACK=f"openai:plain@{plain.url}")
        )
        assert [request.is_streamed for request in api.requests] == [True, False]
    report = found["openai:scripted (answer, rewrite, simulate)"]
    assert report["well"]
    assert "first word after 0." in report["says"]
    assert "tokens per second, streaming works, structured output works" in report["says"]
    assert "structured output is read from its text" in found["openai:plain (feedback)"]["says"]


@pytest.mark.parametrize(
    ("said", "told"), [("Yes.", "streaming was not seen"), (COUNT, "streaming does not work")]
)
def test_a_reply_of_one_word_is_not_blamed_on_what_lies_between(
    workside: Workside, said: str, told: str
) -> None:
    def in_one_piece(request: Request) -> Reply:
        return Reply('{"number": 7}' if "seven" in request.text else said, piece=1000)

    with ChatApi(in_one_piece) as api:
        says = findings(workside, "--model", **environment(api))[
            "openai:scripted (answer, rewrite, simulate, feedback)"
        ]
    assert says["well"]
    assert told in says["says"]
    assert ("something between here" in says["says"]) == (said == COUNT)
    assert ("tokens per second" in says["says"]) == (said == COUNT)


@pytest.mark.parametrize(
    ("reply", "advice"),
    [
        (chat_api.wrong_key(), "WORKSIDE_MODEL_KEY"),
        (chat_api.unknown_model(), "Check the model's name"),
        (chat_api.no_credit(), "billing"),
        (chat_api.hangs(), "WORKSIDE_MODEL_FIRST_WORD_SECONDS"),
        (chat_api.not_the_interface(), "ends in /v1"),
        (chat_api.broken(), "status page"),
        (chat_api.too_many(), "rate limit"),
        (chat_api.refused_request(), "whether this model is a chat model"),
    ],
)
def test_it_says_what_to_do_where_a_model_does_not_answer(
    workside: Workside, reply: Reply, advice: str
) -> None:
    with ChatApi(reply) as api:
        (report,) = [
            finding
            for subject, finding in findings(workside, "--model", **environment(api)).items()
            if subject.startswith("openai:scripted")
        ]
    assert not report["well"]
    assert advice in report["says"]


def test_a_wrong_address_and_a_server_that_is_not_there_are_told_apart(workside: Workside) -> None:
    with ChatApi(well) as api:
        wrong = environment(api, WORKSIDE_MODEL_URL=api.url.removesuffix("/v1"))
        said = findings(workside, "--model", **wrong)
    gone = findings(workside, "--model", **environment(api))
    (subject,) = [subject for subject in gone if subject.startswith("openai:scripted")]
    assert "an OpenAI-compatible address mostly ends in /v1" in said[subject]["says"]
    assert "may this machine reach it?" in gone[subject]["says"]


def test_a_package_that_is_not_installed_is_named_with_its_extra(
    workside: Workside, monkeypatch: pytest.MonkeyPatch
) -> None:
    def find_spec(name: str) -> object:
        return None if name == "langchain_ollama" else importlib.util.find_spec(name)

    monkeypatch.setattr(chat_models.importlib.util, "find_spec", find_spec)
    result = workside.run("doctor", WORKSIDE_MODEL="ollama:qwen3:8b")
    assert "pip install 'workside[ollama]'" in result.stdout
    assert result.exit_code == 1


def test_a_missing_package_fails_a_call_in_the_same_words(workside: Workside) -> None:
    if importlib.util.find_spec("langchain_mistralai") is not None:
        raise AssertionError(
            "the tests' environment has only OpenAI's package; this test needs one that is not there"
        )
    said = findings(workside, "--model", WORKSIDE_MODEL="mistralai:small", WORKSIDE_MODEL_KEY=KEY)
    (report,) = [each for subject, each in said.items() if subject.startswith("mistralai:small")]
    assert "pip install 'workside[mistral]'" in report["says"]


def test_no_model_to_try_is_said(workside: Workside) -> None:
    assert "WORKSIDE_MODEL" in findings(workside, "--model")["model calls"]["says"]
