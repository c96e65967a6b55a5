"""Networks for the doors: making and removing them, and who is on them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dockyard.containers import networking
from dockyard.containers.model import Container
from dockyard.containers.parts import Parts
from dockyard.errors import InvalidInput
from dockyard.networks.model import HOST_NETWORK, NO_NETWORK, Connection, Endpoint, Network
from dockyard.networks.request import NetworkRequest


class NetworkManager:
    """The networks of one root."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    def create(
        self,
        name: str,
        *,
        internal: bool = False,
        ipv6: bool = False,
        subnet: str | Iterable[str] = (),
        gateway: str | Iterable[str] = (),
        ip_range: str | Iterable[str] = (),
        auxiliary: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
        driver: str = "bridge",
    ) -> Network:
        """Makes a network behind a bridge of its own.

        Args:
            name: unlike in Docker no two networks have the same.
            internal: no way out, and none in.
            ipv6: give addresses of IPv6 as well.
            subnet: in CIDR notation, one for each version of IP; free ones by default.
            gateway: addresses of the bridge; the subnet's first by default.
            ip_range: parts of the subnets from which containers get addresses.
            auxiliary: addresses that no container gets, by any name.
            options: such as ``com.docker.network.driver.mtu``.

        Raises:
            InvalidInput, NotSupported: what is asked for makes no sense, or isn't there.
            Conflict: name, subnet or bridge is taken.
        """
        return self._parts.catalog.create(
            NetworkRequest(
                name=name,
                driver=driver,
                internal=internal,
                ipv6=ipv6,
                subnets=_several(subnet),
                gateways=_several(gateway),
                ip_ranges=_several(ip_range),
                auxiliary=dict(auxiliary or {}),
                labels=dict(labels or {}),
                options=dict(options or {}),
            )
        )

    def list(self) -> Sequence[Network]:
        """All networks by name, with ``bridge``, ``host`` and ``none``."""
        return self._parts.catalog.list()

    def get(self, text: str) -> Network:
        """A network by name, id, or unambiguous beginning of an id.

        Raises:
            NotFound: there is none.
        """
        return self._parts.catalog.get(text)

    def members(self, network: Network) -> Sequence[tuple[Container, Endpoint]]:
        """The containers that are attached to a network now, by name."""
        found = []
        for endpoint in self._parts.catalog.endpoints(network.name):
            container = self._parts.store.get(endpoint.holder.partition("-")[2])
            if container is not None:
                found.append((container, endpoint))
        return sorted(found, key=lambda pair: pair[0].name)

    def used(self) -> set[str]:
        """Names of the networks that containers are attached to now."""
        return self._parts.catalog.used()

    def remove(self, text: str) -> Network:
        """Removes a network that no container is attached to.

        Raises:
            NotFound: there is none.
            Conflict: a container is attached.
            InvalidInput: it is one that is always there.
        """
        return self._parts.catalog.remove(text, self._describe)

    def prune(self, networks: Iterable[Network] | None = None) -> Sequence[Network]:
        """Removes those of the networks (all by default) that no container is attached to."""
        return self._parts.catalog.prune(self.list() if networks is None else networks)

    def connect(
        self,
        network: str,
        container: str,
        *,
        aliases: Iterable[str] = (),
        ip: str | None = None,
        ip6: str | None = None,
        mac: str | None = None,
        interface: str = "",
        priority: int = 0,
    ) -> None:
        """Puts a container on one more network: at once where it runs, else at its next start.

        Raises:
            Conflict: it is on that network, or the address is taken.
            NotFound: there is no such container or network.
            InvalidInput: container or network is of a kind that can't be connected.
        """
        found = self.get(network)
        if found.name in {HOST_NETWORK, NO_NETWORK}:
            raise InvalidInput(
                f"cannot connect container to {found.name} network - container must be created"
                f" in {found.name} network mode",
                hint=f"make it anew with --network {found.name}",
            )
        connection = Connection(
            network=found.name, aliases=tuple(aliases), ip=ip, ip6=ip6, mac=mac,
            interface=interface, priority=priority,
        )  # fmt: skip
        networking.connect(self._parts, self._parts.store.find(container).id, connection)

    def disconnect(self, network: str, container: str) -> None:
        """Takes a container off a network.

        Raises:
            NotFound: there is no such container or network, or it isn't on it.
        """
        found = self.get(network)
        networking.disconnect(self._parts, self._parts.store.find(container).id, found.name)

    def _describe(self, endpoint: Endpoint) -> str:
        container_id = endpoint.holder.partition("-")[2]
        container = self._parts.store.get(container_id)
        return f'name:"{container.name if container else ""}" id:"{container_id[:12]}"'


def _several(given: str | Iterable[str]) -> tuple[str, ...]:
    return (given,) if isinstance(given, str) else tuple(given)
