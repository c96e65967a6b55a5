"""rtnetlink (rtnetlink(7)): interfaces, addresses and routes, without a program and its start.

A request is one message and the kernel's answer to it, some 50 microseconds each beside what the
kernel itself takes. A socket belongs to the network namespace in which it was opened, whatever
thread uses it later.
"""

from __future__ import annotations

import os
import socket
import struct

from dockyard.system.closing import Closing

_HEADER = struct.Struct("=IHHII")  # nlmsghdr: length, type, flags, sequence, port
_LINK = struct.Struct("=BxHiII")  # ifinfomsg: family, type, index, flags, change
_ADDRESS = struct.Struct("=BBBBI")  # ifaddrmsg: family, prefix, flags, scope, index
_ROUTE = struct.Struct("=BBBBBBBBI")  # rtmsg: family, lengths, tos, table, protocol, scope, type
_ATTRIBUTE = struct.Struct("=HH")

_NEWLINK, _DELLINK, _GETLINK, _SETLINK = 16, 17, 18, 19
_NEWADDR, _NEWROUTE, _DELROUTE = 20, 24, 25
_REQUEST, _ACK, _EXCL, _REPLACE, _CREATE = 1, 4, 0x200, 0x100, 0x400
_MESSAGE_ERROR = 2
_NESTED = 0x8000

_IFF_UP = 1
_IFLA_ADDRESS, _IFLA_IFNAME, _IFLA_MTU, _IFLA_MASTER, _IFLA_PROTINFO = 1, 3, 4, 10, 12
_IFLA_LINKINFO, _IFLA_NET_NS_FD = 18, 28
_INFO_KIND, _INFO_DATA = 1, 2
_VETH_PEER = 1
_PORT_HAIRPIN, _PORT_ISOLATED = 4, 33
_IFA_ADDRESS, _IFA_LOCAL, _IFA_FLAGS = 1, 2, 8
_IFA_F_NODAD = 2
_RTA_OIF, _RTA_GATEWAY = 4, 5
_TABLE_MAIN, _PROTOCOL_BOOT, _SCOPE_UNIVERSE, _UNICAST = 254, 3, 0, 1

_ANSWER_BYTES = 1 << 16
_ANSWER_SECONDS = 30


class Netlink(Closing):
    """A conversation with the kernel about the calling thread's network namespace.

    Every method raises ``OSError`` with the kernel's error number. A context manager.
    """

    def __init__(self) -> None:
        kind = socket.SOCK_RAW | socket.SOCK_CLOEXEC
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        self._socket.settimeout(_ANSWER_SECONDS)
        self._sequence = 0

    def close(self) -> None:
        """Ends the conversation; what was made stays. Idempotent."""
        self._socket.close()

    def add_bridge(self, name: str, *, mac: str, mtu: int) -> None:
        """Makes a bridge, which is down."""
        body = link_body() + link_attributes(name, mac=mac, mtu=mtu, kind="bridge")
        self._request(_NEWLINK, _CREATE | _EXCL, body)

    def add_pair(self, name: str, *, bridge: int, mtu: int, peer: Peer) -> None:
        """Makes a veth pair: one end here, up and in the bridge, the other in a namespace."""
        far = link_attributes(peer.name, mac=peer.mac, mtu=mtu)
        far += attribute(_IFLA_NET_NS_FD, struct.pack("=I", peer.namespace))
        data = attribute(_VETH_PEER, link_body() + far)
        near = link_attributes(name, mtu=mtu, kind="veth", data=data)
        master = attribute(_IFLA_MASTER, struct.pack("=I", bridge))
        self._request(_NEWLINK, _CREATE | _EXCL, link_body(up=True) + near + master)

    def join(self, index: int, bridge: int) -> None:
        """Makes an interface a port of a bridge, and switches it on."""
        master = attribute(_IFLA_MASTER, struct.pack("=I", bridge))
        self._request(_SETLINK, 0, link_body(index, up=True) + master)

    def set_port(self, index: int, *, hairpin: bool, isolated: bool) -> None:
        """Sets what a bridge does with a port.

        Args:
            hairpin: a frame may leave by the port through which it came.
            isolated: no frame goes from one isolated port to another.
        """
        flags = attribute(_PORT_HAIRPIN, bytes([hairpin]))
        if isolated:  # Linux 4.18
            flags += attribute(_PORT_ISOLATED, b"\1")
        body = link_body(index, family=socket.AF_BRIDGE)
        self._request(_SETLINK, 0, body + attribute(_IFLA_PROTINFO | _NESTED, flags))

    def set_up(self, index: int) -> None:
        """Switches an interface on."""
        self._request(_SETLINK, 0, link_body(index, up=True))

    def add_address(self, index: int, address: str, prefix: int) -> None:
        """Gives an interface an address; one of IPv6 counts at once, without asking around."""
        family, packed = pack_address(address)
        body = _ADDRESS.pack(family, prefix, 0, 0, index)
        body += attribute(_IFA_LOCAL, packed) + attribute(_IFA_ADDRESS, packed)
        if family == socket.AF_INET6:
            body += attribute(_IFA_FLAGS, struct.pack("=I", _IFA_F_NODAD))
        self._request(_NEWADDR, _CREATE | _REPLACE, body)

    def set_default_route(self, index: int, gateway: str) -> None:
        """Makes a gateway the way to everywhere, in place of the one that was it."""
        self._request(_NEWROUTE, _CREATE | _REPLACE, route_body(index, gateway))

    def delete_default_route(self, index: int, gateway: str) -> None:
        """The opposite of :meth:`set_default_route`."""
        self._request(_DELROUTE, 0, route_body(index, gateway))

    def delete_link(self, name: str) -> None:
        """Deletes an interface; a pair goes with either of its ends."""
        self._request(_DELLINK, 0, link_body() + link_attributes(name))

    def index_of(self, name: str) -> int:
        """The number of an interface of this namespace."""
        answer = self._request(_GETLINK, 0, link_body() + link_attributes(name))
        index: int = _LINK.unpack_from(answer, _HEADER.size)[2]
        return index

    def _request(self, kind: int, flags: int, body: bytes) -> bytes:
        """Sends one message; the first one that answers it, where that isn't an acknowledgement."""
        self._sequence += 1
        size = _HEADER.size + len(body)
        flags |= _REQUEST if kind == _GETLINK else _REQUEST | _ACK
        self._socket.send(_HEADER.pack(size, kind, flags, self._sequence, 0) + body)
        while True:
            answer = self._socket.recv(_ANSWER_BYTES)
            _, answered, _, sequence, _ = _HEADER.unpack_from(answer)
            if sequence != self._sequence:
                continue  # to a request whose answer nobody waited for
            if answered == _MESSAGE_ERROR:
                number = -struct.unpack_from("=i", answer, _HEADER.size)[0]
                if number:
                    raise OSError(number, os.strerror(number))
            return answer


class Peer:
    """The far end of a veth pair."""

    def __init__(self, namespace: int, name: str, mac: str) -> None:
        self.namespace = namespace
        """A descriptor of the network namespace where it will be."""
        self.name = name
        self.mac = mac


def attribute(kind: int, value: bytes) -> bytes:
    """An attribute (rtattr) with the padding after it. Pure."""
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def link_body(index: int = 0, *, family: int = socket.AF_UNSPEC, up: bool = False) -> bytes:
    """The fixed part of a message on an interface. Pure."""
    flags = _IFF_UP if up else 0
    return _LINK.pack(family, 0, index, flags, flags)


def link_attributes(
    name: str, *, mac: str = "", mtu: int = 0, kind: str = "", data: bytes = b""
) -> bytes:
    """The attributes of an interface; what is empty is left out. Pure."""
    found: list[bytes] = [attribute(_IFLA_IFNAME, name.encode() + b"\0")]
    if mac:
        found.append(attribute(_IFLA_ADDRESS, bytes.fromhex(mac.replace(":", ""))))
    if mtu:
        found.append(attribute(_IFLA_MTU, struct.pack("=I", mtu)))
    if kind:
        info = attribute(_INFO_KIND, kind.encode())
        info += attribute(_INFO_DATA, data) if data else b""
        found.append(attribute(_IFLA_LINKINFO, info))
    return b"".join(found)


def route_body(index: int, gateway: str) -> bytes:
    """A message on the default route through a gateway. Pure."""
    family, packed = pack_address(gateway)
    body = _ROUTE.pack(family, 0, 0, 0, _TABLE_MAIN, _PROTOCOL_BOOT, _SCOPE_UNIVERSE, _UNICAST, 0)
    return body + attribute(_RTA_GATEWAY, packed) + attribute(_RTA_OIF, struct.pack("=I", index))


def pack_address(address: str) -> tuple[int, bytes]:
    """Family and bytes of an address. Pure.

    Raises:
        OSError: it is none.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return family, socket.inet_pton(family, address)
