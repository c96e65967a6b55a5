"""What the rest of a Compose service says, of which there are to be replicas. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockyard.compose.model.service import Service
from dockyard.compose.rolling import publishes_fixed
from dockyard.decoding import natural
from dockyard.serving.extension.kinds import MOST_PORTS
from dockyard.serving.extension.reading import Wrong

_OWN_ADDRESS = ("", "bridge", "default")


def wrongs(service: Service, most: int) -> Iterator[Wrong]:
    """What replicas can't have; paths begin in the service.

    Args:
        most: how many replicas there may be.
    """
    if service.container_name:
        hint = "leave it out: each replica gets a name of its own"
        yield ("container_name",), "several replicas can't have the same name", hint
    if service.provider is not None:
        yield ("provider",), "there are no containers of it to serve", "give image or build"
    if service.network_mode not in _OWN_ADDRESS:
        hint = "leave it out, or use networks: the gateway finds each replica by its address"
        message = f"{service.network_mode} gives a replica no address of its own"
        yield ("network_mode",), message, hint
    if most > 1:
        yield from _shared(service, most)


def _shared(service: Service, most: int) -> Iterator[Wrong]:
    if publishes_fixed(service):
        index = next(at for at, one in enumerate(service.ports) if one.published)
        hint = "leave ports out: clients use the route; or let x-dockyard.scale.max be 1"
        yield ("ports", index), f"{most} replicas can't all publish one port of the host", hint
    for name, network in service.networks.items():
        for field in ("ipv4_address", "ipv6_address", "mac_address"):
            if network is not None and getattr(network, field):
                hint = "leave it out: each replica is given one"
                path = ("networks", name, field)
                yield path, f"{most} replicas can't have one address", hint


def port(service: Service) -> int | None:
    """The TCP port that ``expose`` and ``ports`` name; ``None`` where it isn't exactly one."""
    found = {one.target for one in service.ports if one.protocol in {"", "tcp"}}
    for entry in service.expose:
        number, _, protocol = entry.partition("/")
        if protocol not in {"", "tcp"}:
            continue
        exposed = natural(number, MOST_PORTS)
        if exposed is None:  # a range
            return None
        found.add(exposed)
    return found.pop() if len(found) == 1 else None


def ignored(service: Service) -> Iterator[str]:
    """Sentences on what has no effect beside a block."""
    where = f"services.{service.name}"
    counts = {
        "scale": service.scale,
        "deploy.replicas": None if service.deploy is None else service.deploy.replicas,
    }
    for name, count in counts.items():
        if count is not None:
            yield f"{where}.{name} has no effect: x-dockyard.scale says how many there are"
            return
