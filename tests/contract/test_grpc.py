"""gRPC through the gateway: streams as they are sent, and the status behind them."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import activators
from tests.support.activators import Activator
from tests.support.gateway import Gateway, served, service
from tests.support.grpc import GrpcServer, message
from tests.support.waiting import until

from dockyard.serving.gateway.model import Backend, Leg, Served, Upstream
from dockyard.serving.model import Service, Variant

pytestmark = pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")

FINE = {"grpc-status": "0"}
LONG = b"x" * 10_000
"""Less than a window of HTTP/2, which the server doesn't heed."""


@pytest.fixture
def activator() -> Iterator[Activator]:
    with activators.started() as one:
        yield one


class Call:
    """A call by a client of another make, whose answer is read as it comes."""

    def __init__(self, gateway: Gateway, directory: Path, body: bytes) -> None:
        self._head, asked = directory / "head", directory / "asked"
        asked.write_bytes(body)
        self._client = subprocess.Popen(
            ["curl", "-sSN", "--http2-prior-knowledge", "--max-time", "30", "-H", "te: trailers",
             "-H", "content-type: application/grpc", "--data-binary", f"@{asked}", "-D", self._head,
             f"http://{gateway.listen}/pkg.Service/Watch"],
            stdout=subprocess.PIPE,
        )  # fmt: skip

    def next(self, payload: bytes) -> bool:
        """Reads a message; whether it is this one."""
        assert self._client.stdout is not None
        wanted = message(payload)
        return self._client.stdout.read(len(wanted)) == wanted

    def end(self) -> dict[str, str]:
        """Reads to the end: no more messages; all fields before and behind them."""
        rest, _ = self._client.communicate(timeout=30)
        assert rest == b""
        assert self._client.returncode == 0
        lines = self._head.read_text().splitlines()
        return dict(line.split(": ", 1) for line in lines if ": " in line)

    def kill(self) -> None:
        """Ends it, if it goes on."""
        self._client.kill()
        self._client.communicate()


@contextlib.contextmanager
def calling(
    gateway: Gateway, directory: Path, body: bytes = message(b"all of them")
) -> Iterator[Call]:
    """A call that is over when the test is."""
    call = Call(gateway, directory, body)
    try:
        yield call
    finally:
        call.kill()


class Stepwise:
    """Messages, each of which waits until the one before it is said to have arrived."""

    def __init__(self, *messages: bytes) -> None:
        self.messages = messages
        self.arrived = threading.Semaphore(0)

    def __call__(self) -> Iterator[bytes]:
        for one in self.messages:
            yield one
            assert self.arrived.acquire(timeout=20), "what came before never arrived"


def watched(call: Call, stream: Stepwise) -> None:
    """Each message arrives while the server still holds all those after it."""
    for one in stream.messages:
        assert call.next(one)
        stream.arrived.release()


def described(gateway: Gateway) -> Service:
    return service(gateway, Variant(name="embed", port=80, protocol="h2c"), timeout=0.0)


@pytest.mark.parametrize(
    "status", [FINE, {"grpc-status": "8", "grpc-message": "out of memory"}], ids=("fine", "failed")
)
def test_messages_arrive_as_they_are_sent_and_the_status_behind_them(
    gateway: Gateway, tmp_path: Path, status: dict[str, str]
) -> None:
    stream = Stepwise(b"one", b"", LONG, b"four")
    with GrpcServer(stream, status) as server:
        gateway.serve(served(gateway, described(gateway), {"embed": [Backend(*server.address)]}))
        with calling(gateway, tmp_path) as call:
            watched(call, stream)
            got = call.end()
        assert got.items() >= {"content-type": "application/grpc", **status}.items()
        assert server.calls == 1


def test_a_call_at_zero_waits_for_a_replica_and_is_streamed_as_well(
    gateway: Gateway, activator: Activator, tmp_path: Path
) -> None:
    upstream = Upstream(id=activators.ID, activator=activator.socket())
    legs = (Leg(variant="embed", weight=100),)
    gateway.serve(Served(service=described(gateway), legs=legs, upstreams=(upstream,)))
    activator.serve(activator.target(protocol="h2c", condition="starting", timeout=0.0))
    stream = Stepwise(b"one", LONG, b"three")
    with calling(gateway, tmp_path) as call:
        until(lambda: activator.figures().waiting == 1)
        assert activator.poked()
        with GrpcServer(stream, FINE) as server:
            address, port = server.address
            probing = [{"address": address, "port": port}]
            activator.serve(activator.target(protocol="h2c", probing=probing, timeout=0.0))
            watched(call, stream)
            assert call.end()["grpc-status"] == "0"
            assert server.calls == 1


def test_a_call_that_no_replica_can_take_is_told_so_as_grpc_has_it(
    gateway: Gateway, activator: Activator, tmp_path: Path
) -> None:
    upstream = Upstream(id=activators.ID, activator=activator.socket())
    legs = (Leg(variant="embed", weight=100),)
    gateway.serve(Served(service=described(gateway), legs=legs, upstreams=(upstream,)))
    activator.serve(activator.target(protocol="h2c", condition="failed", reason="no such model"))
    with calling(gateway, tmp_path, body=b"") as call:  # curl drops an answer that overtakes a body
        got = call.end()
    assert (got["grpc-status"], got["grpc-message"]) == ("14", "no such model")
