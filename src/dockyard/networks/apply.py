"""Attaching holders to networks, and taking all of it away again.

The records say what should be; :meth:`Networks.verify` makes it so after whatever happened to the
host's interfaces and rules. The network lock keeps what all endpoints share (bridges, rules) from
going or changing: an endpoint that changes neither is made and removed with the lock shared, so
that containers start side by side; whoever changes them, or removes the last one, has it alone.
"""

from __future__ import annotations

import contextlib
import functools
import os
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import msgspec

from dockyard.config import Config
from dockyard.errors import DockyardError
from dockyard.networks import asking, links, namespace, plan, reserve
from dockyard.networks.asking import Member, happenings
from dockyard.networks.attachment import Attachment
from dockyard.networks.lock import NetworkLock
from dockyard.networks.model import (
    DEFAULT_NETWORK,
    Connection,
    Endpoint,
    Network,
    PortMapping,
)
from dockyard.networks.plan import Wish
from dockyard.networks.store import NetworkStore
from dockyard.networks.upkeep import Upkeep
from dockyard.state.database import Database
from dockyard.state.paths import Paths
from dockyard.system.task import Task

if TYPE_CHECKING:
    from dockyard.networks.nameserver import NameServers

ON_DEFAULT = (Connection(network=DEFAULT_NETWORK),)


def _ignore(_sentence: str) -> None:
    """For those who don't want to hear of it."""


class Networks:
    """The networks of one root, and who is on them."""

    def __init__(
        self,
        paths: Paths,
        database: Database,
        config: Config,
        warn: Callable[[str], None] = _ignore,
    ) -> None:
        self._paths = paths
        self.store = NetworkStore(database)
        self.upkeep = Upkeep(paths, self.store)
        self._warn = warn
        self.lock_path = f"{paths.locks}/network.lock"
        self._publish_address = config.publish_address

    @functools.cached_property
    def _servers(self) -> NameServers:
        from dockyard.networks.nameserver import NameServers  # only where containers have names

        return NameServers(self._paths, self._warn)

    def attach(
        self,
        member: Member | str,
        ports: Sequence[PortMapping] = (),
        connections: Sequence[Connection] = ON_DEFAULT,
    ) -> Attachment:
        """Makes a namespace with an interface on each network, and publishes the ports.

        Endpoints that the holder still has from before are given up first. When this raises,
        nothing of it stays.

        Raises:
            DockyardError: as :meth:`begin` and :meth:`Attachment.complete`.
        """
        who = Member(holder=member) if isinstance(member, str) else member
        attachment = self.begin(who, ports, connections)
        try:
            attachment.complete()
        except BaseException:
            attachment.close()
            self._give_up(who.holder)
            raise
        return attachment

    def begin(
        self,
        member: Member | str,
        ports: Sequence[PortMapping] = (),
        connections: Sequence[Connection] = ON_DEFAULT,
    ) -> Attachment:
        """As :meth:`attach`, but returns as soon as there is a namespace.

        Whoever begins calls :meth:`Attachment.complete` before the namespace is used, and
        :meth:`detach` where that fails.

        Raises:
            Conflict: a port or address is taken, or no subnet or address is free.
            NotFound: there is no such network.
            InvalidInput: a port is to be published where that can't be, or an address is none of
                the network's.
            PermissionMissing: this process may not do that.
            ComponentFailed, ComponentMissing: the kernel, ``ip`` or ``nft``.
        """
        who = Member(holder=member) if isinstance(member, str) else member
        self.detach(who.holder)
        if not connections:
            return self.isolated()
        descriptors: tuple[int, ...] = ()
        making = Task(namespace.create)
        try:
            way = asking.way_out(self.store.networks(), connections)
            default, ipv6 = asking.publishing(ports, way, self._publish_address)
            mapped, descriptors = reserve.reserve(ports, default, self.store.owner, ipv6=ipv6)
            wishes = asking.wishes(who, connections, mapped, way, self.new_veth)
            ready = self._ready(connections, alone=bool(mapped))
            return self._join(ready, wishes, making, descriptors)
        except BaseException:
            reserve.release(descriptors)
            self._give_up(who.holder)
            with contextlib.suppress(DockyardError):
                making.result().close()
            raise

    def isolated(self) -> Attachment:
        """A namespace with nothing but its own loopback (``--network none``).

        Raises:
            PermissionMissing, NotSupported: see :func:`namespace.create`.
        """
        return Attachment(namespace.create())

    def detach(self, holder: str) -> None:
        """Gives up the holder's endpoints; with the last one all that the root has on the host.

        What somebody made stays: the networks that ``network create`` made, with their bridges.
        Idempotent; does nothing for a holder that has none.
        """
        endpoints = self.store.endpoints_of(holder)
        if not endpoints:
            return
        links.delete(each.veth for each in endpoints)
        self.forget(holder, endpoints)

    def verify(self) -> None:
        """Brings bridges, rules and name servers back where something took them away.

        Cheap while nothing changed; also notices another firewall that came later, and removes
        what an interrupted command left behind.
        """
        networks, endpoints = self._records()
        if not endpoints:
            self._sweep(networks)
            return
        with NetworkLock.acquire(self.lock_path, shared=True):
            settled = self.upkeep.settled(networks, {each.network for each in endpoints})
        if not settled:
            with NetworkLock.acquire(self.lock_path) as lock:
                self.upkeep.finish()
                if self.store.holders():
                    self.upkeep.sync(lock)
        if any(each.names for each in endpoints) and not self._servers.settled():
            self._servers.update(self._records)

    def pending(self) -> tuple[Endpoint, ...]:
        """Endpoints that are being added to running containers or removed, or were, until a kill.

        See :mod:`dockyard.networks.changes`.
        """
        return self.store.pending()

    def holders(self) -> set[str]:
        """Everyone who has an endpoint, for recovery to compare with who lives."""
        return self.store.holders()

    def endpoint(self, holder: str) -> Endpoint | None:
        """The holder's first endpoint."""
        return next(iter(self.store.endpoints_of(holder)), None)

    def ports(self, holder: str) -> tuple[PortMapping, ...]:
        """The holder's published ports."""
        return tuple(port for each in self.store.endpoints_of(holder) for port in each.ports)

    def endpoints(self, holder: str) -> tuple[Endpoint, ...]:
        """The holder's endpoints, in the order of its interfaces."""
        return self.store.endpoints_of(holder)

    def rename(self, member: Member, connections: Sequence[Connection]) -> None:
        """Gives the endpoints of a holder other names."""
        aliases = {each.network: each.aliases for each in connections}
        named = [each for each in self.store.endpoints_of(member.holder) if each.names]
        if named:
            self.store.replace_endpoints(
                *(
                    msgspec.structs.replace(
                        each, names=(*member.names, *aliases.get(each.network, ()))
                    )
                    for each in named
                )
            )
            self.tell_names()

    def way_out(self, endpoints: Sequence[Endpoint]) -> Endpoint | None:
        """The one of a holder's endpoints that has the default route."""
        return plan.first_gateway(endpoints, self._internal_names(endpoints))

    def nameservers(self, endpoints: Sequence[Endpoint]) -> tuple[str, ...]:
        """Where a holder's networks answer for names; those first that know the world, too."""
        named = [each for each in endpoints if each.names]
        if not named or not self._servers.installed():
            return ()
        internal = self._internal_names(endpoints)
        return tuple(
            each.gateway for each in sorted(named, key=lambda each: each.network in internal)
        )

    def _internal_names(self, endpoints: Sequence[Endpoint]) -> set[str]:
        if all(each.network == DEFAULT_NETWORK for each in endpoints):
            return set()
        return {name for name, each in self.store.networks().items() if each.internal}

    def new_veth(self) -> str:
        """A name for the host's end of a pair."""
        return plan.veth_name(self._paths.root_hash, os.urandom(4).hex())

    def tell_names(self) -> None:
        """Has the name servers know what is recorded now."""
        self._servers.update(self._records)

    def _ready(
        self, connections: Sequence[Connection], *, alone: bool
    ) -> tuple[NetworkLock, list[Network], bool]:
        """The lock, the networks with their bridges, and whether the lock is not shared."""
        names = [each.network for each in connections]
        if not alone:
            lock = NetworkLock.acquire(self.lock_path, shared=True)
            with contextlib.ExitStack() as undo:
                undo.enter_context(lock)
                recorded = self.store.networks()
                present = all(name in recorded for name in names)
                if present and self.upkeep.settled(recorded, names):
                    undo.pop_all()
                    return lock, [recorded[name] for name in names], False
        lock = NetworkLock.acquire(self.lock_path)
        with contextlib.ExitStack() as undo:
            undo.enter_context(lock)
            networks = [self.upkeep.ensure(name) for name in names]
            undo.pop_all()
        return lock, networks, True

    def _join(
        self,
        ready: tuple[NetworkLock, list[Network], bool],
        wishes: Sequence[Wish],
        making: Task[namespace.Namespace],
        descriptors: tuple[int, ...],
    ) -> Attachment:
        lock, networks, alone = ready
        joining: Task[None] | None = None
        with contextlib.ExitStack() as undo:
            undo.enter_context(lock)
            happened = happenings("connect", wishes[0].holder, networks)
            endpoints = self.store.add_endpoints(networks, wishes, *happened)
            if alone:
                joining = Task(lambda: self._sync(lock))
                undo.pop_all()  # the lock is the task's now
        try:
            space = making.result()
            for endpoint, network in zip(endpoints, networks, strict=True):
                links.plug(space, endpoint, network)
            internal = {each.name for each in networks if each.internal}
            way = plan.first_gateway(endpoints, internal)
            if way is not None:
                links.route(space, way)
            if any(each.names for each in endpoints):
                self._servers.update(self._records)
        except BaseException:
            with contextlib.suppress(DockyardError):
                if joining is not None:
                    joining.result()
            raise
        return Attachment(space, endpoints, descriptors, joining)

    def _sync(self, lock: NetworkLock) -> None:
        with lock:
            self.upkeep.sync(lock)

    def _give_up(self, holder: str) -> None:
        with contextlib.suppress(DockyardError):  # the records stay then, for recovery
            self.detach(holder)

    def forget(
        self, holder: str, endpoints: Sequence[Endpoint], network: str | None = None
    ) -> None:
        """Forgets endpoints whose interfaces are gone, and removes what only they needed."""
        recorded = self.store.networks()
        gone = [recorded[each.network] for each in endpoints if each.network in recorded]
        happened = happenings("disconnect", holder, gone)
        done = False
        if not any(each.ports for each in endpoints):
            with NetworkLock.acquire(self.lock_path, shared=True):
                done = self.store.remove_endpoints(
                    holder, *happened, network=network, unless_last=True
                )
        if not done:
            with NetworkLock.acquire(self.lock_path) as lock:
                self.store.remove_endpoints(holder, *happened, network=network)
                if self.store.holders():
                    self.upkeep.sync(lock)
                else:
                    self.upkeep.tear_down(lock)
        if any(each.names for each in endpoints) and self._servers.exist():
            self._servers.update(self._records)

    def _sweep(self, networks: Mapping[str, Network]) -> None:
        """Removes what is there without any endpoint; a record comes before what it stands for."""
        unfinished = any(each.state != "ready" for each in networks.values())
        if self.upkeep.present() or unfinished or DEFAULT_NETWORK in networks:
            with NetworkLock.acquire(self.lock_path) as lock:
                self.upkeep.finish()
                if not self.store.holders():
                    self.upkeep.tear_down(lock)
                    self.store.delete_network(DEFAULT_NETWORK)
        if os.path.isdir(self._paths.names):
            self._servers.update(self._records)

    def _records(self) -> tuple[dict[str, Network], list[Endpoint]]:
        """Networks, and the endpoints on them: those of a network that came or went while the two
        were read are left to the command that is at work on it."""
        networks = self.store.networks()
        return networks, [each for each in self.store.endpoints() if each.network in networks]
