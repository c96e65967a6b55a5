"""Which subnet, which address, and the ``ip -batch`` lines that make them real. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence

from dockyard.errors import Conflict
from dockyard.networks.addresses import Subnet, parse_subnet, to_number, to_text
from dockyard.networks.model import DEFAULT_NETWORK, Endpoint, Network, PortMapping

_POOLS = tuple(map(parse_subnet, ("10.87.0.0/16", "172.29.0.0/16", "192.168.128.0/17")))
LOOPBACK_BATCH = "link set lo up\n"

_PREFIX = 22
"""1021 addresses: a Linux bridge has at most 1023 ports."""


def bridge_name(root_hash: str) -> str:
    """The bridge of a root; at most 15 characters."""
    return f"dy-{root_hash}"


def veth_name(root_hash: str, token: str) -> str:
    """The host's end of a pair. Never used twice, for the kernel removes a dead one later."""
    return f"dv{root_hash}{token}"[:15]


def parse_routes(fib_trie: str) -> tuple[Subnet, ...]:
    """The destinations of ``/proc/net/fib_trie``: routes and addresses of all tables.

    The default route and the loopback block are left out: they forbid nothing.
    """
    return tuple(
        route
        for route in _leaves(fib_trie)
        if route.prefix > 0 and not route.overlaps(Subnet(127 << 24, 8))
    )


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
        previous: the subnet that this root had last.

    Raises:
        Conflict: none is free.
    """
    candidates = [] if previous is None else [parse_subnet(previous)]
    for candidate in (*candidates, *_blocks()):
        if not any(candidate.overlaps(other) for other in used):
            return candidate
    raise Conflict(
        "no private subnet is free for the bridge network",
        context=f"looked in {', '.join(map(str, _POOLS))}",
        hint="see which routes cover these (ip route show table all), or use --network host",
        reference="no-free-subnet",
        exit_code=125,
    )


def _blocks() -> Iterator[Subnet]:
    for pool in _POOLS:
        for base in range(pool.base, pool.base + pool.size, 1 << (32 - _PREFIX)):
            yield Subnet(base, _PREFIX)


def make_network(root_hash: str, subnet: Subnet, mtu: int) -> Network:
    """The bridge network of a root."""
    return Network(
        name=DEFAULT_NETWORK,
        bridge=bridge_name(root_hash),
        subnet=str(subnet),
        gateway=to_text(subnet.base + 1),
        mtu=mtu,
    )


def make_endpoint(
    network: Network, used: Iterable[str], holder: str, veth: str, ports: tuple[PortMapping, ...]
) -> Endpoint:
    """An endpoint with the first free address of the network.

    Raises:
        Conflict: the network has no address left.
    """
    subnet = parse_subnet(network.subnet)
    occupied = {*map(to_number, used), to_number(network.gateway)}
    for number in range(subnet.base + 1, subnet.base + subnet.size - 1):
        if number not in occupied:
            break
    else:
        raise Conflict(
            f"no address is left in network {network.name} ({network.subnet})",
            hint="remove containers that are no longer needed",
            reference="no-free-address",
            exit_code=125,
        )
    return Endpoint(
        holder=holder,
        network=network.name,
        address=to_text(number),
        prefix=subnet.prefix,
        gateway=network.gateway,
        mac=mac_address(number),
        veth=veth,
        ports=ports,
    )


def mac_address(number: int) -> str:
    """A locally administered address that follows the IPv4 address: no stale ARP entries."""
    return ":".join(f"{byte:02x}" for byte in (2, 0x42, *number.to_bytes(4, "big")))


def bridge_batch(network: Network) -> str:
    """Makes the bridge. Its address is given, or it would change with each port that joins."""
    bridge = network.bridge
    mac = mac_address(to_number(network.gateway))
    prefix = parse_subnet(network.subnet).prefix
    lines = (
        f"link add {bridge} mtu {network.mtu} address {mac} type bridge",
        f"addr add {network.gateway}/{prefix} dev {bridge}",
        f"link set {bridge} up",
    )
    return _batch(lines)


def namespace_batch(endpoint: Endpoint, network: Network, host_namespace: str) -> str:
    """What ``ip`` does inside the new namespace; the peer's end goes to ``host_namespace``."""
    mtu = network.mtu
    outer = f"peer name {endpoint.veth} mtu {mtu} netns {host_namespace}"
    lines = (
        "link set lo up",
        f"link add eth0 mtu {mtu} address {endpoint.mac} type veth {outer}",
        f"addr add {endpoint.address}/{endpoint.prefix} dev eth0",
        "link set eth0 up",
        f"route add default via {endpoint.gateway}",
    )
    return _batch(lines)


def enslave_batch(bridge: str, veths: Sequence[str]) -> str:
    """Joins the host's ends to the bridge.

    Hairpin lets a container reach its own published port through the host's address also where
    ``br_netfilter`` makes the bridge itself translate the address.
    """
    return _batch(
        [
            line
            for veth in veths
            for line in (
                f"link set {veth} master {bridge} up",
                f"link set {veth} type bridge_slave hairpin on",
            )
        ]
    )


def delete_batch(names: Sequence[str]) -> str:
    """Deletes interfaces."""
    return _batch([f"link del {name}" for name in names])


def _batch(lines: Sequence[str]) -> str:
    return "\n".join(lines) + "\n"
