"""Which events ``--filter`` lets through: Docker's rules. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from dockyard.observability.events import Event

KEYS = ("container", "event", "image", "label", "network", "scope", "type", "volume")
_BEGINNINGS = frozenset({"exec_create", "exec_start", "health_status"})
"""Actions that carry more than their name."""
_SCOPE = "local"


class EventFilter(msgspec.Struct, frozen=True):
    """One of the values of every key has to fit, but all of the labels."""

    wanted: Mapping[str, tuple[str, ...]] = {}

    def matches(self, event: Event) -> bool:
        """True where the event is asked for."""
        return all(_fits(event, key, values) for key, values in self.wanted.items())


def make_filter(pairs: Iterable[tuple[str, str]]) -> EventFilter:
    """A filter of keys (one of :data:`KEYS`) and values."""
    wanted: dict[str, tuple[str, ...]] = {}
    for key, value in pairs:
        wanted[key] = (*wanted.get(key, ()), value)
    return EventFilter(wanted)


def _fits(event: Event, key: str, values: Sequence[str]) -> bool:
    match key:
        case "type":
            return event.type in values
        case "scope":
            return _SCOPE in values
        case "event":
            if _BEGINNINGS.isdisjoint(values):
                return event.action in values
            return event.action.startswith(tuple(values))
        case "label":
            return all(_has_label(event.attributes, value) for value in values)
        case "image":
            return not _image_names(event).isdisjoint(values)
    beginnings = tuple(values)
    return event.actor.startswith(beginnings) or event.attributes.get("name", "").startswith(
        beginnings
    )


def _has_label(labels: Mapping[str, str], text: str) -> bool:
    name, equals, value = text.partition("=")
    return name in labels and (not equals or labels[name] == value)


def _image_names(event: Event) -> set[str]:
    """The image's id and name as they are, and without the tag."""
    attribute = "name" if event.type == "image" else "image"
    found = {event.actor, event.attributes.get(attribute, "")}
    return found | {_without_tag(name) for name in found}


def _without_tag(name: str) -> str:
    if name.startswith("sha256:"):
        return name
    directory, slash, last = name.rpartition("/")
    return directory + slash + last.partition("@")[0].partition(":")[0]
