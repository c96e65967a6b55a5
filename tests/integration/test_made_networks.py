"""Networks that somebody made, with real traffic: what they reach, and above all what not."""

from __future__ import annotations

import functools
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.wires import (
    DENIED,
    HOST,
    OUTSIDE,
    Machine,
    Place,
    Root,
    Serve,
    address,
    ask,
    inside,
    left_in_the_end,
    machine,
    root,
    run,
    serve,
)

from dockyard.errors import Conflict, InvalidInput, NotFound
from dockyard.networks import changes, kernel
from dockyard.networks.asking import Member
from dockyard.networks.attachment import Attachment
from dockyard.networks.model import Connection
from dockyard.system import host

__all__ = ["machine", "root", "serve"]  # fixtures

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed"),
]

HOST6, OUTSIDE6 = "2001:db8::2", "2001:db8::9"


def unreachable(where: Place, ip: str, port: int, asked: list[str], *, udp: bool = True) -> None:
    """By UDP also what only arrives, without an answer, is noticed."""
    asked.clear()
    assert ask(where, ip, port, udp=udp, wait=DENIED) is None
    assert asked == []


def test_networks_do_not_reach_each_other_but_by_published_ports(
    machine: Machine, root: Root, serve: Serve
) -> None:
    root.create("red")
    root.create("blue")
    red, blue = root.join("c-red", "red"), root.join("c-blue", "blue", publish=("8000:80/udp",))
    default = root.attach("c-default")
    heard = {each: serve(each, 80, udp=True) for each in (red, blue, default)}
    for asker, other in ((red, blue), (blue, red), (red, default), (default, red)):
        unreachable(asker, address(other), 80, heard[other])
    assert ask(red, HOST, 8000, udp=True), "published"
    neighbour = root.join("c-more", "red")
    assert ask(neighbour, address(red), 80, udp=True) == address(neighbour)
    serve(machine.outside, 7000)
    assert ask(red, OUTSIDE, 7000) == HOST


def test_a_route_of_the_container_is_no_way_into_another_network(root: Root, serve: Serve) -> None:
    root.create("red")
    blue = root.create("blue")
    red, other = root.join("c-red", "red"), root.join("c-blue", "blue")
    asked = serve(other, 80, udp=True)
    assert red.endpoint is not None
    gateway = red.endpoint.gateway
    inside(red, lambda: run("ip", "route", "add", blue.ipv4.subnet, "via", gateway))
    unreachable(red, address(other), 80, asked)
    unreachable(red, blue.ipv4.gateway, 53, asked)


@pytest.mark.parametrize("udp", [True, False], ids=["udp", "tcp"])
def test_a_name_server_answers_its_own_network_alone(root: Root, serve: Serve, udp: bool) -> None:
    gateway = root.create("blue").ipv4.gateway
    root.create("red")
    red, blue, default = root.join("c-red", "red"), root.join("c-blue", "blue"), root.attach("c-d")
    asked = serve(None, 53, ip=gateway, udp=udp)
    assert ask(blue, gateway, 53, udp=udp) == address(blue)
    for stranger in (red, default):
        unreachable(stranger, gateway, 53, asked, udp=udp)


def test_an_internal_network_has_no_way_out_and_none_in(
    machine: Machine, root: Root, serve: Serve
) -> None:
    inner = root.create("inner", internal=True)
    root.create("other")
    one, two = root.join("c-one", "inner"), root.join("c-two", "inner")
    beside = root.join("c-beside", "other")
    outside = serve(machine.outside, 7000, udp=True)
    host = serve(None, 7001, ip="0.0.0.0", udp=True)
    there = serve(beside, 80, udp=True)
    here = serve(two, 80, udp=True)
    gateway = inner.ipv4.gateway
    assert ask(one, address(two), 80, udp=True) == address(one), "within"
    assert ask(None, address(two), 80, udp=True), "from the host"
    for with_route in (False, True):
        if with_route:
            inside(one, lambda: run("ip", "route", "add", "default", "via", gateway))
        unreachable(one, OUTSIDE, 7000, outside)
        unreachable(one, HOST, 7001, host)
        unreachable(one, gateway, 7001, host)
        unreachable(one, address(beside), 80, there)
    inside(machine.outside, lambda: run("ip", "route", "add", inner.ipv4.subnet, "via", HOST))
    unreachable(machine.outside, address(two), 80, here)
    unreachable(beside, address(two), 80, here)


def test_nothing_is_published_from_an_internal_network(root: Root) -> None:
    root.create("inner", internal=True)
    with pytest.raises(InvalidInput, match="can't be published on the internal network inner"):
        root.join("c-one", "inner", publish=("8000:80",))
    assert root.networks.holders() == set()


def test_containers_that_shall_not_talk_do_not_talk(
    machine: Machine, root: Root, serve: Serve
) -> None:
    root.create("deaf", options={"com.docker.network.bridge.enable_icc": "false"})
    one, two = root.join("c-one", "deaf"), root.join("c-two", "deaf", publish=("8000:80/udp",))
    asked = serve(two, 80, udp=True)
    unreachable(one, address(two), 80, asked)
    assert ask(machine.outside, HOST, 8000, udp=True) == OUTSIDE
    serve(machine.outside, 7000)
    assert ask(one, OUTSIDE, 7000) == HOST


def test_without_masquerade_the_container_is_seen_as_itself(
    machine: Machine, root: Root, serve: Serve
) -> None:
    options = {"com.docker.network.bridge.enable_ip_masquerade": "false"}
    network = root.create("plain", options=options)
    one = root.join("c-one", "plain")
    inside(machine.outside, lambda: run("ip", "route", "add", network.ipv4.subnet, "via", HOST))
    serve(machine.outside, 7000)
    assert ask(one, OUTSIDE, 7000) == address(one)


def test_ports_are_bound_where_the_network_says(machine: Machine, root: Root, serve: Serve) -> None:
    options = {"com.docker.network.bridge.host_binding_ipv4": "127.0.0.1"}
    root.create("near", options=options)
    one = root.join("c-one", "near", publish=("8000:80/udp",))
    asked = serve(one, 80, udp=True)
    assert ask(None, "127.0.0.1", 8000, udp=True)
    unreachable(machine.outside, HOST, 8000, asked)


def test_a_port_out_of_a_range_is_the_first_that_is_free(root: Root, serve: Serve) -> None:
    serve(None, 8000)
    first, second = root.attach("c-one", "8000-8002:80"), root.attach("c-two", "8000-8002:80")
    ports = [each.endpoint.ports[0].host_port for each in (first, second) if each.endpoint]
    assert ports == [8001, 8002]
    with pytest.raises(Conflict, match="8002 failed: port is already allocated"):
        root.attach("c-three", "8000-8002:80")


@pytest.fixture
def machine6(machine: Machine) -> Machine:
    """The machine with IPv6 on its uplink."""
    if not kernel.has_ipv6():
        pytest.skip("the kernel has no IPv6")
    run("ip", "addr", "add", f"{HOST6}/64", "dev", "up0", "nodad")

    def prepare() -> None:
        Path("/proc/sys/net/ipv6/conf/up1/disable_ipv6").write_text("0")
        run("ip", "addr", "add", f"{OUTSIDE6}/64", "dev", "up1", "nodad")

    inside(machine.outside, prepare)
    run("ip", "-6", "route", "add", "default", "via", OUTSIDE6)
    return machine


def test_a_network_with_ipv6_reaches_the_world_and_publishes_on_it(
    machine6: Machine, root: Root, serve: Serve
) -> None:
    network = root.create("six", ipv6=True)
    one, two = root.join("c-one", "six", publish=("8000:80",)), root.join("c-two", "six")
    assert network.ipv6 is not None
    assert network.ipv6.subnet.startswith("fd")
    assert one.endpoint is not None
    assert two.endpoint is not None
    serve(one, 80, ip="::")
    serve(machine6.outside, 7000, ip="::")
    assert ask(two, one.endpoint.address6, 80) == two.endpoint.address6
    assert ask(one, OUTSIDE6, 7000) == HOST6
    assert ask(machine6.outside, HOST6, 8000) == OUTSIDE6
    assert ask(None, HOST6, 8000)
    assert {each.host_ip for each in one.endpoint.ports} == {"0.0.0.0", "::"}
    assert len({each.host_port for each in one.endpoint.ports}) == 1


def test_ipv6_is_isolated_like_ipv4(machine6: Machine, root: Root, serve: Serve) -> None:
    root.create("six", ipv6=True)
    root.create("other", ipv6=True)
    root.create("inner", ipv6=True, internal=True)
    six, other, inner = (root.join(f"c-{name}", name) for name in ("six", "other", "inner"))
    assert six.endpoint is not None
    assert other.endpoint is not None
    assert inner.endpoint is not None
    heard = {each: serve(each, 80, ip="::", udp=True) for each in (six, other, inner)}
    outside = serve(machine6.outside, 7000, ip="::", udp=True)
    unreachable(six, other.endpoint.address6, 80, heard[other])
    unreachable(other, six.endpoint.address6, 80, heard[six])
    gateway = inner.endpoint.gateway6
    inside(inner, lambda: run("ip", "-6", "route", "add", "default", "via", gateway))
    unreachable(inner, OUTSIDE6, 7000, outside)
    unreachable(inner, other.endpoint.address6, 80, heard[other])
    for each in (six, inner):
        assert each.endpoint is not None
        target = each.endpoint.address6
        way = ("ip", "-6", "route", "add", f"{target}/128", "via", HOST6)
        inside(machine6.outside, functools.partial(run, *way))
        unreachable(machine6.outside, target, 80, heard[each])


def test_ports_on_ipv6_need_a_network_with_it(root: Root) -> None:
    with pytest.raises(InvalidInput, match=r"network bridge has no IPv6 to publish \[::\]:8000"):
        root.attach("c-one", "[::]:8000:80")


class Living:
    """A process in a container's namespace, as the container's own would be."""

    def __init__(self, attachment: Attachment) -> None:
        self.process = inside(attachment, lambda: subprocess.Popen(["sleep", "600"]))
        self.pid = self.process.pid
        identity = host.identify(self.pid)
        assert identity is not None
        self.identity = identity

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def living(root: Root) -> Iterator[tuple[Attachment, Living]]:
    """On the network red, with a published port."""
    root.create("red")
    root.create("blue")
    attachment = root.join("c-one", "red", publish=("8000:80",))
    process = Living(attachment)
    yield attachment, process
    process.close()


def test_a_running_container_is_connected_and_disconnected(
    machine: Machine, root: Root, serve: Serve, living: tuple[Attachment, Living]
) -> None:
    attachment, process = living
    neighbour = root.join("c-two", "blue")
    serve(attachment, 80)
    serve(neighbour, 80)
    serve(machine.outside, 7000)
    assert ask(attachment, address(neighbour), 80, wait=DENIED) is None
    wanted = Connection(network="blue", ip=None, interface="lan0")
    changes.connect(root.networks, Member(holder="c-one"), process.identity, wanted)
    red, blue = root.networks.endpoints("c-one")
    assert (red.interface, blue.interface) == ("eth0", "lan0")
    assert ask(attachment, address(neighbour), 80) == blue.address
    assert ask(neighbour, blue.address, 80) == address(neighbour)
    assert (red.ports, len(blue.ports)) == ((), 1), "blue is the first by name: the way out"
    assert ask(machine.outside, HOST, 8000) == OUTSIDE
    assert ask(attachment, OUTSIDE, 7000) == HOST
    with pytest.raises(Conflict, match="already exists in network blue"):
        changes.connect(root.networks, Member(holder="c-one"), process.identity, wanted)

    changes.disconnect(root.networks, "c-one", process.identity, "blue")
    assert ask(attachment, address(neighbour), 80, wait=DENIED) is None
    assert ask(machine.outside, HOST, 8000) == OUTSIDE, "its port moved back"
    assert ask(attachment, OUTSIDE, 7000) == HOST
    changes.disconnect(root.networks, "c-one", process.identity, "red")
    assert inside(attachment, lambda: run("ip", "-br", "link")).split()[0] == "lo"
    assert root.networks.endpoints("c-one") == ()
    with pytest.raises(NotFound, match="not connected to network red"):
        changes.disconnect(root.networks, "c-one", process.identity, "red")
    changes.connect(
        root.networks, Member(holder="c-one"), process.identity, Connection(network="red")
    )
    assert ask(attachment, OUTSIDE, 7000) == HOST


_PROGRAM = """
import sys
from dockyard.config import Config
from dockyard.networks import changes
from dockyard.networks.apply import Networks
from dockyard.networks.asking import Member
from dockyard.networks.manage import Catalog
from dockyard.networks.model import Connection
from dockyard.networks.request import NetworkRequest
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths
from dockyard.system import host
paths = Paths(sys.argv[1] + "/root", sys.argv[1] + "/run")
networks = Networks(paths, Database(paths.database), Config(root=paths.root, run=paths.run))
catalog = Catalog(networks, paths.root_hash)
print("ready", flush=True)
sys.stdin.readline()
"""
_CREATE = (
    _PROGRAM
    + """
catalog.create(NetworkRequest(name=sys.argv[2], ipv6=True))
catalog.remove(sys.argv[2])
"""
)
_CONNECT = (
    _PROGRAM
    + """
with Lock.acquire(paths.locks + "/c-one.lock"):
    process = host.identify(int(sys.argv[2]))
    changes.connect(networks, Member(holder="c-one"), process, Connection(network="blue"))
    changes.disconnect(networks, "c-one", process, "blue")
"""
)


def begin(root: Root, program: str, *arguments: str) -> subprocess.Popen[str]:
    source = str(Path(__file__).parents[2] / "src")
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(root.directory), *arguments],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONPATH": source},
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()
    return process


def test_kill_while_a_network_is_made_or_removed_leaves_it_whole_or_not_at_all(
    machine: Machine, root: Root
) -> None:
    delays = random.Random(3)
    for _ in range(15):
        with begin(root, _CREATE, "red") as process:
            time.sleep(delays.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
        root.networks.verify()
        present = [each for each in root.catalog.list() if each.name == "red"]
        links = run("ip", "-br", "link")
        assert [each.bridge for each in present if each.bridge not in links] == []
        root.catalog.prune(present)
        assert left_in_the_end() == []


def test_kill_while_a_container_is_connected_leaves_it_as_it_was(
    machine: Machine, root: Root, serve: Serve, living: tuple[Attachment, Living]
) -> None:
    attachment, process = living
    serve(attachment, 80)
    delays = random.Random(5)
    for _ in range(15):
        with begin(root, _CONNECT, str(process.pid)) as changing:
            time.sleep(delays.uniform(0, 0.06))
            changing.send_signal(signal.SIGKILL)
        for each in root.networks.pending():  # as the next command does
            changes.withdraw(root.networks, "c-one", process.identity, each.network)
        root.networks.verify()
        if len(root.networks.endpoints("c-one")) > 1:
            changes.disconnect(root.networks, "c-one", process.identity, "blue")
        names = [line.split("@")[0] for line in
                 inside(attachment, lambda: run("ip", "-br", "link")).splitlines()]  # fmt: skip
        assert [name.split()[0] for name in names] == ["lo", "eth0"]
        assert ask(machine.outside, HOST, 8000) == OUTSIDE


def test_two_at_once_make_one_network_of_a_name(root: Root) -> None:
    with (
        begin(root, _PROGRAM + "catalog.create(NetworkRequest(name='red'))") as one,
        begin(root, _PROGRAM + "catalog.create(NetworkRequest(name='red'))") as other,
    ):
        codes = sorted(each.wait(30) for each in (one, other))
    assert codes == [0, 1]
    assert [each.name for each in root.catalog.list()] == ["bridge", "host", "none", "red"]


def test_bridges_and_rules_of_made_networks_come_back(
    machine: Machine, root: Root, serve: Serve
) -> None:
    network = root.create("red")
    one = root.join("c-one", "red", publish=("8000:80",))
    serve(one, 80)
    run("nft", "flush", "ruleset")
    run("ip", "link", "del", network.bridge)
    root.networks.verify()
    assert ask(machine.outside, HOST, 8000) == OUTSIDE


def test_subnets_avoid_those_of_other_roots_and_of_the_host(root: Root, tmp_path: Path) -> None:
    other = Root(tmp_path / "other")
    run("ip", "route", "add", "unreachable", "10.87.0.0/20")
    first, second = root.create("one"), other.create("one")
    assert (first.ipv4.subnet, second.ipv4.subnet) == ("10.87.16.0/22", "10.87.20.0/22")
    with pytest.raises(Conflict, match="Pool overlaps with other one on this address space"):
        root.create("two", subnets=(second.ipv4.subnet,))
    other.close()


def test_a_network_in_use_stays(root: Root) -> None:
    root.create("red")
    root.join("c-one", "red")
    with pytest.raises(Conflict, match="network red has active endpoints"):
        root.catalog.remove("red")
    assert root.catalog.prune(root.catalog.list()) == []
    root.networks.detach("c-one")
    assert [each.name for each in root.catalog.prune(root.catalog.list())] == ["red"]
