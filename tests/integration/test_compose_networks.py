"""Projects' networks with real traffic: who finds whom, and what leads nowhere."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from tests.support.compose import project

from dockyard import Engine
from dockyard.compose.model.project import Project
from dockyard.compose.options import StartOptions
from dockyard.containers.exec import ExecOptions

SERVER: dict[str, Any] = {
    "command": ["sh", "-c", "mkdir /w; hostname > /w/index.html; exec httpd -f -p 80 -h /w"],
    "stop_signal": "SIGKILL",
    "healthcheck": {"test": ["CMD", "wget", "-q", "-O", "/dev/null", "http://127.0.0.1/"],
                    "interval": "100ms"},
}  # fmt: skip
FETCH = "import sys, urllib.request as u; print(u.urlopen(sys.argv[1], timeout=2).read().decode())"
ASK = {"image": "python:3.11", "command": ["sleep", "300"], "stop_signal": "SIGKILL"}


def named(wanted: Project, name: str) -> Project:
    """The same project by another name."""
    networks = {
        key: msgspec.structs.replace(each, name=f"{name}_{key}")
        for key, each in wanted.networks.items()
    }
    return msgspec.structs.replace(wanted, name=name, networks=networks)


def fetch(engine: Engine, container: str, url: str) -> str:
    """What a container gets; nothing where it gets none."""
    read, write = os.pipe()
    command = ("python", "-c", FETCH, url)
    code = engine.containers.execute(container, ExecOptions(command=command), stdout=write,
                                     stderr=write)  # fmt: skip
    os.close(write)
    with os.fdopen(read) as stream:
        return stream.read().strip() if code == 0 else ""


def address(engine: Engine, container: str, network: str = "") -> str:
    found = engine.parts.networks.endpoints(engine.containers.get(container).holder)
    return next(each.address for each in found if network in {"", each.network})


@pytest.fixture
def outside() -> Iterator[str]:
    """The address of a server on this host's way to the world."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect(("192.0.2.1", 9))
        here = str(probe.getsockname()[0])
    server = socket.create_server((here, 0))

    def serve() -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.recv(1 << 16)
                connection.sendall(b"HTTP/1.0 200 OK\r\n\r\nworld")

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    yield f"http://{here}:{server.getsockname()[1]}/"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join()


def test_two_projects_do_not_see_each_other(engine: Engine) -> None:
    def wanted(name: str) -> Project:
        return named(project({"web": {**SERVER, "hostname": f"web-of-{name}"}, "ask": ASK}), name)

    red, blue = wanted("red"), wanted("blue")
    for each in (red, blue):
        engine.stacks.up(each, start=StartOptions(wait=True))
    for name, other in (("red", "blue"), ("blue", "red")):
        asker = f"{name}-ask-1"
        assert fetch(engine, asker, "http://web/") == f"web-of-{name}"
        assert fetch(engine, asker, f"http://{other}-web-1/") == ""
        assert fetch(engine, asker, f"http://{address(engine, f'{other}-web-1')}/") == ""
    for each in (red, blue):
        engine.stacks.down(each)


def test_an_internal_network_has_no_way_out(engine: Engine, outside: str) -> None:
    wanted = project(
        {
            "db": {**SERVER, "hostname": "the-db", "networks": {"back": None}},
            "alone": {**ASK, "networks": {"back": None}},
            "api": {**ASK, "networks": {"back": None, "front": None}},
            "front": {**ASK, "networks": {"front": None}},
        },
        networks={
            "back": {"name": "demo_back", "internal": True, "ipam": {}},
            "front": {"name": "demo_front", "ipam": {}},
        },
    )
    engine.stacks.up(wanted, start=StartOptions(wait=True))
    assert fetch(engine, "demo-api-1", "http://db/") == "the-db"
    assert fetch(engine, "demo-front-1", outside) == "world"
    assert fetch(engine, "demo-alone-1", outside) == ""
    assert fetch(engine, "demo-front-1", f"http://{address(engine, 'demo-db-1')}/") == ""
    assert fetch(engine, "demo-front-1", "http://db/") == ""
    engine.stacks.down(wanted)


def test_names_and_addresses_that_the_file_gives(engine: Engine) -> None:
    services: dict[str, Any] = {
        "web": {**SERVER, "hostname": "it", "networks": {"net": {
            "aliases": ["www", "api.internal"], "ipv4_address": "10.222.73.77"}}},
        "ask": {**ASK, "networks": {"net": None}, "links": ["web:linked"],
                "extra_hosts": ["other=10.222.73.77"]},
    }  # fmt: skip
    wanted = project(services, networks={"net": {
        "name": "demo_net", "ipam": {"config": [{"subnet": "10.222.73.0/24"}]},
    }})  # fmt: skip
    engine.stacks.up(wanted, start=StartOptions(wait=True))
    assert address(engine, "demo-web-1") == "10.222.73.77"
    for name in ("web", "www", "api.internal", "linked", "other", "demo-web-1", "10.222.73.77"):
        assert (name, fetch(engine, "demo-ask-1", f"http://{name}/")) == (name, "it")
    engine.stacks.down(wanted)
