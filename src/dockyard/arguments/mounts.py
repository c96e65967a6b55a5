"""``-v``, ``--mount`` and ``--tmpfs``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import msgspec

from dockyard.arguments.errors import invalid
from dockyard.arguments.quantities import parse_size
from dockyard.containers.options import Mount
from dockyard.errors import NotSupported

_PROPAGATION = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
_WITHOUT_MEANING = frozenset({"z", "Z", "cached", "delegated", "consistent"})
"""Options of ``-v`` for SELinux and for Docker Desktop, which mean nothing here."""
_TMPFS_FLAGS = {
    "exec": "noexec", "noexec": "exec", "suid": "nosuid", "nosuid": "suid", "dev": "nodev",
    "nodev": "dev", "atime": "noatime", "noatime": "atime", "sync": "async", "async": "sync",
}  # fmt: skip
"""Flags of a tmpfs, each with the one that it undoes."""
_TMPFS_VALUES = frozenset({"uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge"})


def parse_volume(text: str, directory: str) -> Mount:
    """``-v``: ``[SOURCE:]TARGET[:OPTIONS]``.

    Args:
        directory: what a source that begins with a dot is relative to.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise invalid(
            f"invalid volume specification: '{text}'", "the form is [SOURCE:]TARGET[:OPTIONS]"
        )
    if len(parts) == 1:
        return Mount(kind="volume", target=_target(text, text))
    source, target = parts[0], _target(parts[1], text)
    read_only, options = _volume_options(parts[2] if len(parts) == 3 else "", text)
    if not source.startswith(("/", ".")):
        return Mount(
            kind="volume", source=source, target=target, read_only=read_only, options=options
        )
    return Mount(
        kind="bind", source=_absolute(source, directory), target=target, read_only=read_only,
        options=options, create_source=True,
    )  # fmt: skip


def parse_tmpfs(text: str) -> Mount:
    """``--tmpfs``: ``TARGET[:OPTIONS]`` such as ``/run:size=64m,mode=1777,exec``."""
    target, _, options = text.partition(":")
    mount = Mount(kind="tmpfs", target=_target(target, text), options=("nosuid", "nodev", "noexec"))
    for option in filter(None, options.split(",")):
        mount = _with_tmpfs_option(mount, option, text)
    return mount


def parse_mount(text: str, directory: str) -> Mount:
    """``--mount``: ``type=bind|volume|tmpfs,source=...,target=...,readonly`` and more.

    Args:
        directory: what a source that begins with a dot is relative to.
    """
    import csv  # only where --mount is used

    fields: dict[str, str] = {}
    for field in next(csv.reader([text]), []):
        name, equals, value = field.partition("=")
        key = _MOUNT_ALIASES.get(name.strip().lower(), name.strip().lower())
        if not equals and key != "readonly" and key not in _MOUNT_SWITCHES:
            raise invalid(f"invalid field '{field}' must be a key=value pair", context=text)
        fields[key] = value if equals else "true"
    kind = fields.pop("type", "volume")
    if kind not in _MOUNT_FIELDS:
        raise invalid(f"mount type {kind} is not known", "bind, volume or tmpfs", context=text)
    for key in fields.keys() - _MOUNT_FIELDS[kind] - {"target", "readonly", "consistency"}:
        raise invalid(f"unexpected key '{key}' for a mount of type {kind}", context=text)
    if not fields.get("target"):
        raise invalid("target is required", "target=/path/in/the/container", context=text)
    return _mount(kind, fields, text, directory)


def check_mounts(mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """The mounts, if no two have one target."""
    seen: set[str] = set()
    for mount in mounts:
        if mount.target in seen:
            raise invalid(f"duplicate mount point: {mount.target}")
        seen.add(mount.target)
    return tuple(mounts)


_MOUNT_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_MOUNT_SWITCHES = frozenset({"bind-nonrecursive"})
_MOUNT_FIELDS = {
    "bind": {"source", "bind-propagation", "bind-nonrecursive"},
    "volume": {"source"},
    "tmpfs": {"tmpfs-size", "tmpfs-mode"},
}


def _mount(kind: str, fields: Mapping[str, str], text: str, directory: str) -> Mount:
    target = _target(fields["target"], text)
    read_only = _boolean(fields.get("readonly", "false"), "readonly", text)
    source = fields.get("source")
    if kind == "volume":
        return Mount(kind="volume", source=source or None, target=target, read_only=read_only)
    if kind == "tmpfs":
        size, mode = fields.get("tmpfs-size"), fields.get("tmpfs-mode")
        return Mount(
            kind="tmpfs", target=target, read_only=read_only,
            size=None if size is None else parse_size(size),
            mode=None if mode is None else _octal(mode, text),
        )  # fmt: skip
    if not source:
        raise invalid("source is required for a mount of type bind", context=text)
    return Mount(
        kind="bind", source=_absolute(source, directory), target=target, read_only=read_only,
        options=_bind_options(fields, text),
    )  # fmt: skip


def _bind_options(fields: Mapping[str, str], text: str) -> tuple[str, ...]:
    propagation = fields.get("bind-propagation", "rprivate")
    if propagation not in _PROPAGATION:
        raise invalid(f"invalid propagation: {propagation}", context=text)
    alone = _boolean(fields.get("bind-nonrecursive", "false"), "bind-nonrecursive", text)
    if not alone and propagation == "rprivate":
        return ()
    return ("bind" if alone else "rbind", propagation)


def _volume_options(flags: str, text: str) -> tuple[bool, tuple[str, ...]]:
    """Whether it is read-only, and the mount options of a propagation."""
    read_only, options = False, tuple[str, ...]()
    for flag in filter(None, flags.split(",")):
        if flag in _PROPAGATION:
            options = ("rbind", flag)
        elif flag == "nocopy":
            raise NotSupported("volume option nocopy is not supported yet", context=text,
                               exit_code=125)  # fmt: skip
        elif flag in {"ro", "rw"}:
            read_only = flag == "ro"
        elif flag not in _WITHOUT_MEANING:
            raise invalid(f"invalid volume specification: '{text}'", f"unknown option {flag}")
    return read_only, options


def _with_tmpfs_option(mount: Mount, option: str, text: str) -> Mount:
    name, _, value = option.partition("=")
    if option in {"ro", "rw"}:
        return msgspec.structs.replace(mount, read_only=option == "ro")
    if name == "mode":
        return msgspec.structs.replace(mount, mode=_octal(value, text))
    if name == "size" and not value.endswith("%"):
        return msgspec.structs.replace(mount, size=parse_size(value))
    if name not in _TMPFS_FLAGS and not (value and name in {"size", *_TMPFS_VALUES}):
        raise invalid(f"invalid tmpfs option {option!r}", context=text)
    kept = [each for each in mount.options if each != _TMPFS_FLAGS.get(name) and each != option]
    return msgspec.structs.replace(mount, options=(*kept, option))


def _target(path: str, text: str) -> str:
    """An absolute path in the container, normalised."""
    clean = "/" + os.path.normpath(path).lstrip("/")
    if not path.startswith("/"):
        raise invalid(f"mount path must be absolute: {path}", context=text)
    if clean == "/":
        raise invalid("destination can't be '/'", context=text)
    return clean


def _absolute(source: str, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, source))


def _octal(text: str, context: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise invalid(f"invalid mode {text!r}", "octal, such as 1777", context=context) from None


def _boolean(text: str, key: str, context: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise invalid(f"invalid value for {key}: {text}", "true or false", context=context)
    return text.lower() in {"true", "1"}
