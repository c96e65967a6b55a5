"""From a device's edits to parts of the runtime's specification."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from typing import cast

import msgspec

from dockyard.devices.model import DeviceNode, Edits, IntelRdt
from dockyard.devices.rules import NO_PERMISSIONS
from dockyard.errors import InvalidInput, NotSupported
from dockyard.oci.resources import Device, DeviceKind, DeviceRule, Json, RuleKind
from dockyard.oci.runtime import Hook, Identity, SpecMount

LookUp = Callable[[str], os.stat_result]
"""lstat(2)."""

_BIND_TYPES = frozenset({"", "bind", "none"})
_BINDS = frozenset({"bind", "rbind"})
_ACCESS = "rwm"


class Injection(msgspec.Struct, frozen=True, kw_only=True):
    """What devices add to a container."""

    env: tuple[str, ...] = ()
    nodes: tuple[Device, ...] = ()
    rules: tuple[DeviceRule, ...] = ()
    mounts: tuple[SpecMount, ...] = ()
    hooks: dict[str, tuple[Hook, ...]] = {}
    groups: tuple[int, ...] = ()
    intel_rdt: Json | None = None


def inject(
    edits: Edits, identity: Identity, look_up: LookUp = os.lstat, *, has_resctrl: bool = False
) -> Injection:
    """The parts for a container whose process runs as ``identity``.

    Raises:
        InvalidInput: a device node isn't there, or is of another type than described.
        NotSupported: the edits need what no runtime here does.
    """
    if edits.net_devices:
        names = ", ".join(device.host_interface_name for device in edits.net_devices)
        raise NotSupported(
            f"CDI network devices are not supported: {names}",
            hint="the OCI runtimes here can't move interfaces; attach a network instead",
            exit_code=125,
        )
    nodes: dict[str, Device] = {}
    rules = []
    for described in edits.device_nodes:
        node = _node(described, identity, look_up)
        nodes[node.path] = node
        if node.kind in {"b", "c"} and described.permissions != NO_PERMISSIONS:
            rules.append(_rule(described, node))
    hooks: dict[str, tuple[Hook, ...]] = {}
    for hook in edits.hooks:
        made = Hook(path=hook.path, args=hook.args, env=hook.env, timeout=hook.timeout)
        hooks[hook.hook_name] = (*hooks.get(hook.hook_name, ()), made)
    return Injection(
        env=edits.env,
        nodes=tuple(nodes.values()),
        rules=tuple(rules),
        mounts=_mounts(edits),
        hooks=hooks,
        groups=tuple(gid for gid in edits.additional_gids if gid != 0),
        intel_rdt=_intel_rdt(edits.intel_rdt, has_resctrl=has_resctrl),
    )


def _mounts(edits: Edits) -> tuple[SpecMount, ...]:
    """One for each destination, the last; those nearer to the root first."""
    chosen = {mount.container_path: mount for mount in edits.mounts}
    ordered = sorted(chosen.values(), key=lambda one: one.container_path.rstrip("/").count("/"))
    found = []
    for mount in ordered:
        options = mount.options
        kind = mount.type or "bind"
        if mount.type in _BIND_TYPES and not _BINDS.intersection(options):
            options = ("rbind", *options)
        found.append(SpecMount(mount.container_path, kind, mount.host_path, options))
    return tuple(found)


def _node(node: DeviceNode, identity: Identity, look_up: LookUp) -> Device:
    """The node with what is missing taken from the host's."""
    described = bool(node.type) and (node.major != 0 or node.type == "p")
    kind, major, minor, mode = node.type, node.major, node.minor, node.file_mode
    source = node.host_path or node.path
    try:
        status = look_up(source)
    except OSError as error:
        if not described:
            raise InvalidInput(
                f"CDI device {node.path}: cannot stat {source}: {error.strerror}",
                hint="is the driver loaded? The vendor's tool writes the specification anew",
                exit_code=125,
            ) from error
    else:
        mode = stat.S_IMODE(status.st_mode) if mode is None else mode
        if not described:
            kind = _kind(node, source, status)
            if node.major == 0 and kind != "p":
                major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
    return Device(
        path=node.path,
        kind=cast("DeviceKind", kind),
        major=major,
        minor=minor,
        mode=mode,
        uid=node.uid if node.uid is not None else identity.uid or None,
        gid=node.gid if node.gid is not None else identity.gid or None,
    )


def _kind(node: DeviceNode, source: str, status: os.stat_result) -> str:
    kinds = {stat.S_IFBLK: "b", stat.S_IFCHR: "c", stat.S_IFIFO: "p"}
    found = kinds.get(stat.S_IFMT(status.st_mode))
    if found is None:
        raise InvalidInput(
            f"CDI device {node.path}: {source} is not a device node",
            hint="the CDI specification names something else: make it anew",
            exit_code=125,
        )
    if node.type and node.type != found:
        raise InvalidInput(
            f"CDI device {node.path}: {source} is of type {found}, not {node.type}",
            hint="the CDI specification is of another state of the host: make it anew",
            exit_code=125,
        )
    return found


def _rule(described: DeviceNode, node: Device) -> DeviceRule:
    kind: RuleKind = "b" if node.kind == "b" else "c"
    access = described.permissions or _ACCESS
    return DeviceRule(kind=kind, major=node.major, minor=node.minor, access=access)


def _intel_rdt(asked: IntelRdt | None, *, has_resctrl: bool) -> Json | None:
    if asked is None:
        return None
    if not has_resctrl:
        raise NotSupported(
            "a CDI device asks for Intel RDT, which this host doesn't have (no resctrl)",
            hint="mount -t resctrl resctrl /sys/fs/resctrl, where the processor has it",
            exit_code=125,
        )
    if asked.schemata is not None or asked.enable_monitoring:
        raise NotSupported(
            "a CDI device asks for intelRdt schemata or monitoring, which the OCI runtimes here"
            " don't know",
            hint="take intelRdt out of the CDI specification",
            exit_code=125,
        )
    fields = {
        "closID": asked.clos_id,
        "l3CacheSchema": asked.l3_cache_schema,
        "memBwSchema": asked.mem_bw_schema,
    }
    return {name: value for name, value in fields.items() if value}
