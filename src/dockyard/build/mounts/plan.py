"""From the ``--mount`` flags of a RUN to what is to be mounted where. Pure."""

from __future__ import annotations

import os.path
from collections.abc import Mapping, Sequence

from dockyard.build import graph
from dockyard.build.dockerfile import instructions as ins
from dockyard.errors import BuildError

_SECRETS = "/run/secrets"
_AGENTS = "/run/buildkit/ssh_agent"
"""Where BuildKit puts the sockets of agents, with a number."""

_FORBIDDEN = frozenset({"", "dev", "proc", "sys"})


def lower_mounts(
    mounts: Sequence[ins.Mount], cwd: str, inputs: Mapping[str, int]
) -> tuple[graph.Mount, ...]:
    """The mounts of a step.

    Args:
        cwd: what relative targets are relative to.
        inputs: which of the vertex's inputs each ``from`` is.

    Raises:
        BuildError: a mount makes no sense.
    """
    found = []
    agents = 0
    for mount in mounts:
        match mount.type:
            case ins.MountType.SECRET:
                found.append(_secret(mount, cwd))
            case ins.MountType.SSH:
                found.append(_agent(mount, cwd, agents))
                agents += 1
            case _:
                found.append(_tree(mount, cwd, inputs))
    return tuple(found)


def check_target(path: str) -> None:
    """Refuses a mount in place of what makes a container one.

    Args:
        path: relative to the root.

    Raises:
        BuildError: it is ``/proc`` or below, ``/dev``, ``/sys`` or the root.
    """
    if path in _FORBIDDEN or path.startswith("proc/"):
        raise BuildError(
            f'invalid mount target "/{path}"',
            hint="the step needs its own there: choose another target",
            reference="forbidden-mount",
        )


def _tree(mount: ins.Mount, cwd: str, inputs: Mapping[str, int]) -> graph.Mount:
    """A bind, a cache or a tmpfs."""
    target = _target(mount.target or "", cwd)
    source = os.path.normpath("/" + (mount.source or "").lstrip("/"))
    number = None if mount.from_ is None else inputs[mount.from_]
    if mount.type is ins.MountType.TMPFS:
        return graph.Mount(type="tmpfs", target=target, size=mount.size)
    if mount.type is ins.MountType.BIND:
        return graph.Mount(
            type="bind", target=target, input=number, source=source, read_only=mount.read_only
        )
    sharing = mount.sharing or ins.CacheSharing.SHARED
    return graph.Mount(
        type="cache", target=target, input=number, source=source, read_only=mount.read_only,
        id=mount.id or os.path.normpath(mount.target or ""), sharing=sharing.value,
        mode=mount.mode, uid=mount.uid, gid=mount.gid,
    )  # fmt: skip


def _secret(mount: ins.Mount, cwd: str) -> graph.Mount:
    name = mount.id or mount.source or os.path.basename(mount.target or "")
    target = _target(mount.target, cwd) if mount.target else ""
    if not target and mount.env is None:
        target = f"{_SECRETS}/{os.path.basename(name)}"
    return graph.Mount(
        type="secret", target=target, id=name, read_only=True, required=mount.required,
        mode=mount.mode, uid=mount.uid, gid=mount.gid, env=_variable(mount, name),
    )  # fmt: skip


def _variable(mount: ins.Mount, name: str) -> str:
    return "" if mount.env is None else mount.env or name


def _agent(mount: ins.Mount, cwd: str, number: int) -> graph.Mount:
    if mount.source:
        raise BuildError("ssh does not support source", hint="name the agent by id")
    target = _target(mount.target, cwd) if mount.target else f"{_AGENTS}.{number}"
    return graph.Mount(
        type="ssh", target=target, id=mount.id or "default", required=mount.required,
        mode=mount.mode, uid=mount.uid, gid=mount.gid,
    )  # fmt: skip


def _target(path: str, cwd: str) -> str:
    target = "/" + os.path.normpath(os.path.join("/", cwd, path)).lstrip("/")
    if not path or target == "/":
        raise BuildError('invalid mount target "/"', hint="say where with target=/path")
    return target
