"""Requests for manifests and indexes, by tag or digest."""

from __future__ import annotations

import functools
import hashlib

from aiohttp import web

from dockyard.oci.image import MAX_DOCUMENT_BYTES
from dockyard.registry.server import documents, names, problems
from dockyard.registry.server.manifests import Fixed, Incomplete, Stored
from dockyard.registry.server.web.bodies import whole
from dockyard.registry.server.web.call import Call


async def read(call: Call) -> web.StreamResponse:
    """The document, byte for byte."""
    call.require("pull")
    reference = _reference(call)
    found = await call.roomy(
        lambda: _find(call, reference), lambda found: len(found.data) if found else 0
    )
    if found is None:
        raise problems.unknown_manifest(reference)
    _check(call, found)
    if call.request.method == "GET":
        await call.record("pull", _tag(reference), found.digest)
    headers = {
        "Docker-Content-Digest": found.digest, "ETag": f'"{found.digest}"',
        "Content-Type": found.media_type,
    }  # fmt: skip
    if call.request.headers.get("If-None-Match") == f'"{found.digest}"':
        return web.Response(status=304, headers=headers)
    return web.Response(body=found.data, headers=headers)


async def _find(call: Call, reference: str) -> Stored | None:
    """What a tag or digest names, here or where this registry has it from."""
    service = call.service
    if service.mirror is not None:
        return await service.mirror.manifest(call.name, reference)
    return await service.records(service.manifests.find, call.name, reference)


def _check(call: Call, found: Stored) -> None:
    """A broken disk is noticed here, and not by whoever runs the image."""
    if _digest(found.data, found.digest) != found.digest:
        call.service.log.error("manifest %s of %s is damaged", found.digest, call.name)
        raise problems.failing()


async def write(call: Call) -> web.StreamResponse:
    """Stores a document under a tag or its digest; all that it needs must be there."""
    call.require("push")
    reference = _reference(call)
    await call.proceed()
    data = await whole(call.request, call.service.rules, MAX_DOCUMENT_BYTES, call.share)
    digest = _digest(data, reference)
    tag = _tag(reference)
    if not tag and digest != reference:
        raise problems.other_digest(reference, digest)
    content_type = call.request.headers.get("Content-Type", "").partition(";")[0].strip()
    parsed = documents.parse(data, content_type, digest)
    service = call.service
    await service.on_disk(parsed.blobs)
    try:
        await service.records(
            service.manifests.put, call.name, parsed, digest, data, tag, service.quota(call.name),
            fixed=_fixed(call),
        )  # fmt: skip
    except Incomplete as error:
        raise problems.missing_parts(error.digests) from None
    await call.record("push", tag, digest)
    headers = {"Location": f"/v2/{call.name}/manifests/{digest}", "Docker-Content-Digest": digest}
    if parsed.subject:
        headers["OCI-Subject"] = parsed.subject
    return web.Response(status=201, headers=headers)


async def remove(call: Call) -> web.StreamResponse:
    """Removes a tag alone, or a manifest with all its tags."""
    call.require("delete")
    reference = _reference(call)
    manifests = call.service.manifests
    removing = manifests.remove if names.is_digest(reference) else manifests.untag
    gone = await call.service.records(removing, call.name, reference, _fixed(call))
    if not gone:
        raise problems.unknown_manifest(reference)
    await call.record("delete", _tag(reference), "" if _tag(reference) else reference)
    return web.Response(status=202)


def _fixed(call: Call) -> Fixed:
    """Which tags may not move; asked within the change, so that no other comes in between."""
    return functools.partial(call.service.rules.is_immutable, call.name)


def _reference(call: Call) -> str:
    """The tag or digest that the path ends with."""
    if ":" in call.item:
        return call.digest()
    if not names.is_tag(call.item):
        raise problems.bad_tag(call.item)
    return call.item


def _tag(reference: str) -> str:
    return "" if names.is_digest(reference) else reference


def _digest(data: bytes, like: str) -> str:
    """The digest by the algorithm of another one, or by the usual one for a tag."""
    algorithm = like.partition(":")[0] if names.is_digest(like) else "sha256"
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"
