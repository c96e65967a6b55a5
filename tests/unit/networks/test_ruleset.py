from __future__ import annotations

from tests.support.networks import DEFAULT, ROOT, endpoint, made

from dockyard.networks import ruleset
from dockyard.networks.model import Pool, PortMapping

WEB = PortMapping(container_port=80, host_port=8000, host_ip="0.0.0.0")
NAMES = PortMapping(container_port=53, host_port=5353, host_ip="127.0.0.1", protocol="udp")
SIX = made(ipv6=Pool(subnet="fd00:9::/64", gateway="fd00:9::1"))


def test_published_ports_become_translations() -> None:
    assert ruleset.translations([endpoint(ports=(WEB, NAMES))]) == (
        "ip ip daddr 127.0.0.1 udp dport 5353 dnat to 10.87.0.2:53",
        "ip tcp dport 8000 dnat to 10.87.0.2:80",
    )


def test_ports_on_ipv6_lead_to_the_address_of_ipv6() -> None:
    port = PortMapping(container_port=80, host_port=8000, host_ip="::")
    assert ruleset.translations([endpoint(on=SIX, ports=(port,))]) == (
        "ip6 tcp dport 8000 dnat to [fd00:9::2]:80",
    )
    assert ruleset.translations([endpoint(ports=(port,))]) == (), "moved to a network without"


def test_a_replacement_removes_the_old_tables_in_the_same_transaction() -> None:
    text = ruleset.replacement(ROOT, [DEFAULT], ["ip tcp dport 8000 dnat to 10.87.0.2:80"])
    assert text.startswith("add table ip dockyard_0123abcd\ndelete table ip dockyard_0123abcd\n")
    assert "delete table ip6 dockyard_0123abcd\n" in text
    assert "\t\ttcp dport 8000 dnat to 10.87.0.2:80\n" in text
    assert 'iifname "dy-0123abcd" ip daddr 127.0.0.0/8 drop' in text
    assert "table ip6 dockyard_0123abcd {" not in text, "nobody has IPv6"


def test_a_creation_fails_where_a_table_exists() -> None:
    assert ruleset.creation(ROOT, [DEFAULT], []).startswith("create table ip dockyard_0123abcd")
    assert "create table ip6 dockyard_0123abcd" in ruleset.creation(ROOT, [SIX], [])


def test_additions_touch_nothing_else() -> None:
    assert ruleset.additions(ROOT, ["ip tcp dport 1 dnat to 10.87.0.2:1"]) == (
        "add rule ip dockyard_0123abcd published tcp dport 1 dnat to 10.87.0.2:1\n"
    )


def test_an_internal_network_has_no_way_out_in_any_version_of_ip() -> None:
    text = ruleset.replacement(ROOT, [made(internal=True), SIX], [])
    four, six = text.split("table ip6 dockyard_0123abcd {")
    bridge = 'iifname "dyfeed-0123abcd"'
    assert f"{bridge} ip daddr != 10.9.0.0/24 drop" in four
    assert f"{bridge} udp dport 53 accept" in four
    assert f"{bridge} drop" in six
    assert "masquerade" not in ruleset.replacement(ROOT, [made(internal=True)], [])


def test_options_of_a_network_are_in_its_rules() -> None:
    plain = ruleset.replacement(ROOT, [made()], [])
    assert 'oifname != "dyfeed-0123abcd" ip saddr 10.9.0.0/24 masquerade' in plain
    within = 'iifname "dyfeed-0123abcd" oifname "dyfeed-0123abcd"'
    assert f"{within} accept" in plain
    assert "oifname != " + '"dyfeed' not in ruleset.replacement(ROOT, [made(masquerade=False)], [])
    deaf = ruleset.replacement(ROOT, [made(icc=False)], [])
    assert f"{within} ct status dnat accept" in deaf
    assert f"{within} drop" in deaf


def test_the_name_server_of_a_network_is_for_that_network() -> None:
    text = ruleset.replacement(ROOT, [DEFAULT, made()], [])
    near = '{ "lo", "dyfeed-0123abcd" }'
    both = "meta l4proto { tcp, udp } th dport 53"
    assert f"iifname != {near} ip daddr 10.9.0.1 {both} drop" in text
    assert "10.87.0.1" not in text
