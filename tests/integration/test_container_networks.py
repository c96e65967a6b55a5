"""Networks as users see them: the commands, names, and real containers."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from tests.support.roots import Root

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="containers need root")

needs_names = pytest.mark.skipif(
    not (shutil.which("aardvark-dns") or os.path.exists("/usr/lib/podman/aardvark-dns")),
    reason="aardvark-dns is not installed",
)


def inspected(root: Root, *words: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(root.cli(*words, check=True).stdout)[0]
    return found


def start(root: Root, name: str, *flags: str, command: tuple[str, ...] = ("sleep", "600")) -> None:
    root.cli("run", "-d", "--name", name, *flags, "busybox", *command, check=True)


def resolves(root: Root, container: str, name: str) -> set[str]:
    """The addresses that a container gets for a name."""
    done = root.cli("exec", container, "nslookup", name)
    lines = done.stdout.partition("\n\n")[2].splitlines()
    return {line.split()[1] for line in lines if line.startswith("Address")}


def server(root: Root) -> int:
    """The process that answers for names; 0 where there is none."""
    path = Path(f"{root.paths.run}/names/open/aardvark.pid")
    return int(path.read_text()) if path.exists() else 0


@needs_names
def test_containers_find_each_other_by_name(root: Root) -> None:
    root.cli("network", "create", "red", check=True)
    start(root, "web1", "--network", "red", "--network-alias", "web", "--hostname", "first")
    start(root, "web2", "--network", "name=red,alias=web,alias=www")
    addresses = {
        name: inspected(root, "inspect", name)["NetworkSettings"]["Networks"]["red"]["IPAddress"]
        for name in ("web1", "web2")
    }
    for name in (
        "web2",
        "web2.red",
        "www.red",
        "WWW",
        inspected(root, "inspect", "web2")["Id"][:12],
    ):
        assert resolves(root, "web1", name) == {addresses["web2"]}, name
    assert resolves(root, "web2", "first") == {addresses["web1"]}
    assert resolves(root, "web2", "web") == set(addresses.values())
    assert resolves(root, "web1", "nobody") == set()
    backwards = root.cli("exec", "web2", "nslookup", addresses["web1"]).stdout
    assert "web1.red" in backwards
    gateway = inspected(root, "network", "inspect", "red")["IPAM"]["Config"][0]["Gateway"]
    lines = root.cli("exec", "web1", "cat", "/etc/resolv.conf").stdout.splitlines()
    assert f"nameserver {gateway}" in lines
    assert "ndots:0" in lines[-1]

    root.cli("rename", "web2", "other", check=True)
    assert resolves(root, "web1", "other") == {addresses["web2"]}
    assert resolves(root, "web1", "www") == {addresses["web2"]}
    root.cli("rename", "other", "web2", check=True)

    os.kill(server(root), signal.SIGKILL)
    root.cli("ps", check=True)
    assert resolves(root, "web1", "web2") == {addresses["web2"]}, "any command revives it"

    root.cli("rm", "-f", "web2", check=True)
    assert resolves(root, "web1", "web2") == set()
    last = server(root)
    root.cli("rm", "-f", "web1", check=True)
    assert (
        not os.path.exists(f"/proc/{last}/cmdline") or not Path(f"/proc/{last}/cmdline").read_text()
    )
    assert server(root) == 0


ASKING = """
import os, socket, sys
asked, failed = 0, []
while not os.path.exists("/tmp/stop"):
    asked += 1
    try:
        socket.getaddrinfo("target", 80)
    except OSError as error:
        failed.append(str(error))
print(asked, *failed, sep="\\n")
"""


@needs_names
def test_names_resolve_while_other_containers_come_and_go(root: Root) -> None:
    """The name server takes up each change anew, for which it stops to listen."""
    root.cli("network", "create", "red", check=True)
    start(root, "target", "--network", "red")
    root.cli("run", "-d", "--name", "asking", "--network", "red", "python:3.11", "python", "-c",
             ASKING, check=True)  # fmt: skip
    for _ in range(30):
        root.cli("run", "--rm", "--network", "red", "busybox", "true", check=True)
    root.cli("exec", "asking", "touch", "/tmp/stop", check=True)
    root.cli("wait", "asking", check=True)
    asked, *failed = root.cli("logs", "asking", check=True).stdout.split("\n")
    assert int(asked) > 50
    assert failed == [""]


@needs_names
def test_an_internal_network_has_names_but_asks_nobody(root: Root) -> None:
    root.cli("network", "create", "--internal", "inner", check=True)
    root.cli("network", "create", "red", check=True)
    start(root, "db", "--network", "inner")
    start(root, "web", "--network", "red", "--network", "inner")
    assert len(resolves(root, "db", "web")) == 1
    assert len(resolves(root, "web", "db")) == 1
    begun = time.monotonic()
    outside = root.cli("exec", "db", "nslookup", "example.org")
    assert "NXDOMAIN" in outside.stdout
    assert time.monotonic() - begun < 5, "it doesn't wait for what will not come"
    assert "default" not in root.cli("exec", "db", "ip", "route").stdout
    assert "default" in root.cli("exec", "web", "ip", "route").stdout


def test_networks_are_listed_inspected_and_removed(root: Root) -> None:
    flags = ("--subnet", "10.219.0.0/24", "--ip-range", "10.219.0.128/25", "--label", "a=b")
    network = root.cli("network", "create", *flags, "lab", check=True).stdout.strip()
    assert len(network) == 64
    listing = root.cli("network", "ls", check=True).stdout.splitlines()
    assert listing[0].split() == ["NETWORK", "ID", "NAME", "DRIVER", "SCOPE"]
    assert [line.split()[1:] for line in listing[1:]] == [
        ["bridge", "bridge", "local"], ["host", "host", "local"], ["lab", "bridge", "local"],
        ["none", "null", "local"],
    ]  # fmt: skip
    for filters, names in (
        (("type=custom",), ["lab"]),
        (("driver=null",), ["none"]),
        (("label=a=b",), ["lab"]),
        (("name=o",), ["host", "none"]),
        (("dangling=true",), ["lab"]),
        ((f"id={network[:6]}",), ["lab"]),
    ):
        words = [word for each in filters for word in ("--filter", each)]
        found = root.cli("network", "ls", *words, "--format", "{{.Name}}", check=True)
        assert found.stdout.split() == names, filters
    start(root, "one", "--network", network[:12], "--ip", "10.219.0.7", "--mac-address",
          "02:00:00:00:00:07")  # fmt: skip
    start(root, "two", "--network", "lab")
    document = inspected(root, "network", "inspect", "lab")
    members = {each["Name"]: each for each in document["Containers"].values()}
    assert members["one"]["IPv4Address"] == "10.219.0.7/24"
    assert members["one"]["MacAddress"] == "02:00:00:00:00:07"
    assert members["two"]["IPv4Address"] == "10.219.0.128/24"
    assert document["IPAM"]["Config"] == [
        {"Subnet": "10.219.0.0/24", "Gateway": "10.219.0.1", "IPRange": "10.219.0.128/25"}
    ]
    refused = root.cli("network", "rm", "lab")
    assert refused.returncode == 1
    assert 'network lab has active endpoints (name:"one" id:"' in refused.stderr
    assert root.cli("network", "rm", "host").returncode == 1
    missing = root.cli("network", "rm", "-f", "nosuch", check=True)
    assert missing.stdout == ""
    taken = root.cli("run", "--rm", "--network", "lab", "--ip", "10.219.0.7", "busybox", "true")
    assert (taken.returncode, "Address already in use" in taken.stderr) == (125, True)
    assert root.cli("network", "prune", "-f", check=True).stdout == ""
    root.cli("rm", "-f", "one", "two", check=True)
    assert root.cli("network", "prune", "-f", check=True).stdout == "Deleted Networks:\nlab\n\n"


def test_a_container_is_connected_while_it_runs_and_for_its_next_start(root: Root) -> None:
    root.cli("network", "create", "red", check=True)
    root.cli("network", "create", "blue", check=True)
    start(root, "one", "--network", "red")
    root.cli("network", "connect", "--alias", "uno", "blue", "one", check=True)
    assert root.cli("ps", "--format", "{{.Networks}}").stdout.strip() == "red,blue"
    hosts = root.cli("exec", "one", "cat", "/etc/hosts").stdout
    networks = inspected(root, "inspect", "one")["NetworkSettings"]["Networks"]
    assert all(each["IPAddress"] in hosts for each in networks.values())
    again = root.cli("network", "connect", "blue", "one")
    assert "endpoint with name one already exists in network blue" in again.stderr
    root.cli("network", "disconnect", "red", "one", check=True)
    links = root.cli("exec", "one", "ip", "-o", "link").stdout
    assert ("eth0" in links, "eth1" in links) == (False, True)
    assert "default" in root.cli("exec", "one", "ip", "route").stdout
    root.cli("stop", "-t", "0", "one", check=True)
    root.cli("network", "connect", "red", "one", check=True)
    root.cli("start", "one", check=True)
    assert set(inspected(root, "inspect", "one")["NetworkSettings"]["Networks"]) == {"red", "blue"}
    for name in ("red", "blue"):
        root.cli("network", "disconnect", name, "one", check=True)
    assert root.cli("exec", "one", "ip", "-o", "link").stdout.count("\n") == 1
    missing = root.cli("network", "disconnect", "red", "one")
    assert "container one is not connected to network red" in missing.stderr


def test_a_container_uses_another_ones_network(root: Root) -> None:
    start(root, "one", "--hostname", "first")
    shared = root.cli("run", "--rm", "--network", "container:one", "busybox", "sh", "-c",
                      "ip -o addr show eth0; hostname", check=True).stdout  # fmt: skip
    own = root.cli("exec", "one", "ip", "-o", "addr", "show", "eth0").stdout
    assert shared == f"{own}first\n"
    for flag in (
        ("-p", "80"),
        ("--hostname", "x"),
        ("--dns", "9.9.9.9"),
        ("--add-host", "a:1.2.3.4"),
    ):
        refused = root.cli("run", "--rm", "--network", "container:one", *flag, "busybox", "true")
        assert refused.returncode == 125
        assert "conflicting options" in refused.stderr
    root.cli("stop", "-t", "0", "one", check=True)
    refused = root.cli("run", "--rm", "--network", "container:one", "busybox", "true")
    assert refused.returncode == 125
    assert "cannot join network of a non running container" in refused.stderr


def test_names_and_servers_that_the_user_gives(root: Root) -> None:
    shown = root.cli(
        "run", "--rm", "--dns", "192.0.2.53", "--dns-search", "example.org", "--dns-option",
        "timeout:1", "--add-host", "friend:192.0.2.7", "--add-host", "up=host-gateway",
        "--hostname", "web", "--domainname", "example.net", "busybox", "sh", "-c",
        "cat /etc/resolv.conf /etc/hosts; ip route", check=True,
    ).stdout  # fmt: skip
    gateway = shown.rpartition("default via ")[2].split()[0]
    for line in (
        "nameserver 192.0.2.53", "search example.org", "options timeout:1", "192.0.2.7\tfriend",
        f"{gateway}\tup",
    ):  # fmt: skip
        assert line in shown.splitlines()
    assert "\tweb.example.net web\n" in shown


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (("--network", "nosuch"), "network nosuch not found"),
        (("--network-alias", "web"), "only supported for user-defined networks"),
        (("--hostname", "x\nbadid 10.9.9.9  victim,github.com"), "invalid hostname"),
        (("--ip", "10.0.0.9"), "supported on user defined networks only"),
        (("--network", "host", "--network", "bridge"), "cannot attach both"),
        (("--link", "web"), "--link is not supported"),
        (("--network", "bridge", "-p", "[::]:80:80"), "network bridge has no IPv6"),
    ],
)
def test_what_a_container_can_not_have_is_refused(
    root: Root, flags: tuple[str, ...], message: str
) -> None:
    refused = root.cli("run", "--rm", *flags, "busybox", "true")
    assert refused.returncode == 125
    assert message in refused.stderr
