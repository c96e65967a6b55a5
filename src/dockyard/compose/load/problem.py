"""What is wrong with a file, as errors that say where."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

from dockyard.compose.load.place import NOWHERE, Path, Places, dotted
from dockyard.errors import InvalidInput


def problem(places: Places, path: Path, message: str, hint: str | None = None) -> InvalidInput:
    """An error of the value at ``path``: ``FILE:LINE:COLUMN: services.api.ports[0]: message``."""
    place = places.find(path)
    where = [str(place)] if place != NOWHERE else []
    where += [dotted(path)] if path else []
    return InvalidInput(": ".join([*where, message]), hint=hint or f"see {reference(path)}")


def reference(path: Path) -> str:
    """Where the reference of Compose files describes what is at a path."""
    page = str(path[0]) if path and path[0] in _PAGES else ""
    within = [str(step) for step in path[2:] if isinstance(step, str)] if page else []
    if page == "services" and within and within[0] in _PARTS:
        page, within = within[0], within[1:]
    return f"{_REFERENCE}{page}{'/' if page else ''}{f'#{within[0]}' if within else ''}"


_REFERENCE: Final = "https://docs.docker.com/reference/compose-file/"
_PAGES: Final = ("services", "networks", "volumes", "configs", "secrets", "models", "include")
_PARTS: Final = ("build", "deploy", "develop")
"""Properties of services that have pages of their own."""


def suggestion(name: str, known: Iterable[str]) -> str | None:
    """A hint where a name is nearly one of those that are known."""
    near = get_close_matches(name, sorted(known), n=1, cutoff=0.6)
    return f"did you mean {near[0]!r}?" if near else None
