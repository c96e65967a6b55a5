"""Pushes that break off: by kill -9 of either side, by the network, for want of space. The next one
goes on, nothing wrong is ever served, and nothing is left behind.

``DOCKYARD_SOAK`` multiplies the number of kills.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import time
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support.cutting import cutting
from tests.support.disks import small_root
from tests.support.processes import peak_memory
from tests.support.pushes import build, fetched, pushed_layers
from tests.support.registries import RunningRegistry, docker_registry, get, own_registry
from tests.support.roots import Root
from tests.support.waiting import until

from dockyard.observability.transfers import Transfer

SOAK = max(1, int(os.environ.get("DOCKYARD_SOAK", "1")))
ROUNDS = 10 * SOAK
MIB = 1 << 20


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with own_registry(tmp_path) as running:
        yield running


def diff_ids(root: Root, name: str) -> list[str]:
    with root.engine() as engine:
        return list(engine.images.find(name).config.rootfs.diff_ids)


def require_nothing_left(root: Root) -> None:
    with root.engine() as engine:
        assert not engine.database.query("SELECT * FROM uploads")
        assert not engine.database.query("SELECT * FROM workspaces")
    assert not os.listdir(root.paths.workspaces)
    assert not [name for name in os.listdir(root.paths.locks) if name.startswith(("u-", "w-"))]


def require_whole_or_absent(registry: RunningRegistry, repository: str, layers: list[str]) -> None:
    status = get(f"http://{registry.host}/v2/{repository}/manifests/1")
    assert status in {200, 404}
    if status == 200:
        assert pushed_layers(registry, repository, "1") == layers


def wait_for_request(registry: RunningRegistry, repository: str) -> None:
    """A registry that nobody has reached yet may as well be misspelled: it is not waited for."""
    until(lambda: f"/v2/{repository}/" in registry.said())


def test_kill_9_of_the_client_at_any_moment(root: Root, registry: RunningRegistry) -> None:
    dice = random.Random(4)
    name = f"{registry.host}/warm:1"
    build(root, name, size=24 * MIB)
    layers = diff_ids(root, name)
    began = time.monotonic()
    root.cli("push", "-q", name, check=True)
    seconds = time.monotonic() - began

    for number in range(ROUNDS):
        repository = f"round{number}"
        target = f"{registry.host}/{repository}:1"
        root.cli("tag", name, target, check=True)
        with root.engine() as engine:  # else all of it is mounted
            engine.database.execute("DELETE FROM blob_places")
        process = root.start("push", target)
        time.sleep(dice.uniform(0.1, 1.0) * seconds)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        require_whole_or_absent(registry, repository, layers)

        root.cli("push", target, check=True)
        assert pushed_layers(registry, repository, "1") == layers
        require_nothing_left(root)


def test_kill_9_of_the_registry_at_any_moment(root: Root, registry: RunningRegistry) -> None:
    """The same command gets it done, as long as the registry is soon there again."""
    dice = random.Random(5)
    name = f"{registry.host}/warm:1"
    build(root, name, size=24 * MIB)
    layers = diff_ids(root, name)

    for number in range(3 * SOAK):
        repository = f"round{number}"
        target = f"{registry.host}/{repository}:1"
        root.cli("tag", name, target, check=True)
        with root.engine() as engine:
            engine.database.execute("DELETE FROM blob_places")
        process = root.start("push", target)
        wait_for_request(registry, repository)
        time.sleep(dice.uniform(0.0, 1.0))
        registry.restart()
        assert process.wait(120) == 0, process.stderr and process.stderr.read()
        assert pushed_layers(registry, repository, "1") == layers
        require_nothing_left(root)


def test_a_killed_upload_goes_on_where_it_was(root: Root, registry: RunningRegistry) -> None:
    name = f"{registry.host}/app:1"
    build(root, name, size=40 * MIB)
    layers = diff_ids(root, name)
    with cutting(registry.host, lambda: 20 * MIB) as cutter:
        slowly = f"{cutter.host}/app:1"
        root.cli("tag", name, slowly, check=True)
        process = root.start("push", slowly)
        end = time.monotonic() + 60
        while not cutter.cuts and time.monotonic() < end:
            time.sleep(0.01)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    with root.engine() as engine:
        ((location, digest),) = engine.database.query("SELECT location, digest FROM uploads")
        engine.database.execute(  # the proxy is gone
            "UPDATE uploads SET repository=?, location=?",
            (f"{registry.host}/app", location.replace(cutter.host, registry.host)),
        )

    steps: list[Transfer] = []
    with root.engine() as engine:
        done = engine.push(name, listener=steps.append)
    first = next(step for step in steps if step.phase == "uploading" and step.done)
    assert first.done > 10 * MIB
    assert pushed_layers(registry, "app", "1") == layers
    manifest = json.loads(fetched(registry, "app/manifests/1"))
    assert digest in {layer["digest"] for layer in manifest["layers"]}
    assert done.digest
    require_nothing_left(root)


def test_a_network_that_cuts_connections(root: Root, registry: RunningRegistry) -> None:
    """Each connection breaks after a few megabytes, and yet all arrives."""
    dice = random.Random(6)
    with cutting(registry.host, lambda: dice.randint(2 * MIB, 6 * MIB)) as cutter:
        name = f"{cutter.host}/app:1"
        build(root, name, size=24 * MIB)
        root.cli("push", name, check=True, timeout=200)
        assert cutter.cuts >= 3
    assert pushed_layers(registry, "app", "1") == diff_ids(root, name)
    require_nothing_left(root)


def test_a_network_that_cuts_connections_to_a_forgetful_registry(
    root: Root, tmp_path: Path
) -> None:
    """Debian's gives up an upload that breaks off within a chunk: it is begun anew."""
    with docker_registry(tmp_path) as forgetful, cutting(forgetful.host, lambda: 3 * MIB) as cutter:
        cutter.most = 3
        name = f"{cutter.host}/app:1"
        build(root, name, size=24 * MIB)
        root.cli("push", name, check=True, timeout=200)
        assert cutter.cuts >= 3
        assert pushed_layers(forgetful, "app", "1") == diff_ids(root, name)
    require_nothing_left(root)


def test_a_network_that_is_gone_for_good(root: Root, registry: RunningRegistry) -> None:
    with cutting(registry.host, lambda: 100_000) as cutter:
        name = f"{cutter.host}/app:1"
        build(root, name, size=12 * MIB)
        build(root, f"{registry.host}/app:1", size=12 * MIB)
        registry.kill()
        done = root.cli("push", name)
    assert done.returncode == 1
    assert "hint: " in done.stderr
    assert "Traceback" not in done.stderr
    registry.start()
    root.cli("push", f"{registry.host}/app:1", check=True)


def test_two_clients_push_the_same_image_at_once(
    make_root: MakeRoot, registry: RunningRegistry
) -> None:
    roots = [make_root(), make_root()]
    name = f"{registry.host}/app:1"
    for root in roots:
        build(root, name, size=24 * MIB)
    for number in range(3):
        for root in roots:
            root.cli("tag", name, f"{registry.host}/app{number}:1", check=True)
        both = [root.start("push", f"{registry.host}/app{number}:1") for root in roots]
        both.append(roots[0].start("push", f"{registry.host}/app{number}:1"))
        said = [process.communicate(timeout=120) for process in both]
        assert [process.returncode for process in both] == [0, 0, 0], said
        assert len({out.splitlines()[-1] for out, _ in said}) == 1
        assert pushed_layers(registry, f"app{number}", "1") == diff_ids(roots[0], name)
    for root in roots:
        require_nothing_left(root)


@pytest.fixture
def small(make_root: Callable[..., Root]) -> Iterator[Root]:
    """A root on a filesystem of 64 MB."""
    with small_root(make_root, 64 * MIB) as root:
        yield root


def test_a_full_disk(small: Root, registry: RunningRegistry) -> None:
    name = f"{registry.host}/app:1"
    build(small, name, size=12 * MIB)
    filler = small.base / "filler"
    room = os.statvfs(small.base)
    filler.write_bytes(bytes(room.f_bavail * room.f_frsize - 8 * MIB))

    done = small.cli("push", name)
    assert done.returncode == 1
    assert "no space left to write" in done.stderr
    assert "hint: free some space" in done.stderr
    require_nothing_left(small)

    filler.unlink()
    small.cli("push", name, check=True)
    assert pushed_layers(registry, "app", "1") == diff_ids(small, name)


def test_ctrl_c_ends_a_push_at_once(root: Root, registry: RunningRegistry) -> None:
    name = f"{registry.host}/app:1"
    build(root, name, size=60 * MIB)
    process = root.start("push", "--compression-level", "22", name)
    time.sleep(1)
    os.killpg(process.pid, signal.SIGINT)

    _, said = process.communicate(timeout=20)
    assert process.returncode == 130
    assert "push canceled" in said
    assert "Traceback" not in said
    require_nothing_left(root)


def test_a_layer_that_changed_on_disk_is_not_pushed(root: Root, registry: RunningRegistry) -> None:
    name = f"{registry.host}/app:1"
    build(root, name)
    with root.engine() as engine:
        top = engine.images.directories(engine.images.find(name))[-1]
    Path(top, "text").write_text("two")

    done = root.cli("push", name)
    assert done.returncode == 1
    assert "changed on disk" in done.stderr
    with pytest.raises(urllib.error.HTTPError):
        fetched(registry, "app/manifests/1")
    require_nothing_left(root)


@pytest.mark.parametrize("kind", ["zstd", "gzip", "none"])
def test_memory_stays_small_however_large_the_layer(
    root: Root, registry: RunningRegistry, kind: str
) -> None:
    name = f"{registry.host}/app:1"
    build(root, name, size=300 * MIB)
    process = root.start("push", "-q", "--compression", kind, name)
    most = 0
    while process.poll() is None:
        most = max(most, peak_memory(process.pid))
        time.sleep(0.02)

    assert process.returncode == 0
    assert 10 * MIB < most < 200 * MIB
