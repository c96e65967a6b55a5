"""What a root keeps on disk, and what of it could go: sizes in bytes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar

import msgspec

from dockyard.build.usage import Record
from dockyard.containers.model import Container
from dockyard.images.model import Image
from dockyard.images.stored import Stored
from dockyard.models.model import Model
from dockyard.volumes.model import Volume

if TYPE_CHECKING:
    from dockyard.containers.apply import Containers
    from dockyard.images.store import ImageStore
    from dockyard.models.apply import Models
    from dockyard.volumes.apply import Volumes

T = TypeVar("T")


class ImageUse(msgspec.Struct, frozen=True):
    """An image: what of its layers others have too, and how many containers it has."""

    image: Image
    shared: int
    unique: int
    containers: int


class ContainerUse(msgspec.Struct, frozen=True):
    """A container and what it wrote."""

    container: Container
    written: int


class VolumeUse(msgspec.Struct, frozen=True):
    """A volume, its size, and how many containers use it."""

    volume: Volume
    size: int
    links: int


class ModelUse(msgspec.Struct, frozen=True):
    """A model, what of its files others have too, and how many containers use it."""

    model: Model
    shared: int
    unique: int
    links: int


class Sum(msgspec.Struct, frozen=True):
    """A line of the summary."""

    kind: str
    total: int
    active: int
    size: int
    reclaimable: int


class Usage(msgspec.Struct, frozen=True):
    """Everything of one root."""

    images: tuple[ImageUse, ...]
    containers: tuple[ContainerUse, ...]
    volumes: tuple[VolumeUse, ...]
    cache: tuple[Record, ...]
    models: tuple[ModelUse, ...] = ()
    downloads: tuple[Stored, ...] = ()

    def summary(self) -> tuple[Sum, ...]:
        """Docker's four lines, and those for models and downloads where there are any; the cache
        is last."""
        models = (self._models(),) if self.models else ()
        downloads = (self._downloads(),) if self.downloads else ()
        return (
            self._images(),
            _sum("Containers", self.containers, lambda one: one.container.running,
                 lambda one: one.written),
            _sum("Local Volumes", self.volumes, lambda one: one.links > 0, lambda one: one.size),
            *models,
            *downloads,
            self._cache(),
        )  # fmt: skip

    def _images(self) -> Sum:
        """Layers count once, and stay as long as a container's image has them."""
        every = _layers(one.image for one in self.images)
        active = [one for one in self.images if one.containers]
        held = _layers(one.image for one in active)
        size = sum(every.values())
        return Sum("Images", len(self.images), len(active), size, size - sum(held.values()))

    def _models(self) -> Sum:
        """Files count once, and stay as long as a container uses a model that has them."""
        every = _blobs(one.model for one in self.models)
        active = [one for one in self.models if one.links]
        size, held = sum(every.values()), sum(_blobs(one.model for one in active).values())
        return Sum("Models", len(self.models), len(active), size, size - held)

    def _downloads(self) -> Sum:
        """What came with a layer goes with it, so it stays as long as a container has the image."""
        held = _layers(one.image for one in self.images if one.containers).keys()
        return _sum("Downloads", self.downloads, lambda one: bool(one.layers & held),
                    lambda one: one.size)  # fmt: skip

    def _cache(self) -> Sum:
        """What images hold as well costs the cache nothing."""
        own = [one for one in self.cache if not one.shared]
        idle = sum(one.size for one in own if not one.in_use)
        active = sum(one.in_use for one in self.cache)
        return Sum("Build Cache", len(self.cache), active, sum(one.size for one in own), idle)


def image_uses(images: Sequence[Image], containers: Iterable[Container]) -> tuple[ImageUse, ...]:
    """What each image shares with others, and its containers."""
    holders = Counter(layer for image in images for layer in _layers([image]))
    counts = Counter(one.image_id for one in containers)
    found = []
    for image in images:
        layers = _layers([image])
        shared = sum(size for layer, size in layers.items() if holders[layer] > 1)
        found.append(ImageUse(image, shared, sum(layers.values()) - shared, counts[image.id]))
    return tuple(found)


def model_uses(
    models: Sequence[Model], users: Mapping[str, Sequence[str]]
) -> tuple[ModelUse, ...]:  # fmt: skip
    """What each model shares with others, and how many containers use it."""
    holders = Counter(digest for model in models for digest in _blobs([model]))
    found = []
    for model in models:
        blobs = _blobs([model])
        shared = sum(size for digest, size in blobs.items() if holders[digest] > 1)
        links = len(users.get(model.id, ()))
        found.append(ModelUse(model, shared, sum(blobs.values()) - shared, links))
    return tuple(found)


def _blobs(models: Iterable[Model]) -> Mapping[str, int]:
    return {blob.digest: blob.size for model in models for blob in model.blobs}


def _layers(images: Iterable[Image]) -> Mapping[str, int]:
    return {layer.id: layer.size for image in images for layer in image.layers}


def _sum(
    kind: str, items: Sequence[T], active: Callable[[T], bool], size: Callable[[T], int]
) -> Sum:
    used = [item for item in items if active(item)]
    whole = sum(map(size, items))
    return Sum(kind, len(items), len(used), whole, whole - sum(map(size, used)))


def measured(
    images: ImageStore, containers: Containers, volumes: Volumes, models: Models,
    cache: tuple[Record, ...], downloads: tuple[Stored, ...],
) -> Usage:  # fmt: skip
    """What is there at the moment."""
    every = containers.all()
    return Usage(
        images=image_uses(images.list(), every),
        containers=tuple(ContainerUse(one, containers.sizes(one).written) for one in every),
        volumes=tuple(
            VolumeUse(one, volumes.size(one), len(volumes.users(one.name)))
            for one in volumes.list()
        ),
        cache=cache,
        models=model_uses(models.list(), models.users()),
        downloads=downloads,
    )
