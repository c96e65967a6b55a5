"""Commands of ``compose`` that show what there is: logs, images, top, port, ls, volumes, events."""

from __future__ import annotations

import contextlib
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.roots import Command, Root
from tests.support.stacks import Stack
from tests.support.waiting import until

FILE = """
name: look
services:
  db:
    image: busybox
    command: [sh, -c, "echo db says; trap 'exit 3' TERM; while :; do sleep 0.1; done"]
    volumes: [data:/data]
    expose: ["6379"]
  web:
    image: busybox
    command: [sh, -c, "sleep 0.3; echo one; echo two >&2; sleep 600"]
    init: true
    depends_on: [db]
    ports: ["127.0.0.1::80"]
    scale: 2
  quiet:
    image: busybox
    command: [sh, -c, "echo unheard; sleep 60"]
    attach: false
    init: true
volumes: {data: {}, other: {}}
"""


@pytest.fixture
def stack(root: Root, tmp_path: Path) -> Iterator[Stack]:
    made = Stack(root, tmp_path, FILE)
    made.up()
    until(lambda: made.output("logs", "--no-log-prefix", "web").count("two") == 2)
    yield made
    made.run("down", "-t", "0", "-v")


def test_logs_are_in_the_order_of_time_with_names_before_them(stack: Stack) -> None:
    lines = stack.output("logs").splitlines()
    assert [line for line in lines if "db-1" in line] == ["db-1   | db says"]
    assert lines[0] == "db-1   | db says", "it was said first"
    assert {"web-1  | one", "web-2  | two"} <= set(lines)
    assert not any("unheard" in line for line in lines), "attach: false"
    assert stack.output("logs", "--no-log-prefix", "quiet") == "unheard\n"
    timed = [line.partition(" | ")[2] for line in stack.output("logs", "-t", "web").splitlines()]
    assert timed == sorted(timed)


def test_logs_can_be_cut(stack: Stack) -> None:
    assert stack.output("logs", "--index", "2", "web").splitlines() == [
        "web-2  | one", "web-2  | two",
    ]  # fmt: skip
    assert stack.output("logs", "-n", "1", "--index", "1", "web") == "web-1  | two\n"
    assert stack.output("logs", "--since", "0s") == ""
    assert "\x1b[" not in stack.output("logs")
    assert "\x1b[36m" in stack.output("logs", flags=("--ansi", "always"))
    wrong = stack.run("logs", "--index", "1")
    assert (wrong.returncode, "requires one service" in wrong.stderr) == (1, True)


def opened(pid: int) -> list[str]:
    """The files that a process has open."""
    found = []
    for each in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            found.append(str(each.readlink()))
    return found


def test_followed_logs_have_containers_that_start_later_and_end_with_the_last(
    stack: Stack,
) -> None:
    following = stack.start("logs", "-f", "--tail", "0", "db")
    until(lambda: any(path.endswith("/container.log") for path in opened(following.pid)))
    stack.run("restart", "-t", "5", "db", check=True)
    stack.run("stop", "-t", "5", check=True)
    out, _ = following.communicate(timeout=20)
    assert (following.returncode, out.splitlines()) == (
        0, ["db-1 exited with code 3", "db-1  | db says", "db-1 exited with code 3"],
    )  # fmt: skip


def test_following_ends_with_ctrl_c(stack: Stack) -> None:
    following = stack.start("logs", "-f")
    until(lambda: following.stdout is not None and following.stdout.readline())
    following.send_signal(signal.SIGINT)
    assert following.wait(timeout=10) == 130


def test_images_of_the_containers(stack: Stack) -> None:
    rows = [line.split() for line in stack.output("images").splitlines()]
    assert rows[0] == [
        "CONTAINER",
        "REPOSITORY",
        "TAG",
        "PLATFORM",
        "IMAGE",
        "ID",
        "SIZE",
        "CREATED",
    ]
    assert [row[:3] for row in rows[1:3]] == [
        ["look-db-1", "busybox", "latest"], ["look-quiet-1", "busybox", "latest"],
    ]  # fmt: skip
    found = json.loads(stack.output("images", "--format", "json", "web"))
    assert {one["ContainerName"] for one in found} == {"look-web-1", "look-web-2"}
    assert stack.output("images", "-q") == found[0]["ID"].removeprefix("sha256:") + "\n"


def test_processes_of_all_containers(stack: Stack) -> None:
    rows = [line.split(None, 2) for line in stack.output("top", "web").splitlines()]
    assert rows[0][:2] == ["SERVICE", "#"]
    assert {tuple(row[:2]) for row in rows[1:]} == {("web", "1"), ("web", "2")}
    assert rows[0][2].endswith("CMD")


def test_ports_and_volumes(stack: Stack) -> None:
    first, second = (stack.output("port", "--index", str(n), "web", "80") for n in (1, 2))
    assert first.startswith("127.0.0.1:")
    assert first != second
    missing = stack.run("port", "web", "81")
    assert missing.returncode == 1
    assert "no port 81/tcp for container look-web-1: 80/tcp" in missing.stderr
    assert stack.output("volumes", "-q").split() == ["look_data"]
    assert stack.output("volumes", "-q", "web") == ""
    assert stack.output("volumes", "--format", "{{.Name}}", "db") == "look_data\n"
    assert "no such service: none" in stack.run("volumes", "none").stderr


def test_ports_that_are_only_exposed_are_shown(stack: Stack) -> None:
    (found,) = map(json.loads, stack.output("ps", "--format", "json", "db").splitlines())
    assert found["Publishers"] == [
        {"URL": "", "TargetPort": 6379, "PublishedPort": 0, "Protocol": "tcp"}
    ]
    assert "6379/tcp" in stack.output("ps", "db")


def test_a_name_that_leads_elsewhere_is_no_projects(stack: Stack, root: Root) -> None:
    for words in (["down"], ["ps"], ["stop"]):
        done = root.cli("compose", "-p", "..", *words)
        assert (done.returncode, "invalid project name" in done.stderr) == (1, True)


def test_projects_are_listed(stack: Stack) -> None:
    assert [line.split() for line in stack.output("ls").splitlines()] == [
        ["NAME", "STATUS", "CONFIG", "FILES"], ["look", "running(4)", str(stack.file)],
    ]  # fmt: skip
    assert json.loads(stack.output("ls", "--format", "json")) == [
        {"Name": "look", "Status": "running(4)", "ConfigFiles": str(stack.file)}
    ]
    assert stack.output("ls", "-q", "--filter", "name=other") == ""
    stack.run("stop", "-t", "0", check=True)
    assert stack.output("ls", "-q") == ""
    assert stack.output("ls", "-a", "-q", "--filter", "name=lo") == "look\n"


def test_use_of_the_projects_containers_alone(stack: Stack) -> None:
    form = ("--no-stream", "--format", "{{.Name}}")
    assert sorted(stack.output("stats", *form).split()) == [
        "look-db-1", "look-quiet-1", "look-web-1", "look-web-2",
    ]  # fmt: skip
    assert stack.output("stats", *form, "db") == "look-db-1\n"


def test_events_are_those_of_the_services(stack: Stack) -> None:
    stack.run("restart", "-t", "0", "db", check=True)
    found = [
        json.loads(line)
        for line in stack.output(
            "events", "--json", "--since", "1h", "--until", "0s", "db"
        ).splitlines()
    ]  # fmt: skip
    assert {one["service"] for one in found} == {"db"}
    assert {"create", "start", "die", "restart"} <= {one["action"] for one in found}
    assert not any(
        key.startswith("com.docker.compose") for one in found for key in one["attributes"]
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("logs", "none"), "no such service: none"),
        (("exec", "none", "true"), 'service "none" is not running'),
        (("port", "none", "80"), 'service "none" is not running'),
        (("top", "none"), "no such service: none"),
        (("images", "none"), "no such service: none"),
        (("kill", "none"), "no such service: none"),
        (("wait", "none"), 'no containers for project "look"'),
        (("exec", "--index", "7", "web", "true"), 'service "web" is not running container #7'),
    ],
)
def test_what_is_not_there_is_named(stack: Stack, words: tuple[str, ...], message: str) -> None:
    done = stack.run(*words)
    assert (done.returncode, message in done.stderr) == (1, True)


def test_a_project_is_known_by_its_name_alone(stack: Stack, root: Root) -> None:
    def by_name(*words: str) -> Command:
        return root.cli("compose", "-p", "look", *words)

    assert by_name("port", "web", "80").stdout.startswith("127.0.0.1:")
    assert by_name("stop", "-t", "0", "web").returncode == 0
    assert stack.states()["web"] == ["exited", "exited"]
