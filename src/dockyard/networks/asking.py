"""From the connections that a container asks for to endpoints to be. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from dockyard.errors import InvalidInput
from dockyard.networks.addresses import is_ipv6
from dockyard.networks.model import DEFAULT_NETWORK, Connection, Network, PortMapping
from dockyard.networks.plan import Wish
from dockyard.networks.store import missing
from dockyard.observability.events import Event


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """Who is attached."""

    holder: str
    names: tuple[str, ...] = ()
    """By which others find it, on networks that have names."""
    nameservers: tuple[str, ...] = ()


def way_out(
    recorded: Mapping[str, Network], connections: Sequence[Connection]
) -> tuple[Connection, Network | None]:
    """The connection that has the default route and the ports, and its network.

    The network is ``None`` for a default one that isn't there yet. Where all are internal, it is
    the first connection and its internal network.

    Raises:
        NotFound: there is no such network.
    """
    for each in connections:
        if each.network not in recorded and each.network != DEFAULT_NETWORK:
            raise missing(each.network)
    outward = [each for each in connections if not _internal(recorded, each.network)]
    best = min(outward or connections, key=lambda each: (-each.priority, each.network))
    return best, recorded.get(best.network)


def publishing(
    ports: Sequence[PortMapping], way: tuple[Connection, Network | None], address: str
) -> tuple[str, bool]:
    """The address for ports that name none, and whether they are published on IPv6, too.

    Args:
        address: the one of the configuration.

    Raises:
        InvalidInput: a port can't be published there.
    """
    connection, network = way
    if ports and network is not None and network.internal:
        raise InvalidInput(
            f"ports can't be published on the internal network {connection.network}",
            hint="leave -p out, or add a --network that isn't internal",
            exit_code=125,
        )
    ipv6 = network is not None and network.ipv6 is not None
    wrong = next((each for each in ports if is_ipv6(each.host_ip)), None)
    if wrong is not None and not ipv6:
        raise InvalidInput(
            f"network {connection.network} has no IPv6 to publish {wrong.host} on",
            hint="use a network made with --ipv6, or an IPv4 address",
            exit_code=125,
        )
    binding = network.host_binding if network is not None else ""
    return binding or address, ipv6


def wishes(
    member: Member,
    connections: Sequence[Connection],
    ports: tuple[PortMapping, ...],
    way: tuple[Connection, Network | None],
    new_veth: Callable[[], str],
) -> list[Wish]:
    """An endpoint to be for each connection; the one on the way out has the ports."""
    taken = {each.interface for each in connections}
    names = (f"eth{number}" for number in range(len(connections) * 2))
    free = (name for name in names if name not in taken)
    return [
        Wish(
            holder=member.holder,
            connection=each,
            veth=new_veth(),
            interface=each.interface or next(free),
            ports=ports if each is way[0] else (),
            names=member.names,
            nameservers=member.nameservers,
        )
        for each in connections
    ]


def happenings(action: str, holder: str, networks: Sequence[Network]) -> tuple[Event, ...]:
    """The events of a container that joins networks or leaves them; build steps have none."""
    kind, _, container = holder.partition("-")
    if kind != "c":
        return ()
    return tuple(
        Event(
            type="network",
            action=action,
            actor=each.id,
            attributes={"container": container, "name": each.name, "type": "bridge"},
        )
        for each in networks
    )


def _internal(networks: Mapping[str, Network], name: str) -> bool:
    return name in networks and networks[name].internal
