"""Arithmetic of addresses on plain integers; the standard library's costs 2 ms of every start."""

from __future__ import annotations

import msgspec

IPV4_BITS = 32
IPV6_BITS = 128


class Subnet(msgspec.Struct, frozen=True):
    """A block of addresses: ``base`` as a number, and the length of its prefix."""

    base: int
    prefix: int
    bits: int = IPV4_BITS
    """Length of an address: 32, or 128 for IPv6."""

    @property
    def size(self) -> int:
        return 1 << (self.bits - self.prefix)

    @property
    def last(self) -> int:
        return self.base + self.size - 1

    def overlaps(self, other: Subnet) -> bool:
        """True where they have an address in common; never so for different versions of IP."""
        return self.bits == other.bits and self.base <= other.last and other.base <= self.last

    def holds(self, other: Subnet) -> bool:
        """True where the other is a part of it, or the same."""
        return self.bits == other.bits and self.base <= other.base and other.last <= self.last

    def has(self, address: str) -> bool:
        """True where the address is one of the block."""
        return is_ipv6(address) == (self.bits == IPV6_BITS) and (
            self.base <= to_number(address) <= self.last
        )

    def text_of(self, number: int) -> str:
        """An address of the block as text."""
        return to_text(number, self.bits)

    def __str__(self) -> str:
        return f"{to_text(self.base, self.bits)}/{self.prefix}"


def is_ipv6(address: str) -> bool:
    """True for the notation of IPv6; says nothing about whether it is right."""
    return ":" in address


def to_number(address: str) -> int:
    """The address as a number.

    Raises:
        ValueError: it is no address.
    """
    if is_ipv6(address):
        return _ipv6_to_number(address)
    parts = address.split(".")
    if len(parts) != 4 or not all(_is_octet(part) for part in parts):
        raise ValueError(f"not an IP address: {address}")
    return int.from_bytes(bytes(map(int, parts)), "big")


def _ipv6_to_number(address: str) -> int:
    import socket  # only where there is IPv6

    try:
        return int.from_bytes(socket.inet_pton(socket.AF_INET6, address), "big")
    except OSError as error:
        raise ValueError(f"not an IP address: {address}") from error


def to_text(number: int, bits: int = IPV4_BITS) -> str:
    """The opposite of :func:`to_number`; IPv6 in its shortest form."""
    if bits == IPV6_BITS:
        import socket

        return socket.inet_ntop(socket.AF_INET6, number.to_bytes(16, "big"))
    return ".".join(map(str, number.to_bytes(4, "big")))


def is_address(text: str) -> bool:
    """True for an address of either version."""
    try:
        to_number(text)
    except ValueError:
        return False
    return True


def parse_subnet(text: str) -> Subnet:
    """Reads ``10.87.0.0/22`` or ``fd00::/64``; bits of the host are cleared.

    Raises:
        ValueError: it is no subnet.
    """
    address, slash, length = text.partition("/")
    bits = IPV6_BITS if is_ipv6(address) else IPV4_BITS
    if not (slash and length.isascii() and length.isdecimal() and int(length) <= bits):
        raise ValueError(f"not a subnet: {text}")
    rest = bits - int(length)
    return Subnet(to_number(address) >> rest << rest, int(length), bits)


def single(address: str) -> Subnet:
    """The block of one address.

    Raises:
        ValueError: it is no address.
    """
    bits = IPV6_BITS if is_ipv6(address) else IPV4_BITS
    return Subnet(to_number(address), bits, bits)


def _is_octet(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 3 and int(text) <= 255
