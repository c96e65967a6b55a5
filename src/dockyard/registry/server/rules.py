"""What the owner of a registry lays down for its repositories: values and decisions. Pure."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from dockyard.registry.access import patterns

_MINUTE = 60
_HOUR = 3600
_DAY = 24 * _HOUR


class Quota(msgspec.Struct, frozen=True):
    """How many bytes all repositories that a pattern means may have together."""

    repositories: str
    bytes: int


class Retention(msgspec.Struct, frozen=True):
    """Which tags stay: each that one of the two reasons keeps. ``None`` is no reason."""

    repositories: str
    tags: str
    keep_last: int | None
    keep_newer: int | None
    """Seconds."""


class Collecting(msgspec.Struct, frozen=True, kw_only=True):
    """When content goes that nothing needs; in seconds, ``None`` for never."""

    every: int | None = _HOUR
    grace: int = _HOUR
    """So long a blob waits for its manifest."""
    untagged: int | None = 7 * _DAY
    """So long a manifest stays that no tag, index or subject leads to."""
    uploads: int = _DAY
    """So long an upload stays to which nothing is added."""

    @property
    def noted_after(self) -> int:
        """Seconds after which it is noted again that a blob is asked for.

        Well below the grace period, so that who is told of a blob has most of it left; a minute, as
        who collects by hand may name a shorter one.
        """
        return min(_MINUTE, self.grace // 4)


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """All that ``registry.toml`` says."""

    max_blob: int = 0
    """Bytes; 0: as many as fit."""
    stall_seconds: float = 60.0
    """So long a body may bring next to nothing."""
    least_rate: int = 1024
    """Bytes a second that are more than next to nothing."""
    connections: int = 1024
    """Of one address at once."""
    metrics: Literal["admin", "everybody", "off"] = "admin"
    immutable: tuple[str, ...] = ()
    """``REPOSITORY:TAG`` patterns."""
    quotas: tuple[Quota, ...] = ()
    retention: tuple[Retention, ...] = ()
    collecting: Collecting = Collecting()

    def is_immutable(self, repository: str, tag: str) -> bool:
        """True for a tag that may not move once it is there."""
        return any(_names(pattern, repository, tag) for pattern in self.immutable)

    def quotas_of(self, repository: str) -> tuple[Quota, ...]:
        """Those that a repository has to keep."""
        return tuple(one for one in self.quotas if patterns.matches(one.repositories, repository))


class Tag(msgspec.Struct, frozen=True):
    """A tag, as far as it is to be decided whether it stays."""

    name: str
    updated: int
    """Nanoseconds since 1970."""


def surplus(rules: Rules, repository: str, tags: Iterable[Tag], now: int) -> list[str]:
    """The tags of a repository that the rules of retention don't keep.

    The first rule that means a tag decides. What no rule means stays, and what is immutable.

    Args:
        now: nanoseconds since 1970.
    """
    applying = [one for one in rules.retention if patterns.matches(one.repositories, repository)]
    left = [one for one in tags if not rules.is_immutable(repository, one.name)]
    gone: list[str] = []
    for rule in applying:
        meant = [one for one in left if fnmatch.fnmatchcase(one.name, rule.tags)]
        left = [one for one in left if one not in meant]
        gone += _surplus(rule, meant, now)
    return sorted(gone)


def _surplus(rule: Retention, tags: Sequence[Tag], now: int) -> list[str]:
    if rule.keep_last is None and rule.keep_newer is None:
        return []
    newest = sorted(tags, key=lambda one: (one.updated, one.name), reverse=True)
    kept = {one.name for one in newest[: rule.keep_last or 0]}
    if rule.keep_newer is not None:
        since = now - rule.keep_newer * 1_000_000_000
        kept |= {one.name for one in tags if one.updated >= since}
    return [one.name for one in tags if one.name not in kept]


def _names(pattern: str, repository: str, tag: str) -> bool:
    name, _, wanted = pattern.rpartition(":")
    return patterns.matches(name, repository) and fnmatch.fnmatchcase(tag, wanted)
