"""Debian's ``docker-registry``, as long as a test needs it: a registry that others wrote."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from dockyard.config import Config
from dockyard.registry.client import Client

PROGRAM = "docker-registry"
_SECONDS = 20.0


class DockerRegistry:
    """One that runs. ``host`` is what a reference begins with."""

    def __init__(self, host: str, storage: Path, log: Path) -> None:
        self.host = host
        self.storage = storage
        """Where its files are, for tests that damage them."""
        self.log = log

    def requests(self, method: str = "") -> list[str]:
        """``METHOD PATH STATUS`` of what it was asked, in order."""
        found = []
        for line in self.log.read_text(errors="replace").splitlines():
            parts = line.split('"')
            if len(parts) > 2 and parts[1].startswith(method) and parts[1].endswith("HTTP/1.1"):
                verb, path, _ = parts[1].split(" ")
                found.append(f"{verb} {path} {parts[2].split()[0]}")
        return found


@contextlib.contextmanager
def docker_registry(
    directory: Path, *, users: Mapping[str, str] | None = None,
    tls: tuple[Path, Path] | None = None, clients: Path | None = None,
    token: Mapping[str, str] | None = None, host: str = "localhost", proxy: str = "",
) -> Iterator[DockerRegistry]:  # fmt: skip
    """Runs one; what was pushed stays in the directory, where the next one finds it.

    Args:
        users: passwords by name; whoever has none of them gets nothing.
        tls: certificate and key.
        clients: the authority of those that are let in, who need a certificate as well.
        token: the ``auth.token`` section of its configuration, instead of users.
        proxy: the URL of a registry that it mirrors.
    """
    port = free_port()
    storage, log = directory / "storage", directory / "log"
    storage.mkdir(exist_ok=True)
    settings: dict[str, Any] = {
        "version": "0.1",
        "storage": {"filesystem": {"rootdirectory": str(storage)}, "delete": {"enabled": True}},
        "http": {"addr": f"127.0.0.1:{port}", "secret": "of a test"},
        "log": {"level": "error"},
    }
    if users:
        (directory / "htpasswd").write_text("".join(map(_line, users, users.values())))
        settings["auth"] = {"htpasswd": {"realm": "test", "path": str(directory / "htpasswd")}}
    if token:
        settings["auth"] = {"token": dict(token)}
    if tls is not None:
        settings["http"]["tls"] = {"certificate": str(tls[0]), "key": str(tls[1])}
    if clients is not None:
        settings["http"]["tls"]["clientcas"] = [str(clients)]
    if proxy:
        settings["proxy"] = {"remoteurl": proxy}
    path = directory / "config.yml"
    path.write_text(json.dumps(settings))  # YAML has all of JSON
    with log.open("wb") as stream:
        running = subprocess.Popen([PROGRAM, "serve", path], stdout=stream, stderr=stream)
    try:
        _wait(running, port, log)
        yield DockerRegistry(f"{host}:{port}", storage, log)
    finally:
        running.kill()
        running.wait()


@contextlib.contextmanager
def client(
    directory: Path, *, settings: str = "", docker: Mapping[str, Any] | None = None,
    warn: Callable[[str], None] = pytest.fail, **env: str,
) -> Iterator[Client]:  # fmt: skip
    """A client of a user who has nothing else than this.

    Args:
        settings: the user's ``registries.toml``.
        docker: the user's ``~/.docker/config.json``.
    """
    (directory / ".docker").mkdir(exist_ok=True)
    (directory / "registries.toml").write_text(settings)
    if docker is not None:
        (directory / ".docker" / "config.json").write_text(json.dumps(docker))
    config = Config(
        root=f"{directory}/root", run=f"{directory}/run", registries=f"{directory}/registries.toml"
    )
    surroundings = {"HOME": str(directory), "PATH": os.environ["PATH"], **env}
    with Client.from_config(config, warn, surroundings) as made:
        yield made


def auths(host: str, name: str, password: str) -> dict[str, Any]:
    """Docker's configuration with who one is at one registry."""
    return {"auths": {host: {"auth": encoded(name, password)}}}


def encoded(name: str, password: str) -> str:
    """As such files, and the protocol, have a name and a password."""
    return base64.b64encode(f"{name}:{password}".encode()).decode()


def free_port() -> int:
    """A port of this host that nobody has in this moment."""
    with socket.socket() as made:
        made.bind(("127.0.0.1", 0))
        return int(made.getsockname()[1])


def get(url: str) -> int:
    """The status of a plain request; for a look from outside."""
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code


def _line(name: str, password: str) -> str:
    """One user, as Apache keeps them (bcrypt)."""
    done = subprocess.run(
        ["htpasswd", "-niBC", "5", name], input=password, capture_output=True, text=True, check=True
    )
    return done.stdout


def _wait(running: subprocess.Popen[bytes], port: int, log: Path) -> None:
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        assert running.poll() is None, log.read_text(errors="replace")
        time.sleep(0.02)
    raise AssertionError(log.read_text(errors="replace"))


class RunningRegistry:
    """Dockyard's own registry, as a process of its own. ``host`` is what a reference begins with.

    It keeps its port when it is started again.
    """

    def __init__(self, root: Path, *options: str, scheme: str = "http", port: int = 0) -> None:
        self.root = root
        self.options = options
        self.scheme = scheme
        self.port = port or free_port()
        self.log = root.with_name(f"{root.name}.log")
        self._running: subprocess.Popen[bytes] | None = None

    @property
    def host(self) -> str:
        return f"localhost:{self.port}"

    @property
    def url(self) -> str:
        return f"{self.scheme}://{self.host}"

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def start(self) -> None:
        """Starts it, and waits until it answers."""
        command = [
            sys.executable, "-m", "dockyard.cli.main", "registry", "serve",
            "--root", str(self.root), "--addr", f"127.0.0.1:{self.port}", *self.options,
        ]  # fmt: skip
        with self.log.open("ab") as stream:
            self._running = subprocess.Popen(
                command, stdout=stream, stderr=stream, stdin=subprocess.DEVNULL, env=environment()
            )
        _wait(self._running, self.port, self.log)

    def stop(self) -> int:
        """Ends it as its owner would; its exit code."""
        assert self._running is not None
        self._running.terminate()
        return self._running.wait(60)

    def kill(self) -> None:
        """Ends it as a crash would."""
        assert self._running is not None
        self._running.kill()
        self._running.wait()

    def restart(self) -> None:
        """Kills it, and starts it again on what it left."""
        self.kill()
        self.start()

    def command(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """``dockyard registry ARGUMENTS --root ...`` beside the server."""
        return subprocess.run(
            [sys.executable, "-m", "dockyard.cli.main", "registry", *arguments,
             "--root", str(self.root)],
            capture_output=True, text=True, env=environment(), check=check, timeout=120,
        )  # fmt: skip

    def said(self) -> str:
        """What it wrote to its log so far."""
        return self.log.read_text(errors="replace")


@contextlib.contextmanager
def own_registry(directory: Path, *options: str) -> Iterator[RunningRegistry]:
    """Runs Dockyard's registry with everything allowed, on the loopback, below a directory.

    Args:
        options: of ``dockyard registry serve``.
    """
    made = RunningRegistry(directory / "registry", *options)
    made.start()
    try:
        yield made
    finally:
        made.kill()


def environment() -> dict[str, str]:
    """That of a command of ours: this checkout, and nothing that the developer set."""
    return {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2] / "src")}
