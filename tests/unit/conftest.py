from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.state.paths import Paths


@pytest.fixture
def paths(tmp_path: Path) -> Paths:
    """The directories of a root of the test's own, which are there."""
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    paths.prepare()
    return paths
