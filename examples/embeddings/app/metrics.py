"""What Prometheus learns about this service."""

from __future__ import annotations

from prometheus_client import CONTENT_TYPE_LATEST, Counter, Histogram, generate_latest

from app.model import Embedder, Embeddings

TEXTS = Counter("embeddings_texts_total", "Texts that were embedded.")
TOKENS = Counter("embeddings_tokens_total", "Tokens that the model read.")
SECONDS = Histogram("embeddings_seconds", "Seconds of one inference, without its wait for a turn.")


def embed_measured(embedder: Embedder, texts: list[str]) -> Embeddings:
    """What the model makes of the texts, counted and timed."""
    with SECONDS.time():
        result = embedder.embed(texts)
    TEXTS.inc(len(texts))
    TOKENS.inc(result.tokens)
    return result


def measured() -> tuple[bytes, str]:
    """All of it in Prometheus' text format, and the content type."""
    return generate_latest(), CONTENT_TYPE_LATEST
