"""What an audit looks at and what it finds: values only."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from dockyard.networks.model import ANY_IPV4, ANY_IPV6

Level = Literal["high", "medium", "low"]
Kind = Literal["host", "image", "container"]

LEVELS: tuple[Level, ...] = ("high", "medium", "low")
"""From the worst on."""
ANYWHERE = frozenset({"", ANY_IPV4, ANY_IPV6})
"""Addresses that stand for every one of the host."""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """One departure from the CIS Docker Benchmark, and what to do about it."""

    rule: str
    """Number of the recommendation in the CIS Docker Benchmark v1.7."""
    level: Level
    kind: Kind
    subject: str
    """Name of the image or container; a path or word for the host."""
    message: str
    mend: str


class FileFacts(msgspec.Struct, frozen=True):
    """A file or directory that Dockyard owns."""

    path: str
    owner: int
    mode: int
    """Permission bits."""


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit knows of the host and of the configuration."""

    files: tuple[FileFacts, ...]
    own_filesystem: bool
    """The root directory is on a filesystem of its own."""
    seccomp: bool
    """The kernel has seccomp filters."""
    publish_address: str
    controllers: frozenset[str]
    sysctls: Mapping[str, str]
    """Those that the rules ask for, by name, as far as the kernel has them."""


class ImageFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What the audit knows of an image beside its configuration."""

    name: str
    setuid: tuple[str, ...]
    """Absolute paths of files with the setuid or setgid bit."""
