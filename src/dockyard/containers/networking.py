"""A container's place in networks: while it starts, while it runs, and in its record."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence

import msgspec

from dockyard.containers import spec, spec_network
from dockyard.containers.model import Container, Networking
from dockyard.containers.parts import Parts
from dockyard.errors import Conflict, InvalidInput, NotFound
from dockyard.networks import asking, reserve, resolv
from dockyard.networks.asking import Member
from dockyard.networks.attachment import Attachment
from dockyard.networks.model import (
    DEFAULT_NETWORK,
    HOST_NETWORK,
    PREDEFINED,
    Connection,
    Endpoint,
    Network,
)
from dockyard.oci.runtime import HOST
from dockyard.state.locks import Lock
from dockyard.system.host import ProcessIdentity


class Place(msgspec.Struct, frozen=True):
    """Where a container's processes will be."""

    path: str
    """A network namespace, or ``host``."""
    attachment: Attachment | None = None
    donor: Container | None = None

    @property
    def endpoints(self) -> tuple[Endpoint, ...]:
        return () if self.attachment is None else self.attachment.endpoints

    @property
    def port_descriptors(self) -> tuple[int, ...]:
        return () if self.attachment is None else self.attachment.port_descriptors

    def complete(self) -> None:
        """See :meth:`Attachment.complete`."""
        if self.attachment is not None:
            self.attachment.complete()


def settle(parts: Parts, networking: Networking) -> Networking:
    """The networking with containers by id, and networks by name.

    Raises:
        NotFound: there is no such container or network.
        InvalidInput: an address is asked of a network that chose its subnet itself.
    """
    donor = spec_network.donor(networking)
    if donor is not None:
        mode = f"container:{parts.store.find(donor).id}"
        return msgspec.structs.replace(networking, network=mode, connections=None)
    asked = spec_network.connections(networking)
    if all(each.network == DEFAULT_NETWORK for each in asked):
        return networking
    found = [_settle_connection(parts, each) for each in asked]
    names = [each.network for each in found]
    if len(set(names)) < len(names):
        raise InvalidInput(
            f"network {names[-1]} is specified multiple times",
            hint="name each network once, with all that it should have",
            exit_code=125,
        )
    return msgspec.structs.replace(networking, network=names[0], connections=tuple(found))


def host_binding(parts: Parts, networking: Networking) -> str:
    """The address on which the container's network publishes ports; empty for the configured."""
    asked = spec_network.connections(networking)
    if all(each.network == DEFAULT_NETWORK for each in asked):
        return ""
    network = asking.way_out(parts.networks.store.networks(), asked)[1]
    return "" if network is None else network.host_binding


def _settle_connection(parts: Parts, connection: Connection) -> Connection:
    if connection.network == DEFAULT_NETWORK:
        return connection
    network = find(parts, connection.network)
    if (connection.ip or connection.ip6) and network.automatic:
        raise InvalidInput(
            "user specified IP address is supported only when connecting to networks with user"
            " configured subnets",
            hint=f"make network {network.name} anew with a --subnet",
            exit_code=125,
        )
    return msgspec.structs.replace(connection, network=network.name)


def find(parts: Parts, text: str) -> Network:
    """A network by name or id; :class:`NotFound` has the exit code of ``run``."""
    try:
        return parts.catalog.get(text)
    except NotFound as error:
        error.exit_code = 125
        raise


@contextlib.contextmanager
def place(parts: Parts, container: Container) -> Iterator[Place]:
    """The container's network while the container is being made.

    Raises:
        Conflict: the container whose network is to be used doesn't run.
        DockyardError: as :meth:`Networks.begin`.
    """
    networking = container.options.networking
    if networking.network == HOST_NETWORK:
        yield Place(HOST)
        return
    donor = spec_network.donor(networking)
    if donor is not None:
        with _joined(parts.store.find(donor)) as found:
            yield found
        return
    with _begin(parts, container) as attachment:
        yield Place(attachment.namespace_path, attachment)


def _begin(parts: Parts, container: Container) -> Attachment:
    networking = container.options.networking
    asked = spec_network.connections(networking)
    if not asked:
        return parts.networks.isolated()
    ports = container.restarts.ports or networking.ports
    try:
        return parts.networks.begin(member(container), ports, asked)
    except reserve.PortTaken as error:
        kind, _, other = (error.holder or "").partition("-")
        holder = parts.store.get(other) if kind == "c" else None
        if holder is not None:  # networks don't know what it is called
            error.hint = reserve.advice(f"container {holder.name} ({holder.short_id})")
        raise


def member(container: Container) -> Member:
    """The container as networks know it."""
    hostname = container.options.hostname
    names = (container.name, container.short_id, *((hostname,) if hostname else ()))
    return Member(
        holder=container.holder, names=names, nameservers=container.options.networking.dns
    )


@contextlib.contextmanager
def _joined(donor: Container) -> Iterator[Place]:
    """The place of a running container, held by a descriptor until the runtime has joined it."""
    try:
        if (process := _process(donor)) is None:
            raise ProcessLookupError
        descriptor = process.open_namespace("net")
    except ProcessLookupError as error:
        raise Conflict(
            f"cannot join network of a non running container: {donor.name}",
            hint=f"start it first: dockyard start {donor.name}",
            exit_code=125,
        ) from error
    try:
        yield Place(f"/proc/{os.getpid()}/fd/{descriptor}", donor=donor)
    finally:
        os.close(descriptor)


def _process(container: Container) -> ProcessIdentity | None:
    """The first process of a container that runs."""
    return container.process if container.running else None


def write_files(parts: Parts, container: Container, hostname: str, where: Place) -> dict[str, str]:
    """Writes ``hostname``, ``hosts`` and ``resolv.conf``; their paths by name.

    A container in another one's network shares that one's.
    """
    if where.donor is not None:
        base = parts.paths.container(where.donor.id)
        return {name: f"{base}/{name}" for name in ("hostname", "hosts", "resolv.conf")}
    _write(parts, container, "hostname", hostname + "\n")
    write_names(parts, container, hostname, where.endpoints)
    base = parts.paths.container(container.id)
    return {name: f"{base}/{name}" for name in ("hostname", "hosts", "resolv.conf")}


def write_names(
    parts: Parts, container: Container, hostname: str, endpoints: Sequence[Endpoint]
) -> None:
    """Writes ``hosts`` and ``resolv.conf`` in place, so that a running container sees it."""
    options, networking = container.options, container.options.networking
    on_host = networking.network == HOST_NETWORK
    full_name = spec.full_name(options, hostname)
    gateway = parts.networks.way_out(endpoints)
    hosts = resolv.read_host_hosts() if on_host else resolv.hosts(full_name, endpoints)
    hosts += spec.extra_hosts(options, gateway.gateway if gateway else "")
    asked = resolv.Asked(
        servers=networking.dns, search=networking.dns_search, options=networking.dns_options
    )
    base = resolv.read_for_container(host_network=on_host)
    _write(parts, container, "hosts", hosts)
    servers = parts.networks.nameservers(endpoints)
    _write(parts, container, "resolv.conf", resolv.compose(base, asked, servers))


def _write(parts: Parts, container: Container, name: str, text: str) -> None:
    path = f"{parts.paths.container(container.id)}/{name}"
    with open(path, "w", encoding="utf-8") as stream:
        os.fchmod(stream.fileno(), 0o644)
        stream.write(text)


def connect(parts: Parts, container_id: str, connection: Connection) -> None:
    """Puts a container on one more network: at once where it runs, else at its next start.

    Raises:
        Conflict: it is on that network.
        InvalidInput: it has no namespace of its own, or what is asked makes no sense.
        NotFound: there is no such container or network.
    """
    with parts.lock(f"c-{container_id}"):
        container = parts.store.find(container_id)
        networking = _changeable(container)
        wanted = _settle_connection(parts, connection)
        spec_network.check_connection(wanted)
        asked = spec_network.connections(networking)
        if any(each.network == wanted.network for each in asked):
            raise Conflict(
                f"endpoint with name {container.name} already exists in network {wanted.network}",
                hint=f"dockyard network disconnect {wanted.network} {container.name} ends it",
            )
        process = _process(container)
        if process is not None:
            from dockyard.networks import changes

            changes.connect(parts.networks, member(container), process, wanted)
        _keep(parts, container, (*asked, wanted))
        if process is not None:
            _refresh(parts, container)


def disconnect(parts: Parts, container_id: str, name: str) -> None:
    """Takes a container off a network.

    Raises:
        NotFound: it isn't on that network.
        InvalidInput: it has no namespace of its own.
    """
    with parts.lock(f"c-{container_id}"):
        container = parts.store.find(container_id)
        networking = _changeable(container)
        asked = spec_network.connections(networking)
        staying = [each for each in asked if each.network != name]
        present = parts.networks.endpoints(container.holder)
        if len(staying) == len(asked) and not any(each.network == name for each in present):
            raise NotFound(
                f"container {container.name} is not connected to network {name}",
                hint="dockyard inspect shows a container's networks",
            )
        if any(each.network == name for each in present):
            from dockyard.networks import changes

            changes.disconnect(parts.networks, container.holder, _process(container), name)
        _keep(parts, container, staying)
        if container.running:
            _refresh(parts, container)


def rename(parts: Parts, container: Container) -> None:
    """Has the networks that a container is on know its new name. The caller holds its lock."""
    parts.networks.rename(member(container), spec_network.connections(container.options.networking))


def recover(parts: Parts) -> None:
    """Takes back connections whose command was killed in the middle."""
    for endpoint in parts.networks.pending():
        lock = Lock.try_acquire(parts.lock_path(endpoint.holder))
        if lock is None:
            continue
        with lock:
            container = parts.store.get(endpoint.holder.partition("-")[2])
            process = None if container is None else _process(container)
            if any(each.holder == endpoint.holder for each in parts.networks.pending()):
                from dockyard.networks import changes

                changes.withdraw(parts.networks, endpoint.holder, process, endpoint.network)
            if container is not None and process is not None:
                _refresh(parts, container)


def _changeable(container: Container) -> Networking:
    networking = container.options.networking
    if spec_network.is_bridged(networking):
        return networking
    if networking.network in PREDEFINED and networking.network != HOST_NETWORK:
        return msgspec.structs.replace(networking, network=DEFAULT_NETWORK, connections=())
    raise InvalidInput(
        f"container {container.name} has no network of its own ({networking.network})",
        hint="make it anew with --network bridge or a network's name",
    )


def _keep(parts: Parts, container: Container, found: Sequence[Connection]) -> None:
    networking = spec_network.with_connections(_changeable(container), found)
    options = msgspec.structs.replace(container.options, networking=networking)
    parts.store.put(msgspec.structs.replace(container, options=options))


def _refresh(parts: Parts, container: Container) -> None:
    hostname = spec.hostname(container.options, parts.facts, container.short_id)
    write_names(parts, container, hostname, parts.networks.endpoints(container.holder))
