"""What is served outlives its gateway, its controller's monitor, and commands about replicas."""

from __future__ import annotations

import contextlib
import os
import signal
from pathlib import Path

import pytest
from tests.support.roots import Root
from tests.support.serving import Stand

from dockyard.serving import places, programs
from dockyard.serving.supervise.model import Kept


@pytest.fixture
def stand(root: Root, tmp_path: Path) -> Stand:
    return Stand(root, tmp_path)


def kept(stand: Stand, name: str) -> Kept:
    """What there is of one of the three programs."""
    found = programs.status(stand.root.paths)[name]
    assert found is not None
    return found


def answers(stand: Stand) -> bool:
    with contextlib.suppress(OSError):
        return stand.get(timeout=5).status == 200
    return False


def test_a_gateway_that_is_killed_is_back_in_a_moment_and_knows_all_that_it_served(
    stand: Stand,
) -> None:
    stand.write(web=stand.service({"scale": {"min": 1, "max": 1}}))
    stand.up()
    replica = stand.replicas("web")
    before = kept(stand, places.GATEWAY)
    assert before.process is not None
    os.kill(before.process.pid, signal.SIGKILL)
    assert before.process.wait(10)
    stand.until(lambda: answers(stand), 10)
    after = kept(stand, places.GATEWAY)
    assert (after.restarts, after.alive) == (before.restarts + 1, True)
    assert stand.replicas("web") == replica
    assert stand.row("web")["Status"] == "serving"


def test_the_next_command_starts_a_controller_again_whose_monitor_was_killed_with_it(
    stand: Stand,
) -> None:
    stand.write(web=stand.service({"scale": {"min": 0, "max": 1}}))
    stand.up()
    before = kept(stand, places.CONTROLLER)
    assert before.process is not None
    assert before.monitor is not None
    for one in (before.monitor, before.process):
        os.kill(one.pid, signal.SIGKILL)
        assert one.wait(10)
    assert not kept(stand, places.CONTROLLER).alive
    stand.root.cli("services", check=True)
    assert kept(stand, places.CONTROLLER).alive
    assert stand.get().status == 200
    assert len(stand.replicas("web")) == 1


def test_no_command_about_the_stack_touches_how_many_replicas_there_are(stand: Stand) -> None:
    stand.write(web=stand.service({"scale": {"min": 1, "max": 4}}))
    stand.up()
    stand.root.cli("scale", "web=3", check=True)
    stand.until(lambda: stand.row("web")["Replicas"].startswith("3/3"))
    three = sorted(stand.replicas("web"))
    file = str(stand.directory / "compose.yaml")
    for words in (("up", "-f", file, "-d"), ("compose", "-f", file, "up", "-d")):
        stand.root.cli(*words, check=True)
        assert sorted(stand.replicas("web")) == three
    told = stand.root.cli("compose", "-f", file, "scale", "web=1", check=True).stderr
    assert "services.web.scale has no effect" in told
    assert sorted(stand.replicas("web")) == three
    assert stand.row("web")["Replicas"].startswith("3/3")


def test_more_come_for_requests_a_second(stand: Stand) -> None:
    scale = {"min": 1, "max": 2, "target": 2, "metric": "rps"}
    stand.write(web=stand.service({"scale": scale}))
    stand.up()

    def two() -> bool:
        assert {stand.get().status for _ in range(20)} == {200}  # a command takes seconds at times
        return len(stand.replicas("web")) == 2

    stand.until(two)
    told = stand.root.cli("explain", "web", check=True).stdout
    assert "requests a second, 2 a replica: 1 -> 2 replicas" in told
