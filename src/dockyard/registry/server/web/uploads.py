"""Requests that send blobs: ``blobs/uploads/`` and what becomes of it.

An upload belongs to who began it, and to his repository; for all others there is none.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from dockyard.errors import DiskFull
from dockyard.registry.server import names, problems, ranges
from dockyard.registry.server.blobs import Upload
from dockyard.registry.server.content import FULL
from dockyard.registry.server.receive import settled
from dockyard.registry.server.reservations import Reservation
from dockyard.registry.server.service import Service
from dockyard.registry.server.web.bodies import paced
from dockyard.registry.server.web.call import Call


async def begin(call: Call) -> web.StreamResponse:
    """``POST``: mounts a blob of another repository, takes a whole blob, or begins an upload."""
    call.require("push")
    if "mount" in call.request.query:
        mounted = await _mount(call)
        if mounted is not None:
            return mounted
    digest = call.query("digest")
    if digest and not names.is_digest(digest):
        raise problems.bad_digest(digest)
    room = await call.service.room(call.name)
    if room is not None:
        room.require(1)
    upload = await call.service.records(call.service.blobs.start, call.name, call.owner)
    if upload is None:
        raise problems.too_many("too many uploads are under way")
    if digest and "mount" not in call.request.query:
        try:
            await _receive(call, upload, chunk=False)
            return await _finish(call, upload, digest)
        except BaseException:  # nobody was told of it
            await asyncio.shield(_drop(call, upload))
            raise
    return web.Response(status=202, headers=_place(upload, 0))


async def _mount(call: Call) -> web.StreamResponse | None:
    """The answer where a blob could be mounted; ``None`` where it has to be sent."""
    digest, source = call.query("mount"), call.query("from")
    if not names.is_digest(digest):
        raise problems.bad_digest(digest)
    if source:
        sources = [source] if names.is_name(source) else []
    else:
        sources = await call.service.records(call.service.blobs.holders, digest)
    for one in sources:
        if call.may(one, "pull") and await call.service.records(
            call.service.blobs.mount, call.name, digest, one, call.service.quota(call.name)
        ):
            await call.record("mount", digest=digest, detail=f"from {one}")
            return web.Response(status=201, headers=_stored(call.name, digest))
    return None


async def send(call: Call) -> web.StreamResponse:
    """``PATCH``: appends a chunk."""
    upload = await _upload(call)
    await call.service.receiver.hold(upload.id)
    try:
        async with _freed_without_room(call, upload):
            size = await _receive(call, upload, chunk=True)
    finally:
        call.service.receiver.release(upload.id)
    return web.Response(status=202, headers=_place(upload, size))


async def finish(call: Call) -> web.StreamResponse:
    """``PUT``: appends what is left, if anything, and makes it a blob."""
    upload = await _upload(call)
    digest = call.query("digest")
    if not names.is_digest(digest):
        raise problems.bad_digest(digest)
    await call.service.receiver.hold(upload.id)
    try:
        async with _freed_without_room(call, upload):
            if call.request.can_read_body:
                await _receive(call, upload, chunk=True)
            return await _finish(call, upload, digest)
    finally:
        call.service.receiver.release(upload.id)


async def state(call: Call) -> web.StreamResponse:
    """``GET``: how much has come."""
    upload = await _upload(call)
    return web.Response(status=204, headers=_place(upload, _size(call, upload)))


async def cancel(call: Call) -> web.StreamResponse:
    """``DELETE``: forgets an upload."""
    upload = await _upload(call)
    await call.service.receiver.hold(upload.id)
    try:
        await _drop(call, upload)
    finally:
        call.service.receiver.release(upload.id)
    return web.Response(status=204)


async def _upload(call: Call) -> Upload:
    """The upload that the path names, if it is the client's own.

    Raises:
        problems.Refused: there is none of his.
    """
    call.require("push")
    found = None
    if names.is_upload(call.item):
        found = await call.service.records(call.service.blobs.upload, call.item)
    if found is None or found.repository != call.name or found.owner != call.owner:
        raise problems.unknown_upload(call.item)
    return found


async def _receive(call: Call, upload: Upload, *, chunk: bool) -> int:
    """Appends the request's body; the size of the upload then."""
    service, announced = call.service, call.request.content_length or 0
    if chunk:
        _check_order(call, upload)
    offset = _size(call, upload)
    reservation = service.reservations.open(upload)
    bound = Bound(service, reservation, ahead=not announced)
    try:
        await bound.require(offset + announced)
        await call.proceed()
        size = await service.receiver.append(
            upload.id, paced(call.request, service.rules), bound.require
        )
    except FileNotFoundError:
        raise problems.unknown_upload(upload.id) from None
    except OSError as error:
        if error.errno in FULL:
            raise problems.disk_full() from error
        raise
    finally:
        service.reservations.close(reservation)
    service.metrics.received(size - offset)
    if announced and size - offset != announced:
        raise problems.bad_size("the body has another length than was announced")
    return size


class Bound:
    """How large an upload may become, beside all others that come in."""

    def __init__(self, service: Service, reservation: Reservation, *, ahead: bool) -> None:
        """``ahead`` where nobody knows how much there will be."""
        self._service = service
        self._reservation = reservation
        self._ahead = ahead

    async def require(self, size: int) -> None:
        """Refuses to go on.

        Raises:
            problems.Refused: so many bytes are too many.
        """
        service, rules = self._service, self._service.rules
        if rules.max_blob and size > rules.max_blob:
            raise problems.too_large(rules.max_blob)
        if service.reservations.needs(self._reservation, rules, size):
            await service.records(
                service.reservations.extend, self._reservation, rules, size, ahead=self._ahead
            )


def _check_order(call: Call, upload: Upload) -> None:
    """A chunk has to begin where the last one ended.

    Raises:
        problems.Refused: it doesn't, or its length isn't that of its body.
    """
    header = call.request.headers.get("Content-Range")
    if header is None:
        return
    span, size = ranges.sent(header), _size(call, upload)
    if span is None:
        raise problems.bad_upload("Content-Range makes no sense")
    if span.start != size:
        raise problems.out_of_order(_place(upload, size))
    if call.request.content_length not in {None, span.length}:
        raise problems.bad_size("Content-Range and Content-Length differ")


async def _finish(call: Call, upload: Upload, digest: str) -> web.StreamResponse:
    try:
        found = await call.service.receiver.digest(upload.id, digest.partition(":")[0])
        if found != digest:
            await _drop(call, upload)
            raise problems.other_digest(digest, found)
        # Until that is over nobody else may have the upload: he would append to the blob.
        await settled(asyncio.ensure_future(_make_blob(call, upload, digest)))
    except FileNotFoundError:
        raise problems.unknown_upload(upload.id) from None
    return web.Response(status=201, headers=_stored(call.name, digest))


async def _make_blob(call: Call, upload: Upload, digest: str) -> None:
    service, size = call.service, _size(call, upload)
    await service.records(service.blobs.finish, upload, digest, size, service.quota(call.name))
    service.receiver.forget(upload.id)
    service.begin_sync(digest)


@contextlib.asynccontextmanager
async def _freed_without_room(call: Call, upload: Upload) -> AsyncIterator[None]:
    """Drops an upload for which there is no room: else it would take the room of others."""
    try:
        yield
    except (problems.NoRoom, DiskFull):
        with contextlib.suppress(DiskFull):  # the file has gone, and the record goes with others
            await asyncio.shield(_drop(call, upload))
        raise


async def _drop(call: Call, upload: Upload) -> None:
    call.service.receiver.forget(upload.id)
    await call.service.records(call.service.blobs.cancel, upload.id)


def _size(call: Call, upload: Upload) -> int:
    """How much has come.

    Raises:
        problems.Refused: the upload has gone.
    """
    size = call.service.content.received(upload.id)
    if size is None:
        raise problems.unknown_upload(upload.id)
    return size


def _place(upload: Upload, size: int) -> dict[str, str]:
    """Where the next part goes, and how much there is."""
    return {
        "Location": f"/v2/{upload.repository}/blobs/uploads/{upload.id}",
        "Docker-Upload-UUID": upload.id, "Range": ranges.received(size),
    }  # fmt: skip


def _stored(name: str, digest: str) -> dict[str, str]:
    return {"Location": f"/v2/{name}/blobs/{digest}", "Docker-Content-Digest": digest}
