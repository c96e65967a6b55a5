"""The bytes of a blob, as they come from a registry."""

from __future__ import annotations

import re
from typing import Final

import urllib3.exceptions

from dockyard.decoding import natural
from dockyard.errors import ContentMismatch, RegistryError
from dockyard.registry.problems import RangeIgnored
from dockyard.registry.transport import Answer, Transport

_RANGE: Final = re.compile(r"bytes ([0-9]{1,19})-([0-9]{1,19})/(?:[0-9]{1,19}|\*)")
PARTIAL: Final = 206


class BlobStream:
    """Bytes of a blob in order, no more than were asked for."""

    def __init__(self, answer: Answer, transport: Transport, host: str, length: int | None) -> None:
        """``length`` is how many bytes there have to be; ``None`` where only the server knows."""
        self._answer = answer
        self._transport = transport
        self._host = host
        self.size = length
        self._left = length

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end.

        Raises:
            Interrupted: the connection broke off; what was read before is good to go on from.
            ContentMismatch: there are more or fewer than were asked for.
        """
        try:
            data = self._answer.read(size)
        except (urllib3.exceptions.HTTPError, OSError, ValueError) as error:
            self._transport.failed(error, self._host)
        if self._left is None:
            return data
        self._left -= len(data)
        if self._left < 0 or (not data and size and self._left):
            raise ContentMismatch(f"{self._host} sends another number of bytes than it should")
        return data


def headers_for(offset: int, length: int | None) -> dict[str, str]:
    """What asks for a part of a blob. Pure."""
    if not offset and length is None:
        return {}
    end = "" if length is None else offset + length - 1
    return {"Range": f"bytes={offset}-{end}"}


def check_range(answer: Answer, offset: int, length: int | None, host: str) -> int | None:
    """Whether a server gives the part that was asked for; how many bytes of it.

    Raises:
        RangeIgnored: it gives the whole.
        RegistryError: it gives another part.
    """
    announced = natural(answer.headers.get("Content-Length", ""))
    if not offset and length is None:
        return announced
    if answer.status != PARTIAL:
        raise RangeIgnored(f"{host} gives whole blobs only", hint="read it from its beginning")
    found = _RANGE.fullmatch(answer.headers.get("Content-Range", "").strip())
    start, end = (int(found[1]), int(found[2])) if found else (-1, -1)
    if start != offset or end < start or (length is not None and end - start >= length):
        raise RegistryError(
            f"{host} gives another part of a blob than was asked for",
            hint="a cache between may be broken: try again, or ask whoever runs it",
        )
    return end - start + 1
