"""A record as an HTTP request, and what the answer says of it. Pure, but for a folder's files.

A status below 300 answers: its body is the result, or its rejection where it has an ``error``. One
from 400 rejects the record, but for those that say "later" or "too slow"; all others are failures.
"""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec

from dockyard.batch import ids
from dockyard.batch.contract import ERROR, rejection, shown
from dockyard.batch.model import Job, Outcome, OutcomeKind
from dockyard.batch.read import MOUNT

MAX_BODY = 64 << 20
_RESULT = "result"
_LATER = frozenset({408, 425, 429})
_BUSY = frozenset({429, 503})
_LONGEST_WAIT = 30.0
_ENCODER = msgspec.json.Encoder()


class Request(NamedTuple):
    """What is posted for a record."""

    path: str
    body: bytes
    headers: Mapping[str, str]


class Reply(NamedTuple):
    """What came back."""

    status: int
    body: bytes
    retry_after: str = ""


def request(job: Job, line: bytes, own: ids.Id) -> Request:
    """The request for a record; of a folder, the file itself is its body.

    Raises:
        OSError: the file can't be read.
    """
    path = job.http.path if job.http is not None else "/"
    headers = {"X-Record-Id": urllib.parse.quote(ids.text(own))}
    if job.source.format != "files":
        return Request(path, line, {**headers, "Content-Type": "application/json"})
    name = str(msgspec.json.decode(line)["path"]).removeprefix(f"{MOUNT}/")
    with open(os.path.join(job.source.path, name), "rb") as stream:
        body = stream.read()
    return Request(path, body, {**headers, "Content-Type": "application/octet-stream"})


def busy_seconds(reply: Reply, number: int) -> float | None:
    """How long to wait before a request is sent again; ``None`` where it isn't.

    Args:
        number: of the tries so far.
    """
    if reply.status not in _BUSY:
        return None
    asked = reply.retry_after
    wait = float(asked) if asked.isascii() and asked.isdecimal() else 0.5 * 2 ** (number - 1)
    return min(wait, _LONGEST_WAIT)


def is_unwell(reply: Reply) -> bool:
    """Whether an answer speaks of the server as much as of the record."""
    return reply.status >= 500 or reply.status in _LATER


def outcome(position: int, own: ids.Id, field: str, reply: Reply) -> Outcome | str:
    """What came of a record, or why nothing did."""
    if len(reply.body) > MAX_BODY:
        return f"the answer is larger than {MAX_BODY >> 20} MiB"
    if reply.status < 300:
        return _answer(position, own, field, reply.body)
    reason = f"HTTP {reply.status}: {shown(reply.body)}".rstrip(": ")
    if 400 <= reply.status < 500 and reply.status not in _LATER:
        return rejection(position, own, field, reason)
    return reason


def _answer(position: int, own: ids.Id, field: str, body: bytes) -> Outcome | str:
    try:
        value = msgspec.json.decode(body) if body.strip() else None
    except (msgspec.DecodeError, UnicodeDecodeError):
        try:
            value = body.decode()
        except UnicodeDecodeError:
            return "the answer is neither JSON nor text"
    if not isinstance(value, dict):
        return Outcome(position, "result", _ENCODER.encode({field: own, _RESULT: value}))
    found = value.get(field, own)
    if ids.problem(found) or ids.text(found) != ids.text(own):
        return f'the answer carries the id "{found}", not "{ids.text(own)}"'
    whole: dict[str, Any] = {field: own, **value}
    kind: OutcomeKind = "rejection" if value.get(ERROR) is not None else "result"
    return Outcome(position, kind, _ENCODER.encode(whole))


def words(error: Exception) -> str:
    """What went wrong with a request."""
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    return str(error) or type(error).__name__
