"""The metrics that Prometheus reads at /metrics.

By prometheus_client in the ingress, not by Ray's metrics: those leave a cluster through the
dashboard's agents, and the private cluster of `georay serve` has none. The ingress sees every
request and every outcome, and there is one ingress, so its registry holds the whole truth.
"""

import time
from collections import deque

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from georay.serving.messages import AnswerStats

CONTENT_TYPE = CONTENT_TYPE_LATEST
_SECONDS = (0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 60.0, 120.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64)
_WINDOW_S = 60.0


class ServingMetrics:
    """Counts of one ingress. Labels are routes and statuses: nothing that a request can choose."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        labels = ("route", "method", "status")
        self._requests = Counter(
            "georay_requests", "Requests answered.", labels, registry=self.registry
        )
        self._seconds = Histogram(
            "georay_request_seconds",
            "Seconds from a request's headers to the end of its answer.",
            labels,
            buckets=_SECONDS,
            registry=self.registry,
        )
        self._batch_size = Histogram(
            "georay_batch_size", "Jobs of a batch.", buckets=_SIZES, registry=self.registry
        )
        self._tokens = Counter(
            "georay_answer_tokens", "Tokens that the model wrote.", registry=self.registry
        )
        self._queue = Gauge(
            "georay_queue_length",
            "Jobs accepted and not answered yet, waiting or in a batch.",
            registry=self.registry,
        )
        self._replicas = Gauge(
            "georay_replicas", "Model replicas that run.", registry=self.registry
        )
        self._recent: deque[tuple[float, int]] = deque()
        Gauge(
            "georay_answer_tokens_per_second",
            "Tokens that the model wrote per second, over the last minute.",
            registry=self.registry,
        ).set_function(self._tokens_per_second)

    def request_ended(self, route: str, method: str, status: int, seconds: float) -> None:
        """Counts a request that has ended."""
        labels = (route, method, str(status))
        self._requests.labels(*labels).inc()
        self._seconds.labels(*labels).observe(seconds)

    def job_sent(self) -> None:
        """Counts a job that is on its way to a replica."""
        self._queue.inc()

    def job_ended(self) -> None:
        """Counts a job that has come back, in whichever way."""
        self._queue.dec()

    def job_answered(self, stats: AnswerStats) -> None:
        """Counts an answer's batch and tokens."""
        if stats.first:
            self._batch_size.observe(stats.batch_size)
        if stats.num_tokens:
            self._tokens.inc(stats.num_tokens)
            self._recent.append((time.monotonic(), stats.num_tokens))
            self._forget()

    def text(self, num_replicas: int) -> bytes:
        """All of it in Prometheus' text format."""
        self._replicas.set(num_replicas)
        return generate_latest(self.registry)

    def _forget(self) -> None:
        while self._recent and self._recent[0][0] < time.monotonic() - _WINDOW_S:
            self._recent.popleft()

    def _tokens_per_second(self) -> float:
        self._forget()
        return sum(tokens for _, tokens in self._recent) / _WINDOW_S
