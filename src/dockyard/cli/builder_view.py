"""What builds keep, as ``docker builder`` prints it. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from dockyard.build.usage import Record
from dockyard.cli.listing import split_filters
from dockyard.cli.moments import parse_duration
from dockyard.cli.table import table
from dockyard.cli.units import NANOSECONDS, decimal_size, local_time, since
from dockyard.errors import InvalidInput

_FILTERS = (
    "description", "id", "immutable", "inuse", "mutable", "private", "shared", "type", "until",
    "unused-for",
)  # fmt: skip
TITLES = {
    "ID": "ID", "Reclaimable": "RECLAIMABLE", "Size": "SIZE", "LastUsedAt": "LAST ACCESSED",
    "Description": "DESCRIPTION", "Type": "TYPE", "UsageCount": "USAGE COUNT",
    "CreatedAt": "CREATED AT", "Mutable": "MUTABLE", "Shared": "SHARED",
}  # fmt: skip
DIGITS = 4
"""Of sizes, as BuildKit prints them."""
COLUMNS = ("ID", "Reclaimable", "Size", "LastUsedAt")

_HEAD = "ID\t\t\t\t\t\tRECLAIMABLE\tSIZE\t\tLAST ACCESSED"


def filters(values: Sequence[str], now: int) -> tuple[tuple[tuple[str, str], ...], int | None]:
    """``--filter``: pairs, and the moment that ``until`` means, in nanoseconds since 1970.

    Raises:
        InvalidInput: an unknown filter, or a value that is no duration.
    """
    pairs = []
    moment = None
    for name, value in split_filters(values, _FILTERS):
        if name not in {"until", "unused-for"}:
            pairs.append((name, value))
            continue
        seconds = parse_duration(value)
        if seconds is None:
            raise InvalidInput(
                f"\"{name}\" filter expects a duration (e.g., '24h')",
                hint="hours, minutes and seconds, such as 24h or 1h30m",
            )
        moment = now - int(seconds * NANOSECONDS)
    return tuple(pairs), moment


def row(record: Record, now: int) -> dict[str, str]:
    """The fields of a record for tables and templates."""
    return {
        "ID": record.id,
        "Reclaimable": _word(not record.in_use),
        "Size": decimal_size(record.size, DIGITS),
        "LastUsedAt": since(record.used, now),
        "Description": record.description,
        "Type": record.kind,
        "UsageCount": str(record.uses),
        "CreatedAt": local_time(record.created),
        "CreatedSince": since(record.created, now),
        "LastUsedSince": since(record.used, now),
        "Mutable": _word(record.mutable),
        "Shared": _word(record.shared),
    }


def marked(record: Record, now: int) -> dict[str, str]:
    """A row of ``du``: stars for ids that steps change, and for sizes that images share."""
    fields = row(record, now)
    star = {True: "*", False: ""}
    return fields | {
        "ID": fields["ID"] + star[record.mutable],
        "Size": fields["Size"] + star[record.shared],
    }


def verbose(records: Sequence[Record], now: int) -> str:
    """``du --verbose``."""
    names = {
        "ID": "ID", "CreatedAt": "Created at", "Mutable": "Mutable", "Reclaimable": "Reclaimable",
        "Shared": "Shared", "Size": "Size", "Description": "Description",
        "UsageCount": "Usage count", "LastUsedAt": "Last used", "Type": "Type",
    }  # fmt: skip
    blocks = []
    for record in records:
        fields = row(record, now)
        lines = (f"{title + ':':<14}{fields[name]}\n" for name, title in names.items())
        blocks.append("".join(lines) + "\n")
    return "".join(blocks)


def summary(records: Sequence[Record]) -> str:
    """The sums below ``du``."""
    shared = sum(record.size for record in records if record.shared)
    total = sum(record.size for record in records)
    free = sum(record.size for record in records if not record.in_use)
    sums = {"Reclaimable": free, "Total": total}
    if shared:
        sums = {"Shared": shared, "Private": total - shared} | sums
    return "".join(f"{name + ':':<16}{decimal_size(size, DIGITS)}\n" for name, size in sums.items())


def pruned(records: Sequence[Record], now: int, width: int | None = None) -> str:
    """The list of what a prune took; empty where it took nothing.

    Args:
        now: nanoseconds since 1970.
        width: columns of the terminal; ``None`` prints Docker's columns, which are tabs apart.
    """
    if not records:
        return ""
    if width is not None:
        rows = (TITLES, *(marked(record, now) for record in records))
        return table([[each[column] for column in COLUMNS] for each in rows], width)
    lines = [_HEAD]
    for record in records:
        fields = marked(record, now)
        lines.append(
            f"{fields['ID']:<40}\t{fields['Reclaimable']:<5}\t{fields['Size']:<10}"
            f"\t{fields['LastUsedAt']}"
        )
    return "\n".join(lines) + "\n"


def _word(value: bool) -> str:  # it is what is to be said
    return "true" if value else "false"
