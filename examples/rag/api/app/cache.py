"""Answers that were given before, in Redis. Without it every question is answered anew."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from redis.asyncio import Redis
from redis.exceptions import RedisError

PART = "cache"


def key(question: str, k: int, version: str) -> str:
    """Where the answer is kept: another one after each change of the index."""
    normal = " ".join(question.split())
    digest = hashlib.sha256(json.dumps([normal, k]).encode()).hexdigest()
    return f"rag:{version}:{digest}"


class Cache:
    """A client of Redis; `kept` is for how many seconds answers are."""

    def __init__(self, url: str, password: str | None, *, timeout: float, kept: int) -> None:
        self._kept = kept
        self._redis: Redis = Redis.from_url(
            url, password=password, socket_timeout=timeout, socket_connect_timeout=timeout
        )

    async def get(self, where: str) -> dict[str, Any] | None:
        """What was kept there, or `None`.

        Raises:
            RedisError: the cache does not answer.
        """
        found = await self._redis.get(where)
        return json.loads(found) if found is not None else None

    async def put(self, where: str, answer: dict[str, Any]) -> None:
        """Keeps an answer; the errors are those of `get`."""
        await self._redis.set(where, json.dumps(answer), ex=self._kept)

    async def ready(self) -> None:
        """Raises `RedisError` unless the cache answers."""
        await self._redis.ping()

    async def close(self) -> None:
        """Ends the connections."""
        await self._redis.aclose()


__all__ = ["PART", "Cache", "RedisError", "key"]
