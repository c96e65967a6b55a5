"""Images as the rows of ``images``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from dockyard.cli import units
from dockyard.images.model import Image
from dockyard.oci import digest as digests
from dockyard.oci.reference import LOCAL_REGISTRY, Reference

TITLES = {
    "Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT", "Size": "SIZE", "Containers": "CONTAINERS", "Digest": "DIGEST",
    "SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE", "VirtualSize": "VIRTUAL SIZE",
}  # fmt: skip
COLUMNS = ("Repository", "Tag", "ID", "CreatedSince", "Size")
FILTERS = ("before", "dangling", "label", "reference", "since")
_NONE = "<none>"


def rows(
    images: Iterable[Image], now: int, containers: Mapping[str, int], *, cut: bool = True
) -> list[dict[str, str]]:
    """The fields of every name; an image without one has a row too.

    Args:
        now: nanoseconds since 1970.
        containers: how many there are of each image, by its id.
        cut: shorten ids as in a table.
    """
    return [
        _row(image, name, now, containers.get(image.id, 0), cut=cut)
        for image in images
        for name in image.names or (None,)
    ]


def _row(image: Image, name: str | None, now: int, containers: int, *, cut: bool) -> dict[str, str]:
    reference = None if name is None else Reference.parse(name)
    return {
        "Repository": reference.familiar_repository if reference else _NONE,
        "Tag": (reference.tag or _NONE) if reference else _NONE,
        "ID": digests.short(image.id) if cut else image.id,
        "Digest": _NONE,
        "CreatedSince": units.since(image.built, now),
        "CreatedAt": units.local_time(image.built),
        "Size": units.decimal_size(image.size),
        "Containers": str(containers),
        "SharedSize": "N/A",
        "UniqueSize": "N/A",
        "VirtualSize": units.decimal_size(image.size),
    }


def select(
    images: Sequence[Image], filters: Sequence[tuple[str, str]], name: str | None
) -> list[Image]:
    """Images that fit all filters, with those of their names that fit.

    Args:
        name: ``REPOSITORY[:TAG]`` as given to the command; patterns have ``*`` and ``?``.
    """
    import msgspec

    patterns = [value for key, value in filters if key == "reference"] + ([name] if name else [])
    found = []
    for image in images:
        if not all(_fits(image, key, value, images) for key, value in filters):
            continue
        names = image.names
        if patterns:
            names = tuple(each for each in names if any(_named(each, one) for one in patterns))
        if names or not patterns:
            found.append(msgspec.structs.replace(image, names=names))
    return found


def _fits(image: Image, key: str, value: str, images: Sequence[Image]) -> bool:
    match key:
        case "dangling":
            return (value.lower() in {"true", "1"}) == (not image.names)
        case "label":
            name, equals, wanted = value.partition("=")
            labels = image.config.config.labels
            return name in labels and (not equals or labels[name] == wanted)
        case "before" | "since":
            other = next((each for each in images if _means(each, value)), None)
            if other is None:
                return False
            return image.built < other.built if key == "before" else image.built > other.built
    return True


def _means(image: Image, text: str) -> bool:
    return digests.short(image.id) == text or any(_named(name, text) for name in image.names)


def _named(name: str, pattern: str) -> bool:
    """True where a stored name fits: with its tag, or its repository alone.

    The registry of bootstrapped images may be left out, as it may elsewhere.
    """
    from fnmatch import fnmatchcase

    reference = Reference.parse(name)
    repositories = {reference.familiar_repository}
    if reference.registry == LOCAL_REGISTRY:
        repositories.add(reference.path)
    return any(
        fnmatchcase(text, pattern)
        for repository in repositories
        for text in (repository, f"{repository}:{reference.tag}")
    )
