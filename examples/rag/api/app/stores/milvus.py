"""Milvus: Milvus Lite's server, or any other, by plain pymilvus."""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

import grpc
from pymilvus import DataType, MilvusClient, MilvusException
from pymilvus.milvus_client.index import IndexParams

from app.model import DIMENSIONS, Hit, Passage, Unavailable, Vector

PART = "vectors"
PASSAGES = "passages"
STATE = "state"
"""A collection of one row, whose vector means nothing: Milvus keeps nothing without one."""
_STATE_ROW = 1
_TEXT_BYTES = 65535
_ID_BYTES = 512

P = ParamSpec("P")
R = TypeVar("R")


def _reconnecting(
    method: Callable[Concatenate[MilvusStore, P], R],
) -> Callable[Concatenate[MilvusStore, P], R]:
    """Tries once more after a failure, for the server may have been restarted in between."""

    @wraps(method)
    def wrapped(self: MilvusStore, /, *args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with _failures():
                return method(self, *args, **kwargs)
        except Unavailable:
            self.close()
            with _failures():
                return method(self, *args, **kwargs)

    return wrapped


@contextmanager
def _failures() -> Iterator[None]:
    try:
        yield
    except MilvusException as error:
        raise Unavailable(PART, error.message) from error
    except (grpc.RpcError, grpc.FutureTimeoutError, OSError, ValueError) as error:
        raise Unavailable(PART, error or type(error).__name__) from error


class MilvusStore:
    """Passages in a Milvus server; `timeout` is in seconds, for one request."""

    def __init__(self, uri: str, timeout: float) -> None:
        self._uri = uri
        self._timeout = timeout
        self._lock = threading.Lock()
        self._connected: MilvusClient | None = None

    @_reconnecting
    def version(self) -> str:
        """As `Store` says."""
        rows = self._client.get(STATE, ids=[_STATE_ROW], timeout=self._timeout)
        return str(rows[0]["version"]) if rows else "none"

    @_reconnecting
    def count(self) -> int:
        """As `Store` says."""
        rows = self._client.query(
            PASSAGES, filter="", output_fields=["count(*)"], timeout=self._timeout
        )
        return int(rows[0]["count(*)"])

    @_reconnecting
    def replace(
        self, documents: Sequence[str], passages: Sequence[Passage], vectors: Sequence[Vector]
    ) -> None:
        """As `Store` says."""
        client = self._client
        try:
            # Milvus Lite knows no parameters of a filter; its literals are written as JSON's.
            named = json.dumps(list(documents), ensure_ascii=False)
            client.delete(PASSAGES, filter=f"document in {named}", timeout=self._timeout)
            rows = [_row(one, vector) for one, vector in zip(passages, vectors, strict=True)]
            if rows:
                client.upsert(PASSAGES, rows, timeout=self._timeout)
        finally:  # half a change is one, too
            state = {"id": _STATE_ROW, "version": secrets.token_hex(8), "vector": [0.0, 1.0]}
            client.upsert(STATE, [state], timeout=self._timeout)

    @_reconnecting
    def search(self, vector: Vector, k: int) -> list[Hit]:
        """As `Store` says."""
        found = self._client.search(
            PASSAGES,
            data=[list(vector)],
            limit=k,
            output_fields=["document", "title", "position", "text"],
            timeout=self._timeout,
        )
        return [_hit(one) for one in found[0]]

    def close(self) -> None:
        """As `Store` says."""
        with self._lock:
            if self._connected is not None:
                self._connected.close()
            self._connected = None

    @property
    def _client(self) -> MilvusClient:
        with self._lock:
            if self._connected is None:
                client = MilvusClient(uri=self._uri, timeout=self._timeout)
                _prepare(client, self._timeout)
                self._connected = client
            return self._connected


def _prepare(client: MilvusClient, timeout: float) -> None:
    """Makes the collections that are missing, and has the server load both."""
    if not client.has_collection(PASSAGES, timeout=timeout):
        schema = MilvusClient.create_schema()
        schema.add_field("id", DataType.VARCHAR, is_primary=True, max_length=_ID_BYTES)
        schema.add_field("document", DataType.VARCHAR, max_length=_ID_BYTES)
        schema.add_field("title", DataType.VARCHAR, max_length=_TEXT_BYTES)
        schema.add_field("position", DataType.INT64)
        schema.add_field("text", DataType.VARCHAR, max_length=_TEXT_BYTES)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=DIMENSIONS)
        client.create_collection(
            PASSAGES, schema=schema, index_params=_index("COSINE"), timeout=timeout
        )
    if not client.has_collection(STATE, timeout=timeout):
        schema = MilvusClient.create_schema()
        schema.add_field("id", DataType.INT64, is_primary=True)
        schema.add_field("version", DataType.VARCHAR, max_length=_ID_BYTES)
        schema.add_field("vector", DataType.FLOAT_VECTOR, dim=2)
        client.create_collection(STATE, schema=schema, index_params=_index("L2"), timeout=timeout)
    for collection in (PASSAGES, STATE):
        client.load_collection(collection, timeout=timeout)


def _index(metric: str) -> IndexParams:
    index = MilvusClient.prepare_index_params()
    index.add_index("vector", index_type="FLAT", metric_type=metric)
    return index


def _row(passage: Passage, vector: Vector) -> dict[str, Any]:
    return {
        "id": passage.id,
        "document": passage.document,
        "title": passage.title,
        "position": passage.position,
        "text": passage.text,
        "vector": list(vector),
    }


def _hit(found: dict[str, Any]) -> Hit:
    entity = found["entity"]
    passage = Passage(
        str(entity["document"]), str(entity["title"]), int(entity["position"]), str(entity["text"])
    )
    return Hit(passage, float(found["distance"]))
