"""The tools that are compared, and one stopwatch for all of them.

A tool may live in namespaces of its own, behind a wrapper. What is timed is the tool alone: the
clock is read by a shell that already runs where the tool does, and the same shell times Dockyard.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tarfile
import zlib
from collections.abc import Mapping, Sequence

import msgspec

CHECKOUT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
HOME = os.environ.get("DOCKYARD_BENCH_HOME", "/var/tmp/dockyard-bench")
"""Dockyard's root while it is measured; kept, since making the base image takes a minute."""

PEERS = ("docker", "podman")
_NO_BYTECODE = "PYTHONDONTWRITEBYTECODE"
"""Set, it has Python compile every module at every start, which no user's Dockyard does."""
_MARK = "@stopwatch"
_STOPWATCH = f'b=$EPOCHREALTIME; "$@" 2>&1; c=$?; printf "\\n{_MARK} %s %s %s" $b $EPOCHREALTIME $c'


class Timing(msgspec.Struct, frozen=True):
    """One command that ran."""

    seconds: float
    output: str


class BenchmarkError(Exception):
    """A command that should be timed failed."""


class Tool(msgspec.Struct, frozen=True):
    """A program with Docker's command line."""

    name: str
    program: str
    prefix: tuple[str, ...] = ()
    """What starts a command where the tool lives."""
    environment: tuple[tuple[str, str], ...] = ()

    def time(self, *arguments: str) -> Timing:
        """Runs ``program arguments`` and times it from the shell beside it."""
        return self.time_command((self.program, *arguments))

    def time_command(self, command: Sequence[str]) -> Timing:
        """Times any command where the tool lives.

        Raises:
            BenchmarkError: it failed; the message ends with its last words.
        """
        script = ("bash", "--norc", "-c", _STOPWATCH, "stopwatch", *command)
        done = subprocess.run(
            (*self.prefix, *script), env=self._environment(), stdin=subprocess.DEVNULL,
            capture_output=True, check=False,
        )  # fmt: skip
        output, _, mark = done.stdout.decode(errors="replace").rpartition(f"\n{_MARK} ")
        begin, end, code = mark.split() if mark else ("0", "0", str(done.returncode or 1))
        if code != "0":
            words = (output + done.stderr.decode(errors="replace")).strip()[-500:]
            raise BenchmarkError(f"{' '.join(command)}: exit code {code}: {words}")
        return Timing(float(end) - float(begin), output)

    def call(self, *arguments: str, data: bytes | None = None, check: bool = True) -> str:
        """Runs ``program arguments`` for what it does or prints."""
        return self.shell((self.program, *arguments), data=data, check=check)

    def shell(
        self, command: Sequence[str], *, data: bytes | None = None, check: bool = True
    ) -> str:
        """Runs any command where the tool lives; its standard output."""
        done = subprocess.run(
            (*self.prefix, *command), env=self._environment(), input=data or b"",
            capture_output=True, check=False,
        )  # fmt: skip
        if check and done.returncode != 0:
            raise BenchmarkError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")

    def place(self, directory: str, files: Mapping[str, str]) -> None:
        """Writes files into a directory that the tool sees."""
        archive = io.BytesIO()
        with tarfile.open(fileobj=archive, mode="w") as writer:
            for name, text in files.items():
                data = text.encode()
                member = tarfile.TarInfo(name)
                member.size = len(data)
                # BuildKit takes a file of the same size and time for the same file.
                member.mtime = 1_700_000_000 + zlib.crc32(data) % 10_000_000
                writer.addfile(member, io.BytesIO(data))
        script = 'rm -rf "$1" && mkdir -p "$1" && tar -xf - -C "$1"'
        self.shell(("sh", "-c", script, "place", directory), data=archive.getvalue())

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if name != _NO_BYTECODE}
        return {**kept, "LC_ALL": "C", **dict(self.environment)}


def find(names: Sequence[str]) -> tuple[list[Tool], list[str]]:
    """The tools that are here, Dockyard first, and a sentence for each that isn't.

    ``DOCKYARD_PEERS`` names a wrapper that is called as ``WRAPPER run docker ...``; without it
    Docker and Podman are taken from ``PATH``.
    """
    found, missing = [], []
    for name in names:
        tool = _dockyard() if name == "dockyard" else _peer(name)
        try:
            tool.call("version")
        except (BenchmarkError, OSError) as error:
            missing.append(f"{name} is left out: {' '.join(str(error).split())[:200]}")
            continue
        found.append(tool)
    return found, missing


def _dockyard() -> Tool:
    places = (("DOCKYARD_ROOT", f"{HOME}/root"), ("DOCKYARD_RUN", f"{HOME}/run"))
    return Tool("dockyard", _installed(), environment=places)


def _installed() -> str:
    """This checkout, installed as a user has it: without the tools of its developers.

    Those bring packages that others import where they find them, at the cost of each start.
    """
    place = f"{HOME}/venv"
    subprocess.run([sys.executable, "-m", "venv", "--clear", place], check=True)
    subprocess.run([f"{place}/bin/python", "-m", "pip", "install", "--quiet", CHECKOUT], check=True)
    return f"{place}/bin/dockyard"


def _peer(name: str) -> Tool:
    wrapper = os.environ.get("DOCKYARD_PEERS")
    return Tool(name, name, (wrapper, "run") if wrapper else ())


def share_image(image: str, tools: Sequence[Tool]) -> None:
    """Gives every tool the same image: Dockyard's, exported and loaded."""
    owner = next(tool for tool in tools if tool.name == "dockyard")
    if not owner.call("images", "-q", image).strip():
        owner.call("bootstrap", image)
    wanted = owner.call("images", "-q", "--no-trunc", image).strip().removeprefix("sha256:")
    for tool in tools:
        if tool is owner or wanted in tool.call("images", "-q", "--no-trunc", image):
            continue
        path = f"{HOME}/{wanted}.tar"
        owner.call("save", "-o", path, image)
        with open(path, "rb") as stream:
            tool.call("load", data=stream.read())
        os.unlink(path)
