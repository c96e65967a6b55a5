"""``python -m bench.cold_start``: from the first request at zero to its answer, and who takes it.

The server is a Python program that listens as soon as it can. Its own part, and the container
runtime's, are measured with the same container started by the engine alone; what is left of the
time through the gateway is the engine's: gateway, activator, controller, records, network, probes.
"""

from __future__ import annotations

import argparse
import http.client
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import msgspec

from bench.question import IMAGE
from dockyard import Config, Engine, Options
from dockyard.compose.load import loader
from dockyard.compose.load.request import Request
from dockyard.containers import start as starting

_SERVER: Final = """
import http.server
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "3")
        self.end_headers()
        self.wfile.write(b"ok\\n")
http.server.HTTPServer(("", 8000), Handler).serve_forever()
"""
_ROOT: Final = "/var/tmp/dockyard-bench"
"""As for all questions, so that the image is made once."""
_PATIENCE: Final = 60.0
_PAUSE: Final = 0.001
_AIM: Final = 0.3
"""Seconds of the engine's."""


class Start(msgspec.Struct, frozen=True):
    """Seconds of one start by the engine alone."""

    runtime: float
    """conmon and crun: making the container, and starting its program."""
    application: float
    """From the program's start until its port takes connections."""


def main() -> int:
    """Prints a table in Markdown; 1 where the engine takes longer than it may."""
    parser = argparse.ArgumentParser(prog="python -m bench.cold_start", description=__doc__)
    parser.add_argument("--repeat", type=int, default=20)
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="dockyard-bench-cold-") as place,
        Engine(Config(root=f"{_ROOT}/root", run=f"{_ROOT}/run")) as engine,
    ):
        engine.bootstrap("python:3.11")
        alone = [_alone(engine) for _ in range(options.repeat)]
        served = list(_served(engine, Path(place), options.repeat))
    return 0 if _report(alone, served) else 1


def _alone(engine: Engine) -> Start:
    with _timed(starting, "_create") as made, _timed(starting, "_start_program") as started:
        begun = time.perf_counter()
        options = Options(stop_signal="SIGKILL")
        with engine.run(IMAGE, ["python", "-c", _SERVER], options=options) as container:
            address = engine.parts.networks.store.endpoints_of(container.record.holder)[0].address
            _until(lambda: _connects(address))
            whole = time.perf_counter() - begun
        runtime = sum(made) + sum(started)
    before = started.begun + sum(started) - begun
    return Start(runtime=runtime, application=whole - before)


class _Times(list[float]):
    begun: float = 0.0


@contextmanager
def _timed(module: Any, name: str) -> Iterator[_Times]:
    """Takes the time of a function while it is called elsewhere."""
    times, own = _Times(), getattr(module, name)

    def timed(*args: Any, **kwargs: Any) -> Any:
        times.begun = time.perf_counter()
        try:
            return own(*args, **kwargs)
        finally:
            times.append(time.perf_counter() - times.begun)

    setattr(module, name, timed)
    try:
        yield times
    finally:
        setattr(module, name, own)


def _served(engine: Engine, place: Path, repeat: int) -> Iterator[float]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    service = {
        "image": IMAGE, "command": ["python", "-c", _SERVER], "stop_signal": "SIGKILL",
        "x-dockyard": {
            "route": {"path": "/", "listen": f"127.0.0.1:{port}"}, "port": 8000,
            "scale": {"min": 0, "max": 1}, "grace": "1s",
        },
    }  # fmt: skip
    (place / "compose.yaml").write_bytes(
        msgspec.json.encode({"name": "bench-cold", "services": {"web": service}})
    )
    request = Request(files=(f"{place}/compose.yaml",), directory=str(place))
    project = loader.load(request, os.environ).project
    engine.stacks.up(project)
    try:
        for _ in range(repeat):
            _until(lambda: not engine.containers.all())
            time.sleep(0.5)
            begun = time.perf_counter()
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)
            connection.request("GET", "/")
            answer = connection.getresponse()
            answer.read()
            connection.close()
            if answer.status != 200:
                raise SystemExit(f"the service answered {answer.status}")
            yield time.perf_counter() - begun
    finally:
        engine.stacks.down(project)


def _until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("it takes too long: is the machine overloaded?")
        time.sleep(_PAUSE)


def _connects(address: str) -> bool:
    try:
        socket.create_connection((address, 8000), 1).close()
    except OSError:
        return False
    return True


def _report(alone: Sequence[Start], served: Sequence[float]) -> bool:
    """Prints the table; whether the engine's part keeps its limit.

    The engine's p95 is the whole's less the medians of the others: all that varies is counted as
    the engine's.
    """
    runtime = _spread([one.runtime for one in alone])
    application = _spread([one.application for one in alone])
    whole = _spread(served)
    others = runtime[0] + application[0]
    engine = (whole[0] - others, whole[1] - others)
    print(f"load average {os.getloadavg()[0]:.1f}, {len(served)} runs\n")
    print("| from the first request at zero to its answer | p50 | p95 |")
    print("| --- | ---: | ---: |")
    for name, found in (
        ("whole", whole), ("application", application), ("runtime (conmon, crun)", runtime),
        ("engine", engine),
    ):  # fmt: skip
        print(f"| {name} | {found[0] * 1000:.0f} ms | {found[1] * 1000:.0f} ms |")
    print(f"\nThe engine's part may be {_AIM * 1000:.0f} ms.")
    return engine[1] <= _AIM


def _spread(seconds: Sequence[float]) -> tuple[float, float]:
    """Median and 95th percentile."""
    return statistics.median(seconds), statistics.quantiles(seconds, n=20)[-1]


if __name__ == "__main__":
    sys.exit(main())
