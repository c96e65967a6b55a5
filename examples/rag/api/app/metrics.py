"""What Prometheus learns about this API."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

QUESTIONS = Counter("rag_questions_total", "Questions that were answered.", ["cache"])
"""`cache` is hit, miss, or down where Redis gave no answer."""
STEP_SECONDS = Histogram(
    "rag_step_seconds", "How long a step of an answer took.", ["step"], buckets=_SECONDS
)
"""`step` is version, cache, embed or search."""
FAILURES = Counter("rag_failures_total", "Requests that a service behind failed.", ["part"])
PASSAGES = Gauge("rag_passages", "Passages in the vector database.")
