"""The providers of chat models: how each is named and set up, and what its failures mean. Imports none of their packages.

A failure is read from what all packages have in common (a status, a class's name, a header), so that the door needs no
provider's package to understand one.
"""

from __future__ import annotations

import email.utils
import math
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal
from urllib.parse import urlsplit

from app.coach.chat import FailureKind, ModelFailed
from app.kit.clock import now
from app.kit.settings import Settings

# Azure's interface is dated; a newer date is chosen with the variable that OpenAI's package reads as well.
AZURE_VERSION = "2024-10-21"
# The hosts that take only the newer name of the limit of words; everything else that speaks OpenAI's interface knows the old one.
OPENAI_HOSTS = ("api.openai.com", ".openai.azure.com", ".services.ai.azure.com")
LONGEST_CODE = 60


@dataclass(frozen=True)
class Provider:
    """`name` is LangChain's for it, `extra` the one of our package that installs it, `package` the one to import, `variable` where
    it looks for a key itself.

    `schema_method` is how it is asked for a JSON schema. `repeats_usage`: its counts of tokens stand in every piece, not a share.
    """

    name: str
    extra: str
    package: str
    variable: str
    schema_method: str = "json_schema"
    repeats_usage: bool = False


_BEDROCK = Provider(
    "bedrock_converse", "aws", "langchain_aws", "AWS_BEARER_TOKEN_BEDROCK", "function_calling"
)
PROVIDERS = {
    "openai": Provider("openai", "openai", "langchain_openai", "OPENAI_API_KEY", repeats_usage=True),
    "azure_openai": Provider(
        "azure_openai", "openai", "langchain_openai", "AZURE_OPENAI_API_KEY", repeats_usage=True
    ),
    "anthropic": Provider(
        "anthropic", "anthropic", "langchain_anthropic", "ANTHROPIC_API_KEY", "function_calling"
    ),
    "google_genai": Provider("google_genai", "google", "langchain_google_genai", "GOOGLE_API_KEY"),
    "bedrock": _BEDROCK,
    "aws": _BEDROCK,
    "mistralai": Provider("mistralai", "mistral", "langchain_mistralai", "MISTRAL_API_KEY"),
    "ollama": Provider("ollama", "ollama", "langchain_ollama", ""),
}


@dataclass(frozen=True)
class Choice:
    """One model of a chain. `name` is "provider:model", as the setting has it; the key never shows."""

    provider: str
    model: str
    url: str = ""
    key: str = field(default="", repr=False)

    @property
    def name(self) -> str:
        return f"{self.provider}:{self.model}"

    @property
    def of(self) -> Provider:
        return PROVIDERS[self.provider]


def choices_of(settings: Settings, names: tuple[str, ...]) -> tuple[Choice, ...]:
    """The models that `names` says. The key and the address of the settings go to the provider of the very first model only:
    another provider must not be sent a key that is not its own, and finds its own in its own variables."""
    first = settings.first_model.partition(":")[0]
    choices = []
    for name in names:
        provider, _, rest = name.partition(":")
        model, at, url = rest.partition("@http")
        if at:
            choices.append(Choice(provider, model, f"http{url}"))
        elif provider == first:
            choices.append(Choice(provider, model, settings.model_url, settings.model_key.get_secret_value()))
        else:
            choices.append(Choice(provider, model))
    return tuple(choices)


def arguments_of(choice: Choice, *, most_tokens: int, seconds: float) -> dict[str, Any]:
    """What `init_chat_model` is given for one model. Retries are off: they are the door's, which meters each call."""
    given: dict[str, Any] = {"timeout": seconds, "max_retries": 0, "max_tokens": most_tokens}
    if choice.url:
        given["base_url"] = choice.url
    if choice.key:
        given["api_key"] = choice.key
    match choice.provider:
        case "openai":
            given |= _streaming(seconds)
            if choice.url:
                # A server of one's own often wants no key, and must not get the one that is meant for OpenAI.
                given.setdefault("api_key", "none")
                given["use_responses_api"] = False
                if not (urlsplit(choice.url).hostname or "").endswith(OPENAI_HOSTS):
                    given["extra_body"] = {"max_tokens": given.pop("max_tokens")}
        case "azure_openai":
            given |= _streaming(seconds)
            given["azure_deployment"] = choice.model
            given["api_version"] = os.environ.get("OPENAI_API_VERSION", AZURE_VERSION)
            if choice.url:
                given["azure_endpoint"] = given.pop("base_url")
        case "google_genai":
            given["max_retries"] = 1  # it counts attempts
        case "mistralai":
            given |= {"max_retries": 1, "timeout": math.ceil(seconds)}
        case "bedrock" | "aws":
            given |= {"timeout": math.ceil(seconds), "disable_streaming": False}
        case "ollama":
            client: dict[str, Any] = {"timeout": given.pop("timeout")}
            if key := given.pop("api_key", ""):
                client["headers"] = {"Authorization": f"Bearer {key}"}
            del given["max_retries"]
            given |= {"num_predict": given.pop("max_tokens"), "client_kwargs": client}
    return given


def _streaming(seconds: float) -> dict[str, Any]:
    """The package's own limit between pieces, two minutes otherwise, must not be narrower than the door's. With one it also closes
    the connection as soon as it is left, not when memory is next tidied up."""
    return {"stream_usage": True, "stream_chunk_timeout": seconds}


# What an operator has to look at; more than one of them makes a kind of failure.
Cause = Literal[
    "key", "credit", "credentials", "address", "request", "filter", "length", "busy", "ailing", "connection", "interface",
    "package", "setup", "time", "other",
]  # fmt: skip


class Failure(ModelFailed):
    """One attempt's failure. `retry_after` is in seconds, as the provider asked for, or None.

    `cause` "request": the provider answers, and does not take what was asked, or not in this form.
    """

    def __init__(
        self,
        kind: FailureKind,
        detail: str = "",
        *,
        cause: Cause = "other",
        is_temporary: bool = False,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(kind, detail)
        self.cause = cause
        self.is_temporary = is_temporary
        self.retry_after = retry_after


_TIMEOUTS = {"TimeoutError", "TimeoutException", "APITimeoutError", "DeadlineExceeded", "ModelTimeoutError"}
_CONNECTIONS = {
    "ConnectionError", "APIConnectionError", "TransportError", "NetworkError", "ServiceUnavailable", "RetryError",
    "ModelConnectionError", "BotoConnectionError", "HTTPClientError", "OSError",
}  # fmt: skip
_NO_CREDENTIALS = {
    "NoCredentialsError",
    "CredentialRetrievalError",
    "NoRegionError",
    "DefaultCredentialsError",
}
_TOO_LONG = {"ContextOverflowError"}
# Codes in lower case; Amazon writes one and the same with and without a capital.
_REFUSED_CODES = {"content_filter", "content_policy_violation"}
_TOO_LONG_CODES = {"context_length_exceeded"}
_NO_CREDIT = {"insufficient_quota", "billing_hard_limit_reached"}
# Amazon's errors in the middle of a stream have a code and no status.
_THROTTLED = {"throttlingexception", "toomanyrequestsexception", "servicequotaexceededexception"}
_AILING = {"internalserverexception", "modelstreamerrorexception", "serviceunavailableexception"}


def failure_of(error: BaseException) -> Failure:
    """What a provider's exception means. Its message is not taken over: some repeat the words that were sent."""
    chain = list(_causes(error))
    status = next((found for one in chain if (found := _status(one)) is not None), None)
    names = {kind.__name__ for one in chain for kind in type(one).__mro__}
    told = {code for one in chain for code in _codes(one)}
    shown = " ".join([type(error).__name__, *([str(status)] if status else []), *sorted(told)])
    codes = {code.lower() for code in told}
    if codes & _REFUSED_CODES or "ContentFilterFinishReasonError" in names:
        return Failure("refused", f"its content filter stepped in ({shown})", cause="filter")
    if codes & _TOO_LONG_CODES or names & _TOO_LONG:
        return Failure("refused", f"the text is too long for this model ({shown})", cause="length")
    if status is not None or codes & (_THROTTLED | _AILING):
        return _answered_with(status or 0, codes, shown, _retry_after(chain))
    if names & _NO_CREDENTIALS:
        return Failure("misconfigured", f"no credentials or no region for it ({shown})", cause="credentials")
    if names & _TIMEOUTS:
        return Failure("timeout", shown, cause="time")
    if names & _CONNECTIONS:
        return Failure("unavailable", f"no connection ({shown})", cause="connection", is_temporary=True)
    if "LengthFinishReasonError" in names:
        return Failure("malformed", "its answer did not fit into the limit of words", cause="length")
    if names & {"JSONDecodeError", "APIResponseValidationError", "UnicodeDecodeError"}:
        return Failure("malformed", f"its answer is not of the interface ({shown})", cause="interface")
    if "No generation chunks" in str(error):  # LangChain's word for a stream of nothing
        return Failure("empty", "nothing came", cause="interface")
    # An error event in the middle of a stream has no status.
    return Failure("unavailable", shown, is_temporary=bool(names & {"APIError", "ModelAPIError"}))


def _answered_with(status: int, codes: set[str], shown: str, retry_after: float | None) -> Failure:
    """What an answer means that says by its status that something is wrong."""
    if status in {401, 403}:
        return Failure(
            "misconfigured", f"the key is refused or may not use this model ({shown})", cause="key"
        )
    if status == 402 or codes & _NO_CREDIT:
        return Failure("misconfigured", f"the account has no credit left ({shown})", cause="credit")
    if status == 404:
        return Failure(
            "misconfigured", f"the model or the address is unknown there ({shown})", cause="address"
        )
    if status == 429 or codes & _THROTTLED:
        what = f"too many requests ({shown})"
        return Failure("unavailable", what, cause="busy", is_temporary=True, retry_after=retry_after)
    if status in {408, 409, 425} or status >= 500 or codes & _AILING:
        what = f"it is ailing ({shown})"
        return Failure("unavailable", what, cause="ailing", is_temporary=True, retry_after=retry_after)
    return Failure("misconfigured", f"it does not take the request ({shown})", cause="request")


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    one: BaseException | None = error
    while one is not None and id(one) not in seen:
        seen.add(id(one))
        yield one
        one = one.__cause__ or one.__context__


def _status(error: Any) -> int | None:
    response = getattr(error, "response", None)
    if isinstance(response, dict):  # boto
        found = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    else:
        found = getattr(error, "status_code", None) or getattr(response, "status_code", None)
        found = found or getattr(error, "code", None)  # Google's
    return int(found) if isinstance(found, int) and 400 <= found < 600 else None


def _codes(error: Any) -> Iterator[str]:
    """The provider's short words for what is wrong, and nothing longer: a sentence might repeat what was sent."""
    response = getattr(error, "response", None)
    boto = response.get("Error", {}).get("Code") if isinstance(response, dict) else None
    for code in (getattr(error, "code", None), getattr(error, "type", None), boto):
        if isinstance(code, str) and re.fullmatch(rf"[A-Za-z][\w.-]{{1,{LONGEST_CODE}}}", code):
            yield code


def _retry_after(chain: list[BaseException]) -> float | None:
    """Seconds that the provider asks to wait, from the header's number or date."""
    for error in chain:
        headers = getattr(getattr(error, "response", None), "headers", None)
        if headers is None:
            continue
        value = headers.get("retry-after")
        if not value:
            continue
        try:
            return max(0.0, float(value))
        except ValueError:
            pass
        try:
            return max(0.0, (email.utils.parsedate_to_datetime(value) - now()).total_seconds())
        except (ValueError, TypeError):
            return None
    return None
