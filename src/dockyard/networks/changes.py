"""Connecting containers that run to networks, and disconnecting them.

The endpoint is recorded as pending before anything is done, and as it is, or not at all, when all
is done. In between the holder's lock is held, so a pending endpoint whose holder's lock is free is
what a killed command left, and the next one removes it.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import msgspec

from dockyard.errors import Conflict, DockyardError, NotFound
from dockyard.networks import links, namespace, plan
from dockyard.networks.apply import Networks
from dockyard.networks.asking import Member, happenings
from dockyard.networks.lock import NetworkLock
from dockyard.networks.model import Connection, Endpoint
from dockyard.networks.namespace import Namespace
from dockyard.networks.plan import Wish
from dockyard.system.host import ProcessIdentity

_INTERFACES = 1000


def connect(
    networks: Networks, member: Member, process: ProcessIdentity, connection: Connection
) -> None:
    """Gives a running container an interface on one more network.

    Its ports move there where the network is now its way out. The caller holds its lock.

    Args:
        process: one of the container.

    Raises:
        Conflict: it is on the network already, or the address is taken.
        NotFound, InvalidInput: as :meth:`Networks.begin`.
    """
    present = networks.endpoints(member.holder)
    if any(each.network == connection.network for each in present):
        raise Conflict(
            f"endpoint with name {member.names[0] if member.names else member.holder}"
            f" already exists in network {connection.network}",
            hint="disconnect it first to give it other settings",
        )
    wish = Wish(
        holder=member.holder,
        connection=connection,
        veth=networks.new_veth(),
        interface=connection.interface or _free_interface(present),
        names=member.names,
        nameservers=member.nameservers,
        pending=True,
    )
    try:
        _connect(networks, wish, process, present)
    except BaseException:
        with contextlib.suppress(DockyardError):  # it stays pending then, for the next command
            withdraw(networks, member.holder, process, connection.network)
        raise
    networks.tell_names()


def _connect(
    networks: Networks, wish: Wish, process: ProcessIdentity, present: Sequence[Endpoint]
) -> None:
    with NetworkLock.acquire(networks.lock_path) as lock:
        network = networks.upkeep.ensure(wish.connection.network)
        happened = happenings("connect", wish.holder, [network])
        (endpoint,) = networks.store.add_endpoints([network], [wish], *happened)
        networks.upkeep.sync(lock)
    with contextlib.closing(namespace.enter(process)) as space:
        links.plug(space, endpoint, network)
        settled = [*present, msgspec.structs.replace(endpoint, pending=False)]
        changed = _redirect(networks, space, settled)
    with NetworkLock.acquire(networks.lock_path) as lock:
        networks.store.replace_endpoints(*changed)
        networks.upkeep.sync(lock)


def disconnect(networks: Networks, holder: str, process: ProcessIdentity | None, name: str) -> None:
    """Takes a network from a container. The caller holds its lock.

    Args:
        process: one of the container where it runs.

    Raises:
        NotFound: it isn't on that network.
    """
    present = networks.endpoints(holder)
    endpoint = next((each for each in present if each.network == name), None)
    if endpoint is None:
        raise NotFound(
            f"container {holder[2:14]} is not connected to network {name}",
            hint="dockyard inspect shows a container's networks",
        )
    networks.store.replace_endpoints(msgspec.structs.replace(endpoint, pending=True))
    withdraw(networks, holder, process, name)


def withdraw(networks: Networks, holder: str, process: ProcessIdentity | None, name: str) -> None:
    """Removes a pending endpoint, whatever there is of it, and leads all through the others.

    Idempotent. The caller holds the holder's lock.
    """
    present = networks.endpoints(holder)
    gone = [each for each in present if each.network == name]
    staying = [each for each in present if each.network != name]
    links.delete(each.veth for each in gone)
    if process is not None and staying:
        ports = tuple(port for each in gone for port in each.ports)
        first = msgspec.structs.replace(staying[0], ports=(*staying[0].ports, *ports))
        with contextlib.closing(namespace.enter(process)) as space:
            changed = _redirect(networks, space, [first, *staying[1:]])
        networks.store.replace_endpoints(*changed)
    networks.forget(holder, gone, name)


def _redirect(
    networks: Networks, space: Namespace, endpoints: Sequence[Endpoint]
) -> list[Endpoint]:
    """Leads the default route, and the ports, through the best of the endpoints."""
    recorded = networks.store.networks()
    internal = {name for name, each in recorded.items() if each.internal}
    way = plan.first_gateway(endpoints, internal)
    ports = tuple(port for each in endpoints for port in each.ports)
    for each in endpoints:
        if each is not way:
            links.unroute(space, each)
    if way is not None:
        links.route(space, way)
    holder = way if way is not None else endpoints[0]
    return [
        msgspec.structs.replace(each, ports=ports if each is holder else ()) for each in endpoints
    ]


def _free_interface(present: Sequence[Endpoint]) -> str:
    taken = {each.interface for each in present}
    return next(name for name in (f"eth{i}" for i in range(_INTERFACES)) if name not in taken)
