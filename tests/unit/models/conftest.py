from __future__ import annotations

from collections.abc import Iterator

import pytest

from dockyard.images.content import ContentStore
from dockyard.models.apply import Models
from dockyard.registry.client import Client
from dockyard.state.database import Database
from dockyard.state.paths import Paths


@pytest.fixture
def database(paths: Paths) -> Iterator[Database]:
    database = Database(paths.database)
    database.execute("INSERT INTO images VALUES ('image', x'00', 0, 0)")
    database.execute("INSERT INTO containers VALUES ('one', 'one', 'image', 'running', 0, x'00')")
    yield database
    database.close()


@pytest.fixture
def content(paths: Paths, database: Database) -> ContentStore:
    return ContentStore(paths, database)


@pytest.fixture
def models(paths: Paths, database: Database, content: ContentStore) -> Models:
    return Models(paths, database, content, _offline)


def _offline() -> Client:
    raise AssertionError("nobody asked for a registry")
