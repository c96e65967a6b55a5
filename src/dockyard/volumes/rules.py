"""What a volume may be called, and which directory of the host it stands for. Pure."""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Iterable, Mapping

from dockyard.errors import InvalidInput, NotSupported

_OPTIONS = ("device", "o", "type")
_BINDS = frozenset({"bind", "rbind"})


@functools.cache
def _name_pattern() -> re.Pattern[str]:
    return re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]+")


def check_name(name: str) -> str:
    """The name, if Docker allows it.

    Raises:
        InvalidInput: it has characters that Docker doesn't allow, or only one.
    """
    if not _name_pattern().fullmatch(name) or len(name) > 200:
        raise InvalidInput(
            f'"{name}" includes invalid characters for a local volume name',
            hint="a volume is named [a-zA-Z0-9][a-zA-Z0-9_.-]+, a host directory begins with /",
            exit_code=125,
        )
    return name


def check_driver(driver: str) -> None:
    """Raises :class:`NotSupported` for any driver but ``local``."""
    if driver != "local":
        raise NotSupported(
            f'volume driver "{driver}" is not available: volumes are directories of this host',
            hint="leave --driver out, or mount the storage on the host and bind that directory",
        )


def bound_directory(options: Mapping[str, str]) -> str | None:
    """The host directory that ``-o type=none -o o=bind -o device=DIR`` means.

    Raises:
        InvalidInput: an option is unknown, or the directory isn't absolute.
        NotSupported: the options ask for another filesystem to be mounted.
    """
    unknown = sorted(set(options) - set(_OPTIONS))
    if unknown:
        raise InvalidInput(f'invalid option: "{unknown[0]}"', hint="options are type, o, device")
    if not options:
        return None
    flags = set(filter(None, options.get("o", "").split(",")))
    if options.get("type", "none") not in {"none", "bind"} or not flags & _BINDS:
        raise NotSupported(
            f"a volume of type {options.get('type', '')!r} is not supported yet",
            hint="for memory use --tmpfs; mount a network filesystem on the host, then"
            " -o type=none -o o=bind -o device=DIRECTORY",
        )
    if flags - _BINDS - {"rw"}:
        raise NotSupported(f"volume option o={options['o']} is not supported yet",
                           hint="give :ro or --mount options to the container")  # fmt: skip
    device = options.get("device", "")
    if not os.path.isabs(device):
        raise InvalidInput(f"missing or relative device in volume options: {device!r}",
                           hint="-o device= names a directory of the host")  # fmt: skip
    return os.path.normpath(device)


def parse_options(entries: Iterable[str]) -> dict[str, str]:
    """``-o key=value`` as a mapping; :class:`InvalidInput` where there is no ``=``."""
    found: dict[str, str] = {}
    for entry in entries:
        key, equals, value = entry.partition("=")
        if not equals:
            raise InvalidInput(f"invalid option: {entry!r}", hint="write -o key=value")
        found[key] = value
    return found
