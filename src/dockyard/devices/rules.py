"""What makes a CDI specification valid. Pure; the rules are those of CDI's own library."""

from __future__ import annotations

import re

import msgspec

from dockyard import decoding
from dockyard.devices.model import DeviceNode, Edits, Spec

VERSIONS = (
    "0.1.0",
    "0.2.0",
    "0.3.0",
    "0.4.0",
    "0.5.0",
    "0.6.0",
    "0.7.0",
    "0.8.0",
    "1.0.0",
    "1.1.0",
)
NO_PERMISSIONS = "none"

_OLDEST = "0.3.0"
_KIND_PART = re.compile(r"[A-Za-z](?:[A-Za-z0-9_.-]*[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_.:-]*[A-Za-z0-9])?")
_STAGES = frozenset({
    "prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop",
})  # fmt: skip
_MAX_NAME = 4096


class BadSpec(ValueError):
    """A specification that breaks a rule; the text says which."""


def parse(document: object) -> Spec:
    """A specification from decoded JSON or YAML.

    Raises:
        BadSpec: it is not one, or not a valid one.
    """
    try:
        spec = decoding.from_builtins(_without_nulls(document), Spec)
    except msgspec.ValidationError as error:
        raise BadSpec(str(error)) from error
    check(spec)
    return spec


def check(spec: Spec) -> None:
    """Raises :class:`BadSpec` where a rule is broken."""
    _check_version(spec)
    vendor, slash, kind = spec.kind.partition("/")
    if not (slash and _KIND_PART.fullmatch(vendor) and _KIND_PART.fullmatch(kind)):
        raise BadSpec(f"invalid kind {spec.kind!r}, it is VENDOR/CLASS")
    if not spec.devices:
        raise BadSpec("it has no devices")
    names = [device.name for device in spec.devices]
    for name in names:
        if not _NAME.fullmatch(name):
            raise BadSpec(f"invalid device name {name!r}")
        if names.count(name) > 1:
            raise BadSpec(f"multiple devices with name {name!r}")
    for device in spec.devices:
        if device.container_edits == Edits():
            raise BadSpec(f"device {device.name!r} has empty edits")
        _check_edits(device.container_edits)
    _check_edits(spec.container_edits)


def required_version(spec: Spec) -> str:
    """The oldest version that has all that the specification uses."""
    edits = (spec.container_edits, *(device.container_edits for device in spec.devices))
    if any(map(_needs_1_1, edits)):
        return "1.1.0"
    if any(one.intel_rdt or one.additional_gids for one in edits):
        return "0.7.0"
    annotated = spec.annotations or any(device.annotations for device in spec.devices)
    if annotated or "." in spec.kind.partition("/")[2]:
        return "0.6.0"
    numbered = any(device.name[:1].isdigit() for device in spec.devices)
    if numbered or any(node.host_path for one in edits for node in one.device_nodes):
        return "0.5.0"
    if any(mount.type for one in edits for mount in one.mounts):
        return "0.4.0"
    return _OLDEST


def is_qualified(name: str) -> bool:
    """True for ``VENDOR/CLASS=NAME`` with valid parts."""
    kind, equals, device = name.partition("=")
    vendor, slash, cls = kind.partition("/")
    parts = (_KIND_PART.fullmatch(vendor), _KIND_PART.fullmatch(cls), _NAME.fullmatch(device))
    return bool(equals and slash and all(parts))


def _check_version(spec: Spec) -> None:
    version = spec.cdi_version.removeprefix("v")
    if version not in VERSIONS:
        raise BadSpec(f"invalid version {spec.cdi_version!r}")
    least = required_version(spec)
    if VERSIONS.index(version) < VERSIONS.index(least):
        raise BadSpec(f"the spec version must be at least v{least}")


def _needs_1_1(edits: Edits) -> bool:
    rdt = edits.intel_rdt
    return bool(edits.net_devices) or (
        rdt is not None and (rdt.schemata is not None or rdt.enable_monitoring)
    )


def _check_edits(edits: Edits) -> None:
    _check_env(edits.env, "container edits")
    for node in edits.device_nodes:
        _check_node(node)
    for hook in edits.hooks:
        if hook.hook_name not in _STAGES:
            raise BadSpec(f"invalid hook name {hook.hook_name!r}")
        if not hook.path:
            raise BadSpec(f"hook {hook.hook_name!r} has an empty path")
        _check_env(hook.env, f"hook {hook.hook_name!r}")
    if any(not mount.host_path or not mount.container_path for mount in edits.mounts):
        raise BadSpec("a mount has an empty path")
    if any(not 0 <= gid < 1 << 32 for gid in edits.additional_gids):
        raise BadSpec("an additional gid is out of range")
    hosts = [device.host_interface_name for device in edits.net_devices]
    inside = [device.name for device in edits.net_devices]
    for names in (hosts, inside):
        if not all(names) or len(set(names)) < len(names):
            raise BadSpec("a network device has no name, or one that another has")
    _check_rdt(edits)


def _check_env(entries: tuple[str, ...], where: str) -> None:
    for entry in entries:
        if entry.find("=") <= 0:
            raise BadSpec(f"invalid environment variable {entry!r} of {where}")


def _check_node(node: DeviceNode) -> None:
    if not node.path:
        raise BadSpec("a device node has an empty path")
    if node.type not in {"", "b", "c", "u", "p"}:
        raise BadSpec(f"device {node.path!r}: invalid type {node.type!r}")
    if node.permissions != NO_PERMISSIONS and not set(node.permissions) <= set("rwm"):
        raise BadSpec(f"device {node.path!r}: invalid permissions {node.permissions!r}")


def _check_rdt(edits: Edits) -> None:
    """``closID`` names a directory of resctrl; ``/`` is the root's."""
    name = edits.intel_rdt.clos_id if edits.intel_rdt else ""
    bad = name in {".", ".."} or any(character in name for character in "/\n")
    if name != "/" and (bad or len(name) >= _MAX_NAME):
        raise BadSpec(f"invalid closID {name!r}")


def _without_nulls(value: object) -> object:
    """As Go's decoders, which take ``null`` for a field that isn't there."""
    if isinstance(value, dict):
        return {key: _without_nulls(one) for key, one in value.items() if one is not None}
    if isinstance(value, list):
        return [_without_nulls(one) for one in value if one is not None]
    return value
