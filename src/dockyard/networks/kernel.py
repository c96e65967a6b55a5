"""What the kernel says and is told about interfaces, routes and rules, without a process."""

from __future__ import annotations

import os
import struct
import sys

from dockyard.errors import PermissionMissing
from dockyard.networks.addresses import Subnet, to_number
from dockyard.networks.plan import parse_routes, parse_routes6, used_addresses
from dockyard.networks.resolv import nameservers
from dockyard.system.files import read_text

_IPV4 = "/proc/sys/net/ipv4"
_IPV6 = "/proc/sys/net/ipv6"
_USUAL_MTU = 1500

_SIOCGIFMTU = 0x8921
_NETLINK_NETFILTER = 12
_NFNL_SUBSYS_NFTABLES = 10
_NFT_MSG_NEWGEN = 15
_NFT_MSG_GETGEN = 16
_NLM_F_REQUEST = 1
_NFTA_GEN_ID = 1
_HEADERS = struct.Struct("=IHHII4x")  # nlmsghdr, then an empty nfgenmsg
_ATTRIBUTE = struct.Struct("=HH")


def interface_exists(name: str) -> bool:
    """True where this namespace has the interface."""
    return os.path.exists(f"{_IPV4}/conf/{name}")


def bridge_ready(name: str) -> bool:
    """True where the bridge is there: :func:`complete_bridge` is the last step of making it."""
    try:
        with open(f"{_IPV4}/conf/{name}/route_localnet", encoding="ascii") as stream:
            return stream.read().strip() == "1"
    except FileNotFoundError:
        return False


def prepare_bridge(name: str, *, ipv6: bool) -> None:
    """Sets what a new bridge needs before it is up.

    Without IPv6, nor link-local addresses; with it, no trust in router advertisements, with which
    a container could make itself the host's way to the world.
    """
    _set(f"{_IPV6}/conf/{name}/accept_ra", "0", optional=True)
    _set(f"{_IPV6}/conf/{name}/disable_ipv6", "0" if ipv6 else "1", optional=not ipv6)


def complete_bridge(name: str) -> None:
    """The last step of making a bridge.

    Packets of the host's own 127.0.0.1 may leave by it (route_localnet), so that published ports
    answer there.
    """
    _set(f"{_IPV4}/conf/{name}/route_localnet", "1")


def enable_forwarding() -> None:
    """Lets the host pass packets on between its interfaces."""
    _set(f"{_IPV4}/ip_forward", "1")


def enable_forwarding6() -> None:
    """The same for IPv6.

    A router ignores the advertisements of others, by which the host may have its default route.
    Interfaces that listened to them (1) are told to go on doing so (2).
    """
    if read_text(f"{_IPV6}/conf/all/forwarding").strip() == "1":
        return
    for name in os.listdir(f"{_IPV6}/conf"):
        if name != "all" and read_text(f"{_IPV6}/conf/{name}/accept_ra").strip() == "1":
            _set(f"{_IPV6}/conf/{name}/accept_ra", "2", optional=True)
    _set(f"{_IPV6}/conf/all/forwarding", "1")


def has_ipv6() -> bool:
    """True where the kernel has IPv6."""
    return os.path.exists(_IPV6)


def used_subnets() -> tuple[Subnet, ...]:
    """What a network must not hide: routes, addresses, and the nameservers."""
    routes = [*parse_routes(read_text("/proc/self/net/fib_trie").strip())]
    routes += parse_routes6(read_text("/proc/self/net/ipv6_route").strip())
    return (*routes, *used_addresses(nameservers(read_text("/etc/resolv.conf").strip())))


def uplink_mtu() -> int:
    """Largest packet in bytes on the interface of the default route; 1500 where there is none."""
    name = _default_interface()
    if name is None:
        return _USUAL_MTU
    import fcntl  # both only on the way to a new network
    import socket

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
        request = struct.pack("=16sI12x", os.fsencode(name), 0)
        try:
            answer = fcntl.ioctl(asking, _SIOCGIFMTU, request)
        except OSError:
            return _USUAL_MTU
    mtu: int = struct.unpack("=16sI12x", answer)[1]
    return mtu


def rules_generation() -> int | None:
    """The number that the kernel raises with every change of any nftables rule.

    ``None`` where the kernel can't tell (nf_tables is not loaded yet).
    """
    import socket  # only where there are endpoints

    kind = _NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_GETGEN
    request = _HEADERS.pack(_HEADERS.size, kind, _NLM_F_REQUEST, 1, 0)
    try:
        with socket.socket(
            socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_CLOEXEC, _NETLINK_NETFILTER
        ) as asking:
            asking.settimeout(1)
            asking.send(request)
            return parse_generation(asking.recv(4096))
    except OSError:
        return None


def parse_generation(answer: bytes) -> int | None:
    """The generation in the kernel's answer, or ``None`` in an error. Pure."""
    if len(answer) < _HEADERS.size:
        return None
    length, kind = _HEADERS.unpack_from(answer)[:2]
    if kind != _NFNL_SUBSYS_NFTABLES << 8 | _NFT_MSG_NEWGEN:
        return None
    offset = _HEADERS.size
    while offset + _ATTRIBUTE.size <= min(length, len(answer)):
        size, name = _ATTRIBUTE.unpack_from(answer, offset)
        if name == _NFTA_GEN_ID:
            return int.from_bytes(answer[offset + 4 : offset + size], "big")
        offset += max(size + 3 & ~3, _ATTRIBUTE.size)
    return None


def listens_for_udp(address: str, port: int) -> bool:
    """True where a socket of this namespace has an IPv4 address and UDP port."""
    packed = int.from_bytes(to_number(address).to_bytes(4, "big"), sys.byteorder)
    wanted = f"{packed:08X}:{port:04X}"
    lines = read_text("/proc/self/net/udp").strip().splitlines()
    return any(line.split()[1] == wanted for line in lines[1:])


def _default_interface() -> str | None:
    with open("/proc/self/net/route", encoding="ascii") as stream:
        for line in stream.readlines()[1:]:
            fields = line.split()
            if fields[1] == "00000000" and fields[7] == "00000000":
                return fields[0]
    return None


def _set(path: str, value: str, *, optional: bool = False) -> None:
    """Writes a kernel setting, unless it has that value."""
    try:
        with open(path, encoding="ascii") as stream:
            if stream.read().strip() == value:
                return
        with open(path, "w", encoding="ascii") as stream:
            stream.write(value)
    except FileNotFoundError:
        if not optional:
            raise
    except OSError as error:
        setting = path.removeprefix("/proc/sys/").replace("/", ".")
        raise PermissionMissing(
            f"cannot set {setting} to {value}: {error.strerror}",
            hint=f"set it on the host (sysctl -w {setting}={value}), or use --network host",
            exit_code=125,
        ) from error
