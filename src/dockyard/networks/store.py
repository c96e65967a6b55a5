"""Records of networks and endpoints."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence

import msgspec

from dockyard import decoding
from dockyard.errors import Conflict, NotFound
from dockyard.networks import plan, reserve
from dockyard.networks.model import DEFAULT_NETWORK, Endpoint, Network, PortMapping
from dockyard.networks.plan import Wish
from dockyard.observability import events
from dockyard.observability.events import Event
from dockyard.state.database import Database, Row

_INSERT = "INSERT INTO endpoints (network, address, holder, record) VALUES (?, ?, ?, ?)"


class NetworkStore:
    """The tables ``networks`` and ``endpoints`` of one root."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def networks(self) -> dict[str, Network]:
        """All that are recorded, by name; the default one only while it is used."""
        rows = self._database.query("SELECT record FROM networks ORDER BY name")
        found = (decoding.from_json(row[0], Network) for row in rows)
        return {each.name: each for each in found}

    def save_network(self, network: Network, *happened: Event) -> None:
        """Adds the network, or replaces its record."""
        with self._database.transaction() as connection:
            connection.execute(
                "INSERT INTO networks (name, record) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET record = excluded.record",
                (network.name, msgspec.json.encode(network)),
            )
            events.write(connection, *happened)

    def delete_network(self, name: str, *happened: Event) -> None:
        """Forgets a network without endpoints. Idempotent."""
        with self._database.transaction() as connection:
            connection.execute("DELETE FROM networks WHERE name = ?", (name,))
            events.write(connection, *happened)

    def endpoints(self) -> tuple[Endpoint, ...]:
        """All endpoints of this root, in no order."""
        return _decoded(self._database.query("SELECT record FROM endpoints"))

    def endpoints_of(self, holder: str) -> tuple[Endpoint, ...]:
        """The endpoints of one holder, ordered by interface."""
        rows = self._database.query("SELECT record FROM endpoints WHERE holder = ?", (holder,))
        return tuple(sorted(_decoded(rows), key=lambda each: each.interface))

    def pending(self) -> tuple[Endpoint, ...]:
        """Those endpoints that are being added or removed."""
        query = "SELECT record FROM endpoints WHERE CAST(record AS TEXT) ->> '$.pending'"
        return _decoded(self._database.query(query))

    def holders(self) -> set[str]:
        """Everyone who has an endpoint."""
        return {row[0] for row in self._database.query("SELECT DISTINCT holder FROM endpoints")}

    def owner(self, port: PortMapping) -> str | None:
        """The holder of an endpoint that publishes the same port."""
        return _owner(self.endpoints(), port)

    def add_endpoints(
        self, networks: Sequence[Network], wishes: Iterable[Wish], *happened: Event
    ) -> tuple[Endpoint, ...]:
        """Takes addresses on networks, in one transaction.

        Args:
            networks: those that the wishes, in the same order, are about.

        Raises:
            Conflict: no address is left, an address is taken, or another endpoint publishes one
                of the ports.
            NotFound: a network was removed meanwhile.
        """
        made = []
        with self._database.transaction() as connection:
            for network, wish in zip(networks, wishes, strict=True):
                _require_ports_free(connection, wish.ports)
                rows = connection.execute(
                    "SELECT record FROM endpoints WHERE network = ?", (network.name,)
                )
                endpoint = plan.make_endpoint(network, _decoded(rows.fetchall()), wish)
                _insert(connection, endpoint)
                made.append(endpoint)
            events.write(connection, *happened)
        return tuple(made)

    def replace_endpoints(self, *endpoints: Endpoint) -> None:
        """Writes endpoints that are there anew; their holder, network and address are as before."""
        with self._database.transaction() as connection:
            for each in endpoints:
                connection.execute(
                    "UPDATE endpoints SET record = ? WHERE holder = ? AND network = ?",
                    (msgspec.json.encode(each), each.holder, each.network),
                )

    def remove_endpoints(
        self, holder: str, *happened: Event, network: str | None = None, unless_last: bool = False
    ) -> bool:
        """Forgets the holder's endpoints, or the one on a network. Idempotent.

        Args:
            unless_last: change nothing where the root, or its default network, would be left
                without any.

        Returns:
            False where that was so.
        """
        with self._database.transaction() as connection:
            if unless_last and _would_be_last(connection, holder, network):
                return False
            connection.execute(
                "DELETE FROM endpoints WHERE holder = ?1 AND (?2 IS NULL OR network = ?2)",
                (holder, network),
            )
            connection.execute(
                "DELETE FROM networks WHERE name = ? AND name NOT IN"
                " (SELECT network FROM endpoints)",
                (DEFAULT_NETWORK,),
            )
            events.write(connection, *happened)
        return True


def _insert(connection: sqlite3.Connection, endpoint: Endpoint) -> None:
    row = (endpoint.network, endpoint.address, endpoint.holder, msgspec.json.encode(endpoint))
    try:
        connection.execute(_INSERT, row)
    except sqlite3.IntegrityError as error:
        if "FOREIGN KEY" in str(error):
            raise missing(endpoint.network) from error
        raise Conflict(
            f"endpoint already exists in network {endpoint.network}",
            hint="disconnect it first to give it other settings",
            exit_code=125,
        ) from error


def _would_be_last(connection: sqlite3.Connection, holder: str, network: str | None) -> bool:
    rows = connection.execute(
        "WITH staying AS (SELECT network FROM endpoints"
        " WHERE NOT (holder = ?1 AND (?2 IS NULL OR network = ?2)))"
        " SELECT NOT EXISTS (SELECT 1 FROM staying) OR ("
        " EXISTS (SELECT 1 FROM endpoints WHERE holder = ?1 AND network = ?3)"
        " AND NOT EXISTS (SELECT 1 FROM staying WHERE network = ?3))",
        (holder, network, DEFAULT_NETWORK),
    )
    return bool(rows.fetchone()[0])


def missing(name: str) -> NotFound:
    """The error for a network that isn't there."""
    return NotFound(
        f"network {name} not found",
        hint="dockyard network ls lists those there are, dockyard network create makes one",
        reference="no-such-network",
    )


def _require_ports_free(connection: sqlite3.Connection, ports: Iterable[PortMapping]) -> None:
    wanted = tuple(ports)
    if not wanted:
        return
    present = _decoded(connection.execute("SELECT record FROM endpoints").fetchall())
    for port in wanted:
        if (other := _owner(present, port)) is not None:
            raise reserve.taken(port, other)


def _decoded(rows: Sequence[Row]) -> tuple[Endpoint, ...]:
    return tuple(decoding.from_json(row[0], Endpoint) for row in rows)


def _owner(endpoints: Iterable[Endpoint], port: PortMapping) -> str | None:
    for endpoint in endpoints:
        if any(port.overlaps(each) for each in endpoint.ports):
            return endpoint.holder
    return None
