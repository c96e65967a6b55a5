"""The gateway's access log, read as it grows."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence

import msgspec

from dockyard import decoding
from dockyard.serving.decide.model import Traffic

BOUNDS = (
    1, 2, 5, 10, 20, 35, 50, 75, 100, 150, 200, 300, 400, 500, 750, 1000, 1500, 2000, 3000, 5000,
    7500, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
)  # fmt: skip
"""Milliseconds."""
_AT_ONCE = 16 << 20
_BROKEN = frozenset({"UF", "UC", "UR", "UT", "LR", "UPE", "URX", "SI", "OM"})
"""Response flags of what came to nothing behind the gateway."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """A request that ended: a line of the log."""

    at: str = "0"
    """Seconds since 1970 of its begin, with fractions."""
    id: str | None = None
    traceparent: str | None = None
    client: str | None = None
    caller: str | None = None
    """Whose API key it had."""
    method: str | None = None
    host: str | None = None
    path: str | None = None
    """Without its query."""
    service: str | None = None
    """``PROJECT.SERVICE``."""
    target: str | None = None
    """:func:`dockyard.serving.model.target_id` of the variant."""
    upstream: str | None = None
    """The replica's ``ADDRESS:PORT``, the path of the activator's socket, or nothing where none
    was reached."""
    attempts: int | None = None
    status: int = 0
    """0 where the connection went before an answer."""
    flags: str | None = None
    """Envoy's response flags."""
    duration: float | None = None
    """Milliseconds until its last byte."""
    first_byte: float | None = None
    """Milliseconds until the first byte of an answer."""
    received: int = 0
    sent: int = 0

    @property
    def held(self) -> bool:
        """The activator served it: its time says nothing of a replica's."""
        return self.upstream is not None and self.upstream.startswith("/")

    @property
    def failed(self) -> bool:
        """A 5xx, or a connection that broke behind the gateway; not one that a client left."""
        broken = _BROKEN.intersection((self.flags or "").split(","))
        return self.status >= 500 or bool(broken)


class Reader:
    """Takes lines as they come, also over a rotation of the file."""

    def __init__(self, path: str, *, from_end: bool = False) -> None:
        """``from_end`` leaves out what is there already."""
        self._path = path
        self._descriptor = -1
        self._rest = b""
        if from_end and self._open():
            os.lseek(self._descriptor, 0, os.SEEK_END)

    def read(self) -> list[Request]:
        """The requests that were logged since the last call."""
        found: list[Request] = []
        while True:
            found += self._lines()
            if not self._moved_on():
                return found
            found += self._lines()  # what came before the other file did
            self.close()

    def close(self) -> None:
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def _lines(self) -> list[Request]:
        if self._descriptor < 0 and not self._open():
            return []
        if os.fstat(self._descriptor).st_size < os.lseek(self._descriptor, 0, os.SEEK_CUR):
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            self._rest = b""
        data = self._rest
        while piece := os.read(self._descriptor, _AT_ONCE):
            data += piece
        *lines, self._rest = data.split(b"\n")
        return [one for line in lines if (one := self._parse(line)) is not None]

    def _parse(self, line: bytes) -> Request | None:
        with contextlib.suppress(msgspec.DecodeError):
            return decoding.from_json(line, Request)
        return None

    def _open(self) -> bool:
        with contextlib.suppress(FileNotFoundError):
            self._descriptor = os.open(self._path, os.O_RDONLY | os.O_CLOEXEC)
            self._rest = b""
            return True
        return False

    def _moved_on(self) -> bool:
        """Another file has the name now."""
        if self._descriptor < 0:
            return False
        try:
            named = os.stat(self._path)
        except FileNotFoundError:
            return False
        here = os.fstat(self._descriptor)
        return (named.st_dev, named.st_ino) != (here.st_dev, here.st_ino)


def traffic(requests: Iterable[Request], *, since: float = 0.0) -> dict[str, Traffic]:
    """What replicas did, by variant, without what the activator served.

    Args:
        requests: of the log; those that never had a variant, such as refused ones, don't count.
        since: seconds since 1970; those that began before don't count.
    """
    by_target: dict[str, list[Request]] = {}
    for one in requests:
        if one.target and one.upstream and not one.held and float(one.at) >= since:
            by_target.setdefault(one.target, []).append(one)
    return {target: _traffic(ones) for target, ones in by_target.items()}


def added(one: Traffic, other: Traffic) -> Traffic:
    """Two periods' traffic together."""
    bounds = sorted({*one.latencies, *other.latencies})
    return Traffic(
        requests=one.requests + other.requests,
        errors=one.errors + other.errors,
        latencies={
            bound: one.latencies.get(bound, 0) + other.latencies.get(bound, 0) for bound in bounds
        },
    )


def _traffic(requests: Sequence[Request]) -> Traffic:
    durations = [one.duration or 0.0 for one in requests]
    latencies = {float(bound): sum(one <= bound for one in durations) for bound in BOUNDS}
    return Traffic(
        requests=len(requests),
        errors=sum(one.failed for one in requests),
        latencies={**latencies, float("inf"): len(requests)},
    )
