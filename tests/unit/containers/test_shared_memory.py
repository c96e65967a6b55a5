from __future__ import annotations

import os
from pathlib import Path

import pytest

from dockyard.containers.model import Container, Mount, Namespaces, Options, Resources
from dockyard.containers.shared_memory import Watch, framework, prefixes, too_small_for
from dockyard.oci.image import ExecutionConfig

EMPTY = ExecutionConfig()


@pytest.mark.parametrize(
    ("place", "package", "name"),
    [
        ("usr/local/lib/python3.11/site-packages", "torch", "PyTorch"),
        ("usr/lib/python3/dist-packages", "tensorflow", "TensorFlow"),
        ("opt/conda/lib/python3.12/site-packages", "jax", "JAX"),
        ("srv/env/lib/python3.11/site-packages", "torch", "PyTorch"),
    ],
)
def test_a_framework_is_found_where_python_looks(
    tmp_path: Path, place: str, package: str, name: str
) -> None:
    config = ExecutionConfig(env=("PATH=/srv/env/bin:/usr/bin",))
    (tmp_path / place).mkdir(parents=True)
    assert framework(config, str(tmp_path)) is None
    (tmp_path / place / package).mkdir()
    assert framework(config, str(tmp_path)) == name


def test_an_image_can_say_it(tmp_path: Path) -> None:
    assert framework(ExecutionConfig(env=("PYTORCH_VERSION=2",)), str(tmp_path)) == "PyTorch"
    title = {"org.opencontainers.image.title": "My TensorFlow"}
    assert framework(ExecutionConfig(labels=title), str(tmp_path)) == "TensorFlow"


def test_symlinks_do_not_lead_out_of_the_image(tmp_path: Path) -> None:
    outside, root = tmp_path / "outside", tmp_path / "root"
    (outside / "lib/python3.11/site-packages/torch").mkdir(parents=True)
    (root / "usr").mkdir(parents=True)
    (root / "usr/local").symlink_to(outside)
    assert framework(EMPTY, str(root)) is None


def test_python_is_looked_for_where_the_variables_say_first() -> None:
    found = prefixes(("VIRTUAL_ENV=/v", "PATH=/a/bin:/usr/bin:/sbin:relative/bin"))
    assert found == ("/v", "/a", "/usr", "/usr/local", "/opt/conda", "/opt/venv")


def container(options: Options, *mounts: Mount) -> Container:
    return Container(
        id="c" * 64, name="n", image_id="i", image_name="i", state="creating", created=0,
        options=options, mounts=mounts,
    )  # fmt: skip


def test_only_the_default_size_of_its_own_is_too_small() -> None:
    assert too_small_for(container(Options()))
    assert too_small_for(container(Options(namespaces=Namespaces(ipc="shareable"))))
    for mode in ("host", "none", "container:x"):
        assert not too_small_for(container(Options(namespaces=Namespaces(ipc=mode))))
    assert not too_small_for(container(Options(resources=Resources(shm_size=1 << 30))))
    shm = Mount(kind="bind", source="/dev/shm", target="/dev/shm")
    assert not too_small_for(container(Options(), shm))


def watch(monkeypatch: pytest.MonkeyPatch, free: int, whole: int = 1000) -> Watch:
    status = os.statvfs_result((4096, 4096, whole, free, free, 0, 0, 0, 0, 255))
    monkeypatch.setattr(os, "fstatvfs", lambda _descriptor: status)
    return Watch(os.open("/", os.O_PATH))


def test_full_at_the_end_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert watch(monkeypatch, free=0).end() == 4096 * 1000
    assert watch(monkeypatch, free=10).end()
    assert not watch(monkeypatch, free=500).end()
    assert not watch(monkeypatch, free=0, whole=0).end()


def test_a_complaint_counts_when_it_is_full_at_that_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = watch(monkeypatch, free=0)
    seen.saw(b"Bus error (core dumped)\n")
    watch(monkeypatch, free=1000).end()  # the files have gone with their owner meanwhile
    assert seen.end()

    other = watch(monkeypatch, free=900)
    other.saw(b"cp: error writing '/data/x': No space left on device\n")
    assert not other.end()


def test_a_complaint_that_names_shared_memory_needs_no_look(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen = watch(monkeypatch, free=900)
    seen.saw(b"unable to write to file </torch_12_3>: No space left on device (28)")
    assert seen.end()
