"""The agent that a step sees: who is asked, and what it may ask."""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from dockyard.build.mounts.agents import AgentSource, agent_source, forwarded, parse_ssh
from dockyard.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "parsed"),
    [
        ("default", ("default", ())), ("a=/x", ("a", ("/x",))), ("a=/x,/y", ("a", ("/x", "/y"))),
        ("=/x", ("default", ("/x",))),
    ],
)  # fmt: skip
def test_the_flag(text: str, parsed: tuple[str, tuple[str, ...]]) -> None:
    assert parse_ssh(text) == parsed


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[tuple[str, list[bytes]]]:
    """An agent that answers each request with its kind plus one; what it was asked."""
    path, asked = str(tmp_path / "agent"), list[bytes]()
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(path)
        server.listen()

        def serve() -> None:
            while True:
                try:
                    client, _ = server.accept()
                except OSError:
                    return
                with client:
                    while head := client.recv(5, socket.MSG_WAITALL):
                        length, kind = struct.unpack(">IB", head)
                        asked.append(head[4:] + client.recv(length - 1))
                        client.sendall(struct.pack(">IB", 1, kind + 1))

        thread = threading.Thread(target=serve)
        thread.start()
        yield path, asked
        server.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_sources(agent: tuple[str, list[bytes]], tmp_path: Path) -> None:
    path, _ = agent
    key = tmp_path / "key"
    key.touch()
    assert agent_source("a", (path,), {}) == AgentSource("a", socket=path)
    assert agent_source("a", (), {"SSH_AUTH_SOCK": path}) == AgentSource("a", socket=path)
    assert agent_source("a", (str(key),), {}) == AgentSource("a", keys=(str(key),))
    with pytest.raises(InvalidInput, match="make sure SSH_AUTH_SOCK is set"):
        agent_source("a", (), {})
    with pytest.raises(InvalidInput, match="only a single socket"):
        agent_source("a", (path, str(key)), {})
    with pytest.raises(InvalidInput, match="stat /nothing: no such file"):
        agent_source("a", ("/nothing",), {})


def ask(path: str, message: bytes) -> bytes:
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(path)
        client.sendall(message)
        client.shutdown(socket.SHUT_WR)
        answer = b""
        with contextlib.suppress(ConnectionResetError):  # for what it didn't read
            while piece := client.recv(100):
                answer += piece
        return answer


def test_only_reading_and_signing_pass(agent: tuple[str, list[bytes]], tmp_path: Path) -> None:
    path, asked = agent
    with forwarded(AgentSource("a", socket=path), str(tmp_path), "own") as own:
        for kind in range(256):
            expected = bytes([kind + 1]) if kind in {11, 13} else b"\x05"
            assert ask(own, struct.pack(">IB", 1, kind)) == b"\0\0\0\1" + expected
        assert ask(own, struct.pack(">IB", 3, 13) + b"xy") == b"\0\0\0\1\x0e"
        assert ask(own, struct.pack(">I", 0)) == b""
        assert ask(own, struct.pack(">IB", 1 << 20, 11)) == b""
        assert ask(own, struct.pack(">IB", 9, 11) + b"cut") == b""
    assert asked == [b"\x0b", b"\x0d", b"\x0dxy"]
    with pytest.raises(OSError):  # noqa: PT011  # whatever a closed socket answers
        ask(own, b"")
