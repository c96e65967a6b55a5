"""The fuzzing targets, on their seeds, on what once broke them, and on some random bytes."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fuzz.targets import TARGETS

SEEDS = Path(__file__).parents[1] / "data" / "fuzz"
FILES = sorted(path for path in SEEDS.rglob("*") if path.is_file())

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="unpacking changes owners")


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_seeds_and_findings(path: Path) -> None:
    TARGETS[path.parent.name](path.read_bytes())


def test_every_target_has_seeds() -> None:
    assert {path.parent.name for path in FILES} == set(TARGETS)


@pytest.mark.parametrize("name", sorted(TARGETS))
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_any_bytes(name: str, data: st.DataObject) -> None:
    """Random bytes, and seeds that were cut and changed."""
    seed = data.draw(st.sampled_from([path for path in FILES if path.parent.name == name]))
    content = bytearray(seed.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        if content:
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(content)))
    TARGETS[name](bytes(content[:cut]) + data.draw(st.binary(max_size=64)))
