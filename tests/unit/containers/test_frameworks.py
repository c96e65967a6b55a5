from __future__ import annotations

from pathlib import Path

import pytest

from dockyard.containers.frameworks import framework, prefixes
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
