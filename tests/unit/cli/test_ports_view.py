"""Ports as Docker 28.5 shows them: the expected texts are its own, of the same command lines."""

from __future__ import annotations

import pytest

from dockyard.cli import ports_view
from dockyard.containers.model import Container, Networking, Options
from dockyard.networks.model import PortMapping
from dockyard.networks.ports import parse_publish

BOTH = ("0.0.0.0", "::")


def running(*given: str) -> list[PortMapping]:
    """What ``-p`` values are published as by Docker: on IPv4 and IPv6 where no address is named."""
    return [
        PortMapping(
            container_port=one.container_port, protocol=one.protocol, host_port=one.host_port,
            host_ip=address,
        )
        for text in given for one in parse_publish(text)
        for address in ((one.host_ip,) if one.host_ip else BOTH)
    ]  # fmt: skip


CASES = {
    "range": (
        ["29100-29102:29100-29102"], [],
        "0.0.0.0:29100-29102->29100-29102/tcp, [::]:29100-29102->29100-29102/tcp",
    ),
    "range to others": (
        ["29100-29102:100-102"], ["1234/tcp"],
        ("1234/tcp, 0.0.0.0:29100->100/tcp, [::]:29100->100/tcp, 0.0.0.0:29101->101/tcp,"
        " [::]:29101->101/tcp, 0.0.0.0:29102->102/tcp, [::]:29102->102/tcp"),
    ),
    "exposed ranges": (
        ["29100-29101:100-101/udp", "29103:100"], ["101/tcp", "50/tcp", "51/tcp", "52/tcp"],
        ("50-52/tcp, 101/tcp, 0.0.0.0:29100->100/udp, 0.0.0.0:29103->100/tcp,"
        " [::]:29100->100/udp, [::]:29103->100/tcp, 0.0.0.0:29101->101/udp, [::]:29101->101/udp"),
    ),
    "addresses": (
        ["[::1]:8085:80", "127.0.0.1:8086:80", "8087:80"], [],
        "0.0.0.0:8087->80/tcp, 127.0.0.1:8086->80/tcp, [::]:8087->80/tcp, [::1]:8085->80/tcp",
    ),
    "two host ports": (
        ["8080:80", "8070:80", "443:443", "9:9/udp"], [],
        ("0.0.0.0:9->9/udp, [::]:9->9/udp, 0.0.0.0:443->443/tcp, [::]:443->443/tcp,"
        " 0.0.0.0:8070->80/tcp, 0.0.0.0:8080->80/tcp, [::]:8070->80/tcp, [::]:8080->80/tcp"),
    ),
    "ranges that end": (
        ["127.0.0.1:29100-29101:29100-29101", "29102:29102", "5000:5000"],
        ["5001/tcp", "5002/udp", "5003/sctp"],
        ("0.0.0.0:5000->5000/tcp, [::]:5000->5000/tcp, 0.0.0.0:29102->29102/tcp,"
        " [::]:29102->29102/tcp, 5001/tcp, 5002/udp, 5003/sctp,"
        " 127.0.0.1:29100-29101->29100-29101/tcp"),
    ),
    "both protocols": (
        ["29100:29100", "29100:29100/udp", "29101:29101"], ["7/tcp", "7/udp", "8/tcp"],
        ("7-8/tcp, 7/udp, 0.0.0.0:29100-29101->29100-29101/tcp, 0.0.0.0:29100->29100/udp,"
        " [::]:29100-29101->29100-29101/tcp, [::]:29100->29100/udp"),
    ),
    "two addresses": (
        ["127.0.0.1:80:80", "127.0.0.2:80:80", "127.0.0.1:81:81", "127.0.0.2:81:81"], [],
        "127.0.0.1:80-81->80-81/tcp, 127.0.0.2:80-81->80-81/tcp",
    ),
    "a gap": (
        ["80:80", "81:81", "83:83", "84:84", "1000:85"], ["85/udp", "82"],
        ("0.0.0.0:80-81->80-81/tcp, [::]:80-81->80-81/tcp, 0.0.0.0:83-84->83-84/tcp,"
        " [::]:83-84->83-84/tcp, 82/tcp, 85/udp, 0.0.0.0:1000->85/tcp, [::]:1000->85/tcp"),
    ),
    "nothing": ([], [], ""),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_the_column_is_dockers(name: str) -> None:
    publish, exposed, text = CASES[name]

    assert ports_view.text(ports_view.listed(running(*publish), exposed)) == text


def test_what_is_exposed_has_null_for_its_bindings() -> None:
    ports = ports_view.listed(running("29100:100"), ["1234/tcp", "100/tcp", "50"])

    assert ports_view.bindings(ports) == {
        "100/tcp": [
            {"HostIp": "0.0.0.0", "HostPort": "29100"}, {"HostIp": "::", "HostPort": "29100"},
        ],
        "1234/tcp": None,
        "50/tcp": None,
    }  # fmt: skip


def test_bindings_of_one_port_are_in_the_order_of_the_hosts_ports() -> None:
    ports = ports_view.listed(running("[::1]:8085:80", "8087:80", "127.0.0.1:8086:80"))

    assert [
        (each["HostIp"], each["HostPort"]) for each in ports_view.bindings(ports)["80/tcp"] or ()
    ] == [("::1", "8085"), ("127.0.0.1", "8086"), ("0.0.0.0", "8087"), ("::", "8087")]


def test_what_was_asked_for_stays_as_it_was_asked() -> None:
    asked = [one for text in ("8080:80", "8070:80", "443", "5000-5005:50/udp")
             for one in parse_publish(text)]  # fmt: skip

    assert ports_view.wanted(asked) == {
        "443/tcp": [{"HostIp": "", "HostPort": ""}],
        "50/udp": [{"HostIp": "", "HostPort": "5000-5005"}],
        "80/tcp": [{"HostIp": "", "HostPort": "8080"}, {"HostIp": "", "HostPort": "8070"}],
    }


def test_the_lines_of_port_are_in_dockers_order() -> None:
    ports = running("8080:80", "8070:80", "9:9/udp", "[::1]:8085:80")

    found = [f"{one.container_port}/{one.protocol} {one.host}" for one in ports_view.lines(ports)]
    assert found == [
        "9/udp 0.0.0.0:9", "9/udp [::]:9", "80/tcp 0.0.0.0:8070", "80/tcp 0.0.0.0:8080",
        "80/tcp [::1]:8085", "80/tcp [::]:8070", "80/tcp [::]:8080",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("state", "network", "exposed"),
    [
        ("running", "bridge", ("80/tcp", "1234/tcp")),
        ("running", "mine", ("80/tcp", "1234/tcp")),
        ("running", "host", ()),
        ("running", "none", ()),
        ("running", "container:other", ()),
        ("exited", "bridge", ()),
    ],
)
def test_only_what_runs_on_networks_exposes(
    state: str, network: str, exposed: tuple[str, ...]
) -> None:
    options = Options(networking=Networking(network=network, exposed_ports=("1234/tcp",)))
    container = Container(
        id="c0" * 32, name="web", image_id="i", image_name="app", state=state, options=options,  # type: ignore[arg-type]  # states by name
        created=0,
    )  # fmt: skip

    assert ports_view.exposed(container, ("80/tcp",)) == exposed
