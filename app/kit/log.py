"""Structured logs: one line an event, one reference id from request to delivery, no learner's text, token or key."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog

# Names under which a secret or a person's words could slip into a line; the value is replaced, the event kept.
REDACTED = frozenset(
    {
        "authorization", "bearer", "token", "id_token", "access_token", "client_assertion", "jwt", "code", "secret", "state",
        "nonce", "password", "private_key", "question", "answer", "response", "comment", "text", "name", "email", "body",
    }
)  # fmt: skip


def _redact(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    for key in event:
        if key.lower() in REDACTED:
            event[key] = "[redacted]"
    return event


def _name(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Our part's name under the key that the standard library's lines use; structlog takes no initial value called logger."""
    if "part" in event:
        event["logger"] = event.pop("part")
    return event


def configure_logging(log_format: str, level: str) -> None:
    """Sets up structlog and the standard library's root logger alike, on standard error."""
    shared: list[Any] = [
        structlog.contextvars.merge_contextvars,
        _name,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _redact,
    ]
    renderer: Any = (
        structlog.processors.JSONRenderer()
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(),
            # A traceback without local variables: a learner's words would stand in them.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    number = getattr(logging, level.upper())
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            # ExtraAdder: what a library says in `extra`, lti's reference and reason among it, is part of the line.
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared, structlog.stdlib.add_logger_name],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                renderer,
            ],
        )
    )
    handler.setLevel(number)  # libraries that set their own logger's level to debug are held back here
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    # uvicorn's access log prints whole URLs, and a start code stands in one; our own request line names the route only.
    logging.getLogger("uvicorn.access").disabled = True
    for noisy in ("httpx", "httpcore", "chromadb", "urllib3", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def get_logger(name: str) -> Any:
    """A logger whose lines carry `logger=name`. Modules make theirs on import, before logging is set up: `bind` would give them
    structlog's own defaults for good, so the name goes in as an initial value of the lazy logger."""
    return structlog.get_logger(part=name)
