"""The ``--flags`` of instructions, against what each instruction knows."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum
from typing import Final

from dockyard.build.dockerfile.source import did_you_mean, invalid


class _Kind(Enum):
    SWITCH = "a truth value, true where none is given"
    TEXT = "one value"
    LIST = "a value, may be given several times"


_COPY: Final = {"chown": _Kind.TEXT, "chmod": _Kind.TEXT, "link": _Kind.SWITCH}
_KNOWN: Final[dict[str, dict[str, _Kind]]] = {
    "FROM": {"platform": _Kind.TEXT},
    "RUN": {
        "mount": _Kind.LIST,
        "device": _Kind.LIST,
        "network": _Kind.TEXT,
        "security": _Kind.TEXT,
    },
    "COPY": {**_COPY, "exclude": _Kind.LIST, "from": _Kind.TEXT, "parents": _Kind.SWITCH},
    "ADD": {
        **_COPY,
        "exclude": _Kind.LIST,
        "checksum": _Kind.TEXT,
        "keep-git-dir": _Kind.SWITCH,
        "unpack": _Kind.SWITCH,
    },
    "HEALTHCHECK": dict.fromkeys(
        ("interval", "timeout", "start-period", "start-interval", "retries"), _Kind.TEXT
    ),
}


class Flags:
    """The flags of one instruction. Raises :class:`BuildError` for what it doesn't know."""

    def __init__(self, keyword: str, words: Iterable[str]) -> None:
        self._values: dict[str, list[str]] = {}
        known = _KNOWN.get(keyword, {})
        for word in words:
            flag, separator, value = word.partition("=")
            name = flag.removeprefix("--")
            if name not in known:
                raise _unknown(keyword, flag, known)
            if name in self._values and known[name] is not _Kind.LIST:
                raise invalid(f"duplicate flag specified: {flag}", hint="leave one out")
            if known[name] is _Kind.SWITCH:
                value = _switch(flag, value if separator else "true")
            elif not separator:
                raise invalid(f"missing a value on flag: {flag}", f"write {flag}=...")
            self._values.setdefault(name, []).append(value)

    def text(self, name: str) -> str | None:
        """A flag's value, None where it isn't given or empty."""
        return self._values.get(name, [""])[0] or None

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a flag."""
        return tuple(self._values.get(name, ()))

    def switch(self, name: str) -> bool | None:
        """A truth value, None where it isn't given."""
        values = self._values.get(name)
        return values[0] == "true" if values else None


def _switch(flag: str, value: str) -> str:
    if not value:
        raise invalid(f"missing a value on flag: {flag}", f"write {flag} or {flag}=false")
    if value.lower() not in {"true", "false"}:
        raise invalid(
            f"expecting boolean value for flag {flag}, not: {value}",
            hint=f"write {flag}=true or {flag}=false",
        )
    return value.lower()


def _unknown(keyword: str, flag: str, known: Iterable[str]) -> Exception:
    choices = [f"--{name}" for name in known]
    if not choices:
        hint = f"{keyword} takes no flags; write -- before an argument that begins with --"
    else:
        hint = did_you_mean(flag, choices) or f"{keyword} knows {', '.join(choices)}"
    return invalid(f"unknown flag: {flag}", hint)
