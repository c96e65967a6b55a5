"""Where the other services are, from the environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.model import Store


@dataclass(frozen=True, slots=True)
class Settings:
    """All that can be set; times are in seconds."""

    embeddings: str
    embeddings_timeout: float
    vectors: str
    vectors_password: str | None
    cache: str
    cache_password: str | None
    timeout: float
    kept: int


def read(environment: Mapping[str, str]) -> Settings:
    """The settings that the environment makes. Passwords are in files, which others name."""
    return Settings(
        embeddings=environment.get("EMBEDDINGS_URL", "http://embeddings:8000"),
        embeddings_timeout=float(environment.get("EMBEDDINGS_TIMEOUT_SECONDS", "60")),
        vectors=environment.get("VECTORS_URL", "http://vectors:19530"),
        vectors_password=_secret(environment.get("VECTORS_PASSWORD_FILE")),
        cache=environment.get("CACHE_URL", "redis://cache:6379/0"),
        cache_password=_secret(environment.get("CACHE_PASSWORD_FILE")),
        timeout=float(environment.get("TIMEOUT_SECONDS", "5")),
        kept=int(environment.get("CACHE_SECONDS", "3600")),
    )


def store(settings: Settings) -> Store:
    """The vector database that the URL names. Each client takes long to import: one is."""
    if settings.vectors.startswith(("postgresql://", "postgres://")):
        from app.stores.postgres import PostgresStore

        return PostgresStore(settings.vectors, settings.vectors_password, settings.timeout)
    from app.stores.milvus import MilvusStore

    return MilvusStore(settings.vectors, settings.timeout)


def _secret(path: str | None) -> str | None:
    if not path:
        return None
    with open(path, encoding="utf-8") as stream:
        return stream.read().strip()
