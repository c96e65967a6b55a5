"""Making, listing and removing networks."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Sequence

import msgspec

from dockyard.errors import Conflict, InvalidInput, NotFound
from dockyard.networks import kernel, links, plan, request, upkeep
from dockyard.networks.apply import Networks
from dockyard.networks.lock import NetworkLock
from dockyard.networks.model import (
    DEFAULT_NETWORK,
    HOST_NETWORK,
    NO_NETWORK,
    PREDEFINED,
    Endpoint,
    Network,
    Pool,
)
from dockyard.networks.request import NetworkRequest
from dockyard.networks.store import missing
from dockyard.observability.events import Event


class Catalog:
    """The networks of one root, for who makes and removes them."""

    def __init__(self, networks: Networks, root_hash: str) -> None:
        self._networks = networks
        self._root_hash = root_hash

    def create(self, wanted: NetworkRequest) -> Network:
        """Makes a network, with its bridge.

        Raises:
            InvalidInput, NotSupported: what is asked for makes no sense, or isn't there.
            Conflict: the name, the subnet or the bridge's name is taken, or no subnet is free.
        """
        request.check(wanted)
        if wanted.ipv6:
            upkeep.require_ipv6()
        with NetworkLock.acquire(self._networks.lock_path) as lock, upkeep.host_lock():
            present = self._networks.store.networks()
            if wanted.name in present:
                raise Conflict(
                    f"network with name {wanted.name} already exists",
                    hint=f"use it, or remove it first (dockyard network rm {wanted.name})",
                    reference="network-exists",
                )
            used = self._networks.upkeep.used_subnets()
            network = request.make(
                wanted, self._new_id(present.values()), self._root_hash, used,
                mtu=kernel.uplink_mtu(),
            )  # fmt: skip
            network = msgspec.structs.replace(network, created=time.time_ns(), state="creating")
            if kernel.interface_exists(network.bridge):
                raise Conflict(f"there is an interface {network.bridge} already",
                               hint="choose another name for the bridge")  # fmt: skip
            self._networks.store.save_network(network)
            try:
                links.make_bridge(network)
            except BaseException:
                links.delete([network.bridge])
                self._networks.store.delete_network(network.name)
                raise
            network = msgspec.structs.replace(network, state="ready")
            self._networks.store.save_network(network, _event("create", network))
            if self._networks.holders():
                self._networks.upkeep.sync(lock)
        return network

    def list(self) -> Sequence[Network]:
        """All networks by name, those included that are always there."""
        found = {each.name: each for each in self._fixed()}
        present = self._networks.store.networks()
        found |= {name: each for name, each in present.items() if each.state == "ready"}
        return [found[name] for name in sorted(found)]

    def get(self, text: str) -> Network:
        """A network by name, id, or unambiguous beginning of an id.

        Raises:
            NotFound: there is none.
            Conflict: the beginning fits several.
        """
        every = self.list()
        for each in every:
            if text in {each.name, each.id}:
                return each
        found = [each for each in every if text and each.id.startswith(text)]
        if len(found) > 1:
            raise Conflict(
                f"network {text} is ambiguous ({len(found)} matches found on ID prefix)",
                hint="give more digits of the id, or the name",
            )
        if not found:
            raise missing(text)
        return found[0]

    def endpoints(self, name: str) -> Sequence[Endpoint]:
        """Who is attached to a network now."""
        return [each for each in self._networks.store.endpoints() if each.network == name]

    def used(self) -> set[str]:
        """Names of the networks that somebody is attached to."""
        return {each.network for each in self._networks.store.endpoints()}

    def remove(
        self, text: str, describe: Callable[[Endpoint], str] = lambda each: each.holder
    ) -> Network:
        """Removes a network that nobody is attached to.

        Args:
            describe: what to call who is attached.

        Raises:
            NotFound: there is none.
            Conflict: a container is attached, or it is one that is always there.
        """
        network = self.get(text)
        if network.name in PREDEFINED:
            raise InvalidInput(
                f"{network.name} is a pre-defined network and cannot be removed",
                hint="only networks of dockyard network create can be removed",
            )
        with NetworkLock.acquire(self._networks.lock_path) as lock:
            present = self.endpoints(network.name)
            if present:
                holders = ", ".join(sorted(map(describe, present)))
                raise Conflict(
                    f"error while removing network: network {network.name} has active endpoints"
                    f" ({holders})",
                    hint="stop or disconnect these containers first"
                    " (dockyard network disconnect -f)",
                    reference="network-in-use",
                )
            self._remove(lock, network)
        return network

    def prune(self, networks: Iterable[Network]) -> Sequence[Network]:
        """Removes those of the networks that nobody is attached to."""
        removed = []
        for network in networks:
            if network.name in PREDEFINED or self.endpoints(network.name):
                continue
            try:
                removed.append(self.remove(network.id))
            except (Conflict, NotFound):
                continue  # somebody was faster
        return removed

    def _remove(self, lock: NetworkLock, network: Network) -> None:
        store = self._networks.store
        store.save_network(msgspec.structs.replace(network, state="removing"))
        links.delete([network.bridge])
        store.delete_network(network.name, _event("destroy", network))
        if self._networks.holders():
            self._networks.upkeep.sync(lock)

    def _fixed(self) -> tuple[Network, ...]:
        nowhere = Pool(subnet="", gateway="")
        return tuple(
            Network(
                id=plan.fixed_id(self._root_hash, name), name=name, ipv4=nowhere, mtu=0,
                bridge=plan.bridge_name(self._root_hash) if name == DEFAULT_NETWORK else "",
            )
            for name in (DEFAULT_NETWORK, HOST_NETWORK, NO_NETWORK)
        )  # fmt: skip

    def _new_id(self, present: Iterable[Network]) -> str:
        """An id whose beginning, which names the bridge, no other network has."""
        taken = {plan.bridge_name(self._root_hash, each.id) for each in present}
        while True:
            found = os.urandom(32).hex()
            name = plan.bridge_name(self._root_hash, found)
            if name not in taken and not kernel.interface_exists(name):
                return found


def _event(action: str, network: Network) -> Event:
    attributes = {"name": network.name, "type": "bridge"}
    return Event(type="network", action=action, actor=network.id, attributes=attributes)
