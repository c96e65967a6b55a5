"""Compose: what is wrong is found before anything is done, and named by its path."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from tests.support.roots import Root
from tests.support.stacks import Stack
from tests.support.waiting import until

SOAK = pytest.mark.skipif(not os.environ.get("DOCKYARD_SOAK"), reason="make soak does it")
HEAD = "name: bad\nservices:\n  web:\n    image: busybox\n    command: sleep 300\n    init: true\n"


BIND = """\
    volumes:
      - {type: bind, source: ./none, target: /x, bind: {create_host_path: false}}
"""


@pytest.mark.parametrize(
    ("text", "where", "hint"),
    [
        ("    secrets: [token]\nsecrets: {token: {file: ./none}}\n",
         "secrets.token.file: does not exist: {here}/none", "environment or content"),
        ("    configs: [conf]\nconfigs: {conf: {file: /none}}\n",
         "configs.conf.file: does not exist: /none", "environment or content"),
        (BIND,
         "services.web.volumes[0].source: bind source path does not exist: {here}/none",
         "create_host_path"),
        ("    mem_limit: 1k\n", "services.web.mem_limit: minimum memory limit allowed is 6MB",
         "mem_limit counts bytes"),
        ("    deploy: {resources: {limits: {cpus: '1000'}}}\n",
         "services.web.deploy.resources.limits.cpus: range of CPUs is from 0.01",
         "deploy.resources.limits.cpus takes at most"),
    ],
)  # fmt: skip
def test_it_is_found_before_anything_is_done(
    root: Root, tmp_path: Path, text: str, where: str, hint: str
) -> None:
    stack = Stack(root, tmp_path, HEAD + text)
    for words in (("up", "-d"), ("create",), ("run", "--rm", "web", "true")):
        done = stack.run(*words)
        assert done.returncode != 0
        assert where.format(here=tmp_path) in done.stderr
        assert hint in done.stderr
        assert "Network" not in done.stderr
    with root.engine() as engine:
        assert not engine.stacks.get("bad").exists


def test_who_publishes_a_port_is_named(root: Root, tmp_path: Path, free_port: int) -> None:
    stack = Stack(root, tmp_path, HEAD + f"    ports: ['127.0.0.1:{free_port}:80']\n")
    stack.up()
    done = root.cli("run", "--rm", "-p", f"127.0.0.1:{free_port}:80", "busybox", "true")
    assert "container bad-web-1 (" in done.stderr
    assert "publishes it" in done.stderr
    stack.run("down", "-t", "0", check=True)


@pytest.mark.parametrize(
    "restart", [pytest.param("", id="once"), pytest.param("    restart: always\n", marks=SOAK)]
)
def test_what_can_not_become_healthy_is_not_waited_for(
    root: Root, tmp_path: Path, restart: str
) -> None:
    command = "sh -c 'echo broken; exit 3'" if restart else "sleep 300"
    stack = Stack(root, tmp_path, f"""
name: bad
services:
  web:
    image: busybox
    command: sleep 300
    depends_on: {{db: {{condition: service_healthy}}}}
  db:
    image: busybox
    init: true
    command: {command}
    healthcheck: {{test: [CMD, no-such-program], interval: 100ms, retries: 2}}
{restart}
""")  # fmt: skip
    done = stack.run("up", "-d", timeout=200)
    assert done.returncode == 1
    assert "dependency failed to start: container bad-db-1" in done.stderr
    assert ("broken" if restart else "no-such-program") in done.stderr
    stack.run("down", "-t", "0", check=True)


def test_a_part_of_a_project_leaves_the_others_on_a_network_that_changed(
    root: Root, tmp_path: Path
) -> None:
    text = HEAD + "  db: {image: busybox, command: sleep 300, init: true}\n"
    stack = Stack(root, tmp_path, text)
    stack.up()
    stack.file.write_text(text + "networks: {default: {internal: true}}\n")
    done = stack.run("up", "-d", "web", check=True)
    assert "bad-db-1 would lose it" in done.stderr
    assert stack.states() == {"db": ["running"], "web": ["running"]}
    stack.up()
    assert stack.states() == {"db": ["running"], "web": ["running"]}
    with root.engine() as engine:
        assert engine.networks.get("bad_default").internal
    stack.run("down", "-t", "0", check=True)


def test_a_variable_of_exec_may_come_from_the_projects_file(root: Root, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("WORD=from the file\n")
    stack = Stack(root, tmp_path, HEAD)
    stack.up()
    said = ("web", "sh", "-c", "echo $WORD")
    assert stack.output("exec", "-e", "WORD", *said) == "from the file\n"
    assert stack.output("exec", "-e", "WORD=given", *said) == "given\n"
    stack.run("down", "-t", "0", check=True)


def test_a_command_of_its_own_keeps_its_secrets_while_others_come_and_go(
    root: Root, tmp_path: Path
) -> None:
    stack = Stack(root, tmp_path, HEAD + "    secrets: [s]\nsecrets: {s: {environment: SECRET}}\n")
    os.environ["SECRET"] = "hidden"
    try:
        stack.up()
        running = stack.start("run", "--rm", "-T", "web", "sh", "-c", "sleep 2; cat /run/secrets/s")
        until(lambda: "bad-web-run-" in root.cli("ps", "--format", "{{.Names}}").stdout)
        os.environ["SECRET"] = "other"
        stack.up()
        out, err = running.communicate(timeout=60)
        assert (running.returncode, out) == (0, "hidden"), err
    finally:
        del os.environ["SECRET"]
        stack.run("down", "-t", "0")
    assert not (Path(root.paths.root) / "compose" / "bad").exists()


def test_updates_watch_and_end_where_one_fails(root: Root, tmp_path: Path) -> None:
    def text(value: str, action: str) -> str:
        command = (
            f"sh -c 'test {value} = good || sleep 1; test {value} = good && sleep 300; exit 9'"
        )
        return HEAD.replace("sleep 300", command) + (
            "    scale: 2\n    deploy: {update_config: {parallelism: 1, monitor: 3s,"
            f" failure_action: {action}}}}}\n"
        )

    stack = Stack(root, tmp_path, text("good", "pause"))
    stack.up()
    stack.file.write_text(text("bad", "pause"))
    done = stack.run("up", "-d")
    assert (done.returncode, "bad-web-1 exited (9)" in done.stderr) == (1, True)
    assert stack.states() == {"web": ["exited", "running"]}, "the second one is as it was"
    stack.file.write_text(text("bad", "continue"))
    done = stack.run("up", "-d", "--force-recreate", check=True)
    assert 'update of service "web" failed to start' in done.stderr
    assert stack.states() == {"web": ["exited", "exited"]}
    stack.run("down", "-t", "0", check=True)
