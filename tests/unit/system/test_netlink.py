from __future__ import annotations

import errno
import os
import socket
import struct
import subprocess
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest

from dockyard.system import netlink, syscalls
from dockyard.system.netlink import Netlink, Peer
from dockyard.system.task import Task

T = TypeVar("T")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="network namespaces need root")


@pytest.mark.parametrize("value", [b"", b"x", b"xyz", b"four", b"fiver"])
def test_attributes_are_padded_to_four_bytes(value: bytes) -> None:
    made = netlink.attribute(7, value)
    assert struct.unpack_from("=HH", made) == (4 + len(value), 7)
    assert made[4 : 4 + len(value)] == value
    assert len(made) % 4 == 0
    assert len(made) - len(value) < 8


def test_an_interface_that_is_to_be_up_says_so() -> None:
    assert netlink.link_body(3, up=True) == struct.pack("=BxHiII", 0, 0, 3, 1, 1)
    assert netlink.link_body() == bytes(16)


def test_addresses_of_both_families() -> None:
    assert netlink.pack_address("10.0.0.1") == (socket.AF_INET, bytes([10, 0, 0, 1]))
    family, packed = netlink.pack_address("fd00::1")
    assert (family, packed[0], packed[-1], len(packed)) == (socket.AF_INET6, 0xFD, 1, 16)
    with pytest.raises(OSError, match="illegal IP address"):
        netlink.pack_address("10.0.0")


def in_namespace(work: Callable[[], T]) -> T:
    """Runs it in a thread with a network namespace of its own."""

    def alone() -> T:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        return work()

    return Task(alone).result()


def shown(*words: str) -> str:
    return subprocess.run(["ip", *words], check=True, capture_output=True, text=True).stdout


def spaces() -> Iterator[tuple[int, Netlink]]:
    while True:
        syscalls.unshare(syscalls.CLONE_NEWNET)
        yield os.open("/proc/thread-self/ns/net", os.O_RDONLY), Netlink()


@needs_root
def test_a_pair_leads_from_a_bridge_into_a_namespace() -> None:
    def build() -> None:
        (inner, inside), (outer, outside) = (next(made) for made in [spaces()] * 2)
        with inside, outside:
            outside.add_bridge("br0", mac="02:00:00:00:00:01", mtu=1400)
            bridge = outside.index_of("br0")
            outside.set_up(bridge)
            outside.add_address(bridge, "10.9.0.1", 24)
            peer = Peer(inner, "lan0", "02:00:00:00:00:02")
            outside.add_pair("v0", bridge=bridge, mtu=1400, peer=peer)
            outside.set_port(outside.index_of("v0"), hairpin=True, isolated=True)
            index = inside.index_of("lan0")
            inside.add_address(index, "10.9.0.2", 24)
            inside.set_up(index)
            inside.set_default_route(index, "10.9.0.1")
            inside.set_default_route(index, "10.9.0.3")
            port = shown("-d", "link", "show", "v0")
            assert "mtu 1400" in port
            assert "master br0" in port
            assert "hairpin on" in port
            assert "isolated on" in port
            assert "10.9.0.1/24" in shown("addr", "show", "br0")
            syscalls.setns(inner, syscalls.CLONE_NEWNET)
            assert "02:00:00:00:00:02" in shown("link", "show", "lan0")
            assert "10.9.0.2/24" in shown("addr", "show", "lan0")
            assert "default via 10.9.0.3 dev lan0" in shown("route")
            inside.delete_default_route(index, "10.9.0.3")
            assert "default" not in shown("route")
            outside.delete_link("v0")
            assert "lan0" not in shown("link")
        os.close(inner)
        os.close(outer)

    in_namespace(build)


@needs_root
def test_the_kernels_refusals_are_errors_with_its_number() -> None:
    def refuse() -> list[int | None]:
        found = []
        with Netlink() as link:
            link.add_bridge("br0", mac="02:00:00:00:00:01", mtu=1500)
            for work in (
                lambda: link.delete_link("nosuch"),
                lambda: link.index_of("nosuch"),
                lambda: link.add_bridge("br0", mac="02:00:00:00:00:01", mtu=1500),
                lambda: link.add_address(999, "10.0.0.1", 24),
            ):
                with pytest.raises(OSError) as info:  # noqa: PT011  # the number is what counts
                    work()
                found.append(info.value.errno)
            assert link.index_of("lo") == 1, "the conversation goes on"
        return found

    assert in_namespace(refuse) == [errno.ENODEV, errno.ENODEV, errno.EEXIST, errno.ENODEV]
