"""Projects with real containers: brought up, changed, killed in the middle, taken down."""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Any

import pytest
from tests.support.compose import project
from tests.support.roots import Root

from dockyard import Engine
from dockyard.compose.observe import Stack
from dockyard.compose.options import CreateOptions, DownOptions, StartOptions
from dockyard.compose.progress import Step
from dockyard.containers.exec import ExecOptions
from dockyard.errors import DockyardError

SLEEP = {"command": ["sleep", "300"], "stop_signal": "SIGKILL"}
Steps = list[Step]


def service(**more: Any) -> dict[str, Any]:
    return {**SLEEP, **more}


def ids(stack: Stack) -> dict[str, str]:
    return {each.name: each.id for each in stack.containers}


def states(stack: Stack) -> dict[str, str]:
    return {each.name: each.state for each in stack.containers}


def of(subject: str, steps: Steps) -> list[str]:
    return [step.status for step in steps if step.id == subject]


def asked(engine: Engine, name: str, *command: str) -> tuple[int, str]:
    """What a command in a container prints."""
    read, write = os.pipe()
    code = engine.containers.execute(name, ExecOptions(command=command), stdout=write, stderr=write)
    os.close(write)
    with os.fdopen(read) as stream:
        return code, stream.read()


def test_up_again_changes_only_what_differs(engine: Engine) -> None:
    wanted = project({"web": service(depends_on=["db"]), "db": service()})
    steps: Steps = []
    first = engine.stacks.up(wanted, listener=steps.append)
    assert states(first) == {"demo-db-1": "running", "demo-web-1": "running"}
    assert of("Network demo_default", steps) == ["Creating", "Created"]
    assert of("Container demo-db-1", steps) == ["Creating", "Created", "Starting", "Started"]
    started = [step.id for step in steps if step.status == "Started"]
    assert started == ["Container demo-db-1", "Container demo-web-1"]
    assert asked(engine, "demo-web-1", "nslookup", "db")[0] == 0

    assert ids(engine.stacks.up(wanted)) == ids(first)
    changed = project({"web": service(environment={"A": "1"}, depends_on=["db"]), "db": service()})
    second = engine.stacks.up(changed)
    assert ids(second)["demo-db-1"] == ids(first)["demo-db-1"]
    assert ids(second)["demo-web-1"] != ids(first)["demo-web-1"]
    assert states(second) == states(first)

    assert engine.stacks.down(changed)
    assert not engine.stacks.get("demo").exists
    assert not engine.stacks.down(changed)


def test_volumes_without_a_name_outlive_their_container(engine: Engine) -> None:
    def wanted(**more: Any) -> Any:
        return project({"db": service(volumes=[{"type": "volume", "target": "/data"}], **more)})

    engine.stacks.up(wanted())
    asked(engine, "demo-db-1", "touch", "/data/here")
    engine.stacks.up(wanted(environment={"A": "1"}))
    assert asked(engine, "demo-db-1", "ls", "/data")[1] == "here\n"
    engine.stacks.up(wanted(environment={"A": "1"}), CreateOptions(inherit=False, recreate="force"))
    assert asked(engine, "demo-db-1", "ls", "/data")[1] == ""
    engine.stacks.down(wanted(), DownOptions(volumes=True))
    for volume in engine.volumes.list():  # of the container that was made anew without it
        assert volume.anonymous
        engine.volumes.remove(volume.name)


def test_data_stays_until_volumes_are_to_go(engine: Engine) -> None:
    wanted = project(
        {"db": service(volumes=[{"type": "volume", "source": "data", "target": "/data"}])},
        volumes={"data": {"name": "demo_data"}},
    )
    engine.stacks.up(wanted)
    asked(engine, "demo-db-1", "touch", "/data/here")
    engine.stacks.down(wanted)
    engine.stacks.up(wanted)
    assert asked(engine, "demo-db-1", "ls", "/data")[1] == "here\n"
    engine.stacks.down(wanted, DownOptions(volumes=True))
    assert engine.volumes.list() == []


def test_conditions_hold_back_and_fail_with_the_last_words(engine: Engine) -> None:
    wanted = project({
        "web": service(depends_on={"db": {"condition": "service_healthy"},
                                   "init": {"condition": "service_completed_successfully"}}),
        "db": service(healthcheck={"test": ["CMD", "true"], "interval": "100ms"}),
        "init": {"command": ["sh", "-c", "echo done"]},
    })  # fmt: skip
    steps: Steps = []
    stack = engine.stacks.up(wanted, start=StartOptions(wait=True), listener=steps.append)
    assert states(stack)["demo-web-1"] == "running"
    words = [(step.id, step.status) for step in steps]
    started = words.index(("Container demo-web-1", "Starting"))
    for ready in (("Container demo-db-1", "Healthy"), ("Container demo-init-1", "Exited")):
        assert words.index(ready) < started
    engine.stacks.down(wanted)

    broken = project({
        "web": service(depends_on={"db": {"condition": "service_healthy"}}),
        "db": service(command=["sh", "-c", "echo no disk; sleep 300"],
                      healthcheck={"test": ["CMD-SHELL", "echo sick; exit 1"],
                                   "interval": "100ms", "retries": 1}),
    })  # fmt: skip
    with pytest.raises(DockyardError) as caught:
        engine.stacks.up(broken)
    assert caught.value.message == ("dependency failed to start: container demo-db-1 is unhealthy")
    assert (caught.value.context or "").splitlines() == ["no disk", "health check: sick"]
    assert states(engine.stacks.get("demo"))["demo-web-1"] == "created"
    engine.stacks.down(broken)

    failing = project({
        "web": service(depends_on={"init": {"condition": "service_completed_successfully"}}),
        "init": {"command": ["sh", "-c", "echo why; exit 3"]},
    })  # fmt: skip
    with pytest.raises(DockyardError, match='service "init" didn\'t complete successfully: exit 3'):
        engine.stacks.up(failing)
    engine.stacks.down(failing)


def test_dependents_are_restarted_where_they_want_it(engine: Engine) -> None:
    def wanted(**more: Any) -> Any:
        needed = {"db": {"condition": "service_started", "restart": True}}
        return project({"web": service(depends_on=needed), "job": service(depends_on=["db"]),
                        "db": service(**more)})  # fmt: skip

    first = engine.stacks.up(wanted())
    second = engine.stacks.up(wanted(environment={"A": "1"}))

    def began(stack: Stack) -> dict[str, int]:
        return {each.service: each.record.started for each in stack.containers}

    assert ids(first)["demo-web-1"] == ids(second)["demo-web-1"]
    assert began(first)["web"] < began(second)["web"]
    assert began(first)["job"] == began(second)["job"]
    engine.stacks.down(wanted())


def test_namespaces_are_shared_and_follow_their_owner(engine: Engine) -> None:
    def wanted(**more: Any) -> Any:
        return project({
            "side": service(network_mode="service:app", pid="service:app"),
            "app": service(hostname="app", **more),
        })  # fmt: skip

    first = engine.stacks.up(wanted())
    assert asked(engine, "demo-side-1", "hostname")[1] == "app\n"
    second = engine.stacks.up(wanted(environment={"A": "1"}))
    assert ids(first)["demo-side-1"] != ids(second)["demo-side-1"]
    assert states(second) == {"demo-app-1": "running", "demo-side-1": "running"}
    assert ids(engine.stacks.up(wanted(environment={"A": "1"}))) == ids(second)
    engine.stacks.down(wanted())


def test_secrets_and_configs_are_files_in_containers(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("from a file")

    def wanted(token: str) -> Any:
        return project(
            {"web": service(secrets=[{"source": "token", "uid": "5", "mode": "0440"},
                                     {"source": "file"}],
                            configs=[{"source": "conf", "target": "/etc/app.conf"}],
                            read_only=True)},
            secrets={"token": {"name": "t", "environment": "TOKEN"},
                     "file": {"name": "f", "file": str(tmp_path / "file")}},
            configs={"conf": {"name": "c", "content": "a=1\n"}}, environment={"TOKEN": token},
        )  # fmt: skip

    first = engine.stacks.up(wanted("hunter2"))
    assert asked(engine, "demo-web-1", "cat", "/run/secrets/token")[1] == "hunter2"
    assert asked(engine, "demo-web-1", "stat", "-c", "%u %a", "/run/secrets/token")[1] == "5 440\n"
    assert asked(engine, "demo-web-1", "cat", "/run/secrets/file")[1] == "from a file"
    assert asked(engine, "demo-web-1", "cat", "/etc/app.conf")[1] == "a=1\n"
    assert asked(engine, "demo-web-1", "sh", "-c", "echo x > /run/secrets/token")[0] != 0
    second = engine.stacks.up(wanted("other"))
    assert ids(first) != ids(second)
    kept = Path(engine.paths.root, "compose", "demo")
    assert len(list(kept.iterdir())) == 2, "the old secret is gone"
    engine.stacks.down(wanted("other"))
    assert not kept.exists()


def test_hooks_are_run_and_their_failure_is_told(engine: Engine) -> None:
    ready = {"command": ["touch", "/tmp/started"]}
    wanted = project({"web": service(post_start=[ready])})
    engine.stacks.up(wanted)
    assert asked(engine, "demo-web-1", "ls", "/tmp")[1] == "started\n"
    broken = project({"web": service(post_start=[{"command": ["sh", "-c", "echo no; exit 4"]}])})
    with pytest.raises(DockyardError, match="web hook exited with status 4") as caught:
        engine.stacks.up(broken)
    assert caught.value.context == "no"
    engine.stacks.down(wanted)


def test_scaling_and_orphans(engine: Engine) -> None:
    three = engine.stacks.up(project({"web": service(scale=3), "old": service()}))
    assert len(three.of("web")) == 3
    warned: list[str] = []
    engine.parts.warn = warned.append
    one = engine.stacks.up(project({"web": service()}))
    assert [each.name for each in one.lasting] == ["demo-old-1", "demo-web-1"]
    assert "orphan containers ([demo-old-1])" in warned[0]
    alone = engine.stacks.up(project({"web": service()}), CreateOptions(remove_orphans=True))
    assert [each.name for each in alone.lasting] == ["demo-web-1"]
    engine.stacks.down(project({"web": service()}))


def test_a_service_is_updated_without_a_gap(engine: Engine) -> None:
    def wanted(value: str) -> Any:
        return project({"web": service(
            environment={"A": value}, scale=2,
            deploy={"placement": {}, "update_config": {"order": "start-first", "parallelism": 1}},
        )})  # fmt: skip

    first = engine.stacks.up(wanted("1"))
    lowest = 2
    over = threading.Event()

    def watch() -> None:
        nonlocal lowest
        while not over.is_set():
            running = sum(each.running for each in engine.stacks.get("demo").containers)
            lowest = min(lowest, running)

    watcher = threading.Thread(target=watch)
    watcher.start()
    second = engine.stacks.up(wanted("2"))
    over.set()
    watcher.join()
    assert lowest == 2
    assert set(ids(second)) == {"demo-web-1", "demo-web-2"}
    assert not set(ids(first).values()) & set(ids(second).values())
    engine.stacks.down(wanted("2"))


def test_a_network_that_changed_is_made_anew(engine: Engine) -> None:
    def wanted(**more: Any) -> Any:
        return project({"web": service()}, networks={
            "default": {"name": "demo_default", "ipam": {}, **more},
        })  # fmt: skip

    first = engine.stacks.up(wanted())
    second = engine.stacks.up(wanted(internal=True))
    assert engine.networks.get("demo_default").internal
    assert states(second) == {"demo-web-1": "running"}
    assert ids(first) == ids(second)
    engine.stacks.down(wanted())


def test_down_by_name_alone(engine: Engine) -> None:
    engine.stacks.up(project({"web": service(depends_on=["db"]), "db": service()}))
    steps: Steps = []
    assert [each.name for each in engine.stacks.list()] == ["demo"]
    assert engine.stacks.list()[0].status == "running(2)"
    engine.stacks.down("demo", listener=steps.append)
    removed = [step.id for step in steps if step.status == "Removed"]
    assert removed == ["Container demo-web-1", "Container demo-db-1", "Network demo_default"]


def test_dry_runs_do_nothing(engine: Engine) -> None:
    wanted = project({"web": service(depends_on={"db": {"condition": "service_healthy"}}),
                      "db": service()})  # fmt: skip
    steps: Steps = []
    engine.stacks.up(wanted, CreateOptions(dry_run=True), listener=steps.append)
    assert not engine.stacks.get("demo").exists
    done = [f"{step.id} {step.status}" for step in steps if step.over]
    assert done == [
        "Network demo_default Created", "Container demo-db-1 Created",
        "Container demo-web-1 Created", "Container demo-db-1 Started",
        "Container demo-db-1 Healthy", "Container demo-web-1 Started",
    ]  # fmt: skip


def test_two_at_once_do_not_collide(root: Root) -> None:
    wanted = project({name: service() for name in ("a", "b", "c")})
    failed: list[DockyardError] = []

    def up() -> None:
        try:
            with root.engine() as engine:
                engine.stacks.up(wanted)
        except DockyardError as error:
            failed.append(error)

    threads = [threading.Thread(target=up) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with root.engine() as engine:
        assert failed == []
        assert len(engine.stacks.get("demo").containers) == 3
        engine.stacks.down(wanted)


KILLED = """
import sys, threading, os, time, signal
sys.path[:0] = [{checkout!r}]
from dockyard import Config, Engine
from tests.integration.test_compose_up import crash_project
engine = Engine(Config(root={root!r}, run={run!r}))
seen = 0
def listen(step):
    global seen
    seen += 1
    if seen == {after}:
        os.kill(os.getpid(), signal.SIGKILL)
from dockyard.compose.options import CreateOptions, DownOptions
options = DownOptions(volumes=True) if {verb!r} == "down" else CreateOptions()
engine.stacks.{verb}(crash_project({value!r}), options, listener=listen)
"""


def crash_project(value: str) -> Any:
    return project(
        {"web": service(environment={"A": value}, depends_on=["db"], secrets=[{"source": "s"}]),
         "db": service(environment={"A": value}, volumes=[{"type": "volume", "target": "/d"}])},
        secrets={"s": {"name": "s", "content": value}},
    )  # fmt: skip


@pytest.mark.parametrize("after", range(1, 22, 4))
def test_a_kill_at_any_moment_is_mended_by_the_next_up(root: Root, after: int) -> None:
    def killed(verb: str, value: str) -> None:
        code = KILLED.format(checkout=str(Path(__file__).parents[2]), root=root.paths.root,
                             run=root.paths.run, after=after, verb=verb, value=value)  # fmt: skip
        root.spawn([sys.executable, "-c", code]).wait(60)

    killed("up", "1")
    with root.engine() as engine:
        assert os.listdir(root.paths.locks).count("compose-demo.lock") == 0
        engine.stacks.up(crash_project("1"))
        volume = engine.stacks.get("demo").of("db")[0].record.mounts[0].source
    killed("up", "2")
    with root.engine() as engine:
        stack = engine.stacks.up(crash_project("2"))
        assert states(stack) == {"demo-db-1": "running", "demo-web-1": "running"}
        assert asked(engine, "demo-web-1", "cat", "/run/secrets/s")[1] == "2"
        assert stack.of("db")[0].record.mounts[0].source == volume
    killed("down", "2")
    with root.engine() as engine:
        engine.stacks.down(crash_project("2"), DownOptions(volumes=True))
        assert not engine.stacks.get("demo").exists
        assert engine.containers.all() == []
