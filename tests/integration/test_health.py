"""Health checks with real probes: states, time limits, and a controller that is killed."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard import Engine, HealthOptions, Options
from dockyard.controller import client
from dockyard.errors import RunError
from dockyard.observability import events
from dockyard.system import cgroups

FAST = ("--health-interval", "200ms", "--health-retries", "2")


def start(root: Root, check: str, *options: str, name: str = "box") -> None:
    root.cli("run", "-d", "--name", name, "--network", "none", "--health-cmd", check, *FAST,
             *options, "busybox", "sleep", "300", check=True)  # fmt: skip


def health(root: Root, name: str = "box") -> dict[str, Any]:
    done = root.cli("inspect", "-f", "{{json .State.Health}}", name, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def becomes(engine: Engine, status: str, name: str = "box") -> bool:
    container = engine.containers.get(name)

    def there() -> bool:
        report = engine.containers.health(container)
        return report is not None and report.status == status

    return until(there)


def test_states_follow_a_file_that_comes_and_goes(root: Root, engine: Engine) -> None:
    start(root, 'test -e /ready && echo "it is $NAME" "$(pwd)"', "-e", "NAME=me", "-w", "/tmp")
    start(root, "true", "--health-interval", "1h", name="slow")
    becomes(engine, "unhealthy")
    assert root.cli("ps", "-q", "--filter", "health=starting", "--no-trunc").stdout.split() == [
        engine.containers.get("slow").id
    ]
    assert "(health: starting)" in root.cli("ps", "--filter", "name=slow").stdout
    assert "(unhealthy)" in root.cli("ps", "--filter", "name=box").stdout
    root.cli("exec", "box", "touch", "/ready", check=True)
    becomes(engine, "healthy")

    assert "(healthy)" in root.cli("ps").stdout
    found = health(root)
    assert (found["Status"], found["FailingStreak"]) == ("healthy", 0)
    assert found["Log"][-1]["Output"] == "it is me /tmp\n"
    assert 1 <= len(found["Log"]) <= 5
    root.cli("exec", "box", "rm", "/ready", check=True)
    becomes(engine, "unhealthy")
    told = [one.action for one in events.between(engine.database)]
    assert [one for one in told if one.startswith("health_status")] == [
        "health_status: unhealthy", "health_status: healthy", "health_status: unhealthy",
    ]  # fmt: skip
    root.cli("stop", "-t", "0", "box", "slow", check=True)
    assert health(root)["Status"] == "unhealthy"
    until(lambda: client.heartbeat(root.paths) is None)


def test_a_hung_probe_is_killed_with_its_children(root: Root, engine: Engine) -> None:
    start(root, "echo so far; (sleep 1000 | sleep 1000) & sleep 1000", "--health-timeout", "300ms",
          "--health-interval", "60s", "--health-start-period", "2s", "--health-start-interval",
          "100ms", "--init")  # fmt: skip
    log = until(lambda: health(root)["Log"])

    assert log[0]["ExitCode"] == -1
    # A shell that outlives its children for an instant may still say "Killed".
    assert log[0]["Output"].startswith("Health check exceeded timeout (300ms): so far\n")
    container = engine.containers.get("box")
    layout = engine.parts.cgroup_layout
    until(lambda: len(programs(cgroups.pids(layout, container.cgroup), b"sleep\x001000")) == 0)
    assert engine.containers.get("box").running


def test_a_probe_whose_time_is_over_before_it_has_begun_leaves_nothing(
    root: Root, engine: Engine
) -> None:
    """The runtime takes longer than a millisecond to start a command."""
    start(root, "sleep 1000", "--health-timeout", "1ms", "--health-interval", "50ms", "--init")
    container = engine.containers.get("box")
    layout = engine.parts.cgroup_layout
    until(lambda: health(root)["FailingStreak"] >= 5)

    assert len(programs(cgroups.pids(layout, container.cgroup), b"sleep\x001000")) <= 1
    client.stop(root.paths, 10)
    assert programs(cgroups.pids(layout, container.cgroup), b"sleep\x001000") == []


def programs(pids: tuple[int, ...], beginning: bytes) -> list[int]:
    found = []
    for pid in pids:
        try:
            if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(beginning):
                found.append(pid)
        except FileNotFoundError:
            continue
    return found


def test_what_cannot_be_run_is_unhealthy_and_says_why(root: Root, engine: Engine) -> None:
    (root.base / "Dockerfile").write_text(
        'FROM busybox\nHEALTHCHECK --interval=200ms --retries=1 CMD ["no-such-program"]\n'
    )
    root.cli("build", "-q", "-t", "checked", str(root.base), check=True)
    root.cli("run", "-d", "--name", "box", "--network", "none", "checked", "sleep", "300",
             check=True)  # fmt: skip
    root.cli("run", "-d", "--name", "plain", "--network", "none", "--no-healthcheck", "checked",
             "sleep", "300", check=True)  # fmt: skip

    becomes(engine, "unhealthy")
    assert "no-such-program" in health(root)["Log"][-1]["Output"]
    document = json.loads(root.cli("inspect", "plain").stdout)[0]
    assert "Health" not in document["State"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
def test_without_a_controller_health_is_unknown_until_another_has_looked(
    root: Root, engine: Engine, how: signal.Signals, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that hangs is as good as dead once its heartbeat is old."""
    start(root, "true")
    becomes(engine, "healthy")
    first = client.heartbeat(root.paths)
    assert first is not None

    first.process.signal(how)
    if how == signal.SIGKILL:
        assert first.process.wait(10)
        assert health_without_commands(engine) == "unknown"
        assert "(health: unknown)" in root.cli("ps").stdout
    else:
        age_heartbeat(root)
        assert health_without_commands(engine) == "unknown"
        root.cli("ps", check=True)

    becomes(engine, "healthy")
    second = client.heartbeat(root.paths)
    assert second is not None
    assert second.process != first.process
    assert engine.containers.get("box").running


def health_without_commands(engine: Engine) -> str:
    """As this process sees it, which revives nothing."""
    report = engine.containers.health(engine.containers.get("box"))
    assert report is not None
    return report.status


def age_heartbeat(root: Root) -> None:
    """As if the controller had hung for a minute."""
    path = Path(client.heartbeat_file(root.paths))
    found = json.loads(path.read_text())
    found["beat"] -= 60 * 10**9
    path.write_text(json.dumps(found))


def test_a_new_controller_ends_the_probe_of_a_killed_one(root: Root, engine: Engine) -> None:
    start(root, "sleep 1000", "--health-timeout", "60s", "--init")
    container = engine.containers.get("box")
    layout = engine.parts.cgroup_layout

    def probes() -> list[int]:
        return programs(cgroups.pids(layout, container.cgroup), b"sleep\x001000")

    [stray] = until(probes)
    first = client.heartbeat(root.paths)
    assert first is not None
    first.process.signal(signal.SIGKILL)
    assert first.process.wait(10)
    assert os.path.exists(f"/proc/{stray}")
    root.cli("ps", check=True)

    [fresh] = until(lambda: [pid for pid in probes() if pid != stray])
    assert fresh != stray
    assert stray not in probes()


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--no-healthcheck", "--health-cmd", "x"), "--no-healthcheck conflicts"),
        (("--health-interval", "-1s", "--health-cmd", "x"), "--health-interval cannot be negative"),
        (("--health-retries", "-1", "--health-cmd", "x"), "--health-retries cannot be negative"),
        (("--health-timeout", "abc"), 'invalid duration "abc"'),
        (("--health-interval", "10us", "--health-cmd", "x"), "cannot be less than 1ms"),
        (("--health-retries", "1"), "have no effect"),
    ],
)  # fmt: skip
def test_what_makes_no_sense_is_refused(root: Root, flags: tuple[str, ...], words: str) -> None:
    done = root.cli("run", *flags, "busybox", "true")

    assert done.returncode == 125
    assert words in done.stderr


def test_a_program_waits_for_health_and_learns_why_it_does_not_come(engine: Engine) -> None:
    check = HealthOptions(command="echo tried; test -e /tmp/ok", interval=10**8, retries=2)
    options = Options(health=check, init=True)
    with engine.run("busybox", ["sleep", "300"], network="none", options=options) as container:
        with pytest.raises(RunError, match="is unhealthy, not healthy") as caught:
            container.wait_until_healthy(3)
        assert caught.value.context == "tried\n"
        container.exec(["touch", "/tmp/ok"])
        container.wait_until_healthy()
        assert (container.health, container.restart_count) == ("healthy", 0)
    plain = Options(init=True)
    with engine.run("busybox", ["sleep", "300"], network="none", options=plain) as container:
        assert container.health == "none"
        with pytest.raises(RunError, match="has no health check"):
            container.wait_until_healthy()


def test_a_paused_container_is_not_probed(root: Root, engine: Engine) -> None:
    start(root, "true")
    becomes(engine, "healthy")
    root.cli("pause", "box", check=True)
    paused = health(root)["Log"]
    assert "(Paused)" in root.cli("ps").stdout
    root.cli("unpause", "box", check=True)

    until(lambda: health(root)["Log"][-1]["Start"] > paused[-1]["Start"])
    assert {one["ExitCode"] for one in health(root)["Log"]} == {0}
