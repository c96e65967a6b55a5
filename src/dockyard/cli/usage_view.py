"""What a root keeps on disk, as ``docker system df`` prints it. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dockyard.cli import builder_view, containers_view, images_view, models_view, volumes_view
from dockyard.cli.table import table
from dockyard.cli.units import decimal_size
from dockyard.containers.sizes import Sizes
from dockyard.usage import Sum, Usage

TITLES = {
    "Type": "TYPE", "TotalCount": "TOTAL", "Active": "ACTIVE", "Size": "SIZE",
    "Reclaimable": "RECLAIMABLE",
}  # fmt: skip
COLUMNS = ("Type", "TotalCount", "Active", "Size", "Reclaimable")
_DIGITS = 4
_PERCENT = 100

_IMAGES = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize",
           "Containers")  # fmt: skip
_CONTAINERS = ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names")
_VOLUMES = ("Name", "Links", "Size")
_MODELS = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize",
           "Containers")  # fmt: skip
_CACHE = ("ID", "Type", "Size", "CreatedSince", "LastUsedSince", "UsageCount", "Shared")


def row(one: Sum) -> dict[str, str]:
    """The fields of a line of the summary."""
    part = f" ({one.reclaimable * _PERCENT // one.size}%)" if one.size else ""
    return {
        "Type": one.kind,
        "TotalCount": str(one.total),
        "Active": str(one.active),
        "Size": decimal_size(one.size, _DIGITS),
        "Reclaimable": decimal_size(one.reclaimable, _DIGITS) + part,
    }


def rows(usage: Usage, now: int, *, cut: bool) -> dict[str, list[Mapping[str, str]]]:
    """The fields of every object, by Docker's names of the lists.

    Args:
        now: nanoseconds since 1970.
        cut: shorten ids as in a table.
    """
    images: list[Mapping[str, str]] = []
    for use in usage.images:
        sizes = _sizes(use.shared, use.unique)
        counts = {use.image.id: use.containers}
        images += [one | sizes for one in images_view.rows([use.image], now, counts, cut=cut)]
    containers: list[Mapping[str, str]] = []
    for each in usage.containers:
        shown = containers_view.Shown(each.container, sizes=Sizes(each.written, 0))
        fields = containers_view.row(shown, now, cut=cut)
        containers.append({**fields, "Size": decimal_size(each.written)})
    volumes = [volumes_view.row(one.volume, one.links, one.size) for one in usage.volumes]
    models: list[Mapping[str, str]] = []
    for held in usage.models:
        sizes = _sizes(held.shared, held.unique)
        links = {held.model.id: held.links}
        models += [one | sizes for one in models_view.rows([held.model], now, links, cut=cut)]
    cache = [builder_view.row(one, now) for one in usage.cache]
    return {"Images": images, "Containers": containers, "Volumes": list(volumes),
            "Models": models, "BuildCache": list(cache)}  # fmt: skip


def _sizes(shared: int, unique: int) -> dict[str, str]:
    """What others have too, and what would be freed."""
    return {
        "SharedSize": decimal_size(shared, _DIGITS), "UniqueSize": decimal_size(unique, _DIGITS),
    }  # fmt: skip


def verbose(usage: Usage, now: int, width: int | None = None) -> str:
    """Every object in a table for its kind; models have one where there are any.

    Args:
        now: nanoseconds since 1970.
        width: columns of the terminal; ``None`` cuts nothing.
    """
    found = rows(usage, now, cut=True)
    models = (("Models space usage", _MODELS, _MODEL_TITLES, found["Models"]),)
    parts = (
        ("Images space usage", _IMAGES, images_view.TITLES, found["Images"]),
        ("Containers space usage", _CONTAINERS, containers_view.TITLES, found["Containers"]),
        ("Local Volumes space usage", _VOLUMES, volumes_view.TITLES, found["Volumes"]),
        *(models if found["Models"] else ()),
        (f"Build cache usage: {row(usage.summary()[-1])['Size']}", _CACHE, _CACHE_TITLES,
         found["BuildCache"]),
    )  # fmt: skip
    text = []
    for title, columns, titles, items in parts:
        end = "" if title.startswith("Build") else ":"
        lines = [[fields[column] for column in columns] for fields in (titles, *items)]
        text.append(f"{title}{end}\n\n{table(lines, width)}")
    if usage.downloads:
        text.append(
            f"Downloads usage: {decimal_size(sum(one.size for one in usage.downloads), _DIGITS)}\n"
        )
    return "\n".join(text)


_MODEL_TITLES = models_view.TITLES | {"SharedSize": "SHARED SIZE", "UniqueSize": "UNIQUE SIZE"}
_CACHE_TITLES = {
    "ID": "CACHE ID", "Type": "CACHE TYPE", "Size": "SIZE", "CreatedSince": "CREATED",
    "LastUsedSince": "LAST USED", "UsageCount": "USAGE", "Shared": "SHARED",
}  # fmt: skip


def document(usage: Usage, now: int) -> dict[str, Any]:
    """The object of ``-v --format json``."""
    return dict(rows(usage, now, cut=False))
