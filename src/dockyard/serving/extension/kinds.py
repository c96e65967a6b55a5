"""What a property of the block is: its kind, what it is for, and how its text is read."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Mapping
from typing import Any, Final

import msgspec

from dockyard.compose.load.forms.kinds import Unfit
from dockyard.compose.load.forms.scalars import SIZE, parse_duration
from dockyard.compose.load.schema.kinds import Held, Kind, Number, Text
from dockyard.oci.durations import LONGEST

MOST_PORTS: Final = 65535
_SECOND: Final = 10**9

Read = Callable[[str], Any]
"""Makes a value of a text that has the right form.

Raises:
    Unfit: it says what can't be.
"""


class Property(msgspec.Struct, frozen=True, kw_only=True):
    """What may stand under a name.

    - ``about``: what it is for, for editors and the documentation;
    - ``default``: what it is where it isn't given, as a file would say it;
    - ``read``: how its text is read, where it has a notation of its own;
    - ``digits``: a number may stand there for the text of its digits;
    - ``more``: what only a JSON schema says of it.
    """

    of: Kind | Group
    about: str
    default: Any = None
    read: Read | None = None
    digits: bool = False
    more: Mapping[str, Any] = {}


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """A mapping with these properties and no others; ``what`` is its name in messages."""

    what: str
    properties: Mapping[str, Property]
    required: tuple[str, ...] = ()
    more: Mapping[str, Any] = {}


def kind_of(of: Kind | Group) -> Kind:
    """What the checks of Compose files take."""
    if not isinstance(of, Group):
        return of
    properties = {name: kind_of(one.of) for name, one in of.properties.items()}
    return Held(what=of.what, properties=properties, required=of.required, extensible=False)


def text(body: str, form: str) -> Text:
    """A text that is wholly of a form; the expression is one of JSON schemas, too."""
    return Text(pattern=re.compile(rf"^(?:{body})$(?!\n)"), form=form)


def whole(least: int, most: int | None = None) -> Number:
    """A whole number within bounds."""
    return Number(whole=True, least=least, most=most)


def seconds(written: str) -> float:
    """A duration."""
    nanoseconds = parse_duration(written)
    if nanoseconds is None or nanoseconds > LONGEST:
        raise Unfit(f"{written!r} is too long", "292 years are the most")
    return nanoseconds / _SECOND


def size(written: str) -> int:
    """Bytes."""
    return int(SIZE.read(written))


def address(written: str) -> str:
    """``ADDRESS:PORT`` of a listener, or ``PORT`` alone; each in one spelling."""
    host, _, port = written.rpartition(":")
    if not 0 < int(port) <= MOST_PORTS:
        raise Unfit(f"{port} is no port", f"ports are 1 to {MOST_PORTS}")
    if not host:
        return str(int(port))
    family = socket.AF_INET6 if host.startswith("[") else socket.AF_INET
    try:
        plain = socket.inet_ntop(family, socket.inet_pton(family, host.strip("[]")))
    except OSError:
        hint = "such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080"
        raise Unfit(f"{host!r} is no address", hint) from None
    return f"[{plain}]:{int(port)}" if family == socket.AF_INET6 else f"{plain}:{int(port)}"


def path(written: str) -> str:
    """A prefix of whole segments, without a slash at its end."""
    if not {".", ".."}.isdisjoint(written.split("/")):
        raise Unfit(f"{written!r} has a segment of dots alone", "such as /embed")
    return written.rstrip("/") or "/"


_LABEL: Final = "[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?"
_PART: Final = r"[0-9]{1,15}(?:\.[0-9]{1,9})?(?:ns|us|µs|ms|s|m|h|d|w)"
_WORD: Final = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
"""Of RFC 9110: names of headers and cookies."""

DURATION: Final = text(f"(?:{_PART})+", "a duration such as 30s or 1m30s")
SOME_TIME: Final = text(f"(?=.*[1-9])(?:{_PART})+", "a duration above zero, such as 30s or 1m30s")
BYTES: Final = text(
    r"[0-9]{1,15}(?:\.[0-9]{1,9})? ?(?:[bB]|[kKmMgGtTpP](?:[iI]?[bB])?)?",
    "a size such as 32MiB, 512kb or 1g",
)
LISTEN: Final = text(
    r"(?:(?:[0-9.]+|\[[0-9A-Fa-f:.]+\]):)?[0-9]{1,5}",
    "an address such as 127.0.0.1:8080, 0.0.0.0:80 or [::1]:8080",
)
_SEGMENT: Final = r"[^/?#\s\x00-\x1f\x7f]"
PATH: Final = text(
    f"/(?:{_SEGMENT}+/)*{_SEGMENT}*", "a path such as /embed: from / on, without //, ? and #"
)
TARGET: Final = text(r"/[^#\s\x00-\x1f\x7f]*", "a path such as /healthz: from / on, without #")
HOST: Final = text(
    rf"(?:\*\.)?{_LABEL}(?:\.{_LABEL})*",
    "a name such as api.example.com or *.example.com, without a port",
)
SOME_TEXT: Final = text(
    r"[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*", "a text of one line"
)
TOKEN: Final = text(_WORD, "a name of letters, digits, - and _")
LIMITED_BY: Final = text(f"ip|header:{_WORD}", "ip or header:NAME")
HEADER_NAME: Final = re.compile(_WORD)
