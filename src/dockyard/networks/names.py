"""What the name servers of a root are told: files as aardvark-dns reads them. Pure.

There are two servers. One answers for the networks that have a way out, and asks the host's name
servers for what it doesn't know; the other one answers for internal networks and asks nobody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from dockyard.networks.model import Endpoint, Network

OPEN = "open"
INTERNAL = "internal"
SERVERS = (OPEN, INTERNAL)


def configuration(
    networks: Mapping[str, Network], endpoints: Iterable[Endpoint]
) -> dict[str, dict[str, str]]:
    """For each server the files by name; none for a server that nobody needs.

    A container that is on networks of both kinds asks the open server, so that one knows the names
    of its internal networks too, and listens for them where nobody asks.
    """
    served = [each for each in endpoints if each.names]
    by_network: dict[str, list[Endpoint]] = {}
    for endpoint in served:
        by_network.setdefault(endpoint.network, []).append(endpoint)
    outward = {each.holder for each in served if not networks[each.network].internal}
    found: dict[str, dict[str, str]] = {OPEN: {}, INTERNAL: {}}
    for name, present in sorted(by_network.items()):
        network = networks[name]
        if not network.internal:
            found[OPEN][network.id] = text(_listening(network), present)
            continue
        found[INTERNAL][network.id] = text(_listening(network), present)
        if any(each.holder in outward for each in present):
            found[OPEN][network.id] = text(_elsewhere(network), present)
    return found


def text(listening: str, endpoints: Iterable[Endpoint]) -> str:
    """One file: where to listen, then ``ID IPV4 IPV6 NAMES [NAMESERVERS]`` for each endpoint.

    As in Docker each name counts with the network's behind it too. Those come first: the first name
    of the line is the first answer to whose an address is.
    """
    lines = [listening]
    for each in sorted(endpoints, key=lambda one: one.veth):
        full = [f"{name}.{each.network}" for name in each.names]
        names = ",".join(dict.fromkeys(name.lower() for name in (*full, *each.names)))
        servers = f" {','.join(each.nameservers)}" if each.nameservers else ""
        holder = each.holder.partition("-")[2]
        lines.append(f"{holder} {each.address} {each.address6} {names}{servers}")
    return "\n".join(lines) + "\n"


def _listening(network: Network) -> str:
    return ",".join(pool.gateway for pool in network.pools)


def _elsewhere(network: Network) -> str:
    """An address of the loopback that follows the gateway's."""
    return "127." + network.ipv4.gateway.partition(".")[2]
