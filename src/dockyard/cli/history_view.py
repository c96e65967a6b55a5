"""An image's history as rows. Pure."""

from __future__ import annotations

from dockyard.cli import units
from dockyard.images.model import Image
from dockyard.oci import digest as digests
from dockyard.oci import times

TITLES = {
    "ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY",
    "Size": "SIZE", "Comment": "COMMENT",
}  # fmt: skip
COLUMNS = ("ID", "CreatedSince", "CreatedBy", "Size", "Comment")
_MISSING = "<missing>"
_SHOWN = 45


def rows(image: Image, now: int, *, cut: bool, human: bool) -> list[dict[str, str]]:
    """A row for each line of the history, the latest first.

    Only the image itself has an id: what it was made from is not kept as an image.

    Args:
        now: nanoseconds since 1970.
        cut: shorten ids and commands as in a table.
        human: sizes and times in words instead of bytes and dates.
    """
    sizes = iter(image.layers)
    found = []
    for line in image.config.history:
        layer = None if line.empty_layer else next(sizes, None)
        created = times.parse_rfc3339(line.created) * units.NANOSECONDS if line.created else None
        size = 0 if layer is None else layer.size
        command = line.created_by.replace("\t", " ").replace("\n", " ") if cut else line.created_by
        found.append(
            {
                "ID": _MISSING,
                "CreatedSince": _since(created, now, human=human),
                "CreatedAt": "N/A" if created is None else units.rfc3339_local(created),
                "CreatedBy": _ellipsis(command) if cut else command,
                "Size": units.decimal_size(size) if human else str(size),
                "Comment": line.comment,
            }
        )
    if found:
        found[-1]["ID"] = digests.short(image.id) if cut else image.id
    return found[::-1]


def _since(created: int | None, now: int, *, human: bool) -> str:
    if created is None:
        return "N/A"
    return units.since(created, now) if human else units.rfc3339_local(created)


def _ellipsis(text: str) -> str:
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"
