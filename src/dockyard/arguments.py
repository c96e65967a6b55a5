"""Docker's notation of option values, read into :mod:`dockyard.containers.model`. Pure.

The command line and the Python API both speak it. Everything here raises
:class:`~dockyard.errors.InvalidInput` for what makes no sense, with Docker's exit code 125.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec

from dockyard.containers.model import Mount, NetworkMode, Options, Ulimit
from dockyard.errors import InvalidInput, NotSupported
from dockyard.networks.model import PortMapping

_POWERS = {unit: power for power, unit in enumerate("kmgtp", start=1)}
_SIZE_SUFFIXES = {"": 0, "b": 0} | {
    unit + tail: power for unit, power in _POWERS.items() for tail in ("", "b", "i", "ib")
}
_NETWORKS = ("bridge", "none", "host")
_PROPAGATION = frozenset({"private", "rprivate", "shared", "rshared", "slave", "rslave"})
_WITHOUT_MEANING = frozenset({"z", "Z", "cached", "delegated", "consistent"})
"""Options of ``-v`` for SELinux and for Docker Desktop, which mean nothing here."""
_TMPFS_FLAGS = {
    "exec": "noexec", "noexec": "exec", "suid": "nosuid", "nosuid": "suid", "dev": "nodev",
    "nodev": "dev", "atime": "noatime", "noatime": "atime", "sync": "async", "async": "sync",
}  # fmt: skip
"""Flags of a tmpfs, each with the one that it undoes."""
_TMPFS_VALUES = frozenset({"uid", "gid", "nr_inodes", "nr_blocks", "mpol", "huge"})


def parse_size(text: str) -> int:
    """Bytes of ``512``, ``64k``, ``1.5g`` or ``2GiB``; every unit is a power of 1024."""
    number = text.lower().rstrip("bikmgtp ")
    power = _SIZE_SUFFIXES.get(text.lower()[len(number) :].strip())
    if power is None or not _is_decimal(number):
        raise _invalid(f"invalid size: '{text}'", "a number and b, k, m, g or t, such as 512m")
    return int(float(number) * 1024**power)


def parse_cpus(text: str) -> float | None:
    """A number of processors such as ``0.5``; ``None`` for 0, which sets no limit."""
    if not _is_decimal(text):
        raise _invalid(f"failed to parse {text} as a rational number", "such as 0.5 or 2")
    return float(text) or None


def parse_network(text: str) -> NetworkMode:
    """A network's name.

    Raises:
        NotSupported: any network but ``bridge``, ``none`` and ``host``.
    """
    name = "bridge" if text == "default" else text
    if name in _NETWORKS:
        return cast("NetworkMode", name)
    raise NotSupported(
        f"network {text} is not supported yet",
        hint=f"networks are {', '.join(_NETWORKS)}",
        exit_code=125,
    )


def parse_ulimit(text: str) -> Ulimit:
    """``NAME=SOFT[:HARD]``; -1 is unlimited."""
    name, equals, values = text.partition("=")
    soft, colon, hard = values.partition(":")
    limits = [value for value in (soft, hard if colon else soft) if _is_limit(value)]
    if not (name and equals and len(limits) == 2):
        raise _invalid(f"invalid ulimit argument: {text}", "such as nofile=1024:2048")
    return Ulimit(name, int(limits[0]), int(limits[1]))


def parse_entrypoint(text: str) -> tuple[str, ...]:
    """``--entrypoint``: one program; an empty text clears the image's."""
    return (text,) if text else ()


def parse_label(text: str) -> tuple[str, str]:
    """``NAME`` or ``NAME=VALUE``."""
    name, _, value = text.partition("=")
    if not name:
        raise _invalid(f"invalid label format: {text!r}")
    return name, value


def parse_environment(entries: Iterable[str], environ: Mapping[str, str]) -> tuple[str, ...]:
    """``NAME=VALUE`` as it is; ``NAME`` alone from ``environ``, or nothing where it isn't set."""
    found = []
    for entry in entries:
        name, equals, _ = entry.partition("=")
        if not name:
            raise _invalid(f"invalid environment variable: {entry}")
        if equals:
            found.append(entry)
        elif name in environ:
            found.append(f"{name}={environ[name]}")
    return tuple(found)


def parse_env_file(text: str, path: str, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The variables of an ``--env-file``.

    Lines that begin with ``#`` are comments; quotes and spaces of a value belong to it.

    Args:
        path: names the file in errors.
    """
    return parse_environment(_file_entries(text, path), environ)


def parse_label_file(text: str, path: str) -> dict[str, str]:
    """The labels of a ``--label-file``."""
    return dict(parse_label(entry) for entry in _file_entries(text, path))


def parse_volume(text: str, directory: str) -> Mount:
    """``-v``: ``[SOURCE:]TARGET[:OPTIONS]``.

    Args:
        directory: what a source that begins with a dot is relative to.
    """
    parts = text.split(":")
    if len(parts) > 3 or not all(parts):
        raise _invalid(
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
            raise _invalid(f"invalid field '{field}' must be a key=value pair", context=text)
        fields[key] = value if equals else "true"
    kind = fields.pop("type", "volume")
    if kind not in _MOUNT_FIELDS:
        raise _invalid(f"mount type {kind} is not known", "bind, volume or tmpfs", context=text)
    for key in fields.keys() - _MOUNT_FIELDS[kind] - {"target", "readonly", "consistency"}:
        raise _invalid(f"unexpected key '{key}' for a mount of type {kind}", context=text)
    if not fields.get("target"):
        raise _invalid("target is required", "target=/path/in/the/container", context=text)
    return _mount(kind, fields, text, directory)


def check_mounts(mounts: Sequence[Mount]) -> tuple[Mount, ...]:
    """The mounts, if no two have one target."""
    seen: set[str] = set()
    for mount in mounts:
        if mount.target in seen:
            raise _invalid(f"duplicate mount point: {mount.target}")
        seen.add(mount.target)
    return tuple(mounts)


def merge(
    options: Options,
    *,
    name: str | None,
    command: Sequence[str] | None,
    ports: Mapping[int | str, int | str | None] | None,
    env: Mapping[str, str] | None,
    volumes: Mapping[str, str] | None,
    memory: int | str | None,
    cpus: float | None,
    network: NetworkMode,
    remove: bool,
    publish_address: str,
) -> Options:
    """``options`` with the arguments of :meth:`dockyard.Engine.run` on top."""
    published = _published(ports or {}, publish_address)
    binds = tuple(_api_volume(source, target) for source, target in (volumes or {}).items())
    return msgspec.structs.replace(
        options,
        name=name or options.name,
        command=options.command if command is None else tuple(command),
        ports=(*options.ports, *published),
        env=(*options.env, *(f"{key}={value}" for key, value in (env or {}).items())),
        mounts=check_mounts((*options.mounts, *binds)),
        memory=_memory(memory) or options.memory,
        cpus=options.cpus if cpus is None else cpus,
        network=options.network if network == "bridge" else network,
        remove=remove,
    )


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
        raise _invalid("source is required for a mount of type bind", context=text)
    return Mount(
        kind="bind", source=_absolute(source, directory), target=target, read_only=read_only,
        options=_bind_options(fields, text),
    )  # fmt: skip


def _bind_options(fields: Mapping[str, str], text: str) -> tuple[str, ...]:
    propagation = fields.get("bind-propagation", "rprivate")
    if propagation not in _PROPAGATION:
        raise _invalid(f"invalid propagation: {propagation}", context=text)
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
            raise _invalid(f"invalid volume specification: '{text}'", f"unknown option {flag}")
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
        raise _invalid(f"invalid tmpfs option {option!r}", context=text)
    kept = [each for each in mount.options if each != _TMPFS_FLAGS.get(name) and each != option]
    return msgspec.structs.replace(mount, options=(*kept, option))


def _published(
    ports: Mapping[int | str, int | str | None], address: str
) -> tuple[PortMapping, ...]:
    from dockyard.networks.ports import parse_publish  # only where ports are published

    found: list[PortMapping] = []
    for container, host in ports.items():
        host_ip, colon, port = str(host or "").rpartition(":")
        wanted = "" if port == "0" else port
        parsed = parse_publish(f"{host_ip}{colon}{wanted}:{container}" if colon or wanted
                               else str(container))  # fmt: skip
        found += [msgspec.structs.replace(one, host_ip=one.host_ip or address) for one in parsed]
    return tuple(found)


def _api_volume(source: str, target: str) -> Mount:
    """A program's directory may be relative without a dot, for it can't be a volume's name."""
    path = os.path.expanduser(source)
    return parse_volume(f"{os.path.abspath(path) if '/' in path else path}:{target}", os.getcwd())


def _memory(memory: int | str | None) -> int | None:
    return parse_size(memory) if isinstance(memory, str) else memory


def _file_entries(text: str, path: str) -> Iterable[str]:
    for line in text.removeprefix("\ufeff").splitlines():
        entry = line.lstrip()
        if not entry or entry.startswith("#"):
            continue
        name = entry.partition("=")[0]
        if not name:
            raise _invalid(f"no variable name on line '{entry}'", context=path)
        if any(character.isspace() for character in name):
            raise _invalid(f"variable '{name}' contains whitespaces", context=path)
        yield entry


def _target(path: str, text: str) -> str:
    """An absolute path in the container, normalised."""
    clean = "/" + os.path.normpath(path).lstrip("/")
    if not path.startswith("/"):
        raise _invalid(f"mount path must be absolute: {path}", context=text)
    if clean == "/":
        raise _invalid("destination can't be '/'", context=text)
    return clean


def _absolute(source: str, directory: str) -> str:
    return os.path.normpath(os.path.join(directory, source))


def _octal(text: str, context: str) -> int:
    try:
        return int(text, 8)
    except ValueError:
        raise _invalid(f"invalid mode {text!r}", "octal, such as 1777", context=context) from None


def _boolean(text: str, key: str, context: str) -> bool:
    if text.lower() not in {"true", "false", "1", "0"}:
        raise _invalid(f"invalid value for {key}: {text}", "true or false", context=context)
    return text.lower() in {"true", "1"}


def _is_decimal(text: str) -> bool:
    digits = text.replace(".", "", 1)
    return digits.isascii() and digits.isdecimal()


def _is_limit(text: str) -> bool:
    return text == "-1" or (text.isascii() and text.isdecimal())


def _invalid(message: str, hint: str | None = None, context: str | None = None) -> InvalidInput:
    return InvalidInput(message, hint=hint, context=context, exit_code=125)
