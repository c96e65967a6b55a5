from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import DockyardError, InvalidInput, NotSupported
from dockyard.networks.model import PortMapping
from dockyard.networks.ports import parse_publish


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("8000", PortMapping(container_port=8000)),
        ("8000:80", PortMapping(container_port=80, host_port=8000)),
        ("8000:80/UDP", PortMapping(container_port=80, host_port=8000, protocol="udp")),
        ("127.0.0.1::80", PortMapping(container_port=80, host_ip="127.0.0.1")),
        (":80", PortMapping(container_port=80)),
        ("[::1]:8000:80", PortMapping(container_port=80, host_port=8000, host_ip="::1")),
        ("[::]::80", PortMapping(container_port=80, host_ip="::")),
        ("[::]:80", PortMapping(container_port=80, host_ip="::")),
        (
            "8000-8003:80/udp",
            PortMapping(container_port=80, host_port=8000, last_host_port=8003, protocol="udp"),
        ),
        (
            "127.0.0.1:8000:80",
            PortMapping(container_port=80, host_port=8000, host_ip="127.0.0.1"),
        ),
    ],
)
def test_dockers_forms(text: str, expected: PortMapping) -> None:
    assert parse_publish(text) == (expected,)


def test_a_range_is_a_mapping_for_each_port() -> None:
    found = parse_publish("8000-8002:80-82")
    pairs = [(port.host_port, port.container_port) for port in found]
    assert pairs == [(8000, 80), (8001, 81), (8002, 82)]
    assert [port.container_port for port in parse_publish("80-81")] == [80, 81]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no port specified"),
        ("8000:", "no port specified: 8000:<empty>"),
        ("web", "invalid containerPort: web"),
        ("0", "invalid containerPort: 0"),
        ("65536", "invalid containerPort: 65536"),
        ("82-80", "invalid containerPort: 82-80"),
        ("web:80", "invalid hostPort: web"),
        ("1.2.3:8000:80", "invalid IP address: 1.2.3"),
        ("1:2:3:4", "invalid publish format"),
        ("[::1:80:80", "invalid publish format"),
        ("[127.0.0.1]:80:80", "invalid publish format"),
        ("[fg::]:80:80", "invalid IP address: fg::"),
        ("80/icmp", "invalid proto: icmp"),
        ("80/", "invalid proto: "),
        ("8000-8003:80-81", "invalid ranges specified"),
    ],
)
def test_what_makes_no_sense_says_why(text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as info:
        parse_publish(text)
    assert info.value.exit_code == 125
    assert info.value.hint


@pytest.mark.parametrize("text", ["80/sctp"])
def test_sctp_is_refused(text: str) -> None:
    with pytest.raises(NotSupported):
        parse_publish(text)


@given(st.text(alphabet="0123456789.:-/[]tcpudx\u0661", max_size=24))
def test_any_text_is_a_mapping_or_a_clear_error(text: str) -> None:
    try:
        ports = parse_publish(text)
    except DockyardError:
        return
    assert all(0 < port.container_port <= 65535 and 0 <= port.host_port <= 65535 for port in ports)


def test_overlap_counts_address_and_protocol() -> None:
    everywhere = PortMapping(container_port=80, host_port=8000, host_ip="0.0.0.0")
    local = PortMapping(container_port=81, host_port=8000, host_ip="127.0.0.1")
    other = PortMapping(container_port=81, host_port=8000, host_ip="192.0.2.2")
    udp = PortMapping(container_port=80, host_port=8000, host_ip="0.0.0.0", protocol="udp")
    assert everywhere.overlaps(local)
    assert local.overlaps(everywhere)
    assert not local.overlaps(other)
    assert not everywhere.overlaps(udp)
