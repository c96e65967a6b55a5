from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import Conflict
from dockyard.networks import plan
from dockyard.networks.addresses import Subnet, parse_subnet, to_number, to_text

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
NETWORK = plan.make_network("0123abcd", parse_subnet("10.87.0.0/22"), 1400)


@given(st.integers(0, 2**32 - 1))
def test_addresses_survive_the_round_trip(number: int) -> None:
    assert to_text(number) == str(ipaddress.IPv4Address(number))
    assert to_number(to_text(number)) == number


@pytest.mark.parametrize("text", ["", "1.2.3", "1.2.3.256", "1.2.3.x", "1.2.3.4.5", "::1"])
def test_other_texts_are_no_address(text: str) -> None:
    with pytest.raises(ValueError, match="IPv4"):
        to_number(text)


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
    first = plan.make_endpoint(NETWORK, [], "c-one", "dv1", ())
    second = plan.make_endpoint(NETWORK, [first.address], "c-two", "dv2", ())
    assert (first.address, first.gateway, first.prefix) == ("10.87.0.2", "10.87.0.1", 22)
    assert first.mac == "02:42:0a:57:00:02"
    assert second.address == "10.87.0.3"
    again = plan.make_endpoint(NETWORK, [second.address], "c-three", "dv3", ())
    assert again.address == "10.87.0.2"


def test_a_full_network_is_a_clear_error() -> None:
    base = to_number("10.87.0.0")
    used = [to_text(base + i) for i in range(2, 1023)]
    with pytest.raises(Conflict, match="no address is left"):
        plan.make_endpoint(NETWORK, used, "c-one", "dv1", ())
    assert plan.make_endpoint(NETWORK, used[:-1], "c-one", "dv1", ()).address == "10.87.3.254"


def test_interface_names_fit_the_kernel_and_tell_the_root() -> None:
    assert plan.bridge_name("0123abcd") == "dy-0123abcd"
    assert plan.veth_name("0123abcd", "deadbeef") == "dv0123abcddeadb"
    assert len(plan.veth_name("0123abcd", "deadbeef")) == 15


def test_the_batch_configures_everything_inside() -> None:
    endpoint = plan.make_endpoint(NETWORK, [], "c-one", "dv1", ())
    assert plan.namespace_batch(endpoint, NETWORK, "/proc/9/ns/net").splitlines() == [
        "link set lo up",
        (
            "link add eth0 mtu 1400 address 02:42:0a:57:00:02 type veth"
            " peer name dv1 mtu 1400 netns /proc/9/ns/net"
        ),
        "addr add 10.87.0.2/22 dev eth0",
        "link set eth0 up",
        "route add default via 10.87.0.1",
    ]
