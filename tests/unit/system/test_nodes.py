"""Device nodes and pipes, made where others may be changing names."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from dockyard.system.nodes import Node, make_node

MKNOD = os.mknod

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners and makes devices")


@pytest.fixture
def directory(tmp_path: Path) -> Iterator[int]:
    (tmp_path / "place").mkdir()
    descriptor = os.open(tmp_path / "place", os.O_RDONLY | os.O_DIRECTORY)
    yield descriptor
    os.close(descriptor)


def node(kind: int = stat.S_IFIFO, device: int = 0) -> Node:
    return Node(mode=kind | 0o4777, device=device, owner=(7, 8), times=(1, 2))


@pytest.mark.parametrize("kind", [stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK])
def test_a_node_is_what_was_asked_for_whatever_the_umask(directory: int, kind: int) -> None:
    before = os.umask(0o077)
    try:
        make_node(directory, "n", node(kind, os.makedev(250, 3)))
    finally:
        os.umask(before)
    status = os.stat("n", dir_fd=directory)

    assert status.st_mode == kind | 0o4777
    assert (status.st_uid, status.st_gid, status.st_mtime_ns) == (7, 8, 2)
    assert status.st_rdev == (0 if kind == stat.S_IFIFO else os.makedev(250, 3))


@pytest.mark.parametrize(
    "swap",
    [
        os.symlink,
        os.link,
        lambda _victim, name: MKNOD(name, stat.S_IFCHR, os.makedev(1, 3)),
    ],
    ids=["symlink", "link", "device"],
)
def test_what_takes_its_place_gets_nothing(
    directory: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    swap: Callable[[str, str], None],
) -> None:  # fmt: skip
    """A container that has the directory swapped the name for a link: chmod(2) follows it."""
    victim = tmp_path / "victim"
    victim.write_text("the host's")
    victim.chmod(0o600)

    def swapped(name: str, *arguments: int, dir_fd: int) -> None:
        MKNOD(name, *arguments, dir_fd=dir_fd)
        place = str(tmp_path / "place" / name)
        os.unlink(place)
        swap(str(victim), place)

    monkeypatch.setattr(os, "mknod", swapped)
    with pytest.raises(FileExistsError):
        make_node(directory, "n", node())
    status = victim.stat()

    assert (status.st_mode & 0o7777, status.st_uid, status.st_gid) == (0o600, 0, 0)
