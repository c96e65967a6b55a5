"""Which subnet, which address: everything about a network that is a choice. Pure."""

from __future__ import annotations

import binascii
from collections.abc import Collection, Iterable, Iterator

import msgspec

from dockyard.errors import Conflict, InvalidInput
from dockyard.networks.addresses import (
    IPV6_BITS,
    Subnet,
    is_ipv6,
    parse_subnet,
    single,
    to_number,
)
from dockyard.networks.model import (
    DEFAULT_NETWORK,
    Connection,
    Endpoint,
    Network,
    Pool,
    PortMapping,
)

_POOLS = tuple(map(parse_subnet, ("10.87.0.0/16", "172.29.0.0/16", "192.168.128.0/17")))

_PREFIX = 22
"""1021 addresses: a Linux bridge has at most 1023 ports."""
_PREFIX6 = 64
_UNIQUE_LOCAL = 0xFD << 120
"""RFC 4193: 40 bits of one's own, 16 bits for the subnet."""
_SUBNETS6 = 1 << 16


def bridge_name(root_hash: str, network_id: str = "") -> str:
    """The bridge of a root's default network, or of one with an id; at most 15 characters."""
    return f"dy{network_id[:4]}-{root_hash}" if network_id else f"dy-{root_hash}"


def veth_name(root_hash: str, token: str) -> str:
    """The host's end of a pair. Never used twice, for the kernel removes a dead one later."""
    return f"dv{root_hash}{token}"[:15]


def fixed_id(root_hash: str, name: str) -> str:
    """The id of a network that every root has; 64 hexadecimal digits."""
    parts = (f"{root_hash} {name} {number}".encode() for number in range(8))
    return "".join(f"{binascii.crc32(part):08x}" for part in parts)


def parse_routes(fib_trie: str) -> tuple[Subnet, ...]:
    """The destinations of ``/proc/net/fib_trie``: routes and addresses of all tables.

    The default route and the loopback block are left out: they forbid nothing.
    """
    return tuple(
        route
        for route in _leaves(fib_trie)
        if route.prefix > 0 and not route.overlaps(Subnet(127 << 24, 8))
    )


def parse_routes6(ipv6_route: str) -> tuple[Subnet, ...]:
    """The same of ``/proc/net/ipv6_route``; link-local and multicast blocks forbid nothing."""
    fields = (line.split() for line in ipv6_route.splitlines())
    found = (Subnet(int(line[0], 16), int(line[1], 16), IPV6_BITS) for line in fields)
    return tuple(each for each in found if each.prefix > 0 and each.base >> 120 not in {0xFE, 0xFF})


def _leaves(fib_trie: str) -> Iterator[Subnet]:
    base = 0
    for line in fib_trie.splitlines():
        word, _, rest = line.strip().partition(" ")
        if word == "|--":
            base = to_number(rest)
        elif word.startswith("/"):
            yield Subnet(base, int(word[1:]))


def choose_subnet(used: Collection[Subnet], previous: str | None = None) -> Subnet:
    """The subnet of before where it is still free, else the first free one.

    Args:
        used: what the host already routes, and addresses that must stay reachable.
        previous: the subnet that this network had last.

    Raises:
        Conflict: none is free.
    """
    return _first_free(_blocks(), used, previous, f"looked in {', '.join(map(str, _POOLS))}")


def choose_subnet6(root_hash: str, used: Collection[Subnet], previous: str | None = None) -> Subnet:
    """As :func:`choose_subnet`, for IPv6: a unique local block that belongs to the root."""
    base = _UNIQUE_LOCAL | int(root_hash, 16) << 88
    blocks = (Subnet(base | number << 64, _PREFIX6, IPV6_BITS) for number in range(_SUBNETS6))
    return _first_free(blocks, used, previous, "looked in fd00::/8")


def _first_free(
    blocks: Iterable[Subnet], used: Collection[Subnet], previous: str | None, context: str
) -> Subnet:
    candidates = [] if previous is None else [parse_subnet(previous)]
    for candidate in (*candidates, *blocks):
        if not any(candidate.overlaps(other) for other in used):
            return candidate
    raise Conflict(
        "no private subnet is free for the network",
        context=context,
        hint="see which routes cover these (ip route show table all), or give a --subnet",
        reference="no-free-subnet",
        exit_code=125,
    )


def _blocks() -> Iterator[Subnet]:
    for pool in _POOLS:
        for base in range(pool.base, pool.base + pool.size, 1 << (32 - _PREFIX)):
            yield Subnet(base, _PREFIX)


def pool_of(subnet: Subnet) -> Pool:
    """A pool whose gateway is the subnet's first address."""
    return Pool(subnet=str(subnet), gateway=subnet.text_of(subnet.base + 1))


def default_network(root_hash: str, subnet: Subnet, mtu: int) -> Network:
    """The network of a root that is there when nobody made one."""
    return Network(
        id=fixed_id(root_hash, DEFAULT_NETWORK),
        name=DEFAULT_NETWORK,
        bridge=bridge_name(root_hash),
        ipv4=pool_of(subnet),
        mtu=mtu,
    )


def replaced_pools(root_hash: str, network: Network, used: Collection[Subnet]) -> Network:
    """The network with subnets that are free now; its old ones where they are.

    Raises:
        Conflict: a subnet that the user chose is in use by the host.
    """
    if not network.automatic:
        require_free(network, used)
        return network
    pools = {"ipv4": pool_of(choose_subnet(used, network.ipv4.subnet))}
    if network.ipv6 is not None:
        pools["ipv6"] = pool_of(choose_subnet6(root_hash, used, network.ipv6.subnet))
    return msgspec.structs.replace(network, **pools)


def require_free(network: Network, used: Collection[Subnet]) -> None:
    """Raises :class:`Conflict` where the host has a route into one of the network's subnets."""
    for pool in network.pools:
        subnet = parse_subnet(pool.subnet)
        other = next((each for each in used if subnet.overlaps(each)), None)
        if other is not None:
            raise Conflict(
                f"invalid pool request: Pool overlaps with other one on this address space:"
                f" {pool.subnet} with {other}",
                hint="see what has it (ip route show table all; dockyard network ls), or give"
                " another --subnet",
                reference="subnet-in-use",
            )


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What an endpoint to be is for."""

    holder: str
    connection: Connection
    veth: str
    interface: str
    ports: tuple[PortMapping, ...] = ()
    names: tuple[str, ...] = ()
    nameservers: tuple[str, ...] = ()
    pending: bool = False


def make_endpoint(network: Network, present: Collection[Endpoint], wish: Wish) -> Endpoint:
    """An endpoint with the addresses asked for, or the first free ones of the network.

    Args:
        present: the endpoints that the network has.

    Raises:
        Conflict: an address is taken, or the network has none left.
        InvalidInput: an address is not one of the network's.
    """
    asked = wish.connection
    address = _address(network, network.ipv4, asked.ip, {each.address for each in present})
    ipv4, ipv6 = network.ipv4, network.ipv6
    if ipv6 is None and asked.ip6:
        raise _outside(network, asked.ip6)
    endpoint = Endpoint(
        holder=wish.holder,
        network=network.name,
        address=address,
        prefix=parse_subnet(ipv4.subnet).prefix,
        gateway=ipv4.gateway,
        mac=asked.mac or mac_address(to_number(address)),
        veth=wish.veth,
        ports=wish.ports,
        interface=wish.interface,
        names=() if network.is_default else (*wish.names, *asked.aliases),
        nameservers=wish.nameservers,
        priority=asked.priority,
        pending=wish.pending,
    )
    if ipv6 is None:
        return endpoint
    return msgspec.structs.replace(
        endpoint,
        address6=_address(network, ipv6, asked.ip6, {each.address6 for each in present}),
        prefix6=parse_subnet(ipv6.subnet).prefix,
        gateway6=ipv6.gateway,
    )


def _address(network: Network, pool: Pool, wanted: str | None, used: Iterable[str]) -> str:
    subnet = parse_subnet(pool.subnet)
    occupied = {*map(to_number, filter(None, used)), to_number(pool.gateway)}
    if wanted:
        return _wanted(network, subnet, wanted, occupied)
    occupied.update(map(to_number, pool.auxiliary.values()))
    area = parse_subnet(pool.ip_range) if pool.ip_range else subnet
    first = max(area.base, subnet.base + 1)
    last = area.last if is_ipv6(pool.subnet) else min(area.last, subnet.last - 1)
    number = first
    while number <= last:
        if number not in occupied:
            return subnet.text_of(number)
        number += 1
    raise Conflict(
        f"no available IPv{6 if is_ipv6(pool.subnet) else 4} addresses on this network's address"
        f" pools: {network.name} ({pool.ip_range or pool.subnet})",
        hint="remove containers that are no longer needed, or use a larger network",
        reference="no-free-address",
        exit_code=125,
    )


def _wanted(network: Network, subnet: Subnet, text: str, occupied: set[int]) -> str:
    if not subnet.has(text):
        raise _outside(network, text)
    number = to_number(text)
    if number in occupied:
        raise Conflict(
            f"Address already in use: {text} on network {network.name}",
            hint=f"see who has it (dockyard network inspect {network.name})",
            reference="address-in-use",
            exit_code=125,
        )
    return subnet.text_of(number)


def _outside(network: Network, text: str) -> InvalidInput:
    subnets = " and ".join(pool.subnet for pool in network.pools)
    return InvalidInput(
        f"no configured subnet contains IP address {text}",
        hint=f"network {network.name} has {subnets}",
        exit_code=125,
    )


def mac_address(number: int) -> str:
    """A locally administered address that follows the IPv4 address: no stale ARP entries."""
    return ":".join(f"{byte:02x}" for byte in (2, 0x42, *number.to_bytes(4, "big")))


def first_gateway(endpoints: Iterable[Endpoint], internal: Collection[str]) -> Endpoint | None:
    """The endpoint that leads to the world: the highest priority, then the first by name.

    Args:
        internal: names of networks that lead nowhere.
    """
    ways = [each for each in endpoints if each.network not in internal]
    return min(ways, key=lambda each: (-each.priority, each.network), default=None)


def delete_batch(names: Iterable[str]) -> str:
    """What ``ip -batch`` reads to delete interfaces."""
    return "".join(f"link del {name}\n" for name in names)


def used_addresses(texts: Iterable[str]) -> tuple[Subnet, ...]:
    """Addresses as blocks of one; what is none (a scoped IPv6 address) is left out."""
    found = []
    for text in texts:
        try:
            found.append(single(text))
        except ValueError:
            continue
    return tuple(found)
