"""Many connections of one address to our registry, and such as take nothing."""

from __future__ import annotations

import contextlib
import os
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support.protocol import Talk, digest_of
from tests.support.registries import RunningRegistry, own_registry
from tests.support.servers import authority
from tests.support.waiting import until

MOST = 20


@contextlib.contextmanager
def serving(directory: Path, text: str, *options: str) -> Iterator[RunningRegistry]:
    (directory / "registry").mkdir(mode=0o700)
    (directory / "registry" / "registry.toml").write_text(text)
    with own_registry(directory, *options) as running:
        yield running


def connected(registry: RunningRegistry, address: str = "127.0.0.1") -> socket.socket:
    made = socket.create_connection(("127.0.0.1", registry.port), 20, (address, 0))
    made.settimeout(20)
    return made


def is_answered(connection: socket.socket) -> bool:
    """True for one that the server speaks to; False for one that it has closed."""
    try:
        connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return b"200 OK" in connection.recv(1000)
    except (ConnectionResetError, BrokenPipeError):
        return False


def test_one_address_has_its_share_and_others_are_answered(tmp_path: Path) -> None:
    with serving(tmp_path, f"connections = {MOST}\n") as registry:
        with contextlib.ExitStack() as stack:
            mine = [stack.enter_context(connected(registry)) for _ in range(MOST)]
            assert all(map(is_answered, mine))
            beyond = [stack.enter_context(connected(registry)) for _ in range(5)]
            assert not any(map(is_answered, beyond))

            other = stack.enter_context(connected(registry, "127.0.0.2"))
            assert is_answered(other)
            assert registry.said().count(f"127.0.0.1 has {MOST} connections") == 1

        until(lambda: Talk(registry.host).ask("GET", "/healthz").status == 200)


def test_two_hundred_clients_of_one_address_are_answered(tmp_path: Path) -> None:
    with own_registry(tmp_path) as registry, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connected(registry)) for _ in range(200)]
        with ThreadPoolExecutor(20) as crowd:
            assert all(crowd.map(is_answered, clients))


def test_who_never_ends_the_handshake_counts_as_well(tmp_path: Path) -> None:
    authority(tmp_path)
    options = ("--tlscert", str(tmp_path / "ca.pem"), "--tlskey", str(tmp_path / "key.pem"))
    with serving(tmp_path, f"connections = {MOST}\n", *options) as registry:
        with contextlib.ExitStack() as stack:
            for _ in range(MOST):
                stack.enter_context(connected(registry))
            beyond = stack.enter_context(connected(registry))
            with contextlib.suppress(ConnectionResetError):
                assert beyond.recv(1) == b""
            until(lambda: f"127.0.0.1 has {MOST} connections" in registry.said())

        context = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))

        def is_served() -> bool:
            with (
                contextlib.suppress(OSError),
                connected(registry) as plain,
                context.wrap_socket(plain, server_hostname="localhost") as encrypted,
            ):
                return is_answered(encrypted)
            return False

        until(is_served)


@pytest.mark.parametrize("size", [200_000, 3_000_000])
def test_who_never_takes_the_end_of_an_answer_is_cut_off(tmp_path: Path, size: int) -> None:
    """The bytes that are left fit into the buffers of the process and the kernel."""
    with serving(tmp_path, 'stall = "2s"\n') as registry:
        content = os.urandom(size)
        Talk(registry.host).push_blob("a/b", content)
        with socket.socket() as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", registry.port))
            path = f"/v2/a/b/blobs/{digest_of(content)}"
            slow.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
            until(lambda: queued(registry.port, slow.getsockname()[1]) is not None)

            until(lambda: queued(registry.port, slow.getsockname()[1]) is None)


def queued(port: int, client: int) -> int | None:
    """Bytes that the server's side of a connection has yet to send; ``None``: there is no such."""
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, remote, state, queues, *_ = line.split()
        ours = int(local.rpartition(":")[2], 16), int(remote.rpartition(":")[2], 16)
        if ours == (port, client) and state == "01":
            return int(queues.partition(":")[0], 16)
    return None
