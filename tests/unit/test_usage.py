from __future__ import annotations

import msgspec

from dockyard.build.usage import Record
from dockyard.cli import usage_view as view
from dockyard.containers.model import Container, Options
from dockyard.images.model import Image, Layer
from dockyard.models.documents import Config
from dockyard.models.model import Contents, Model, Part
from dockyard.oci.image import Descriptor, ImageConfig
from dockyard.usage import ContainerUse, Usage, VolumeUse, image_uses, model_uses
from dockyard.volumes.model import Volume


def layer(name: str, size: int) -> Layer:
    return Layer(id=name, diff_id=f"sha256:{name}", size=size, writer=1, epoch=0, times="clamp")


def image(name: str, *layers: Layer) -> Image:
    return Image(
        id=f"sha256:{name * 64}", config=ImageConfig(architecture="amd64"), config_bytes=b"{}",
        layers=layers, names=(f"localhost/{name}:latest",), built=0,
        size=sum(each.size for each in layers),
    )  # fmt: skip


def container(of: Image, state: str) -> Container:
    return Container(
        id="c" * 64, name="one", image_id=of.id, image_name="a", state=state,  # type: ignore[arg-type]  # one of the states
        created=0, options=Options(),
    )  # fmt: skip


BASE = layer("base", 1000)
ONE = image("a", BASE, layer("top", 500))
TWO = image("b", BASE, layer("other", 30))
KEPT = Record(id="k", kind="regular", description="", created=0, used=0, uses=1, size=70,
              shared=False, in_use=False)  # fmt: skip
HELD = Record(id="h", kind="regular", description="", created=0, used=0, uses=1, size=500,
              shared=True, in_use=False)  # fmt: skip


def usage(*containers: Container) -> Usage:
    return Usage(
        images=image_uses([ONE, TWO], containers),
        containers=tuple(ContainerUse(one, 9) for one in containers),
        volumes=(
            VolumeUse(Volume(name="used", created=0, path="/v"), 40, 1),
            VolumeUse(Volume(name="idle", created=0, path="/v"), 60, 0),
        ),
        cache=(KEPT, HELD),
    )


def test_layers_that_images_share_count_once() -> None:
    images, *_ = usage().summary()

    assert (images.total, images.active, images.size, images.reclaimable) == (2, 0, 1530, 1530)
    assert [(one.shared, one.unique) for one in usage().images] == [(1000, 500), (1000, 30)]


def test_a_containers_image_keeps_its_layers() -> None:
    images, *_ = usage(container(ONE, "exited")).summary()

    assert (images.active, images.reclaimable) == (1, 30)


def test_what_runs_is_not_reclaimable() -> None:
    running = usage(container(ONE, "running")).summary()[1]
    ended = usage(container(ONE, "exited")).summary()[1]

    assert (running.active, running.size, running.reclaimable) == (1, 9, 0)
    assert (ended.active, ended.size, ended.reclaimable) == (0, 9, 9)


def test_unused_volumes_and_own_cache_are_reclaimable() -> None:
    _, _, volumes, cache = usage().summary()

    assert (volumes.active, volumes.size, volumes.reclaimable) == (1, 100, 60)
    assert (cache.total, cache.size, cache.reclaimable) == (2, 70, 70)


def test_it_reads_as_dockers_does() -> None:
    lines = [view.row(one) for one in usage(container(ONE, "exited")).summary()]

    assert lines[0] == {"Type": "Images", "TotalCount": "2", "Active": "1", "Size": "1.53kB",
                        "Reclaimable": "30B (1%)"}  # fmt: skip
    assert lines[1]["Reclaimable"] == "9B (100%)"
    text = view.verbose(usage(container(ONE, "exited")), 10**9)
    assert "Images space usage:\n\nREPOSITORY" in text
    assert "Build cache usage: 70B\n\nCACHE ID" in text
    assert view.document(usage(), 0)["Volumes"][1]["Size"] == "60B"


def test_files_that_models_share_count_once() -> None:
    models = (_model("a", {"w": 1000, "x": 10}), _model("b", {"w": 1000, "y": 500}))
    used = model_uses(models, {"sha256:a": ("c",)})
    found = msgspec.structs.replace(usage(), models=used)

    line = found.summary()[3]
    assert (line.kind, line.total, line.active) == ("Models", 2, 1)
    assert (line.size, line.reclaimable) == (1510, 500)
    assert [(one.shared, one.unique) for one in used] == [(1000, 10), (1000, 500)]
    assert "Models space usage:\n\nREPOSITORY" in view.verbose(found, 10**9)
    assert len(usage().summary()) == 4


def _model(name: str, sizes: dict[str, int]) -> Model:
    parts = tuple(
        Part(blob=Descriptor(digest=digest, size=size), kind="weight", path=digest)
        for digest, size in sizes.items()
    )
    return Model(
        id=f"sha256:{name}", manifest=b"", config_bytes=b"", media_type="",
        contents=Contents(format="modelpack", parts=parts, config=Config()),
    )  # fmt: skip
