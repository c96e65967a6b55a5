"""Requests for blobs: ``GET``, ``HEAD`` and ``DELETE`` of ``blobs/DIGEST``."""

from __future__ import annotations

import asyncio
import contextlib
import os

from aiohttp import web

from dockyard.registry.server import problems, ranges
from dockyard.registry.server.blobs import Blob
from dockyard.registry.server.content import Identity, identity_of
from dockyard.registry.server.fetch import HELD_BACK, Fetch
from dockyard.registry.server.send import broken_off, send_file
from dockyard.registry.server.web.call import Call

_YEAR = 31_536_000
_BLOCK = 1 << 18


async def read(call: Call) -> web.StreamResponse:
    """The content, or the part of it that ``Range`` names."""
    call.require("pull")
    digest = call.digest()
    service = call.service
    asks_to_push = call.request.method == "HEAD" and call.may(call.name, "push")
    blob = await service.records(
        service.blobs.find, call.name, digest,
        keep_after=service.rules.collecting.noted_after if asks_to_push else None,
    )  # fmt: skip
    if blob is None and call.service.mirror is not None:
        if call.request.method == "HEAD":
            return await _described(call, digest, await call.service.mirror.size(call.name, digest))
        fetch = await call.service.mirror.blob(call.name, digest)
        if not fetch.done and fetch.size is not None:
            with (
                contextlib.suppress(FileNotFoundError),  # it has just become a blob, or none
                open(fetch.path, "rb", buffering=0) as stream,
            ):
                return await follow(call, fetch, fetch.size, stream.fileno())
        while not fetch.done:
            await fetch.progress()
        fetch.check()
        blob = await call.service.records(call.service.blobs.find, call.name, digest)
    if blob is None:
        raise problems.unknown_blob(digest)
    return await answer(call, blob)


async def answer(call: Call, blob: Blob) -> web.StreamResponse:
    """Sends a blob that the client may have.

    Raises:
        problems.Refused: the range makes no sense, or the file is damaged.
    """
    response = _response(blob.digest)
    if call.request.headers.get("If-None-Match") == f'"{blob.digest}"':
        response.set_status(304)
        await response.prepare(call.request)
        return response
    span = _span(call, blob, response)
    try:
        stream = open(call.service.content.path(blob.digest), "rb", buffering=0)  # noqa: SIM115
    except FileNotFoundError:
        raise await _lost(call, blob, None) from None
    with stream:
        status = os.fstat(stream.fileno())
        if status.st_size != blob.size:
            raise await _lost(call, blob, identity_of(status))
        return await send_file(
            call.request, stream, span, response, call.service.rules.stall_seconds
        )


def _response(digest: str) -> web.StreamResponse:
    return web.StreamResponse(headers={
        "Docker-Content-Digest": digest, "ETag": f'"{digest}"',
        "Accept-Ranges": "bytes", "Content-Type": "application/octet-stream",
        "Cache-Control": f"max-age={_YEAR}, private",
    })  # fmt: skip


def _span(call: Call, blob: Blob, response: web.StreamResponse) -> ranges.Span:
    """What of the content is wanted; the answer says so."""
    try:
        span = ranges.asked(_range(call, blob), blob.size)
    except ranges.BeyondEnd:
        raise problems.no_such_range(blob.size) from None
    if span is None:
        return ranges.Span(0, blob.size)
    response.set_status(206)
    last = span.start + span.length - 1
    response.headers["Content-Range"] = f"bytes {span.start}-{last}/{blob.size}"
    return span


async def _described(call: Call, digest: str, size: int) -> web.StreamResponse:
    """Says of a blob that isn't here what there would be of it."""
    response = _response(digest)
    response.content_length = _span(call, Blob(digest, size), response).length
    await response.prepare(call.request)
    return response


async def follow(call: Call, fetch: Fetch, size: int, file: int) -> web.StreamResponse:
    """Sends a blob that is still on its way here, behind what has come of it.

    Raises:
        ConnectionResetError: it can't be had, or the client takes next to nothing.
    """
    response = _response(fetch.digest)
    span = _span(call, Blob(fetch.digest, size), response)
    response.content_length = span.length
    await response.prepare(call.request)
    at, end = span.start, span.start + span.length
    try:
        while at < end:
            await _until(fetch, at, end)
            ready = fetch.received if fetch.done else min(fetch.received, size - HELD_BACK)
            block = await asyncio.to_thread(os.pread, file, min(_BLOCK, ready - at, end - at), at)
            async with asyncio.timeout(call.service.rules.stall_seconds):
                await response.write(block)
            at += len(block)
    except (TimeoutError, OSError):  # nothing else can be said any more
        raise broken_off(call.request, "the rest can't be sent") from None
    return response


async def _until(fetch: Fetch, at: int, end: int) -> None:
    """Waits until there is more to send.

    Raises:
        ConnectionResetError: there won't be, which the client must see.
    """
    while True:
        if fetch.error is not None or (fetch.done and fetch.received < end):
            raise ConnectionResetError("what was to be sent can't be had")
        held = 0 if fetch.done else HELD_BACK
        if fetch.size is not None and min(fetch.received, fetch.size - held) > at:
            return
        await fetch.progress()


def _range(call: Call, blob: Blob) -> str | None:
    """The range, if it is wanted of just this content (RFC 9110, 13.1.5)."""
    condition = call.request.headers.get("If-Range")
    return call.request.headers.get("Range") if condition in {None, f'"{blob.digest}"'} else None


async def _lost(call: Call, blob: Blob, seen: Identity | None) -> problems.Refused:
    """A file that went or was cut: it is not there any more, and can be pushed again."""
    blobs = call.service.blobs
    still = await call.service.records(blobs.find, call.name, blob.digest)
    if still is None or not await call.service.records(blobs.lose, blob.digest, seen):
        return problems.unknown_blob(blob.digest)  # it was just removed, and perhaps pushed again
    call.service.log.error("blob %s is damaged on disk: it was taken out", blob.digest)
    return problems.damaged_blob(blob.digest)


async def remove(call: Call) -> web.StreamResponse:
    """Takes a blob from the repository."""
    call.require("delete")
    digest = call.digest()
    gone = await call.service.records(call.service.blobs.unlink, call.name, digest)
    if gone is None:
        raise problems.unknown_blob(digest)
    if not gone:
        raise problems.unsupported("a manifest needs this blob: remove that first")
    await call.record("delete", digest=digest)
    return web.Response(status=202, headers={"Docker-Content-Digest": digest})
