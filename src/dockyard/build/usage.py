"""What builds keep on disk, and which of it a prune takes. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

Kind = Literal["regular", "exec.cachemount"]
"""BuildKit's names for the result of a step and for a cache mount."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """Something that builds keep: times in nanoseconds since 1970, size in bytes.

    ``shared`` is what images hold too, so that it costs nothing of its own. What is ``in_use``
    belongs to a build that runs.
    """

    id: str
    kind: Kind
    description: str
    created: int
    used: int
    uses: int
    size: int
    shared: bool
    in_use: bool

    @property
    def mutable(self) -> bool:
        """True for what steps change: cache mounts."""
        return self.kind == "exec.cachemount"


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """What a prune takes; sizes in bytes, 0 where they set no bound.

    Args:
        everything: also what images share.
        unused_since: only what was last used before (nanoseconds since 1970).
        reserved: keeps so much in any case.
        most: keeps no more than so much.
        free: makes so much free space on the disk.
        only: pairs of a field and its value: ``id``, ``type``, ``inuse``, ``shared``, ``mutable``.
    """

    everything: bool = False
    unused_since: int | None = None
    reserved: int = 0
    most: int = 0
    free: int = 0
    only: tuple[tuple[str, str], ...] = ()


class Pruned(msgspec.Struct, frozen=True):
    """What a prune took, and how many bytes that freed."""

    records: tuple[Record, ...]
    freed: int


def chosen(records: Sequence[Record], policy: Policy, free: int) -> tuple[Record, ...]:
    """What to remove: the least recently used first, until what is left fits.

    Args:
        free: free bytes of the disk.
    """
    total = sum(record.size for record in records)
    limit = _limit(total, policy, free)
    found = []
    for record in sorted(records, key=lambda each: (each.used, each.uses, each.id)):
        if limit is not None and total <= limit:
            break
        if _may_go(record, policy):
            found.append(record)
            total -= record.size
    return tuple(found)


def matching(records: Sequence[Record], only: Sequence[tuple[str, str]]) -> Iterator[Record]:
    """The records that all filters let through."""
    return (record for record in records if all(_fits(record, *pair) for pair in only))


def _limit(total: int, policy: Policy, free: int) -> int | None:
    """How many bytes may stay, by BuildKit's rule; ``None`` where nothing has to."""
    if not (policy.most or policy.reserved or policy.free):
        return None
    limit = policy.most or (0 if policy.reserved else total)
    missing = policy.free - free
    if missing > 0:
        limit = min(policy.most or total, total - missing)
    return max(limit, policy.reserved)


def _may_go(record: Record, policy: Policy) -> bool:
    if record.in_use or (record.shared and not policy.everything):
        return False
    if policy.unused_since is not None and record.used >= policy.unused_since:
        return False
    return all(_fits(record, *pair) for pair in policy.only)


def _fits(record: Record, field: str, value: str) -> bool:
    match field:
        case "id":
            return record.id.startswith(value)
        case "type":
            return record.kind == value
        case "description":
            return value in record.description
    facts = {
        "inuse": record.in_use, "shared": record.shared, "private": not record.shared,
        "mutable": record.mutable, "immutable": not record.mutable,
    }  # fmt: skip
    return facts[field] is (value.lower() not in {"false", "0"})
