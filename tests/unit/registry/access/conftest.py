"""A registry's access rules in a directory of the test's own, with passwords that cost nothing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.access import Registry


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[Registry]:
    """Without users, robots and rules."""
    made = Registry(tmp_path / "registry")
    yield made
    made.close()
