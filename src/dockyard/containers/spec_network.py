"""Which networks a container is on, and what excludes what. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard.containers.options import Networking, Options
from dockyard.errors import InvalidInput
from dockyard.networks.model import (
    CONTAINER_PREFIX,
    DEFAULT_NETWORK,
    HOST_NETWORK,
    NO_NETWORK,
    Connection,
)

_ALONE = (HOST_NETWORK, NO_NETWORK)


def is_bridged(networking: Networking) -> bool:
    """True where the container has a network namespace that networks lead to."""
    return networking.network not in _ALONE and donor(networking) is None


def donor(networking: Networking) -> str | None:
    """The container whose network is used, by name or id."""
    name = networking.network
    return name.removeprefix(CONTAINER_PREFIX) if name.startswith(CONTAINER_PREFIX) else None


def connections(networking: Networking) -> tuple[Connection, ...]:
    """The networks that the container is on; none where it has no namespace for them."""
    if not is_bridged(networking):
        return ()
    if networking.connections is None:
        return (Connection(network=networking.network),)
    return networking.connections


def names(networking: Networking) -> tuple[str, ...]:
    """The networks that the container is on, as Docker lists them."""
    if is_bridged(networking):
        return tuple(each.network for each in connections(networking))
    return (networking.network,) if donor(networking) is None else ()


def with_connections(networking: Networking, found: Sequence[Connection]) -> Networking:
    """The container on these networks instead."""
    return msgspec.structs.replace(networking, connections=tuple(found))


def check(options: Options) -> None:
    """Raises :class:`InvalidInput` for options that exclude each other, in Docker's words, and for
    names that can't be."""
    networking = options.networking
    _check_names(options)
    modes = [each.network for each in networking.connections or ()]
    if len(set(modes)) < len(modes):
        raise _conflict(
            f"network {modes[-1]} is specified multiple times",
            hint="name each network once, with all that it should have",
        )
    if len(modes) > 1 and any(_is_alone(mode) for mode in modes):
        raise _conflict(
            "conflicting options: cannot attach both user-defined and non-user-defined"
            " network-modes",
            hint="host, none and container:NAME stand alone",
        )
    for each in networking.connections or ():
        check_connection(each)
    if networking.network.startswith(CONTAINER_PREFIX):
        _check_joined(options)


def _check_names(options: Options) -> None:
    networking = options.networking
    if (
        options.hostname or options.domainname or networking.extra_hosts
        or networking.dns or networking.dns_search or networking.dns_options
    ):  # fmt: skip
        from dockyard.containers import spec_names  # most containers are given none

        spec_names.check(options)


def _is_alone(mode: str) -> bool:
    return mode in _ALONE or mode.startswith(CONTAINER_PREFIX)


def check_connection(connection: Connection) -> None:
    """Raises :class:`InvalidInput` for what the kind of network doesn't have."""
    if connection.aliases:
        from dockyard.containers import spec_names

        spec_names.check_aliases(connection)
    name = connection.network
    if name.startswith(CONTAINER_PREFIX) and connection.mac:
        raise _conflict(
            "conflicting options: mac-address and the network mode",
            hint="leave --mac-address out: the other container has its own",
        )
    if connection.aliases and (_is_alone(name) or name == DEFAULT_NETWORK):
        raise _conflict(
            "network-scoped aliases are only supported for user-defined networks",
            "make one with dockyard network create",
        )
    if (connection.ip or connection.ip6) and (_is_alone(name) or name == DEFAULT_NETWORK):
        raise _conflict(
            "user specified IP address is supported on user defined networks only",
            "make one with dockyard network create --subnet",
        )
    if _is_alone(name) and (connection.mac or connection.interface):
        raise _conflict(
            f"an interface can't be configured with --network {name}",
            hint="leave the mac address and the interface's name out",
        )


def _check_joined(options: Options) -> None:
    """What a container can't have of its own in another one's network."""
    networking = options.networking
    for given, words in (
        (options.hostname, "hostname and the network mode"),
        (networking.dns or networking.dns_options or networking.dns_search,
         "dns and the network mode"),
        (networking.extra_hosts, "custom host-to-IP mapping and the network mode"),
        (networking.ports, "port publishing and the container type network mode"),
        (networking.exposed_ports, "port exposing and the container type network mode"),
    ):  # fmt: skip
        if given:
            raise _conflict(
                f"conflicting options: {words}", "give it to the container that has the network"
            )


def _conflict(message: str, hint: str) -> InvalidInput:
    return InvalidInput(message, hint=hint, exit_code=125)
