"""What we ask of the programs that we stand on, and what we rely on in their answers."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from dockyard.containers import exit as exit_command
from dockyard.containers.monitor import Launch
from dockyard.containers.monitor import exit_command as words_of_exit
from dockyard.containers.runtime import PREFERENCE, Runtime
from dockyard.networks import plan
from dockyard.state.paths import Paths


def help_of(*command: str) -> str:
    if shutil.which(command[0]) is None:
        pytest.skip(f"{command[0]} is not installed")
    done = subprocess.run(command, capture_output=True, text=True)
    return done.stdout + done.stderr


def test_conmon_knows_every_flag_that_it_gets() -> None:
    launch = Launch(
        container_id="c", name="n", bundle="/b", log="/l", program="sh", interactive=True,
        runtime=Runtime("/r", "/s", systemd=True), exit_command=("/python", "x"),
    )  # fmt: skip
    known = help_of("conmon", "--help")
    flags = {word for word in launch.arguments(Paths("/a", "/b")) if word.startswith("--")}

    assert {flag for flag in flags if flag not in known} == {"--root"}, "the runtime's own"


@pytest.mark.parametrize("runtime", PREFERENCE)
@pytest.mark.parametrize(
    ("verb", "flags"),
    [
        ((), ("--root", "--log", "--systemd-cgroup")),
        (("exec",), ("--process", "--pid-file", "--detach")),
        (("run",), ("--bundle",)),
        (("delete",), ("--force",)),
    ],
)
def test_runtimes_know_every_flag_that_they_get(
    runtime: str, verb: tuple[str, ...], flags: tuple[str, ...]
) -> None:
    known = help_of(runtime, *verb, "--help")

    assert [flag for flag in flags if flag not in known] == []


def test_ip_tells_interfaces_as_json() -> None:
    help_of("ip", "-V")
    done = subprocess.run(["ip", "-json", "link"], capture_output=True, check=True)

    assert {"ifname"} <= set(json.loads(done.stdout)[0])
    assert len(plan.bridge_name("0" * 8)) <= 15
    assert len(plan.veth_name("0" * 8, "1" * 8)) <= 15


def test_the_exit_command_starts_without_site_packages(tmp_path: Path) -> None:
    """It is executed for every container that ends: with nothing to do it is over at once."""
    paths = Paths(str(tmp_path / "root"), str(tmp_path / "run"))
    words = words_of_exit(paths, "c" * 64)
    done = subprocess.run([*words], capture_output=True, text=True, env={})

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert words[0] == sys.executable
    assert "-S" in words


def test_the_exit_command_imports_next_to_nothing() -> None:
    tree = ast.parse(Path(exit_command.__file__).read_text())
    top = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]

    assert [ast.unparse(node) for node in top] == ["import fcntl", "import os", "import sys"]
