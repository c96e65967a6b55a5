"""What the gateway serves: the controller writes it down, commands read it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from dockyard import decoding
from dockyard.serving.model import Service
from dockyard.serving.places import Serving
from dockyard.system.files import write_atomically


class Published(msgspec.Struct, frozen=True, kw_only=True):
    """Services by ``PROJECT/NAME``."""

    services: dict[str, Service] = {}
    problems: dict[str, str] = {}
    """Of those that aren't served as they should be: why, in one line."""


def write(
    serving: Serving, services: Sequence[Service], problems: Mapping[tuple[str, str], str]
) -> None:
    """Writes it down."""
    found = Published(
        services={f"{one.project}/{one.name}": one for one in services},
        problems={"/".join(key): text for key, text in problems.items()},
    )
    write_atomically(serving.published, msgspec.json.encode(found), durable=False)


def read(serving: Serving) -> Published:
    """What was written last; nothing where nothing was."""
    try:
        with open(serving.published, "rb") as stream:
            return decoding.from_json(stream.read(), Published)
    except (FileNotFoundError, msgspec.DecodeError):
        return Published()
