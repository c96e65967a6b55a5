"""Making what a plan says of interfaces real, in the kernel's own protocol."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Iterable, Iterator

from dockyard.errors import ComponentFailed, PermissionMissing
from dockyard.networks import kernel
from dockyard.networks.addresses import parse_subnet, to_number
from dockyard.networks.model import Endpoint, Network
from dockyard.networks.namespace import Namespace
from dockyard.networks.plan import mac_address
from dockyard.system.netlink import Netlink, Peer


def make_bridge(network: Network) -> None:
    """Makes a network's bridge anew. Its address is fixed, or each new port would change it."""
    bridge = network.bridge
    with _told(f"make the bridge {bridge}"), Netlink() as link:
        _delete(link, bridge)
        link.add_bridge(bridge, mac=mac_address(to_number(network.ipv4.gateway)), mtu=network.mtu)
        kernel.prepare_bridge(bridge, ipv6=network.ipv6 is not None)
        index = link.index_of(bridge)
        for pool in network.pools:
            link.add_address(index, pool.gateway, parse_subnet(pool.subnet).prefix)
        link.set_up(index)
        kernel.complete_bridge(bridge)


def plug(space: Namespace, endpoint: Endpoint, network: Network) -> None:
    """Gives a namespace its interface on a network."""
    with _told(f"connect to network {network.name}"), Netlink() as link:
        peer = Peer(space.descriptor, endpoint.interface, endpoint.mac)
        bridge = link.index_of(network.bridge)
        link.add_pair(endpoint.veth, bridge=bridge, mtu=network.mtu, peer=peer)
        _set_port(link, link.index_of(endpoint.veth), network)
        index = space.link.index_of(endpoint.interface)
        space.link.add_address(index, endpoint.address, endpoint.prefix)
        if endpoint.address6:
            space.enable_ipv6(endpoint.interface)
            space.link.add_address(index, endpoint.address6, endpoint.prefix6)
        space.link.set_up(index)


def route(space: Namespace, endpoint: Endpoint) -> None:
    """Makes the endpoint's gateways the way to everywhere."""
    with _told("set the default route"):
        index = space.link.index_of(endpoint.interface)
        for gateway in filter(None, (endpoint.gateway, endpoint.gateway6)):
            space.link.set_default_route(index, gateway)


def unroute(space: Namespace, endpoint: Endpoint) -> None:
    """The opposite of :func:`route`. Idempotent."""
    with contextlib.suppress(OSError):
        index = space.link.index_of(endpoint.interface)
        for gateway in filter(None, (endpoint.gateway, endpoint.gateway6)):
            with contextlib.suppress(OSError):
                space.link.delete_default_route(index, gateway)


def rejoin(network: Network, endpoints: Iterable[Endpoint]) -> None:
    """Joins those of the endpoints' interfaces that exist to a bridge that was made anew."""
    with _told(f"join the bridge {network.bridge}"), Netlink() as link:
        bridge = link.index_of(network.bridge)
        for endpoint in endpoints:
            with _missing_is_fine():
                index = link.index_of(endpoint.veth)
                link.join(index, bridge)
                _set_port(link, index, network)


def delete(names: Iterable[str]) -> None:
    """Deletes those of the interfaces that exist; the kernel may be doing the same right now."""
    present = [name for name in names if kernel.interface_exists(name)]
    if not present:
        return
    with _told(f"delete interface {present[0]}"), Netlink() as link:
        for name in present:
            _delete(link, name)


def _set_port(link: Netlink, index: int, network: Network) -> None:
    """Hairpin lets a container reach its own published port through the host's address also where
    ``br_netfilter`` makes the bridge itself translate the address. Isolated ports are deaf to each
    other, which holds without ``br_netfilter`` as well.
    """
    link.set_port(index, hairpin=True, isolated=not network.icc)


def _delete(link: Netlink, name: str) -> None:
    with _missing_is_fine():
        link.delete_link(name)


@contextlib.contextmanager
def _missing_is_fine() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno != errno.ENODEV:
            raise


@contextlib.contextmanager
def _told(what: str) -> Iterator[None]:
    """The kernel's refusals in words."""
    try:
        yield
    except PermissionError as error:
        raise PermissionMissing(
            f"cannot {what}: {error.strerror}", hint="run as root, or use --network host",
            exit_code=125,
        ) from error  # fmt: skip
    except OSError as error:
        raise ComponentFailed(
            f"cannot {what}: {error.strerror}",
            hint="the kernel may lack bridge or veth (modprobe -a bridge veth)",
            exit_code=125,
        ) from error
