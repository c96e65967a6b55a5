"""Pulls and copies through networks that cut connections, and of layers larger than memory."""

from __future__ import annotations

import hashlib
import json
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support import archives
from tests.support.cutting import cutting
from tests.support.processes import peak_memory
from tests.support.published import publisher
from tests.support.registries import RunningRegistry, own_registry
from tests.support.roots import Root

MIB = 1 << 20
KINDS = ("zstd", "gzip") if os.environ.get("DOCKYARD_SOAK") else ("zstd",)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[RunningRegistry]:
    with own_registry(tmp_path) as running:
        yield running


def require_layers(root: Root, name: str, layers: list[bytes]) -> None:
    """The image is here, with what was published as its layers."""
    wanted = [f"sha256:{hashlib.sha256(each).hexdigest()}" for each in layers]
    with root.engine() as engine:
        image = engine.images.find(name)
        assert list(image.config.rootfs.diff_ids) == wanted
    assert not [each for each in os.listdir(root.paths.downloads) if each.endswith(".part")]


def test_a_network_that_cuts_connections(
    bare: Root, registry: RunningRegistry, tmp_path: Path
) -> None:
    """Each connection breaks after a few megabytes, and yet all arrives."""
    dice = random.Random(7)
    layers = [archives.layer(small=random.Random(1).randbytes(6 * MIB)),
              archives.layer(large=random.Random(2).randbytes(40 * MIB))]  # fmt: skip
    with publisher(tmp_path, f"{registry.host}/app") as made:
        made.image("1", layers)

    with cutting(registry.host, lambda: dice.randint(2 * MIB, 9 * MIB), backwards=True) as cutter:
        bare.cli("pull", f"{cutter.host}/app:1", check=True, timeout=200)
        assert cutter.cuts >= 4
        require_layers(bare, f"{cutter.host}/app:1", layers)

        pulled, layout = cutter.cuts, bare.base / "layout"
        bare.cli("copy", f"{cutter.host}/app:1", f"oci:{layout}:1", check=True, timeout=200)
        assert cutter.cuts >= pulled + 4
    for path in (layout / "blobs" / "sha256").iterdir():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == path.name
    assert len(json.loads((layout / "index.json").read_text())["manifests"]) == 1


@pytest.mark.parametrize("kind", KINDS)
def test_memory_stays_small_however_large_the_layer(
    bare: Root, registry: RunningRegistry, tmp_path: Path, kind: str
) -> None:
    layer = archives.layer(large=random.Random(3).randbytes(230 * MIB))
    with publisher(tmp_path, f"{registry.host}/app") as made:
        made.image("1", [layer], kinds=[kind])
    name = f"{registry.host}/app:1"

    for command in (
        ("pull", "-q", name),
        ("copy", "-q", name, f"oci:{bare.base}/layout:1"),
        ("copy", "-q", name, f"docker-archive:{bare.base}/archive.tar"),
    ):  # fmt: skip
        process = bare.start(*command)
        most = 0
        while process.poll() is None:
            most = max(most, peak_memory(process.pid))
            time.sleep(0.02)
        assert process.returncode == 0
        assert 10 * MIB < most < 200 * MIB, command
    require_layers(bare, name, [layer])
