"""Which states follow which, and what to do with what a crash left behind. Pure."""

from __future__ import annotations

from typing import Literal

from dockyard.containers.model import Container
from dockyard.errors import Conflict

Recovery = Literal["nothing", "discard", "stop", "finish", "remove", "call-off"]
"""``discard``: undo a creation. ``stop``: undo a start. ``finish``: record an exit that nobody
recorded. ``remove``: finish a removal. ``call-off``: no restart, for the host was restarted."""

MONITOR_LOST = 255
"""Exit code of a container whose real one went with its monitor (Podman uses 255 too)."""

_LONGEST_SECONDS = (1 << 31) - 1
DEFAULT_STOP_SECONDS = 10.0


def recovery(container: Container, *, alive: bool, boot: str) -> Recovery:
    """What the next command does with a record whose lock nobody holds.

    Args:
        alive: the container's first process exists.
        boot: the host's boot id.
    """
    match container.state:
        case "creating":
            return "discard"
        case "starting":
            return "stop"
        case "removing":
            return "remove"
        case "running":
            return "nothing" if alive else "finish"
        case "restarting":
            return "nothing" if container.restarts.boot == boot else "call-off"
        case "created" | "exited":
            return "nothing"


def require_startable(container: Container) -> None:
    """Raises :class:`Conflict` where ``start`` makes no sense."""
    require_thawed(container)
    if container.state not in {"created", "exited", "restarting"}:
        raise Conflict(
            f"container {container.name} is {container.state}, it can't be started",
            hint=f"dockyard restart {container.name} stops one that runs first",
        )


def require_thawed(container: Container) -> None:
    """Raises :class:`Conflict` where ``start`` meets a paused container."""
    if container.paused:
        raise Conflict(
            "cannot start a paused container, try unpause instead",
            hint=f"dockyard unpause {container.name}",
            reference="paused",
        )


def require_running(container: Container) -> None:
    """Raises :class:`Conflict` where the container doesn't run."""
    if container.shown_state == "restarting":
        raise Conflict(
            f"container {container.name} is restarting, wait until the container is running",
            hint=f"dockyard logs {container.name} shows why it ended",
            reference="restarting",
        )
    if not container.running:
        raise Conflict(
            f"container {container.name} is not running",
            hint=f"start it: dockyard start {container.name}",
            reference="not-running",
        )


def require_unpaused(container: Container, what: str) -> None:
    """Raises :class:`Conflict` where the container is paused, which forbids ``what``."""
    if container.paused:
        raise Conflict(
            f"container {container.name} is paused, unpause the container before {what}",
            hint=f"dockyard unpause {container.name}",
            reference="paused",
        )


def require_removable(container: Container, *, force: bool) -> None:
    """Raises :class:`Conflict` where ``rm`` would kill a running container unasked."""
    if (container.running or container.shown_state == "restarting") and not force:
        raise Conflict(
            f'cannot remove container "{container.name}": container is {container.shown_state}',
            hint="stop the container before removing it, or force the removal with -f",
            reference=container.shown_state,
        )


def exit_code_of(status: str | None) -> int:
    """The exit code in a monitor's exit file; :data:`MONITOR_LOST` where there is none."""
    text = (status or "").strip()
    return int(text) if text.lstrip("-").isdecimal() else MONITOR_LOST


def command_line(
    *,
    image_entrypoint: tuple[str, ...] | None,
    image_command: tuple[str, ...] | None,
    entrypoint: tuple[str, ...] | None,
    command: tuple[str, ...] | None,
) -> tuple[str, ...]:
    """Docker's rule for what runs: an entrypoint given at run time also drops the image's CMD."""
    first = image_entrypoint if entrypoint is None else entrypoint
    rest = command
    if rest is None and entrypoint is None:
        rest = image_command
    return (*(first or ()), *(rest or ()))


def stop_seconds(container: Container, asked: float | None) -> float | None:
    """How long ``stop`` waits; ``None`` is without end. Pure.

    No longer than what the kernel's clocks count, which is some decades.
    """
    own = container.options.stop_timeout
    seconds = asked if asked is not None else DEFAULT_STOP_SECONDS if own is None else own
    return None if seconds < 0 else min(seconds, _LONGEST_SECONDS)
