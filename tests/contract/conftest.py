"""What contract tests share."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.backends import Server
from tests.support.gateway import Gateway, MakeServer, running


@pytest.fixture(scope="session")
def envoy_process() -> Iterator[Gateway]:
    """One Envoy for all tests of a worker: its first start takes more than a second."""
    with (
        tempfile.TemporaryDirectory(prefix="gateway-") as directory,
        running(Path(directory)) as it,
    ):
        yield it


@pytest.fixture
def gateway(envoy_process: Gateway) -> Iterator[Gateway]:
    """It, with nothing to serve."""
    yield envoy_process
    envoy_process.serve()


@pytest.fixture
def server() -> Iterator[MakeServer]:
    """Makes servers that stand for replicas."""
    made: list[Server] = []

    def make(name: str) -> Server:
        made.append(Server(name))
        return made[-1].listen()

    yield make
    for one in made:
        one.close()
