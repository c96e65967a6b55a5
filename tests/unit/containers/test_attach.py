from __future__ import annotations

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

from dockyard.containers.attach import connect, forward


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def test_packets_go_to_their_streams() -> None:
    ours, theirs = pair()
    for packet in (b"\x02out", b"\x03err", b"\x02more", b"\x07other"):
        theirs.send(packet)
    theirs.close()
    found: list[tuple[int, bytes]] = []
    with ours:
        forward(ours, lambda stream, data: found.append((stream, data)), None)

    assert found == [(1, b"out"), (2, b"err"), (1, b"more")]


def test_input_is_passed_on_and_its_end_too(tmp_path: Path) -> None:
    for source in ("pipe", "file"):
        ours, theirs = pair()
        read = _source(tmp_path, source)
        got: list[bytes] = []

        def answer(end: socket.socket = theirs, got: list[bytes] = got) -> None:
            while data := end.recv(1 << 16):
                got.append(data)
            end.send(b"\x02bye")
            end.close()

        thread = threading.Thread(target=answer)
        thread.start()
        out: list[bytes] = []
        with ours:
            forward(ours, lambda _, data, out=out: out.append(data), read)  # type: ignore[misc]  # bound now
        thread.join()
        os.close(read)
        assert (b"".join(got), out) == (b"hello", [b"bye"]), source


@pytest.mark.parametrize("kind", ["pipe", "file"])
def test_a_program_that_reads_when_it_has_written_all_does_not_wait_for_ever(
    tmp_path: Path, kind: str
) -> None:
    """More goes both ways than the socket holds."""
    ours, theirs = pair()
    packet, many = b"\x02" + b"x" * 30_000, 200
    got: list[int] = []

    def program() -> None:
        for _ in range(many):
            theirs.sendall(packet)
        while data := theirs.recv(1 << 16):
            got.append(len(data))
        theirs.close()

    (tmp_path / "input").write_bytes(b"y" * 3_000_000)
    source = ["cat", str(tmp_path / "input")]
    thread = threading.Thread(target=program)
    out: list[int] = []
    with subprocess.Popen(source, stdout=subprocess.PIPE) as cat, \
            open(tmp_path / "input", "rb") as file, ours:  # fmt: skip
        assert cat.stdout is not None
        read = cat.stdout.fileno() if kind == "pipe" else file.fileno()
        thread.start()
        forward(ours, lambda _, data: out.append(len(data)), read)
    thread.join()
    assert sum(out) == many * 30_000
    assert sum(got) == 3_000_000


def _source(tmp_path: Path, kind: str) -> int:
    if kind == "file":
        (tmp_path / "input").write_bytes(b"hello")
        return os.open(tmp_path / "input", os.O_RDONLY)
    read, write = os.pipe()
    os.write(write, b"hello")
    os.close(write)
    return read


def test_a_path_longer_than_a_socket_address_may_be(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 120)
    deep.mkdir()
    directory = os.open(deep, os.O_PATH)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
        server.bind(f"/proc/self/fd/{directory}/attach")
        server.listen()
        connect(f"{deep}/attach").close()
    os.close(directory)
