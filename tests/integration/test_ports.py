"""The network of containers as a user meets it: addresses, published ports, conflicts."""

from __future__ import annotations

import socket
import subprocess
import time

import pytest
from tests.support.roots import Root, foreground

from dockyard import Engine, Options, RunningContainer
from dockyard.errors import Conflict

SERVER = "while :; do echo 'hello' | nc -l -p 80; done"
QUICK = Options(stop_signal="SIGKILL")


def server(engine: Engine, port: int | str | None = None, **more: object) -> RunningContainer:
    ports = {80: port}
    return engine.run("busybox", ["sh", "-c", SERVER], ports=ports, options=QUICK, **more)  # type: ignore[arg-type]  # by name


def ask(address: str, port: int, seconds: float = 5.0) -> bytes:
    """What the server says; tries until it listens."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with socket.create_connection((address, port), timeout=1) as connection:
                if data := connection.recv(100):
                    return data
        except OSError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.05)


def own_address() -> str:
    """An address of this host that is not the loopback one."""
    done = subprocess.run(["ip", "-4", "-o", "route", "get", "192.0.2.1"], capture_output=True,
                          text=True)  # fmt: skip
    words = done.stdout.split()
    if "src" not in words:
        pytest.skip("this host has no address but the loopback")
    return words[words.index("src") + 1]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])


def test_a_port_is_reachable_by_localhost_by_the_hosts_address_and_from_containers(
    engine: Engine,
) -> None:
    with server(engine, 0) as container:
        port = container.ports[80]
        assert ask("127.0.0.1", port) == b"hello\n"
        assert ask(own_address(), port) == b"hello\n"
        assert container.url(80) == f"http://127.0.0.1:{port}"
        for address in (own_address(), _gateway(engine, container)):
            _, output = foreground(engine, "nc", "-w", "3", address, str(port), network="bridge")
            assert output.text == "hello\n"
    with pytest.raises(OSError, match=r"refused|timed out"):
        socket.create_connection(("127.0.0.1", port), timeout=1)


def _gateway(engine: Engine, container: RunningContainer) -> str:
    endpoint = engine.parts.networks.endpoint(f"c-{container.id}")
    assert endpoint is not None
    return endpoint.gateway


def test_a_port_of_one_address_is_not_on_others(engine: Engine) -> None:
    port = free_port()
    with server(engine, f"127.0.0.1:{port}"):
        assert ask("127.0.0.1", port) == b"hello\n"
        with pytest.raises(OSError, match=r"refused|timed out"):
            socket.create_connection((own_address(), port), timeout=1)


def test_containers_reach_each_other_by_address_and_the_world(engine: Engine) -> None:
    with server(engine) as container:
        endpoint = engine.parts.networks.endpoint(f"c-{container.id}")
        assert endpoint is not None
        ask("127.0.0.1", container.ports[80])
        _, output = foreground(engine, "nc", "-w", "3", endpoint.address, "80", network="bridge")
    assert output.text == "hello\n"


def test_a_port_in_use_is_refused_before_anything_starts(engine: Engine) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", 0))
        holder.listen()
        port = holder.getsockname()[1]
        with pytest.raises(Conflict, match="port is already allocated") as caught:
            server(engine, port)
        assert caught.value.exit_code == 125
    assert engine.containers.all() == []


def test_a_port_of_another_container_is_refused_and_free_after_its_end(
    engine: Engine, root: Root
) -> None:
    with server(engine, 0) as container:
        port = container.ports[80]
        with pytest.raises(Conflict, match="already allocated") as caught:
            server(engine, port)
        words = f"container {container.name} ({container.id[:12]}) publishes it"
        assert words in (caught.value.hint or "")
    with server(engine, port):
        assert ask("127.0.0.1", port) == b"hello\n"


def test_none_has_a_loopback_and_nothing_else(engine: Engine) -> None:
    _, output = foreground(engine, "sh", "-c", "ls /sys/class/net; ip -o -4 addr | grep -c inet")

    assert output.text.split() == ["lo", "1"]


def test_host_is_the_hosts(engine: Engine) -> None:
    _, output = foreground(engine, "readlink", "/proc/self/ns/net", network="host")

    with open("/proc/self/ns/net") as mine:
        assert output.text.strip() == f"net:[{__import__('os').fstat(mine.fileno()).st_ino}]"


def test_bridge_has_one_address_a_route_and_names(engine: Engine) -> None:
    _, output = foreground(
        engine, "sh", "-c", "ip -o -4 addr show eth0 | wc -l; ip route | grep -c default;"
        'grep -c "$(hostname)" /etc/hosts; grep -c nameserver /etc/resolv.conf',
        network="bridge",
    )  # fmt: skip

    assert output.text.split()[:3] == ["1", "1", "1"]
    assert int(output.text.split()[3]) >= 1


def test_rules_come_back_after_a_flush(engine: Engine, root: Root) -> None:
    """Another program may flush all rules; the next command puts ours back."""
    with server(engine, 0) as container:
        port = container.ports[80]
        assert ask("127.0.0.1", port) == b"hello\n"
        tables = subprocess.run(["nft", "list", "tables"], capture_output=True, text=True)
        for line in tables.stdout.splitlines():
            if engine.paths.root_hash in line:
                subprocess.run(["nft", "delete", *line.split()], check=True)
        root.engine().close()
        assert ask(own_address(), port) == b"hello\n"


def test_two_roots_side_by_side_keep_apart(make_root: object) -> None:
    first, second = make_root(), make_root()  # type: ignore[operator]
    with first.engine() as one, second.engine() as two, server(one, 0) as a, server(two, 0) as b:
        assert a.ports[80] != b.ports[80]
        assert ask("127.0.0.1", a.ports[80]) == ask("127.0.0.1", b.ports[80]) == b"hello\n"
        with pytest.raises(Conflict):
            server(two, a.ports[80])
        a.stop()
        assert ask("127.0.0.1", b.ports[80]) == b"hello\n"
