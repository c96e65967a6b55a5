"""Attaching holders to the network, and taking all of it away again.

The records say what should be; :meth:`Networks.verify` makes it so after whatever happened to the
host's interfaces and rules. Everything that reads the records to change what all endpoints share
(the bridge, the rules) does so under one lock, so no older picture overwrites a newer one.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from dockyard.config import Config
from dockyard.errors import ComponentFailed, DockyardError
from dockyard.networks import kernel, namespace, plan, reserve
from dockyard.networks.lock import NetworkLock
from dockyard.networks.model import Endpoint, Network, PortMapping
from dockyard.networks.rules import Rules
from dockyard.networks.store import NetworkStore
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import HOST_LOCK_DIRECTORY, Paths, unusable
from dockyard.system import process
from dockyard.system.task import Task


class Attachment:
    """A network namespace that waits for its container. A context manager.

    The OCI runtime opens ``namespace_path`` while this is open; from then on the container's
    processes keep the namespace. ``port_descriptors`` are for the container's monitor to inherit:
    as long as it has them, nobody else gets the ports.
    """

    def __init__(
        self,
        descriptor: int,
        endpoint: Endpoint | None = None,
        port_descriptors: tuple[int, ...] = (),
        joining: Task[None] | None = None,
    ) -> None:
        self._joining = joining
        self.endpoint = endpoint
        self.port_descriptors = port_descriptors
        self.namespace_path = f"/proc/{os.getpid()}/fd/{descriptor}"
        self._descriptor = descriptor

    def complete(self) -> None:
        """Waits until the bridge and the rules lead to the namespace. Idempotent.

        Raises:
            ComponentFailed, ComponentMissing, PermissionMissing: see :meth:`Networks.attach`; the
                endpoint is still there then.
        """
        if self._joining is not None:
            self._joining.result()

    def close(self) -> None:
        """Closes this process's descriptors; the endpoint stays. Idempotent."""
        if self._descriptor >= 0:
            with contextlib.suppress(DockyardError):
                self.complete()
            os.close(self._descriptor)
            self._descriptor = -1
            reserve.release(self.port_descriptors)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        value: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Networks:
    """The bridge network of one root."""

    def __init__(self, paths: Paths, database: Database, config: Config) -> None:
        self._store = NetworkStore(database)
        self._root_hash = paths.root_hash
        self._bridge = plan.bridge_name(paths.root_hash)
        self._lock_path = f"{paths.locks}/network.lock"
        self._rules = Rules(paths)
        self._publish_address = config.publish_address

    def attach(self, holder: str, ports: Sequence[PortMapping] = ()) -> Attachment:
        """Makes a namespace with ``eth0`` on the bridge and publishes the ports.

        An endpoint that the holder still has from before is given up first. When this raises,
        nothing of it stays.

        Raises:
            DockyardError: as :meth:`begin` and :meth:`Attachment.complete`.
        """
        attachment = self.begin(holder, ports)
        try:
            attachment.complete()
        except BaseException:
            attachment.close()
            with contextlib.suppress(DockyardError):  # the record stays then, for recovery
                self.detach(holder)
            raise
        return attachment

    def begin(self, holder: str, ports: Sequence[PortMapping] = ()) -> Attachment:
        """As :meth:`attach`, but returns as soon as there is a namespace.

        Whoever begins calls :meth:`Attachment.complete` before the namespace is used, and
        :meth:`detach` where that fails.

        Raises:
            Conflict: a port is taken, or no subnet or address is free.
            InvalidInput: a port is to be published on an address that the host does not have.
            PermissionMissing: this process may not do that.
            ComponentFailed, ComponentMissing: ``ip`` or ``nft``.
        """
        self.detach(holder)
        mapped, descriptors = reserve.reserve(ports, self._publish_address, self._store.owner)
        try:
            return self._join(holder, mapped, descriptors)
        except BaseException:
            reserve.release(descriptors)
            with contextlib.suppress(DockyardError):  # the record stays then, for recovery
                self.detach(holder)
            raise

    def isolated(self) -> Attachment:
        """A namespace with nothing but its own loopback (``--network none``).

        Raises:
            PermissionMissing, NotSupported: see :func:`namespace.create`.
        """
        making = Task(lambda: namespace.create(plan.LOOPBACK_BATCH))
        return Attachment(making.result())

    def detach(self, holder: str) -> None:
        """Gives up the holder's endpoint; with the last one all that the root has on the host.

        Idempotent; does nothing for a holder that has none.
        """
        endpoint = self._store.endpoint(holder)
        if endpoint is None:
            return
        with NetworkLock.acquire(self._lock_path) as lock:
            others = [each for each in self._store.endpoints() if each.holder != holder]
            network = self._store.network()
            if network is not None and others:
                _delete_interfaces(lock, endpoint.veth)
                self._sync(lock, network, others)
            else:
                self._tear_down(lock, endpoint.veth)
            self._store.remove_endpoint(holder)

    def verify(self) -> None:
        """Brings the bridge and the rules back where something took them away.

        Cheap while nothing changed; also notices another firewall that came later, and removes
        what an interrupted command left behind.
        """
        if not self._store.holders():
            self._sweep()
            return
        with NetworkLock.acquire(self._lock_path) as lock:
            network, endpoints = self._store.network(), self._store.endpoints()
            if network is not None and endpoints:
                self._sync(lock, network, endpoints)

    def holders(self) -> set[str]:
        """Everyone who has an endpoint, for recovery to compare with who lives."""
        return self._store.holders()

    def endpoint(self, holder: str) -> Endpoint | None:
        """The holder's endpoint."""
        return self._store.endpoint(holder)

    def _join(
        self, holder: str, ports: tuple[PortMapping, ...], descriptors: tuple[int, ...]
    ) -> Attachment:
        veth = plan.veth_name(self._root_hash, os.urandom(4).hex())
        with contextlib.ExitStack() as undo:
            lock = undo.enter_context(NetworkLock.acquire(self._lock_path))
            network = self._ensure_network(lock)
            endpoint = self._store.add_endpoint(network, holder, veth, ports)
            endpoints = self._store.endpoints()
            batch = plan.namespace_batch(endpoint, network, namespace.current())
            making = Task(lambda: namespace.create(batch))
            undo.callback(_discard, making)
            joining = Task(lambda: self._lead_to(veth, making, lock, network, endpoints))
            undo.pop_all()  # the lock is the task's now
        try:
            descriptor = making.result()
        except BaseException:
            with contextlib.suppress(DockyardError):
                joining.result()
            raise
        return Attachment(descriptor, endpoint, descriptors, joining)

    def _lead_to(
        self,
        veth: str,
        making: Task[int],
        lock: NetworkLock,
        network: Network,
        endpoints: Sequence[Endpoint],
    ) -> None:
        """Makes rules and bridge lead to an interface that is being made; releases the lock."""
        with lock:
            self._sync(lock, network, endpoints)
        making.result()
        batch = plan.enslave_batch(network.bridge, [veth])
        process.run(["ip", "-batch", "-"], input=batch)

    def _ensure_network(self, lock: NetworkLock) -> Network:
        """The network, with its bridge. A subnet is chosen anew while nobody has an address."""
        network = self._store.network()
        if network is not None and (kernel.bridge_ready(self._bridge) or self._store.holders()):
            return network
        previous = None if network is None else network.subnet
        with _host_lock():
            _delete_interfaces(lock, self._bridge)  # left by a command that was interrupted
            subnet = plan.choose_subnet(kernel.used_subnets(), previous)
            network = plan.make_network(self._root_hash, subnet, kernel.uplink_mtu())
            self._store.save_network(network)
            _make_bridge(lock, network)
        return network

    def _sync(self, lock: NetworkLock, network: Network, endpoints: Sequence[Endpoint]) -> None:
        """Makes bridge and rules what the endpoints need. Under the lock."""
        kernel.enable_forwarding()
        if not kernel.bridge_ready(network.bridge):
            _make_bridge(lock, network)
            present = [each.veth for each in endpoints if kernel.interface_exists(each.veth)]
            if present:
                batch = plan.enslave_batch(network.bridge, present)
                lock.run(["ip", "-force", "-batch", "-"], input=batch, check=False)
        self._rules.apply(lock, network, endpoints)

    def _sweep(self) -> None:
        """Removes what is there without any endpoint; a record comes before what it stands for."""
        present = kernel.interface_exists(self._bridge) or self._rules.applied()
        if not present and self._store.network() is None:
            return
        with NetworkLock.acquire(self._lock_path) as lock:
            if not self._store.holders():
                self._tear_down(lock)
                self._store.remove_unused()

    def _tear_down(self, lock: NetworkLock, *veths: str) -> None:
        """Removes all that the root has on the host. Under the lock, which it is done under, too.

        The kernel takes 50 ms for it. Whoever wants the network next waits that long, but not the
        command whose container was the last.
        """
        present = [name for name in (*veths, self._bridge) if kernel.interface_exists(name)]
        if present:
            lock.hand_over(["ip", "-force", "-batch", "-"], plan.delete_batch(present))
        self._rules.remove(lock, self._bridge)


@contextlib.contextmanager
def _host_lock() -> Iterator[None]:
    """Held from looking for a free subnet until the bridge has it, so no two roots take one."""
    try:
        os.makedirs(HOST_LOCK_DIRECTORY, mode=0o700, exist_ok=True)
    except OSError as error:
        raise unusable(HOST_LOCK_DIRECTORY, error) from error
    with Lock.acquire(f"{HOST_LOCK_DIRECTORY}/subnets.lock"):
        yield


def _discard(making: Task[int]) -> None:
    with contextlib.suppress(DockyardError):
        os.close(making.result())


def _make_bridge(lock: NetworkLock, network: Network) -> None:
    _delete_interfaces(lock, network.bridge)
    lock.run(["ip", "-batch", "-"], input=plan.bridge_batch(network))
    kernel.prepare_bridge(network.bridge)


def _delete_interfaces(lock: NetworkLock, *names: str) -> None:
    """Deletes those that exist; the kernel may be doing the same right now."""
    present = [name for name in names if kernel.interface_exists(name)]
    if not present:
        return
    done = lock.run(["ip", "-force", "-batch", "-"], input=plan.delete_batch(present), check=False)
    left = [name for name in present if kernel.interface_exists(name)]
    if left:
        raise ComponentFailed(
            f"cannot delete interface {left[0]}: {done.stderr.decode(errors='replace').strip()}",
            context=f"ip link del {left[0]}",
        )
