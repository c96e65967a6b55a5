"""What the text of a YAML scalar means: YAML 1.2, and of 1.1 what Compose's parser still reads."""

from __future__ import annotations

import base64
import binascii
import math
import re
from datetime import UTC, datetime, timedelta, timezone
from typing import Final

_STANDARD: Final = "tag:yaml.org,2002:"
_BINARY: Final = _STANDARD + "binary"
_NAMED: Final[dict[str, object]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_INTEGER: Final = re.compile(
    r"([-+]?)(?:0[xX]([0-9a-fA-F]+)|0[bB]([01]+)|0[oO]?([0-7]+)|(0|[1-9][0-9]*))"
)
_FLOAT: Final = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|( ))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.([0-9]+))?"
    r"(Z|[-+][0-9]{2}:[0-9]{2})?)?"
)
_BOUNDS: Final = (-(2**63), 2**64)
_TYPES: Final = {
    "bool": (bool,),
    "float": (float, int),
    "int": (int,),
    "null": (type(None),),
    "timestamp": (datetime,),
}


class Unreadable(ValueError):
    """The text is nothing of what its tag says."""


def value_of(text: str, tag: str | None, *, plain: bool) -> object:
    """The value of a scalar: text, a number, a truth value, nothing, or a point in time.

    Args:
        tag: what the file says it is, in full; None where it says nothing.
        plain: it has no quotes and is no block.

    Raises:
        Unreadable: the tag is one of YAML's own, and the text isn't of that kind.
    """
    if tag == _BINARY:
        return _binary(text)
    if tag is None:
        return _resolved(text) if plain else text
    kind = tag.removeprefix(_STANDARD)
    if kind == tag or kind not in _TYPES:  # a string, or a tag that means nothing to us
        return text
    value = _resolved(text)
    if not isinstance(value, _TYPES[kind]) or (kind != "bool" and isinstance(value, bool)):
        raise Unreadable(f"{text!r} is no {kind}")
    return float(value) if kind == "float" and isinstance(value, int) else value


def _resolved(text: str) -> object:
    if text in _NAMED:
        return _NAMED[text]
    if text[0] not in "+-.0123456789":
        return text
    moment = _moment(text)
    if moment is not None:
        return moment
    return _number(text.replace("_", ""), text)


def _number(digits: str, text: str) -> object:
    found = _INTEGER.fullmatch(digits)
    if found:
        sign, hexadecimal, binary, octal, decimal = found.groups()
        pairs = ((hexadecimal, 16), (binary, 2), (octal, 8), (decimal, 10))
        number = next(int(part, base) for part, base in pairs if part)
        number = -number if sign == "-" else number
        if _BOUNDS[0] <= number < _BOUNDS[1]:
            return number
    if not _FLOAT.fullmatch(digits):
        return text
    real = float(digits)
    return real if math.isfinite(real) else text


def _moment(text: str) -> datetime | None:
    found = _TIME.fullmatch(text)
    if not found:
        return None
    year, month, day, space, hour, minute, second, fraction, zone = found.groups()
    if hour is not None and (zone is None) != (space is not None):
        return None
    try:
        return datetime(
            int(year), int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0),
            int((fraction or "0")[:6].ljust(6, "0")), _zone(zone),
        )  # fmt: skip
    except ValueError:
        return None


def _zone(text: str | None) -> timezone:
    if text is None or text == "Z":
        return UTC
    offset = timedelta(hours=int(text[1:3]), minutes=int(text[4:6]))
    return timezone(-offset if text[0] == "-" else offset)


def _binary(text: str) -> str:
    try:
        content = base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Unreadable("this is not base64") from error
    return content.decode(errors="replace")
