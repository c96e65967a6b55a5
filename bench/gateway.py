"""``python -m bench.gateway``: what does the way through the gateway cost?

Two Envoys on the loopback: one answers, the other is the gateway with 1, 10, 100 services in front
of it, or with one whose requests go by the activator (``concurrency``). ``wrk`` (Debian's package)
asks each way in turn, the last of the services, whose route is found last; what it says of the way
without a gateway is to be compared with.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final

import msgspec
from tests.support import activators
from tests.support.registries import free_port

from dockyard.serving.gateway import config, envoy, files
from dockyard.serving.gateway.admin import Admin
from dockyard.serving.gateway.documents import Json, extension
from dockyard.serving.gateway.model import Backend, Leg, Served, Settings, Upstream
from dockyard.serving.model import Route, Service, Variant

SERVICES: Final = (1, 10, 100)
CLIENTS: Final = (1, 16)
_DIRECT: Final = "direct"
_BARE: Final = "Envoy, only a router"
_AT_ONCE: Final = 64
"""Requests that the activator gives a replica at a time: more than there are clients."""
_PATIENCE: Final = 20.0
_HCM: Final = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
_LATENCY = re.compile(r"^\s+(50|99)%\s+([\d.]+)(us|ms|s)$", re.MULTILINE)
_RATE = re.compile(r"^Requests/sec:\s+([\d.]+)$", re.MULTILINE)
_BAD = re.compile(r"^\s+(Non-2xx or 3xx responses|Socket errors): .*$", re.MULTILINE)
_MICROSECONDS: Final = {"us": 1.0, "ms": 1e3, "s": 1e6}


class Run(msgspec.Struct, frozen=True):
    """What ``wrk`` said; times in microseconds."""

    median: float
    p99: float
    rate: float


def main() -> int:
    """Prints a table in Markdown; 1 where a program is missing."""
    parser = argparse.ArgumentParser(prog="python -m bench.gateway", description=__doc__)
    parser.add_argument("--seconds", type=int, default=3, help="of a run")
    parser.add_argument("--repeat", type=int, default=5, help="runs of each way")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        print("wrk is not installed: apt-get install wrk", file=sys.stderr)
        return 1
    print(f"{os.cpu_count()} CPUs, load average at the start {os.getloadavg()[0]:.1f}\n")
    with ExitStack() as stack, tempfile.TemporaryDirectory() as directory:
        ways = dict(_ways(stack, Path(directory)))
        for clients in CLIENTS:
            _ask_all(ways, clients, options.seconds, options.repeat)
    return 0


def _ask_all(ways: Mapping[str, str], clients: int, seconds: int, repeat: int) -> None:
    found: dict[str, list[Run]] = {name: [] for name in ways}
    for _ in range(repeat):
        for name, url in ways.items():
            found[name].append(_wrk(url, clients, seconds))
    word = "client" if clients == 1 else "clients"
    print(f"| {clients} {word} | median | p99 | requests/s |\n| --- | ---: | ---: | ---: |")
    for name, runs in found.items():
        print(_row(name, runs))
    print(flush=True)


def _row(name: str, runs: Sequence[Run]) -> str:
    middle = [
        statistics.median(getattr(run, field) for run in runs)
        for field in ("median", "p99", "rate")
    ]
    return f"| {name} | {middle[0]:.0f} us | {middle[1]:.0f} us | {middle[2]:.0f} |"


def _wrk(url: str, clients: int, seconds: int) -> Run:
    said = subprocess.run(
        ["wrk", "--latency", "-t1", f"-c{clients}", f"-d{seconds}s", url],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    if bad := _BAD.search(said):
        raise RuntimeError(bad[0].strip())
    times = {share: float(value) * _MICROSECONDS[unit] for share, value, unit in
             _LATENCY.findall(said)}  # fmt: skip
    rate = _RATE.search(said)
    assert rate is not None, said
    return Run(times["50"], times["99"], float(rate[1]))


def _ways(stack: ExitStack, directory: Path) -> Iterator[tuple[str, str]]:
    """URLs by what they are called: without a gateway, and through ones of several sizes."""
    port = free_port()
    stack.enter_context(_answering(directory / "server", port))
    yield _DIRECT, f"http://127.0.0.1:{port}/"
    between = free_port()
    stack.enter_context(_passing(directory / "between", between, port))
    yield _BARE, f"http://127.0.0.1:{between}/"
    for count in SERVICES:
        listen = f"127.0.0.1:{free_port()}"
        names = [f"s{index:03d}" for index in range(count)]
        all_served = [_served(name, listen, _replica(name, port)) for name in names]
        stack.enter_context(_gateway(directory / str(count), listen, all_served))
        word = "service" if count == 1 else "services"
        yield f"gateway, {count} {word}", f"http://{listen}/s{count - 1:03d}/"
    activator = stack.enter_context(activators.started())
    name = "bench.held"
    activator.serve(activator.target(("127.0.0.1", port), name=name, concurrency=_AT_ONCE))
    listen = f"127.0.0.1:{free_port()}"
    upstream = Upstream(id=name, activator=activator.socket(name))
    held = [_served("held", listen, upstream)]
    stack.enter_context(_gateway(directory / "held", listen, held))
    yield "gateway and activator", f"http://{listen}/held/"


@contextmanager
def _gateway(directory: Path, listen: str, all_served: Sequence[Served]) -> Iterator[None]:
    settings = Settings(
        directory=str(directory), admin=f"{directory}/admin.sock", access_log=f"{directory}/log"
    )
    directory.mkdir()
    bootstrap = files.prepare(settings)
    files.publish(settings, config.files(all_served, settings))
    with _running(bootstrap, settings.admin, listen):
        yield


def _served(name: str, listen: str, upstream: Upstream) -> Served:
    return Served(
        service=Service(
            project="bench", name=name, route=Route(listen=listen, path=f"/{name}", strip=True),
            variants=(Variant(name=name, port=80),),
        ),
        legs=(Leg(variant=name, weight=1),),
        upstreams=(upstream,),
    )  # fmt: skip


def _replica(name: str, port: int) -> Upstream:
    backends = (Backend("127.0.0.1", port),)
    return Upstream(id=f"bench.{name}", activator="/nowhere", backends=backends)


def _answering(directory: Path, port: int) -> AbstractContextManager[None]:
    """A server that costs little: Envoy itself, with one answer to all."""
    answer: Json = {"status": 200, "body": {"inline_string": "hello\n"}}
    return _plain(directory, port, {"direct_response": answer})


def _passing(directory: Path, port: int, behind: int) -> AbstractContextManager[None]:
    """Envoy with nothing but a router: what no configuration of it is faster than."""
    endpoint: Json = {"endpoint": {"address": _address(behind)}}
    cluster: Json = {
        "name": "behind", "type": "STATIC", "load_assignment": {
            "cluster_name": "behind", "endpoints": [{"lb_endpoints": [endpoint]}],
        },
    }  # fmt: skip
    return _plain(directory, port, {"route": {"cluster": "behind"}}, clusters=[cluster])


@contextmanager
def _plain(
    directory: Path, port: int, what: dict[str, Json], clusters: Sequence[Json] = ()
) -> Iterator[None]:
    """An Envoy that does one thing with all requests, without logs and statistics of its own."""
    directory.mkdir()
    route: Json = {"match": {"prefix": "/"}, **what}
    manager = extension(
        "http", _HCM, stat_prefix="server",
        route_config={"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [route]}]},
        http_filters=[extension("router", "envoy.extensions.filters.http.router.v3.Router")],
    )  # fmt: skip
    listener: Json = {
        "name": "server", "address": _address(port), "filter_chains": [{"filters": [manager]}],
    }  # fmt: skip
    bootstrap = directory / "bootstrap.json"
    admin = f"{directory}/admin.sock"
    bootstrap.write_bytes(msgspec.json.encode({
        "node": {"id": "server", "cluster": "server"},
        "admin": {"address": {"pipe": {"path": admin}}},
        "static_resources": {"listeners": [listener], "clusters": list(clusters)},
    }))  # fmt: skip
    with _running(str(bootstrap), admin, f"127.0.0.1:{port}"):
        yield


def _address(port: int) -> Json:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


@contextmanager
def _running(bootstrap: str, admin: str, listen: str) -> Iterator[None]:
    argv = envoy.argv(bootstrap, threads=1)
    process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + _PATIENCE
        while not (Admin(admin).ready() and _listens(listen)):
            if time.monotonic() > deadline or process.poll() is not None:
                raise RuntimeError(f"nothing listens at {listen}")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait()


def _listens(listen: str) -> bool:
    host, _, port = listen.rpartition(":")
    with socket.socket() as probe:
        return probe.connect_ex((host, int(port))) == 0


if __name__ == "__main__":
    sys.exit(main())
