"""What tests begin with: roots that get their images from caches."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

from tests.integration.conftest import MakeRoot
from tests.support import bases


def test_a_root_takes_images_of_two_caches_that_share_a_layer(
    make_root: MakeRoot, tmp_path: Path
) -> None:
    """Each cache has the layer under a name of its own; one of them is enough."""
    with tarfile.open(tmp_path / "tree.tar", "w") as tar:
        member = tarfile.TarInfo("file")
        member.size = 7
        tar.addfile(member, io.BytesIO(b"content"))
    caches = {name: make_root(images=False) for name in ("one", "two")}
    for name, cache in caches.items():
        cache.cli("import", "-c", f"LABEL of={name}", str(tmp_path / "tree.tar"), name, check=True)
    root = make_root(images=False)

    for cache in caches.values():
        bases.furnish(cache.base, root.paths)

    with root.engine() as engine:
        one, two = (engine.images.find(name) for name in caches)
    assert one.id != two.id
    assert [layer.id for layer in one.layers] == [layer.id for layer in two.layers]
    assert os.listdir(os.path.dirname(root.paths.layer("x"))) == [one.layers[0].id]
    assert Path(root.paths.layer(one.layers[0].id), "file").read_text() == "content"
    (tmp_path / "Dockerfile").write_text("FROM two\nCOPY tree.tar /more\n")
    root.cli("build", "-q", str(tmp_path), check=True)
