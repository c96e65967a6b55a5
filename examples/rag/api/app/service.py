"""Questions are answered, and documents taken in."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

from anyio import Lock, to_thread

from app import cache as caching
from app import metrics, rank
from app.cache import Cache, RedisError
from app.embedding import Embedder
from app.model import Document, Hit, Store, Unavailable
from app.split import passages

P = ParamSpec("P")
R = TypeVar("R")


class Service:
    """The whole of it: an embedding API, a vector database, and a cache it can do without."""

    def __init__(self, embedder: Embedder, store: Store, cache: Cache) -> None:
        self._embedder = embedder
        self._store = store
        self._cache = cache
        self._changing = Lock()

    async def ask(self, question: str, k: int) -> dict[str, Any]:
        """The `k` passages that fit best, as they stand in the documents.

        Raises:
            Unavailable: the vector database or the embedding API does not answer.
        """
        began = time.perf_counter()
        version = await self._on_store("version", self._store.version)
        where = caching.key(question, k, version)
        state, answer = await self._recall(where)
        if answer is None:
            answer = await self._search(question, k)
            if state == "miss":
                await self._keep(where, answer)
        metrics.QUESTIONS.labels(state).inc()
        spent = round((time.perf_counter() - began) * 1000, 1)
        return {"question": question, "cache": state, "ms": spent, "index": version, **answer}

    async def take_in(self, documents: Sequence[Document]) -> int:
        """Documents become findable, in place of older ones with their ids; the passages of all.

        Raises:
            Unavailable: as of `ask`. It can be done again.
        """
        found = [passage for document in documents for passage in passages(document)]
        vectors = await self._embedder.vectors([f"{one.title}. {one.text}" for one in found])
        async with self._changing:
            await to_thread.run_sync(self._store.replace, [one.id for one in documents], found,
                                     vectors)  # fmt: skip
        await self.count()
        return len(found)

    async def count(self) -> int:
        """The number of passages; `Unavailable` as of `ask`."""
        number = await to_thread.run_sync(self._store.count)
        metrics.PASSAGES.set(number)
        return number

    async def parts(self) -> dict[str, str]:
        """The services behind this one, with "ready" or what is wrong."""
        checks: dict[str, Callable[[], Awaitable[object]]] = {
            "embeddings": self._embedder.ready,
            "vectors": self.count,
            caching.PART: self._cache.ready,
        }
        return {part: await _state(check) for part, check in checks.items()}

    async def close(self) -> None:
        """Ends all connections."""
        await self._embedder.close()
        await self._cache.close()
        await to_thread.run_sync(self._store.close)

    async def _recall(self, where: str) -> tuple[str, dict[str, Any] | None]:
        try:
            with _timed("cache"):
                answer = await self._cache.get(where)
        except RedisError:
            metrics.FAILURES.labels(caching.PART).inc()
            return "down", None
        return "miss" if answer is None else "hit", answer

    async def _keep(self, where: str, answer: dict[str, Any]) -> None:
        try:
            await self._cache.put(where, answer)
        except RedisError:
            metrics.FAILURES.labels(caching.PART).inc()

    async def _search(self, question: str, k: int) -> dict[str, Any]:
        with _timed("embed"):
            (vector,) = await self._embedder.vectors([question])
        wanted = max(k, rank.CANDIDATES)
        hits = await self._on_store("search", self._store.search, vector, wanted)
        return {"passages": [_as_json(hit) for hit in rank.best(question, hits, k)]}

    async def _on_store(
        self, step: str, method: Callable[P, R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        with _timed(step):
            return await to_thread.run_sync(lambda: method(*args, **kwargs))


@contextmanager
def _timed(step: str) -> Iterator[None]:
    with metrics.STEP_SECONDS.labels(step).time():
        yield


async def _state(check: Callable[[], Awaitable[object]]) -> str:
    try:
        await check()
    except (Unavailable, RedisError) as error:
        return str(error)
    return "ready"


def _as_json(hit: Hit) -> dict[str, Any]:
    return {
        "document": hit.passage.document,
        "title": hit.passage.title,
        "position": hit.passage.position,
        "text": hit.passage.text,
        "score": round(hit.score, 4),
    }
