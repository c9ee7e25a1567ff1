"""What Prometheus may ask: requests of this process, jobs it ended, and, read at the moment of asking, the tables."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

REGISTRY = CollectorRegistry()

_requests = Counter("skillmeat_requests_total", "HTTP requests", ["method", "route", "status"], registry=REGISTRY)
_seconds = Histogram("skillmeat_request_seconds", "Time to answer a request", ["route"], registry=REGISTRY)
_jobs = Counter("skillmeat_jobs_ended_total", "Jobs ended by this process", ["kind", "status"], registry=REGISTRY)

KNOWN_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def observe_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request by its route, never by its path: the number of series must not depend on callers."""
    label = route or "unmatched"
    _requests.labels(method if method in KNOWN_METHODS else "other", label, status).inc()
    _seconds.labels(label).observe(seconds)


def count_job(kind: str, status: str) -> None:
    _jobs.labels(kind, status).inc()


def register(collector: object) -> None:
    """Add a collector of an app. Its ``collect`` runs only when somebody asks."""
    REGISTRY.register(collector)  # type: ignore[arg-type]


def exposition() -> bytes:
    """All figures in the Prometheus text format."""
    return generate_latest(REGISTRY)
