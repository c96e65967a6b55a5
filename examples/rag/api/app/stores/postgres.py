"""PostgreSQL with pgvector."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg_pool import ConnectionPool, PoolTimeout

from app.model import DIMENSIONS, Hit, Passage, Unavailable, Vector

PART = "vectors"
_CONNECTIONS = 4
_ONE_AT_A_TIME = 7214
"""Number of the lock under which the tables are made."""

_TABLES = f"""
CREATE EXTENSION IF NOT EXISTS vector;
CREATE TABLE IF NOT EXISTS passages (
    document text NOT NULL,
    position integer NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    vector vector({DIMENSIONS}) NOT NULL,
    PRIMARY KEY (document, position)
);
CREATE INDEX IF NOT EXISTS passages_vector ON passages USING hnsw (vector vector_cosine_ops);
CREATE TABLE IF NOT EXISTS state (
    single boolean PRIMARY KEY DEFAULT true CHECK (single),
    version text NOT NULL
);
"""
_SEARCH = """
SELECT document, title, position, text, 1 - (vector <=> %(vector)s::vector)
FROM passages ORDER BY vector <=> %(vector)s::vector LIMIT %(k)s
"""
_ADD = """
INSERT INTO passages (document, position, title, text, vector)
VALUES (%s, %s, %s, %s, %s::vector)
"""
_SET_VERSION = """
INSERT INTO state (version) VALUES (%s)
ON CONFLICT (single) DO UPDATE SET version = excluded.version
"""


class PostgresStore:
    """Passages in a table; `timeout` is in seconds, for a connection and for one statement."""

    def __init__(self, url: str, password: str | None, timeout: float) -> None:
        self._pool = ConnectionPool(
            url,
            kwargs={
                "password": password,
                "connect_timeout": max(2, int(timeout)),
                "options": f"-c statement_timeout={int(timeout * 1000)}",
            },
            min_size=1,
            max_size=_CONNECTIONS,
            timeout=timeout,
            check=ConnectionPool.check_connection,
            open=True,
        )
        self._lock = threading.Lock()
        self._prepared = False

    def version(self) -> str:
        """As `Store` says."""
        with self._connection() as connection:
            row = connection.execute("SELECT version FROM state").fetchone()
        return str(row[0]) if row else "none"

    def count(self) -> int:
        """As `Store` says."""
        with self._connection() as connection:
            row = connection.execute("SELECT count(*) FROM passages").fetchone()
        return int(row[0]) if row else 0

    def replace(
        self, documents: Sequence[str], passages: Sequence[Passage], vectors: Sequence[Vector]
    ) -> None:
        """As `Store` says, in one transaction."""
        rows = [
            (one.document, one.position, one.title, one.text, _literal(vector))
            for one, vector in zip(passages, vectors, strict=True)
        ]
        with self._connection() as connection, connection.cursor() as cursor:
            cursor.execute("DELETE FROM passages WHERE document = ANY(%s)", (list(documents),))
            cursor.executemany(_ADD, rows)
            cursor.execute(_SET_VERSION, (secrets.token_hex(8),))

    def search(self, vector: Vector, k: int) -> list[Hit]:
        """As `Store` says."""
        with self._connection() as connection:
            rows = connection.execute(_SEARCH, {"vector": _literal(vector), "k": k}).fetchall()
        return [_hit(row) for row in rows]

    def close(self) -> None:
        """As `Store` says."""
        self._pool.close()

    @contextmanager
    def _connection(self) -> Iterator[psycopg.Connection[Any]]:
        try:
            with self._pool.connection() as connection:
                self._prepare(connection)
                yield connection
        except (psycopg.Error, PoolTimeout) as error:
            raise Unavailable(PART, str(error).strip() or type(error).__name__) from error

    def _prepare(self, connection: psycopg.Connection[Any]) -> None:
        with self._lock:
            if self._prepared:
                return
            with connection.transaction():
                connection.execute("SELECT pg_advisory_xact_lock(%s)", (_ONE_AT_A_TIME,))
                connection.execute(_TABLES)
            self._prepared = True


def _literal(vector: Vector) -> str:
    return f"[{','.join(map(repr, vector))}]"


def _hit(row: tuple[Any, ...]) -> Hit:
    document, title, position, text, score = row
    return Hit(Passage(str(document), str(title), int(position), str(text)), float(score))
