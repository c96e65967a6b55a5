"""What all endpoints of a root share on the host: bridges and rules. Under the network lock."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping

from dockyard.errors import NotSupported
from dockyard.networks import kernel, links, plan
from dockyard.networks.addresses import Subnet, parse_subnet
from dockyard.networks.lock import NetworkLock
from dockyard.networks.model import DEFAULT_NETWORK, Network
from dockyard.networks.rules import Rules
from dockyard.networks.store import NetworkStore, missing
from dockyard.state.locks import Lock
from dockyard.state.paths import HOST_LOCK_DIRECTORY, Paths, make_lock_directory


class Upkeep:
    """Brings bridges and rules to what the records say, and takes them away again."""

    def __init__(self, paths: Paths, store: NetworkStore) -> None:
        self._root_hash = paths.root_hash
        self._default_bridge = plan.bridge_name(paths.root_hash)
        self._store = store
        self._rules = Rules(paths)

    def settled(self, networks: Mapping[str, Network], used: Iterable[str]) -> bool:
        """True where nothing has to be done for the networks in use. The lock may be shared."""
        bridges = (networks[name].bridge for name in used)
        return (
            (DEFAULT_NETWORK in networks or not kernel.interface_exists(self._default_bridge))
            and all(each.state == "ready" for each in networks.values())
            and all(map(kernel.bridge_ready, bridges))
            and self._rules.current(tuple(networks.values()), self._store.endpoints())
        )

    def ensure(self, name: str) -> Network:
        """The network, with its bridge.

        Where the subnets were chosen here, they are chosen anew while nobody has an address.

        Raises:
            NotFound: there is no such network.
            Conflict: no subnet is free, or the host has come to use the network's.
        """
        network = self._store.networks().get(name)
        if network is None and name != DEFAULT_NETWORK:
            raise missing(name)
        if network is not None and (
            kernel.bridge_ready(network.bridge)
            or any(each.network == name for each in self._store.endpoints())
        ):
            return network
        with host_lock():
            if network is None:
                links.delete([self._default_bridge])  # left by an interrupted command
                subnet = plan.choose_subnet(self.used_subnets())
                network = plan.default_network(self._root_hash, subnet, kernel.uplink_mtu())
            else:
                links.delete([network.bridge])
                used = self.used_subnets(without=name)
                network = plan.replaced_pools(self._root_hash, network, used)
            self._store.save_network(network)
            links.make_bridge(network)
        return network

    def used_subnets(self, *, without: str = "") -> tuple[Subnet, ...]:
        """What the host routes, and what other networks of the root have."""
        others = [each for each in self._store.networks().values() if each.name != without]
        pools = [parse_subnet(pool.subnet) for each in others for pool in each.pools]
        return (*kernel.used_subnets(), *pools)

    def sync(self, lock: NetworkLock) -> None:
        """Makes bridges and rules what the recorded endpoints need."""
        networks = self._store.networks()
        present = self._store.endpoints()
        self._enable_forwarding(networks.values())
        for name in sorted({each.network for each in present}):
            network = networks[name]
            if not kernel.bridge_ready(network.bridge):
                links.make_bridge(network)
                links.rejoin(network, [each for each in present if each.network == name])
        self._rules.apply(lock, tuple(networks.values()), present)
        if DEFAULT_NETWORK not in networks:
            self._delete_default_bridge(lock)

    def finish(self) -> None:
        """Ends what was begun on networks by commands that were killed."""
        for network in self._store.networks().values():
            if network.state != "ready":
                links.delete([network.bridge])
                self._store.delete_network(network.name)

    def present(self) -> bool:
        """True where something of the default network or of the rules may be there."""
        return kernel.interface_exists(self._default_bridge) or self._rules.applied()

    def tear_down(self, lock: NetworkLock) -> None:
        """Removes the default network's bridge, and all rules. Done under the lock.

        The kernel takes 50 ms for it. Whoever wants the network next waits that long, but not the
        command whose container was the last.
        """
        self._delete_default_bridge(lock)
        self._rules.remove(lock)

    def _delete_default_bridge(self, lock: NetworkLock) -> None:
        if kernel.interface_exists(self._default_bridge):
            batch = plan.delete_batch([self._default_bridge])
            lock.hand_over(["ip", "-force", "-batch", "-"], batch)

    def _enable_forwarding(self, networks: Iterable[Network]) -> None:
        kernel.enable_forwarding()
        if any(each.ipv6 for each in networks):
            kernel.enable_forwarding6()


@contextlib.contextmanager
def host_lock() -> Iterator[None]:
    """Held from looking for a free subnet until a bridge has it, so no two roots take one."""
    make_lock_directory(HOST_LOCK_DIRECTORY)
    with Lock.acquire(f"{HOST_LOCK_DIRECTORY}/subnets.lock"):
        yield


def require_ipv6() -> None:
    """Raises :class:`NotSupported` where the kernel has no IPv6."""
    if not kernel.has_ipv6():
        raise NotSupported(
            "this kernel has no IPv6", hint="boot without ipv6.disable=1, or leave --ipv6 out"
        )
