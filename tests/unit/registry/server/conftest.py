"""What all tests of the registry's server need."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.access import Registry
from tests.support.shelf import Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Iterator[Shelf]:
    made = Shelf(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def access(tmp_path: Path) -> Iterator[Registry]:
    """Users and rules, of which there are none yet."""
    made = Registry(tmp_path / "access")
    yield made
    made.close()
