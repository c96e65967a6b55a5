"""``registry.toml`` in the registry's directory: read, and read again when it changes."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
from typing import Final, Literal

import msgspec

from dockyard import decoding
from dockyard.errors import InvalidInput
from dockyard.registry.access import patterns
from dockyard.registry.server.rules import Collecting, Quota, Retention, Rules

NAME: Final = "registry.toml"
_SIZE: Final = re.compile(r"([0-9]{1,15})\s*([kmgtp]?)(i?b)?", re.IGNORECASE)
_TIME: Final = re.compile(r"([0-9]{1,9})\s*(s|m|h|d|w)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TAGS: Final = re.compile(r"[A-Za-z0-9_.*?\[\]!-]{1,128}")


class _Strict(msgspec.Struct, frozen=True, rename="kebab", forbid_unknown_fields=True):
    """A table: what it doesn't know is a slip of the pen."""


class _Quota(_Strict, frozen=True):
    repositories: str
    size: str


class _Retention(_Strict, frozen=True):
    repositories: str
    tags: str = "*"
    keep_last: int | None = None
    keep_newer: str | None = None


class _Collecting(_Strict, frozen=True):
    every: str = "1h"
    grace: str = "1h"
    untagged: str = "7d"
    uploads: str = "1d"


class _File(_Strict, frozen=True):
    max_blob: str = "0"
    stall: str = "60s"
    connections: int = 1024
    metrics: str = "admin"
    immutable: tuple[str, ...] = ()
    quota: tuple[_Quota, ...] = ()
    retention: tuple[_Retention, ...] = ()
    gc: _Collecting = _Collecting()


_TABLES: Final[dict[str, type[_Strict]]] = {
    "quota": _Quota, "retention": _Retention, "gc": _Collecting,
}  # fmt: skip


class RulesFile:
    """The rules as they are now; see :meth:`refresh`."""

    def __init__(self, root: str) -> None:
        """Reads them; there need not be a file.

        Raises:
            InvalidInput: it says what makes no sense.
        """
        self.path = f"{root}/{NAME}"
        self._seen: tuple[int, int, int] | None = None
        self.rules = Rules()
        self.refresh()

    def refresh(self) -> bool:
        """Reads the file if it has changed; True where the rules may be others now.

        Raises:
            InvalidInput: it makes no sense; the rules stay what they were.
        """
        seen = _identity(self.path)
        if seen == self._seen:
            return False
        self._seen = seen
        self.rules = read(self.path) if seen is not None else Rules()
        return True


def read(path: str) -> Rules:
    """The rules in a file.

    Raises:
        InvalidInput: it makes no sense.
    """
    try:
        with open(path, "rb") as stream:
            return parse(tomllib.load(stream))
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"{path} can't be understood: {error}", hint="docs/registry-server.md has an example"
        ) from error
    except OSError as error:
        raise InvalidInput(
            f"{path} can't be read: {error.strerror}", hint="look at its owner and mode (ls -l)"
        ) from error
    except InvalidInput as error:
        raise InvalidInput(f"{path}: {error.message}", hint=error.hint) from error


def parse(document: dict[str, object]) -> Rules:
    """The rules that a document means. Pure.

    Raises:
        InvalidInput: a value makes no sense.
        msgspec.ValidationError: a field isn't known, or has another type.
    """
    _refuse_unknown(document, _File)
    found = decoding.from_builtins(document, _File)
    if found.connections < 1:
        raise InvalidInput("connections is less than one", hint="a number, such as 1024")
    stall = _certain(found.stall, "stall")
    return Rules(
        max_blob=_bytes(found.max_blob), stall_seconds=float(max(1, stall)),
        connections=found.connections, metrics=_audience(found.metrics),
        immutable=tuple(map(_immutable, found.immutable)),
        quotas=tuple(Quota(patterns.check(one.repositories), _bytes(one.size))
                     for one in found.quota),
        retention=tuple(map(_retention, found.retention)),
        collecting=Collecting(
            every=_seconds(found.gc.every), grace=_certain(found.gc.grace, "grace"),
            untagged=_seconds(found.gc.untagged), uploads=_certain(found.gc.uploads, "uploads"),
        ),
    )  # fmt: skip


def _refuse_unknown(table: dict[str, object], kind: type[_Strict], where: str = "") -> None:
    """Says which key there is instead.

    Raises:
        InvalidInput: a table has a key that isn't known.
    """
    known = {one.encode_name: _TABLES.get(one.encode_name) for one in msgspec.structs.fields(kind)}
    for name, value in table.items():
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            there = f"there is {', '.join(sorted(known))}"
            raise InvalidInput(
                f"unknown key {name!r}{where}",
                hint=f"did you mean {near[0]}? {there}" if near else there,
            )
        inner = known[name] if not where else None
        for each in value if isinstance(value, list) else [value]:
            if inner is not None and isinstance(each, dict):
                _refuse_unknown(each, inner, f" in {name}")


def _audience(text: str) -> Literal["admin", "everybody", "off"]:
    known: dict[str, Literal["admin", "everybody", "off"]] = {
        "admin": "admin", "everybody": "everybody", "off": "off",
    }  # fmt: skip
    if text not in known:
        raise InvalidInput(f"metrics can't be for {text!r}", hint="admin, everybody or off")
    return known[text]


def _immutable(text: str) -> str:
    name, colon, tag = text.rpartition(":")
    if not colon or not _TAGS.fullmatch(tag):
        raise InvalidInput(
            f"invalid pattern of immutable tags: {text!r}",
            hint="REPOSITORY:TAG with * in both, such as prod/**:v*",
        )
    patterns.check(name)
    return text


def _retention(one: _Retention) -> Retention:
    if not _TAGS.fullmatch(one.tags):
        raise InvalidInput(f"invalid pattern of tags: {one.tags!r}", hint="such as v* or *-dev")
    if one.keep_last is None and one.keep_newer is None:
        raise InvalidInput(
            f"the rule of retention for {one.repositories} keeps nothing and says nothing",
            hint="give keep-last, keep-newer, or both",
        )
    if one.keep_last is not None and one.keep_last < 0:
        raise InvalidInput("keep-last is less than nothing", hint="a number of tags, such as 10")
    newer = None if one.keep_newer is None else _certain(one.keep_newer, "keep-newer")
    return Retention(patterns.check(one.repositories), one.tags, one.keep_last, newer)


def _bytes(text: str) -> int:
    """``10GB`` by powers of 1024, as all of Docker's sizes."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"invalid size: {text!r}", hint="such as 500MB, 20GB or 1TB")
    power = " kmgtp".index(found[2].lower() or " ")
    return int(found[1]) * int(1024**power)


def _seconds(text: str) -> int | None:
    """``90s``, ``12h``, ``30d``; ``None`` for ``never``."""
    if text.strip() == "never":
        return None
    found = _TIME.fullmatch(text.strip())
    if found is None:
        raise InvalidInput(f"invalid time: {text!r}", hint="such as 90s, 12h, 30d, or never")
    return int(found[1]) * _SECONDS[found[2]]


def _certain(text: str, what: str) -> int:
    seconds = _seconds(text)
    if seconds is None:
        raise InvalidInput(f"{what} can't be never", hint="a time, such as 1h")
    return seconds


def _identity(path: str) -> tuple[int, int, int] | None:
    """What changes when a file does; ``None`` where there is none."""
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def read_seconds(text: str, what: str) -> int:
    """A time as the file has it.

    Raises:
        InvalidInput: it is none, or never.
    """
    return _certain(text, what)
