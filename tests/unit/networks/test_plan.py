from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.networks import endpoint, made

from dockyard.errors import Conflict, InvalidInput
from dockyard.networks import plan
from dockyard.networks.addresses import IPV6_BITS, Subnet, parse_subnet, to_number, to_text
from dockyard.networks.model import Endpoint, Pool

FIB_TRIE = """\
Main:
  +-- 0.0.0.0/0 3 0 5
     |-- 0.0.0.0
        /0 universe UNICAST
     +-- 127.0.0.0/8 2 0 2
        |-- 127.0.0.0
           /8 host LOCAL
     |-- 192.0.2.0
        /24 link UNICAST
     |-- 192.0.2.2
        /32 host LOCAL
Id 77:
     |-- 10.0.0.0
        /8 universe UNICAST
        /16 universe BLACKHOLE
"""


@given(st.integers(0, 2**32 - 1))
def test_addresses_survive_the_round_trip(number: int) -> None:
    assert to_text(number) == str(ipaddress.IPv4Address(number))
    assert to_number(to_text(number)) == number


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.256", "1.2.3.x", "1.2.3.4.5", "::1::", ":"])
def test_other_texts_are_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="not an IP address"):
        to_number(text)


@given(st.integers(0, 2**128 - 1))
def test_addresses_of_ipv6_survive_the_round_trip(number: int) -> None:
    text = to_text(number, IPV6_BITS)
    assert ipaddress.IPv6Address(text) == ipaddress.IPv6Address(number)
    assert to_number(text) == number


@pytest.mark.parametrize("text", ["", "10.0.0.0", "10.0.0.0/33", "10.0.0.0/x", "fd00::/129", "/8"])
def test_other_texts_are_no_subnet(text: str) -> None:
    with pytest.raises(ValueError, match="not a"):
        parse_subnet(text)


def test_routes_of_every_table_count_but_default_and_loopback_do_not() -> None:
    assert list(map(str, plan.parse_routes(FIB_TRIE))) == [
        "192.0.2.0/24", "192.0.2.2/32", "10.0.0.0/8", "10.0.0.0/16"
    ]  # fmt: skip


@given(st.lists(st.builds(Subnet, st.integers(0, 2**32 - 1), st.integers(12, 32)), max_size=30))
def test_a_chosen_subnet_overlaps_nothing_in_use(used: list[Subnet]) -> None:
    used = [parse_subnet(f"{to_text(each.base)}/{each.prefix}") for each in used]
    try:
        chosen = plan.choose_subnet(used)
    except Conflict:
        return
    mine = ipaddress.IPv4Network(str(chosen))
    assert mine.is_private
    assert not any(mine.overlaps(ipaddress.IPv4Network(str(each))) for each in used)


def test_the_subnet_of_before_is_kept_while_it_is_free() -> None:
    assert str(plan.choose_subnet([], "10.87.8.0/22")) == "10.87.8.0/22"
    taken = [parse_subnet("10.87.9.0/24")]
    assert str(plan.choose_subnet(taken, "10.87.8.0/22")) == "10.87.0.0/22"


def test_no_free_subnet_is_a_clear_error() -> None:
    everything = [parse_subnet(text) for text in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16")]
    with pytest.raises(Conflict, match="no private subnet is free"):
        plan.choose_subnet(everything)


def test_endpoints_take_the_first_free_address() -> None:
    first = endpoint()
    second = endpoint("c-two", beside=[first])
    assert (first.address, first.gateway, first.prefix) == ("10.87.0.2", "10.87.0.1", 22)
    assert first.mac == "02:42:0a:57:00:02"
    assert second.address == "10.87.0.3"
    assert endpoint("c-three", beside=[second]).address == "10.87.0.2"


def test_a_full_network_is_a_clear_error() -> None:
    network = made(ipv4=Pool(subnet="10.9.0.0/29", gateway="10.9.0.1"))
    present: list[Endpoint] = []
    for number in range(5):
        present.append(endpoint(f"c-{number}", on=network, beside=present))
    assert present[-1].address == "10.9.0.6"
    with pytest.raises(Conflict, match="no available IPv4 addresses"):
        endpoint("c-more", on=network, beside=present)


def test_addresses_come_from_the_range_and_leave_out_what_is_there_already() -> None:
    pool = Pool(
        subnet="10.9.0.0/24", gateway="10.9.0.128", ip_range="10.9.0.128/25",
        auxiliary={"printer": "10.9.0.129"},
    )  # fmt: skip
    assert endpoint(on=made(ipv4=pool)).address == "10.9.0.130"


def test_an_address_may_be_asked_for() -> None:
    network = made()
    first = endpoint(on=network, ip="10.9.0.77", mac="02:00:00:00:00:01")
    assert (first.address, first.mac) == ("10.9.0.77", "02:00:00:00:00:01")
    with pytest.raises(Conflict, match=r"Address already in use: 10\.9\.0\.77"):
        endpoint("c-two", on=network, beside=[first], ip="10.9.0.77")
    with pytest.raises(InvalidInput, match=r"no configured subnet contains IP address 10\.8\.0\.1"):
        endpoint("c-two", on=network, ip="10.8.0.1")
    with pytest.raises(InvalidInput, match="fd00::9"):
        endpoint("c-two", on=network, ip6="fd00::9")


def test_a_network_with_ipv6_gives_two_addresses() -> None:
    network = made(ipv6=Pool(subnet="fd00:9::/64", gateway="fd00:9::1"))
    first = endpoint(on=network)
    second = endpoint("c-two", on=network, beside=[first], ip6="fd00:9::ff")
    assert (first.address6, first.prefix6, first.gateway6) == ("fd00:9::2", 64, "fd00:9::1")
    assert second.address6 == "fd00:9::ff"


def test_names_are_for_networks_that_somebody_made() -> None:
    assert endpoint(names=("web",)).names == ()
    named = endpoint(on=made(), names=("web", "0123"), aliases=("www",))
    assert named.names == ("web", "0123", "www")


def test_the_way_out_is_not_internal_and_has_the_highest_priority() -> None:
    inner, mine = made("a-inner", internal=True), made("mine")
    present = [endpoint(on=inner), endpoint(on=mine), endpoint()]
    assert plan.first_gateway(present, {"a-inner"}) == present[2], "by name"
    preferred = endpoint(on=mine, priority=1)
    assert plan.first_gateway([*present, preferred], {"a-inner"}) == preferred
    assert plan.first_gateway(present[:1], {"a-inner"}) is None


def test_ipv6_subnets_belong_to_the_root_and_are_unique_local() -> None:
    first = plan.choose_subnet6("0123abcd", [])
    second = plan.choose_subnet6("0123abcd", [first])
    assert str(first) == "fd01:23ab:cd00::/64"
    assert str(second) == "fd01:23ab:cd00:1::/64"
    assert plan.choose_subnet6("ffffffff", []) != first


IPV6_ROUTE = """\
fd000000000000000000000000000000 40 00000000000000000000000000000000 00 00 00000100 1 0 1 eth0
fe800000000000000000000000000000 40 00000000000000000000000000000000 00 00 00000100 1 0 1 eth0
00000000000000000000000000000000 00 00000000000000000000000000000000 00 00 ffffffff 1 0 200200 lo
"""


def test_routes_of_ipv6_count_but_those_that_every_host_has() -> None:
    assert list(map(str, plan.parse_routes6(IPV6_ROUTE))) == ["fd00::/64"]


def test_what_the_host_has_come_to_use_is_given_up_or_refused() -> None:
    taken = [parse_subnet("10.9.0.0/16")]
    moved = plan.replaced_pools("0123abcd", made(), taken)
    assert moved.ipv4 == Pool(subnet="10.87.0.0/22", gateway="10.87.0.1")
    with pytest.raises(Conflict, match="Pool overlaps with other one on this address space"):
        plan.replaced_pools("0123abcd", made(automatic=False), taken)


def test_interface_names_fit_the_kernel_and_tell_the_root() -> None:
    assert plan.bridge_name("0123abcd") == "dy-0123abcd"
    assert plan.bridge_name("0123abcd", "feed5678") == "dyfeed-0123abcd"
    assert len(plan.bridge_name("0123abcd", "feed5678")) == 15
    assert plan.veth_name("0123abcd", "deadbeef") == "dv0123abcddeadb"
    assert len(plan.veth_name("0123abcd", "deadbeef")) == 15
