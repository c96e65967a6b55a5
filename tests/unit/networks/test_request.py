from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dockyard.errors import Conflict, DockyardError, InvalidInput, NotSupported
from dockyard.networks import request
from dockyard.networks.addresses import parse_subnet
from dockyard.networks.model import Network, Pool
from dockyard.networks.request import NetworkRequest

ID = "feed" * 16
BRIDGE = "com.docker.network.bridge."


def make(*used: str, **fields: object) -> Network:
    wanted = NetworkRequest(**({"name": "mine"} | fields))  # type: ignore[arg-type]  # by name
    request.check(wanted)
    return request.make(wanted, ID, "0123abcd", tuple(map(parse_subnet, used)), mtu=1400)


def test_subnets_are_chosen_where_none_is_given() -> None:
    network = make("10.87.0.0/22", ipv6=True)
    assert network.ipv4 == Pool(subnet="10.87.4.0/22", gateway="10.87.4.1")
    assert network.ipv6 == Pool(subnet="fd01:23ab:cd00::/64", gateway="fd01:23ab:cd00::1")
    assert network.automatic
    assert (network.bridge, network.mtu) == ("dyfeed-0123abcd", 1400)


def test_addresses_as_asked_for() -> None:
    network = make(
        ipv6=True, subnets=("10.9.0.0/24", "fd00:9::/64"), gateways=("10.9.0.254", "fd00:9::fe"),
        ip_ranges=("10.9.0.128/25",), auxiliary={"printer": "10.9.0.9"},
    )  # fmt: skip
    assert network.ipv4 == Pool(
        subnet="10.9.0.0/24", gateway="10.9.0.254", ip_range="10.9.0.128/25",
        auxiliary={"printer": "10.9.0.9"},
    )  # fmt: skip
    assert network.ipv6 == Pool(subnet="fd00:9::/64", gateway="fd00:9::fe")
    assert not network.automatic


def test_a_subnet_that_the_host_routes_is_refused() -> None:
    with pytest.raises(Conflict, match="Pool overlaps with other one on this address space"):
        make("10.9.0.0/16", subnets=("10.9.1.0/24",))


def test_options_set_fields() -> None:
    options = {
        f"{BRIDGE}name": "lab0", f"{BRIDGE}enable_icc": "false", "com.docker.network.driver.mtu":
        "9000", f"{BRIDGE}enable_ip_masquerade": "0", f"{BRIDGE}host_binding_ipv4": "127.0.0.1",
    }  # fmt: skip
    network = make(options=options)
    assert (network.bridge, network.mtu, network.icc) == ("lab0", 9000, False)
    assert (network.masquerade, network.host_binding) == (False, "127.0.0.1")
    assert network.options == options


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"name": ""}, "invalid network name"),
        ({"name": "a/b"}, "invalid network name"),
        ({"name": "-a"}, "invalid network name"),
        ({"name": "host"}, "operation is not permitted on predefined host network"),
        ({"subnets": ("10.9.0.0",)}, "invalid CIDR address: 10.9.0.0"),
        ({"subnets": ("10.9.0.0/31",)}, "no room"),
        ({"subnets": ("10.9.0.5/24",)}, "invalid subnet 10.9.0.5/24: it should be 10.9.0.0/24"),
        ({"subnets": ("fd00::5/64",), "ipv6": True}, "it should be fd00::/64"),
        (
            {"subnets": ("10.9.0.0/24",), "ip_ranges": ("10.9.0.130/25",)},
            "invalid ip-range 10.9.0.130/25: it should be 10.9.0.128/25",
        ),
        ({"subnets": ("10.9.0.0/24", "10.9.0.0/25")}, "multiple overlapping subnet"),
        ({"subnets": ("fd00::/64",)}, "needs --ipv6"),
        ({"gateways": ("10.9.0.1",)}, "no matching subnet for gateway 10.9.0.1"),
        ({"subnets": ("10.9.0.0/24",), "gateways": ("x",)}, "invalid IP address: x"),
        ({"subnets": ("10.9.0.0/24",), "ip_ranges": ("10.8.0.0/25",)}, "no matching subnet"),
        ({"subnets": ("10.9.0.0/24",), "auxiliary": {"a": "10.8.0.1"}}, "aux-address"),
        ({"options": {f"{BRIDGE}enable_icc": "maybe"}}, "invalid value 'maybe'"),
        ({"options": {"com.docker.network.driver.mtu": "1"}}, "invalid value '1'"),
        ({"options": {f"{BRIDGE}name": "longer-than-the-kernel"}}, "invalid value"),
    ],
)
def test_what_makes_no_sense_says_why(fields: dict[str, object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make(**fields)


@pytest.mark.parametrize(
    "fields",
    [
        {"driver": "overlay"},
        {"driver": "macvlan"},
        {"options": {"com.docker.network.bridge.inhibit_ipv4": "true"}},
        {"options": {"com.docker.network.container_iface_prefix": "net"}},
        {"subnets": ("10.9.0.0/24", "10.8.0.0/24")},
    ],
)
def test_what_is_not_there_is_refused_with_what_is(fields: dict[str, object]) -> None:
    with pytest.raises(NotSupported) as info:
        make(**fields)
    assert info.value.hint


@given(st.text(alphabet="0123456789.:/abcdfx", max_size=20))
def test_any_subnet_is_a_network_or_a_clear_error(text: str) -> None:
    try:
        network = make(subnets=(text,), ipv6=":" in text)
    except DockyardError:
        return
    for pool in network.pools:
        assert parse_subnet(pool.subnet).has(pool.gateway)
