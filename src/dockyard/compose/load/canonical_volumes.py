"""Volumes written short: ``/data``, ``name:/data:ro``, ``./here:/there:z,rslave``."""

from __future__ import annotations

from typing import Any, Final

from dockyard.compose.load.printed import clean_path

_PROPAGATIONS: Final = ("rprivate", "private", "rshared", "shared", "rslave", "slave")
_LABELS: Final = ("z", "Z")


def parse_volume(text: str) -> dict[str, Any]:
    """The long form of a volume.

    Options that nobody knows are ignored, as Docker Compose does.

    Raises:
        ValueError: it is none; the message says why.
    """
    if not text:
        raise ValueError("a volume's text is empty")
    if len(text.encode()) <= 2:
        return {"type": "volume", "target": clean_path(text)}
    source, target, options = _sections(text)
    volume: dict[str, Any] = {"type": "bind" if _is_path(source) else "volume"}
    volume |= {"source": source} if source else {}
    volume |= {"target": clean_path(target)}
    bind, kept = _options(options, volume)
    if volume["type"] == "bind":
        volume["bind"] = {**bind, "create_host_path": True}
    elif bind:
        volume["bind"] = bind
    if kept or volume["type"] == "volume":
        volume["volume"] = kept
    return volume


def _sections(text: str) -> tuple[str, str, list[str]]:
    parts = _split(text)
    if "" in parts:
        raise ValueError(f"{text!r} has nothing between two colons")
    if len(parts) == 1:
        return "", parts[0], []
    if len(parts) > 3:
        raise ValueError(f"{text!r} has too many colons")
    return parts[0], parts[1], parts[2].split(",") if len(parts) == 3 else []


def _split(text: str) -> list[str]:
    """Between colons that aren't a drive's, nor within ``${ }``."""
    parts = [""]
    depth = 0
    for index, character in enumerate(text):
        depth += text.startswith("${", index)
        depth -= character == "}" and depth > 0
        if character == ":" and not depth and not _is_drive(parts[-1]):
            parts.append("")
        else:
            parts[-1] += character
    return parts


def _is_drive(text: str) -> bool:
    return len(text) == 1 and text.isalpha()


def _is_path(source: str) -> bool:
    if source.startswith((".", "/", "~", "\\\\")):
        return True
    return source[1:2] == ":" and _is_drive(source[0])


def _options(options: list[str], volume: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What options say of a bind and of a volume."""
    bind: dict[str, Any] = {}
    kept: dict[str, Any] = {}
    read_only = False
    for option in options:
        if option in {"ro", "rw"}:
            read_only = option == "ro"
        elif option == "nocopy":
            kept = {"nocopy": True}
        elif option in _PROPAGATIONS:
            bind["propagation"] = option
        elif option in _LABELS:
            bind["selinux"] = option
    if read_only:
        volume["read_only"] = True
    return bind, kept
