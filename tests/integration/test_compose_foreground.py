"""``compose up``, ``down`` and ``ps`` as commands: what they print, and how they end."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.roots import Command, Root
from tests.support.waiting import until

from dockyard import Engine

TWO = """
name: demo
services:
  web:
    image: busybox
    command: sh -c 'echo hello from web; sleep 300'
    stop_signal: SIGKILL
    depends_on: {db: {condition: service_healthy}}
    ports: ["127.0.0.1:0:80"]
  db:
    image: busybox
    command: sleep 300
    stop_signal: SIGKILL
    healthcheck: {test: ["CMD", "true"], interval: 200ms}
"""
STUBBORN = """
name: demo
services:
  web:
    image: busybox
    command: sh -c 'trap "" TERM; echo ready; while true; do sleep 0.1; done'
    stop_grace_period: 5m
"""
JOB = """
name: demo
services:
  job: {image: busybox, command: sh -c 'echo work; exit 3'}
  side: {image: busybox, command: sleep 300, stop_signal: SIGKILL}
"""
Compose = Callable[..., Command]


@pytest.fixture
def compose(root: Root, tmp_path: Path) -> Compose:
    def run(text: str, *arguments: str) -> Command:
        path = tmp_path / "compose.yaml"
        path.write_text(text)
        return root.cli("compose", "-f", str(path), *arguments)

    return run


@pytest.fixture
def start(root: Root, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    def run(text: str, *arguments: str) -> subprocess.Popen[str]:
        path = tmp_path / "compose.yaml"
        path.write_text(text)
        return root.start("compose", "-f", str(path), *arguments)

    return run


def lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines()]


def test_progress_is_told_in_composes_words(compose: Compose, engine: Engine) -> None:
    up = compose(TWO, "up", "-d")
    assert (up.returncode, up.stdout) == (0, "")
    told = lines(up.stderr)
    assert told[:2] == ["Network demo_default  Creating", "Network demo_default  Created"]
    assert told[-6:] == [
        "Container demo-db-1  Starting", "Container demo-db-1  Started",
        "Container demo-db-1  Waiting", "Container demo-db-1  Healthy",
        "Container demo-web-1  Starting", "Container demo-web-1  Started",
    ]  # fmt: skip
    again = lines(compose(TWO, "up", "-d").stderr)
    assert again[:2] == ["Container demo-db-1  Running", "Container demo-web-1  Running"]
    down = lines(compose(TWO, "down", "-t", "0").stderr)
    assert down == [
        f"{name}  {word}"
        for name in ("Container demo-web-1", "Container demo-db-1")
        for word in ("Stopping", "Stopped", "Removing", "Removed")
    ] + ["Network demo_default  Removing", "Network demo_default  Removed"]
    nothing = compose(TWO, "down")
    assert 'No resource found to remove for project "demo".' in nothing.stderr
    assert engine.containers.all() == []


def test_dry_runs_say_what_would_be_done(compose: Compose, engine: Engine) -> None:
    done = compose(TWO, "--dry-run", "up", "-d")
    assert "DRY-RUN MODE -  Container demo-web-1  Started" in done.stderr
    assert engine.containers.all() == []


def test_what_is_there_is_listed(compose: Compose) -> None:
    compose(TWO, "up", "-d")
    compose(TWO, "stop", "web")
    table = compose(TWO, "ps").stdout.splitlines()
    assert table[0].split() == ["NAME", "IMAGE", "COMMAND", "SERVICE", "CREATED", "STATUS", "PORTS"]
    assert [line.split()[0] for line in table[1:]] == ["demo-db-1"]
    assert "(healthy)" in table[1]
    assert compose(TWO, "ps", "-a", "--services").stdout.split() == ["db", "web"]
    assert compose(TWO, "ps", "--status", "exited", "--format", "{{.Name}} {{.State}}").stdout == (
        "demo-web-1 exited\n"
    )
    found = [json.loads(line) for line in compose(TWO, "ps", "-a", "--format", "json").stdout
             .splitlines()]  # fmt: skip
    assert [(one["Service"], one["State"], one["Health"], one["ExitCode"]) for one in found] == [
        ("db", "running", "healthy", 0), ("web", "exited", "", 137),
    ]  # fmt: skip
    assert [one["Publishers"] for one in found] == [[], []]
    missing = compose(TWO, "ps", "nothing")
    assert (missing.returncode, "no such service: nothing" in missing.stderr) == (1, True)
    compose(TWO, "down")


def test_in_the_foreground_output_is_shown_until_ctrl_c(
    start: Callable[..., subprocess.Popen[str]], engine: Engine, compose: Compose
) -> None:
    process = start(TWO, "up")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "Attaching to db-1, web-1\n"
    assert process.stdout.readline() == "web-1  | hello from web\n"
    os.kill(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Gracefully Stopping... press Ctrl+C again to force\n" in err
    assert "web-1 exited with code 137\n" in out
    assert [each.state for each in engine.stacks.get("demo").containers] == ["exited"] * 2
    compose(TWO, "down")


def test_a_second_ctrl_c_kills(
    start: Callable[..., subprocess.Popen[str]], engine: Engine, compose: Compose
) -> None:
    process = start(STUBBORN, "up")
    assert process.stdout is not None
    errors = process.stderr
    assert errors is not None
    while process.stdout.readline() != "web-1  | ready\n":
        pass
    os.kill(process.pid, signal.SIGINT)
    until(lambda: "Stopping" in errors.readline())
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert engine.stacks.get("demo").containers[0].exit_code == 137
    compose(STUBBORN, "down")


def test_a_container_that_ends_may_end_all(compose: Compose, engine: Engine) -> None:
    done = compose(JOB, "up", "--exit-code-from", "job", "--no-color")
    assert done.returncode == 3
    assert "job-1   | work\n" in done.stdout
    assert "Aborting on container exit..." in done.stderr
    assert {each.state for each in engine.stacks.get("demo").containers} == {"exited"}
    compose(JOB, "down")


def test_waiting_fails_with_what_failed(compose: Compose) -> None:
    done = compose(JOB, "up", "--wait")
    assert done.returncode == 1
    assert "container demo-job-1 exited (3)" in done.stderr
    assert "work" in done.stderr
    compose(JOB, "down")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--build", "--no-build"), "--build and --no-build are incompatible"),
        (("--force-recreate", "--no-recreate"), "are incompatible"),
        (("-d", "--abort-on-container-exit"), "--detach cannot be combined with"),
        (("--wait", "--attach", "web"), "--wait cannot be combined with"),
        (("--pull", "sometimes"), 'invalid --pull option "sometimes"'),
        (("--scale", "web"), 'invalid --scale option "web". Should be SERVICE=NUM'),
        (("--attach", "x"), "cannot attach to services not included in up: x"),
        (("--exit-code-from", "x"), "no such service: x"),
    ],
)  # fmt: skip
def test_flags_that_make_no_sense_are_refused(
    compose: Compose, engine: Engine, flags: tuple[str, ...], words: str
) -> None:
    done = compose(TWO, "up", *flags)
    assert done.returncode != 0
    assert words in done.stderr
    assert engine.containers.all() == []


def test_a_port_that_is_taken_fails_what_needs_it(
    compose: Compose, engine: Engine, free_port: int
) -> None:
    text = TWO.replace("127.0.0.1:0:80", f"127.0.0.1:{free_port}:80")
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", free_port))
        taken.listen()
        done = compose(text, "up", "-d")
    assert done.returncode == 1
    assert "Container demo-web-1  Error" in lines(done.stderr)
    assert f"{free_port}" in done.stderr
    assert [each.state for each in engine.stacks.get("demo").containers] == ["running", "created"]
    assert compose(text, "up", "-d").returncode == 0
    assert compose(text, "ps", "--format", "{{.Ports}}", "web").stdout == (
        f"127.0.0.1:{free_port}->80/tcp\n"
    )
    compose(text, "down")


def test_images_that_are_missing_are_named(compose: Compose) -> None:
    text = "name: demo\nservices: {web: {image: not.here/at-all:1, pull_policy: never}}\n"
    done = compose(text, "up", "-d")
    assert (done.returncode, "no such image: not.here/at-all:1" in done.stderr) == (1, True)


def test_images_are_built_where_the_file_says_how(
    compose: Compose, engine: Engine, tmp_path: Path
) -> None:
    text = """
        name: demo
        services:
          web:
            build: {context: ., dockerfile_inline: "FROM busybox\\nRUN echo 1 > /made\\n"}
            command: sleep 300
            stop_signal: SIGKILL
    """
    done = compose(text, "up", "-d", "--quiet-build")
    assert done.returncode == 0
    assert "web  Built" in lines(done.stderr)
    first = engine.stacks.get("demo").of("web")[0]
    assert engine.images.find("demo-web").id == first.image_id
    assert "Built" not in compose(text, "up", "-d").stderr
    other = compose(text.replace("echo 1", "echo 2"), "up", "-d", "--build", "--quiet-build")
    assert "Container demo-web-1  Recreated" in lines(other.stderr)
    down = compose(text, "down", "--rmi", "local")
    assert "Image demo-web:latest  Removed" in lines(down.stderr)
    assert not any("demo-web" in str(image.names) for image in engine.images.list())


def test_ctrl_c_ends_waiting_and_leaves_what_was_made(
    start: Callable[..., subprocess.Popen[str]], engine: Engine, compose: Compose
) -> None:
    text = TWO.replace('["CMD", "true"]', '["CMD", "false"], retries: 1000')
    process = start(text, "up", "-d")
    errors = process.stderr
    assert errors is not None
    until(lambda: "Waiting" in errors.readline())
    os.kill(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, "up canceled" in err) == (130, True)
    assert [each.state for each in engine.stacks.get("demo").containers] == ["running", "created"]
    compose(text, "down")


def test_ctrl_c_in_the_foreground_starts_nothing_more(
    start: Callable[..., subprocess.Popen[str]], engine: Engine, compose: Compose
) -> None:
    text = TWO.replace('["CMD", "true"]', '["CMD", "false"], retries: 1000')
    process = start(text, "up")
    assert process.stdout is not None
    assert process.stdout.readline() == "Attaching to db-1, web-1\n"
    until(lambda: engine.stacks.get("demo").of("db")[0].running)
    os.kill(process.pid, signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert [each.state for each in engine.stacks.get("demo").containers] == ["exited", "created"]
    compose(text, "down")


def test_what_ends_again_and_again_is_not_waited_for(compose: Compose) -> None:
    text = JOB.replace("exit 3'", "exit 3', restart: always")
    done = compose(text, "up", "--wait")
    assert done.returncode == 1
    assert "container demo-job-1 ends again and again" in done.stderr
    assert "work" in done.stderr
    late = compose(text, "up", "--wait", "--force-recreate", "--wait-timeout", "1")
    assert (late.returncode, "timeout waiting for" in late.stderr) == (1, True)
    assert "work" in late.stderr
    compose(text, "down", "-t", "0")


def test_who_waits_for_another_command_says_so(
    start: Callable[..., subprocess.Popen[str]], compose: Compose
) -> None:
    text = TWO.replace('["CMD", "true"]', '["CMD", "false"], retries: 1000')
    up = start(text, "up", "-d")
    assert up.stderr is not None
    errors = up.stderr
    until(lambda: "Waiting" in errors.readline())
    down = start(text, "down", "-t", "0")
    assert down.stderr is not None
    said = down.stderr.readline()
    assert f"waiting for another dockyard compose (pid {up.pid}) at project demo" in said
    os.kill(up.pid, signal.SIGINT)
    up.communicate(timeout=60)
    down.communicate(timeout=60)
    assert down.returncode == 0
