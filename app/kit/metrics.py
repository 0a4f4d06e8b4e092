"""Prometheus metrics; each room names its own. /metrics serves them, in a worker of its own where a port is set for it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()
METRICS_TYPE = "text/plain; version=0.0.4"

REQUESTS = Counter(
    "workside_requests", "Requests by route and status", ["route", "method", "status"], registry=REGISTRY
)
REQUEST_SECONDS = Histogram(
    "workside_request_seconds", "Seconds to the response's first byte", ["route"], registry=REGISTRY
)
LAUNCHES = Counter(
    "workside_launches",
    "Launches by outcome (accepted, or the refusal's code)",
    ["outcome"],
    registry=REGISTRY,
)
QUESTIONS = Counter("workside_questions", "Questions asked", registry=REGISTRY)
ANSWERS = Counter(
    "workside_answers",
    "Answers given, by verdict and by who worded them (composer or model)",
    ["verdict", "voice"],
    registry=REGISTRY,
)
FIRST_WORD_SECONDS = Histogram(
    "workside_first_word_seconds",
    "Seconds from a question to the first words of its answer, by who worded it",
    ["voice"],
    buckets=(0.05, 0.1, 0.15, 0.25, 0.5, 1, 2, 4, 8, 15, 30, 60),
    registry=REGISTRY,
)
QUESTIONS_UNANSWERED = Gauge(
    "workside_questions_unanswered",
    "Questions of the last WORKSIDE_SILENCE_MINUTES that have no answer, those of the last minute aside",
    registry=REGISTRY,
)
NOT_COVERED_SHARE = Gauge(
    "workside_not_covered_share",
    "Share of the last day's answers that say that the documents do not cover the question, 0 to 1",
    registry=REGISTRY,
)
MODEL_CALLS = Counter(
    "workside_model_calls",
    "Calls of chat models, by outcome (budget: refused by a cap; lost: never settled, counted in full)",
    ["purpose", "model", "outcome"],
    registry=REGISTRY,
)
MODEL_TOKENS = Counter(
    "workside_model_tokens", "Tokens that settled calls took", ["model", "direction"], registry=REGISTRY
)
MODEL_MONEY = Counter(
    "workside_model_money",
    "What settled calls cost, in WORKSIDE_CURRENCY, by WORKSIDE_MODEL_PRICES",
    ["model"],
    registry=REGISTRY,
)
RESERVATIONS_EXPIRED = Counter(
    "workside_reservations_expired",
    "Calls that were never settled and count as spent in full",
    registry=REGISTRY,
)
SPENDING_SHARE = Gauge(
    "workside_spending_share",
    "Spent and reserved today against the cap, 1 is the cap: the highest of its kind",
    ["scope", "unit"],
    registry=REGISTRY,
)
SPENDING_AT_LEVEL = Gauge(
    "workside_spending_at_level",
    "Learners, courses and organisations that have reached a level (80, 95, 100 percent) of a cap today",
    ["scope", "level"],
    registry=REGISTRY,
)
DELIVERIES = Counter(
    "workside_deliveries", "Tries to deliver a score, by outcome", ["outcome"], registry=REGISTRY
)
SAMPLES = Counter(
    "workside_score_samples",
    "Looks at delivered scores in gradebooks, by what was seen",
    ["outcome"],
    registry=REGISTRY,
)
SCORES_WAITING = Gauge("workside_scores_waiting", "Scores not yet in the gradebook", registry=REGISTRY)
SCORES_DEAD = Gauge("workside_scores_dead", "Scores that the platform refused for good", registry=REGISTRY)
OLDEST_SCORE_SECONDS = Gauge(
    "workside_oldest_score_seconds", "Age of the oldest waiting score", registry=REGISTRY
)
SCORES_LATE = Gauge("workside_scores_late", "Scores that have waited for over 15 minutes", registry=REGISTRY)
WORKER_BEAT = Gauge(
    "workside_worker_last_beat", "Unix time of a job's last round", ["job"], registry=REGISTRY
)


def render_metrics() -> bytes:
    """All metrics in Prometheus's text format."""
    return generate_latest(REGISTRY)


@contextmanager
def metrics_served(listener: socket.socket, measured: Callable[[], bytes]) -> Iterator[None]:
    """Answers GET /metrics at a listening socket with what `measured` says then, and nothing else, from a thread of its own: for a
    process that serves no pages."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            is_there = self.path.partition("?")[0] == "/metrics"
            body = measured() if is_there else b""
            self.send_response(200 if is_there else 404)
            self.send_header("Content-Type", METRICS_TYPE)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing: whoever collects metrics comes every few seconds."""

    # One request at a time: two would measure the same gauges at once. One that sends nothing is left after a while.
    Handler.timeout = 5
    server = HTTPServer(listener.getsockname()[:2], Handler, bind_and_activate=False)
    server.socket.close()
    server.socket = listener
    thread = threading.Thread(target=server.serve_forever, name="workside-metrics", daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
