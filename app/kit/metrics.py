"""Prometheus metrics; each room names its own. /metrics serves them."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()

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
ANSWERS = Counter("workside_answers", "Answers given, by verdict", ["verdict"], registry=REGISTRY)
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
