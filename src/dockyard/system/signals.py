"""Names and numbers of signals. Pure."""

from __future__ import annotations

import functools
import re
import signal

from dockyard.decoding import natural
from dockyard.errors import InvalidInput

_LAST = 64


@functools.cache
def _real_time_pattern() -> re.Pattern[str]:
    return re.compile(r"(?:SIG)?RT(MIN|MAX)(?:([+-])(\d{1,2}))?")


def signal_number(text: str) -> int:
    """The number of ``SIGTERM``, ``TERM``, ``15`` or ``SIGRTMIN+3``.

    Raises:
        InvalidInput: no such signal.
    """
    name = text.upper()
    number = natural(name, _LAST)
    if number:
        return number
    real_time = _real_time_pattern().fullmatch(name)
    if real_time is not None:
        return _real_time(text, *real_time.groups())
    try:
        return signal.Signals[name if name.startswith("SIG") else f"SIG{name}"]
    except KeyError:
        raise _invalid(text) from None


def _real_time(text: str, edge: str, sign: str | None, distance: str | None) -> int:
    first = signal.SIGRTMIN if edge == "MIN" else signal.SIGRTMAX
    number = first + int(distance or 0) * (-1 if sign == "-" else 1)
    if number not in range(signal.SIGRTMIN, signal.SIGRTMAX + 1):
        raise _invalid(text)
    return number


def _invalid(text: str) -> InvalidInput:
    return InvalidInput(
        f"invalid signal: {text}", hint="a name such as TERM, or a number from 1 to 64"
    )
