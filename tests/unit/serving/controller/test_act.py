"""A replica that is to be made of what isn't served any more."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dockyard.serving.controller import act


class Store:
    """The records of a project as they are now."""

    def __init__(self, *names: str) -> None:
        self.names = names

    def get(self, _project: str, _name: str) -> None:
        return None

    def of(self, _project: str) -> tuple[str, ...]:
        return self.names


@pytest.mark.parametrize(("store", "left"), [(Store(), 0), (Store("other"), 1)])
def test_who_comes_too_late_leaves_no_lock_of_a_project_that_has_gone(
    tmp_path: Path, store: Any, left: int
) -> None:
    def path(name: str) -> str:
        return f"{tmp_path}/{name}.lock"

    engine: Any = SimpleNamespace(parts=SimpleNamespace(lock_path=path))
    template: Any = None
    with pytest.raises(act.Gone):
        act.start(engine, store, ("demo", "web"), "web", template, 1)
    assert len(os.listdir(tmp_path)) == left
