"""Which containers ``--filter`` of ``ps`` and ``container prune`` means: Docker's rules. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import msgspec

from dockyard.cli.filters import has_label
from dockyard.cli.moments import nanoseconds
from dockyard.cli.ports_view import Port, reached
from dockyard.containers import spec_network
from dockyard.containers.health.model import SHOWN
from dockyard.containers.model import Container
from dockyard.decoding import natural
from dockyard.errors import InvalidInput, NotFound

KEYS = (
    "ancestor", "before", "exited", "expose", "health", "id", "label", "name", "network",
    "publish", "since", "status", "volume",
)  # fmt: skip
PRUNE_KEYS = ("label", "label!", "until")
_STATES = ("created", "running", "paused", "restarting", "removing", "exited", "dead")
_HEALTH = ("none", *SHOWN)
_STOPPED = frozenset({"created", "exited"})
_LAST_PORT = 65535

Wanted = Mapping[str, Sequence[str]]


class Surroundings(msgspec.Struct, frozen=True):
    """What else decides: which images descend from a named one, and which ports there are."""

    descendants: Callable[[str], Collection[str]]
    """Ids of the images that a name means, and of those made from it."""
    ports: Callable[[Container], Sequence[Port]]
    """What a container publishes and exposes; none where it doesn't run."""
    health: Callable[[Container], str]
    """What a container's check says; ``none`` where it has none."""


def matching(
    containers: Sequence[Container], filters: Sequence[tuple[str, str]], around: Surroundings
) -> list[Container]:
    """Those that fit: one of the values of every filter, but all of the labels.

    Raises:
        InvalidInput: a value that the filter can't have, in Docker's words.
        NotFound: ``before`` or ``since`` names no container.
    """
    wanted = _by_key(filters)
    _check(wanted)
    chosen = [one for one in containers if _in_time(one, wanted, containers)]
    ancestors = [(name, around.descendants(name)) for name in wanted.get("ancestor", ())]
    return [
        one
        for one in chosen
        if all(_fits(one, key, values, around) for key, values in wanted.items())
        and _reached(one, wanted, around)
        and (not ancestors or any(_descends(one, name, ids) for name, ids in ancestors))
    ]


def prunable(
    containers: Iterable[Container], filters: Sequence[tuple[str, str]], now: int
) -> list[Container]:
    """Stopped containers that fit all filters.

    Args:
        now: nanoseconds since 1970, from which ``until=24h`` counts.

    Raises:
        InvalidInput: ``until`` is no moment.
    """
    limits = [nanoseconds(value, now) for key, value in filters if key == "until"]
    return [
        one
        for one in containers
        if one.state in _STOPPED
        and all(one.created < limit for limit in limits)
        and labelled(one.labels, filters)
    ]


def labelled(labels: Mapping[str, str], filters: Sequence[tuple[str, str]]) -> bool:
    """True where all ``label`` filters fit, and not all of the ``label!``."""
    unwanted = [value for key, value in filters if key == "label!"]
    if unwanted and all(has_label(labels, value) for value in unwanted):
        return False
    return all(has_label(labels, value) for key, value in filters if key == "label")


def _by_key(filters: Sequence[tuple[str, str]]) -> dict[str, list[str]]:
    wanted: dict[str, list[str]] = {}
    for key, value in filters:
        wanted.setdefault(key, []).append(value)
    return wanted


def _check(wanted: Wanted) -> None:
    for value in wanted.get("status", ()):
        _one_of("status", "state", value, _STATES)
    for value in wanted.get("health", ()):
        _one_of("health", "health", value, _HEALTH)
    for value in wanted.get("exited", ()):
        if not value.lstrip("-").isdecimal():
            raise InvalidInput(
                f"invalid filter 'exited={value}': it is an exit code",
                hint="a whole number, such as --filter exited=0",
            )
    for key in ("publish", "expose"):
        for value in wanted.get(key, ()):
            _ports(key, value)


def _one_of(key: str, what: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise InvalidInput(
            f"invalid filter '{key}={value}': invalid value for {what} ({value}):"
            f" must be one of {', '.join(known)}",
            hint=f"such as --filter {key}={known[0]}",
        )


def _in_time(container: Container, wanted: Wanted, everyone: Sequence[Container]) -> bool:
    """True where it was made before and after those that ``before`` and ``since`` name."""
    for name in wanted.get("before", ()):
        if container.created >= _named(name, everyone).created:
            return False
    return all(container.created > _named(n, everyone).created for n in wanted.get("since", ()))


def _named(name: str, everyone: Sequence[Container]) -> Container:
    plain = name.removeprefix("/")
    found = [one for one in everyone if plain in {one.name, one.id}]
    found = found or [one for one in everyone if plain and one.id.startswith(plain)]
    if len(found) != 1:
        raise NotFound(
            f"no such container: {name}",
            hint="dockyard ps -a lists all containers",
            reference="no-such-container",
        )
    return found[0]


def _descends(container: Container, name: str, ids: Collection[str]) -> bool:
    return container.image_id in ids or container.image_name == name


def _fits(container: Container, key: str, values: Sequence[str], around: Surroundings) -> bool:
    match key:
        case "label":
            return all(has_label(container.labels, value) for value in values)
        case "name":
            return any(_matches(value, container.name) for value in values)
        case "id":
            return any(container.id.startswith(value) for value in values)
        case "status":
            return container.shown_state in values
        case "exited":
            return container.state == "exited" and str(container.exit_code) in values
        case "health":
            return around.health(container) in values
        case "network":
            return not set(spec_network.names(container.options.networking)).isdisjoint(values)
        case "volume":
            return any(not {one.source, one.target}.isdisjoint(values) for one in container.mounts)
    return True  # decided by all containers together


def _reached(container: Container, wanted: Wanted, around: Surroundings) -> bool:
    if wanted.keys().isdisjoint({"publish", "expose"}):
        return True
    publish, expose = (
        {port for value in wanted.get(key, ()) for port in _ports(key, value)}
        for key in ("publish", "expose")
    )
    return reached(around.ports(container), publish, expose)


def _ports(key: str, text: str) -> set[str]:
    """``80``, ``80/udp`` or ``8000-8080/tcp`` as single ports."""
    numbers, _, protocol = text.partition("/")
    first, dash, last = numbers.partition("-")
    ends = (first, last if dash else first)
    begin, end = (natural(each, _LAST_PORT) for each in ends)
    if begin is None or end is None:
        raise InvalidInput(
            f"error while looking up for {key} {text}: invalid port", hint="such as 80 or 53/udp"
        )
    if end < begin:
        raise InvalidInput(
            f"error while looking up for {key} {text}:"
            f" Invalid range specified for the Port: {numbers}",
            hint="the lower port first, such as 8000-8010",
        )
    return {f"{port}/{protocol or 'tcp'}" for port in range(begin, end + 1)}


def _matches(pattern: str, name: str) -> bool:
    """A name fits by a regular expression, with or without Docker's slash in front."""
    try:
        return bool(re.search(pattern, name) or re.search(pattern, f"/{name}"))
    except re.error:
        return pattern == name
