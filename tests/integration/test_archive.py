"""Saved images are loaded and run by other engines.

``DOCKYARD_PEERS`` names a program that runs a command where these engines are:
``$DOCKYARD_PEERS run docker version``.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from tests.integration.conftest import MakeRoot
from tests.support.roots import Root, foreground

from dockyard import Engine
from dockyard.images import archive
from dockyard.images.model import Image
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference
from dockyard.state.locks import Lock

pytestmark = pytest.mark.peers

PEERS = os.environ.get("DOCKYARD_PEERS", "")
NAME, OTHER = "archive-test:1", "archive-test:2"
SCRIPT = (
    "cat /greeting; ls -l /greeting | cut -c1-10; stat -c '%h %n' /bin/sh; ls /gone 2>&1; echo end"
)


def peer(*command: str, data: Path | None = None) -> str:
    """Runs a command among the peers; its output."""
    with open(data or os.devnull, "rb") as stream:
        done = subprocess.run(
            [PEERS, "run", *command], stdin=stream, capture_output=True, text=True
        )
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr}{done.stdout}"
    return done.stdout


@pytest.fixture(scope="module", autouse=True)
def _peers() -> None:
    if not PEERS:
        pytest.skip("DOCKYARD_PEERS names no program that runs Docker, Podman and skopeo")
    done = subprocess.run([PEERS, "run", "true"], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"the peers are not up: {done.stderr.strip()}")


@pytest.fixture
def engine(make_root: MakeRoot) -> Iterator[Engine]:
    """Two small images that share a layer; the second one's top layer deletes a file."""
    root = make_root()
    with root.engine() as engine, Lock.acquire(f"{root.paths.locks}/w-archive.lock") as lock:
        base = _layer(engine, root, "base", _base)
        first = _layer(engine, root, "first", lambda tree, _: _greeting(tree, "hello\n"))
        second = _layer(engine, root, "second", lambda tree, _: _greeting(tree, "bye\n", "gone"))
        _image(engine, [base, first], NAME)
        _image(engine, [base, second], OTHER)
        engine.parts.layers.release("w-archive")
        lock.release(remove=True)
        yield engine


def _layer(engine: Engine, root: Root, name: str, fill: Callable[[Path, Path], None]) -> str:
    tree = Path(root.paths.workspaces, name)
    tree.mkdir(mode=0o755)
    (directory, *_) = engine.images.directories(engine.images.find("busybox"))
    fill(tree, Path(directory, "bin/busybox"))
    layers = engine.parts.layers
    return layers.seal(layers.publish(str(tree), holder="w-archive", epoch=86400, times="epoch")).id


def _base(tree: Path, busybox: Path) -> None:
    (tree / "bin").mkdir()
    shutil.copy2(busybox, tree / "bin" / "busybox")
    for applet in ("sh", "cat", "ls", "cut", "stat"):
        (tree / "bin" / applet).hardlink_to(tree / "bin" / "busybox")
    (tree / "gone").write_text("still here\n")


def _greeting(tree: Path, text: str, *deleted: str) -> None:
    (tree / "greeting").write_text(text)
    (tree / "greeting").chmod(0o4755)
    for name in deleted:
        os.mknod(tree / name, 0o20000, os.makedev(0, 0))


def _image(engine: Engine, layer_ids: list[str], name: str) -> Image:
    layers = [engine.parts.layers.get(layer_id) for layer_id in layer_ids]
    document = oci.ImageConfig(
        architecture="amd64",
        config=oci.ExecutionConfig(cmd=("sh", "-c", SCRIPT), env=("PATH=/bin",)),
        rootfs=oci.RootFilesystem(tuple(layer.diff_id for layer in layers)),
        history=tuple(oci.History(created_by=layer_id) for layer_id in layer_ids),
    )
    return engine.images.add(
        oci.encode(document), layer_ids, built=0, names=(Reference.parse(name),)
    )


@pytest.mark.parametrize("program", ["docker", "podman"])
def test_both_images_load_and_say_the_same_there_as_here(
    engine: Engine, tmp_path: Path, program: str
) -> None:
    file = tmp_path / "images.tar"
    archive.save_to(str(file), engine.images, [NAME, OTHER])
    loaded = peer(program, "load", data=file)
    try:
        for name in (NAME, OTHER):
            assert name in loaded
            there = peer(program, "run", "--rm", "--network=none", name)
            _, here = foreground(engine, image=name)
            assert there == here.text
            assert there
    finally:
        peer(program, "rmi", "--force", NAME, OTHER)


def test_docker_keeps_the_image_byte_for_byte(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "images.tar"
    archive.save_to(str(file), engine.images, [NAME])
    peer("docker", "load", data=file)
    try:
        (there,) = json.loads(peer("docker", "image", "inspect", NAME))
        here = engine.images.find(NAME)
        assert there["RootFS"]["Layers"] == [layer.diff_id for layer in here.layers]
        assert there["Config"]["Cmd"] == list(here.config.config.cmd or ())
    finally:
        peer("docker", "rmi", "--force", NAME)


@pytest.mark.parametrize("layout", ["docker", "oci"])
def test_the_archive_is_an_oci_layout_to_others(
    engine: Engine, tmp_path: Path, layout: archive.Layout
) -> None:
    file = tmp_path / "image.tar"
    archive.save_to(str(file), engine.images, [NAME], layout=layout)
    seen = peer(
        "sh", "-c", "t=$(mktemp) && cat >$t && skopeo inspect --config oci-archive:$t && rm $t",
        data=file,
    )  # fmt: skip
    here = engine.images.find(NAME)
    assert json.loads(seen)["rootfs"]["diff_ids"] == [layer.diff_id for layer in here.layers]
    loaded = peer("podman", "load", data=file)
    try:
        assert "docker.io/library/archive-test:1" in loaded
    finally:
        peer("podman", "rmi", "--force", NAME)
