"""Real containers: every test has a root of its own, and everything is given back in the end."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.support import bases, leftovers
from tests.support.roots import Root

from dockyard import Engine
from dockyard.state.paths import Paths

MakeRoot = Callable[..., Root]


@pytest.fixture(scope="session")
def base_images() -> Path:
    """The directory of a root with debian:bookworm, python:3.11 and a small busybox."""
    if os.geteuid() != 0:
        pytest.skip("containers need root here")
    return bases.cached()


@pytest.fixture(scope="session")
def used_roots() -> Iterator[list[Paths]]:
    """All roots of this run; when all is over, none may have anything left on the host."""
    used: list[Paths] = []
    yield used
    left = [f"{paths.root}: {what}" for paths in used for what in _on_host(paths)]
    assert not left, "left behind on this host:\n" + "\n".join(left)


def _on_host(paths: Paths) -> list[str]:
    return [] if os.path.exists(paths.root) else list(leftovers.on_host(paths))


@pytest.fixture
def make_root(base_images: Path, used_roots: list[Paths]) -> Iterator[MakeRoot]:
    """Makes roots; at the end each must give back all that it took."""
    made: list[Root] = []

    def make(*, images: bool = True) -> Root:
        # Not pytest's directory: an overlay's upper directory needs a real filesystem.
        base = Path(tempfile.mkdtemp(prefix="dockyard-test-", dir="/var/tmp"))
        root = Root(base, base_images if images else None)
        made.append(root)
        used_roots.append(root.paths)
        return root

    yield make
    for root in made:
        root.end_processes()
    left = [what for root in made if root.checked for what in root.leftovers()]
    for root in made:
        root.close()
    assert not left, "left behind:\n" + "\n".join(left)


@pytest.fixture
def bare(make_root: MakeRoot) -> Root:
    """A root without images."""
    return make_root(images=False)


@pytest.fixture
def root(make_root: MakeRoot) -> Root:
    """A root of the test's own, with images."""
    return make_root()


@pytest.fixture
def stock(make_root: MakeRoot) -> Callable[..., Root]:
    """Makes a root that has the images of services, which are bootstrapped once for all tests."""

    def make(*names: str) -> Root:
        made = make_root(images=False)
        bases.furnish(bases.stocked(*names), made.paths)
        return made

    return make


@pytest.fixture
def engine(root: Root) -> Iterator[Engine]:
    """An engine on the test's root; its warnings fail the test."""
    warnings: list[str] = []
    with Engine(root.config, warn=warnings.append) as engine:
        yield engine
    assert not warnings


@pytest.fixture
def free_port() -> int:
    """A port of this host that nobody has at the moment."""
    with socket.socket() as probe:
        probe.bind(("0.0.0.0", 0))
        return int(probe.getsockname()[1])
