"""Images are recorded, found, named and removed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from dockyard.errors import Conflict, ContentMismatch, InvalidInput, NotFound
from dockyard.images.layers import LayerStore
from dockyard.images.model import Image
from dockyard.images.store import ImageStore
from dockyard.oci import digest as digests
from dockyard.oci import image as oci
from dockyard.oci.reference import Reference
from dockyard.state.database import Database
from dockyard.state.locks import Lock
from dockyard.state.paths import Paths


class Root:
    """A root with its stores, and images made of one small layer each."""

    def __init__(self, directory: Path) -> None:
        self.paths = Paths(str(directory / "root"), str(directory / "run"))
        self.paths.prepare()
        self.database = Database(self.paths.database)
        self.layers = LayerStore(self.paths, self.database)
        self.images = ImageStore(self.paths, self.database, self.layers)

    def layer(self, content: str) -> tuple[str, str]:
        """Id and diff id of a sealed layer that nothing refers to yet."""
        source = f"{self.paths.workspaces}/{content}"
        os.mkdir(source, 0o755)
        Path(source, "file").write_text(content)
        holder = f"w-{content}"
        with Lock.acquire(f"{self.paths.locks}/{holder}.lock"):
            layer_id = self.layers.publish(source, holder=holder, epoch=0, times="clamp")
            layer = self.layers.seal(layer_id)
        return layer.id, layer.diff_id

    def image(self, content: str, *names: str, built: int = 1) -> Image:
        layer_id, diff_id = self.layer(content)
        return self.images.add(
            config(diff_id), [layer_id], built=built, names=map(Reference.parse, names)
        )

    def container(self, image: Image, state: str) -> None:
        self.database.execute(
            "INSERT INTO containers VALUES (?, ?, ?, ?, 0, x'')",
            ("c" * 64, "name", image.id, state),
        )


def config(*diff_ids: str) -> bytes:
    return oci.encode(oci.ImageConfig(architecture="amd64", rootfs=oci.RootFilesystem(diff_ids)))


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Root]:
    root = Root(tmp_path)
    yield root
    root.database.close()


def test_the_id_is_the_digest_of_the_configuration(root: Root) -> None:
    image = root.image("a", "app:1")
    assert image.id == digests.of(image.config_bytes)
    assert image.names == ("docker.io/library/app:1",)
    assert image.size == image.layers[0].size > 0
    assert root.images.get(image.id) == image


def test_adding_again_changes_nothing(root: Root) -> None:
    image = root.image("a", "app:1", built=1)
    again = root.images.add(image.config_bytes, [image.layers[0].id], built=2)
    assert again == image
    assert root.images.list() == (image,)


def test_layers_other_than_the_configuration_names_are_refused(root: Root) -> None:
    layer_id, _ = root.layer("a")
    with pytest.raises(ContentMismatch):
        root.images.add(config("sha256:" + "0" * 64), [layer_id], built=0)
    assert root.images.list() == ()


def test_what_is_no_configuration_is_refused(root: Root) -> None:
    with pytest.raises(InvalidInput):
        root.images.add(b"[]", [], built=0)


def test_layers_keep_their_order(root: Root) -> None:
    made = [root.layer(name) for name in "cab"]
    ids = [layer_id for layer_id, _ in made]
    image = root.images.add(config(*(diff_id for _, diff_id in made)), ids, built=0)
    assert [layer.id for layer in image.layers] == ids
    assert root.images.directories(image) == tuple(root.paths.layer(one) for one in ids)


@pytest.mark.parametrize("take", [71, 64 + 7, 12 + 7, 2 + 7])
def test_an_image_is_found_by_id_with_and_without_prefix(root: Root, take: int) -> None:
    image = root.image("a")
    assert root.images.find(image.id[:take]) == image
    assert root.images.find(image.id[7:take]) == image


def test_one_digit_is_no_id(root: Root) -> None:
    image = root.image("a")
    with pytest.raises(NotFound):
        root.images.find(image.id[7])


def test_a_short_id_of_several_images_is_ambiguous(root: Root) -> None:
    prefixes: dict[str, int] = {}
    for number in range(300):  # more images than there are two-digit prefixes
        encoded = msgspec.json.decode(config())
        encoded["author"] = str(number)
        image = root.images.add(msgspec.json.encode(encoded), [], built=0)
        prefix = image.id[7:9]
        prefixes[prefix] = prefixes.get(prefix, 0) + 1
        if prefixes[prefix] == 2:
            break
    twice = next(prefix for prefix, count in prefixes.items() if count == 2)
    with pytest.raises(InvalidInput, match="ambiguous"):
        root.images.find(twice)


def test_a_name_that_looks_like_an_id_is_a_name_first(root: Root) -> None:
    first = root.image("a")
    second = root.image("b", first.id[7:11])
    assert root.images.find(first.id[7:11]) == second


def test_a_short_name_means_the_bootstrapped_base_and_says_so(root: Root) -> None:
    base = root.image("a", "localhost/python:3.11")
    resolution = root.images.resolve("python:3.11-slim")
    assert resolution.image == base
    assert resolution.note == "python:3.11-slim resolves to localhost/python:3.11 (bootstrapped)"
    own = root.image("b", "python:3.11-slim")
    assert root.images.resolve("python:3.11-slim").image == own
    assert root.images.resolve("python:3.11-slim").note is None


def test_a_missing_base_says_how_to_get_it(root: Root) -> None:
    with pytest.raises(NotFound) as caught:
        root.images.find("python:3.11")
    assert caught.value.hint == "dockyard bootstrap python:3.11"


def test_a_name_moves_and_leaves_the_old_image_without(root: Root) -> None:
    old = root.image("a", "app", built=1)
    new = root.image("b", "app", built=2)
    assert [(image.id, image.names) for image in root.images.list()] == [
        (new.id, ("docker.io/library/app:latest",)),
        (old.id, ()),
    ]


def test_tagging_what_is_not_there_is_an_error(root: Root) -> None:
    with pytest.raises(NotFound):
        root.images.tag("sha256:" + "0" * 64, Reference.parse("app"))


def test_a_tag_is_one_more_name(root: Root) -> None:
    image = root.image("a", "app:1")
    root.images.tag(image.id, Reference.parse("registry.example/app:1"))
    names = root.images.get(image.id).names
    assert names == ("docker.io/library/app:1", "registry.example/app:1")


def test_removing_says_what_went_and_deletes_the_layers(root: Root) -> None:
    image = root.image("a", "app:1", "app:2")
    assert [str(one) for one in root.images.remove("app:1")] == ["Untagged: app:1"]
    answer = [str(one) for one in root.images.remove("app:2")]
    assert answer == ["Untagged: app:2", f"Deleted: {image.id}"]
    assert os.listdir(root.paths.layers) == []
    with pytest.raises(NotFound):
        root.images.get(image.id)


def test_a_layer_of_another_image_stays(root: Root) -> None:
    image = root.image("a", "app:1")
    layer = image.layers[0]
    encoded = msgspec.json.decode(image.config_bytes)
    encoded["author"] = "somebody"
    other = root.images.add(msgspec.json.encode(encoded), [layer.id], built=0)
    root.images.remove("app:1")
    assert root.images.get(other.id).layers == (layer,)
    assert os.path.isdir(root.paths.layer(layer.id))


def test_an_image_in_use_stays_with_force_but_loses_its_name(root: Root) -> None:
    image = root.image("a", "app")
    root.container(image, "exited")
    with pytest.raises(Conflict):
        root.images.remove("app")
    assert [str(one) for one in root.images.remove("app", force=True)] == ["Untagged: app:latest"]
    assert root.images.get(image.id).names == ()


def test_a_refused_removal_changes_nothing(root: Root) -> None:
    image = root.image("a", "app", "other")
    with pytest.raises(Conflict):
        root.images.remove(image.id)
    assert root.images.get(image.id) == image


def test_held_images_outlive_their_removal(root: Root) -> None:
    image = root.image("a", "app")
    directory = root.images.directories(image)[0]
    with root.images.held([image]):
        root.images.remove("app")
        assert os.path.isdir(directory)
    root.layers.collect()
    assert not os.path.exists(directory)
    assert os.listdir(root.paths.locks) == []


def test_a_program_may_tag_by_names(root: Root) -> None:
    image = root.image("a", "app:1")
    root.images.tag("app:1", "app:2")
    root.images.tag(image, "app:3")

    names = root.images.get(image.id).names
    assert names == tuple(f"docker.io/library/app:{number}" for number in (1, 2, 3))


def test_what_is_no_text_is_no_name(root: Root) -> None:
    root.image("a", "app:1")
    with pytest.raises(InvalidInput, match="has to be a str, and int was given"):
        root.images.find(3)  # type: ignore[arg-type]  # what a program may do
    with pytest.raises(InvalidInput, match="has to be a str, and NoneType was given"):
        root.images.tag("app:1", None)  # type: ignore[arg-type]  # likewise
