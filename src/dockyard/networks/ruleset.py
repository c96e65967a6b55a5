"""The nftables table of one root as text. Pure.

What it says follows from the records alone, and each change is one transaction, so there is never
a moment with half of it. Whatever removes a rule makes ``nft`` wait until no processor uses the old
ones (10 to 15 ms), adding does not: hence the ways of making the same table.
"""

from __future__ import annotations

from collections.abc import Iterable

from dockyard.networks.addresses import parse_subnet
from dockyard.networks.model import Endpoint, Network, PortMapping

_TABLE = """\
table ip {table} {{
	chain guard {{
		type filter hook prerouting priority raw; policy accept;
		iifname "{bridge}" ip daddr 127.0.0.0/8 drop
		iifname "{bridge}" ip saddr 127.0.0.0/8 drop
	}}
	chain prerouting {{
		type nat hook prerouting priority dstnat; policy accept;
		ip daddr != 127.0.0.0/8 fib daddr type local jump published
	}}
	chain output {{
		type nat hook output priority -100; policy accept;
		fib daddr type local jump published
	}}
	chain published {{
{published}	}}
	chain postrouting {{
		type nat hook postrouting priority srcnat; policy accept;
		oifname != "{bridge}" ip saddr {subnet} masquerade
		oifname "{bridge}" ip saddr 127.0.0.0/8 masquerade
		oifname "{bridge}" ip saddr {subnet} ct status dnat masquerade
	}}
	chain forward {{
		type filter hook forward priority filter; policy accept;
		oifname != "{bridge}" accept
		iifname "{bridge}" accept
		ct state established,related accept
		ct status dnat accept
		drop
	}}
}}
"""
"""guard: route_localnet on the bridge must not open the host's loopback to containers.
prerouting: a packet for 127.0.0.1 that comes from outside is never translated.
postrouting: the way out; the host's loopback; a container reaching its network via the host.
forward: from elsewhere (neighbours of the host, other bridges) only published ports."""


def table_name(root_hash: str) -> str:
    """The name of the root's table; a dash is not allowed there."""
    return f"dockyard_{root_hash}"


def translations(endpoints: Iterable[Endpoint]) -> tuple[str, ...]:
    """The rules that lead published ports to their endpoints; their order means nothing."""
    pairs = ((endpoint.address, port) for endpoint in endpoints for port in endpoint.ports)
    return tuple(sorted(_translation(address, port) for address, port in pairs))


def creation(root_hash: str, network: Network, rules: Iterable[str]) -> str:
    """Input for ``nft -f`` that makes the whole table, and fails where there is one."""
    return f"create table ip {table_name(root_hash)}\n{_table(root_hash, network, rules)}"


def replacement(root_hash: str, network: Network, rules: Iterable[str]) -> str:
    """Input for ``nft -f`` that makes the whole table, whatever was there before."""
    return f"{removal(root_hash)}{_table(root_hash, network, rules)}"


def additions(root_hash: str, rules: Iterable[str]) -> str:
    """Input for ``nft -f`` that adds translations to the table."""
    return "".join(f"add rule ip {table_name(root_hash)} published {rule}\n" for rule in rules)


def removal(root_hash: str) -> str:
    """Input for ``nft -f`` that leaves nothing of the root, whether or not there was something."""
    table = table_name(root_hash)
    return f"add table ip {table}\ndelete table ip {table}\n"


def _table(root_hash: str, network: Network, rules: Iterable[str]) -> str:
    return _TABLE.format(
        table=table_name(root_hash),
        bridge=network.bridge,
        subnet=parse_subnet(network.subnet),
        published="".join(f"\t\t{rule}\n" for rule in rules),
    )


def _translation(address: str, port: PortMapping) -> str:
    everywhere = port.host_ip == "0.0.0.0"  # noqa: S104  # compared, not bound
    match = "" if everywhere else f"ip daddr {port.host_ip} "
    return f"{match}{port.protocol} dport {port.host_port} dnat to {address}:{port.container_port}"
