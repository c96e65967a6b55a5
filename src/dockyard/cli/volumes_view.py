"""Volumes as the rows of ``volume ls`` and the documents of ``volume inspect``. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from dockyard.cli.filters import has_label, matches, truth
from dockyard.cli.labelled import LabelledRow
from dockyard.cli.units import decimal_size, timestamp
from dockyard.volumes.model import Volume

Document = dict[str, Any]

TITLES = {
    "Driver": "DRIVER", "Name": "VOLUME NAME", "Labels": "LABELS", "Links": "LINKS",
    "Mountpoint": "MOUNTPOINT", "Scope": "SCOPE", "Size": "SIZE",
}  # fmt: skip
COLUMNS = ("Driver", "Name")
SIZED_COLUMNS = ("Driver", "Name", "Links", "Size")
LS_FILTERS = ("dangling", "driver", "label", "name")
PRUNE_FILTERS = ("all", "label", "label!")


def row(volume: Volume, links: int | None = None, size: int | None = None) -> LabelledRow:
    """The fields of one volume; ``links`` and ``size`` (bytes) where they were asked for."""
    fields = {
        "Driver": "local",
        "Name": volume.name,
        "Links": "N/A" if links is None else str(links),
        "Mountpoint": volume.path,
        "Scope": "local",
        "Size": "N/A" if size is None else decimal_size(size),
    }
    return LabelledRow(fields, volume.labels)


def document(volume: Volume, links: int, size: int) -> Document:
    """What Docker says of a volume; sizes in bytes."""
    return {
        "CreatedAt": timestamp(volume.created),
        "Driver": "local",
        "Labels": volume.labels or None,
        "Mountpoint": volume.path,
        "Name": volume.name,
        "Options": volume.options or None,
        "Scope": "local",
        "UsageData": {"RefCount": links, "Size": size},
    }


def select(
    volumes: Iterable[Volume], filters: Sequence[tuple[str, str]], links: Mapping[str, int]
) -> list[Volume]:
    """Volumes that fit: one value of each kind is enough, but for labels, which all must fit.

    Args:
        links: how many containers use each, by name.

    Raises:
        InvalidInput: a value that the filter doesn't know.
    """
    kinds = {key for key, _ in filters}
    chosen = list(volumes)
    for kind in sorted(kinds):
        values = [value for key, value in filters if key == kind]
        chosen = [one for one in chosen if _fits(one, kind, values, links.get(one.name, 0))]
    return chosen


def _fits(volume: Volume, kind: str, values: Sequence[str], links: int) -> bool:
    match kind:
        case "dangling" | "all":
            wanted = [truth(kind, value) for value in values]
            return kind == "all" or (links == 0) in wanted
        case "driver":
            return "local" in values
        case "name":
            return any(matches(value, volume.name) for value in values)
        case "label":
            return all(has_label(volume.labels, value) for value in values)
        case "label!":
            return not any(has_label(volume.labels, value) for value in values)
    raise AssertionError(kind)


def wants_all(filters: Sequence[tuple[str, str]]) -> bool:
    """True where ``--filter all=true`` is among them."""
    return any(key == "all" and truth(key, value) for key, value in filters)
