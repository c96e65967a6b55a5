"""Which services are meant: by their profiles, and by name with what comes along. Pure.

The same for a file's tree as for a project.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from fnmatch import fnmatchcase

from dockyard.errors import NotFound

Others = Callable[[str], Iterable[tuple[str, bool]]]
"""For a service those that come along with it, and whether they must be there."""


def is_active(own: Collection[str], active: Collection[str]) -> bool:
    """Whether a service with these profiles is active; ``*`` activates all."""
    return not own or "*" in active or not set(own).isdisjoint(active)


def profiles(active: Iterable[str], named: Iterable[Iterable[str]]) -> tuple[str, ...]:
    """The active profiles with those of services that are named, each once."""
    return tuple(dict.fromkeys((*active, *(each for one in named for each in one))))


def chosen(
    names: Iterable[str], known: Collection[str], others: Others,
    unknown: Callable[[str], NotFound],
) -> set[str]:  # fmt: skip
    """The services that names mean, and all that comes along with them.

    Args:
        names: with ``*``, ``?`` and ``[ ]``, as Docker has it.
        unknown: the error for a name that fits none.

    Raises:
        NotFound: a name, or what must come along, is none of the known services.
    """
    found: set[str] = set()
    waiting = [(name, True) for name in names]
    while waiting:
        pattern, required = waiting.pop()
        matching = [name for name in known if fnmatchcase(name, pattern)]
        if not matching and required:
            raise unknown(pattern)
        for name in matching:
            if name not in found:
                found.add(name)
                waiting += others(name)
    return found


def no_such_service(name: str, known: Collection[str]) -> NotFound:
    """The error for a name that no service has."""
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    listed = ", ".join(sorted(known)) or "none"
    hint = f"did you mean {near[0]}?" if near else f"services are: {listed}"
    return NotFound(f"no such service: {name}", hint=hint, reference="no-such-service")
