"""Vectors from the embedding API, which speaks OpenAI's protocol."""

from __future__ import annotations

from collections.abc import Sequence

import httpx

from app.model import Unavailable, Vector

PART = "embeddings"
MODEL = "all-MiniLM-L6-v2"
BATCH = 16
"""Texts of one request: others get their turn in between."""


class Embedder:
    """A client of the embedding API at `url`; `timeout` is in seconds, for one request."""

    def __init__(self, url: str, timeout: float) -> None:
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False)

    async def vectors(self, texts: Sequence[str]) -> list[Vector]:
        """One vector of length 1 for each text.

        Raises:
            Unavailable: there is no answer, or one that says something else.
        """
        found: list[Vector] = []
        for start in range(0, len(texts), BATCH):
            found += await self._batch(texts[start : start + BATCH])
        return found

    async def ready(self) -> None:
        """Raises `Unavailable` unless the embedding API is ready."""
        try:
            (await self._client.get("/healthz", timeout=2.0)).raise_for_status()
        except httpx.HTTPError as error:
            raise Unavailable(PART, _reason(error)) from error

    async def close(self) -> None:
        """Ends the connections."""
        await self._client.aclose()

    async def _batch(self, texts: Sequence[str]) -> list[Vector]:
        body = {"model": MODEL, "input": list(texts)}
        try:
            answer = await self._client.post("/v1/embeddings", json=body)
            answer.raise_for_status()
            return [item["embedding"] for item in answer.json()["data"]]
        except (httpx.HTTPError, ValueError, LookupError, TypeError) as error:
            raise Unavailable(PART, _reason(error)) from error


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__
