"""Standard streams that are closed, full, or read by nobody any more."""

from __future__ import annotations

import shlex
import subprocess

import pytest
from tests.support.roots import Root, command_line

QUIET = ("--network", "none")
ENDLESS = ("sh", "-c", "while :; do echo y; usleep 1000; done")


def shell(root: Root, redirection: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command with its streams redirected by the shell; the code is the command's own."""
    script = f"set -o pipefail; {shlex.join(command_line(arguments))} {redirection}"
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, env=root.environment(),
        timeout=60, stdin=subprocess.DEVNULL, check=False,
    )  # fmt: skip


def running(root: Root) -> list[str]:
    return root.cli("ps", "--format", "{{.Names}}", check=True).stdout.split()


def test_who_stops_reading_ends_the_command_and_not_the_container(root: Root) -> None:
    done = shell(root, "| head -1", "run", "--rm", "--name", "all", *QUIET, "busybox", *ENDLESS)
    assert (done.returncode, done.stdout) == (1, "y\n")
    assert done.stderr.startswith("dockyard: write /dev/stdout: Broken pipe\nhint: container all ")
    assert running(root) == ["all"]
    done = shell(root, "| head -2", "attach", "all")
    assert (done.returncode, done.stdout) == (1, "y\ny\n")
    before = root.cli("logs", "--tail", "1", "-t", "all", check=True).stdout
    assert running(root) == ["all"]
    assert root.cli("logs", "--tail", "1", "-t", "all", check=True).stdout > before  # it goes on
    assert root.cli("stop", "-t", "0", "all").returncode == 0
    assert root.cli("ps", "-aq").stdout == ""


@pytest.mark.parametrize("command", [("ps",), ("logs", "said"), ("run", "--rm", "IMAGE")])
def test_full_output_is_named_as_such(root: Root, command: tuple[str, ...]) -> None:
    root.cli("run", "--name", "said", *QUIET, "busybox", "echo", "hi", check=True)
    words = [*QUIET, "busybox", "echo", "hi"]
    given = [*command[:-1], *words] if command[-1] == "IMAGE" else list(command)
    done = shell(root, ">/dev/full", *given)
    assert done.returncode == 1
    assert done.stderr.startswith("dockyard: write /dev/stdout: No space left on device\n")
    assert "prune" not in done.stderr


def test_a_closed_stream_takes_what_it_is_given(root: Root) -> None:
    """And no file of ours gets its number."""
    hi = ("run", "--rm", *QUIET, "busybox", "sh", "-c", "echo out; echo err >&2")
    for closed, stdout, stderr in (
        (">&-", "", "err\n"), ("2>&-", "out\n", ""), ("<&- >&- 2>&-", "", ""),
    ):  # fmt: skip
        done = shell(root, closed, *hi)
        assert (done.returncode, done.stdout, done.stderr) == (0, stdout, stderr), closed
        assert shell(root, closed, "ps", "--format", "json").returncode == 0
    done = shell(root, "<&-", "run", "--rm", "-i", *QUIET, "busybox", "cat")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    kept = ("run", "-d", "--name", "kept", *QUIET, "busybox", "echo", "x")
    done = shell(root, "<&- >&- 2>&-", *kept)
    assert done.returncode == 0
    assert root.cli("wait", "kept").stdout == "0\n"
    assert root.cli("logs", "kept").stdout == "x\n"
