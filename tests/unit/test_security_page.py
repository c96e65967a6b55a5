"""docs/security.md names tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]


def test_every_test_named_is_there() -> None:
    page = (TESTS.parent / "docs" / "security.md").read_text()
    files = re.findall(r"`([a-z/_]+\.py)`: ((?:`test_\w+`(?:, )?)+)", page)
    named = [(path, name) for path, names in files for name in re.findall(r"`(test_\w+)`", names)]
    assert len(named) == len(re.findall(r"`test_\w+`", page)) > 30
    for path, name in named:
        assert f"def {name}(" in (TESTS / path).read_text(), f"{path} has no {name}"
