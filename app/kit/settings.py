"""Settings: environment variables with the prefix `WORKSIDE_`, or a `.env` file beside the process.

Each field's description is the text of docs/settings.md; a test keeps the two equal.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from app.kit.mail import MailServer


def read_prices(text: str) -> dict[str, tuple[Decimal, Decimal]]:
    """Model -> (input, output) price per million tokens, from `provider:model=input/output, ...`; ValueError for anything else."""
    prices = {}
    for part in (part.strip() for part in text.split(",")):
        if not part:
            continue
        found = re.fullmatch(r"(\S+:\S+)\s*=\s*(\d+(?:\.\d+)?)\s*/\s*(\d+(?:\.\d+)?)", part)
        if found is None:
            raise ValueError(
                "must look like openai:gpt-4o-mini=0.15/0.60, one for each model, comma-separated"
            )
        prices[found[1]] = (Decimal(found[2]), Decimal(found[3]))
    return prices


# How a chat model is named in the settings: the providers that app.coach.providers can set up.
MODEL_PROVIDERS = frozenset(
    {"openai", "azure_openai", "anthropic", "google_genai", "bedrock", "aws", "mistralai", "ollama"}
)


def read_models(text: str) -> tuple[str, ...]:
    """The models of a chain in their order, from `provider:model, ...`; ValueError says what is wrong with one."""
    names = tuple(name for part in text.split(",") if (name := part.strip()))
    for name in names:
        provider, colon, model = name.partition(":")
        if not colon or not model or re.search(r"\s", name):
            raise ValueError(f"{name!r} must look like provider:model, such as openai:gpt-4o-mini")
        if provider not in MODEL_PROVIDERS:
            raise ValueError(
                f"{provider!r} is no provider; it is one of {', '.join(sorted(MODEL_PROVIDERS))}"
            )
    return names


class SettingsRefused(ValueError):
    """The settings cannot be served with; the message names the setting and what to write there."""


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="WORKSIDE_", env_file=".env", extra="ignore")

    data_dir: Path = Field(
        Path("var/workside"),
        description="Folder of everything that the embedded set-up keeps: database, vectors, uploaded files, keys.",
    )
    port: int = Field(8000, ge=1, le=65535, description="Port that the service listens on.")
    host: str = Field("127.0.0.1", description="Address that the service listens on; 0.0.0.0 in a container.")
    base_url: str = Field(
        "",
        description="Address that platforms and browsers use, without a path. Must be https, except in the demo. "
        "Empty means http://localhost:PORT, which only the demo accepts.",
    )
    database_url: str = Field(
        "",
        description="SQLAlchemy URL of the database, such as postgresql+psycopg://user:password@host/name. "
        "Empty means SQLite in the data folder.",
    )
    chroma_url: str = Field(
        "", description="Address of a Chroma server. Empty means the embedded one in the data folder."
    )
    demo: bool = Field(
        False,
        description="1 allows loopback platforms and plain http, as the demo needs. Never set it on a server that others reach.",
    )
    worker: Literal["embedded", "separate"] = Field(
        "embedded",
        description="embedded: `workside serve` also does the work in the background. separate: run `workside worker` beside it.",
    )
    worker_metrics_port: int = Field(
        0,
        ge=0,
        le=65535,
        description="Port at which a `workside worker` serves its own /metrics, on WORKSIDE_HOST and without a sign-in, as the "
        "service serves its own. 0 serves none. Of several workers on one machine each needs a port of its own.",
    )
    secret: str = Field(
        "",
        description="Passphrase that encrypts the tool's private keys at rest, 32 characters or more. Empty means a random one, "
        "kept in the data folder; set it when several replicas share a database.",
    )
    content_dir: Path = Field(
        Path("content"), description="Folder of the sample course that `workside demo` loads."
    )
    session_minutes: int = Field(
        120, ge=5, le=1440, description="Minutes without a click after which a launch must be repeated."
    )
    key_rotation_days: int = Field(
        180,
        ge=0,
        le=3650,
        description="Days after which the tool makes itself a new signing key. The old one stays published for two weeks after "
        "its last use. 0 leaves it to `workside keys rotate`.",
    )
    log_format: Literal["json", "console"] = Field("json", description="Form of the log lines.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    trusted_proxies: str = Field(
        "127.0.0.1",
        description="Addresses of reverse proxies whose X-Forwarded-* headers are believed, comma-separated.",
    )

    model: str = Field(
        "",
        description="Chat model that words answers, as provider:model, or several, comma-separated: where one fails, the next is "
        "asked. Providers are openai (and whatever speaks its interface, by model_url), azure_openai, anthropic, google_genai, "
        "bedrock, mistralai, ollama. provider:model@http://host/v1 gives one model an address of its own. "
        "Empty means no model: everything works, in the documents' own words.",
    )
    model_answer: str = Field(
        "", description="Models that answer questions. Empty means those of WORKSIDE_MODEL."
    )
    model_rewrite: str = Field(
        "",
        description="Models that make a follow-up question whole before the search; a small, quick one is enough. "
        "Empty means those of WORKSIDE_MODEL.",
    )
    model_simulate: str = Field(
        "",
        description="Models that play the other side in a simulation. Empty means those of WORKSIDE_MODEL.",
    )
    model_feedback: str = Field(
        "", description="Models that word feedback on answers. Empty means those of WORKSIDE_MODEL."
    )
    model_url: str = Field(
        "",
        description="Address of the provider of the first model, where it is not the provider's usual one: an OpenAI-compatible "
        "server (vLLM, LM Studio, a gateway), an Azure resource, an Ollama server.",
    )
    model_key: SecretStr = Field(
        SecretStr(""),
        description="Key for the provider of the first model; it is sent to no other. Empty means the provider's own variable, "
        "such as OPENAI_API_KEY or ANTHROPIC_API_KEY.",
    )
    model_seconds: float = Field(
        60.0,
        gt=0,
        le=600,
        description="Seconds that a model's answer may take in all, tries with other models included.",
    )
    model_first_word_seconds: float = Field(
        15.0,
        gt=0,
        le=600,
        description="Seconds to wait for a model's first word, and from one word to the next; then the next model is asked, "
        "or the answer comes in the documents' own words.",
    )
    model_retries: int = Field(
        1,
        ge=0,
        le=5,
        description="Times that a model is asked again after a failure that may pass (too many requests, a server's error, "
        "no connection), before the next model is.",
    )
    model_prices: str = Field(
        "",
        description="What models cost, as provider:model=input/output in WORKSIDE_CURRENCY per million tokens, comma-separated. "
        "A model that is not named counts no money: for it the caps of tokens alone hold. 0/0 says that it is free.",
    )
    currency: str = Field(
        "USD",
        pattern=r"^[A-Z]{3}$",
        description="Currency of model_prices and of the caps of money, as its three letters. Nothing is converted.",
    )
    cap_learner_tokens: int = Field(
        200_000,
        ge=0,
        description="Tokens (input and output) that calls of models for one learner may take in a day, which begins at midnight "
        "UTC. Beyond it answers go on in the documents' own words. 0 means no cap.",
    )
    cap_course_tokens: int = Field(4_000_000, ge=0, description="The same for one course. 0 means no cap.")
    cap_organisation_tokens: int = Field(
        20_000_000, ge=0, description="The same for one organisation. 0 means no cap."
    )
    cap_learner_money: Decimal = Field(
        Decimal(0),
        ge=0,
        description="Money that calls of models for one learner may take in a day, in WORKSIDE_CURRENCY; it counts for models with "
        "a price. 0 means no cap.",
    )
    cap_course_money: Decimal = Field(
        Decimal(0), ge=0, description="The same for one course, in WORKSIDE_CURRENCY. 0 means no cap."
    )
    cap_organisation_money: Decimal = Field(
        Decimal(0), ge=0, description="The same for one organisation, in WORKSIDE_CURRENCY. 0 means no cap."
    )
    silence_minutes: int = Field(
        15,
        ge=2,
        le=1440,
        description="Minutes over which questions are compared with the answers to them: where most have none, `workside doctor` "
        "and /readyz say so.",
    )

    smtp_url: SecretStr = Field(
        SecretStr(""),
        description="Mail server that brings experts without an account their link: smtps://user:password@host:465, or "
        "smtp://user:password@host:587 for one that changes to TLS (STARTTLS), which every host but this machine must offer. "
        "Empty means that no mail is sent; instructors copy the links instead.",
    )
    smtp_from: str = Field(
        "",
        validate_default=True,
        description="Sender of that mail, such as Workside <workside@example.org>. Needed with WORKSIDE_SMTP_URL.",
    )
    hand_off_days: int = Field(
        3,
        ge=1,
        le=60,
        description="Working days within which an expert is expected to answer, unless the expert has a number of their own. "
        "Then they are reminded, and a working day later the question is passed on.",
    )

    @field_validator("smtp_url")
    @classmethod
    def _smtp_url_is_a_mail_server(cls, value: SecretStr) -> SecretStr:
        MailServer.of(value.get_secret_value(), "anybody@example.org")
        return value

    @field_validator("smtp_from")
    @classmethod
    def _mail_has_a_sender(cls, value: str, info: ValidationInfo) -> str:
        url = info.data.get("smtp_url")
        MailServer.of(url.get_secret_value() if url else "", value)
        return value

    @field_validator("base_url")
    @classmethod
    def _base_url_is_an_origin(cls, value: str) -> str:
        if not value:
            return value
        parts = urlsplit(value)
        if (
            parts.scheme not in {"http", "https"}
            or not parts.hostname
            or parts.path not in {"", "/"}
            or parts.query
        ):
            raise ValueError("must look like https://coach.example.org, without a path")
        return value.rstrip("/")

    @field_validator("model", "model_answer", "model_rewrite", "model_simulate", "model_feedback")
    @classmethod
    def _models_are_named(cls, value: str) -> str:
        read_models(value)
        return value

    @field_validator("model_url")
    @classmethod
    def _model_url_is_an_address(cls, value: str) -> str:
        parts = urlsplit(value)
        if value and (parts.scheme not in {"http", "https"} or not parts.hostname):
            raise ValueError("must look like https://models.example.org/v1")
        return value.rstrip("/")

    @field_validator("model_prices")
    @classmethod
    def _prices_are_read(cls, value: str) -> str:
        read_prices(value)
        return value

    @field_validator("secret")
    @classmethod
    def _secret_is_long(cls, value: str) -> str:
        if value and len(value) < 32:
            raise ValueError("must have at least 32 characters")
        return value

    @property
    def url(self) -> str:
        """The tool's origin as browsers and platforms see it, without a trailing slash."""
        return self.base_url or f"http://localhost:{self.port}"

    @property
    def sqlalchemy_url(self) -> str:
        """The database's URL; SQLite in the data folder unless another is set."""
        return self.database_url or f"sqlite:///{(self.data_dir / 'workside.db').resolve()}"

    def models_of(self, purpose: Literal["answer", "rewrite", "simulate", "feedback"]) -> tuple[str, ...]:
        """The models for a purpose in the order in which they are asked, each as it is written in the settings."""
        own: str = getattr(self, f"model_{purpose}")
        return read_models(own or self.model)

    @property
    def first_model(self) -> str:
        """The model whose provider `model_url` and `model_key` are for; empty where none is set."""
        chains = (self.model, self.model_answer, self.model_rewrite, self.model_simulate, self.model_feedback)
        return next((name for chain in chains for name in read_models(chain)), "")

    def refuse_unsafe_service(self) -> None:
        """Raises SettingsRefused where serving with these settings would be unsafe outside the demo."""
        if self.demo:
            return
        if not self.url.startswith("https://"):
            raise SettingsRefused(
                f"WORKSIDE_BASE_URL is {self.url!r}, and launches need https. Set WORKSIDE_BASE_URL to the https address that "
                "browsers use, or set WORKSIDE_DEMO=1 to try Workside on this machine."
            )


def load_settings(**overrides: object) -> Settings:
    """Settings from the environment; raises SettingsRefused with one line per wrong setting."""
    try:
        return Settings(**overrides)  # type: ignore[arg-type]
    except ValidationError as error:
        lines = [
            f"WORKSIDE_{'_'.join(str(part) for part in problem['loc']).upper()}: {problem['msg']}"
            for problem in error.errors()
        ]
        raise SettingsRefused("\n".join(lines)) from None
