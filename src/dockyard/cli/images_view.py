"""Images as the rows of ``images``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from dockyard.cli import units
from dockyard.cli.containers_filter import labelled
from dockyard.cli.filters import has_label, truth
from dockyard.cli.moments import nanoseconds
from dockyard.errors import NotFound
from dockyard.images.model import Image
from dockyard.oci import digest as digests
from dockyard.oci.reference import LOCAL_REGISTRY, Reference

TITLES = {
    "Repository": "REPOSITORY", "Tag": "TAG", "ID": "IMAGE ID", "CreatedSince": "CREATED",
    "CreatedAt": "CREATED AT", "Size": "SIZE", "Containers": "CONTAINERS", "Digest": "DIGEST",
    "SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE", "VirtualSize": "VIRTUAL SIZE",
}  # fmt: skip
FILTERS = ("before", "dangling", "label", "reference", "since", "until")
PRUNE_FILTERS = ("dangling", "label", "label!", "until")
_NONE = "<none>"
_UNKNOWN = "N/A"


def columns(*, digests: bool) -> tuple[str, ...]:
    """Those of the table; an image has a digest once it went through a registry."""
    return ("Repository", "Tag", *(("Digest",) if digests else ()), "ID", "CreatedSince", "Size")


def rows(
    images: Iterable[Image], now: int, containers: Mapping[str, int], *, cut: bool = True
) -> list[dict[str, str]]:
    """The fields of every name; an image without one has a row too, as has one by digest alone.

    Args:
        now: nanoseconds since 1970.
        containers: how many there are of each image, by its id.
        cut: shorten ids as in a table.
    """
    return [
        _row(image, name, now, containers.get(image.id, 0), cut=cut)
        for image in images
        for name in _names(image)
    ]


def _names(image: Image) -> Iterator[Reference | None]:
    """Each name with each digest of its repository, as Docker lists them."""
    names = [Reference.parse(name) for name in image.names]
    by_digest = [Reference.parse(name) for name in image.digests]
    for name in names:
        own = [each.digest for each in by_digest if each.repository == name.repository]
        for digest in own or (None,):
            yield Reference(name.registry, name.path, name.tag, digest)
    tagged = {name.repository for name in names}
    yield from (each for each in by_digest if each.repository not in tagged)
    if not names and not by_digest:
        yield None


def _row(
    image: Image, reference: Reference | None, now: int, containers: int, *, cut: bool
) -> dict[str, str]:  # fmt: skip
    return {
        "Repository": reference.familiar_repository if reference else _NONE,
        "Tag": (reference.tag or _NONE) if reference else _NONE,
        "ID": digests.short(image.id) if cut else image.id,
        "Digest": (reference.digest or _NONE) if reference else _NONE,
        "CreatedSince": units.since(image.built, now) if image.built else _UNKNOWN,
        "CreatedAt": units.local_time(image.built) if image.built else _UNKNOWN,
        "Size": units.decimal_size(image.size),
        "Containers": str(containers),
        "SharedSize": _UNKNOWN,
        "UniqueSize": _UNKNOWN,
        "VirtualSize": units.decimal_size(image.size),
    }


def select(
    images: Sequence[Image], filters: Sequence[tuple[str, str]], name: str | None, now: int
) -> list[Image]:
    """Images that fit all filters, with those of their names that fit.

    Args:
        name: ``REPOSITORY[:TAG]`` as given to the command; patterns have ``*`` and ``?``.
        now: nanoseconds since 1970, from which ``until=24h`` counts.

    Raises:
        InvalidInput: a value that the filter can't have.
        NotFound: ``before`` or ``since`` names no image.
    """
    import msgspec

    references = [value for key, value in filters if key == "reference"]
    found = []
    for image in images:
        if not all(_fits(image, key, value, images, now) for key, value in filters):
            continue
        names = image.names
        by_digest = image.digests
        for wanted in filter(None, (references, [name] if name else [])):
            names = tuple(each for each in names if any(_named(each, one) for one in wanted))
            by_digest = tuple(e for e in by_digest if any(_named(e, one) for one in wanted))
        if names or by_digest or not (references or name):
            found.append(msgspec.structs.replace(image, names=names, digests=by_digest))
    return found


def wants_all(filters: Sequence[tuple[str, str]]) -> bool:
    """True where ``dangling=false`` is among the filters of ``image prune``."""
    return any(key == "dangling" and not truth("dangling", value) for key, value in filters)


def prunable(images: Sequence[Image], filters: Sequence[tuple[str, str]], now: int) -> list[Image]:
    """Images that ``image prune`` may remove, those that were made last first.

    Raises:
        InvalidInput: ``until`` is no moment.
    """
    others = [(key, value) for key, value in filters if key == "until"]
    return [
        image
        for image in images
        if labelled(image.config.config.labels, filters)
        and all(_fits(image, key, value, images, now) for key, value in others)
    ]


def _fits(image: Image, key: str, value: str, images: Sequence[Image], now: int) -> bool:
    match key:
        case "dangling":
            return truth("dangling", value) == (not image.names)
        case "label":
            return has_label(image.config.config.labels, value)
        case "until":
            return image.built < nanoseconds(value, now)
        case "before" | "since":
            other = next((each for each in images if _means(each, value)), None)
            if other is None:
                raise NotFound(
                    f"No such image: {value}",
                    hint="dockyard images lists those there are",
                    reference="no-such-image",
                )
            return image.built < other.built if key == "before" else image.built > other.built
    return True


def _means(image: Image, text: str) -> bool:
    plain = text.removeprefix(digests.PREFIX)
    by_id = len(plain) > 1 and image.id.removeprefix(digests.PREFIX).startswith(plain)
    return by_id or any(_named(name, text) for name in image.names)


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
        for text in (
            repository,
            f"{repository}:{reference.tag}",
            f"{repository}@{reference.digest}",
        )
    )
