"""Records of networks and endpoints."""

from __future__ import annotations

import sqlite3

import msgspec

from dockyard.networks import plan, reserve
from dockyard.networks.model import DEFAULT_NETWORK, Endpoint, Network, PortMapping
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.state.database import Database

_DELETE_UNUSED = "DELETE FROM networks WHERE name NOT IN (SELECT network FROM endpoints)"


def _event(action: str, network: str, holder: str) -> tuple[Event, ...]:
    """The event of a container's endpoint; steps of a build are nobody's business."""
    if not holder.startswith("c-"):
        return ()
    attributes = {"container": holder.removeprefix("c-"), "name": network, "type": "bridge"}
    return (Event(type="network", action=action, actor=network, attributes=attributes),)


class NetworkStore:
    """The tables ``networks`` and ``endpoints`` of one root."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def network(self) -> Network | None:
        """The bridge network, where this root has one now."""
        row = self._database.query_one(
            "SELECT record FROM networks WHERE name = ?", (DEFAULT_NETWORK,)
        )
        return None if row is None else msgspec.json.decode(row[0], type=Network)

    def save_network(self, network: Network) -> None:
        """Adds the network, or replaces its record."""
        self._database.execute(
            "INSERT INTO networks (name, record) VALUES (?, ?)"
            " ON CONFLICT (name) DO UPDATE SET record = excluded.record",
            (network.name, msgspec.json.encode(network)),
        )

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints of this root, in no order."""
        rows = self._database.query("SELECT record FROM endpoints")
        return tuple(msgspec.json.decode(row[0], type=Endpoint) for row in rows)

    def endpoint(self, holder: str) -> Endpoint | None:
        """The endpoint of one holder."""
        row = self._database.query_one("SELECT record FROM endpoints WHERE holder = ?", (holder,))
        return None if row is None else msgspec.json.decode(row[0], type=Endpoint)

    def holders(self) -> set[str]:
        """Everyone who has an endpoint."""
        return {row[0] for row in self._database.query("SELECT holder FROM endpoints")}

    def owner(self, port: PortMapping) -> str | None:
        """The holder of an endpoint that publishes the same port."""
        return _owner(self.endpoints(), port)

    def add_endpoint(
        self, network: Network, holder: str, veth: str, ports: tuple[PortMapping, ...]
    ) -> Endpoint:
        """Takes a free address, in one transaction.

        Raises:
            Conflict: no address is left, or another endpoint publishes one of the ports.
        """
        with self._database.transaction() as connection:
            present = _select_all(connection)
            for port in ports:
                if (other := _owner(present, port)) is not None:
                    raise reserve.taken(port, other)
            used = [each.address for each in present]
            endpoint = plan.make_endpoint(network, used, holder, veth, ports)
            connection.execute(
                "INSERT INTO endpoints (network, address, holder, record) VALUES (?, ?, ?, ?)",
                (network.name, endpoint.address, holder, msgspec.json.encode(endpoint)),
            )
            events.write(connection, *_event("connect", network.name, holder))
        return endpoint

    def remove_endpoint(self, holder: str) -> None:
        """Forgets the holder's endpoint; a network that nobody uses goes with it. Idempotent."""
        with self._database.transaction() as connection:
            gone = connection.execute(
                "DELETE FROM endpoints WHERE holder = ? RETURNING network", (holder,)
            ).fetchall()
            for (network,) in gone:
                events.write(connection, *_event("disconnect", network, holder))
            connection.execute(_DELETE_UNUSED)

    def remove_unused(self) -> None:
        """Forgets a network that nobody uses. Idempotent."""
        self._database.execute(_DELETE_UNUSED)


def _select_all(connection: sqlite3.Connection) -> tuple[Endpoint, ...]:
    rows = connection.execute("SELECT record FROM endpoints").fetchall()
    return tuple(msgspec.json.decode(row[0], type=Endpoint) for row in rows)


def _owner(endpoints: tuple[Endpoint, ...], port: PortMapping) -> str | None:
    for endpoint in endpoints:
        if any(port.overlaps(each) for each in endpoint.ports):
            return endpoint.holder
    return None
