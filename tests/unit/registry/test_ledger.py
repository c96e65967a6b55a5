"""Uploads that were begun are remembered, for a while."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dockyard.registry.ledger import Ledger
from dockyard.state.database import Database
from dockyard.state.paths import Paths

DIGEST = f"sha256:{'a' * 64}"


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    paths = Paths(f"{tmp_path}/root", f"{tmp_path}/run")
    paths.prepare()
    return Ledger(paths, Database(paths.database))


def test_uploads_that_no_registry_remembers_are_forgotten(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    with ledger.session("a/b", DIGEST) as session:
        session.record("https://example.com/1")
    ledger.tidy()
    with ledger.session("a/b", DIGEST) as session:
        assert session.location == "https://example.com/1"

    later = time.time_ns() + 8 * 86400 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)
    ledger.tidy()
    with ledger.session("a/b", DIGEST) as session:
        assert session.location is None
