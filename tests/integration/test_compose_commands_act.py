"""Commands of ``compose`` that do something with containers: stop, exec, run, cp, build, watch."""

from __future__ import annotations

import json
import re
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.roots import Root
from tests.support.stacks import Stack
from tests.support.waiting import until

LOOP = "trap 'exit 0' TERM; while :; do sleep 0.1; done"
FILE = f"""
name: act
services:
  db:
    image: busybox
    command: [sh, -c, "{LOOP}"]
    environment: {{KIND: base}}
    pre_stop: [{{command: [sh, -c, "date +%s > /data/stopped"]}}]
    volumes: ["data:/data"]
  web:
    image: busybox
    command: [sh, -c, "{LOOP}"]
    depends_on: {{db: {{condition: service_started, restart: true}}}}
    environment: {{KIND: web, KEPT: here}}
    ports: ["127.0.0.1::80"]
    scale: 2
volumes: {{data: {{}}}}
"""


@pytest.fixture
def stack(root: Root, tmp_path: Path) -> Iterator[Stack]:
    made = Stack(root, tmp_path, FILE)
    made.up()
    yield made
    made.run("down", "-t", "0", "-v", "--remove-orphans")


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_services_stop_and_start_in_the_order_of_what_they_need(stack: Stack) -> None:
    stopped = lines(stack.run("stop", check=True).stderr)
    assert stopped.index("Container act-db-1  Stopping") > stopped.index(
        "Container act-web-2  Stopped"
    )
    assert stack.states() == {"db": ["exited"], "web": ["exited", "exited"]}
    started = lines(stack.run("start", check=True).stderr)
    assert started.index("Container act-db-1  Started") < started.index(
        "Container act-web-1  Starting"
    )
    assert stack.states() == {"db": ["running"], "web": ["running", "running"]}
    assert stack.output("exec", "db", "cat", "/data/stopped").strip().isdecimal(), "pre_stop ran"


def test_a_restart_takes_along_who_says_so(stack: Stack) -> None:
    told = stack.run("restart", "-t", "5", "db", check=True).stderr
    assert told.count("Started") == 3
    assert (
        stack.run("restart", "--no-deps", "-t", "5", "db", check=True).stderr.count("Started") == 1
    )


def test_a_dry_run_only_tells(stack: Stack) -> None:
    for words in (("stop",), ("kill",), ("restart",), ("pause",), ("rm", "-s", "-f")):
        told = stack.run(*words, "--dry-run", check=True).stderr
        assert "DRY-RUN MODE -  Container act-web-1" in told, words
    assert stack.states() == {"db": ["running"], "web": ["running", "running"]}


def test_signals_pausing_and_removal(stack: Stack) -> None:
    stack.run("pause", "web", check=True)
    assert stack.states()["web"] == ["paused", "paused"]
    stack.run("unpause", "web", check=True)
    stack.run("kill", "-s", "TERM", "web", check=True)
    until(lambda: stack.states()["web"] == ["exited", "exited"])
    assert stack.run("kill", "web").stderr == "no container to kill\n"
    asked = stack.run("rm", "web", input="n\n")
    assert "Going to remove act-web-1, act-web-2" in asked.stderr
    assert len(stack.states()["web"]) == 2
    assert stack.output("rm", "-f", "web") == "Going to remove act-web-1, act-web-2\n"
    assert "web" not in stack.states()
    assert stack.run("rm", "-f").stderr == "No stopped containers\n"
    stack.run("rm", "-fsv", check=True)
    assert stack.states() == {}


def test_scaling_adds_and_takes_away(stack: Stack) -> None:
    stack.run("scale", "web=3", check=True)
    assert len(stack.states()["web"]) == 3
    stack.run("scale", "--no-deps", "web=1", check=True)
    assert len(stack.states()["web"]) == 1
    for wrong in ("web", "web=x", "none=1"):
        assert stack.run("scale", wrong).returncode == 1


def test_waiting_gives_the_code(stack: Stack) -> None:
    waiting = stack.start("wait", "db")
    stack.run("kill", "db", check=True)
    out, _ = waiting.communicate(timeout=20)
    assert (waiting.returncode, out.strip().endswith("exited with status code 137")) == (137, True)
    waiting = stack.start("wait", "--down-project", "web")
    stack.run("stop", "-t", "5", "web", check=True)
    waiting.communicate(timeout=30)
    assert (waiting.returncode, stack.states()) == (0, {})


def test_commands_run_in_a_services_container(stack: Stack) -> None:
    done = stack.run(
        "exec", "-e", "MORE=x", "-w", "/tmp", "web", "sh", "-c", "pwd; echo $KIND$MORE; exit 4"
    )
    assert (done.returncode, done.stdout) == (4, "/tmp\nwebx\n")
    assert stack.run("exec", "-T", "web", "cat", input="in\n").stdout == "in\n"
    names = {stack.output("exec", "--index", str(n), "web", "hostname") for n in (1, 2)}
    assert len(names) == 2
    stack.run("exec", "-d", "db", "touch", "/data/made", check=True)
    until(lambda: stack.run("exec", "db", "ls", "/data/made").returncode == 0)


def test_files_go_into_all_containers_and_come_out_of_one(stack: Stack, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("content")
    stack.run("cp", str(tmp_path / "file"), "web:/tmp/", check=True)
    for number in ("1", "2"):
        assert stack.output("exec", "--index", number, "web", "cat", "/tmp/file") == "content"
    stack.run("cp", "--index", "2", "web:/tmp/file", str(tmp_path / "back"), check=True)
    assert (tmp_path / "back").read_text() == "content"
    none = stack.run("cp", "none:/x", str(tmp_path))
    assert (none.returncode, 'no container found for service "none"' in none.stderr) == (1, True)


def test_a_containers_files_as_an_archive(stack: Stack, tmp_path: Path) -> None:
    stack.run("export", "-o", str(tmp_path / "files.tar"), "db", check=True)
    with tarfile.open(tmp_path / "files.tar") as archive:
        assert "bin/sh" in archive.getnames()


def test_attach_is_there_until_the_end(stack: Stack) -> None:
    attached = stack.start("attach", "--no-stdin", "db")
    until(lambda: stack.output("events", "--since", "1m", "--until", "0s", "db").count(" attach "))
    stack.run("stop", "db", check=True)
    attached.communicate(timeout=20)
    assert attached.returncode == 0


def test_run_has_a_container_of_its_own(stack: Stack, root: Root) -> None:
    done = stack.run("run", "--name", "own", "-e", "KIND=job", "-l", "k=v", "web",
                     "sh", "-c", "echo $KIND $KEPT; exit 5")  # fmt: skip
    assert (done.returncode, done.stdout) == (5, "job here\n")
    document = json.loads(root.cli("inspect", "own", check=True).stdout)[0]
    found = document["Config"]["Labels"]
    prefix = "com.docker.compose."
    assert {name: found[prefix + name] for name in ("project", "service", "oneoff")} == {
        "project": "act", "service": "web", "oneoff": "True",
    }  # fmt: skip
    assert found["k"] == "v"
    assert prefix + "container-number" not in found
    assert document["HostConfig"]["PortBindings"] == {}
    assert stack.states()["web"][:2] == ["running", "running"], "the service goes on"


def test_run_names_mounts_and_removes(stack: Stack, root: Root, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mounted\n")
    done = stack.run(
        "run", "--rm", "-v", f"{tmp_path}:/here:ro", "-v", "data:/theirs", "-w", "/here",
        "--entrypoint", "sh -c", "db", "cat file; ls -d /theirs",
    )  # fmt: skip
    assert (done.returncode, done.stdout.split()) == (0, ["mounted", "/theirs"])
    assert stack.output("run", "--rm", "-u", "app", "db", "id", "-u") == "1000\n"
    detached = stack.output("run", "-d", "-P", "web", "sleep", "60").strip()
    name = root.cli("ps", "--format", "{{.Names}}", "--filter", f"id={detached}", check=True).stdout
    assert re.fullmatch(r"act-web-run-[0-9a-f]{12}\n", name)
    assert root.cli("port", name.strip()).stdout.startswith("80/tcp -> 127.0.0.1:")
    both = stack.run("run", "-P", "-p", "80", "web")
    assert (both.returncode, "incompatible" in both.stderr) == (1, True)
    root.cli("rm", "-f", name.strip(), check=True)


def test_run_leaves_the_others_alone_though_their_network_differs(stack: Stack) -> None:
    before = stack.output("ps", "-aq")
    stack.file.write_text(stack.file.read_text() + "networks: {default: {internal: true}}\n")
    done = stack.run("run", "--rm", "web", "echo", "done", check=True)
    assert done.stdout == "done\n"
    assert 'Network "act_default" exists but doesn\'t match' in done.stderr
    assert stack.states() == {"db": ["running"], "web": ["running", "running"]}
    assert stack.output("ps", "-aq") == before


def test_run_shares_with_a_container_by_another_number(stack: Stack, root: Root) -> None:
    root.cli("rm", "-f", "act-web-1", check=True)
    stack.file.write_text(stack.file.read_text().replace(
        "volumes: {data: {}}",
        "  job: {image: busybox, network_mode: 'service:web', depends_on: [web]}\n"
        "volumes: {data: {}}",
    ).replace("scale: 2", "scale: 1"))  # fmt: skip
    assert stack.output("run", "--rm", "job", "hostname").strip() == (
        stack.output("exec", "web", "hostname").strip()
    )


def test_down_leaves_what_the_file_says_is_anothers(root: Root, tmp_path: Path) -> None:
    head = f'name: act\nservices:\n  web:\n    image: busybox\n    command: [sh, -c, "{LOOP}"]\n'
    stack = Stack(
        root, tmp_path,
        head + "    volumes: ['data:/data']\nvolumes: {data: {name: precious}}\n",
    )  # fmt: skip
    stack.up()
    stack.run("down", "-t", "0", check=True)
    stack.file.write_text(head + "volumes: {data: {name: precious, external: true}}\n")
    stack.up()
    assert "precious" not in stack.run("down", "-t", "0", "-v", check=True).stderr
    assert root.cli("volume", "rm", "precious", check=True).stdout == "precious\n"


def test_down_of_a_service_leaves_the_others_what_they_need(root: Root, tmp_path: Path) -> None:
    head = f'image: busybox, stop_grace_period: 0s, command: [sh, -c, "{LOOP}"]'
    stack = Stack(root, tmp_path, f"""
name: act
services:
  db: {{{head}, volumes: ["data:/data"]}}
  web: {{{head}, depends_on: [db]}}
  tool: {{{head}, profiles: [tools], volumes: ["other:/data"]}}
volumes: {{data: {{}}, other: {{}}}}
""")  # fmt: skip
    stack.up()
    stack.run("create", "tool", check=True)
    assert stack.output("ps", "-a", "--services", "tool") == "tool\n", "naming it activates it"
    assert stack.output("volumes", "-q", "tool") == "act_other\n"
    stack.run("down", "-v", "db", check=True)
    assert stack.states() == {"web": ["running"], "tool": ["created"]}
    assert stack.output("volumes", "-q") == "act_other\n"
    assert "Network act_default  Resource is still in use" in stack.run("down", check=True).stderr
    stack.run("start", "tool", check=True)
    typo = root.cli("compose", "-f", str(stack.file), "down", "-v", "tol",
                    env={"COMPOSE_PROJECT_NAME": "act"})  # fmt: skip
    assert "no such service: tol" in typo.stderr
    stack.run("down", "-v", "tool", check=True)
    assert stack.output("volumes", "-q") == ""
    assert root.cli("network", "ls", "-qf", "name=act_").stdout == ""


def test_volumes_of_another_service_follow_it(root: Root, tmp_path: Path) -> None:
    stack = Stack(root, tmp_path, f"""
name: act
x-own: &own
  build: {{dockerfile_inline: "FROM busybox\\nVOLUME /data"}}
  stop_grace_period: 0s
  command: [sh, -c, "{LOOP}"]
services:
  db: {{<<: *own, volumes: ["one:/data"]}}
  backup: {{<<: *own, volumes_from: [db]}}
volumes: {{one: {{}}, two: {{}}}}
""")  # fmt: skip
    stack.up()
    assert stack.output("volumes", "-q", "backup") == "act_one\n"
    stack.file.write_text(stack.file.read_text().replace('"one:', '"two:'))
    stack.up("db")
    stack.up()
    assert stack.output("volumes", "-q", "backup") == "act_two\n", "though its image has a volume"
    assert "Recreate" not in stack.run("up", "-d", check=True).stderr
    stack.run("down", "-v", "--rmi", "all", check=True)


def test_names_are_as_they_were_in_the_compatibility_mode(root: Root, tmp_path: Path) -> None:
    stack = Stack(root, tmp_path, """
name: act
services: {web: {build: {dockerfile_inline: FROM busybox}, command: [echo, here]}}
""")  # fmt: skip
    compatible = ("--compatibility",)
    stack.run("up", flags=compatible, check=True)
    assert stack.output("ps", "-a", "--format", "{{.Name}} {{.Image}}") == "act_web_1 act_web\n"
    assert stack.output("logs", "--no-color") == "web_1  | here\n"
    assert stack.output("config", "--images", flags=compatible) == "act_web\n"
    (tmp_path / ".env").write_text("COMPOSE_COMPATIBILITY=1\n")
    stack.run("run", "web", check=True)
    names = stack.output("ps", "-a", "--format", "{{.Name}}").split()
    assert [name[:12] for name in names] == ["act_web_1", "act_web_run_"]
    stack.run("down", "--remove-orphans", "--rmi", "local", check=True)
    assert root.cli("images", "-q", "act_web").stdout == ""


def test_run_brings_up_what_the_service_needs_and_nothing_else(root: Root, tmp_path: Path) -> None:
    stack = Stack(root, tmp_path, FILE)
    assert stack.output("run", "--rm", "web", "echo", "done") == "done\n"
    assert stack.states() == {"db": ["running"]}
    stack.run("down", "-t", "0", "-v", check=True)
    assert stack.output("run", "--rm", "--no-deps", "web", "echo", "alone") == "alone\n"
    assert stack.states() == {}
    assert "no such service: none" in stack.run("run", "none").stderr
    stack.run("down", "-v", check=True)
