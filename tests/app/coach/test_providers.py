"""What providers' failures mean, and what each provider is set up with: without any provider's package."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from pydantic import ValidationError

from app.coach.json_answers import json_in
from app.coach.providers import PROVIDERS, arguments_of, choices_of, failure_of
from app.kit.clock import now
from app.kit.settings import MODEL_PROVIDERS, Settings


class Response:
    """An httpx response, as far as a failure is read from it."""

    def __init__(self, status_code: int, **headers: str) -> None:
        self.status_code = status_code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}


def raised(
    name: str, *, bases: tuple[str, ...] = (), message: str = "the learner's words", **has: Any
) -> Exception:
    """An exception of a package that is not here: what counts is its name, its ancestors' names and its attributes."""
    above: type[Exception] = Exception
    for base in bases:
        above = type(base, (above,), {})
    error = type(name, (above,), {})(message)
    for attribute, value in has.items():
        setattr(error, attribute, value)
    return error


def boto(code: str, status: int | None = None) -> Exception:
    answer: dict[str, Any] = {"Error": {"Code": code, "Message": "the learner's words"}}
    if status is not None:
        answer["ResponseMetadata"] = {"HTTPStatusCode": status}
    return raised("ClientError", response=answer)


@pytest.mark.parametrize(
    ("error", "kind", "may_pass", "wait"),
    [
        # openai and anthropic: a status, a response, sometimes a code
        (raised("AuthenticationError", status_code=401, response=Response(401)), "misconfigured", False, None),
        (raised("PermissionDeniedError", status_code=403), "misconfigured", False, None),
        (raised("NotFoundError", status_code=404, code="model_not_found"), "misconfigured", False, None),
        (raised("BadRequestError", status_code=400, code="content_filter"), "refused", False, None),
        (raised("BadRequestError", status_code=400, code="context_length_exceeded"), "refused", False, None),
        (raised("BadRequestError", status_code=400), "misconfigured", False, None),
        (raised("RateLimitError", status_code=429, response=Response(429, retry_after="7")), "unavailable", True, 7),
        (raised("RateLimitError", status_code=429, code="insufficient_quota"), "misconfigured", False, None),
        (raised("OverloadedError", status_code=529), "unavailable", True, None),
        (raised("InternalServerError", status_code=500), "unavailable", True, None),
        (raised("APIConnectionError"), "unavailable", True, None),
        (raised("APITimeoutError", bases=("APIConnectionError",)), "timeout", False, None),
        (raised("APIError", message="an event of a stream"), "unavailable", True, None),
        # mistralai: httpx itself
        (raised("HTTPStatusError", response=Response(503)), "unavailable", True, None),
        (raised("ConnectError", bases=("TransportError", "NetworkError")), "unavailable", True, None),
        (raised("RemoteProtocolError", bases=("TransportError",)), "unavailable", True, None),
        # ollama
        (raised("ResponseError", status_code=404), "misconfigured", False, None),
        (ConnectionRefusedError("no server"), "unavailable", True, None),
        # google
        (raised("ResourceExhausted", code=429), "unavailable", True, None),
        (raised("PermissionDenied", code=403), "misconfigured", False, None),
        (raised("InvalidArgument", code=400), "misconfigured", False, None),
        # amazon
        (boto("ThrottlingException", 429), "unavailable", True, None),
        (boto("AccessDeniedException", 403), "misconfigured", False, None),
        (boto("throttlingException"), "unavailable", True, None),
        (boto("internalServerException"), "unavailable", True, None),
        (raised("NoCredentialsError"), "misconfigured", False, None),
        # LangChain's own
        (raised("ContextOverflowError", bases=("ModelError",)), "refused", False, None),
        (ValueError("No generation chunks were returned"), "empty", False, None),
        (TimeoutError(), "timeout", False, None),
        (RuntimeError("something nobody thought of"), "unavailable", False, None),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)  # fmt: skip
def test_a_failure_is_understood_by_what_all_packages_have(
    error: Exception, kind: str, may_pass: bool, wait: float | None
):
    failure = failure_of(error)
    assert (failure.kind, failure.is_temporary, failure.retry_after) == (kind, may_pass, wait)
    assert "learner" not in str(failure)


def test_a_failure_within_another_is_found():
    wrapped = raised("ChatGoogleGenerativeAIError")
    wrapped.__cause__ = raised("InvalidArgument", code=400)
    assert failure_of(wrapped).cause == "request"


@pytest.mark.parametrize("value", ["soon", "", "Thu, 99 Foo"])
def test_a_wait_that_cannot_be_read_is_none(value: str):
    error = raised("RateLimitError", status_code=429, response=Response(429, retry_after=value))
    assert failure_of(error).retry_after is None


def test_a_wait_may_be_a_date():
    at = format_datetime(now() + timedelta(seconds=30), usegmt=True)
    error = raised("RateLimitError", status_code=429, response=Response(429, retry_after=at))
    assert failure_of(error).retry_after == pytest.approx(30, abs=2)


def test_a_code_that_is_a_sentence_is_left_out():
    error = raised("BadRequestError", status_code=400, code="who signs my invoice", type="x" * 200)
    assert "invoice" not in str(failure_of(error))
    assert "xxx" not in str(failure_of(error))


# --- the settings -----------------------------------------------------------------------------------------------------------


def chain(**given: Any) -> list[tuple[str, str, str]]:
    settings = Settings(_env_file=None, **given)
    return [(one.name, one.url, one.key) for one in choices_of(settings, settings.models_of("answer"))]


def test_the_settings_know_the_providers():
    assert set(PROVIDERS) == set(MODEL_PROVIDERS)


def test_a_chain_is_read_in_its_order_and_a_models_name_may_hold_anything():
    assert chain(
        model=" ollama:qwen3:8b , bedrock:anthropic.claude-x-v1:0,openai:org/model@http://gpu:8000/v1 "
    ) == [
        ("ollama:qwen3:8b", "", ""),
        ("bedrock:anthropic.claude-x-v1:0", "", ""),
        ("openai:org/model", "http://gpu:8000/v1", ""),
    ]


def test_key_and_address_are_the_first_providers_alone():
    given = {"model_url": "https://gateway.example.org/v1/", "model_key": "secret"}
    at = "https://gateway.example.org/v1"
    assert chain(model="openai:a,anthropic:b,openai:c", **given) == [
        ("openai:a", at, "secret"),
        ("anthropic:b", "", ""),
        ("openai:c", at, "secret"),
    ]
    assert chain(model="openai:a", model_answer="anthropic:b", **given) == [("anthropic:b", "", "")]


@pytest.mark.parametrize(
    "name", ["gpt-4o", "openai:", "langsmith:gpt-4o", "openai:two words", "openai:a,nobody:b"]
)
def test_a_model_that_cannot_be_meant_is_refused_at_the_start(name: str):
    with pytest.raises(ValidationError):
        Settings(_env_file=None, model=name)


@pytest.mark.parametrize("url", ["models.example.org", "ftp://models.example.org", "http://"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str):
    with pytest.raises(ValidationError):
        Settings(_env_file=None, model_url=url)


def given_to(model: str, **settings: Any) -> dict[str, Any]:
    made = Settings(_env_file=None, model=model, **settings)
    (choice,) = choices_of(made, made.models_of("answer"))
    return arguments_of(choice, most_tokens=99, seconds=12.5)


def test_openai_itself_gets_the_newer_limit_of_words_and_servers_of_its_kind_the_older():
    assert given_to("openai:gpt-4o", model_key="k") == {
        "timeout": 12.5, "max_retries": 0, "max_tokens": 99, "api_key": "k", "stream_usage": True,
        "stream_chunk_timeout": 12.5,
    }  # fmt: skip
    own = given_to("openai:llama", model_url="http://vllm.example.org/v1")
    assert own["extra_body"] == {"max_tokens": 99}
    assert "max_tokens" not in own
    assert own["api_key"] == "none"
    azure = given_to("openai:gpt-5", model_url="https://us.openai.azure.com/openai/v1", model_key="k")
    assert azure["max_tokens"] == 99


def test_azure_is_found_by_resource_and_deployment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("OPENAI_API_VERSION", "2025-04-01")
    given = given_to("azure_openai:coach", model_url="https://us.openai.azure.com", model_key="k")
    assert given["azure_endpoint"] == "https://us.openai.azure.com"
    assert given["azure_deployment"] == "coach"
    assert given["api_version"] == "2025-04-01"
    assert "base_url" not in given


def test_ollama_names_things_in_its_own_way():
    assert given_to("ollama:qwen3:8b", model_url="http://gpu:11434", model_key="k") == {
        "base_url": "http://gpu:11434",
        "num_predict": 99,
        "client_kwargs": {"timeout": 12.5, "headers": {"Authorization": "Bearer k"}},
    }


@pytest.mark.parametrize("model", ["mistralai:m", "bedrock:m", "google_genai:m", "anthropic:m"])
def test_no_package_tries_again_by_itself(model: str):
    assert given_to(model)["max_retries"] in {0, 1}  # Google's and Mistral's count the first try


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ('{"a": 1}', '{"a": 1}'),
        ('Sure!\n```json\n{"a": {"b": "}"}}\n```', '{"a": {"b": "}"}}'),
        ("{not json} but {\"a\": 1} is", '{"a": 1}'),
        (" nothing of the kind ", "nothing of the kind"),
    ],
)  # fmt: skip
def test_json_is_found_in_a_models_text(text: str, found: str):
    assert json_in(text) == found
