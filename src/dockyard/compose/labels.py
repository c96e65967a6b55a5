"""Docker Compose's labels: by them a project's containers, networks and volumes are known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, get_args

from dockyard.compose.model.parts import Condition, Dependency

PREFIX: Final = "com.docker.compose."
PROJECT: Final = PREFIX + "project"
SERVICE: Final = PREFIX + "service"
NUMBER: Final = PREFIX + "container-number"
ONEOFF: Final = PREFIX + "oneoff"
"""``True`` for what ``compose run`` made, else ``False``."""
SLUG: Final = PREFIX + "slug"
"""Tells containers of ``compose run`` apart."""
HASH: Final = PREFIX + "config-hash"
WORKING_DIR: Final = PREFIX + "project.working_dir"
CONFIG_FILES: Final = PREFIX + "project.config_files"
"""Absolute paths with commas between them, as of :data:`ENVIRONMENT_FILES`."""
ENVIRONMENT_FILES: Final = PREFIX + "project.environment_file"
DEPENDS_ON: Final = PREFIX + "depends_on"
"""``SERVICE:CONDITION:RESTART`` with commas between them."""
IMAGE: Final = PREFIX + "image"
"""The digest of the image that a container was made from."""
VERSION: Final = PREFIX + "version"
NETWORK: Final = PREFIX + "network"
VOLUME: Final = PREFIX + "volume"
REPLACE: Final = PREFIX + "replace"
"""On a container that was made to stand in for another one: what that was called."""

_CONDITIONS: Final[dict[str, Condition]] = {name: name for name in get_args(Condition)}


def written_dependencies(dependencies: Mapping[str, Dependency]) -> str:
    """Dependencies as a label has them."""
    return ",".join(
        f"{name}:{each.condition}:{str(each.restart).lower()}"
        for name, each in sorted(dependencies.items())
    )


def read_dependencies(text: str) -> dict[str, Dependency]:
    """What :func:`written_dependencies` wrote, or Docker; what makes no sense is left out."""
    found = {}
    for entry in filter(None, text.split(",")):
        name, _, rest = entry.partition(":")
        condition, _, restart = rest.partition(":")
        chosen = _CONDITIONS.get(condition, "service_started")
        found[name] = Dependency(condition=chosen, restart=restart == "true", required=True)
    return found


def joined(paths: Iterable[str]) -> str:
    """Paths as labels list them."""
    return ",".join(paths)


def split(text: str) -> tuple[str, ...]:
    """The paths of a label."""
    return tuple(filter(None, text.split(",")))


def number(labels: Mapping[str, str]) -> int:
    """A container's number within its service; 0 where it has none."""
    text = labels.get(NUMBER, "")
    return int(text) if text.isascii() and text.isdecimal() else 0


def is_ours(labels: Mapping[str, str]) -> bool:
    """Whether Compose made a container: that a project is named is not enough.

    An image's labels and those of ``run --label`` are a container's too; none has such a hash.
    """
    return PROJECT in labels and HASH in labels


def is_oneoff(labels: Mapping[str, str]) -> bool:
    """True for what ``compose run`` made."""
    return labels.get(ONEOFF) == "True"
