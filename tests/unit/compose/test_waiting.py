"""What is waited for, and what won't come any more."""

from __future__ import annotations

from typing import Any, cast

import msgspec
import pytest
from tests.support.compose import made, observed, project

from dockyard.compose import waiting
from dockyard.compose.actions import Await, Condition
from dockyard.compose.observe import Observed
from dockyard.compose.progress import silent
from dockyard.containers.model import Restarts
from dockyard.errors import NotFound
from dockyard.oci.image import Healthcheck


class FakeEngine:
    """Has one container, which keeps no log."""

    containers: Any

    def __init__(self) -> None:
        self.containers = self

    def logs(self, _name: str, *, tail: int) -> None:
        raise NotFound(f"no log of {tail} lines")


def restarting(count: int, health: str = "starting") -> Observed:
    """A container that has ended so often, and waits to be started again."""
    wanted = project({"db": {}})
    found = observed("demo-db-1", made(wanted, "db"), "running", 1)
    record = msgspec.structs.replace(
        found.record, state="restarting", process=None, restarts=Restarts(count=count),
        healthcheck=Healthcheck(test=("CMD", "true")), exit_code=3,
    )  # fmt: skip
    return msgspec.structs.replace(found, record=record, health=health)


def has_come(each: Observed, condition: Condition, monkeypatch: pytest.MonkeyPatch) -> bool:
    monkeypatch.setattr("dockyard.compose.observe.refreshed", lambda _engine, _target: each)
    watcher = waiting.Watcher(cast("Any", FakeEngine()), silent)
    return watcher.arrived(Await(key="a", dependent="web", service="db", condition=condition,
                                 targets=("x",), names=("demo-db-1",)))  # fmt: skip


@pytest.mark.parametrize(
    ("condition", "count"), [("running_or_healthy", 5), ("service_healthy", 10)]
)
def test_what_ends_again_and_again_will_not_come(
    condition: Condition, count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert not has_come(restarting(count - 1), condition, monkeypatch)
    with pytest.raises(waiting.Failed, match=f"again and again: {count} restarts, exit code 3"):
        has_come(restarting(count), condition, monkeypatch)
