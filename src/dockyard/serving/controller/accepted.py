"""What the gateway has taken, for the next controller: a change that is refused then has something
to be refused for."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from dockyard import decoding
from dockyard.serving.gateway.model import Served, Settings
from dockyard.system.files import write_atomically


def write(settings: Settings, served: Sequence[Served]) -> None:
    """Writes it down, for this boot; only its owner can read it, as it has keys.

    Raises:
        OSError: it can't be written.
    """
    write_atomically(_path(settings), msgspec.json.encode(served), durable=False)


def read(settings: Settings) -> tuple[Served, ...]:
    """What was written last; nothing where nothing was, or another version wrote it."""
    try:
        with open(_path(settings), "rb") as stream:
            return decoding.from_json(stream.read(), tuple[Served, ...])
    except (FileNotFoundError, msgspec.DecodeError):
        return ()


def _path(settings: Settings) -> str:
    return f"{settings.directory}/accepted.json"
