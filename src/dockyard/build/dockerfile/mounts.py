"""The values of ``RUN --mount`` and ``RUN --device``: comma-separated options."""

from __future__ import annotations

import csv
from collections.abc import Callable
from enum import StrEnum
from typing import Final, TypeVar

from dockyard.build.dockerfile.instructions import CacheSharing, Device, Mount, MountType
from dockyard.build.dockerfile.quantities import parse_bool, parse_size
from dockyard.build.dockerfile.source import did_you_mean, invalid
from dockyard.errors import BuildError

_ALIASES: Final = {
    "src": "source",
    "dst": "target",
    "destination": "target",
    "ro": "readonly",
    "rw": "readwrite",
}
_TEXTS: Final = frozenset({"from", "source", "target", "id", "env"})
_SWITCHES: Final = frozenset({"readonly", "readwrite", "required"})
_OPTIONS: Final = _TEXTS | _SWITCHES | {"type", "sharing", "size", "mode", "uid", "gid"}
_NEEDS_EXPANSION: Final = frozenset("$'\"\\`")
_MAX_ID: Final = 2**32 - 1

_WRITABLE: Final = frozenset({MountType.CACHE, MountType.TMPFS})
_ONLY_FOR: Final = {
    "required": {MountType.SECRET, MountType.SSH},
    "size": {MountType.TMPFS},
    "sharing": {MountType.CACHE},
    "mode": {MountType.SECRET, MountType.SSH, MountType.CACHE},
    "uid": {MountType.SECRET, MountType.SSH, MountType.CACHE},
    "gid": {MountType.SECRET, MountType.SSH, MountType.CACHE},
}

_T = TypeVar("_T")
_E = TypeVar("_E", bound=StrEnum)


def parse_mount(flag: str, resolve: Callable[[str], str] | None = None) -> Mount:
    """The mount that ``flag`` describes.

    ``resolve`` expands one option's value; without it, a value that holds variables is kept (see
    :class:`Mount`), and the rules between options wait.
    """
    options, complete = _options(flag, resolve)
    kind = _choice(MountType, "mount type", options.get("type", MountType.BIND))
    if complete:
        _check(kind, options)
    sharing = options.get("sharing")
    return Mount(
        flag=flag,
        type=kind,
        from_=options.get("from") or None,
        source=options.get("source"),
        target=options.get("target"),
        read_only=_convert(parse_bool, options, "readonly", default=kind not in _WRITABLE),
        id=options.get("id"),
        sharing=_choice(CacheSharing, "sharing value", sharing) if sharing is not None else None,
        required=_convert(parse_bool, options, "required", default=False),
        size=_convert(parse_size, options, "size", default=None),
        mode=_convert(_octal, options, "mode", default=None),
        uid=_convert(_user_id, options, "uid", default=None),
        gid=_convert(_user_id, options, "gid", default=None),
        env=options.get("env"),
    )


def parse_device(flag: str) -> Device:
    """The device that ``flag`` names, as ``NAME[,required]`` or ``name=NAME,required=BOOL``."""
    name = ""
    required = False
    for field in _fields(flag):
        key, separator, value = field.partition("=")
        if key.lower() == "required":
            required = parse_bool(value) if separator else True
        elif name:
            raise invalid(f"unexpected option '{field}' in --device", "write NAME[,required]")
        else:
            name = value if key.lower() == "name" and separator else field
    if not name:
        raise invalid("--device needs a name", "write --device=vendor.com/class=name")
    return Device(name, required)


def _options(flag: str, resolve: Callable[[str], str] | None) -> tuple[dict[str, str], bool]:
    """The options under their full names, and whether every value could be used as it is."""
    options: dict[str, str] = {}
    complete = True
    for field in _fields(flag):
        written, separator, value = field.partition("=")
        key = _full_name(written.lower(), field)
        if not separator:
            value = _switched_on(key, field)
        elif key == "from" and "$" in value[:-1]:
            raise invalid(
                "'from' doesn't support variable expansion, define alias stage instead",
                "add a stage FROM ... AS name and write from=name",
            )
        elif resolve is not None:
            value = resolve(value)
        elif not _NEEDS_EXPANSION.isdisjoint(value):
            complete = False
            if key not in _TEXTS:
                continue
        if key == "readwrite":
            key, value = "readonly", "false" if _is_true(key, value) else "true"
        options[key] = value
    return options, complete


def _fields(flag: str) -> list[str]:
    try:
        return next(csv.reader([flag], strict=True), [])
    except csv.Error as error:
        raise invalid(
            f"failed to parse csv options '{flag}': {error}",
            hint="close the quotes; a value with a comma stands in quotes",
        ) from error


def _full_name(key: str, field: str) -> str:
    name = _ALIASES.get(key, key)
    if name not in _OPTIONS:
        hint = did_you_mean(key, _OPTIONS) or f"known are {', '.join(sorted(_OPTIONS))}"
        raise invalid(f"unexpected key '{key}' in '{field}'", hint)
    return name


def _switched_on(key: str, field: str) -> str:
    if key not in _SWITCHES:
        raise invalid(
            f"invalid field '{field}' must be a key=value pair",
            hint="write --mount=type=...,target=...",
        )
    return "true"


def _is_true(key: str, value: str) -> bool:
    return _convert(parse_bool, {key: value}, key, default=False)


def _convert(parse: Callable[[str], _T], options: dict[str, str], key: str, *, default: _T) -> _T:
    if key not in options:
        return default
    try:
        return parse(options[key])
    except BuildError as error:
        raise invalid(f"invalid value for {key}: {options[key]}", error.hint or "") from None


def _choice(choices: type[_E], what: str, value: str) -> _E:
    try:
        return choices(value.lower())
    except ValueError:
        known = [str(choice) for choice in choices]
        hint = did_you_mean(value.lower(), known) or f"one of {', '.join(known)}"
        raise invalid(f'unsupported {what} "{value}"', hint) from None


def _octal(text: str) -> int | None:
    if not text or len(text) > 11 or not set(text) <= set("01234567"):
        raise invalid("not a mode", "write octal digits, as in 0755")
    return int(text, 8)


def _user_id(text: str) -> int | None:
    if not (text.isascii() and text.isdecimal() and len(text) <= 10 and int(text) <= _MAX_ID):
        raise invalid("not an id", "write a number")
    return int(text)


def _check(kind: MountType, options: dict[str, str]) -> None:
    """The rules between options."""
    for key, kinds in _ONLY_FOR.items():
        if key in options and kind not in kinds:
            allowed = " and ".join(sorted(kinds))
            raise invalid(f"{key} not allowed for {kind} type mounts", f"it is for {allowed}")
    if kind is not MountType.SECRET:
        return
    if options.get("from"):
        raise invalid(
            "secret mount should not have a from",
            hint="leave from= out: a secret comes by --secret",
        )
    if not any(options.get(key) for key in ("source", "target", "id")):
        raise invalid("invalid secret mount. one of source, target required", "add id=NAME")
    if options.get("source") and options.get("id"):
        raise invalid("both source and id can't be set", "they mean the same: keep id")
