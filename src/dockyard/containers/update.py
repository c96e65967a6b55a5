"""``update``: other limits for a container, at once where it runs, and another restart policy."""

from __future__ import annotations

import contextlib

import msgspec

from dockyard.containers import finish, host_devices, spec_resources
from dockyard.containers.happenings import event
from dockyard.containers.model import Container
from dockyard.containers.options import Options, Resources, Restart
from dockyard.containers.parts import Parts
from dockyard.errors import Conflict, InvalidInput
from dockyard.oci.resources import Limits, resources

_ALL_PIDS = 1 << 22
"""As many as a kernel has: no limit, in a form that every runtime takes in an update."""
_NOT_LIVE = frozenset({"shm_size", "ulimits", "cgroup_parent", "oom_score_adj"})
"""Fields of :class:`Resources` that are fixed when a container is made."""


def update(
    parts: Parts, container: Container, changes: Resources, restart: Restart | None
) -> Container:
    """Changes limits (those that ``changes`` gives) and, where given, the restart policy.

    The container gets the limits before they are recorded: a crash in between is mended by the
    next update, and the record never says what the kernel refused.

    Raises:
        InvalidInput, NotSupported: a limit makes no sense, or this host can't enforce it.
        Conflict: limits exclude each other, or ``--rm`` excludes the policy.
        ComponentFailed: the runtime can't apply them.
    """
    with parts.lock(container.holder):
        current = parts.store.find(container.id)
        options = merged(current.options, changes, restart)
        limits = _limits(parts, options)
        wanted = resources(limits)
        if current.running and changes != Resources():
            wanted.pop("devices", None)
            if changes.pids_limit is not None and changes.pids_limit <= 0:
                wanted["pids"] = {"limit": _ALL_PIDS}
            runtime = parts.runtime_of(current)
            with contextlib.suppress(Conflict), finish.while_it_lives(current, "it got its limits"):
                runtime.update(current.id, msgspec.json.encode(wanted))
        updated = msgspec.structs.replace(current, options=options)
        parts.store.put(updated, event(updated, "update"))
        return updated


def _limits(parts: Parts, options: Options) -> Limits:
    facts = parts.facts_for(options.resources)
    limits, warnings = spec_resources.limits(options.resources, facts, host_devices.number_of)
    for warning in warnings:
        parts.warn(warning)
    return limits


def merged(options: Options, changes: Resources, restart: Restart | None) -> Options:
    """The options with the changes in them. Pure.

    Raises:
        Conflict: the new memory limit is above the limit of memory and swap together, or the
            container is removed at its end and so can't be restarted.
        InvalidInput: one of the changes can't be made to a container that exists.
    """
    before = options.resources
    given = given_fields(changes)
    fixed = sorted(_NOT_LIVE & given.keys())
    if fixed:
        raise InvalidInput(
            f"{fixed[0]} can't be changed once a container is made",
            hint="make another container with it, and remove this one",
        )
    memory, swap = given.get("memory"), _memory_and_swap(before)
    if isinstance(memory, int) and "memory_swap" not in given and swap is not None:
        if 0 < swap < memory:
            raise Conflict(
                "memory limit should be smaller than already set memoryswap limit,"
                " update the memoryswap at the same time",
                hint="--memory-swap sets it, -1 for no limit",
            )
        given["memory_swap"] = swap
    if restart is not None and options.remove and restart.policy != "no":
        raise Conflict(
            "restart policy cannot be updated because AutoRemove is enabled for the container",
            hint="the container was made with --rm",
        )
    return msgspec.structs.replace(
        options,
        resources=msgspec.structs.replace(before, **given),
        restart=options.restart if restart is None else restart,
    )


def given_fields(changes: Resources) -> dict[str, object]:
    """The fields that differ from "not given"."""
    nothing = Resources()
    return {
        name: value
        for name, value in msgspec.structs.asdict(changes).items()
        if value is not None and value != getattr(nothing, name)
    }


def _memory_and_swap(before: Resources) -> int | None:
    """What bounds memory and swap together so far: as much swap as memory where not said."""
    if before.memory_swap:
        return before.memory_swap
    return before.memory * 2 if before.memory else None
