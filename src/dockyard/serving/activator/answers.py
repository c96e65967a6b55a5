"""What the activator answers itself, told from a replica's answers by ``X-Dockyard-Error``."""

from __future__ import annotations

import math

import msgspec

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
WAITED = "X-Dockyard-Waited"
"""Says for the gateway's log how long a request waited in the queue: milliseconds, or
:data:`STARTED`; the gateway takes it out, so no client sees it."""
STARTED = "start"
"""Its time in the queue has the start of a replica in it."""

_PHRASES = {
    200: b"OK", 400: b"Bad Request", 404: b"Not Found", 405: b"Method Not Allowed",
    417: b"Expectation Failed", 431: b"Request Header Fields Too Large", 501: b"Not Implemented",
    502: b"Bad Gateway", 503: b"Service Unavailable", 504: b"Gateway Timeout",
    505: b"HTTP Version Not Supported",
}  # fmt: skip


class Refused(Exception):
    """A request that no replica will answer.

    Args:
        status: of HTTP.
        reference: kebab-case, for programs.
        reason: a sentence for people.
        retry_after: seconds after which it may go better.
    """

    def __init__(
        self, status: int, reference: str, reason: str, retry_after: float | None = None
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.reference = reference
        self.reason = reason
        self.retry_after = retry_after

    def fields(self) -> dict[str, str]:
        """What the answer's head says of it."""
        found = {"X-Dockyard-Error": self.reference}
        if self.retry_after is not None:
            found["Retry-After"] = str(max(1, math.ceil(self.retry_after)))
        return found

    def render(self, *, close: bool, bodiless: bool = False, mark: bytes = b"") -> bytes:
        """The whole answer.

        Args:
            close: the client is to use the connection for nothing more.
            bodiless: it asked for the head alone.
            mark: a whole line; see :func:`marked`.
        """
        fields = [f"{name}: {value}\r\n".encode() for name, value in self.fields().items()]
        fields.append(mark)
        error = {"code": self.status, "type": self.reference, "message": self.reason}
        body = msgspec.json.encode({"error": error})  # as the gateway's own answers are
        return document(self.status, body, fields, close=close, bodiless=bodiless)


def marked(waited: str) -> bytes:
    """The line of a head that says how long a request waited; nothing for one that didn't."""
    return f"{WAITED}: {waited}\r\n".encode() if waited else b""


def document(
    status: int, body: bytes, fields: list[bytes] | None = None, *,
    close: bool, bodiless: bool = False,
) -> bytes:  # fmt: skip
    """An answer with a JSON document."""
    lines = [
        b"HTTP/1.1 %d %b\r\n" % (status, _PHRASES.get(status, b"")),
        b"Content-Type: application/json\r\n",
        b"Content-Length: %d\r\n" % len(body),
        *(fields or ()),
    ]
    if close:
        lines.append(b"Connection: close\r\n")
    lines.append(b"\r\n")
    if not bodiless:
        lines.append(body)
    return b"".join(lines)
