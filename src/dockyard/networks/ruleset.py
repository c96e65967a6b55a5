"""The nftables tables of one root as text. Pure.

What they say follows from the records alone, and each change is one transaction, so there is never
a moment with half of it. Whatever removes a rule makes ``nft`` wait until no processor uses the old
ones (10 to 15 ms), adding does not: hence the ways of making the same tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from dockyard.networks.addresses import is_ipv6
from dockyard.networks.model import ANY_IPV4, ANY_IPV6, Endpoint, Network, PortMapping

_TABLE = """\
table {ip} {table} {{
	chain guard {{
		type filter hook prerouting priority raw; policy accept;
{guard}	}}
	chain prerouting {{
		type nat hook prerouting priority dstnat; policy accept;
		{ip} daddr != {loopback} fib daddr type local jump published
	}}
	chain output {{
		type nat hook output priority -100; policy accept;
		fib daddr type local jump published
	}}
	chain published {{
{published}	}}
	chain postrouting {{
		type nat hook postrouting priority srcnat; policy accept;
{postrouting}	}}
	chain input {{
		type filter hook input priority filter; policy accept;
{input}	}}
	chain refusal {{
		type filter hook output priority filter; policy accept;
		oifname {bridges} {refusal} drop
	}}
	chain forward {{
		type filter hook forward priority filter; policy accept;
{forward}		oifname != {bridges} accept
		ct state established,related accept
		ct status dnat accept
		drop
	}}
}}
"""
"""guard: route_localnet on a bridge must not open the host's loopback to containers; what comes
from an internal network stays in it; the name server of a network is for that network alone.
prerouting: a packet for 127.0.0.1 that comes from outside is never translated.
postrouting: the way out; the host's loopback; a container reaching its network via the host.
input: from an internal network, the host hears answers and questions for names only.
refusal: while the name server begins anew, nobody listens for some milliseconds. Who asks then is
not told so, as he would give up at once: he asks again, for some seconds where it has died. What is
refused follows the refusal's own header.
forward: within a network; then from elsewhere (neighbours of the host, other networks) only
published ports."""

_REFUSAL = {
    "ip": "icmp type destination-unreachable icmp code port-unreachable @th,240,16 53",
    "ip6": "icmpv6 type destination-unreachable icmpv6 code port-unreachable @th,400,16 53",
}
_LOOPBACK = {"ip": "127.0.0.0/8", "ip6": "::1"}


def table_name(root_hash: str) -> str:
    """The name of the root's tables; a dash is not allowed there."""
    return f"dockyard_{root_hash}"


def translations(endpoints: Iterable[Endpoint]) -> tuple[str, ...]:
    """The rules that lead published ports to their endpoints; their order means nothing.

    Each begins with the table's family.
    """
    return tuple(
        sorted(
            rule
            for endpoint in endpoints
            for port in endpoint.ports
            for rule in _translation(endpoint, port)
        )
    )


def creation(root_hash: str, networks: Sequence[Network], rules: Sequence[str]) -> str:
    """Input for ``nft -f`` that makes the whole tables, and fails where there is one."""
    table = table_name(root_hash)
    first = "".join(f"create table {family} {table}\n" for family in _families(networks))
    return first + _tables(root_hash, networks, rules)


def replacement(root_hash: str, networks: Sequence[Network], rules: Sequence[str]) -> str:
    """Input for ``nft -f`` that makes the whole tables, whatever was there before."""
    return f"{removal(root_hash)}{_tables(root_hash, networks, rules)}"


def additions(root_hash: str, rules: Iterable[str]) -> str:
    """Input for ``nft -f`` that adds translations to the tables."""
    table = table_name(root_hash)
    split = (rule.partition(" ") for rule in rules)
    return "".join(f"add rule {family} {table} published {rule}\n" for family, _, rule in split)


def removal(root_hash: str) -> str:
    """Input for ``nft -f`` that leaves nothing of the root, whether or not there was something."""
    table = table_name(root_hash)
    return "".join(
        f"add table {family} {table}\ndelete table {family} {table}\n" for family in ("ip", "ip6")
    )


def _families(networks: Iterable[Network]) -> tuple[str, ...]:
    return ("ip", "ip6") if any(each.ipv6 for each in networks) else ("ip",)


def _tables(root_hash: str, networks: Sequence[Network], rules: Sequence[str]) -> str:
    return "".join(_table(root_hash, networks, rules, ip) for ip in _families(networks))


def _table(root_hash: str, networks: Sequence[Network], rules: Iterable[str], ip: str) -> str:
    """The table of one family. All bridges are in both, so that none is reached unnoticed."""
    published = (rule.partition(" ") for rule in rules)
    return _TABLE.format(
        ip=ip,
        table=table_name(root_hash),
        loopback=_LOOPBACK[ip],
        refusal=_REFUSAL[ip],
        bridges=_set(each.bridge for each in networks),
        guard=_lines(line for each in networks for line in _guard(each, ip)),
        published=_lines(rule for family, _, rule in published if family == ip),
        postrouting=_lines(line for each in networks for line in _postrouting(each, ip)),
        input=_lines(line for each in networks if each.internal for line in _input(each, ip)),
        forward=_lines(line for each in networks for line in _forward(each)),
    )


def _guard(network: Network, ip: str) -> list[str]:
    bridge, loopback = f'"{network.bridge}"', _LOOPBACK[ip]
    lines = [f"iifname {bridge} {ip} {side} {loopback} drop" for side in ("daddr", "saddr")]
    subnet, gateway = _places(network, ip)
    if gateway and not network.is_default:
        near = _set(["lo", network.bridge])
        questions = "meta l4proto { tcp, udp } th dport 53"  # newer name servers have TCP too
        lines.append(f"iifname != {near} {ip} daddr {gateway} {questions} drop")
    if network.internal:
        inside = f"{{ {subnet}, fe80::/10, ff02::/16 }}" if ip == "ip6" else subnet
        lines.append(f"iifname {bridge} {ip} daddr != {inside} drop" if subnet else
                     f"iifname {bridge} drop")  # fmt: skip
    return lines


def _postrouting(network: Network, ip: str) -> list[str]:
    subnet, _ = _places(network, ip)
    if not subnet or network.internal:
        return []
    bridge = f'"{network.bridge}"'
    out = [f"oifname != {bridge} {ip} saddr {subnet} masquerade"] if network.masquerade else []
    return [
        *out,
        f"oifname {bridge} {ip} saddr {_LOOPBACK[ip]} masquerade",
        f"oifname {bridge} {ip} saddr {subnet} ct status dnat masquerade",
    ]


def _input(network: Network, ip: str) -> list[str]:
    bridge = f'"{network.bridge}"'
    neighbours = "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert }"
    return [
        f"iifname {bridge} ct state established,related accept",
        f"iifname {bridge} udp dport 53 accept",
        *([f"iifname {bridge} {neighbours} accept"] if ip == "ip6" else []),
        f"iifname {bridge} drop",
    ]


def _forward(network: Network) -> list[str]:
    bridge = f'"{network.bridge}"'
    within = f"iifname {bridge} oifname {bridge}"
    if not network.icc:
        within_lines = [f"{within} ct status dnat accept", f"{within} drop"]
    else:
        within_lines = [f"{within} accept"]
    if not network.internal:
        return within_lines
    return [*within_lines, f"iifname {bridge} drop", f"oifname {bridge} drop"]


def _places(network: Network, ip: str) -> tuple[str, str]:
    """Subnet and gateway; empty where the network lacks that version."""
    pool = network.ipv4 if ip == "ip" else network.ipv6
    return ("", "") if pool is None else (pool.subnet, pool.gateway)


def _translation(endpoint: Endpoint, port: PortMapping) -> list[str]:
    everywhere = port.host_ip in {ANY_IPV4, ANY_IPV6}
    ip = "ip6" if is_ipv6(port.host_ip) else "ip"
    if ip == "ip6" and not endpoint.address6:
        return []  # it was moved to a network without
    target = f"[{endpoint.address6}]" if ip == "ip6" else endpoint.address
    match = "" if everywhere else f"{ip} daddr {port.host_ip} "
    to = f"{target}:{port.container_port}"
    return [f"{ip} {match}{port.protocol} dport {port.host_port} dnat to {to}"]


def _set(names: Iterable[str]) -> str:
    return "{ " + ", ".join(f'"{name}"' for name in names) + " }"


def _lines(rules: Iterable[str]) -> str:
    return "".join(f"\t\t{rule}\n" for rule in rules)
