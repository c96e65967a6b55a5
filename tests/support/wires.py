"""A network namespace for each test that plays the host, with an uplink to another one.

The machine's own network is never touched: the test's thread moves into a fresh namespace that
plays the host; the other one plays the rest of the world. Containers are namespaces whose servers
are sockets that a thread opened in there.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest

from dockyard.config import Config
from dockyard.networks import namespace
from dockyard.networks.apply import Networks
from dockyard.networks.asking import Member
from dockyard.networks.attachment import Attachment
from dockyard.networks.manage import Catalog
from dockyard.networks.model import Connection, Network
from dockyard.networks.ports import parse_publish
from dockyard.networks.request import NetworkRequest
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import syscalls
from dockyard.system.task import Task

T = TypeVar("T")
Place = int | Attachment | None
"""A namespace by its descriptor, a container's, or the machine's own."""
Serve = Callable[..., list[str]]
HOST, OUTSIDE = "192.0.2.2", "192.0.2.9"
PATIENCE = 3.0
DENIED = 0.4


class Machine:
    """The namespace in which the test runs, and the one outside."""

    def __init__(self, outside: int) -> None:
        self.outside = outside


class Root:
    """One Dockyard root on the machine."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.paths = Paths(f"{directory}/root", f"{directory}/run")
        self.paths.prepare()
        self.database = Database(self.paths.database)
        self.database.query("SELECT 1")
        config = Config(root=self.paths.root, run=self.paths.run)
        self.networks = Networks(self.paths, self.database, config)
        self.catalog = Catalog(self.networks, self.paths.root_hash)
        self.opened: list[Attachment] = []

    def create(self, name: str, **fields: object) -> Network:
        return self.catalog.create(NetworkRequest(name=name, **fields))  # type: ignore[arg-type]

    def join(
        self, holder: str, *networks: str | Connection, publish: tuple[str, ...] = ()
    ) -> Attachment:
        """Attaches a holder to networks that were made."""
        ports = [port for text in publish for port in parse_publish(text)]
        wanted = [Connection(network=n) if isinstance(n, str) else n for n in networks]
        attachment = self.networks.attach(Member(holder=holder), ports, wanted)
        self.opened.append(attachment)
        return attachment

    def attach(self, holder: str, *publish: str) -> Attachment:
        ports = [port for text in publish for port in parse_publish(text)]
        attachment = self.networks.attach(holder, ports)
        self.opened.append(attachment)
        return attachment

    def close(self) -> None:
        for attachment in self.opened:
            attachment.close()
        for holder in self.networks.holders():
            self.networks.detach(holder)
        self.catalog.prune(self.catalog.list())
        with Lock.acquire(f"{self.paths.locks}/network.lock"):
            self.database.close()  # the programs that took over the rest hold the lock


@pytest.fixture
def machine() -> Iterator[Machine]:
    home = os.open("/proc/self/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    syscalls.unshare(syscalls.CLONE_NEWNET)
    space = namespace.create()
    outside = space.descriptor
    try:
        run("ip", "link", "set", "lo", "up")
        peer = f"/proc/{os.getpid()}/fd/{outside}"
        run("ip", "link", "add", "up0", "mtu", "1400", "type", "veth", "peer", "up1", "netns", peer)
        run("ip", "addr", "add", f"{HOST}/24", "dev", "up0")
        run("ip", "link", "set", "up0", "up")
        inside(outside, lambda: run("ip", "addr", "add", f"{OUTSIDE}/24", "dev", "up1"))
        inside(outside, lambda: run("ip", "link", "set", "up1", "up"))
        run("ip", "route", "add", "default", "via", OUTSIDE)
        yield Machine(outside)
    finally:
        enter(home)
        space.close()
        os.close(home)


@pytest.fixture
def root(machine: Machine, tmp_path: Path) -> Iterator[Root]:
    made = Root(tmp_path)
    yield made
    made.close()
    assert left_in_the_end() == []


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts servers that answer with the address of who asks; returns the list of all who did."""
    with contextlib.ExitStack() as stack:

        def start(where: Place, port: int, *, ip: str = "", udp: bool = False) -> list[str]:
            kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
            family = socket.AF_INET6 if ":" in ip else socket.AF_INET
            server = inside(where, lambda: socket.socket(family, kind))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            server.bind((ip, port))
            if not udp:
                server.listen()
            asked: list[str] = []
            worker = threading.Thread(target=_answer, args=(server, udp, asked))
            worker.start()
            stack.callback(worker.join)
            stack.callback(server.close)
            stack.callback(_wake, server)
            return asked

        yield start


def _answer(server: socket.socket, udp: bool, asked: list[str]) -> None:
    with contextlib.suppress(OSError):
        while True:
            if udp:
                data, peer = server.recvfrom(100)
                if not data:
                    return
                asked.append(peer[0])
                server.sendto(peer[0].encode(), peer)
            else:
                connection, peer = server.accept()
                asked.append(peer[0])
                with connection:
                    connection.sendall(peer[0].encode())


def _wake(server: socket.socket) -> None:
    with contextlib.suppress(OSError):
        server.shutdown(socket.SHUT_RDWR)


def enter(descriptor: int) -> None:
    if ctypes.CDLL(None, use_errno=True).setns(descriptor, syscalls.CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "setns")


def inside(where: Place, work: Callable[[], T]) -> T:
    """Runs ``work`` in a namespace (``None``: the machine's own)."""
    if where is None:
        return work()
    descriptor = where if isinstance(where, int) else int(where.namespace_path.rpartition("/")[2])

    def entered() -> T:
        enter(descriptor)
        return work()

    return Task(entered).result()


def ask(
    where: Place, ip: str, port: int, *, udp: bool = False, wait: float = PATIENCE
) -> str | None:
    """As whom the server saw us, or ``None`` where it can't be reached from there."""

    def exchange() -> str | None:
        kind = socket.SOCK_DGRAM if udp else socket.SOCK_STREAM
        with socket.socket(socket.AF_INET6 if ":" in ip else socket.AF_INET, kind) as client:
            client.settimeout(wait)
            try:
                client.connect((ip, port))
                if udp:
                    client.send(b"?")
                return client.recv(100).decode() or None
            except OSError:
                return None

    return inside(where, exchange)


def run(*argv: str) -> str:
    return subprocess.run(argv, check=True, capture_output=True, text=True).stdout


def address(attachment: Attachment) -> str:
    assert attachment.endpoint is not None
    return attachment.endpoint.address


def published(attachment: Attachment) -> int:
    assert attachment.endpoint is not None
    return attachment.endpoint.ports[0].host_port


def left_in_the_end() -> list[str]:
    """What is left once the programs that took over the last of it, and the kernel, are done."""
    deadline = time.monotonic() + PATIENCE
    while (found := leftovers()) and time.monotonic() < deadline:
        time.sleep(0.01)
    return found


def leftovers() -> list[str]:
    links = [line.split()[0] for line in run("ip", "-br", "link").splitlines()]
    return [name for name in links if name.startswith(("dy", "dv"))] + [
        line for line in run("nft", "list", "ruleset").splitlines() if "dockyard" in line
    ]
