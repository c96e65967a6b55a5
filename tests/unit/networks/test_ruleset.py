from __future__ import annotations

from dockyard.networks import plan, ruleset
from dockyard.networks.addresses import parse_subnet
from dockyard.networks.model import PortMapping

NETWORK = plan.make_network("0123abcd", parse_subnet("10.87.0.0/22"), 1400)
ENDPOINT = plan.make_endpoint(
    NETWORK,
    [],
    "c-one",
    "dv1",
    (
        PortMapping(container_port=80, host_port=8000, host_ip="0.0.0.0"),
        PortMapping(container_port=53, host_port=5353, host_ip="127.0.0.1", protocol="udp"),
    ),
)


def test_published_ports_become_translations() -> None:
    assert ruleset.translations([ENDPOINT]) == (
        "ip daddr 127.0.0.1 udp dport 5353 dnat to 10.87.0.2:53",
        "tcp dport 8000 dnat to 10.87.0.2:80",
    )


def test_a_replacement_removes_the_old_table_in_the_same_transaction() -> None:
    text = ruleset.replacement("0123abcd", NETWORK, ["tcp dport 8000 dnat to 10.87.0.2:80"])
    assert text.startswith("add table ip dockyard_0123abcd\ndelete table ip dockyard_0123abcd\n")
    assert "\t\ttcp dport 8000 dnat to 10.87.0.2:80\n" in text
    assert 'iifname "dy-0123abcd" ip daddr 127.0.0.0/8 drop' in text


def test_a_creation_fails_where_the_table_exists() -> None:
    assert ruleset.creation("0123abcd", NETWORK, []).startswith("create table ip dockyard_0123abcd")


def test_additions_touch_nothing_else() -> None:
    assert ruleset.additions("0123abcd", ["tcp dport 1 dnat to 10.87.0.2:1"]) == (
        "add rule ip dockyard_0123abcd published tcp dport 1 dnat to 10.87.0.2:1\n"
    )
