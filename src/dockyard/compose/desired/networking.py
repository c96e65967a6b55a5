"""How a service's containers are reached, and what they reach. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from dockyard.arguments import networking as arguments
from dockyard.compose import order
from dockyard.compose.desired import names
from dockyard.compose.model.parts import Port, ServiceNetwork
from dockyard.compose.model.project import Project
from dockyard.compose.model.service import Service
from dockyard.containers.options import Networking
from dockyard.decoding import natural
from dockyard.errors import InvalidInput, NotSupported
from dockyard.networks.model import NO_NETWORK, Connection, PortMapping, Protocol

_PORTS = 65535
_PROTOCOLS: dict[str, Protocol] = {"tcp": "tcp", "udp": "udp", "": "tcp"}
_INTERFACE = "com.docker.network.endpoint.ifname"


def networking(project: Project, service: Service) -> Networking:
    """The networking of a service's containers.

    Raises:
        InvalidInput, NotSupported: what is asked for makes no sense, or isn't there.
    """
    connections = _connections(project, service)
    where = f"services.{service.name}"
    return Networking(
        network=_mode(project, service),
        connections=connections or None,
        ports=tuple(
            _mapping(port, f"{where}.ports[{index}]") for index, port in enumerate(service.ports)
        ),
        exposed_ports=_exposed(service),
        dns=tuple(map(arguments.parse_nameserver, service.dns)),
        dns_options=service.dns_opt,
        dns_search=service.dns_search,
        extra_hosts=_extra_hosts(service),
    )


def _mode(project: Project, service: Service) -> str:
    mode = service.network_mode
    if mode.startswith(order.SERVICE_PREFIX):
        return first_container(project, mode.removeprefix(order.SERVICE_PREFIX))
    if mode:
        return {"default": "bridge", "disabled": NO_NETWORK}.get(mode, mode)
    keys = by_priority(service) or tuple(key for key in ("default",) if key in project.networks)
    return names.network_name(project, keys[0]) if keys else NO_NETWORK


def first_container(project: Project, name: str) -> str:
    """The mode that joins the namespace of a service's first container."""
    service = project.services.get(name) or project.disabled.get(name) or Service(name=name)
    return order.CONTAINER_PREFIX + names.container_name(project, service, 1)


def by_priority(service: Service) -> tuple[str, ...]:
    """The networks of a service: the highest priority first, then by name."""

    def rank(key: str) -> tuple[int, str]:
        asked = service.networks[key]
        return (0 if asked is None else -asked.priority, key)

    return tuple(sorted(service.networks, key=rank))


def _connections(project: Project, service: Service) -> tuple[Connection, ...]:
    if service.network_mode:
        return ()
    keys = by_priority(service) or tuple(key for key in ("default",) if key in project.networks)
    return tuple(
        _connection(project, service, key, main=index == 0) for index, key in enumerate(keys)
    )


def _connection(project: Project, service: Service, key: str, *, main: bool) -> Connection:
    asked = service.networks.get(key) or ServiceNetwork()
    where = f"services.{service.name}.networks.{key}"
    if asked.link_local_ips:
        raise NotSupported(
            f"{where}.link_local_ips: link-local addresses are not supported",
            hint="addresses come from the network's subnets: ipv4_address names one",
        )
    with names.at(where):
        mac = asked.mac_address or (service.mac_address if main else "")
        return Connection(
            network=names.network_name(project, key),
            aliases=_aliases(project, service, key, asked.aliases),
            ip=arguments.parse_ipv4(asked.ipv4_address) if asked.ipv4_address else None,
            ip6=arguments.parse_ipv6(asked.ipv6_address) if asked.ipv6_address else None,
            mac=arguments.parse_mac(mac) if mac else None,
            interface=asked.interface_name or _interface(asked),
            priority=asked.gw_priority,
        )


def _interface(asked: ServiceNetwork) -> str:
    found = ""
    for name, value in asked.driver_opts.items():
        found = arguments.parse_endpoint_option(f"{name}={value}")
    return found


def _aliases(project: Project, service: Service, key: str, own: Iterable[str]) -> tuple[str, ...]:
    """The service's name, those that it is given, and those by which others link to it.

    A link's name is known on the networks that both are on, not to the one who links alone.
    """
    found = [service.name, *own]
    for other in project.services.values():
        if key not in (other.networks or {"default": None}):
            continue
        found += sorted(alias for alias, name in order.linked(other).items()
                        if name == service.name)  # fmt: skip
    return tuple(dict.fromkeys(map(arguments.parse_alias, found)))


def _mapping(port: Port, where: str) -> PortMapping:
    protocol = _PROTOCOLS.get(port.protocol)
    if protocol is None:
        raise NotSupported(
            f"{where}.protocol: {port.protocol} is not supported", hint="there are tcp and udp"
        )
    first, dash, last = port.published.partition("-")
    low = natural(first, _PORTS) if first else 0
    high = natural(last, _PORTS) if dash else 0
    if low is None or high is None or (dash and high < low):
        raise InvalidInput(
            f"{where}.published: invalid port {port.published!r}", hint="such as 8080 or 8080-8090"
        )
    return PortMapping(
        container_port=port.target, host_port=low, host_ip=port.host_ip, protocol=protocol,
        last_host_port=high if high > low else 0,
    )  # fmt: skip


def _exposed(service: Service) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for index, entry in enumerate(service.expose):
        with names.at(f"services.{service.name}.expose[{index}]"):
            found |= dict.fromkeys(arguments.parse_expose(entry))
    return tuple(found)


def _extra_hosts(service: Service) -> tuple[str, ...]:
    with names.at(f"services.{service.name}.extra_hosts"):
        return tuple(map(arguments.parse_extra_host, service.extra_hosts))
