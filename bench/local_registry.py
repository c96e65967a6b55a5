"""A registry where the peers are, and what went to it and from it.

It is Debian's ``docker-registry``, the same for all tools, unless ``DOCKYARD_BENCH_REGISTRY`` is
``dockyard``. It speaks plain HTTP, which each tool is told to accept from it.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from typing import Self

import msgspec

from bench.tools import HOME, BenchmarkError, Tool
from dockyard.system.files import remove_tree

_PORT = 5000
_DATA = f"{HOME}/registry"
_SETTINGS = f"{HOME}/registries.toml"
_CONFIGURATION = f"""\
version: 0.1
log: {{level: error}}
storage: {{filesystem: {{rootdirectory: {_DATA}}}, delete: {{enabled: true}}}}
http: {{addr: "0.0.0.0:{_PORT}"}}
"""
_ACCEPT = 'mkdir -p /etc/docker && echo "$1" > /etc/docker/daemon.json && pkill -HUP dockerd'
_PATIENCE_SECONDS = 20.0
_ELSEWHERE = "192.0.2.1"
"""An address that is reserved for examples: the way there is the way out."""


class Traffic(msgspec.Struct, frozen=True):
    """Bytes that the registry got and sent, with what the protocols add."""

    received: int
    sent: int

    def __sub__(self, before: Traffic) -> Traffic:
        return Traffic(self.received - before.received, self.sent - before.sent)


class LocalRegistry:
    """One that runs as long as the block.

    Args:
        neighbour: a tool in whose network namespace it is; the host's where ``None``.
    """

    def __init__(self, neighbour: Tool | None) -> None:
        self._neighbour = neighbour
        self._holder: subprocess.Popen[bytes] | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.host = f"127.0.0.1:{_PORT}"

    def __enter__(self) -> Self:
        try:
            self._begin()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _begin(self) -> None:
        if self._neighbour is not None and self._neighbour.prefix:
            command = (*self._neighbour.prefix, "sleep", "infinity")
            self._holder = subprocess.Popen(command, stdin=subprocess.DEVNULL)
            self.host = f"{self._address()}:{_PORT}"
        with open(_SETTINGS, "w", encoding="utf-8") as stream:
            stream.write(f'[registry."{self.host}"]\ninsecure = true\n')
        self.empty()

    def __exit__(self, *_error: object) -> None:
        _end(self._process)
        _end(self._holder)
        remove_tree(_DATA)

    def empty(self) -> None:
        """Begins again with nothing in it."""
        _end(self._process)
        remove_tree(_DATA)
        os.makedirs(_DATA)
        self._start()

    def traffic(self) -> Traffic:
        """What went over all links of the namespace so far; a loopback's both ways in each."""
        received = sent = 0
        process = "self" if self._holder is None else str(self._holder.pid)
        with open(f"/proc/{process}/net/dev", encoding="ascii") as stream:
            for line in stream.readlines()[2:]:
                fields = line.partition(":")[2].split()
                received, sent = received + int(fields[0]), sent + int(fields[8])
        return Traffic(received, sent)

    def _address(self) -> str:
        """That by which the host reaches the namespace."""
        assert self._neighbour is not None
        route = self._neighbour.shell(("ip", "-json", "route", "get", _ELSEWHERE))
        return str(json.loads(route)[0]["prefsrc"])

    def _entry(self) -> tuple[str, ...]:
        return () if self._holder is None else ("nsenter", "-t", str(self._holder.pid), "-n")

    def _start(self) -> None:
        self._process = subprocess.Popen(
            (*self._entry(), *_program()),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < deadline:
            with (
                contextlib.suppress(OSError),
                urllib.request.urlopen(f"http://{self.host}/v2/", timeout=2),
            ):
                return
            time.sleep(0.05)
        raise BenchmarkError("the registry doesn't answer")

    def accepted_by(self, tool: Tool) -> Tool:
        """The tool, told that this registry may speak plain HTTP."""
        if tool.name == "dockyard":
            added = ("DOCKYARD_REGISTRIES", _SETTINGS)
            return msgspec.structs.replace(tool, environment=(*tool.environment, added))
        if tool.name == "docker":
            settings = json.dumps({"insecure-registries": [self.host]})
            tool.shell(("sh", "-c", _ACCEPT, "accept", settings))
            time.sleep(1)
        return tool


def _end(process: subprocess.Popen[bytes] | None) -> None:
    if process is not None:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _program() -> tuple[str, ...]:
    if os.environ.get("DOCKYARD_BENCH_REGISTRY") == "dockyard":
        return (
            sys.executable, "-m", "dockyard", "registry", "serve", "--root", _DATA,
            "--addr", f"0.0.0.0:{_PORT}", "--insecure-http", "--open",
        )  # fmt: skip
    path = f"{HOME}/registry.yml"
    with open(path, "w", encoding="utf-8") as stream:
        stream.write(_CONFIGURATION)
    return ("docker-registry", "serve", path)


def options(tool: Tool) -> tuple[str, ...]:
    """What ``push`` and ``pull`` of a tool need for it."""
    return ("--tls-verify=false",) if tool.name == "podman" else ()
