"""A registry that Docker, Podman and skopeo reach as ``127.0.0.1``, from where they take HTTP."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from tests.support import peers
from tests.support.registries import environment

Kind = Literal["docker-registry", "dockyard"]

_ELSEWHERE = "192.0.2.1"
"""Reserved for examples: the way there is the way out of a namespace."""
_SECONDS = 20.0


class PeerRegistry:
    """One that runs: ``near`` is its address for the peers, ``far`` the same for this host."""

    def __init__(self, port: int, address: str, settings: Path) -> None:
        self.near = f"127.0.0.1:{port}"
        self.far = f"{address}:{port}"
        self.environment = {"DOCKYARD_REGISTRIES": str(settings)}
        """With which Dockyard accepts HTTP from it."""


@contextlib.contextmanager
def running(kind: Kind, directory: Path, port: int) -> Iterator[PeerRegistry]:
    """Runs one in the network namespace of the peers."""
    command = [peers.PROGRAM, "run", "sleep", "infinity"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as holder:
        try:
            settings = directory / "registries.toml"
            registry = PeerRegistry(port, _address(), settings)
            settings.write_text(f'[registry."{registry.far}"]\ninsecure = true\n')
            argv = ["nsenter", "-t", str(holder.pid), "-n", *_program(kind, directory, port)]
            log = (directory / "registry.log").open("wb")
            with log, subprocess.Popen(argv, stdout=log, stderr=log, env=environment()) as server:
                try:
                    _wait(registry, server, directory / "registry.log")
                    yield registry
                finally:
                    server.terminate()
        finally:
            holder.kill()


def _address() -> str:
    route = peers.run("ip", "-json", "route", "get", _ELSEWHERE)
    return str(json.loads(route.stdout)[0]["prefsrc"])


def _program(kind: Kind, directory: Path, port: int) -> Sequence[str]:
    data = directory / kind
    data.mkdir(exist_ok=True)
    if kind == "dockyard":
        return (
            sys.executable, "-m", "dockyard.cli.main", "registry", "serve", "--root", str(data),
            "--addr", f"0.0.0.0:{port}", "--insecure-http", "--open",
        )  # fmt: skip
    path = directory / "docker-registry.yml"
    path.write_text(json.dumps({
        "version": "0.1", "log": {"level": "error"}, "http": {"addr": f"0.0.0.0:{port}"},
        "storage": {"filesystem": {"rootdirectory": str(data)}, "delete": {"enabled": True}},
    }))  # fmt: skip
    return ("docker-registry", "serve", str(path))


def _wait(registry: PeerRegistry, server: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        try:
            urllib.request.urlopen(f"http://{registry.far}/v2/", timeout=2).close()
            return
        except urllib.error.HTTPError as error:  # it wants to know who asks
            error.close()
            return
        except OSError:
            pass
        assert server.poll() is None, log.read_text(errors="replace")
        time.sleep(0.05)
    raise AssertionError(log.read_text(errors="replace"))
