"""What goes wrong gives one clear message, a useful exit code, and nothing half-done."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import archives
from tests.support.disks import small_root
from tests.support.roots import Command, Root
from tests.support.waiting import until

from dockyard.state.paths import Paths


def explained(done: Command, *words: str, code: int | None = None) -> str:
    """One message with the words in it, no stack trace, and the exit code."""
    assert "Traceback" not in done.stderr, done.stderr
    assert "unexpected" not in done.stderr, done.stderr
    for word in words:
        assert word.lower() in done.stderr.lower(), done.stderr
    assert done.returncode == code if code is not None else done.returncode != 0
    return done.stderr


def test_an_unknown_image(root: Root) -> None:
    never = ("run", "--pull", "never")
    explained(root.cli(*never, "nothing-here"), "no such image: nothing-here", code=125)
    explained(root.cli(*never, "python:3.13"), "dockyard bootstrap python:3.13", code=125)
    nowhere = "127.0.0.1:9/nothing-here"
    explained(root.cli("run", nowhere), f"unable to find image '{nowhere}:latest' locally",
              "refuses connections", code=125)  # fmt: skip
    explained(root.cli("rmi", "nothing-here"), "no such image", code=1)


def test_hints_lead_on(root: Root) -> None:
    for command in ("rmi", "save", "history"):
        explained(root.cli(command, "nothing-here"), "dockyard images lists what is there", code=1)
    explained(root.cli("pull", "127.0.0.1:9/nothing-here"), "refuses connections", code=1)
    shown = explained(root.cli("run", "-v", "data:/x:rx", "busybox"), "invalid mode: rx", code=125)
    assert "rslave" in shown


def test_numbers_that_the_kernel_does_not_take_name_their_flag(root: Root) -> None:
    for flag, value in (
        ("--memory", "99999999999g"), ("--memory-swap", "99999999999g"), ("--shm-size", "8388608t"),
        ("--pids-limit", "4194305"), ("--cpu-quota", "17592186044416"),
        ("--cpu-shares", "99999999999999999999"),
    ):  # fmt: skip
        explained(root.cli("run", "--rm", flag, value, "busybox", "true"), flag, "out of range",
                  code=125)  # fmt: skip
    most = ("-m", "8388607t", "--pids-limit", "4194304", "--cpu-quota", "17592186044415")
    root.cli("run", "--rm", "--network", "none", *most, "busybox", "true", check=True)
    root.cli("run", "-d", "--name", "box", "--network", "none", "--init", "busybox", "sleep", "60",
             check=True)  # fmt: skip
    for text in ("abc", "1.5"):
        for verb in ("stop", "restart"):
            explained(root.cli(verb, "-t", text, "box"), text, "not a whole number", code=125)
    root.cli("stop", "-t", str((1 << 63) - 1), "box", check=True)


def test_a_stop_signal_that_is_none(root: Root) -> None:
    for command, code in (("run", 125), ("create", 1)):
        done = root.cli(command, "--stop-signal", "FOO", "busybox", "true")
        explained(done, "invalid signal: FOO", code=code)
    assert root.cli("ps", "-aq").stdout == ""


def test_a_command_that_cannot_be_run(root: Root) -> None:
    directory = explained(
        root.cli("run", "--rm", "busybox", "/etc"),
        'exec: "/etc": is a directory: permission denied', code=126,
    )  # fmt: skip
    assert "processor" not in directory
    missing = explained(root.cli("run", "--rm", "busybox", "nosuchcmd"), "$PATH", code=127)
    assert [line.split(":")[0] for line in missing.splitlines()] == ["dockyard", "hint"]


def test_an_unknown_container(root: Root) -> None:
    for command in ("stop", "rm", "logs", "start", "kill", "inspect", "port"):
        explained(root.cli(command, "ghost"), "no such", "ghost", code=1)


def test_an_unknown_command_or_flag(root: Root) -> None:
    explained(root.cli("biuld"), "biuld", "build")
    explained(root.cli("run", "--no-such-flag", "busybox"), "--no-such-flag", code=125)


def test_a_port_in_use(root: Root) -> None:
    with socket.socket() as holder:
        holder.bind(("0.0.0.0", 0))
        holder.listen()
        port = holder.getsockname()[1]
        done = root.cli("run", "-d", "--name", "box", "-p", f"{port}:80", "busybox", "true")
    explained(done, "port is already allocated", str(port), code=125)
    states = root.cli("ps", "-a", "--format", "{{.Names}} {{.State}}").stdout
    assert states == "box created\n", "as Docker leaves it"
    root.cli("start", "box", check=True)


def test_a_name_in_use(root: Root) -> None:
    root.cli("run", "--name", "taken", "busybox", "true", check=True)
    explained(root.cli("run", "--name", "taken", "busybox", "true"), "already in use", code=125)


def test_a_dockerfile_error_shows_the_line(root: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUM echo hi\n")
    explained(root.cli("build", str(tmp_path)), "Dockerfile:2", "RUM echo hi", "RUN", code=1)


@pytest.mark.parametrize("program", ["conmon", "nft", "ip", "crun,runc"])
def test_a_missing_component(root: Root, program: str, tmp_path: Path) -> None:
    """Programs are also looked for beside PATH, so they are hidden by a mount namespace."""
    hidden = [path for name in program.split(",") for path in _places(name)]
    script = "".join(f"mount --bind /dev/null {path};" for path in hidden)
    for memory in Path(root.paths.run).glob("probe-*"):
        memory.unlink()
    done = _in_namespace(root, script, "run", "--rm", "busybox", "true")
    explained(
        done,
        program.split(",", maxsplit=1)[0] if "," not in program else "runtime",
        "install",
        code=125,
    )
    assert root.cli("run", "--rm", "busybox", "true").returncode == 0


def _places(program: str) -> list[str]:
    directories = ("/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin")
    places = {os.path.realpath(f"{directory}/{program}") for directory in directories}
    return sorted(place for place in places if os.path.exists(place))


def _in_namespace(root: Root, script: str, *arguments: str) -> Command:
    """Runs a command where ``script`` changed the mounts."""
    words = [sys.executable, "-m", "dockyard.cli.main", *arguments]
    return subprocess.run(
        ["unshare", "-m", "sh", "-c", f'{script} exec "$@"', "sh", *words],
        capture_output=True, text=True, env=root.environment(), timeout=60,
    )  # fmt: skip


AS_NOBODY = """
import importlib, os, pkgutil, sys
import dockyard
for module in pkgutil.walk_packages(dockyard.__path__, "dockyard."):
    if module.name != "dockyard.containers.exit":
        importlib.import_module(module.name)  # they may lie where only root can read
os.setgroups([])
os.setresgid(65534, 65534, 65534)
os.setresuid(65534, 65534, 65534)
os.chdir("/")
from dockyard.cli.main import main
main()
"""


@pytest.mark.parametrize("command", [("run", "busybox", "true"), ("ps",), ("build", "/tmp")])
def test_without_root(make_root: Callable[..., Root], command: tuple[str, ...]) -> None:
    """An ordinary user is told at once what is missing."""
    root = make_root(images=False)
    root.checked = False
    done = subprocess.run(
        [sys.executable, "-c", AS_NOBODY, *command], capture_output=True, text=True,
        env=root.environment(), timeout=60,
    )  # fmt: skip

    explained(done, "root", code=125 if command[0] == "run" else 1)


def test_an_unwritable_root(root: Root) -> None:
    done = _in_namespace(
        root, f"mount --bind {root.base} {root.base}; mount -o remount,ro,bind {root.base};",
        "run", "--rm", "busybox", "true",
    )  # fmt: skip
    explained(done, "read-only", root.paths.root[:20])
    assert root.cli("run", "--rm", "busybox", "true").returncode == 0


def test_a_root_that_is_a_file(make_root: Callable[..., Root]) -> None:
    root = make_root(images=False)
    root.checked = False
    Path(root.paths.root).write_text("")
    explained(root.cli("ps"), root.paths.root)


def test_a_broken_database_is_left_alone(root: Root) -> None:
    database = Path(root.paths.database)
    for suffix in ("-wal", "-shm"):
        database.with_name(database.name + suffix).unlink(missing_ok=True)
    good = database.read_bytes()
    database.write_bytes(b"this is no database at all" * 100)
    try:
        for command in (("ps",), ("run", "--rm", "busybox", "true"), ("images",)):
            explained(root.cli(*command), "damaged", "state.db")
        assert database.read_bytes().startswith(b"this is no database")
    finally:
        database.write_bytes(good)
    assert root.cli("run", "--rm", "busybox", "true").returncode == 0


def test_a_database_of_a_newer_version_is_left_alone(root: Root) -> None:
    with contextlib.closing(sqlite3.connect(root.paths.database)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute("PRAGMA user_version=99")
        explained(root.cli("ps"), "newer version")
        connection.execute(f"PRAGMA user_version={version}")


@pytest.fixture
def small(make_root: Callable[..., Root]) -> Iterator[Root]:
    """A root on a filesystem of 24 MB."""
    with small_root(make_root, 24 << 20) as root:
        yield root


def fill(root: Root) -> Path:
    """Takes all the space there is."""
    filler = root.base / "filler"
    with filler.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"\0" * (1 << 20))
    with filler.open("ab", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(b"\0" * 512)
    return filler


def test_a_full_disk(small: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo x > /x\nCOPY big /big\n")
    (tmp_path / "big").write_bytes(os.urandom(4 << 20))
    small.cli("run", "--rm", "busybox", "true", check=True)
    filler = fill(small)

    explained(small.cli("run", "--rm", "busybox", "true"), "no space left")
    explained(small.cli("build", "-t", "made", str(tmp_path)), "no space left")
    assert small.cli("images", "-q", "made").stdout == ""

    filler.unlink()
    assert small.cli("run", "--rm", "busybox", "echo", "again").stdout == "again\n"
    small.cli("build", "-t", "made", str(tmp_path), check=True)


def test_a_step_that_fills_the_disk(small: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(
        "FROM busybox\nRUN dd if=/dev/zero of=/big bs=1M count=100\n"
    )
    done = small.cli("build", "-t", "made", str(tmp_path))
    explained(done, "no space left", "hint: free some space", code=1)

    assert small.cli("run", "--rm", "busybox", "echo", "again").stdout == "again\n"


FILL = "for size in 1M 4k 1; do dd if=/dev/zero bs=$size >> /big; done; sync"
"""Takes the last block."""


def test_the_last_block_taken_by_a_step_is_given_back(small: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text(f"FROM busybox\nRUN {FILL}; {FILL}; false\n")
    small.cli("ps", check=True)
    assert os.path.exists(f"{small.paths.root}/reserve")
    explained(small.cli("build", str(tmp_path)), code=1)

    assert os.listdir(small.paths.workspaces) == []
    small.cli("builder", "prune", "-af", check=True)
    assert small.cli("run", "--rm", "busybox", "echo", "again").stdout == "again\n"
    assert os.path.exists(f"{small.paths.root}/reserve")


@pytest.mark.parametrize("flags", [(), ("--rm",)])
def test_the_last_block_taken_by_a_container_is_given_back(
    small: Root, flags: tuple[str, ...]
) -> None:
    small.cli("run", *flags, "--name", "full", "busybox", "sh", "-c", f"{FILL}; {FILL}")
    if not flags:
        small.cli("rm", "full", check=True)

    assert small.cli("ps", "-aq").stdout == ""
    assert small.cli("run", "--rm", "busybox", "echo", "again").stdout == "again\n"


def test_a_container_that_goes_on_filling_the_disk_can_be_removed(small: Root) -> None:
    small.cli("run", "-d", "--name", "full", "--network", "none", "busybox", "sh", "-c",
              f"while :; do {FILL}; done", check=True)  # fmt: skip
    until(lambda: os.statvfs(small.paths.root).f_bavail == 0)
    small.cli("stop", "-t", "0", "full", check=True)
    small.cli("rm", "full", check=True)

    assert small.cli("run", "--rm", "busybox", "echo", "again").stdout == "again\n"


def test_an_archive_larger_than_the_disk_leaves_nothing(small: Root, tmp_path: Path) -> None:
    layers = [archives.layer(**{str(n): os.urandom(15 << 20)}) for n in range(2)]
    archive = tmp_path / "image.tar"
    archive.write_bytes(archives.tar(archives.docker(layers, "big:1")))
    explained(small.cli("load", "-i", str(archive)), "no space left", code=1)

    assert os.listdir(small.paths.workspaces) == []
    assert small.cli("run", "--rm", "busybox", "echo", "again").stdout == "again\n"
    small.cli("system", "prune", "-f", check=True)


def test_a_copy_that_fills_the_disk(small: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nCOPY big /big\n")
    with (tmp_path / "big").open("wb") as stream:
        for _ in range(40):
            stream.write(os.urandom(1 << 20))
    explained(small.cli("build", "-t", "made", str(tmp_path)), "no space left", code=1)

    assert small.cli("run", "--rm", "busybox", "echo", "again").stdout == "again\n"


def test_an_argument_that_is_not_utf_8(root: Root) -> None:
    bad = os.fsdecode(b"a\xffb")
    explained(root.cli("run", "--rm", "busybox", "echo", bad), "is not UTF-8", code=125)
    assert root.cli("ps", "-aq").stdout == ""


def test_control_c_in_a_build(root: Root, tmp_path: Path) -> None:
    (tmp_path / "Dockerfile").write_text("FROM busybox\nRUN echo started; sleep 300\nRUN true\n")
    process = root.start("build", "-t", "made", str(tmp_path))
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)
    _, err = process.communicate(timeout=20)

    assert process.returncode == 130, err
    assert "Traceback" not in err
    assert root.cli("images", "-q", "made").stdout == ""


def test_control_c_in_a_foreground_run_reaches_the_program(root: Root) -> None:
    script = "trap 'echo caught; exit 5' INT; echo ready; while :; do sleep 0.05; done"
    process = root.start("run", "--rm", "busybox", "sh", "-c", script)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    os.killpg(process.pid, signal.SIGINT)
    out, err = process.communicate(timeout=20)

    assert (process.returncode, out) == (5, "caught\n"), err
    assert root.cli("ps", "-aq").stdout == ""


def test_a_reader_that_goes_away_is_no_error_of_ours(root: Root) -> None:
    process = root.start("run", "--rm", "busybox", "seq", "1000000")
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=30)
    assert process.stderr is not None
    assert "Traceback" not in process.stderr.read()
    process.stderr.close()


@pytest.mark.skipif(not shutil.which("prlimit"), reason="needs prlimit")
def test_few_descriptors(root: Root) -> None:
    words = ["prlimit", "--nofile=64:64", sys.executable, "-m", "dockyard.cli.main", "run", "--rm",
             "busybox", "echo", "fine"]  # fmt: skip
    done = subprocess.run(words, capture_output=True, text=True, env=root.environment())

    assert (done.returncode, done.stdout) == (0, "fine\n"), done.stderr


def test_paths_with_spaces_and_great_length(make_root: Callable[..., Root]) -> None:
    """Sockets live deep below the run directory; their paths pass what a socket's may have."""
    root = make_root()
    deep = f"{root.base}/with space/" + "d" * 100
    shutil.move(root.paths.root, f"{deep}/root")
    shutil.move(root.paths.run, f"{deep}/run")
    root.paths = Paths(f"{deep}/root", f"{deep}/run")
    done = root.cli("run", "--rm", "busybox", "echo", "deep")

    assert (done.returncode, done.stdout) == (0, "deep\n"), done.stderr


def test_which_base_a_name_means_is_told_unless_quiet(root: Root) -> None:
    for name in ("python:3.11", "docker.io/library/python:3.11"):
        told = root.cli("create", name, "true")
        assert f"{name} resolves to localhost/python:3.11" in told.stderr
        assert root.cli("create", "-q", name, "true").stderr == ""
