"""The bridge network with real namespaces, in a network namespace made for each test.

The machine's own network is never touched: the test's thread moves into a fresh namespace that
plays the host, with an uplink to another that plays the rest of the world. Containers are
namespaces whose servers are sockets that a thread opened in there.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.support.wires import (
    DENIED,
    HOST,
    OUTSIDE,
    Machine,
    Root,
    Serve,
    address,
    ask,
    inside,
    left_in_the_end,
    leftovers,
    machine,
    published,
    root,
    run,
    serve,
)

from dockyard.errors import Conflict, InvalidInput
from dockyard.networks import kernel
from dockyard.networks.attachment import Attachment

__all__ = ["machine", "root", "serve"]  # fixtures

pytestmark = [
    pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root"),
    pytest.mark.skipif(not shutil.which("nft"), reason="nftables is not installed"),
]

_ATTACH = """
import sys
from dockyard.config import Config
from dockyard.networks.apply import Networks
from dockyard.networks.ports import parse_publish
from dockyard.state.database import Database
from dockyard.state.paths import Paths
root, holder, publish = sys.argv[1:]
paths = Paths(root + "/root", root + "/run")
networks = Networks(paths, Database(paths.database), Config(root=paths.root, run=paths.run))
print("ready", flush=True)
sys.stdin.readline()
with networks.attach(holder, parse_publish(publish)) as attachment:
    print(attachment.endpoint.address, flush=True)
    sys.stdin.readline()
networks.detach(holder)
"""


def test_a_container_has_an_address_and_reaches_the_world_as_the_host(
    machine: Machine, root: Root, serve: Serve
) -> None:
    container = root.attach("c-one")
    serve(container, 80)
    serve(machine.outside, 7000)
    serve(machine.outside, 7000, udp=True)
    assert ask(None, address(container), 80) is not None
    assert ask(container, "127.0.0.1", 80) == "127.0.0.1"
    assert ask(container, OUTSIDE, 7000) == HOST
    assert ask(container, OUTSIDE, 7000, udp=True) == HOST
    assert "mtu 1400" in inside(container, lambda: run("ip", "link", "show", "eth0"))
    assert "inet6" not in inside(container, lambda: run("ip", "addr", "show", "eth0"))


@pytest.mark.parametrize("udp", [False, True], ids=["tcp", "udp"])
def test_a_published_port_answers_from_everywhere(
    machine: Machine, root: Root, serve: Serve, udp: bool
) -> None:
    first = root.attach("c-one", "8000:80/udp" if udp else "8000:80")
    second = root.attach("c-two")
    serve(first, 80, udp=udp)
    assert ask(None, "127.0.0.1", 8000, udp=udp), "from the host by localhost"
    assert ask(None, HOST, 8000, udp=udp) == HOST, "from the host by its address"
    assert ask(machine.outside, HOST, 8000, udp=udp) == OUTSIDE, "from outside"
    assert ask(second, HOST, 8000, udp=udp), "from another container"
    assert ask(first, HOST, 8000, udp=udp), "from itself"
    assert ask(second, address(first), 80, udp=udp) == address(second), "directly"


def test_a_port_may_be_published_on_any_free_port_of_one_address(
    machine: Machine, root: Root, serve: Serve
) -> None:
    container = root.attach("c-one", f"{HOST}::80")
    serve(container, 80)
    assert ask(machine.outside, HOST, published(container)) == OUTSIDE
    assert ask(None, "127.0.0.1", published(container), wait=DENIED) is None


def test_a_port_published_on_loopback_is_the_hosts_alone(
    machine: Machine, root: Root, serve: Serve
) -> None:
    container = root.attach("c-one", "127.0.0.1:8000:80/udp")
    other = root.attach("c-two")
    asked = serve(container, 80, udp=True)
    assert ask(None, "127.0.0.1", 8000, udp=True) is not None
    asked.clear()
    _route_loopback_to(machine.outside, HOST)
    inside(machine.outside, lambda: run("ip", "route", "add", "10.87.0.0/16", "via", HOST))
    for where, ip, port in (
        (machine.outside, HOST, 8000),
        (machine.outside, "127.0.0.1", 8000),
        (machine.outside, address(container), 80),
        (other, HOST, 8000),
    ):
        assert ask(where, ip, port, udp=True, wait=DENIED) is None
        assert asked == []


def test_a_container_reaches_the_host_but_never_its_loopback(root: Root, serve: Serve) -> None:
    container = root.attach("c-one")
    assert container.endpoint is not None
    gateway = container.endpoint.gateway
    serve(None, 7001, ip="0.0.0.0")
    assert ask(container, gateway, 7001) == address(container)
    assert ask(container, HOST, 7001) == address(container)
    asked = serve(None, 7002, ip="127.0.0.1", udp=True)
    _route_loopback_to(container, gateway)
    assert ask(container, "127.0.0.1", 7002, udp=True, wait=DENIED) is None
    assert asked == []


def _route_loopback_to(where: int | Attachment, gateway: str) -> None:
    def change() -> None:
        Path("/proc/sys/net/ipv4/conf/all/route_localnet").write_text("1")
        for block in ("127.0.0.0/8", "127.0.0.1", "127.255.255.255"):
            kind = "broadcast" if block.endswith("255") else "local"
            subprocess.run(["ip", "route", "del", kind, block, "table", "local"], check=True)
        run("ip", "route", "add", "127.0.0.0/8", "via", gateway)

    inside(where, change)


def test_a_port_that_a_server_has_is_a_conflict_and_nothing_stays(root: Root, serve: Serve) -> None:
    serve(None, 8000)
    with pytest.raises(
        Conflict, match=r"^Bind for 0\.0\.0\.0:8000 failed: port is already"
    ) as info:
        root.attach("c-one", "8001:80", "8000:80")
    assert info.value.exit_code == 125
    assert root.networks.holders() == set()
    assert left_in_the_end() == []
    root.attach("c-one", "8001:80", "8000:80/udp")


def test_a_port_that_a_container_has_is_a_conflict_that_names_it(root: Root) -> None:
    first = root.attach("c-0123456789abcdef", "127.0.0.1:8000:80")
    with pytest.raises(Conflict, match="already allocated") as info:
        root.attach("c-two", "8000:80")
    assert "container 0123456789ab" in (info.value.hint or "")
    first.close()  # its monitor was killed, but it still runs
    with pytest.raises(Conflict, match="already allocated"):
        root.attach("c-two", "8000:80")
    root.networks.detach("c-0123456789abcdef")
    root.attach("c-two", "8000:80")


def test_connections_of_a_server_that_has_ended_are_no_conflict(
    machine: Machine, root: Root
) -> None:
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind(("127.0.0.1", 8000))
        server.listen()
        with socket.create_connection(("127.0.0.1", 8000)) as client:
            server.accept()[0].close()  # the side that closes first waits in TIME_WAIT
            assert client.recv(1) == b""
    assert "TIME-WAIT" in run("ss", "-tan")
    root.attach("c-one", "8000:80")


def test_an_address_that_the_host_lacks_is_refused(root: Root) -> None:
    with pytest.raises(InvalidInput, match="cannot assign requested address"):
        root.attach("c-one", "198.51.100.7:8000:80")


def test_isolated_has_only_loopback(machine: Machine, root: Root) -> None:
    with root.networks.isolated() as attachment:
        links = inside(attachment, lambda: run("ip", "-br", "link")).splitlines()
    assert [line.split()[0] for line in links] == ["lo"]
    assert "LOOPBACK,UP" in links[0]


def test_the_subnet_avoids_every_route_of_the_host(machine: Machine, root: Root) -> None:
    run("ip", "route", "add", "10.0.0.0/8", "via", OUTSIDE, "table", "77")
    run("ip", "route", "add", "unreachable", "172.16.0.0/12")
    assert address(root.attach("c-one")).startswith("192.168.")


def test_two_roots_have_networks_of_their_own(
    machine: Machine, root: Root, tmp_path: Path, serve: Serve
) -> None:
    other = Root(tmp_path / "other")
    here, there = root.attach("c-one", "8000:80"), other.attach("c-one", "8001:80")
    serve(here, 80)
    serve(there, 80)
    assert ask(here, address(there), 80, wait=DENIED) is None
    assert ask(there, address(here), 80, wait=DENIED) is None
    assert ask(here, HOST, 8001) is not None
    assert ask(there, HOST, 8000) is not None
    other.close()
    assert ask(None, "127.0.0.1", 8000) is not None
    assert all(root.paths.root_hash in name for name in leftovers() if name.startswith("d"))


def test_rules_and_bridge_come_back(machine: Machine, root: Root, serve: Serve) -> None:
    container = root.attach("c-one", "8000:80")
    serve(container, 80)
    run("nft", "flush", "ruleset")
    assert ask(machine.outside, HOST, 8000, wait=DENIED) is None
    root.networks.verify()
    assert ask(machine.outside, HOST, 8000) == OUTSIDE
    run("ip", "link", "del", f"dy-{root.paths.root_hash}")
    root.networks.verify()
    assert ask(machine.outside, HOST, 8000) == OUTSIDE


def test_nothing_runs_while_nothing_changed(root: Root, monkeypatch: pytest.MonkeyPatch) -> None:
    root.attach("c-one", "8000:80")
    before = kernel.rules_generation()
    root.networks.verify()
    with monkeypatch.context() as patch:
        patch.setattr("dockyard.system.process.find", lambda _: None)
        root.networks.verify()
    assert kernel.rules_generation() == before


_NFT_DROP = "{ type filter hook forward priority 10; policy drop; }"
_FIREWALLS = {
    "nft": [["nft", "add table inet fw"], ["nft", f"add chain inet fw passing {_NFT_DROP}"]],
    "iptables-nft": [["iptables-nft", "-P", "FORWARD", "DROP"]],
    "docker": [
        ["iptables-nft", "-P", "FORWARD", "DROP"],
        ["iptables-nft", "-N", "DOCKER-USER"],
        ["iptables-nft", "-A", "FORWARD", "-j", "DOCKER-USER"],
    ],
    "iptables-legacy": [["iptables-legacy", "-P", "FORWARD", "DROP"]],
}


@pytest.mark.parametrize("later", [False, True], ids=["firewall first", "firewall later"])
@pytest.mark.parametrize("name", _FIREWALLS)
def test_beside_a_firewall_that_drops_what_is_forwarded(
    machine: Machine, root: Root, serve: Serve, name: str, later: bool
) -> None:
    commands = _FIREWALLS[name]
    if not shutil.which(commands[0][0]):
        pytest.skip(f"{commands[0][0]} is not installed")
    serve(machine.outside, 7000)
    if later:
        root.attach("c-zero")
    for command in commands:
        run(*command)
    untouched = _firewall(name)
    container, other = root.attach("c-one", "8000:80"), root.attach("c-two")
    root.networks.verify()
    serve(container, 80)
    assert ask(container, OUTSIDE, 7000) == HOST
    assert ask(machine.outside, HOST, 8000) == OUTSIDE
    assert ask(other, address(container), 80) == address(other)
    assert ask(other, HOST, 8000) is not None
    assert _firewall(name) != untouched
    root.close()
    assert _firewall(name) == untouched


def _firewall(name: str) -> str:
    """The other firewall's rules, as its own tool lists them."""
    if name == "nft":
        return run("nft", "list", "table", "inet", "fw")
    return run("iptables-legacy" if name == "iptables-legacy" else "iptables-nft", "-S")


def _start(root: Root, holder: str, publish: str) -> subprocess.Popen[str]:
    source = str(Path(__file__).parents[2] / "src")
    argv = [sys.executable, "-c", _ATTACH, str(root.directory), holder, publish]
    pipe = subprocess.PIPE
    environment = {**os.environ, "PYTHONPATH": source}
    return subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True, env=environment)


def _tell(process: subprocess.Popen[str]) -> None:
    assert process.stdin is not None
    process.stdin.write("\n")
    process.stdin.flush()


def _hear(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def test_ten_processes_attach_at_once(machine: Machine, root: Root) -> None:
    processes = [_start(root, f"c-{i}", f"{9000 + i}:80") for i in range(10)]
    with contextlib.ExitStack() as stack:
        for process in processes:
            stack.enter_context(process)
        assert {_hear(process) for process in processes} == {"ready"}
        for process in processes:
            _tell(process)
        found = {_hear(process) for process in processes}
        assert len(found) == 10
        rules = run("nft", "list", "ruleset")
        assert all(f"tcp dport {9000 + i} dnat to" in rules for i in range(10))
        for process in processes:
            _tell(process)
    assert [process.returncode for process in processes] == [0] * 10
    assert left_in_the_end() == []


def test_kill_at_any_moment_leaves_nothing(machine: Machine, root: Root) -> None:
    delays = random.Random(7)
    for _ in range(30):
        with _start(root, "c-killed", "8000:80") as process:
            assert _hear(process) == "ready"
            _tell(process)
            time.sleep(delays.uniform(0, 0.03))
            process.send_signal(signal.SIGKILL)
        _until_clean(root)


def test_kill_beside_a_running_container_does_not_touch_it(
    machine: Machine, root: Root, serve: Serve
) -> None:
    container = root.attach("c-stays", "8001:80")
    serve(container, 80)
    delays = random.Random(11)
    for _ in range(15):
        with _start(root, "c-killed", "8000:80") as process:
            assert _hear(process) == "ready"
            _tell(process)
            time.sleep(delays.uniform(0, 0.02))
            process.send_signal(signal.SIGKILL)
        root.networks.detach("c-killed")
        root.networks.verify()
        assert ask(machine.outside, HOST, 8001) == OUTSIDE
    assert root.networks.holders() == {"c-stays"}
    root.close()
    _until_clean(root)


def _until_clean(root: Root) -> None:
    """As the next command does."""
    root.networks.detach("c-killed")
    root.networks.verify()
    assert left_in_the_end() == []
    assert root.networks.holders() == set()
