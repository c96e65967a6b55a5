"""``-v``, ``--mount`` and ``--tmpfs``."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from dockyard.arguments.errors import invalid
from dockyard.arguments.quantities import parse_size
from dockyard.containers.options import Mount
from dockyard.errors import NotSupported
from dockyard.oci.reference import Reference

_PROPAGATION = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
_CONSISTENCIES = frozenset({"default", "consistent", "cached", "delegated"})
_RECURSIONS: dict[str, Literal["default", "writable", "read-only"]] = {
    "enabled": "default", "disabled": "default", "writable": "writable", "readonly": "read-only",
}  # fmt: skip
_LABELS = frozenset({"z", "Z"})
"""Options of ``-v`` for SELinux."""
_VOLUME_FLAGS = (
    frozenset({"ro", "rw"}),
    frozenset({"nocopy"}),
    _PROPAGATION,
    _LABELS,
    frozenset({"cached", "delegated", "consistent"}),
)
"""Options of ``-v``, of each kind one; the last ones are for Docker Desktop, and mean nothing on
Linux, with Docker neither."""
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
    words = parts[2] if len(parts) == 3 else ""
    read_only, no_copy, options = _volume_options(words, text)
    relabel = not _LABELS.isdisjoint(words.split(","))
    if not source.startswith(("/", ".")):
        return Mount(
            kind="volume", source=source, target=target, read_only=read_only, options=options,
            no_copy=no_copy, relabel=relabel,
        )  # fmt: skip
    if no_copy:
        raise invalid(f"invalid volume specification: '{text}'", "nocopy is for named volumes")
    return Mount(
        kind="bind", source=_absolute(source, directory), target=target, read_only=read_only,
        options=options, create_source=True, relabel=relabel,
    )  # fmt: skip


def parse_tmpfs(text: str) -> Mount:
    """``--tmpfs``: ``TARGET[:OPTIONS]`` such as ``/run:size=64m,mode=1777,exec``."""
    target, _, options = text.partition(":")
    mount = Mount(kind="tmpfs", target=_target(target, text), options=("nosuid", "nodev", "noexec"))
    for option in filter(None, options.split(",")):
        mount = _with_tmpfs_option(mount, option, text)
    return mount


def parse_mount(text: str, directory: str) -> Mount:
    """``--mount``: ``type=bind|volume|tmpfs|model,source=...,target=...,readonly`` and more.

    Args:
        directory: what a source that begins with a dot is relative to.
    """
    fields, volume = _mount_fields(text)
    kind = fields.pop("type", "volume")
    if kind not in _MOUNT_FIELDS:
        raise invalid(
            f"mount type {kind} is not known", "bind, volume, tmpfs or model", context=text
        )
    _check_fields(kind, fields, text)
    if kind == "model":
        return _model_mount(fields, text)
    if kind != "volume":
        return _mount(kind, fields, text, directory)
    return msgspec.structs.replace(
        _volume_mount(fields, text),
        volume_labels=volume["volume-label"], volume_options=volume["volume-opt"],
    )  # fmt: skip


def _mount_fields(text: str) -> tuple[dict[str, str], dict[str, dict[str, str]]]:
    """The fields by their full names; and those that a volume may have several of."""
    import csv  # only where --mount is used

    fields: dict[str, str] = {}
    volume: dict[str, dict[str, str]] = {"volume-label": {}, "volume-opt": {}}
    for field in next(csv.reader([text]), []):
        name, equals, value = field.partition("=")
        key = _MOUNT_ALIASES.get(name.strip().lower(), name.strip().lower())
        if not equals and key != "readonly" and key not in _MOUNT_SWITCHES:
            raise invalid(
                f"invalid field '{field}' must be a key=value pair",
                context=text,
                hint="such as type=bind,source=/here,target=/there,readonly",
            )
        if key in volume:
            label, _, content = value.partition("=")
            volume[key][label] = content
        fields[key] = value if equals else "true"
    return fields, volume


def _check_fields(kind: str, fields: Mapping[str, str], text: str) -> None:
    for key in fields.keys() - _MOUNT_FIELDS[kind] - {"target", "readonly", "consistency"}:
        raise invalid(
            f"unexpected key '{key}' for a mount of type {kind}",
            context=text,
            hint=f"there are {', '.join(sorted(_MOUNT_FIELDS[kind]))}, target, readonly",
        )
    if fields.get("consistency", "default") not in _CONSISTENCIES:
        raise invalid(
            f"invalid consistency: {fields['consistency']}",
            context=text,
            hint=f"one of {', '.join(sorted(_CONSISTENCIES))}",
        )
    if not fields.get("target"):
        raise invalid("target is required", "target=/path/in/the/container", context=text)


def check_mounts(mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """The mounts, if no two have one target."""
    seen: set[str] = set()
    for mount in mounts:
        if mount.target in seen:
            raise invalid(
                f"duplicate mount point: {mount.target}",
                hint="leave one out, or give it another target",
            )
        seen.add(mount.target)
    return tuple(mounts)


_MOUNT_ALIASES = {"src": "source", "dst": "target", "destination": "target", "ro": "readonly"}
_MOUNT_SWITCHES = frozenset({"bind-nonrecursive", "volume-nocopy"})
_MOUNT_FIELDS = {
    "bind": {"source", "bind-propagation", "bind-nonrecursive", "bind-recursive"},
    "volume": {
        "source",
        "volume-driver",
        "volume-label",
        "volume-nocopy",
        "volume-opt",
        "volume-subpath",
    },
    "tmpfs": {"tmpfs-size", "tmpfs-mode"},
    "model": {"source"},
}


def _mount(kind: str, fields: Mapping[str, str], text: str, directory: str) -> Mount:
    target = _target(fields["target"], text)
    read_only = _boolean(fields.get("readonly", "false"), "readonly", text)
    source = fields.get("source")
    if kind == "tmpfs":
        size, mode = fields.get("tmpfs-size"), fields.get("tmpfs-mode")
        return Mount(
            kind="tmpfs", target=target, read_only=read_only,
            size=None if size is None else parse_size(size),
            mode=None if mode is None else _octal(mode, text),
        )  # fmt: skip
    if not source:
        raise invalid(
            "source is required for a mount of type bind",
            context=text,
            hint="source=/path/of/this/host",
        )
    return Mount(
        kind="bind", source=_absolute(source, directory), target=target, read_only=read_only,
        options=_bind_options(fields, text), below=_below(fields, text, read_only=read_only),
    )  # fmt: skip


def _volume_mount(fields: Mapping[str, str], text: str) -> Mount:
    driver, subpath = fields.get("volume-driver", "local"), fields.get("volume-subpath", "")
    if driver != "local":
        raise NotSupported(
            f"volume driver {driver} is not supported", hint="the driver is local", context=text,
            exit_code=125,
        )  # fmt: skip
    if subpath.startswith("/") or ".." in subpath.split("/"):
        raise invalid(
            f"volume-subpath must stay in the volume: {subpath}",
            context=text,
            hint="a path relative to the volume, such as data/db",
        )
    return Mount(
        kind="volume",
        source=fields.get("source") or None,
        target=_target(fields["target"], text),
        read_only=_boolean(fields.get("readonly", "false"), "readonly", text),
        no_copy=_boolean(fields.get("volume-nocopy", "false"), "volume-nocopy", text),
        subpath=subpath,
    )


def parse_model(text: str) -> Mount:
    """``--model``: ``NAME[=TARGET]``; without a target it is ``/models/`` and the name's last part.

    Raises:
        InvalidInput: the name or the target is none.
    """
    name, equals, target = text.partition("=")
    if equals and not target:
        raise invalid(f"invalid model: '{text}'", "the form is NAME[=/PATH/IN/THE/CONTAINER]")
    reference = Reference.parse(name)
    place = target or f"/models/{reference.path.rpartition('/')[2]}"
    return Mount(kind="model", source=name, target=_target(place, text), read_only=True)


def _model_mount(fields: Mapping[str, str], text: str) -> Mount:
    source = fields.get("source")
    if not source:
        raise invalid("source is required for a mount of type model", context=text,
                      hint="source=NAME; dockyard model ls lists names")  # fmt: skip
    if not _boolean(fields.get("readonly", "true"), "readonly", text):
        raise invalid("a model is always mounted read-only", context=text,
                      hint="leave readonly=false out, or copy the files to a volume")  # fmt: skip
    Reference.parse(source)
    return Mount(kind="model", source=source, target=_target(fields["target"], text),
                 read_only=True)  # fmt: skip


def _below(
    fields: Mapping[str, str], text: str, *, read_only: bool
) -> Literal["default", "writable", "read-only"]:
    """What ``bind-recursive`` says of mounts below the source."""
    value = fields.get("bind-recursive", "enabled")
    if value not in _RECURSIONS:
        raise invalid(
            f"invalid value for bind-recursive: {value}",
            context=text,
            hint=f"one of {', '.join(_RECURSIONS)}",
        )
    if value in {"writable", "readonly"} and not read_only:
        raise invalid(
            f"option 'bind-recursive={value}' requires 'readonly' to be specified in conjunction",
            context=text,
            hint="add readonly, or leave bind-recursive out",
        )
    if value == "readonly" and fields.get("bind-propagation") != "rprivate":
        raise invalid(
            "option 'bind-recursive=readonly' requires 'bind-propagation=rprivate' to be specified"
            " in conjunction",
            context=text,
            hint="add bind-propagation=rprivate",
        )
    return _RECURSIONS[value]


def _bind_options(fields: Mapping[str, str], text: str) -> tuple[str, ...]:
    propagation = fields.get("bind-propagation", "rprivate")
    if propagation not in _PROPAGATION:
        raise invalid(
            f"invalid propagation: {propagation}",
            context=text,
            hint=f"one of {', '.join(sorted(_PROPAGATION))}",
        )
    alone = _boolean(fields.get("bind-nonrecursive", "false"), "bind-nonrecursive", text)
    alone = alone or fields.get("bind-recursive") == "disabled"
    if not alone and propagation == "rprivate":
        return ()
    return ("bind" if alone else "rbind", propagation)


def _volume_options(flags: str, text: str) -> tuple[bool, bool, tuple[str, ...]]:
    """Whether it is read-only, whether nothing is copied, and the options of a propagation."""
    given = flags.split(",") if flags else []
    chosen = [kind.intersection(given) for kind in _VOLUME_FLAGS]
    if sum(map(len, chosen)) < len(given) or any(len(one) > 1 for one in chosen):
        raise invalid(
            f"invalid volume specification: '{text}': invalid mode: {flags}",
            "ro or rw, nocopy, and a propagation, each once; these are"
            f" {', '.join(sorted(_PROPAGATION))}",
        )
    spread = next(iter(chosen[2]), "")
    return "ro" in given, "nocopy" in given, ("rbind", spread) if spread else ()


def _with_tmpfs_option(mount: Mount, option: str, text: str) -> Mount:
    name, _, value = option.partition("=")
    if option in {"ro", "rw"}:
        return msgspec.structs.replace(mount, read_only=option == "ro")
    if name == "mode":
        return msgspec.structs.replace(mount, mode=_octal(value, text))
    if name == "size" and not value.endswith("%"):
        return msgspec.structs.replace(mount, size=parse_size(value))
    if name not in _TMPFS_FLAGS and not (value and name in {"size", *_TMPFS_VALUES}):
        raise invalid(
            f"invalid tmpfs option {option!r}",
            context=text,
            hint="such as size=64m, mode=1777, uid=1000, exec",
        )
    kept = [each for each in mount.options if each != _TMPFS_FLAGS.get(name) and each != option]
    return msgspec.structs.replace(mount, options=(*kept, option))


def _target(path: str, text: str) -> str:
    """An absolute path in the container, normalised."""
    clean = "/" + os.path.normpath(path).lstrip("/")
    if not path.startswith("/"):
        raise invalid(f"mount path must be absolute: {path}", context=text, hint=f"such as /{path}")
    if clean == "/":
        raise invalid(
            "destination can't be '/'",
            context=text,
            hint="name a directory below it, such as /data",
        )
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
