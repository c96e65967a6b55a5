from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.containers.mount_targets import check, resolved
from dockyard.containers.options import Mount
from dockyard.errors import InvalidInput


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root with links as an image may have them; ``/proc`` isn't even there."""
    top = tmp_path / "root"
    (top / "a" / "b").mkdir(parents=True)
    for name, target in {
        "proc-link": "proc", "a/up": "../proc-link", "a/out": "../../../../../proc/self",
        "a/b/abs": "/a/up", "loop": "loop", "plain": "/a/b", "top": "/", "own-dev": "/dev",
    }.items():  # fmt: skip
        (top / name).symlink_to(target)
    return top


@pytest.mark.parametrize(
    ("path", "target"),
    [
        ("/a/b", "/a/b"), ("/new/dir", "/new/dir"), ("/proc-link", "/proc"), ("/a/up", "/proc"),
        ("/a/b/abs/sys", "/proc/sys"), ("/a/out/attr", "/proc/self/attr"), ("/plain/x", "/a/b/x"),
        ("/top/top/plain", "/a/b"), ("/a/b/..", "/a"), ("//a/./b/", "/a/b"), ("/top", "/"),
    ],
)  # fmt: skip
def test_links_are_followed_inside_also_to_what_is_not_there(
    root: Path, path: str, target: str
) -> None:
    assert resolved(str(root), path) == target


@pytest.mark.parametrize(
    "target", ["/proc-link", "/a/up", "/a/b/abs", "/a/out", "/a/up/sys", "/top", "/own-dev"]
)
def test_no_mount_takes_the_place_of_what_makes_a_container(root: Path, target: str) -> None:
    with pytest.raises(InvalidInput, match="the container needs its own") as raised:
        check(str(root), (Mount(kind="volume", target=target),))
    assert raised.value.context is not None
    assert target in raised.value.context


def test_ordinary_links_are_fine_and_endless_ones_are_not(root: Path) -> None:
    check(str(root), (Mount(kind="volume", target="/plain/x"), Mount(kind="tmpfs", target="/a")))
    with pytest.raises(InvalidInput, match="too many symlinks"):
        check(str(root), (Mount(kind="volume", target="/loop/x"),))
