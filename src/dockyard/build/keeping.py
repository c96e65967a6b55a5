"""All that builds keep, results of steps and cache mounts together: listed and pruned."""

from __future__ import annotations

import os

from dockyard.build.cache import BuildCache
from dockyard.build.mounts.caches import CacheMounts
from dockyard.build.usage import Policy, Pruned, Record, chosen
from dockyard.containers.parts import Parts


def records(parts: Parts) -> tuple[Record, ...]:
    """What there is, the least recently used first."""
    steps = BuildCache(parts.database, parts.layers).records()
    mounts = (
        Record(
            id=cache.id, kind="exec.cachemount", description=f'cache mount with id "{cache.name}"',
            created=cache.created, used=cache.used, uses=cache.uses, size=cache.size,
            shared=False, in_use=cache.in_use,
        )
        for cache in CacheMounts(parts.paths, parts.database).all()
    )  # fmt: skip
    return tuple(sorted((*steps, *mounts), key=lambda each: (each.used, each.id)))


def prune(parts: Parts, policy: Policy) -> Pruned:
    """Removes what the policy takes, but nothing that a running build uses."""
    parts.layers.collect()  # what dead builds hold is no longer in use
    disk = os.statvfs(parts.paths.root)
    doomed = chosen(records(parts), policy, disk.f_bavail * disk.f_frsize)
    mounts = CacheMounts(parts.paths, parts.database)
    gone = [record for record in doomed if record.mutable and mounts.remove(record.id)]
    steps = [record for record in doomed if not record.mutable]
    BuildCache(parts.database, parts.layers).forget([record.id for record in steps])
    freed = parts.layers.collect() + sum(record.size for record in gone)
    kept = {record.id for record in doomed if record.mutable} - {each.id for each in gone}
    return Pruned(tuple(record for record in doomed if record.id not in kept), freed)
