"""How lists and mappings are read that may be written in more than one way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Final

from dockyard.compose.load import shellwords
from dockyard.compose.load.forms.kinds import Scalar, Unfit
from dockyard.compose.load.forms.scalars import TEXT, TRUTH, whole_number
from dockyard.compose.load.printed import printed


def _texts(value: Any) -> list[str]:
    return [TEXT.read(item) for item in _list(value)]


def _text_or_texts(value: Any) -> list[str]:
    texts = [value] if isinstance(value, str) else _list(value)
    for text in texts:
        if not isinstance(text, str):
            raise Unfit(f"must be a list of texts, {printed(text)} is none")
    return texts


def _printed_texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else [printed(item) for item in _list(value)]


def _list(value: Any) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unfit(f"must be a list, not {printed(value)}")
    return value


def _pairs(value: Any) -> Iterable[tuple[str, Any]]:
    """Of a mapping; of a list of ``NAME=VALUE``, with ``None`` for what has no ``=``."""
    if isinstance(value, dict):
        return value.items()
    cuts = (printed(item).partition("=") for item in _list(value))
    return [(name, text if equals else None) for name, equals, text in cuts]


def _labels(value: Any) -> dict[str, str]:
    return {name: "" if item is None else printed(item) for name, item in _pairs(value)}


def _variables(value: Any) -> dict[str, str | None]:
    found = {name: None if item is None else printed(item) for name, item in _pairs(value)}
    for name in found:
        if isinstance(value, list) and name and name[-1].isspace():
            raise Unfit(f"{name!r}: a variable's name ends with a space")
    return found


def _plain(value: Any) -> dict[str, str]:
    return {name: TEXT.read(item) for name, item in _mapping(value).items()}


def _mapping(value: Any) -> dict[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise Unfit(f"must be a mapping, not {printed(value)}")
    return value


def _options(value: Any) -> dict[str, str]:
    return _labels(_mapping(value))


def _multiple(value: Any) -> dict[str, list[str]]:
    return {
        name: [printed(each) for each in (item if isinstance(item, list) else [item])]
        for name, item in _mapping(value).items()
    }


def _hosts(value: Any) -> list[str] | None:
    """``NAME=ADDRESS`` of each address; a name may have none."""
    found: dict[str, list[str]] = {}
    for host, addresses in _host_pairs(value):
        if not host or ":" in host or "=" in host:
            raise Unfit(f"{host!r} can't be the name of a host")
        found.setdefault(host, []).extend(addresses)
    pairs = [f"{host}={_bare(address)}" for host in found for address in found[host]]
    return sorted(pairs) if found else None


def _host_pairs(value: Any) -> Iterable[tuple[str, list[str]]]:
    if isinstance(value, dict):
        for host, item in value.items():
            addresses = item if isinstance(item, list) else ["" if item is None else item]
            yield host, [printed(address) for address in addresses]
        return
    for item in _list(value):
        text = printed(item)
        separator = "=" if "=" in text else ":"
        host, found, listed = text.partition(separator)
        if not found:
            raise Unfit(f"{text!r} has no address", "write it as NAME=ADDRESS")
        yield host, listed.split(",")


def _bare(address: str) -> str:
    """An address without the brackets that IPv6 may have."""
    enclosed = len(address) > 2 and address.startswith("[") and address.endswith("]")
    return address[1:-1] if enclosed else address


def _command(value: Any) -> list[str] | None:
    if value is None:
        return None
    if not isinstance(value, str):
        return _text_or_texts(value)
    try:
        return shellwords.split(value)
    except ValueError as error:
        raise Unfit(f"{error}: {value}", "write the command as a list of words") from None


def _test(value: Any) -> list[str]:
    return ["CMD-SHELL", value] if isinstance(value, str) else _text_or_texts(value)


def _ulimit(value: Any) -> int | dict[str, int]:
    if isinstance(value, dict):
        bounds = {name: _limit(value[name]) for name in ("soft", "hard") if name in value}
        return {name: bound for name, bound in bounds.items() if bound}
    return _limit(value) or {}


def _limit(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unfit(f"{value!r} is no whole number")
    return whole_number(value, -(2**63), 2**63 - 1)


def _keys(value: Any) -> list[str]:
    """Keys for SSH: ``default``, or ``NAME=PATH``."""
    found = _mapping(value).items()
    return [name if path in {None, ""} else f"{name}={printed(path)}" for name, path in found]


def _env_file(value: Any) -> str | dict[str, Any]:
    if isinstance(value, str):
        return value
    path: str = TEXT.read(value.get("path"))
    form: str = TEXT.read(value.get("format"))
    required = TRUTH.read(value.get("required", True))
    if required and not form:
        return path
    return {"path": path, "required": required, **({"format": form} if form else {})}


def _list_of(read: Callable[[Any], Any]) -> Scalar:
    return Scalar(read=read, empty=[])


def _mapping_of(read: Callable[[Any], Any]) -> Scalar:
    return Scalar(read=read, empty={})


TEXTS: Final = _list_of(_texts)
TEXT_OR_TEXTS: Final = _list_of(_text_or_texts)
PRINTED_TEXTS: Final = _list_of(_printed_texts)
HOSTS: Final = Scalar(read=_hosts, empty=None)
TEST: Final = _list_of(_test)
KEYS: Final = _list_of(_keys)
LABELS: Final = _mapping_of(_labels)
VARIABLES: Final = _mapping_of(_variables)
PLAIN: Final = _mapping_of(_plain)
OPTIONS: Final = _mapping_of(_options)
MULTIPLE: Final = _mapping_of(_multiple)
COMMAND: Final = Scalar(read=_command, empty=None)
ULIMIT: Final = Scalar(read=_ulimit, empty=None)
ENV_FILE: Final = Scalar(read=_env_file, empty=None)
