"""Which containers a command means: those of services, or one of a service by its number."""

from __future__ import annotations

from collections.abc import Collection

from dockyard.compose.observe import UP, Observed, Stack
from dockyard.errors import NotFound


def one(
    stack: Stack, service: str, index: int = 0, *, everything: bool = False, oneoff: bool = True
) -> Observed:
    """A service's container: the one of that number, or its first one.

    Args:
        index: 0 for any.
        everything: those that don't run as well.
        oneoff: those of ``compose run`` as well, after the others.

    Raises:
        NotFound: there is none.
    """
    found = [
        each
        for each in (stack.containers if oneoff else stack.lasting)
        if each.service == service
        and (everything or each.state in UP)
        and (not index or each.number == index)
    ]
    if found:
        return found[0]
    number = f" container #{index}" if index else ""
    raise NotFound(
        f'service "{service}" is not running{number}',
        hint=_who_runs(stack, service),
        reference="service-not-running",
    )


def _who_runs(stack: Stack, service: str) -> str:
    numbers = [str(each.number) for each in stack.of(service) if each.state in UP]
    if numbers:
        return f"running are the containers {', '.join(numbers)} of it"
    running = sorted({each.service for each in stack.lasting if each.state in UP})
    if not running:
        return f"nothing of project {stack.name} runs: dockyard compose up -d starts it"
    return f"services of project {stack.name} that run: {', '.join(running)}"


def chosen(
    stack: Stack, services: Collection[str], *, everything: bool = True, oneoff: bool = False
) -> tuple[Observed, ...]:
    """The containers of the named services, or of all where none is named; see :func:`one`."""
    return tuple(
        each
        for each in (stack.containers if oneoff else stack.lasting)
        if (not services or each.service in services) and (everything or each.state in UP)
    )


def short_name(container: Observed) -> str:
    """What a container is called within its project: ``api-1`` for ``demo-api-1``.

    ``api_1`` for ``demo_api_1``, of the compatibility mode; one that has a name of its own keeps
    it.
    """
    for separator in "-_":
        own = f"{container.service}{separator}{container.number}"
        if container.name == f"{container.project}{separator}{own}":
            return own
    return container.name
