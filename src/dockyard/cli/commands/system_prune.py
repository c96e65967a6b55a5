"""``system prune``."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dockyard.cli import (
    containers_filter,
    images_view,
    listing,
    moments,
    networks_view,
    options,
    volumes_view,
)
from dockyard.cli.command import define, with_engine
from dockyard.cli.units import decimal_size
from dockyard.errors import InvalidInput

if TYPE_CHECKING:
    from dockyard.engine import Engine

Filters = Sequence[tuple[str, str]]
_KEYS = ("label", "label!", "until")


@define("system prune")
@click.option("-a", "--all", "everything", is_flag=True,
              help="Remove all unused images not just dangling ones")  # fmt: skip
@options.prune_filters
@options.prune_force
@click.option("--volumes", is_flag=True, help="Prune anonymous volumes")
@with_engine
def command(
    engine: Engine, *, everything: bool, filters: tuple[str, ...], force: bool, volumes: bool
) -> int:
    """Removes what nothing uses, and prints what went and how many bytes that freed."""
    pairs = listing.split_filters(filters, _KEYS)
    if volumes and any(key == "until" for key, _ in pairs):
        raise InvalidInput('ERROR: The "until" filter is not supported with "--volumes"')
    if not options.confirmed(_warning(pairs, everything=everything, volumes=volumes), force=force):
        return 1
    freed = _containers(engine, pairs)
    _networks(engine, pairs)
    if volumes:
        freed += _volumes(engine, pairs)
    freed += _images(engine, pairs, everything=everything)
    freed += _cache(engine, pairs, everything=everything)
    click.echo(f"Total reclaimed space: {decimal_size(freed)}")
    return 0


def _warning(filters: Filters, *, everything: bool, volumes: bool) -> str:
    """Docker's list of what will go."""
    lines = ["all stopped containers", "all networks not used by at least one container"]
    lines += ["all anonymous volumes not used by at least one container"] if volumes else []
    lines.append("all images without at least one container associated to them" if everything
                 else "all dangling images")  # fmt: skip
    lines.append("all build cache" if everything else "unused build cache")
    text = "This will remove:\n" + "".join(f"  - {line}\n" for line in lines)
    if filters:
        shown = "".join(f"  - {key}={value}\n" for key, value in filters)
        text += f"\n  Items to be pruned will be filtered with:\n{shown}"
    return text


def _containers(engine: Engine, filters: Filters) -> int:
    wanted = containers_filter.prunable(engine.containers.all(), filters, time.time_ns())
    removed, freed = engine.containers.prune(wanted)
    _tell("Containers", removed)
    return freed


def _networks(engine: Engine, filters: Filters) -> None:
    until = [value for key, value in filters if key == "until"]
    before = moments.nanoseconds(until[-1], time.time_ns()) if until else None
    wanted = networks_view.select(engine.networks.list(), filters, (), before)
    _tell("Networks", [one.name for one in engine.networks.prune(wanted)])


def _volumes(engine: Engine, filters: Filters) -> int:
    anonymous = [one for one in engine.volumes.list() if one.anonymous]
    pruned = engine.volumes.prune(volumes_view.select(anonymous, filters, {}))
    _tell("Volumes", pruned.names)
    return pruned.size


def _images(engine: Engine, filters: Filters, *, everything: bool) -> int:
    images = [one for one in engine.images.list() if everything or not one.names]
    removed, freed = engine.images.prune(images_view.prunable(images, filters, time.time_ns()))
    _tell("Images", [f"{one.kind.lower()}: {one.what}" for one in removed])
    return freed


def _cache(engine: Engine, filters: Filters, *, everything: bool) -> int:
    from dockyard.build.usage import Policy
    from dockyard.cli import builder_view

    until = [f"{key}={value}" for key, value in filters if key == "until"]
    _, unused_since = builder_view.filters(until, time.time_ns())
    pruned = engine.prune_build_cache(Policy(everything=everything, unused_since=unused_since))
    _tell("build cache objects", [one.id for one in pruned.records])
    return pruned.freed


def _tell(what: str, names: Sequence[str]) -> None:
    if names:
        click.echo(f"Deleted {what}:\n" + "\n".join(names) + "\n")
