"""The real activator as a process, and what speaks to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import tempfile
from collections.abc import AsyncIterator, Iterator

import aiohttp
import msgspec
from tests.support.waiting import until

from dockyard.serving.activator import process
from dockyard.serving.activator.model import Figures, Stats, Target, Targets
from dockyard.serving.gateway.model import Backend
from dockyard.system.files import write_atomically
from dockyard.system.process import isolated_python

ID = "shop.embed"


class Activator:
    """The process on a directory of its own. Its errors fail the test that uses it."""

    def __init__(self, directory: str) -> None:
        self.directory = directory
        self.path = f"{directory}/targets.json"
        self.wake = f"{directory}/wake"
        self.version = 0
        self._process: subprocess.Popen[str] | None = None
        os.mkfifo(self.wake)
        self._fifo = os.open(self.wake, os.O_RDWR | os.O_NONBLOCK)

    def target(self, *backends: tuple[str, int], name: str = ID, **fields: object) -> Target:
        """A target with these replicas."""
        there = tuple(Backend(*backend) for backend in backends)
        given = {"id": name, "socket": self.socket(name), "backends": there} | fields
        return msgspec.convert(given, Target, from_attributes=True)

    def socket(self, name: str = ID) -> str:
        """Where a target is served."""
        return f"{self.directory}/{name}.sock"

    def write(self, *targets: Target) -> None:
        """Replaces what is to be served."""
        self.version += 1
        value = Targets(
            wake=self.wake, admin=f"{self.directory}/admin.sock", targets=targets,
            version=self.version,
        )  # fmt: skip
        write_atomically(self.path, msgspec.json.encode(value), durable=False)

    def serve(self, *targets: Target) -> None:
        """As :meth:`write`, and waits until it is so."""
        self.write(*targets)
        until(lambda: self.stats().version == self.version)

    def start(self) -> None:
        """Starts the process."""
        self._process = subprocess.Popen(
            isolated_python(process.__file__, self.path), stderr=subprocess.PIPE, text=True
        )

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        """Sends it a signal."""
        assert self._process is not None
        self._process.send_signal(number)

    def wait(self, seconds: float = 30.0) -> int:
        """Waits for its end; its exit code. It must have had nothing to complain of."""
        assert self._process is not None
        process = self._process
        _, errors = process.communicate(timeout=seconds)
        self._process = None
        assert not errors, errors
        return process.returncode

    def stop(self) -> int:
        """Has it end as it should; its exit code."""
        self.signal(signal.SIGTERM)
        return self.wait()

    def kill(self) -> None:
        """Ends it as no program should end."""
        self.signal(signal.SIGKILL)
        self.wait()

    def complaints(self) -> str:
        """What it wrote since it started; it is started again."""
        assert self._process is not None
        self._process.terminate()
        _, errors = self._process.communicate(timeout=30)
        self._process = None
        self.start()
        return errors

    def poked(self) -> bool:
        """Whether it woke the controller since the last call."""
        with contextlib.suppress(BlockingIOError):
            return bool(os.read(self._fifo, 4096))
        return False

    def stats(self) -> Stats:
        """What it says of itself; zeros where it doesn't answer."""
        with contextlib.suppress(OSError):
            return msgspec.json.decode(self.admin("/stats")[1], type=Stats)
        return Stats(pid=0, started=0.0, version=0, targets={})

    def figures(self, name: str = ID) -> Figures:
        """Those of one target."""
        return self.stats().targets.get(name, Figures())

    def admin(self, path: str, method: str = "GET") -> tuple[int, bytes]:
        """Asks its admin socket: status and body."""
        request = f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        reply = exchange(f"{self.directory}/admin.sock", request.encode())
        head, _, body = reply.partition(b"\r\n\r\n")
        if not head:
            raise ConnectionError("it ended")
        return int(head.split()[1]), body

    def rest(self) -> None:
        """Has it serve nothing, so that the next test finds it as this one did."""
        if self._process is None:
            self.start()
        self.serve()
        self.poked()

    def close(self) -> None:
        """Ends it, whatever it does."""
        os.close(self._fifo)
        if self._process is not None:
            self._process.kill()
            self.wait()


@contextlib.contextmanager
def started() -> Iterator[Activator]:
    """An activator that serves nothing yet."""
    with tempfile.TemporaryDirectory(prefix="dyact-") as directory:
        activator = Activator(directory)
        try:
            activator.start()
            activator.serve()
            yield activator
        finally:
            activator.close()


def exchange(path: str, request: bytes, seconds: float = 20.0) -> bytes:
    """Sends bytes, and reads all until the other side closes."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(seconds)
        connection.connect(path)
        parts = []
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
            while part := connection.recv(1 << 16):
                parts.append(part)
    return b"".join(parts)


@contextlib.asynccontextmanager
async def client(activator: Activator, name: str = ID) -> AsyncIterator[aiohttp.ClientSession]:
    """A client of another make, whose connections all go to one target."""
    connector = aiohttp.UnixConnector(activator.socket(name), limit=0)
    async with aiohttp.ClientSession("http://embed", connector=connector) as session:
        yield session
    await asyncio.sleep(0.05)  # it closes its connections behind this
