"""Restart policies with real containers, the controller that does them, and the host's start."""

from __future__ import annotations

import os
import signal

import msgspec
import pytest
from tests.integration.conftest import MakeRoot
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard import Engine
from dockyard.containers.model import Container, Options, Restart
from dockyard.controller import client
from dockyard.system import mounts
from dockyard.system.files import remove_tree
from dockyard.system.host import ProcessIdentity


def record(engine: Engine, name: str = "box") -> Container:
    return engine.containers.get(name)


def running_again(engine: Engine, before: Container) -> Container | None:
    """The container in a later run than ``before``."""
    now = record(engine, before.name)
    return now if now.running and now.started > before.started else None


def waiting(engine: Engine, name: str = "box") -> Container | None:
    """The container while it waits for long enough that a test can look at it."""
    now = record(engine, name)
    return now if now.state == "restarting" and now.restarts.wait >= 15 * 10**8 else None


def test_always_comes_back_with_its_port_whoever_killed_it(root: Root, engine: Engine) -> None:
    """No command runs meanwhile: the exit command and the controller do it."""
    root.cli("run", "-d", "--name", "box", "--restart", "always", "-p", "0:80", "busybox",
             "sleep", "300", check=True)  # fmt: skip
    before = record(engine)
    ports = engine.containers.ports(before)
    assert before.process is not None

    before.process.signal(signal.SIGKILL)
    after = until(lambda: running_again(engine, before))

    assert engine.containers.ports(after) == ports
    assert root.cli("inspect", "-f", "{{.RestartCount}} {{.HostConfig.RestartPolicy.Name}}",
                    "box").stdout == "1 always\n"  # fmt: skip
    assert root.cli("kill", "box").returncode == 0
    assert record(engine).state == "exited"
    assert root.cli("start", "box").returncode == 0
    assert record(engine).restarts.count == 0


def test_on_failure_gives_up_after_its_retries(root: Root, engine: Engine) -> None:
    """The command in the foreground sees the first run; the others come after it."""
    done = root.cli("run", "--name", "box", "--restart", "on-failure:3", "busybox", "sh", "-c",
                    "echo run; exit 4")  # fmt: skip
    assert (done.returncode, done.stdout) == (4, "run\n")

    ended = until(lambda: record(engine) if record(engine).state == "exited" else None)

    assert (ended.restarts.count, ended.exit_code) == (3, 4)
    assert root.cli("logs", "box").stdout == "run\n" * 4


@pytest.mark.parametrize("command", ["stop box", "kill box", "rm -f box"])
def test_a_command_ends_it_also_while_it_waits(root: Root, engine: Engine, command: str) -> None:
    root.cli("run", "-d", "--name", "box", "--restart", "unless-stopped", "busybox", "false",
             check=True)  # fmt: skip
    until(lambda: waiting(engine))

    status = root.cli("ps", "--format", "{{.Status}} {{.State}}").stdout
    assert status.startswith("Restarting (1) ")
    assert status.endswith(" restarting\n")
    assert "container is restarting" in root.cli("rm", "box").stderr
    assert "wait until the container is running" in root.cli("exec", "box", "true").stderr
    assert root.cli(*command.split()).returncode == 0
    until(lambda: client.heartbeat(root.paths) is None)
    assert "Restarting" not in root.cli("ps", "-a").stdout
    if command != "rm -f box":
        assert record(engine).state == "exited"


def test_a_with_block_ends_it_also_while_it_waits(engine: Engine) -> None:
    always = Options(restart=Restart(policy="always"))
    with engine.run("busybox", ["false"], name="box", network="none", remove=False, options=always):
        until(lambda: record(engine).state == "restarting")
    assert record(engine).state == "exited"


def test_a_killed_controller_is_revived_by_the_next_command(root: Root, engine: Engine) -> None:
    root.cli("run", "-d", "--name", "box", "--restart", "always", "busybox", "false", check=True)
    before = until(lambda: waiting(engine))
    first = client.heartbeat(root.paths)
    assert first is not None

    first.process.signal(signal.SIGKILL)
    assert first.process.wait(10)
    assert root.cli("system", "controller").returncode == 1
    assert record(engine).state == "restarting"
    root.cli("ps", check=True)

    until(lambda: record(engine).restarts.count > before.restarts.count)
    second = client.heartbeat(root.paths)
    assert second is not None
    assert second.process != first.process
    status = root.cli("system", "controller", "status")
    assert status.returncode == 0
    assert "Supervises: restart 1" in status.stdout
    assert "begins" in root.cli("system", "controller", "logs").stdout


def test_a_restart_that_fails_is_tried_again(root: Root, engine: Engine, free_port: int) -> None:
    """Another container has its port meanwhile."""
    root.cli("run", "-d", "--name", "box", "--restart", "always", "-p", f"{free_port}:80",
             "busybox", "false", check=True)  # fmt: skip
    until(lambda: waiting(engine))
    taken = root.cli("run", "-d", "--name", "thief", "-p", f"{free_port}:80", "busybox", "sleep",
                     "300")  # fmt: skip
    assert taken.returncode == 0, taken.stderr

    failed = until(lambda: record(engine) if record(engine).error else None)
    assert str(free_port) in failed.error
    assert failed.exit_code == 1, "that of the run before, as with Docker"
    root.cli("rm", "-f", "thief", check=True)
    until(lambda: record(engine).started > failed.started, 60)


def test_ports_keep_the_address_that_was_configured(root: Root, engine: Engine) -> None:
    """Who starts the container again may know nothing of that configuration."""
    root.cli("create", "--name", "box", "--restart", "always", "-p", "0:80", "busybox", "false",
             env={"DOCKYARD_PUBLISH_ADDRESS": "127.0.0.1"}, check=True)  # fmt: skip
    root.cli("start", "box", check=True)

    ports = until(lambda: record(engine).restarts.ports)
    assert {port.host_ip for port in ports} == {"127.0.0.1"}
    until(lambda: record(engine).restarts.count > 1)
    assert record(engine).restarts.ports == ports


def test_rm_and_restart_contradict_each_other(root: Root) -> None:
    done = root.cli("run", "--rm", "--restart", "always", "busybox", "true")

    assert done.returncode == 125
    assert "cannot specify both --restart and --rm" in done.stderr


def test_the_controller_leaves_when_its_root_is_deleted(make_root: MakeRoot) -> None:
    doomed = make_root()
    doomed.cli("run", "-d", "--name", "box", "--restart", "always", "--network", "none", "busybox",
               "false", check=True)  # fmt: skip
    controller = until(lambda: client.heartbeat(doomed.paths))
    with doomed.engine() as engine:
        until(lambda: waiting(engine))
    doomed.checked = False

    os.rename(doomed.paths.root, f"{doomed.paths.root}.gone")
    try:
        assert controller.process.wait(15)
    finally:
        os.rename(f"{doomed.paths.root}.gone", doomed.paths.root)


BACK = {"run-always", "run-unless-stopped", "stopped-always"}
"""What the host's start brings back."""


def running(engine: Engine) -> set[str]:
    return {one.name for one in engine.containers.all() if one.running}


@pytest.fixture
def rebooted(root: Root, engine: Engine) -> Root:
    """A root whose host went down with containers of every policy running."""
    for policy in ("no", "on-failure", "always", "unless-stopped"):
        root.cli("run", "-d", "--name", f"run-{policy}", "--restart", policy, "--network", "none",
                 "busybox", "sleep", "300", check=True)  # fmt: skip
    for policy in ("always", "unless-stopped"):
        root.cli("run", "-d", "--name", f"stopped-{policy}", "--restart", policy, "--network",
                 "none", "busybox", "sleep", "300", check=True)  # fmt: skip
        root.cli("stop", "-t", "0", f"stopped-{policy}", check=True)
    for container in engine.containers.all():
        for process in filter(None, (container.monitor, container.process)):  # no exit command
            process.signal(signal.SIGKILL)
            assert process.wait(10)
        if container.running:
            engine.parts.store.put(of_another_boot(container))
    mounts.unmount_below(str(root.base))
    remove_tree(root.paths.run)
    return root


def of_another_boot(container: Container) -> Container:
    process = container.process
    assert process is not None
    return msgspec.structs.replace(
        container, process=ProcessIdentity(process.pid, process.start, "another"), monitor=None
    )


def test_policies_bring_containers_back_with_the_host(rebooted: Root, engine: Engine) -> None:
    states = rebooted.cli("ps", "-a", "--format", "{{.State}}").stdout.split()
    assert set(states) == {"exited"}

    named = rebooted.cli("system", "boot").stdout.split()

    assert set(named) == BACK
    until(lambda: running(engine) == BACK)
    rebooted.cli("stop", "-t", "0", "run-always", check=True)
    assert rebooted.cli("system", "boot").stdout == ""
    assert record(engine, "run-always").state == "exited"


def test_the_service_brings_them_back_and_stays(rebooted: Root, engine: Engine) -> None:
    """What the unit runs, without systemd: it takes the place of one started on demand."""
    printed = rebooted.cli("system", "install", "--print", check=True).stdout
    line = next(text for text in printed.splitlines() if text.startswith("ExecStart="))
    service = rebooted.spawn(line.removeprefix("ExecStart=").split())

    until(lambda: running(engine) == BACK)
    assert "Service: yes" in rebooted.cli("system", "controller").stdout
    rebooted.empty()
    assert service.poll() is None
    service.send_signal(signal.SIGTERM)
    assert service.wait(20) == 0


@pytest.mark.parametrize("attached", [False, True])
def test_a_signal_to_the_command_in_the_foreground_ends_it_for_good(
    root: Root, engine: Engine, attached: bool
) -> None:  # fmt: skip
    command = root.start("run", "--name", "box", "--restart", "always", "--network", "none",
                         "busybox", "sh", "-c",
                         "trap 'exit 5' TERM; echo up; while :; do sleep 0.1; done")  # fmt: skip
    assert command.stdout is not None
    assert command.stdout.readline() == "up\n"
    if attached:
        command = root.start("attach", "box")
        assert command.stdout is not None

    until(lambda: forwards(command.pid))
    command.send_signal(signal.SIGTERM)
    command.communicate(timeout=30)

    assert command.returncode == 5
    assert (record(engine).state, record(engine).exit_code) == ("exited", 5)


def forwards(pid: int) -> bool:
    """Whether a command has a handler of its own for SIGUSR1 by now."""
    with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as stream:
        caught = next(line for line in stream if line.startswith("SigCgt:"))
    return bool(int(caught.split()[1], 16) >> (signal.SIGUSR1 - 1) & 1)


def test_a_controller_killed_in_the_middle_of_a_restart_loses_nothing(
    root: Root, engine: Engine
) -> None:
    """Killed while the record says "starting": the next command puts it back to waiting."""
    root.cli("run", "-d", "--name", "box", "--restart", "always", "-p", "0:80", "busybox", "false",
             check=True)  # fmt: skip
    ports = until(lambda: record(engine).restarts.ports)
    until(lambda: record(engine).state == "starting")
    known = client.heartbeat(root.paths)
    assert known is not None
    known.process.signal(signal.SIGKILL)
    assert known.process.wait(10)
    before = record(engine)

    assert root.cli("ps", "-a", "--format", "{{.State}}", check=True).stdout == "restarting\n"
    after = until(lambda: one if (one := record(engine)).restarts.count > before.restarts.count
                  else None)  # fmt: skip
    assert after.restarts.ports == ports
